//! Generations: their groups and launch templates, and what their tags say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::launch::TemplateHash;
use crate::model::machine::MixedInstances;
use crate::model::mark::{CanaryStep, Marks, Watched};
use crate::model::names::{AppName, EnvironmentName, Generation, Slot};
use crate::model::probe::Checks;
use crate::model::release::Origin;
use crate::model::scaling::Maintenance;
use crate::model::time::{Span, Timestamp};
use crate::model::trial::Trial;
use crate::model::writer::Writer;

/// What the tags of a group or launch template say: only what cannot be observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The generation.
    pub generation: Generation,
    /// The hash of the template.
    pub template_hash: TemplateHash,
    /// The image.
    pub image: String,
    /// The version, branch, commit and build date that were given with the image.
    pub release: BTreeMap<String, String>,
    /// What else belongs to the release, by name: its URI.
    pub artifacts: BTreeMap<String, String>,
    /// Where the image came from; nothing for one that the manifest gave by its id.
    pub origin: Option<Origin>,
    /// The slot whose target group its instances register in; none for a worker.
    pub slot: Option<Slot>,
    /// The listeners of the app's own load balancer, or the shared one.
    pub listeners: Vec<String>,
    /// The rule on a shared listener.
    pub rule: Option<String>,
    /// The DNS name that leads, or is to lead, to the app.
    pub dns: Option<String>,
    /// How far the app's name is on its way out of DNS, while the app is being destroyed.
    pub nameless: Option<Nameless>,
    /// The hash of the in-place settings that were last applied.
    pub applied: Option<String>,
    /// Who made it, or applied these settings.
    pub writer: Option<Writer>,
    /// Since when all its instances have been healthy without a break.
    pub healthy_since: Option<Timestamp>,
    /// Since when it lacks what it had, or needs more than it has: healthy instances, or what it is judged by. How long that may
    /// last counts from here, or from its creation as long as this was never so.
    pub lacking_since: Option<Timestamp>,
    /// Since when it has no traffic and runs all the same: it failed, or is not wanted any more. From then on nobody gives it any.
    pub unwanted_since: Option<Timestamp>,
    /// The health check that is tried on it, and how that ended.
    pub trial: Option<Trial>,
    /// When it took over: the bake clock.
    pub shifted_at: Option<Timestamp>,
    /// When its deployed state was recorded: the clock of the old generation's retention.
    pub recorded_at: Option<Timestamp>,
    /// How far it is as a canary.
    pub canary: Option<CanaryStep>,
    /// How long it was watched in its bake, or in a pause of its canary.
    pub watched: Option<Watched>,
    /// The smallest size that it goes back to: while a release is under way it must not scale in below what it has.
    pub held_min: Option<u32>,
    /// What people have said about it.
    pub marks: Marks,
    /// How it has done in its checks so far.
    pub checks: Checks,
    /// Why this generation is not to be used.
    pub failed: Option<Failure>,
}

impl Ownership {
    /// How far it is as a canary. Once it has taken over it is none any more; the tag stays, for those who ask what happened.
    pub fn canary_step(&self) -> Option<CanaryStep> {
        self.canary.filter(|_| self.shifted_at.is_none())
    }

    /// Why it failed or who turned it down; empty where neither is so.
    pub fn why_failed(&self) -> &str {
        self.failed.as_ref().map_or("", |failure| failure.reason.as_str())
    }

    /// `v042 failed: 0 of 2 instances healthy after 20m`, or `v042 was rolled back by ada: slow`.
    pub fn how_it_ended(&self) -> String {
        how_it_ended(self.generation, self.why_failed())
    }

    /// Whether it took the traffic after it had failed, because nobody else could: for as long as that is so.
    pub fn stands_in(&self) -> bool {
        let failed_at = self.failed.as_ref().map(|failure| failure.at);
        failed_at.is_some_and(|failed| self.shifted_at.is_some_and(|shifted| shifted > failed))
    }

    /// Whether a person turned it down.
    pub fn is_turned_down(&self) -> bool {
        self.failed.as_ref().is_some_and(Failure::is_by_a_person)
    }

    /// Whether a person said by a command that it is not to have the traffic.
    pub fn is_commanded_away(&self) -> bool {
        self.failed.as_ref().is_some_and(Failure::is_a_command)
    }
}

/// How far an app's name is on its way out of DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nameless {
    /// Its records are being deleted; resolvers may keep the last of them for so many seconds.
    Soon(u64),
    /// Its records are gone, and until then somebody may still remember them.
    At(Timestamp),
}

/// What is said of a generation that had traffic, and whose share was then taken away without a mark that says why.
pub const OUT_OF_TRAFFIC: &str = "taken out of the traffic by hand, or by a run that ended before it could say why";

/// What is said of a generation that lost its traffic because nothing of it was registered any more.
pub const OUT_OF_ITS_TARGET_GROUP: &str = "left without targets";

/// How a generation ended for this reason. What a hand or a person's word has ended has not failed, and is not called so.
pub fn how_it_ended(generation: Generation, reason: &str) -> String {
    let verb = if has_failed(reason) { "failed:" } else { "was" };
    format!("{generation} {verb} {reason}")
}

/// Whether a generation that ended for this reason has failed: neither a person's word nor a hand ended it.
pub fn has_failed(reason: &str) -> bool {
    !is_by_a_person(reason) && !reason.starts_with(OUT_OF_ITS_TARGET_GROUP)
}

fn is_by_a_person(reason: &str) -> bool {
    is_a_command(reason) || reason.starts_with(OUT_OF_TRAFFIC)
}

fn is_a_command(reason: &str) -> bool {
    ["rolled back ", "aborted "].iter().any(|words| reason.starts_with(words))
}

/// Why a generation failed, or who turned it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it was found.
    pub at: Timestamp,
    /// What happened, in AWS's words where AWS said anything; or `rolled back by ada: slow` and `aborted by ada`.
    pub reason: String,
}

impl Failure {
    /// Whether a person turned the generation down: it may well be healthy.
    pub fn is_by_a_person(&self) -> bool {
        is_by_a_person(&self.reason)
    }

    /// Whether it is what `amiable rollback` or `amiable abort` wrote, and not what was concluded from weights.
    pub fn is_a_command(&self) -> bool {
        is_a_command(&self.reason)
    }
}

/// An Auto Scaling group of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What its tags say.
    pub owner: Ownership,
    /// The tags from labels, those without our prefix.
    pub labels: BTreeMap<String, String>,
    /// The fewest instances.
    pub min: u32,
    /// The most instances.
    pub max: u32,
    /// The wanted number of instances.
    pub desired: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// The launch template's name and pinned version.
    pub launch_template: Option<(String, String)>,
    /// The instance types that it chooses from, and how they are paid for; none for the template's one type.
    pub mixed: Option<MixedInstances>,
    /// Target groups its instances register in.
    pub target_group_arns: Vec<String>,
    /// Subnets.
    pub subnet_ids: BTreeSet<String>,
    /// Whether load balancer health replaces instances (`ELB`), or only EC2's status checks.
    pub health_check_elb: bool,
    /// Seconds before a fresh instance's health counts.
    pub grace_period: u64,
    /// How far its healthy part may differ from the wanted number during maintenance.
    pub maintenance: Option<Maintenance>,
    /// Seconds before a fresh instance's metrics count, where that is said.
    pub instance_warmup: Option<u64>,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// Whether AWS is deleting it.
    pub deleting: bool,
    /// Suspended processes, such as `Launch`.
    pub suspended: BTreeSet<String>,
    /// Whether it has a warm pool, without whose end it cannot be deleted.
    pub has_warm_pool: bool,
    /// Whether it is protected from any deletion, also when it is empty.
    pub undeletable: bool,
}

impl Group {
    /// Since when its scaling activities are read: since its creation or, where it has taken over, since the instances that had
    /// their grace period then were launched.
    pub fn told_since(&self) -> Timestamp {
        let launched = self.owner.shifted_at.map(|at| Span::seconds(self.grace_period).before(at));
        launched.map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// The launch template that it is born with: the one of its name, in its first version.
    pub fn own_template(&self) -> (String, String) {
        (self.name.clone(), "1".to_owned())
    }

    /// Whether an instance was born from the group's own launch template. One of which AWS does not say it counts as such.
    pub fn is_own(&self, instance: &Instance) -> bool {
        instance.launch_template.as_ref().is_none_or(|(name, version)| *name == self.name && version == "1")
    }

    /// Instances that are in service and that EC2 and the load balancer call healthy, as the group sees it.
    pub fn in_service(&self) -> u32 {
        self.instances.iter().filter(|instance| instance.lifecycle == "InService" && instance.healthy).count() as u32
    }
}

/// An instance as its group lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// `Pending`, `InService`, `Terminating` …, as AWS writes it.
    pub lifecycle: String,
    /// The group's view of its health.
    pub healthy: bool,
    /// Its availability zone.
    pub zone: String,
    /// Whether it is protected from scale-in.
    pub protected: bool,
    /// The name and version of the launch template that it was born from, where AWS says it.
    pub launch_template: Option<(String, String)>,
}

/// A launch template of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// What its tags say.
    pub owner: Ownership,
    /// When it was created.
    pub created_at: Timestamp,
}
