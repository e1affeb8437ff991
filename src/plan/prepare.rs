//! What must stand before instances can serve: target groups, load balancer, listener or rule.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::preview;
use super::resolve::Wanted;
use crate::manifest::spec::{LoadBalancer, OwnLoadBalancer, SharedListener};
use crate::model::action::Action;
use crate::model::names::Slot;
use crate::model::observed::Want;
use crate::model::tags;

/// Whether everything stands; if not, the draft holds the actions or the waits that lead there.
pub(super) fn prepare<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(front) = &picture.front else { return true };
    if !target_groups(draft, wanted, front) || !delays(draft, wanted, picture, front) {
        return false;
    }
    match &wanted.spec.load_balancer {
        LoadBalancer::None => true,
        LoadBalancer::Own(own) => {
            balancer(draft, wanted, picture, front, own) && preview::prepare(draft, wanted, picture, front)
        }
        LoadBalancer::Shared(shared) => {
            rule(draft, wanted, picture, front, shared) && preview::prepare(draft, wanted, picture, front)
        }
    }
}

/// Both target groups exist and have the delay that is wanted.
fn target_groups<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>) -> bool {
    let mut all = true;
    for slot in Slot::BOTH {
        if !front.target_groups.contains_key(&slot) {
            all = false;
            let name = draft.scope.target_group_name(slot);
            let tags = tags::encode_app(draft.scope, &name, &wanted.app.labels);
            let action = Action::CreateTargetGroup {
                name,
                vpc_id: wanted.environment.network.vpc_id.clone(),
                protocol: wanted.spec.health_check.protocol.as_str().to_owned(),
                port: wanted.spec.health_check.port,
                check: wanted.check.clone(),
                tags,
            };
            draft.act(action, format!("slot {slot} has no target group"), Vec::new());
        }
    }
    // The load balancer takes longest, so it begins at once.
    if let (LoadBalancer::Own(own), None) = (&wanted.spec.load_balancer, front.balancer) {
        all = false;
        create_balancer(draft, wanted, own);
    }
    all
}

fn create_balancer<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, own: &OwnLoadBalancer) {
    let groups = own.security_group_ids.as_ref().unwrap_or(&wanted.environment.security_group_ids);
    let name = draft.scope.load_balancer_name();
    let action = Action::CreateLoadBalancer {
        tags: tags::encode_app(draft.scope, &name, &wanted.app.labels),
        name,
        scheme: own.scheme.as_str().to_owned(),
        subnet_ids: wanted.subnet_ids.clone(),
        security_group_ids: groups.clone(),
    };
    draft.act(action, "the app has no load balancer", Vec::new());
}

/// The delay of target groups that no generation has used yet: AWS sets its own default at creation.
fn delays<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, front: &Front<'a>) -> bool {
    if picture.groups.is_empty() { set_delays(draft, wanted, front) } else { true }
}

/// Gives both target groups the wanted deregistration delay; whether they have it already.
pub(super) fn set_delays<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>) -> bool {
    let Some(delay) = wanted.spec.load_balancer.deregistration_delay() else { return true };
    let mut all = true;
    for group in front.target_groups.values() {
        let want = Want::TargetGroupAttributes(group.arn.clone());
        let found = draft.observed.details.target_group_attributes.get(&group.arn);
        match draft.see(found, want, "the target group's attributes") {
            Some(attributes) if attributes.deregistration_delay == delay.as_seconds() => {}
            Some(attributes) => {
                all = false;
                let (arn, name) = (group.arn.clone(), group.name.clone());
                let reason =
                    format!("deregistration delay {}s → {}s", attributes.deregistration_delay, delay.as_seconds());
                draft.act(
                    Action::SetDeregistrationDelay { arn, name, seconds: delay.as_seconds() },
                    reason,
                    Vec::new(),
                );
            }
            None => all = false,
        }
    }
    all
}

fn balancer<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    front: &Front<'a>,
    own: &OwnLoadBalancer,
) -> bool {
    let Some(balancer) = front.balancer else { return false };
    if balancer.state == "failed" {
        draft.fail(format!("load balancer {} failed to provision; delete it, and it is created anew", balancer.name));
        return false;
    }
    let missing: Vec<_> = own.listeners.iter().filter(|wanted| !front.listeners.contains_key(&wanted.port)).collect();
    for listener in &missing {
        let action = Action::CreateListener {
            load_balancer_arn: balancer.arn.clone(),
            port: listener.port,
            protocol: listener.protocol.as_str().to_owned(),
            certificate_arn: listener.certificate_arn.clone(),
            forward: front.all_to(slot_with_traffic(picture)),
            tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
        };
        draft.act(action, format!("the load balancer does not listen on port {}", listener.port), Vec::new());
    }
    missing.is_empty()
}

fn rule<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    front: &Front<'a>,
    shared: &SharedListener,
) -> bool {
    if !front.points.is_empty() {
        return true;
    }
    let Some(listener) = front.shared else { return false };
    let want = Want::RulesOf(listener.arn.clone());
    let Some(rules) = draft.see(draft.observed.details.rules_of.get(&listener.arn), want, "the listener's rules")
    else {
        return false;
    };
    if let Some(taken) = rules.iter().find(|rule| rule.priority == Some(shared.priority)) {
        draft.fail(format!(
            "priority {} on the shared listener `{}` belongs to another rule ({}); choose a free one",
            shared.priority, shared.listener, taken.arn
        ));
        return false;
    }
    let action = Action::CreateRule {
        listener_arn: listener.arn.clone(),
        priority: shared.priority,
        hosts: shared.hosts.clone(),
        paths: shared.paths.clone(),
        headers: BTreeMap::new(),
        forward: front.all_to(slot_with_traffic(picture)),
        tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
    };
    draft.act(action, format!("the listener `{}` has no rule for the app", shared.listener), Vec::new());
    false
}

/// Where a new listener or rule sends traffic. For a new app: the slot that stays empty until the first generation, in
/// the other one, is verified. In the place of one that somebody deleted: where the generation is that took over last.
fn slot_with_traffic(picture: &Picture<'_>) -> Slot {
    let last =
        picture.unfailed().filter(|group| group.owner.shifted_at.is_some()).max_by_key(|group| group.owner.shifted_at);
    last.and_then(|group| group.owner.slot).unwrap_or(Slot::B)
}

/// Whether the load balancer lacks nothing but time.
pub(super) fn is_provisioning(front: &Front<'_>) -> bool {
    front.balancer.is_some_and(|balancer| balancer.state == "provisioning")
}
