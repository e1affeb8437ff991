//! How what stands before the instances is found: by the tags of the app's groups, and then by its manifest.

use std::collections::{BTreeMap, BTreeSet};

use super::front::{Front, Point};
use crate::model::action::{Tags, TrafficPoint};
use crate::model::names::{Scope, Slot};
use crate::model::observed::{Group, Listener, Observed, Read, Rule, Want};
use crate::model::spec::{LoadBalancer as LoadBalancerSpec, OwnLoadBalancer};
use crate::model::tags::{self, keys};
use crate::plan::draft::Draft;
use crate::plan::preview;
use crate::plan::resolve::Wanted;

/// What stands before the instances, as the tags and attachments of the app's groups name it. Nothing where no group stands
/// behind a load balancer. `None`: the draft says what could not be read.
pub(super) fn named_by<'a>(draft: &mut Draft<'a>, groups: &[&'a Group]) -> Option<Option<Front<'a>>> {
    if groups.iter().all(|group| group.owner.slot.is_none()) {
        return Some(None);
    }
    let observed = draft.observed;
    let mut front = Front::default();
    let listeners = named_listeners(draft, observed, groups)?;
    if groups.iter().any(|group| group.owner.rule.is_some()) {
        front.shared = listeners.into_iter().next();
        front.rule = named_rule(draft, observed, groups)?;
        front.points = front.rule.map(point_of_rule).into_iter().collect();
    } else {
        front.points = listeners.iter().filter(|listener| forwards(listener)).map(|one| point_of(one)).collect();
        front.listeners = listeners.into_iter().map(|listener| (listener.port, listener)).collect();
    }
    // A target group is the app's own when one of its groups registers in it, or what the tags name forwards to it.
    let mut vouched = vouched(groups);
    vouched.extend(
        front
            .listeners
            .values()
            .chain(&front.shared)
            .flat_map(|listener| listener.forward.weights.keys())
            .map(String::as_str),
    );
    vouched.extend(front.rule.iter().flat_map(|rule| rule.forward.weights.keys()).map(String::as_str));
    let all = known(draft, &observed.target_groups, "the target groups")?;
    for slot in Slot::BOTH {
        let named = all.get(&draft.scope.target_group_name(slot));
        front
            .target_groups
            .extend(named.filter(|group| vouched.contains(group.arn.as_str())).map(|group| (slot, group)));
    }
    let arn = front.listeners.values().chain(&front.shared).next().map(|listener| &listener.load_balancer_arn);
    known(draft, &observed.load_balancers, "the load balancers")?;
    front.balancer = arn.and_then(|arn| draft.index.balancer(arn));
    Some(Some(front))
}

/// The same as the manifest wants it: what it names, too, whether a tag leads there or not.
pub(super) fn wanted_by<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, groups: &[&'a Group]) -> Option<Front<'a>> {
    let observed = draft.observed;
    let mut front = Front::default();
    let vouched = vouched(groups);
    target_groups(draft, observed, &vouched, &mut front)?;
    match &wanted.spec.load_balancer {
        LoadBalancerSpec::None => {}
        LoadBalancerSpec::Own(own) => {
            own_balancer(draft, wanted, groups, own, &mut front)?;
        }
        LoadBalancerSpec::Shared(shared) => {
            let Some(arn) = wanted.environment.listeners.get(&shared.listener) else {
                draft.fail(format!("the environment lists no listener `{}`", shared.listener));
                return None;
            };
            shared_rule(draft, observed, groups, arn, &vouched, &mut front)?;
        }
    }
    front.preview = preview::find(draft, wanted, observed, groups, &front)?;
    if let Some(rule) = front.preview {
        owned(draft, &vouched, &rule.arn, "its rule for preview requests")?;
    }
    Some(front)
}

/// What an owned group's tags and attachments name is ours; anything else with our name must show our tags first.
fn vouched<'a>(groups: &[&'a Group]) -> BTreeSet<&'a str> {
    let attached = groups.iter().flat_map(|group| &group.target_group_arns).map(String::as_str);
    let rules = groups.iter().filter_map(|group| group.owner.rule.as_deref());
    let previews = groups.iter().filter_map(|group| group.owner.checks.preview_rule.as_deref());
    attached.chain(rules).chain(previews).collect()
}

fn forwards(listener: &Listener) -> bool {
    !listener.forward.weights.is_empty()
}

fn point_of(listener: &Listener) -> Point {
    Point {
        at: TrafficPoint::Listener(listener.arn.clone()),
        forward: listener.forward.clone(),
        instead: listener.instead.clone(),
    }
}

fn point_of_rule(rule: &Rule) -> Point {
    Point { at: TrafficPoint::Rule(rule.arn.clone()), forward: rule.forward.clone(), instead: rule.instead.clone() }
}

fn target_groups<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    vouched: &BTreeSet<&str>,
    front: &mut Front<'a>,
) -> Option<()> {
    let all = known(draft, &observed.target_groups, "the target groups")?;
    for slot in Slot::BOTH {
        let name = draft.scope.target_group_name(slot);
        if let Some(group) = all.get(&name) {
            owned(draft, vouched, &group.arn, &format!("target group {name}"))?;
            front.target_groups.insert(slot, group);
        }
    }
    Some(())
}

fn own_balancer<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    groups: &[&'a Group],
    own: &OwnLoadBalancer,
    front: &mut Front<'a>,
) -> Option<()> {
    let observed = draft.observed;
    let name = draft.scope.load_balancer_name();
    let Some(balancer) = known(draft, &observed.load_balancers, "the load balancers")?.get(&name) else {
        return Some(());
    };
    let mut named = named_listeners(draft, observed, groups)?;
    named.retain(|listener| listener.load_balancer_arn == balancer.arn);
    let begins = named.is_empty();
    if begins {
        owned(draft, &BTreeSet::new(), &balancer.arn, &format!("load balancer {name}"))?;
    }
    front.balancer = Some(balancer);
    front.listeners = named.into_iter().map(|listener| (listener.port, listener)).collect();
    let missing = |port: u16, front: &Front<'_>| !front.listeners.contains_key(&port);
    if own.listeners.iter().any(|wanted| missing(wanted.port, front)) {
        let want = Want::ListenersOf(balancer.arn.clone());
        let found = draft.see(observed.details.listeners_of.get(&balancer.arn), want, "its listeners")?;
        let is_wanted = |listener: &&Listener| own.listeners.iter().any(|wanted| wanted.port == listener.port);
        for listener in found.iter().filter(is_wanted) {
            if missing(listener.port, front) {
                // The first listeners of a load balancer that has just shown our tags need not show them, too.
                if !begins {
                    let what = format!("the listener on port {}", listener.port);
                    owned(draft, &BTreeSet::new(), &listener.arn, &what)?;
                }
                front.listeners.insert(listener.port, listener);
            }
        }
    }
    // What is to send clients elsewhere takes no part in shifts, whatever it does now.
    let redirects = |listener: &&&Listener| {
        wanted.balancing.listeners.iter().any(|wanted| wanted.port == listener.port && wanted.redirect.is_some())
    };
    front.points = front.listeners.values().filter(|listener| !redirects(listener)).map(|one| point_of(one)).collect();
    Some(())
}

/// The own listeners that the newest group with such a tag names, as far as AWS still has them.
fn named_listeners<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
) -> Option<Vec<&'a Listener>> {
    let named = groups.iter().rev().map(|group| &group.owner.listeners).find(|listeners| !listeners.is_empty());
    let mut listeners = Vec::new();
    for arn in named.into_iter().flatten() {
        match observed.listeners.get(arn) {
            Some(Read::Known(listener)) => listeners.extend(listener),
            Some(Read::Unknown(why)) => {
                draft.unreadable(format!("its listener could not be read: {why}"));
                return None;
            }
            None => {}
        }
    }
    Some(listeners)
}

/// The rule that the newest group with such a tag names, as far as AWS still has it.
fn named_rule<'a>(draft: &mut Draft<'a>, observed: &'a Observed, groups: &[&'a Group]) -> Option<Option<&'a Rule>> {
    let named = groups.iter().rev().find_map(|group| group.owner.rule.as_deref());
    match named.and_then(|arn| observed.rules.get(arn)) {
        Some(Read::Known(rule)) => Some(rule.as_ref()),
        Some(Read::Unknown(why)) => {
            draft.unreadable(format!("its rule could not be read: {why}"));
            None
        }
        None => Some(None),
    }
}

fn shared_rule<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
    listener_arn: &str,
    vouched: &BTreeSet<&str>,
    front: &mut Front<'a>,
) -> Option<()> {
    let listener = match observed.listeners.get(listener_arn) {
        Some(Read::Known(Some(listener))) => listener,
        Some(Read::Known(None)) => {
            draft.fail(format!("the shared listener {listener_arn} does not exist"));
            return None;
        }
        Some(Read::Unknown(why)) => {
            draft.unreadable(format!("the shared listener could not be read: {why}"));
            return None;
        }
        None => {
            draft.fail(format!("the shared listener {listener_arn} was not read"));
            return None;
        }
    };
    front.shared = Some(listener);
    known(draft, &observed.load_balancers, "the load balancers")?;
    front.balancer = draft.index.balancer(&listener.load_balancer_arn);
    let rule = match named_rule(draft, observed, groups)? {
        Some(rule) => Some(rule),
        // No group names a rule yet, or the rule it names is gone: look for one that forwards to our target groups.
        None => {
            let rules = draft.see(
                observed.details.rules_of.get(listener_arn),
                Want::RulesOf(listener_arn.to_owned()),
                "the listener's rules",
            )?;
            let ours =
                |rule: &&Rule| front.target_groups.values().any(|group| rule.forward.weights.contains_key(&group.arn));
            rules.iter().filter(|rule| !preview::is_preview(rule)).find(ours)
        }
    };
    if let Some(rule) = rule {
        owned(draft, vouched, &rule.arn, "its rule on the shared listener")?;
        front.points = vec![point_of_rule(rule)];
        front.rule = Some(rule);
    }
    Some(())
}

fn known<'a, T>(draft: &mut Draft<'a>, read: &'a Read<T>, what: &str) -> Option<&'a T> {
    match read {
        Read::Known(value) => Some(value),
        Read::Unknown(why) => {
            draft.unreadable(format!("{what} could not be read: {why}"));
            None
        }
    }
}

/// Whether a thing with our name is ours. If its tags say that it is not, the app cannot be planned.
fn owned(draft: &mut Draft<'_>, vouched: &BTreeSet<&str>, arn: &str, what: &str) -> Option<()> {
    if vouched.contains(arn) {
        return Some(());
    }
    let found =
        draft.see(draft.observed.details.tags.get(arn), Want::Tags(arn.to_owned()), &format!("the tags of {what}"))?;
    if tags::belongs_to(found, draft.scope) {
        return Some(());
    }
    let remedy = add_tags(draft.scope, arn, found);
    draft.fail(format!(
        "{what} exists and is not ours: it lacks this app's tags; rename or remove it or, if it was this app's, give it its tags \
         back: {remedy}"
    ));
    None
}

/// The command that gives something of load balancing the tags back by which it is the app's own.
pub(in crate::plan) fn add_tags(scope: &Scope, arn: &str, has: &Tags) -> String {
    let wants = tags::encode_app(scope, "", &BTreeMap::new());
    let lacks = wants.iter().filter(|(key, value)| key.starts_with(keys::PREFIX) && has.get(*key) != Some(*value));
    let pairs: Vec<String> = lacks.map(|(key, value)| format!("Key={key},Value={value}")).collect();
    format!("`aws elbv2 add-tags --resource-arns {arn} --tags {}`", pairs.join(" "))
}
