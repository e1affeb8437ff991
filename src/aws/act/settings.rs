//! What of load balancing is changed while it runs. Weights are never touched here.

use aws_sdk_elasticloadbalancingv2::types as elb;

use super::balancing::{conditions, redirect_action};
use super::{Done, number};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::action::Tags;
use crate::model::balancing::ListenerChange;
use crate::model::observed::{Attributes, Conditions};

pub(super) async fn target_group_attributes(
    aws: &Aws,
    call: Call,
    arn: &str,
    attributes: &Attributes,
) -> Result<Done, AwsError> {
    let attributes =
        attributes.iter().map(|(key, value)| elb::TargetGroupAttribute::builder().key(key).value(value).build());
    let request =
        aws.elb.modify_target_group_attributes().target_group_arn(arn).set_attributes(Some(attributes.collect()));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn balancer_attributes(
    aws: &Aws,
    call: Call,
    arn: &str,
    attributes: &Attributes,
) -> Result<Done, AwsError> {
    let attributes =
        attributes.iter().map(|(key, value)| elb::LoadBalancerAttribute::builder().key(key).value(value).build());
    let request =
        aws.elb.modify_load_balancer_attributes().load_balancer_arn(arn).set_attributes(Some(attributes.collect()));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn security_groups(aws: &Aws, call: Call, arn: &str, ids: &[String]) -> Result<Done, AwsError> {
    let request = aws.elb.set_security_groups().load_balancer_arn(arn).set_security_groups(Some(ids.to_vec()));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn subnets(aws: &Aws, call: Call, arn: &str, ids: &[String]) -> Result<Done, AwsError> {
    let request = aws.elb.set_subnets().load_balancer_arn(arn).set_subnets(Some(ids.to_vec()));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn ip_address_type(aws: &Aws, call: Call, arn: &str, kind: &str) -> Result<Done, AwsError> {
    let request = aws.elb.set_ip_address_type().load_balancer_arn(arn).ip_address_type(kind.into());
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn tag(aws: &Aws, call: Call, arns: &[String], tags: &Tags) -> Result<Done, AwsError> {
    let request = aws.elb.add_tags().set_resource_arns(Some(arns.to_vec())).set_tags(Some(codec::to_elb_tags(tags)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn listener(aws: &Aws, call: Call, change: &ListenerChange) -> Result<Done, AwsError> {
    let certificate = |arn| vec![elb::Certificate::builder().certificate_arn(arn).build()];
    // Without actions in the request the weights stay.
    let request = aws
        .elb
        .modify_listener()
        .listener_arn(&change.arn)
        .set_protocol(change.protocol.as_deref().map(Into::into))
        .set_certificates(change.certificate_arn.as_ref().map(certificate))
        .set_ssl_policy(change.ssl_policy.clone())
        .set_default_actions(change.redirect.as_ref().map(|redirect| vec![redirect_action(redirect)]));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn rule_conditions(aws: &Aws, call: Call, arn: &str, all: &Conditions) -> Result<Done, AwsError> {
    let request = aws.elb.modify_rule().rule_arn(arn).set_conditions(Some(conditions(all)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn rule_priority(aws: &Aws, call: Call, arn: &str, priority: u32) -> Result<Done, AwsError> {
    let pair = elb::RulePriorityPair::builder().rule_arn(arn).priority(number(priority)).build();
    aws.send(call, aws.elb.set_rule_priorities().rule_priorities(pair).send()).await.map(|_| Done::Applied)
}
