//! How many instances run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
