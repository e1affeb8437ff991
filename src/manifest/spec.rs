//! What a manifest may say: the effective spec of an app and of an environment, every field with its effect.
//!
//! The effect stands beside the field, as `x-amiable-effect` in the JSON Schema: `replace` (a new generation),
//! `in-place` (changed on what runs) or `behaviour` (changes nothing in AWS). A field that only groups others has none.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::time::{Span, Timestamp};

/// The `spec` of an `App`, overlays and defaults applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSpec {
    /// Take no action on this app while set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<Suspend>,
    /// The machine image its instances start from.
    pub image: Image,
    /// Where the image came from: recorded with the deployed state and shown wherever the release is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// The EC2 instance type, such as `c7g.large`.
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub instance_type: String,
    /// How many instances run. Between the two numbers, the count is left to scaling and preserved over a release.
    #[serde(default)]
    pub instances: Instances,
    /// What else an instance is born with.
    #[serde(default)]
    pub launch: Launch,
    /// Where instances run, instead of the environment's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<AppNetwork>,
    /// How the load balancer tells that an instance is well. A worker has none.
    #[serde(default)]
    pub health_check: HealthCheck,
    /// The load balancer: one of the app's own (the default), a rule on a shared listener, or `none` for a worker.
    #[serde(default)]
    pub load_balancer: LoadBalancer,
    /// The DNS name that leads to the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// How a new generation takes over from the old one.
    #[serde(default)]
    pub strategy: Strategy,
    /// What must hold before traffic moves.
    #[serde(default)]
    pub verification: Verification,
    /// How long a generation may take from its launch until it is ready for traffic; then the release has failed.
    #[serde(default = "default_deadline")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub progress_deadline: Span,
    /// How long the previous generation stays warm for an instant way back.
    #[serde(default)]
    pub retain: Retain,
    /// Which differences between AWS and the manifest are left alone.
    #[serde(default)]
    pub drift: Drift,
    /// Delete everything the app owns in this environment.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub destroy: bool,
}

fn default_deadline() -> Span {
    Span::minutes(20)
}

/// A pause in all work on an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suspend {
    /// Why; shown wherever the app is.
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub reason: String,
    /// When work goes on by itself, as an RFC 3339 time; without it, when `suspend` is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-amiable-effect" = "behaviour", "format" = "date-time"))]
    pub until: Option<Timestamp>,
}

/// Where the machine image comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// An AMI by its id: `ami-` and 8 or 17 hexadecimal digits.
    #[schemars(extend("x-amiable-effect" = "replace", "pattern" = "^ami-([0-9a-f]{8}|[0-9a-f]{17})$"))]
    pub id: String,
}

/// What the image was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    /// The version that people call it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub version: Option<String>,
    /// The branch it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub branch: Option<String>,
    /// The commit it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub commit: Option<String>,
}

/// How many instances run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instances {
    /// The fewest, 0 to 1000; at least two by default, so that one serves while the other is replaced.
    #[serde(default = "two")]
    #[schemars(range(max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub min: u32,
    /// The most, 1 to 1000.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 1000), extend("x-amiable-effect" = "in-place"))]
    pub max: u32,
}

fn two() -> u32 {
    2
}

impl Default for Instances {
    fn default() -> Self {
        Self { min: 2, max: 2 }
    }
}

/// What an instance is born with besides image and type. A change of any of it is a new generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Launch {
    /// The name of the IAM instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub iam_instance_profile: Option<String>,
    /// The name of the EC2 key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub key_name: Option<String>,
    /// Security groups of the instances, instead of the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub security_group_ids: Option<Vec<String>>,
    /// A script or cloud-init document that runs at first boot; at most 16 KiB. Shown nowhere but as a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub user_data: Option<String>,
    /// Detailed (one-minute) monitoring.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub detailed_monitoring: bool,
    /// The size of the root volume in GiB, 1 to 16384; the image's own size without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16384), extend("x-amiable-effect" = "replace"))]
    pub root_volume_size: Option<u32>,
}

/// Where the instances of one app run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppNetwork {
    /// Subnets of the environment's VPC.
    #[schemars(length(min = 1, max = 16), extend("x-amiable-effect" = "in-place"))]
    pub subnet_ids: Vec<String>,
}

/// The protocol of a health check and of the traffic behind the load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// Plain HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
}

impl Protocol {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Https => "HTTPS",
        }
    }
}

/// How the load balancer tells that an instance is well.
/// Ranges from <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// The protocol that the instances speak. Fixed once the app exists.
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

/// The load balancer in front of an app.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadBalancer {
    /// `none`: a worker, which takes no traffic.
    None,
    /// An application load balancer of the app's own.
    Own(OwnLoadBalancer),
    /// A rule on a listener that the environment names.
    Shared(SharedListener),
}

/// An application load balancer that belongs to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnLoadBalancer {
    /// Whether it has public addresses. Fixed once the app exists.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub scheme: Scheme,
    /// Its security groups, instead of the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub security_group_ids: Option<Vec<String>>,
    /// What it listens on: one listener, HTTP on port 80 by default.
    #[serde(default = "default_listeners")]
    #[schemars(length(min = 1, max = 1))]
    pub listeners: Vec<Listener>,
    /// How long requests in flight may go on when an instance leaves, 0s to 1h.
    #[serde(default = "default_delay")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub deregistration_delay: Span,
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

/// One listener of an app's own load balancer. Fixed once the app exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listener {
    /// The port, 1 to 65535.
    #[schemars(range(min = 1), extend("x-amiable-effect" = "fixed"))]
    pub port: u16,
    /// HTTP, or HTTPS with a certificate.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub protocol: Protocol,
    /// The ARN of the certificate for HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub certificate_arn: Option<String>,
}

fn default_listeners() -> Vec<Listener> {
    vec![Listener { port: 80, protocol: Protocol::Http, certificate_arn: None }]
}

fn default_delay() -> Span {
    Span::seconds(60)
}

impl Default for OwnLoadBalancer {
    fn default() -> Self {
        Self {
            scheme: Scheme::Internal,
            security_group_ids: None,
            listeners: default_listeners(),
            deregistration_delay: default_delay(),
        }
    }
}

/// A rule on a shared listener: requests for these hosts and paths go to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedListener {
    /// The name under which the environment lists the listener.
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub listener: String,
    /// Host names, `*` and `?` allowed; at least one host or path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub hosts: Vec<String>,
    /// Path patterns, `*` and `?` allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub paths: Vec<String>,
    /// The rule's place among those of the listener, 1 to 50000; lower ones match first. Fixed once the app exists.
    #[schemars(range(min = 1, max = 50000), extend("x-amiable-effect" = "fixed"))]
    pub priority: u32,
    /// How long requests in flight may go on when an instance leaves, 0s to 1h.
    #[serde(default = "default_delay")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub deregistration_delay: Span,
}

impl LoadBalancer {
    /// How long requests in flight may go on when an instance leaves; `None` for a worker.
    pub fn deregistration_delay(&self) -> Option<Span> {
        match self {
            LoadBalancer::None => None,
            LoadBalancer::Own(own) => Some(own.deregistration_delay),
            LoadBalancer::Shared(shared) => Some(shared.deregistration_delay),
        }
    }
}

impl Default for LoadBalancer {
    fn default() -> Self {
        LoadBalancer::Own(OwnLoadBalancer::default())
    }
}

impl Serialize for LoadBalancer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LoadBalancer::None => serializer.serialize_str("none"),
            LoadBalancer::Own(own) => own.serialize(serializer),
            LoadBalancer::Shared(shared) => shared.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for LoadBalancer {
    /// Every field of both forms is read in one pass, so that an error keeps its place in the file; then `listener` tells the form.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Either {
            scheme: Option<Scheme>,
            security_group_ids: Option<Vec<String>>,
            listeners: Option<Vec<Listener>>,
            listener: Option<String>,
            hosts: Option<Vec<String>>,
            paths: Option<Vec<String>>,
            priority: Option<u32>,
            deregistration_delay: Option<Span>,
        }

        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = LoadBalancer;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("`none`, or a mapping that describes a load balancer")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LoadBalancer, E> {
                if text == "none" {
                    Ok(LoadBalancer::None)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<LoadBalancer, A::Error> {
                let either = Either::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let refuse =
                    |field: &str, form: &str| Err(de::Error::custom(format!("`{field}` does not go with {form}")));
                let Some(listener) = either.listener else {
                    let form = "a load balancer of the app's own; name a shared `listener`, or leave it out";
                    for (field, given) in [
                        ("hosts", either.hosts.is_some()),
                        ("paths", either.paths.is_some()),
                        ("priority", either.priority.is_some()),
                    ] {
                        if given {
                            return refuse(field, form);
                        }
                    }
                    return Ok(LoadBalancer::Own(OwnLoadBalancer {
                        scheme: either.scheme.unwrap_or_default(),
                        security_group_ids: either.security_group_ids,
                        listeners: either.listeners.unwrap_or_else(default_listeners),
                        deregistration_delay: either.deregistration_delay.unwrap_or_else(default_delay),
                    }));
                };
                let form = "a shared `listener`, which belongs to the environment";
                for (field, given) in [
                    ("scheme", either.scheme.is_some()),
                    ("securityGroupIds", either.security_group_ids.is_some()),
                    ("listeners", either.listeners.is_some()),
                ] {
                    if given {
                        return refuse(field, form);
                    }
                }
                Ok(LoadBalancer::Shared(SharedListener {
                    listener,
                    hosts: either.hosts.unwrap_or_default(),
                    paths: either.paths.unwrap_or_default(),
                    priority: either.priority.ok_or_else(|| de::Error::missing_field("priority"))?,
                    deregistration_delay: either.deregistration_delay.unwrap_or_else(default_delay),
                }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for LoadBalancer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LoadBalancer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let own = generator.subschema_for::<OwnLoadBalancer>();
        let shared = generator.subschema_for::<SharedListener>();
        json_schema!({
            "description": "A load balancer of the app's own, a rule on a shared listener, or `none` for a worker.",
            "anyOf": [{"const": "none", "x-amiable-effect": "fixed"}, own, shared]
        })
    }
}

/// The DNS name that leads to the app's load balancer, as an alias record in the environment's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The full name, within the environment's `dnsZone`.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// Whether Route 53 stops answering with it while the load balancer has no healthy target.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub evaluate_target_health: bool,
}

/// How a new generation takes over; exactly one of the strategies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Strategy {
    /// All traffic moves at once, and back at once.
    #[serde(default)]
    pub red_black: RedBlack,
}

/// The red-black strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedBlack {
    /// How long the new generation is watched under traffic before it counts as deployed.
    #[serde(default = "default_bake")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub bake_time: Span,
}

fn default_bake() -> Span {
    Span::minutes(5)
}

impl Default for RedBlack {
    fn default() -> Self {
        Self { bake_time: default_bake() }
    }
}

/// What must hold before traffic moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// How long every instance must have been healthy without a break.
    #[serde(default = "default_stable")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub stable_for: Span,
}

fn default_stable() -> Span {
    Span::seconds(30)
}

impl Default for Verification {
    fn default() -> Self {
        Self { stable_for: default_stable() }
    }
}

/// What stays of the previous generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retain {
    /// How long it stays whole and warm after the new one is recorded; `0s` retires it at once.
    #[serde(default = "default_retain", rename = "for")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub keep_for: Span,
}

fn default_retain() -> Span {
    Span::hours(1)
}

impl Default for Retain {
    fn default() -> Self {
        Self { keep_for: default_retain() }
    }
}

/// Which differences between AWS and the manifest are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// Paths of fields that AWS may differ in, such as `instances.max`; only fields that are changed in place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-amiable-effect" = "behaviour"))]
    pub ignore: Vec<String>,
}

/// The `spec` of an `Environment`: what the platform team decides for all apps in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// The AWS region, such as `us-west-2`.
    pub region: String,
    /// The AWS account, twelve digits in quotes; credentials of any other are refused.
    #[schemars(extend("pattern" = "^[0-9]{12}$"))]
    pub account_id: String,
    /// A role to assume for all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
    /// Where instances and load balancers are placed.
    pub network: Network,
    /// Security groups of instances and of the apps' own load balancers.
    #[schemars(length(min = 1, max = 16))]
    pub security_group_ids: Vec<String>,
    /// The hosted zone that holds the apps' DNS names, by its name or its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_zone: Option<String>,
    /// Shared listeners that apps may name: a name of ours, and the listener's ARN.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<String, String>,
    /// Accounts whose images may be launched, `self` for the environment's own; no image of another owner ever is.
    #[serde(default = "own_images")]
    #[schemars(length(min = 1, max = 50))]
    pub image_owners: Vec<String>,
    /// How much may happen at a time.
    #[serde(default)]
    pub limits: Limits,
    /// Any field of an app's `spec`, for apps that do not set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<serde_json::Map<String, serde_json::Value>>,
}

fn own_images() -> Vec<String> {
    vec!["self".to_owned()]
}

/// The network of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Its subnets for instances and load balancers; a load balancer needs two, in different zones.
    #[schemars(length(min = 1, max = 16))]
    pub subnet_ids: Vec<String>,
}

/// How much may happen at a time in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// How many apps may be between launch and record at once, 1 to 100; the others wait.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 100))]
    pub concurrent_rollouts: u32,
}

fn five() -> u32 {
    5
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrent_rollouts: five() }
    }
}
