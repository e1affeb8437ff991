//! One mutating call per action. Nothing is decided here: an action is complete, and is carried out or refused.
//!
//! - [`alarms`]: alarms that call scaling policies
//! - [`balancing`]: target groups, load balancers, listeners, rules and their weights
//! - [`dns`]: record sets
//! - [`launch`]: launch templates and Auto Scaling groups
//! - [`scaling`]: what a group does by itself
//! - [`record`]: the deployed state
//! - [`settings`]: what of load balancing is changed while it runs
//!
//! Names are the fence. When AWS says that a name is taken, what has it is read: ours and the same means that the call
//! was made before, by us or by another controller; anything else is a conflict for a person to resolve.

mod alarms;
mod balancing;
mod dns;
mod launch;
mod record;
mod scaling;
mod settings;

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
        Action::CreateTargetGroup(group) => balancing::create_target_group(aws, scope, call, group).await,
        Action::ModifyTargetGroup { arn, check, .. } => balancing::modify_target_group(aws, call, arn, check).await,
        Action::SetTargetGroupAttributes { arn, attributes, .. } => {
            settings::target_group_attributes(aws, call, arn, attributes).await
        }
        Action::SetBalancerAttributes { arn, attributes, .. } => {
            settings::balancer_attributes(aws, call, arn, attributes).await
        }
        Action::SetSecurityGroups { arn, security_group_ids, .. } => {
            settings::security_groups(aws, call, arn, security_group_ids).await
        }
        Action::SetSubnets { arn, subnet_ids, .. } => settings::subnets(aws, call, arn, subnet_ids).await,
        Action::SetIpAddressType { arn, ip_address_type, .. } => {
            settings::ip_address_type(aws, call, arn, ip_address_type).await
        }
        Action::TagBalancing { arns, tags, .. } => settings::tag(aws, call, arns, tags).await,
        Action::RegisterTargets { arn, ids, .. } => balancing::register_targets(aws, call, arn, ids).await,
        Action::DeregisterTargets { arn, ids, .. } => balancing::deregister_targets(aws, call, arn, ids).await,
        Action::DeleteTargetGroup { arn, .. } => {
            deleted(aws.send(call, aws.elb.delete_target_group().target_group_arn(arn).send()).await)
        }
        Action::CreateLoadBalancer(balancer) => balancing::create_load_balancer(aws, scope, call, balancer).await,
        Action::DeleteLoadBalancer { arn, .. } => {
            deleted(aws.send(call, aws.elb.delete_load_balancer().load_balancer_arn(arn).send()).await)
        }
        Action::CreateListener(listener) => balancing::create_listener(aws, scope, call, listener).await,
        Action::ModifyListener(change) => settings::listener(aws, call, change).await,
        Action::DeleteListener { arn } => {
            deleted(aws.send(call, aws.elb.delete_listener().listener_arn(arn).send()).await)
        }
        Action::CreateRule(rule) => balancing::create_rule(aws, scope, call, rule).await,
        Action::ModifyRuleConditions { arn, conditions } => settings::rule_conditions(aws, call, arn, conditions).await,
        Action::SetRulePriority { arn, priority } => settings::rule_priority(aws, call, arn, *priority).await,
        Action::AimPreview { arn, forward } => {
            balancing::shift(aws, call, &TrafficPoint::Rule(arn.clone()), forward).await
        }
        Action::DeleteRule { arn } => deleted(aws.send(call, aws.elb.delete_rule().rule_arn(arn).send()).await),
        Action::Shift { at, forward } => balancing::shift(aws, call, at, forward).await,
        Action::ChangeDns { zone_id, delete, upsert, .. } => dns::change(aws, call, zone_id, delete, upsert).await,
        Action::CreateLaunchTemplate { name, data, tags, volume_tags } => {
            launch::create_template(aws, scope, call, name, data, tags, volume_tags).await
        }
        Action::DeleteLaunchTemplate { name } => {
            deleted(aws.send(call, aws.ec2.delete_launch_template().launch_template_name(name).send()).await)
        }
        Action::CreateGroup(group) => launch::create_group(aws, scope, call, group).await,
        Action::UpdateGroup { name, change } => launch::update_group(aws, call, name, change).await,
        Action::AttachTargetGroup { name, target_group_arn } => {
            let request = aws.autoscaling.attach_load_balancer_target_groups().auto_scaling_group_name(name);
            aws.send(call, request.target_group_arns(target_group_arn).send()).await.map(|_| Done::Applied)
        }
        Action::DeleteGroup { name } => {
            let request = aws.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(name).force_delete(false);
            deleted(aws.send(call, request.send()).await)
        }
        Action::PutLifecycleHook { group, hook } => scaling::put_hook(aws, call, group, hook).await,
        Action::DeleteLifecycleHook { group, hook } => scaling::delete_hook(aws, call, group, hook).await,
        Action::PutScalingPolicy { group, policy } => scaling::put_policy(aws, call, group, policy).await,
        Action::DeleteScalingPolicy { group, policy } => scaling::delete_policy(aws, call, group, policy).await,
        Action::PutStepAlarm { alarm, tags } => alarms::put(aws, call, alarm, tags).await,
        Action::DeleteStepAlarm { alarm } => alarms::delete(aws, call, alarm).await,
        Action::PutScheduledAction { group, scheduled } => scaling::put_scheduled(aws, call, group, scheduled).await,
        Action::DeleteScheduledAction { group, scheduled } => {
            scaling::delete_scheduled(aws, call, group, scheduled).await
        }
        Action::LiftProtection { group, ids } => scaling::unprotect(aws, call, group, ids).await,
        Action::SuspendProcesses { name, processes } => scaling::suspend(aws, call, name, processes).await,
        Action::ResumeProcesses { name, processes } => scaling::resume(aws, call, name, processes).await,
        Action::TagInstances { ids, tags, .. } => launch::tag_instances(aws, call, ids, tags).await,
        Action::TagGroup { name, tags, propagate } => launch::tag_group(aws, call, name, tags, *propagate).await,
        Action::UntagGroup { name, keys } => launch::untag_group(aws, call, name, keys).await,
        Action::PutDeployedRecord { parameter, record } => record::put(aws, call, parameter, record).await,
        Action::PutDecision { parameter, decision } => record::put_decision(aws, call, parameter, decision).await,
        Action::PutFailure { parameter, record: failure } => record::put_failure(aws, call, parameter, failure).await,
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

/// A number as the SDK takes it. What does not fit is refused by AWS, whose limits are far below.
fn number(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
