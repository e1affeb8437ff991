//! Apps that nothing is to be done about, and those that are to go.

use super::*;

#[test]
fn a_suspended_app_is_shown_and_left_alone() {
    let plan = Case::serving(NEW_IMAGE, json!({"suspend": {"reason": "incident 42"}})).plan();
    assert_eq!((plan.change, plan.actions.len(), plan.fields.len()), (Change::Blocked, 0, 1));
    assert!(plan.reason.contains("incident 42"));
    let over = json!({"suspend": {"reason": "incident 42", "until": "2026-11-02T11:59:00Z"}});
    assert_eq!(Case::serving(NEW_IMAGE, over).plan().change, Change::Replace);
}

#[test]
fn without_its_manifest_an_app_is_reported_and_nothing_else() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    case.desired.apps.clear();
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Orphaned, 0));
    assert_eq!(plan.from, Some(Generation(1)), "what serves is told by the tags");
}

#[test]
fn an_app_whose_manifest_cannot_be_read_is_no_orphan() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    let apps = std::mem::take(&mut case.desired.apps);
    case.desired.left_out.unseen = true;
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("may be one of those that cannot be read"), "{}", plan.reason);
    case.desired.left_out = LeftOut { apps: apps.into_keys().collect(), unseen: false };
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("its manifest has errors"), "{}", plan.reason);
}

#[test]
fn destroying_takes_the_traffic_first_and_the_rest_only_when_it_is_empty() {
    let destroy = json!({"destroy": true});
    assert_eq!(Case::serving(OLD_IMAGE, destroy.clone()).calls(), ["DeleteListener 1"]);
    let mut case = Case::serving(OLD_IMAGE, destroy);
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    assert_eq!(case.calls(), ["empty hello-prod-v001"]);
    if let Read::Known(groups) = &mut case.observed.groups {
        groups.clear();
    }
    if let Read::Known(templates) = &mut case.observed.launch_templates {
        templates.clear();
    }
    assert_eq!(case.calls(), ["DeleteTargetGroup hello-prod-b"]);
    let waits: Vec<_> = case.plan().waits.into_iter().map(|wait| wait.what).collect();
    assert_eq!(waits, ["the targets of hello-prod-a to leave it, 2 left, i-1-1 among them"]);
    case.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(Vec::new()));
    assert_eq!(case.calls(), ["DeleteTargetGroup hello-prod-a", "DeleteTargetGroup hello-prod-b"]);
}
