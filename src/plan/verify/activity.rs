//! What scaling activities say: whether a launch can succeed at all, and why instances were replaced.

use crate::model::observed::{Activity, Group};
use crate::model::time::Timestamp;

/// What a failed launch says about the release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// It can never succeed: the image, the role or another part of the template is wrong.
    Release,
    /// AWS lacks room, or the account its quota: later may do.
    Capacity,
    /// Neither can be told.
    Unclear,
}

/// The newest activity of the group, if it is a failed launch.
pub(super) fn launch_failure(activities: &[Activity], group: &Group) -> Option<(Cause, String)> {
    let newest =
        activities.iter().filter(|activity| activity.started_at >= group.created_at).max_by_key(|a| a.started_at)?;
    (newest.status == "Failed").then(|| (cause(&newest.message), newest.message.clone()))
}

/// What AWS says of a launch that a lifecycle hook gave up: whoever looked at the instance there turned it down, or nobody
/// came. AWS goes on with the next one, and so may the hook.
pub(super) fn abandoned_launch<'a>(activities: &'a [Activity], group: &Group) -> Option<&'a str> {
    let since = activities.iter().filter(|activity| activity.started_at >= group.created_at);
    let gave_up = |words: &str| words.contains("Lifecycle Action") && words.contains("was abandoned");
    since.map(|activity| activity.message.as_str()).find(|words| gave_up(words))
}

/// How many instances the group took out of service for their health since it was created, and why, in the words of the
/// newest.
pub(super) fn replaced(activities: &[Activity], group: &Group) -> Option<String> {
    let why = |activity: &Activity| {
        let (_, why) = activity.cause.split_once("taken out of service in response to ")?;
        why.contains("health").then(|| (activity.started_at, why.trim_end_matches('.').to_owned()))
    };
    let since = activities.iter().filter(|activity| activity.started_at >= group.created_at);
    let gone: Vec<_> = since.filter_map(why).collect();
    let instances = if gone.len() == 1 { "instance" } else { "instances" };
    let (_, why) = gone.iter().max_by_key(|(at, _)| *at)?;
    Some(format!("{} {instances} taken out of service in response to {why}", gone.len()))
}

/// When launches began anew after AWS had lacked room for one.
pub(super) fn room_since(activities: &[Activity]) -> Option<Timestamp> {
    let lacked = |activity: &&Activity| activity.status == "Failed" && cause(&activity.message) == Cause::Capacity;
    let last = activities.iter().filter(lacked).map(|activity| activity.started_at).max()?;
    activities.iter().map(|activity| activity.started_at).filter(|at| *at > last).min()
}

/// Since when AWS has lacked room for every launch.
pub(super) fn lacks_room_since(activities: &[Activity]) -> Option<Timestamp> {
    let lacked = |activity: &&Activity| activity.status == "Failed" && cause(&activity.message) == Cause::Capacity;
    let other = activities.iter().filter(|activity| !lacked(activity)).map(|activity| activity.started_at).max();
    let lacking = activities.iter().filter(lacked).map(|activity| activity.started_at);
    lacking.filter(|at| other.is_none_or(|other| *at > other)).min()
}

/// Tells trouble with AWS from trouble with the release, by AWS's own words.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/CHAP_Troubleshooting.html>
pub(super) fn cause(message: &str) -> Cause {
    let message = message.to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if says(&[
        "insufficient",
        "capacity",
        "limitexceeded",
        "limit exceeded",
        "vcpu",
        "quota",
        "throttl",
        "request limit",
    ]) {
        Cause::Capacity
    } else if says(&[
        "does not exist",
        "invalid ami",
        "invalidami",
        "invalid iam instance profile",
        "invalid device name",
        "not authorized",
        "unauthorized",
        "not supported",
        "architecture",
        "cannot be launched",
        "no longer available",
    ]) {
        Cause::Release
    } else {
        Cause::Unclear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_words_tell_a_lack_of_room_from_a_bad_release() {
        for (message, expected) in [
            (
                "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient c7g.large capacity in the Availability Zone you requested (us-west-2a). Launching EC2 instance failed.",
                Cause::Capacity,
            ),
            (
                "You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed.",
                Cause::Capacity,
            ),
            ("Request limit exceeded. Launching EC2 instance failed.", Cause::Capacity),
            ("The image id '[ami-0aaa]' does not exist. Launching EC2 instance failed.", Cause::Release),
            ("Invalid IAM Instance Profile name. Launching EC2 instance failed.", Cause::Release),
            (
                "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64' of the specified AMI.",
                Cause::Release,
            ),
            ("An internal error has occurred. Launching EC2 instance failed.", Cause::Unclear),
        ] {
            assert_eq!(cause(message), expected, "{message}");
        }
    }
}
