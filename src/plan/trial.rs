//! A new health check is tried before it decides over what serves.
//!
//! AWS replaces instances that a load balancer calls unhealthy, and a mistake in a check is the same on all of them. So some
//! of the instances that serve are registered in the idle slot's target group, too, which gets no traffic and carries the new
//! check. Their group does not look there. Only when they have passed for as long as the check needs to call an instance
//! unhealthy does the check come into force; if one of them fails it, the check in force stays, and the app says why.
//!
//! A generation that stands warm in that slot lives with the new check meanwhile. Its group does not judge by health checks as
//! long as that is so, or it would replace good instances for a check that nobody has proved.

use super::draft::Draft;
use super::picture::Picture;
use super::release::Release;
use super::spared;
use super::verify;
use crate::model::action::{Action, Tags};
use crate::model::names::Slot;
use crate::model::observed::{Group, Health, Target, TargetCheck, TargetGroup, Want};
use crate::model::plan::Change;
use crate::model::tags::{self, keys};
use crate::model::time::{Span, Timestamp};
use crate::model::trial::Trial;

/// How many of the instances that serve take part.
const SAMPLE: usize = 20;
/// The process by which a group finds that an instance is unhealthy.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
pub(super) const HEALTH_CHECK: &str = "HealthCheck";
/// How long at most a warm generation is spared it: for a trial, and until it passes its own check again.
const LONGEST_SPARED: Span = Span::minutes(15);
/// From a registration until the first check, and from a check until its outcome can be read.
const SLACK_S: u64 = 10;

/// What is to be done about a new health check of what serves.
pub(super) enum Verdict {
    /// It comes into force.
    InForce,
    /// It does not, or not yet: the draft says what is done or waited for.
    NotYet,
}

/// Tries a health check on the instances that serve, in the slot with their traffic.
pub(super) fn of_check<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    serving: &'a Group,
    slot: Slot,
    check: &TargetCheck,
) -> Verdict {
    let generation = serving.owner.generation;
    let picture = release.picture;
    let Some(front) = picture.front.as_ref() else { return Verdict::InForce };
    let (Some(live), Some(idle)) = (front.target_groups.get(&slot), front.target_groups.get(&slot.other())) else {
        return Verdict::InForce;
    };
    if picture.is_due(serving) {
        // A change of how it is judged must not be blamed on the release.
        // The release has waits of its own, with an end or a person's name.
        draft.note(format!("the new health check comes into force once {generation} is recorded"));
        return Verdict::NotYet;
    }
    let trial = serving.owner.trial.as_ref().filter(|trial| trial.is_of(check));
    if let Some(why) = trial.and_then(|trial| trial.refused.as_ref()) {
        draft.refused = Some(format!(
            "the new health check was tried on instances of {generation} without traffic and is not in force, because {why}; \
             the check in force stays until the manifest changes"
        ));
        return Verdict::NotYet;
    }
    let want = Want::TargetHealth(live.arn.clone());
    let found = draft.observed.details.target_health.get(&live.arn);
    let Some(targets) = draft.see(found, want, "the health of what serves") else { return Verdict::NotYet };
    let well: Vec<&str> = own(serving, targets)
        .filter(|target| target.health == Health::Healthy)
        .map(|target| target.id.as_str())
        .collect();
    if well.is_empty() {
        // Nobody can fall out of service, and the new check may be the cure.
        return Verdict::InForce;
    }
    let warm = picture.runs_in(slot.other());
    let has_its_own = |warm: &&Group| idle.check != live.check && !is_beside(warm);
    if let Some(warm) = warm.filter(|warm| trial.is_none() && has_its_own(warm)) {
        let warm = warm.owner.generation;
        let kept = serving.owner.recorded_at.map(|at| release.wanted.spec.retain.keep_for.after(at));
        let what = format!(
            "{warm} to leave the idle slot, where the new health check of {generation} is tried; `retain.for: 0s` lets it go now"
        );
        draft.wait(what, kept.filter(|until| *until > draft.now));
        return Verdict::NotYet;
    }
    if !front.names(slot.other()) {
        for action in front.shifts(&front.all_to(slot)) {
            let reason = "a health check can be tried only where the idle target group is named";
            draft.act(action, reason, front.expect_weight(slot, true));
        }
        return Verdict::NotYet;
    }
    draft.trying = true;
    if let Some(verdict) = trial.and_then(|trial| verdict_in_vain(draft, serving, trial)) {
        // Its outcome cannot be noted, so that it would be tried again and again: what is left of the plan says why.
        draft.act(verdict, "the trial is over", Vec::new());
        return Verdict::NotYet;
    }
    let is_set = idle.check == *check;
    let modification = modify(idle, check);
    let why = "nothing in this slot has traffic: the new health check is tried here";
    if !is_set && draft.has_given_up(&modification) {
        // Without it there is no trial, and nothing to wait for: what is left of the plan says why.
        draft.act(modification, why, Vec::new());
        return Verdict::NotYet;
    }
    // The time of the trial counts from when the check is set in the idle slot.
    let begun = trial.filter(|_| is_set);
    let until = watched_until(check, begun.map_or(draft.now, |trial| trial.at));
    let want = Want::TargetHealth(idle.arn.clone());
    let found = draft.observed.details.target_health.get(&idle.arn);
    let Some(targets) = draft.see(found, want, "the health of what is tried") else { return Verdict::NotYet };
    let tried: Vec<&Target> = own(serving, targets).filter(|target| target.health != Health::Draining).collect();
    if begun.is_none() && !tried.is_empty() {
        // What they are called by another check says nothing about this one.
        leave(draft, serving, idle);
    }
    if begun.is_none() {
        let mut tags = Tags::from([(keys::TRIAL.to_owned(), Trial::begun(check, draft.now).to_string())]);
        // Who tries it is told at once, or two processes with different checks would go on undoing each other's trials.
        let applied = tags::encode_applied(serving.owner.applied.as_deref(), draft.writer.as_ref());
        tags.extend(applied.map(|text| (keys::APPLIED.to_owned(), text)));
        draft.tag_group(&serving.name, tags, "a new health check is tried before it decides over what serves");
    }
    if !is_set {
        if let Some(warm) = warm {
            spare(draft, warm, check);
        }
        draft.act(modification, why, Vec::new());
    }
    if tried.is_empty() {
        let ids = well.into_iter().take(SAMPLE).map(str::to_owned).collect();
        let action = Action::RegisterTargets { arn: idle.arn.clone(), name: idle.name.clone(), ids };
        draft.act(action, format!("instances of {generation} take part, without traffic here"), Vec::new());
        return not_yet(draft, serving, until);
    }
    if begun.is_none() {
        return not_yet(draft, serving, until);
    }
    judge(draft, picture, serving, Slots { live, idle }, check, until, &tried)
}

/// Why the time of what was spared begins anew after a trial.
const BACK: &str = "it gets its own health check back and has time to pass it again";

/// Whether a health check is tried by another generation where this one stands.
pub(super) fn is_beside(group: &Group) -> bool {
    group.owner.trial.as_ref().is_some_and(|trial| trial.beside)
}

/// From now on the group of what stands warm replaces nothing for its health. Where somebody has seen to that before, it is left
/// as it is, now and afterwards.
fn spare(draft: &mut Draft<'_>, warm: &Group, check: &TargetCheck) {
    let why = "another generation tries a new health check in this slot";
    if warm.suspended.contains(HEALTH_CHECK) {
        spare_on(draft, warm, check, why);
        return;
    }
    let tag = Tags::from([(keys::TRIAL.to_owned(), Trial::beside(check, draft.now).to_string())]);
    draft.tag_group(&warm.name, tag, why);
    let action = Action::SuspendProcesses { name: warm.name.clone(), processes: vec![HEALTH_CHECK.to_owned()] };
    draft.act(action, format!("{why}: nothing here is replaced for it"), Vec::new());
}

/// The time in which what was spared may pass its own check again begins anew: it was checked by another one up to now.
fn spare_on(draft: &mut Draft<'_>, warm: &Group, check: &TargetCheck, why: &str) {
    if is_beside(warm) {
        let tag = Tags::from([(keys::TRIAL.to_owned(), Trial::beside(check, draft.now).to_string())]);
        draft.tag_group(&warm.name, tag, why);
    }
}

/// What was spared is judged by its health checks again, once it passes its own, or has had the time to.
fn spared_no_more<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) {
    let spared = |group: &&Group| is_beside(group) && group.desired > 0 && !group.deleting;
    for group in picture.groups.iter().copied().filter(spared) {
        let since = group.owner.trial.as_ref().map_or(draft.now, |trial| trial.at);
        let until = LONGEST_SPARED.after(since);
        let Some(health) = verify::Healthy::of(draft, picture, group) else { return };
        let generation = group.owner.generation;
        if group.suspended.contains(HEALTH_CHECK) && health.good < group.in_service() && draft.now < until {
            let what = format!("{generation} to pass its own health check again, after the trial of another one");
            draft.wait(what, Some(until));
            continue;
        }
        let why = "the trial of a health check is over";
        if group.suspended.contains(HEALTH_CHECK) {
            let processes = vec![HEALTH_CHECK.to_owned()];
            draft.act(Action::ResumeProcesses { name: group.name.clone(), processes }, why, Vec::new());
        }
        let untag = Action::UntagGroup { name: group.name.clone(), keys: vec![keys::TRIAL.to_owned()] };
        draft.act(untag, why, Vec::new());
    }
}

fn untried(group: &Group) -> Action {
    Action::UntagGroup { name: group.name.clone(), keys: vec![keys::TRIAL.to_owned()] }
}

/// How the outcome of a trial would be noted, where AWS refuses that.
fn verdict_in_vain(draft: &Draft<'_>, serving: &Group, trial: &Trial) -> Option<Action> {
    let tags = Tags::from([(keys::TRIAL.to_owned(), trial.to_string())]);
    let failed = Action::TagGroup { name: serving.name.clone(), tags, propagate: false };
    [untried(serving), failed].into_iter().find(|verdict| draft.has_given_up(verdict))
}

fn not_yet(draft: &mut Draft<'_>, serving: &Group, until: Timestamp) -> Verdict {
    let generation = serving.owner.generation;
    draft.wait(format!("the new health check to be tried on instances of {generation}, without traffic"), Some(until));
    Verdict::NotYet
}

struct Slots<'a> {
    live: &'a TargetGroup,
    idle: &'a TargetGroup,
}

fn judge<'a>(
    draft: &mut Draft<'a>,
    picture: &Picture<'a>,
    serving: &Group,
    slots: Slots<'_>,
    check: &TargetCheck,
    until: Timestamp,
    tried: &[&Target],
) -> Verdict {
    let sick = tried.iter().filter(|target| target.health == Health::Unhealthy).count();
    let well = tried.iter().filter(|target| target.health == Health::Healthy).count();
    let overdue = spared::REQUEST_LIFE.after(until);
    let why = match tried.iter().find(|target| target.health == Health::Unhealthy) {
        Some(first) => {
            let words = first.description.as_deref().or(first.reason.as_deref()).unwrap_or("no reason given");
            Some(format!("{sick} of {} failed it: {words}", tried.len()))
        }
        None if well < tried.len() && draft.now >= overdue => {
            Some(format!("{} of {} were not checked", tried.len() - well, tried.len()))
        }
        None if well < tried.len() || draft.now < until => return not_yet(draft, serving, until),
        None => None,
    };
    leave(draft, serving, slots.idle);
    let warm = serving.owner.slot.and_then(|slot| picture.runs_in(slot.other()));
    if let Some(warm) = warm.filter(|_| slots.idle.check != slots.live.check) {
        let why = "the generation in this slot keeps its health check";
        spare_on(draft, warm, check, BACK);
        draft.act(modify(slots.idle, &slots.live.check), why, Vec::new());
    }
    let Some(why) = why else {
        draft.act(untried(serving), "the trial is over: its instances passed the new health check", Vec::new());
        return Verdict::InForce;
    };
    let refused = Trial::refused(check, draft.now, &why).to_string();
    let tag = Tags::from([(keys::TRIAL.to_owned(), refused)]);
    draft.tag_group(&serving.name, tag, format!("the new health check does not come into force: {why}"));
    Verdict::NotYet
}

/// What is left of a trial that is not wanted any more is cleared away, before the slot gets any traffic.
pub(super) fn clear_away<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) {
    let tried =
        |group: &&&Group| group.owner.trial.as_ref().is_some_and(|trial| trial.refused.is_none() && !trial.beside);
    if draft.trying || !draft.plan.wants.is_empty() || draft.plan.change == Change::Error {
        return;
    }
    let Some(front) = &picture.front else { return };
    let later = draft.plan.actions.split_off(if draft.fails { draft.plan.actions.len() } else { 0 });
    for group in picture.groups.iter().filter(tried) {
        let is_over = |action: &Action| match action {
            Action::UntagGroup { name, keys } => *name == group.name && keys.iter().any(|key| key == keys::TRIAL),
            Action::TagGroup { name, tags, .. } => *name == group.name && tags.contains_key(keys::TRIAL),
            _ => false,
        };
        if later.iter().any(|planned| is_over(&planned.action)) {
            continue;
        }
        let idle = group.owner.slot.and_then(|slot| front.target_groups.get(&slot.other()));
        let live = group.owner.slot.and_then(|slot| front.target_groups.get(&slot));
        if let Some(idle) = idle {
            leave(draft, group, idle);
        }
        // What stands warm there must not go on failing a check that nobody wants any more.
        if let (Some(idle), Some(live)) = (idle, live)
            && idle.check != live.check
        {
            let why = "the generation in this slot keeps its health check";
            if let Some(warm) = group.owner.slot.and_then(|slot| picture.runs_in(slot.other())) {
                spare_on(draft, warm, &live.check, BACK);
            }
            draft.act(modify(idle, &live.check), why, Vec::new());
        }
        let untag = Action::UntagGroup { name: group.name.clone(), keys: vec![keys::TRIAL.to_owned()] };
        draft.act(untag, "the trial of a health check is not wanted any more", Vec::new());
    }
    draft.plan.actions.extend(later);
    if draft.plan.actions.is_empty() {
        spared_no_more(draft, picture);
    }
}

/// An app whose new health check is refused waits for its manifest to change.
pub(super) fn say(draft: &mut Draft<'_>) {
    let Some(why) = draft.refused.take() else { return };
    if draft.plan.actions.is_empty() && draft.plan.wants.is_empty() && !draft.in_flight && !draft.is_decided() {
        draft.block(why);
    } else {
        draft.note(why);
    }
}

fn leave(draft: &mut Draft<'_>, group: &Group, idle: &TargetGroup) {
    let ids: Vec<String> = group.instances.iter().map(|instance| instance.id.clone()).collect();
    for ids in ids.chunks(100) {
        let action = Action::DeregisterTargets { arn: idle.arn.clone(), name: idle.name.clone(), ids: ids.to_vec() };
        draft.act(action, "the trial of a health check is over", Vec::new());
    }
}

fn modify(target_group: &TargetGroup, check: &TargetCheck) -> Action {
    let (arn, name) = (target_group.arn.clone(), target_group.name.clone());
    Action::ModifyTargetGroup { arn, name, check: check.clone() }
}

fn own<'t>(group: &Group, targets: &'t [Target]) -> impl Iterator<Item = &'t Target> {
    targets.iter().filter(|target| group.instances.iter().any(|instance| instance.id == target.id))
}

/// As long as the check needs to call an instance unhealthy, or healthy again.
fn watched_until(check: &TargetCheck, since: Timestamp) -> Timestamp {
    let passes = u64::from(check.unhealthy_threshold.max(check.healthy_threshold)) + 1;
    Span::seconds(check.interval * passes + SLACK_S).after(since)
}
