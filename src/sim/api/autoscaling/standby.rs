//! Instances that somebody puts aside: still of the group, out of its load balancer, and out of its reach.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-enter-exit-standby.html>

use super::{answer, changeable};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::scaling::{Group, Lifecycle, REACTION};
use crate::sim::world::{World, balancing};

/// The most instances of one call.
const IDS_A_CALL: usize = 20;

/// Puts instances into standby. The group launches others in their place unless it is to have fewer from now on.
pub(super) fn enter(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let ids = ids(group, request, Lifecycle::InService)?;
    let fewer: bool = match request.params.parse("ShouldDecrementDesiredCapacity")? {
        Some(fewer) => fewer,
        None => {
            request.params.required("ShouldDecrementDesiredCapacity")?;
            false
        }
    };
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let desired = if fewer { group.desired.saturating_sub(count) } else { group.desired };
    if desired < group.min {
        let (name, min) = (&group.name, group.min);
        return Err(ApiError::validation(format!(
            "AutoScalingGroup {name} has min-size={min}, max-size={}, and desired-size={}. To place into standby {count} \
             instance(s), please update the AutoScalingGroup sizes appropriately.",
            group.max, group.desired
        )));
    }
    let (name, target_groups) = (group.name.clone(), registered_in(group));
    set(world, &name, &ids, Lifecycle::Standby, desired);
    for (arn, id) in pairs(&target_groups, &ids) {
        balancing::health::deregister(world, arn, id, None);
    }
    Ok(answer(request, |_| {}))
}

/// Puts instances back into service; the group is to have as many more from now on.
pub(super) fn exit(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let ids = ids(group, request, Lifecycle::Standby)?;
    let desired = group.desired.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
    if desired > group.max {
        let (name, max) = (&group.name, group.max);
        return Err(ApiError::validation(format!(
            "AutoScalingGroup {name} has min-size={}, max-size={max}, and desired-size={}. To remove from standby {} \
             instance(s), please update the AutoScalingGroup sizes appropriately.",
            group.min,
            group.desired,
            ids.len()
        )));
    }
    let (name, target_groups) = (group.name.clone(), registered_in(group));
    set(world, &name, &ids, Lifecycle::InService, desired);
    for (arn, id) in pairs(&target_groups, &ids) {
        balancing::health::register(world, arn, id, None);
    }
    Ok(answer(request, |_| {}))
}

/// The instances that a request names, all of them of the group and in this state.
fn ids(group: &Group, request: &Request, state: Lifecycle) -> Result<Vec<String>, ApiError> {
    let ids = request.params.values("InstanceIds.member");
    if ids.is_empty() || ids.len() > IDS_A_CALL {
        return Err(ApiError::validation(format!("InstanceIds must have 1 to {IDS_A_CALL} items")));
    }
    let other = ids.iter().find(|id| group.members.get(*id).is_none_or(|member| member.lifecycle != state));
    match other {
        None => Ok(ids),
        Some(id) => {
            Err(ApiError::validation(format!("The instance {id} is not in {} of {}", state.name(), group.name)))
        }
    }
}

fn registered_in(group: &Group) -> Vec<String> {
    group.registers_in().map(str::to_owned).collect()
}

fn pairs<'a>(arns: &'a [String], ids: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
    arns.iter().flat_map(|arn| ids.iter().map(|id| (arn.as_str(), id.as_str())))
}

fn set(world: &mut World, name: &str, ids: &[String], state: Lifecycle, desired: u32) {
    let now = world.now;
    if let Some(group) = world.scaling.groups.get_mut(name) {
        group.desired = desired;
        for id in ids {
            if let Some(member) = group.members.get_mut(id) {
                member.lifecycle = state;
                member.in_service_at = Some(now);
            }
        }
    }
    world.wake_group(name, REACTION);
}
