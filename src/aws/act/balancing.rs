//! Target groups, load balancers, listeners, rules and their weights.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as elb;

use super::{Done, created};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::aws::observe::{balancing as observed, details};
use crate::model::action::{Tags, TrafficPoint};
use crate::model::names::Scope;
use crate::model::observed::{Forward, TargetCheck};
use crate::model::tags;

pub(super) struct NewTargetGroup<'a> {
    pub name: &'a str,
    pub vpc_id: &'a str,
    pub protocol: &'a str,
    pub port: u16,
    pub check: &'a TargetCheck,
    pub tags: &'a Tags,
}

pub(super) struct NewLoadBalancer<'a> {
    pub name: &'a str,
    pub scheme: &'a str,
    pub subnet_ids: &'a [String],
    pub security_group_ids: &'a [String],
    pub tags: &'a Tags,
}

pub(super) struct NewListener<'a> {
    pub load_balancer_arn: &'a str,
    pub port: u16,
    pub protocol: &'a str,
    pub certificate_arn: Option<&'a str>,
    pub forward: &'a Forward,
    pub tags: &'a Tags,
}

pub(super) struct NewRule<'a> {
    pub listener_arn: &'a str,
    pub priority: u32,
    pub hosts: &'a [String],
    pub paths: &'a [String],
    pub headers: &'a BTreeMap<String, Vec<String>>,
    pub forward: &'a Forward,
    pub tags: &'a Tags,
}

pub(super) async fn create_target_group(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    new: NewTargetGroup<'_>,
) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_target_group()
        .name(new.name)
        .vpc_id(new.vpc_id)
        .target_type(elb::TargetTypeEnum::Instance)
        .protocol(new.protocol.into())
        .port(new.port.into())
        .health_check_enabled(true)
        .health_check_protocol(new.protocol.into())
        .health_check_port("traffic-port")
        .health_check_path(&new.check.path)
        .matcher(elb::Matcher::builder().http_code(&new.check.matcher).build())
        .health_check_interval_seconds(number(new.check.interval))
        .health_check_timeout_seconds(number(new.check.timeout))
        .healthy_threshold_count(number(new.check.healthy_threshold))
        .unhealthy_threshold_count(number(new.check.unhealthy_threshold))
        .set_tags(Some(codec::to_elb_tags(new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let describe = Call::new(call.service, "DescribeTargetGroups", new.name);
        let found = aws.read(describe, aws.elb.describe_target_groups().names(new.name).send()).await?;
        let group = found.target_groups().first();
        fence(aws, scope, call, "target group", group.and_then(elb::TargetGroup::target_group_arn)).await
    })
    .await
}

pub(super) async fn modify_target_group(
    aws: &Aws,
    call: Call,
    arn: &str,
    check: &TargetCheck,
) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .modify_target_group()
        .target_group_arn(arn)
        .health_check_path(&check.path)
        .matcher(elb::Matcher::builder().http_code(&check.matcher).build())
        .health_check_interval_seconds(number(check.interval))
        .health_check_timeout_seconds(number(check.timeout))
        .healthy_threshold_count(number(check.healthy_threshold))
        .unhealthy_threshold_count(number(check.unhealthy_threshold));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn set_deregistration_delay(aws: &Aws, call: Call, arn: &str, seconds: u64) -> Result<Done, AwsError> {
    let attribute = elb::TargetGroupAttribute::builder()
        .key("deregistration_delay.timeout_seconds")
        .value(seconds.to_string())
        .build();
    let request = aws.elb.modify_target_group_attributes().target_group_arn(arn).attributes(attribute);
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn create_load_balancer(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    new: NewLoadBalancer<'_>,
) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_load_balancer()
        .name(new.name)
        .r#type(elb::LoadBalancerTypeEnum::Application)
        .scheme(new.scheme.into())
        .set_subnets(Some(new.subnet_ids.to_vec()))
        .set_security_groups(Some(new.security_group_ids.to_vec()))
        .set_tags(Some(codec::to_elb_tags(new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let describe = Call::new(call.service, "DescribeLoadBalancers", new.name);
        let found = aws.read(describe, aws.elb.describe_load_balancers().names(new.name).send()).await?;
        let balancer = found.load_balancers().first();
        fence(aws, scope, call, "load balancer", balancer.and_then(elb::LoadBalancer::load_balancer_arn)).await
    })
    .await
}

pub(super) async fn create_listener(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    new: NewListener<'_>,
) -> Result<Done, AwsError> {
    let certificate = new.certificate_arn.map(|arn| elb::Certificate::builder().certificate_arn(arn).build());
    let request = aws
        .elb
        .create_listener()
        .load_balancer_arn(new.load_balancer_arn)
        .port(new.port.into())
        .protocol(new.protocol.into())
        .set_certificates(certificate.map(|certificate| vec![certificate]))
        .default_actions(forward_action(new.forward))
        .set_tags(Some(codec::to_elb_tags(new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let listeners = observed::listeners_of(aws, new.load_balancer_arn).await?;
        let taken = listeners.iter().find(|listener| listener.port == new.port);
        fence(aws, scope, call, "listener", taken.map(|listener| listener.arn.as_str())).await
    })
    .await
}

pub(super) async fn create_rule(aws: &Aws, scope: &Scope, call: Call, new: NewRule<'_>) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_rule()
        .listener_arn(new.listener_arn)
        .priority(number(new.priority))
        .set_conditions(Some(conditions(new.hosts, new.paths, new.headers)))
        .actions(forward_action(new.forward))
        .set_tags(Some(codec::to_elb_tags(new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let rules = observed::rules_of(aws, new.listener_arn).await?;
        let taken = rules.iter().find(|rule| rule.priority == Some(new.priority));
        let what = format!("rule with priority {} of the listener", new.priority);
        fence(aws, scope, call, &what, taken.map(|rule| rule.arn.as_str())).await
    })
    .await
}

pub(super) async fn modify_rule_conditions(
    aws: &Aws,
    call: Call,
    arn: &str,
    hosts: &[String],
    paths: &[String],
    headers: &BTreeMap<String, Vec<String>>,
) -> Result<Done, AwsError> {
    let request = aws.elb.modify_rule().rule_arn(arn).set_conditions(Some(conditions(hosts, paths, headers)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

/// Sets the weights and the stickiness between them. AWS replaces the whole list of actions, so it is read first: what
/// others put there, such as a login before the forward, stays.
pub(super) async fn shift(aws: &Aws, call: Call, at: &TrafficPoint, forward: &Forward) -> Result<Done, AwsError> {
    let actions = current_actions(aws, at).await?;
    if codec::forward(&actions) == *forward {
        return Ok(Done::Already);
    }
    let actions = with_forward(actions, forward);
    match at {
        TrafficPoint::Listener(arn) => {
            let request = aws.elb.modify_listener().listener_arn(arn).set_default_actions(Some(actions));
            aws.send(call, request.send()).await?;
        }
        TrafficPoint::Rule(arn) => {
            let request = aws.elb.modify_rule().rule_arn(arn).set_actions(Some(actions));
            aws.send(call, request.send()).await?;
        }
    }
    Ok(Done::Applied)
}

/// The actions of a listener or rule, whole and in order.
pub(in crate::aws) async fn current_actions(aws: &Aws, at: &TrafficPoint) -> Result<Vec<elb::Action>, AwsError> {
    const SERVICE: &str = "elasticloadbalancing";
    let actions = match at {
        TrafficPoint::Listener(arn) => {
            let call = Call::new(SERVICE, "DescribeListeners", arn);
            let found = aws.read(call, aws.elb.describe_listeners().listener_arns(arn).send()).await?;
            found.listeners.and_then(|listeners| listeners.into_iter().next()).and_then(|one| one.default_actions)
        }
        TrafficPoint::Rule(arn) => {
            let call = Call::new(SERVICE, "DescribeRules", arn);
            let found = aws.read(call, aws.elb.describe_rules().rule_arns(arn).send()).await?;
            found.rules.and_then(|rules| rules.into_iter().next()).and_then(|one| one.actions)
        }
    };
    let missing = || AwsError::not_yet(Call::new(SERVICE, "DescribeRules", at.arn()), "AWS did not list its actions");
    let mut actions = actions.ok_or_else(missing)?;
    actions.sort_by_key(|action| action.order.unwrap_or(i32::MAX));
    Ok(actions)
}

/// The same actions, but the last of them, the one that answers, forwards with these weights.
fn with_forward(actions: Vec<elb::Action>, forward: &Forward) -> Vec<elb::Action> {
    let answers = |action: &elb::Action| {
        use elb::ActionTypeEnum::{FixedResponse, Forward, Redirect};
        matches!(action.r#type, Some(Forward | Redirect | FixedResponse))
    };
    let (old, mut kept): (Vec<_>, Vec<_>) = actions.into_iter().partition(answers);
    for action in &mut kept {
        // AWS never tells the secret, and takes this in its place.
        if let Some(login) = &mut action.authenticate_oidc_config {
            login.client_secret = None;
            login.use_existing_client_secret = Some(true);
        }
    }
    let last = old.into_iter().next();
    let order = last.as_ref().and_then(|action| action.order);
    let mut action = forward_action(forward);
    action.order = order;
    kept.push(action);
    kept
}

fn forward_action(forward: &Forward) -> elb::Action {
    let stickiness = forward.stickiness.map(|seconds| {
        elb::TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(number(seconds)).build()
    });
    let tuples = forward
        .weights
        .iter()
        .map(|(arn, weight)| elb::TargetGroupTuple::builder().target_group_arn(arn).weight(number(*weight)).build());
    let config = elb::ForwardActionConfig::builder()
        .set_target_groups(Some(tuples.collect()))
        .set_target_group_stickiness_config(stickiness)
        .build();
    elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).forward_config(config).build()
}

fn conditions(hosts: &[String], paths: &[String], headers: &BTreeMap<String, Vec<String>>) -> Vec<elb::RuleCondition> {
    let mut conditions = Vec::new();
    if !hosts.is_empty() {
        let config = elb::HostHeaderConditionConfig::builder().set_values(Some(hosts.to_vec())).build();
        conditions.push(elb::RuleCondition::builder().field("host-header").host_header_config(config).build());
    }
    if !paths.is_empty() {
        let config = elb::PathPatternConditionConfig::builder().set_values(Some(paths.to_vec())).build();
        conditions.push(elb::RuleCondition::builder().field("path-pattern").path_pattern_config(config).build());
    }
    for (name, values) in headers {
        let config =
            elb::HttpHeaderConditionConfig::builder().http_header_name(name).set_values(Some(values.clone())).build();
        conditions.push(elb::RuleCondition::builder().field("http-header").http_header_config(config).build());
    }
    conditions
}

/// Accepts what is there already when its tags say that it is this app's.
async fn fence(aws: &Aws, scope: &Scope, call: Call, what: &str, arn: Option<&str>) -> Result<(), AwsError> {
    let Some(arn) = arn else {
        return Err(AwsError::not_yet(call, format!("AWS says that the {what} exists, and does not list it yet")));
    };
    let tags = details::tags_of(aws, vec![arn.to_owned()]).await?;
    if tags.get(arn).is_some_and(|tags| tags::belongs_to(tags, scope)) {
        return Ok(());
    }
    Err(AwsError::conflict(call, format!("the {what} exists and does not belong to {scope}: {arn}")))
}

/// A number as the SDK takes it. What does not fit is refused by AWS, whose limits are far below.
fn number(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_keeps_a_login_that_others_put_there_and_sets_stickiness_as_it_is_told() {
        let login = elb::Action::builder()
            .r#type(elb::ActionTypeEnum::AuthenticateOidc)
            .order(1)
            .authenticate_oidc_config(elb::AuthenticateOidcActionConfig::builder().client_id("x").build())
            .build();
        let old = Forward { stickiness: Some(60), ..Forward::new([("a".to_owned(), 95), ("b".to_owned(), 5)].into()) };
        let mut last = forward_action(&old);
        last.order = Some(2);
        assert_eq!(codec::forward(std::slice::from_ref(&last)), old);

        // A visitor who sticks to a target group goes on to reach it at weight 0: a whole shift ends stickiness.
        let new = Forward::new([("a".to_owned(), 0), ("b".to_owned(), 100)].into());
        let actions = with_forward(vec![login, last], &new);
        assert_eq!(actions.len(), 2);
        let login = actions[0].authenticate_oidc_config().unwrap();
        assert_eq!((login.client_id(), login.use_existing_client_secret()), (Some("x"), Some(true)));
        assert_eq!(actions[1].order(), Some(2));
        assert_eq!(codec::forward(&actions), new);
    }

    #[test]
    fn a_shift_ends_a_maintenance_page() {
        let page = elb::Action::builder().r#type(elb::ActionTypeEnum::FixedResponse).build();
        let new = Forward::new([("a".to_owned(), 100)].into());
        let actions = with_forward(vec![page], &new);
        assert_eq!(actions.len(), 1);
        assert_eq!(codec::forward(&actions), new);
    }
}
