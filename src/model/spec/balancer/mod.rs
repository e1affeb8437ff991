//! The load balancer in front of an app: one of its own, a rule on a shared listener, or none.
//!
//! - [`own`]: a load balancer of the app's own, and its listeners
//! - [`shared`]: a rule on a listener that the environment names

mod own;
mod shared;

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::time::Span;
pub use own::{AccessLogs, IpAddressType, Kind, Listener, ListenerProtocol, OwnLoadBalancer, Redirect, Scheme};
pub use shared::SharedListener;

/// The load balancer in front of an app.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadBalancer {
    /// `none`: a worker, which takes no traffic.
    None,
    /// A load balancer of the app's own.
    Own(OwnLoadBalancer),
    /// A rule on a listener that the environment names.
    Shared(SharedListener),
}

fn default_delay() -> Span {
    Span::seconds(60)
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

impl LoadBalancer {
    /// Over which time the share of a fresh instance grows, where that is said.
    pub fn slow_start(&self) -> Option<Span> {
        match self {
            LoadBalancer::None => None,
            LoadBalancer::Own(own) => own.slow_start,
            LoadBalancer::Shared(shared) => shared.slow_start,
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
            #[serde(rename = "type")]
            kind: Option<Kind>,
            scheme: Option<Scheme>,
            security_group_ids: Option<Vec<String>>,
            listeners: Option<Vec<Listener>>,
            ip_address_type: Option<IpAddressType>,
            idle_timeout: Option<Span>,
            drop_invalid_headers: Option<bool>,
            cross_zone: Option<bool>,
            preserve_client_ip: Option<bool>,
            terminate_connections: Option<bool>,
            deletion_protection: Option<bool>,
            access_logs: Option<AccessLogs>,
            listener: Option<String>,
            hosts: Option<Vec<String>>,
            paths: Option<Vec<String>>,
            headers: Option<BTreeMap<String, Vec<String>>>,
            methods: Option<Vec<String>>,
            source_ips: Option<Vec<String>>,
            priority: Option<u32>,
            deregistration_delay: Option<Span>,
            slow_start: Option<Span>,
        }

        impl Either {
            /// The first field of a shared listener's that is given.
            fn of_shared(&self) -> Option<&'static str> {
                first(&[
                    ("hosts", self.hosts.is_some()),
                    ("paths", self.paths.is_some()),
                    ("headers", self.headers.is_some()),
                    ("methods", self.methods.is_some()),
                    ("sourceIps", self.source_ips.is_some()),
                    ("priority", self.priority.is_some()),
                ])
            }

            /// The first field of an own load balancer's that is given.
            fn of_own(&self) -> Option<&'static str> {
                first(&[
                    ("type", self.kind.is_some()),
                    ("scheme", self.scheme.is_some()),
                    ("securityGroupIds", self.security_group_ids.is_some()),
                    ("listeners", self.listeners.is_some()),
                    ("ipAddressType", self.ip_address_type.is_some()),
                    ("idleTimeout", self.idle_timeout.is_some()),
                    ("dropInvalidHeaders", self.drop_invalid_headers.is_some()),
                    ("crossZone", self.cross_zone.is_some()),
                    ("preserveClientIp", self.preserve_client_ip.is_some()),
                    ("terminateConnections", self.terminate_connections.is_some()),
                    ("deletionProtection", self.deletion_protection.is_some()),
                    ("accessLogs", self.access_logs.is_some()),
                ])
            }

            fn own(self) -> OwnLoadBalancer {
                OwnLoadBalancer {
                    kind: self.kind.unwrap_or_default(),
                    scheme: self.scheme.unwrap_or_default(),
                    security_group_ids: self.security_group_ids,
                    listeners: self.listeners.unwrap_or_else(own::default_listeners),
                    deregistration_delay: self.deregistration_delay.unwrap_or_else(default_delay),
                    slow_start: self.slow_start,
                    ip_address_type: self.ip_address_type,
                    idle_timeout: self.idle_timeout,
                    drop_invalid_headers: self.drop_invalid_headers,
                    cross_zone: self.cross_zone,
                    preserve_client_ip: self.preserve_client_ip,
                    terminate_connections: self.terminate_connections,
                    deletion_protection: self.deletion_protection,
                    access_logs: self.access_logs,
                }
            }

            fn shared(self, listener: String) -> SharedListener {
                SharedListener {
                    listener,
                    hosts: self.hosts.unwrap_or_default(),
                    paths: self.paths.unwrap_or_default(),
                    headers: self.headers.unwrap_or_default(),
                    methods: self.methods.unwrap_or_default(),
                    source_ips: self.source_ips.unwrap_or_default(),
                    priority: self.priority,
                    deregistration_delay: self.deregistration_delay.unwrap_or_else(default_delay),
                    slow_start: self.slow_start,
                }
            }
        }

        fn first(fields: &[(&'static str, bool)]) -> Option<&'static str> {
            fields.iter().find(|(_, given)| *given).map(|(field, _)| *field)
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
                let mut either = Either::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let (foreign, form) = match &either.listener {
                    None => (
                        either.of_shared(),
                        "a load balancer of the app's own; name a shared `listener`, or leave it out",
                    ),
                    Some(_) => (either.of_own(), "a shared `listener`, which belongs to the environment"),
                };
                if let Some(field) = foreign {
                    return Err(de::Error::custom(format!("`{field}` does not go with {form}")));
                }
                Ok(match either.listener.take() {
                    None => LoadBalancer::Own(either.own()),
                    Some(listener) => LoadBalancer::Shared(either.shared(listener)),
                })
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
