//! Releases that are held up: by a person, an interruption, an instance that is replaced, or a call that AWS refuses.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::plan::intent;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

/// The new generation is healthy, and its stability window is not over.
const HEALTHY: Duration = Duration::from_secs(50);
const HOURS: u64 = 3 * 3600;
/// More than the 20 minutes that a release may take to get ready.
const TOO_LONG: Duration = Duration::from_secs(25 * 60);

async fn released_as_far_as(time: Duration) -> Lab {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply_for(time).await;
    lab.diary();
    lab
}

fn resize(lab: &Lab, group: &str, desired: &str) {
    let to = [("AutoScalingGroupName", group), ("DesiredCapacity", desired)];
    lab.by_hand("autoscaling", "SetDesiredCapacity", &to);
}

fn terminate_one_of(lab: &Lab, group: &str) {
    let victim = lab.instances(group).remove(0);
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
}

/// Min, desired and max.
fn sizes(lab: &Lab, group: &str) -> (u32, u32, u32) {
    lab.simulation.with(|world| {
        let group = world.scaling.groups.get(group).unwrap();
        (group.min, group.desired, group.max)
    })
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_was_ready_may_grow_after_an_interruption_of_hours() {
    let lab = released_as_far_as(HEALTHY).await;
    lab.pass(HOURS).await;
    resize(&lab, "hello-prod-v001", "3");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    188:00 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    188:00 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 3
    188:00 CreateOrUpdateTags hello-prod-v002: it needs more instances: its progressDeadline counts from now
    188:00 CreateOrUpdateTags hello-prod-v002: its min is 2 again after the release
    188:00 UpdateAutoScalingGroup hello-prod-v002: it takes over from 3 instances
    188:01 CreateOrUpdateTags hello-prod-v002: it was ready, and is not any more: its progressDeadline counts from now
    188:01 DeleteTags hello-prod-v002: an instance is not healthy any more: the stability window begins anew
    188:37 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    189:07 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    189:07 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    194:07 DeleteTags hello-prod-v002: it is ready again: its progressDeadline counts no more
    194:07 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    194:07 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    194:08 UpdateAutoScalingGroup hello-prod-v002: the release is over: it may scale in again
    194:09 DeleteTags hello-prod-v002: scaling decides about its size again
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 3)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_was_ready_may_replace_an_instance_after_a_long_pause() {
    let lab = released_as_far_as(HEALTHY).await;
    lab.say("hello", "the on-call wants to look", intent::pause).await;
    lab.apply_for(TOO_LONG).await;
    terminate_one_of(&lab, "hello-prod-v002");
    lab.apply_for(Duration::from_secs(20)).await;
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_replaced_at_the_end_of_a_bake_that_nobody_watched_is_waited_for() {
    let lab = released_as_far_as(3 * Duration::from_secs(60)).await;
    lab.pass(HOURS).await;
    terminate_one_of(&lab, "hello-prod-v002");
    lab.pass(20).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_never_gets_ready_fails_only_after_its_time_without_the_pause() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, ""));
    lab.apply_for(HEALTHY).await;
    lab.say("hello", "", intent::pause).await;
    assert_eq!(lab.apply_for(TOO_LONG).await, Outcome::TimedOut);
    lab.diary();
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    33:00 CreateOrUpdateTags hello-prod-v002: the time paused does not count: its progressDeadline starts again
    33:00 DeleteTags hello-prod-v002: resumed by simulated
    53:15 CreateOrUpdateTags hello-prod-v002: v002 failed: 0 of 2 instances healthy after 20m: i-00c40ed661dc35f6f Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 42 instances taken out of service in response to an ELB system health check failure
    53:16 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    53:16 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    ");
}

#[tokio::test(start_paused = true)]
async fn a_max_that_is_lowered_with_a_release_that_fails_stands_in_no_way() {
    let mut lab = deployed("").await;
    resize(&lab, "hello-prod-v001", "4");
    lab.pass(180).await;
    let lower = app("hello", HELLO_BAD, "  progressDeadline: 2m\n").replace("max: 4", "max: 3");
    lab.write("hello", lower);
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    10:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    10:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    10:08 CreateOrUpdateTags hello-prod-v001: its min is 2 again after the release
    10:08 UpdateAutoScalingGroup hello-prod-v001: it must not scale in while the next generation is measured against its 4
    12:07 CreateOrUpdateTags hello-prod-v002: v002 failed: 0 of 3 instances healthy after 2m: i-008a8043bceaba8a7 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    12:08 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    12:08 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    12:08 UpdateAutoScalingGroup hello-prod-v001: the release is over: it may scale in again
    12:08 DeleteTags hello-prod-v001: scaling decides about its size again
    12:09 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    12:09 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    ");
    assert_eq!(sizes(&lab, "hello-prod-v001"), (2, 3, 3));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_eq!(sizes(&lab, "hello-prod-v002"), (0, 0, 3));
    assert_eq!(lab.diary(), "", "nothing is left to do");
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_is_refused_leaves_what_serves_as_it_was() {
    let mut lab = deployed("").await;
    resize(&lab, "hello-prod-v001", "4");
    lab.pass(180).await;
    let refuse = |request: &Request, _: bool| {
        let refused = request.operation == "CreateAutoScalingGroup";
        refused.then(|| Fault::Refuse(ApiError::new("ValidationError", "no such role")))
    };
    lab.simulation.set_faults(Some(Box::new(refuse)));
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(sizes(&lab, "hello-prod-v001"), (2, 4, 4), "it scales as ever");

    lab.simulation.set_faults(None);
    lab.apply_for(HEALTHY).await;
    assert_eq!(sizes(&lab, "hello-prod-v001"), (4, 4, 4), "held while it is measured against");
    lab.simulation.set_faults(Some(Box::new(refuse)));
    lab.simulation.with(|world| world.add_image("ami-00000000000000112", "hello 1.1.2", ""));
    lab.write("hello", app("hello", "ami-00000000000000112", ""));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_snapshot!(lab.diary(), @"
    11:02 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    11:03 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    12:35 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    12:35 DeleteLaunchTemplate hello-prod-v002: its group is gone
    12:41 UpdateAutoScalingGroup hello-prod-v001: the release is over: it may scale in again
    12:41 DeleteTags hello-prod-v001: scaling decides about its size again
    12:41 CreateAutoScalingGroup hello-prod-v003 failed: autoscaling:CreateAutoScalingGroup hello-prod-v003: ValidationError: no such role
    ");
    assert_eq!(sizes(&lab, "hello-prod-v001"), (2, 4, 4), "and again where the next one never came");
}

#[tokio::test(start_paused = true)]
async fn what_is_emptied_waits_for_its_successor_to_be_whole_and_says_so() {
    use amiable::sim::world::scaling::LaunchFailure;
    let mut lab = deployed("  retain: {for: 10m}\n").await;
    lab.write("hello", app("hello", HELLO_1_1, "  retain: {for: 10m}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.simulation.with(|world| world.scaling.capacity.failure = Some(LaunchFailure::InsufficientInstanceCapacity));
    terminate_one_of(&lab, "hello-prod-v002");
    lab.pass(700).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged, "the release is complete");
    let during = async {
        lab.pass(1800).await;
        let waits = lab.plan("hello").await.waits;
        assert_eq!(waits[0].what, "all instances of v002 to be healthy, 1/2 now, before v001 is removed");
        assert_eq!(lab.diary(), "");
        lab.simulation.with(|world| world.scaling.capacity.failure = None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(true), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}
