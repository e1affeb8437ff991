//! What people say about a release, at any moment of it.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::names::Generation;
use amiable::model::plan::Change;
use amiable::plan::intent;
use amiable::report::status::state;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

const MINUTE: Duration = Duration::from_secs(60);

/// `1.0.0` serves, and the release of `1.1.0` has gone on for this long.
async fn releasing(extra: &str, time: Duration) -> Lab {
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", HELLO_1_1, extra));
    lab.apply_for(time).await;
    lab.diary();
    lab
}

/// Three releases, of which the first two are gone.
async fn third_of_three(extra: &str) -> Lab {
    let extra = format!("  retain: {{for: 0s{extra}}}\n");
    let mut lab = deployed(&extra).await;
    lab.simulation.with(|world| world.add_image("ami-00000000000000112", "hello 1.1.2", ""));
    for image in [HELLO_1_1, "ami-00000000000000112"] {
        lab.write("hello", app("hello", image, &extra));
        assert_eq!(lab.apply(true).await, Outcome::Converged);
    }
    lab.diary();
    lab
}

#[tokio::test(start_paused = true)]
async fn a_rollback_while_the_old_group_is_warm_launches_nothing() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    assert_eq!(lab.rollback("hello", "checkout is slow").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    13:15 PutParameter /amiable/prod/hello/deployed: rolled back by simulated: checkout is slow
    13:15 CreateOrUpdateTags hello-prod-v002: rolled back by simulated: checkout is slow
    13:15 ModifyListener listener/hello-prod: v001 serves again: v002 was rolled back by simulated: checkout is slow
    13:16 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    13:17 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    18:16 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:16 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    18:27 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_eq!(lab.instances("hello-prod-v001"), before);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("checkout is slow"), "{}", plan.reason);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_a_retired_generation_launches_what_its_template_holds() {
    let lab = third_of_three(", generations: 2").await;
    let history = lab.history("hello").await;
    lab.say("hello", "v002 and v003 lose orders", |about| intent::rollback(about, Some(Generation(1)), &history)).await;
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.to), (Change::Replace, Some(Generation(4))));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    32:57 PutParameter /amiable/prod/hello/deployed: rolled back to v001 by simulated: v002 and v003 lose orders
    32:57 CreateOrUpdateTags hello-prod-v003: rolled back to v001 by simulated: v002 and v003 lose orders
    32:57 CreateLaunchTemplate hello-prod-v004: v003 was turned down: an earlier release takes its place
    32:57 CreateAutoScalingGroup hello-prod-v004: v003 was turned down: an earlier release takes its place
    33:34 CreateOrUpdateTags hello-prod-v004: all instances are healthy: the stability window begins
    34:04 ModifyListener listener/hello-prod: v004 is healthy: it takes all traffic
    34:04 CreateOrUpdateTags hello-prod-v004: v004 takes over: its bake begins
    34:05 CreateOrUpdateTags hello-prod-v003: it has no traffic any more: from now on no run gives it any
    39:04 PutParameter /amiable/prod/hello/deployed: v004 is deployed
    39:04 CreateOrUpdateTags hello-prod-v004: v004 is recorded
    44:14 UpdateAutoScalingGroup hello-prod-v003: v003 was turned down and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v004".to_owned(), 2)]);
    let record = lab.history("hello").await.pop().unwrap();
    assert_eq!((record.generation, record.image.as_str()), (Generation(4), HELLO_1_0));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0), "the manifest still asks for v003");
    assert!(plan.reason.contains("rolled back to v001"), "{}", plan.reason);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_a_generation_whose_template_is_gone_launches_its_recorded_image() {
    let mut lab = third_of_three(", generations: 0").await;
    let history = lab.history("hello").await;
    lab.say("hello", "", |about| intent::rollback(about, Some(Generation(1)), &history)).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    32:57 PutParameter /amiable/prod/hello/deployed: rolled back to v001 by simulated
    32:57 CreateOrUpdateTags hello-prod-v003: rolled back to v001 by simulated
    32:57 CreateLaunchTemplate hello-prod-v004: v003 was turned down: an earlier release takes its place
    32:57 CreateAutoScalingGroup hello-prod-v004: v003 was turned down: an earlier release takes its place
    33:33 CreateOrUpdateTags hello-prod-v004: all instances are healthy: the stability window begins
    34:04 ModifyListener listener/hello-prod: v004 is healthy: it takes all traffic
    34:04 CreateOrUpdateTags hello-prod-v004: v004 takes over: its bake begins
    34:05 CreateOrUpdateTags hello-prod-v003: it has no traffic any more: from now on no run gives it any
    39:04 PutParameter /amiable/prod/hello/deployed: v004 is deployed
    39:04 CreateOrUpdateTags hello-prod-v004: v004 is recorded
    44:14 UpdateAutoScalingGroup hello-prod-v003: v003 was turned down and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v004".to_owned(), 2)]);
    // The manifest agrees: what serves is what it asks for.
    lab.write("hello", app("hello", HELLO_1_0, "  retain: {for: 0s, generations: 0}\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_leads_nowhere_is_refused_with_what_there_is() {
    let lab = deployed("").await;
    let refusal = |to| {
        let lab = &lab;
        async move {
            let history = lab.history("hello").await;
            lab.try_to_say("hello", "", |about| intent::rollback(about, to, &history)).await.unwrap_err()
        }
    };
    assert_snapshot!(refusal(None).await, @"v001 is the only generation that runs; nothing else was ever deployed");
    assert_snapshot!(refusal(Some(Generation(7))).await, @"v007 was never deployed here; the last that were: v001");
    assert_snapshot!(refusal(Some(Generation(1))).await, @"v001 serves already");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_earlier_release_fails_too_what_was_turned_down_goes_on_serving() {
    let mut lab = third_of_three("").await;
    lab.simulation.with(|world| {
        let image = world.images.all.get_mut(HELLO_1_1).unwrap();
        image.tags.insert("sim:behaviour".to_owned(), "never-healthy".to_owned());
    });
    let history = lab.history("hello").await;
    lab.say("hello", "slow", |about| intent::rollback(about, Some(Generation(2)), &history)).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    32:58 PutParameter /amiable/prod/hello/deployed: rolled back to v002 by simulated: slow
    32:58 CreateOrUpdateTags hello-prod-v003: rolled back to v002 by simulated: slow
    32:58 CreateLaunchTemplate hello-prod-v004: v003 was turned down: an earlier release takes its place
    32:58 CreateAutoScalingGroup hello-prod-v004: v003 was turned down: an earlier release takes its place
    37:54 CreateOrUpdateTags hello-prod-v004: v004 failed: no instance was ever healthy: i-006884db8c507e797 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure
    37:55 UpdateAutoScalingGroup hello-prod-v004: v004 failed and does not serve
    37:55 PutParameter /amiable/prod/hello/failures: why v004 failed, for those who ask later
    ");
    lab.pass(3600).await;
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed, "and it is not tried again");
    assert_eq!(lab.diary(), "");
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    let reason = &plan.reason;
    assert!(reason.starts_with("v003 was rolled back to v002 by simulated: slow, but v004 failed: "), "{reason}");
    assert!(
        reason.contains(", so that v003 goes on serving; `amiable rollback hello --to vNNN` names another"),
        "{reason}"
    );
    lab.write("hello", app("hello", HELLO_1_0, "  retain: {for: 0s}\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "the manifest has moved on");
    assert_eq!(serving(&lab), [("hello-prod-v005".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_before_the_shift_gives_the_release_up() {
    let lab = releasing("", Duration::from_secs(20)).await;
    assert_eq!(lab.rollback("hello", "wrong branch").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:28 CreateOrUpdateTags hello-prod-v002: rolled back by simulated: wrong branch
    07:28 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_works_before_the_shift_and_under_bake_and_not_after() {
    for (time, served) in [(Duration::from_secs(20), 0), (3 * MINUTE, 100)] {
        let lab = releasing("", time).await;
        assert_eq!(weight(&lab, "hello-prod-b"), served);
        lab.say("hello", "not now", intent::abort).await;
        assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        assert_eq!(lab.plan("hello").await.change, Change::Blocked);
    }
    let lab = deployed("").await;
    let refusal = lab.try_to_say("hello", "", intent::abort).await.unwrap_err();
    assert_snapshot!(refusal, @"no release is under way; `amiable rollback` turns down what is deployed");
}

#[tokio::test(start_paused = true)]
async fn an_abort_under_bake_gives_the_traffic_back_in_one_call() {
    let lab = releasing("", 3 * MINUTE).await;
    lab.say("hello", "wrong branch", intent::abort).await;
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    10:08 CreateOrUpdateTags hello-prod-v002: aborted by simulated: wrong branch
    10:08 ModifyListener listener/hello-prod: v001 serves again: v002 was aborted by simulated: wrong branch
    10:09 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    10:10 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    15:20 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_snapshot!(lab.plan("hello").await.reason, @"v002 was aborted by simulated: wrong branch; v001 serves until the manifest changes or `amiable retry hello`");
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_a_release_at_every_step_and_a_resume_lets_it_go_on() {
    for (time, goes_on_with) in [(Duration::from_secs(5), "ModifyListener"), (3 * MINUTE, "PutParameter")] {
        let lab = releasing("", time).await;
        lab.say("hello", "the on-call wants to look", intent::pause).await;
        let ended = lab.apply_for(Duration::from_secs(1800)).await;
        let held = lab.diary();
        assert!(!held.contains(goes_on_with), "{held}");
        let plan = lab.plan("hello").await;
        let paused = "paused by simulated: the on-call wants to look";
        if goes_on_with == "PutParameter" {
            assert_eq!(ended, Outcome::TimedOut, "what has traffic is watched as long as it takes");
            assert_eq!(plan.waits[0].what, format!("`amiable resume hello`: {paused}"));
        } else {
            assert_eq!(ended, Outcome::Blocked, "nothing is left to do");
            assert_eq!(plan.reason, format!("{paused}; `amiable resume hello` lets it go on"));
        }
        lab.say("hello", "", intent::resume).await;
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        assert!(lab.diary().contains(goes_on_with));
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_the_launch_keeps_it_from_beginning() {
    let mut lab = deployed("").await;
    lab.say("hello", "", intent::pause).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_eq!(lab.diary(), "");
    let (observed, plan) = lab.look().await;
    assert_eq!(
        state(&observed, &plan.apps[0], plan.at),
        "blocked: paused by simulated; `amiable resume hello` lets it go on"
    );
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "it is as its manifest says");
    let (observed, plan) = lab.look().await;
    assert_eq!(state(&observed, &plan.apps[0], plan.at), "serving; paused by simulated");
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert!(lab.try_to_say("hello", "", intent::pause).await.unwrap().unwrap().contains("paused already"));
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_while_it_is_paused_goes_back_all_the_same() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", amiable::sim::world::example::HELLO_SICK_LATER, ""));
    lab.apply_for(Duration::from_secs(80)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 100);
    lab.say("hello", "", intent::pause).await;
    lab.diary();
    lab.apply_for(Duration::from_secs(600)).await;
    assert_snapshot!(lab.diary(), @"
    10:03 ModifyListener listener/hello-prod: v002 failed: v001 serves again (unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500])
    10:03 CreateOrUpdateTags hello-prod-v002: v002 failed: unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    10:04 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    10:05 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    10:05 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    10:35 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_suspension_stops_everything_until_its_time() {
    let mut lab = releasing("", Duration::from_secs(20)).await;
    let until = lab.clock.now() + Duration::from_secs(3600);
    lab.say("hello", "incident 42", |about| intent::suspend(about, Some(until))).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.wake_at), (Change::Blocked, Some(until)));
    assert_snapshot!(plan.reason, @"suspended until 2026-11-02T13:07:28.58Z by simulated: incident 42; `amiable resume hello` ends that");
    assert_eq!(lab.diary(), "");
    lab.pass(3600).await;
    lab.restart().await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    67:29 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    67:59 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    67:59 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    72:59 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    72:59 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_without_end_is_ended_by_a_resume() {
    let mut lab = deployed("").await;
    lab.say("hello", "migration", |about| intent::suspend(about, None)).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.pass(30 * 24 * 3600).await;
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let past = lab.try_to_say("hello", "", |about| intent::suspend(about, Some(crate::lab::epoch()))).await;
    assert_eq!(past.unwrap_err(), "`--until` is in the past");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_keeps_what_serves_whatever_the_manifest_says() {
    let mut lab = deployed("").await;
    lab.say("hello", "audit", intent::pin).await;
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_1, "").replace("max: 4", "max: 6"));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"
    07:07 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_snapshot!(lab.plan("hello").await.reason, @"pinned to v001 by simulated: audit; the manifest asks for another release: `amiable unpin hello` lets it go on");
    let refusal = lab.try_to_say("hello", "", |about| intent::rollback(about, None, &[])).await.unwrap_err();
    assert!(refusal.contains("`amiable unpin` it first"), "{refusal}");
    lab.say("hello", "", intent::unpin).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_in_the_middle_of_a_release_gives_it_up() {
    let lab = releasing("", Duration::from_secs(20)).await;
    lab.say("hello", "freeze", intent::pin).await;
    assert_eq!(lab.apply(true).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"
    07:28 CreateOrUpdateTags hello-prod-v001: pinned to v001 by simulated: freeze
    07:28 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    09:00 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn who_decided_what_and_why_is_kept() {
    let lab = releasing("", 3 * MINUTE).await;
    lab.say("hello", "lunch", intent::pause).await;
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    lab.say("hello", "fixed the database", intent::retry).await;
    let decisions = lab.simulation.with(|world| {
        let parameter = world.parameters.all.get("/amiable/prod/hello/decisions").unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        parameter.versions.iter().map(|version| value(&version.value)).collect::<Vec<_>>()
    });
    let said = decisions.iter().map(|decision| {
        format!("{} {} {} {}", decision["what"], decision["generation"], decision["why"], decision["by"])
    });
    assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @r#"
    "pause" 2 "lunch" "arn:aws:iam::123456789012:user/simulated"
    "resume" 2 null "arn:aws:iam::123456789012:user/simulated"
    "rollback" 2 "slow" "arn:aws:iam::123456789012:user/simulated"
    "retry" 2 "fixed the database" "arn:aws:iam::123456789012:user/simulated"
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_has_failed_stays_turned_down_until_the_manifest_changes() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 2m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    for _ in 0..3 {
        lab.pass(3600).await;
        lab.restart().await;
        assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed, "and not tried again");
    }
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn two_people_who_apply_at_the_same_time_do_it_once() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let (one, two) = tokio::join!(lab.apply(true), async {
        lab.pass(1).await;
        lab.apply(true).await
    });
    assert_eq!((one, two), (Outcome::Converged, Outcome::Converged));
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_keeps_the_old_generation_and_ends_no_command_about_a_release_that_is_complete() {
    let mut lab = deployed("  retain: {for: 10m}\n").await;
    lab.write("hello", app("hello", HELLO_1_1, "  retain: {for: 10m}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.say("hello", "", intent::pause).await;
    lab.pass(700).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(lab.diary(), "", "it is deployed, and what served before stays");
    lab.say("hello", "", intent::resume).await;
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(lab.instances("hello-prod-v001").len(), 0);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_waits_for_the_warm_generation_to_have_a_healthy_instance_again() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    for instance in lab.instances("hello-prod-v001") {
        lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &instance)]);
    }
    lab.pass(30).await;
    lab.say("hello", "", |about| intent::rollback(about, None, &[])).await;
    let plan = lab.plan("hello").await;
    assert_eq!(plan.waits[0].what, "an instance of v001 to be healthy, so that it can serve again");
    assert!(plan.reason.contains("v002 goes on serving, because v001 has no healthy instance"), "{}", plan.reason);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    13:45 PutParameter /amiable/prod/hello/deployed: rolled back by simulated
    13:45 CreateOrUpdateTags hello-prod-v002: rolled back by simulated
    13:55 ModifyListener listener/hello-prod: v001 serves again: v002 was rolled back by simulated
    13:56 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    13:57 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    18:56 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:56 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    19:07 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}
