//! Alarms: what they watch, how they are judged, and when they call scaling policies.

use std::collections::BTreeMap;

use super::{Metric, REPORTED_AFTER, value};
use crate::model::time::Timestamp;
use crate::sim::world::World;
use crate::sim::world::scaling::step;

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
    /// The ARNs of what it calls, if its actions are enabled.
    pub calls: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// All that it was created with, as it was given.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

impl Alarm {
    /// Its ARN.
    pub fn arn(&self, world: &World) -> String {
        format!("arn:aws:cloudwatch:{}:{}:alarm:{}", world.region, world.account, self.name)
    }
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

/// Evaluates alarms, once a minute.
pub(in crate::sim::world) fn tick(world: &mut World) {
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
    // A scaling policy is called every minute, as long as the alarm stands.
    let standing = world.metrics.alarms.values().filter(|alarm| alarm.state == "ALARM" && !alarm.calls.is_empty());
    let standing: Vec<String> = standing.map(|alarm| alarm.name.clone()).collect();
    for name in standing {
        call(world, &name);
    }
}

/// Has an alarm call what it calls.
pub(in crate::sim) fn call(world: &mut World, name: &str) {
    let Some(alarm) = world.metrics.alarms.get(name) else { return };
    let beyond = alarm.watches.as_ref().map_or(0.0, |watches| {
        let values = values(world, watches);
        let known: Vec<f64> = values.into_iter().flatten().collect();
        // Whoever sets the state by hand gives no value: it is taken to be the threshold.
        if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 - watches.threshold }
    });
    for policy in alarm.calls.clone() {
        step::step(world, name, &policy, beyond);
    }
}

/// The state of an alarm by its periods that are over; nothing when it stays as it is.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
fn judge(world: &World, watches: &Watches) -> Option<(&'static str, String)> {
    let values = values(world, watches);
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

/// The values of the last periods that are over and reported, the newest first.
fn values(world: &World, watches: &Watches) -> Vec<Option<f64>> {
    let end = (world.now.as_second() - REPORTED_AFTER.as_secs() as i64).div_euclid(60) * 60;
    (0..i64::from(watches.periods))
        .map(|back| end - back * watches.period)
        .map(|to| value(world, &watches.metric, &watches.statistic, to - watches.period, to))
        .collect()
}

fn words(operator: &str) -> &'static str {
    match operator {
        "GreaterThanThreshold" => "greater than",
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "LessThanThreshold" => "less than",
        _ => "less than or equal to",
    }
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
            calls: Vec::new(),
            tags: BTreeMap::new(),
            settings: serde_json::Map::new(),
        });
        if alarm.state != state {
            alarm.since = since;
        }
        (alarm.state, alarm.reason) = (state.to_owned(), reason.to_owned());
    }
}
