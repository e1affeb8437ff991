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
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:00 CreateLoadBalancer hello-prod: the app has no load balancer
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:37 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:07 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    02:07 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    02:58 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    07:07 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:07 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn from_one_image_to_the_next_and_the_old_group_goes_after_its_time() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:45 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:16 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:16 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:16 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:16 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:43 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    74:43 DeleteLaunchTemplate hello-prod-v001: its group is gone
    ");
    settles(&lab).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_never_gets_healthy_takes_no_traffic_and_is_not_tried_again() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    12:09 CreateOrUpdateTags hello-prod-v002: v002 failed: 0 of 2 instances healthy after 5m: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    12:10 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("500"), "in AWS's words: {}", plan.reason);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"13:37 DeleteAutoScalingGroup hello-prod-v002: it failed, and its template is not wanted any more");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_falls_sick_under_traffic_gives_it_back_in_one_call() {
    let mut lab = deployed("").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:45 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:16 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    10:04 ModifyListener listener/hello-prod: v002 failed: v001 serves again (unhealthy under traffic: i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500])
    10:04 CreateOrUpdateTags hello-prod-v002: v002 failed: unhealthy under traffic: i-001fe68f0af33cb97 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]
    10:05 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    10:06 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
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
    assert_snapshot!(lab.diary(), @"
    13:17 ModifyListener listener/hello-prod: v002 failed: v001 serves again (rolled back by simulated: checkout is slow)
    13:18 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    13:19 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    18:18 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:18 CreateOrUpdateTags hello-prod-v001: v001 is recorded
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
async fn a_manifest_that_goes_back_returns_to_the_group_that_is_still_warm() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:17 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    13:17 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    18:17 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:17 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
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
    assert_snapshot!(lab.diary(), @"
    07:09 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:09 ModifyTargetGroup hello-prod-a: the health check differs from the manifest
    07:09 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 60s → 20s
    07:09 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 60s → 20s
    07:09 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;

    let resize = [("AutoScalingGroupName", "hello-prod-v001"), ("MaxSize", "20")];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &resize);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift.len(), plan.fields.len()), (Change::Drift, 1, 0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"07:10 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
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
    assert_snapshot!(lab.diary(), @"
    08:09 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    09:37 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    09:43 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    09:43 CreateAutoScalingGroup hello-prod-v003: v001 was born with another template
    09:44 DeleteLaunchTemplate hello-prod-v002: no group uses it
    10:21 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    10:51 ModifyListener listener/hello-prod: v003 is healthy: it takes all traffic
    10:51 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    15:51 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    15:51 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    75:51 UpdateAutoScalingGroup hello-prod-v001: v003 serves in its place
    77:19 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    77:19 DeleteLaunchTemplate hello-prod-v001: its group is gone
    ");
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_takes_over_without_a_load_balancer() {
    let mut lab = deployed("  loadBalancer: none\n").await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:00 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    00:16 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    00:46 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    05:46 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    05:46 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: none\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    05:47 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    05:47 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    06:04 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    06:34 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    11:34 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    11:34 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    11:35 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    12:02 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    12:02 DeleteLaunchTemplate hello-prod-v001: its group is gone
    ");
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
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:02 CreateRule listener/shared: the listener `web` has no rule for the app
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:37 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:07 ModifyRule listener-rule/shared: v001 is healthy: it takes all traffic
    02:07 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:07 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:07 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    settles(&lab).await;

    lab.write("hello", app("hello", HELLO_1_1, &rule("hello.example.com, www.example.com")));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:09 ModifyRule listener-rule/shared: the rule's conditions differ from the manifest
    07:09 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:09 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:46 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:16 ModifyRule listener-rule/shared: v002 is healthy: it takes all traffic
    08:16 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:16 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:16 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:16 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:43 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    74:43 DeleteLaunchTemplate hello-prod-v001: its group is gone
    ");
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
    assert_snapshot!(lab.diary(), @"
    07:58 ChangeResourceRecordSets hello.internal.example.com: the app is being destroyed
    07:59 DeleteListener listener/hello-prod: the app is being destroyed
    08:00 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    08:27 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    08:33 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    08:35 DeleteTargetGroup hello-prod-a: the app is being destroyed
    08:35 DeleteTargetGroup hello-prod-b: the app is being destroyed
    08:36 DeleteLoadBalancer hello-prod: the app is being destroyed
    08:37 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
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
    13:38 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    13:44 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    14:21 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    14:51 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    14:51 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    19:51 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    19:51 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_somebody_deleted_comes_back_with_the_traffic_where_it_was() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    lab.diary();
    lab.simulation.set_observer(None);
    let listener = lab.simulation.with(|world| world.balancing.listeners.keys().next().unwrap().to_string());
    lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"13:17 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    lab.pass(60).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn reads_that_are_throttled_for_minutes_delay_a_release_and_end_nothing() {
    use amiable::sim::fault::Fault;
    use amiable::sim::wire::{ApiError, Request};
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

#[tokio::test(start_paused = true)]
async fn an_app_that_is_scaled_to_nothing_is_released_all_the_same() {
    let nothing = |image: &str| app("hello", image, "").replace("{min: 2, max: 4}", "{min: 0, max: 4}");
    let mut lab = Lab::new().await;
    lab.write("hello", nothing(HELLO_1_0));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
    lab.write("hello", nothing(HELLO_1_1));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
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

fn between(body: &str, tag: &str) -> String {
    body.split(tag).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}
