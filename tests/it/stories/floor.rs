//! What serves never has fewer healthy targets than it had, whatever is changed or done by hand meanwhile.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, SUBNETS};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

/// Sets limits and size of a group by hand.
fn resize(lab: &Lab, group: &str, max: &str, desired: &str) {
    let to = [("AutoScalingGroupName", group), ("MaxSize", max), ("DesiredCapacity", desired)];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &to);
}

#[tokio::test(start_paused = true)]
async fn a_max_that_goes_back_while_the_group_scales_out_waits_until_every_instance_is_healthy() {
    for by_manifest in [false, true] {
        let mut lab = deployed("").await;
        if by_manifest {
            lab.write("hello", app("hello", HELLO_1_0, "").replace("max: 4", "max: 8"));
            assert_eq!(lab.apply(false).await, Outcome::Converged);
        }
        resize(&lab, "hello-prod-v001", "8", "6");
        lab.pass(4).await;
        lab.write("hello", app("hello", HELLO_1_0, ""));
        lab.diary();
        let waits = lab.plan("hello").await.waits;
        assert_eq!(
            waits[0].what,
            "every instance of v001 to be healthy before it shrinks from 6 to 4, because AWS may take out those that serve; \
             healthy 2/6"
        );
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        lab.pass(180).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 4)]);
        settles(&lab).await;
        if !by_manifest {
            assert_snapshot!(lab.diary(), @"07:46 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
        }
    }
}

/// The new generation has all the traffic and is watched.
const BAKING: Duration = Duration::from_secs(150);

async fn baking(extra: &str) -> Lab {
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", HELLO_1_1, extra));
    lab.apply_for(BAKING).await;
    lab.diary();
    lab
}

pub(super) fn terminate_all(lab: &Lab, group: &str) {
    for instance in lab.instances(group) {
        lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &instance)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_loses_every_instance_gives_the_traffic_back_in_one_call() {
    let lab = baking("").await;
    terminate_all(&lab, "hello-prod-v002");
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    09:38 ModifyListener listener/hello-prod: v002 failed: v001 serves again (none of its 2 instances is healthy under traffic)
    09:38 CreateOrUpdateTags hello-prod-v002: v002 failed: none of its 2 instances is healthy under traffic
    09:39 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    09:40 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    09:40 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    10:10 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_loses_every_instance_after_its_record_gives_the_traffic_back_while_the_one_before_is_warm() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    terminate_all(&lab, "hello-prod-v002");
    lab.pass(10).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    13:25 ModifyListener listener/hello-prod: v002 failed: v001 serves again (none of its 2 instances is healthy)
    13:25 CreateOrUpdateTags hello-prod-v002: v002 failed: none of its 2 instances is healthy
    13:26 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    13:27 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    13:33 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    18:26 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:26 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    18:37 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn weights_that_are_moved_to_what_drains_come_back_to_the_only_healthy_generation() {
    let extra = "  retain: {for: 6m}\n  loadBalancer: {deregistrationDelay: 10m}\n";
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", HELLO_1_1, extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.pass(380).await;
    let during = async {
        lab.pass(30).await;
        assert_eq!(lab.simulation.with(|world| world.scaling.groups.get("hello-prod-v001").unwrap().desired), 0);
        let (a, b) = (lab.target_group("hello-prod-a"), lab.target_group("hello-prod-b"));
        let forward = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
        lab.diary();
        lab.by_hand(
            "elasticloadbalancing",
            "ModifyListener",
            &[
                ("ListenerArn", &lab.listener("hello-prod")),
                ("DefaultActions.member.1.Type", "forward"),
                (&format!("{forward}.1.TargetGroupArn"), &a),
                (&format!("{forward}.1.Weight"), "100"),
                (&format!("{forward}.2.TargetGroupArn"), &b),
                (&format!("{forward}.2.Weight"), "0"),
            ],
        );
    };
    let (outcome, ()) = tokio::join!(lab.apply(true), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    20:06 ModifyListener listener/hello-prod: somebody gave the traffic of v002, which is deployed, to v001 by hand: it has all of it again
    30:02 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_loses_its_tags_in_its_bake_is_not_absent_and_stops_the_app() {
    for lost in [&["amiable:owner"][..], &["amiable:environment"], &["amiable:owner", "amiable:environment"]] {
        let lab = baking("").await;
        let tags = |values: &[(&str, &str)]| {
            let mut given = Vec::new();
            for (number, (key, value)) in values.iter().enumerate() {
                let at = |what: &str| format!("Tags.member.{}.{what}", number + 1);
                given.push((at("ResourceId"), "hello-prod-v002".to_owned()));
                given.push((at("ResourceType"), "auto-scaling-group".to_owned()));
                given.push((at("Key"), (*key).to_owned()));
                given.push((at("Value"), (*value).to_owned()));
                given.push((at("PropagateAtLaunch"), "false".to_owned()));
            }
            given
        };
        let call = |operation: &str, given: Vec<(String, String)>| {
            let given: Vec<(&str, &str)> = given.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            lab.by_hand("autoscaling", operation, &given);
        };
        let values = [("amiable:owner", "amiable"), ("amiable:environment", "prod")];
        let lost: Vec<(&str, &str)> = values.into_iter().filter(|(key, _)| lost.contains(key)).collect();
        call("DeleteTags", tags(&lost));
        assert_eq!(lab.apply(false).await, Outcome::Failed, "{lost:?}");
        lab.pass(600).await;
        assert_eq!(lab.apply(true).await, Outcome::Failed, "{lost:?}");
        assert_eq!(lab.diary(), "", "nothing is done");
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        assert_eq!(lab.instances("hello-prod-v001").len(), 2);
        call("CreateOrUpdateTags", tags(&lost));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{lost:?}");
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_left_by_the_load_balancer_only_after_the_instances_that_serve_there() {
    let mut lab = deployed("").await;
    let zone = lab.simulation.with(|world| {
        world.scaling.groups.get("hello-prod-v001").unwrap().members.values().next().unwrap().subnet_id.clone()
    });
    let kept: Vec<&str> = SUBNETS.into_iter().filter(|subnet| *subnet != zone).collect();
    lab.edit_environment("prod", &SUBNETS.join(", "), &kept.join(", "));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.pass(120).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    settles(&lab).await;
}
