//! What a new generation must show before and while it has traffic: smoke checks, alarms, comparison, webhook.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::plan::intent;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, SECURITY_GROUP, SUBNETS};
use amiable::sim::world::metrics::{Metric, Watches};
use amiable::sim::world::outside::HookAnswer;
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

/// An image of the next version, whose instances behave as the words tell.
fn next(lab: &Lab, behaviour: &str) -> &'static str {
    const IMAGE: &str = "ami-00000000000000200";
    lab.simulation.with(|world| world.add_image(IMAGE, "hello 2.0.0", behaviour));
    IMAGE
}

const SMOKE: &str = "  verification:
    smoke:
      - {path: /version, body: hello}
      - {path: /ready, maxLatency: 500ms}
";

#[tokio::test(start_paused = true)]
async fn a_generation_answers_smoke_checks_before_it_gets_any_traffic() {
    let mut lab = deployed(SMOKE).await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:00 CreateLoadBalancer hello-prod: the app has no load balancer
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    00:03 CreateRule listener/hello-prod: smoke checks need a rule for preview requests
    00:05 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:05 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:37 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:07 CreateOrUpdateTags hello-prod-v001: v001 passes all 2 smoke checks
    02:08 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    02:08 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:08 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:08 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    settles(&lab).await;

    let image = next(&lab, "");
    lab.write("hello", app("hello", image, SMOKE));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:46 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyRule listener-rule/hello-prod: v002 is healthy: preview requests go to it
    08:16 CreateOrUpdateTags hello-prod-v002: its smoke checks begin
    08:26 CreateOrUpdateTags hello-prod-v002: v002 passes all 2 smoke checks
    08:27 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:27 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:27 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:27 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:27 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:59 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_status_in_a_smoke_check_ends_the_release_before_it_has_traffic() {
    let mut lab = deployed(SMOKE).await;
    lab.diary();
    let image = next(&lab, "broken=/version");
    lab.write("hello", app("hello", image, SMOKE));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @r#"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:46 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyRule listener-rule/hello-prod: v002 is healthy: preview requests go to it
    08:16 CreateOrUpdateTags hello-prod-v002: its smoke checks begin
    08:26 CreateOrUpdateTags hello-prod-v002: attempt 1 of 3 failed: smoke /version: status 500, expected 200: {"version":"hello 2.0.0","image":"ami-00000000000000200","instance":"i-00be1e08c47287358","group":"hello-prod-v002"}
    08:36 CreateOrUpdateTags hello-prod-v002: attempt 2 of 3 failed: smoke /version: status 500, expected 200: {"version":"hello 2.0.0","image":"ami-00000000000000200","instance":"i-00be1e08c47287358","group":"hello-prod-v002"}
    08:46 CreateOrUpdateTags hello-prod-v002: v002 failed: smoke /version: status 500, expected 200: {"version":"hello 2.0.0","image":"ami-00000000000000200","instance":"i-00be1e08c47287358","group":"hello-prod-v002"}
    08:47 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    13:56 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    "#);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("smoke /version: status 500"), "{}", plan.reason);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_body_ends_the_release_and_says_what_was_answered() {
    let smoke = "  verification: {smoke: [{path: /version, bodyMatches: 'hello 1\\.', attempts: 1}]}\n";
    let mut lab = deployed(smoke).await;
    let image = next(&lab, "");
    lab.write("hello", app("hello", image, smoke));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let plan = lab.plan("hello").await;
    assert_snapshot!(plan.reason, @r#"v002 failed: smoke /version: body {"version":"hello 2.0.0","image":"ami-00000000000000200","instance":"i-00be1e08c47287358","group":"hello-prod-v002"}, expected it to match hello 1\.; v001 serves until the manifest changes or `amiable retry hello`"#);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_ends_the_release() {
    let mut lab = deployed(SMOKE).await;
    let image = next(&lab, "latency=900ms");
    lab.write("hello", app("hello", image, SMOKE));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let plan = lab.plan("hello").await;
    assert_snapshot!(plan.reason, @"v002 failed: smoke /ready: answered after 920 ms, expected 500ms at most; v001 serves until the manifest changes or `amiable retry hello`");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_cannot_be_reached_is_waited_for_and_is_no_bad_release() {
    let mut lab = deployed(SMOKE).await;
    lab.diary();
    lab.simulation.with(|world| world.outside.unreachable.insert("hello-prod".to_owned()));
    lab.write("hello", app("hello", HELLO_1_1, SMOKE));
    let during = async {
        lab.pass(600).await;
        let plan = lab.plan("hello").await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        assert!(plan.failure.is_none(), "{plan:?}");
        lab.simulation.with(|world| world.outside.unreachable.clear());
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:46 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyRule listener-rule/hello-prod: v002 is healthy: preview requests go to it
    08:16 CreateOrUpdateTags hello-prod-v002: its smoke checks begin
    17:10 CreateOrUpdateTags hello-prod-v002: v002 passes all 2 smoke checks
    17:11 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    17:12 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    22:11 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    22:11 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;

    lab.simulation.with(|world| world.outside.unreachable.insert("hello-prod".to_owned()));
    lab.write("hello", app("hello", HELLO_1_0, SMOKE));
    lab.pass(7200).await;
    lab.apply(true).await;
    let image = next(&lab, "");
    lab.write("hello", app("hello", image, SMOKE));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.plan("hello").await.reason, @"v003 failed: its smoke checks could not be made in 20m: no connection in time; v001 serves until the manifest changes or `amiable retry hello`");
}

#[tokio::test(start_paused = true)]
async fn smoke_checks_on_a_shared_listener_use_a_rule_before_the_apps_own_and_leave_no_trace() {
    let mut lab = Lab::new().await;
    let listener = shared_listener(&lab);
    lab.environment(&format!("  listeners: {{web: '{listener}'}}\n"));
    let extra = |smoke: &str| {
        format!("  loadBalancer: {{listener: web, hosts: [hello.example.com], paths: ['/*'], priority: 10}}\n{smoke}")
    };
    lab.write("hello", app("hello", HELLO_1_0, &extra(SMOKE)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateRule listener/shared: the listener `web` has no rule for the app; it gets priority 10
    00:03 CreateRule listener/shared: smoke checks need a rule for preview requests
    00:05 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:05 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:37 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:07 CreateOrUpdateTags hello-prod-v001: v001 passes all 2 smoke checks
    02:08 ModifyRule listener-rule/shared: v001 is healthy: it takes all traffic
    02:08 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:08 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:08 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    assert_snapshot!(rules(&lab), @"
    9 hello.example.com /* hello-prod-e116183bc313
    10 hello.example.com /*
    ");
    settles(&lab).await;

    let image = next(&lab, "broken=/ready");
    lab.write("hello", app("hello", image, &extra(SMOKE)));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);

    // Without smoke checks in the manifest, the rule goes; what failed may be tried again without them.
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, &extra("")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:57 DeleteRule listener-rule/shared: the manifest has no smoke checks any more
    13:57 DeleteTags hello-prod-v001: its rule for preview requests is gone
    13:57 DeleteTags hello-prod-v002: its rule for preview requests is gone
    15:24 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    15:24 CreateAutoScalingGroup hello-prod-v003: v001 was born with another template
    15:26 DeleteAutoScalingGroup hello-prod-v002: it failed, and its template is not wanted any more
    15:26 DeleteLaunchTemplate hello-prod-v002: its group is gone
    16:02 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    16:32 ModifyRule listener-rule/shared: v003 is healthy: it takes all traffic
    16:32 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    21:32 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    21:32 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    ");
    assert_snapshot!(rules(&lab), @"10 hello.example.com /*");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_rule_for_previews_goes_with_the_app() {
    let mut lab = deployed(SMOKE).await;
    lab.diary();
    // The end of an app is the one time when what serves may go.
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, &format!("{SMOKE}  destroy: true\n")));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 DeleteRule listener-rule/hello-prod: the app is being destroyed
    07:09 DeleteListener listener/hello-prod: the app is being destroyed
    07:10 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:37 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:43 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    07:44 DeleteTargetGroup hello-prod-a: the app is being destroyed
    07:44 DeleteTargetGroup hello-prod-b: the app is being destroyed
    07:45 DeleteLoadBalancer hello-prod: the app is being destroyed
    07:47 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    lab.simulation.with(|world| assert_eq!(world.balancing.rules.values().count(), 0));
    settles(&lab).await;
}

const ALARMS: &str = "  verification: {alarms: [hello-5xx, hello-slow]}\n";

fn quiet_alarms(lab: &Lab) {
    lab.simulation.with(|world| {
        world.set_alarm("hello-5xx", "OK", "Threshold not crossed");
        world.set_alarm("hello-slow", "OK", "Threshold not crossed");
    });
}

fn set_alarm(lab: &Lab, state: &str) {
    lab.simulation.with(|world| world.set_alarm("hello-5xx", state, "Threshold Crossed: 1 datapoint [12.0] > 5.0"));
}

/// An app that runs on the first image with two alarms, and is about to get the second.
async fn alarmed() -> Lab {
    let mut lab = Lab::new().await;
    quiet_alarms(&lab);
    lab.write("hello", app("hello", HELLO_1_0, ALARMS));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, ALARMS));
    lab
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_does_not_exist_is_said_before_anything_is_launched() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.simulation.with(|world| world.set_alarm("hello-5xx", "OK", ""));
    lab.write("hello", app("hello", HELLO_1_1, ALARMS));
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Error);
    assert_snapshot!(plan.reason, @"verification.alarms names hello-slow, and CloudWatch has no such alarm here; create it, or take it out of the manifest");
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_snapshot!(lab.diary(), @"");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_rings_before_the_shift_holds_the_traffic_where_it_is() {
    let lab = alarmed().await;
    set_alarm(&lab, "ALARM");
    let during = async {
        lab.pass(1777).await;
        let plan = lab.plan("hello").await;
        assert_snapshot!(plan.waits[0].what, @"the alarm hello-5xx to be quiet before traffic moves: Threshold Crossed: 1 datapoint [12.0] > 5.0");
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
        set_alarm(&lab, "OK");
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    36:45 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    36:45 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    41:45 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    41:45 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_during_the_bake_gives_the_traffic_back() {
    let lab = alarmed().await;
    let during = async {
        lab.pass(180).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
        set_alarm(&lab, "ALARM");
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    10:08 ModifyListener listener/hello-prod: v002 failed: v001 serves again (alarm hello-5xx: Threshold Crossed: 1 datapoint [12.0] > 5.0)
    10:08 CreateOrUpdateTags hello-prod-v002: v002 failed: alarm hello-5xx: Threshold Crossed: 1 datapoint [12.0] > 5.0
    10:09 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    10:11 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    10:11 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    15:21 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_without_data_is_waited_for_and_does_not_pass() {
    let lab = alarmed().await;
    let during = async {
        lab.pass(180).await;
        set_alarm(&lab, "INSUFFICIENT_DATA");
        // Long after the bake it is still not recorded.
        lab.pass(900).await;
        let plan = lab.plan("hello").await;
        assert_eq!(plan.change, Change::Replace);
        assert_snapshot!(plan.waits[0].what, @"the alarm hello-5xx has no data: Threshold Crossed: 1 datapoint [12.0] > 5.0");
        set_alarm(&lab, "OK");
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 CreateOrUpdateTags hello-prod-v002: it is not ready for its next step: its progressDeadline counts from now
    25:41 DeleteTags hello-prod-v002: it is ready again: its progressDeadline counts no more
    25:41 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    25:42 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_stays_without_data_ends_the_release() {
    let lab = alarmed().await;
    let during = async {
        lab.pass(180).await;
        set_alarm(&lab, "INSUFFICIENT_DATA");
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::ReleaseFailed);
    assert_snapshot!(lab.plan("hello").await.reason, @"v002 failed: the alarm hello-5xx has no data: Threshold Crossed: 1 datapoint [12.0] > 5.0, 20m after its watch should have ended; v001 serves until the manifest changes or `amiable retry hello`");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn alarms_that_cannot_be_read_during_the_bake_are_neither_good_nor_bad() {
    let lab = alarmed().await;
    let during = async {
        lab.pass(180).await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let throttled = ApiError::new("Throttling", "Rate exceeded");
            (request.operation == "DescribeAlarms").then_some(Fault::Refuse(throttled))
        })));
        lab.pass(1500).await;
        let plan = lab.plan("hello").await;
        assert_eq!((plan.change, plan.actions.len()), (Change::Replace, 0), "{plan:?}");
        assert!(plan.waits[0].what.contains("Rate exceeded"), "{:?}", plan.waits);
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
        lab.simulation.set_faults(None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_on_the_errors_of_the_new_generation_rings_by_itself() {
    let mut lab = alarmed().await;
    lab.simulation.with(|world| {
        world.metrics.rates.insert("hello-prod".to_owned(), 20);
        let slot_b = world.balancing.target_groups.values().find(|group| group.name == "hello-prod-b").unwrap();
        let watches = Watches {
            metric: Metric::OfTargets {
                name: "HTTPCode_Target_5XX_Count".to_owned(),
                target_group: slot_b.arn.clone(),
            },
            statistic: "Sum".to_owned(),
            period: 60,
            periods: 1,
            to_alarm: 1,
            operator: "GreaterThanThreshold".to_owned(),
            threshold: 30.0,
            missing: "notBreaching".to_owned(),
        };
        world.metrics.alarms.get_mut("hello-5xx").unwrap().watches = Some(watches);
    });
    let image = next(&lab, "error-rate=10%");
    lab.write("hello", app("hello", image, ALARMS));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.plan("hello").await.reason, @"v002 failed: alarm hello-5xx: Threshold Crossed: 1 out of the last 1 datapoints [92] were greater than the threshold (30).; v001 serves until the manifest changes or `amiable retry hello`");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

/// An app with 20 requests per second that is compared with its old generation.
async fn compared(compare: &str, rate: u32) -> Lab {
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.metrics.rates.insert("hello-prod".to_owned(), rate));
    // What was there before is known.
    lab.pass(900).await;
    lab.diary();
    let extra = format!("  verification: {{compare: {compare}}}\n");
    lab.write("hello", app("hello", HELLO_1_0, &extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab
}

async fn compared_with(compare: &str, rate: u32, behaviour: &str) -> (Lab, Outcome) {
    let mut lab = compared(compare, rate).await;
    let image = next(&lab, behaviour);
    lab.write("hello", app("hello", image, &format!("  verification: {{compare: {compare}}}\n")));
    let outcome = lab.apply(false).await;
    (lab, outcome)
}

const LIMITS: &str = "{maxErrorRate: 5%, maxErrorRatio: 2, maxLatencyRatio: 1.5, minRequests: 200}";

#[tokio::test(start_paused = true)]
async fn a_generation_that_is_as_good_as_the_old_one_passes_the_comparison() {
    let (lab, outcome) = compared_with(LIMITS, 20, "").await;
    assert_eq!(outcome, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    22:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    22:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    22:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    23:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    23:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    28:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    28:14 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn more_errors_than_the_old_generation_give_the_traffic_back() {
    let (lab, outcome) = compared_with(LIMITS, 20, "error-rate=3%").await;
    assert_eq!(outcome, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    22:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    22:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    22:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    23:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    23:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    26:31 ModifyListener listener/hello-prod: v002 failed: v001 serves again (3.00% of its requests answered with 5xx, 0.00% of the old generation's in 1m)
    26:31 CreateOrUpdateTags hello-prod-v002: v002 failed: 3.00% of its requests answered with 5xx, 0.00% of the old generation's in 1m
    26:32 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    26:33 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    26:33 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    31:43 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn slower_answers_than_the_old_generation_give_the_traffic_back() {
    let (lab, outcome) = compared_with(LIMITS, 20, "latency=400ms").await;
    assert_eq!(outcome, Outcome::ReleaseFailed);
    assert_snapshot!(lab.plan("hello").await.reason, @"v002 failed: p90 response time 400 ms, 5 ms of the old generation in 1m; v001 serves until the manifest changes or `amiable retry hello`");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn too_little_traffic_is_no_good_traffic() {
    let mut lab = compared(LIMITS, 20).await;
    lab.simulation.with(|world| world.metrics.rates.clear());
    lab.write("hello", app("hello", HELLO_1_1, &format!("  verification: {{compare: {LIMITS}}}\n")));
    let during = async {
        lab.pass(900).await;
        let plan = lab.plan("hello").await;
        assert_eq!(plan.change, Change::Replace, "it is not recorded before it could be judged");
        assert_snapshot!(plan.waits[0].what, @"only 0 of 200 requests to judge it by in 5m");
        lab.simulation.with(|world| world.metrics.rates.insert("hello-prod".to_owned(), 20));
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    settles(&lab).await;
}

const CANARY: &str = "  strategy: {canary: {steps: [{weight: 20}, {pause: 10m}], bakeTime: 1m}}\n";

/// A canary of an image is compared with the old generation at 20 % of so many requests per second.
async fn canary(rate: u32, behaviour: &str, compare: &str) -> Lab {
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.metrics.rates.insert("hello-prod".to_owned(), rate));
    lab.diary();
    let image = next(&lab, behaviour);
    lab.write("hello", app("hello", image, &format!("{CANARY}  verification: {{compare: {compare}}}\n")));
    lab
}

#[tokio::test(start_paused = true)]
async fn a_canary_with_more_errors_than_the_old_generation_loses_its_share() {
    let lab = canary(20, "error-rate=3%", LIMITS).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes 20 % of the traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 has 20 % of the traffic
    11:34 ModifyListener listener/hello-prod: v002 failed: v001 serves again (3.06% of its requests answered with 5xx, 0.00% of the old generation's in 2m)
    11:34 CreateOrUpdateTags hello-prod-v002: v002 failed: 3.06% of its requests answered with 5xx, 0.00% of the old generation's in 2m
    11:35 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    11:35 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    16:45 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_promotes_a_canary_judges_it_in_place_of_too_little_traffic() {
    let lab = canary(1, "", "{maxErrorRatio: 2, minRequests: 200}").await;
    let during = async {
        lab.pass(900).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (80, 20), "its pause is over");
        lab.say("hello", "it is quiet today", |about| intent::promote(about, false)).await;
        lab.pass(30).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_goes_no_further_while_there_is_too_little_traffic_to_judge_it_by() {
    // A fifth of one request a second makes 60 in the five minutes that are looked at.
    let lab = canary(1, "", "{maxErrorRatio: 2, minRequests: 200}").await;
    let during = async {
        // Its pause is over.
        lab.pass(900).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (80, 20));
        assert_snapshot!(lab.plan("hello").await.waits[0].what, @"only 60 of 200 requests to judge it by in 5m");
        lab.simulation.with(|world| world.metrics.rates.insert("hello-prod".to_owned(), 20));
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_in_the_pause_of_a_canary_gives_its_share_back() {
    let mut lab = alarmed().await;
    lab.write("hello", app("hello", HELLO_1_1, &format!("{CANARY}{ALARMS}")));
    let during = async {
        lab.pass(240).await;
        assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (80, 20));
        set_alarm(&lab, "ALARM");
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes 20 % of the traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 has 20 % of the traffic
    11:09 ModifyListener listener/hello-prod: v002 failed: v001 serves again (alarm hello-5xx: Threshold Crossed: 1 datapoint [12.0] > 5.0)
    11:09 CreateOrUpdateTags hello-prod-v002: v002 failed: alarm hello-5xx: Threshold Crossed: 1 datapoint [12.0] > 5.0
    11:10 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    11:10 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    16:20 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

fn hook(phase: &str, timeout: &str) -> String {
    format!(
        "  verification: {{webhook: {{url: 'https://gate.example.com/check?x=1', phase: {phase}, timeout: {timeout}}}}}\n"
    )
}

fn answers(lab: &Lab, answers: &[(u16, &str)]) {
    let answers: Vec<HookAnswer> =
        answers.iter().map(|(status, body)| HookAnswer::Status(*status, (*body).to_owned())).collect();
    lab.simulation.with(|world| world.outside.answers("gate.example.com", answers));
}

fn asked(lab: &Lab) -> Vec<String> {
    lab.simulation.with(|world| {
        let asked = world.outside.asked.iter();
        asked.map(|asked| format!("{} {}", asked.key.clone().unwrap_or_default(), asked.body)).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_busy_at_first_approves_before_the_traffic_moves() {
    let mut lab = deployed("").await;
    lab.diary();
    answers(&lab, &[(500, "oops"), (503, ""), (200, "go")]);
    lab.write("hello", app("hello", HELLO_1_1, &hook("beforeShift", "10m")));
    // A plan asks nobody.
    lab.plan("hello").await;
    assert!(asked(&lab).is_empty());
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 CreateOrUpdateTags hello-prod-v002: the webhook is asked until it gives a verdict
    09:00 CreateOrUpdateTags hello-prod-v002: the webhook approves v002 before the shift
    09:01 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    09:01 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    14:01 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    14:01 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    let asked = asked(&lab);
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one == &asked[0]), "the same question each time: {asked:?}");
    assert_snapshot!(asked[0], @r#"hello-prod-v002-1-d0c6fe8b80a7e87c-before-shift {"app":"hello","environment":"prod","generation":2,"image":"ami-00000000000000110","release":{"buildDate":"2026-11-02T12:00:00Z"},"phase":"beforeShift"}"#);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_refuses_while_it_bakes_gives_the_traffic_back_with_its_words() {
    let mut lab = deployed("").await;
    lab.diary();
    answers(&lab, &[(503, ""), (422, "error budget is spent\ndetails")]);
    lab.write("hello", app("hello", HELLO_1_1, &hook("duringBake", "10m")));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    08:15 CreateOrUpdateTags hello-prod-v002: the webhook is asked until it gives a verdict
    08:31 ModifyListener listener/hello-prod: v002 failed: v001 serves again (the webhook refuses it during its bake: status 422: error budget is spent)
    08:31 CreateOrUpdateTags hello-prod-v002: v002 failed: the webhook refuses it during its bake: status 422: error budget is spent
    08:32 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    08:33 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    08:33 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    13:43 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_without_a_verdict_is_a_refusal_in_the_end() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.simulation.with(|world| world.outside.answers("gate.example.com", [HookAnswer::Silence]));
    lab.write("hello", app("hello", HELLO_1_1, &hook("beforeRecord", "2m")));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:23 CreateOrUpdateTags hello-prod-v002: the webhook is asked until it gives a verdict
    15:32 ModifyListener listener/hello-prod: v002 failed: v001 serves again (the webhook gave no verdict before its record in 2m: no answer within 10s)
    15:32 CreateOrUpdateTags hello-prod-v002: v002 failed: the webhook gave no verdict before its record in 2m: no answer within 10s
    15:33 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    15:34 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    15:34 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    20:44 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

fn shared_listener(lab: &Lab) -> String {
    let between = |body: &str, tag: &str| {
        body.split(tag).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
    };
    let balancer = lab.by_hand(
        "elasticloadbalancing",
        "CreateLoadBalancer",
        &[
            ("Name", "shared"),
            ("Subnets.member.1", SUBNETS[0]),
            ("Subnets.member.2", SUBNETS[1]),
            ("SecurityGroups.member.1", SECURITY_GROUP),
        ],
    );
    let arn = between(&balancer.body, "<LoadBalancerArn>");
    let fixed = [
        ("LoadBalancerArn", arn.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
    ];
    between(&lab.by_hand("elasticloadbalancing", "CreateListener", &fixed).body, "<ListenerArn>")
}

/// All rules by priority, with their conditions.
fn rules(lab: &Lab) -> String {
    lab.simulation.with(|world| {
        let mut rules: Vec<_> = world.balancing.rules.values().collect();
        rules.sort_by_key(|rule| rule.priority);
        let lines = rules.iter().map(|rule| {
            let values: Vec<String> = rule.conditions.iter().flat_map(|it| it.values()).cloned().collect();
            format!("{} {}", rule.priority, values.join(" "))
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}
