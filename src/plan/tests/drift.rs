//! What differs in place, and by whose hand.

use super::*;

#[test]
fn the_same_difference_is_a_change_when_git_moved_and_drift_when_aws_did() {
    let patch = json!({"instances": {"min": 2, "max": 4}});
    let git =
        Case::new(OLD_IMAGE, patch.clone()).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.applied = Some("before".to_owned());
        });
    let plan = git.plan();
    assert_eq!((plan.change, plan.fields.len(), plan.drift.len()), (Change::Update, 1, 0));
    assert_eq!(calls(&plan), ["UpdateAutoScalingGroup hello-prod-v001", "tag hello-prod-v001 applied"]);

    let aws = Case::serving(OLD_IMAGE, patch);
    let plan = aws.plan();
    assert_eq!((plan.change, plan.fields.len(), plan.drift.len()), (Change::Drift, 0, 1));
    assert_eq!(calls(&plan), ["UpdateAutoScalingGroup hello-prod-v001"]);

    let ignored =
        Case::serving(OLD_IMAGE, json!({"instances": {"min": 2, "max": 4}, "drift": {"ignore": ["instances.max"]}}));
    assert_eq!(ignored.plan().change, Change::Unchanged);
}

#[test]
fn weights_that_someone_changed_by_hand_are_put_right() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
    listener.forward.weights.insert(target_group_arn(Slot::B), 50);
    assert_eq!(case.calls(), ["shift to a"]);
    assert_eq!(case.plan().actions[0].action.operation().1, "ModifyListener");
    assert!(
        matches!(&case.plan().actions[0].action, Action::Shift { at: TrafficPoint::Listener(arn), .. } if arn == LISTENER)
    );
}

#[test]
fn a_new_health_check_never_reaches_what_another_image_serves() {
    let patch = json!({"healthCheck": {"path": "/new"}});
    let settings = |group: &mut Group| {
        long_deployed(group);
        group.owner.applied = Some("before".to_owned());
    };
    let coming =
        Case::new(NEW_IMAGE, patch.clone()).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, settings);
    let changed = |plan: &AppPlan| -> Vec<String> {
        let named = plan.actions.iter().filter_map(|planned| match &planned.action {
            Action::ModifyTargetGroup { name, .. } => Some(name.clone()),
            _ => None,
        });
        named.collect()
    };
    assert_eq!(changed(&coming.plan()), ["hello-prod-b"], "only where the new generation will be");
    assert!(coming.plan().fields.iter().any(|field| field.path == "healthCheck.path"));

    let same = Case::new(OLD_IMAGE, patch).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, settings);
    assert_eq!(
        calls(&same.plan()),
        ["tag hello-prod-v001 applied,trial", "ModifyTargetGroup hello-prod-b", "RegisterTargets hello-prod-b",],
        "it is tried where nothing has traffic"
    );
}

#[test]
fn a_listener_that_somebody_deleted_comes_back_with_the_traffic_where_it_was() {
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(2, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(3, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
        });
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    let plan = case.plan();
    let [only] = plan.actions.as_slice() else { panic!("{:?}", plan.actions) };
    let Action::CreateListener(NewListener { answer: Answer::Forward(forward), .. }) = &only.action else {
        panic!("{:?}", only.action)
    };
    assert_eq!(forward.weight(&target_group_arn(Slot::A)), 100);
}
