//! Rules of several apps on one listener: of two that match the same requests one would never get any. Apps of several
//! environments may share a listener.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use crate::manifest::diagnostic::{Code, Diagnostics, quoted};
use crate::model::coverage::covers;
use crate::model::observed::Conditions;
use crate::model::spec::{LoadBalancer, SharedListener};

/// An app's rule.
struct Claim<'a> {
    subject: &'a Subject<'a>,
    shared: &'a SharedListener,
    conditions: Conditions,
}

/// Checks the rules of all apps against each other, listener by listener.
pub(super) fn check(subjects: &[Subject<'_>], findings: &mut Diagnostics) {
    let mut listeners: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
    for subject in subjects.iter().filter(|subject| !subject.spec.destroy) {
        let LoadBalancer::Shared(shared) = &subject.spec.load_balancer else { continue };
        let Some(arn) = subject.environment.spec.listeners.get(&shared.listener) else { continue };
        let conditions = shared.conditions();
        listeners.entry(arn).or_default().push(Claim { subject, shared, conditions });
    }
    for claims in listeners.values() {
        for (one, other) in neighbours(claims) {
            pair(&claims[one], &claims[other], findings);
        }
    }
}

/// The pairs of rules that may match the same requests. Rules for different hosts, which most are, need no comparison.
fn neighbours(claims: &[Claim<'_>]) -> BTreeSet<(usize, usize)> {
    let is_pattern = |host: &String| host.contains(['*', '?']);
    let is_broad =
        |claim: &Claim<'_>| claim.conditions.hosts.is_empty() || claim.conditions.hosts.iter().any(is_pattern);
    let mut by_host: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        for host in claim.conditions.hosts.iter().filter(|host| !is_pattern(host)) {
            by_host.entry(host.to_lowercase()).or_default().push(index);
        }
    }
    let mut pairs = BTreeSet::new();
    let mut add = |one: usize, other: usize| {
        if one != other {
            pairs.insert((one.min(other), one.max(other)));
        }
    };
    for same in by_host.values() {
        for (position, one) in same.iter().enumerate() {
            same[..position].iter().for_each(|other| add(*one, *other));
        }
    }
    for (broad, _) in claims.iter().enumerate().filter(|(_, claim)| is_broad(claim)) {
        (0..claims.len()).for_each(|other| add(broad, other));
    }
    pairs
}

fn pair(first: &Claim<'_>, second: &Claim<'_>, findings: &mut Diagnostics) {
    let by_first = covers(&first.conditions, &second.conditions);
    let by_second = covers(&second.conditions, &first.conditions);
    let field = |claim: &Claim<'_>| if claim.shared.hosts.is_empty() { "paths" } else { "hosts" };
    let (one, other) = (first.subject, second.subject);
    let listener = quoted(&second.shared.listener);
    let finding = if by_first && by_second {
        let message = format!(
            "{} and {} have the same conditions on the listener {listener}: one of them would never get a request",
            one.scope, other.scope
        );
        let finding = other.error(Code::Duplicate, &["loadBalancer", field(second)], message);
        finding.help("give one of them other hosts, or paths of its own")
    } else {
        let (wide, narrow) = if by_first { (first, second) } else { (second, first) };
        let (Some(wide_place), Some(narrow_place)) = (wide.shared.priority, narrow.shared.priority) else { return };
        if !(by_first || by_second) || wide_place > narrow_place {
            return;
        }
        let message = format!(
            "{} would never get a request on the listener {listener}: {} comes before it, at priority {wide_place}, and \
             takes all of its requests",
            narrow.subject.scope, wide.subject.scope
        );
        let finding = narrow.subject.error(Code::Contradiction, &["loadBalancer", "priority"], message);
        finding.help(format!("give it a priority below {wide_place}, or leave `priority` out of both"))
    };
    let (told, place) = if finding.place.as_ref().is_some_and(|place| place.file == one.tree.place.file) {
        (other, other.tree.nearest(&["loadBalancer"]))
    } else {
        (one, one.tree.nearest(&["loadBalancer"]))
    };
    findings.push(finding.related(place, format!("the rule of {}", told.scope)));
}
