//! Listeners and rules: weights, lists that are replaced whole, priorities.

use crate::sim::api::trial::{Trial, forward};

/// Two target groups and a listener that forwards to the first alone.
fn two(aws: &mut Trial) -> (String, String, String) {
    let (a, b) = (aws.target_group("hello-a"), aws.target_group("hello-b"));
    let load_balancer = aws.load_balancer("hello");
    let listener = aws.listener(&load_balancer, &[(&a, 1)]);
    (a, b, listener)
}

fn rule(listener: &str, priority: u32, conditions: &str, weights: &[(&str, u32)]) -> String {
    format!("ListenerArn={listener}&Priority={priority}&{conditions}&{}", forward("Actions", weights))
}

const HOST: &str =
    "Conditions.member.1.Field=host-header&Conditions.member.1.HostHeaderConfig.Values.member.1=a.example.com";

#[test]
fn a_forward_to_one_target_group_shows_in_both_forms_and_to_several_in_one() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    let short = format!(
        "ListenerArn={listener}&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn={b}"
    );
    let answer = aws.elb("ModifyListener", &short);
    assert_eq!(answer.all("TargetGroupArn"), [b.as_str(), b.as_str()]);
    assert_eq!(answer.one("Weight"), "1");
    let long = format!("ListenerArn={listener}&{}", forward("DefaultActions", &[(&a, 0), (&b, 100)]));
    let answer = aws.elb("ModifyListener", &long);
    assert_eq!(answer.all("TargetGroupArn"), [a.as_str(), b.as_str()]);
    assert_eq!(answer.all("Weight"), ["0", "100"]);
    assert_eq!(answer.one("Enabled"), "false");
    assert_eq!(aws.elb("DescribeListeners", &format!("ListenerArns.member.1={listener}")).all("Weight"), ["0", "100"]);
}

#[test]
fn modifying_replaces_the_whole_action_list_and_nothing_else() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    aws.elb("ModifyListener", &format!("ListenerArn={listener}&{}", forward("DefaultActions", &[(&a, 1), (&b, 1)])));
    let answer =
        aws.elb("ModifyListener", &format!("ListenerArn={listener}&{}", forward("DefaultActions", &[(&b, 1)])));
    assert!(!answer.0.contains(&a), "what is not named is gone");
    assert_eq!(answer.one("Port"), "80");
    let answer = aws.elb("ModifyListener", &format!("ListenerArn={listener}&Port=8080"));
    assert_eq!(answer.one("Port"), "8080");
    assert!(answer.0.contains(&b), "actions that are not given stay");

    let arn = aws.elb("CreateRule", &rule(&listener, 10, HOST, &[(&a, 1)])).one("RuleArn").to_owned();
    let answer = aws.elb("ModifyRule", &format!("RuleArn={arn}&{}", forward("Actions", &[(&b, 7)])));
    assert!(answer.0.contains("a.example.com"), "conditions that are not given stay");
    assert_eq!(answer.one("Weight"), "7");
    let path = "Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=/x";
    let answer = aws.elb("ModifyRule", &format!("RuleArn={arn}&{path}"));
    assert!(!answer.0.contains("a.example.com"));
    assert_eq!(answer.one("Weight"), "7");
}

#[test]
fn weights_go_from_0_to_999_and_stickiness_from_a_second_to_a_week() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    let shift = |weight: i64| {
        let text = forward("DefaultActions", &[(&a, 77), (&b, 1)]);
        format!("ListenerArn={listener}&{}", text.replace("Weight=77", &format!("Weight={weight}")))
    };
    for (weight, fits) in [(-1, false), (0, true), (999, true), (1000, false)] {
        let result = aws.call("elasticloadbalancing", "ModifyListener", &shift(weight));
        assert_eq!(result.is_ok(), fits, "{weight}");
    }
    for (seconds, fits) in [(0, false), (1, true), (604_800, true), (604_801, false)] {
        let config = "DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig";
        let params = format!("{}&{config}.Enabled=true&{config}.DurationSeconds={seconds}", shift(1));
        assert_eq!(aws.call("elasticloadbalancing", "ModifyListener", &params).is_ok(), fits, "{seconds}");
    }
}

#[test]
fn a_target_group_that_something_forwards_to_cannot_be_deleted() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    let delete = |arn: &str| format!("TargetGroupArn={arn}");
    assert_eq!(aws.elb_refuses("DeleteTargetGroup", &delete(&a)).0, "ResourceInUse");
    let arn = aws.elb("CreateRule", &rule(&listener, 1, HOST, &[(&a, 1), (&b, 0)])).one("RuleArn").to_owned();
    assert_eq!(aws.elb_refuses("DeleteTargetGroup", &delete(&b)).0, "ResourceInUse", "a weight of 0 is use");
    aws.elb("DeleteRule", &format!("RuleArn={arn}"));
    aws.elb("DeleteTargetGroup", &delete(&b));
    let load_balancer = aws.elb("DescribeLoadBalancers", "").one("LoadBalancerArn").to_owned();
    aws.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={load_balancer}"));
    assert_eq!(
        aws.elb_refuses("DescribeListeners", &format!("ListenerArns.member.1={listener}")).0,
        "ListenerNotFound"
    );
    aws.elb("DeleteTargetGroup", &delete(&a));
}

#[test]
fn a_target_group_belongs_to_one_load_balancer() {
    let mut aws = Trial::new();
    let (a, ..) = two(&mut aws);
    let answer = aws.elb("DescribeTargetGroups", "Names.member.1=hello-a");
    let user = answer.one("LoadBalancerArns").to_owned();
    assert!(user.contains(":loadbalancer/app/hello/"), "{user}");
    let other = aws.load_balancer("other");
    let params = format!("LoadBalancerArn={other}&Protocol=HTTP&Port=80&{}", forward("DefaultActions", &[(&a, 1)]));
    assert_eq!(aws.elb_refuses("CreateListener", &params).0, "TargetGroupAssociationLimit");
    let missing = params.replace(&a, "arn:aws:x");
    assert_eq!(aws.elb_refuses("CreateListener", &missing).0, "TargetGroupNotFound");
}

#[test]
fn a_priority_is_used_once_and_the_default_rule_comes_last() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    let late = aws.elb("CreateRule", &rule(&listener, 20, HOST, &[(&a, 1)])).one("RuleArn").to_owned();
    let early = aws.elb("CreateRule", &rule(&listener, 3, HOST, &[(&b, 1)])).one("RuleArn").to_owned();
    assert_eq!(aws.elb_refuses("CreateRule", &rule(&listener, 3, HOST, &[(&a, 1)])).0, "PriorityInUse");
    assert_eq!(aws.elb_refuses("CreateRule", &rule(&listener, 0, HOST, &[(&a, 1)])).0, "ValidationError");
    let answer = aws.elb("DescribeRules", &format!("ListenerArn={listener}"));
    assert_eq!(answer.all("Priority"), ["3", "20", "default"]);
    assert_eq!(answer.all("IsDefault"), ["false", "false", "true"]);
    let default = answer.all("RuleArn")[2].to_owned();
    assert_eq!(aws.elb_refuses("DeleteRule", &format!("RuleArn={default}")).0, "OperationNotPermitted");
    // Two rules change places in one call, which no two calls could do.
    let swap = format!(
        "RulePriorities.member.1.RuleArn={late}&RulePriorities.member.1.Priority=3\
         &RulePriorities.member.2.RuleArn={early}&RulePriorities.member.2.Priority=20"
    );
    aws.elb("SetRulePriorities", &swap);
    let clash = format!("RulePriorities.member.1.RuleArn={late}&RulePriorities.member.1.Priority=20");
    assert_eq!(aws.elb_refuses("SetRulePriorities", &clash).0, "PriorityInUse");
    let answer = aws.elb("DescribeRules", &format!("ListenerArn={listener}"));
    assert_eq!(answer.all("RuleArn"), [late, early, default]);
}

#[test]
fn rules_and_listeners_are_read_by_lists_of_arns() {
    let mut aws = Trial::new();
    let (a, b, listener) = two(&mut aws);
    let one = aws.elb("CreateRule", &rule(&listener, 1, HOST, &[(&a, 1)])).one("RuleArn").to_owned();
    let two = aws.elb("CreateRule", &rule(&listener, 2, HOST, &[(&b, 1)])).one("RuleArn").to_owned();
    let answer = aws.elb("DescribeRules", &format!("RuleArns.member.1={two}&RuleArns.member.2={one}"));
    let mut arns = answer.all("RuleArn");
    arns.sort_unstable();
    let mut expected = [one.as_str(), two.as_str()];
    expected.sort_unstable();
    assert_eq!(arns, expected);
    assert_eq!(aws.elb_refuses("DescribeRules", "").0, "ValidationError");
    assert_eq!(aws.elb_refuses("DescribeListeners", "").0, "ValidationError");
}

#[test]
fn conditions_show_in_both_forms_and_have_five_values_at_most() {
    let mut aws = Trial::new();
    let (a, _, listener) = two(&mut aws);
    let answer = aws.elb("CreateRule", &rule(&listener, 1, HOST, &[(&a, 1)]));
    assert_eq!(answer.0.matches("<Values><member>a.example.com</member></Values>").count(), 2);
    let header = "Conditions.member.1.Field=http-header&Conditions.member.1.HttpHeaderConfig.HttpHeaderName=X-Preview\
                  &Conditions.member.1.HttpHeaderConfig.Values.member.1=v042";
    let answer = aws.elb("CreateRule", &rule(&listener, 2, header, &[(&a, 1)]));
    assert_eq!((answer.one("Field"), answer.one("HttpHeaderName")), ("http-header", "X-Preview"));
    let six: String =
        (1..=6).map(|n| format!("&Conditions.member.1.PathPatternConfig.Values.member.{n}=/{n}")).collect();
    let six = format!("Conditions.member.1.Field=path-pattern{six}");
    assert_eq!(aws.elb_refuses("CreateRule", &rule(&listener, 3, &six, &[(&a, 1)])).0, "ValidationError");
}

#[test]
fn https_needs_a_certificate() {
    let mut aws = Trial::new();
    let (a, ..) = two(&mut aws);
    let load_balancer = aws.elb("DescribeLoadBalancers", "").one("LoadBalancerArn").to_owned();
    let params =
        format!("LoadBalancerArn={load_balancer}&Protocol=HTTPS&Port=443&{}", forward("DefaultActions", &[(&a, 1)]));
    assert_eq!(aws.elb_refuses("CreateListener", &params).0, "ValidationError");
    let certificate = "Certificates.member.1.CertificateArn=arn:aws:acm:us-west-2:123456789012:certificate/x";
    let answer = aws.elb("CreateListener", &format!("{params}&{certificate}"));
    assert_eq!(answer.one("SslPolicy"), "ELBSecurityPolicy-2016-08");
}

#[test]
fn a_login_stands_before_the_forward_on_a_secure_listener_and_its_secret_is_never_told() {
    let mut aws = Trial::new();
    let (a, _, plain) = two(&mut aws);
    let login = "Actions.member.1.Type=authenticate-oidc&Actions.member.1.Order=1\
        &Actions.member.1.AuthenticateOidcConfig.Issuer=https://id.example.com\
        &Actions.member.1.AuthenticateOidcConfig.AuthorizationEndpoint=https://id.example.com/a\
        &Actions.member.1.AuthenticateOidcConfig.TokenEndpoint=https://id.example.com/t\
        &Actions.member.1.AuthenticateOidcConfig.UserInfoEndpoint=https://id.example.com/u\
        &Actions.member.1.AuthenticateOidcConfig.ClientId=hello";
    let then = format!("Actions.member.2.Type=forward&Actions.member.2.Order=2&Actions.member.2.TargetGroupArn={a}");
    let new = "AuthenticateOidcConfig.ClientSecret=s3cret";
    let create = |listener: &str, actions: &str| format!("ListenerArn={listener}&Priority=10&{HOST}&{actions}");
    let whole = format!("{login}&Actions.member.1.{new}&{then}");
    assert!(aws.elb_refuses("CreateRule", &create(&plain, &whole)).1.contains("HTTPS"));
    aws.elb(
        "ModifyListener",
        &format!("ListenerArn={plain}&Protocol=HTTPS&Certificates.member.1.CertificateArn=c&SslPolicy=p"),
    );
    for (actions, code) in [
        (format!("{login}&{then}"), "ValidationError"),
        (whole.replace("Order=2", "Order=1"), "InvalidLoadBalancerAction"),
        (whole.replace("Order=2", "Order=0"), "InvalidLoadBalancerAction"),
        (whole.replace("&Actions.member.2.Order=2", ""), "ValidationError"),
        (format!("{login}&Actions.member.1.{new}"), "InvalidLoadBalancerAction"),
    ] {
        assert_eq!(aws.elb_refuses("CreateRule", &create(&plain, &actions)).0, code, "{actions}");
    }
    let answer = aws.elb("CreateRule", &create(&plain, &whole));
    assert_eq!((answer.all("Order"), answer.one("ClientId")), (vec!["1", "2"], "hello"));
    assert!(!answer.0.contains("s3cret"));
    let modify = format!("RuleArn={}", answer.one("RuleArn"));
    assert_eq!(aws.elb_refuses("ModifyRule", &format!("{modify}&{login}&{then}")).0, "ValidationError");
    let kept = "Actions.member.1.AuthenticateOidcConfig.UseExistingClientSecret=true";
    aws.elb("ModifyRule", &format!("{modify}&{login}&{kept}&{then}"));
}
