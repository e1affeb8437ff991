//! What must stand before instances can serve: target groups, load balancer, listener or rule.

use super::draft::Draft;
use super::picture::{Front, Picture};
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
        LoadBalancer::Own(own) => balancer(draft, wanted, front, own),
        LoadBalancer::Shared(shared) => rule(draft, wanted, front, shared),
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
        subnet_ids: wanted.environment.network.subnet_ids.clone(),
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
        let found = draft.observed.target_group_attributes.get(&group.arn);
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

fn balancer<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>, own: &OwnLoadBalancer) -> bool {
    let Some(balancer) = front.balancer else { return false };
    if balancer.state == "failed" {
        draft.fail(format!("load balancer {} failed to provision; delete it, and it is created anew", balancer.name));
        return false;
    }
    if front.point.is_some() {
        return true;
    }
    if let Some(listener) = own.listeners.first() {
        let action = Action::CreateListener {
            load_balancer_arn: balancer.arn.clone(),
            port: listener.port,
            protocol: listener.protocol.as_str().to_owned(),
            certificate_arn: listener.certificate_arn.clone(),
            forward: front.all_to(first_slot().other()),
            tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
        };
        draft.act(action, format!("the load balancer does not listen on port {}", listener.port), Vec::new());
    }
    false
}

fn rule<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>, shared: &SharedListener) -> bool {
    if front.point.is_some() {
        return true;
    }
    let Some(listener) = front.listener else { return false };
    let want = Want::RulesOf(listener.arn.clone());
    let Some(rules) = draft.see(draft.observed.rules_of.get(&listener.arn), want, "the listener's rules") else {
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
        forward: front.all_to(first_slot().other()),
        tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
    };
    draft.act(action, format!("the listener `{}` has no rule for the app", shared.listener), Vec::new());
    false
}

/// The slot of an app's first generation. Traffic points at the other, empty one until that generation is verified.
fn first_slot() -> Slot {
    Slot::A
}

/// Whether the load balancer lacks nothing but time.
pub(super) fn is_provisioning(front: &Front<'_>) -> bool {
    front.balancer.is_some_and(|balancer| balancer.state == "provisioning")
}

/// What of the settings that cannot be changed differs from what exists, with the remedy.
pub(super) fn conflict<'a>(wanted: &Wanted<'a>, front: &Front<'a>) -> Option<String> {
    let check = &wanted.spec.health_check;
    for group in front.target_groups.values() {
        let (protocol, port) = (check.protocol.as_str(), check.port);
        if group.port != port || group.protocol != protocol {
            return Some(format!(
                "healthCheck says {protocol} on port {port}, but target group {} has {} on port {}, which AWS cannot change; \
                 deploy under another app name, or destroy the app first",
                group.name, group.protocol, group.port
            ));
        }
        if group.vpc_id != wanted.environment.network.vpc_id {
            return Some(format!("target group {} is in {}, not in the environment's VPC", group.name, group.vpc_id));
        }
    }
    let (LoadBalancer::Own(own), Some(balancer)) = (&wanted.spec.load_balancer, front.balancer) else { return None };
    if balancer.kind != "application" {
        return Some(format!("load balancer {} is of type {}, not application", balancer.name, balancer.kind));
    }
    (balancer.scheme != own.scheme.as_str()).then(|| {
        format!(
            "loadBalancer.scheme is {}, but load balancer {} is {}, which AWS cannot change; destroy the app first",
            own.scheme.as_str(),
            balancer.name,
            balancer.scheme
        )
    })
}

/// A DNS name that something else already has.
pub(super) fn dns_conflict<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
    let (dns, zone) = (wanted.spec.dns.as_ref()?, wanted.zone?);
    let name = dns.name.to_ascii_lowercase();
    let ours =
        picture.front.as_ref().and_then(|front| front.balancer).map(|balancer| balancer.dns_name.to_ascii_lowercase());
    let taken = zone.records.iter().filter(|record| record.name == name).find(|record| {
        let to_us = record.alias.as_ref().is_some_and(|alias| Some(&alias.dns_name) == ours.as_ref());
        matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME") && (!to_us || record.set_identifier.is_some())
    })?;
    let to = match &taken.alias {
        Some(alias) => format!("an alias to {}", alias.dns_name),
        None => taken.values.join(", "),
    };
    Some(format!(
        "dns.name {} already has a record that is not this app's: {} {to}; remove it, or choose another name",
        dns.name, taken.kind
    ))
}
