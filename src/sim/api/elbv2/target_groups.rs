//! Target groups.

use std::collections::{BTreeMap, BTreeSet};

use super::{answer, check_name, fresh_digits, page, tags, target_group_not_found};
use crate::model::time::Span;
use crate::sim::api::query::number;
use crate::sim::wire::{ApiError, Params, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Check, TargetGroup, health};

/// AWS's default quota of target groups in a region.
const LIMIT: usize = 3000;

/// The protocols of target groups here.
const PROTOCOLS: [&str; 6] = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"];

pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let name = params.required("Name")?;
    check_name(name, "Target group")?;
    let protocol = protocol(params.required("Protocol")?)?;
    params.required("Port")?;
    let port = number(params, "Port", 80, 1, 65_535)? as u16;
    let vpc_id = params.required("VpcId")?;
    if !world.network.vpcs.contains_key(vpc_id) {
        return Err(ApiError::validation(format!("The VPC ID '{vpc_id}' is not found")));
    }
    if params.get("TargetType").is_some_and(|kind| kind != "instance") {
        return Err(ApiError::validation("The simulated AWS has target groups of type 'instance' only"));
    }
    let check = read_check(params, protocol, default_check(protocol, params.get("HealthCheckProtocol"))?)?;
    if let Some(same) = world.balancing.target_groups.values().find(|it| it.name == name) {
        if (protocol, port, vpc_id, &check) != (&*same.protocol, same.port, &*same.vpc_id, &same.check) {
            return Err(ApiError::new(
                "DuplicateTargetGroupName",
                format!("A target group with the same name '{name}' exists, but with different settings"),
            ));
        }
        let arn = same.arn.clone();
        return shown(world, request, &arn);
    }
    if world.balancing.target_groups.len() >= LIMIT {
        return Err(ApiError::new("TooManyTargetGroups", "The maximum number of target groups has been reached"));
    }
    let tags = tags::read(params)?;
    let digits = fresh_digits(world);
    let arn = format!("arn:aws:elasticloadbalancing:{}:{}:targetgroup/{name}/{digits}", world.region, world.account);
    let group = TargetGroup {
        arn: arn.clone(),
        name: name.to_owned(),
        protocol: protocol.to_owned(),
        port,
        vpc_id: vpc_id.to_owned(),
        check,
        attributes: BTreeMap::new(),
        tags,
        targets: BTreeMap::new(),
    };
    world.balancing.target_groups.insert(arn.as_str(), group);
    shown(world, request, &arn)
}

fn protocol(given: &str) -> Result<&str, ApiError> {
    if PROTOCOLS.contains(&given) {
        return Ok(given);
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{given}' at 'protocol' failed to satisfy constraint: \
         Member must satisfy enum value set: [{}]",
        PROTOCOLS.join(", ")
    )))
}

/// Targets are checked over HTTP, HTTPS or TCP, over TCP not behind an application load balancer.
fn check_protocol<'a>(of: &str, given: &'a str) -> Result<&'a str, ApiError> {
    let fine = matches!(given, "HTTP" | "HTTPS") || given == "TCP" && !of.starts_with("HTTP");
    if fine {
        return Ok(given);
    }
    Err(ApiError::validation(format!(
        "Health check protocol '{given}' is not supported for target groups with the protocol '{of}'"
    )))
}

/// How targets are checked unless something else is said.
fn default_check(protocol: &str, check_protocol: Option<&str>) -> Result<Check, ApiError> {
    let over_tcp = !protocol.starts_with("HTTP");
    let check_protocol =
        self::check_protocol(protocol, check_protocol.unwrap_or(if over_tcp { "TCP" } else { protocol }))?;
    let http = check_protocol.starts_with("HTTP");
    Ok(Check {
        protocol: check_protocol.to_owned(),
        port: "traffic-port".to_owned(),
        path: http.then(|| "/".to_owned()),
        matcher: http.then(|| if over_tcp { "200-399" } else { "200" }.to_owned()),
        interval: Span::seconds(30),
        timeout: Span::seconds(match (http, over_tcp) {
            (true, true) => 6,
            (true, false) => 5,
            (false, _) => 10,
        }),
        healthy_threshold: 5,
        unhealthy_threshold: 2,
    })
}

/// A check with what a request changes of it.
fn read_check(params: &Params, of: &str, before: Check) -> Result<Check, ApiError> {
    if params.get("HealthCheckEnabled").is_some_and(|enabled| enabled != "true") {
        return Err(ApiError::validation(
            "Health check enabled must be true for target groups with target type 'instance'",
        ));
    }
    let seconds = |name: &str, before: Span, min: u64, max: u64| {
        number(params, name, before.as_seconds(), min, max).map(Span::seconds)
    };
    let count = |name: &str, before: u32| number(params, name, u64::from(before), 2, 10).map(|count| count as u32);
    let protocol = check_protocol(of, params.get("HealthCheckProtocol").unwrap_or(&before.protocol))?.to_owned();
    let over_http = protocol.starts_with("HTTP");
    for name in ["HealthCheckPath", "Matcher.HttpCode"] {
        if !over_http && params.get(name).is_some() {
            let field = name.split('.').next().unwrap_or(name);
            return Err(ApiError::validation(format!(
                "{field} is not supported for health checks with the protocol 'TCP'"
            )));
        }
    }
    let or_default = |given: Option<&str>, before: Option<String>, default: &str| {
        over_http.then(|| given.map(str::to_owned).or(before).unwrap_or_else(|| default.to_owned()))
    };
    let usual = if of.starts_with("HTTP") { "200" } else { "200-399" };
    let check = Check {
        port: params.get("HealthCheckPort").unwrap_or(&before.port).to_owned(),
        path: or_default(params.get("HealthCheckPath"), before.path, "/"),
        matcher: or_default(params.get("Matcher.HttpCode"), before.matcher, usual),
        protocol,
        interval: seconds("HealthCheckIntervalSeconds", before.interval, 5, 300)?,
        timeout: seconds("HealthCheckTimeoutSeconds", before.timeout, 2, 120)?,
        healthy_threshold: count("HealthyThresholdCount", before.healthy_threshold)?,
        unhealthy_threshold: count("UnhealthyThresholdCount", before.unhealthy_threshold)?,
    };
    if check.timeout >= check.interval {
        return Err(ApiError::validation(format!(
            "Health check timeout '{}' must be smaller than the interval '{}'",
            check.timeout.as_seconds(),
            check.interval.as_seconds()
        )));
    }
    if check.port != "traffic-port" && !check.port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(ApiError::validation(format!(
            "Health check port '{}' must be 'traffic-port' or a port",
            check.port
        )));
    }
    if let Some(path) = &check.path
        && !(path.starts_with('/') && path.len() <= 1024)
    {
        return Err(ApiError::validation(format!("Health check path '{path}' must begin with a '/' character")));
    }
    match &check.matcher {
        Some(matcher) if !is_matcher(matcher) => Err(ApiError::validation(format!(
            "Health check matcher HTTP code '{matcher}' must be within '200-499' inclusive"
        ))),
        _ => Ok(check),
    }
}

fn is_matcher(text: &str) -> bool {
    text.split(',').all(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let code = |text: &str| text.parse::<u16>().ok().filter(|code| (200..=499).contains(code));
        code(low).zip(code(high)).is_some_and(|(low, high)| low <= high)
    })
}

fn shown(world: &World, request: &Request, arn: &str) -> Result<Reply, ApiError> {
    let found = world.balancing.target_groups.get(arn).ok_or_else(|| target_group_not_found(arn))?;
    let users = world.balancing.users();
    Ok(answer(request, |xml| {
        xml.list("TargetGroups", "member", [found], |xml, it| write(xml, it, users.get(arn)));
    }))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let (arns, names) = (params.values("TargetGroupArns.member"), params.values("Names.member"));
    let load_balancer = params.get("LoadBalancerArn");
    if [!arns.is_empty(), !names.is_empty(), load_balancer.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(ApiError::validation(
            "Target group names, target group ARNs and a load balancer ARN cannot be specified at the same time",
        ));
    }
    let all = &world.balancing.target_groups;
    if let Some(arn) = load_balancer.filter(|arn| !world.balancing.load_balancers.contains_key(arn)) {
        return Err(super::load_balancer_not_found(arn));
    }
    let missing_arn = arns.iter().any(|arn| !all.contains_key(arn));
    let missing_name = names.iter().any(|name| !all.values().any(|it| it.name == *name));
    if missing_arn || missing_name {
        return Err(ApiError::new("TargetGroupNotFound", "One or more target groups not found"));
    }
    let users = world.balancing.users();
    let nobody = BTreeSet::new();
    let found = all
        .iter()
        .filter(|(arn, it)| {
            (arns.is_empty() || arns.iter().any(|a| a == arn))
                && (names.is_empty() || names.contains(&it.name))
                && load_balancer.is_none_or(|lb| users.get(arn).unwrap_or(&nobody).contains(lb))
        })
        .map(|(arn, it)| (arn.to_owned(), it));
    let (shown, next) = page(params, found)?;
    Ok(answer(request, |xml| {
        xml.list("TargetGroups", "member", shown, |xml, it| write(xml, it, users.get(it.arn.as_str())));
        xml.optional("NextMarker", next);
    }))
}

fn write(xml: &mut Xml, it: &TargetGroup, users: Option<&BTreeSet<&str>>) {
    let check = &it.check;
    xml.leaf("TargetGroupArn", &it.arn).leaf("TargetGroupName", &it.name);
    xml.leaf("Protocol", &it.protocol).leaf("Port", it.port).leaf("VpcId", &it.vpc_id);
    xml.leaf("HealthCheckProtocol", &check.protocol).leaf("HealthCheckPort", &check.port);
    xml.leaf("HealthCheckEnabled", true);
    xml.leaf("HealthCheckIntervalSeconds", check.interval.as_seconds());
    xml.leaf("HealthCheckTimeoutSeconds", check.timeout.as_seconds());
    xml.leaf("HealthyThresholdCount", check.healthy_threshold);
    xml.leaf("UnhealthyThresholdCount", check.unhealthy_threshold);
    xml.optional("HealthCheckPath", check.path.as_ref());
    if let Some(matcher) = &check.matcher {
        xml.within("Matcher", |xml| {
            xml.leaf("HttpCode", matcher);
        });
    }
    xml.within("LoadBalancerArns", |xml| {
        for arn in users.into_iter().flatten() {
            xml.leaf("member", arn);
        }
    });
    xml.leaf("TargetType", "instance");
    if it.protocol.starts_with("HTTP") {
        xml.leaf("ProtocolVersion", "HTTP1");
    }
    xml.leaf("IpAddressType", "ipv4");
}

pub(super) fn modify(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("TargetGroupArn")?;
    let group = world.balancing.target_groups.get_mut(arn).ok_or_else(|| target_group_not_found(arn))?;
    group.check = read_check(&request.params, &group.protocol, group.check.clone())?;
    health::look_at_all(world, arn);
    shown(world, request, arn)
}

/// Deletes a target group that nothing forwards to. One that is not there is deleted already.
pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("TargetGroupArn")?;
    if world.balancing.user_of(arn).is_some() {
        let words = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(ApiError::new("ResourceInUse", words));
    }
    world.balancing.target_groups.remove(arn);
    Ok(answer(request, |_| {}))
}
