//! What is changed on what runs, and drift.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn settings_change_in_place_and_drift_is_put_right() {
    let mut lab = deployed("").await;
    lab.diary();
    let changed = app("hello", HELLO_1_0, "  loadBalancer: {deregistrationDelay: 20s}\n");
    lab.write("hello", changed.replace("max: 4", "max: 8").replace("/health_check", "/healthy"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: a new health check is tried before it decides over what serves
    07:07 ModifyTargetGroup hello-prod-b: nothing in this slot has traffic: the new health check is tried here
    07:07 RegisterTargets hello-prod-b: instances of v001 take part, without traffic here
    07:07 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 60s → 20s
    07:07 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 60s → 20s
    07:57 DeregisterTargets hello-prod-b: the trial of a health check is over
    07:57 DeleteTags hello-prod-v001: the trial is over: its instances passed the new health check
    07:57 ModifyTargetGroup hello-prod-a: the health check differs from the manifest
    07:57 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;

    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("MaxSize", "20")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &resize);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift.len(), plan.fields.len()), (Change::Drift, 1, 0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"07:58 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
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

#[tokio::test(start_paused = true)]
async fn how_the_new_image_is_checked_is_not_how_the_old_one_is() {
    let hook = "  launch: {lifecycleHooks: [{name: warm, transition: launching, timeout: 1m, default: abandon}]}\n";
    for rolled_back in [false, true] {
        let mut lab = deployed("").await;
        lab.diary();
        let (image, hook) = if rolled_back { (HELLO_1_1, "") } else { (HELLO_BAD, hook) };
        let extra = format!("  progressDeadline: 5m\n{hook}");
        let ready = "/ready, gracePeriod: 30s";
        let next = app("hello", image, &extra).replace("/health_check", ready);
        lab.write("hello", next.clone());
        let shown = lab.plan("hello").await.fields;
        assert!(shown.iter().any(|field| field.path == "healthCheck.path"), "{shown:?}");
        match rolled_back {
            true => {
                assert_eq!(lab.apply(false).await, Outcome::Converged);
                assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
            }
            false => assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed),
        }
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        let checked = |lab: &Lab, slot: &str| {
            let arn = lab.target_group(&format!("hello-prod-{slot}"));
            lab.simulation.with(|world| world.balancing.target_groups.get(&arn).unwrap().check.path.clone())
        };
        assert_eq!(
            (checked(&lab, "a").as_deref(), checked(&lab, "b").as_deref()),
            (Some("/health_check"), Some("/ready"))
        );
        let (group, hooks) = lab.simulation.with(|world| {
            let group = world.scaling.groups.get("hello-prod-v001").unwrap();
            (group.grace_period.as_seconds(), group.hooks.len())
        });
        assert_eq!((group, hooks), (120, 0));
        let settled = lab.plan("hello").await;
        assert_eq!((settled.change, settled.actions.len(), settled.drift.len()), (Change::Blocked, 0, 0));
        lab.diary();
        // What is about the app as a whole follows the manifest all the same.
        lab.write("hello", next.replace("max: 4", "max: 8"));
        assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
        assert_eq!(
            lab.diary().lines().map(|line| &line[6..]).collect::<Vec<_>>(),
            [
                "UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest",
                "CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest",
            ]
        );
        assert_eq!(lab.plan("hello").await.actions.len(), 0);
        // Once the manifest asks for the old image with the new check, that is a change of the manifest.
        lab.write("hello", next.replace(image, HELLO_1_0).replace(hook, "").replace("max: 4", "max: 8"));
        assert_eq!(lab.plan("hello").await.fields.len(), 2);
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        assert_eq!(checked(&lab, "a").as_deref(), Some("/ready"));
        settles(&lab).await;
    }
}
