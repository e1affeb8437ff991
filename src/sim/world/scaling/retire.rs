//! How a group lets instances go: whom, why, and by which steps.

use std::collections::BTreeMap;

use super::activity::{Begin, Status, to_second};
use super::{Group, Lifecycle, Member};
use crate::model::time::Timestamp;
use crate::sim::world::compute::{SHUTTING_DOWN, State};
use crate::sim::world::{World, balancing};

/// Why an instance leaves its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// There are more than wanted.
    ScaleIn,
    /// A load balancer calls it unhealthy.
    LoadBalancerHealth,
    /// It is not running.
    NotRunning,
    /// A user called it unhealthy.
    UserHealth,
    /// A user asked for its termination.
    UserRequest,
    /// Nobody answered its launch hook.
    HookUnanswered,
    /// Its launch hook was answered with `ABANDON`.
    HookAbandoned,
    /// EC2 ended it before it ran.
    EndedOnLaunch,
    /// The group is deleted by force.
    ForceDelete,
}

/// Marks members unhealthy, and lets those go that are.
pub(super) fn replace_unhealthy(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let checks = !group.is_suspended("HealthCheck") && group.deleting.is_none();
    let found: Vec<(String, Reason)> = group
        .active()
        .filter_map(|member| {
            let fault = if checks { fault(world, group, member, now) } else { None };
            fault.or(member.unhealthy_because).map(|reason| (member.id.clone(), reason))
        })
        .collect();
    let replaces = !group.is_suspended("ReplaceUnhealthy") && !group.is_suspended("Terminate");
    for (id, reason) in found {
        let Some(group) = world.scaling.groups.get_mut(name) else { return };
        if let Some(member) = group.members.get_mut(&id) {
            member.healthy = false;
            member.unhealthy_because = Some(reason);
        }
        if replaces {
            group.replacing += 1;
            begin(world, name, &id, reason);
        }
    }
}

/// What is wrong with a member, if anything is.
fn fault(world: &World, group: &Group, member: &Member, now: Timestamp) -> Option<Reason> {
    let state = world.compute.instances.get(&member.id).map(|instance| instance.state(now));
    if !matches!(state, Some(State::Pending | State::Running)) {
        // An instance that is not running is replaced whatever the grace period.
        return Some(Reason::NotRunning);
    }
    let counts = member.in_service_at.is_some_and(|at| group.grace_period.after(at) <= now);
    let sick = group.health_check_elb
        && counts
        && group.registers_in().any(|arn| balancing::health::is_unhealthy(world, arn, &member.id));
    sick.then_some(Reason::LoadBalancerHealth)
}

/// Lets `count` members go that are not protected.
pub(super) fn scale_in(world: &mut World, name: &str, count: usize) {
    let now = world.now;
    for _ in 0..count {
        let Some(id) = world.scaling.groups.get(name).and_then(|group| choose(group, now)) else { return };
        begin(world, name, &id, Reason::ScaleIn);
    }
}

/// Whom to let go: one in a subnet that the group no longer has; else one in the zone with the most members, and there
/// as the termination policy says. By default that is the oldest template and then whoever is closest to the next billing
/// hour, which is hardly ever one that has just been launched: whether an instance serves already, AWS does not ask.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html>
fn choose(group: &Group, now: Timestamp) -> Option<String> {
    let free: Vec<&Member> = group.active().filter(|member| !member.protected).collect();
    let stray = |member: &&&Member| !group.subnet_ids.contains(&member.subnet_id);
    let in_zone = |zone: &str| group.active().filter(|member| member.zone == zone).count();
    let policy = group.termination_policies.first().map_or("Default", String::as_str);
    let by_policy = |members: Vec<&Member>| {
        let mut members = members;
        members.sort_by(|a, b| {
            let age = a.launched_at.cmp(&b.launched_at);
            let order = match policy {
                "NewestInstance" => age.reverse(),
                "OldestInstance" => age,
                _ => version(a).cmp(&version(b)).then(into_hour(b, now).cmp(&into_hour(a, now))),
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
        members.first().map(|member| member.id.clone())
    };
    let strays: Vec<&Member> = free.iter().filter(stray).copied().collect();
    if !strays.is_empty() {
        return by_policy(strays);
    }
    let most = free.iter().map(|member| in_zone(&member.zone)).max()?;
    let zone = free.iter().map(|member| member.zone.as_str()).filter(|zone| in_zone(zone) == most).min()?.to_owned();
    by_policy(free.into_iter().filter(|member| member.zone == zone).collect())
}

/// How many seconds of its billing hour a member has used.
fn into_hour(member: &Member, now: Timestamp) -> i64 {
    (now.as_second() - member.launched_at.as_second()).rem_euclid(3600)
}

fn version(member: &Member) -> u64 {
    member.template.version.parse().unwrap_or(0)
}

/// A member begins to leave: its targets are deregistered, and an activity tells why. Gives the activity's id.
pub(crate) fn begin(world: &mut World, name: &str, id: &str, reason: Reason) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let Some(member) = group.members.get(id).filter(|member| member.lifecycle.is_active()) else { return };
    let launching = (member.lifecycle != Lifecycle::InService).then(|| member.activity.clone());
    let begin = Begin {
        description: format!("Terminating EC2 instance: {id}"),
        cause: cause(group, id, reason, now),
        details: serde_json::json!({"Subnet ID": member.subnet_id, "Availability Zone": member.zone}).to_string(),
    };
    let target_groups: Vec<String> = group.target_groups.iter().map(|it| it.arn.clone()).collect();
    let activity = world.begin_activity(name, begin);
    let ended = world.scaling.capacity.ends_on_launch.clone();
    if let Some(group) = world.scaling.groups.get_mut(name) {
        if reason == Reason::EndedOnLaunch {
            group.replacing += 1;
        }
        if let Some(launching) = launching {
            group.end_activity(&launching, now, Status::Cancelled, why_not(reason, &launching, ended.as_deref()));
        }
        if let Some(member) = group.members.get_mut(id) {
            member.lifecycle = Lifecycle::Terminating;
            member.waiting.clear();
            member.activity = activity;
            member.until = None;
        }
    }
    for target_group in target_groups {
        balancing::health::deregister(world, &target_group, id, None);
    }
}

/// Why a launch ends before its instance is in service, as AWS puts it; nothing when it is not wanted any more.
fn why_not(reason: Reason, token: &str, ended: Option<&str>) -> Option<String> {
    let why = match reason {
        Reason::HookUnanswered => "Heartbeat Timeout",
        Reason::HookAbandoned => "Lifecycle Action Completed with ABANDON Result",
        Reason::EndedOnLaunch => {
            return Some(format!(
                "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: {}",
                ended.unwrap_or_default()
            ));
        }
        _ => return None,
    };
    Some(format!(
        "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {token} was abandoned: {why}"
    ))
}

/// Why an instance leaves, as AWS puts it.
fn cause(group: &Group, id: &str, reason: Reason, now: Timestamp) -> String {
    let now = to_second(now);
    let why = match reason {
        Reason::ScaleIn => {
            let active = group.active().count();
            let before = group.pending_cause.as_ref().map(|cause| format!("{cause}  ")).unwrap_or_default();
            return format!(
                "{before}At {now} an instance was taken out of service in response to a difference between desired and actual \
                 capacity, shrinking the capacity from {active} to {}.  At {now} instance {id} was selected for termination.",
                active.saturating_sub(1)
            );
        }
        Reason::LoadBalancerHealth => {
            "an instance was taken out of service in response to an ELB system health check failure."
        }
        Reason::NotRunning | Reason::EndedOnLaunch => {
            "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or \
             stopped."
        }
        Reason::UserHealth => "an instance was taken out of service in response to a user health-check.",
        Reason::UserRequest => "an instance was taken out of service in response to a user request.",
        Reason::HookUnanswered | Reason::HookAbandoned => {
            "an instance was taken out of service because its lifecycle action was abandoned."
        }
        Reason::ForceDelete => {
            "an instance was taken out of service in response to a user request to force delete its group."
        }
    };
    format!("At {now} {why}")
}

/// Moves on the members that are leaving: drain, then the hook, then EC2, then gone.
pub(super) fn proceed(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let leaving: Vec<String> =
        group.members.values().filter(|member| member.lifecycle.is_leaving()).map(|member| member.id.clone()).collect();
    for id in leaving {
        // A member may take several steps at one time, each to the next state.
        while step(world, name, &id, now) {}
    }
}

/// Takes one step of a leaving member, if it is time.
fn step(world: &mut World, name: &str, id: &str, now: Timestamp) -> bool {
    let Some(group) = world.scaling.groups.get(name) else { return false };
    let Some(member) = group.members.get(id) else { return false };
    let forced = matches!(group.deleting, Some((_, true)));
    let over = member.until.is_some_and(|until| until <= now);
    match member.lifecycle {
        Lifecycle::Terminating => {
            let dead = world.compute.instances.get(id).is_none_or(|it| it.stopped_at.is_some());
            let drains = group.target_groups.iter().any(|it| balancing::health::holds(world, &it.arn, id));
            if drains && !dead && !forced {
                mark_draining(world, name, id);
                return false;
            }
            let hooks = group.hooks.iter().filter(|(_, hook)| !hook.launching && !forced && !dead);
            let hooks: BTreeMap<String, Timestamp> =
                hooks.map(|(name, hook)| (name.clone(), hook.timeout.after(now))).collect();
            match hooks.values().min().copied() {
                Some(until) => {
                    set(world, name, id, Lifecycle::TerminatingWait, until);
                    if let Some(member) = world.scaling.groups.get_mut(name).and_then(|it| it.members.get_mut(id)) {
                        member.waiting = hooks;
                    }
                }
                None => terminate(world, name, id, now),
            }
            true
        }
        // Whatever the default result is, an instance that goes does go.
        Lifecycle::TerminatingWait if forced || member.waiting.values().all(|until| *until <= now) => {
            terminate(world, name, id, now);
            true
        }
        Lifecycle::TerminatingProceed if over => {
            let activity = member.activity.clone();
            if let Some(group) = world.scaling.groups.get_mut(name) {
                group.end_activity(&activity, now, Status::Successful, None);
                group.members.remove(id);
            }
            false
        }
        _ => false,
    }
}

/// EC2 is told to terminate the member.
fn terminate(world: &mut World, name: &str, id: &str, now: Timestamp) {
    world.terminate_instance(id);
    let stopped_at = world.compute.instances.get(id).and_then(|instance| instance.stopped_at).unwrap_or(now);
    set(world, name, id, Lifecycle::TerminatingProceed, SHUTTING_DOWN.after(stopped_at));
}

fn set(world: &mut World, name: &str, id: &str, lifecycle: Lifecycle, until: Timestamp) {
    if let Some(member) = world.scaling.groups.get_mut(name).and_then(|group| group.members.get_mut(id)) {
        member.lifecycle = lifecycle;
        member.until = Some(until);
    }
}

/// The activity says what it waits for.
fn mark_draining(world: &mut World, name: &str, id: &str) {
    let Some(group) = world.scaling.groups.get_mut(name) else { return };
    let Some(activity) = group.members.get(id).map(|member| member.activity.clone()) else { return };
    group.update_activity(&activity, |activity| {
        activity.status = Status::WaitingForConnectionDraining;
        activity.progress = 50;
    });
}
