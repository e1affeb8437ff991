//! What somebody does by hand, or what dies.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_is_replaced_by_its_group_and_is_no_business_of_ours() {
    let lab = deployed("").await;
    let victim = lab.instances("hello-prod-v001")[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(180).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert!(!lab.instances("hello-prod-v001").contains(&victim));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_somebody_deleted_comes_back_with_the_traffic_where_it_was() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    lab.diary();
    lab.simulation.set_observer(None);
    let listener = lab.simulation.with(|world| world.balancing.listeners.keys().next().unwrap().to_string());
    lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:15 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    13:16 CreateOrUpdateTags hello-prod-v002: these are its listeners now
    ");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    lab.pass(60).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_somebody_took_out_of_the_listener_is_put_back_before_the_next_release_needs_it() {
    let mut lab = deployed("").await;
    lab.diary();
    let (listener, live) = lab.simulation.with(|world| {
        let listener = world.balancing.listeners.keys().next().unwrap().to_string();
        let groups = world.balancing.target_groups.values();
        (listener, groups.into_iter().find(|group| group.name == "hello-prod-a").unwrap().arn.clone())
    });
    let only = [("DefaultActions.member.1.Type", "forward"), ("DefaultActions.member.1.TargetGroupArn", &live)];
    lab.by_hand("elasticloadbalancing", "ModifyListener", &[&[("ListenerArn", listener.as_str())], &only[..]].concat());
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:08 ModifyListener listener/hello-prod: v002 can be checked only where its target group is named
    07:44 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:15 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:15 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:14 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:14 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

/// What somebody does to an instance of the new group, or to that group, right after its launch.
async fn interfered(after: u64, interfere: impl FnOnce(&Lab)) -> Lab {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply_for(Duration::from_secs(after)).await;
    lab.diary();
    lab.simulation.set_observer(None);
    interfere(&lab);
    crate::invariants::watch(&lab.simulation);
    lab
}

const LAUNCHING: u64 = 15;
const BAKING: u64 = 150;

#[tokio::test(start_paused = true)]
async fn instances_that_die_at_any_step_delay_a_release_and_end_nothing() {
    for (after, group) in [
        (LAUNCHING, "hello-prod-v002"),
        (LAUNCHING, "hello-prod-v001"),
        (BAKING, "hello-prod-v002"),
        (BAKING, "hello-prod-v001"),
    ] {
        let lab = interfered(after, |lab| {
            let victim = lab.instances(group).remove(0);
            lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
        })
        .await;
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{group} after {after} s: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_group_that_somebody_shrinks_grows_again_before_it_takes_over() {
    let lab = interfered(LAUNCHING, |lab| {
        let to = [("AutoScalingGroupName", "hello-prod-v002"), ("MinSize", "0"), ("DesiredCapacity", "1")];
        lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &to);
    })
    .await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:23 UpdateAutoScalingGroup hello-prod-v002: the group differs from the manifest
    07:23 CreateOrUpdateTags hello-prod-v002: it needs more instances: its progressDeadline counts from now
    07:23 UpdateAutoScalingGroup hello-prod-v002: it takes over from 2 instances
    07:45 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:15 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:15 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:15 DeleteTags hello-prod-v002: it is ready again: its progressDeadline counts no more
    13:15 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:15 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_group_that_grows_during_a_release_is_taken_over_from_at_its_new_size() {
    let lab = interfered(LAUNCHING, |lab| {
        let to = [("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "4")];
        lab.by_hand("autoscaling", "SetDesiredCapacity", &to);
    })
    .await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:23 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    07:23 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    07:23 CreateOrUpdateTags hello-prod-v002: it needs more instances: its progressDeadline counts from now
    07:23 CreateOrUpdateTags hello-prod-v002: its min is 2 again after the release
    07:23 UpdateAutoScalingGroup hello-prod-v002: it takes over from 4 instances
    08:00 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:30 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:30 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:30 DeleteTags hello-prod-v002: it is ready again: its progressDeadline counts no more
    13:30 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:30 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    13:31 UpdateAutoScalingGroup hello-prod-v002: the release is over: it may scale in again
    13:31 DeleteTags hello-prod-v002: scaling decides about its size again
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 4)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_serves_does_not_scale_in_between_launch_and_record_and_may_again_afterwards() {
    let mut lab = deployed("").await;
    let to = |group: &str, desired: &str| {
        lab.by_hand(
            "autoscaling",
            "SetDesiredCapacity",
            &[("AutoScalingGroupName", group), ("DesiredCapacity", desired)],
        );
    };
    to("hello-prod-v001", "4");
    lab.pass(180).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.diary();
    lab.apply_for(Duration::from_secs(LAUNCHING)).await;
    let sizes = |group: &str| {
        lab.simulation.with(|world| {
            let group = world.scaling.groups.get(group).unwrap();
            (group.min, group.desired, group.max)
        })
    };
    assert_eq!((sizes("hello-prod-v001"), sizes("hello-prod-v002")), ((4, 4, 4), (4, 4, 4)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    10:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    10:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    10:08 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    10:08 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    10:45 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    11:15 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    11:15 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    16:15 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    16:15 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    16:16 UpdateAutoScalingGroup hello-prod-v002: the release is over: it may scale in again
    16:16 DeleteTags hello-prod-v002: scaling decides about its size again
    ");
    assert_eq!(sizes("hello-prod-v002"), (2, 4, 4), "the number belongs to scaling, and is preserved");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_min_that_was_held_for_a_release_that_failed_is_let_go() {
    let mut lab = deployed("").await;
    let four = [("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "4")];
    lab.by_hand("autoscaling", "SetDesiredCapacity", &four);
    lab.pass(180).await;
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 2m\n"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    10:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    10:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    10:08 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    10:08 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    12:07 CreateOrUpdateTags hello-prod-v002: v002 failed: 0 of 4 instances healthy after 2m: i-006526b0e96899feb Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    12:08 UpdateAutoScalingGroup hello-prod-v001: the release is over: it may scale in again
    12:08 DeleteTags hello-prod-v001: scaling decides about its size again
    12:09 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    12:09 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    ");
    let min = lab.simulation.with(|world| world.scaling.groups.get("hello-prod-v001").unwrap().min);
    assert_eq!(min, 2, "a pinned minimum would cost money for ever");
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_somebody_detaches_is_attached_again() {
    for (after, group, slot) in
        [(LAUNCHING, "hello-prod-v002", "hello-prod-b"), (BAKING + 400, "hello-prod-v002", "hello-prod-b")]
    {
        let lab = interfered(after, |lab| {
            let arn = lab.target_group(slot);
            let from = [("AutoScalingGroupName", group), ("TargetGroupARNs.member.1", arn.as_str())];
            lab.by_hand("autoscaling", "DetachLoadBalancerTargetGroups", &from);
        })
        .await;
        lab.pass(5).await;
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        assert!(
            lab.diary().contains("AttachLoadBalancerTargetGroups hello-prod-v002: somebody has detached hello-prod-b")
        );
        lab.pass(120).await;
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_group_that_somebody_deletes_is_launched_again() {
    let lab = interfered(LAUNCHING, |lab| {
        let group = [("AutoScalingGroupName", "hello-prod-v002"), ("ForceDelete", "true")];
        unprotect(lab, "hello-prod-v002");
        lab.by_hand("autoscaling", "DeleteAutoScalingGroup", &group);
    })
    .await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:49 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    08:25 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:55 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:55 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:55 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:55 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_serves_and_was_deleted_by_somebody_comes_back() {
    let lab = deployed("").await;
    lab.diary();
    lab.simulation.set_observer(None);
    unprotect(&lab, "hello-prod-v001");
    let group = [("AutoScalingGroupName", "hello-prod-v001"), ("ForceDelete", "true")];
    lab.by_hand("autoscaling", "DeleteAutoScalingGroup", &group);
    lab.pass(120).await;
    crate::invariants::watch(&lab.simulation);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    09:07 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    09:43 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    10:13 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    10:13 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    15:13 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    assert_eq!(serving(&lab).len(), 1);
    settles(&lab).await;
}

fn unprotect(lab: &Lab, group: &str) {
    let none = [("AutoScalingGroupName", group), ("DeletionProtection", "none")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &none);
}

/// Takes all instances of a group out of its target group.
pub(super) fn deregister(lab: &Lab, group: &str, slot: &str) {
    let arn = lab.target_group(slot);
    for id in lab.instances(group) {
        let target = [("TargetGroupArn", arn.as_str()), ("Targets.member.1.Id", id.as_str())];
        lab.by_hand("elasticloadbalancing", "DeregisterTargets", &target);
    }
}

/// Gives the slots a and b these weights.
pub(super) fn weigh(lab: &Lab, a: &str, b: &str) {
    let (listener, slots) =
        (lab.listener("hello-prod"), ["hello-prod-a", "hello-prod-b"].map(|slot| lab.target_group(slot)));
    let group = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let names = [1, 2].map(|number| (format!("{group}.{number}.TargetGroupArn"), format!("{group}.{number}.Weight")));
    let to = [
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "forward"),
        (&names[0].0, &slots[0]),
        (&names[0].1, a),
        (&names[1].0, &slots[1]),
        (&names[1].1, b),
    ];
    lab.by_hand("elasticloadbalancing", "ModifyListener", &to);
}

#[tokio::test(start_paused = true)]
async fn what_serves_is_registered_again_while_a_bad_release_is_under_way_and_after_it_failed() {
    let mut lab = deployed("").await;
    let bad = app("hello", HELLO_BAD, "  progressDeadline: 5m\n");
    lab.write("hello", bad);
    lab.apply_for(Duration::from_secs(LAUNCHING)).await;
    lab.diary();
    lab.simulation.set_observer(None);
    deregister(&lab, "hello-prod-v001", "hello-prod-a");
    lab.apply_for(Duration::from_secs(60)).await;
    let diary = lab.diary();
    assert!(diary.contains("RegisterTargets hello-prod-a: somebody has taken them out of the target group"), "{diary}");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)], "within a minute");
    crate::invariants::watch(&lab.simulation);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    lab.diary();
    lab.simulation.set_observer(None);
    deregister(&lab, "hello-prod-v001", "hello-prod-a");
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert!(lab.diary().contains("RegisterTargets hello-prod-a"), "after the failure, too");
    lab.pass(60).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_somebody_takes_out_of_its_target_group_is_registered_again_and_the_release_goes_on() {
    for after in [45, 60] {
        let lab = interfered(after, |lab| deregister(lab, "hello-prod-v002", "hello-prod-b")).await;
        let begun = lab.clock.now();
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        assert!(lab.diary().contains("RegisterTargets hello-prod-b"), "after {after} s");
        let took = lab.clock.now().as_second() - begun.as_second();
        assert!(took < 480, "it does not wait for its deadline: {took} s");
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn weights_that_somebody_gives_to_a_generation_that_boots_are_put_right_and_the_release_goes_on() {
    for (a, b) in [("0", "100"), ("50", "50"), ("1", "999")] {
        let lab = interfered(LAUNCHING, |lab| weigh(lab, a, b)).await;
        lab.apply_for(Duration::from_secs(10)).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0), "{a}/{b} at once");
        let begun = lab.diary();
        assert!(begun.contains("somebody gave v002 traffic before it was ready for it"), "{begun}");
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{a}/{b}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
        settles(&lab).await;
    }
}

const CANARY: &str = "  strategy: {canary: {steps: [{weight: 10}, {pause: 5m}], bakeTime: 2m}}\n";

/// What somebody does to the traffic while a canary has its share.
async fn beside_a_canary(interfere: impl FnOnce(&Lab)) -> Lab {
    let mut lab = deployed(CANARY).await;
    lab.write("hello", app("hello", HELLO_1_1, CANARY));
    lab.apply_for(Duration::from_secs(120)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 10);
    lab.diary();
    lab.simulation.set_observer(None);
    interfere(&lab);
    lab
}

#[tokio::test(start_paused = true)]
async fn traffic_that_somebody_switches_off_beside_a_canary_is_divided_as_before_and_the_canary_goes_on() {
    let off = |lab: &Lab| weigh(lab, "0", "0");
    let deleted = |lab: &Lab| {
        let listener = lab.listener("hello-prod");
        lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
    };
    for (name, interfere) in [("weights 0/0", &off as &dyn Fn(&Lab)), ("no listener", &deleted)] {
        let lab = beside_a_canary(interfere).await;
        lab.apply_for(Duration::from_secs(10)).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (90, 10), "{name}: {}", lab.diary());
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{name}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{name}");
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_somebody_takes_out_entirely_is_turned_down_and_not_called_bad() {
    let lab = beside_a_canary(|lab| weigh(lab, "100", "0")).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let plan = lab.plan("hello").await;
    let said = "v002 was taken out of the traffic by hand, or by a run that ended before it could say why; v001 serves until \
                the manifest changes or `amiable retry hello`";
    assert_eq!(plan.reason, said);
    assert_eq!(lab.retry("hello").await, Outcome::Converged, "{}", lab.diary());
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_lost_its_tags_stops_a_release_before_anything_is_launched_or_removed() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.simulation.set_observer(None);
    let arn = lab.target_group("hello-prod-a");
    let untag = [("ResourceArns.member.1", arn.as_str()), ("TagKeys.member.1", "amiable:owner")];
    lab.by_hand("elasticloadbalancing", "RemoveTags", &untag);
    lab.write("hello", app("hello", HELLO_1_1, "  launch: {userData: another}\n"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "", "nothing is launched or removed");
    assert_eq!(lab.instances("hello-prod-v001").len(), 2, "the way back stays");
    let tag = [
        ("ResourceArns.member.1", arn.as_str()),
        ("Tags.member.1.Key", "amiable:owner"),
        ("Tags.member.1.Value", "amiable"),
    ];
    lab.by_hand("elasticloadbalancing", "AddTags", &tag);
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_traffic_of_what_is_deployed_goes_back_to_it_when_somebody_moves_the_weights() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.pass(240).await;
    lab.diary();
    weigh(&lab, "100", "0");
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift.len(), plan.failure), (Change::Drift, 1, None), "{}", plan.reason);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let diary = lab.diary();
    let back =
        "ModifyListener listener/hello-prod: somebody gave the traffic of v002, which is deployed, to v001 by hand";
    assert!(diary.contains(back) && diary.lines().count() == 1, "{diary}");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_targets_of_the_way_back_are_registered_again_while_a_release_bakes() {
    let lab = interfered(BAKING, |lab| deregister(lab, "hello-prod-v001", "hello-prod-a")).await;
    lab.apply_for(Duration::from_secs(20)).await;
    let diary = lab.diary();
    assert!(diary.contains("RegisterTargets hello-prod-a: somebody has taken them out of the target group"), "{diary}");
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}
