//! How long a generation may lack what its next step needs: healthy instances, or what it is judged by.
//!
//! The time does not run from its creation or from when the step was due, but from when the lack was first seen after that:
//! nobody may have looked for hours, and a release that a person or an alarm held up all day is no worse for it.

use crate::model::action::{Action, Tags};
use crate::model::observed::Group;
use crate::model::tags::keys;
use crate::model::time::Timestamp;
use crate::plan::draft::Draft;
use crate::plan::release::Release;

/// Until when it may be lacked what has been due since then.
pub(super) fn deadline(draft: &mut Draft<'_>, release: &Release<'_, '_>, target: &Group, due: Timestamp) -> Timestamp {
    if target.owner.lacking_since.is_none() && draft.now >= due && release.picture.paused().is_none() {
        lacks(draft, target, "it is not ready for its next step: its progressDeadline counts from now");
    }
    let since = target.owner.lacking_since.unwrap_or(draft.now);
    release.wanted.spec.progress_deadline.after(since.max(due))
}

/// Whether that is over. While a person holds the release, it is not.
pub(super) fn is_over(draft: &Draft<'_>, release: &Release<'_, '_>, deadline: Timestamp) -> bool {
    draft.now >= deadline && release.picture.paused().is_none()
}

/// From now on it lacks something.
pub(super) fn lacks(draft: &mut Draft<'_>, target: &Group, why: &str) {
    let tags = Tags::from([(keys::LACKING_SINCE.to_owned(), draft.now.to_string())]);
    let action = Action::TagGroup { name: target.name.clone(), tags, propagate: false };
    if draft.plan.actions.iter().all(|planned| planned.action != action) {
        draft.act(action, why, Vec::new());
    }
}

/// It lacks nothing any more.
pub(super) fn has_enough(draft: &mut Draft<'_>, target: &Group) {
    if target.owner.lacking_since.is_some() {
        let keys = vec![keys::LACKING_SINCE.to_owned()];
        let action = Action::UntagGroup { name: target.name.clone(), keys };
        draft.act(action, "it is ready again: its progressDeadline counts no more", Vec::new());
    }
}
