//! Targets over time: registered, checked, healthy or not, drained.
//!
//! A target is looked at only when its health may change. While every check gives what the last one gave, the looks are
//! left out: the next one is the first check after the moment the instance's service changes. So a thousand steady
//! targets cost nothing, and the counts are those of a load balancer that checks every interval.

use std::time::Duration;

use super::{Check, LoadBalancer};
use crate::model::time::{Span, Timestamp};
use crate::sim::world::World;
use crate::sim::world::compute::{Instance, SHUTTING_DOWN, Service, State};
use crate::sim::world::scaling;

/// From a registration until the first check.
pub const REGISTRATION: Span = Span::seconds(3);

/// What a target is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// The instance.
    pub id: String,
    /// The port.
    pub port: u16,
}

/// A registered target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its health.
    pub health: Health,
    /// Since when it is registered; later, when registering it took effect.
    pub registered_at: Timestamp,
    /// Passes or failures in a row, against the present verdict.
    streak: u32,
    /// The time of one check; all others are a whole number of intervals away. None while it is not checked.
    beat: Option<Timestamp>,
    /// The next check that may change something.
    next_check: Option<Timestamp>,
    /// When draining ends.
    drained_at: Option<Timestamp>,
}

/// The health of a target.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Being registered.
    Registering,
    /// Not yet checked often enough.
    Checking,
    /// Passing its checks.
    Healthy,
    /// Failing its checks.
    Unhealthy(CheckFailure),
    /// Nothing forwards to its target group.
    NotInUse,
    /// Its zone is not enabled for the load balancer.
    ZoneOff,
    /// The instance is not running.
    InvalidState,
    /// Leaving.
    Draining,
}

/// Why a check fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckFailure {
    /// It answered with this status.
    Code(u16),
    /// It took too long.
    Timeout,
    /// It refused the connection.
    Refused,
}

impl Health {
    /// State, reason and description, as AWS writes them.
    pub fn words(&self) -> (&'static str, Option<&'static str>, Option<String>) {
        let text = |text: &str| Some(text.to_owned());
        match self {
            Health::Registering => {
                ("initial", Some("Elb.RegistrationInProgress"), text("Target registration is in progress"))
            }
            Health::Checking => {
                ("initial", Some("Elb.InitialHealthChecking"), text("Initial health checks in progress"))
            }
            Health::Healthy => ("healthy", None, None),
            Health::Unhealthy(CheckFailure::Code(code)) => (
                "unhealthy",
                Some("Target.ResponseCodeMismatch"),
                Some(format!("Health checks failed with these codes: [{code}]")),
            ),
            Health::Unhealthy(CheckFailure::Timeout) => {
                ("unhealthy", Some("Target.Timeout"), text("Request timed out"))
            }
            Health::Unhealthy(CheckFailure::Refused) => {
                ("unhealthy", Some("Target.FailedHealthChecks"), text("Health checks failed"))
            }
            Health::NotInUse => (
                "unused",
                Some("Target.NotInUse"),
                text("Target group is not configured to receive traffic from the load balancer"),
            ),
            Health::ZoneOff => (
                "unused",
                Some("Target.NotInUse"),
                text("Target is in an Availability Zone that is not enabled for the load balancer"),
            ),
            Health::InvalidState => {
                ("unused", Some("Target.InvalidState"), text("Target is in the stopped or terminated state"))
            }
            Health::Draining => {
                ("draining", Some("Target.DeregistrationInProgress"), text("Target deregistration is in progress"))
            }
        }
    }
}

/// Registers an instance; one that drains comes back. The port is the target group's unless another is given.
pub(crate) fn register(world: &mut World, target_group: &str, id: &str, port: Option<u16>) {
    let now = world.now;
    let Some(group) = world.balancing.target_groups.get_mut(target_group) else { return };
    let key = TargetKey { id: id.to_owned(), port: port.unwrap_or(group.port) };
    if group.targets.get(&key).is_some_and(|target| target.drained_at.is_none()) {
        return;
    }
    let target = Target {
        health: Health::Registering,
        registered_at: now,
        streak: 0,
        beat: None,
        next_check: None,
        drained_at: None,
    };
    group.targets.insert(key.clone(), target);
    look(world, target_group, &key);
}

/// Deregisters an instance: it drains, or goes at once where nothing could be in flight.
pub(crate) fn deregister(world: &mut World, target_group: &str, id: &str, port: Option<u16>) {
    let now = world.now;
    let Some(group) = world.balancing.target_groups.get_mut(target_group) else { return };
    let until = group.deregistration_delay().after(now);
    let keys: Vec<TargetKey> =
        group.targets.keys().filter(|key| key.id == id && port.is_none_or(|port| port == key.port)).cloned().collect();
    for key in &keys {
        if let Some(target) = group.targets.get_mut(key)
            && target.drained_at.is_none()
        {
            let idle = matches!(target.health, Health::NotInUse | Health::ZoneOff | Health::InvalidState);
            target.drained_at = Some(if idle { now } else { until });
            target.health = Health::Draining;
            target.next_check = None;
        }
    }
    for key in keys {
        look(world, target_group, &key);
    }
}

/// Whether an instance is registered in a target group, or still draining from it.
pub(crate) fn holds(world: &World, target_group: &str, id: &str) -> bool {
    targets_of(world, target_group, id).next().is_some()
}

/// Whether an instance is healthy in a target group.
pub(crate) fn is_healthy(world: &World, target_group: &str, id: &str) -> bool {
    targets_of(world, target_group, id).any(|target| target.health == Health::Healthy)
}

/// Whether an instance fails the checks of a target group.
pub(crate) fn is_unhealthy(world: &World, target_group: &str, id: &str) -> bool {
    targets_of(world, target_group, id).any(|target| matches!(target.health, Health::Unhealthy(_)))
}

/// Whether an instance has yet to pass the checks of a target group that checks it.
pub(crate) fn is_awaited(world: &World, target_group: &str, id: &str) -> bool {
    let awaited = |health: &Health| matches!(health, Health::Registering | Health::Checking | Health::Unhealthy(_));
    targets_of(world, target_group, id).any(|target| awaited(&target.health))
}

fn targets_of<'a>(world: &'a World, target_group: &str, id: &str) -> impl Iterator<Item = &'a Target> {
    let first = TargetKey { id: id.to_owned(), port: 0 };
    let last = TargetKey { id: id.to_owned(), port: u16::MAX };
    let group = world.balancing.target_groups.get(target_group);
    group.into_iter().flat_map(move |group| group.targets.range(first.clone()..=last.clone()).map(|(_, target)| target))
}

/// Looks at all targets of a target group, because it, or what forwards to it, changed.
pub(crate) fn look_at_all(world: &mut World, target_group: &str) {
    let Some(group) = world.balancing.target_groups.get(target_group) else { return };
    let keys: Vec<TargetKey> = group.targets.keys().cloned().collect();
    for key in keys {
        look(world, target_group, &key);
    }
}

/// Looks at a target: what has become of it by now, and when to look again.
pub(super) fn look(world: &mut World, target_group: &str, key: &TargetKey) {
    let now = world.now;
    let Some(group) = world.balancing.target_groups.get(target_group) else { return };
    let Some(before) = group.targets.get(key) else { return };
    let instance = world.compute.instances.get(&key.id);
    let user = world.balancing.user_of(target_group);
    let after = judge(before.clone(), &group.check, user, instance, now);
    if after.as_ref() != Some(before) {
        let changed = after.as_ref().is_none_or(|after| after.health != before.health);
        let owner = instance.and_then(|instance| instance.group.clone());
        if let (true, Some(owner)) = (changed, owner) {
            world.wake_group(&owner, scaling::HEALTH_NOTICE);
        }
        if let Some(group) = world.balancing.target_groups.get_mut(target_group) {
            match &after {
                Some(after) => group.targets.insert(key.clone(), after.clone()),
                None => group.targets.remove(key),
            };
        }
    }
    let next = after.and_then(|after| after.drained_at.or(after.next_check));
    if let Some(at) = next {
        world.balancing.agenda.wake((target_group.to_owned(), key.clone()), at);
    }
}

/// What a target has become by `now`; nothing when it is gone.
fn judge(
    mut target: Target,
    check: &Check,
    user: Option<&LoadBalancer>,
    instance: Option<&Instance>,
    now: Timestamp,
) -> Option<Target> {
    if let Some(until) = target.drained_at {
        return (until > now).then_some(target);
    }
    // An instance that is gone for good does not stay in the list for ever.
    let instance = instance.filter(|instance| instance.state(now) != State::Terminated)?;
    let user = match checked_by(user, instance, now) {
        Ok(user) => user,
        Err(health) => {
            target.next_check = instance.stopped_at.map(|at| SHUTTING_DOWN.after(at));
            target.health = health;
            target.beat = None;
            target.streak = 0;
            return Some(target);
        }
    };
    let beat = *target.beat.get_or_insert_with(|| {
        target.health = Health::Registering;
        target.next_check = None;
        REGISTRATION.after(now.max(user.active_at()))
    });
    if target.next_check.is_some_and(|due| due <= now) {
        count(&mut target, check, outcome(check, instance, now));
    }
    let steady = match (&target.health, outcome(check, instance, now)) {
        (Health::Healthy, Ok(())) => target.streak == 0,
        (Health::Unhealthy(shown), Err(failure)) => target.streak == 0 && *shown == failure,
        _ => false,
    };
    target.next_check = if steady {
        // All checks until the service changes give the same.
        instance.next_change(now).map(|change| first_check(beat, check.interval, change))
    } else {
        let soon = now.checked_add(Duration::from_millis(1)).unwrap_or(now);
        Some(first_check(beat, check.interval, soon))
    };
    Some(target)
}

/// The load balancer that checks an instance, or how the target shows when none does.
fn checked_by<'a>(
    user: Option<&'a LoadBalancer>,
    instance: &Instance,
    now: Timestamp,
) -> Result<&'a LoadBalancer, Health> {
    if !matches!(instance.state(now), State::Pending | State::Running) {
        return Err(Health::InvalidState);
    }
    let user = user.ok_or(Health::NotInUse)?;
    if user.zones.contains_key(&instance.zone) { Ok(user) } else { Err(Health::ZoneOff) }
}

/// What one check gives.
fn outcome(check: &Check, instance: &Instance, now: Timestamp) -> Result<(), CheckFailure> {
    let (latency, code) = match instance.service(now) {
        Service::NotListening => return Err(CheckFailure::Refused),
        Service::Ok { latency } => (latency, 200),
        Service::Sick { latency } => (latency, 500),
    };
    match &check.matcher {
        // A check of the connection alone does not wait for an answer.
        None => Ok(()),
        Some(_) if latency >= check.timeout.as_duration() => Err(CheckFailure::Timeout),
        Some(matcher) if !counts_as_well(matcher, code) => Err(CheckFailure::Code(code)),
        Some(_) => Ok(()),
    }
}

/// Whether a status is among those of a matcher such as `200`, `200,204` or `200-299`.
fn counts_as_well(matcher: &str, code: u16) -> bool {
    matcher.split(',').any(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let bound = |text: &str| text.trim().parse::<u16>();
        matches!((bound(low), bound(high)), (Ok(low), Ok(high)) if (low..=high).contains(&code))
    })
}

/// Counts one check. A new target is healthy after *one* pass; a target that was unhealthy needs as many as the threshold says.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>
fn count(target: &mut Target, check: &Check, outcome: Result<(), CheckFailure>) {
    let new = matches!(target.health, Health::Registering | Health::Checking);
    let was_unhealthy = matches!(target.health, Health::Unhealthy(_));
    match outcome {
        Ok(()) if was_unhealthy => {
            target.streak += 1;
            if target.streak >= check.healthy_threshold {
                target.health = Health::Healthy;
                target.streak = 0;
            }
        }
        Ok(()) => {
            target.health = Health::Healthy;
            target.streak = 0;
        }
        Err(failure) if was_unhealthy => {
            target.health = Health::Unhealthy(failure);
            target.streak = 0;
        }
        Err(failure) => {
            target.streak += 1;
            if target.streak >= check.unhealthy_threshold {
                target.health = Health::Unhealthy(failure);
                target.streak = 0;
            } else if new {
                target.health = Health::Checking;
            }
        }
    }
}

/// The first check at or after `from`.
fn first_check(beat: Timestamp, interval: Span, from: Timestamp) -> Timestamp {
    let passed = from.as_nanosecond() - beat.as_nanosecond();
    if passed <= 0 {
        return beat;
    }
    let interval_ns = i128::from(interval.as_seconds().max(1)) * 1_000_000_000;
    // Rounded up; both operands are positive.
    let beats = (passed + interval_ns - 1) / interval_ns;
    Timestamp::from_nanosecond(beat.as_nanosecond() + beats * interval_ns).unwrap_or(Timestamp::MAX)
}
