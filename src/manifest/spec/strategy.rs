//! How a new generation takes over, and what stays of the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

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
