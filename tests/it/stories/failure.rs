//! Releases that fail, and what serves then.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD, HELLO_SICK_LATER};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn an_image_that_never_gets_healthy_takes_no_traffic_and_is_not_tried_again() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    12:06 CreateOrUpdateTags hello-prod-v002: v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure
    12:07 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    12:07 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    ");
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("500"), "in AWS's words: {}", plan.reason);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:34 DeleteAutoScalingGroup hello-prod-v002: it failed, and its template is not wanted any more
    13:41 CreateOrUpdateTags hello-prod-v001: v001 is to stay: other runs that ask for another release give way
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_falls_sick_under_traffic_gives_it_back_in_one_call() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    10:03 ModifyListener listener/hello-prod: v002 failed: v001 serves again (unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500])
    10:03 CreateOrUpdateTags hello-prod-v002: v002 failed: unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    10:04 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    10:05 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    10:05 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    10:35 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_capacity_is_waited_for_while_the_old_generation_serves() {
    use amiable::sim::world::scaling::LaunchFailure;
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.scaling.capacity.failure = Some(LaunchFailure::InsufficientInstanceCapacity));
    lab.write("hello", app("hello", HELLO_1_1, "  progressDeadline: 5m\n"));
    let during = async {
        lab.pass(1800).await;
        let plan = lab.plan("hello").await;
        assert!(plan.waits[0].what.contains("sufficient"), "{:?}", plan.waits);
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        lab.simulation.with(|world| world.scaling.capacity.failure = None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_when_a_person_says_so() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    // The database that the new release needs is there now.
    lab.simulation.with(|world| {
        let image = world.images.all.get_mut(HELLO_BAD).unwrap();
        image.tags.remove("sim:behaviour");
    });
    lab.diary();
    assert_eq!(lab.retry("hello").await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    12:08 DeleteTags hello-prod-v002: retry of v002 by simulated
    13:34 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    13:41 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    14:17 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    14:47 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    14:47 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    19:47 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    19:47 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_after_it_had_taken_over_has_a_deadline_like_any_other() {
    let extra = "  progressDeadline: 5m\n";
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", HELLO_1_1, extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    lab.simulation.with(|world| {
        let image = world.images.all.get_mut(HELLO_1_1).unwrap();
        image.tags.insert("sim:behaviour".to_owned(), "never-healthy".to_owned());
    });
    assert_eq!(lab.retry("hello").await, Outcome::ReleaseFailed, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("no instance was ever healthy"), "{}", plan.reason);
}

#[tokio::test(start_paused = true)]
async fn a_quota_and_throttled_launches_are_waited_for_like_a_lack_of_capacity() {
    use amiable::sim::world::scaling::LaunchFailure;
    for failure in [LaunchFailure::VcpuLimitExceeded, LaunchFailure::Other("Request limit exceeded.".to_owned())] {
        let mut lab = deployed("").await;
        lab.simulation.with(|world| world.scaling.capacity.failure = Some(failure));
        lab.write("hello", app("hello", HELLO_1_1, "  progressDeadline: 5m\n"));
        lab.apply_for(std::time::Duration::from_secs(1200)).await;
        let plan = lab.plan("hello").await;
        assert_eq!((plan.failure, plan.change), (None, Change::Replace), "it is no bad image");
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        lab.simulation.with(|world| world.scaling.capacity.failure = None);
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_cannot_succeed_ends_the_release_in_the_words_of_aws() {
    use amiable::sim::world::scaling::LaunchFailure;
    let mut lab = deployed("").await;
    lab.diary();
    let words = "Invalid IAM Instance Profile name.";
    lab.simulation.with(|world| world.scaling.capacity.failure = Some(LaunchFailure::Other(words.to_owned())));
    lab.write("hello", app("hello", HELLO_1_1, "  launch: {iamInstanceProfile: hello}\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:13 CreateOrUpdateTags hello-prod-v002: v002 failed: launch failed: Invalid IAM Instance Profile name. Launching EC2 instance failed.
    07:14 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert!(lab.plan("hello").await.reason.contains("Invalid IAM Instance Profile name"));
}

#[tokio::test(start_paused = true)]
async fn instances_that_end_on_launch_for_want_of_a_key_end_the_release_at_once() {
    let mut lab = deployed("").await;
    lab.diary();
    let why = "Client.InternalError: Client error on launch";
    lab.simulation.with(|world| world.scaling.capacity.ends_on_launch = Some(why.to_owned()));
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let diary = lab.diary();
    assert!(diary.contains("v002 failed: launch failed: Instance became unhealthy while waiting"), "{diary}");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert!(lab.plan("hello").await.reason.contains(why));
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_does_not_know_the_type_is_passed_over_and_the_release_goes_on() {
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.scaling.capacity.unsupported_zones.insert("us-west-2a".to_owned()));
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;

    lab.simulation.with(|world| {
        world.scaling.capacity.unsupported_zones.extend(["us-west-2b".to_owned(), "us-west-2c".to_owned()]);
    });
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "no zone is left");
    let reason = lab.plan("hello").await.reason;
    assert!(reason.contains("not supported in your requested Availability Zone"), "{reason}");
}

/// The first release fell sick under traffic, and goes on serving for want of anything else.
async fn failed_from_the_first() -> Lab {
    let mut lab = Lab::new().await;
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("v001 goes on serving until the manifest changes"), "{}", plan.reason);
    lab.diary();
    lab
}

#[tokio::test(start_paused = true)]
async fn a_failed_release_that_goes_on_serving_follows_the_manifest_in_its_size() {
    let mut lab = failed_from_the_first().await;
    lab.write("hello", app("hello", HELLO_SICK_LATER, "").replace("min: 2, max: 4", "min: 3, max: 6"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    03:06 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    03:06 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    let sizes = lab.simulation.with(|world| {
        let group = world.scaling.groups.get("hello-prod-v001").unwrap();
        (group.min, group.max, group.desired)
    });
    assert_eq!(sizes, (3, 6, 3));
}

#[tokio::test(start_paused = true)]
async fn the_last_generation_that_runs_is_never_emptied_and_gets_its_traffic_back() {
    let lab = failed_from_the_first().await;
    lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &lab.listener("hello-prod"))]);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    03:06 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    03:07 CreateOrUpdateTags hello-prod-v001: these are its listeners now
    ");
    assert_eq!(weight(&lab, "hello-prod-a"), 100);

    let forward = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let [a, b] = ["a", "b"].map(|slot| lab.target_group(&format!("hello-prod-{slot}")));
    let parameters = [
        ("ListenerArn".to_owned(), lab.listener("hello-prod")),
        ("DefaultActions.member.1.Type".to_owned(), "forward".to_owned()),
        (format!("{forward}.1.TargetGroupArn"), a),
        (format!("{forward}.1.Weight"), "0".to_owned()),
        (format!("{forward}.2.TargetGroupArn"), b),
        (format!("{forward}.2.Weight"), "100".to_owned()),
    ];
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    lab.by_hand("elasticloadbalancing", "ModifyListener", &parameters);
    assert_eq!(weight(&lab, "hello-prod-a"), 0);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"03:08 ModifyListener listener/hello-prod: nothing serves: v001 had the traffic last");
    assert_eq!(weight(&lab, "hello-prod-a"), 100);
    assert_eq!(lab.plan("hello").await.actions.len(), 0);
}
