//! Whether what is said of load balancing fits together: listeners and their kind, rules and their conditions.

use std::collections::BTreeMap;

use super::{Subject, foreign};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean, quoted};
use crate::manifest::values::arn::Arn;
use crate::model::spec::{Kind, Listener, ListenerProtocol, OwnLoadBalancer, Protocol, SharedListener};

/// How many values the conditions of a rule may have together.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MAX_CONDITION_VALUES: usize = 5;

/// Checks a load balancer of the app's own.
pub(super) fn own(subject: &Subject<'_>, own: &OwnLoadBalancer, findings: &mut Diagnostics) {
    subnets(subject, own.kind, findings);
    match own.kind {
        Kind::Application => application(subject, own, findings),
        Kind::Network => network(subject, own, findings),
    }
    for (index, one) in own.listeners.iter().enumerate() {
        listener(subject, own.kind, index, one, findings);
        let port = ["loadBalancer", "listeners", &index.to_string(), "port"];
        if own.listeners[..index].iter().any(|earlier| earlier.port == one.port) {
            let message = format!("two listeners have the port {}", one.port);
            findings.push(subject.error(Code::Duplicate, &port, message).help("give one of them another"));
        }
    }
    if !own.listeners.is_empty() && own.listeners.iter().all(|listener| listener.redirect.is_some()) {
        let message = "every listener sends clients elsewhere, and none to the app".to_owned();
        let finding = subject.error(Code::Contradiction, &["loadBalancer", "listeners"], message);
        findings.push(finding.help("add a listener without `redirect`"));
    }
    check_protocol(subject, own.kind, findings);
    slow_start(subject, findings);
}

fn subnets(subject: &Subject<'_>, kind: Kind, findings: &mut Diagnostics) {
    let environment = subject.environment;
    let of_app = subject.spec.network.as_ref().map(|network| &network.subnet_ids);
    let subnets = of_app.unwrap_or(&environment.spec.network.subnet_ids);
    if subnets.len() >= 2 || kind == Kind::Network {
        return;
    }
    let message = "a load balancer needs two subnets in different availability zones, and there is one".to_owned();
    let finding = match of_app {
        Some(_) => subject.error(Code::Contradiction, &["network", "subnetIds"], message),
        None => subject
            .error(Code::Contradiction, &["loadBalancer"], message)
            .related(environment.tree.nearest(&["network", "subnetIds"]), "the subnets of the environment"),
    };
    findings.push(finding.help("add a subnet, name a shared `listener`, or write `loadBalancer: none` for a worker"));
}

/// What only network load balancers have.
fn application(subject: &Subject<'_>, own: &OwnLoadBalancer, findings: &mut Diagnostics) {
    let wrong = [
        ("crossZone", own.cross_zone.is_some(), "always sends to the instances of all zones"),
        ("preserveClientIp", own.preserve_client_ip.is_some(), "puts the client's address into `X-Forwarded-For`"),
        ("terminateConnections", own.terminate_connections.is_some(), "ends requests, not connections"),
    ];
    for (field, _, why) in wrong.into_iter().filter(|(_, given, _)| *given) {
        let message = format!("an application load balancer {why}");
        let finding = subject.error(Code::Contradiction, &["loadBalancer", field], message);
        findings.push(finding.help(format!("remove `{field}`, or use `type: network`")));
    }
}

/// What only application load balancers have.
fn network(subject: &Subject<'_>, own: &OwnLoadBalancer, findings: &mut Diagnostics) {
    let wrong = [
        ("idleTimeout", own.idle_timeout.is_some()),
        ("dropInvalidHeaders", own.drop_invalid_headers.is_some()),
        ("slowStart", own.slow_start.is_some()),
    ];
    for (field, _) in wrong.into_iter().filter(|(_, given)| *given) {
        let message = format!("a network load balancer has no `{field}`");
        let finding = subject.error(Code::Contradiction, &["loadBalancer", field], message);
        findings.push(finding.help("remove it, or use `type: application`"));
    }
    let has = |protocol| own.listeners.iter().any(|listener| listener.protocol == protocol);
    let over_udp = has(ListenerProtocol::Udp) || has(ListenerProtocol::TcpUdp);
    if over_udp && has(ListenerProtocol::Tls) {
        let message = "a TLS listener and one for UDP cannot lead to the same instances".to_owned();
        let finding = subject.error(Code::Contradiction, &["loadBalancer", "listeners"], message);
        findings.push(finding.help("use TCP with TLS in the app, or make two apps of it"));
    }
    if over_udp && own.preserve_client_ip == Some(false) {
        let message = "with UDP instances always see the addresses of clients".to_owned();
        let finding = subject.error(Code::Contradiction, &["loadBalancer", "preserveClientIp"], message);
        findings.push(finding.help("remove `preserveClientIp`"));
    }
}

fn listener(subject: &Subject<'_>, kind: Kind, index: usize, listener: &Listener, findings: &mut Diagnostics) {
    let index = index.to_string();
    let at = |field| ["loadBalancer", "listeners", index.as_str(), field];
    let protocol = listener.protocol.as_str();
    let (article, kind_name, allowed) = match kind {
        Kind::Application => ("an", "application", "HTTP or HTTPS"),
        Kind::Network => ("a", "network", "TCP, TLS, UDP or TCP_UDP"),
    };
    if listener.protocol.is_http() != (kind == Kind::Application) {
        let message = format!("{article} {kind_name} load balancer has no {protocol} listener");
        let other = if kind == Kind::Application { "`type: network`" } else { "`type: application`" };
        let finding = subject.error(Code::Contradiction, &at("protocol"), message);
        findings.push(finding.help(format!("use {allowed}, or {other}")));
        return;
    }
    let secure = listener.protocol.is_secure();
    match (secure, &listener.certificate_arn) {
        (true, None) => {
            let article = if protocol == "HTTPS" { "an" } else { "a" };
            let message = format!("{article} {protocol} listener needs a certificate");
            let plain = if protocol == "HTTPS" { "HTTP" } else { "TCP" };
            let finding = subject.error(Code::Contradiction, &at("protocol"), message);
            findings.push(finding.help(format!("add its `certificateArn`, or use `protocol: {plain}`")));
        }
        (true, Some(arn)) => certificate(subject, &at("certificateArn"), arn, findings),
        (false, Some(_)) => plain(subject, &at("certificateArn"), protocol, "certificate", findings),
        (false, None) => {}
    }
    if !secure && listener.ssl_policy.is_some() {
        plain(subject, &at("sslPolicy"), protocol, "security policy", findings);
    }
    if let Some(redirect) = &listener.redirect {
        let path = at("redirect");
        let same = redirect.protocol.as_str() == protocol && redirect.port == listener.port;
        if kind == Kind::Network {
            let message = "a network load balancer cannot redirect".to_owned();
            findings.push(subject.error(Code::Contradiction, &path, message).help("use `type: application`"));
        } else if redirect.protocol == Protocol::Tcp {
            let message = "clients can be sent to HTTP or HTTPS only".to_owned();
            findings.push(subject.error(Code::Contradiction, &path, message).help("use `protocol: HTTPS`"));
        } else if same {
            let message = "this sends clients to where they are, again and again".to_owned();
            findings.push(subject.error(Code::Contradiction, &path, message).help("give it another port or protocol"));
        }
    }
}

fn plain(subject: &Subject<'_>, path: &[&str], protocol: &str, what: &str, findings: &mut Diagnostics) {
    let article = if matches!(protocol, "HTTP") { "an" } else { "a" };
    let secure = if matches!(protocol, "HTTP") { "HTTPS" } else { "TLS" };
    let field = path.last().copied().unwrap_or_default();
    let finding = subject.error(Code::Contradiction, path, format!("{article} {protocol} listener takes no {what}"));
    findings.push(finding.help(format!("use `protocol: {secure}`, or remove `{field}`")));
}

fn certificate(subject: &Subject<'_>, path: &[&str], text: &str, findings: &mut Diagnostics) {
    let spec = subject.environment.spec;
    if let Some(arn) = Arn::parse(text)
        && let Some(why) = foreign(&arn, spec)
    {
        findings.push(subject.error(Code::WrongAccount, path, format!("the certificate {why}")));
    }
}

fn check_protocol(subject: &Subject<'_>, kind: Kind, findings: &mut Diagnostics) {
    if subject.spec.health_check.protocol == Protocol::Tcp && kind == Kind::Application {
        let message = "an application load balancer checks over HTTP or HTTPS".to_owned();
        let finding = subject.error(Code::Contradiction, &["healthCheck", "protocol"], message);
        findings.push(finding.help("use `protocol: HTTP`, or a load balancer of `type: network`"));
    }
}

/// AWS takes nothing between zero and half a minute.
fn slow_start(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let Some(span) = subject.spec.load_balancer.slow_start() else { return };
    if !span.is_zero() && span.as_seconds() < 30 {
        let message = format!("`loadBalancer.slowStart` is {span}; it may be 0s, or from 30s to 15m");
        findings.push(subject.error(Code::OutOfRange, &["loadBalancer", "slowStart"], message));
    }
}

/// Checks a rule on a shared listener.
pub(super) fn shared(subject: &Subject<'_>, shared: &SharedListener, findings: &mut Diagnostics) {
    let listeners = &subject.environment.spec.listeners;
    if !listeners.contains_key(&shared.listener) {
        let message =
            format!("the environment `{}` lists no listener {}", subject.scope.environment, quoted(&shared.listener));
        let help = did_you_mean(&shared.listener, listeners.keys().map(String::as_str));
        let finding = subject
            .error(Code::UnknownListener, &["loadBalancer", "listener"], message)
            .related(subject.environment.location.name.clone(), "this environment")
            .maybe_help(help.or_else(|| Some("add its ARN to the environment's `listeners`".to_owned())));
        findings.push(finding);
    }
    let values = [
        ("hosts", shared.hosts.len()),
        ("paths", shared.paths.len()),
        ("headers", shared.headers.values().map(Vec::len).sum()),
        ("methods", shared.methods.len()),
        ("sourceIps", shared.source_ips.len()),
    ];
    let count = shared.condition_values();
    if count == 0 {
        let message = "a rule on a shared listener needs a condition, or it would take all requests".to_owned();
        let finding = subject.error(Code::Contradiction, &["loadBalancer", "listener"], message);
        findings.push(finding.help("add `hosts: [shop.example.com]` or `paths: [/shop/*]`"));
    } else if count > MAX_CONDITION_VALUES {
        let message =
            format!("the conditions of a rule may have {MAX_CONDITION_VALUES} values together, and these have {count}");
        let field = values.iter().find(|(_, count)| *count > 0).map_or("hosts", |(field, _)| field);
        findings.push(subject.error(Code::OutOfRange, &["loadBalancer", field], message));
    }
    twice(subject, &["loadBalancer", "headers"], shared.headers.keys(), findings);
    for (name, _) in shared.headers.iter().filter(|(_, values)| values.is_empty()) {
        let message = format!("the header {} has no value to look for", quoted(name));
        let finding = subject.error(Code::Contradiction, &["loadBalancer", "headers", name], message);
        findings.push(finding.help("give it one, `*` for any"));
    }
    check_protocol(subject, Kind::Application, findings);
    slow_start(subject, findings);
}

/// Names of headers are compared without case, so that of two that differ in it alone one would be lost.
pub(in crate::manifest) fn twice<'n>(
    subject: &Subject<'_>,
    path: &[&str],
    names: impl Iterator<Item = &'n String>,
    findings: &mut Diagnostics,
) {
    let mut first: BTreeMap<String, &String> = BTreeMap::new();
    for name in names {
        let Some(other) = first.get(&name.to_ascii_lowercase()) else {
            first.insert(name.to_ascii_lowercase(), name);
            continue;
        };
        let place = |name: &str| subject.tree.nearest(&[path, &[name]].concat());
        let message = format!("{} and {} are the same header, whose name has no case", quoted(other), quoted(name));
        let finding = Diagnostic::at(Code::Duplicate, place(name), message).related(place(other), "the other one");
        findings.push(finding.help("write it once, with all its values"));
    }
}
