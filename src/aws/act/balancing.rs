//! Target groups, load balancers, listeners, rules and their weights.

use aws_sdk_elasticloadbalancingv2::types as elb;

use super::{Done, created, number};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::aws::observe::{balancing as observed, details};
use crate::model::action::TrafficPoint;
use crate::model::balancing::{Answer, NewListener, NewLoadBalancer, NewRule, NewTargetGroup};
use crate::model::names::Scope;
use crate::model::observed::{Conditions, Forward, Redirect, TargetCheck};
use crate::model::tags;

pub(super) async fn create_target_group(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    new: &NewTargetGroup,
) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_target_group()
        .name(&new.name)
        .vpc_id(&new.vpc_id)
        .target_type(elb::TargetTypeEnum::Instance)
        .protocol(new.protocol.as_str().into())
        .port(new.port.into())
        .health_check_enabled(true)
        .health_check_protocol(new.check.protocol.as_str().into())
        .health_check_port("traffic-port")
        .set_health_check_path(over_http(&new.check).then(|| new.check.path.clone()))
        .set_matcher(over_http(&new.check).then(|| elb::Matcher::builder().http_code(&new.check.matcher).build()))
        .health_check_interval_seconds(number(new.check.interval))
        .health_check_timeout_seconds(number(new.check.timeout))
        .healthy_threshold_count(number(new.check.healthy_threshold))
        .unhealthy_threshold_count(number(new.check.unhealthy_threshold))
        .set_tags(Some(codec::to_elb_tags(&new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let describe = Call::new(call.service, "DescribeTargetGroups", &new.name);
        let found = aws.read(describe, aws.elb.describe_target_groups().names(&new.name).send()).await?;
        let group = found.target_groups().first();
        fence(aws, scope, call, "target group", group.and_then(elb::TargetGroup::target_group_arn)).await
    })
    .await
}

/// Whether a check asks for a path and looks at the status, and does not merely connect.
fn over_http(check: &TargetCheck) -> bool {
    check.protocol.starts_with("HTTP")
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
        .health_check_protocol(check.protocol.as_str().into())
        .set_health_check_path(over_http(check).then(|| check.path.clone()))
        .set_matcher(over_http(check).then(|| elb::Matcher::builder().http_code(&check.matcher).build()))
        .health_check_interval_seconds(number(check.interval))
        .health_check_timeout_seconds(number(check.timeout))
        .healthy_threshold_count(number(check.healthy_threshold))
        .unhealthy_threshold_count(number(check.unhealthy_threshold));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn register_targets(aws: &Aws, call: Call, arn: &str, ids: &[String]) -> Result<Done, AwsError> {
    let request = aws.elb.register_targets().target_group_arn(arn).set_targets(Some(targets(ids)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

/// What is not registered is deregistered already, and so is what was in a target group that is gone.
pub(super) async fn deregister_targets(aws: &Aws, call: Call, arn: &str, ids: &[String]) -> Result<Done, AwsError> {
    let request = aws.elb.deregister_targets().target_group_arn(arn).set_targets(Some(targets(ids)));
    match aws.send(call, request.send()).await {
        Err(error) if error.is_missing() => Ok(Done::Already),
        other => other.map(|_| Done::Applied),
    }
}

fn targets(ids: &[String]) -> Vec<elb::TargetDescription> {
    ids.iter().map(|id| elb::TargetDescription::builder().id(id).build()).collect()
}

pub(super) async fn create_load_balancer(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    new: &NewLoadBalancer,
) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_load_balancer()
        .name(&new.name)
        .r#type(new.kind.as_str().into())
        .scheme(new.scheme.as_str().into())
        .set_subnets(Some(new.subnet_ids.clone()))
        .set_security_groups(Some(new.security_group_ids.clone()).filter(|groups| !groups.is_empty()))
        .set_ip_address_type(new.ip_address_type.as_deref().map(Into::into))
        .set_tags(Some(codec::to_elb_tags(&new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let describe = Call::new(call.service, "DescribeLoadBalancers", &new.name);
        let found = aws.read(describe, aws.elb.describe_load_balancers().names(&new.name).send()).await?;
        let balancer = found.load_balancers().first();
        fence(aws, scope, call, "load balancer", balancer.and_then(elb::LoadBalancer::load_balancer_arn)).await
    })
    .await
}

pub(super) async fn create_listener(aws: &Aws, scope: &Scope, call: Call, new: &NewListener) -> Result<Done, AwsError> {
    let certificate = new.certificate_arn.as_ref().map(|arn| elb::Certificate::builder().certificate_arn(arn).build());
    let request = aws
        .elb
        .create_listener()
        .load_balancer_arn(&new.load_balancer_arn)
        .port(new.port.into())
        .protocol(new.protocol.as_str().into())
        .set_certificates(certificate.map(|certificate| vec![certificate]))
        .set_ssl_policy(new.ssl_policy.clone())
        .default_actions(match &new.answer {
            Answer::Forward(forward) => forward_action(forward),
            Answer::Redirect(redirect) => redirect_action(redirect),
        })
        .set_tags(Some(codec::to_elb_tags(&new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let listeners = observed::listeners_of(aws, &new.load_balancer_arn).await?;
        let taken = listeners.iter().find(|listener| listener.port == new.port);
        fence(aws, scope, call, "listener", taken.map(|listener| listener.arn.as_str())).await
    })
    .await
}

pub(super) async fn create_rule(aws: &Aws, scope: &Scope, call: Call, new: &NewRule) -> Result<Done, AwsError> {
    let request = aws
        .elb
        .create_rule()
        .listener_arn(&new.listener_arn)
        .priority(number(new.priority))
        .set_conditions(Some(conditions(&new.conditions)))
        .actions(forward_action(&new.forward))
        .set_tags(Some(codec::to_elb_tags(&new.tags)));
    created(aws.send(call.clone(), request.send()).await, async {
        let rules = observed::rules_of(aws, &new.listener_arn).await?;
        let taken = rules.iter().find(|rule| rule.priority == Some(new.priority));
        let what = format!("rule with priority {} of the listener", new.priority);
        fence(aws, scope, call, &what, taken.map(|rule| rule.arn.as_str())).await
    })
    .await
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
    let operation = match at {
        TrafficPoint::Listener(_) => "DescribeListeners",
        TrafficPoint::Rule(_) => "DescribeRules",
    };
    let call = Call::new("elasticloadbalancing", operation, at.arn());
    let actions = match at {
        TrafficPoint::Listener(arn) => {
            let found = aws.read(call.clone(), aws.elb.describe_listeners().listener_arns(arn).send()).await?;
            found.listeners.and_then(|listeners| listeners.into_iter().next()).and_then(|one| one.default_actions)
        }
        TrafficPoint::Rule(arn) => {
            let found = aws.read(call.clone(), aws.elb.describe_rules().rule_arns(arn).send()).await?;
            found.rules.and_then(|rules| rules.into_iter().next()).and_then(|one| one.actions)
        }
    };
    let mut actions = actions.ok_or_else(|| AwsError::not_yet(call, "AWS did not list its actions"))?;
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

pub(super) fn conditions(conditions: &Conditions) -> Vec<elb::RuleCondition> {
    let mut all = Vec::new();
    let mut add = |field: &str, values: &[String], with: fn(Builder, Vec<String>) -> Builder| {
        if !values.is_empty() {
            all.push(with(elb::RuleCondition::builder().field(field), values.to_vec()).build());
        }
    };
    type Builder = elb::builders::RuleConditionBuilder;
    add("host-header", &conditions.hosts, |condition, values| {
        condition.host_header_config(elb::HostHeaderConditionConfig::builder().set_values(Some(values)).build())
    });
    add("path-pattern", &conditions.paths, |condition, values| {
        condition.path_pattern_config(elb::PathPatternConditionConfig::builder().set_values(Some(values)).build())
    });
    add("http-request-method", &conditions.methods, |condition, values| {
        let config = elb::HttpRequestMethodConditionConfig::builder().set_values(Some(values)).build();
        condition.http_request_method_config(config)
    });
    add("source-ip", &conditions.source_ips, |condition, values| {
        condition.source_ip_config(elb::SourceIpConditionConfig::builder().set_values(Some(values)).build())
    });
    for (name, values) in &conditions.headers {
        let config = elb::HttpHeaderConditionConfig::builder().http_header_name(name).set_values(Some(values.clone()));
        all.push(elb::RuleCondition::builder().field("http-header").http_header_config(config.build()).build());
    }
    all
}

pub(super) fn redirect_action(redirect: &Redirect) -> elb::Action {
    let config = elb::RedirectActionConfig::builder()
        .protocol(&redirect.protocol)
        .port(&redirect.port)
        .host(&redirect.host)
        .path(&redirect.path)
        .query(&redirect.query)
        .status_code(redirect.status.as_str().into())
        .build();
    elb::Action::builder().r#type(elb::ActionTypeEnum::Redirect).redirect_config(config).build()
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
