//! One snapshot of AWS for one environment.
//!
//! What could not be read is [`Read::Unknown`]: neither absent, nor healthy, nor zero. What was not asked for yet is
//! missing from its map; `plan` names it as a [`Want`] when a decision needs it, and the observer then reads it.
//!
//! - [`groups`]: generations, and what their tags say
//! - [`balancing`]: load balancing
//! - [`dns`]: zones and records
//! - [`images`]: images, and what leads to them
//! - [`details`]: what is told one by one
//! - [`fact`]: what a snapshot is made of, and when each was read

mod balancing;
mod details;
mod dns;
mod fact;
mod groups;
mod images;

use std::collections::BTreeMap;

pub use super::conditions::Conditions;
pub use super::target_check::TargetCheck;
use crate::model::names::{AppName, Scope};
use crate::model::time::{SignedDuration, Timestamp};
pub use balancing::{Attributes, Forward, Listener, LoadBalancer, Redirect, Rule, TargetGroup};
pub use details::{Activity, Alarm, AlarmState, Details, Health, Named, Target, Traffic, TrafficWindow, Want};
pub use dns::{AliasTarget, DnsRecord, Zone};
pub use fact::{Fact, ReadAt};
pub use groups::{
    Failure, Group, Instance, LaunchTemplate, Nameless, OUT_OF_ITS_TARGET_GROUP, OUT_OF_TRAFFIC, Ownership, has_failed,
    how_it_ended,
};
pub use images::{Image, ImageSources, Parameter};

/// The outcome of reading something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// What it is, whole.
    Known(T),
    /// Why it could not be read, in AWS's words where AWS said anything.
    Unknown(String),
}

impl<T> Read<T> {
    /// What it is, if that is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Read::Known(value) => Some(value),
            Read::Unknown(_) => None,
        }
    }
}

/// How the words begin for what AWS refuses to tell.
const REFUSED: &str = "AWS refuses to tell it: ";

/// Why something could not be read, where AWS refuses it to whoever asks: to ask again does not help.
pub fn refused(words: &str) -> String {
    format!("{REFUSED}{words}")
}

/// Whether words say that AWS refuses to tell something.
pub fn is_refused(words: &str) -> bool {
    words.contains(REFUSED)
}

/// Everything that was read, at one time, for all apps of one environment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When reading began.
    pub at: Timestamp,
    /// How far this machine's clock is ahead of AWS's, negative when it is behind; nothing when AWS did not say.
    pub clock_ahead: Option<SignedDuration>,
    /// The account that the credentials belong to.
    pub account: String,
    /// The region.
    pub region: String,
    /// Who we are, as an ARN.
    pub caller: String,
    /// The groups that carry our owner tag for this environment, by name.
    pub groups: Read<BTreeMap<String, Group>>,
    /// The launch templates that carry our owner tag for this environment, by name.
    pub launch_templates: Read<BTreeMap<String, LaunchTemplate>>,
    /// What carries our owner tag but cannot be understood; it is in neither map, and is not absent.
    pub problems: Vec<Problem>,
    /// All target groups of the region, by name.
    pub target_groups: Read<BTreeMap<String, TargetGroup>>,
    /// All load balancers of the region, by name.
    pub load_balancers: Read<BTreeMap<String, LoadBalancer>>,
    /// Listeners by ARN: those that groups or the environment name. `None`: AWS has no such listener.
    pub listeners: BTreeMap<String, Read<Option<Listener>>>,
    /// Rules by ARN: those that groups name. `None`: AWS has no such rule.
    pub rules: BTreeMap<String, Read<Option<Rule>>>,
    /// The environment's hosted zone with all its records; `None` when the environment names no zone.
    pub zone: Option<Read<Zone>>,
    /// Images by id. `None`: AWS has no such image, or none that we may see.
    pub images: BTreeMap<String, Read<Option<Image>>>,
    /// What the manifests' sources of images lead to.
    pub sources: ImageSources,

    /// What was read because a decision asked for it.
    pub details: Details,

    /// How many calls reading took, by `service:Operation`.
    pub calls: BTreeMap<String, u32>,
}

/// Something of ours that was seen and cannot be understood: a tag was changed by hand, or is from a later Amiable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What it is, for people: `Auto Scaling group hello-world-prod-v042`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// The app that its tags name, where they do.
    pub app: Option<AppName>,
    /// What is wrong with it.
    pub why: String,
}

impl Problem {
    /// Whether it may belong to this app, by its tag or by its name.
    pub fn concerns(&self, scope: &Scope) -> bool {
        self.app.as_ref() == Some(&scope.app) || self.name.starts_with(&format!("{}-v", scope.base()))
    }

    /// What the names of the app to which it may belong, by its name, begin with ([`Scope::base`]): all that stands before a `-v`.
    pub fn bases(&self) -> impl Iterator<Item = &str> {
        self.name.match_indices("-v").filter_map(|(end, _)| self.name.get(..end))
    }
}
