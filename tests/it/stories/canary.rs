//! Canaries: a share of the traffic, a look, a larger share.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::plan::intent;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

const STEPS: &str = "  strategy: {canary: {steps: [{weight: 5}, {pause: 10m}, {weight: 50}, {pause: 5m}]}}\n";
const UNTIL_PROMOTED: &str =
    "  strategy: {canary: {steps: [{weight: 10}, {pause: {}}, {weight: 50}, {pause: {}}], bakeTime: 1m}}\n";

/// `1.0.0` serves, and `1.1.0` has begun as a canary.
async fn begun(steps: &str) -> Lab {
    let mut lab = deployed(steps).await;
    lab.write("hello", app("hello", HELLO_1_1, steps));
    lab.apply_for(Duration::from_secs(120)).await;
    lab.diary();
    assert_ne!(weight(&lab, "hello-prod-b"), 0, "it has its share");
    lab
}

#[tokio::test(start_paused = true)]
async fn a_canary_takes_its_share_in_steps_and_then_everything() {
    let mut lab = deployed(STEPS).await;
    assert!(!lab.diary().contains('%'), "the first generation has nothing to be compared with");
    lab.write("hello", app("hello", HELLO_1_1, STEPS));
    let shown: Vec<_> = lab.plan("hello").await.steps.iter().map(|step| step.kind.to_string()).collect();
    assert_eq!(shown[..7], ["launch 2", "healthy 2/2", "shift 5%", "pause 10m", "shift 50%", "pause 5m", "shift 100%"]);
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes 5 % of the traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 has 5 % of the traffic
    18:13 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    18:14 ModifyListener listener/hello-prod: v002 is well at 5 %: it takes 50 %
    23:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    23:14 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    28:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    28:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    88:13 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    89:45 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_stays_on_one_version_until_all_traffic_has_moved() {
    let lab = begun(STEPS).await;
    let stickiness = || lab.simulation.with(|world| crate::invariants::stickiness(world, "hello-prod"));
    assert_eq!(stickiness(), Some(3600));
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (95, 5));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(stickiness(), None, "or visitors of the old one would go on to reach it");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_end_waits_for_a_person() {
    let lab = begun(UNTIL_PROMOTED).await;
    lab.apply_for(Duration::from_secs(3600)).await;
    assert_snapshot!(lab.diary(), @"");
    let plan = lab.plan("hello").await;
    assert_eq!(plan.waits[0].what, "`amiable promote hello`, with v002 at 10 % of the traffic");
    lab.say("hello", "numbers look good", |about| intent::promote(about, false)).await;
    lab.apply_for(Duration::from_secs(600)).await;
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (50, 50));
    lab.say("hello", "", |about| intent::promote(about, false)).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    65:24 CreateOrUpdateTags hello-prod-v002: promoted by simulated: numbers look good
    65:24 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    65:24 ModifyListener listener/hello-prod: v002 is well at 10 %: it takes 50 %
    75:28 CreateOrUpdateTags hello-prod-v002: promoted by simulated
    75:28 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    75:28 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    76:28 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    76:28 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_promotion_leaves_no_step_to_be_waited_for() {
    let lab = begun(UNTIL_PROMOTED).await;
    lab.say("hello", "hotfix", |about| intent::promote(about, true)).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    05:15 CreateOrUpdateTags hello-prod-v002: promoted by simulated: hotfix
    05:15 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    05:15 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    06:15 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    06:15 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_falls_sick_gives_its_share_back() {
    let mut lab = deployed(STEPS).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_SICK_LATER, STEPS));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes 5 % of the traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 has 5 % of the traffic
    10:07 ModifyListener listener/hello-prod: v002 failed: v001 serves again (unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500])
    10:07 CreateOrUpdateTags hello-prod-v002: v002 failed: unhealthy under traffic: 2 instances, such as i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    10:08 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    10:08 PutParameter /amiable/prod/hello/failures: why v002 failed, for those who ask later
    10:38 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
    lab.write("hello", app("hello", HELLO_1_0, STEPS));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_aborted_gives_its_share_back() {
    let lab = begun(STEPS).await;
    lab.say("hello", "support calls", intent::abort).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    09:10 CreateOrUpdateTags hello-prod-v002: aborted by simulated: support calls
    09:10 ModifyListener listener/hello-prod: v001 serves again: v002 was aborted by simulated: support calls
    09:11 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    14:21 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("aborted by simulated: support calls"), "{}", plan.reason);
    lab.say("hello", "", intent::retry).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_edited_away_gives_its_share_back_before_the_next_is_launched() {
    let mut lab = begun(STEPS).await;
    lab.simulation.with(|world| world.add_image("ami-00000000000000111", "hello 1.1.1", ""));
    lab.write("hello", app("hello", "ami-00000000000000111", STEPS));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    09:10 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    09:11 DeleteTags hello-prod-v002: no manifest asks for it any more: if it is asked for again, it begins anew
    09:11 ModifyListener listener/hello-prod: v002 is not wanted any more: v001 takes all traffic again
    09:12 CreateOrUpdateTags hello-prod-v002: no manifest asks for it any more: from now on no run gives it traffic
    14:22 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    15:54 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    15:54 DeleteLaunchTemplate hello-prod-v002: its group is gone
    16:01 CreateAutoScalingGroup hello-prod-v003: v001 was born with another template
    16:37 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    17:07 ModifyListener listener/hello-prod: v003 is healthy: it takes 5 % of the traffic
    17:07 CreateOrUpdateTags hello-prod-v003: v003 has 5 % of the traffic
    27:07 CreateOrUpdateTags hello-prod-v003: v003 has 50 % of the traffic
    27:07 ModifyListener listener/hello-prod: v003 is well at 5 %: it takes 50 %
    32:07 ModifyListener listener/hello-prod: v003 is healthy: it takes all traffic
    32:07 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    37:07 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    37:07 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_whose_manifest_is_reverted_gives_its_share_back_and_goes() {
    let mut lab = begun(STEPS).await;
    let before = lab.instances("hello-prod-v001");
    lab.write("hello", app("hello", HELLO_1_0, STEPS));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    09:10 CreateOrUpdateTags hello-prod-v001: v001 is to stay: other runs that ask for another release give way
    09:11 DeleteTags hello-prod-v002: no manifest asks for it any more: if it is asked for again, it begins anew
    09:11 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    09:12 CreateOrUpdateTags hello-prod-v002: no manifest asks for it any more: from now on no run gives it traffic
    14:22 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    15:54 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    ");
    assert_eq!(lab.instances("hello-prod-v001"), before);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn weights_that_somebody_changes_under_a_canary_are_put_right_and_are_no_progress() {
    let lab = begun(STEPS).await;
    let listener = lab.listener("hello-prod");
    let group = |slot: &str| lab.target_group(&format!("hello-prod-{slot}"));
    let forward = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let (a, b) = (group("a"), group("b"));
    let (one, two) = (format!("{forward}.1"), format!("{forward}.2"));
    lab.by_hand(
        "elasticloadbalancing",
        "ModifyListener",
        &[
            ("ListenerArn", listener.as_str()),
            ("DefaultActions.member.1.Type", "forward"),
            (&format!("{one}.TargetGroupArn"), &a),
            (&format!("{one}.Weight"), "60"),
            (&format!("{two}.TargetGroupArn"), &b),
            (&format!("{two}.Weight"), "40"),
        ],
    );
    lab.apply_for(Duration::from_secs(60)).await;
    assert_snapshot!(lab.diary(), @"09:10 ModifyListener listener/hello-prod: the weights were changed: v002 has 5 % of the traffic");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (95, 5));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_loses_an_instance_waits_until_it_is_whole_again() {
    let lab = begun(STEPS).await;
    let lost = lab.instances("hello-prod-v002").remove(0);
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &lost)]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    18:13 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    18:13 ModifyListener listener/hello-prod: v002 is well at 5 %: it takes 50 %
    23:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    23:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    28:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    28:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_after_a_crash_goes_on_where_it_was() {
    let mut lab = begun(STEPS).await;
    lab.pass(60).await;
    lab.restart().await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    18:13 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    18:13 ModifyListener listener/hello-prod: v002 is well at 5 %: it takes 50 %
    23:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    23:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    28:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    28:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn after_it_has_taken_everything_a_canary_is_rolled_back_at_once() {
    let mut lab = begun(STEPS).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    assert_eq!(lab.rollback("hello", "checkout is slow").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    28:15 PutParameter /amiable/prod/hello/deployed: rolled back by simulated: checkout is slow
    28:15 CreateOrUpdateTags hello-prod-v002: rolled back by simulated: checkout is slow
    28:15 ModifyListener listener/hello-prod: v001 serves again: v002 was rolled back by simulated: checkout is slow
    28:16 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    28:17 CreateOrUpdateTags hello-prod-v002: it has no traffic any more: from now on no run gives it any
    33:16 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    33:16 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    33:27 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    lab.write("hello", app("hello", HELLO_1_0, STEPS));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_shared_listener_a_canary_moves_the_weights_of_its_rule() {
    let steps = "  loadBalancer: {listener: web, hosts: [hello.example.com]}
  strategy: {canary: {steps: [{weight: 20}, {pause: 1m}], bakeTime: 1m}}\n";
    let mut lab = super::shared_listener::shared().await;
    lab.write("hello", app("hello", HELLO_1_0, steps));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.write("hello", app("hello", HELLO_1_1, steps));
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    03:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    03:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    03:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    04:13 ModifyRule listener-rule/shared: v002 is healthy: it takes 20 % of the traffic
    04:13 CreateOrUpdateTags hello-prod-v002: v002 has 20 % of the traffic
    05:13 ModifyRule listener-rule/shared: v002 is healthy: it takes all traffic
    05:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    06:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    06:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_network_load_balancer_a_canary_has_its_share_of_connections() {
    let steps = "  loadBalancer: {type: network, listeners: [{port: 80, protocol: TCP}]}
  strategy: {canary: {steps: [{weight: 20}, {pause: 1m}], bakeTime: 1m}}\n";
    let lab = begun(steps).await;
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (80, 20));
    let stickiness = lab.simulation.with(|world| crate::invariants::stickiness(world, "hello-prod"));
    assert_eq!(stickiness, None, "it knows connections, not visitors");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

const SHORT: &str = "  strategy: {canary: {steps: [{weight: 50}, {pause: 1m}], bakeTime: 1m}}\n";

#[tokio::test(start_paused = true)]
async fn a_manifest_that_goes_back_to_a_warm_canary_of_before_lets_it_serve_again() {
    const THIRD: &str = "ami-00000000000000112";
    let mut lab = deployed(SHORT).await;
    lab.simulation.with(|world| world.add_image(THIRD, "hello 1.1.2", ""));
    for image in [HELLO_1_1, THIRD] {
        lab.write("hello", app("hello", image, SHORT));
        assert_eq!(lab.apply(false).await, Outcome::Converged);
    }
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, SHORT));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    16:09 CreateOrUpdateTags hello-prod-v002: v002 is wanted again: other runs that ask for another release give way
    16:11 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    16:11 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    17:11 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    17:11 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_was_turned_down_in_its_bake_begins_anew_on_retry() {
    let mut lab = deployed(SHORT).await;
    lab.write("hello", app("hello", HELLO_1_1, SHORT));
    lab.apply_for(Duration::from_secs(160)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 100, "{}", lab.diary());
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    lab.diary();
    assert_eq!(lab.retry("hello").await, Outcome::Converged, "{}", lab.diary());
    assert_snapshot!(lab.diary(), @"
    11:01 DeleteTags hello-prod-v002: retry of v002 by simulated
    12:27 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    12:33 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    13:10 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    13:40 ModifyListener listener/hello-prod: v002 is healthy: it takes 50 % of the traffic
    13:40 CreateOrUpdateTags hello-prod-v002: v002 has 50 % of the traffic
    14:40 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    14:40 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    15:40 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    15:40 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

/// What a group does by itself and what is suspended in it, without the name of the group.
fn by_itself(lab: &Lab, group: &str) -> Vec<String> {
    lab.simulation.with(|world| {
        let it = world.scaling.groups.get(group).unwrap();
        let named = it.policies.keys().chain(it.scheduled.keys());
        let mut all: Vec<String> = named.map(|name| name.replace(group, "GROUP")).collect();
        all.extend(it.suspended.keys().map(|process| format!("{process} suspended")));
        all
    })
}

#[tokio::test(start_paused = true)]
async fn what_the_manifest_says_of_scaling_in_mid_canary_holds_for_both_generations() {
    let mut lab = begun(STEPS).await;
    let scaling = "  scaling: {targetTracking: [{metric: ASGAverageCPUUtilization, target: 60}], \
                   scheduled: [{name: morning, schedule: '0 8 * * *', min: 4, max: 8, desired: 4}]}\n";
    let changed = |extra: &str| app("hello", HELLO_1_1, &format!("{STEPS}{extra}"));
    let suspending = changed(scaling).replace("max: 4}", "max: 4, suspendedProcesses: [AZRebalance]}");
    lab.write("hello", suspending);
    lab.apply_for(Duration::from_secs(60)).await;
    let diary = lab.diary();
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (95, 5), "{diary}");
    let [old, new] = ["hello-prod-v001", "hello-prod-v002"].map(|group| by_itself(&lab, group));
    assert_eq!(new.len(), 3, "{new:?}\n{diary}");
    assert_eq!(old, new, "{diary}");
    lab.write("hello", changed(""));
    lab.apply_for(Duration::from_secs(60)).await;
    for group in ["hello-prod-v001", "hello-prod-v002"] {
        assert_eq!(by_itself(&lab, group), [""; 0], "{}", lab.diary());
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}
