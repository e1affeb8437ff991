//! Whether two plans mean the same.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::model::names::hex;
use crate::model::plan::{AppPlan, FieldChange, Plan, StepKind};

/// SHA-256 over what a plan means: its target, and of each app the kind of change, the generations, the template that is
/// wanted, the fields, and the steps. Whoever has agreed to a plan has agreed to every plan with the same one.
///
/// Where things stand is no part of it: times, calls that are due, how far the steps are, and sizes, which scaling moves. A
/// canary keeps its fingerprint from its first share to its last.
pub fn fingerprint(plan: &Plan) -> String {
    let mut hasher = Sha256::new();
    let mut add = |value: Value| {
        let text = value.to_string();
        hasher.update(format!("{}:", text.len()));
        hasher.update(text);
    };
    add(json!([plan.environment, plan.account, plan.region]));
    plan.apps.iter().for_each(|app| add(intent(app)));
    format!("sha256:{}", hex(&hasher.finalize(), 64))
}

fn intent(app: &AppPlan) -> Value {
    let fields = |fields: &[FieldChange]| -> Vec<Value> {
        fields.iter().map(|field| json!([field.path, field.after, field.effect])).collect()
    };
    let steps: Vec<String> = app.steps.iter().map(|step| kind(&step.kind)).collect();
    let template = app.template.as_ref().map(ToString::to_string);
    json!([app.app, app.change, app.from, app.to, template, fields(&app.fields), fields(&app.drift), steps])
}

/// What a step does, whatever the sizes are at the moment.
fn kind(kind: &StepKind) -> String {
    match kind {
        StepKind::Launch { .. } => "launch".to_owned(),
        StepKind::WaitHealthy { stable_for, .. } => format!("healthy for {stable_for}"),
        other => other.to_string(),
    }
}
