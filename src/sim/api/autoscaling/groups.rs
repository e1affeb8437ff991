//! Groups: create, update, delete, and the target groups they are attached to.

use std::collections::VecDeque;

use super::settings::{self, Settings};
use super::{answer, changeable, done, named, no_such_group};
use crate::model::time::Span;
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::activity::to_second;
use crate::sim::world::scaling::retire::{self, Reason};
use crate::sim::world::scaling::{Attachment, AttachmentState, Group, REACTION};

/// AWS's default quota of groups.
const GROUP_LIMIT: usize = 500;

/// The most target groups of a group, and of one call that attaches or detaches.
const TARGET_GROUPS: usize = 50;
const TARGET_GROUPS_A_CALL: usize = 10;

pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let name = check_name(world, params.required("AutoScalingGroupName")?)?.to_owned();
    let given = Settings::read(world, params)?;
    let (Some(min), Some(max)) = (given.min, given.max) else {
        params.required("MinSize")?;
        params.required("MaxSize")?;
        return Err(ApiError::validation("MinSize and MaxSize are required"));
    };
    let desired = given.desired.unwrap_or(min);
    settings::check_sizes(min, max, desired)?;
    let template = given.template.ok_or_else(|| {
        ApiError::validation(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or \
             MixedInstancesPolicy parameter.",
        )
    })?;
    let subnet_ids = given
        .subnet_ids
        .ok_or_else(|| ApiError::validation("At least one Availability Zone or VPC Subnet is required."))?;
    settings::try_template(world, &template, given.mixed.as_ref(), &subnet_ids)?;
    let arns = params.values("TargetGroupARNs.member");
    check_target_groups(world, &arns, TARGET_GROUPS)?;
    let tags = settings::tags(params)?;
    let hooks = settings::hooks(params)?;
    let uuid = world.fresh_uuid();
    let arn = format!(
        "arn:aws:autoscaling:{}:{}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}",
        world.region, world.account
    );
    let now = world.now;
    let group = Group {
        arn,
        template,
        mixed: given.mixed,
        min,
        max,
        desired,
        subnet_ids,
        health_check_elb: given.health_check_elb.unwrap_or(false),
        grace_period: given.grace_period.unwrap_or_default(),
        default_cooldown: given.default_cooldown.unwrap_or(300),
        termination_policies: given.termination_policies.unwrap_or_else(|| vec!["Default".to_owned()]),
        protect_new: given.protect_new.unwrap_or(false),
        max_instance_lifetime: given.max_instance_lifetime.unwrap_or(0),
        default_instance_warmup: given.default_instance_warmup.flatten(),
        maintenance: given.maintenance.flatten(),
        policies: Default::default(),
        scheduled: Default::default(),
        deletion_protection: given.deletion_protection.unwrap_or_else(|| "none".to_owned()),
        hooks,
        warm_pool: None,
        tags,
        suspended: Default::default(),
        // A target group that is named at creation counts as in service at once.
        target_groups: arns.into_iter().map(|arn| Attachment { arn, state: AttachmentState::InService }).collect(),
        members: Default::default(),
        created_at: now,
        deleting: None,
        activities: VecDeque::new(),
        pending_cause: Some(format!(
            "At {} a user request created an AutoScalingGroup changing the desired capacity from 0 to {desired}.",
            to_second(now)
        )),
        replacing: 0,
        failing: None,
        name: name.clone(),
    };
    world.scaling.groups.insert(name.as_str(), group);
    world.wake_group(&name, REACTION);
    Ok(done(request))
}

/// The name of a new group, if it may be used.
fn check_name<'a>(world: &World, name: &'a str) -> Result<&'a str, ApiError> {
    if !(1..=255).contains(&name.chars().count()) || name.contains(':') {
        return Err(ApiError::validation(format!(
            "1 validation error detected: Value '{name}' at 'autoScalingGroupName' failed to satisfy constraint: \
             Member must have 1 to 255 characters and no colon"
        )));
    }
    if let Some(group) = world.scaling.groups.get(name) {
        let pending = if group.deleting.is_some() { " and is pending delete" } else { "" };
        return Err(ApiError::new(
            "AlreadyExists",
            format!(
                "AutoScalingGroup by this name already exists - A group with the name {name} already exists{pending}"
            ),
        ));
    }
    let limit = match world.scaling.group_limit {
        0 => GROUP_LIMIT,
        limit => limit,
    };
    if world.scaling.groups.len() >= limit {
        return Err(ApiError::new(
            "LimitExceeded",
            format!("You have reached your limit of {limit} AutoScalingGroups."),
        ));
    }
    Ok(name)
}

pub(super) fn update(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let given = Settings::read(world, &request.params)?;
    let min = given.min.unwrap_or(group.min);
    let max = given.max.unwrap_or(group.max);
    // Without a wanted number of its own, an update moves the present one within the new bounds.
    let desired = given.desired.unwrap_or(group.desired.clamp(min.min(max), max));
    settings::check_sizes(min, max, desired)?;
    let subnet_ids = given.subnet_ids.as_ref().unwrap_or(&group.subnet_ids);
    if let Some(template) = &given.template {
        settings::try_template(world, template, given.mixed.as_ref(), subnet_ids)?;
    }
    let (name, now, before) = (group.name.clone(), to_second(world.now), group.desired);
    let Some(group) = world.scaling.groups.get_mut(&name) else { return Err(no_such_group(&name)) };
    (group.min, group.max, group.desired) = (min, max, desired);
    if desired != before {
        group.pending_cause = Some(format!(
            "At {now} a user request update of AutoScalingGroup constraints to min: {min}, max: {max}, desired: {desired} \
             changing the desired capacity from {before} to {desired}."
        ));
    }
    // A template or a policy takes the place of whichever there was.
    if let Some(template) = given.template {
        group.template = template;
        group.mixed = given.mixed;
    }
    group.subnet_ids = given.subnet_ids.unwrap_or_else(|| group.subnet_ids.clone());
    group.health_check_elb = given.health_check_elb.unwrap_or(group.health_check_elb);
    group.grace_period = given.grace_period.unwrap_or(group.grace_period);
    group.default_cooldown = given.default_cooldown.unwrap_or(group.default_cooldown);
    group.protect_new = given.protect_new.unwrap_or(group.protect_new);
    group.max_instance_lifetime = given.max_instance_lifetime.unwrap_or(group.max_instance_lifetime);
    group.default_instance_warmup = given.default_instance_warmup.unwrap_or(group.default_instance_warmup);
    group.maintenance = given.maintenance.unwrap_or(group.maintenance);
    if let Some(policies) = given.termination_policies {
        group.termination_policies = policies;
    }
    if let Some(protection) = given.deletion_protection {
        group.deletion_protection = protection;
    }
    try_again_soon(world, &name);
    Ok(done(request))
}

pub(super) fn set_desired_capacity(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    request.params.required("DesiredCapacity")?;
    let desired = Settings::read(world, &request.params)?.desired.unwrap_or(group.desired);
    for (refused, which, bound) in
        [(desired < group.min, "below min", group.min), (desired > group.max, "above max", group.max)]
    {
        if refused {
            return Err(ApiError::validation(format!(
                "New SetDesiredCapacity value {desired} is {which} value {bound} for the AutoScalingGroup."
            )));
        }
    }
    let (name, now) = (group.name.clone(), to_second(world.now));
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        if desired != group.desired {
            group.pending_cause = Some(format!(
                "At {now} a user request explicitly set group desired capacity changing the desired capacity from {} to \
                 {desired}.",
                group.desired
            ));
        }
        group.desired = desired;
    }
    try_again_soon(world, &name);
    Ok(done(request))
}

/// A change by a user is acted on at once, even while launches wait after failures.
fn try_again_soon(world: &mut World, name: &str) {
    let now = world.now;
    if let Some(failing) = world.scaling.groups.get_mut(name).and_then(|group| group.failing.as_mut()) {
        failing.retry_at = now;
    }
    world.wake_group(name, REACTION);
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = named(world, request)?;
    let force = request.params.parse("ForceDelete")?.unwrap_or(false);
    let protection = group.deletion_protection.as_str();
    if protection == "prevent-all-deletion" || (force && protection == "prevent-force-deletion") {
        return Err(ApiError::new(
            "ResourceInUse",
            format!(
                "The Auto Scaling group {} cannot be deleted: its deletion protection is {protection}.",
                group.name
            ),
        ));
    }
    if !force && group.warm_pool.is_some() {
        let words = "You cannot delete an AutoScalingGroup while it has a warm pool. Delete the warm pool first.";
        return Err(ApiError::new("ResourceInUse", words));
    }
    if !force && group.members.values().any(|member| !member.lifecycle.is_leaving()) {
        let words = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.";
        return Err(ApiError::new("ResourceInUse", words));
    }
    if !force && !group.members.is_empty() {
        let words =
            "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.";
        return Err(ApiError::new("ScalingActivityInProgress", words));
    }
    let name = group.name.clone();
    let active: Vec<String> = group.active().map(|member| member.id.clone()).collect();
    let since = group.deleting.map_or(world.now, |(since, _)| since);
    for id in active {
        retire::begin(world, &name, &id, Reason::ForceDelete);
    }
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        group.deleting = Some((since, force));
        group.desired = 0;
        group.min = 0;
    }
    world.wake_group(&name, Span::seconds(1));
    Ok(done(request))
}

pub(super) fn attach(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let name = changeable(world, request)?.name.clone();
    let arns = target_groups_of(&request.params)?;
    check_target_groups(world, &arns, TARGET_GROUPS_A_CALL)?;
    let attached = named(world, request)?.target_groups.iter().filter(|it| !arns.contains(&it.arn)).count();
    if attached + arns.len() > TARGET_GROUPS {
        let words = format!("You have reached your limit of {TARGET_GROUPS} target groups per group.");
        return Err(ApiError::new("LimitExceeded", words));
    }
    for arn in arns {
        world.attach(&name, &arn);
    }
    Ok(answer(request, |_| {}))
}

pub(super) fn detach(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let arns = target_groups_of(&request.params)?;
    if let Some(arn) = arns.iter().find(|arn| !group.target_groups.iter().any(|it| it.arn == **arn)) {
        return Err(ApiError::validation(format!(
            "Trying to remove Target Groups that are not part of the group: {arn}"
        )));
    }
    let name = group.name.clone();
    for arn in arns {
        world.detach(&name, &arn);
    }
    Ok(answer(request, |_| {}))
}

fn target_groups_of(params: &Params) -> Result<Vec<String>, ApiError> {
    let arns = params.values("TargetGroupARNs.member");
    match arns.len() {
        1..=TARGET_GROUPS_A_CALL => Ok(arns),
        _ => Err(ApiError::validation(format!("TargetGroupARNs must have 1 to {TARGET_GROUPS_A_CALL} items"))),
    }
}

fn check_target_groups(world: &World, arns: &[String], limit: usize) -> Result<(), ApiError> {
    if arns.len() > limit {
        return Err(ApiError::validation(format!("TargetGroupARNs may have at most {limit} items")));
    }
    if arns.iter().any(|arn| !world.balancing.target_groups.contains_key(arn)) {
        return Err(ApiError::validation(
            "Provided Target Groups may not be valid. Please ensure they exist and try again.",
        ));
    }
    Ok(())
}
