//! The ending of an app on request: its name, its traffic, its instances, and then everything else it owns.

use std::collections::BTreeSet;

use super::dns;
use super::draft::Draft;
use super::handover::{self, Promise};
use super::leftover;
use super::picture::{Front, Picture};
use super::resolve::Wanted;
use super::resolve::dns::ALIAS_TTL;
use super::{record, retire};
use crate::model::action::{Action, Expect, Tags};
use crate::model::names::Slot;
use crate::model::observed::{Group, Health, Nameless, Target, Want};
use crate::model::plan::{Change, StepKind, StepState};
use crate::model::spec::LoadBalancer;
use crate::model::tags;
use crate::model::time::Span;

/// Beyond the time that a record allows, for resolvers that are late.
const GRACE: Span = Span::seconds(60);

/// The attribute that keeps a load balancer from being deleted.
const PROTECTION: &str = "deletion_protection.enabled";

/// A part of the destruction; whether it is over.
type Part<'a> = fn(&mut Draft<'a>, &Wanted<'a>, &Picture<'a>) -> bool;

/// Plans the next part of a destruction; each part only when the one before is over.
pub(super) fn destroy<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    draft.plan.change = Change::Destroy;
    draft.plan.reason = "everything that it owns here is deleted, on request".to_owned();
    draft.plan.from = picture.serving().map(|group| group.owner.generation);
    let delete = |what: &str| StepKind::Delete { what: what.to_owned() };
    let parts: [(StepKind, Part<'a>); 7] = [
        (delete("DNS record"), name),
        (StepKind::Forget, forgotten),
        (delete("listener"), traffic),
        (delete("groups"), groups),
        (delete("target groups"), target_groups),
        (delete("load balancer"), balancer),
        (delete("recorded releases"), record),
    ];
    let mut here = !is_clear(draft, picture);
    for (kind, part) in parts {
        if here {
            draft.step(kind, StepState::Pending, None);
        } else if part(draft, wanted, picture) {
            draft.step(kind, StepState::Done, None);
        } else {
            here = true;
            draft.step(kind, StepState::Current, None);
        }
    }
    if !here && draft.plan.wants.is_empty() {
        draft.plan.change = Change::Unchanged;
        draft.plan.steps.clear();
        draft.plan.reason = "destroyed; its manifest can be removed".to_owned();
    }
}

/// Whether nothing would keep the app from ending. That is looked at first, and again at every look: what is ours to lift is
/// lifted; anything else is said before more is deleted.
fn is_clear<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) -> bool {
    let groups = || picture.groups.iter().filter(|group| !group.deleting);
    let before = draft.plan.actions.len();
    for group in groups() {
        leftover::lift(draft, group);
    }
    if draft.plan.actions.len() > before {
        return false;
    }
    let mut stuck: Vec<String> = groups().flat_map(|group| leftover::stuck(group)).collect();
    let Some(strangers) = strangers(draft, picture) else { return false };
    stuck.extend(strangers);
    if stuck.is_empty() {
        return true;
    }
    draft.block(format!("something keeps it from being deleted completely, so nothing more of it is deleted for now: {}. Then `amiable destroy` \
         goes on", stuck.join("; ")));
    false
}

/// Targets that are none of the app's instances: its target groups would never be empty. `None`: that must be read first.
/// While a group is changing its size, and once the groups have gone, nobody can tell whose a target is.
fn strangers<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) -> Option<Vec<String>> {
    let Some(front) = front(picture) else { return Some(Vec::new()) };
    let mut found = Vec::new();
    let moves = |group: &&Group| group.deleting || group.instances.len() as u32 != group.desired;
    let is_quiet = !picture.groups.is_empty() && !picture.groups.iter().any(moves);
    for group in front.target_groups.values() {
        let want = Want::TargetHealth(group.arn.clone());
        let targets = draft.see(draft.observed.details.target_health.get(&group.arn), want, "its targets")?;
        let own = |id: &str| picture.groups.iter().flat_map(|group| &group.instances).any(|instance| instance.id == id);
        let strange = |target: &&Target| target.health != Health::Draining && !own(&target.id);
        found.extend(targets.iter().filter(strange).filter(|_| is_quiet).map(|target| {
            let (id, name, arn) = (&target.id, &group.name, &group.arn);
            format!(
                "{id} in target group {name} is none of its instances; `aws elbv2 deregister-targets --target-group-arn {arn} \
                 --targets Id={id}` takes it out"
            )
        }));
    }
    Some(found)
}

/// The records of the app's own go. What the longest-lived of them allows resolvers to remember is noted first, because
/// afterwards nobody could tell.
fn name<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(zone) = wanted.zone() else { return true };
    let Some(balancer) = front(picture).and_then(|front| front.balancer) else { return true };
    let own = matches!(wanted.spec.load_balancer, LoadBalancer::Own(_));
    let (kept, names): (BTreeSet<String>, BTreeSet<String>) =
        dns::names(wanted, picture).into_iter().partition(|name| dns::is_of_another(draft, name));
    // A name that another app is to have must not lead nowhere: its own load balancer stays as long as the name leads there.
    let mut waits = false;
    for name in kept.iter().filter(|_| own) {
        if !dns::own_records(draft, &BTreeSet::from([name.clone()]), balancer).is_empty()
            && let Some(heir) = handover::promised(draft, name, balancer)
        {
            draft.promised.push(Promise { name: name.clone(), heir: heir.clone(), cleanup: false });
            waits = true;
        }
    }
    if waits {
        return false;
    }
    let records = dns::own_records(draft, &names, balancer);
    let Some(ttl) = records.iter().map(|record| record.ttl.unwrap_or(ALIAS_TTL)).max() else { return true };
    if let Some(group) = picture.groups.last()
        && group.owner.nameless != Some(Nameless::Soon(ttl))
    {
        let remembered = Span::seconds(ttl);
        note(draft, group, Nameless::Soon(ttl), &format!("its name goes, and resolvers remember it for {remembered}"));
    }
    let mut names: Vec<&String> = records.iter().map(|record| &record.name).collect();
    names.dedup();
    for name in names {
        let delete = records.iter().filter(|record| record.name == *name).map(|record| (*record).clone()).collect();
        let action = Action::ChangeDns { zone_id: zone.id.clone(), name: name.clone(), delete, upsert: Vec::new() };
        draft.act(action, "the app is being destroyed", Vec::new());
    }
    false
}

/// Everything serves until resolvers have forgotten the name.
fn forgotten<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(group) = picture.groups.last() else { return true };
    match group.owner.nameless {
        None => true,
        Some(Nameless::Soon(ttl)) => {
            let until = Nameless::At(Span::seconds(ttl).after(GRACE.after(draft.now)));
            note(draft, group, until, "its name is gone; it serves until resolvers have forgotten it");
            false
        }
        Some(Nameless::At(until)) if draft.now < until => {
            draft.wait("resolvers to forget the name", Some(until));
            false
        }
        Some(Nameless::At(_)) => true,
    }
}

fn note(draft: &mut Draft<'_>, group: &Group, nameless: Nameless, why: &str) {
    let tag = Tags::from([(tags::keys::NAMELESS.to_owned(), tags::encode_nameless(nameless))]);
    draft.tag_group(&group.name, tag, why);
}

fn own_tags(draft: &Draft<'_>, arn: &str) -> Vec<Expect> {
    vec![Expect::OwnTags { arn: arn.to_owned(), app: draft.scope.app.clone() }]
}

fn traffic<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(front) = front(picture) else { return true };
    // Rules first: a listener takes those that it still has along.
    let on_shared = front.rule.into_iter();
    for rule in front.preview.into_iter().chain(on_shared) {
        let expects = own_tags(draft, &rule.arn);
        draft.act(Action::DeleteRule { arn: rule.arn.clone() }, "the app is being destroyed", expects);
    }
    for listener in front.listeners.values() {
        let expects = own_tags(draft, &listener.arn);
        draft.act(Action::DeleteListener { arn: listener.arn.clone() }, "the app is being destroyed", expects);
    }
    front.listeners.is_empty() && front.rule.is_none() && front.preview.is_none()
}

fn groups<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    for group in &picture.groups {
        let generation = group.owner.generation;
        if group.deleting {
            draft.wait(format!("{generation} to be deleted by AWS"), None);
        } else if group.desired > 0 || group.min > 0 {
            retire::scale_to_zero(draft, picture, group, "the app is being destroyed".to_owned(), Vec::new());
        } else if !group.instances.is_empty() {
            let what = leftover::waits_for(draft, group);
            draft.wait(what, None);
        } else {
            retire::delete(draft, picture, group, false, "the app is being destroyed");
        }
    }
    let loose =
        picture.templates.iter().filter(|template| picture.groups.iter().all(|group| group.name != template.name));
    for template in loose {
        retire::delete_template(draft, template, "the app is being destroyed");
    }
    picture.groups.is_empty() && picture.templates.is_empty()
}

fn front<'p, 'a>(picture: &'p Picture<'a>) -> Option<&'p Front<'a>> {
    picture.front.as_ref()
}

fn target_groups<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(front) = front(picture) else { return true };
    for slot in Slot::BOTH {
        if let Some(group) = front.target_groups.get(&slot) {
            let want = Want::TargetHealth(group.arn.clone());
            let targets = draft.see(draft.observed.details.target_health.get(&group.arn), want, "its targets");
            let Some(targets) = targets else { continue };
            if let Some(first) = targets.first() {
                let (count, name, first) = (targets.len(), &group.name, &first.id);
                draft.wait(format!("the targets of {name} to leave it, {count} left, {first} among them"), None);
                continue;
            }
            let mut expects = own_tags(draft, &group.arn);
            expects.push(Expect::NoTargets { target_group_arn: group.arn.clone() });
            let (arn, name) = (group.arn.clone(), group.name.clone());
            draft.act(Action::DeleteTargetGroup { arn, name }, "the app is being destroyed", expects);
        }
    }
    front.target_groups.is_empty()
}

fn balancer<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    // A shared load balancer belongs to the environment.
    let LoadBalancer::Own(_) = wanted.spec.load_balancer else { return true };
    let Some(balancer) = front(picture).and_then(|front| front.balancer) else { return true };
    let found = draft.observed.details.balancer_attributes.get(&balancer.arn);
    let want = Want::BalancerAttributes(balancer.arn.clone());
    let Some(attributes) = draft.see(found, want, "the load balancer's attributes") else { return false };
    let (arn, name) = (balancer.arn.clone(), balancer.name.clone());
    if attributes.get(PROTECTION).is_some_and(|value| value == "true") {
        let attributes = [(PROTECTION.to_owned(), "false".to_owned())].into();
        let action = Action::SetBalancerAttributes { arn: arn.clone(), name: name.clone(), attributes };
        draft.act(action, "the app is being destroyed: its protection goes first", own_tags(draft, &arn));
    }
    let expects = own_tags(draft, &balancer.arn);
    draft.act(Action::DeleteLoadBalancer { arn, name }, "the app is being destroyed", expects);
    false
}

fn record<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, _: &Picture<'a>) -> bool {
    let app = draft.scope.app.clone();
    let details = &draft.observed.details;
    let deployed = record::deployed(draft);
    let decided = draft.see(details.decisions.get(&app), Want::Decisions(app.clone()), "what was decided about it");
    let failed = draft.see(details.failures.get(&app), Want::Failures(app.clone()), "why it failed");
    let (Some(deployed), Some(decided), Some(failed)) = (deployed, decided, failed) else { return false };
    let parameters = [
        (deployed.is_some(), draft.scope.parameter_name()),
        (decided.is_some(), draft.scope.decisions_name()),
        (failed.is_some(), draft.scope.failures_name()),
    ];
    for (_, parameter) in parameters.into_iter().filter(|(exists, _)| *exists) {
        let action = Action::DeleteParameter { parameter, app: app.clone() };
        draft.act(action, "the app is being destroyed", Vec::new());
    }
    deployed.is_none() && decided.is_none() && failed.is_none()
}
