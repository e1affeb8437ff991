//! The load balancer in front of an app: one of its own, a rule on a shared listener, or none.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::health::Protocol;
use crate::model::time::Span;

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
