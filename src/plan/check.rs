//! What must hold for every plan, whatever was decided. A plan that breaks a rule is a bug of ours: that app is stopped
//! with a message that says so, and the others go on.

use crate::model::action::{Action, Expect};
use crate::model::observed::Forward;
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
    let is_touched = !app.actions.is_empty() && !app.wants.is_empty();
    if is_touched || idle && !app.actions.iter().all(is_repair) {
        return Some("actions for an app that must be left alone".to_owned());
    }
    if let Some(unguarded) = app.actions.iter().find(|planned| !is_guarded(planned)) {
        return Some(format!("{} removes something and checks nothing first", unguarded.action));
    }
    if app.change != Change::Destroy {
        let disruptions = disruptions(app);
        if disruptions > 1 {
            return Some(format!("{disruptions} disruptive calls at once"));
        }
    }
    None
}

/// Whether an action only brings the app's own instances back to where the load balancer reaches them, which does not depend on what is
/// wrong with the app.
fn is_repair(planned: &PlannedAction) -> bool {
    matches!(planned.action, Action::RegisterTargets { .. } | Action::AttachTargetGroup { .. })
}

/// Whether an action that takes something away makes sure of what it takes. A group goes only when it is empty, and its
/// template only when the group is gone; for anything else it must be sure of something.
fn is_guarded(planned: &PlannedAction) -> bool {
    let expects = |wanted: fn(&Expect) -> bool| planned.expects.iter().any(wanted);
    match &planned.action {
        Action::DeleteGroup { .. } => {
            expects(|expect| matches!(expect, Expect::NoInstances { .. }))
                && expects(|expect| matches!(expect, Expect::OwnGroup { .. }))
        }
        Action::DeleteLaunchTemplate { .. } => expects(|expect| matches!(expect, Expect::GroupGone { .. })),
        Action::UpdateGroup { change, .. } if change.desired == Some(0) => {
            expects(|expect| matches!(expect, Expect::OwnGroup { .. }))
        }
        Action::DeleteTargetGroup { .. }
        | Action::DeleteLoadBalancer { .. }
        | Action::DeleteListener { .. }
        | Action::DeleteRule { .. }
        | Action::DeleteStepAlarm { .. } => expects(|expect| matches!(expect, Expect::OwnTags { .. })),
        _ => true,
    }
}

/// How many changes there are of what serves or of what could serve again. The same weights at several listeners are one.
pub(super) fn disruptions(app: &AppPlan) -> usize {
    let mut weights: Vec<&Forward> = Vec::new();
    let mut others = 0;
    for planned in &app.actions {
        match &planned.action {
            Action::Shift { forward, .. } if !weights.contains(&forward) => weights.push(forward),
            Action::DeleteGroup { .. } => others += 1,
            Action::UpdateGroup { change, .. } if change.desired == Some(0) => others += 1,
            _ => {}
        }
    }
    weights.len() + others
}
