//! The operations of Auto Scaling.
//!
//! - [`groups`]: create, update, delete
//! - [`settings`]: what create and update read from a request, checked
//! - [`describe`]: groups, instances and attached target groups
//! - [`activities`]: what groups did
//! - [`tags`]: of groups
//! - [`members`]: instances of groups
//! - [`hooks`], [`policies`], [`scheduled`]: what a group does by itself
//! - [`processes`]: suspend and resume
//! - [`standby`]: instances that somebody puts aside; [`warm_pool`]: instances that are kept ready
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/Welcome.html>

mod activities;
mod describe;
mod groups;
mod hooks;
pub(super) mod known;
mod members;
mod policies;
mod processes;
mod scheduled;
mod settings;
mod standby;
mod tags;
#[cfg(test)]
mod tests;
mod warm_pool;

use super::query;
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::scaling::Group;

const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.operation.as_str() {
        "AttachLoadBalancerTargetGroups" => groups::attach(world, request),
        "CompleteLifecycleAction" => members::complete_lifecycle_action(world, request),
        "CreateAutoScalingGroup" => groups::create(world, request),
        "CreateOrUpdateTags" => tags::write(world, request),
        "DeleteLifecycleHook" => hooks::delete(world, request),
        "DeletePolicy" => policies::delete(world, request),
        "DeleteScheduledAction" => scheduled::delete(world, request),
        "DescribeLifecycleHooks" => hooks::describe(world, request),
        "DescribePolicies" => policies::describe(world, request),
        "DescribeScheduledActions" => scheduled::describe(world, request),
        "PutLifecycleHook" => hooks::put(world, request),
        "PutScalingPolicy" => policies::put(world, request),
        "PutScheduledUpdateGroupAction" => scheduled::put(world, request),
        "DeleteWarmPool" => warm_pool::delete(world, request),
        "DescribeWarmPool" => warm_pool::describe(world, request),
        "EnterStandby" => standby::enter(world, request),
        "ExitStandby" => standby::exit(world, request),
        "PutWarmPool" => warm_pool::put(world, request),
        "DeleteAutoScalingGroup" => groups::delete(world, request),
        "DeleteTags" => tags::delete(world, request),
        "DescribeAutoScalingGroups" => describe::groups(world, request),
        "DescribeAutoScalingInstances" => describe::instances(world, request),
        "DescribeLoadBalancerTargetGroups" => describe::target_groups(world, request),
        "DescribeScalingActivities" => activities::describe(world, request),
        "DescribeTags" => tags::describe(world, request),
        "DetachLoadBalancerTargetGroups" => groups::detach(world, request),
        "ResumeProcesses" => processes::resume(world, request),
        "SetDesiredCapacity" => groups::set_desired_capacity(world, request),
        "SetInstanceHealth" => members::set_health(world, request),
        "SetInstanceProtection" => members::set_protection(world, request),
        "SuspendProcesses" => processes::suspend(world, request),
        "TerminateInstanceInAutoScalingGroup" => members::terminate(world, request),
        "UpdateAutoScalingGroup" => groups::update(world, request),
        other => Err(ApiError::new("InvalidAction", format!("Could not find operation {other}"))),
    }
}

fn answer(request: &Request, fill: impl FnOnce(&mut Xml)) -> Reply {
    query::answer(request, NAMESPACE, fill)
}

fn done(request: &Request) -> Reply {
    query::done(request, NAMESPACE)
}

/// The group that a request names.
fn named<'a>(world: &'a World, request: &Request) -> Result<&'a Group, ApiError> {
    let name = request.params.required("AutoScalingGroupName")?;
    world.scaling.groups.get(name).ok_or_else(|| no_such_group(name))
}

/// The group that a request names, if it is not being deleted.
fn changeable<'a>(world: &'a World, request: &Request) -> Result<&'a Group, ApiError> {
    let group = named(world, request)?;
    match group.deleting {
        None => Ok(group),
        Some(_) => Err(ApiError::validation(format!("AutoScalingGroup {} is pending delete", group.name))),
    }
}

fn no_such_group(name: &str) -> ApiError {
    ApiError::validation(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found"))
}

fn invalid_token(token: &str) -> ApiError {
    ApiError::new("InvalidNextToken", format!("The token '{token}' is invalid."))
}
