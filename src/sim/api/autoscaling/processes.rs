//! Suspending and resuming what a group does by itself.

use super::{changeable, done};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::REACTION;
use crate::sim::world::scaling::activity::to_second;

/// The processes of a group.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
const PROCESSES: [&str; 9] = [
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
];

/// The processes that a request names; all of them when it names none.
fn processes(request: &Request) -> Result<Vec<String>, ApiError> {
    let given = request.params.values("ScalingProcesses.member");
    if let Some(unknown) = given.iter().find(|process| !PROCESSES.contains(&process.as_str())) {
        return Err(ApiError::validation(format!("Process type {unknown} is not valid")));
    }
    Ok(if given.is_empty() { PROCESSES.map(str::to_owned).to_vec() } else { given })
}

pub(super) fn suspend(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let name = changeable(world, request)?.name.clone();
    let (processes, now) = (processes(request)?, to_second(world.now));
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        group.suspended.extend(processes.into_iter().map(|it| (it, format!("User suspended at {now}"))));
    }
    Ok(done(request))
}

pub(super) fn resume(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let name = changeable(world, request)?.name.clone();
    let processes = processes(request)?;
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        group.suspended.retain(|process, _| !processes.contains(process));
        if !group.is_suspended("Launch") {
            // Launches begin anew, also after AWS itself had suspended them.
            group.failing = None;
        }
    }
    world.wake_group(&name, REACTION);
    Ok(done(request))
}
