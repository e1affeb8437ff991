//! Apps behind a listener that others use too.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, SECURITY_GROUP, SUBNETS};
use insta::assert_snapshot;

use super::settles;
use crate::lab::{Lab, app};

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
    ");
    settles(&lab).await;
}

fn between(body: &str, tag: &str) -> String {
    body.split(tag).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}
