//! Instances that run for nobody: their group is detached from its target group, or they are not registered in it.
//!
//! Somebody has taken them out by hand, or they came while the group was not to register any. Nothing but registering them
//! again brings them back, so that it is done at every look, whatever step a release is at: what serves comes back at once, and
//! a candidate is not given up for what somebody did to its targets.

use super::draft::Draft;
use super::picture::Picture;
use super::resolve::Wanted;
use super::wellbeing::is_whole;
use crate::model::action::{Action, Expect};
use crate::model::names::Slot;
use crate::model::observed::{Group, Health, Instance, OUT_OF_ITS_TARGET_GROUP, Read, Target, Want};
use crate::model::plan::{Change, Effect, FieldChange, PlannedAction};

/// The most targets of one call.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html>
const TARGETS_A_CALL: usize = 100;

/// Attaches and registers again what should be. The health of targets is read by whoever needs it, and that of the way back here;
/// where it was not, nothing is known to be missing.
pub(super) fn put_right<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    // A way back stands alone: nothing that AWS may refuse goes before it.
    if draft.fails || draft.plan.gives_back() || !wanted.has_front() {
        return;
    }
    let (drift, actions) = (draft.plan.drift.len(), draft.plan.actions.len());
    for (group, slot, arn) in concerned(picture) {
        if is_to_be_read(draft, picture, group) {
            // Nothing waits for it where it cannot be read.
            let _ = draft.glance(draft.observed.details.target_health.get(&arn), Want::TargetHealth(arn.clone()));
        }
        if !is_attached(group, &arn) {
            attach(draft, group, slot, arn);
            continue;
        }
        let missing = missing(draft, group, &arn);
        if !missing.is_empty() {
            register(draft, group, slot, arn, &missing);
        }
    }
    leave_out_given_up(draft, actions);
    if draft.plan.drift.len() > drift && draft.plan.change == Change::Unchanged {
        draft.plan.change = Change::Drift;
    }
    first(draft, actions);
}

/// The same for an app that cannot be planned: whose instances and target groups they are, its tags tell, and users miss them whatever
/// else is wrong.
pub(super) fn put_right_by_tags<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) {
    let Some(front) = &picture.front else { return };
    for (group, slot, arn) in concerned(picture) {
        // Where tags and attachments contradict each other, a person has to say which of them is right.
        if front.arn(slot.other()).is_some_and(|other| is_attached(group, other)) {
            continue;
        }
        if !is_attached(group, &arn) {
            attach(draft, group, slot, arn);
            continue;
        }
        if draft.close || draft.few || draft.plan.exposed.is_some() || !is_whole(group) {
            let _ = draft.glance(draft.observed.details.target_health.get(&arn), Want::TargetHealth(arn.clone()));
        }
        let missing = missing(draft, group, &arn);
        if !missing.is_empty() {
            register(draft, group, slot, arn, &missing);
        }
    }
    leave_out_given_up(draft, 0);
}

/// The groups whose instances should be registered, each with its slot and the target group of that: all that run and have not
/// failed, and what serves even if it has.
fn concerned<'a>(picture: &Picture<'a>) -> Vec<(&'a Group, Slot, String)> {
    let Some(front) = &picture.front else { return Vec::new() };
    let serving = picture.serving().or_else(|| picture.last_resort()).map(|group| &group.name);
    let runs = |group: &&&Group| group.desired > 0 && !group.deleting;
    let concerned = |group: &&&Group| group.owner.failed.is_none() || Some(&group.name) == serving;
    let groups = picture.groups.iter().filter(runs).filter(concerned);
    let with_place = |group: &&'a Group| {
        let slot = group.owner.slot?;
        Some((*group, slot, front.arn(slot)?.to_owned()))
    };
    groups.filter_map(with_place).collect()
}

/// Whether the targets of a generation that stands warm are looked at, which costs a call: while what took over from it may still have
/// to give the traffic back, and in a small environment or where a person asks about the app. Those of what serves are read by others.
fn is_to_be_read(draft: &Draft<'_>, picture: &Picture<'_>, group: &Group) -> bool {
    let is_way_back = draft.plan.exposed.as_ref().is_some_and(|it| it.back == Some(group.owner.generation));
    let is_warm =
        group.owner.shifted_at.is_some() && picture.serving().is_some_and(|serving| serving.name != group.name);
    is_way_back || is_warm && (draft.close || draft.few)
}

fn is_attached(group: &Group, arn: &str) -> bool {
    group.target_group_arns.iter().any(|attached| attached == arn)
}

/// The instances in service that are not registered in their target group, or are about to leave it.
pub(super) fn missing(draft: &Draft<'_>, group: &Group, arn: &str) -> Vec<String> {
    let Some(Read::Known(targets)) = draft.observed.details.target_health.get(arn) else { return Vec::new() };
    let stays = |target: &&Target| target.health != Health::Draining;
    let is_registered = |instance: &Instance| targets.iter().filter(stays).any(|target| target.id == instance.id);
    let missing = |instance: &&Instance| instance.lifecycle == "InService" && !is_registered(instance);
    group.instances.iter().filter(missing).map(|instance| instance.id.clone()).collect()
}

/// Somebody has detached the target group from the group: its instances leave the load balancer, and only attaching it again
/// brings them back.
fn attach(draft: &mut Draft<'_>, group: &Group, slot: Slot, arn: String) {
    let target_group = draft.scope.target_group_name(slot);
    draft.plan.drift.push(FieldChange {
        path: "loadBalancer".to_owned(),
        before: Some(format!("{target_group} is detached from {}", group.owner.generation)),
        after: Some("attached".to_owned()),
        effect: Effect::InPlace,
    });
    let action = Action::AttachTargetGroup { name: group.name.clone(), target_group_arn: arn };
    draft.act(action, format!("somebody has detached {target_group}"), Vec::new());
}

fn register(draft: &mut Draft<'_>, group: &Group, slot: Slot, arn: String, missing: &[String]) {
    let name = draft.scope.target_group_name(slot);
    draft.plan.drift.push(FieldChange {
        path: "traffic".to_owned(),
        before: Some(format!("{} not registered in {name}", missing.join(", "))),
        after: Some("registered".to_owned()),
        effect: Effect::InPlace,
    });
    for ids in missing.chunks(TARGETS_A_CALL) {
        // Auto Scaling may take an instance out of service at the same time: that one must not come back.
        let expect =
            Expect::Unregistered { target_group_arn: arn.clone(), group: group.name.clone(), ids: ids.to_vec() };
        let action = Action::RegisterTargets { arn: arn.clone(), name: name.clone(), ids: ids.to_vec() };
        draft.act(action, "somebody has taken them out of the target group", vec![expect]);
    }
}

/// Why none of a group's instances is healthy, where somebody has taken them out of its target group.
pub(super) fn why_none(draft: &Draft<'_>, picture: &Picture<'_>, group: &Group) -> Option<String> {
    let slot = group.owner.slot?;
    let arn = picture.front.as_ref()?.arn(slot)?;
    let is_out = !is_attached(group, arn) || !missing(draft, group, arn).is_empty();
    let name = draft.scope.target_group_name(slot);
    is_out.then(|| {
        let ended = OUT_OF_ITS_TARGET_GROUP;
        format!("{ended}, which were taken out of {name} by hand, so that none of its instances answers")
    })
}

/// What AWS does not take of it is said, and ends no release: whoever undoes it each time, or takes the permission away, keeps nothing
/// else of the app from going on.
fn leave_out_given_up(draft: &mut Draft<'_>, since: usize) {
    let planned = draft.plan.actions.split_off(since);
    for planned in planned {
        if draft.has_given_up(&planned.action) {
            let what = planned.action.resource().to_owned();
            draft.note(format!(
                "{what}: {}, and AWS does not put that right, which is not tried again in this run",
                planned.reason
            ));
        } else {
            draft.plan.actions.push(planned);
        }
    }
}

/// What is planned since comes before everything else, for users miss it now; but never before traffic moves, nor before what
/// has traffic is watched and recorded.
fn first(draft: &mut Draft<'_>, since: usize) {
    let moves = |planned: &PlannedAction| matches!(planned.action, Action::Shift { .. });
    if draft.plan.exposed.is_none() && !draft.plan.actions.iter().any(moves) {
        let length = draft.plan.actions.len();
        draft.plan.actions.rotate_right(length - since.min(length));
    }
}
