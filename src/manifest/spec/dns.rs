//! The DNS name that leads to an app.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
