//! CloudWatch: what load balancers report minute by minute about the requests that clients send, what others publish, and
//! alarms on both.
//!
//! - [`traffic`]: requests, and what became of them
//! - [`alarms`]: alarms, and when they call scaling policies

pub mod alarms;
pub mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use super::World;
use crate::model::time::Timestamp;
pub use alarms::{Alarm, Watches};
use traffic::Minute;

/// The namespace of application load balancers' metrics.
pub const NAMESPACE: &str = "AWS/ApplicationELB";

/// How long after its end a minute shows.
pub const REPORTED_AFTER: Duration = Duration::from_secs(60);

/// How many minutes are remembered.
const REMEMBERED: i64 = 180;

/// How many metrics may be published.
const MOST_PUBLISHED: usize = 1000;

/// Metrics and alarms.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Requests per second that clients send to each forwarding listener and rule of a load balancer, by its name. Nobody
    /// sends any to the others.
    pub rates: BTreeMap<String, u32>,
    /// Alarms by name.
    pub alarms: BTreeMap<String, Alarm>,
    /// What happened, by target group ARN and minute since 1970.
    minutes: BTreeMap<String, BTreeMap<i64, Minute>>,
    /// What was published, by metric and minute since 1970.
    published: BTreeMap<Published, BTreeMap<i64, Values>>,
}

/// A metric that somebody publishes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Published {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All of its dimensions.
    pub dimensions: BTreeMap<String, String>,
}

/// What was published of a metric in one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Values {
    count: f64,
    sum: f64,
    least: f64,
    most: f64,
}

impl Values {
    fn join(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// What an application load balancer counts for a target group.
    OfTargets {
        /// `RequestCount`, `HTTPCode_Target_5XX_Count`, `TargetResponseTime` …
        name: String,
        /// The target group's ARN.
        target_group: String,
    },
    /// What somebody publishes.
    Published(Published),
}

/// The metric of this name and these dimensions; nothing for one of AWS's that is not simulated. Application load balancers
/// report for a target group only together with its load balancer.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html>
pub fn find(world: &World, namespace: &str, name: &str, dimensions: &BTreeMap<String, String>) -> Option<Metric> {
    if namespace != NAMESPACE {
        let (namespace, name, dimensions) = (namespace.to_owned(), name.to_owned(), dimensions.clone());
        let metric = Published { namespace, name, dimensions };
        // What services of AWS report is not simulated, unless a test says what they do.
        let known = !metric.namespace.starts_with("AWS/") || world.metrics.published.contains_key(&metric);
        return known.then_some(Metric::Published(metric));
    }
    let (target_group, load_balancer) = (dimensions.get("TargetGroup")?, dimensions.get("LoadBalancer")?);
    if dimensions.len() != 2 {
        return None;
    }
    let ends = |arn: &str, part: &str| arn.rsplit_once(':').is_some_and(|(_, tail)| tail == part);
    let group = world.balancing.target_groups.values().find(|group| ends(&group.arn, target_group))?;
    let user = world.balancing.user_of(&group.arn)?;
    let named = ends(&user.arn, &format!("loadbalancer/{load_balancer}"));
    named.then(|| Metric::OfTargets { name: name.to_owned(), target_group: group.arn.clone() })
}

/// The value of a metric from one time to another, both in seconds since 1970; nothing when there is no datapoint.
pub fn value(world: &World, metric: &Metric, statistic: &str, from: i64, to: i64) -> Option<f64> {
    let minutes = from.div_euclid(60)..to.div_euclid(60);
    match metric {
        Metric::OfTargets { name, target_group } => traffic::value(world, name, target_group, statistic, minutes),
        Metric::Published(published) => {
            let values = world.metrics.published.get(published)?.range(minutes).map(|(_, values)| *values);
            let values = values.reduce(Values::join)?;
            match statistic {
                "Sum" => Some(values.sum),
                "Average" => Some(values.sum / values.count),
                "Minimum" => Some(values.least),
                "Maximum" => Some(values.most),
                "SampleCount" => Some(values.count),
                _ => None,
            }
        }
    }
}

/// When requests and alarms are to be looked at next: at every full minute, while there are any.
pub(super) fn next_event(world: &World) -> Option<Timestamp> {
    let idle = world.metrics.rates.is_empty() && world.metrics.alarms.values().all(|alarm| alarm.watches.is_none());
    if idle {
        return None;
    }
    Timestamp::from_second((world.now.as_second().div_euclid(60) + 1) * 60).ok()
}

impl World {
    /// Takes note of a value of a metric, now. Whether there was room for it.
    pub fn publish(&mut self, metric: Published, value: f64) -> bool {
        let minute = self.now.as_second().div_euclid(60);
        let all = &mut self.metrics.published;
        if all.len() >= MOST_PUBLISHED && !all.contains_key(&metric) {
            return false;
        }
        let minutes = all.entry(metric).or_default();
        let one = Values { count: 1.0, sum: value, least: value, most: value };
        minutes.entry(minute).and_modify(|values| *values = values.join(one)).or_insert(one);
        forget(minutes, minute);
        true
    }
}

/// Forgets what is too long ago.
fn forget<T>(minutes: &mut BTreeMap<i64, T>, minute: i64) {
    while minutes.first_key_value().is_some_and(|(first, _)| *first < minute - REMEMBERED) {
        minutes.pop_first();
    }
}
