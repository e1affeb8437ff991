//! AWS that cannot be read for a while.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::controller::snapshot::look;
use amiable::model::plan::Change;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn reads_that_are_throttled_for_minutes_delay_a_release_and_end_nothing() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let during = async {
        lab.pass(50).await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let throttled = request.operation == "DescribeAutoScalingGroups";
            throttled.then(|| Fault::Refuse(ApiError::new("Throttling", "Rate exceeded")))
        })));
        lab.pass(60).await;
        lab.simulation.set_faults(None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

/// No connection to these services can be made.
fn out_of_reach(lab: &Lab, services: &'static [&'static str]) {
    let fault = |request: &Request, _: bool| services.contains(&request.service.as_str()).then_some(Fault::Unreachable);
    lab.simulation.set_faults(Some(Box::new(fault)));
}

#[tokio::test(start_paused = true)]
async fn a_release_goes_on_without_the_services_that_it_does_not_need() {
    let mut lab = deployed("").await;
    out_of_reach(&lab, &["monitoring", "route53"]);
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bake_is_watched_by_what_can_be_read_and_waits_for_the_alarms_out_of_reach() {
    let verification = "  verification: {alarms: [hello-5xx]}\n";
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.set_alarm("hello-5xx", "OK", "Threshold not crossed"));
    lab.write("hello", app("hello", HELLO_1_1, verification));
    let during = async {
        lab.pass(180).await;
        assert_eq!(weight(&lab, "hello-prod-b"), 100);
        out_of_reach(&lab, &["monitoring", "route53"]);
        lab.pass(1500).await;
        let plan = lab.plan("hello").await;
        let waits = &plan.waits[0].what;
        assert!(waits.contains("monitoring") || waits.contains("cloudwatch"), "{waits}");
        assert!(waits.contains("cannot be reached"), "{waits}");
        lab.simulation.set_faults(None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_cannot_be_read_for_long_fails_no_command_about_another() {
    let mut lab = deployed("").await;
    let parameter = "{ssmParameter: /images/other/stable}";
    let other = app("other", HELLO_1_1, "").replace(&format!("{{id: {HELLO_1_1}}}"), parameter);
    lab.write("other", other);
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let refused = String::from_utf8_lossy(&request.body).contains("/images/other/");
        refused.then(|| Fault::Refuse(ApiError::new("InternalServerError", "try again")))
    })));
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply_only("hello").await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
    assert_eq!(lab.apply_only("other").await, Outcome::Failed, "in the end");
}

/// Every reading call of a look, and where an answer of it is cut short so that the SDK takes a list for complete.
const CUTS: [(&str, &str); 16] = [
    ("GetCallerIdentity", "</Account>"),
    ("DescribeAutoScalingGroups", "<AutoScalingGroups>"),
    ("DescribeLaunchTemplates", "<launchTemplates>"),
    ("DescribeTargetGroups", "<TargetGroups>"),
    ("DescribeLoadBalancers", "<LoadBalancers>"),
    ("DescribeListeners", "<Listeners>"),
    ("DescribeImages", "<imagesSet>"),
    ("ListHostedZonesByName", "<HostedZones>"),
    ("ListResourceRecordSets", "<ResourceRecordSets>"),
    ("DescribeTargetHealth", "<TargetHealthDescriptions>"),
    ("DescribeTargetGroupAttributes", "<Attributes>"),
    ("DescribeTags", "<TagDescriptions>"),
    ("DescribeLifecycleHooks", "<LifecycleHooks>"),
    ("DescribePolicies", "<ScalingPolicies>"),
    ("DescribeScheduledActions", "<ScheduledUpdateGroupActions>"),
    ("GetParameters", "{"),
];

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_short_is_no_empty_list_and_nothing_is_created_for_it() {
    let dns = "  dns: {name: hello.internal.example.com}\n";
    let mut lab = deployed(dns).await;
    lab.deep = true;
    lab.diary();
    for (operation, after) in CUTS {
        // Once: the SDK asks again, and nothing is lost.
        let mut left = 1;
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
            let cut = request.operation == operation && left > 0;
            left -= u32::from(cut);
            cut.then_some(Fault::Cut(after))
        })));
        lab.restart().await;
        let plan = lab.plan("hello").await;
        assert_eq!((plan.change, plan.is_settled()), (Change::Unchanged, true), "{operation} once: {plan:?}");
        // For good: what is not known is not absent.
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
            (request.operation == operation).then_some(Fault::Cut(after))
        })));
        lab.restart().await;
        match look(&lab.aws, &lab.desired(), &lab.clock).await {
            Ok((_, plan)) => {
                let plan = &plan.apps[0];
                assert!(plan.actions.is_empty() && plan.change != Change::Create, "{operation}: {plan:?}");
            }
            Err(error) => assert!(error.to_string().contains("cut short"), "{operation}: {error}"),
        }
    }
    lab.simulation.set_faults(None);
    assert_eq!(lab.diary(), "", "nothing was done");
    settles(&lab).await;
}

/// AWS refuses these reads to whoever runs Amiable.
fn refuse(lab: &Lab, operation: &'static str) {
    lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
        let denied = || Fault::Refuse(ApiError::new("AccessDenied", "not today").with_status(403));
        (request.operation == operation).then(denied)
    })));
}

const WATCHES: [&str; 3] = ["DescribeTargetHealth", "DescribeScalingActivities", "DescribeTags"];

#[tokio::test(start_paused = true)]
async fn no_release_begins_where_aws_refuses_what_it_is_watched_by() {
    for operation in WATCHES {
        let mut lab = deployed("").await;
        lab.diary();
        lab.write("hello", app("hello", HELLO_1_1, ""));
        refuse(&lab, operation);
        let begun = lab.clock.now();
        let (outcome, plan) = lab.converge().await;
        let took = lab.clock.now().as_second() - begun.as_second();
        assert_eq!((outcome, lab.diary().as_str()), (Outcome::Blocked, ""), "{operation}");
        assert!(took < 60, "{operation}: nobody waits for it: {took} s");
        let reason = &plan.apps[0].reason;
        for words in [operation, "AccessDenied: not today", "must allow the action"] {
            assert!(reason.contains(words), "{operation}: {reason}");
        }
        lab.simulation.set_faults(None);
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_under_way_ends_soon_where_aws_refuses_what_it_is_watched_by() {
    for operation in &WATCHES[..2] {
        let mut lab = deployed("").await;
        lab.write("hello", app("hello", HELLO_1_1, ""));
        lab.apply_for(std::time::Duration::from_secs(15)).await;
        refuse(&lab, operation);
        let begun = lab.clock.now();
        assert_eq!(lab.apply(false).await, Outcome::Blocked, "{operation}: {}", lab.diary());
        let took = lab.clock.now().as_second() - begun.as_second();
        assert!(took < 120, "{operation}: {took} s");
        assert_eq!(weight(&lab, "hello-prod-b"), 0, "what cannot be watched gets no traffic");
        lab.simulation.set_faults(None);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_traffic_is_watched_by_its_targets_where_its_activities_are_refused() {
    for (image, outcome, live) in [(HELLO_1_1, Outcome::Blocked, 100), (HELLO_SICK_LATER, Outcome::ReleaseFailed, 0)] {
        let bake = "  strategy: {redBlack: {bakeTime: 10m}}\n";
        let mut lab = deployed(bake).await;
        lab.write("hello", app("hello", image, bake));
        lab.apply_for(std::time::Duration::from_secs(90)).await;
        assert_eq!(weight(&lab, "hello-prod-b"), 100);
        refuse(&lab, "DescribeScalingActivities");
        let begun = lab.clock.now();
        assert_eq!(lab.apply(false).await, outcome, "{}", lab.diary());
        let took = lab.clock.now().as_second() - begun.as_second();
        assert!(took < 15 * 60, "{took} s");
        assert_eq!(weight(&lab, "hello-prod-b"), live);
        lab.simulation.set_faults(None);
        let then = if live == 100 { Outcome::Converged } else { Outcome::ReleaseFailed };
        assert_eq!(lab.apply(false).await, then, "{}", lab.diary());
    }
}

/// Reading calls that a release needs besides, the manifest that leads to them, and where an answer of theirs is cut short.
const CUTS_IN_A_RELEASE: [(&str, &str, &str); 5] = [
    ("DescribeRules", "<Rules>", "  loadBalancer: {listener: web, hosts: [hello.example.com]}\n"),
    ("DescribeScalingActivities", "<Activities>", ""),
    ("DescribeLaunchTemplateVersions", "<launchTemplateVersionSet>", ""),
    ("DescribeLoadBalancerAttributes", "<Attributes>", "  loadBalancer: {idleTimeout: 90s}\n"),
    ("DescribeAlarms", "<MetricAlarms>", "  verification: {alarms: [hello-5xx]}\n"),
];

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_short_in_a_release_ends_nothing_and_gives_nothing_up() {
    for (operation, after, extra) in CUTS_IN_A_RELEASE {
        let mut ground = super::shared_listener::shared().await;
        ground.simulation.with(|world| world.set_alarm("hello-5xx", "OK", "Threshold not crossed"));
        ground.write("hello", app("hello", HELLO_1_0, extra));
        assert_eq!(ground.apply(false).await, Outcome::Converged, "{operation}: {}", ground.diary());
        ground.write("hello", app("hello", HELLO_1_1, extra));
        let still = ground.still();
        // Every second answer: the SDK asks again, and nothing is lost.
        let lab = ground.from_still(&still).await;
        let mut seen = 0;
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
            let is_it = request.operation == operation;
            seen += u32::from(is_it);
            (is_it && seen % 2 == 1).then_some(Fault::Cut(after))
        })));
        lab.simulation.forget_calls();
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{operation}: {}", lab.diary());
        assert!(lab.simulation.calls().iter().any(|call| call.operation == operation), "{operation} is never read");
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{operation}");
        // For good: nothing has failed, somebody serves, and it goes on once answers are whole again.
        let lab = ground.from_still(&still).await;
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
            (request.operation == operation).then_some(Fault::Cut(after))
        })));
        lab.apply_for(Duration::from_secs(900)).await;
        let failed = lab
            .simulation
            .with(|world| world.scaling.groups.values().any(|group| group.tags.contains_key("amiable:failed")));
        assert!(!failed, "{operation}: {}", lab.diary());
        assert_eq!(serving(&lab).len(), 1, "{operation}: {}", lab.diary());
        lab.simulation.set_faults(None);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{operation}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{operation}");
        settles(&lab).await;
    }
}
