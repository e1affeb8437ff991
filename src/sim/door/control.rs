//! What is asked of the simulated AWS itself, beside the calls of AWS: the faults that are in force. In JSON, below
//! `/_amiable/`, which no service of AWS has.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::sim::Simulation;
use crate::sim::fault::rules::Rule;

/// Where it is asked.
pub const FAULTS: &str = "/_amiable/faults";

/// Whether a path is one of these.
pub(super) fn is_for(path: &str) -> bool {
    path.starts_with("/_amiable/")
}

/// The status and the body of the answer.
pub(super) fn answer(simulation: &Simulation, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
    let now = simulation.clock().now();
    let id = path.strip_prefix(FAULTS).and_then(|rest| match rest.strip_prefix('/') {
        None => rest.is_empty().then_some(None),
        Some(id) => id.parse().ok().map(Some),
    });
    let refuse = |status, why: &str| (status, json!({"error": why}));
    match (method.as_str(), id) {
        (_, None) => refuse(StatusCode::NOT_FOUND, "there are only /_amiable/faults and /_amiable/faults/NUMBER"),
        ("GET", Some(None)) => (StatusCode::OK, json!({"faults": simulation.rules(|rules| rules.all(now).to_vec())})),
        ("POST", Some(None)) => match serde_json::from_slice::<Rule>(body) {
            Err(error) => refuse(StatusCode::BAD_REQUEST, &error.to_string()),
            Ok(rule) => match simulation.rules(|rules| rules.add(rule, now)) {
                Ok(one) => (StatusCode::OK, json!(one)),
                Err(why) => refuse(StatusCode::BAD_REQUEST, &why),
            },
        },
        ("DELETE", Some(id)) => match (simulation.rules(|rules| rules.end(id)), id) {
            (0, Some(id)) => refuse(StatusCode::NOT_FOUND, &format!("no fault {id} is in force")),
            (ended, _) => (StatusCode::OK, json!({"ended": ended})),
        },
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "faults are listed by GET, added by POST and ended by DELETE"),
    }
}
