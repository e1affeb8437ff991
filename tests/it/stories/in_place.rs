//! What is changed on what runs, and drift.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn settings_change_in_place_and_drift_is_put_right() {
    let mut lab = deployed("").await;
    lab.diary();
    let changed = app("hello", HELLO_1_0, "  loadBalancer: {deregistrationDelay: 20s}\n");
    lab.write("hello", changed.replace("max: 4", "max: 8").replace("/health_check", "/healthy"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:09 ModifyTargetGroup hello-prod-a: the health check differs from the manifest
    07:09 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 60s → 20s
    07:09 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 60s → 20s
    07:09 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;

    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("MaxSize", "20")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &resize);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift.len(), plan.fields.len()), (Change::Drift, 1, 0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"07:10 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_scaling_added_is_kept_over_a_release() {
    let mut lab = deployed("").await;
    lab.by_hand(
        "autoscaling",
        "SetDesiredCapacity",
        &[("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "4")],
    );
    lab.pass(120).await;
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 4)]);
}
