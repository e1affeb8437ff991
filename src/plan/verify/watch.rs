//! What is watched while a new generation has any traffic: in the pauses of a canary, and while it bakes.

use super::health::Healthy;
pub(in crate::plan) use super::sickness::sickness;
use super::{alarms, compare, patience, sickness, webhook};
use crate::model::observed::Group;
use crate::model::time::Timestamp;
use crate::plan::canary;
use crate::plan::draft::Draft;
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
    let Some(serving) = release.serving else { return true };
    let (wants, refusals) = (draft.plan.wants.len(), draft.refusals());
    // Both are asked for at once.
    let _ = (Healthy::of(draft, release.picture, serving), sickness::activities(draft, serving));
    draft.plan.wants.len() == wants && draft.refusals() == refusals
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
