//! What load balancers count.
//!
//! Nobody sends real requests here: each load balancer is told a rate, and the requests spread over target groups by their
//! weights and over the targets that take some, as [`routing`] would send them. So what an image does shows in the metrics of
//! its target group, the same in every run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::{REPORTED_AFTER, forget};
use crate::model::time::Timestamp;
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, routing};
use crate::sim::world::compute::Service;

/// What a target group did in one minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minute {
    /// Requests that went to its targets.
    pub requests: f64,
    /// Those among them that a target answered with 500.
    pub errors: f64,
    /// Requests by the time they took, in milliseconds.
    pub times: BTreeMap<u64, f64>,
    /// The most targets that took some.
    pub targets: usize,
}

/// The value of a metric of a target group over some minutes.
pub(super) fn value(world: &World, name: &str, target_group: &str, statistic: &str, range: Range<i64>) -> Option<f64> {
    // What is too fresh is not reported yet.
    let shown = (world.now.as_second() - REPORTED_AFTER.as_secs() as i64).div_euclid(60);
    let minutes = world.metrics.minutes.get(target_group)?;
    let (start, end) = (range.start, range.end.min(shown));
    let minutes = || minutes.range(start..end.max(start)).map(|(_, minute)| minute);
    // Counts of nothing are not reported at all.
    let count = |count: fn(&Minute) -> f64| Some(minutes().map(count).sum::<f64>().round()).filter(|sum| *sum > 0.0);
    match (name, statistic) {
        ("RequestCount", "Sum") => count(|minute| minute.requests),
        ("RequestCountPerTarget", "Sum") => count(|minute| minute.requests / minute.targets.max(1) as f64),
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
pub(in crate::sim::world) fn flow(world: &mut World, to: Timestamp) {
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
        entry.targets = entry.targets.max(takers.len());
        for (errors, latency) in answers {
            entry.requests += each;
            entry.errors += each * errors;
            // Even the fastest answer takes a while.
            let time = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX).max(5);
            *entry.times.entry(time).or_default() += each;
        }
        forget(minutes, minute);
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
