//! A plan for programs: a form that stays, with its JSON Schema in `schema/plan.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::names::{AppName, EnvironmentName, hex};
use crate::model::plan::{self, AppPlan, Plan, StepKind};
use crate::model::time::Timestamp;

/// The version of the form: the first number changes when a reader would break.
pub const FORMAT_VERSION: &str = "1.0";

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
    /// A hash over what would be done and to what: two plans with the same one do the same. Times are no part of it.
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
}

/// `plan` in the form that stays.
pub fn document(plan: &Plan) -> Document {
    let plan::Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged } = plan.summary();
    Document {
        api_version: "amiable/v1",
        kind: "Plan",
        format_version: FORMAT_VERSION,
        fingerprint: fingerprint(plan),
        source: Source {
            directory: plan.source.directory.clone(),
            commit: plan.source.commit.clone(),
            dirty: plan.source.dirty,
        },
        target: Target {
            environment: plan.environment.clone(),
            account_id: plan.account.clone(),
            region: plan.region.clone(),
        },
        summary: Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged },
        apps: plan.apps.iter().map(|app| self::app(app, &plan.environment)).collect(),
    }
}

/// The plans of several environments in one document.
pub fn list(plans: &[&Plan], failures: Vec<Unplanned>) -> List {
    let items = plans.iter().map(|plan| document(plan)).collect();
    List { api_version: "amiable/v1", kind: "PlanList", items, failures }
}

/// The JSON Schema of [`Printed`].
pub fn schema() -> Value {
    schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<Printed>().to_value()
}

/// Why something is to be done; where the planner has nothing to add, what asks for it.
fn reason(plan: &AppPlan) -> String {
    let paths =
        |fields: &[plan::FieldChange]| fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>().join(", ");
    match plan.change {
        _ if !plan.reason.is_empty() => plan.reason.clone(),
        plan::Change::Create => "new app".to_owned(),
        plan::Change::Replace | plan::Change::Update if !plan.fields.is_empty() => {
            format!("the manifest changes {}", paths(&plan.fields))
        }
        plan::Change::Drift if !plan.drift.is_empty() => format!("AWS differs in {}", paths(&plan.drift)),
        _ => String::new(),
    }
}

fn app(plan: &AppPlan, environment: &EnvironmentName) -> App {
    let calls = plan.actions.iter().map(|planned| {
        let (service, operation) = planned.action.operation();
        let resource = planned.action.resource().to_owned();
        Call { service, operation, resource, reason: planned.reason.clone() }
    });
    let waits =
        plan.waits.iter().map(|wait| Wait { what: wait.what.clone(), until: wait.until, cleanup: wait.cleanup });
    App {
        app: plan.app.clone(),
        environment: environment.clone(),
        action: change(plan.change),
        reason: reason(plan),
        from: plan.from.map(|generation| generation.to_string()),
        to: plan.to.map(|generation| generation.to_string()),
        image: plan.image.as_ref().map(image),
        fields: plan.fields.iter().map(field).collect(),
        drift: plan.drift.iter().map(field).collect(),
        steps: plan.steps.iter().map(step).collect(),
        calls: calls.collect(),
        waits: waits.collect(),
        failure: plan.failure.clone(),
        notes: plan.notes.clone(),
        impact: Impact {
            peak_instances: plan.impact.peak_instances,
            extra_instance_seconds: plan.impact.extra_instance_seconds,
            duration_seconds: plan.impact.duration.map(|span| span.as_seconds()),
        },
    }
}

fn image(image: &plan::PlannedImage) -> Image {
    let newer = image.newer.as_ref().map(|newer| NewerImage {
        id: newer.id.clone(),
        release: newer.release.clone(),
        until: newer.until,
    });
    Image {
        id: image.id.clone(),
        version: crate::model::release::version(&image.release, image.name.as_deref()).map(str::to_owned),
        release: image.release.clone(),
        source: image.origin.as_ref().map(|origin| origin.kind.as_str()),
        expression: image.origin.as_ref().map(|origin| origin.expression.clone()),
        newer,
    }
}

fn change(change: plan::Change) -> Change {
    match change {
        plan::Change::Create => Change::Create,
        plan::Change::Replace => Change::Replace,
        plan::Change::Update => Change::Update,
        plan::Change::Drift => Change::Drift,
        plan::Change::Unchanged => Change::Unchanged,
        plan::Change::Blocked => Change::Blocked,
        plan::Change::Error => Change::Error,
        plan::Change::Orphaned => Change::Orphaned,
        plan::Change::Destroy => Change::Delete,
    }
}

fn field(field: &plan::FieldChange) -> Field {
    let effect = match field.effect {
        plan::Effect::Replace => Effect::Replace,
        plan::Effect::InPlace => Effect::InPlace,
        plan::Effect::Behaviour => Effect::Behaviour,
        plan::Effect::Fixed => Effect::Fixed,
    };
    Field { path: field.path.clone(), before: field.before.clone(), after: field.after.clone(), effect }
}

fn step(step: &plan::Step) -> Step {
    let state = match step.state {
        plan::StepState::Done => StepState::Done,
        plan::StepState::Current => StepState::Current,
        plan::StepState::Pending => StepState::Pending,
    };
    Step { step: step_name(&step.kind), text: step.kind.to_string(), state, detail: step.detail.clone() }
}

fn step_name(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Prepare => "prepare",
        StepKind::FreeSlot { .. } => "freeSlot",
        StepKind::Launch { .. } => "launch",
        StepKind::WaitHealthy { .. } => "waitHealthy",
        StepKind::Smoke { .. } => "smoke",
        StepKind::Alarms { .. } => "alarms",
        StepKind::Approve { .. } => "approve",
        StepKind::Shift { .. } => "shift",
        StepKind::Pause { .. } => "pause",
        StepKind::TakeOver => "takeOver",
        StepKind::Dns { .. } => "dns",
        StepKind::Bake { .. } => "bake",
        StepKind::Record => "record",
        StepKind::Keep { .. } => "keep",
        StepKind::Retire { .. } => "retire",
        StepKind::ShiftBack { .. } => "shiftBack",
        StepKind::Entomb { .. } => "entomb",
        StepKind::Forget => "forget",
        StepKind::Delete { .. } => "delete",
    }
}

/// SHA-256 over what decides what is done: target, kinds of change, generations, fields, steps and calls with all their
/// arguments. Points in time are left out, wherever they stand, or no two plans would ever be the same.
pub fn fingerprint(plan: &Plan) -> String {
    let mut hasher = Sha256::new();
    let mut add = |value: Value| {
        let text = sorted(value).to_string();
        hasher.update(format!("{}:", text.len()));
        hasher.update(text);
    };
    add(serde_json::json!([plan.environment, plan.account, plan.region]));
    for app in &plan.apps {
        let steps: Vec<String> = app.steps.iter().map(|step| step.kind.to_string()).collect();
        add(serde_json::json!([app.app, app.change, app.from, app.to, app.fields, app.drift, steps]));
        for planned in &app.actions {
            add(serde_json::json!([planned.action, planned.expects]));
        }
    }
    format!("sha256:{}", hex(&hasher.finalize(), 64))
}

/// The same value with sorted keys and without points in time.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(map.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => Value::Null,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::model::action::Action;
    use crate::model::plan::PlannedAction;
    use crate::report::samples;

    #[test]
    fn a_release_in_progress_as_json() {
        let plan = samples::plan(vec![samples::rolling_out()]);
        let mut document = document(&plan);
        document.fingerprint = "sha256:…".into();
        insta::assert_json_snapshot!(document, @r#"
        {
          "apiVersion": "amiable/v1",
          "kind": "Plan",
          "formatVersion": "1.0",
          "fingerprint": "sha256:…",
          "source": {
            "directory": "manifests",
            "commit": "3f2c1ab",
            "dirty": false
          },
          "target": {
            "environment": "prod",
            "accountId": "123456789012",
            "region": "us-west-2"
          },
          "summary": {
            "create": 0,
            "update": 0,
            "replace": 1,
            "delete": 0,
            "drift": 0,
            "blocked": 0,
            "error": 0,
            "orphaned": 0,
            "unchanged": 0
          },
          "apps": [
            {
              "app": "hello-world",
              "environment": "prod",
              "action": "replace",
              "reason": "the manifest changes image, instances.max, strategy.redBlack.bakeTime",
              "from": "v041",
              "to": "v042",
              "image": null,
              "fields": [
                {
                  "path": "image",
                  "before": "ami-0111 (1.8.2, 9f31c2)",
                  "after": "ami-0222 (1.9.0, 3f2c1ab)",
                  "effect": "replace"
                },
                {
                  "path": "instances.max",
                  "before": "8",
                  "after": "12",
                  "effect": "in-place"
                },
                {
                  "path": "strategy.redBlack.bakeTime",
                  "before": "10m",
                  "after": "5m",
                  "effect": "behaviour"
                }
              ],
              "drift": [],
              "steps": [
                {
                  "step": "launch",
                  "text": "launch 6",
                  "state": "done"
                },
                {
                  "step": "waitHealthy",
                  "text": "healthy 6/6",
                  "state": "current",
                  "detail": "healthy 3/6"
                },
                {
                  "step": "shift",
                  "text": "shift 100%",
                  "state": "pending"
                },
                {
                  "step": "bake",
                  "text": "bake 5m",
                  "state": "pending"
                },
                {
                  "step": "record",
                  "text": "record",
                  "state": "pending"
                },
                {
                  "step": "keep",
                  "text": "keep v041 1h",
                  "state": "pending"
                },
                {
                  "step": "retire",
                  "text": "retire v041",
                  "state": "pending"
                }
              ],
              "calls": [],
              "waits": [
                {
                  "what": "v042 healthy 3/6",
                  "until": "2026-11-02T12:20:00Z",
                  "cleanup": false
                }
              ],
              "failure": null,
              "notes": [],
              "impact": {
                "peakInstances": 12,
                "extraInstanceSeconds": 24840,
                "durationSeconds": 540
              }
            }
          ]
        }
        "#);
    }

    fn tagged(key: &str, value: &str) -> Plan {
        let mut app = samples::rolling_out();
        app.actions = vec![PlannedAction {
            action: Action::TagGroup {
                name: "hello-world-prod-v042".into(),
                tags: BTreeMap::from([(key.to_owned(), value.to_owned())]),
                propagate: false,
            },
            reason: "because".into(),
            expects: Vec::new(),
        }];
        samples::plan(vec![app])
    }

    #[test]
    fn the_fingerprint_covers_what_is_done_and_no_times() {
        let one = tagged("amiable:shifted-at", "2026-11-02T12:00:00Z");
        let mut later = tagged("amiable:shifted-at", "2026-11-02T12:00:07Z");
        later.at = samples::at("12:00:07");
        later.apps[0].waits.clear();
        assert_eq!(fingerprint(&one), fingerprint(&later));
        assert_ne!(fingerprint(&one), fingerprint(&tagged("amiable:release", "1.9.0")));
        let mut other = tagged("amiable:shifted-at", "2026-11-02T12:00:00Z");
        other.account = "210987654321".into();
        assert_ne!(fingerprint(&one), fingerprint(&other));
    }

    #[test]
    fn user_data_never_shows() {
        let text = serde_json::to_string(&document(&samples::everything())).unwrap();
        assert!(text.contains("CreateLaunchTemplate") && !text.contains(samples::CANARY));
    }

    #[test]
    fn the_schema_in_the_repository_is_the_schema_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/plan.json");
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if std::env::var_os("AMIABLE_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, wanted, "schema/plan.json is stale: run the tests with AMIABLE_UPDATE=1");
    }
}
