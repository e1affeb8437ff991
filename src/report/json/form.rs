//! The form of a plan for programs: what it says, and under which names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::names::{AppName, EnvironmentName};
use crate::model::time::Timestamp;

/// What is to be done in one environment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Plan of Amiable")]
pub struct Document {
    /// `amiable/v1`.
    pub api_version: &'static str,
    /// `Plan`.
    pub kind: &'static str,
    /// The version of this form.
    pub format_version: &'static str,
    /// A hash over what the plan means: the target, and of each app the kind of change, the generations, the template, the
    /// fields and the steps. Times, and how far a release has come, are no part of it.
    pub fingerprint: String,
    /// Where the manifests came from.
    pub source: Source,
    /// What it is a plan for.
    pub target: Target,
    /// Numbers of apps.
    pub summary: Summary,
    /// One for every app, by name.
    pub apps: Vec<App>,
}

/// Plans for several environments.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List {
    /// `amiable/v1`.
    pub api_version: &'static str,
    /// `PlanList`.
    pub kind: &'static str,
    /// One for every environment that could be planned.
    pub items: Vec<Document>,
    /// The others, and why nothing can be said of them.
    pub failures: Vec<Unplanned>,
}

/// An environment that could not be planned.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unplanned {
    /// The environment.
    pub environment: EnvironmentName,
    /// Why.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// What `plan -o json` prints: a `Plan` where it is asked about one environment, a `PlanList` where about several.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Printed {
    /// Of one environment.
    Plan(Box<Document>),
    /// Of several.
    PlanList(List),
}

/// Where the manifests came from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The directory.
    pub directory: String,
    /// The commit, when it is a git work tree.
    pub commit: Option<String>,
    /// Whether the work tree differs from the commit.
    pub dirty: bool,
}

/// What a plan is for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The environment.
    pub environment: EnvironmentName,
    /// The account.
    pub account_id: String,
    /// The region.
    pub region: String,
}

/// Numbers of apps, by what is to happen to them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// New apps.
    pub create: usize,
    /// Apps changed in place.
    pub update: usize,
    /// Apps that get a new generation.
    pub replace: usize,
    /// Apps to be deleted.
    pub delete: usize,
    /// Apps in which AWS differs from what was last applied.
    pub drift: usize,
    /// Apps that wait for a person or for others.
    pub blocked: usize,
    /// Apps that could not be planned.
    pub error: usize,
    /// Apps that run without a manifest.
    pub orphaned: usize,
    /// Apps that are as they should be.
    pub unchanged: usize,
    /// Apps of which nothing that serves is healthy, whatever is to be done about them.
    pub sick: usize,
}

/// How what serves does.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// How many of its instances are healthy; null where that was not read.
    pub healthy: Option<u32>,
    /// How many instances it is to have.
    pub wanted: u32,
    /// Whether some that are not healthy are only on their way: being registered or checked for the first time.
    pub coming: bool,
    /// Whether none of it is healthy, though something should be, and none is on its way to be.
    pub sick: bool,
    /// Why one of them is not healthy, or the health is not known.
    pub why: Option<String>,
    /// Why it cannot replace an instance that it loses, as far as that shows.
    pub cannot_replace: Option<String>,
}

/// What is to be done about one app.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// What kind of change it is.
    pub action: Change,
    /// Why; may be empty.
    pub reason: String,
    /// The generation that serves now, such as `v041`.
    pub from: Option<String>,
    /// The generation that will.
    pub to: Option<String>,
    /// The image that it is to run; null when that cannot be told.
    pub image: Option<Image>,
    /// What the manifest changes.
    pub fields: Vec<Field>,
    /// What AWS differs in from what was last applied: `before` is in AWS, `after` in the manifest.
    pub drift: Vec<Field>,
    /// The whole path, done steps too.
    pub steps: Vec<Step>,
    /// The calls that can be made now, in this order.
    pub calls: Vec<Call>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// Why the wanted release failed, if it did; it is not tried again by itself.
    pub failure: Option<String>,
    /// What people should know besides.
    pub notes: Vec<String>,
    /// What it means while it lasts.
    pub impact: Impact,
    /// How what serves does; null where nothing serves, or where it was not looked at.
    pub health: Option<Health>,
    /// Where it answers; null for what has no load balancer, or where that cannot be told.
    pub answers: Option<Answers>,
}

/// Where an app answers requests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answers {
    /// The DNS name of its load balancer; null before there is one.
    pub load_balancer: Option<String>,
    /// Whether the load balancer is reached only from within its network.
    pub internal: bool,
    /// The addresses under which it answers.
    pub urls: Vec<String>,
}

/// The image that an app is to run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Its id.
    pub id: String,
    /// The version that was given with it; the image's name where neither version nor commit was.
    pub version: Option<String>,
    /// What is said of it: `version`, `branch`, `commit`, `buildDate`.
    pub release: BTreeMap<String, String>,
    /// The kind of source that it comes from, such as `search`; null for one that the manifest gives by its id.
    pub source: Option<&'static str>,
    /// What was asked of the source.
    pub expression: Option<String>,
    /// What the source leads to, where that is another image, which waits for a time or a person.
    pub newer: Option<NewerImage>,
}

/// An image that is not deployed by itself, or not yet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewerImage {
    /// Its id.
    pub id: String,
    /// What is said of it.
    pub release: BTreeMap<String, String>,
    /// From when on it may be deployed, as an RFC 3339 time, if that is still to come.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<Timestamp>,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// A new app.
    Create,
    /// A new generation takes over.
    Replace,
    /// Changed on what runs.
    Update,
    /// To be deleted on request.
    Delete,
    /// Only AWS moved; it is put right.
    Drift,
    /// Waits for a person, or for room.
    Blocked,
    /// Cannot be planned.
    Error,
    /// Runs, but no manifest asks for it.
    Orphaned,
    /// As it should be.
    Unchanged,
}

/// A field that differs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its path in the manifest, such as `instances.max`.
    pub path: String,
    /// What is; null where there is nothing, or nothing that can be told.
    pub before: Option<String>,
    /// What will be.
    pub after: Option<String>,
    /// What the change does.
    pub effect: Effect,
}

/// What changing a field does.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// A new generation.
    Replace,
    /// Changed on what runs.
    InPlace,
    /// Nothing in AWS.
    Behaviour,
    /// Refused on an app that exists.
    Fixed,
}

/// A step of the path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its kind, such as `launch`; more kinds may come.
    pub step: &'static str,
    /// For people, such as `launch 6`.
    pub text: String,
    /// How far it is.
    pub state: StepState,
    /// More, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Behind us.
    Done,
    /// At work.
    Current,
    /// To come.
    Pending,
}

/// A call to AWS that can be made now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The service, such as `autoscaling`.
    pub service: &'static str,
    /// The operation, such as `CreateAutoScalingGroup`.
    pub operation: &'static str,
    /// What it acts on: a name or an ARN.
    pub resource: String,
    /// Why.
    pub reason: String,
}

/// Something that is waited for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What.
    pub what: String,
    /// Until when at the latest, as an RFC 3339 time.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether only the retirement of what no longer serves is waited for.
    pub cleanup: bool,
}

/// What a plan means while it lasts.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// The most instances that run at once.
    pub peak_instances: u32,
    /// What it costs on top, in seconds of one instance: the instances of the new generation until the old one has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_instance_seconds: Option<u64>,
    /// About how many seconds until the new generation counts as deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u64>,
    /// About how many seconds more until the old generation is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup_seconds: Option<u64>,
}
