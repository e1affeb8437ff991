//! What has traffic is watched before anything else is decided, whatever the manifest says and whether there is one.
//!
//! The guard is keyed on the weights: a generation that gets requests and that the record does not name yet is exposed, whichever
//! tags could be written about it. When its targets are sick and the generation before it is warm and healthy, the traffic goes
//! back and the generation is marked, in one plan. What only a manifest can say, such as which alarms count, comes after that.
//!
//! A worker has no weights: what took over last and is not recorded yet works beside the one before it. If it is sick it is marked,
//! and where no manifest leads any further it is emptied, as long as the one before it is in service.

use super::draft::Draft;
use super::picture::Picture;
use super::record;
use super::registration;
use super::release::Release;
use super::resolve::Wanted;
use super::retire;
use super::shift;
use super::spared;
use super::traffic;
use super::verify::{Healthy, watch, watched};
use crate::model::action::{Action, Expect};
use crate::model::names::Slot;
use crate::model::observed::{Failure, Group, how_it_ended};
use crate::model::plan::{Change, Exposed, StepKind, StepState};
use crate::model::spec::{AppSpec, Strategy};
use crate::model::tags;
use crate::model::time::{Span, Timestamp};

/// The generation that has traffic and has not proved itself: the record does not name it, or it is marked as failed. Of two,
/// the newer one.
pub(super) fn exposed<'a>(picture: &Picture<'a>) -> Option<&'a Group> {
    let Some(front) = picture.front.as_ref() else { return at_work(picture) };
    let with_traffic = Slot::BOTH.into_iter().filter(|slot| front.weight(*slot) > 0);
    let groups = with_traffic.filter_map(|slot| picture.runs_in(slot));
    let is_unproven = |group: &&Group| picture.is_due(group) && picture.deployed_since(group).is_none();
    let unproven = groups.filter(|group| group.owner.failed.is_some() || is_unproven(group));
    unproven.max_by_key(|group| group.owner.generation)
}

/// The same for a worker: one that failed and runs all the same, or the one that took over last.
fn at_work<'a>(picture: &Picture<'a>) -> Option<&'a Group> {
    let took_over = |group: &&Group| group.owner.slot.is_none() && group.owner.shifted_at.is_some();
    let runs = |group: &&Group| group.desired > 0 && !group.deleting;
    let all = || picture.groups.iter().copied().filter(took_over).filter(runs);
    let failed = all().rfind(|group| group.owner.failed.is_some());
    failed.or_else(|| all().max_by_key(|group| group.owner.shifted_at).filter(|group| picture.is_due(group)))
}

/// Whether what is exposed has to give its traffic back now, by what can be told without a manifest. Then the draft holds that
/// and nothing else is to be decided.
pub(super) fn gives_back<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, wanted: Option<&Wanted<'a>>) -> bool {
    let Some(group) = exposed(picture) else { return false };
    if picture.front.is_none() && group.owner.failed.is_some() {
        // Where there is a manifest, what failed is emptied by what follows from that.
        return wanted.is_none() && ends(draft, picture, group);
    }
    if let Some(is_put_back) = traffic::put_back(draft, picture, group, wanted) {
        return is_put_back;
    }
    draft.plan.exposed = Some(exposure(picture, group, wanted.map(|wanted| wanted.spec)));
    let before = (draft.plan.waits.len(), draft.plan.wake_at, draft.refusals());
    let mut is_empty = false;
    let reason = match &group.owner.failed {
        // What is to serve in its place is launched first.
        Some(_) if group.owner.marks.back_to.is_some() => None,
        Some(failure) => Some(failure.reason.clone()),
        None => watch::sickness(draft, picture, group)
            .or_else(|| emptiness(draft, picture, group).inspect(|_| is_empty = true)),
    };
    // Whoever recorded it may have ended before its tag could say so.
    let reason = reason.filter(|_| group.owner.failed.is_some() || !record::is_written(draft, group));
    if reason.is_some_and(|reason| give_back(draft, wanted, picture, group, &reason)) {
        if is_empty {
            still_empty(draft, picture, group);
        }
        return true;
    }
    if wanted.is_some() {
        // What could not be read is told by whoever waits for it; told twice it would count as known.
        draft.plan.waits.truncate(before.0);
        draft.plan.wake_at = before.1;
        draft.forget_refusals(before.2);
    }
    false
}

/// A worker that failed is emptied without a manifest, as long as the one before it is in service.
fn ends<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &'a Group) -> bool {
    // What a person wants in its place is launched first, which takes a manifest.
    let Some(previous) = relief(picture, group).filter(|_| group.owner.marks.back_to.is_none()) else { return false };
    let ended = if group.owner.is_turned_down() { "was turned down" } else { "failed" };
    let why = format!("{} {ended}, and {} is at work", group.owner.generation, previous.owner.generation);
    let at_work = Expect::InService { group: previous.name.clone(), at_least: 1 };
    retire::scale_to_zero(draft, picture, group, why, vec![at_work]);
    goes_back(draft, group, previous, group.owner.how_it_ended());
    true
}

/// The generation that works beside one that failed.
fn relief<'a>(picture: &Picture<'a>, group: &Group) -> Option<&'a Group> {
    picture.ways_back(group).find(|before| before.in_service() > 0)
}

/// One look is no verdict: that nothing of it is healthy is read again right before traffic moves.
fn still_empty(draft: &mut Draft<'_>, picture: &Picture<'_>, group: &Group) {
    let arn = group.owner.slot.and_then(|slot| picture.front.as_ref()?.arn(slot));
    let Some(arn) = arn.map(str::to_owned) else { return };
    let none = Expect::NoneHealthy { target_group_arn: arn, group: group.name.clone() };
    for planned in draft.plan.actions.iter_mut().filter(|planned| matches!(planned.action, Action::Shift { .. })) {
        planned.expects.push(none.clone());
    }
}

/// That nobody answers any more: nothing of it is healthy, though something should be.
fn emptiness<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<String> {
    // Of a worker the one before is at work as well: AWS gets the time to replace what is lost.
    picture.front.as_ref()?;
    let good = Healthy::of(draft, picture, group)?.good;
    (good == 0 && group.desired > 0).then(|| {
        let none = || format!("none of its {} instances is healthy under traffic", group.desired);
        registration::why_none(draft, picture, group).unwrap_or_else(none)
    })
}

/// The same by all that the manifest says it is judged by, where the app cannot be planned for another reason.
pub(super) fn gives_back_as_wanted<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(group) = exposed(picture).filter(|group| group.owner.failed.is_none()) else { return false };
    if until(group, Some(wanted.spec)).is_some_and(|until| draft.now >= until) {
        return false;
    }
    let release = Release::new(wanted, picture, Some(group));
    let reason = watch::trouble(draft, &release, group);
    reason.is_some_and(|reason| give_back(draft, Some(wanted), picture, group, &reason))
}

/// An app that cannot be planned is looked at again as long as something of it is to be watched.
pub(super) fn watch_on(draft: &mut Draft<'_>) {
    let idle = matches!(draft.plan.change, Change::Error | Change::Orphaned);
    let Some(exposed) = draft.plan.exposed.clone().filter(|exposed| idle && exposed.back.is_some()) else { return };
    let generation = exposed.generation;
    let (stands, what) = match exposed.share {
        Some(share) => (format!("has {share} % of the traffic"), "to be watched under traffic"),
        None => ("is at work".to_owned(), "to be watched at work"),
    };
    draft.note(format!("{generation} {stands} and is not recorded: it is watched all the same"));
    let what = format!("{generation} {what}");
    match exposed.until {
        Some(until) if draft.now < until => draft.wait(what, Some(until)),
        Some(_) => {}
        // A canary that cannot go on as its manifest says keeps its share until a person mends that or takes it back.
        None => draft.wait_for_person(what),
    }
}

fn give_back<'a>(
    draft: &mut Draft<'a>,
    wanted: Option<&Wanted<'a>>,
    picture: &Picture<'a>,
    group: &Group,
    reason: &str,
) -> bool {
    let previous = match picture.front {
        Some(_) => shift::back(draft, picture, group, reason),
        None => relief(picture, group),
    };
    let Some(previous) = previous else { return false };
    let why = how_it_ended(group.owner.generation, reason);
    if group.owner.failed.is_none() {
        let failure = Failure { at: draft.now, reason: reason.to_owned() };
        draft.fails = true;
        draft.tag_group(
            &group.name,
            tags::encode_failure(&failure, wanted.map(Wanted::judged_by).as_deref()),
            why.clone(),
        );
    }
    spared::has_had_traffic(draft, picture, group);
    goes_back(draft, group, previous, why);
    true
}

/// What is told of a generation that gives way to the one before.
fn goes_back(draft: &mut Draft<'_>, group: &Group, previous: &Group, why: String) {
    let (generation, to) = (group.owner.generation, previous.owner.generation);
    if group.owner.slot.is_none() {
        draft.step(StepKind::ShiftBack { to }, StepState::Current, None);
    }
    draft.step(StepKind::Entomb { generation }, StepState::Pending, None);
    draft.in_flight = true;
    if draft.plan.change == Change::Error {
        draft.note(draft.plan.reason.clone());
    }
    draft.plan.change = Change::Replace;
    draft.plan.from = Some(generation);
    draft.plan.to = Some(to);
    draft.plan.reason = why;
}

fn exposure(picture: &Picture<'_>, group: &Group, spec: Option<&AppSpec>) -> Exposed {
    let elsewhere = |other: &&Group| picture.front.is_none() || other.owner.slot != group.owner.slot;
    Exposed {
        generation: group.owner.generation,
        share: picture.front.as_ref().map(|_| share(picture, group)),
        back: picture.ways_back(group).find(elsewhere).map(|before| before.owner.generation),
        until: until(group, spec),
        watched_at: last_sign(group),
        longest_silence: longest_silence(group, spec),
    }
}

/// The last sign of somebody who watches it: a step of the release, or time that was noted as watched.
fn last_sign(group: &Group) -> Timestamp {
    let owner = &group.owner;
    let noted = owner.watched.map(|watched| watched.at);
    let steps = [owner.shifted_at, owner.canary.map(|step| step.at), owner.healthy_since, noted];
    steps.into_iter().flatten().max().unwrap_or(group.created_at)
}

/// How long its watcher may note nothing: the end of a bake is not noted but recorded, and a look and a call take their time.
fn longest_silence(group: &Group, spec: Option<&AppSpec>) -> Span {
    let bake = spec.filter(|_| group.owner.canary_step().is_none()).map(|spec| spec.strategy.bake_time());
    let gap = bake.map_or(watched::LONGEST, watched::longest_gap);
    Span::seconds(gap.as_seconds() + 60)
}

/// Its share of the traffic, in percent; where it gets most of it, if points differ.
fn share(picture: &Picture<'_>, group: &Group) -> u32 {
    let Some((front, slot)) = picture.front.as_ref().zip(group.owner.slot) else { return 0 };
    let Some(arn) = front.arn(slot) else { return 0 };
    let of = |point: &super::picture::Point| {
        let all: u32 = point.forward.weights.values().sum();
        (point.forward.weight(arn) * 100).checked_div(all).unwrap_or(0)
    };
    front.points.iter().map(of).max().unwrap_or(0)
}

/// When it will have been watched for long enough; nothing while a canary has steps before it, as its manifest says.
fn until(group: &Group, spec: Option<&AppSpec>) -> Option<Timestamp> {
    let owner = &group.owner;
    if spec.is_some() && owner.canary_step().is_some() {
        return None;
    }
    let since = owner.shifted_at.or(owner.canary.map(|step| step.at)).or(owner.healthy_since);
    let bake = spec.map_or_else(|| Strategy::default().bake_time(), |spec| spec.strategy.bake_time());
    Some(bake.after(since.unwrap_or(group.created_at)))
}
