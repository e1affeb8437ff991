//! What must hold before traffic moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

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
