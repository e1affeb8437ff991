//! A plan for programs: a form that stays, with its JSON Schema in `schema/plan.json`.
//!
//! - [`form`]: the form
//! - [`fingerprint`]: whether two plans would do the same

mod fingerprint;
mod form;

use serde_json::Value;

use crate::model::names::EnvironmentName;
use crate::model::plan::{self, AppPlan, Plan, StepKind};
pub use fingerprint::fingerprint;
pub use form::*;

/// The version of the form: the first number changes when a reader would break.
pub const FORMAT_VERSION: &str = "1.0";

/// `plan` in the form that stays.
pub fn document(plan: &Plan) -> Document {
    let plan::Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged, sick } =
        plan.summary();
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
        summary: Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged, sick },
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
            cleanup_seconds: plan.impact.cleanup.map(|span| span.as_seconds()),
        },
        answers: plan.answers.as_ref().map(|answers| Answers {
            load_balancer: answers.load_balancer.clone(),
            internal: answers.internal,
            urls: answers.urls.clone(),
        }),
        health: plan.wellbeing.as_ref().map(|wellbeing| Health {
            healthy: wellbeing.healthy,
            wanted: wellbeing.wanted,
            coming: wellbeing.coming,
            sick: wellbeing.is_sick(),
            why: wellbeing.why.clone(),
            cannot_replace: wellbeing.stuck.clone(),
        }),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::model::action::Action;
    use crate::model::names::Generation;
    use crate::model::plan::{PlannedAction, StepState};
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
            "unchanged": 0,
            "sick": 0
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
                  "what": "v042 to be healthy, 3/6 now",
                  "until": "2026-11-02T12:20:00Z",
                  "cleanup": false
                }
              ],
              "failure": null,
              "notes": [],
              "impact": {
                "peakInstances": 12,
                "extraInstanceSeconds": 24840,
                "durationSeconds": 540,
                "cleanupSeconds": 3720
              },
              "health": null,
              "answers": null
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_fingerprint_covers_what_a_plan_means_and_not_where_things_stand() {
        let same = |change: &dyn Fn(&mut Plan)| {
            let mut plan = samples::plan(vec![samples::rolling_out()]);
            let before = fingerprint(&plan);
            change(&mut plan);
            fingerprint(&plan) == before
        };
        assert!(same(&|plan| plan.at = samples::at("12:00:07")), "times");
        assert!(same(&|plan| plan.apps[0].waits.clear()), "waits");
        assert!(same(&|plan| plan.apps[0].actions.push(tagged("amiable:shifted-at"))), "calls that are due");
        assert!(same(&|plan| plan.apps[0].steps[1].state = StepState::Done), "how far the steps are");
        assert!(
            same(&|plan| plan.apps[0].steps[0].kind = StepKind::Launch { instances: 7 }),
            "sizes, which scaling moves"
        );
        assert!(!same(&|plan| plan.account = "210987654321".into()), "the account");
        assert!(!same(&|plan| plan.apps[0].to = Some(Generation(43))), "the generation");
        assert!(!same(&|plan| plan.apps[0].template = "1-0a1b2c3d4e5f6071".parse().ok()), "the template");
        assert!(!same(&|plan| plan.apps[0].fields[1].after = Some("13".into())), "a field");
        assert!(!same(&|plan| drop(plan.apps[0].steps.pop())), "a step");
        assert!(!same(&|plan| plan.apps[0].change = plan::Change::Blocked), "the kind of change");
    }

    fn tagged(key: &str) -> PlannedAction {
        let action = Action::TagGroup {
            name: "hello-world-prod-v042".into(),
            tags: BTreeMap::from([(key.to_owned(), "x".to_owned())]),
            propagate: false,
        };
        PlannedAction { action, reason: "because".into(), expects: Vec::new() }
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
