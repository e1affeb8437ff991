//! How groups scale by themselves, and what a release does to that: policies, timetables, processes, labels.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

const CPU: &str = "  scaling: {targetTracking: [{metric: ASGAverageCPUUtilization, target: 60}]}\n";

/// The names of what a group does by itself.
fn policies(lab: &Lab, group: &str) -> Vec<String> {
    lab.simulation.with(|world| {
        let group = world.scaling.groups.get(group).unwrap();
        group.policies.keys().chain(group.scheduled.keys()).chain(group.hooks.keys()).cloned().collect()
    })
}

/// Fewest, wanted and most instances.
fn sizes(lab: &Lab, group: &str) -> (u32, u32, u32) {
    lab.simulation.with(|world| {
        let group = world.scaling.groups.get(group).unwrap();
        (group.min, group.desired, group.max)
    })
}

async fn drift(lab: &Lab) -> Vec<String> {
    let said = |text: Option<String>| text.unwrap_or_default();
    let drift = lab.plan("hello").await.drift;
    drift.into_iter().map(|it| format!("{}: {}, not {}", it.path, said(it.before), said(it.after))).collect()
}

#[tokio::test(start_paused = true)]
async fn policies_are_there_right_after_the_launch_and_change_in_place() {
    let mut lab = deployed(CPU).await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:00 CreateLoadBalancer hello-prod: the app has no load balancer
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    00:05 PutScalingPolicy hello-prod-v001-tt-ASGAverageCPUUtilization: its scaling policies differ from the manifest
    00:05 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    01:37 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:07 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    02:07 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:07 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:07 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    let tracks = "{metric: ASGAverageCPUUtilization, target: 45.5}, {metric: ALBRequestCountPerTarget, target: 1000}";
    lab.write("hello", app("hello", HELLO_1_0, &format!("  scaling: {{targetTracking: [{tracks}]}}\n")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:08 PutScalingPolicy hello-prod-v001-tt-ASGAverageCPUUtilization: its scaling policies differ from the manifest
    07:08 PutScalingPolicy hello-prod-v001-tt-ALBRequestCountPerTarget: its scaling policies differ from the manifest
    07:08 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 DeletePolicy hello-prod-v001-tt-ALBRequestCountPerTarget: its scaling policies differ from the manifest
    07:09 DeletePolicy hello-prod-v001-tt-ASGAverageCPUUtilization: its scaling policies differ from the manifest
    07:09 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(policies(&lab, "hello-prod-v001"), [""; 0]);
    lab.deep = true;
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_deleted_by_hand_is_drift_and_a_policy_of_somebody_else_is_left_alone() {
    let mut lab = deployed(CPU).await;
    lab.diary();
    let group = ("AutoScalingGroupName", "hello-prod-v001");
    lab.by_hand("autoscaling", "DeletePolicy", &[group, ("PolicyName", "hello-prod-v001-tt-ASGAverageCPUUtilization")]);
    let theirs = [("PolicyName", "nightly"), ("AdjustmentType", "ChangeInCapacity"), ("ScalingAdjustment", "1")];
    lab.by_hand("autoscaling", "PutScalingPolicy", &[&[group], &theirs[..]].concat());
    assert_eq!(lab.plan("hello").await.change, Change::Unchanged, "only a deep look costs a call for each group");
    lab.deep = true;
    assert_eq!(drift(&lab).await, ["scaling.targetTracking: none, not ASGAverageCPUUtilization at 60"]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:08 PutScalingPolicy hello-prod-v001-tt-ASGAverageCPUUtilization: its scaling policies differ from the manifest
    ");
    let plan = lab.plan("hello").await;
    assert_eq!(plan.notes, ["scaling policy nightly of group hello-prod-v001 is not Amiable's; it is left alone"]);
    settles(&lab).await;

    let ignoring = format!("{CPU}  drift: {{ignore: [scaling]}}\n");
    lab.write("hello", app("hello", HELLO_1_0, &ignoring));
    lab.by_hand("autoscaling", "DeletePolicy", &[group, ("PolicyName", "hello-prod-v001-tt-ASGAverageCPUUtilization")]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn scaling_takes_nothing_away_while_one_generation_takes_over_from_another() {
    let mut lab = deployed(CPU).await;
    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "4")];
    lab.by_hand("autoscaling", "SetDesiredCapacity", &resize);
    lab.pass(120).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, CPU));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    09:08 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    09:08 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    09:09 PutScalingPolicy hello-prod-v002-tt-ASGAverageCPUUtilization: its scaling policies differ from the manifest
    09:09 CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    09:09 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    09:09 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    09:46 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    10:16 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    10:16 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    15:16 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    15:16 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    15:17 UpdateAutoScalingGroup hello-prod-v002: the release is over: it may scale in again
    15:17 DeleteTags hello-prod-v002: scaling decides about its size again
    ");
    assert_eq!(sizes(&lab, "hello-prod-v001"), (4, 4, 4), "the way back stays as large as it was");
    assert_eq!(sizes(&lab, "hello-prod-v002"), (2, 4, 4), "what serves may scale again");
    assert_eq!(lab.rollback("hello", "too slow").await, Outcome::ReleaseFailed);
    assert_eq!(sizes(&lab, "hello-prod-v001"), (2, 4, 4), "and so may what serves again");
}

#[tokio::test(start_paused = true)]
async fn a_timetable_sets_the_sizes_and_that_is_no_drift() {
    let times =
        "{name: day, schedule: '0 14 * * *', min: 3, desired: 4}, {name: night, schedule: '0 20 * * *', min: 2}";
    let extra = format!("  scaling: {{scheduled: [{times}]}}\n");
    let mut lab = deployed(&extra).await;
    assert_eq!(policies(&lab, "hello-prod-v001"), ["hello-prod-v001-at-day", "hello-prod-v001-at-night"]);
    lab.diary();
    lab.deep = true;
    settles(&lab).await;
    lab.pass(2 * 3600).await;
    assert_eq!(sizes(&lab, "hello-prod-v001"), (3, 4, 4), "it is past two in the afternoon");
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_1, &extra));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(sizes(&lab, "hello-prod-v002"), (3, 4, 4), "the next generation knows what time it is");
    lab.pass(6 * 3600).await;
    assert_eq!(sizes(&lab, "hello-prod-v002"), (2, 4, 4));
    settles(&lab).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, &extra.replace(", {name: night, schedule: '0 20 * * *', min: 2}", "")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    // After so many hours the calls fall on the boundary between two seconds.
    let diary = lab.diary();
    let done: Vec<&str> = diary.lines().filter_map(|line| line.split_once(' ').map(|(_, done)| done)).collect();
    assert_snapshot!(done.join("\n"), @"
    UpdateAutoScalingGroup hello-prod-v002: the group differs from the manifest
    DeleteScheduledAction hello-prod-v002-at-night: its scheduled actions differ from the manifest
    CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_hour_of_a_timetable_brings_no_failed_generation_back() {
    let extra =
        "  scaling: {scheduled: [{name: day, schedule: '0 14 * * *', min: 2, max: 4}]}\n  progressDeadline: 5m\n";
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", HELLO_BAD, extra));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    lab.pass(3 * 3600).await;
    assert_eq!(sizes(&lab, "hello-prod-v002"), (0, 0, 4));
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_suspends_is_resumed_unless_the_manifest_suspends_it() {
    let mut lab = deployed("").await;
    lab.diary();
    let processes = [("ScalingProcesses.member.1", "Launch"), ("ScalingProcesses.member.2", "AZRebalance")];
    let group = ("AutoScalingGroupName", "hello-prod-v001");
    lab.by_hand("autoscaling", "SuspendProcesses", &[&[group], &processes[..]].concat());
    assert_eq!(drift(&lab).await, ["instances.suspendedProcesses: AZRebalance, Launch, not none"]);
    let wanted = app("hello", HELLO_1_0, "").replace("max: 4}", "max: 4, suspendedProcesses: [AZRebalance]}");
    lab.write("hello", wanted);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 ResumeProcesses hello-prod-v001: a process is suspended that the manifest does not suspend
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_0, "  drift: {ignore: [instances.suspendedProcesses]}\n"));
    lab.apply(false).await;
    lab.by_hand("autoscaling", "SuspendProcesses", &[group, processes[1]]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn maintenance_policy_and_warm_up_change_in_place_and_are_taken_away_in_place() {
    let mut lab = deployed("").await;
    lab.diary();
    let with = app("hello", HELLO_1_0, "  scaling: {defaultInstanceWarmup: 1m}\n")
        .replace("max: 4}", "max: 4, maintenancePolicy: {minHealthyPercentage: 100, maxHealthyPercentage: 120}}");
    lab.write("hello", with);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
    let kept = |lab: &Lab| {
        lab.simulation.with(|world| {
            let group = world.scaling.groups.get("hello-prod-v001").unwrap();
            (group.maintenance, group.default_instance_warmup)
        })
    };
    assert_eq!(kept(&lab), (Some((100, 120)), Some(60)));
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(kept(&lab), (None, None));
    assert_snapshot!(lab.diary(), @"
    07:07 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    07:08 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:08 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_label_reaches_the_group_and_its_instances_and_replaces_nothing() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, "").replace("{name: hello}", "{name: hello, labels: {team: shop}}"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateTags hello-prod-v001: the labels differ from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: the labels differ from the manifest
    07:07 AddTags hello-prod: the labels differ from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    let labelled = lab.simulation.with(|world| {
        let of_group = |id: &String| world.compute.instances.get(id).unwrap().tags.get("team").cloned();
        world.scaling.groups.get("hello-prod-v001").unwrap().members.keys().filter_map(of_group).collect::<Vec<_>>()
    });
    assert_eq!(labelled, ["shop", "shop"]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn somebody_who_makes_the_group_blind_to_its_load_balancer_is_corrected() {
    let lab = deployed("").await;
    lab.diary();
    let blind = [("AutoScalingGroupName", "hello-prod-v001"), ("HealthCheckType", "EC2")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &blind);
    assert_eq!(drift(&lab).await, ["healthCheck: EC2, not ELB"]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_at_an_hour_without_instances_is_proved_by_one_and_a_bad_one_leaves_what_serves_by_day() {
    let times = "{name: off, schedule: '0 18 * * *', min: 0, max: 0, desired: 0}, \
                 {name: on, schedule: '0 8 * * *', min: 2, max: 4, desired: 2}";
    let extra = format!("  scaling: {{scheduled: [{times}]}}\n  progressDeadline: 5m\n");
    let mut lab = deployed(&extra).await;
    lab.pass(7 * 3600).await;
    assert_eq!(sizes(&lab, "hello-prod-v001"), (0, 0, 0), "it is past six in the evening");
    lab.write("hello", app("hello", HELLO_BAD, &extra));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    lab.pass(13 * 3600).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)], "and in the morning all is as it was");

    lab.pass(11 * 3600).await;
    lab.write("hello", app("hello", HELLO_1_1, &extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let diary = lab.diary();
    assert!(diary.contains("all instances are healthy: the stability window begins"), "{diary}");
    lab.apply(false).await;
    lab.pass(60).await;
    assert_eq!(sizes(&lab, "hello-prod-v003"), (0, 0, 0), "once it is proved, the timetable counts");
    lab.pass(14 * 3600).await;
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}
