//! The actions and conditions of listeners and rules: read from requests, checked, written as AWS shows them.

use super::{login, target_group_not_found};
use crate::sim::wire::{ApiError, Params, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, Condition, Forward, LoadBalancer};

/// The most target groups of one action, and the most condition values of one rule.
const TARGET_GROUPS_AN_ACTION: usize = 5;
const CONDITION_VALUES: usize = 5;

/// The action list below a prefix, in the place of another: logins if any, and last the one action that answers.
pub(super) fn read(params: &Params, prefix: &str, before: &[Action]) -> Result<Vec<Action>, ApiError> {
    let mut given: Vec<(Option<u32>, Action)> = Vec::new();
    for params in params.structures(prefix) {
        given.push((params.parse("Order")?, read_one(&params, before)?));
    }
    if given.is_empty() {
        return Err(ApiError::validation(format!("A {} must be specified", prefix.trim_end_matches(".member"))));
    }
    if given.len() > 1 && given.iter().any(|(order, _)| order.is_none()) {
        return Err(ApiError::validation("An order must be specified for each of several actions"));
    }
    given.sort_by_key(|(order, _)| *order);
    if given.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(ApiError::new("InvalidLoadBalancerAction", "The orders of actions must be unique"));
    }
    let actions: Vec<Action> = given.into_iter().map(|(_, action)| action).collect();
    let answers = actions.iter().map(|action| !matches!(action, Action::Login(_)));
    if !answers.rev().enumerate().all(|(from_end, answers)| answers == (from_end == 0)) {
        return Err(ApiError::new(
            "InvalidLoadBalancerAction",
            "The action list must hold exactly one of forward, redirect and fixed-response, and it must be the last",
        ));
    }
    Ok(actions)
}

fn read_one(params: &Params, before: &[Action]) -> Result<Action, ApiError> {
    match params.required("Type")? {
        kind @ ("authenticate-oidc" | "authenticate-cognito") => login::read(kind, params, before).map(Action::Login),
        "forward" => read_forward(params).map(Action::Forward),
        "fixed-response" => {
            let config = params.below("FixedResponseConfig");
            Ok(Action::FixedResponse {
                status: config.required("StatusCode")?.to_owned(),
                content_type: config.get("ContentType").map(str::to_owned),
                body: config.get("MessageBody").map(str::to_owned),
            })
        }
        "redirect" => {
            let config = params.below("RedirectConfig");
            let or = |name: &str, default: &str| config.get(name).unwrap_or(default).to_owned();
            Ok(Action::Redirect {
                status: config.required("StatusCode")?.to_owned(),
                protocol: or("Protocol", "#{protocol}"),
                port: or("Port", "#{port}"),
                host: or("Host", "#{host}"),
                path: or("Path", "/#{path}"),
                query: or("Query", "#{query}"),
            })
        }
        other => {
            Err(ApiError::new("UnsupportedProtocol", format!("The simulated AWS has no action of type '{other}'")))
        }
    }
}

/// Reads both forms: `TargetGroupArn` alone, and `ForwardConfig` with weights.
fn read_forward(params: &Params) -> Result<Forward, ApiError> {
    let invalid = |words: &str| ApiError::new("InvalidLoadBalancerAction", words);
    let config = params.below("ForwardConfig");
    let mut target_groups = Vec::new();
    for tuple in config.structures("TargetGroups.member") {
        let weight: i64 = tuple.parse("Weight")?.unwrap_or(1);
        let weight = u32::try_from(weight).ok().filter(|weight| *weight <= 999).ok_or_else(|| {
            ApiError::validation(format!("Weight '{weight}' must be between '0' and '999' inclusive"))
        })?;
        target_groups.push((tuple.required("TargetGroupArn")?.to_owned(), weight));
    }
    match params.get("TargetGroupArn") {
        None => {}
        Some(arn) if target_groups.is_empty() => target_groups.push((arn.to_owned(), 1)),
        Some(arn) if target_groups.len() == 1 && target_groups[0].0 == arn => {}
        Some(_) => {
            return Err(invalid("You cannot specify a target group ARN and other target groups in the forward config"));
        }
    }
    if target_groups.is_empty() {
        return Err(invalid("A forward action must name a target group"));
    }
    if target_groups.len() > TARGET_GROUPS_AN_ACTION {
        return Err(ApiError::new(
            "TooManyTargetGroups",
            format!("A forward action can have at most '{TARGET_GROUPS_AN_ACTION}' target groups"),
        ));
    }
    Ok(Forward { target_groups, stickiness: read_stickiness(&config.below("TargetGroupStickinessConfig"))? })
}

fn read_stickiness(params: &Params) -> Result<Option<u32>, ApiError> {
    if !params.parse("Enabled")?.unwrap_or(false) {
        return Ok(None);
    }
    let seconds: u32 = params.parse("DurationSeconds")?.unwrap_or(0);
    if !(1..=604_800).contains(&seconds) {
        return Err(ApiError::validation(format!(
            "Target group stickiness duration '{seconds}' must be between '1' and '604800' seconds"
        )));
    }
    Ok(Some(seconds))
}

/// Checks where an action list forwards to, for a listener or rule of this load balancer.
pub(super) fn check(
    world: &World,
    load_balancer: &LoadBalancer,
    protocol: &str,
    actions: &[Action],
) -> Result<(), ApiError> {
    let forwards = actions.iter().all(|action| matches!(action, Action::Forward(_)));
    if load_balancer.kind == "network" && !forwards {
        return Err(ApiError::new(
            "InvalidLoadBalancerAction",
            "A listener of a Network Load Balancer can have a forward action only",
        ));
    }
    if protocol != "HTTPS" && actions.iter().any(|action| matches!(action, Action::Login(_))) {
        return Err(ApiError::new(
            "InvalidLoadBalancerAction",
            "Actions of type authenticate-oidc and authenticate-cognito are supported on HTTPS listeners only",
        ));
    }
    check_redirects(actions)?;
    if load_balancer.kind == "network" && actions.iter().any(is_sticky) {
        return Err(ApiError::new(
            "InvalidLoadBalancerAction",
            "Target group stickiness is not supported for Network Load Balancers",
        ));
    }
    for arn in actions.iter().flat_map(Action::target_groups) {
        let group = world.balancing.target_groups.get(arn).ok_or_else(|| target_group_not_found(arn))?;
        if !suits(protocol, &group.protocol) {
            return Err(ApiError::new(
                "IncompatibleProtocols",
                format!("The protocol '{}' of target group '{arn}' does not suit the listener", group.protocol),
            ));
        }
        if group.vpc_id != load_balancer.vpc_id {
            return Err(ApiError::new(
                "InvalidConfigurationRequest",
                format!("Target group '{arn}' is not in the VPC of load balancer '{}'", load_balancer.arn),
            ));
        }
        if world.balancing.user_of(arn).is_some_and(|user| user.arn != load_balancer.arn) {
            return Err(ApiError::new(
                "TargetGroupAssociationLimit",
                format!("The following target groups cannot be associated with more than one load balancer: {arn}"),
            ));
        }
    }
    Ok(())
}

/// The protocols of target groups that a listener can forward to.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html>
fn suits(listener: &str, group: &str) -> bool {
    match listener {
        "TCP" => matches!(group, "TCP" | "TCP_UDP"),
        "TLS" => matches!(group, "TCP" | "TLS"),
        "UDP" => matches!(group, "UDP" | "TCP_UDP"),
        "TCP_UDP" => group == "TCP_UDP",
        _ => group.starts_with("HTTP"),
    }
}

fn is_sticky(action: &Action) -> bool {
    matches!(action, Action::Forward(forward) if forward.stickiness.is_some())
}

/// A redirect must change something of the protocol, host, port or path, and lead to HTTP or HTTPS.
fn check_redirects(actions: &[Action]) -> Result<(), ApiError> {
    for action in actions {
        let Action::Redirect { protocol, port, host, path, status, .. } = action else { continue };
        if !matches!(protocol.as_str(), "HTTP" | "HTTPS" | "#{protocol}") {
            return Err(ApiError::validation(format!(
                "Redirect protocol '{protocol}' must be HTTP, HTTPS or #{{protocol}}"
            )));
        }
        if !matches!(status.as_str(), "HTTP_301" | "HTTP_302") {
            return Err(ApiError::validation(format!("Redirect status code '{status}' must be HTTP_301 or HTTP_302")));
        }
        let same =
            matches!(protocol.as_str(), "#{protocol}") && port == "#{port}" && host == "#{host}" && path == "/#{path}";
        if same {
            return Err(ApiError::new(
                "InvalidLoadBalancerAction",
                "The redirect configuration is not valid because it creates a loop.",
            ));
        }
    }
    Ok(())
}

/// Writes an action list. A forward to one target group shows in both forms, a forward to several in the long one.
pub(super) fn write(xml: &mut Xml, name: &str, actions: &[Action]) {
    xml.list(name, "member", (1..).zip(actions), |xml, (order, action)| {
        match action {
            Action::Login(login) => login::write(xml, login),
            Action::Forward(forward) => write_forward(xml, forward),
            Action::FixedResponse { status, content_type, body } => {
                xml.leaf("Type", "fixed-response");
                xml.within("FixedResponseConfig", |xml| {
                    xml.optional("MessageBody", body.as_ref()).leaf("StatusCode", status);
                    xml.optional("ContentType", content_type.as_ref());
                });
            }
            Action::Redirect { status, protocol, port, host, path, query } => {
                xml.leaf("Type", "redirect");
                xml.within("RedirectConfig", |xml| {
                    xml.leaf("Protocol", protocol).leaf("Port", port).leaf("Host", host);
                    xml.leaf("Path", path).leaf("Query", query).leaf("StatusCode", status);
                });
            }
        }
        xml.leaf("Order", order);
    });
}

fn write_forward(xml: &mut Xml, forward: &Forward) {
    xml.leaf("Type", "forward");
    if let [(arn, _)] = forward.target_groups.as_slice() {
        xml.leaf("TargetGroupArn", arn);
    }
    xml.within("ForwardConfig", |xml| {
        xml.list("TargetGroups", "member", &forward.target_groups, |xml, (arn, weight)| {
            xml.leaf("TargetGroupArn", arn).leaf("Weight", weight);
        });
        xml.within("TargetGroupStickinessConfig", |xml| {
            xml.leaf("Enabled", forward.stickiness.is_some());
            xml.optional("DurationSeconds", forward.stickiness);
        });
    });
}

/// The conditions of a request.
pub(super) fn read_conditions(params: &Params) -> Result<Vec<Condition>, ApiError> {
    let conditions =
        params.structures("Conditions.member").iter().map(read_condition).collect::<Result<Vec<_>, ApiError>>()?;
    if conditions.is_empty() {
        return Err(ApiError::validation("A condition must be specified"));
    }
    let values = conditions.iter().map(|condition| condition.values().len()).sum::<usize>();
    if values > CONDITION_VALUES {
        return Err(ApiError::validation(format!("A rule can only have '{CONDITION_VALUES}' condition values")));
    }
    Ok(conditions)
}

fn read_condition(params: &Params) -> Result<Condition, ApiError> {
    // Hosts and paths may come in an old form and a new one.
    let values = |config: &str| {
        let new = params.values(&format!("{config}.Values.member"));
        let values = if new.is_empty() { params.values("Values.member") } else { new };
        if values.is_empty() {
            return Err(ApiError::validation("A condition value must be specified"));
        }
        match values.iter().find(|value| value.len() > 128) {
            Some(value) => {
                Err(ApiError::validation(format!("Condition value '{value}' cannot be longer than '128' characters")))
            }
            None => Ok(values),
        }
    };
    match params.required("Field")? {
        "host-header" => values("HostHeaderConfig").map(Condition::Host),
        "path-pattern" => values("PathPatternConfig").map(Condition::Path),
        "http-request-method" => values("HttpRequestMethodConfig").map(Condition::Method),
        "source-ip" => values("SourceIpConfig").map(Condition::SourceIp),
        "http-header" => Ok(Condition::Header {
            name: params.required("HttpHeaderConfig.HttpHeaderName")?.to_owned(),
            values: values("HttpHeaderConfig")?,
        }),
        other => Err(ApiError::validation(format!(
            "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, \
             source-ip]' in the simulated AWS"
        ))),
    }
}

/// Writes conditions; hosts and paths in both forms.
pub(super) fn write_conditions(xml: &mut Xml, conditions: &[Condition]) {
    let list = |xml: &mut Xml, values: &[String]| {
        xml.within("Values", |xml| {
            for value in values {
                xml.leaf("member", value);
            }
        });
    };
    xml.list("Conditions", "member", conditions, |xml, condition| match condition {
        Condition::Host(values) => {
            xml.leaf("Field", "host-header");
            list(xml, values);
            xml.within("HostHeaderConfig", |xml| list(xml, values));
        }
        Condition::Path(values) => {
            xml.leaf("Field", "path-pattern");
            list(xml, values);
            xml.within("PathPatternConfig", |xml| list(xml, values));
        }
        Condition::Method(values) => {
            xml.leaf("Field", "http-request-method");
            xml.within("HttpRequestMethodConfig", |xml| list(xml, values));
        }
        Condition::SourceIp(values) => {
            xml.leaf("Field", "source-ip");
            xml.within("SourceIpConfig", |xml| list(xml, values));
        }
        Condition::Header { name, values } => {
            xml.leaf("Field", "http-header");
            xml.within("HttpHeaderConfig", |xml| {
                xml.leaf("HttpHeaderName", name);
                list(xml, values);
            });
        }
    });
}
