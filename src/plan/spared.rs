//! A generation that is to be emptied is spared for as long as its end could leave nobody who serves: it is the last one with
//! healthy targets, or a call that was signed before may still give it the traffic.

use super::draft::Draft;
use super::picture::Picture;
use super::verify;
use crate::model::action::{Action, Expect, Tags};
use crate::model::names::Generation;
use crate::model::observed::Group;
use crate::model::tags::{self, keys};
use crate::model::time::{Span, Timestamp};

/// For how long a call may still arrive after it was decided: AWS takes a signed request for five minutes, and clocks differ
/// by some seconds.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
pub(super) const REQUEST_LIFE: Span = Span::seconds(5 * 60 + 10);

/// For how long the nodes of a load balancer may still send requests to a generation after its weight was set to 0. AWS names no
/// figure; Argo Rollouts waits as long before it scales a set in, after its users saw 503s.
/// <https://argo-rollouts.readthedocs.io/en/stable/features/scaledown-delay/>
const NODES_FOLLOW: Span = Span::seconds(30);

/// Whether a generation may be emptied now.
pub(super) enum Spared {
    /// It may.
    No,
    /// Until then, for the reason that the words give, it may not.
    Until(Timestamp, String),
    /// It has no traffic any more, which the draft now notes down: from then on nobody gives it any.
    Marked,
    /// Nobody else has a healthy target.
    Last,
    /// Something must be read first.
    Unknown,
}

/// Whether what does not serve must be kept for now. A generation that was never ready and never had traffic is of no use to
/// anybody: a late call that gives it the traffic does the same harm whether it is emptied or not. One without a healthy target is
/// kept only until the load balancer sends it no request any more: some of its instances may still answer.
pub(super) fn spared<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, stable_for: Span, group: &Group) -> Spared {
    let Some(front) = picture.front.as_ref().filter(|_| group.desired > 0) else { return Spared::No };
    let Some(slot) = group.owner.slot else { return Spared::No };
    let owner = &group.owner;
    let was_ready = owner.healthy_since.is_some_and(|since| draft.now >= stable_for.after(since));
    if !had_traffic(group) && !was_ready {
        return Spared::No;
    }
    let (left, harmless) = (left_since(picture, group), harmless_since(picture, group));
    let is_another = |serving: &Group| serving.owner.slot == Some(slot) && serving.name != group.name;
    let has_no_traffic = front.weight(slot) == 0 || picture.serving().is_some_and(is_another);
    if (left.is_none() || harmless.is_none()) && has_no_traffic {
        let text = tags::encode_healthy(owner.healthy_since, Some(draft.now));
        let why = match owner.failed {
            Some(_) => "it has no traffic any more: from now on no run gives it any",
            None => "no manifest asks for it any more: from now on no run gives it traffic",
        };
        draft.tag_group(&group.name, Tags::from([(keys::HEALTHY_SINCE.to_owned(), text)]), why);
        return Spared::Marked;
    }
    match verify::healthy(draft, picture, group) {
        None => return Spared::Unknown,
        Some(0) => {
            let until = left.map(|since| NODES_FOLLOW.after(since)).filter(|until| draft.now < *until);
            let what = || format!("the load balancer to send no more requests to {}", owner.generation);
            return until.map_or(Spared::No, |until| Spared::Until(until, what()));
        }
        Some(_) => {}
    }
    if had_traffic(group) {
        match is_last(draft, picture, group) {
            None => return Spared::Unknown,
            Some(true) => return Spared::Last,
            Some(false) => {}
        }
    }
    let until = expired(harmless, draft.now);
    if draft.now < until { Spared::Until(until, words(owner.generation)) } else { Spared::No }
}

/// A generation that was noted to have no traffic has had some since, and loses it now: its time begins anew.
pub(super) fn has_had_traffic(draft: &mut Draft<'_>, picture: &Picture<'_>, group: &Group) {
    let is_noted = group.owner.unwanted_since.is_some() && left_since(picture, group) == group.owner.unwanted_since;
    if group.owner.failed.is_some() && is_noted {
        let text = tags::encode_healthy(group.owner.healthy_since, Some(draft.now));
        let why = "its traffic has gone back once more: from now on no run gives it any";
        draft.tag_group(&group.name, Tags::from([(keys::HEALTHY_SINCE.to_owned(), text)]), why);
    }
}

fn had_traffic(group: &Group) -> bool {
    group.owner.shifted_at.is_some() || group.owner.canary.is_some()
}

/// Until when calls that were decided before a generation became harmless may still arrive. Where that is not noted yet, it is noted now.
fn expired(harmless: Option<Timestamp>, now: Timestamp) -> Timestamp {
    REQUEST_LIFE.after(harmless.unwrap_or(now))
}

/// For how long a generation is still kept for the sake of calls that may be delayed, as far as its tags tell.
pub(super) fn kept_for(picture: &Picture<'_>, group: &Group, now: Timestamp) -> Span {
    let until = expired(harmless_since(picture, group), now);
    if had_traffic(group) { Span::between(now, until) } else { Span::seconds(0) }
}

/// Whether no other generation has a healthy target. What took over last and was scaled to nothing by its timetable is no
/// reason to keep an older one.
fn is_last<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<bool> {
    let others: Vec<&'a Group> = picture.groups.iter().copied().filter(|other| other.name != group.name).collect();
    let rests = |other: &&&Group| {
        let later = other.owner.shifted_at > group.owner.shifted_at;
        later && other.desired == 0 && other.owner.failed.is_none() && other.owner.recorded_at.is_some()
    };
    if others.iter().any(|other| rests(&other)) {
        return Some(false);
    }
    let mut unknown = false;
    for other in others.into_iter().filter(|other| other.desired > 0 && !other.deleting && other.owner.slot.is_some()) {
        match verify::healthy(draft, picture, other) {
            Some(good) if good > 0 => return Some(false),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(true) }
}

/// Since when nobody decides any more to give a generation the traffic: it failed and has none, what took its place was recorded,
/// or it is marked as not wanted any more.
fn harmless_since(picture: &Picture<'_>, group: &Group) -> Option<Timestamp> {
    // What took over again has its record from before, until it is recorded anew.
    let is_proved = |other: &&Group| other.owner.recorded_at >= other.owner.shifted_at;
    match &group.owner.failed {
        // What was turned down for an earlier release is the way back until that one is recorded.
        Some(_) if group.owner.marks.back_to.is_some() => {
            let recorded =
                successors(picture, group).filter(is_proved).filter_map(|other| other.owner.recorded_at).min();
            left_since(picture, group).map(|left| recorded.map_or(left, |recorded| recorded.max(left)))
        }
        Some(_) => left_since(picture, group),
        // A candidate of an edit that was taken back took over from nobody: what serves was recorded long before.
        None if group.owner.shifted_at.is_none() => group.owner.unwanted_since,
        None => {
            let recorded =
                successors(picture, group).filter(is_proved).filter_map(|other| other.owner.recorded_at).min();
            recorded.or(group.owner.unwanted_since)
        }
    }
}

/// Since when a generation has had no traffic, as far as that is known; for one that never had any, since when it may not have any.
fn left_since(picture: &Picture<'_>, group: &Group) -> Option<Timestamp> {
    let owner = &group.owner;
    let Some(failure) = &owner.failed else {
        let took_over = successors(picture, group).filter_map(|other| other.owner.shifted_at).min();
        return took_over.filter(|_| owner.shifted_at.is_some()).or(owner.unwanted_since);
    };
    if !had_traffic(group) {
        return Some(failure.at);
    }
    // It may have failed long before AWS took the way back, and have stood in for another one after it failed.
    let last = owner.shifted_at.map_or(failure.at, |shifted| shifted.max(failure.at));
    owner.unwanted_since.filter(|since| *since >= last)
}

/// The generations that took over later and have not failed.
fn successors<'a>(picture: &Picture<'a>, group: &Group) -> impl Iterator<Item = &'a Group> {
    let (name, shifted_at) = (group.name.clone(), group.owner.shifted_at);
    let later =
        move |other: &&Group| other.name != name && other.owner.failed.is_none() && other.owner.shifted_at > shifted_at;
    picture.groups.iter().copied().filter(later)
}

/// Until when a failed generation that nobody gives any traffic keeps the slot that the next one is launched in, though it is the
/// last with healthy targets: that next one is the cure.
pub(super) fn makes_room(draft: &Draft<'_>, picture: &Picture<'_>, group: &Group) -> Option<Timestamp> {
    let is_in_the_way = draft.in_the_way == Some(group.owner.generation) && group.owner.failed.is_some();
    harmless_since(picture, group).filter(|_| is_in_the_way).map(|since| REQUEST_LIFE.after(since))
}

/// A generation that was marked as not wanted any more is wanted again.
pub(super) fn wanted_again(draft: &mut Draft<'_>, group: &Group) {
    match (group.owner.healthy_since, group.owner.unwanted_since) {
        (_, None) => {}
        (Some(since), Some(_)) => {
            let tag = Tags::from([(keys::HEALTHY_SINCE.to_owned(), tags::encode_healthy(Some(since), None))]);
            draft.tag_group(&group.name, tag, "a manifest asks for it again");
        }
        (None, Some(_)) => {
            let action = Action::UntagGroup { name: group.name.clone(), keys: vec![keys::HEALTHY_SINCE.to_owned()] };
            draft.act(action, "a manifest asks for it again", Vec::new());
        }
    }
}

/// Why a healthy generation keeps its instances for now.
pub(super) fn words(generation: Generation) -> String {
    format!("AWS calls that may be delayed and still give traffic to {generation} to expire")
}

/// That nobody has turned a generation down since, right before it gets traffic.
pub(super) fn still_wanted(group: &Group) -> Expect {
    Expect::Wanted { group: group.name.clone() }
}
