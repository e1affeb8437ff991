//! Whether two plans would do the same.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::names::hex;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;

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
