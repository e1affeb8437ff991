//! Target groups and load balancers of the region, 400 a page; listeners and rules by their ARNs, 20 a call.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types as elb;

use crate::aws::batch::{by_ids, listed, several};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::observed::{Conditions, Listener, LoadBalancer, Read, Rule, TargetCheck, TargetGroup};

const SERVICE: &str = "elasticloadbalancing";
const PAGE: i32 = 400;
/// AWS states no limit for listeners and rules; it is 20 where it states one.
const ARNS: usize = 20;

/// All target groups of the region, by name.
///
/// # Errors
/// When a page fails.
pub async fn target_groups(aws: &Aws) -> Result<BTreeMap<String, TargetGroup>, AwsError> {
    let call = Call::new(SERVICE, "DescribeTargetGroups", "");
    let ask = |marker| aws.elb.describe_target_groups().page_size(PAGE).set_marker(marker).send();
    let all = listed(aws, call, ask, |page| (page.target_groups, page.next_marker)).await?;
    Ok(all.iter().map(target_group).map(|group| (group.name.clone(), group)).collect())
}

/// All load balancers of the region, by name.
///
/// # Errors
/// When a page fails.
pub async fn load_balancers(aws: &Aws) -> Result<BTreeMap<String, LoadBalancer>, AwsError> {
    let call = Call::new(SERVICE, "DescribeLoadBalancers", "");
    let ask = |marker| aws.elb.describe_load_balancers().page_size(PAGE).set_marker(marker).send();
    let all = listed(aws, call, ask, |page| (page.load_balancers, page.next_marker)).await?;
    Ok(all.iter().map(load_balancer).map(|balancer| (balancer.name.clone(), balancer)).collect())
}

/// Listeners by their ARNs.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn listeners(
    aws: &Aws,
    arns: BTreeSet<String>,
) -> Result<BTreeMap<String, Read<Option<Listener>>>, AwsError> {
    by_ids(arns, ARNS, |arns| async move {
        let call = Call::new(SERVICE, "DescribeListeners", several(&arns));
        let page = aws.read(call, aws.elb.describe_listeners().set_listener_arns(Some(arns)).send()).await?;
        Ok(page.listeners().iter().map(listener).map(|listener| (listener.arn.clone(), listener)).collect())
    })
    .await
}

/// Rules by their ARNs.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn rules(aws: &Aws, arns: BTreeSet<String>) -> Result<BTreeMap<String, Read<Option<Rule>>>, AwsError> {
    by_ids(arns, ARNS, |arns| async move {
        let call = Call::new(SERVICE, "DescribeRules", several(&arns));
        let page = aws.read(call, aws.elb.describe_rules().set_rule_arns(Some(arns)).send()).await?;
        Ok(page.rules().iter().map(rule).map(|rule| (rule.arn.clone(), rule)).collect())
    })
    .await
}

/// All listeners of a load balancer.
///
/// # Errors
/// When a page fails.
pub async fn listeners_of(aws: &Aws, load_balancer_arn: &str) -> Result<Vec<Listener>, AwsError> {
    let call = Call::new(SERVICE, "DescribeListeners", load_balancer_arn);
    let ask = |marker| {
        aws.elb.describe_listeners().load_balancer_arn(load_balancer_arn).page_size(PAGE).set_marker(marker).send()
    };
    let all = listed(aws, call, ask, |page| (page.listeners, page.next_marker)).await?;
    Ok(all.iter().map(listener).collect())
}

/// All rules of a listener.
///
/// # Errors
/// When a page fails.
pub async fn rules_of(aws: &Aws, listener_arn: &str) -> Result<Vec<Rule>, AwsError> {
    let call = Call::new(SERVICE, "DescribeRules", listener_arn);
    let ask = |marker| aws.elb.describe_rules().listener_arn(listener_arn).page_size(PAGE).set_marker(marker).send();
    let all = listed(aws, call, ask, |page| (page.rules, page.next_marker)).await?;
    Ok(all.iter().map(rule).collect())
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// A target group. One for a function has neither port nor protocol: it is listed all the same, for its name is taken.
fn target_group(group: &elb::TargetGroup) -> TargetGroup {
    TargetGroup {
        arn: text(group.target_group_arn()),
        name: text(group.target_group_name()),
        protocol: text(group.protocol().map(elb::ProtocolEnum::as_str)),
        port: port(group.port()),
        vpc_id: text(group.vpc_id()),
        load_balancer_arns: group.load_balancer_arns().to_vec(),
        check: TargetCheck {
            protocol: text(group.health_check_protocol().map(elb::ProtocolEnum::as_str)),
            path: text(group.health_check_path()),
            matcher: text(group.matcher().and_then(elb::Matcher::http_code)),
            interval: whole(group.health_check_interval_seconds()),
            timeout: whole(group.health_check_timeout_seconds()),
            healthy_threshold: whole(group.healthy_threshold_count()),
            unhealthy_threshold: whole(group.unhealthy_threshold_count()),
        },
    }
}

fn port(port: Option<i32>) -> u16 {
    port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
}

fn whole<T: TryFrom<i32> + Default>(number: Option<i32>) -> T {
    number.and_then(|number| T::try_from(number).ok()).unwrap_or_default()
}

fn load_balancer(balancer: &elb::LoadBalancer) -> LoadBalancer {
    let mut security_group_ids = balancer.security_groups().to_vec();
    security_group_ids.sort();
    let zones = balancer.availability_zones().iter();
    let zone = |zone: &elb::AvailabilityZone| Some((zone.subnet_id()?.to_owned(), text(zone.zone_name())));
    let zones: BTreeMap<String, String> = zones.filter_map(zone).collect();
    let subnet_ids = zones.keys().cloned().collect();
    LoadBalancer {
        arn: text(balancer.load_balancer_arn()),
        name: text(balancer.load_balancer_name()),
        kind: text(balancer.r#type().map(elb::LoadBalancerTypeEnum::as_str)),
        scheme: text(balancer.scheme().map(elb::LoadBalancerSchemeEnum::as_str)),
        dns_name: super::dns::plain_name(balancer.dns_name().unwrap_or_default()),
        hosted_zone_id: text(balancer.canonical_hosted_zone_id()),
        state: text(balancer.state().and_then(elb::LoadBalancerState::code).map(elb::LoadBalancerStateEnum::as_str)),
        vpc_id: text(balancer.vpc_id()),
        security_group_ids,
        subnet_ids,
        zones,
        ip_address_type: text(balancer.ip_address_type().map(elb::IpAddressType::as_str)),
    }
}

fn listener(listener: &elb::Listener) -> Listener {
    Listener {
        arn: text(listener.listener_arn()),
        load_balancer_arn: text(listener.load_balancer_arn()),
        port: port(listener.port()),
        protocol: text(listener.protocol().map(elb::ProtocolEnum::as_str)),
        // Only the default one is listed here; others are asked for by a call of their own.
        certificate_arn: listener.certificates().iter().find_map(elb::Certificate::certificate_arn).map(str::to_owned),
        ssl_policy: listener.ssl_policy().filter(|policy| !policy.is_empty()).map(str::to_owned),
        forward: codec::forward(listener.default_actions()),
        redirect: codec::redirect(listener.default_actions()),
        instead: codec::instead(listener.default_actions()),
    }
}

fn rule(rule: &elb::Rule) -> Rule {
    let mut conditions = Conditions::default();
    let mut other_conditions = false;
    for condition in rule.conditions() {
        other_conditions |= !read_condition(condition, &mut conditions);
    }
    Rule {
        arn: text(rule.rule_arn()),
        priority: rule.priority().and_then(|priority| priority.parse().ok()),
        conditions: conditions.sorted(),
        other_conditions,
        forward: codec::forward(rule.actions()),
        instead: codec::instead(rule.actions()),
    }
}

/// Takes a condition in, and says whether it is of a kind that we set.
fn read_condition(condition: &elb::RuleCondition, into: &mut Conditions) -> bool {
    let (place, values) = match condition.field() {
        Some("host-header") => (
            &mut into.hosts,
            condition.host_header_config().map(elb::HostHeaderConditionConfig::values).unwrap_or_default(),
        ),
        Some("path-pattern") => (
            &mut into.paths,
            condition.path_pattern_config().map(elb::PathPatternConditionConfig::values).unwrap_or_default(),
        ),
        Some("http-header") => {
            let Some(config) = condition.http_header_config() else { return false };
            let name = text(config.http_header_name()).to_ascii_lowercase();
            (into.headers.entry(name).or_default(), config.values())
        }
        Some("http-request-method") => (
            &mut into.methods,
            condition
                .http_request_method_config()
                .map(elb::HttpRequestMethodConditionConfig::values)
                .unwrap_or_default(),
        ),
        Some("source-ip") => (
            &mut into.source_ips,
            condition.source_ip_config().map(elb::SourceIpConditionConfig::values).unwrap_or_default(),
        ),
        _ => return false,
    };
    // The older form gives the values beside the condition's configuration instead of in it.
    let values = if values.is_empty() { condition.values() } else { values };
    place.extend(values.iter().cloned());
    // Patterns of another kind, such as regular expressions, have no values here.
    !values.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(field: &str) -> elb::builders::RuleConditionBuilder {
        elb::RuleCondition::builder().field(field)
    }

    #[test]
    fn conditions_are_read_in_both_forms_and_sorted() {
        let hosts = elb::HostHeaderConditionConfig::builder().values("b.example.com").values("a.example.com").build();
        let read = rule(
            &elb::Rule::builder()
                .rule_arn("r")
                .priority("10")
                .conditions(condition("host-header").host_header_config(hosts).build())
                .conditions(condition("path-pattern").values("/v2/*").build())
                .build(),
        );
        assert_eq!(read.priority, Some(10));
        assert_eq!(read.conditions.hosts, ["a.example.com", "b.example.com"]);
        assert_eq!(read.conditions.paths, ["/v2/*"]);
        assert!(!read.other_conditions);
    }

    #[test]
    fn conditions_that_we_never_set_are_noticed() {
        let header =
            rule(&elb::Rule::builder().conditions(condition("http-header").build()).priority("default").build());
        assert!(header.other_conditions);
        assert_eq!(header.priority, None);
        let pattern = condition("path-pattern").regex_values("^/v[0-9]").build();
        assert!(rule(&elb::Rule::builder().conditions(pattern).build()).other_conditions);
    }
}
