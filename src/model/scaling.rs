//! How a group scales by itself, and what is done when its instances come and go.

use std::fmt;

use serde::Serialize;

use super::schedule::Schedule;
use super::time::Span;

/// A lifecycle hook: it holds an instance at one of its transitions until somebody answers, or the time is over.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html>
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// Its name, unique in the group.
    pub name: String,
    /// Whether it holds instances that come; else those that go.
    pub launching: bool,
    /// Seconds that an instance waits, 30 to 7200.
    pub timeout: u64,
    /// Whether an instance goes on when nobody answered; else it is abandoned.
    pub continue_by_default: bool,
    /// The role that sends the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Where it is sent: an SNS topic or an SQS queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_target_arn: Option<String>,
}

/// The names of our hooks begin so; a hook of any other name is somebody else's.
const HOOKS: &str = "amiable-";

impl Hook {
    /// The name in AWS of the hook that a manifest calls so.
    pub fn name_of(given: &str) -> String {
        format!("{HOOKS}{given}")
    }

    /// Whether a hook of this name is ours.
    pub fn is_ours(name: &str) -> bool {
        name.starts_with(HOOKS)
    }
}

impl fmt::Display for Hook {
    /// `amiable-warm-up launching, 5m, else abandon`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transition = if self.launching { "launching" } else { "terminating" };
        let default = if self.continue_by_default { "continue" } else { "abandon" };
        write!(out, "{} {transition}, {}, else {default}", self.name, Span::seconds(self.timeout))?;
        if let Some(target) = &self.notification_target_arn {
            write!(out, ", tells {target}")?;
        }
        match &self.role_arn {
            Some(role) => write!(out, " as {role}"),
            None => Ok(()),
        }
    }
}

/// How far the healthy part of a group may differ from the wanted number while instances are replaced.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html>
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// Percent, 0 to 100.
    pub min_healthy_percentage: u32,
    /// Percent, 100 to 200.
    pub max_healthy_percentage: u32,
}

impl fmt::Display for Maintenance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}% to {}%", self.min_healthy_percentage, self.max_healthy_percentage)
    }
}

/// A scaling policy of a group.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// Its name, unique in the group.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: PolicyKind,
}

/// What a scaling policy does.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PolicyKind {
    /// It keeps a metric near a value.
    TargetTracking {
        /// The predefined metric, as AWS names it.
        metric: String,
        /// Which target group is meant, for `ALBRequestCountPerTarget`.
        #[serde(skip_serializing_if = "Option::is_none")]
        resource_label: Option<String>,
        /// The value.
        target: f64,
        /// Whether it only adds instances.
        disable_scale_in: bool,
    },
    /// It adds or removes the more instances, the further a metric is beyond the threshold of an alarm.
    Step {
        /// What the numbers of its steps mean: `ChangeInCapacity`, `PercentChangeInCapacity` or `ExactCapacity`.
        adjustment_type: String,
        /// The fewest instances that a percentage adds or removes.
        #[serde(skip_serializing_if = "Option::is_none")]
        min_magnitude: Option<u32>,
        /// Seconds in which a fresh instance does not count, if that is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        warmup: Option<u64>,
        /// Its steps, from the lowest on.
        steps: Vec<PolicyStep>,
    },
    /// Anything that Amiable does not make, by its type in AWS.
    Other {
        /// `SimpleScaling`, `PredictiveScaling`, or target tracking of a metric of somebody's own.
        policy_type: String,
    },
}

/// One step of a policy: what is done while the metric is so far from the threshold.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html>
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStep {
    /// Where it begins, as a difference from the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<f64>,
    /// Where it ends, as a difference from the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper_bound: Option<f64>,
    /// Instances or percent.
    pub adjustment: i32,
}

impl PolicyStep {
    /// Puts steps in order, from the lowest on.
    pub fn sort(steps: &mut [PolicyStep]) {
        let begin = |step: &PolicyStep| step.lower_bound.unwrap_or(f64::NEG_INFINITY);
        steps.sort_by(|one, other| begin(one).total_cmp(&begin(other)));
    }
}

/// A scaling policy that a group has.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupPolicy {
    /// Its ARN, which an alarm calls.
    pub arn: String,
    /// What it is.
    pub policy: ScalingPolicy,
}

impl ScalingPolicy {
    /// The name of the policy of a group that tracks a metric.
    pub fn tracking(group: &str, metric: &str) -> String {
        format!("{group}-tt-{metric}")
    }

    /// The name of the policy of a group that a manifest calls so, and of the alarm that calls it.
    pub fn stepping(group: &str, given: &str) -> String {
        format!("{group}-step-{given}")
    }

    /// Whether a policy of this name, on this group, is ours.
    pub fn is_ours(group: &str, name: &str) -> bool {
        name.strip_prefix(group).is_some_and(|rest| rest.starts_with("-tt-") || rest.starts_with("-step-"))
    }

    /// Whether it waits for an alarm to call it.
    pub fn is_stepping(&self) -> bool {
        matches!(self.kind, PolicyKind::Step { .. })
    }
}

impl fmt::Display for ScalingPolicy {
    /// `ASGAverageCPUUtilization at 60`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PolicyKind::TargetTracking { metric, resource_label, target, disable_scale_in } => {
                write!(out, "{metric} at {target}")?;
                if let Some(label) = resource_label {
                    write!(out, " of {label}")?;
                }
                out.write_str(if *disable_scale_in { ", never in" } else { "" })
            }
            PolicyKind::Step { adjustment_type, min_magnitude, warmup, steps } => {
                let (unit, sign) = match adjustment_type.as_str() {
                    "PercentChangeInCapacity" => ("%", true),
                    "ExactCapacity" => (" instances", false),
                    _ => ("", true),
                };
                let number = |step: &PolicyStep| match sign {
                    true => format!("{:+}{unit}", step.adjustment),
                    false => format!("{}{unit}", step.adjustment),
                };
                let steps: Vec<String> = steps.iter().map(|step| format!("{}{}", number(step), range(step))).collect();
                out.write_str(&steps.join(", "))?;
                if let Some(fewest) = min_magnitude {
                    write!(out, ", {fewest} at least")?;
                }
                match warmup {
                    Some(seconds) => write!(out, ", warm-up {}", Span::seconds(*seconds)),
                    None => Ok(()),
                }
            }
            PolicyKind::Other { policy_type } => out.write_str(policy_type),
        }
    }
}

/// ` from +0 to +15`, as differences from the threshold.
fn range(step: &PolicyStep) -> String {
    let bound = |word: &str, bound: Option<f64>| bound.map(|bound| format!(" {word} {bound:+}")).unwrap_or_default();
    bound("from", step.lower_bound) + &bound("to", step.upper_bound)
}

/// A change of a group's sizes at certain times.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html>
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledAction {
    /// Its name, unique in the group.
    pub name: String,
    /// When.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The fewest instances from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most instances from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The wanted number then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
}

impl ScheduledAction {
    /// The name in AWS of the scheduled action that a manifest calls so.
    pub fn name_of(group: &str, given: &str) -> String {
        format!("{group}-at-{given}")
    }

    /// Whether a scheduled action of this name, on this group, is ours.
    pub fn is_ours(group: &str, name: &str) -> bool {
        name.strip_prefix(group).is_some_and(|rest| rest.starts_with("-at-"))
    }
}

impl fmt::Display for ScheduledAction {
    /// `0 8 * * 1-5 (UTC): min 4, desired 6`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = [("min", self.min), ("max", self.max), ("desired", self.desired)];
        let sizes: Vec<_> = sizes.iter().filter_map(|(name, size)| Some(format!("{name} {}", (*size)?))).collect();
        write!(out, "{}: {}", self.schedule, sizes.join(", "))
    }
}
