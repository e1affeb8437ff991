//! Instances of groups: terminate, health, protection, and the answer to a lifecycle hook.

use super::{activities, answer, changeable, done};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::retire::{self, Reason};
use crate::sim::world::scaling::{Group, Lifecycle, Member, REACTION};

/// The most instances of one call that sets their protection.
const IDS_A_CALL: usize = 50;

/// The member of any group that a request names, with its group.
fn member<'a>(world: &'a World, request: &Request) -> Result<(&'a Group, &'a Member), ApiError> {
    let id = request.params.required("InstanceId")?;
    let group = world.compute.instances.get(id).and_then(|instance| instance.group.as_deref());
    let found = group.and_then(|name| world.scaling.groups.get(name));
    found.and_then(|group| Some((group, group.members.get(id)?))).ok_or_else(|| {
        ApiError::validation(format!("Instance Id not found - No managed instance found for instance ID: {id}"))
    })
}

pub(super) fn terminate(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let (group, member) = member(world, request)?;
    let decrement: bool = match request.params.parse("ShouldDecrementDesiredCapacity")? {
        Some(decrement) => decrement,
        None => {
            request.params.required("ShouldDecrementDesiredCapacity")?;
            false
        }
    };
    if decrement && group.desired <= group.min {
        return Err(ApiError::validation(format!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min \
             size constraint.",
            group.min
        )));
    }
    if !member.lifecycle.is_active() {
        let words = format!("The instance {} is already being terminated", member.id);
        return Err(ApiError::new("ScalingActivityInProgress", words));
    }
    let (name, id) = (group.name.clone(), member.id.clone());
    retire::begin(world, &name, &id, Reason::UserRequest);
    if decrement && let Some(group) = world.scaling.groups.get_mut(&name) {
        group.desired -= 1;
    }
    world.wake_group(&name, REACTION);
    let activity = world.scaling.groups.get(&name).and_then(|group| group.activities.front().cloned());
    Ok(answer(request, |xml| {
        if let Some(activity) = activity {
            xml.within("Activity", |xml| activities::write(xml, &activity));
        }
    }))
}

pub(super) fn set_health(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let (group, found) = member(world, request)?;
    let healthy = match request.params.required("HealthStatus")? {
        "Healthy" => true,
        "Unhealthy" => false,
        other => {
            return Err(ApiError::validation(format!("Invalid health status: {other}. Use Healthy or Unhealthy")));
        }
    };
    let respects = request.params.parse("ShouldRespectGracePeriod")?.unwrap_or(true);
    let fresh = found.in_service_at.is_none_or(|at| group.grace_period.after(at) > world.now);
    let (name, id) = (group.name.clone(), found.id.clone());
    if !healthy && respects && fresh {
        return Ok(done(request));
    }
    if let Some(member) = world.scaling.groups.get_mut(&name).and_then(|group| group.members.get_mut(&id)) {
        member.healthy = healthy;
        member.unhealthy_because = (!healthy).then_some(Reason::UserHealth);
    }
    world.wake_group(&name, REACTION);
    Ok(done(request))
}

pub(super) fn set_protection(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let ids = request.params.values("InstanceIds.member");
    let protected = match request.params.parse("ProtectedFromScaleIn")? {
        Some(protected) => protected,
        None => {
            request.params.required("ProtectedFromScaleIn")?;
            false
        }
    };
    if ids.len() > IDS_A_CALL {
        return Err(ApiError::new(
            "LimitExceeded",
            format!("At most {IDS_A_CALL} instance IDs are allowed in one call"),
        ));
    }
    if let Some(id) = ids.iter().find(|id| !group.members.contains_key(*id)) {
        let name = &group.name;
        return Err(ApiError::validation(format!("The instance {id} is not part of Auto Scaling group {name}.")));
    }
    let settled = |id: &String| {
        let lifecycle = group.members.get(id).map(|member| member.lifecycle);
        matches!(lifecycle, Some(Lifecycle::InService | Lifecycle::Standby))
    };
    if let Some(id) = ids.iter().find(|id| !settled(id)) {
        let words = format!("The instance {id} is not in InService or EnteringStandby or Standby.");
        return Err(ApiError::validation(words));
    }
    let name = group.name.clone();
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        for id in ids {
            if let Some(member) = group.members.get_mut(&id) {
                member.protected = protected;
            }
        }
    }
    world.wake_group(&name, REACTION);
    Ok(answer(request, |_| {}))
}

pub(super) fn complete_lifecycle_action(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let id = request.params.required("InstanceId")?;
    let hook = request.params.required("LifecycleHookName")?;
    let go_on = match request.params.required("LifecycleActionResult")? {
        "CONTINUE" => true,
        "ABANDON" => false,
        other => return Err(ApiError::validation(format!("Invalid lifecycle action result: {other}"))),
    };
    let held = group.members.get(id).filter(|member| member.waiting.contains_key(hook)).map(|member| member.lifecycle);
    if held.is_none() {
        return Err(ApiError::validation(format!("No active Lifecycle Action found with instance ID {id}")));
    }
    let (name, id, hook) = (group.name.clone(), id.to_owned(), hook.to_owned());
    if held == Some(Lifecycle::PendingWait) && !go_on {
        retire::begin(world, &name, &id, Reason::HookAbandoned);
    } else if let Some(member) = world.scaling.groups.get_mut(&name).and_then(|group| group.members.get_mut(&id)) {
        // One that goes and is abandoned waits for no other hook, either.
        if go_on { member.release(&hook) } else { member.waiting.clear() }
    }
    world.wake_group(&name, REACTION);
    Ok(answer(request, |_| {}))
}
