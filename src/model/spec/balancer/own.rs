//! A load balancer of the app's own, and its listeners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

/// A load balancer that belongs to the app. A setting without a default that is not given is left as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnLoadBalancer {
    /// `application` for HTTP, `network` for TCP and UDP. Fixed once the app exists.
    #[serde(rename = "type", default, skip_serializing_if = "Kind::is_application")]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub kind: Kind,
    /// Whether it has public addresses. Fixed once the app exists.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub scheme: Scheme,
    /// Its security groups, instead of the environment's. A network load balancer has none but these, and takes them at its
    /// creation only; later they can be replaced by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16), extend("x-amiable-effect" = "in-place"))]
    pub security_group_ids: Option<Vec<String>>,
    /// What it listens on: one listener, HTTP on port 80 by default.
    #[serde(default = "default_listeners")]
    #[schemars(length(min = 1, max = 7))]
    pub listeners: Vec<Listener>,
    /// How long requests in flight may go on when an instance leaves, 0s to 1h.
    #[serde(default = "super::default_delay")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub deregistration_delay: Span,
    /// Over which time the share of a fresh instance grows, 0s (off) or 30s to 15m; application load balancers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub slow_start: Option<Span>,
    /// The addresses it has: `ipv4`, or `dualstack` for IPv6 too, which the subnets must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub ip_address_type: Option<IpAddressType>,
    /// How long a connection may be idle, 1s to 4000s; application load balancers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub idle_timeout: Option<Span>,
    /// Whether requests lose headers with invalid names on their way; application load balancers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub drop_invalid_headers: Option<bool>,
    /// Whether every node sends to the instances of all zones; network load balancers only, as others always do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub cross_zone: Option<bool>,
    /// Whether instances see the addresses of clients; network load balancers only, and always with UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub preserve_client_ip: Option<bool>,
    /// Whether connections that are left after `deregistrationDelay` are closed; network load balancers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub terminate_connections: Option<bool>,
    /// Whether AWS refuses to delete it. `destroy` takes the protection off first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub deletion_protection: Option<bool>,
    /// Where a line for every request is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_logs: Option<AccessLogs>,
}

/// The kind of a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// HTTP and HTTPS.
    #[default]
    Application,
    /// TCP, TLS and UDP.
    Network,
}

impl Kind {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Application => "application",
            Kind::Network => "network",
        }
    }

    // serde gives a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_application(&self) -> bool {
        *self == Kind::Application
    }
}

/// Whether a load balancer is reached from inside the VPC only or from the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Private addresses only.
    #[default]
    Internal,
    /// Public addresses.
    InternetFacing,
}

impl Scheme {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Internal => "internal",
            Scheme::InternetFacing => "internet-facing",
        }
    }
}

/// The kinds of addresses of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpAddressType {
    /// IPv4 only.
    Ipv4,
    /// IPv4 and IPv6.
    Dualstack,
}

impl IpAddressType {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            IpAddressType::Ipv4 => "ipv4",
            IpAddressType::Dualstack => "dualstack",
        }
    }
}

/// Where a load balancer writes a line for every request: a bucket that lets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogs {
    /// Whether it writes at all.
    #[serde(default = "yes")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub enabled: bool,
    /// The S3 bucket, in the same region; its policy must let Elastic Load Balancing write.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub bucket: String,
    /// What the names of the objects begin with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub prefix: String,
}

fn yes() -> bool {
    true
}

/// One listener of an app's own load balancer. Listeners are added, changed and taken away in place; each has its port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// The port, 1 to 65535.
    #[schemars(range(min = 1), extend("x-amiable-effect" = "in-place"))]
    pub port: u16,
    /// HTTP or HTTPS for an application load balancer; TCP, TLS, UDP or TCP_UDP for a network load balancer.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub protocol: ListenerProtocol,
    /// The ARN of the certificate for HTTPS and TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub certificate_arn: Option<String>,
    /// The security policy for HTTPS and TLS, such as `ELBSecurityPolicy-TLS13-1-2-2021-06`; AWS's default if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub ssl_policy: Option<String>,
    /// Send clients elsewhere, with the same host and path, instead of to the app; HTTP and HTTPS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
}

/// The protocol of a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ListenerProtocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS, which ends at the load balancer.
    Https,
    /// TCP as it is, TLS in it included.
    Tcp,
    /// TLS, which ends at the load balancer.
    Tls,
    /// UDP.
    Udp,
    /// TCP and UDP on the same port.
    TcpUdp,
}

impl ListenerProtocol {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ListenerProtocol::Http => "HTTP",
            ListenerProtocol::Https => "HTTPS",
            ListenerProtocol::Tcp => "TCP",
            ListenerProtocol::Tls => "TLS",
            ListenerProtocol::Udp => "UDP",
            ListenerProtocol::TcpUdp => "TCP_UDP",
        }
    }

    /// Whether the load balancer ends TLS, so that it needs a certificate.
    pub fn is_secure(self) -> bool {
        matches!(self, ListenerProtocol::Https | ListenerProtocol::Tls)
    }

    /// Whether it is one of an application load balancer.
    pub fn is_http(self) -> bool {
        matches!(self, ListenerProtocol::Http | ListenerProtocol::Https)
    }
}

/// Where clients are sent instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// HTTPS by default, or HTTP.
    #[serde(default = "https")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub protocol: super::super::health::Protocol,
    /// The port, 1 to 65535.
    #[serde(default = "https_port")]
    #[schemars(range(min = 1), extend("x-amiable-effect" = "in-place"))]
    pub port: u16,
    /// 301 for good, or 302.
    #[serde(default = "moved")]
    #[schemars(range(min = 301, max = 302), extend("x-amiable-effect" = "in-place"))]
    pub status_code: u16,
}

fn https() -> super::super::health::Protocol {
    super::super::health::Protocol::Https
}

fn https_port() -> u16 {
    443
}

fn moved() -> u16 {
    301
}

impl OwnLoadBalancer {
    /// The protocol of its target groups: that of the instances, or for a network load balancer the one that all its
    /// listeners can forward to.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html>
    pub fn target_protocol(&self, instances: super::super::health::Protocol) -> &'static str {
        if self.kind == Kind::Application {
            return instances.as_str();
        }
        let has = |protocol: ListenerProtocol| self.listeners.iter().any(|listener| listener.protocol == protocol);
        match (has(ListenerProtocol::Udp), has(ListenerProtocol::TcpUdp), has(ListenerProtocol::Tcp)) {
            (true, false, false) => "UDP",
            (false, false, _) => "TCP",
            _ => "TCP_UDP",
        }
    }
}

pub(super) fn default_listeners() -> Vec<Listener> {
    vec![Listener {
        port: 80,
        protocol: ListenerProtocol::Http,
        certificate_arn: None,
        ssl_policy: None,
        redirect: None,
    }]
}

impl Default for OwnLoadBalancer {
    fn default() -> Self {
        Self {
            kind: Kind::Application,
            scheme: Scheme::Internal,
            security_group_ids: None,
            listeners: default_listeners(),
            deregistration_delay: super::default_delay(),
            slow_start: None,
            ip_address_type: None,
            idle_timeout: None,
            drop_invalid_headers: None,
            cross_zone: None,
            preserve_client_ip: None,
            terminate_connections: None,
            deletion_protection: None,
            access_logs: None,
        }
    }
}
