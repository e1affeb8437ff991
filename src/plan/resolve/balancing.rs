//! What is wanted of load balancing, in AWS's words: listeners, attributes, conditions.

use crate::model::observed::{Attributes, Conditions, Redirect};
use crate::model::spec::{AppSpec, Redirect as RedirectSpec};
use crate::model::spec::{EnvironmentSpec, Kind, LoadBalancer, OwnLoadBalancer, Protocol};
use crate::model::time::Span;

/// What is wanted of load balancing. Nothing of it for a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plan) struct Balancing {
    /// The protocol of the target groups.
    pub(in crate::plan) target_protocol: String,
    /// Attributes of the target groups.
    pub(in crate::plan) target_group: Attributes,
    /// Attributes of the own load balancer.
    pub(in crate::plan) balancer: Attributes,
    /// Listeners of the own load balancer.
    pub(in crate::plan) listeners: Vec<Listener>,
    /// Security groups of the own load balancer, sorted; `None`: they are left as they are.
    pub(in crate::plan) security_group_ids: Option<Vec<String>>,
    /// The kind of addresses of the own load balancer; `None`: it is left as it is.
    pub(in crate::plan) ip_address_type: Option<&'static str>,
    /// Conditions of the rule on a shared listener.
    pub(in crate::plan) conditions: Conditions,
}

/// A listener as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Listener {
    pub(in crate::plan) port: u16,
    pub(in crate::plan) protocol: &'static str,
    pub(in crate::plan) certificate_arn: Option<String>,
    /// `None`: AWS's default at first, and left as it is later.
    pub(in crate::plan) ssl_policy: Option<String>,
    /// Where it sends clients; `None`: it forwards.
    pub(in crate::plan) redirect: Option<Redirect>,
}

impl Balancing {
    pub(super) fn resolve(spec: &AppSpec, environment: &EnvironmentSpec) -> Self {
        let protocol = spec.health_check.protocol;
        match &spec.load_balancer {
            LoadBalancer::None => Self::default(),
            LoadBalancer::Own(own) => Self {
                target_protocol: own.target_protocol(protocol).to_owned(),
                target_group: own_target_group(own),
                balancer: balancer(own),
                listeners: own.listeners.iter().map(listener).collect(),
                security_group_ids: security_groups(own, environment),
                ip_address_type: own.ip_address_type.map(|kind| kind.as_str()),
                conditions: Conditions::default(),
            },
            LoadBalancer::Shared(shared) => Self {
                target_protocol: match protocol {
                    Protocol::Https => "HTTPS".to_owned(),
                    Protocol::Http | Protocol::Tcp => "HTTP".to_owned(),
                },
                target_group: target_group(shared.deregistration_delay, shared.slow_start),
                conditions: shared.conditions(),
                ..Self::default()
            },
        }
    }
}

fn target_group(delay: Span, slow_start: Option<Span>) -> Attributes {
    let mut attributes =
        Attributes::from([("deregistration_delay.timeout_seconds".to_owned(), delay.as_seconds().to_string())]);
    if let Some(span) = slow_start {
        attributes.insert("slow_start.duration_seconds".to_owned(), span.as_seconds().to_string());
    }
    attributes
}

fn own_target_group(own: &OwnLoadBalancer) -> Attributes {
    let mut attributes = target_group(own.deregistration_delay, own.slow_start);
    let flags = [
        ("preserve_client_ip.enabled", own.preserve_client_ip),
        ("deregistration_delay.connection_termination.enabled", own.terminate_connections),
    ];
    attributes.extend(given(flags));
    attributes
}

fn balancer(own: &OwnLoadBalancer) -> Attributes {
    let flags = [
        ("deletion_protection.enabled", own.deletion_protection),
        ("load_balancing.cross_zone.enabled", own.cross_zone),
        ("routing.http.drop_invalid_header_fields.enabled", own.drop_invalid_headers),
        ("access_logs.s3.enabled", own.access_logs.as_ref().map(|logs| logs.enabled)),
    ];
    let mut attributes: Attributes = given(flags).collect();
    let mut put = |key: &str, value: String| attributes.insert(key.to_owned(), value);
    if let Some(idle) = own.idle_timeout {
        put("idle_timeout.timeout_seconds", idle.as_seconds().to_string());
    }
    // Where logs would go is of no account while there are none.
    if let Some(logs) = own.access_logs.as_ref().filter(|logs| logs.enabled) {
        put("access_logs.s3.bucket", logs.bucket.clone());
        put("access_logs.s3.prefix", logs.prefix.clone());
    }
    attributes
}

fn given<const N: usize>(flags: [(&str, Option<bool>); N]) -> impl Iterator<Item = (String, String)> {
    flags.into_iter().filter_map(|(key, flag)| Some((key.to_owned(), flag?.to_string())))
}

fn listener(listener: &crate::model::spec::Listener) -> Listener {
    Listener {
        port: listener.port,
        protocol: listener.protocol.as_str(),
        certificate_arn: listener.certificate_arn.clone(),
        ssl_policy: listener.ssl_policy.clone(),
        redirect: listener.redirect.as_ref().map(redirect),
    }
}

/// Host, path and query stay as they were asked for.
fn redirect(redirect: &RedirectSpec) -> Redirect {
    Redirect {
        protocol: redirect.protocol.as_str().to_owned(),
        port: redirect.port.to_string(),
        host: "#{host}".to_owned(),
        path: "/#{path}".to_owned(),
        query: "#{query}".to_owned(),
        status: format!("HTTP_{}", redirect.status_code),
    }
}

/// A network load balancer has only security groups of its own.
fn security_groups(own: &OwnLoadBalancer, environment: &EnvironmentSpec) -> Option<Vec<String>> {
    let mut groups = match (&own.security_group_ids, own.kind) {
        (Some(groups), _) => groups.clone(),
        (None, Kind::Application) => environment.security_group_ids.clone(),
        (None, Kind::Network) => return None,
    };
    groups.sort();
    groups.dedup();
    Some(groups)
}

/// The field of the manifest that says what an attribute is.
pub(in crate::plan) fn field_of(attribute: &str) -> &'static str {
    match attribute {
        "deregistration_delay.timeout_seconds" => "loadBalancer.deregistrationDelay",
        "slow_start.duration_seconds" => "loadBalancer.slowStart",
        "preserve_client_ip.enabled" => "loadBalancer.preserveClientIp",
        "deregistration_delay.connection_termination.enabled" => "loadBalancer.terminateConnections",
        "deletion_protection.enabled" => "loadBalancer.deletionProtection",
        "load_balancing.cross_zone.enabled" => "loadBalancer.crossZone",
        "routing.http.drop_invalid_header_fields.enabled" => "loadBalancer.dropInvalidHeaders",
        "access_logs.s3.enabled" => "loadBalancer.accessLogs.enabled",
        "access_logs.s3.bucket" => "loadBalancer.accessLogs.bucket",
        "access_logs.s3.prefix" => "loadBalancer.accessLogs.prefix",
        "idle_timeout.timeout_seconds" => "loadBalancer.idleTimeout",
        _ => "loadBalancer",
    }
}

/// An attribute as the manifest writes it.
pub(in crate::plan) fn shown(attribute: &str, value: &str) -> String {
    let span = attribute.ends_with("_seconds").then(|| value.parse().ok()).flatten();
    match span {
        Some(seconds) => Span::seconds(seconds).to_string(),
        None if value.is_empty() => "none".to_owned(),
        None => value.to_owned(),
    }
}
