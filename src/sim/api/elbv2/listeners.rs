//! Listeners.

use super::{actions, actions_changed, answer, fresh_digits, listener_not_found, load_balancer_not_found, page, tags};
use crate::sim::api::query::number;
use crate::sim::wire::{ApiError, Params, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, Listener, LoadBalancer, spreading};

/// The most listeners of a load balancer.
const LIMIT: usize = 50;

pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let lb_arn = params.required("LoadBalancerArn")?;
    let load_balancer =
        world.balancing.load_balancers.get(lb_arn).cloned().ok_or_else(|| load_balancer_not_found(lb_arn))?;
    params.required("Port")?;
    let port = number(params, "Port", 80, 1, 65_535)? as u16;
    let protocol = params.required("Protocol")?;
    let actions = actions::read(params, "DefaultActions.member", &[])?;
    let (certificate_arns, ssl_policy) = secure(params, protocol, None)?;
    check_protocol(&load_balancer, protocol)?;
    actions::check(world, &load_balancer, protocol, &actions)?;
    let tags = tags::read(params)?;
    if let Some(same) = world.balancing.listeners_of(lb_arn).find(|it| it.port == port) {
        if (protocol, &actions, &certificate_arns) != (&*same.protocol, &same.actions, &same.certificate_arns) {
            return Err(duplicate(lb_arn));
        }
        let arn = same.arn.clone();
        return shown(world, request, &arn);
    }
    if world.balancing.listeners_of(lb_arn).count() >= LIMIT {
        return Err(ApiError::new(
            "TooManyListeners",
            format!("Load balancer '{lb_arn}' has reached its limit of listeners"),
        ));
    }
    let base = lb_arn.replacen(":loadbalancer/", ":listener/", 1);
    let arn = format!("{base}/{}", fresh_digits(world));
    let rule_base = arn.replacen(":listener/", ":listener-rule/", 1);
    let default_rule_arn = format!("{rule_base}/{}", fresh_digits(world));
    let listener = Listener {
        arn: arn.clone(),
        load_balancer_arn: lb_arn.to_owned(),
        port,
        protocol: protocol.to_owned(),
        certificate_arns,
        ssl_policy,
        actions: actions.clone(),
        default_rule_arn,
        tags,
    };
    world.balancing.listeners.insert(arn.as_str(), listener);
    actions_changed(world, &[&actions]);
    shown(world, request, &arn)
}

fn duplicate(load_balancer: &str) -> ApiError {
    ApiError::new(
        "DuplicateListener",
        format!("A listener already exists on this port for this load balancer '{load_balancer}'"),
    )
}

/// The certificates and the policy of a listener of this protocol.
fn secure(
    params: &Params,
    protocol: &str,
    before: Option<&Listener>,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    if !matches!(protocol, "HTTPS" | "TLS") {
        return Ok((Vec::new(), None));
    }
    let given = params.structures("Certificates.member");
    let mut arns = given
        .iter()
        .map(|it| it.required("CertificateArn").map(str::to_owned))
        .collect::<Result<Vec<_>, ApiError>>()?;
    if let Some(before) = before.filter(|_| arns.is_empty()) {
        arns.clone_from(&before.certificate_arns);
    }
    if arns.is_empty() {
        return Err(ApiError::validation(format!("A certificate must be specified for {protocol} listeners")));
    }
    let turns_secure = before.is_some_and(|before| !matches!(before.protocol.as_str(), "HTTPS" | "TLS"));
    if turns_secure && params.get("SslPolicy").is_none() {
        return Err(ApiError::validation(format!("A security policy must be specified for {protocol} listeners")));
    }
    let policy = params.get("SslPolicy").or(before.and_then(|it| it.ssl_policy.as_deref()));
    Ok((arns, Some(policy.unwrap_or("ELBSecurityPolicy-2016-08").to_owned())))
}

fn check_protocol(load_balancer: &LoadBalancer, protocol: &str) -> Result<(), ApiError> {
    let allowed: &[&str] = match load_balancer.kind.as_str() {
        "application" => &["HTTP", "HTTPS"],
        _ => &["TCP", "TLS", "UDP", "TCP_UDP"],
    };
    if allowed.contains(&protocol) {
        return Ok(());
    }
    Err(ApiError::validation(format!("Protocol '{protocol}' must be one of '{}'", allowed.join(", "))))
}

fn shown(world: &World, request: &Request, arn: &str) -> Result<Reply, ApiError> {
    let found = world.balancing.listeners.get(arn).ok_or_else(listener_not_found)?;
    Ok(answer(request, |xml| {
        xml.list("Listeners", "member", [found], write);
    }))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let arns = params.values("ListenerArns.member");
    let load_balancer = params.get("LoadBalancerArn");
    let all = &world.balancing.listeners;
    match load_balancer {
        None if arns.is_empty() => {
            return Err(ApiError::validation("You must specify either listener ARNs or a load balancer ARN"));
        }
        Some(_) if !arns.is_empty() => {
            return Err(ApiError::validation(
                "Listener ARNs and a load balancer ARN cannot be specified at the same time",
            ));
        }
        Some(arn) if !world.balancing.load_balancers.contains_key(arn) => return Err(load_balancer_not_found(arn)),
        _ => {}
    }
    if arns.iter().any(|arn| !all.contains_key(arn)) {
        return Err(listener_not_found());
    }
    let found = all
        .iter()
        .filter(|(arn, it)| {
            load_balancer.map_or_else(|| arns.iter().any(|a| a == arn), |lb| it.load_balancer_arn == lb)
        })
        .map(|(arn, it)| (arn.to_owned(), it));
    let (shown, next) = page(params, found)?;
    Ok(answer(request, |xml| {
        xml.list("Listeners", "member", shown, write);
        xml.optional("NextMarker", next);
    }))
}

fn write(xml: &mut Xml, it: &Listener) {
    xml.leaf("ListenerArn", &it.arn).leaf("LoadBalancerArn", &it.load_balancer_arn);
    xml.leaf("Port", it.port).leaf("Protocol", &it.protocol);
    if !it.certificate_arns.is_empty() {
        xml.list("Certificates", "member", &it.certificate_arns, |xml, arn| {
            xml.leaf("CertificateArn", arn);
        });
    }
    xml.optional("SslPolicy", it.ssl_policy.as_ref());
    actions::write(xml, "DefaultActions", &it.actions);
}

/// Changes what is given. A list that is given replaces the old one whole.
pub(super) fn modify(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let arn = params.required("ListenerArn")?;
    let before = world.balancing.listeners.get(arn).cloned().ok_or_else(listener_not_found)?;
    let load_balancer = world
        .balancing
        .load_balancers
        .get(&before.load_balancer_arn)
        .cloned()
        .ok_or_else(|| load_balancer_not_found(&before.load_balancer_arn))?;
    let mut after = before.clone();
    after.port = number(params, "Port", u64::from(before.port), 1, 65_535)? as u16;
    if let Some(protocol) = params.get("Protocol") {
        check_protocol(&load_balancer, protocol)?;
        after.protocol = protocol.to_owned();
    }
    (after.certificate_arns, after.ssl_policy) = secure(params, &after.protocol, Some(&before))?;
    if !params.below("DefaultActions").is_empty() {
        after.actions = actions::read(params, "DefaultActions.member", &before.actions)?;
    }
    actions::check(world, &load_balancer, &after.protocol, &after.actions)?;
    if world.balancing.listeners_of(&load_balancer.arn).any(|it| it.port == after.port && it.arn != arn) {
        return Err(duplicate(&load_balancer.arn));
    }
    let changed = after.actions.clone();
    world.balancing.listeners.insert(arn, after);
    spreading::replaced(world, arn, &before.actions, &changed);
    actions_changed(world, &[&before.actions, &changed]);
    shown(world, request, arn)
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("ListenerArn")?;
    if !world.balancing.listeners.contains_key(arn) {
        return Err(listener_not_found());
    }
    let lists = remove(world, arn);
    actions_changed(world, &lists.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Ok(answer(request, |_| {}))
}

/// Takes a listener away with its rules, and gives the action lists that went with them.
pub(super) fn remove(world: &mut World, arn: &str) -> Vec<Vec<Action>> {
    let rules: Vec<(String, Vec<Action>)> =
        world.balancing.rules_of(arn).into_iter().map(|rule| (rule.arn.clone(), rule.actions.clone())).collect();
    let mut lists: Vec<Vec<Action>> =
        world.balancing.listeners.get(arn).map(|it| it.actions.clone()).into_iter().collect();
    for (rule, actions) in rules {
        world.balancing.rules.remove(&rule);
        lists.push(actions);
    }
    world.balancing.listeners.remove(arn);
    lists
}
