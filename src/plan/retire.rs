//! Retirement: what no longer serves is scaled in, drained and only then deleted, each step checked afresh.

use super::autopsy;
use super::draft::Draft;
use super::launch;
use super::leftover;
use super::picture::Picture;
use super::release::{Release, Turn};
use super::resolve::Wanted;
use super::shift::{self, own_group};
use super::spared::{self, Spared};
use super::verify;
use super::writers;
use crate::model::action::{Action, Expect, GroupChange};
use crate::model::alarm::GroupAlarm;
use crate::model::mark::BackTo;
use crate::model::observed::{Group, LaunchTemplate, Want};
use crate::model::scaling::ScalingPolicy;
use crate::model::tags;
use crate::model::time::Span;

/// Done when the previous generation has stayed warm for long enough.
pub(super) fn keep<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, duration: Span) -> Turn {
    let Some(recorded_at) = release.target.and_then(|target| target.owner.recorded_at) else { return Turn::Here(None) };
    let until = duration.after(recorded_at);
    if draft.now >= until {
        return Turn::Done;
    }
    if let Some(previous) = release.previous() {
        // It may have been wanted again, and not become whole in time: that was another release.
        verify::has_enough(draft, previous);
        draft.wait_to_clean(
            format!("{}, which stays warm for an instant way back", previous.owner.generation),
            Some(until),
        );
    }
    Turn::Here(None)
}

/// Takes a group that does not serve one call further: to no instances, then away.
pub(super) fn retire<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group) -> Turn {
    let generation = group.owner.generation;
    if let Some(mark) = release.picture.paused().filter(|_| release.is_shifted()) {
        draft.wait_to_clean(format!("`amiable resume {}`: paused by {}", draft.scope.app, mark.said()), None);
        return Turn::Here(Some("paused".to_owned()));
    }
    if let Some(turn) = release.held(draft) {
        return turn;
    }
    let is_emptied = group.desired == 0 && group.min == 0;
    if !release.is_shifted() && !is_emptied && !launch::is_claimed(draft, release) {
        return Turn::Here(None);
    }
    if take_traffic_away(draft, release, group) {
        return Turn::Here(None);
    }
    // What stands in the way of a launch holds the release up; what is left over after it does not.
    let wait = |draft: &mut Draft<'a>, what: String| match release.is_shifted() {
        true => draft.wait_to_clean(what, None),
        false => draft.wait(what, None),
    };
    if group.deleting {
        wait(draft, format!("{generation} to be deleted by AWS"));
        return Turn::Here(None);
    }
    if group.desired > 0 || group.min > 0 {
        let reason = match release.serving {
            Some(serving) if serving.name != group.name => format!("{} serves in its place", serving.owner.generation),
            _ => "it is not wanted any more".to_owned(),
        };
        match spared::spared(draft, release.picture, release.wanted.spec.verification.stable_for, group) {
            Spared::No => {}
            Spared::Marked | Spared::Unknown => return Turn::Here(None),
            Spared::Until(until, what) => {
                match release.is_shifted() {
                    true => draft.wait_to_clean(what, Some(until)),
                    false => draft.wait(what, Some(until)),
                }
                return Turn::Here(None);
            }
            Spared::Last => {
                wait(draft, format!("another generation to have healthy instances: {generation} is the last that has"));
                return Turn::Here(None);
            }
        }
        // Room for the next generation is made even if what serves is sick: that generation may be the cure.
        if release.is_shifted() && !is_succeeded(draft, release, group) {
            return Turn::Here(None);
        }
        let mut expects = if release.is_shifted() { successor(release, group) } else { Vec::new() };
        expects.push(writers::written_as_seen(group));
        scale_to_zero(draft, release.picture, group, reason, expects);
        return Turn::Here(None);
    }
    if leftover::lift(draft, group) {
        return Turn::Here(None);
    }
    if leftover::is_all_stuck(group) {
        return Turn::Later(leftover::leave(draft, group));
    }
    if !group.instances.is_empty() {
        let what = leftover::waits_for(draft, group);
        if !release.is_shifted() && leftover::in_the_way(group) == 0 {
            // Its slot is free: the release goes on without it.
            draft.wait_to_clean(what.clone(), None);
            return Turn::Later(what);
        }
        wait(draft, what);
        return Turn::Here(Some(format!("{} left", group.instances.len())));
    }
    let keep_template = release.wanted.spec.retain.generations > 0 && group.owner.recorded_at.is_some();
    delete(draft, release.picture, group, keep_template, "it is empty and does not serve");
    Turn::Here(None)
}

/// A canary that is not wanted any more may still have its share of the traffic: that goes back first.
fn take_traffic_away<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group) -> bool {
    let (Some(front), Some(serving)) = (&release.picture.front, release.serving) else { return false };
    let (Some(slot), Some(proven)) = (group.owner.slot, serving.owner.slot) else { return false };
    if slot == proven || front.weight(slot) == 0 || front.weight(proven) == 0 {
        return false;
    }
    let (unwanted, back) = (group.owner.generation, serving.owner.generation);
    let reason = format!("{unwanted} is not wanted any more: {back} takes all traffic again");
    let before = draft.plan.actions.len();
    shift::move_traffic(draft, release, serving, proven, &front.all_to(proven), &reason);
    match verify::healthy(draft, release.picture, serving) {
        Some(0) if serving.desired > 0 => {}
        _ => return true,
    }
    // Neither is well, or the other one had taken all: nobody is worse off, and the slot is needed for what may be the cure.
    let none =
        front.arn(slot).map(|arn| Expect::NoneHealthy { target_group_arn: arn.to_owned(), group: group.name.clone() });
    for planned in draft.plan.actions[before..].iter_mut() {
        if matches!(planned.action, Action::Shift { .. }) {
            planned.expects.retain(|expect| !matches!(expect, Expect::Healthy { .. }));
            planned.expects.extend(none.clone());
        }
    }
    true
}

/// Whether what serves in its place is whole. If not, that is waited for.
fn is_succeeded<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group) -> bool {
    let Some(serving) = release.serving.filter(|serving| serving.name != group.name) else { return true };
    let Some(good) = verify::healthy(draft, release.picture, serving) else { return false };
    let (size, generation, old) = (serving.desired, serving.owner.generation, group.owner.generation);
    if good < size {
        draft.wait_to_clean(
            format!("all instances of {generation} to be healthy, {good}/{size} now, before {old} is removed"),
            None,
        );
    }
    good >= size
}

/// What must serve while the old group goes: as many of the successor as serve now.
fn successor(release: &Release<'_, '_>, group: &Group) -> Vec<Expect> {
    let Some(serving) = release.serving.filter(|serving| serving.name != group.name) else { return Vec::new() };
    let at_least = serving.desired;
    if at_least == 0 {
        // Scaled to nothing on purpose: there is nobody to wait for.
        return Vec::new();
    }
    let front = release.picture.front.as_ref();
    match serving.owner.slot.and_then(|slot| front.and_then(|front| front.arn(slot))) {
        // One that was turned down meanwhile is about to give the traffic back.
        Some(arn) => vec![
            spared::still_wanted(serving),
            Expect::Healthy { target_group_arn: arn.to_owned(), group: serving.name.clone(), at_least },
        ],
        None => vec![Expect::InService { group: serving.name.clone(), at_least }],
    }
}

/// One call: no instances from now on.
pub(super) fn scale_to_zero(
    draft: &mut Draft<'_>,
    picture: &Picture<'_>,
    group: &Group,
    reason: String,
    mut expects: Vec<Expect>,
) {
    expects.insert(0, own_group(group));
    expects.extend(without_traffic(picture, group));
    put_to_rest(draft, group);
    let change = GroupChange { min: Some(0), desired: Some(0), ..GroupChange::default() };
    draft.act(Action::UpdateGroup { name: group.name.clone(), change }, reason, expects);
}

/// What is emptied stays empty: neither the hour of a scheduled action nor an alarm may bring a failed generation back.
fn put_to_rest(draft: &mut Draft<'_>, group: &Group) {
    let running = draft.scales_by.iter().filter(|process| !group.suspended.contains(**process));
    let processes: Vec<String> = running.map(|process| (*process).to_owned()).collect();
    if !processes.is_empty() {
        let action = Action::SuspendProcesses { name: group.name.clone(), processes };
        draft.act(action, "what is emptied stays empty", Vec::new());
    }
}

/// Deletes an empty group with the alarms that call it, and its launch template unless that is kept for a rollback or keeps
/// the number.
pub(super) fn delete<'a>(
    draft: &mut Draft<'a>,
    picture: &Picture<'a>,
    group: &Group,
    keep_template: bool,
    reason: &str,
) {
    if alarms(draft, group).is_none() {
        return;
    }
    let expects = vec![own_group(group), Expect::NoInstances { group: group.name.clone() }];
    draft.act(Action::DeleteGroup { name: group.name.clone() }, reason, expects);
    let template = picture.templates.iter().find(|template| template.name == group.name);
    if let Some(template) = template.filter(|template| !keep_template && !is_newest(picture, template)) {
        delete_template(draft, template, "its group is gone");
    }
}

/// AWS deletes the policies of a group along with it, but not the alarms that others made for them. Nothing as long as it
/// is not known which there are.
fn alarms(draft: &mut Draft<'_>, group: &Group) -> Option<()> {
    let details = &draft.observed.details;
    let policies = details.policies.get(&group.name);
    let policies =
        draft.see(policies, Want::Policies(group.name.clone()), "the scaling policies of the group that is removed")?;
    let ours = |policy: &&ScalingPolicy| ScalingPolicy::is_ours(&group.name, &policy.name);
    if !policies.iter().map(|found| &found.policy).filter(ours).any(ScalingPolicy::is_stepping) {
        return Some(());
    }
    let alarms = details.step_alarms.get(&group.name);
    let alarms = draft.see(alarms, Want::StepAlarms(group.name.clone()), "the alarms of the group that is removed")?;
    for alarm in alarms.iter().filter(|alarm| tags::belongs_to(&alarm.tags, draft.scope)) {
        delete_alarm(draft, alarm, "its group is removed");
    }
    Some(())
}

/// Deletes an alarm that calls a group.
pub(super) fn delete_alarm(draft: &mut Draft<'_>, found: &GroupAlarm, reason: &str) {
    let expects = vec![Expect::OwnTags { arn: found.arn.clone(), app: draft.scope.app.clone() }];
    draft.act(Action::DeleteStepAlarm { alarm: found.alarm.name.clone() }, reason, expects);
}

/// Without its template a group cannot replace an instance: that there is no such group is asked again right before.
pub(super) fn delete_template(draft: &mut Draft<'_>, template: &LaunchTemplate, reason: &str) {
    let expects = vec![Expect::GroupGone { group: template.name.clone() }];
    draft.act(Action::DeleteLaunchTemplate { name: template.name.clone() }, reason, expects);
}

/// The newest template stays until a newer one takes its place: its number must not be given a second time.
fn is_newest(picture: &Picture<'_>, template: &LaunchTemplate) -> bool {
    picture.newest() == Some(template.owner.generation)
}

fn without_traffic(picture: &Picture<'_>, group: &Group) -> Vec<Expect> {
    let (Some(front), Some(slot)) = (&picture.front, group.owner.slot) else { return Vec::new() };
    // Another, serving generation in the same slot takes the traffic there; this one's instances are told apart by health checks.
    if front.weight(slot) == 0 { front.expect_weight(slot, false) } else { Vec::new() }
}

/// Failed generations: scaled to nothing, kept while they are the reason not to try again, then deleted.
pub(super) fn tombstones<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    // What serves, or could serve where nothing does, is all that there is.
    let serving = picture.serving();
    let kept = serving.or_else(|| picture.last_resort()).map(|group| &group.name);
    for group in picture.groups.iter().filter(|group| group.owner.failed.is_some() && Some(&group.name) != kept) {
        if draft.has_something_to_do() {
            return;
        }
        let generation = group.owner.generation;
        if group.deleting {
            draft.wait_to_clean(format!("{generation} to be deleted by AWS"), None);
        } else if group.desired > 0 || group.min > 0 {
            let mut spared = spared::spared(draft, picture, wanted.spec.verification.stable_for, group);
            if let (Spared::Last, Some(until)) = (&spared, spared::makes_room(draft, picture, group)) {
                let what = spared::words(generation);
                spared = if draft.now < until { Spared::Until(until, what) } else { Spared::No };
            }
            let unproved = serving.filter(|serving| is_way_back_of(picture, serving, group));
            match (spared, unproved.map(|group| group.owner.generation)) {
                (Spared::No, Some(unproved)) => {
                    draft
                        .note(format!("{generation} stays until {unproved} has proved itself, for it is the way back"));
                }
                (Spared::No, None) => {
                    let ended = if group.owner.is_turned_down() { "was turned down" } else { "failed" };
                    let why = format!("{generation} {ended} and does not serve");
                    scale_to_zero(draft, picture, group, why, Vec::new());
                }
                (Spared::Marked | Spared::Unknown, _) => {}
                // It is a part of the release that what failed leaves nothing behind that costs.
                (Spared::Until(until, what), _) => draft.wait(what, Some(until)),
                (Spared::Last, _) => {
                    let what =
                        format!("another generation to have healthy instances: {generation} is the last that has");
                    draft.wait_to_clean(what, None);
                }
            }
            autopsy::examine(draft, picture, group);
        } else if leftover::lift(draft, group) {
            return;
        } else if leftover::is_all_stuck(group) {
            leftover::leave(draft, group);
        } else if !group.instances.is_empty() {
            let what = leftover::waits_for(draft, group);
            draft.wait_to_clean(what, None);
            autopsy::examine(draft, picture, group);
        } else if !is_reason(wanted, picture, group) {
            delete(draft, picture, group, false, "it failed, and its template is not wanted any more");
        }
    }
}

/// Whether what serves was launched in the place of this generation and has not proved itself yet.
fn is_way_back_of(picture: &Picture<'_>, serving: &Group, group: &Group) -> bool {
    let gave_way = picture.gave_way_to(serving);
    gave_way.is_some_and(|gave_way| gave_way.name == group.name) && serving.owner.failed.is_none()
}

/// Whether a failed generation is the reason not to try again what is wanted, or what the app was rolled back to.
fn is_reason<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>, tombstone: &Group) -> bool {
    let owner = &tombstone.owner;
    let mut ways_back = picture.groups.iter().filter_map(|group| group.owner.marks.back_to.as_ref());
    let may_be_wanted = !wanted.asks_for_another_than(&owner.template_hash);
    let is_tried_again =
        picture.candidate(wanted).is_some_and(|candidate| candidate.owner.template_hash == owner.template_hash);
    may_be_wanted && !is_tried_again || ways_back.any(|back| back.is(&owner.template_hash, &owner.image))
}

/// Launch templates whose group never came, or is gone: the newest of them are kept for a rollback.
pub(super) fn loose_templates<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    // As long as it is not certain which image is wanted, any of them may be needed.
    if draft.has_something_to_do() || !wanted.is_certain() {
        return;
    }
    let has_group = |template: &LaunchTemplate| picture.groups.iter().any(|group| group.name == template.name);
    let loose: Vec<&LaunchTemplate> =
        picture.templates.iter().rev().copied().filter(|template| !has_group(template)).collect();
    let waits_for_launch = picture.candidate(wanted).is_none();
    let ways_back: Vec<&BackTo> =
        picture.groups.iter().filter_map(|group| group.owner.marks.back_to.as_ref()).collect();
    let needed = |template: &LaunchTemplate| {
        let hash = &template.owner.template_hash;
        is_newest(picture, template)
            || waits_for_launch && wanted.asks_for(hash)
            || ways_back.contains(&&BackTo::Template(hash.clone()))
    };
    let serving = picture.serving().map(|group| group.owner.generation);
    let mut room = wanted.spec.retain.generations;
    for template in loose.into_iter().filter(|template| !needed(template)) {
        if room > 0 && Some(template.owner.generation) < serving {
            room -= 1;
        } else {
            delete_template(draft, template, "no group uses it, and no rollback needs it");
        }
    }
}
