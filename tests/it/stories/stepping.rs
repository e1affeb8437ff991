//! Step scaling: an alarm for each policy of each group, which comes, changes and goes with it.

use std::collections::BTreeMap;

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use amiable::sim::world::metrics::Published;
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

/// One instance more for every fifty jobs that wait, and one fewer when few do.
const JOBS: &str = "  scaling:
    step:
      - name: many
        customMetric: {namespace: Shop, name: JobsWaiting}
        comparison: GreaterThanOrEqualToThreshold
        threshold: 100
        evaluationPeriods: 2
        warmup: 30s
        steps: [{lowerBound: 0, upperBound: 50, adjustment: 1}, {lowerBound: 50, adjustment: 2}]
      - name: few
        customMetric: {namespace: Shop, name: JobsWaiting}
        comparison: LessThanThreshold
        threshold: 10
        evaluationPeriods: 3
        steps: [{upperBound: 0, adjustment: -1}]
";

/// Reports the number of jobs every minute, for some minutes.
async fn jobs(lab: &Lab, waiting: f64, minutes: u32) {
    for _ in 0..minutes {
        let metric = Published { namespace: "Shop".into(), name: "JobsWaiting".into(), dimensions: BTreeMap::new() };
        assert!(lab.simulation.with(|world| world.publish(metric, waiting)));
        lab.pass(60).await;
    }
}

fn desired(lab: &Lab, group: &str) -> u32 {
    lab.simulation.with(|world| world.scaling.groups.get(group).unwrap().desired)
}

fn alarms(lab: &Lab) -> Vec<String> {
    lab.simulation.with(|world| world.metrics.alarms.keys().cloned().collect())
}

/// The last time that a group changed its capacity, in AWS's words.
fn why(lab: &Lab, group: &str) -> String {
    lab.simulation.with(|world| world.scaling.groups.get(group).unwrap().activities[0].cause.clone())
}

#[tokio::test(start_paused = true)]
async fn an_alarm_adds_and_removes_instances_and_every_generation_has_its_own() {
    let mut lab = deployed(JOBS).await;
    assert_snapshot!(lab.diary().lines().filter(|line| line.contains("step")).collect::<Vec<_>>().join("\n"), @"
    00:05 PutScalingPolicy hello-prod-v001-step-many: its scaling policies differ from the manifest
    00:05 PutScalingPolicy hello-prod-v001-step-few: its scaling policies differ from the manifest
    00:06 PutMetricAlarm hello-prod-v001-step-many: its alarms differ from the manifest
    00:06 PutMetricAlarm hello-prod-v001-step-few: its alarms differ from the manifest
    ");
    assert_eq!(alarms(&lab), ["hello-prod-v001-step-few", "hello-prod-v001-step-many"]);
    jobs(&lab, 120.0, 3).await;
    assert_eq!(desired(&lab, "hello-prod-v001"), 3, "a step of one");
    assert!(why(&lab, "hello-prod-v001").contains("a monitor alarm hello-prod-v001-step-many in state ALARM"));
    settles(&lab).await;
    jobs(&lab, 50.0, 4).await;
    jobs(&lab, 500.0, 5).await;
    assert_eq!(desired(&lab, "hello-prod-v001"), 4, "a step of two, but 4 are the most");

    lab.write("hello", app("hello", HELLO_1_1, JOBS));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    19:04 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    19:04 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    19:05 PutScalingPolicy hello-prod-v002-step-many: its scaling policies differ from the manifest
    19:06 PutScalingPolicy hello-prod-v002-step-few: its scaling policies differ from the manifest
    19:06 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    19:06 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    19:07 PutMetricAlarm hello-prod-v002-step-many: its alarms differ from the manifest
    19:07 PutMetricAlarm hello-prod-v002-step-few: its alarms differ from the manifest
    19:07 CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    19:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    20:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    20:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    25:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    25:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    25:14 UpdateAutoScalingGroup hello-prod-v002: the release is over: it may scale in again
    25:15 DeleteTags hello-prod-v002: scaling decides about its size again
    85:13 SuspendProcesses hello-prod-v001: what is emptied stays empty
    85:13 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    86:45 DeleteAlarms hello-prod-v001-step-few: its group is removed
    86:45 DeleteAlarms hello-prod-v001-step-many: its group is removed
    86:45 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    assert_eq!(desired(&lab, "hello-prod-v002"), 4, "a release keeps the size");
    assert_eq!(alarms(&lab), ["hello-prod-v002-step-few", "hello-prod-v002-step-many"]);
    jobs(&lab, 0.0, 8).await;
    assert_eq!(desired(&lab, "hello-prod-v002"), 2, "one at a time, and 2 are the fewest");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn alarms_change_in_place_and_go_before_their_policies() {
    let mut lab = deployed(JOBS).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, &JOBS.replace("threshold: 100", "threshold: 200")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:04 PutMetricAlarm hello-prod-v001-step-many: its alarms differ from the manifest
    07:04 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    lab.deep = true;
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:06 DeleteAlarms hello-prod-v001-step-few: the manifest has no such step
    07:06 DeleteAlarms hello-prod-v001-step-many: the manifest has no such step
    07:06 DeletePolicy hello-prod-v001-step-few: its scaling policies differ from the manifest
    07:06 DeletePolicy hello-prod-v001-step-many: its scaling policies differ from the manifest
    07:06 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(alarms(&lab), [""; 0]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn no_alarm_brings_a_failed_generation_back() {
    let mut lab = deployed(JOBS).await;
    lab.write("hello", app("hello", HELLO_BAD, &format!("{JOBS}  progressDeadline: 5m\n")));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    jobs(&lab, 500.0, 6).await;
    assert_eq!(desired(&lab, "hello-prod-v002"), 0, "it stays empty");
    assert_eq!(desired(&lab, "hello-prod-v001"), 4, "and what serves does the work");
    assert_eq!(serving(&lab).len(), 1);
    lab.write("hello", app("hello", HELLO_1_0, JOBS));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(alarms(&lab), ["hello-prod-v001-step-few", "hello-prod-v001-step-many"], "the tombstone's are gone");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_ends_leaves_no_alarm_and_takes_none_of_others() {
    let mut lab = deployed(JOBS).await;
    lab.simulation.with(|world| world.set_alarm("hello-prod-v001-step-of-mine", "OK", "by hand"));
    lab.diary();
    // An app that is to go may serve less than it had.
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, &format!("{JOBS}  destroy: true\n")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:04 DeleteListener listener/hello-prod: the app is being destroyed
    07:05 SuspendProcesses hello-prod-v001: what is emptied stays empty
    07:05 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:32 DeleteAlarms hello-prod-v001-step-few: its group is removed
    07:32 DeleteAlarms hello-prod-v001-step-many: its group is removed
    07:32 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:38 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    07:39 DeleteTargetGroup hello-prod-a: the app is being destroyed
    07:39 DeleteTargetGroup hello-prod-b: the app is being destroyed
    07:41 DeleteLoadBalancer hello-prod: the app is being destroyed
    07:42 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    assert_eq!(alarms(&lab), ["hello-prod-v001-step-of-mine"]);
}
