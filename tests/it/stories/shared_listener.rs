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
    00:02 CreateRule listener/shared: the listener `web` has no rule for the app; it gets priority 10
    00:03 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:03 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    01:35 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    02:05 ModifyRule listener-rule/shared: v001 is healthy: it takes all traffic
    02:05 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:05 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    07:05 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    settles(&lab).await;

    lab.write("hello", app("hello", HELLO_1_1, &rule("hello.example.com, www.example.com")));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 ModifyRule listener-rule/shared: the rule's conditions differ from the manifest
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyRule listener-rule/shared: v002 is healthy: it takes all traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    73:13 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    74:45 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    settles(&lab).await;
}

/// A load balancer of the environment with a listener on port 80, as `web`; other apps' rules are already there.
pub async fn shared() -> Lab {
    let mut lab = Lab::new().await;
    let subnets = [
        ("Name", "shared"),
        ("Subnets.member.1", SUBNETS[0]),
        ("Subnets.member.2", SUBNETS[1]),
        ("SecurityGroups.member.1", SECURITY_GROUP),
    ];
    let balancer = lab.by_hand("elasticloadbalancing", "CreateLoadBalancer", &subnets);
    let arn = between(&balancer.body, "<LoadBalancerArn>");
    let fixed = [
        ("LoadBalancerArn", arn.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
    ];
    let listener = between(&lab.by_hand("elasticloadbalancing", "CreateListener", &fixed).body, "<ListenerArn>");
    for (priority, path) in [("10", "/status"), ("1000", "/admin")] {
        let rule = [
            ("ListenerArn", listener.as_str()),
            ("Priority", priority),
            ("Conditions.member.1.Field", "path-pattern"),
            ("Conditions.member.1.Values.member.1", path),
            ("Actions.member.1.Type", "fixed-response"),
            ("Actions.member.1.FixedResponseConfig.StatusCode", "200"),
        ];
        lab.by_hand("elasticloadbalancing", "CreateRule", &rule);
    }
    lab.environment(&format!("  listeners: {{web: '{listener}'}}\n"));
    lab
}

/// The rule with our tags: its priority and how many conditions it has.
fn our_rule(lab: &Lab) -> (u32, usize) {
    lab.simulation.with(|world| {
        let ours = |rule: &&amiable::sim::world::balancing::Rule| rule.tags.contains_key("amiable:owner");
        let rule = world.balancing.rules.values().find(ours).unwrap();
        (rule.priority, rule.conditions.len())
    })
}

#[tokio::test(start_paused = true)]
async fn a_free_priority_is_chosen_once_and_kept_over_releases() {
    let mut lab = shared().await;
    let rule = "  loadBalancer: {listener: web, hosts: [hello.example.com], headers: {X-Team: [shop, search]}, methods: [GET]}\n";
    lab.write("hello", app("hello", HELLO_1_0, rule));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let (priority, conditions) = our_rule(&lab);
    assert!((1001..=50_000).contains(&priority), "{priority}");
    assert_eq!(conditions, 3);
    lab.restart().await;
    lab.write("hello", app("hello", HELLO_1_1, rule));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(our_rule(&lab), (priority, conditions));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_priority_that_is_taken_is_an_error_and_a_free_one_is_moved_to_in_place() {
    let mut lab = shared().await;
    let at = |priority: u32| {
        format!("  loadBalancer: {{listener: web, hosts: [hello.example.com], priority: {priority}}}\n")
    };
    lab.write("hello", app("hello", HELLO_1_0, &at(10)));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    let plan = lab.plan("hello").await;
    assert!(
        plan.reason.contains("priority 10 on the shared listener `web` belongs to another rule"),
        "{}",
        plan.reason
    );

    lab.write("hello", app("hello", HELLO_1_0, &at(20)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, &at(1000)));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (amiable::model::plan::Change::Error, 0), "{plan:?}");
    lab.write("hello", app("hello", HELLO_1_0, &at(30)));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 SetRulePriorities listener-rule/shared: the rule's priority differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(our_rule(&lab).0, 30);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn conditions_that_somebody_changed_are_put_right() {
    let mut lab = shared().await;
    let rule = "  loadBalancer: {listener: web, hosts: [hello.example.com], headers: {X-Team: [shop]}}\n";
    lab.write("hello", app("hello", HELLO_1_0, rule));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    let arn = lab.simulation.with(|world| {
        let ours = |rule: &&amiable::sim::world::balancing::Rule| rule.tags.contains_key("amiable:owner");
        world.balancing.rules.values().find(ours).unwrap().arn.clone()
    });
    let wider = [
        ("RuleArn", arn.as_str()),
        ("Conditions.member.1.Field", "host-header"),
        ("Conditions.member.1.Values.member.1", "*.example.com"),
    ];
    lab.by_hand("elasticloadbalancing", "ModifyRule", &wider);
    let plan = lab.plan("hello").await;
    let drift: Vec<_> = plan.drift.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(drift, ["loadBalancer.hosts", "loadBalancer.headers"]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"07:07 ModifyRule listener-rule/shared: the rule's conditions differ from the manifest");
    assert_eq!(our_rule(&lab).1, 2);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_app_leaves_the_shared_listener_and_the_rules_of_others() {
    let mut lab = shared().await;
    let rule =
        "  loadBalancer: {listener: web, hosts: [hello.example.com]}\n  dns: {name: hello.internal.example.com}\n";
    let other =
        "  loadBalancer: {listener: web, hosts: [other.example.com]}\n  dns: {name: other.internal.example.com}\n";
    lab.write("hello", app("hello", HELLO_1_0, rule));
    lab.write("other", app("other", HELLO_1_0, other));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let (records, rules) = (super::dns::records(&lab).len(), lab.simulation.with(|world| world.balancing.rules.len()));
    lab.diary();
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, &format!("{rule}  destroy: true\n")));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateOrUpdateTags hello-prod-v001: its name goes, and resolvers remember it for 1m
    07:52 ChangeResourceRecordSets hello.internal.example.com: the app is being destroyed
    07:53 CreateOrUpdateTags hello-prod-v001: its name is gone; it serves until resolvers have forgotten it
    09:53 DeleteRule listener-rule/shared: the app is being destroyed
    09:54 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:21 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:27 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    10:28 DeleteTargetGroup hello-prod-a: the app is being destroyed
    10:28 DeleteTargetGroup hello-prod-b: the app is being destroyed
    10:29 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    // The name of the other app leads to the same load balancer.
    assert_eq!(super::dns::records(&lab), ["other.internal.example.com A alias"]);
    assert_eq!((records, rules), (2, lab.simulation.with(|world| world.balancing.rules.len()) + 1));
    assert_eq!(
        lab.simulation.with(|world| (world.balancing.load_balancers.len(), world.balancing.listeners.len())),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_login_that_others_put_before_the_forward_stays_there_over_a_release_and_a_rollback() {
    use amiable::sim::world::balancing::Action;
    let mut lab = shared().await;
    let secure = [
        ("ListenerArn", lab.listener("shared")),
        ("Protocol", "HTTPS".to_owned()),
        ("SslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06".to_owned()),
        ("Certificates.member.1.CertificateArn", "arn:aws:acm:us-west-2:123456789012:certificate/1".to_owned()),
    ];
    lab.by_hand(
        "elasticloadbalancing",
        "ModifyListener",
        &secure.each_ref().map(|(name, value)| (*name, value.as_str())),
    );
    let rule = "  loadBalancer: {listener: web, hosts: [hello.example.com]}\n";
    lab.write("hello", app("hello", HELLO_1_0, rule));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let ours = |lab: &Lab| {
        lab.simulation.with(|world| {
            let ours = |rule: &&amiable::sim::world::balancing::Rule| rule.tags.contains_key("amiable:owner");
            world.balancing.rules.values().find(ours).unwrap().clone()
        })
    };
    let (arn, a, b) = (ours(&lab).arn, lab.target_group("hello-prod-a"), lab.target_group("hello-prod-b"));
    let login = [
        ("RuleArn", arn.as_str()),
        ("Actions.member.1.Type", "authenticate-oidc"),
        ("Actions.member.1.Order", "1"),
        ("Actions.member.1.AuthenticateOidcConfig.Issuer", "https://id.example.com"),
        ("Actions.member.1.AuthenticateOidcConfig.AuthorizationEndpoint", "https://id.example.com/authorize"),
        ("Actions.member.1.AuthenticateOidcConfig.TokenEndpoint", "https://id.example.com/token"),
        ("Actions.member.1.AuthenticateOidcConfig.UserInfoEndpoint", "https://id.example.com/user"),
        ("Actions.member.1.AuthenticateOidcConfig.ClientId", "hello"),
        ("Actions.member.1.AuthenticateOidcConfig.ClientSecret", "canary-of-a-secret"),
        ("Actions.member.1.AuthenticateOidcConfig.Scope", "openid email"),
        ("Actions.member.2.Type", "forward"),
        ("Actions.member.2.Order", "2"),
        ("Actions.member.2.ForwardConfig.TargetGroups.member.1.TargetGroupArn", a.as_str()),
        ("Actions.member.2.ForwardConfig.TargetGroups.member.1.Weight", "100"),
        ("Actions.member.2.ForwardConfig.TargetGroups.member.2.TargetGroupArn", b.as_str()),
        ("Actions.member.2.ForwardConfig.TargetGroups.member.2.Weight", "0"),
    ];
    lab.by_hand("elasticloadbalancing", "ModifyRule", &login);
    let before = ours(&lab).actions[0].clone();
    assert!(matches!(&before, Action::Login(login) if login.secret.is_some()), "{before:?}");

    lab.write("hello", app("hello", HELLO_1_1, rule));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(super::serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    assert_eq!((ours(&lab).actions.len(), &ours(&lab).actions[0]), (2, &before));
    settles(&lab).await;
    assert_eq!(lab.rollback("hello", "slow").await, Outcome::ReleaseFailed);
    assert_eq!(super::serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!((ours(&lab).actions.len(), &ours(&lab).actions[0]), (2, &before));
}

fn between(body: &str, tag: &str) -> String {
    body.split(tag).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default().to_owned()
}
