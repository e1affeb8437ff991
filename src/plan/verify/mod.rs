//! Verification: a generation must be healthy before it takes traffic, and stay so while it is watched.

mod activity;
pub(super) mod alarms;
mod causes;
mod compare;
mod health;
mod patience;
mod readiness;
mod sickness;
pub(super) mod smoke;
pub(super) mod watch;
pub(super) mod watched;
pub(super) mod webhook;

use super::astray;
use super::autopsy;
use super::canary;
use super::draft::Draft;
use super::floor;
use super::picture::Picture;
use super::release::{Release, Turn};
use super::shift;
use super::writers;
use crate::model::action::Tags;
use crate::model::observed::{Activity, Failure, Group, OUT_OF_TRAFFIC, how_it_ended};
use crate::model::tags::{self, keys};
use crate::model::time::{Span, Timestamp};
pub(super) use health::Healthy;
use watched::Watching;

/// What AWS says of the newest launch of a group, if that failed.
pub(super) fn last_launch_failed(activities: &[Activity], group: &Group) -> Option<String> {
    activity::launch_failure(activities, group).map(|(_, words)| words)
}

/// How many instances of a group are healthy, if that is known.
pub(super) fn healthy<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<u32> {
    Some(Healthy::of(draft, picture, group)?.good)
}

/// A generation lacks nothing any more, or nothing is asked of it now.
pub(super) fn has_enough(draft: &mut Draft<'_>, group: &Group) {
    patience::has_enough(draft, group);
}

/// When AWS had room for its launches again, if it had lacked some and that was read.
pub(super) fn room_since(draft: &Draft<'_>, target: &Group) -> Option<Timestamp> {
    activity::room_since(draft.observed.details.activities.get(&target.name)?.known()?)
}

/// Done when the target has the traffic, or has been healthy for the stability window.
pub(super) fn wait_healthy<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, stable_for: Span) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    if release.is_shifted() {
        return Turn::Done;
    }
    draft.in_flight = true;
    if target.owner.canary_step().is_some() {
        if !canary::lost_its_share(release, target) {
            return Turn::Done;
        }
        match (release.serving, target.owner.canary_step()) {
            (Some(serving), Some(step)) if writers::has_gone_back(serving, target, step.at) => {
                canary::begins_anew(draft, target);
            }
            _ => lost_its_traffic(draft, release, target),
        }
        return Turn::Here(None);
    }
    if taken_out_of_service(draft, release, target) || grow(draft, release, target) {
        return Turn::Here(None);
    }
    if !shift::is_reached(draft, release, target) {
        return Turn::Here(None);
    }
    // Asked for together with the health of the targets. One that served before was proved then.
    let refusals = draft.refusals();
    let window = target.owner.healthy_since.filter(|_| target.owner.shifted_at.is_none());
    let replaced = window.map_or(Some(false), |since| sickness::was_replaced(draft, target, since));
    let Some(health) = Healthy::of(draft, release.picture, target) else { return Turn::Here(None) };
    let detail = format!("healthy {}/{}", health.good, release.size);
    if health.good < release.size {
        readiness::not_yet_healthy(draft, release, target, &health);
        return Turn::Here(Some(detail));
    }
    if target.owner.shifted_at.is_some() {
        has_enough(draft, target);
    }
    let Some(since) = target.owner.healthy_since else {
        let tag = Tags::from([(keys::HEALTHY_SINCE.to_owned(), draft.now.to_string())]);
        draft.tag_group(&target.name, tag, "all instances are healthy: the stability window begins");
        return Turn::Here(Some(detail));
    };
    match replaced {
        Some(false) => {}
        Some(true) => {
            let tag = Tags::from([(keys::HEALTHY_SINCE.to_owned(), draft.now.to_string())]);
            let why = "an instance was replaced for its health meanwhile: the stability window begins anew";
            draft.tag_group(&target.name, tag, why);
            return Turn::Here(Some(detail));
        }
        None => return Turn::Here(Some(detail)),
    }
    let until = stable_for.after(since);
    if draft.now < until {
        draft.wait(format!("{} to stay healthy for {stable_for}", target.owner.generation), Some(until));
        return Turn::Here(Some(detail));
    }
    // What could not be watched under traffic gets none.
    if draft.refusals() > refusals {
        return Turn::Here(Some(detail));
    }
    Turn::Done
}

/// Done when the target was watched under traffic for the whole time and is well at its end.
pub(super) fn bake<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, duration: Span) -> Turn {
    let (Some(target), Some(shifted_at)) = (release.target, release.target.and_then(|target| target.owner.shifted_at))
    else {
        return Turn::Here(None);
    };
    if !super::record::is_due(release, target) {
        return Turn::Done;
    }
    draft.in_flight = true;
    let until = duration.after(shifted_at);
    let open = draft.open_questions();
    let trouble = watch::trouble(draft, release, target);
    let is_clear = draft.open_questions() == open;
    // Whoever brought it on its way may have ended after it was recorded and before the tag could say so.
    let is_doubtful = trouble.is_some() || !is_clear;
    if is_doubtful && draft.now >= until && super::record::is_written(draft, target) {
        return Turn::Done;
    }
    if let Some(reason) = trouble {
        fail(draft, release, target, reason);
        return Turn::Here(Some("failed".to_owned()));
    }
    let Some(health) = Healthy::of(draft, release.picture, target) else { return Turn::Here(None) };
    let size = target.desired;
    if size == 0 {
        return nothing_to_watch(draft, target);
    }
    // What nobody saw well does not count. Where nothing is well, nothing has to be watched any longer.
    let until = if health.good > 0 {
        let watching = Watching::of(target, shifted_at, duration, draft.now);
        watching.note(draft, target);
        watching.end
    } else {
        duration.after(shifted_at)
    };
    if draft.now < until && watched::is_held(draft, target, shifted_at, duration) {
        return Turn::Here(Some(format!("healthy {}/{size}", health.good)));
    }
    if draft.now < until {
        draft.wait(
            format!("{} to be watched under traffic, healthy {}/{size}", target.owner.generation, health.good),
            Some(until),
        );
        return Turn::Here(Some(format!("healthy {}/{size}", health.good)));
    }
    if !is_clear {
        alarms::refuse(draft, release);
        return Turn::Here(Some(format!("healthy {}/{size}", health.good)));
    }
    if health.good >= size {
        patience::has_enough(draft, target);
        return Turn::Done;
    }
    if super::record::is_written(draft, target) {
        return Turn::Done;
    }
    // An instance that died is being replaced: that is no fault of the release, unless it takes too long.
    let deadline = patience::deadline(draft, release, target, until);
    if patience::is_over(draft, release, deadline) {
        fail(draft, release, target, format!("{} of {size} instances healthy at the end of its bake", health.good));
    } else {
        draft.wait(
            format!("{} to be whole again, healthy {}/{size}", target.owner.generation, health.good),
            Some(deadline),
        );
    }
    Turn::Here(Some(format!("healthy {}/{size}", health.good)))
}

/// It was scaled to nothing in its bake. There is nothing to watch until it has instances again, so that nobody needs to wait:
/// it is not recorded, and what it took over from stays.
fn nothing_to_watch<'a>(draft: &mut Draft<'a>, target: &Group) -> Turn {
    let (generation, app) = (target.owner.generation, &draft.scope.app);
    let why = format!(
        "{generation} has no instances now, so that it has not been proved yet and is not recorded; once it has some, \
         `amiable apply {app}` watches it for the rest of its bake"
    );
    draft.paused.get_or_insert(why);
    draft.is_held = true;
    Turn::Here(Some("no instances".to_owned()))
}

/// What keeps a generation that has a share of the traffic from its next step: it fails, or has to grow or to become whole
/// first. Nothing when it is well.
pub(super) fn under_traffic<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &'a Group,
    due: Option<Timestamp>,
) -> Option<Turn> {
    if grow(draft, release, target) {
        return Some(Turn::Here(None));
    }
    let open = draft.open_questions();
    let Some(health) = Healthy::of(draft, release.picture, target) else { return Some(Turn::Here(None)) };
    if target.owner.canary_step().is_some()
        && let Some(reason) = watch::trouble(draft, release, target)
    {
        fail(draft, release, target, reason);
        return Some(Turn::Here(Some("failed".to_owned())));
    }
    if let Some((since, duration)) = canary::watched_for(release, target).filter(|_| health.good > 0) {
        Watching::of(target, since, duration, draft.now).note(draft, target);
    }
    // Something of what it is judged by is not known.
    if draft.open_questions() > open {
        if due.is_some_and(|due| draft.now >= due) {
            alarms::refuse(draft, release);
        }
        return Some(Turn::Here(None));
    }
    let (good, size) = (health.good, release.size);
    if good >= size {
        patience::has_enough(draft, target);
        return None;
    }
    // An instance that died is being replaced: that is no fault of the release, unless it takes too long.
    let deadline = due.map(|due| patience::deadline(draft, release, target, due));
    if deadline.is_some_and(|deadline| patience::is_over(draft, release, deadline)) {
        fail(draft, release, target, format!("{good} of {size} instances healthy when its next step was due"));
    } else {
        draft.wait(format!("{} to be whole again, healthy {good}/{size}", target.owner.generation), deadline);
    }
    Some(Turn::Here(Some(format!("healthy {good}/{size}"))))
}

/// A generation that had the traffic and lost it to the one before, without a word on why: somebody, or a crash in
/// the middle of a shift back. It must not take over again by itself.
fn taken_out_of_service<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &'a Group) -> bool {
    let (Some(shifted_at), Some(serving)) = (target.owner.shifted_at, release.serving) else { return false };
    let came_back = serving.owner.shifted_at.is_some_and(|served| served > shifted_at);
    if came_back || target.owner.generation < serving.owner.generation {
        return false;
    }
    // Another process went back to what serves, and ended before it could say so: nobody has turned this one down.
    if writers::has_gone_back(serving, target, shifted_at) {
        return false;
    }
    // Whoever moved the weights may have moved them to where nobody is healthy: that says nothing against it.
    let (Some(there), Some(here)) = (healthy(draft, release.picture, serving), healthy(draft, release.picture, target))
    else {
        return true;
    };
    if there == 0 && here > 0 {
        let (empty, again) = (serving.owner.generation, target.owner.generation);
        let reason = format!("{empty} has the traffic and no healthy instance: {again} serves again");
        shift::rescue(draft, release, target, &reason);
        return true;
    }
    // What is deployed was proved: a hand on its weights says nothing against it, and they are put right once it is whole.
    if here > 0 && astray::is_recorded(draft, release.picture, target) {
        return false;
    }
    if !draft.plan.wants.is_empty() {
        return true;
    }
    lost_its_traffic(draft, release, target);
    true
}

/// It had traffic and has none any more, and no mark says why. If it is sick, a run was cut off in the middle of the way back.
/// Otherwise whoever moved the weights has turned it down, and it may well be healthy.
fn lost_its_traffic<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &'a Group) {
    let waits = draft.plan.waits.len();
    let sick = sickness::sickness(draft, release.picture, target);
    // What could not be read may be that it is sick.
    if draft.plan.wants.is_empty() && draft.plan.waits.len() == waits {
        let before = draft.plan.actions.len();
        fail(draft, release, target, sick.unwrap_or_else(|| OUT_OF_TRAFFIC.to_owned()));
        // Another process may have gone back to what serves while all that was read.
        let as_seen = release.serving.map(writers::written_as_seen);
        for planned in draft.plan.actions.iter_mut().skip(before) {
            planned.expects.extend(as_seen.clone());
        }
    }
}

/// The target must be as large as what it takes over from is now.
fn grow<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> bool {
    if target.desired >= release.size {
        return false;
    }
    patience::lacks(draft, target, "it needs more instances: its progressDeadline counts from now");
    floor::grow(draft, release, target);
    true
}

/// Ends a generation: traffic goes back first if it has it and there is a way back, then it is marked.
pub(super) fn fail<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group, reason: String) {
    let front = release.picture.front.as_ref();
    let has_share = target.owner.slot.is_some_and(|slot| front.is_some_and(|front| front.weight(slot) > 0));
    if has_share {
        shift::back(draft, release.picture, target, &reason);
    }
    draft.fails = true;
    let why = how_it_ended(target.owner.generation, &reason);
    let failure = Failure { at: draft.now, reason };
    let marks = tags::encode_failure(&failure, Some(&release.wanted.judged_by()));
    let is_cut = marks.get(keys::FAILED).is_some_and(|marked| marked.ends_with('…'));
    draft.tag_group(&target.name, marks, why);
    if is_cut {
        autopsy::keep(draft, release.picture, target, &failure, None);
    }
}
