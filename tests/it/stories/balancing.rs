//! Load balancers of an app's own: of both kinds, with several listeners, and what of them is changed while they serve.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::balancing::routing::{Incoming, Route};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, SECURITY_GROUP};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

const CERTIFICATE: &str = "arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555";

/// What becomes of a request to a port of the app's load balancer.
fn route(lab: &Lab, port: u16) -> Route {
    lab.simulation.with(|world| {
        let balancer = world.balancing.load_balancers.values().next().unwrap().arn.clone();
        let request = Incoming { host: "hello.example.com".to_owned(), path: "/".to_owned(), ..Incoming::default() };
        world.route(&balancer, port, &request, 0)
    })
}

/// The target group that a request to a port reaches, by the name of its slot.
fn reaches(lab: &Lab, port: u16) -> String {
    match route(lab, port) {
        Route::Target { target_group, .. } => crate::lab::name_in(&target_group),
        other => format!("{other:?}"),
    }
}

fn attribute(lab: &Lab, of: &str, key: &str) -> Option<String> {
    lab.simulation.with(|world| {
        let balancers = world.balancing.load_balancers.values().map(|it| (&it.name, &it.attributes));
        let groups = world.balancing.target_groups.values().map(|it| (&it.name, &it.attributes));
        balancers.chain(groups).find(|(name, _)| *name == of).and_then(|(_, all)| all.get(key).cloned())
    })
}

#[tokio::test(start_paused = true)]
async fn a_network_load_balancer_shifts_by_weights_like_any_other() {
    let network = "  loadBalancer: {type: network, listeners: [{port: 80, protocol: TCP}], crossZone: true}\n";
    let mut lab = deployed(network).await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateTargetGroup hello-prod-a: slot a has no target group
    00:00 CreateTargetGroup hello-prod-b: slot b has no target group
    00:00 CreateLoadBalancer hello-prod: the app has no load balancer
    00:01 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 300s → 60s
    00:01 ModifyTargetGroupAttributes hello-prod-b: deregistration delay 300s → 60s
    00:01 ModifyLoadBalancerAttributes hello-prod: cross zone false → true
    00:02 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:35 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:06 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    02:06 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:05 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:05 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    lab.write("hello", app("hello", HELLO_1_1, network));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:13 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:45 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    assert_eq!(reaches(&lab, 80), "hello-prod-b");
    assert_eq!(attribute(&lab, "hello-prod", "load_balancing.cross_zone.enabled").as_deref(), Some("true"));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn tcp_and_udp_on_one_port_are_checked_over_tcp() {
    let game = "  loadBalancer: {type: network, listeners: [{port: 7777, protocol: TCP_UDP}]}\n";
    let text = app("hello", HELLO_1_0, game)
        .replace("healthCheck: {path: /health_check}", "healthCheck: {protocol: TCP, port: 80}");
    let mut lab = Lab::new().await;
    lab.write("hello", text);
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let (protocol, check, path) = lab.simulation.with(|world| {
        let group = world.balancing.target_groups.values().next().unwrap();
        (group.protocol.clone(), group.check.protocol.clone(), group.check.path.clone())
    });
    assert_eq!((protocol.as_str(), check.as_str(), path), ("TCP_UDP", "TCP", None));
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn http_sends_clients_to_https_and_takes_no_part_in_shifts() {
    let both = |port: u16| {
        format!(
            "  loadBalancer: {{listeners: [{{port: 443, protocol: HTTPS, certificateArn: '{CERTIFICATE}'}}, {{port: 80, redirect: {{port: {port}}}}}]}}\n"
        )
    };
    let mut lab = deployed(&both(443)).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, &both(443)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(reaches(&lab, 443), "hello-prod-b");
    assert!(
        matches!(route(&lab, 80), Route::Redirect { location, .. } if location == "https://hello.example.com:443/")
    );

    lab.write("hello", app("hello", HELLO_1_1, &both(8443)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:15 ModifyListener listener/hello-prod: the listener on port 80 differs from the manifest
    13:15 CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    ");
    assert!(matches!(route(&lab, 80), Route::Redirect { location, .. } if location.contains(":8443/")));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn all_listeners_that_forward_shift_together() {
    let two = "  loadBalancer: {listeners: [{port: 80}, {port: 8080}]}\n";
    let mut lab = deployed(two).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, two));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!((reaches(&lab, 80), reaches(&lab, 8080)), ("hello-prod-b".to_owned(), "hello-prod-b".to_owned()));
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary().lines().take(3).collect::<Vec<_>>().join("\n"), @"
    13:15 PutParameter /amiable/prod/hello/deployed: rolled back by simulated: slow
    13:15 CreateOrUpdateTags hello-prod-v002: rolled back by simulated: slow
    13:15 ModifyListener listener/hello-prod: v001 serves again: v002 was rolled back by simulated: slow
    ");
    assert_eq!((reaches(&lab, 80), reaches(&lab, 8080)), ("hello-prod-a".to_owned(), "hello-prod-a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_listener_comes_with_the_traffic_of_the_others_and_goes_when_the_new_one_is_there() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(true).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: {listeners: [{port: 8080}]}\n"));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.fields[0].path.as_str()), (Change::Update, "loadBalancer.listeners[].port"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    74:52 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 8080
    74:53 DeleteListener listener/hello-prod: the manifest has no listener on port 80
    74:53 CreateOrUpdateTags hello-prod-v002: these are its listeners now
    74:53 CreateOrUpdateTags hello-prod-v002: its settings are those of the manifest
    ");
    assert_eq!(reaches(&lab, 8080), "hello-prod-b");
    assert_eq!(route(&lab, 80), Route::Refused);
    lab.restart().await;
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn plain_http_becomes_https_in_place_and_the_weights_stay() {
    let mut lab = deployed("").await;
    lab.diary();
    let secure = format!(
        "  loadBalancer: {{listeners: [{{port: 80, protocol: HTTPS, certificateArn: '{CERTIFICATE}', sslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06}}]}}\n"
    );
    lab.write("hello", app("hello", HELLO_1_0, &secure));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 ModifyListener listener/hello-prod: the listener on port 80 differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(reaches(&lab, 80), "hello-prod-a");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn https_without_a_policy_is_the_same_on_a_listener_that_was_plain_and_on_a_new_one() {
    let policy = |lab: &Lab| {
        let listener = lab.listener("hello-prod");
        lab.simulation.with(|world| world.balancing.listeners.get(&listener).unwrap().ssl_policy.clone())
    };
    let secure =
        format!("  loadBalancer: {{listeners: [{{port: 80, protocol: HTTPS, certificateArn: '{CERTIFICATE}'}}]}}\n");
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_0, &secure));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(policy(&lab), policy(&deployed(&secure).await));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn security_groups_that_somebody_changed_are_put_right_in_place() {
    const OTHER: &str = "sg-0a1b2c3d4e5f60719";
    let lab = deployed("").await;
    lab.diary();
    let arn = lab.simulation.with(|world| {
        let mut other = world.network.security_groups[SECURITY_GROUP].clone();
        other.id = OTHER.to_owned();
        world.network.security_groups.insert(OTHER.to_owned(), other);
        world.balancing.load_balancers.keys().next().unwrap().to_string()
    });
    let open = [("LoadBalancerArn", arn.as_str()), ("SecurityGroups.member.1", OTHER)];
    lab.by_hand("elasticloadbalancing", "SetSecurityGroups", &open);
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift[0].path.as_str()), (Change::Drift, "loadBalancer.securityGroupIds"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"07:07 SetSecurityGroups hello-prod: the load balancer differs from the manifest");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn attributes_are_set_in_place_and_access_logs_are_turned_off_again() {
    let mut lab = deployed("").await;
    lab.diary();
    let with = |logs: &str| {
        format!(
            "  loadBalancer: {{idleTimeout: 2m, dropInvalidHeaders: true, slowStart: 1m, accessLogs: {{{logs}}}}}\n"
        )
    };
    lab.write("hello", app("hello", HELLO_1_0, &with("bucket: logs, prefix: hello")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 ModifyTargetGroupAttributes hello-prod-a: slow start 0s → 60s
    07:07 ModifyTargetGroupAttributes hello-prod-b: slow start 0s → 60s
    07:07 ModifyLoadBalancerAttributes hello-prod: access logs bucket none → logs, access logs enabled false → true, access logs prefix none → hello, idle timeout 60s → 120s, drop invalid headers false → true
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_0, &with("bucket: logs, enabled: false")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:08 ModifyLoadBalancerAttributes hello-prod: access logs enabled true → false
    07:08 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(attribute(&lab, "hello-prod", "idle_timeout.timeout_seconds").as_deref(), Some("120"));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_somebody_changed_is_put_right_with_the_next_release() {
    let mut lab = deployed("").await;
    lab.diary();
    let arn = lab
        .simulation
        .with(|world| world.balancing.target_groups.values().find(|it| it.name == "hello-prod-a").unwrap().arn.clone());
    let longer = [
        ("TargetGroupArn", arn.as_str()),
        ("Attributes.member.1.Key", "deregistration_delay.timeout_seconds"),
        ("Attributes.member.1.Value", "900"),
    ];
    lab.by_hand("elasticloadbalancing", "ModifyTargetGroupAttributes", &longer);
    // It is told by a call for each target group only, and is not looked for at every look.
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let plan = lab.plan("hello").await;
    assert_eq!(plan.drift[0].path, "loadBalancer.deregistrationDelay", "{plan:?}");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary().lines().take(3).collect::<Vec<_>>().join("\n"), @"
    07:07 ModifyTargetGroupAttributes hello-prod-a: deregistration delay 900s → 60s
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    ");
    settles(&lab).await;
}
