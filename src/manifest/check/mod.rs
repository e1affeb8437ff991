//! Whether the values of an effective spec fit together and fit their environment: what could never be deployed is refused
//! here, without asking AWS.

pub(super) mod balancing;
mod container;
pub(super) mod machine;
mod rules;
mod scaling;
pub(super) mod sources;
mod stepping;
mod strategy;
mod verification;

use std::collections::BTreeMap;

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::init::PLACEHOLDER_ACCOUNT;
use crate::manifest::read::node::{Layer, Node};
use crate::manifest::source::Location;
use crate::manifest::values::arn::Arn;
use crate::manifest::values::is_zone_id;
use crate::model::names::Scope;
use crate::model::spec::{AppSpec, Dns, EnvironmentSpec, LoadBalancer, RecordType};

/// An environment, with what is needed to point into its manifest.
pub(super) struct Surroundings<'a> {
    pub spec: &'a EnvironmentSpec,
    pub tree: &'a Node,
    pub location: &'a Location,
}

/// One app in one environment.
pub(super) struct Subject<'a> {
    pub scope: &'a Scope,
    pub spec: &'a AppSpec,
    pub tree: &'a Node,
    pub environment: &'a Surroundings<'a>,
}

impl Subject<'_> {
    pub(super) fn error(&self, code: Code, path: &[&str], message: String) -> Diagnostic {
        Diagnostic::at(code, self.tree.nearest(path), message)
    }

    /// ` (the built-in default)` for a value that no manifest gives.
    fn note(&self, path: &[&str]) -> &'static str {
        if self.tree.at(path).is_some() { "" } else { " (the built-in default)" }
    }
}

/// Checks one app in one environment.
pub(super) fn app(subject: &Subject<'_>, findings: &mut Diagnostics) {
    instances(subject, findings);
    machine::machine(subject, findings);
    scaling::scaling(subject, findings);
    container::container(subject, findings);
    times(subject, findings);
    dns(subject, findings);
    verification::check(subject, findings);
    strategy::check(subject, findings);
    match &subject.spec.load_balancer {
        LoadBalancer::None => worker(subject, findings),
        LoadBalancer::Own(own) => balancing::own(subject, own, findings),
        LoadBalancer::Shared(shared) => balancing::shared(subject, shared, findings),
    }
    if subject.spec.destroy && subject.spec.suspend.is_some() {
        let finding = subject
            .error(Code::Contradiction, &["destroy"], "`destroy` and `suspend` contradict each other".to_owned())
            .related(subject.tree.nearest(&["suspend"]), "nothing is done while this is set")
            .help("remove `suspend` to have the app deleted");
        findings.push(finding);
    }
}

fn instances(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let instances = &subject.spec.instances;
    if instances.min <= instances.max {
        return;
    }
    let (min, max) = (["instances", "min"], ["instances", "max"]);
    let given = if subject.tree.at(&min).is_some() { min } else { max };
    let other = if given == min { max } else { min };
    let message = format!(
        "`instances.min` is {}{}, more than `instances.max`, which is {}{}",
        instances.min,
        subject.note(&min),
        instances.max,
        subject.note(&max),
    );
    let mut finding = subject.error(Code::Contradiction, &given, message);
    finding = finding.help(format!("set `max` to {} or more", instances.min));
    if subject.tree.at(&other).is_some() {
        finding = finding.related(subject.tree.nearest(&other), "the other one");
    }
    findings.push(finding);
}

fn times(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let spec = subject.spec;
    let check = &spec.health_check;
    let is_worker = spec.load_balancer == LoadBalancer::None;
    if check.timeout >= check.interval && !is_worker {
        let (timeout, interval) = (["healthCheck", "timeout"], ["healthCheck", "interval"]);
        let given = if subject.tree.at(&timeout).is_some() { timeout } else { interval };
        let message = format!(
            "`healthCheck.timeout` is {}{}, and must be less than `healthCheck.interval`, which is {}{}",
            check.timeout,
            subject.note(&timeout),
            check.interval,
            subject.note(&interval),
        );
        findings
            .push(subject.error(Code::Contradiction, &given, message).help("raise the interval, or lower the timeout"));
    }
    let checks = if is_worker { 0 } else { check.interval.as_seconds() * u64::from(check.healthy_threshold) };
    let soonest = crate::model::time::Span::seconds(checks + spec.verification.stable_for.as_seconds());
    if soonest >= spec.progress_deadline {
        let deadline = ["progressDeadline"];
        let message = format!(
            "no instance can be ready by `progressDeadline`, which is {}{}: `healthCheck` and `verification.stableFor` take {soonest}",
            spec.progress_deadline,
            subject.note(&deadline),
        );
        let path: &[&str] =
            if subject.tree.at(&deadline).is_some() { &deadline } else { &["verification", "stableFor"] };
        let help = "leave time for instances to boot, too";
        findings.push(subject.error(Code::Contradiction, path, message).help(help));
    }
}

fn dns(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let Some(dns) = &subject.spec.dns else { return };
    let environment = subject.environment;
    if subject.spec.load_balancer == LoadBalancer::None {
        let message = "a DNS name needs a load balancer to lead to".to_owned();
        let finding = subject
            .error(Code::Contradiction, &["dns"], message)
            .related(subject.tree.nearest(&["loadBalancer"]), "there is none")
            .help("remove `dns`; where another layer sets it, write `dns: null`");
        findings.push(finding);
    }
    record(subject, dns, findings);
    let Some(zone) = &environment.spec.dns_zone else {
        let message = format!(
            "the environment `{}` has no `dnsZone` to hold the name {}",
            subject.scope.environment,
            quoted(&dns.name)
        );
        let finding = subject
            .error(Code::Contradiction, &["dns", "name"], message)
            .related(environment.location.name.clone(), "this environment")
            .help("give the environment a `dnsZone`, or remove `dns`");
        return findings.push(finding);
    };
    if !is_zone_id(zone) && !is_within(&dns.name, zone) {
        let message =
            format!("{} is not within the zone {} of `{}`", quoted(&dns.name), quoted(zone), subject.scope.environment);
        let finding = subject
            .error(Code::Contradiction, &["dns", "name"], message)
            .related(environment.tree.nearest(&["dnsZone"]), "the zone")
            .help(format!("end it with `.{}`", zone.trim_end_matches('.')));
        findings.push(finding);
    }
}

/// What goes with one type of record only.
fn record(subject: &Subject<'_>, dns: &Dns, findings: &mut Diagnostics) {
    let alias = dns.kind == RecordType::Alias;
    let wrong = [
        ("ttl", alias && dns.ttl.is_some(), "an alias has no TTL of its own: AWS gives it 60s", "use `type: CNAME`"),
        (
            "evaluateTargetHealth",
            !alias && dns.evaluate_target_health,
            "a CNAME heeds no target's health",
            "use an alias",
        ),
        ("ipv6", !alias && dns.ipv6.is_some(), "a CNAME has whatever addresses the load balancer has", "use an alias"),
    ];
    for (field, _, message, remedy) in wrong.into_iter().filter(|(_, wrong, ..)| *wrong) {
        let finding = subject.error(Code::Contradiction, &["dns", field], message.to_owned());
        findings.push(finding.help(format!("{remedy}, or remove `{field}`")));
    }
    let at_apex =
        subject.environment.spec.dns_zone.as_ref().is_some_and(|zone| plain_name(zone) == plain_name(&dns.name));
    if !alias && at_apex {
        let message = "a zone's own name cannot be a CNAME".to_owned();
        findings.push(subject.error(Code::Contradiction, &["dns", "type"], message).help("use `type: alias`"));
    }
}

/// Whether `name` is `zone` or ends with it.
fn is_within(name: &str, zone: &str) -> bool {
    let (name, zone) = (plain_name(name), plain_name(zone));
    name == zone || name.strip_suffix(&zone).is_some_and(|head| head.ends_with('.'))
}

/// A DNS name as it is compared.
fn plain_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A worker is not checked over the network. What another layer sets for all apps is no mistake of this one.
fn worker(subject: &Subject<'_>, findings: &mut Diagnostics) {
    for (key, value) in subject.tree.get("healthCheck").map(Node::entries).unwrap_or_default() {
        if key != "gracePeriod" && value.layer != Layer::EnvironmentDefault {
            let message = format!("`healthCheck.{key}` has no effect: a worker is not checked over the network");
            let finding = Diagnostic::at(Code::UnusedField, value.spot(), message)
                .related(subject.tree.nearest(&["loadBalancer"]), "there is no load balancer")
                .help("remove it")
                .warning();
            findings.push(finding);
        }
    }
}

/// Why what an ARN names cannot be used in an environment. Global services have no region.
fn foreign(arn: &Arn<'_>, spec: &EnvironmentSpec) -> Option<String> {
    if arn.account != spec.account_id {
        return Some(format!(
            "is in account {}, and the environment in {}",
            quoted(arn.account),
            quoted(&spec.account_id)
        ));
    }
    (!arn.region.is_empty() && arn.region != spec.region)
        .then(|| format!("is in {}, and the environment in {}", quoted(arn.region), quoted(&spec.region)))
}

/// Checks an environment by itself.
pub(super) fn environment(environment: &Surroundings<'_>, findings: &mut Diagnostics) {
    let (spec, tree) = (environment.spec, environment.tree);
    if spec.account_id == PLACEHOLDER_ACCOUNT {
        let message = format!("the account {} stands where one has to be filled in", quoted(PLACEHOLDER_ACCOUNT));
        let finding = Diagnostic::at(Code::Placeholder, tree.nearest(&["accountId"]), message);
        findings.push(finding.help("write your account, and with it the ids of your network").warning());
    }
    if let Some(arn) = spec.assume_role.as_deref().and_then(Arn::parse)
        && let Some(why) = foreign(&arn, spec)
    {
        let finding = Diagnostic::at(Code::WrongAccount, tree.nearest(&["assumeRole"]), format!("the role {why}"));
        findings.push(finding.related(tree.nearest(&["accountId"]), "the account of the environment"));
    }
    for (name, text) in &spec.listeners {
        if let Some(arn) = Arn::parse(text)
            && let Some(why) = foreign(&arn, spec)
        {
            let message = format!("the listener {} {why}", quoted(name));
            findings.push(Diagnostic::at(Code::WrongAccount, tree.nearest(&["listeners", name]), message));
        }
    }
}

/// Checks all apps against each other: each DNS name, and each place in a shared listener, has one owner.
pub(super) fn apps(subjects: &[Subject<'_>], findings: &mut Diagnostics) {
    let mut claims: BTreeMap<[String; 3], &Subject<'_>> = BTreeMap::new();
    for subject in subjects.iter().filter(|subject| !subject.spec.destroy) {
        for (claim, path, what) in claims_of(subject) {
            let Some(first) = claims.get(&claim) else {
                claims.insert(claim, subject);
                continue;
            };
            let place = first.tree.nearest(&path);
            let message = format!("{} and {} both have {what}", first.scope, subject.scope);
            let mut finding = subject.error(Code::Duplicate, &path, message).help("give one of them another");
            if finding.place.as_ref() != Some(&place) {
                finding = finding.related(place, format!("{} has it here", first.scope));
            }
            findings.push(finding);
        }
    }
    rules::check(subjects, findings);
}

/// What only one app can have: what it is, the field that says so, and what to call it.
fn claims_of(subject: &Subject<'_>) -> Vec<([String; 3], [&'static str; 2], String)> {
    let environment = subject.environment.spec;
    let mut claims = Vec::new();
    if let (Some(dns), Some(zone)) = (&subject.spec.dns, &environment.dns_zone) {
        // Private zones of the same name may exist side by side, each for a VPC of its own.
        let vpc = if is_zone_id(zone) { String::new() } else { environment.network.vpc_id.clone() };
        let what = format!("the DNS name {}", quoted(&dns.name));
        claims.push(([plain_name(zone), vpc, plain_name(&dns.name)], ["dns", "name"], what));
    }
    if let LoadBalancer::Shared(shared) = &subject.spec.load_balancer
        && let (Some(arn), Some(priority)) = (environment.listeners.get(&shared.listener), shared.priority)
    {
        let what = format!("priority {priority} on the listener {}", quoted(&shared.listener));
        let claim = [arn.clone(), priority.to_string(), String::new()];
        claims.push((claim, ["loadBalancer", "priority"], what));
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_within_a_zone_at_a_dot_only() {
        assert!(is_within("a.example.com", "example.com"));
        assert!(is_within("A.Example.com.", "example.com."));
        assert!(is_within("example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com"));
        assert!(!is_within("a.example.org", "example.com"));
    }
}
