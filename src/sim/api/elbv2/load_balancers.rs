//! Load balancers.

use std::collections::{BTreeMap, BTreeSet};

use super::{actions_changed, answer, check_name, fresh_digits, load_balancer_not_found, page, tags};
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, LoadBalancer, health};

/// AWS's default quota of application load balancers.
const LIMIT: usize = 500;

/// The most ARNs or names that one call may ask for.
const ARNS_A_CALL: usize = 20;

pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let name = params.required("Name")?;
    check_name(name, "Load balancer")?;
    let kind = one_of(params.get("Type").unwrap_or("application"), &["application", "network"], "Type")?;
    let scheme = one_of(params.get("Scheme").unwrap_or("internet-facing"), &["internet-facing", "internal"], "Scheme")?;
    let mut subnet_ids = params.values("Subnets.member");
    for mapping in params.structures("SubnetMappings.member") {
        subnet_ids.push(mapping.required("SubnetId")?.to_owned());
    }
    let (vpc_id, zones) = zones(world, &subnet_ids, kind)?;
    let security_group_ids = security_groups(world, request)?;
    let ip_address_type = address_type(params.get("IpAddressType").unwrap_or("ipv4"))?.to_owned();
    if let Some(same) = world.balancing.load_balancers.values().find(|it| it.name == name) {
        let settings = (kind, scheme, &vpc_id, &zones, set(&security_group_ids));
        if settings != (&*same.kind, &*same.scheme, &same.vpc_id, &same.zones, set(&same.security_group_ids)) {
            return Err(ApiError::new(
                "DuplicateLoadBalancerName",
                format!("A load balancer with the same name '{name}' exists, but with different settings"),
            ));
        }
        let arn = same.arn.clone();
        return shown(world, request, &arn);
    }
    if world.balancing.load_balancers.len() >= LIMIT {
        return Err(ApiError::new("TooManyLoadBalancers", "The maximum number of load balancers has been reached"));
    }
    let tags = tags::read(params)?;
    let digits = fresh_digits(world);
    let (region, account) = (&world.region, &world.account);
    let prefix = if kind == "network" { "net" } else { "app" };
    let arn = format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{prefix}/{name}/{digits}");
    let dns_name = match (kind, scheme) {
        ("network", _) => format!("{name}-{digits}.elb.{region}.amazonaws.com"),
        (_, "internal") => format!("internal-{name}-{}.{region}.elb.amazonaws.com", decimal(&digits)),
        _ => format!("{name}-{}.{region}.elb.amazonaws.com", decimal(&digits)),
    };
    let load_balancer = LoadBalancer {
        arn: arn.clone(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        scheme: scheme.to_owned(),
        dns_name,
        hosted_zone_id: hosted_zone(region, kind).to_owned(),
        vpc_id,
        zones,
        security_group_ids,
        ip_address_type,
        created_at: world.now,
        attributes: BTreeMap::new(),
        tags,
    };
    world.balancing.load_balancers.insert(arn.as_str(), load_balancer);
    shown(world, request, &arn)
}

fn one_of<'a>(given: &'a str, allowed: &[&str], name: &str) -> Result<&'a str, ApiError> {
    if allowed.contains(&given) {
        return Ok(given);
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{given}' at '{name}' failed to satisfy constraint: \
         Member must satisfy enum value set: [{}]",
        allowed.join(", ")
    )))
}

fn set(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

/// The VPC and the zones of a load balancer's subnets: one subnet a zone and, for an application load balancer, two zones.
fn zones(world: &World, ids: &[String], kind: &str) -> Result<(String, BTreeMap<String, String>), ApiError> {
    let mut zones = BTreeMap::new();
    let mut vpc_id: Option<&str> = None;
    for id in ids {
        let Some(subnet) = world.network.subnets.get(id) else {
            return Err(ApiError::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")));
        };
        if vpc_id.replace(&subnet.vpc_id).is_some_and(|vpc| vpc != subnet.vpc_id) {
            return Err(ApiError::new("InvalidConfigurationRequest", "All subnets must belong to the same VPC"));
        }
        if zones.insert(subnet.zone.clone(), id.clone()).is_some() {
            return Err(ApiError::new(
                "InvalidConfigurationRequest",
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
    }
    let needed = if kind == "application" { 2 } else { 1 };
    match vpc_id {
        Some(vpc) if zones.len() >= needed => Ok((vpc.to_owned(), zones)),
        None => Err(ApiError::validation("You must specify subnets")),
        Some(_) => {
            Err(ApiError::validation("At least two subnets in two different Availability Zones must be specified"))
        }
    }
}

/// The decimal digits in the DNS name of an application load balancer.
fn decimal(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).unwrap_or(0) % 10_000_000_000
}

/// The hosted zone of load balancers' names.
/// <https://docs.aws.amazon.com/general/latest/gr/elb.html>
fn hosted_zone(region: &str, kind: &str) -> &'static str {
    match (region, kind) {
        ("us-east-1", "network") => "Z26RNL4JYFTOTI",
        ("us-east-1", _) => "Z35SXDOTRQ7X7K",
        ("us-east-2", "network") => "ZLMOA37VPKANP",
        ("us-east-2", _) => "Z3AADJGX6KTTL2",
        ("eu-west-1", "network") => "Z2IFOLAFXWLO4F",
        ("eu-west-1", _) => "Z32O12XQLNTSW2",
        (_, "network") => "Z18D5FSROUN65G",
        _ => "Z1H1FL5HABSF5",
    }
}

fn shown(world: &World, request: &Request, arn: &str) -> Result<Reply, ApiError> {
    let found = world.balancing.load_balancers.get(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    Ok(answer(request, |xml| {
        xml.list("LoadBalancers", "member", [found], |xml, it| write(xml, world, it));
    }))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let (arns, names) = (params.values("LoadBalancerArns.member"), params.values("Names.member"));
    if !arns.is_empty() && !names.is_empty() {
        return Err(ApiError::validation(
            "Load balancer names and load balancer ARNs cannot be specified at the same time",
        ));
    }
    if arns.len() > ARNS_A_CALL || names.len() > ARNS_A_CALL {
        return Err(ApiError::validation(format!("You can describe up to {ARNS_A_CALL} load balancers in one call")));
    }
    let all = &world.balancing.load_balancers;
    if let Some(arn) = arns.iter().find(|arn| !all.contains_key(arn)) {
        return Err(ApiError::new("LoadBalancerNotFound", format!("Load balancers '[{arn}]' not found")));
    }
    if let Some(name) = names.iter().find(|name| !all.values().any(|it| it.name == **name)) {
        return Err(ApiError::new("LoadBalancerNotFound", format!("Load balancers '[{name}]' not found")));
    }
    let found = all
        .iter()
        .filter(|(arn, it)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn)) && (names.is_empty() || names.contains(&it.name))
        })
        .map(|(arn, it)| (arn.to_owned(), it));
    let (shown, next) = page(params, found)?;
    Ok(answer(request, |xml| {
        xml.list("LoadBalancers", "member", shown, |xml, it| write(xml, world, it));
        xml.optional("NextMarker", next);
    }))
}

fn write(xml: &mut Xml, world: &World, it: &LoadBalancer) {
    xml.leaf("LoadBalancerArn", &it.arn).leaf("DNSName", &it.dns_name);
    xml.leaf("CanonicalHostedZoneId", &it.hosted_zone_id);
    xml.leaf("CreatedTime", it.created_at);
    xml.leaf("LoadBalancerName", &it.name).leaf("Scheme", &it.scheme).leaf("VpcId", &it.vpc_id);
    xml.within("State", |xml| {
        xml.leaf("Code", it.state(world.now));
    });
    xml.leaf("Type", &it.kind);
    xml.list("AvailabilityZones", "member", &it.zones, |xml, (zone, subnet)| {
        xml.leaf("ZoneName", zone).leaf("SubnetId", subnet);
        xml.within("LoadBalancerAddresses", |_| {});
    });
    xml.within("SecurityGroups", |xml| {
        for id in &it.security_group_ids {
            xml.leaf("member", id);
        }
    });
    xml.leaf("IpAddressType", &it.ip_address_type);
}

fn security_groups(world: &World, request: &Request) -> Result<Vec<String>, ApiError> {
    let ids = request.params.values("SecurityGroups.member");
    match ids.iter().find(|id| !world.network.security_groups.contains_key(*id)) {
        Some(id) => Err(ApiError::new("InvalidSecurityGroup", format!("Security group '{id}' does not exist"))),
        None => Ok(ids),
    }
}

fn address_type(given: &str) -> Result<&str, ApiError> {
    one_of(given, &["ipv4", "dualstack"], "ipAddressType")
}

/// `SetSecurityGroups`. A network load balancer that was created without any gets none later, and keeps one at least.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html>
pub(super) fn set_security_groups(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("LoadBalancerArn")?;
    let ids = security_groups(world, request)?;
    let found = world.balancing.load_balancers.get_mut(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    if found.kind == "network" && found.security_group_ids.is_empty() {
        let words =
            "You cannot set security groups for a Network Load Balancer that was created without security groups";
        return Err(ApiError::new("InvalidConfigurationRequest", words));
    }
    if ids.is_empty() {
        return Err(ApiError::validation("You must specify at least one security group"));
    }
    found.security_group_ids.clone_from(&ids);
    Ok(answer(request, |xml| {
        xml.within("SecurityGroupIds", |xml| {
            for id in &ids {
                xml.leaf("member", id);
            }
        });
    }))
}

/// `SetSubnets`: all of them anew.
pub(super) fn set_subnets(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let arn = params.required("LoadBalancerArn")?;
    let found = world.balancing.load_balancers.get(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    let (vpc_id, zones) = zones(world, &params.values("Subnets.member"), &found.kind)?;
    if vpc_id != found.vpc_id {
        return Err(ApiError::new(
            "InvalidConfigurationRequest",
            "The subnets are not in the VPC of the load balancer",
        ));
    }
    let group_arns: Vec<String> = world
        .balancing
        .users()
        .into_iter()
        .filter(|(_, users)| users.contains(arn))
        .map(|(group, _)| group.to_owned())
        .collect();
    if let Some(found) = world.balancing.load_balancers.get_mut(arn) {
        found.zones.clone_from(&zones);
    }
    for group in group_arns {
        health::look_at_all(world, &group);
    }
    Ok(answer(request, |xml| {
        xml.list("AvailabilityZones", "member", &zones, |xml, (zone, subnet)| {
            xml.leaf("ZoneName", zone).leaf("SubnetId", subnet);
        });
    }))
}

/// `SetIpAddressType`.
pub(super) fn set_ip_address_type(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("LoadBalancerArn")?;
    let given = address_type(request.params.required("IpAddressType")?)?.to_owned();
    let found = world.balancing.load_balancers.get_mut(arn).ok_or_else(|| load_balancer_not_found(arn))?;
    found.ip_address_type.clone_from(&given);
    Ok(answer(request, |xml| {
        xml.leaf("IpAddressType", &given);
    }))
}

/// Deletes a load balancer with its listeners and their rules. One that is not there is deleted already.
pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("LoadBalancerArn")?;
    if let Some(it) = world.balancing.load_balancers.get(arn)
        && it.attributes.get("deletion_protection.enabled").is_some_and(|value| value == "true")
    {
        let words = format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(ApiError::new("OperationNotPermitted", words));
    }
    let listeners: Vec<String> = world.balancing.listeners_of(arn).map(|it| it.arn.clone()).collect();
    let mut lists: Vec<Vec<Action>> = Vec::new();
    for listener in listeners {
        lists.extend(super::listeners::remove(world, &listener));
    }
    world.balancing.load_balancers.remove(arn);
    actions_changed(world, &lists.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Ok(answer(request, |_| {}))
}
