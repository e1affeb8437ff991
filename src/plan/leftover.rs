//! What keeps the instances of a group that is emptied: what of it is lifted, what ends by itself, and what only a person can end.
//!
//! Protection from scale-in and a suspended `Terminate` process of a group that does not serve are ours to lift: each has a
//! call. An instance that somebody put into standby, a warm pool, and a deletion protection that somebody set are not: they are
//! named with the command that ends them, and nothing waits for them.

use super::draft::Draft;
use super::shift::own_group;
use crate::model::action::Action;
use crate::model::observed::{Group, Instance, Want};
use crate::model::time::Span;

/// The most instances of one call that sets their protection.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceProtection.html>
const IDS_A_CALL: usize = 50;

/// How many instances a message names.
const NAMED: usize = 3;

/// The process without which a group lets no instance go.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
const TERMINATE: &str = "Terminate";

/// Lifts what keeps the instances of a group that is to have none. Whether there was anything to lift.
pub(super) fn lift(draft: &mut Draft<'_>, group: &Group) -> bool {
    let before = draft.plan.actions.len();
    let (name, generation) = (group.name.clone(), group.owner.generation);
    if group.suspended.contains(TERMINATE) && !group.instances.is_empty() {
        let action = Action::ResumeProcesses { name: name.clone(), processes: vec![TERMINATE.to_owned()] };
        draft.act(
            action,
            format!("{generation} is to have no instances, and could let none go"),
            vec![own_group(group)],
        );
    }
    let protected: Vec<String> = group
        .instances
        .iter()
        .filter(|it| it.protected && it.lifecycle == "InService")
        .map(|it| it.id.clone())
        .collect();
    for ids in protected.chunks(IDS_A_CALL) {
        let action = Action::LiftProtection { group: name.clone(), ids: ids.to_vec() };
        let reason = format!("{generation} is to have no instances, and these are protected from scale-in");
        draft.act(action, reason, vec![own_group(group)]);
    }
    draft.plan.actions.len() > before
}

/// What keeps a group from being deleted and goes only when a person does something: which, why, and how. Empty where
/// nothing does.
pub(super) fn stuck(group: &Group) -> Vec<String> {
    let (name, generation) = (&group.name, group.owner.generation);
    let command = |command: &str| format!("`aws autoscaling {command} --auto-scaling-group-name {name}");
    let mut why = Vec::new();
    let standing: Vec<&Instance> = group.instances.iter().filter(|instance| is_in_standby(instance)).collect();
    if !standing.is_empty() {
        let ids: Vec<&str> = standing.iter().map(|instance| instance.id.as_str()).collect();
        // Another generation may serve in the same slot: what comes back into service must not be given traffic there.
        let apart = match &group.target_group_arns[..] {
            [] => String::new(),
            arns => {
                let detach = command("detach-load-balancer-target-groups");
                format!(
                    "{detach} --target-group-arns {}` keeps all traffic from {}, then ",
                    arns.join(" "),
                    it_or_them(&standing)
                )
            }
        };
        why.push(format!(
            "{} of {generation} {} in standby, where somebody put {}; {apart}{} --instance-ids {}` puts {} back into service, and Amiable removes {}",
            named(&standing),
            is_or_are(&standing),
            it_or_them(&standing),
            command("exit-standby"),
            ids.join(" "),
            it_or_them(&standing),
            it_or_them(&standing)
        ));
    }
    if group.has_warm_pool {
        why.push(format!(
            "{generation} has a warm pool, which somebody gave it; {}` removes it",
            command("delete-warm-pool")
        ));
    }
    if group.undeletable {
        why.push(format!(
            "{generation} has the deletion protection prevent-all-deletion, which somebody set; {} --deletion-protection \
             none` ends it",
            command("update-auto-scaling-group")
        ));
    }
    why
}

/// Whether nothing is left in a group but what only a person can end.
pub(super) fn is_all_stuck(group: &Group) -> bool {
    group.instances.iter().all(is_in_standby) && !stuck(group).is_empty()
}

/// Nothing waits for a group that only a person can end: it is said, and what comes after it goes on.
pub(super) fn leave(draft: &mut Draft<'_>, group: &Group) -> String {
    let why = stuck(group);
    for why in &why {
        draft.leave_over(format!("left over, and Amiable cannot remove it: {why}"));
    }
    why.join("; ")
}

/// How many instances of a group keep another generation out of their slot. One in standby, or one whose end a lifecycle hook
/// holds up, has left the load balancer.
pub(super) fn in_the_way(group: &Group) -> usize {
    group.instances.iter().filter(|instance| !is_in_standby(instance) && !is_held(instance)).count()
}

/// What a group that is emptied waits for: `2 instances of v041 to drain and terminate`, and which lifecycle hook holds them, if one does.
pub(super) fn waits_for<'a>(draft: &mut Draft<'a>, group: &Group) -> String {
    let generation = group.owner.generation;
    let left = format!("{} of {generation} to drain and terminate", instances(group.instances.len()));
    let held: Vec<&Instance> = group.instances.iter().filter(|instance| is_held(instance)).collect();
    if held.is_empty() {
        return left;
    }
    let want = Want::Hooks(group.name.clone());
    let hooks = draft.see(
        draft.observed.details.hooks.get(&group.name),
        want,
        "the lifecycle hooks of the group that is removed",
    );
    let hooks = hooks.map(Vec::as_slice).unwrap_or_default().iter().filter(|hook| !hook.launching);
    let hooks: Vec<String> =
        hooks.map(|hook| format!("`{}`, for up to {}", hook.name, Span::seconds(hook.timeout))).collect();
    if hooks.is_empty() {
        return format!("{left}: {} {} held by a lifecycle hook", named(&held), is_or_are(&held));
    }
    format!("{left}: {} {} held by the lifecycle hook {}", named(&held), is_or_are(&held), hooks.join(" or "))
}

/// `i-1`, `i-1, i-2` or `i-1, i-2, i-3 and 4 more`.
fn named(instances: &[&Instance]) -> String {
    let ids: Vec<&str> = instances.iter().take(NAMED).map(|instance| instance.id.as_str()).collect();
    match instances.len().saturating_sub(NAMED) {
        0 => ids.join(", "),
        more => format!("{} and {more} more", ids.join(", ")),
    }
}

fn is_or_are(instances: &[&Instance]) -> &'static str {
    if instances.len() == 1 { "is" } else { "are" }
}

fn it_or_them(instances: &[&Instance]) -> &'static str {
    if instances.len() == 1 { "it" } else { "them" }
}

fn is_in_standby(instance: &Instance) -> bool {
    matches!(instance.lifecycle.as_str(), "Standby" | "EnteringStandby")
}

/// Whether a lifecycle hook holds up its end.
fn is_held(instance: &Instance) -> bool {
    instance.lifecycle == "Terminating:Wait"
}

/// `1 instance`, `2 instances`.
pub(super) fn instances(number: usize) -> String {
    if number == 1 { "1 instance".to_owned() } else { format!("{number} instances") }
}
