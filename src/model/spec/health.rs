//! How the load balancer tells that an instance is well.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

/// The protocol of a health check and of the traffic behind the load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
    /// A connection is enough; for network load balancers only.
    Tcp,
}

impl Protocol {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Https => "HTTPS",
            Protocol::Tcp => "TCP",
        }
    }
}

/// How the load balancer tells that an instance is well.
/// Ranges from <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// The protocol that the instances speak, HTTP or HTTPS; behind a network load balancer that of the check alone, TCP
    /// too. Fixed once the app exists.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub protocol: Protocol,
    /// The port on which the instances serve and are checked. Fixed once the app exists.
    #[serde(default = "default_port")]
    #[schemars(range(min = 1), extend("x-amiable-effect" = "fixed"))]
    pub port: u16,
    /// The path that is asked for.
    #[serde(default = "default_path")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub path: String,
    /// The status codes that count as well: `200`, `200,204` or `200-299`.
    #[serde(default = "default_matcher")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub matcher: String,
    /// The time between two checks, 5s to 300s.
    #[serde(default = "default_interval")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub interval: Span,
    /// How long an answer may take, 2s to 120s, less than the interval.
    #[serde(default = "default_timeout")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub timeout: Span,
    /// Good answers in a row that make an instance healthy, 2 to 10.
    #[serde(default = "default_healthy_threshold")]
    #[schemars(range(min = 2, max = 10), extend("x-amiable-effect" = "in-place"))]
    pub healthy_threshold: u32,
    /// Bad answers in a row that make it unhealthy, 2 to 10.
    #[serde(default = "default_unhealthy_threshold")]
    #[schemars(range(min = 2, max = 10), extend("x-amiable-effect" = "in-place"))]
    pub unhealthy_threshold: u32,
    /// How long a fresh instance may be unhealthy before it is replaced.
    #[serde(default = "default_grace")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub grace_period: Span,
}

fn default_port() -> u16 {
    80
}
fn default_path() -> String {
    "/".to_owned()
}
fn default_matcher() -> String {
    "200".to_owned()
}
fn default_interval() -> Span {
    Span::seconds(10)
}
fn default_timeout() -> Span {
    Span::seconds(5)
}
fn default_healthy_threshold() -> u32 {
    2
}
fn default_unhealthy_threshold() -> u32 {
    3
}
fn default_grace() -> Span {
    Span::minutes(2)
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: Protocol::Http,
            port: default_port(),
            path: default_path(),
            matcher: default_matcher(),
            interval: default_interval(),
            timeout: default_timeout(),
            healthy_threshold: default_healthy_threshold(),
            unhealthy_threshold: default_unhealthy_threshold(),
            grace_period: default_grace(),
        }
    }
}
