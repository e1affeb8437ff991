//! What stands in the way: settings that AWS cannot change, and names that something else has. Found before anything is done.

use super::draft::Draft;
use super::handover::{self, Holder};
use super::picture::{Front, Picture};
use super::place::{self, Bounds};
use super::prepare;
use super::resolve::Wanted;
use super::resolve::dns::{leads_to, leads_to_former, plain};
use crate::model::names::Slot;
use crate::model::observed::{DnsRecord, Group, Health, Rule, Target, Want};
use crate::model::spec::{Kind, LoadBalancer, OwnLoadBalancer, RecordType, SharedListener};
use crate::model::tags::keys;

const REMEDY: &str = "deploy it under another name, or destroy the app first";

/// What of the settings that cannot be changed differs from what exists, with the remedy.
pub(super) fn conflict<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
    if let Some(why) = picture.groups.iter().find_map(|group| slot(wanted, picture, group)) {
        return Some(why);
    }
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

/// Whether the tag of a group's slot and the target group in which its instances register say different things: whoever acts on
/// one of them moves the traffic of the other.
fn slot(wanted: &Wanted<'_>, picture: &Picture<'_>, group: &Group) -> Option<String> {
    let front = picture.front.as_ref().filter(|_| !group.deleting)?;
    let attached = |slot: Slot| front.arn(slot).filter(|arn| group.target_group_arns.iter().any(|has| has == arn));
    let (other, arn) = Slot::BOTH
        .into_iter()
        .filter(|slot| group.owner.slot != Some(*slot))
        .find_map(|slot| Some((slot, attached(slot)?)))?;
    let (name, has) = (&group.name, wanted.app.scope.target_group_name(other));
    let says = match group.owner.slot {
        Some(slot) => format!("the tag {} of {name} says {slot}", keys::SLOT),
        None => format!("the tag {} of {name} is gone", keys::SLOT),
    };
    let remedy = match group.owner.slot.and_then(attached) {
        Some(_) => format!(
            "`aws autoscaling detach-load-balancer-target-groups --auto-scaling-group-name {name} --target-group-arns {arn}` \
             takes it out of the other one"
        ),
        None => format!(
            "`aws autoscaling create-or-update-tags --tags ResourceId={name},ResourceType=auto-scaling-group,Key={},\
             Value={other},PropagateAtLaunch=false` makes the tag right",
            keys::SLOT
        ),
    };
    Some(format!("{says}, but the group is attached to {has}; nothing is done until both agree: {remedy}"))
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
    let (protocol, port) = (&wanted.balancing.target_protocol, wanted.spec.health_check.port);
    let says = match &wanted.spec.load_balancer {
        LoadBalancer::Own(own) if own.kind == Kind::Network => "loadBalancer.listeners and healthCheck.port ask for",
        _ => "healthCheck says",
    };
    front.target_groups.values().find_map(|group| {
        if group.port != port || group.protocol != *protocol {
            return Some(format!(
                "{says} {protocol} on port {port}, but target group {} has {} on port {}, which AWS cannot \
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
    differs("type", own.kind.as_str(), &balancer.kind)
        .or_else(|| differs("scheme", own.scheme.as_str(), &balancer.scheme))
        .or_else(|| {
            let none = balancer.security_group_ids.is_empty() && own.kind == Kind::Network;
            own.security_group_ids.as_ref().filter(|_| none).map(|_| {
                format!(
                    "loadBalancer.securityGroupIds: network load balancer {} was created without security groups, and AWS \
                     gives it none later; {REMEDY}",
                    balancer.name
                )
            })
        })
}

fn shared_rule(front: &Front<'_>, shared: &SharedListener) -> Option<String> {
    let listener = front.shared?;
    if !listener.protocol.starts_with("HTTP") {
        return Some(format!(
            "loadBalancer.listener `{}` is a {} listener of a network load balancer, which has no rules; name a listener of \
             an application load balancer, or give the app a load balancer of its own",
            shared.listener, listener.protocol
        ));
    }
    let elsewhere = front.rule?.listener_arn().is_some_and(|arn| arn != listener.arn);
    elsewhere.then(|| {
        format!("loadBalancer.listener says `{}`, but the app's rule is on another one; {REMEDY}", shared.listener)
    })
}

/// A slot that takes traffic and has targets, though no group of the app runs there: a group that lost its tags, or
/// instances that somebody registered by hand. What serves must not pass for absent. `None`, too, while it must still be read.
pub(super) fn strangers<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>) -> Option<String> {
    let front = picture.front.as_ref()?;
    for slot in Slot::BOTH {
        if front.weight(slot) == 0 || picture.runs_in(slot).is_some() {
            continue;
        }
        let Some(target_group) = front.target_groups.get(&slot) else { continue };
        let want = Want::TargetHealth(target_group.arn.clone());
        let found = draft.observed.details.target_health.get(&target_group.arn);
        let targets = draft.see(found, want, "the targets of a slot that takes traffic")?;
        let ours = |target: &&Target| {
            picture.groups.iter().flat_map(|group| &group.instances).any(|instance| instance.id == target.id)
        };
        // Sick ones do not serve: what is known to be well may take their place.
        let there = |target: &&Target| !matches!(target.health, Health::Draining | Health::Unused | Health::Unhealthy);
        let strangers: Vec<&Target> = targets.iter().filter(there).filter(|target| !ours(target)).collect();
        if let Some(first) = strangers.first() {
            return Some(format!(
                "target group {} takes traffic and has {} registered, such as {}, but no group with this app's tags runs \
                 there: put the tags of the group back (`{}` and the others), or take these targets out",
                target_group.name,
                if strangers.len() == 1 { "1 target".to_owned() } else { format!("{} targets", strangers.len()) },
                first.id,
                keys::OWNER
            ));
        }
    }
    None
}

/// That the app's rule cannot stand where it is to stand, or not with these conditions. `None`, too, while the rules must still
/// be read: only a rule that is new or changes needs to be compared with the others.
pub(super) fn place<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
    let LoadBalancer::Shared(shared) = &wanted.spec.load_balancer else { return None };
    let front = picture.front.as_ref()?;
    let (own, listener) = (front.rule, front.shared?);
    let conditions = &wanted.balancing.conditions;
    let stays = |rule: &Rule| {
        rule.conditions == *conditions && shared.priority.is_none_or(|priority| rule.priority == Some(priority))
    };
    if own.is_some_and(stays) {
        return None;
    }
    let found = draft.observed.details.rules_of.get(&listener.arn);
    let rules = draft.see(found, Want::RulesOf(listener.arn.clone()), "the listener's rules")?;
    // The rule for preview requests moves along.
    let ours = || own.into_iter().chain(own.and(front.preview));
    let others = || rules.iter().filter(|other| ours().all(|ours| ours.arn != other.arn));
    let bounds = match Bounds::of(others(), conditions) {
        Ok(bounds) => bounds,
        Err(against) => return Some(place::conflict(shared, against)),
    };
    let against = match shared.priority {
        Some(priority) => {
            if let Some(other) = others().find(|other| other.priority == Some(priority)) {
                return Some(prepare::taken(priority, shared, other));
            }
            bounds.against(priority)
        }
        None if own.is_none() => place::choose(rules, conditions, &bounds, draft.scope).err(),
        None => None,
    };
    against.map(|against| place::conflict(shared, against))
}

/// A DNS name that something else already has. What another app gives up is no conflict, and is said.
pub(super) fn dns<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<String> {
    let dns = wanted.spec.dns.as_ref().filter(|_| wanted.zone().is_some())?;
    let name = plain(&dns.name);
    let balancer = picture.front.as_ref().and_then(|front| front.balancer);
    let index = draft.index.clone();
    // A record that leads to a load balancer of the app's own that is gone is the app's, as long as a tag names it.
    let is_tagged = picture.groups.iter().any(|group| group.owner.dns.as_deref().map(plain).as_ref() == Some(&name));
    let former =
        |record: &DnsRecord| is_tagged && leads_to_former(record, &wanted.app.scope.load_balancer_name(), &index);
    let ours = |record: &DnsRecord| balancer.is_some_and(|balancer| leads_to(record, balancer)) || former(record);
    // Route 53 takes no other record beside a CNAME.
    let answers = |record: &&DnsRecord| dns.kind == RecordType::Cname || answers_clients(record);
    let others = index.records([&name]).into_iter().filter(answers);
    for taken in others.filter(|record| !ours(record)) {
        let to = match &taken.alias {
            Some(alias) => format!("an alias to {}", alias.dns_name),
            None => taken.values.join(", "),
        };
        match handover::holder(draft, taken) {
            Holder::GivesUp(app) => {
                draft.note(format!("{name} is taken over from {app}, whose record stays until then"))
            }
            Holder::Keeps(app, why) => {
                return Some(format!(
                    "dns.name {} belongs to {app}: {why}; choose another name for one of them",
                    dns.name
                ));
            }
            Holder::Stranger if !answers_clients(taken) => {
                return Some(format!(
                    "dns.name {} already has a record that is not this app's: {} {to}, beside which there can be no CNAME; \
                     remove it, leave out `dns.type`, or choose another name",
                    dns.name, taken.kind
                ));
            }
            Holder::Stranger => {
                return Some(format!(
                    "dns.name {} already has a record that is not this app's: {} {to}; remove it, or choose another name",
                    dns.name, taken.kind
                ));
            }
        }
    }
    None
}

/// Whether a record tells clients where to go.
fn answers_clients(record: &DnsRecord) -> bool {
    matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME")
}
