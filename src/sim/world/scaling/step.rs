//! Step scaling: an alarm calls a policy, and how far the metric is beyond the threshold says what becomes of the capacity.
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html>

use super::activity::to_second;
use super::{Group, Lifecycle, REACTION};
use crate::model::time::Span;
use crate::sim::world::World;

/// What a step scaling policy does.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepping {
    /// `ChangeInCapacity`, `PercentChangeInCapacity` or `ExactCapacity`.
    pub adjustment_type: String,
    /// The fewest instances that a percentage adds or removes.
    pub min_magnitude: Option<u32>,
    /// Seconds in which a fresh instance does not count.
    pub warmup: Option<u64>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Where it begins, as a difference from the threshold.
    pub lower: Option<f64>,
    /// Where it ends.
    pub upper: Option<f64>,
    /// Instances or percent.
    pub adjustment: i64,
}

impl Step {
    /// Whether it is taken so far beyond the threshold: above, its beginning belongs to it, and below, its end.
    fn is_at(&self, beyond: f64) -> bool {
        let (lower, upper) = (self.lower.unwrap_or(f64::NEG_INFINITY), self.upper.unwrap_or(f64::INFINITY));
        if beyond >= 0.0 && self.upper.is_none_or(|upper| upper > 0.0) {
            (lower..upper).contains(&beyond)
        } else {
            lower < beyond && beyond <= upper
        }
    }
}

/// Has the policy of this ARN take its step. What fresh instances will do is not known before they are warm: meanwhile the
/// group grows only as far as it would without them, and does not shrink.
pub(in crate::sim::world) fn step(world: &mut World, alarm: &str, policy: &str, beyond: f64) {
    let now = world.now;
    let has = |group: &&Group| group.policies.values().any(|one| one.arn == policy);
    let Some(group) = world.scaling.groups.values().find(has) else { return };
    if group.is_suspended("AlarmNotification") || group.deleting.is_some() {
        return;
    }
    let Some((name, stepping)) =
        group.policies.iter().find_map(|(name, one)| (one.arn == policy).then_some((name, one.stepping.as_ref()?)))
    else {
        return;
    };
    let Some(step) = stepping.steps.iter().find(|step| step.is_at(beyond)) else { return };
    let warmup = Span::seconds(stepping.warmup.or(group.default_instance_warmup).unwrap_or(group.default_cooldown));
    let is_warm = |member: &&super::Member| {
        member.lifecycle == Lifecycle::InService && member.in_service_at.is_some_and(|since| warmup.after(since) <= now)
    };
    let warm = group.active().filter(is_warm).count() as i64;
    let (desired, warming) = (i64::from(group.desired), group.active().count() as i64 - warm);
    let wanted = match capacity(stepping, step, if warming > 0 { warm } else { desired }) {
        more if more > desired => more,
        fewer if warming == 0 => fewer,
        _ => return,
    };
    let wanted = wanted.clamp(i64::from(group.min), i64::from(group.max)) as u32;
    if wanted == group.desired {
        return;
    }
    let cause = format!(
        "At {} a monitor alarm {alarm} in state ALARM triggered policy {name} changing the desired capacity from {} to \
         {wanted}.",
        to_second(now),
        group.desired
    );
    let group = group.name.clone();
    if let Some(group) = world.scaling.groups.get_mut(&group) {
        (group.desired, group.pending_cause) = (wanted, Some(cause));
    }
    world.wake_group(&group, REACTION);
}

/// The capacity after a step from `base`.
fn capacity(stepping: &Stepping, step: &Step, base: i64) -> i64 {
    match stepping.adjustment_type.as_str() {
        "ExactCapacity" => step.adjustment,
        "PercentChangeInCapacity" => {
            let change = base as f64 * step.adjustment as f64 / 100.0;
            // Towards nothing, but never to nothing.
            let whole = if change.abs() < 1.0 { change.signum() } else { change.trunc() };
            let fewest = i64::from(stepping.min_magnitude.unwrap_or(0));
            let whole = if step.adjustment == 0 { 0 } else { whole as i64 };
            base + whole.signum() * whole.abs().max(if whole == 0 { 0 } else { fewest })
        }
        _ => base + step.adjustment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stepping(adjustment_type: &str, min_magnitude: Option<u32>) -> Stepping {
        Stepping { adjustment_type: adjustment_type.to_owned(), min_magnitude, warmup: None, steps: Vec::new() }
    }

    fn at(lower: Option<f64>, upper: Option<f64>, adjustment: i64) -> Step {
        Step { lower, upper, adjustment }
    }

    #[test]
    fn percentages_are_rounded_towards_nothing_but_not_to_nothing() {
        for (base, percent, fewest, after) in [
            (10, 25, None, 12),
            (10, 1, None, 11),
            (10, -1, None, 9),
            (10, -25, None, 8),
            (4, 10, Some(2), 6),
            (4, 0, Some(2), 4),
        ] {
            let stepping = stepping("PercentChangeInCapacity", fewest);
            assert_eq!(capacity(&stepping, &at(None, None, percent), base), after, "{base} {percent}% {fewest:?}");
        }
        assert_eq!(capacity(&stepping("ExactCapacity", None), &at(None, None, 7), 3), 7);
        assert_eq!(capacity(&stepping("ChangeInCapacity", None), &at(None, None, -2), 3), 1);
    }

    #[test]
    fn the_boundary_between_two_steps_belongs_to_the_outer_one() {
        let up = [at(Some(0.0), Some(10.0), 1), at(Some(10.0), None, 2)];
        let down = [at(Some(-10.0), Some(0.0), -1), at(None, Some(-10.0), -2)];
        let taken =
            |steps: &[Step], beyond: f64| steps.iter().find(|step| step.is_at(beyond)).map(|step| step.adjustment);
        for (beyond, adjustment) in [(0.0, 1), (9.9, 1), (10.0, 2), (500.0, 2)] {
            assert_eq!(taken(&up, beyond), Some(adjustment), "{beyond}");
        }
        for (beyond, adjustment) in [(0.0, -1), (-9.9, -1), (-10.0, -2), (-500.0, -2)] {
            assert_eq!(taken(&down, beyond), Some(adjustment), "{beyond}");
        }
    }
}
