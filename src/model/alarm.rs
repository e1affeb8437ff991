//! The alarms of CloudWatch that Amiable makes: each calls a step scaling policy of a group.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::time::Span;

/// An alarm that calls a scaling policy.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAlarm {
    /// Its name, which is the policy's.
    pub name: String,
    /// What it watches.
    pub metric: Metric,
    /// What of the metric counts: `Average`, `Sum` …
    pub statistic: String,
    /// Seconds of one datapoint.
    pub period: u64,
    /// How many of the last datapoints are looked at.
    pub periods: u32,
    /// How many of them must be beyond the threshold.
    pub to_alarm: u32,
    /// Which side of the threshold that is: `GreaterThanThreshold` …
    pub comparison: String,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// What a missing datapoint is taken for: `missing`, `notBreaching`, `breaching` or `ignore`.
    pub missing_data: String,
    /// The policy that it calls. Empty for one in AWS that calls nothing, or more than that.
    pub policy_arn: String,
}

/// A metric by its name in CloudWatch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Its namespace, such as `AWS/EC2`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of its dimensions.
    pub dimensions: BTreeMap<String, String>,
}

/// An alarm that has the name of one of ours.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupAlarm {
    /// Its ARN.
    pub arn: String,
    /// What it is.
    pub alarm: StepAlarm,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl StepAlarm {
    /// The beginning of the names of all our alarms of a group.
    pub fn prefix(group: &str) -> String {
        format!("{group}-step-")
    }
}

impl fmt::Display for StepAlarm {
    /// `Average of AWS/EC2 CPUUtilization ≥ 70 in 3 of 3 periods of 1m`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.comparison.as_str() {
            "GreaterThanOrEqualToThreshold" => "≥",
            "GreaterThanThreshold" => ">",
            "LessThanOrEqualToThreshold" => "≤",
            "LessThanThreshold" => "<",
            other => other,
        };
        let Metric { namespace, name, dimensions } = &self.metric;
        let (period, to_alarm, periods) = (Span::seconds(self.period), self.to_alarm, self.periods);
        write!(out, "{} of {namespace} {name}", self.statistic)?;
        for (name, value) in dimensions {
            write!(out, " {name}={value}")?;
        }
        write!(out, " {side} {} in {to_alarm} of {periods} periods of {period}", self.threshold)?;
        if self.missing_data != "missing" {
            write!(out, ", missing data {}", self.missing_data)?;
        }
        out.write_str(if self.policy_arn.is_empty() { ", calls no policy alone" } else { "" })
    }
}
