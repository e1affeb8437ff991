//! Sick instances under traffic: those that fail their checks now, and those that were replaced for it since.
//!
//! An instance that boots is not sick. What was launched after the generation was found healthy lacks until it answers, and is
//! sick only when its grace period is over: before that Auto Scaling does not replace it either. Whether such an instance was
//! healthy for a while within its grace period is not told by AWS, so that it has the whole of it.
//!
//! Of a worker no load balancer tells anything. Its instances are sick where EC2's status checks of them fail, and all of it is where
//! nothing is in service and its group has replaced as many as it should have: they end as soon as they are there.

use super::activity::{self, Replaced};
use super::health::Healthy;
use crate::model::observed::{Activity, Group, Read, Want};
use crate::model::spec::Tolerance;
use crate::model::time::{Span, Timestamp};
use crate::plan::draft::Draft;
use crate::plan::picture::Picture;

/// What Auto Scaling says of an instance that the load balancer called sick.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html>
const REPLACED: &str = "ELB system health check failure";

/// What it says of one whose status checks failed, which is all that tells of a worker's.
const REPLACED_WORKER: &str = "EC2 instance status checks failure";

/// Why a generation with traffic is sick, if more of its instances are or were than the manifest bears.
///
/// No manifest is needed to tell: without one, as many are borne as by default.
pub(in crate::plan) fn sickness<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, target: &'a Group) -> Option<String> {
    // Both are asked for at once.
    let health = Healthy::of(draft, picture, target);
    let activities = activities(draft, target);
    let (health, activities) = (health?, activities?);
    let since = target.owner.shifted_at.or(target.owner.healthy_since).unwrap_or(target.created_at);
    if target.owner.slot.is_none()
        && let Some(ended) = nothing_at_work(picture, target, activities, since)
    {
        return Some(ended);
    }
    let sick: Vec<&str> = health
        .sick
        .iter()
        .filter(|(id, _)| !boots(activities, target, id, since, draft.now))
        .map(|(_, words)| words.as_str())
        .collect();
    let replaced = replaced(activities, since, target);
    let gone = replaced.as_ref().map_or(0, |replaced| replaced.count);
    let size = target.desired;
    let borne = draft.tolerate.map_or_else(|| Tolerance::by_default(size), |tolerance| tolerance.of(size)) as usize;
    if sick.len() + gone > borne {
        return Some(format!("unhealthy under traffic: {}", words(&sick, replaced.as_ref())));
    }
    if sick.len() + gone > 0 {
        draft.note(format!(
            "{} sick or replaced of {size} instances, which `verification.tolerate` allows ({borne}): {}",
            sick.len() + gone,
            words(&sick, replaced.as_ref())
        ));
    }
    None
}

/// Whether an instance was replaced for its health while all of them were to stay healthy; nothing as long as that is not known.
pub(super) fn was_replaced<'a>(draft: &mut Draft<'a>, target: &'a Group, since: Timestamp) -> Option<bool> {
    Some(replaced(activities(draft, target)?, since, target).is_some())
}

/// Its scaling activities. Those that AWS does not let us read keep nobody from judging by the targets alone.
pub(super) fn activities<'a>(draft: &mut Draft<'a>, target: &Group) -> Option<&'a [Activity]> {
    let found = draft.observed.details.activities.get(&target.name);
    let known = draft.see(found, Want::Activities(target.name.clone()), "its scaling activities");
    match found {
        Some(Read::Unknown(_)) => Some(&[]),
        _ => known.map(Vec::as_slice),
    }
}

/// That nothing of a worker is in service, and its group has replaced as many instances as it should have since it took over, and
/// at least two: one that somebody or AWS has ended says nothing against it. One that is alone gets the time to become whole:
/// nothing else is at work.
fn nothing_at_work(picture: &Picture<'_>, target: &Group, activities: &[Activity], since: Timestamp) -> Option<String> {
    let gone = activity::replaced_since(activities, since)?;
    let is_relieved = picture.ways_back(target).any(|before| before.in_service() > 0);
    let is_over = target.desired > 0 && target.in_service() == 0 && gone.count >= (target.desired as usize).max(2);
    (is_over && is_relieved)
        .then(|| format!("none of its {} instances is in service; {}", target.desired, gone.words()))
}

/// What the group says of the instances that it has replaced since then because the load balancer called them sick. Between
/// two looks such an instance may have gone and its successor come.
fn replaced(activities: &[Activity], since: Timestamp, target: &Group) -> Option<Replaced> {
    let by = if target.owner.slot.is_some() { REPLACED } else { REPLACED_WORKER };
    activity::replaced_for(activities, since, by)
}

/// Whether an instance was launched after all were healthy, and its grace period is not over.
fn boots(activities: &[Activity], group: &Group, id: &str, since: Timestamp, now: Timestamp) -> bool {
    let healthy = group.owner.healthy_since.unwrap_or(since).max(group.told_since());
    let launch = |activity: &&Activity| {
        activity.started_at >= healthy && activity.message.starts_with("Launching") && activity.message.ends_with(id)
    };
    let grace = Span::seconds(group.grace_period);
    let in_grace = |launch: &Activity| launch.ended_at.is_none_or(|in_service| now < grace.after(in_service));
    activities.iter().find(launch).is_some_and(in_grace)
}

/// What the load balancer says of the first that is sick, and what the group says of those that are gone.
fn words(sick: &[&str], replaced: Option<&Replaced>) -> String {
    let gone = replaced.map(Replaced::words);
    let sick = sick.first().map(|words| match sick.len() {
        1 => (*words).to_owned(),
        more => format!("{more} instances, such as {words}"),
    });
    [sick, gone].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
