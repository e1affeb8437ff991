//! Names, duplicates, limits, pages, tags and attributes.

use crate::sim::api::trial::{Trial, forward};
use crate::sim::world::example::{SUBNETS, VPC};

fn load_balancer(name: &str) -> String {
    format!("Name={name}&Scheme=internal&Subnets.member.1={}&Subnets.member.2={}", SUBNETS[0], SUBNETS[1])
}

fn target_group(name: &str) -> String {
    format!("Name={name}&Protocol=HTTP&Port=80&VpcId={VPC}")
}

#[test]
fn names_have_32_letters_digits_and_hyphens() {
    let mut aws = Trial::new();
    for name in ["a".repeat(33).as_str(), "under_score", "-a", "a-"] {
        assert_eq!(aws.elb_refuses("CreateLoadBalancer", &load_balancer(name)).0, "ValidationError", "{name}");
        assert_eq!(aws.elb_refuses("CreateTargetGroup", &target_group(name)).0, "ValidationError", "{name}");
    }
    assert_eq!(aws.elb_refuses("CreateLoadBalancer", &load_balancer("internal-a")).0, "ValidationError");
    aws.elb("CreateLoadBalancer", &load_balancer(&"a".repeat(32)));
    aws.elb("CreateTargetGroup", &target_group(&"a".repeat(32)));
}

#[test]
fn creating_again_gives_the_same_only_with_the_same_settings() {
    let mut aws = Trial::new();
    let first = aws.elb("CreateLoadBalancer", &load_balancer("hello")).one("LoadBalancerArn").to_owned();
    assert_eq!(aws.elb("CreateLoadBalancer", &load_balancer("hello")).one("LoadBalancerArn"), first);
    let other = load_balancer("hello").replace("internal", "internet-facing");
    assert_eq!(aws.elb_refuses("CreateLoadBalancer", &other).0, "DuplicateLoadBalancerName");

    let group = aws.elb("CreateTargetGroup", &target_group("hello-a")).one("TargetGroupArn").to_owned();
    assert_eq!(aws.elb("CreateTargetGroup", &target_group("hello-a")).one("TargetGroupArn"), group);
    let other = format!("{}&HealthCheckPath=/other", target_group("hello-a"));
    assert_eq!(aws.elb_refuses("CreateTargetGroup", &other).0, "DuplicateTargetGroupName");

    let listener = |weight| {
        format!("LoadBalancerArn={first}&Protocol=HTTP&Port=80&{}", forward("DefaultActions", &[(&group, weight)]))
    };
    let arn = aws.elb("CreateListener", &listener(1)).one("ListenerArn").to_owned();
    assert_eq!(aws.elb("CreateListener", &listener(1)).one("ListenerArn"), arn);
    assert_eq!(aws.elb_refuses("CreateListener", &listener(2)).0, "DuplicateListener");
}

#[test]
fn arns_and_dns_names_look_like_aws() {
    let mut aws = Trial::new();
    let answer = aws.elb("CreateLoadBalancer", &load_balancer("hello"));
    let arn = answer.one("LoadBalancerArn").to_owned();
    let digits =
        arn.strip_prefix("arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/hello/").unwrap();
    assert!(digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{arn}");
    assert!(answer.one("DNSName").starts_with("internal-hello-"));
    assert!(answer.one("DNSName").ends_with(".us-west-2.elb.amazonaws.com"));
    assert_eq!(answer.one("CanonicalHostedZoneId"), "Z1H1FL5HABSF5");
    let group = aws.target_group("hello-a");
    let listener = aws.listener(&arn, &[(&group, 1)]);
    assert!(listener.starts_with(&format!("{}/", arn.replace(":loadbalancer/", ":listener/"))), "{listener}");
    let rules = aws.elb("DescribeRules", &format!("ListenerArn={listener}"));
    assert!(rules.one("RuleArn").starts_with(&format!("{}/", listener.replace(":listener/", ":listener-rule/"))));
}

#[test]
fn an_application_load_balancer_needs_two_zones_and_a_network_one_does_not() {
    let mut aws = Trial::new();
    let one = format!("Name=one&Subnets.member.1={}", SUBNETS[0]);
    assert_eq!(aws.elb_refuses("CreateLoadBalancer", &one).0, "ValidationError");
    let answer = aws.elb("CreateLoadBalancer", &format!("{one}&Type=network"));
    assert!(answer.one("LoadBalancerArn").contains(":loadbalancer/net/one/"));
    let unknown = load_balancer("two").replace(SUBNETS[1], "subnet-1");
    assert_eq!(aws.elb_refuses("CreateLoadBalancer", &unknown).0, "SubnetNotFound");
}

#[test]
fn lists_have_pages_of_400_and_calls_name_20_load_balancers() {
    let mut aws = Trial::new();
    for n in 0..405 {
        aws.elb("CreateTargetGroup", &target_group(&format!("t{n}")));
    }
    let first = aws.elb("DescribeTargetGroups", "");
    let marker = first.one("NextMarker").to_owned();
    let rest = aws.elb("DescribeTargetGroups", &format!("Marker={marker}"));
    assert_eq!((first.all("TargetGroupArn").len(), rest.all("TargetGroupArn").len()), (400, 5));
    assert_eq!(aws.elb_refuses("DescribeTargetGroups", "PageSize=401").0, "ValidationError");
    let arns: Vec<String> = (0..21)
        .map(|n| aws.elb("CreateLoadBalancer", &load_balancer(&format!("lb{n}"))).one("LoadBalancerArn").to_owned())
        .collect();
    let params = |list: &str, count: usize| {
        arns[..count].iter().enumerate().map(|(n, arn)| format!("&{list}.member.{}={arn}", n + 1)).collect::<String>()
    };
    let found = aws.elb("DescribeLoadBalancers", &params("LoadBalancerArns", 20));
    assert_eq!(found.all("LoadBalancerArn").len(), 20);
    assert_eq!(aws.elb_refuses("DescribeLoadBalancers", &params("LoadBalancerArns", 21)).0, "ValidationError");
    assert_eq!(aws.elb("DescribeTags", &params("ResourceArns", 20)).all("ResourceArn").len(), 20);
    assert_eq!(aws.elb_refuses("DescribeTags", &params("ResourceArns", 21)).0, "ValidationError");
}

#[test]
fn what_is_not_there_fails_the_whole_call() {
    let mut aws = Trial::new();
    let group = aws.target_group("hello-a");
    let load_balancer = aws.load_balancer("hello");
    let listener = aws.listener(&load_balancer, &[(&group, 1)]);
    let missing = format!("{}0", &listener[..listener.len() - 1]).replace("hello", "other");
    for (operation, params, code) in [
        (
            "DescribeListeners",
            format!("ListenerArns.member.1={listener}&ListenerArns.member.2={missing}"),
            "ListenerNotFound",
        ),
        ("DescribeRules", "RuleArns.member.1=arn:aws:x".to_owned(), "RuleNotFound"),
        ("DescribeRules", format!("ListenerArn={missing}"), "ListenerNotFound"),
        ("DescribeLoadBalancers", "Names.member.1=hello&Names.member.2=nobody".to_owned(), "LoadBalancerNotFound"),
        ("DescribeTargetGroups", "Names.member.1=hello-a&Names.member.2=nobody".to_owned(), "TargetGroupNotFound"),
        ("DescribeTags", format!("ResourceArns.member.1={group}&ResourceArns.member.2={missing}"), "ListenerNotFound"),
        ("ModifyListener", format!("ListenerArn={missing}"), "ListenerNotFound"),
        ("DeleteListener", format!("ListenerArn={missing}"), "ListenerNotFound"),
    ] {
        assert_eq!(aws.elb_refuses(operation, &params).0, code, "{operation} {params}");
    }
    // Deleting a load balancer or a target group that is not there succeeds.
    aws.elb("DeleteLoadBalancer", "LoadBalancerArn=arn:aws:x");
    aws.elb("DeleteTargetGroup", "TargetGroupArn=arn:aws:x");
}

#[test]
fn checks_have_awss_defaults_and_bounds() {
    let mut aws = Trial::new();
    let answer = aws.elb("CreateTargetGroup", &target_group("hello-a"));
    let arn = answer.one("TargetGroupArn").to_owned();
    for (name, value) in [
        ("HealthCheckIntervalSeconds", "30"),
        ("HealthCheckTimeoutSeconds", "5"),
        ("HealthyThresholdCount", "5"),
        ("UnhealthyThresholdCount", "2"),
        ("HealthCheckPath", "/"),
        ("HttpCode", "200"),
        ("HealthCheckPort", "traffic-port"),
    ] {
        assert_eq!(answer.one(name), value, "{name}");
    }
    for wrong in [
        "HealthCheckIntervalSeconds=4",
        "HealthCheckIntervalSeconds=301",
        "HealthCheckTimeoutSeconds=1",
        "HealthCheckTimeoutSeconds=30",
        "HealthyThresholdCount=1",
        "UnhealthyThresholdCount=11",
        "HealthCheckPath=nope",
        "Matcher.HttpCode=600",
    ] {
        let params = format!("TargetGroupArn={arn}&{wrong}");
        assert_eq!(aws.elb_refuses("ModifyTargetGroup", &params).0, "ValidationError", "{wrong}");
    }
    let changed = aws.elb("ModifyTargetGroup", &format!("TargetGroupArn={arn}&HealthyThresholdCount=2"));
    assert_eq!((changed.one("HealthyThresholdCount"), changed.one("UnhealthyThresholdCount")), ("2", "2"));
}

#[test]
fn attributes_have_defaults_and_bounds() {
    let mut aws = Trial::new();
    let arn = aws.elb("CreateTargetGroup", &target_group("hello-a")).one("TargetGroupArn").to_owned();
    let delay = "<Key>deregistration_delay.timeout_seconds</Key><Value>300</Value>";
    let answer = aws.elb("DescribeTargetGroupAttributes", &format!("TargetGroupArn={arn}"));
    assert!(answer.all("member").contains(&delay));
    for (key, value, fits) in [
        ("deregistration_delay.timeout_seconds", "3600", true),
        ("deregistration_delay.timeout_seconds", "3601", false),
        ("slow_start.duration_seconds", "0", true),
        ("slow_start.duration_seconds", "29", false),
        ("slow_start.duration_seconds", "900", true),
        ("stickiness.enabled", "maybe", false),
        ("no.such.key", "1", false),
    ] {
        let params = format!("TargetGroupArn={arn}&Attributes.member.1.Key={key}&Attributes.member.1.Value={value}");
        let result = aws.call("elasticloadbalancing", "ModifyTargetGroupAttributes", &params);
        assert_eq!(result.is_ok(), fits, "{key}={value}");
    }
}

#[test]
fn a_load_balancer_with_deletion_protection_stays() {
    let mut aws = Trial::new();
    let arn = aws.load_balancer("hello");
    let set = |value: &str| {
        format!(
            "LoadBalancerArn={arn}&Attributes.member.1.Key=deletion_protection.enabled&Attributes.member.1.Value={value}"
        )
    };
    aws.elb("ModifyLoadBalancerAttributes", &set("true"));
    assert_eq!(aws.elb_refuses("DeleteLoadBalancer", &format!("LoadBalancerArn={arn}")).0, "OperationNotPermitted");
    aws.elb("ModifyLoadBalancerAttributes", &set("false"));
    aws.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={arn}"));
    assert!(aws.elb("DescribeLoadBalancers", "").all("LoadBalancerArn").is_empty());
}

#[test]
fn tags_are_added_changed_and_removed() {
    let mut aws = Trial::new();
    let arn =
        aws.elb("CreateTargetGroup", &format!("{}&Tags.member.1.Key=a&Tags.member.1.Value=1", target_group("hello-a")));
    let arn = arn.one("TargetGroupArn").to_owned();
    let tags = "Tags.member.1.Key=a&Tags.member.1.Value=2&Tags.member.2.Key=b&Tags.member.2.Value=drei Bäume: @3";
    aws.elb("AddTags", &format!("ResourceArns.member.1={arn}&{tags}"));
    let describe = format!("ResourceArns.member.1={arn}");
    assert_eq!(aws.elb("DescribeTags", &describe).all("Value"), ["2", "drei Bäume: @3"]);
    aws.elb("RemoveTags", &format!("{describe}&TagKeys.member.1=a"));
    assert_eq!(aws.elb("DescribeTags", &describe).all("Key"), ["b"]);
    let wrong = format!("ResourceArns.member.1={arn}&Tags.member.1.Key=a&Tags.member.1.Value=<3>");
    assert_eq!(aws.elb_refuses("AddTags", &wrong).0, "ValidationError");
    let twice = "Tags.member.1.Key=a&Tags.member.1.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=3";
    assert_eq!(aws.elb_refuses("AddTags", &format!("{describe}&{twice}")).0, "DuplicateTagKeys");
}
