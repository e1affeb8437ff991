//! Nobody keeps the cure from its slot, and no wait is without an end or somebody who ends it.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use insta::assert_snapshot;

use super::floor::terminate_all;
use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

const THIRD: &str = "ami-00000000000000111";
const ALARM: &str = "  verification: {alarms: [hello-5xx]}\n";

fn third(lab: &Lab) {
    lab.simulation.with(|world| world.add_image(THIRD, "hello 1.1.1", ""));
}

fn alarm(lab: &Lab, state: &str) {
    lab.simulation.with(|world| world.set_alarm("hello-5xx", state, "Threshold Crossed"));
}

/// Version 1.1 took over, and an alarm gave the traffic back to version 1.0, which has lost all its instances since.
async fn nobody_serves() -> Lab {
    let mut lab = Lab::new().await;
    alarm(&lab, "OK");
    lab.write("hello", app("hello", HELLO_1_0, ALARM));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.write("hello", app("hello", HELLO_1_1, ALARM));
    lab.apply_for(Duration::from_secs(120)).await;
    alarm(&lab, "ALARM");
    lab.apply_for(Duration::from_secs(40)).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    lab.pass(30).await;
    terminate_all(&lab, "hello-prod-v001");
    lab.pass(5).await;
    assert_eq!(serving(&lab), []);
    lab.diary();
    lab
}

#[tokio::test(start_paused = true)]
async fn what_failed_and_still_answers_serves_until_the_generation_before_is_whole_again() {
    let lab = nobody_serves().await;
    lab.apply_for(Duration::from_secs(10)).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    10:31 CreateOrUpdateTags hello-prod-v002: v001 has no healthy instance: v002 serves until it has, though it failed
    10:31 ModifyListener listener/hello-prod: v001 has no healthy instance: v002 serves until it has, though it failed
    11:08 ModifyListener listener/hello-prod: v002 failed: v001 serves again (alarm hello-5xx: Threshold Crossed)
    11:09 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    11:10 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    16:20 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_and_still_answers_serves_while_the_cure_comes_into_the_other_slot() {
    let mut lab = nobody_serves().await;
    third(&lab);
    alarm(&lab, "OK");
    lab.write("hello", app("hello", THIRD, ALARM));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_edited_away_and_back_begins_anew() {
    const STEPS: &str =
        "  strategy: {canary: {steps: [{weight: 5}, {pause: 10m}, {weight: 50}, {pause: 5m}], bakeTime: 5m}}\n";
    let mut lab = deployed(STEPS).await;
    lab.write("hello", app("hello", HELLO_1_1, STEPS));
    lab.apply_for(Duration::from_secs(200)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 5);
    lab.write("hello", app("hello", HELLO_1_0, STEPS));
    lab.apply_for(Duration::from_secs(60)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 0);
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, STEPS));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    10:30 CreateOrUpdateTags hello-prod-v002: v002 is wanted again: other runs that ask for another release give way
    10:31 CreateOrUpdateTags hello-prod-v002: a manifest asks for it again
    10:31 ModifyListener listener/hello-prod: v002 is healthy: it takes 5 % of the traffic
    10:31 CreateOrUpdateTags hello-prod-v002: v002 has 5 % of the traffic
    20:31 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    20:31 ModifyListener listener/hello-prod: v002 is well at 5 %: it takes 50 %
    25:31 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    25:31 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    30:31 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    30:31 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_its_timetable_scaled_to_nothing_in_its_bake_holds_no_other_up() {
    let times = "{name: off, schedule: '0 18 * * *', min: 0, max: 0, desired: 0}, \
                 {name: on, schedule: '0 8 * * *', min: 2, max: 4, desired: 2}";
    let extra = format!("  scaling: {{scheduled: [{times}]}}\n");
    let mut lab = deployed(&extra).await;
    third(&lab);
    let six = "2026-11-02T18:00:00Z".parse::<amiable::model::time::Timestamp>().unwrap();
    lab.pass((six.as_second() - lab.clock.now().as_second()) as u64 - 240).await;
    lab.write("hello", app("hello", HELLO_1_1, &extra));
    assert_eq!(lab.apply(false).await, Outcome::Blocked, "{}", lab.diary());
    lab.pass(60).await;
    lab.write("hello", app("hello", THIRD, &extra));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    361:01 ModifyListener listener/hello-prod: v002 has no instances and was never proved, and the manifest asks for another release: v001 is what that takes over from
    361:27 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    361:34 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    361:34 CreateAutoScalingGroup hello-prod-v003: v001 was born with another template
    361:35 PutScheduledUpdateGroupAction hello-prod-v003-at-off: its scheduled actions differ from the manifest
    361:35 PutScheduledUpdateGroupAction hello-prod-v003-at-on: its scheduled actions differ from the manifest
    361:35 CreateOrUpdateTags hello-prod-v003: its settings are those of the manifest
    361:36 DeleteLaunchTemplate hello-prod-v002: no group uses it, and no rollback needs it
    362:13 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    362:43 ModifyListener listener/hello-prod: v003 is healthy: it takes all traffic
    362:43 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    367:43 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    367:43 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    367:44 UpdateAutoScalingGroup hello-prod-v003: the group differs from the manifest
    367:44 UpdateAutoScalingGroup hello-prod-v003: the release is over: it may scale in again
    367:44 DeleteTags hello-prod-v003: scaling decides about its size again
    ");
    lab.pass(14 * 3600).await;
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
}

/// AWS refuses the tag that says for how long a generation was watched.
fn refuse_watched(lab: &Lab) {
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let is_it = (1..=10).any(|index| {
            request.params.get(&format!("Tags.member.{index}.Key")).is_some_and(|key| key == "amiable:watched")
        });
        let denied = || ApiError::new("AccessDenied", "You are not authorized to perform this operation");
        (request.operation == "CreateOrUpdateTags" && is_it).then(|| Fault::Refuse(denied()))
    })));
}

#[tokio::test(start_paused = true)]
async fn a_bake_that_no_tag_can_tell_of_ends_in_the_words_of_aws_and_is_guarded_meanwhile() {
    const STEPS: &str = "  strategy: {canary: {steps: [{weight: 5}, {pause: 10m}], bakeTime: 5m}}\n";
    for (first, extra) in [(true, ""), (false, ""), (false, STEPS)] {
        let mut lab = if first { Lab::new().await } else { deployed(extra).await };
        refuse_watched(&lab);
        lab.write("hello", app("hello", HELLO_1_1, extra));
        let before = lab.clock.now();
        let (outcome, plan) = lab.converge().await;
        let took = lab.clock.now().as_second() - before.as_second();
        assert_eq!(outcome, Outcome::Failed, "{first} {extra}: {}", lab.diary());
        assert!(took < 900, "{first} {extra}: {took} s");
        let reason = &plan.apps[0].reason;
        assert!(reason.contains("not authorized"), "{first} {extra}: {reason}");
        lab.simulation.set_faults(None);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    }
    let mut lab = deployed("").await;
    refuse_watched(&lab);
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}
