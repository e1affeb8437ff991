//! Releases as stories: what is done, when and why, from a manifest to what serves. Each ends with the plan that it must end in.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD, HELLO_SICK_LATER, SECURITY_GROUP, SUBNETS};
use insta::assert_snapshot;

use crate::invariants::weights;
use crate::lab::{Lab, app};

async fn deployed(extra: &str) -> Lab {
    let mut lab = Lab::new().await;
    lab.write("hello", app("hello", HELLO_1_0, extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab
}

/// Nothing is left to do, whatever is still waited for.
async fn settles(lab: &Lab) {
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0), "{plan:?}");
}

fn weight(lab: &Lab, target_group: &str) -> u32 {
    lab.simulation.with(|world| weights(world).get(target_group).copied().unwrap_or_default())
}

fn serving(lab: &Lab) -> Vec<(String, u32)> {
    lab.simulation.with(|world| world.serving().into_iter().collect())
}

#[tokio::test(start_paused = true)]
async fn a_first_deploy() {
    let lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn from_one_image_to_the_next_and_the_old_group_goes_after_its_time() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_never_gets_healthy_takes_no_traffic_and_is_not_tried_again() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"");
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("500"), "in AWS's words: {}", plan.reason);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_falls_sick_under_traffic_gives_it_back_in_one_call() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_while_the_old_group_is_warm_launches_nothing() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    assert_eq!(lab.rollback("hello", "checkout is slow").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(lab.instances("hello-prod-v001"), before);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("checkout is slow"), "{}", plan.reason);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_goes_back_returns_to_the_group_that_is_still_warm() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(lab.instances("hello-prod-v001"), before, "nothing was launched");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn settings_change_in_place_and_drift_is_put_right() {
    let mut lab = deployed("").await;
    lab.diary();
    let changed = app("hello", HELLO_1_0, "  loadBalancer: {deregistrationDelay: 20s}\n");
    lab.write("hello", changed.replace("max: 4", "max: 8").replace("/health_check", "/healthy"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;

    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("MaxSize", "20")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &resize);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift.len(), plan.fields.len()), (Change::Drift, 1, 0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_scaling_added_is_kept_over_a_release() {
    let mut lab = deployed("").await;
    lab.by_hand(
        "autoscaling",
        "SetDesiredCapacity",
        &[("AutoScalingGroupName", "hello-prod-v001"), ("DesiredCapacity", "4")],
    );
    lab.pass(120).await;
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 4)]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_is_replaced_by_its_group_and_is_no_business_of_ours() {
    let lab = deployed("").await;
    let victim = lab.instances("hello-prod-v001")[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(180).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert!(!lab.instances("hello-prod-v001").contains(&victim));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_middle_of_a_release_replaces_what_is_unfinished() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, ""));
    lab.diary();
    let desired = lab.desired();
    let (_, plan) = lab.look().await;
    let app_plan = &plan.apps[0];
    let scope = &desired.apps[&app_plan.app].scope;
    amiable::execute::execute(&lab.aws, &lab.clock, app_plan, scope, &|_| {}).await;
    lab.pass(60).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_takes_over_without_a_load_balancer() {
    let mut lab = deployed("  loadBalancer: none\n").await;
    assert_snapshot!(lab.diary(), @"");
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: none\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_app_behind_a_shared_listener_owns_its_rule_and_nothing_else_there() {
    let mut lab = Lab::new().await;
    let subnets = [
        ("Subnets.member.1", SUBNETS[0]),
        ("Subnets.member.2", SUBNETS[1]),
        ("SecurityGroups.member.1", SECURITY_GROUP),
    ];
    let balancer = lab.by_hand(
        "elasticloadbalancing",
        "CreateLoadBalancer",
        &[[("Name", "shared")].as_slice(), &subnets].concat(),
    );
    let arn = between(&balancer.body, "<LoadBalancerArn>");
    let fixed = [
        ("LoadBalancerArn", arn.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
    ];
    let listener = between(&lab.by_hand("elasticloadbalancing", "CreateListener", &fixed).body, "<ListenerArn>");
    lab.environment(&format!("  listeners: {{web: '{listener}'}}\n"));
    let rule = |hosts: &str| format!("  loadBalancer: {{listener: web, hosts: [{hosts}], priority: 10}}\n");
    lab.write("hello", app("hello", HELLO_1_0, &rule("hello.example.com")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;

    lab.write("hello", app("hello", HELLO_1_1, &rule("hello.example.com, www.example.com")));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn without_its_manifest_an_app_is_left_alone() {
    let mut lab = deployed("").await;
    lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n"));
    lab.remove("hello");
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(lab.plan("hello").await.change, Change::Orphaned);
    assert!(serving(&lab).contains(&("hello-prod-v001".to_owned(), 2)));
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_destroyed_leaves_nothing_behind() {
    let mut lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    lab.diary();
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, "  dns: {name: hello.internal.example.com}\n  destroy: true\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"");
    assert_eq!(crate::lab::summary(&lab.simulation), Vec::<String>::new());
    settles(&lab).await;
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

fn between(body: &str, tag: &str) -> String {
    body.split(tag).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}
