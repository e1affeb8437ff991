//! CloudWatch: what load balancers report minute by minute about the requests that clients send, and alarms on it.
//!
//! Nobody sends real requests here: each load balancer is told a rate, and the requests spread over target groups by their
//! weights and over the targets that take some, as [`routing`](super::balancing::routing) would send them. So what an
//! image does shows in the metrics of its target group, the same in every run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::World;
use super::balancing::{Action, routing};
use super::compute::Service;
use crate::model::time::Timestamp;

/// The namespace of application load balancers' metrics.
pub const NAMESPACE: &str = "AWS/ApplicationELB";

/// How long after its end a minute shows.
pub const REPORTED_AFTER: Duration = Duration::from_secs(60);

/// How many minutes are remembered.
const REMEMBERED: i64 = 180;

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
}

/// What a target group did in one minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minute {
    /// Requests that went to its targets.
    pub requests: f64,
    /// Those among them that a target answered with 500.
    pub errors: f64,
    /// Requests by the time they took, in milliseconds.
    pub times: BTreeMap<u64, f64>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why, as CloudWatch puts it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// What it watches; nothing for an alarm on metrics that are not simulated, which stays as it is set.
    pub watches: Option<Watches>,
    /// All that it was created with, as it was given.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// What an alarm watches.
#[derive(Clone, Debug, PartialEq)]
pub struct Watches {
    /// The metric.
    pub metric: Metric,
    /// `Sum`, `Average`, `p99` …
    pub statistic: String,
    /// Seconds of one period, a whole number of minutes.
    pub period: i64,
    /// How many periods are looked at.
    pub periods: u32,
    /// How many of them must breach.
    pub to_alarm: u32,
    /// `GreaterThanThreshold` …
    pub operator: String,
    /// The threshold.
    pub threshold: f64,
    /// `missing`, `notBreaching`, `breaching` or `ignore`.
    pub missing: String,
}

/// A metric of a target group.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `RequestCount`, `HTTPCode_Target_5XX_Count`, `TargetResponseTime` …
    pub name: String,
    /// The target group's ARN.
    pub target_group: String,
}

/// The metric of this name and these dimensions, if it is simulated. Application load balancers report for a target group
/// only together with its load balancer.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html>
pub fn find(world: &World, namespace: &str, name: &str, dimensions: &BTreeMap<String, String>) -> Option<Metric> {
    let (target_group, load_balancer) = (dimensions.get("TargetGroup")?, dimensions.get("LoadBalancer")?);
    if namespace != NAMESPACE || dimensions.len() != 2 {
        return None;
    }
    let ends = |arn: &str, part: &str| arn.rsplit_once(':').is_some_and(|(_, tail)| tail == part);
    let group = world.balancing.target_groups.values().find(|group| ends(&group.arn, target_group))?;
    let user = world.balancing.user_of(&group.arn)?;
    let named = ends(&user.arn, &format!("loadbalancer/{load_balancer}"));
    named.then(|| Metric { name: name.to_owned(), target_group: group.arn.clone() })
}

/// The value of a metric from one time to another, both in seconds since 1970; nothing when there is no datapoint.
pub fn value(world: &World, metric: &Metric, statistic: &str, from: i64, to: i64) -> Option<f64> {
    // What is too fresh is not reported yet.
    let shown = (world.now.as_second() - REPORTED_AFTER.as_secs() as i64).div_euclid(60);
    let minutes = world.metrics.minutes.get(&metric.target_group)?;
    let minutes = || minutes.range(from.div_euclid(60)..to.div_euclid(60).min(shown)).map(|(_, minute)| minute);
    // Counts of nothing are not reported at all.
    let count = |count: fn(&Minute) -> f64| Some(minutes().map(count).sum::<f64>().round()).filter(|sum| *sum > 0.0);
    match (metric.name.as_str(), statistic) {
        ("RequestCount", "Sum") => count(|minute| minute.requests),
        ("HTTPCode_Target_5XX_Count", "Sum") => count(|minute| minute.errors),
        ("HTTPCode_Target_2XX_Count", "Sum") => count(|minute| minute.requests - minute.errors),
        ("TargetResponseTime", _) => {
            let mut times: BTreeMap<u64, f64> = BTreeMap::new();
            for (time, requests) in minutes().flat_map(|minute| &minute.times) {
                *times.entry(*time).or_default() += requests;
            }
            response_time(&times, statistic)
        }
        _ => None,
    }
}

/// Seconds, as `Average` or a percentile such as `p99`.
fn response_time(times: &BTreeMap<u64, f64>, statistic: &str) -> Option<f64> {
    let total: f64 = times.values().sum();
    if total <= 0.0 {
        return None;
    }
    if statistic == "Average" {
        let sum: f64 = times.iter().map(|(time, requests)| *time as f64 * requests).sum();
        return Some(sum / total / 1000.0);
    }
    let share: f64 = statistic.strip_prefix('p')?.parse::<f64>().ok()? / 100.0;
    let mut rest = total * share;
    let slow = times.iter().find(|(_, requests)| {
        rest -= **requests;
        rest <= 1e-9
    });
    slow.or(times.last_key_value()).map(|(time, _)| *time as f64 / 1000.0)
}

/// Lets requests flow from `world.now` until `to`, in which nothing else changes.
pub(super) fn flow(world: &mut World, to: Timestamp) {
    if world.metrics.rates.is_empty() {
        return;
    }
    let (now, seconds) = (world.now, (to.as_nanosecond() - world.now.as_nanosecond()) as f64 / 1e9);
    let minute = now.as_second().div_euclid(60);
    for (target_group, share) in shares(world) {
        let Some(group) = world.balancing.target_groups.get(&target_group) else { continue };
        let takers = routing::takers(group);
        let Some(each) = (!takers.is_empty()).then(|| share * seconds / takers.len() as f64) else { continue };
        let answers: Vec<(f64, Duration)> = takers
            .iter()
            .filter_map(|key| world.compute.instances.get(&key.id))
            .filter_map(|instance| match instance.service(now) {
                Service::NotListening => None,
                Service::Ok { latency } => Some((f64::from(instance.error_percent) / 100.0, latency)),
                Service::Sick { latency } => Some((1.0, latency)),
            })
            .collect();
        let minutes = world.metrics.minutes.entry(target_group).or_default();
        let entry = minutes.entry(minute).or_default();
        for (errors, latency) in answers {
            entry.requests += each;
            entry.errors += each * errors;
            // Even the fastest answer takes a while.
            let time = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX).max(5);
            *entry.times.entry(time).or_default() += each;
        }
        while minutes.first_key_value().is_some_and(|(first, _)| *first < minute - REMEMBERED) {
            minutes.pop_first();
        }
    }
}

/// Requests per second to each target group that gets any.
fn shares(world: &World) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for (name, rate) in &world.metrics.rates {
        let balancer = world.balancing.load_balancers.values().find(|balancer| &balancer.name == name);
        let Some(balancer) = balancer.filter(|balancer| balancer.active_at() <= world.now) else { continue };
        let lists = world.balancing.public_action_lists().filter(|(arn, _)| *arn == balancer.arn);
        for action in lists.flat_map(|(_, actions)| actions) {
            let Action::Forward(forward) = action else { continue };
            let total: u32 = forward.target_groups.iter().map(|(_, weight)| weight).sum();
            for (arn, weight) in forward.target_groups.iter().filter(|(_, weight)| *weight > 0) {
                *shares.entry(arn.clone()).or_default() += f64::from(*rate) * f64::from(*weight) / f64::from(total);
            }
        }
    }
    shares
}

/// Evaluates alarms, once a minute.
pub(super) fn tick(world: &mut World) {
    if world.now.as_second() % 60 != 0 || world.now.subsec_nanosecond() != 0 {
        return;
    }
    let judged: Vec<(String, &'static str, String)> = world
        .metrics
        .alarms
        .values()
        .filter_map(|alarm| {
            let (state, reason) = judge(world, alarm.watches.as_ref()?)?;
            (state != alarm.state).then(|| (alarm.name.clone(), state, reason))
        })
        .collect();
    for (name, state, reason) in judged {
        world.set_alarm(&name, state, &reason);
    }
}

/// The state of an alarm by its periods that are over; nothing when it stays as it is.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
fn judge(world: &World, watches: &Watches) -> Option<(&'static str, String)> {
    let end = (world.now.as_second() - REPORTED_AFTER.as_secs() as i64).div_euclid(60) * 60;
    let values: Vec<Option<f64>> = (0..i64::from(watches.periods))
        .map(|back| end - back * watches.period)
        .map(|to| value(world, &watches.metric, &watches.statistic, to - watches.period, to))
        .collect();
    let breaches = |value: f64| match watches.operator.as_str() {
        "GreaterThanThreshold" => value > watches.threshold,
        "GreaterThanOrEqualToThreshold" => value >= watches.threshold,
        "LessThanThreshold" => value < watches.threshold,
        _ => value <= watches.threshold,
    };
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    if known.is_empty() {
        match watches.missing.as_str() {
            "ignore" => return None,
            "missing" => {
                return Some((
                    "INSUFFICIENT_DATA",
                    format!("Insufficient Data: {} datapoints were unknown.", values.len()),
                ));
            }
            _ => {}
        }
    }
    let missing = if watches.missing == "breaching" { values.len() - known.len() } else { 0 };
    let breaching = known.iter().filter(|value| breaches(**value)).count() + missing;
    let shown: Vec<String> = known.iter().map(|value| format!("{value}")).collect();
    let state = if breaching >= watches.to_alarm as usize { "ALARM" } else { "OK" };
    Some((
        state,
        format!(
            "Threshold Crossed: {breaching} out of the last {} datapoints [{}] were {} the threshold ({}).",
            values.len(),
            shown.join(", "),
            words(&watches.operator),
            watches.threshold
        ),
    ))
}

fn words(operator: &str) -> &'static str {
    match operator {
        "GreaterThanThreshold" => "greater than",
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
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
    /// Sets the state of an alarm, as an evaluation or somebody does. One that does not exist is created, on metrics that
    /// are not simulated.
    pub fn set_alarm(&mut self, name: &str, state: &str, reason: &str) {
        let since = self.now;
        let alarm = self.metrics.alarms.entry(name.to_owned()).or_insert_with(|| Alarm {
            name: name.to_owned(),
            state: String::new(),
            reason: String::new(),
            since,
            watches: None,
            settings: serde_json::Map::new(),
        });
        if alarm.state != state {
            alarm.since = since;
        }
        (alarm.state, alarm.reason) = (state.to_owned(), reason.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_averages_are_of_requests() {
        let times = BTreeMap::from([(10, 90.0), (200, 9.0), (3000, 1.0)]);
        for (statistic, seconds) in [("p50", 0.01), ("p90", 0.01), ("p99", 0.2), ("p100", 3.0), ("Average", 0.057)] {
            let found = response_time(&times, statistic).unwrap();
            assert!((found - seconds).abs() < 1e-9, "{statistic}: {found}");
        }
        assert_eq!(response_time(&BTreeMap::new(), "p99"), None);
        assert_eq!(response_time(&times, "Maximum"), None);
    }
}
