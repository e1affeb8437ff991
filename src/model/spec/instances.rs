//! How many instances run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scaling::{MaintenancePolicy, Process};

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
    /// How many may be out of service, or too many, while AWS replaces some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub maintenance_policy: Option<MaintenancePolicy>,
    /// What the group shall not do by itself. Whatever else somebody suspends is drift, and resumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub suspended_processes: Vec<Process>,
}

fn two() -> u32 {
    2
}

impl Default for Instances {
    fn default() -> Self {
        Self { min: 2, max: 2, maintenance_policy: None, suspended_processes: Vec::new() }
    }
}
