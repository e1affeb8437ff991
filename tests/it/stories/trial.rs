//! A new health check never takes what serves out of service: it is tried without traffic first.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

/// The manifest with another status that counts as well.
fn matcher(image: &str, status: &str) -> String {
    app("hello", image, "").replace("/health_check", &format!("/health_check, matcher: '{status}'"))
}

/// The status codes that count as well in a slot, and how many targets are there.
fn slot(lab: &Lab, name: &str) -> (String, usize) {
    let arn = lab.target_group(name);
    lab.simulation.with(|world| {
        let group = world.balancing.target_groups.get(&arn).unwrap();
        (group.check.matcher.clone().unwrap_or_default(), group.targets.len())
    })
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_what_serves_does_not_pass_never_comes_into_force() {
    let mut lab = deployed("").await;
    let instances = lab.instances("hello-prod-v001");
    lab.write("hello", matcher(HELLO_1_0, "201"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateOrUpdateTags hello-prod-v001: a new health check is tried before it decides over what serves
    07:07 ModifyTargetGroup hello-prod-b: nothing in this slot has traffic: the new health check is tried here
    07:07 RegisterTargets hello-prod-b: instances of v001 take part, without traffic here
    07:33 DeregisterTargets hello-prod-b: the trial of a health check is over
    07:33 CreateOrUpdateTags hello-prod-v001: the new health check does not come into force: 2 of 2 failed it: Health checks failed with these codes: [200]
    ");
    lab.pass(1200).await;
    assert_eq!(lab.instances("hello-prod-v001"), instances, "nobody is replaced");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!((slot(&lab, "hello-prod-a"), slot(&lab, "hello-prod-b").1), (("200".to_owned(), 2), 0));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("2 of 2 failed it"), "{}", plan.reason);
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_what_serves_passes_comes_into_force_after_its_trial() {
    let mut lab = deployed("").await;
    lab.write("hello", matcher(HELLO_1_0, "200-299"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateOrUpdateTags hello-prod-v001: a new health check is tried before it decides over what serves
    07:07 ModifyTargetGroup hello-prod-b: nothing in this slot has traffic: the new health check is tried here
    07:07 RegisterTargets hello-prod-b: instances of v001 take part, without traffic here
    07:57 DeregisterTargets hello-prod-b: the trial of a health check is over
    07:57 DeleteTags hello-prod-v001: the trial is over: its instances passed the new health check
    07:57 ModifyTargetGroup hello-prod-a: the health check differs from the manifest
    07:57 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    lab.pass(120).await;
    assert_eq!((slot(&lab, "hello-prod-a"), slot(&lab, "hello-prod-b").1), (("200-299".to_owned(), 2), 0));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn beside_a_warm_generation_a_health_check_is_tried_all_the_same_and_that_generation_keeps_its_own() {
    for (status, outcome) in [("201", Outcome::Blocked), ("200-299", Outcome::Converged)] {
        let mut lab = deployed("").await;
        lab.write("hello", app("hello", HELLO_1_1, ""));
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        let warm = lab.instances("hello-prod-v001");
        lab.write("hello", matcher(HELLO_1_1, status));
        lab.diary();
        assert_eq!(lab.apply(false).await, outcome, "{}", lab.diary());
        lab.pass(120).await;
        assert_eq!(lab.instances("hello-prod-v001"), warm, "nobody is replaced for a check that nobody has proved");
        lab.simulation.with(|world| {
            let group = world.scaling.groups.get("hello-prod-v001").unwrap();
            assert!(group.suspended.is_empty() && !group.tags.contains_key("amiable:trial"), "{:?}", group.suspended);
        });
        let live = if outcome == Outcome::Converged { status } else { "200" };
        assert_eq!(slot(&lab, "hello-prod-b").0, live);
        assert_eq!(slot(&lab, "hello-prod-a"), ("200".to_owned(), 2));
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_is_edited_during_its_trial_beside_a_warm_generation_is_tried_anew() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let warm = lab.instances("hello-prod-v001");
    // What nobody answers, then another such check in the middle of its trial, and then one that is right.
    lab.write("hello", matcher(HELLO_1_1, "201"));
    lab.apply_for(Duration::from_secs(20)).await;
    lab.write("hello", matcher(HELLO_1_1, "202"));
    lab.apply_for(Duration::from_secs(15)).await;
    lab.write("hello", matcher(HELLO_1_1, "200-299"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    13:54 DeregisterTargets hello-prod-a: the trial of a health check is over
    13:54 CreateOrUpdateTags hello-prod-v002: a new health check is tried before it decides over what serves
    13:54 CreateOrUpdateTags hello-prod-v001: another generation tries a new health check in this slot
    13:54 ModifyTargetGroup hello-prod-a: nothing in this slot has traffic: the new health check is tried here
    13:55 RegisterTargets hello-prod-a: instances of v002 take part, without traffic here
    14:44 DeregisterTargets hello-prod-a: the trial of a health check is over
    14:44 CreateOrUpdateTags hello-prod-v001: it gets its own health check back and has time to pass it again
    14:44 ModifyTargetGroup hello-prod-a: the generation in this slot keeps its health check
    14:44 DeleteTags hello-prod-v002: the trial is over: its instances passed the new health check
    14:44 ModifyTargetGroup hello-prod-b: the health check differs from the manifest
    14:44 CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    14:45 ResumeProcesses hello-prod-v001: the trial of a health check is over
    14:45 DeleteTags hello-prod-v001: the trial of a health check is over
    ");
    lab.pass(120).await;
    assert_eq!(lab.instances("hello-prod-v001"), warm);
    assert_eq!(
        (slot(&lab, "hello-prod-a"), slot(&lab, "hello-prod-b").0),
        (("200".to_owned(), 2), "200-299".to_owned())
    );
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_changes_during_a_bake_is_not_blamed_on_the_release() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply_for(Duration::from_secs(150)).await;
    lab.write("hello", matcher(HELLO_1_1, "201"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    13:15 CreateOrUpdateTags hello-prod-v002: a new health check is tried before it decides over what serves
    13:15 CreateOrUpdateTags hello-prod-v001: another generation tries a new health check in this slot
    13:15 SuspendProcesses hello-prod-v001: another generation tries a new health check in this slot: nothing here is replaced for it
    13:15 ModifyTargetGroup hello-prod-a: nothing in this slot has traffic: the new health check is tried here
    13:15 RegisterTargets hello-prod-a: instances of v002 take part, without traffic here
    13:41 DeregisterTargets hello-prod-a: the trial of a health check is over
    13:41 CreateOrUpdateTags hello-prod-v001: it gets its own health check back and has time to pass it again
    13:41 ModifyTargetGroup hello-prod-a: the generation in this slot keeps its health check
    13:41 CreateOrUpdateTags hello-prod-v002: the new health check does not come into force: 2 of 2 failed it: Health checks failed with these codes: [200]
    13:42 ResumeProcesses hello-prod-v001: the trial of a health check is over
    13:42 DeleteTags hello-prod-v001: the trial of a health check is over
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_was_cut_off_leaves_no_instance_in_the_slot_of_the_next_generation() {
    for image in [HELLO_1_0, HELLO_1_1] {
        let mut lab = deployed("").await;
        lab.write("hello", matcher(HELLO_1_0, "200-299"));
        lab.apply_for(Duration::from_secs(20)).await;
        assert_eq!(slot(&lab, "hello-prod-b").1, 2);
        // The manifest goes back, or on to the next image.
        lab.write("hello", app("hello", image, ""));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        lab.pass(60).await;
        let live = if image == HELLO_1_0 { "hello-prod-v001" } else { "hello-prod-v002" };
        assert_eq!(serving(&lab), [(live.to_owned(), 2)]);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_healthy_under_the_old_health_check_the_new_one_comes_into_force_at_once() {
    let lab = deployed("").await;
    let arn = lab.target_group("hello-prod-a");
    lab.simulation.set_observer(None);
    let pause = [("AutoScalingGroupName", "hello-prod-v001"), ("ScalingProcesses.member.1", "HealthCheck")];
    lab.by_hand("autoscaling", "SuspendProcesses", &pause);
    lab.by_hand("elasticloadbalancing", "ModifyTargetGroup", &[("TargetGroupArn", &arn), ("Matcher.HttpCode", "201")]);
    lab.pass(120).await;
    assert_eq!(serving(&lab), []);
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Sick, "its targets have not passed the new checks yet");
    assert_snapshot!(lab.diary(), @"
    09:07 ModifyTargetGroup hello-prod-a: the health check differs from the manifest
    09:07 ResumeProcesses hello-prod-v001: a process is suspended that the manifest does not suspend
    ");
    lab.pass(60).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_trial_whose_check_aws_refuses_ends_at_once_and_is_judged_only_by_what_is_checked_after_it_is_set() {
    for (status, outcome) in [("201", Outcome::Blocked), ("200-299", Outcome::Converged)] {
        let mut lab = deployed("").await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let denied = || ApiError::new("AccessDenied", "You are not authorized to perform this operation");
            (request.operation == "ModifyTargetGroup").then(|| Fault::Refuse(denied()))
        })));
        lab.write("hello", matcher(HELLO_1_0, status));
        assert_eq!(lab.apply_within(Duration::from_secs(600)).await, Outcome::Failed, "{}", lab.diary());
        lab.simulation.set_faults(None);
        // Much later; what was registered meanwhile has passed the old check there.
        lab.pass(600).await;
        lab.restart().await;
        assert_eq!(lab.apply(false).await, outcome, "{}", lab.diary());
        lab.pass(60).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trial_whose_outcome_cannot_be_noted_is_not_tried_again_and_again() {
    for (status, outcome) in [("201", Outcome::Blocked), ("200-299", Outcome::Converged)] {
        let mut lab = deployed("").await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let denied = || ApiError::new("AccessDenied", "You are not authorized to perform this operation");
            let value = request.params.get("Tags.member.1.Value").unwrap_or_default();
            let is_verdict = request.operation == "DeleteTags" || value.starts_with("refused ");
            is_verdict.then(|| Fault::Refuse(denied()))
        })));
        lab.write("hello", matcher(HELLO_1_0, status));
        lab.diary();
        assert_eq!(lab.apply_within(Duration::from_secs(900)).await, Outcome::Failed, "{}", lab.diary());
        let diary = lab.diary();
        assert_eq!(diary.matches("RegisterTargets").count(), 1, "{diary}");
        lab.simulation.set_faults(None);
        lab.restart().await;
        assert_eq!(lab.apply(false).await, outcome, "{}", lab.diary());
        lab.pass(60).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    }
}
