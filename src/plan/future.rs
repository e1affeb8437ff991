//! Times in tags that have not come yet: somebody's clock was wrong, or somebody wrote them by hand. Waiting for them might
//! take for ever, so that each counts as now and is written anew.

use std::borrow::Cow;

use super::draft::Draft;
use crate::model::action::Tags;
use crate::model::mark::{CanaryStep, Watched};
use crate::model::observed::{Group, Observed, Read};
use crate::model::plan::Change;
use crate::model::probe::Tries;
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};

/// How far ahead a time may lie: the clocks of two machines differ, and a look takes a while.
const TOLERATED: Span = Span::seconds(60);

/// What was observed, without times that have not come yet.
pub(super) fn without(observed: &Observed, now: Timestamp) -> Cow<'_, Observed> {
    let any = observed.groups.known().is_some_and(|groups| groups.values().any(|group| !ahead(group, now).is_empty()));
    if !any {
        return Cow::Borrowed(observed);
    }
    let mut observed = observed.clone();
    if let Read::Known(groups) = &mut observed.groups {
        for group in groups.values_mut() {
            let owner = &mut group.owner;
            let times = [
                &mut owner.healthy_since,
                &mut owner.lacking_since,
                &mut owner.shifted_at,
                &mut owner.recorded_at,
                &mut owner.checks.smoked_at,
            ];
            for time in times.into_iter().flatten().chain(owner.checks.asked.values_mut()) {
                *time = (*time).min(now);
            }
            if let Some(step) = &mut owner.canary {
                step.at = step.at.min(now);
            }
            if let Some(watched) = &mut owner.watched {
                watched.at = watched.at.min(now);
            }
            if let Some(tries) = &mut owner.checks.smoke_tries {
                (tries.since, tries.last) = (tries.since.min(now), tries.last.min(now));
            }
        }
    }
    Cow::Owned(observed)
}

/// Writes the times of the app's groups that have not come yet anew. `observed` is what was read.
pub(super) fn put_right(draft: &mut Draft<'_>, observed: &Observed) {
    let Some(groups) = observed.groups.known().filter(|_| draft.plan.change != Change::Error) else { return };
    for group in groups.values().filter(|group| group.owner.app == draft.scope.app && !group.deleting) {
        let tags = ahead(group, draft.now);
        if !tags.is_empty() {
            draft.tag_group(&group.name, tags, "it was noted with a time that has not come yet: it counts from now");
        }
    }
}

/// The tags of a group whose times lie too far ahead, as of now.
fn ahead(group: &Group, now: Timestamp) -> Tags {
    let limit = TOLERATED.after(now);
    let (owner, mut tags) = (&group.owner, Tags::new());
    let plain = [
        (keys::HEALTHY_SINCE, owner.healthy_since),
        (keys::LACKING_SINCE, owner.lacking_since),
        (keys::SHIFTED_AT, owner.shifted_at),
        (keys::RECORDED_AT, owner.recorded_at),
        (keys::SMOKED_AT, owner.checks.smoked_at),
    ];
    for (key, _) in plain.into_iter().filter(|(_, time)| time.is_some_and(|time| time > limit)) {
        tags.insert(key.to_owned(), now.to_string());
    }
    for (phase, _) in owner.checks.asked.iter().filter(|(_, time)| **time > limit) {
        tags.insert(keys::asked(*phase), now.to_string());
    }
    if let Some(step) = owner.canary.filter(|step| step.at > limit) {
        tags.insert(keys::CANARY.to_owned(), CanaryStep { at: now, ..step }.to_string());
    }
    if let Some(watched) = owner.watched.filter(|watched| watched.at > limit) {
        tags.insert(keys::WATCHED.to_owned(), Watched { at: now, ..watched }.to_string());
    }
    if let Some(tries) = owner.checks.smoke_tries.filter(|tries| tries.since.max(tries.last) > limit) {
        let tries = Tries { since: tries.since.min(now), last: tries.last.min(now), ..tries };
        tags.insert(keys::SMOKE_TRIES.to_owned(), tries.to_string());
    }
    tags
}
