//! Clocks that are wrong, times that have not come yet, and calls that AWS takes without effect.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::fault::Fault;
use amiable::sim::wire::Request;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use amiable::sim::world::outside::HookAnswer;
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn no_release_begins_on_a_machine_whose_clock_is_wrong() {
    for seconds in [360, -360] {
        let mut lab = deployed("").await;
        lab.set_clock(seconds).await;
        lab.write("hello", app("hello", HELLO_1_1, ""));
        lab.diary();
        assert_eq!(lab.apply(false).await, Outcome::Blocked);
        assert_eq!(lab.diary(), "");
        let plan = lab.plan("hello").await;
        assert!(plan.reason.contains("this machine's clock is"), "{}", plan.reason);
        lab.set_clock(0).await;
        assert_eq!(lab.apply(false).await, Outcome::Converged);
    }
    let mut lab = deployed("").await;
    lab.set_clock(20).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "a few seconds are no matter");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_neither_ends_a_bake_nor_fails_a_release_and_what_has_traffic_is_watched() {
    for (image, seconds) in [(HELLO_1_1, 360), (HELLO_1_1, 3600), (HELLO_1_1, -3600), (HELLO_SICK_LATER, 360)] {
        let mut lab = deployed("").await;
        lab.write("hello", app("hello", image, ""));
        lab.apply_for(Duration::from_secs(90)).await;
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "it has taken over");
        lab.set_clock(seconds).await;
        lab.diary();
        let outcome = lab.apply_for(Duration::from_secs(600)).await;
        if image == HELLO_SICK_LATER {
            assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)], "{}", lab.diary());
            continue;
        }
        assert_eq!(
            (outcome, lab.diary().as_str()),
            (Outcome::Blocked, ""),
            "once the bake would be over, a person is asked"
        );
        assert!(lab.plan("hello").await.reason.contains("set the clock"));
        lab.set_clock(0).await;
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_in_the_far_future_counts_as_now() {
    for tag in ["shifted-at", "healthy-since", "lacking-since"] {
        let mut lab = deployed("").await;
        lab.write("hello", app("hello", HELLO_1_1, ""));
        let until = if tag == "shifted-at" { 90 } else { 40 };
        lab.apply_for(Duration::from_secs(until)).await;
        lab.simulation.with(|world| {
            let group = world.scaling.groups.get_mut("hello-prod-v002").unwrap();
            let written = group.tags.get_mut(&format!("amiable:{tag}"));
            if let Some(tag) = written {
                tag.value = "2099-01-01T00:00:00Z".to_owned();
            }
        });
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{tag}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{tag}");
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_has_one_time_that_before_its_first_read() {
    let mut lab = deployed("").await;
    lab.slow_down(Duration::from_secs(15)).await;
    let before = lab.clock.now();
    let (observed, plan) = lab.look().await;
    assert_eq!((observed.at, plan.at), (before, before));
    assert!(lab.clock.now().duration_since(before) > jiff::SignedDuration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_aws_takes_without_effect_is_given_up_and_the_rest_goes_on() {
    let mut lab = deployed("").await;
    let ignored = |request: &Request, _: bool| {
        let policy = request.params.get("InstanceMaintenancePolicy.MinHealthyPercentage").is_some();
        (request.operation == "UpdateAutoScalingGroup" && policy).then_some(Fault::Ignored)
    };
    lab.simulation.set_faults(Some(Box::new(ignored)));
    let text = app("hello", HELLO_1_0, "  scaling: {defaultInstanceWarmup: 1m}\n")
        .replace("max: 4}", "max: 4, maintenancePolicy: {minHealthyPercentage: 100, maxHealthyPercentage: 120}}");
    lab.write("hello", text);
    lab.simulation.forget_calls();
    let outcome =
        tokio::time::timeout(Duration::from_secs(24 * 3600), lab.apply(false)).await.expect("it goes on for ever");
    assert_eq!(outcome, Outcome::Failed);
    let updates = lab.simulation.calls().iter().filter(|call| call.operation == "UpdateAutoScalingGroup").count();
    assert_eq!(updates, 4, "{}", lab.diary());
    // A release goes on all the same.
    lab.write(
        "hello",
        app("hello", HELLO_1_1, "")
            .replace("max: 4}", "max: 4, maintenancePolicy: {minHealthyPercentage: 100, maxHealthyPercentage: 120}}"),
    );
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

/// AWS says from now on that no load balancer has a listener, as an answer that looks complete.
fn hide_listeners(lab: &Lab) {
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        (request.operation == "DescribeListeners").then_some(Fault::Emptied("Listeners"))
    })));
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_aws_never_shows_is_given_up_in_words_and_the_rest_goes_on() {
    let mut lab = deployed("").await;
    hide_listeners(&lab);
    lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n"));
    lab.diary();
    lab.simulation.forget_calls();
    let outcome =
        tokio::time::timeout(Duration::from_secs(24 * 3600), lab.apply(false)).await.expect("it goes on for ever");
    let diary = lab.diary();
    assert_eq!(outcome, Outcome::Failed, "{diary}");
    let created = lab.simulation.calls().iter().filter(|call| call.operation == "CreateListener").count();
    assert!((1..=4).contains(&created), "{created} times: {diary}");
    let plan = lab.plan("hello").await;
    assert!(!plan.reason.is_empty() || !plan.actions.is_empty(), "{plan:?}");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    let works = lab.simulation.with(|world| world.scaling.groups.get("other-prod-v001").map(|it| it.members.len()));
    assert_eq!(works, Some(2), "the worker is released all the same: {diary}");
    // Nothing has come of it once AWS shows what there is.
    lab.simulation.set_faults(None);
    lab.restart().await;
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_clock_is_ahead_makes_no_other_write_its_notes_over_and_over() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let mut ahead = lab.beside().await;
    ahead.set_clock(180).await;
    lab.diary();
    lab.simulation.forget_calls();
    let (one, other) = tokio::join!(lab.apply(false), async {
        lab.pass(20).await;
        ahead.apply(false).await
    });
    assert_eq!(one, Outcome::Converged, "{}", lab.diary());
    assert!(matches!(other, Outcome::Converged | Outcome::Blocked), "{other:?}: {}", ahead.diary());
    let notes = lab.simulation.calls().iter().filter(|call| call.operation == "CreateOrUpdateTags").count();
    // By itself the release makes a dozen.
    assert!(notes <= 24, "{notes}: {}\n{}", lab.diary(), ahead.diary());
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stands_still_in_the_middle_of_a_look_fails_no_good_release() {
    let deadline = "  progressDeadline: 5m\n";
    let mut ground = deployed(deadline).await;
    ground.write("hello", app("hello", HELLO_1_1, deadline));
    // While its instances boot, in its stability window, and under traffic.
    let still = ground.still();
    for begun in [20, 45, 100] {
        let at = ground.from_still(&still).await;
        at.apply_for(Duration::from_secs(begun)).await;
        let still = at.still();
        for request in [1, 5, 9, 13, 17, 21] {
            let mut lab = at.from_still(&still).await;
            lab.stand_still_at(request, Duration::from_secs(360)).await;
            let outcome = lab.apply(false).await;
            assert_eq!(outcome, Outcome::Converged, "{begun} s, request {request}: {}", lab.diary());
            assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{begun} s, request {request}");
            settles(&lab).await;
        }
    }
}

fn asking(name: &str, image: &str) -> String {
    let hook = format!(
        "  verification: {{webhook: {{url: 'https://{name}.example.com/', phase: beforeShift, timeout: 20m}}}}\n"
    );
    app(name, image, &hook)
}

/// How often the webhook of an app was asked.
fn asked(lab: &Lab, name: &str) -> usize {
    let host = format!("{name}.example.com");
    lab.simulation.with(|world| world.outside.asked.iter().filter(|asked| asked.host == host).count())
}

#[tokio::test(start_paused = true)]
async fn a_webhook_without_a_verdict_is_asked_at_its_own_pace() {
    let mut lab = deployed("").await;
    let busy = HookAnswer::Status(503, "busy".to_owned());
    lab.simulation.with(|world| world.outside.answers("hello.example.com", [busy]));
    lab.write("hello", asking("hello", HELLO_1_1));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let asked = asked(&lab, "hello");
    assert!((20..=24).contains(&asked), "{asked} times in 20 minutes");
}

#[tokio::test(start_paused = true)]
async fn a_command_about_one_app_asks_and_reads_for_no_other() {
    let mut lab = Lab::new().await;
    lab.environment("  limits: {concurrentRollouts: 5}\n");
    for name in ["alpha", "beta"] {
        lab.write(name, app(name, HELLO_1_0, ""));
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let busy = HookAnswer::Status(503, "busy".to_owned());
    let yes = HookAnswer::Status(200, String::new());
    lab.simulation.with(|world| {
        world.outside.answers("alpha.example.com", [busy]);
        world.outside.answers("beta.example.com", [yes]);
    });
    for name in ["alpha", "beta"] {
        lab.write(name, asking(name, HELLO_1_1));
    }
    // Alpha's release waits for its webhook when the command about beta begins.
    lab.apply_for(Duration::from_secs(75)).await;
    let before = asked(&lab, "alpha");
    assert!(before > 0);
    lab.simulation.forget_calls();
    assert_eq!(lab.apply_only("beta").await, Outcome::Converged);
    assert_eq!(asked(&lab, "alpha"), before);
    assert!(asked(&lab, "beta") > 0);
    let plan = lab.plan("alpha").await;
    assert_eq!(plan.change, Change::Replace);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_left_out_counts_against_the_limit_while_it_is_under_way() {
    let mut lab = Lab::new().await;
    lab.environment("  limits: {concurrentRollouts: 1}\n");
    for name in ["alpha", "beta"] {
        lab.write(name, app(name, HELLO_1_0, ""));
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    for name in ["alpha", "beta"] {
        lab.write(name, app(name, HELLO_1_1, ""));
    }
    lab.apply_for(Duration::from_secs(40)).await;
    lab.diary();
    let (outcome, ()) = tokio::join!(lab.apply_only("beta"), lab.pass(1));
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(outcome, Outcome::TimedOut);
}
