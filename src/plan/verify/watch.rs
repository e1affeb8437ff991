//! What is watched while a new generation has any traffic: in the pauses of a canary, and while it bakes.

use super::activity::replaced_for_its_health;
use super::health::Healthy;
use super::{alarms, compare, patience, webhook};
use crate::model::observed::Group;
use crate::model::time::Timestamp;
use crate::plan::canary;
use crate::plan::draft::Draft;
use crate::plan::picture::Picture;
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

/// Whether it was deployed before and serves again: the way back from a bad release. What alarms, counts and people say then
/// is about the one that it takes over from.
pub(super) fn is_proven(target: &Group) -> bool {
    target.owner.recorded_at.is_some()
}

/// A target that fails its checks, or was replaced for that between two looks. No manifest is needed to tell.
pub(in crate::plan) fn sickness<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, target: &'a Group) -> Option<String> {
    let health = Healthy::of(draft, picture, target)?;
    if let Some(sick) = &health.sick {
        return Some(format!("unhealthy under traffic: {sick}"));
    }
    if health.good >= target.desired {
        return None;
    }
    let since = target.owner.shifted_at.or(target.owner.healthy_since).unwrap_or(target.created_at);
    let words = replaced_for_its_health(draft, target, since)?;
    Some(format!("unhealthy under traffic: {words}"))
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
        return Some(format!("{blind}, {patience} after it should have been watched long enough"));
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
