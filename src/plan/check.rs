//! What must hold for every plan, whatever was decided. A plan that breaks a rule is a bug of ours: that app is stopped
//! with a message that says so, and the others go on.

use crate::model::action::{Action, Expect};
use crate::model::plan::{AppPlan, Change, Plan, PlannedAction};

/// The plan, with every app stopped whose part of it breaks a rule.
pub(super) fn check(mut plan: Plan) -> Plan {
    for app in &mut plan.apps {
        if let Some(broken) = broken_rule(app) {
            app.actions.clear();
            app.change = Change::Error;
            app.reason = format!("refused by our own check, which is a bug in Amiable: {broken}");
        }
    }
    plan
}

fn broken_rule(app: &AppPlan) -> Option<String> {
    let idle = matches!(app.change, Change::Error | Change::Orphaned);
    if !app.actions.is_empty() && (idle || !app.wants.is_empty()) {
        return Some("actions for an app that must be left alone".to_owned());
    }
    if let Some(unguarded) = app.actions.iter().find(|planned| needs_guard(planned) && planned.expects.is_empty()) {
        return Some(format!("{} removes something and checks nothing first", unguarded.action));
    }
    if app.change != Change::Destroy {
        let disruptions = app.actions.iter().filter(|planned| disrupts(&planned.action)).count();
        if disruptions > 1 {
            return Some(format!("{disruptions} disruptive calls at once"));
        }
    }
    None
}

/// Whether an action takes something away, so that it must be sure of what it takes.
fn needs_guard(planned: &PlannedAction) -> bool {
    match &planned.action {
        Action::UpdateGroup { change, .. } => change.desired == Some(0),
        Action::DeleteGroup { .. } => {
            !planned.expects.iter().any(|expect| matches!(expect, Expect::NoInstances { .. }))
        }
        Action::DeleteTargetGroup { .. }
        | Action::DeleteLoadBalancer { .. }
        | Action::DeleteLaunchTemplate { .. }
        | Action::DeleteListener { .. }
        | Action::DeleteRule { .. } => true,
        _ => false,
    }
}

/// Whether an action changes what serves or what could serve again.
fn disrupts(action: &Action) -> bool {
    match action {
        Action::Shift { .. } | Action::DeleteGroup { .. } => true,
        Action::UpdateGroup { change, .. } => change.desired == Some(0),
        _ => false,
    }
}
