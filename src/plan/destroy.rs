//! The ending of an app on request: its name, its traffic, its instances, and then everything else it owns.

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::resolve::Wanted;
use super::retire;
use crate::manifest::spec::LoadBalancer;
use crate::model::action::{Action, Expect, TrafficPoint};
use crate::model::names::Slot;
use crate::model::observed::Want;
use crate::model::plan::{Change, StepKind, StepState};

/// A part of the destruction; whether it is over.
type Part<'a> = fn(&mut Draft<'a>, &Wanted<'a>, &Picture<'a>) -> bool;

/// Plans the next part of a destruction; each part only when the one before is over.
pub(super) fn destroy<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    draft.plan.change = Change::Destroy;
    draft.plan.reason = "the manifest says destroy: true".to_owned();
    draft.plan.from = picture.serving().map(|group| group.owner.generation);
    let parts: [(&str, Part<'a>); 6] = [
        ("DNS record", name),
        ("listener", traffic),
        ("groups", groups),
        ("target groups", target_groups),
        ("load balancer", balancer),
        ("record", record),
    ];
    let mut here = false;
    for (what, part) in parts {
        let kind = StepKind::Delete { what: what.to_owned() };
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

fn name<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let (Some(dns), Some(zone)) = (&wanted.spec.dns, wanted.zone) else { return true };
    let Some(balancer) = picture.front.as_ref().and_then(|front| front.balancer) else { return true };
    let to = balancer.dns_name.to_ascii_lowercase();
    let name = dns.name.to_ascii_lowercase();
    // Only a record that leads to this app's load balancer is this app's.
    let ours = zone.records.iter().find(|record| {
        record.name == name
            && record.set_identifier.is_none()
            && record.alias.as_ref().is_some_and(|alias| alias.dns_name == to)
    });
    let Some(record) = ours else { return true };
    let action = Action::DeleteDnsRecord { zone_id: zone.id.clone(), record: record.clone() };
    draft.act(action, "the app is being destroyed", Vec::new());
    false
}

fn own_tags(draft: &Draft<'_>, arn: &str) -> Vec<Expect> {
    vec![Expect::OwnTags { arn: arn.to_owned(), app: draft.scope.app.clone() }]
}

fn traffic<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let preview = front(picture).and_then(|front| front.preview);
    if let Some(rule) = preview {
        let expects = own_tags(draft, &rule.arn);
        draft.act(Action::DeleteRule { arn: rule.arn.clone() }, "the app is being destroyed", expects);
    }
    let points = front(picture).map(|front| front.points.as_slice()).unwrap_or_default();
    for point in points {
        let expects = own_tags(draft, point.at.arn());
        let action = match point.at.clone() {
            TrafficPoint::Listener(arn) => Action::DeleteListener { arn },
            TrafficPoint::Rule(arn) => Action::DeleteRule { arn },
        };
        draft.act(action, "the app is being destroyed", expects);
    }
    points.is_empty() && preview.is_none()
}

fn groups<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    for group in &picture.groups {
        let generation = group.owner.generation;
        if group.deleting {
            draft.wait(format!("{generation} to be deleted by AWS"), None);
        } else if group.desired > 0 || group.min > 0 {
            retire::scale_to_zero(draft, picture, group, "the app is being destroyed".to_owned(), Vec::new());
        } else if !group.instances.is_empty() {
            draft.wait(format!("{generation} to drain, {} left", group.instances.len()), None);
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
    let expects = own_tags(draft, &balancer.arn);
    let (arn, name) = (balancer.arn.clone(), balancer.name.clone());
    draft.act(Action::DeleteLoadBalancer { arn, name }, "the app is being destroyed", expects);
    false
}

fn record<'a>(draft: &mut Draft<'a>, _: &Wanted<'a>, _: &Picture<'a>) -> bool {
    let app = draft.scope.app.clone();
    let details = &draft.observed.details;
    let deployed = draft.see(details.deployed.get(&app), Want::Deployed(app.clone()), "the deployed state");
    let decided = draft.see(details.decisions.get(&app), Want::Decisions(app.clone()), "what was decided about it");
    let (Some(deployed), Some(decided)) = (deployed, decided) else { return false };
    let parameters =
        [(deployed.is_some(), draft.scope.parameter_name()), (decided.is_some(), draft.scope.decisions_name())];
    for (_, parameter) in parameters.into_iter().filter(|(exists, _)| *exists) {
        let action = Action::DeleteParameter { parameter, app: app.clone() };
        draft.act(action, "the app is being destroyed", Vec::new());
    }
    deployed.is_none() && decided.is_none()
}
