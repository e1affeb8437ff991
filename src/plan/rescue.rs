//! Nobody serves, and no generation that could do so for good is well: what else answers takes the traffic until there is better.
//!
//! That is a canary, with or without a manifest that still asks for it, or a generation that failed for another reason than its
//! health: an alarm, a comparison, an instance that was replaced. It keeps its failure mark, and gives the traffic back once
//! the generation before it is whole. What a person turned down is not given any traffic: that person knows why.

use super::draft::Draft;
use super::picture::Picture;
use super::shift::own_group;
use super::verify;
use crate::model::action::{Expect, Tags};
use crate::model::observed::Group;
use crate::model::plan::{Change, StepKind, StepState};
use crate::model::tags::keys;

/// The generations in the other slot that have had traffic and run, though none of them is a way back: a canary before failed
/// ones, the newest first.
pub(super) fn others<'a>(picture: &Picture<'a>, serving: &Group) -> Vec<&'a Group> {
    let Some(front) = &picture.front else { return Vec::new() };
    let could = |group: &&Group| {
        let owner = &group.owner;
        let elsewhere = owner.slot.is_some_and(|slot| Some(slot) != serving.owner.slot);
        let has_a_share = || owner.slot.is_some_and(|slot| front.weight(slot) > 0);
        let had_traffic = owner.shifted_at.is_some() || owner.canary.is_some() || has_a_share();
        let runs = group.desired > 0 && !group.deleting;
        runs && elsewhere && had_traffic && (owner.failed.is_some() || has_a_share() && owner.shifted_at.is_none())
    };
    let mut others: Vec<&'a Group> = picture.groups.iter().copied().filter(could).collect();
    others.sort_by_key(|group| (group.owner.failed.is_some(), std::cmp::Reverse(group.owner.generation)));
    others
}

/// What serves has no healthy target. Whether one of these others takes its traffic, or something must be read first.
pub(super) fn takes_over<'a>(
    draft: &mut Draft<'a>,
    picture: &Picture<'a>,
    serving: &Group,
    others: &[&'a Group],
) -> bool {
    for group in others {
        let Some(good) = verify::healthy(draft, picture, group) else { return !draft.plan.wants.is_empty() };
        if good == 0 {
            continue;
        }
        if group.owner.is_turned_down() {
            say_why_not(draft, serving, group);
            continue;
        }
        give(draft, picture, serving, group);
        return true;
    }
    false
}

/// All traffic, in one call. One that failed is noted to have it before that: whoever clears away what failed then leaves it
/// alone for as long as the call may still arrive.
fn give(draft: &mut Draft<'_>, picture: &Picture<'_>, serving: &Group, group: &Group) {
    let Some(front) = &picture.front else { return };
    let Some((slot, arn)) = group.owner.slot.and_then(|slot| Some((slot, front.arn(slot)?))) else { return };
    let (empty, to) = (serving.owner.generation, group.owner.generation);
    let why = match &group.owner.failed {
        Some(_) => format!("{empty} has no healthy instance: {to} serves until it has, though it failed"),
        None => format!("{empty} has no healthy instance: {to} takes all traffic"),
    };
    let mut expects = vec![
        own_group(group),
        Expect::Healthy { target_group_arn: arn.to_owned(), group: group.name.clone(), at_least: 1 },
    ];
    if let Some(arn) = serving.owner.slot.and_then(|slot| front.arn(slot)) {
        expects.push(Expect::NoneHealthy { target_group_arn: arn.to_owned(), group: serving.name.clone() });
    }
    let tag = || Tags::from([(keys::SHIFTED_AT.to_owned(), draft.now.to_string())]);
    let (tag, has_failed) = (tag(), group.owner.failed.is_some());
    if has_failed {
        draft.tag_group(&group.name, tag.clone(), why.clone());
    }
    for action in front.shifts(&front.all_to(slot)) {
        draft.act(action, why.clone(), expects.clone());
    }
    if !has_failed {
        draft.tag_group(&group.name, tag, format!("{to} takes over: its bake begins"));
    }
    draft.step(StepKind::ShiftBack { to }, StepState::Current, None);
    draft.in_flight = true;
    draft.standing.has_traffic = true;
    draft.plan.from = Some(empty);
    draft.plan.to = Some(to);
    draft.plan.change = Change::Replace;
    draft.plan.reason = why;
}

/// A person turned it down, so that it stays without traffic, though nobody serves.
fn say_why_not(draft: &mut Draft<'_>, serving: &Group, group: &Group) {
    let (app, empty) = (&draft.scope.app, serving.owner.generation);
    draft.note(format!(
        "{empty} has no healthy instance. {} has some, and is given no traffic because a person turned it down: {}. If it is \
         to serve all the same, a manifest that asks for it and `amiable retry {app}` say so",
        group.owner.generation,
        group.owner.how_it_ended()
    ));
}
