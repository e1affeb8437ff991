//! What is left over of earlier generations: it never holds up a release, it is lifted or said, and every wait for it ends.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};

use super::{deployed, serving, settles};
use crate::lab::{HELLO, Lab, app, summary};

const WARM: &str = "  retain: {for: 10m}\n";
const HELLO_1_2: &str = "ami-00000000000000112";

/// v002 serves, and v001 is warm.
async fn replaced() -> Lab {
    let mut lab = deployed(WARM).await;
    lab.simulation.with(|world| world.add_image(HELLO_1_2, "hello 1.1.2", ""));
    lab.write("hello", app("hello", HELLO_1_1, WARM));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.diary();
    lab
}

fn protect(lab: &Lab, group: &str) {
    let id = lab.instances(group).remove(0);
    let named = [("AutoScalingGroupName", group), ("InstanceIds.member.1", &id), ("ProtectedFromScaleIn", "true")];
    lab.by_hand("autoscaling", "SetInstanceProtection", &named);
}

/// One instance is put into standby, and another one launched in its place.
async fn put_aside(lab: &Lab, group: &str) -> String {
    let id = lab.instances(group).remove(0);
    let named = [("AutoScalingGroupName", group), ("InstanceIds.member.1", &id)];
    lab.by_hand("autoscaling", "EnterStandby", &[&named[..], &[("ShouldDecrementDesiredCapacity", "false")]].concat());
    lab.pass(120).await;
    id
}

fn take_back(lab: &Lab, group: &str, id: &str) {
    let named = [("AutoScalingGroupName", group), ("InstanceIds.member.1", id)];
    lab.by_hand("autoscaling", "ExitStandby", &named);
}

#[tokio::test(start_paused = true)]
async fn protection_and_suspension_of_a_generation_that_is_retired_are_lifted() {
    let lab = replaced().await;
    protect(&lab, HELLO);
    let suspended = [("AutoScalingGroupName", HELLO), ("ScalingProcesses.member.1", "Terminate")];
    lab.by_hand("autoscaling", "SuspendProcesses", &suspended);
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    let diary = lab.diary();
    assert!(diary.contains("ResumeProcesses hello-prod-v001: v001 is to have no instances"), "{diary}");
    assert!(diary.contains("SetInstanceProtection hello-prod-v001: v001 is to have no instances"), "{diary}");
    assert!(diary.contains("DeleteAutoScalingGroup hello-prod-v001"), "{diary}");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_in_standby_holds_up_neither_the_end_of_a_release_nor_the_next_one_and_is_said() {
    let mut lab = replaced().await;
    let id = put_aside(&lab, HELLO).await;
    assert_eq!(lab.apply(true).await, Outcome::Blocked, "it ends, and says that something is left over");
    let plan = lab.plan("hello").await;
    assert!(plan.left_over[0].contains(&format!("{id} of v001 is in standby")), "{:?}", plan.left_over);
    assert_eq!(lab.apply(false).await, Outcome::Converged, "the release is complete");
    lab.write("hello", app("hello", HELLO_1_2, "  retain: {for: 0s}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    take_back(&lab, HELLO, &id);
    lab.pass(60).await;
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert!(lab.diary().contains("DeleteAutoScalingGroup hello-prod-v001"));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_warm_pool_is_said_and_gone_round() {
    let mut lab = replaced().await;
    lab.by_hand("autoscaling", "PutWarmPool", &[("AutoScalingGroupName", HELLO), ("MinSize", "1")]);
    assert_eq!(lab.apply(true).await, Outcome::Blocked);
    let plan = lab.plan("hello").await;
    assert!(plan.left_over[0].contains("v001 has a warm pool"), "{:?}", plan.left_over);
    lab.write("hello", app("hello", HELLO_1_2, "  retain: {for: 0s}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.by_hand("autoscaling", "DeleteWarmPool", &[("AutoScalingGroupName", HELLO)]);
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_lifecycle_hook_of_somebody_else_is_named_and_the_next_release_does_not_wait_for_it() {
    let mut lab = replaced().await;
    let hook = [
        ("AutoScalingGroupName", HELLO),
        ("LifecycleHookName", "drain-agent"),
        ("LifecycleTransition", "autoscaling:EC2_INSTANCE_TERMINATING"),
        ("HeartbeatTimeout", "7200"),
    ];
    lab.by_hand("autoscaling", "PutLifecycleHook", &hook);
    lab.apply_for(std::time::Duration::from_secs(1)).await;
    lab.pass(15 * 60).await;
    let mut options = lab.plan("hello").await;
    if !options.actions.is_empty() {
        lab.apply(false).await;
        lab.pass(5 * 60).await;
        options = lab.plan("hello").await;
    }
    let waits: Vec<&str> = options.waits.iter().map(|wait| wait.what.as_str()).collect();
    assert!(waits[0].contains("held by the lifecycle hook `drain-agent`, for up to 2h"), "{waits:?}");
    let begun = lab.clock.now();
    lab.write("hello", app("hello", HELLO_1_2, "  retain: {for: 0s}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert!(lab.clock.now().as_second() - begun.as_second() < 1800, "it did not wait for the hook");
    assert_eq!(lab.apply(true).await, Outcome::Converged, "the hook's time ends by itself");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_cannot_end_deletes_nothing_and_says_why() {
    let mut lab = replaced().await;
    let id = put_aside(&lab, "hello-prod-v002").await;
    lab.simulation.set_observer(None);
    let destroyed = app("hello", HELLO_1_0, "  destroy: true\n");
    lab.write("hello", destroyed);
    let before = summary(&lab.simulation);
    assert_eq!(lab.apply(true).await, Outcome::Blocked);
    assert_eq!(lab.diary(), "");
    assert_eq!(summary(&lab.simulation), before);
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Blocked);
    assert!(plan.reason.contains(&format!("{id} of v002 is in standby")), "{}", plan.reason);
    take_back(&lab, "hello-prod-v002", &id);
    protect(&lab, "hello-prod-v002");
    lab.pass(60).await;
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
}
