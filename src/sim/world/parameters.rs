//! SSM parameters.

use std::collections::{BTreeMap, BTreeSet};

use super::shelf::Shelf;
use crate::model::time::Timestamp;

/// How many versions of a parameter are kept.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html>
pub const KEPT_VERSIONS: usize = 100;

/// SSM parameters.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By name.
    pub all: Shelf<Parameter>,
    /// Names of parameters that the caller's policies do not allow to be read, whether they are there or not.
    pub denied: BTreeSet<String>,
}

/// A parameter with the versions that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// The versions, oldest first; never empty.
    pub versions: Vec<ParameterVersion>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterVersion {
    /// Its number, from 1.
    pub number: u64,
    /// Its value.
    pub value: String,
    /// What was said about it.
    pub description: Option<String>,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// `text`, or `aws:ec2:image` for the id of an image.
    pub data_type: String,
    /// When it was written.
    pub modified_at: Timestamp,
    /// Its labels, each of which stands on one version only.
    pub labels: BTreeSet<String>,
}

impl Parameter {
    /// The version that reads bring.
    pub fn latest(&self) -> Option<&ParameterVersion> {
        self.versions.last()
    }

    /// A version by its number or one of its labels.
    pub fn version(&self, selector: &str) -> Option<&ParameterVersion> {
        match selector.parse::<u64>() {
            Ok(number) => self.versions.iter().find(|version| version.number == number),
            Err(_) => self.versions.iter().find(|version| version.labels.contains(selector)),
        }
    }
}
