//! What scaling activities say: whether a launch can succeed at all, and why instances were replaced.

use std::collections::BTreeSet;

use super::causes::{Cause, cause};
use crate::model::observed::{Activity, Group};
use crate::model::time::Timestamp;

/// The newest launch that has ended, if it did not succeed. `Cancelled` is how AWS shows one whose instance ended before it
/// was in service. What a zone refuses is the release's fault only where every zone of the group has refused it.
pub(super) fn launch_failure(activities: &[Activity], group: &Group) -> Option<(Cause, String)> {
    let since = activities.iter().filter(|activity| activity.started_at >= group.created_at && activity.is_launch());
    let ended: Vec<&Activity> = since.filter(|activity| activity.failed() || activity.status == "Successful").collect();
    // Of two that began at once, the one that failed is what is told.
    let newest = ended.iter().max_by_key(|activity| (activity.started_at, activity.failed()))?;
    let cause = match cause(&newest.message) {
        _ if !newest.failed() => return None,
        Cause::Zone if is_refused_everywhere(&ended, group) => Cause::Release,
        cause => cause,
    };
    Some((cause, newest.message.clone()))
}

/// Whether every subnet of the group has refused its only instance type.
fn is_refused_everywhere(ended: &[&Activity], group: &Group) -> bool {
    let refused = |activity: &&&Activity| activity.failed() && cause(&activity.message) == Cause::Zone;
    let subnets: BTreeSet<&String> = ended.iter().filter(refused).filter_map(|it| it.subnet.as_ref()).collect();
    let types = group.mixed.as_ref().map_or(1, |mixed| mixed.instance_types.len());
    types <= 1 && !group.subnet_ids.is_empty() && group.subnet_ids.iter().all(|subnet| subnets.contains(subnet))
}

/// What AWS says of a launch that a lifecycle hook gave up: whoever looked at the instance there turned it down, or nobody
/// came. AWS goes on with the next one, and so may the hook.
pub(super) fn abandoned_launch<'a>(activities: &'a [Activity], group: &Group) -> Option<&'a str> {
    let since = activities.iter().filter(|activity| activity.started_at >= group.created_at);
    let gave_up = |words: &str| words.contains("Lifecycle Action") && words.contains("was abandoned");
    since.map(|activity| activity.message.as_str()).find(|words| gave_up(words))
}

/// Instances that the group took out of service for their health since it was created.
pub(super) struct Replaced {
    /// How many.
    pub(super) count: usize,
    /// How many of them because the load balancer or EC2 found them failing their checks. One that was terminated by somebody,
    /// or by AWS, has failed none.
    pub(super) by_checks: usize,
    /// Why, in the words of the newest.
    pub(super) why: String,
}

impl Replaced {
    /// `4 instances taken out of service in response to an ELB system health check failure`.
    pub(super) fn words(&self) -> String {
        let instances = if self.count == 1 { "instance" } else { "instances" };
        format!("{} {instances} taken out of service in response to {}", self.count, self.why)
    }
}

/// Which instances the group took out of service for their health since it was created; nothing when it took none.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html>
pub(super) fn replaced(activities: &[Activity], group: &Group) -> Option<Replaced> {
    replaced_since(activities, group.created_at)
}

/// The same since another time.
pub(super) fn replaced_since(activities: &[Activity], since: Timestamp) -> Option<Replaced> {
    gone_for(activities, since, |why| why.contains("health") || by_checks(why))
}

/// The same for instances that were taken out of service for what AWS says with these words.
pub(super) fn replaced_for(activities: &[Activity], since: Timestamp, words: &str) -> Option<Replaced> {
    gone_for(activities, since, |why| why.contains(words))
}

fn by_checks(why: &str) -> bool {
    why.contains("ELB system health check") || why.contains("status check")
}

/// AWS tells a cause as a sentence with a time: `At 2026-11-02T12:00:00Z an instance was taken out of service in response to an ELB
/// system health check failure.` What it was in response to is what becomes a part of a sentence of ours.
fn gone_for(activities: &[Activity], since: Timestamp, is_meant: impl Fn(&str) -> bool) -> Option<Replaced> {
    let why = |activity: &Activity| {
        let (_, why) = activity.cause.split_once("taken out of service in response to ")?;
        is_meant(why).then(|| (activity.started_at, why.trim_end_matches('.').to_owned()))
    };
    let later = activities.iter().filter(|activity| activity.started_at >= since);
    let gone: Vec<(Timestamp, String)> = later.filter_map(why).collect();
    let checked = gone.iter().filter(|(_, why)| by_checks(why)).count();
    let (_, why) = gone.iter().max_by_key(|(at, _)| *at)?.clone();
    Some(Replaced { count: gone.len(), by_checks: checked, why })
}

/// When launches began anew after AWS had lacked room for one.
pub(super) fn room_since(activities: &[Activity]) -> Option<Timestamp> {
    let lacked = |activity: &&Activity| activity.failed() && cause(&activity.message) == Cause::Capacity;
    let last = activities.iter().filter(lacked).map(|activity| activity.started_at).max()?;
    activities.iter().map(|activity| activity.started_at).filter(|at| *at > last).min()
}

/// Since when AWS has lacked room for every launch.
pub(super) fn lacks_room_since(activities: &[Activity]) -> Option<Timestamp> {
    let lacked = |activity: &&Activity| activity.failed() && cause(&activity.message) == Cause::Capacity;
    let other = activities.iter().filter(|activity| !lacked(activity)).map(|activity| activity.started_at).max();
    let lacking = activities.iter().filter(lacked).map(|activity| activity.started_at);
    lacking.filter(|at| other.is_none_or(|other| *at > other)).min()
}
