//! A generation that is to be emptied is spared for as long as its end could leave nobody who serves: it is the last one with
//! healthy targets, or a call that was signed before may still give it the traffic.

use super::draft::Draft;
use super::picture::Picture;
use super::verify;
use crate::model::action::{Expect, Tags};
use crate::model::names::Generation;
use crate::model::observed::Group;
use crate::model::tags::{self, keys};
use crate::model::time::{Span, Timestamp};

/// For how long a call may still arrive after it was decided: AWS takes a signed request for five minutes, and clocks differ
/// by some seconds.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
pub(super) const REQUEST_LIFE: Span = Span::seconds(5 * 60 + 10);

/// Whether a generation may be emptied now.
pub(super) enum Spared {
    /// It may.
    No,
    /// A call that gives it the traffic may still arrive until then.
    Until(Timestamp),
    /// It is not wanted any more, which the draft now notes down: from then on nobody gives it any traffic.
    Marked,
    /// Nobody else has a healthy target.
    Last,
    /// Something must be read first.
    Unknown,
}

/// Whether what does not serve must be kept for now. A generation that was never ready, or has no healthy target, is of no use
/// to anybody: a late call that gives it the traffic does the same harm whether it is emptied or not.
pub(super) fn spared<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, stable_for: Span, group: &Group) -> Spared {
    if picture.front.is_none() || group.owner.slot.is_none() || group.desired == 0 {
        return Spared::No;
    }
    let had_traffic = group.owner.shifted_at.is_some() || group.owner.canary.is_some();
    let was_ready = group.owner.healthy_since.is_some_and(|since| draft.now >= stable_for.after(since));
    if !had_traffic && !was_ready {
        return Spared::No;
    }
    match verify::healthy(draft, picture, group) {
        None => return Spared::Unknown,
        Some(0) => return Spared::No,
        Some(_) => {}
    }
    if had_traffic {
        match is_last(draft, picture, group) {
            None => return Spared::Unknown,
            Some(true) => return Spared::Last,
            Some(false) => {}
        }
    }
    let Some(since) = harmless_since(picture, group) else {
        let since = group.owner.healthy_since.unwrap_or(draft.now);
        let tag = Tags::from([(keys::HEALTHY_SINCE.to_owned(), tags::encode_healthy(since, Some(draft.now)))]);
        draft.tag_group(&group.name, tag, "no manifest asks for it any more: from now on no run gives it traffic");
        return Spared::Marked;
    };
    let until = REQUEST_LIFE.after(since);
    if draft.now < until { Spared::Until(until) } else { Spared::No }
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

/// Since when nobody decides any more to give a generation the traffic: it failed, what took its place was recorded, or it is
/// marked as not wanted any more.
fn harmless_since(picture: &Picture<'_>, group: &Group) -> Option<Timestamp> {
    let owner = &group.owner;
    let later = |other: &&Group| {
        other.name != group.name && other.owner.failed.is_none() && other.owner.shifted_at > owner.shifted_at
    };
    let recorded = picture.groups.iter().copied().filter(later).filter_map(|other| other.owner.recorded_at).min();
    // A candidate of an edit that was taken back took over from nobody: what serves was recorded long before.
    let recorded = recorded.filter(|_| owner.shifted_at.is_some());
    let failed = owner.failed.as_ref().map(|failure| failure.at);
    // What failed may have been given the traffic after that, for want of another. Then it counts from when that one took the
    // traffic back: it may fall over again.
    let failed = failed.map(|at| {
        let back = picture.groups.iter().filter_map(|other| other.owner.shifted_at).max();
        let moved = if owner.stands_in() { back } else { owner.shifted_at };
        moved.map_or(at, |moved| moved.max(at))
    });
    failed.or(recorded).or(owner.unwanted_since)
}

/// Until when a failed generation that nobody gives any traffic keeps the slot that the next one is launched in, though it is the
/// last with healthy targets: that next one is the cure.
pub(super) fn makes_room(draft: &Draft<'_>, picture: &Picture<'_>, group: &Group) -> Option<Timestamp> {
    let is_in_the_way = draft.in_the_way == Some(group.owner.generation) && group.owner.failed.is_some();
    harmless_since(picture, group).filter(|_| is_in_the_way).map(|since| REQUEST_LIFE.after(since))
}

/// A generation that was marked as not wanted any more is wanted again.
pub(super) fn wanted_again(draft: &mut Draft<'_>, group: &Group) {
    if let (Some(since), Some(_)) = (group.owner.healthy_since, group.owner.unwanted_since) {
        let tag = Tags::from([(keys::HEALTHY_SINCE.to_owned(), tags::encode_healthy(since, None))]);
        draft.tag_group(&group.name, tag, "a manifest asks for it again");
    }
}

/// Why a generation keeps its instances for now.
pub(super) fn words(generation: Generation) -> String {
    format!("AWS calls that may be delayed and still give traffic to {generation} to expire")
}

/// That nobody has turned a generation down since, right before it gets traffic.
pub(super) fn still_wanted(group: &Group) -> Expect {
    Expect::Wanted { group: group.name.clone() }
}
