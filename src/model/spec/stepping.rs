//! Step scaling: how far a metric is beyond its threshold says how many instances come or go.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Metric;
use crate::model::time::Span;

/// A metric with a threshold, and what is done beyond it. Either `metric` or `customMetric` is given. In AWS it is a policy
/// and an alarm, which both come and go with the group.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepScaling {
    /// A name, to tell it from the others.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// A metric of the group or of its requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub metric: Option<Metric>,
    /// Any other metric of CloudWatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub custom_metric: Option<CustomMetric>,
    /// What of the metric counts; without it the sum of requests, and the average of everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub statistic: Option<Statistic>,
    /// Which side of the threshold calls for steps.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub comparison: Comparison,
    /// The threshold, in the metric's own unit.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub threshold: f64,
    /// How long one datapoint is: 10s, 20s, 30s, or whole minutes up to a day. Less than a minute only for metrics of your own.
    #[serde(default = "minute")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub period: Span,
    /// How many of the last datapoints are looked at. Together with `period` a day at most.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 1440), extend("x-amiable-effect" = "in-place"))]
    pub evaluation_periods: u32,
    /// How many of these must be beyond the threshold; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1440), extend("x-amiable-effect" = "in-place"))]
    pub datapoints_to_alarm: Option<u32>,
    /// What a datapoint is taken for that CloudWatch does not have.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub missing_data: MissingData,
    /// What the `adjustment` of a step means.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub adjustment_type: AdjustmentType,
    /// The fewest instances that a percentage adds or removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub min_adjustment_magnitude: Option<u32>,
    /// How long a fresh instance does not count, 0s to 1h; `defaultInstanceWarmup` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub warmup: Option<Span>,
    /// The steps, without gaps and overlaps from the threshold outwards.
    #[schemars(length(min = 1, max = 20), extend("x-amiable-effect" = "in-place"))]
    pub steps: Vec<StepAdjustment>,
}

/// A metric by its name in CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomMetric {
    /// Its namespace, such as `AWS/SQS` or one of your own.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub namespace: String,
    /// Its name, such as `ApproximateNumberOfMessagesVisible`.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// All of its dimensions, but for the one that `perGroup` adds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-amiable-effect" = "in-place", "maxProperties" = 30))]
    pub dimensions: BTreeMap<String, String>,
    /// Whether each group reports it for itself: adds the dimension `AutoScalingGroupName` with the name of the group.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub per_group: bool,
}

/// What of the values of a period counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Statistic {
    /// Their average.
    Average,
    /// The smallest one.
    Minimum,
    /// The largest one.
    Maximum,
    /// Their sum.
    Sum,
    /// How many there are.
    SampleCount,
}

impl Statistic {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Statistic::Average => "Average",
            Statistic::Minimum => "Minimum",
            Statistic::Maximum => "Maximum",
            Statistic::Sum => "Sum",
            Statistic::SampleCount => "SampleCount",
        }
    }
}

/// Which side of a threshold is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// At the threshold and above.
    GreaterThanOrEqualToThreshold,
    /// Above.
    GreaterThanThreshold,
    /// At the threshold and below.
    LessThanOrEqualToThreshold,
    /// Below.
    LessThanThreshold,
}

impl Comparison {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Comparison::GreaterThanThreshold => "GreaterThanThreshold",
            Comparison::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
            Comparison::LessThanThreshold => "LessThanThreshold",
        }
    }

    /// Whether it looks above the threshold.
    pub fn is_above(self) -> bool {
        matches!(self, Comparison::GreaterThanOrEqualToThreshold | Comparison::GreaterThanThreshold)
    }
}

/// What a missing datapoint is taken for.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissingData {
    /// No data: no step is taken when all is missing.
    #[default]
    Missing,
    /// Not beyond the threshold.
    NotBreaching,
    /// Beyond the threshold.
    Breaching,
    /// As before.
    Ignore,
}

impl MissingData {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            MissingData::Missing => "missing",
            MissingData::NotBreaching => "notBreaching",
            MissingData::Breaching => "breaching",
            MissingData::Ignore => "ignore",
        }
    }
}

/// What the number of a step means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdjustmentType {
    /// So many instances more, or fewer.
    #[default]
    ChangeInCapacity,
    /// So many percent more, or fewer.
    PercentChangeInCapacity,
    /// So many instances.
    ExactCapacity,
}

impl AdjustmentType {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AdjustmentType::ChangeInCapacity => "ChangeInCapacity",
            AdjustmentType::PercentChangeInCapacity => "PercentChangeInCapacity",
            AdjustmentType::ExactCapacity => "ExactCapacity",
        }
    }
}

/// One step: what is done while the metric is so far from the threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepAdjustment {
    /// Where it begins, as a difference from the threshold; nowhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub lower_bound: Option<f64>,
    /// Where it ends, as a difference from the threshold; nowhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub upper_bound: Option<f64>,
    /// How many instances are added, or with a minus removed; see `adjustmentType`.
    #[schemars(range(min = -1000, max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub adjustment: i32,
}

fn minute() -> Span {
    Span::minutes(1)
}

fn three() -> u32 {
    3
}
