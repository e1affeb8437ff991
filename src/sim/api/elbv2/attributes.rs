//! Attributes of load balancers and target groups.

use std::collections::BTreeMap;

use super::{answer, load_balancer_not_found, target_group_not_found};
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::balancing::{LoadBalancer, TargetGroup};

type Known = &'static [(&'static str, &'static str)];

/// Attributes of target groups of application load balancers, with their defaults.
const FOR_APPLICATION: Known = &[
    ("deregistration_delay.timeout_seconds", "300"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.enabled", "false"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
];

/// Attributes of target groups of network load balancers, with their defaults.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html#target-group-attributes>
const FOR_NETWORK: Known = &[
    ("deregistration_delay.connection_termination.enabled", "false"),
    ("deregistration_delay.timeout_seconds", "300"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("preserve_client_ip.enabled", "true"),
    ("proxy_protocol_v2.enabled", "false"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "source_ip"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ("target_health_state.unhealthy.connection_termination.enabled", "true"),
    ("target_health_state.unhealthy.draining_interval_seconds", "0"),
];

/// Attributes of application load balancers, with their defaults.
const APPLICATION: Known = &[
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
];

/// Attributes of network load balancers, with their defaults.
const NETWORK: Known = &[
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("dns_record.client_routing_policy", "any_availability_zone"),
    ("load_balancing.cross_zone.enabled", "false"),
];

fn of_target_group(group: &TargetGroup) -> Known {
    if group.protocol.starts_with("HTTP") { FOR_APPLICATION } else { FOR_NETWORK }
}

fn of_load_balancer(balancer: &LoadBalancer) -> Known {
    if balancer.kind == "network" { NETWORK } else { APPLICATION }
}

/// The attributes that a request sets, checked.
fn read(params: &Params, known: &[(&str, &str)]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut given = BTreeMap::new();
    for attribute in params.structures("Attributes.member") {
        let key = attribute.required("Key")?;
        let value = attribute.get("Value").unwrap_or_default();
        let Some((_, default)) = known.iter().find(|(name, _)| *name == key) else {
            return Err(ApiError::validation(format!("Attribute key '{key}' is not recognized")));
        };
        let number = value.parse::<u32>();
        let fits = match key {
            "deregistration_delay.timeout_seconds" => number.is_ok_and(|seconds| seconds <= 3600),
            "slow_start.duration_seconds" => number.is_ok_and(|seconds| seconds == 0 || (30..=900).contains(&seconds)),
            "idle_timeout.timeout_seconds" => number.is_ok_and(|seconds| (1..=4000).contains(&seconds)),
            _ if *default == "true" || *default == "false" => value == "true" || value == "false",
            _ => true,
        };
        if !fits {
            return Err(ApiError::validation(format!("'{value}' is not a valid value for attribute '{key}'")));
        }
        given.insert(key.to_owned(), value.to_owned());
    }
    Ok(given)
}

fn shown(request: &Request, known: &[(&str, &str)], set: &BTreeMap<String, String>) -> Reply {
    answer(request, |xml| {
        xml.list("Attributes", "member", known, |xml, (key, default)| {
            xml.leaf("Key", key).leaf("Value", set.get(*key).map_or(*default, String::as_str));
        });
    })
}

pub(super) fn describe_target_group(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("TargetGroupArn")?;
    let group = world.balancing.target_groups.get(arn).ok_or_else(|| target_group_not_found(arn))?;
    Ok(shown(request, of_target_group(group), &group.attributes))
}

pub(super) fn modify_target_group(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("TargetGroupArn")?;
    let group = world.balancing.target_groups.get_mut(arn).ok_or_else(|| target_group_not_found(arn))?;
    let given = read(&request.params, of_target_group(group))?;
    let over_udp = group.protocol.ends_with("UDP");
    if over_udp && given.get("preserve_client_ip.enabled").is_some_and(|value| value == "false") {
        let words = "Client IP preservation cannot be disabled for UDP and TCP_UDP target groups";
        return Err(ApiError::new("InvalidConfigurationRequest", words));
    }
    group.attributes.extend(given);
    describe_target_group(world, request)
}

pub(super) fn describe_load_balancer(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("LoadBalancerArn")?;
    let found = world.balancing.load_balancers.get(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    Ok(shown(request, of_load_balancer(found), &found.attributes))
}

pub(super) fn modify_load_balancer(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("LoadBalancerArn")?;
    let found = world.balancing.load_balancers.get_mut(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    let known = of_load_balancer(found);
    let given = read(&request.params, known)?;
    if found.kind == "application"
        && given.get("load_balancing.cross_zone.enabled").is_some_and(|value| value != "true")
    {
        let words =
            "The attribute 'load_balancing.cross_zone.enabled' cannot be modified for Application Load Balancers";
        return Err(ApiError::new("InvalidConfigurationRequest", words));
    }
    let mut after = found.attributes.clone();
    after.extend(given);
    let is = |key: &str| after.get(key).map_or("", String::as_str);
    if is("access_logs.s3.enabled") == "true" && is("access_logs.s3.bucket").is_empty() {
        let words = "Access Logs bucket must be specified when access logs are enabled";
        return Err(ApiError::new("InvalidConfigurationRequest", words));
    }
    found.attributes = after;
    describe_load_balancer(world, request)
}
