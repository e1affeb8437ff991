//! How a group scales by itself, and what is done when its instances come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StepScaling;
use crate::model::time::Span;

/// How the number of instances changes by itself, between `instances.min` and `instances.max`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Metrics that are kept near a value, by adding and removing instances; each metric once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4), extend("x-amiable-effect" = "in-place"))]
    pub target_tracking: Vec<TargetTracking>,
    /// Metrics beyond whose thresholds instances are added or removed, the more the further.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-amiable-effect" = "in-place"))]
    pub step: Vec<StepScaling>,
    /// Sizes that change at certain times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-amiable-effect" = "in-place"))]
    pub scheduled: Vec<Scheduled>,
    /// How long a fresh instance's metrics do not count, 0s to 1h; AWS's own default without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub default_instance_warmup: Option<Span>,
}

/// A metric that is kept near a value.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetTracking {
    /// The metric.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub metric: Metric,
    /// The value: percent of CPU, bytes of network a minute, or requests for each instance a minute.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub target: f64,
    /// Whether it only adds instances.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub disable_scale_in: bool,
}

/// A metric that Auto Scaling knows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    /// Average CPU utilization of the group, in percent.
    #[serde(rename = "ASGAverageCPUUtilization")]
    CpuUtilization,
    /// Average bytes received by an instance.
    #[serde(rename = "ASGAverageNetworkIn")]
    NetworkIn,
    /// Average bytes sent by an instance.
    #[serde(rename = "ASGAverageNetworkOut")]
    NetworkOut,
    /// Requests for each target of the application load balancer.
    #[serde(rename = "ALBRequestCountPerTarget")]
    RequestCountPerTarget,
}

impl Metric {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Metric::CpuUtilization => "ASGAverageCPUUtilization",
            Metric::NetworkIn => "ASGAverageNetworkIn",
            Metric::NetworkOut => "ASGAverageNetworkOut",
            Metric::RequestCountPerTarget => "ALBRequestCountPerTarget",
        }
    }
}

/// Sizes that change at certain times. A size that it sets holds until another one sets it, and `instances` until the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scheduled {
    /// A name, to tell it from the others.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// When: a cron expression of five fields, such as `0 8 * * 1-5`.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub schedule: String,
    /// The time zone that it is meant in, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub time_zone: String,
    /// The fewest instances from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub min: Option<u32>,
    /// The most instances from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub max: Option<u32>,
    /// The number of instances that is started with then; scaling goes on from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub desired: Option<u32>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// How many instances may be out of service, or too many, while some are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaintenancePolicy {
    /// Percent of the wanted number that stays in service, 0 to 100.
    #[schemars(range(max = 100), extend("x-amiable-effect" = "in-place"))]
    pub min_healthy_percentage: u32,
    /// Percent that there may be at most, 100 to 200, and at most 100 more than the other one.
    #[schemars(range(min = 100, max = 200), extend("x-amiable-effect" = "in-place"))]
    pub max_healthy_percentage: u32,
}

/// What a group does by itself and may be told not to. A release needs all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Process {
    /// Evens out the availability zones.
    #[serde(rename = "AZRebalance")]
    AzRebalance,
    /// Scales when an alarm tells it to.
    AlarmNotification,
    /// Scales at certain times.
    ScheduledActions,
    /// Replaces what is unhealthy.
    ReplaceUnhealthy,
    /// Replaces instances on request.
    InstanceRefresh,
}

impl Process {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Process::AzRebalance => "AZRebalance",
            Process::AlarmNotification => "AlarmNotification",
            Process::ScheduledActions => "ScheduledActions",
            Process::ReplaceUnhealthy => "ReplaceUnhealthy",
            Process::InstanceRefresh => "InstanceRefresh",
        }
    }
}

/// What holds an instance when it comes or goes, until somebody answers.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LifecycleHook {
    /// A name, to tell it from the others; in AWS it is `amiable-` and this.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// Which instances it holds.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub transition: Transition,
    /// How long, 30s to 2h; a heartbeat begins it anew.
    #[serde(default = "hour")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub timeout: Span,
    /// What happens when nobody answers in time.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub default: DefaultResult,
    /// The role that may send the notification; for `notificationTargetArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub role_arn: Option<String>,
    /// The SNS topic or SQS queue that is told; EventBridge always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub notification_target_arn: Option<String>,
}

fn hour() -> Span {
    Span::hours(1)
}

/// Which instances a hook holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transition {
    /// Those that come, before they are in service.
    Launching,
    /// Those that go, when their targets have drained.
    Terminating,
}

/// What happens to an instance when nobody answers its hook in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultResult {
    /// One that comes is terminated; one that goes, goes.
    #[default]
    Abandon,
    /// It goes on.
    Continue,
}
