//! Where the machine image comes from, and what it was built from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
