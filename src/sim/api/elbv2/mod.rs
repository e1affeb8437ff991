//! The operations of Elastic Load Balancing, version 2.
//!
//! - [`load_balancers`], [`target_groups`], [`listeners`], [`rules`]: create, describe, modify, delete
//! - [`actions`]: the actions and conditions of listeners and rules, read and written
//! - [`login`]: the actions that come before another
//! - [`targets`]: register, deregister, health
//! - [`attributes`]: of load balancers and target groups
//! - [`tags`]: of all four
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html>

mod actions;
mod attributes;
pub(super) mod known;
mod listeners;
mod load_balancers;
mod login;
mod rules;
mod tags;
mod target_groups;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::query;
use crate::sim::wire::{ApiError, Params, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, health};

const NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.operation.as_str() {
        "AddTags" => tags::add(world, request),
        "CreateListener" => listeners::create(world, request),
        "CreateLoadBalancer" => load_balancers::create(world, request),
        "CreateRule" => rules::create(world, request),
        "CreateTargetGroup" => target_groups::create(world, request),
        "DeleteListener" => listeners::delete(world, request),
        "DeleteLoadBalancer" => load_balancers::delete(world, request),
        "DeleteRule" => rules::delete(world, request),
        "DeleteTargetGroup" => target_groups::delete(world, request),
        "DeregisterTargets" => targets::deregister(world, request),
        "DescribeListeners" => listeners::describe(world, request),
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer(world, request),
        "DescribeLoadBalancers" => load_balancers::describe(world, request),
        "DescribeRules" => rules::describe(world, request),
        "DescribeTags" => tags::describe(world, request),
        "DescribeTargetGroupAttributes" => attributes::describe_target_group(world, request),
        "DescribeTargetGroups" => target_groups::describe(world, request),
        "DescribeTargetHealth" => targets::describe_health(world, request),
        "ModifyListener" => listeners::modify(world, request),
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer(world, request),
        "ModifyRule" => rules::modify(world, request),
        "ModifyTargetGroup" => target_groups::modify(world, request),
        "ModifyTargetGroupAttributes" => attributes::modify_target_group(world, request),
        "RegisterTargets" => targets::register(world, request),
        "RemoveTags" => tags::remove(world, request),
        "SetIpAddressType" => load_balancers::set_ip_address_type(world, request),
        "SetSecurityGroups" => load_balancers::set_security_groups(world, request),
        "SetSubnets" => load_balancers::set_subnets(world, request),
        "SetRulePriorities" => rules::set_priorities(world, request),
        other => Err(ApiError::new("InvalidAction", format!("Could not find operation {other}"))),
    }
}

fn answer(request: &Request, fill: impl FnOnce(&mut Xml)) -> Reply {
    query::answer(request, NAMESPACE, fill)
}

/// The items of one page, at most 400, and the marker of the next one.
fn page<T>(params: &Params, items: impl Iterator<Item = (String, T)>) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = query::number(params, "PageSize", 400, 1, 400)? as usize;
    let refuse = |marker: &str| ApiError::validation(format!("'{marker}' is not a valid marker"));
    query::page(items, params.get("Marker"), size, refuse)
}

/// Refuses a name that a load balancer or target group cannot have.
fn check_name(name: &str, what: &str) -> Result<(), ApiError> {
    let refuse = |why: &str| Err(ApiError::validation(format!("{what} name '{name}' {why}")));
    if name.is_empty() || name.len() > 32 {
        return refuse("cannot be longer than '32' characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return refuse("can only contain characters that are alphanumeric characters and hyphens(-)");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return refuse("cannot begin or end with a hyphen(-)");
    }
    if name.starts_with("internal-") && what == "Load balancer" {
        return refuse("cannot begin with 'internal-'");
    }
    Ok(())
}

/// Looks again at the targets of the target groups that these action lists name, because the lists changed.
fn actions_changed(world: &mut World, lists: &[&[Action]]) {
    let arns: BTreeSet<&str> = lists.iter().copied().flatten().flat_map(Action::target_groups).collect();
    for arn in arns {
        health::look_at_all(world, arn);
    }
}

/// The sixteen hexadecimal digits at the end of an ARN.
fn fresh_digits(world: &mut World) -> String {
    format!("{:016x}", world.fresh_number())
}

fn load_balancer_not_found(arn: &str) -> ApiError {
    ApiError::new("LoadBalancerNotFound", format!("Load balancer '{arn}' not found"))
}

fn target_group_not_found(arn: &str) -> ApiError {
    ApiError::new("TargetGroupNotFound", format!("Target group '{arn}' not found"))
}

fn listener_not_found() -> ApiError {
    ApiError::new("ListenerNotFound", "One or more listeners not found")
}

fn rule_not_found() -> ApiError {
    ApiError::new("RuleNotFound", "One or more rules not found")
}
