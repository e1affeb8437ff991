//! A container on a stock machine image with Docker.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::container;
use crate::model::secret::Secret;

/// A container that every instance runs, started by user data at first boot. The machine image must have Docker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// The Docker image by its digest: `ghcr.io/acme/hello@sha256:…`. A tag may stand before the digest, but not in its place.
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub image: String,
    /// The port on which the container serves; `healthCheck.port`, where the load balancer looks for it, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("x-amiable-effect" = "replace"))]
    pub port: Option<u16>,
    /// Environment variables, of one line each. Shown nowhere but as hashes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>", length(max = 200), extend("x-amiable-effect" = "replace"))]
    pub env: BTreeMap<String, Secret>,
    /// What to run instead of the image's own command, word by word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-amiable-effect" = "replace"))]
    pub command: Vec<String>,
}

impl Container {
    /// What an instance runs. `serves_on`: the instance's port, unless it is a worker.
    pub fn data(&self, serves_on: Option<u16>) -> container::Container {
        container::Container {
            image: self.image.clone(),
            ports: serves_on.map(|port| (port, self.port.unwrap_or(port))),
            env: self.env.clone(),
            command: self.command.clone(),
        }
    }
}
