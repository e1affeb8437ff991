//! What stands in the way: settings that AWS cannot change, and names that something else has. Found before anything is done.

use super::picture::{Front, Picture};
use super::resolve::Wanted;
use crate::manifest::spec::{LoadBalancer, OwnLoadBalancer, SharedListener};
use crate::model::observed::Group;

const REMEDY: &str = "deploy it under another name, or destroy the app first";

/// What of the settings that cannot be changed differs from what exists, with the remedy.
pub(super) fn conflict<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
    if let Some(group) = picture.unfailed().last()
        && let Some(kind) = other_kind(wanted, group)
    {
        let generation = group.owner.generation;
        return Some(format!("loadBalancer cannot be changed on an app that exists: {generation} {kind}; {REMEDY}"));
    }
    let front = picture.front.as_ref()?;
    target_groups(wanted, front).or_else(|| match &wanted.spec.load_balancer {
        LoadBalancer::None => None,
        LoadBalancer::Own(own) => own_balancer(front, own),
        LoadBalancer::Shared(shared) => shared_rule(front, shared),
    })
}

/// How what runs stands behind another kind of load balancer, if it does.
fn other_kind(wanted: &Wanted<'_>, group: &Group) -> Option<&'static str> {
    let (slot, rule) = (group.owner.slot.is_some(), group.owner.rule.is_some());
    match &wanted.spec.load_balancer {
        LoadBalancer::None if slot => Some("stands behind a load balancer"),
        LoadBalancer::Own(_) | LoadBalancer::Shared(_) if !slot => Some("is a worker without one"),
        LoadBalancer::Own(_) if rule => Some("stands behind a shared listener"),
        LoadBalancer::Shared(_) if !rule => Some("has a load balancer of its own"),
        _ => None,
    }
}

fn target_groups(wanted: &Wanted<'_>, front: &Front<'_>) -> Option<String> {
    let check = &wanted.spec.health_check;
    let (protocol, port) = (check.protocol.as_str(), check.port);
    front.target_groups.values().find_map(|group| {
        if group.port != port || group.protocol != protocol {
            return Some(format!(
                "healthCheck says {protocol} on port {port}, but target group {} has {} on port {}, which AWS cannot \
                 change; {REMEDY}",
                group.name, group.protocol, group.port
            ));
        }
        (group.vpc_id != wanted.environment.network.vpc_id)
            .then(|| format!("target group {} is in {}, not in the environment's VPC", group.name, group.vpc_id))
    })
}

fn own_balancer(front: &Front<'_>, own: &OwnLoadBalancer) -> Option<String> {
    let balancer = front.balancer?;
    let differs = |field: &str, wanted: &str, has: &str| {
        (wanted != has).then(|| {
            format!(
                "loadBalancer.{field} says {wanted}, but load balancer {} has {has}, which stays; {REMEDY}",
                balancer.name
            )
        })
    };
    if let Some(difference) = differs("type", "application", &balancer.kind)
        .or_else(|| differs("scheme", own.scheme.as_str(), &balancer.scheme))
    {
        return Some(difference);
    }
    let wanted = own.listeners.first()?;
    let has = front.listeners.get(&wanted.port).or_else(|| front.listeners.values().next())?;
    let certificate = |arn: &Option<String>| arn.clone().unwrap_or_else(|| "none".to_owned());
    differs("listeners[0].port", &wanted.port.to_string(), &has.port.to_string())
        .or_else(|| differs("listeners[0].protocol", wanted.protocol.as_str(), &has.protocol))
        .or_else(|| {
            differs(
                "listeners[0].certificateArn",
                &certificate(&wanted.certificate_arn),
                &certificate(&has.certificate_arn),
            )
        })
}

/// Security groups of the load balancer that differ: no reason to stop a release, but one to say so.
pub(super) fn security_groups(wanted: &Wanted<'_>, picture: &Picture<'_>) -> Option<String> {
    let LoadBalancer::Own(own) = &wanted.spec.load_balancer else { return None };
    let balancer = picture.front.as_ref()?.balancer?;
    let mut groups = own.security_group_ids.clone().unwrap_or_else(|| wanted.environment.security_group_ids.clone());
    groups.sort();
    groups.dedup();
    (groups != balancer.security_group_ids).then(|| {
        format!(
            "load balancer {} has the security groups {}, where the manifests say {}; they are not changed",
            balancer.name,
            balancer.security_group_ids.join(", "),
            groups.join(", ")
        )
    })
}

fn shared_rule(front: &Front<'_>, shared: &SharedListener) -> Option<String> {
    let (rule, listener) = (front.rule?, front.shared?);
    if rule.listener_arn().is_some_and(|arn| arn != listener.arn) {
        return Some(format!(
            "loadBalancer.listener says `{}`, but the app's rule is on another one; {REMEDY}",
            shared.listener
        ));
    }
    (rule.priority != Some(shared.priority)).then(|| {
        let has = rule.priority.map_or_else(|| "none".to_owned(), |priority| priority.to_string());
        format!("loadBalancer.priority says {}, but the app's rule has {has}, which stays; {REMEDY}", shared.priority)
    })
}

/// A DNS name that something else already has.
pub(super) fn dns<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
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
