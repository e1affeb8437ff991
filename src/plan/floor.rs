//! What serves must not fall below what it has: neither by a size that shrinks, nor by the end of a group.
//!
//! While a release is under way, what serves may grow, and must not shrink. A target-tracking policy would else scale in the
//! new group, which has no traffic yet, and the old one while the new one is measured against it.

use super::draft::Draft;
use super::release::Release;
use super::verify;
use crate::model::action::{Action, GroupChange, Tags};
use crate::model::observed::{Group, Instance};
use crate::model::tags::keys;

/// Keeps what serves from scaling in while there is a next generation that is launched and verified. Never before there is
/// one: if AWS refuses it, what serves scales as ever.
pub(super) fn raise<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(serving) = release.serving.filter(|group| group.min < group.desired && group.owner.failed.is_none())
    else {
        return;
    };
    hold_at(draft, serving, serving.min);
    let change = GroupChange { min: Some(serving.desired), ..GroupChange::default() };
    let reason = format!("it must not scale in while the next generation is measured against its {}", serving.desired);
    draft.act(Action::UpdateGroup { name: serving.name.clone(), change }, reason, Vec::new());
}

/// Makes the next generation as large as what it takes over from is now, and keeps it from scaling in again for want of
/// traffic.
pub(super) fn grow(draft: &mut Draft<'_>, release: &Release<'_, '_>, target: &Group) {
    let (size, min) = (release.size, release.wanted.min);
    if size > min {
        hold_at(draft, target, min);
    }
    let change = GroupChange {
        min: (target.min < size).then_some(size),
        max: (target.max < size).then_some(size),
        desired: Some(size),
        ..GroupChange::default()
    };
    let reason = format!("it takes over from {size} instances");
    draft.act(Action::UpdateGroup { name: target.name.clone(), change }, reason, Vec::new());
}

/// Whether a group may shrink to so many instances now. AWS does not ask whom the load balancer calls healthy: by default
/// the oldest instances go first, which may be the only ones that serve while others still boot. So every instance must be
/// healthy first, unless none goes or none of them serves.
pub(super) fn may_shrink<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group, desired: u32) -> bool {
    let leaving = |instance: &&Instance| instance.lifecycle.starts_with("Terminating");
    let there = group.instances.iter().filter(|instance| !leaving(instance)).count() as u32;
    let front = release.picture.front.as_ref();
    let serves = group.owner.slot.is_none_or(|slot| front.is_none_or(|front| front.weight(slot) > 0));
    if there <= desired || !serves {
        return true;
    }
    let Some(good) = verify::healthy(draft, release.picture, group) else { return false };
    if good == 0 || good >= there {
        return true;
    }
    let (generation, old) = (group.owner.generation, group.desired);
    draft.wait(
        format!(
            "every instance of {generation} to be healthy before it shrinks from {old} to {desired}, because AWS may take \
             out those that serve; healthy {good}/{there}"
        ),
        None,
    );
    false
}

/// Notes which min a group goes back to, unless that is known already.
fn hold_at(draft: &mut Draft<'_>, group: &Group, min: u32) {
    if group.owner.held_min.is_none() {
        let tag = Tags::from([(keys::HELD_MIN.to_owned(), min.to_string())]);
        draft.tag_group(&group.name, tag, format!("its min is {min} again after the release"));
    }
}

/// The smallest size that a new group begins with, and the one that it goes back to if that is smaller.
pub(super) fn at_birth(release: &Release<'_, '_>) -> (u32, Option<u32>) {
    let min = release.wanted.min;
    (release.size.max(min), (release.size > min).then_some(min))
}

/// Lets what is deployed scale in again, as its manifest says.
pub(super) fn lower<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group) {
    if group.owner.held_min.is_some() {
        lower_to(draft, group, release.wanted.min);
    }
}

/// Lets what serves scale in again as before, where there is no next generation any more or not yet.
pub(super) fn without_a_next<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    if let Some((serving, min)) = release.serving.and_then(|serving| Some((serving, serving.owner.held_min?))) {
        lower_to(draft, serving, min);
    }
}

fn lower_to(draft: &mut Draft<'_>, group: &Group, min: u32) {
    if group.min != min {
        let change = GroupChange { min: Some(min), ..GroupChange::default() };
        let name = group.name.clone();
        draft.act(Action::UpdateGroup { name, change }, "the release is over: it may scale in again", Vec::new());
    }
    let (name, keys) = (group.name.clone(), vec![keys::HELD_MIN.to_owned()]);
    draft.act(Action::UntagGroup { name, keys }, "scaling decides about its size again", Vec::new());
}
