//! Scaling policies; and scheduled actions, which change a group's sizes when their time comes.

use super::activity::to_second;
use super::step::Stepping;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;
use crate::sim::world::World;

/// A scaling policy. Only step scaling does anything; what target tracking would do, a test does.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its ARN.
    pub arn: String,
    /// `TargetTrackingScaling`, `StepScaling` or `SimpleScaling`.
    pub policy_type: String,
    /// For target tracking.
    pub tracking: Option<Tracking>,
    /// For step scaling.
    pub stepping: Option<Stepping>,
    /// For simple scaling: how many instances it adds, and how that is meant.
    pub adjustment: Option<(String, i64)>,
}

/// What a target tracking policy tracks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracking {
    /// The predefined metric.
    pub metric: String,
    /// The target group whose requests are counted.
    pub resource_label: Option<String>,
    /// The value.
    pub target: f64,
    /// Whether it only adds instances.
    pub disable_scale_in: bool,
}

/// A scheduled action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Its ARN.
    pub arn: String,
    /// When it comes again; none for once.
    pub recurrence: Option<Schedule>,
    /// When it comes next.
    pub next: Timestamp,
    /// The fewest instances from then on.
    pub min: Option<u32>,
    /// The most instances from then on.
    pub max: Option<u32>,
    /// The wanted number then.
    pub desired: Option<u32>,
}

/// Carries out the scheduled actions whose time has come. One whose sizes do not fit the group fails without a trace.
pub(super) fn carry_out(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let due: Vec<(String, Scheduled)> = group
        .scheduled
        .iter()
        .filter(|(_, one)| one.next <= now)
        .map(|(name, one)| (name.clone(), one.clone()))
        .collect();
    let suspended = group.is_suspended("ScheduledActions") || group.deleting.is_some();
    for (action, scheduled) in due {
        let Some(group) = world.scaling.groups.get_mut(name) else { return };
        match scheduled.recurrence.as_ref().and_then(|recurrence| recurrence.next(now)) {
            Some(next) => {
                if let Some(one) = group.scheduled.get_mut(&action) {
                    one.next = next;
                }
            }
            None => {
                group.scheduled.remove(&action);
            }
        }
        let (min, max) = (scheduled.min.unwrap_or(group.min), scheduled.max.unwrap_or(group.max));
        let desired = scheduled.desired.unwrap_or(group.desired.clamp(min.min(max), max));
        if suspended || min > max || !(min..=max).contains(&desired) {
            continue;
        }
        if desired != group.desired {
            group.pending_cause = Some(format!(
                "At {} scheduled action {action} executed changing the desired capacity from {} to {desired}.",
                to_second(now),
                group.desired
            ));
        }
        (group.min, group.max, group.desired) = (min, max, desired);
    }
}
