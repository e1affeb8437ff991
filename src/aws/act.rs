//! One mutating call per action. Nothing is decided here: an action is complete, and is carried out or refused.
//!
//! - [`balancing`]: target groups, load balancers, listeners, rules and their weights
//! - [`dns`]: record sets
//! - [`launch`]: launch templates and Auto Scaling groups
//! - [`record`]: the deployed state
//!
//! Names are the fence. When AWS says that a name is taken, what has it is read: ours and the same means that the call
//! was made before, by us or by another controller; anything else is a conflict for a person to resolve.

mod balancing;
mod dns;
mod launch;
mod record;

use std::future::Future;

pub(super) use balancing::current_actions;

use super::connect::Aws;
use super::error::{AwsError, Call};
use crate::model::action::{Action, TrafficPoint};
use crate::model::names::Scope;

/// How an action went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// AWS did it now.
    Applied,
    /// It was so already.
    Already,
}

/// Carries out one action for the app that `scope` names.
///
/// # Errors
/// When AWS refuses, or when what has the name is not this app's. Whether a call whose answer was lost took effect, the
/// next plan sees.
pub async fn perform(aws: &Aws, scope: &Scope, action: &Action) -> Result<Done, AwsError> {
    let (service, operation) = action.operation();
    let call = Call::new(service, operation, action.resource());
    match action {
        Action::CreateTargetGroup { name, vpc_id, protocol, port, check, tags } => {
            let group = balancing::NewTargetGroup { name, vpc_id, protocol, port: *port, check, tags };
            balancing::create_target_group(aws, scope, call, group).await
        }
        Action::ModifyTargetGroup { arn, check, .. } => balancing::modify_target_group(aws, call, arn, check).await,
        Action::SetDeregistrationDelay { arn, seconds, .. } => {
            balancing::set_deregistration_delay(aws, call, arn, *seconds).await
        }
        Action::DeleteTargetGroup { arn, .. } => {
            deleted(aws.send(call, aws.elb.delete_target_group().target_group_arn(arn).send()).await)
        }
        Action::CreateLoadBalancer { name, scheme, subnet_ids, security_group_ids, tags } => {
            let balancer = balancing::NewLoadBalancer { name, scheme, subnet_ids, security_group_ids, tags };
            balancing::create_load_balancer(aws, scope, call, balancer).await
        }
        Action::DeleteLoadBalancer { arn, .. } => {
            deleted(aws.send(call, aws.elb.delete_load_balancer().load_balancer_arn(arn).send()).await)
        }
        Action::CreateListener { load_balancer_arn, port, protocol, certificate_arn, forward, tags } => {
            let certificate_arn = certificate_arn.as_deref();
            let listener =
                balancing::NewListener { load_balancer_arn, port: *port, protocol, certificate_arn, forward, tags };
            balancing::create_listener(aws, scope, call, listener).await
        }
        Action::DeleteListener { arn } => {
            deleted(aws.send(call, aws.elb.delete_listener().listener_arn(arn).send()).await)
        }
        Action::CreateRule { listener_arn, priority, hosts, paths, headers, forward, tags } => {
            let rule = balancing::NewRule { listener_arn, priority: *priority, hosts, paths, headers, forward, tags };
            balancing::create_rule(aws, scope, call, rule).await
        }
        Action::ModifyRuleConditions { arn, hosts, paths, headers } => {
            balancing::modify_rule_conditions(aws, call, arn, hosts, paths, headers).await
        }
        Action::AimPreview { arn, forward } => {
            balancing::shift(aws, call, &TrafficPoint::Rule(arn.clone()), forward).await
        }
        Action::DeleteRule { arn } => deleted(aws.send(call, aws.elb.delete_rule().rule_arn(arn).send()).await),
        Action::Shift { at, forward } => balancing::shift(aws, call, at, forward).await,
        Action::UpsertDnsRecord { zone_id, record } => dns::upsert(aws, call, zone_id, record).await,
        Action::DeleteDnsRecord { zone_id, record } => dns::delete(aws, call, zone_id, record).await,
        Action::CreateLaunchTemplate { name, data, tags, volume_tags } => {
            launch::create_template(aws, scope, call, name, data, tags, volume_tags).await
        }
        Action::DeleteLaunchTemplate { name } => {
            deleted(aws.send(call, aws.ec2.delete_launch_template().launch_template_name(name).send()).await)
        }
        Action::CreateGroup(group) => launch::create_group(aws, scope, call, group).await,
        Action::UpdateGroup { name, change } => launch::update_group(aws, call, name, change).await,
        Action::DeleteGroup { name } => {
            let request = aws.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(name).force_delete(false);
            deleted(aws.send(call, request.send()).await)
        }
        Action::TagGroup { name, tags, propagate } => launch::tag_group(aws, call, name, tags, *propagate).await,
        Action::UntagGroup { name, keys } => launch::untag_group(aws, call, name, keys).await,
        Action::PutDeployedRecord { parameter, record } => record::put(aws, call, parameter, record).await,
        Action::PutDecision { parameter, decision } => record::put_decision(aws, call, parameter, decision).await,
        Action::DeleteParameter { parameter, .. } => {
            deleted(aws.send(call, aws.ssm.delete_parameter().name(parameter).send()).await)
        }
    }
}

/// A deletion of what is not there is done.
fn deleted<T>(result: Result<T, AwsError>) -> Result<Done, AwsError> {
    match result {
        Ok(_) => Ok(Done::Applied),
        Err(error) if error.is_missing() => Ok(Done::Already),
        Err(error) => Err(error),
    }
}

/// A creation: done now or, when the name is taken by what `already` accepts, done before.
async fn created<T>(
    result: Result<T, AwsError>,
    already: impl Future<Output = Result<(), AwsError>>,
) -> Result<Done, AwsError> {
    match result {
        Ok(_) => Ok(Done::Applied),
        Err(error) if error.is_taken() => already.await.map(|()| Done::Already),
        Err(error) => Err(error),
    }
}
