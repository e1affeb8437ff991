//! Canary: a share of the traffic, a look at how it goes, a larger share. How far it is stands in a tag of its group, as
//! the number of steps behind it, so that weights that somebody changes by hand are no progress. The tag of a larger share is
//! written before the weights follow it, so that a tag that AWS refuses never takes a share away again.

use super::draft::Draft;
use super::picture::Front;
use super::release::{Release, Turn};
use super::shift;
use super::verify;
use super::verify::watched::{self, Watching};
use crate::model::action::{Action, Tags};
use crate::model::mark;
use crate::model::names::{Generation, Slot};
use crate::model::observed::{Forward, Group};
use crate::model::plan::{Change, StepKind, StepState};
use crate::model::spec::{AppSpec, Canary, CanaryStep};
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};

/// The word of a promotion that leaves no step to be waited for.
pub(super) const FULL: &str = "full";

/// How many steps are behind a generation, promoted ones among them.
pub(super) fn behind(target: &Group) -> usize {
    let done = target.owner.canary_step().map_or(0, |step| step.done);
    let promoted = target.owner.marks.promoted.as_ref().and_then(|mark| mark.to.as_deref());
    done.max(promoted.map_or(0, |to| if to == FULL { usize::MAX } else { to.parse().unwrap_or(0) }))
}

/// The share of the traffic that a generation has been given, in percent; 0 before the first step.
pub(super) fn share(canary: &Canary, target: &Group) -> u32 {
    let done = target.owner.canary_step().map_or(0, |step| step.done);
    let weight = |step: &CanaryStep| if let CanaryStep::Weight(weight) = step { Some(*weight) } else { None };
    canary.steps.iter().take(done).rev().find_map(weight).unwrap_or(0)
}

/// Done when the target was given this share, or a later step is reached.
pub(super) fn shift<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, place: usize, weight: u32) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    if release.is_shifted() || behind(target) > place {
        return Turn::Done;
    }
    draft.in_flight = true;
    if let Some(turn) = ready(draft, release, target) {
        return turn;
    }
    if let Some(turn) = release.held(draft) {
        return turn;
    }
    draft.standing.advances |= share_now(release, target) == 0;
    let reason = match share_now(release, target) {
        0 => format!("{} is healthy: it takes {weight} % of the traffic", target.owner.generation),
        share => format!("{} is well at {share} %: it takes {weight} %", target.owner.generation),
    };
    let has_a_share = share_now(release, target) > 0;
    let noted = format!("{} has {weight} % of the traffic", target.owner.generation);
    // Without the tag the share would go back to what the last one says, so that from the second share on the tag comes
    // first. Before the first share there is nothing to go back to, and one that was never given must not look as if it were lost.
    if has_a_share {
        reach(draft, target, place + 1, noted.clone());
    }
    if let Some((slot, forward)) = split(release, target, weight) {
        shift::move_traffic(draft, release, target, slot, &forward, &reason);
    }
    if !has_a_share {
        reach(draft, target, place + 1, noted);
    }
    Turn::Here(None)
}

/// Done when the target was watched for long enough, or a person has promoted it.
pub(super) fn pause<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    place: usize,
    duration: Option<Span>,
) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    if release.is_shifted() || behind(target) > place {
        return Turn::Done;
    }
    draft.in_flight = true;
    // After another pause, or after a promotion, its own clock begins.
    let Some(since) = target.owner.canary_step().filter(|step| step.done == place).map(|step| step.at) else {
        reach(draft, target, place, "the next pause begins".to_owned());
        return Turn::Here(None);
    };
    if let Some(turn) = ready(draft, release, target) {
        return turn;
    }
    let generation = target.owner.generation;
    let share = share_now(release, target);
    match duration.map(|duration| Watching::of(target, since, duration, draft.now).end) {
        Some(end) if draft.now >= end => Turn::Done,
        Some(_) if duration.is_some_and(|duration| watched::is_held(draft, target, since, duration)) => {
            Turn::Here(None)
        }
        Some(end) => {
            draft.wait(format!("{generation} to be watched with {share} % of the traffic"), Some(end));
            Turn::Here(None)
        }
        None => {
            draft.standing.park(Some(since));
            let app = &draft.scope.app;
            draft.wait_for_person(format!("`amiable promote {app}`, with {generation} at {share} % of the traffic"));
            Turn::Here(None)
        }
    }
}

/// Whether somebody, or a shift back that was cut off, has taken away the share that a generation was given, and another one has
/// all of it. Where nobody has any, the listener is put right, and the share with it.
pub(super) fn lost_its_share(release: &Release<'_, '_>, target: &Group) -> bool {
    let (Some(front), Some(slot), Some(canary)) = (&release.picture.front, target.owner.slot, release.canary()) else {
        return false;
    };
    share(canary, target) > 0 && front.weight(slot) == 0 && front.live_slot().is_some()
}

/// Another process took its share away, and it is asked for again: it goes through its steps from the first.
pub(super) fn begins_anew(draft: &mut Draft<'_>, target: &Group) {
    draft.act(forgotten(target), "another run took its share of the traffic away: its canary begins anew", Vec::new());
}

/// The call that forgets how far a canary has come, and how far it was promoted.
pub(super) fn forgotten(target: &Group) -> Action {
    let promoted = target.owner.marks.promoted.as_ref().map(|_| keys::PROMOTED);
    let keys = [keys::CANARY].into_iter().chain(promoted).map(str::to_owned).collect();
    Action::UntagGroup { name: target.name.clone(), keys }
}

/// Puts right what stands between a generation and its next step; nothing when it is well and has its share.
pub(super) fn ready<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &'a Group) -> Option<Turn> {
    if let Some(turn) = verify::under_traffic(draft, release, target, due(release, target)) {
        return Some(turn);
    }
    let share = release.canary().map_or(0, |canary| share(canary, target));
    let (slot, forward) = split(release, target, share)?;
    if share > 0 && !release.picture.front.as_ref().is_some_and(|front| front.is_exactly(&forward)) {
        let reason = format!("the weights were changed: {} has {share} % of the traffic", target.owner.generation);
        let lacks = release.picture.front.as_ref().is_some_and(|front| front.weight(slot) < share);
        if let Some(step) = target.owner.canary_step().filter(|_| lacks) {
            reach(draft, target, step.done, "it is watched anew with its whole share".to_owned());
        }
        shift::move_traffic(draft, release, target, slot, &forward, &reason);
        return Some(Turn::Here(None));
    }
    None
}

/// Since when it is watched in its present pause, and for how long; nothing where a person ends that, or has ended it.
pub(super) fn watched_for(release: &Release<'_, '_>, target: &Group) -> Option<(Timestamp, Span)> {
    let step = target.owner.canary_step().filter(|step| behind(target) == step.done)?;
    match release.canary()?.steps.get(step.done)? {
        CanaryStep::Pause(duration) => Some((step.at, (*duration)?)),
        CanaryStep::Weight(_) => None,
    }
}

/// Since when nothing but its health has kept a generation from its next step; nothing while it has to wait anyway.
pub(super) fn due(release: &Release<'_, '_>, target: &Group) -> Option<Timestamp> {
    let step = target.owner.canary_step()?;
    let promoted = target.owner.marks.promoted.as_ref().filter(|_| behind(target) > step.done);
    match (promoted, release.canary().and_then(|canary| canary.steps.get(step.done))) {
        (Some(mark), _) => Some(mark.at),
        (None, Some(CanaryStep::Pause(duration))) => duration.map(|duration| duration.after(step.at)),
        (None, _) => Some(step.at),
    }
}

/// Says so where traffic moves at once although the manifest has steps for a canary. A way back from what failed needs no word:
/// everybody expects that to be quick.
pub(super) fn say_skipped(draft: &mut Draft<'_>, spec: &AppSpec) {
    let is_step = |kind: &StepKind| matches!(kind, StepKind::Shift { weight } if *weight < 100);
    let steps = &draft.plan.steps;
    let moves = steps.iter().find(|step| {
        step.state != StepState::Done && matches!(step.kind, StepKind::Shift { .. } | StepKind::ShiftBack { .. })
    });
    let is_release = matches!(draft.plan.change, Change::Create | Change::Replace);
    let Some(moves) = moves.filter(|_| spec.strategy.canary.is_some() && is_release) else { return };
    if steps.iter().any(|step| is_step(&step.kind)) {
        return;
    }
    let group = |generation: Option<Generation>| {
        let mut groups = draft.index.groups(&draft.scope.app).iter();
        groups.find(|group| Some(group.owner.generation) == generation)
    };
    let to = draft.plan.to.map_or_else(|| "the new generation".to_owned(), |to| to.to_string());
    let why = match moves.kind {
        StepKind::ShiftBack { .. } if !group(draft.plan.from).is_some_and(|from| from.owner.is_turned_down()) => return,
        _ if group(draft.plan.to).is_some_and(|target| target.owner.shifted_at.is_some()) => {
            format!("{to} has served before and is warm")
        }
        _ if draft.plan.change == Change::Create => "nothing serves yet that it could be compared with".to_owned(),
        _ => "nothing that runs could be compared with it".to_owned(),
    };
    draft.note(format!("the canary steps are skipped, and {to} takes all traffic at once, because {why}"));
}

fn share_now(release: &Release<'_, '_>, target: &Group) -> u32 {
    release.canary().map_or(0, |canary| share(canary, target))
}

/// The slot of a generation, and the weights that give it so much of the traffic.
fn split(release: &Release<'_, '_>, target: &Group, weight: u32) -> Option<(Slot, Forward)> {
    let (front, slot, canary) = (release.picture.front.as_ref()?, target.owner.slot?, release.canary()?);
    Some((slot, forward(front, canary, slot, weight)))
}

/// The weights that give a canary in this slot so much of the traffic.
pub(super) fn forward(front: &Front<'_>, canary: &Canary, slot: Slot, weight: u32) -> Forward {
    let stickiness = u32::try_from(canary.stickiness.as_seconds()).ok().filter(|seconds| *seconds > 0);
    let stickiness = stickiness.filter(|_| front.keeps_visitors());
    Forward { stickiness, ..front.split(slot, weight) }
}

fn reach(draft: &mut Draft<'_>, target: &Group, done: usize, reason: String) {
    let step = mark::CanaryStep { done, at: draft.now };
    draft.tag_group(&target.name, Tags::from([(keys::CANARY.to_owned(), step.to_string())]), reason);
}
