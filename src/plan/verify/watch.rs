//! What is watched while a new generation has any traffic: in the pauses of a canary, and while it bakes.

use super::health::Healthy;
pub(in crate::plan) use super::sickness::sickness;
use super::{alarms, compare, patience, sickness, webhook};
use crate::model::names::Slot;
use crate::model::observed::{Group, Read, Want, is_refused};
use crate::model::time::Timestamp;
use crate::plan::canary;
use crate::plan::draft::Draft;
use crate::plan::launch;
use crate::plan::release::Release;

/// Why the generation must lose its traffic now, in AWS's words or those of the check that failed.
///
/// `None` is not yet good news: what is unknown is in the draft, as a want or a wait. Who wants to go on compares
/// [`Draft::open_questions`] before and after.
pub(in crate::plan) fn trouble<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &'a Group,
) -> Option<String> {
    let sick = sickness(draft, release.picture, target);
    if sick.is_some() || is_proven(target) {
        return sick;
    }
    alarms::trouble(draft, release, target)
        .or_else(|| compare::trouble(draft, release, target))
        .or_else(|| webhook::trouble(draft, release, target))
}

/// Whether a release could be watched as it must be, as far as that can be told of what serves: its targets and its scaling
/// activities can be read. AWS may refuse that to whoever asks; then no release begins.
pub(in crate::plan) fn is_possible<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    let Some(serving) = release.serving else { return is_possible_at_first(draft, release) };
    let (wants, refusals) = (draft.plan.wants.len(), draft.refusals());
    // Both are asked for at once.
    let _ = (Healthy::of(draft, release.picture, serving), sickness::activities(draft, serving));
    draft.plan.wants.len() == wants && draft.refusals() == refusals
}

/// The same before there is anything to look at: AWS refuses what may not be asked also about a group that is not there yet.
fn is_possible_at_first<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    let next = draft.scope.generation_name(launch::next(release.wanted, release.picture));
    let slots = Slot::BOTH.into_iter().filter_map(|slot| release.picture.front.as_ref()?.arn(slot));
    let arn = slots.map(str::to_owned).next();
    let details = &draft.observed.details;
    // Both are asked for at once.
    let activities = details.activities.get(&next);
    let activities = is_told(draft, activities, Want::Activities(next), "its scaling activities");
    let health = arn.is_none_or(|arn| {
        is_told(draft, details.target_health.get(&arn), Want::TargetHealth(arn.clone()), "the health of its targets")
    });
    activities && health
}

/// Whether AWS tells something to whoever asks, be it that there is no such thing.
fn is_told<'a, T>(draft: &mut Draft<'a>, found: Option<&'a Read<T>>, want: Want, what: &str) -> bool {
    match found {
        Some(Read::Unknown(why)) if !is_refused(why) => true,
        found => draft.see(found, want, what).is_some(),
    }
}

/// Whether it was deployed before and serves again: the way back from a bad release. What alarms, counts and people say then
/// is about the one that it takes over from.
pub(super) fn is_proven(target: &Group) -> bool {
    target.owner.recorded_at.is_some()
}

/// Waits for what is not known yet and must be, unless a person has promoted it all the same. Once that has held the release up for as long as its manifest allows,
/// it has failed: what cannot be judged does not pass for good.
pub(super) fn not_known(
    draft: &mut Draft<'_>,
    release: &Release<'_, '_>,
    target: &Group,
    blind: String,
) -> Option<String> {
    if is_promoted_further(release, target) {
        return None;
    }
    let deadline = due(release, target).map(|due| patience::deadline(draft, release, target, due));
    if deadline.is_some_and(|deadline| patience::is_over(draft, release, deadline)) {
        let patience = release.wanted.spec.progress_deadline;
        return Some(format!("{blind}, {patience} after its watch should have ended"));
    }
    draft.wait(blind, deadline);
    None
}

/// Whether a person has promoted a canary further than it has come: then what cannot be judged keeps it from nothing.
pub(super) fn is_promoted_further(release: &Release<'_, '_>, target: &Group) -> bool {
    !release.is_shifted() && target.owner.canary_step().is_some_and(|step| canary::behind(target) > step.done)
}

/// When the generation should have been watched long enough; nothing while a person decides that.
fn due(release: &Release<'_, '_>, target: &Group) -> Option<Timestamp> {
    match target.owner.shifted_at.filter(|_| release.is_shifted()) {
        Some(shifted_at) => Some(release.wanted.spec.strategy.bake_time().after(shifted_at)),
        None => canary::due(release, target),
    }
}
