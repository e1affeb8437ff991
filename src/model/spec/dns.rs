//! The DNS name that leads to an app.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

/// The DNS name that leads to the app's load balancer, as a record in the environment's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The full name, within the environment's `dnsZone`.
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub name: String,
    /// `alias`, or `CNAME` for resolvers and zones that need one.
    #[serde(rename = "type", default, skip_serializing_if = "RecordType::is_alias")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub kind: RecordType,
    /// How long resolvers may keep a `CNAME`, 1s to 7d; 60s by default. For an alias AWS has 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub ttl: Option<Span>,
    /// Whether the name has IPv6 addresses too; by default it does where the load balancer is `dualstack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub ipv6: Option<bool>,
    /// Whether Route 53 stops answering with it while the load balancer has no healthy target; an alias only.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub evaluate_target_health: bool,
}

/// The type of a DNS record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    /// Route 53's own, an `A` record that follows the load balancer's addresses.
    #[default]
    #[serde(rename = "alias")]
    Alias,
    /// A `CNAME` with the load balancer's name.
    #[serde(rename = "CNAME")]
    Cname,
}

impl RecordType {
    // serde gives a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_alias(&self) -> bool {
        *self == RecordType::Alias
    }
}
