//! One snapshot of AWS for one environment.
//!
//! What could not be read is [`Read::Unknown`]: neither absent, nor healthy, nor zero. What was not asked for yet is
//! missing from its map; `plan` names it as a [`Want`] when a decision needs it, and the observer then reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::alarm::GroupAlarm;
use super::decision::Decision;
use super::launch::{LaunchData, TemplateHash};
use super::machine::MixedInstances;
use super::mark::{CanaryStep, Marks};
use super::names::{AppName, EnvironmentName, Generation, Scope, Slot};
use super::probe::{Checks, Probe, Replied};
use super::record::DeployedRecord;
use super::release::{Origin, SAID};
use super::scaling::{GroupPolicy, Hook, Maintenance, ScheduledAction};
use super::time::Timestamp;
use crate::manifest::spec::ImageSearch;

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

/// Everything that was read, at one time, for all apps of one environment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When reading began.
    pub at: Timestamp,
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

/// What AWS tells only one by one, or only on request: what a decision asked for as a [`Want`].
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Targets and their health, by target group ARN.
    pub target_health: BTreeMap<String, Read<Vec<Target>>>,
    /// Scaling activities, newest first, by group name.
    pub activities: BTreeMap<String, Read<Vec<Activity>>>,
    /// Attributes of target groups, by ARN.
    pub target_group_attributes: BTreeMap<String, Read<Attributes>>,
    /// Attributes of load balancers, by ARN.
    pub balancer_attributes: BTreeMap<String, Read<Attributes>>,
    /// Tags of target groups, load balancers, listeners and rules, by ARN.
    pub tags: BTreeMap<String, Read<BTreeMap<String, String>>>,
    /// The listeners of a load balancer, by its ARN.
    pub listeners_of: BTreeMap<String, Read<Vec<Listener>>>,
    /// The rules of a listener, by its ARN.
    pub rules_of: BTreeMap<String, Read<Vec<Rule>>>,
    /// What a launch template holds, by its name. `None`: it is gone.
    pub template_data: BTreeMap<String, Read<Option<LaunchData>>>,
    /// Lifecycle hooks of a group, by its name.
    pub hooks: BTreeMap<String, Read<Vec<Hook>>>,
    /// Scaling policies of a group, by its name.
    pub policies: BTreeMap<String, Read<Vec<GroupPolicy>>>,
    /// Alarms that have the name of one of ours of a group, by the name of the group.
    pub step_alarms: BTreeMap<String, Read<Vec<GroupAlarm>>>,
    /// Scheduled actions of a group, by its name.
    pub schedules: BTreeMap<String, Read<Vec<ScheduledAction>>>,
    /// The deployed state, by app. `None`: no record yet.
    pub deployed: BTreeMap<AppName, Read<Option<DeployedRecord>>>,
    /// CloudWatch alarms by name. `None`: there is no such alarm.
    pub alarms: BTreeMap<String, Read<Option<Alarm>>>,
    /// What load balancers counted for target groups.
    pub traffic: BTreeMap<TrafficWindow, Read<Traffic>>,
    /// What requests to apps and webhooks gave.
    pub probes: BTreeMap<Probe, Read<Replied>>,
    /// The last decision of a person, by app. `None`: there is none.
    pub decisions: BTreeMap<AppName, Read<Option<Decision>>>,
}

impl Details {
    /// Takes over what was read later.
    pub fn extend(&mut self, later: Details) {
        self.target_health.extend(later.target_health);
        self.activities.extend(later.activities);
        self.target_group_attributes.extend(later.target_group_attributes);
        self.balancer_attributes.extend(later.balancer_attributes);
        self.tags.extend(later.tags);
        self.listeners_of.extend(later.listeners_of);
        self.rules_of.extend(later.rules_of);
        self.template_data.extend(later.template_data);
        self.hooks.extend(later.hooks);
        self.policies.extend(later.policies);
        self.step_alarms.extend(later.step_alarms);
        self.schedules.extend(later.schedules);
        self.deployed.extend(later.deployed);
        self.alarms.extend(later.alarms);
        self.traffic.extend(later.traffic);
        self.probes.extend(later.probes);
        self.decisions.extend(later.decisions);
    }
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
}

/// Something that a decision needs and that the batched reading does not bring.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// [`Details::target_health`] of a target group ARN.
    TargetHealth(String),
    /// [`Details::activities`] of a group name.
    Activities(String),
    /// [`Details::target_group_attributes`] of a target group ARN.
    TargetGroupAttributes(String),
    /// [`Details::balancer_attributes`] of a load balancer ARN.
    BalancerAttributes(String),
    /// [`Details::tags`] of an ARN.
    Tags(String),
    /// [`Details::listeners_of`] a load balancer ARN.
    ListenersOf(String),
    /// [`Details::rules_of`] a listener ARN.
    RulesOf(String),
    /// [`Details::template_data`] of a launch template name.
    TemplateData(String),
    /// [`Details::hooks`] of a group name.
    Hooks(String),
    /// [`Details::policies`] of a group name.
    Policies(String),
    /// [`Details::step_alarms`] of a group name.
    StepAlarms(String),
    /// [`Details::schedules`] of a group name.
    Schedules(String),
    /// [`Details::deployed`] of an app.
    Deployed(AppName),
    /// [`Details::alarms`]: one by its name.
    Alarm(String),
    /// [`Details::traffic`] in a window.
    Traffic(TrafficWindow),
    /// [`Details::probes`]: the answer to a request.
    Probe(Probe),
    /// [`Details::decisions`] about an app.
    Decisions(AppName),
}

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
    /// Since when all its instances have been healthy without a break.
    pub healthy_since: Option<Timestamp>,
    /// Since when it lacks what it had, or needs more than it has: healthy instances, or what it is judged by. How long that may
    /// last counts from here, or from its creation as long as this was never so.
    pub lacking_since: Option<Timestamp>,
    /// When it took over: the bake clock.
    pub shifted_at: Option<Timestamp>,
    /// When its deployed state was recorded: the clock of the old generation's retention.
    pub recorded_at: Option<Timestamp>,
    /// How far it is as a canary.
    pub canary: Option<CanaryStep>,
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
}

/// How far an app's name is on its way out of DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nameless {
    /// Its records are being deleted; resolvers may keep the last of them for so many seconds.
    Soon(u64),
    /// Its records are gone, and until then somebody may still remember them.
    At(Timestamp),
}

/// Why a generation failed, or who turned it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it was found.
    pub at: Timestamp,
    /// What happened, in AWS's words where AWS said anything.
    pub reason: String,
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
}

impl Group {
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
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The protocol its targets speak.
    pub protocol: String,
    /// The port on which they serve.
    pub port: u16,
    /// The VPC.
    pub vpc_id: String,
    /// Load balancers that use it.
    pub load_balancer_arns: Vec<String>,
    /// How targets are checked.
    pub check: TargetCheck,
}

/// How the targets of a group are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetCheck {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: String,
    /// The path that is asked for; empty for TCP.
    pub path: String,
    /// The status codes that count as well; empty for TCP.
    pub matcher: String,
    /// Seconds between two checks.
    pub interval: u64,
    /// Seconds an answer may take.
    pub timeout: u64,
    /// Good answers in a row that make a target healthy.
    pub healthy_threshold: u32,
    /// Bad answers in a row that make it unhealthy.
    pub unhealthy_threshold: u32,
}

/// Attributes of a load balancer or target group, as AWS names and writes them.
pub type Attributes = BTreeMap<String, String>;

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `application` or another type.
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Its own DNS name.
    pub dns_name: String,
    /// The hosted zone of that name, which an alias record needs.
    pub hosted_zone_id: String,
    /// `provisioning`, `active`, `active_impaired` or `failed`.
    pub state: String,
    /// The VPC.
    pub vpc_id: String,
    /// Its security groups, sorted.
    pub security_group_ids: Vec<String>,
    /// Its subnets, sorted.
    pub subnet_ids: Vec<String>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: String,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// The load balancer it belongs to.
    pub load_balancer_arn: String,
    /// The port.
    pub port: u16,
    /// `HTTP`, `HTTPS` …
    pub protocol: String,
    /// The ARN of its default certificate; only with HTTPS.
    pub certificate_arn: Option<String>,
    /// The security policy; only with HTTPS and TLS.
    pub ssl_policy: Option<String>,
    /// Where its default action forwards to; empty when it does something else.
    pub forward: Forward,
    /// Where its default action sends clients, when it does that.
    pub redirect: Option<Redirect>,
}

/// Where a listener sends clients, as AWS writes it: `#{host}`, `/#{path}` and `#{query}` stand for what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: String,
    /// A port or `#{port}`.
    pub port: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query.
    pub query: String,
    /// `HTTP_301` or `HTTP_302`.
    pub status: String,
}

impl fmt::Display for Redirect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let status = self.status.trim_start_matches("HTTP_");
        write!(out, "{} {}://{}:{}{}{query}", status, self.protocol, self.host, self.port, self.path)
    }
}

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

/// A rule of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN.
    pub arn: String,
    /// Its place; `None` for the default rule.
    pub priority: Option<u32>,
    /// When it applies.
    pub conditions: Conditions,
    /// Whether it has conditions of other kinds, which are nobody's of ours.
    pub other_conditions: bool,
    /// Where it forwards to; empty when it does something else.
    pub forward: Forward,
}

impl Rule {
    /// The listener it belongs to, which AWS tells only through the rule's ARN: `…:listener-rule/app/name/lb/listener/rule`
    /// is a rule of `…:listener/app/name/lb/listener`. Nothing when its ARN is of another form.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html>
    pub fn listener_arn(&self) -> Option<String> {
        let (account, path) = self.arn.split_once(":listener-rule/")?;
        let (listener, rule) = path.rsplit_once('/')?;
        let is_whole = !rule.is_empty() && listener.split('/').filter(|part| !part.is_empty()).count() == 4;
        is_whole.then(|| format!("{account}:listener/{listener}"))
    }
}

/// A weighted forward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// Target group ARN to weight, 0 to 999.
    pub weights: BTreeMap<String, u32>,
    /// For how many seconds a client stays with the target group that answered it first, 1 to 604800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<u32>,
}

impl Forward {
    /// A forward with these weights, in which clients may go to another target group with every request.
    pub fn new(weights: BTreeMap<String, u32>) -> Self {
        Self { weights, stickiness: None }
    }

    /// The weight of a target group; 0 when it is not named.
    pub fn weight(&self, target_group_arn: &str) -> u32 {
        self.weights.get(target_group_arn).copied().unwrap_or(0)
    }
}

/// A hosted zone with its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name, without the final dot.
    pub name: String,
    /// Its records.
    pub records: Vec<DnsRecord>,
}

/// A record set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecord {
    /// Its name in lower case, without the final dot.
    pub name: String,
    /// `A`, `CNAME` …
    pub kind: String,
    /// Where an alias record leads: the DNS name without final dot and in lower case, and its zone.
    pub alias: Option<AliasTarget>,
    /// The values of any other record.
    pub values: Vec<String>,
    /// Seconds that resolvers may keep it; none for an alias.
    pub ttl: Option<u64>,
    /// The set identifier of a weighted, latency or failover record, which are never ours.
    pub set_identifier: Option<String>,
}

/// Where an alias record leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasTarget {
    /// The DNS name of the load balancer, without `dualstack.` and final dot, in lower case.
    pub dns_name: String,
    /// The hosted zone of that name.
    pub zone_id: String,
    /// Whether Route 53 heeds the health of the load balancer's targets.
    pub evaluate_target_health: bool,
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

/// A target as the load balancer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The instance.
    pub id: String,
    /// Its health.
    pub health: Health,
    /// The reason code, such as `Target.ResponseCodeMismatch`.
    pub reason: Option<String>,
    /// AWS's words.
    pub description: Option<String>,
}

/// The health of a target.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Being registered, or not yet checked often enough.
    Initial,
    /// Passing its checks.
    Healthy,
    /// Failing its checks.
    Unhealthy,
    /// No listener forwards to its target group, or its zone is off: a fault of configuration.
    Unused,
    /// Leaving, requests in flight going on; also `unhealthy.draining`.
    Draining,
    /// Health checks are off or broken.
    Unavailable,
    /// A state that this version does not know, which is not healthy.
    Unrecognised,
}

/// A CloudWatch alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// How it stands.
    pub state: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// The state of an alarm.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-concepts.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// Within its threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// Cannot be told, or is a state that this version does not know.
    InsufficientData,
}

/// For which target group, and in which time, a load balancer's counts are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficWindow {
    /// The target group.
    pub target_group_arn: String,
    /// Its load balancer.
    pub load_balancer_arn: String,
    /// Which percentile of the response time is wanted, if any: 50, 90, 99.
    pub percentile: Option<u32>,
    /// From this full minute on.
    pub from: Timestamp,
    /// Up to this full minute, which is not included.
    pub to: Timestamp,
}

/// What a load balancer counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that went to targets.
    pub requests: u64,
    /// Those among them that targets answered with 5xx.
    pub errors: u64,
    /// The response time that was asked for, in milliseconds; nothing when there were no requests.
    pub latency_ms: Option<u64>,
}

/// A scaling activity of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When it began.
    pub started_at: Timestamp,
    /// `Successful`, `Failed`, `InProgress` …
    pub status: String,
    /// AWS's words about what it did and how that ended: its status message, or else its description.
    pub message: String,
    /// AWS's words about why it began, such as `… an instance was taken out of service in response to an ELB system health
    /// check failure.`, where others say `… in response to an EC2 health check indicating it has been terminated or stopped.`
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html>
    pub cause: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_tells_its_listener_by_its_arn() {
        let of = |arn: &str| {
            let rule = Rule {
                arn: arn.to_owned(),
                priority: None,
                conditions: Conditions::default(),
                other_conditions: false,
                forward: Forward::default(),
            };
            rule.listener_arn()
        };
        let elb = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
        assert_eq!(
            of(&format!("{elb}:listener-rule/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee")),
            Some(format!("{elb}:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2"))
        );
        for other in [
            "",
            "listener-rule/app",
            "listener-rule/app/shared/1/2",
            "listener-rule/app/shared/1/2/",
            "listener/app/a/1/2",
        ] {
            assert_eq!(of(&format!("{elb}:{other}")), None, "{other}");
        }
    }
}
