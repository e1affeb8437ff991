//! Which requests a rule of a listener takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The conditions of a rule, all of which must hold; of the values of one, any. Values are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conditions {
    /// Host patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Path patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Patterns of headers, by their names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Vec<String>>,
    /// HTTP methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Networks of clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
}

impl Conditions {
    /// The same with all values sorted and none twice.
    pub fn sorted(mut self) -> Self {
        let lists = [&mut self.hosts, &mut self.paths, &mut self.methods, &mut self.source_ips];
        for list in lists.into_iter().chain(self.headers.values_mut()) {
            list.sort();
            list.dedup();
        }
        self
    }
}
