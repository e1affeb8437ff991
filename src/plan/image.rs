//! What follows for an app where its source of images leads to no new image, to one for later, or cannot be read.

use super::draft::Draft;
use super::picture::Picture;
use super::release::Release;
use super::resolve::{Choice, Wanted};
use super::{diff, is_unproven, rollout, verify};
use crate::model::observed::Group;
use crate::model::plan::{Change, Effect, FieldChange, NewerImage};
use crate::model::release;

/// Which image it is to be could not be read. No decision is taken on that; but a release that is under way goes on, and
/// what has traffic and is still being watched goes on being watched.
pub(super) fn unread<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    candidate: Option<&'a Group>,
    why: &str,
) {
    let Some(unproven) = candidate.filter(|candidate| is_unproven(wanted, picture, candidate)) else {
        return draft.unreadable(why);
    };
    rollout::interpret(draft, &Release::new(wanted, picture, Some(unproven)));
    if draft.plan.change == Change::Error {
        return;
    }
    draft.plan.change = Change::Replace;
    draft.plan.to = Some(unproven.owner.generation);
    if draft.plan.actions.is_empty() {
        draft.wait("AWS to be readable again", None);
    }
}

/// The environment that the image comes from has turned it down while the release is under way here: it is given up, and
/// what has traffic of it goes back.
pub(super) fn turned_down<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    candidate: &'a Group,
    why: String,
) {
    let release = Release::new(wanted, picture, Some(candidate));
    diff::replaced(draft, &release);
    draft.in_flight = true;
    draft.plan.change = Change::Replace;
    draft.plan.to = Some(candidate.owner.generation);
    draft.plan.reason = format!("{} is given up: {why}", candidate.owner.generation);
    verify::fail(draft, &release, candidate, why);
}

/// The source of images, or somebody, has moved on since a person was shown the plan and agreed to it: what runs stays, until
/// somebody has seen what would be launched now.
pub(super) fn unshown<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    none(draft, wanted, picture, &wanted.unshown());
    draft.plan.unshown = draft.plan.change == Change::Blocked;
}

/// There is no image to launch. What runs stays as it is; what is changed in place is changed.
pub(super) fn none<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, why: &str) {
    let serving = picture.serving();
    let Some(stays) = serving.filter(|serving| serving.owner.failed.is_none()) else {
        return draft.block(why);
    };
    let release = Release::new(wanted, picture, Some(stays));
    diff::replaced(draft, &release);
    rollout::with_settings(draft, &release);
    if draft.plan.change == Change::Error {
        return;
    }
    draft.block(format!("{why}; {} stays as it is", stays.owner.generation));
    if draft.plan.actions.is_empty() {
        draft.plan.steps.clear();
    }
}

/// Says why another image is not deployed. An app that has nothing else to do is blocked by it, where that is no choice of
/// its manifest.
pub(super) fn say(draft: &mut Draft<'_>, wanted: &Wanted<'_>) {
    let newer = draft.plan.image.as_ref().and_then(|image| image.newer.clone());
    match &wanted.choice {
        Choice::Source => {}
        Choice::Unread(_) if draft.plan.change == Change::Error => {}
        Choice::Unread(why) => draft.note(why.clone()),
        Choice::ByHand => {
            if let Some(newer) = newer {
                draft.note(by_hand(&newer));
            }
            if let Some(why) = wanted.no_lead() {
                draft.note(why);
            }
        }
        Choice::Later { why, until } => {
            if let (Change::Unchanged, Some(newer)) = (draft.plan.change, newer) {
                to_come(draft, &newer);
                draft.block(why.clone());
            } else {
                draft.note(why.clone());
            }
            wake(draft, *until);
        }
        Choice::Nothing(why) => {
            if draft.plan.change == Change::Unchanged {
                let stays = draft.plan.from.map(|from| format!("; {from} stays as it is")).unwrap_or_default();
                draft.block(format!("{why}{stays}"));
            } else if draft.plan.change != Change::Blocked {
                draft.note(why.clone());
            }
        }
        Choice::Missing { until, .. } => {
            if let Some(until) = until {
                wake(draft, *until);
            }
        }
    }
}

fn by_hand(newer: &NewerImage) -> String {
    let image = release::image(&newer.id, &newer.release);
    match newer.until {
        Some(until) => format!("newer: {image}, which `amiable promote` can deploy from {until} on"),
        None => format!("newer: {image}, `amiable promote` deploys it"),
    }
}

/// Shows the image that is to come as a change.
fn to_come(draft: &mut Draft<'_>, newer: &NewerImage) {
    let image = draft.plan.image.as_ref();
    let before = image.map(|image| release::image(&image.id, &image.release));
    let origin = newer.origin.as_ref().map(|origin| format!(" from {origin}")).unwrap_or_default();
    let after = Some(format!("{}{origin}", release::image(&newer.id, &newer.release)));
    draft.plan.fields.push(FieldChange { path: "image".to_owned(), before, after, effect: Effect::Replace });
}

fn wake(draft: &mut Draft<'_>, until: crate::model::time::Timestamp) {
    draft.plan.wake_at = Some(draft.plan.wake_at.map_or(until, |earlier| earlier.min(until)));
}
