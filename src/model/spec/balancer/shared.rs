//! A rule on a listener that the environment names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::conditions::Conditions;
use crate::model::time::Span;

/// A rule on a shared listener: requests that fulfil all its conditions go to the app. At least one condition, and five values in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedListener {
    /// The name under which the environment lists the listener.
    #[schemars(extend("x-amiable-effect" = "fixed"))]
    pub listener: String,
    /// Host names, `*` and `?` allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub hosts: Vec<String>,
    /// Path patterns, `*` and `?` allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub paths: Vec<String>,
    /// Headers by name, each with the values of which one must be there, `*` and `?` allowed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub headers: BTreeMap<String, Vec<String>>,
    /// HTTP methods, such as `GET`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub methods: Vec<String>,
    /// Networks of clients, such as `10.0.0.0/8`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-amiable-effect" = "in-place"))]
    pub source_ips: Vec<String>,
    /// The rule's place among those of the listener, 1 to 50000; lower ones match first. Without it a free one is
    /// chosen, from 1000 on where that is possible, after more specific rules and before less specific ones, and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50000), extend("x-amiable-effect" = "in-place"))]
    pub priority: Option<u32>,
    /// How long requests in flight may go on when an instance leaves, 0s to 1h.
    #[serde(default = "super::default_delay")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub deregistration_delay: Span,
    /// Over which time the share of a fresh instance grows, 0s (off) or 30s to 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub slow_start: Option<Span>,
}

impl SharedListener {
    /// The conditions of its rule, as AWS has them.
    pub fn conditions(&self) -> Conditions {
        let headers = self.headers.iter().map(|(name, values)| (name.to_ascii_lowercase(), values.clone()));
        Conditions {
            hosts: self.hosts.clone(),
            paths: self.paths.clone(),
            headers: headers.collect(),
            methods: self.methods.clone(),
            source_ips: self.source_ips.clone(),
        }
        .sorted()
    }

    /// How many values all its conditions have together, as AWS counts them.
    pub fn condition_values(&self) -> usize {
        let headers: usize = self.headers.values().map(Vec::len).sum();
        self.hosts.len() + self.paths.len() + headers + self.methods.len() + self.source_ips.len()
    }
}
