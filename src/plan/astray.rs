//! What is deployed has lost all of its traffic to a generation that stands warm, and nobody said so to Amiable: somebody has moved the
//! weights by hand. The record says what is deployed, so that this is drift, like any other hand on the weights.
//!
//! Before a release is recorded the same is a person's no ([`super::verify`]). And where what is deployed is not whole now, the
//! traffic stays where it is: a run may have ended in the middle of the way back from what is sick.

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::record;
use super::release::Release;
use super::resolve::Wanted;
use super::shift::own_group;
use super::spared::still_wanted;
use super::traffic;
use super::verify;
use crate::model::action::Expect;
use crate::model::names::Slot;
use crate::model::observed::Group;
use crate::model::plan::{Change, StepKind, StepState};

/// Gives the traffic back to what is deployed, if somebody has taken it away and every instance of it is healthy. Whether that is so,
/// or must be read first.
pub(super) fn is_put_right<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let target = picture.pinned().map(|(group, _)| group).or_else(|| picture.candidate(wanted));
    let (Some(front), Some(target)) = (&picture.front, target) else { return false };
    let release = Release::new(wanted, picture, Some(target));
    let Some(slot) = target.owner.slot.filter(|_| is_astray(&release, target)) else { return false };
    let recorded = is_recorded(draft, picture, target);
    if !draft.plan.wants.is_empty() {
        return true;
    }
    if !recorded || target.desired == 0 {
        return false;
    }
    let Some(good) = verify::healthy(draft, picture, target) else { return !draft.plan.wants.is_empty() };
    if good < target.desired {
        return false;
    }
    let all = front.all_to(slot);
    traffic::tell(draft, front, target, &all);
    let (deployed, has_it) = (target.owner.generation, release.serving.map(|serving| serving.owner.generation));
    let has_it = has_it.map(|has_it| format!(" to {has_it}")).unwrap_or_default();
    let reason =
        format!("somebody gave the traffic of {deployed}, which is deployed,{has_it} by hand: it has all of it again");
    if release.held(draft).is_none() {
        let expects = expects(front, slot, target);
        for action in front.shifts(&all) {
            draft.act(action, reason.clone(), expects.clone());
        }
    }
    draft.step(StepKind::Shift { weight: 100 }, StepState::Current, None);
    draft.plan.change = Change::Drift;
    draft.plan.to = Some(deployed);
    draft.plan.reason = reason;
    true
}

/// What was read may be older than what somebody does: it is read again right before.
fn expects(front: &Front<'_>, slot: Slot, target: &Group) -> Vec<Expect> {
    let healthy = |arn: &str| {
        let (target_group_arn, group) = (arn.to_owned(), target.name.clone());
        Expect::Healthy { target_group_arn, group, at_least: target.desired }
    };
    let is_whole = front.arn(slot).map(healthy);
    [own_group(target), still_wanted(target)].into_iter().chain(is_whole).collect()
}

/// Whether it took over and lost the traffic to a generation that has not taken over since.
pub(super) fn is_astray(release: &Release<'_, '_>, target: &Group) -> bool {
    let Some(serving) = release.serving.filter(|serving| serving.name != target.name) else { return false };
    let came_back = serving.owner.shifted_at > target.owner.shifted_at;
    target.owner.shifted_at.is_some() && !came_back && target.owner.generation >= serving.owner.generation
}

/// Whether the record names it. Whoever recorded it may have ended before the tag could say so.
pub(super) fn is_recorded<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, target: &Group) -> bool {
    !picture.is_due(target) || record::is_written(draft, target)
}
