//! Whoever watches what has traffic gives a sign of it, also where nothing of the release goes on: a person is waited for, or AWS
//! refuses the call that moves the traffic. Without a sign, `status` would say that nobody watches.

use super::draft::Draft;
use crate::model::action::{Action, Tags};
use crate::model::given_up::{GivenUp, Why};
use crate::model::mark::Watched;
use crate::model::observed::Group;
use crate::model::plan::{Change, PlannedAction, Wait};
use crate::model::tags::keys;
use crate::model::time::Span;

/// How long before its silence would be told a watcher gives a sign: as long as a few looks and calls take.
const EARLY: Span = Span::seconds(30);

/// What is noted in the course of a release, each of which is a sign.
const SIGNS: [&str; 4] = [keys::WATCHED, keys::SHIFTED_AT, keys::CANARY, keys::HEALTHY_SINCE];

/// Says that AWS does not take the call that moves the traffic, and gives a sign that it is watched all the same, where that is due.
/// Who only looks gives none.
pub(super) fn give_sign(draft: &mut Draft<'_>) {
    let idle = matches!(draft.plan.change, Change::Error | Change::Orphaned) || !draft.plan.wants.is_empty();
    // Who gives way waits for the other process, and not for ever: it may have ended.
    if idle || draft.gives_way {
        return;
    }
    let refused = refused(draft);
    if let Some(words) = &refused {
        let to = draft.plan.to.map(|to| format!(" to {to}")).unwrap_or_default();
        let what = format!("AWS to take the call that gives the traffic{to}, which is made again: {words}");
        draft.plan.waits.push(Wait { what, until: None, cleanup: false });
    }
    let is_at_work = draft.desired.is_some_and(|desired| desired.begun.is_some());
    let sign = due(draft).filter(|sign| is_at_work && !draft.has_given_up(sign) && failing(draft, sign).is_none());
    let Some(sign) = sign else { return };
    let reason = "it is watched, though its release does not go on".to_owned();
    let planned = PlannedAction { action: sign, reason, expects: Vec::new() };
    // What comes after a call that AWS refuses is not done.
    let place = if refused.is_some() { 0 } else { draft.plan.actions.len() };
    draft.plan.actions.insert(place, planned);
}

/// The sign that is due, if nothing that is planned is one. Where nothing is left to do or to look for, the watch is over.
fn due(draft: &Draft<'_>) -> Option<Action> {
    let exposed = draft.plan.exposed.as_ref().filter(|_| !draft.plan.is_over(false))?;
    let silence = Span::between_whole(exposed.watched_at, draft.now);
    if silence.as_seconds() + EARLY.as_seconds() < exposed.longest_silence.as_seconds() {
        return None;
    }
    let mut groups = draft.index.groups(&draft.scope.app).iter();
    let group = groups.find(|group| group.owner.generation == exposed.generation)?;
    let is_sign = |planned: &PlannedAction| match &planned.action {
        Action::TagGroup { name, tags, .. } => *name == group.name && SIGNS.iter().any(|key| tags.contains_key(*key)),
        _ => false,
    };
    if draft.plan.actions.iter().any(is_sign) {
        return None;
    }
    let watched = Watched { seconds: counted(group), at: draft.now };
    let tags = Tags::from([(keys::WATCHED.to_owned(), watched.to_string())]);
    Some(Action::TagGroup { name: group.name.clone(), tags, propagate: false })
}

/// How much of its watch counts so far. A sign adds nothing to it, and what was watched in an earlier step counts no more.
fn counted(group: &Group) -> u64 {
    let owner = &group.owner;
    let since = owner.shifted_at.or(owner.canary.map(|step| step.at)).unwrap_or(group.created_at);
    owner.watched.filter(|watched| watched.at >= since).map_or(0, |watched| watched.seconds)
}

/// AWS's words for a planned call that moves traffic, where it failed the last time.
fn refused(draft: &Draft<'_>) -> Option<String> {
    let moves = |planned: &&PlannedAction| matches!(planned.action, Action::Shift { .. });
    draft.plan.actions.iter().filter(moves).find_map(|planned| failing(draft, &planned.action))
}

fn failing(draft: &Draft<'_>, action: &Action) -> Option<String> {
    let failing = draft.desired?.failing.get(&draft.scope.app)?;
    let found: &GivenUp = failing.iter().find(|call| call.covers(action))?;
    Some(match &found.why {
        Why::Refused(words) | Why::Failing(words) => words.clone(),
        Why::InVain(times) => format!("it was made {times} times without effect"),
    })
}
