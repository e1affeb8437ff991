//! Times in tags that have not come yet: somebody's clock was wrong, or somebody wrote them by hand. Waiting for them might
//! take for ever, so that each counts as now and is written anew.
//!
//! `each_time!` names every field of what tags say, so that a new one does not compile before it is decided here whether it
//! is a time; and what is written anew is what [`tags::encode`] makes of it, so that no half of a tag gets lost.

use std::borrow::Cow;

use super::draft::Draft;
use super::index::Index;
use crate::model::action::{Expect, Tags};
use crate::model::mark::{CanaryStep, Mark, Marks, Watched};
use crate::model::observed::{Failure, Group, Observed, Ownership, Read};
use crate::model::plan::Change;
use crate::model::probe::{Checks, Tries};
use crate::model::tags::{self, keys};
use crate::model::time::{Span, Timestamp};
use crate::model::trial::Trial;
use crate::model::writer::Writer;

/// How far ahead a time may lie: the clocks of two machines differ, and a look takes a while.
const TOLERATED: Span = Span::seconds(60);

/// Visits every time of what tags say, be it to read or to change it, and tells whether it is that at which a process began.
macro_rules! each_time {
    ($owner:ident, $values:ident, $visit:ident) => {{
        let Ownership {
            app: _,
            environment: _,
            generation: _,
            template_hash: _,
            image: _,
            release: _,
            artifacts: _,
            origin: _,
            slot: _,
            listeners: _,
            rule: _,
            dns: _,
            // Until when resolvers may remember the name.
            nameless: _,
            applied: _,
            writer,
            healthy_since,
            lacking_since,
            unwanted_since,
            trial,
            shifted_at,
            recorded_at,
            canary,
            watched,
            held_min: _,
            marks,
            checks,
            failed,
        } = $owner;
        let Checks { preview_rule: _, smoke_tries, smoked_at, asked, approved, judged_by: _ } = checks;
        let plain = [healthy_since, lacking_since, unwanted_since, shifted_at, recorded_at, smoked_at];
        plain
            .into_iter()
            .flatten()
            .chain(asked.$values())
            .chain(approved.$values())
            .for_each(|time| $visit(time, false));
        if let Some(Writer { begun, manifest: _, by: _, commit: _ }) = writer {
            $visit(begun, true);
        }
        if let Some(Trial { what: _, at, refused: _, beside: _ }) = trial {
            $visit(at, false);
        }
        if let Some(CanaryStep { done: _, at }) = canary {
            $visit(at, false);
        }
        if let Some(Watched { seconds: _, at }) = watched {
            $visit(at, false);
        }
        if let Some(Tries { failed: _, since, last }) = smoke_tries {
            $visit(since, false);
            $visit(last, false);
        }
        if let Some(Failure { at, reason: _ }) = failed {
            $visit(at, false);
        }
        let Marks { paused, promoted, promoted_image, suspended, pinned, back_to: _, traffic_back } = marks;
        for mark in [paused, promoted, promoted_image, suspended, pinned, traffic_back].into_iter().flatten() {
            let Mark { at, by: _, to: _, why: _ } = mark;
            $visit(at, false);
        }
    }};
}

/// What was observed, without times that have not come yet.
pub(super) fn without(observed: &Observed, now: Timestamp) -> Cow<'_, Observed> {
    let group = |group: &Group| is_ahead(&group.owner, now);
    let groups = observed.groups.known().is_some_and(|groups| groups.values().any(group));
    let templates = observed.launch_templates.known();
    let templates = templates.is_some_and(|all| all.values().any(|it| is_ahead(&it.owner, now)));
    if !groups && !templates {
        return Cow::Borrowed(observed);
    }
    let mut observed = observed.clone();
    if let Read::Known(groups) = &mut observed.groups {
        groups.values_mut().for_each(|group| set_back(&mut group.owner, group.created_at, now));
    }
    if let Read::Known(templates) = &mut observed.launch_templates {
        templates.values_mut().for_each(|template| set_back(&mut template.owner, template.created_at, now));
    }
    Cow::Owned(observed)
}

/// Writes the times of the app's groups that have not come yet anew. `read` is what was read.
pub(super) fn put_right(draft: &mut Draft<'_>, read: &Index<'_>) {
    // What is read again right before a call is what stands there.
    for expect in draft.plan.actions.iter_mut().flat_map(|planned| &mut planned.expects) {
        if let Expect::Written { group, writer } = expect {
            let found = read.groups(&draft.scope.app).iter().find(|read| read.name == *group);
            writer.clone_from(&found.and_then(|found| found.owner.writer.clone()));
        }
    }
    if draft.plan.change == Change::Error {
        return;
    }
    for group in read.groups(&draft.scope.app).iter().filter(|group| !group.deleting) {
        let tags = ahead(group, draft.now);
        if !tags.is_empty() {
            draft.tag_group(
                &group.name,
                tags,
                "a tag of it held a time in the future, from a clock that was wrong: it is set to now",
            );
        }
    }
}

/// The tags of a group whose times lie too far ahead, as of now.
fn ahead(group: &Group, now: Timestamp) -> Tags {
    let mut right = group.owner.clone();
    set_back(&mut right, group.created_at, now);
    if right == group.owner {
        return Tags::new();
    }
    let (read, mut right) = (tags::encode(&group.owner, &Tags::new()), tags::encode(&right, &Tags::new()));
    // Who wrote it is written anew by whoever goes on with it, and by nobody else.
    right.retain(|key, text| key != keys::APPLIED && read.get(key) != Some(text));
    right
}

fn is_ahead(owner: &Ownership, now: Timestamp) -> bool {
    let limit = TOLERATED.after(now);
    let mut ahead = false;
    let mut look = |time: &Timestamp, _| ahead |= *time > limit;
    each_time!(owner, values, look);
    ahead
}

/// Puts every time that lies too far ahead back to now; that at which its writer began to when it was made, for nobody makes
/// anything before having begun. How long something is to last is no such time.
pub(super) fn set_back(owner: &mut Ownership, made_at: Timestamp, now: Timestamp) {
    let limit = TOLERATED.after(now);
    let set = |time: &mut Timestamp, is_begin: bool| {
        if *time > limit {
            *time = if is_begin { made_at.min(now) } else { now };
        }
    };
    each_time!(owner, values_mut, set);
}
