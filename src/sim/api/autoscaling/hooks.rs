//! Lifecycle hooks of groups that exist.

use super::{answer, changeable, named, settings};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::retire::{self, Reason};
use crate::sim::world::scaling::{Hook, Lifecycle, REACTION};

/// The most hooks of a group.
const MAX_HOOKS: usize = 50;

/// Puts a hook: a new one needs its transition, and of an old one what is not given stays.
pub(super) fn put(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let params = &request.params;
    let name = params.required("LifecycleHookName")?;
    settings::check_hook_name(name)?;
    let old = group.hooks.get(name);
    if old.is_none() && params.get("LifecycleTransition").is_none() {
        return Err(ApiError::validation("A lifecycle transition must be specified for a new lifecycle hook."));
    }
    if old.is_none() && group.hooks.len() >= MAX_HOOKS {
        return Err(ApiError::new("LimitExceeded", "You have reached your limit of 50 lifecycle hooks per group."));
    }
    let hook = settings::hook_on_top(params, old)?;
    let (group, name) = (group.name.clone(), name.to_owned());
    if let Some(group) = world.scaling.groups.get_mut(&group) {
        group.hooks.insert(name, hook);
    }
    Ok(answer(request, |_| {}))
}

/// Deletes a hook. Instances that it holds are abandoned if they come, and go on if they go.
pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let name = request.params.required("LifecycleHookName")?.to_owned();
    if !group.hooks.contains_key(&name) {
        return Err(ApiError::validation(format!("Lifecycle Hook '{name}' was not found for group '{}'.", group.name)));
    }
    let held: Vec<(String, Lifecycle)> = group
        .members
        .values()
        .filter(|member| member.waiting.contains_key(&name))
        .map(|member| (member.id.clone(), member.lifecycle))
        .collect();
    let group = group.name.clone();
    for (id, lifecycle) in held {
        if lifecycle == Lifecycle::PendingWait {
            retire::begin(world, &group, &id, Reason::HookAbandoned);
        } else if let Some(member) = world.scaling.groups.get_mut(&group).and_then(|it| it.members.get_mut(&id)) {
            member.release(&name);
        }
    }
    if let Some(group) = world.scaling.groups.get_mut(&group) {
        group.hooks.remove(&name);
    }
    world.wake_group(&group, REACTION);
    Ok(answer(request, |_| {}))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let group = named(world, request)?;
    let wanted = request.params.values("LifecycleHookNames.member");
    let found: Vec<(&String, &Hook)> =
        group.hooks.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)).collect();
    Ok(answer(request, |xml| {
        xml.list("LifecycleHooks", "member", found, |xml, (name, hook)| {
            xml.leaf("LifecycleHookName", name).leaf("AutoScalingGroupName", &group.name);
            let transition = if hook.launching { "LAUNCHING" } else { "TERMINATING" };
            xml.leaf("LifecycleTransition", format!("autoscaling:EC2_INSTANCE_{transition}"));
            xml.optional("NotificationTargetARN", hook.notification_target_arn.as_ref());
            xml.optional("RoleARN", hook.role_arn.as_ref());
            xml.leaf("HeartbeatTimeout", hook.timeout.as_seconds());
            xml.leaf("GlobalTimeout", (hook.timeout.as_seconds() * 100).min(172_800));
            xml.leaf("DefaultResult", if hook.continue_by_default { "CONTINUE" } else { "ABANDON" });
        });
    }))
}
