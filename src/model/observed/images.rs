//! Machine images, and what leads to them.

use std::collections::BTreeMap;

use super::Read;
use crate::model::names::{AppName, EnvironmentName};
use crate::model::record::DeployedRecord;
use crate::model::release::SAID;
use crate::model::spec::ImageSearch;
use crate::model::time::Timestamp;

/// What the manifests' sources of images lead to.
#[derive(Clone, Debug, Default)]
pub struct ImageSources {
    /// SSM parameters, by the name that a manifest gives. `None`: there is no such parameter.
    pub parameters: BTreeMap<String, Read<Option<Parameter>>>,
    /// What searches find, in no order.
    pub searches: BTreeMap<ImageSearch, Read<Vec<Image>>>,
    /// Deployed states in other environments. `None`: no record yet.
    pub deployed: BTreeMap<(EnvironmentName, AppName), Read<Option<DeployedRecord>>>,
}

impl ImageSources {
    /// The ids that parameters and deployed states name.
    pub fn named_ids(&self) -> impl Iterator<Item = String> + '_ {
        let parameters = self.parameters.values().filter_map(|read| read.known()?.as_ref());
        let deployed = self.deployed.values().filter_map(|read| read.known()?.as_ref());
        let named = parameters.map(|parameter| parameter.value.trim().to_owned());
        named.chain(deployed.map(|record| record.image.clone()))
    }
}

/// An SSM parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Its value, as AWS gives it without decryption.
    pub value: String,
}

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The account that owns it.
    pub owner: String,
    /// The owner's alias, such as `amazon`, if it has one.
    pub owner_alias: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// `available`, `pending`, `failed`, `deregistered` …
    pub state: String,
    /// The device name of its root volume.
    pub root_device: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Image {
    /// What it says of itself: its tags `version`, `branch`, `commit` and `build-date` (or `buildDate`); for the date at last
    /// when it was created.
    pub fn release(&self) -> BTreeMap<String, String> {
        let tag = |keys: &[&str]| keys.iter().find_map(|key| self.tags.get(*key)).cloned();
        let created = || self.created_at.map(|at| at.to_string());
        let all = SAID.map(|key| match key {
            "buildDate" => (key, tag(&["build-date", "buildDate"]).or_else(created)),
            key => (key, tag(&[key])),
        });
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}
