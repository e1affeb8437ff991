//! Network load balancers, and what of load balancers is changed while they serve.

use crate::sim::api::trial::{Trial, forward};
use crate::sim::world::example::{SECURITY_GROUP, SUBNETS, VPC};

fn balancer(aws: &mut Trial, name: &str, more: &str) -> String {
    let request = format!("Name={name}&Subnets.member.1={}&Subnets.member.2={}{more}", SUBNETS[0], SUBNETS[1]);
    aws.elb("CreateLoadBalancer", &request).one("LoadBalancerArn").to_owned()
}

fn group(aws: &mut Trial, name: &str, protocol: &str) -> String {
    let request = format!("Name={name}&Protocol={protocol}&Port=80&VpcId={VPC}");
    aws.elb("CreateTargetGroup", &request).one("TargetGroupArn").to_owned()
}

fn listener(balancer: &str, protocol: &str, port: u16, to: &[(&str, u32)]) -> String {
    let certificate = if protocol == "TLS" { "&Certificates.member.1.CertificateArn=c" } else { "" };
    let forward = forward("DefaultActions", to);
    format!("LoadBalancerArn={balancer}&Protocol={protocol}&Port={port}{certificate}&{forward}")
}

#[test]
fn its_listeners_forward_by_weights_to_groups_whose_protocol_suits_them() {
    let mut aws = Trial::new();
    let network = balancer(&mut aws, "net", "&Type=network");
    let groups = ["TCP", "TLS", "UDP", "TCP_UDP", "HTTP"]
        .map(|protocol| (protocol, group(&mut aws, &protocol.to_lowercase().replace('_', "-"), protocol)));
    let mut port = 1000;
    for (protocol, suits) in [
        ("TCP", ["TCP", "TCP_UDP"].as_slice()),
        ("TLS", &["TCP", "TLS"]),
        ("UDP", &["UDP", "TCP_UDP"]),
        ("TCP_UDP", &["TCP_UDP"]),
    ] {
        for (of, arn) in &groups {
            port += 1;
            let request = listener(&network, protocol, port, &[(arn, 100)]);
            if suits.contains(of) {
                aws.elb("CreateListener", &request);
            } else {
                assert_eq!(
                    aws.elb_refuses("CreateListener", &request).0,
                    "IncompatibleProtocols",
                    "{protocol} to {of}"
                );
            }
        }
    }
    let other = group(&mut aws, "other", "TCP");
    let both = listener(&network, "TCP", 80, &[(&groups[0].1, 0), (&other, 100)]);
    assert!(aws.elb("CreateListener", &both).0.contains("<Weight>0</Weight>"));
    for protocol in ["HTTP", "HTTPS"] {
        let request = listener(&network, protocol, 81, &[(&other, 1)]);
        assert_eq!(aws.elb_refuses("CreateListener", &request).0, "ValidationError", "{protocol}");
    }
    let sticky = format!(
        "{both}&DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled=true\
         &DefaultActions.member.1.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds=60"
    );
    assert_eq!(aws.elb_refuses("CreateListener", &sticky.replace("Port=80", "Port=82")).0, "InvalidLoadBalancerAction");
    let redirect = format!(
        "LoadBalancerArn={network}&Protocol=TCP&Port=83&DefaultActions.member.1.Type=redirect\
         &DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301&DefaultActions.member.1.RedirectConfig.Protocol=HTTPS"
    );
    assert_eq!(aws.elb_refuses("CreateListener", &redirect).0, "InvalidLoadBalancerAction");
}

#[test]
fn targets_of_tcp_are_checked_over_tcp_unless_it_is_said() {
    let mut aws = Trial::new();
    let tcp = aws.elb("CreateTargetGroup", &format!("Name=a&Protocol=TCP&Port=80&VpcId={VPC}"));
    assert_eq!(tcp.one("HealthCheckProtocol"), "TCP");
    assert!(!tcp.0.contains("<HealthCheckPath>") && !tcp.0.contains("<Matcher>"), "{}", tcp.0);
    let http = format!("Name=b&Protocol=UDP&Port=80&VpcId={VPC}&HealthCheckProtocol=HTTP");
    let http = aws.elb("CreateTargetGroup", &http);
    assert_eq!((http.one("HealthCheckPath"), http.one("HttpCode")), ("/", "200-399"));
    for wrong in [
        "Protocol=HTTP&HealthCheckProtocol=TCP",
        "Protocol=TCP&HealthCheckProtocol=UDP",
        "Protocol=TCP&HealthCheckPath=/a",
    ] {
        let request = format!("Name=c&Port=80&VpcId={VPC}&{wrong}");
        assert_eq!(aws.elb_refuses("CreateTargetGroup", &request).0, "ValidationError", "{wrong}");
    }
}

#[test]
fn each_kind_has_its_own_attributes() {
    let mut aws = Trial::new();
    let (network, application) = (balancer(&mut aws, "net", "&Type=network"), balancer(&mut aws, "app", ""));
    let set = |arn: &str, key: &str, value: &str| {
        format!("LoadBalancerArn={arn}&Attributes.member.1.Key={key}&Attributes.member.1.Value={value}")
    };
    aws.elb("ModifyLoadBalancerAttributes", &set(&network, "load_balancing.cross_zone.enabled", "true"));
    for (arn, key, value, code) in [
        (&application, "load_balancing.cross_zone.enabled", "false", "InvalidConfigurationRequest"),
        (&network, "idle_timeout.timeout_seconds", "60", "ValidationError"),
        (&application, "idle_timeout.timeout_seconds", "0", "ValidationError"),
        (&application, "access_logs.s3.enabled", "true", "InvalidConfigurationRequest"),
    ] {
        assert_eq!(aws.elb_refuses("ModifyLoadBalancerAttributes", &set(arn, key, value)).0, code, "{key}");
    }
    let (tcp, udp, http) = (group(&mut aws, "t", "TCP"), group(&mut aws, "u", "UDP"), group(&mut aws, "h", "HTTP"));
    let set = |arn: &str, key: &str, value: &str| {
        format!("TargetGroupArn={arn}&Attributes.member.1.Key={key}&Attributes.member.1.Value={value}")
    };
    aws.elb("ModifyTargetGroupAttributes", &set(&tcp, "preserve_client_ip.enabled", "false"));
    for (arn, key, value, code) in [
        (&udp, "preserve_client_ip.enabled", "false", "InvalidConfigurationRequest"),
        (&http, "preserve_client_ip.enabled", "true", "ValidationError"),
        (&tcp, "slow_start.duration_seconds", "30", "ValidationError"),
        (&http, "slow_start.duration_seconds", "29", "ValidationError"),
    ] {
        assert_eq!(aws.elb_refuses("ModifyTargetGroupAttributes", &set(arn, key, value)).0, code, "{key}");
    }
}

#[test]
fn security_groups_subnets_and_addresses_are_set_whole() {
    let mut aws = Trial::new();
    let (network, application) = (balancer(&mut aws, "net", "&Type=network"), balancer(&mut aws, "app", ""));
    let groups = |arn: &str, id: &str| format!("LoadBalancerArn={arn}&SecurityGroups.member.1={id}");
    aws.elb("SetSecurityGroups", &groups(&application, SECURITY_GROUP));
    assert_eq!(aws.elb_refuses("SetSecurityGroups", &groups(&application, "sg-0")).0, "InvalidSecurityGroup");
    let late = aws.elb_refuses("SetSecurityGroups", &groups(&network, SECURITY_GROUP));
    assert_eq!(late.0, "InvalidConfigurationRequest", "one that was created without any gets none");
    let with = balancer(&mut aws, "with", &format!("&Type=network&SecurityGroups.member.1={SECURITY_GROUP}"));
    aws.elb("SetSecurityGroups", &groups(&with, SECURITY_GROUP));

    let subnets = |ids: &[&str]| {
        let ids = ids.iter().enumerate().map(|(index, id)| format!("&Subnets.member.{}={id}", index + 1));
        format!("LoadBalancerArn={application}{}", ids.collect::<String>())
    };
    aws.elb("SetSubnets", &subnets(&SUBNETS));
    assert_eq!(aws.elb_refuses("SetSubnets", &subnets(&SUBNETS[..1])).0, "ValidationError");
    assert_eq!(aws.elb_refuses("SetSubnets", &subnets(&["subnet-0", SUBNETS[0]])).0, "SubnetNotFound");
    let found = aws.elb("DescribeLoadBalancers", "Names.member.1=app");
    assert_eq!(found.0.matches("<SubnetId>").count(), 3);

    let kind = |kind: &str| format!("LoadBalancerArn={application}&IpAddressType={kind}");
    aws.elb("SetIpAddressType", &kind("dualstack"));
    assert_eq!(aws.elb_refuses("SetIpAddressType", &kind("ipv6")).0, "ValidationError");
    assert_eq!(aws.elb("DescribeLoadBalancers", "Names.member.1=app").one("IpAddressType"), "dualstack");
}

#[test]
fn a_listener_keeps_its_weights_when_only_its_certificate_changes() {
    let mut aws = Trial::new();
    let application = balancer(&mut aws, "app", "");
    let (a, b) = (group(&mut aws, "a", "HTTP"), group(&mut aws, "b", "HTTP"));
    let request = listener(&application, "HTTP", 80, &[(&a, 5), (&b, 95)]);
    let arn = aws.elb("CreateListener", &request).one("ListenerArn").to_owned();
    let secure = format!("ListenerArn={arn}&Protocol=HTTPS&Certificates.member.1.CertificateArn=c");
    let (code, message) = aws.elb_refuses("ModifyListener", &secure);
    assert!(code == "ValidationError" && message.contains("security policy"), "{message}");
    let answer = aws.elb("ModifyListener", &format!("{secure}&SslPolicy=ELBSecurityPolicy-2016-08"));
    assert_eq!(answer.one("Protocol"), "HTTPS");
    assert!(answer.0.contains("<Weight>95</Weight>"), "{}", answer.0);
    let other = format!("ListenerArn={arn}&Certificates.member.1.CertificateArn=d");
    assert_eq!(aws.elb("ModifyListener", &other).one("SslPolicy"), "ELBSecurityPolicy-2016-08");
    let bare = format!("ListenerArn={arn}&Protocol=HTTP");
    assert!(!aws.elb("ModifyListener", &bare).0.contains("<CertificateArn>"));
}
