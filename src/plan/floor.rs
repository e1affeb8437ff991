//! The size of what serves while a release is under way: it may grow, and must not shrink. A target-tracking policy would
//! else scale in the new group, which has no traffic yet, and the old one while the new one is measured against it.

use super::draft::Draft;
use super::release::Release;
use crate::model::action::{Action, GroupChange, Tags};
use crate::model::observed::Group;
use crate::model::tags::keys;

/// Keeps what serves from scaling in while the next generation is launched and verified.
pub(super) fn raise<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(serving) = release.serving.filter(|group| group.min < group.desired && group.owner.failed.is_none())
    else {
        return;
    };
    if serving.owner.held_min.is_none() {
        let tag = Tags::from([(keys::HELD_MIN.to_owned(), serving.min.to_string())]);
        draft.tag_group(&serving.name, tag, format!("its min is {} but for the release", serving.min));
    }
    let change = GroupChange { min: Some(serving.desired), ..GroupChange::default() };
    let reason = format!("it must not scale in while the next generation is measured against its {}", serving.desired);
    draft.act(Action::UpdateGroup { name: serving.name.clone(), change }, reason, Vec::new());
}

/// The smallest size that a new group begins with, and the one that it goes back to if that is smaller.
pub(super) fn at_birth(release: &Release<'_, '_>) -> (u32, Option<u32>) {
    let min = release.wanted.min;
    (release.size.max(min), (release.size > min).then_some(min))
}

/// Lets a group scale in again.
pub(super) fn lower<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group) {
    if group.owner.held_min.is_none() {
        return;
    }
    let min = release.wanted.min;
    if group.min != min {
        let change = GroupChange { min: Some(min), ..GroupChange::default() };
        let name = group.name.clone();
        draft.act(Action::UpdateGroup { name, change }, "the release is over: it may scale in again", Vec::new());
    }
    let (name, keys) = (group.name.clone(), vec![keys::HELD_MIN.to_owned()]);
    draft.act(Action::UntagGroup { name, keys }, "its size belongs to scaling again", Vec::new());
}
