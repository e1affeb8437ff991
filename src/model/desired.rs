//! What the manifests ask for in one environment: effective specs, overlays and defaults applied.

use std::collections::{BTreeMap, BTreeSet};

use super::given_up::GivenUp;
use super::launch::TemplateHash;
use super::names::{AppName, EnvironmentName, Scope};
use super::time::Timestamp;
use crate::model::spec::{AppSpec, EnvironmentSpec};

/// Everything that is wanted in one environment.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The environment's name.
    pub name: EnvironmentName,
    /// What the platform team decided for it.
    pub environment: EnvironmentSpec,
    /// The apps that are deployed to it.
    pub apps: BTreeMap<AppName, DesiredApp>,
    /// Where the manifests came from.
    pub source: Source,
    /// The other environments that apps take their images from.
    pub others: BTreeMap<EnvironmentName, EnvironmentSpec>,
    /// Only these apps are worked on at present, so that only they are planned, and only what they need is read; `None`:
    /// all of them.
    pub chosen: Option<BTreeSet<AppName>>,
    /// When the process that wants it began to work with these manifests. A process that only looks says nothing: it gives way
    /// to nobody.
    pub begun: Option<Timestamp>,
    /// Calls that are not made again for now, by app.
    pub given_up: BTreeMap<AppName, Vec<GivenUp>>,
    /// Calls that failed the last time they were made, and are made again.
    pub failing: BTreeMap<AppName, Vec<GivenUp>>,
    /// Whether what AWS tells only group by group is compared, too, where nothing else asks for it: hooks, scaling
    /// policies and scheduled actions that somebody may have changed.
    pub deep: bool,
    /// What may be launched of each app, where a person was shown a plan and agreed to it: nothing else begins. `None`: whatever
    /// the manifests lead to.
    pub shown: Option<BTreeMap<AppName, TemplateHash>>,
    /// Apps that are not among these because their manifests have errors.
    pub left_out: LeftOut,
}

impl Desired {
    /// Whether an app is worked on at present.
    pub fn is_chosen(&self, app: &AppName) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(app))
    }

    /// The apps that are worked on at present.
    pub fn chosen(&self) -> impl Iterator<Item = &DesiredApp> {
        self.apps.values().filter(|app| self.is_chosen(&app.scope.app))
    }
}

/// Apps whose manifests have errors. What runs of them is left alone, and is no orphan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those of whom it is known.
    pub apps: BTreeSet<AppName>,
    /// Whether there may be more, in manifests that could not be read at all.
    pub unseen: bool,
}

impl LeftOut {
    /// Whether no app is left out.
    pub fn is_empty(&self) -> bool {
        self.apps.is_empty() && !self.unseen
    }
}

/// One app as it should be in one environment.
#[derive(Clone, Debug)]
pub struct DesiredApp {
    /// Which app, and where.
    pub scope: Scope,
    /// Its labels, which become AWS tags.
    pub labels: BTreeMap<String, String>,
    /// Its effective spec.
    pub spec: AppSpec,
}

impl DesiredApp {
    /// What stands in for an app of which no manifest can be read, so that people can say something about it: marks need its
    /// name only. Nothing is planned by it. Nothing where a spec needs more than this version gives it.
    pub fn without_manifest(scope: Scope) -> Option<Self> {
        let spec = serde_json::json!({"image": {"id": "ami-00000000"}, "instanceType": "none"});
        let spec = serde_json::from_value(spec).ok()?;
        Some(Self { scope, labels: BTreeMap::new(), spec })
    }
}

/// Where manifests came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The directory, as the user named it.
    pub directory: String,
    /// The commit that is checked out there, when it is a git work tree.
    pub commit: Option<String>,
    /// Whether the work tree differs from that commit.
    pub dirty: bool,
}
