//! The deployed state of an app, as it is kept in SSM Parameter Store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::launch::TemplateHash;
use super::names::{AppName, EnvironmentName, Generation};
use super::release::Origin;
use super::time::Timestamp;

/// What runs, since when and by whose hand. One JSON document per app and environment; its versions are the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployedRecord {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The generation.
    pub generation: Generation,
    /// The image's id.
    pub image: String,
    /// The image's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// The hash of the launch template.
    pub template_hash: TemplateHash,
    /// Where the image came from: the source and what was asked of it; nothing for one that the manifest gave by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_source: Option<Origin>,
    /// The version, branch, commit and build date that were given with the image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub release: BTreeMap<String, String>,
    /// What else belongs to the release, by name: its URI.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, String>,
    /// The commit of the manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifests: Option<String>,
    /// When it had taken over and been watched for the bake time.
    pub deployed_at: Timestamp,
    /// Who deployed it: the ARN of the caller.
    pub deployed_by: String,
    /// Who has turned it down since, when somebody has: then it still says what was deployed last, and nobody may go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned_down: Option<TurnedDown>,
}

/// That a person has turned a deployed release down. It is written before traffic moves, so that no other environment takes
/// over what has just been found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnedDown {
    /// When.
    pub at: Timestamp,
    /// Who: the ARN of the caller.
    pub by: String,
    /// In one sentence: who and why, as the mark on its group says it.
    pub reason: String,
}

/// How the words begin when what stands in the place of a deployed state is none, or is that of another app: reading it again
/// does not help.
pub const NO_RECORD: &str = "it does not hold a deployed state";

impl DeployedRecord {
    /// Whether both say that the same thing runs, whoever said it and when.
    pub fn same_release(&self, other: &Self) -> bool {
        let what = |one: &Self| (one.app.clone(), one.environment.clone(), one.generation, one.image.clone());
        let how = |one: &Self| (one.template_hash.clone(), one.release.clone(), one.turned_down.is_some());
        (what(self), how(self)) == (what(other), how(other))
    }
}
