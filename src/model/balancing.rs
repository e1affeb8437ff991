//! What of load balancing is to be made or changed, complete to the last argument.

use serde::Serialize;

use super::observed::{Conditions, Forward, Redirect, TargetCheck};
use super::tag_text::Tags;

/// A target group to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewTargetGroup {
    /// The name.
    pub name: String,
    /// The VPC.
    pub vpc_id: String,
    /// The protocol of targets and of their checks.
    pub protocol: String,
    /// The port of targets and of their checks.
    pub port: u16,
    /// How targets are checked.
    pub check: TargetCheck,
    /// Tags.
    pub tags: Tags,
}

/// A load balancer to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewLoadBalancer {
    /// The name.
    pub name: String,
    /// `application` or `network`.
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Subnets; in two zones at least for an application load balancer.
    pub subnet_ids: Vec<String>,
    /// Security groups.
    pub security_group_ids: Vec<String>,
    /// `ipv4` or `dualstack`; AWS's default if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A listener to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewListener {
    /// The load balancer.
    pub load_balancer_arn: String,
    /// The port.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP` or `TCP_UDP`.
    pub protocol: String,
    /// The certificate for HTTPS and TLS.
    pub certificate_arn: Option<String>,
    /// The security policy for HTTPS and TLS; AWS's default if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub answer: Answer,
    /// Tags.
    pub tags: Tags,
}

/// What of a listener changes; what is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerChange {
    /// The ARN.
    pub arn: String,
    /// The protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// The security policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// Where clients are sent, instead of whatever it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
}

/// A rule to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRule {
    /// The listener.
    pub listener_arn: String,
    /// Its place.
    pub priority: u32,
    /// When it applies.
    pub conditions: Conditions,
    /// Where it forwards.
    pub forward: Forward,
    /// Tags.
    pub tags: Tags,
}

/// What a listener does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It forwards by weights.
    Forward(Forward),
    /// It sends clients elsewhere.
    Redirect(Redirect),
}
