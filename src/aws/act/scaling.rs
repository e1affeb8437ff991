//! What a group does by itself: hooks, scaling policies, scheduled actions, processes. All of these may be said twice.

use aws_sdk_autoscaling::types as asg;

use super::{Done, deleted, number};
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::scaling::{Hook, PolicyKind, PolicyStep, ScalingPolicy, ScheduledAction};

const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
const TERMINATING: &str = "autoscaling:EC2_INSTANCE_TERMINATING";

/// How AWS writes a hook's transition.
pub fn transition(hook: &Hook) -> &'static str {
    if hook.launching { LAUNCHING } else { TERMINATING }
}

/// How AWS writes what happens when nobody answers.
pub fn default_result(hook: &Hook) -> &'static str {
    if hook.continue_by_default { "CONTINUE" } else { "ABANDON" }
}

/// A hook as a new group takes it.
pub(super) fn specification(hook: &Hook) -> asg::LifecycleHookSpecification {
    asg::LifecycleHookSpecification::builder()
        .lifecycle_hook_name(&hook.name)
        .lifecycle_transition(transition(hook))
        .heartbeat_timeout(number(hook.timeout))
        .default_result(default_result(hook))
        .set_role_arn(hook.role_arn.clone())
        .set_notification_target_arn(hook.notification_target_arn.clone())
        .build()
}

pub(super) async fn put_hook(aws: &Aws, call: Call, group: &str, hook: &Hook) -> Result<Done, AwsError> {
    // What is not said stays as it was: an empty target takes the old one away.
    let target = hook.notification_target_arn.clone().unwrap_or_default();
    let request = aws
        .autoscaling
        .put_lifecycle_hook()
        .auto_scaling_group_name(group)
        .lifecycle_hook_name(&hook.name)
        .lifecycle_transition(transition(hook))
        .heartbeat_timeout(number(hook.timeout))
        .default_result(default_result(hook))
        .set_role_arn(hook.role_arn.clone())
        .notification_target_arn(target);
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn delete_hook(aws: &Aws, call: Call, group: &str, hook: &str) -> Result<Done, AwsError> {
    let request = aws.autoscaling.delete_lifecycle_hook().auto_scaling_group_name(group).lifecycle_hook_name(hook);
    deleted(aws.send(call, request.send()).await)
}

pub(super) async fn put_policy(aws: &Aws, call: Call, group: &str, policy: &ScalingPolicy) -> Result<Done, AwsError> {
    let request = aws.autoscaling.put_scaling_policy().auto_scaling_group_name(group).policy_name(&policy.name);
    let request = match &policy.kind {
        PolicyKind::TargetTracking { metric, resource_label, target, disable_scale_in } => request
            .policy_type("TargetTrackingScaling")
            .target_tracking_configuration(tracking(metric, resource_label.as_ref(), *target, *disable_scale_in)),
        PolicyKind::Step { adjustment_type, min_magnitude, warmup, steps } => request
            .policy_type("StepScaling")
            .adjustment_type(adjustment_type)
            .set_min_adjustment_magnitude(min_magnitude.map(number))
            .set_estimated_instance_warmup(warmup.map(number))
            .set_step_adjustments(Some(steps.iter().map(step).collect())),
        PolicyKind::Other { .. } => {
            return Err(AwsError::not_sent(call, "a policy of this type is nobody's to put"));
        }
    };
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

fn step(step: &PolicyStep) -> asg::StepAdjustment {
    asg::StepAdjustment::builder()
        .set_metric_interval_lower_bound(step.lower_bound)
        .set_metric_interval_upper_bound(step.upper_bound)
        .scaling_adjustment(step.adjustment)
        .build()
}

fn tracking(
    metric: &str,
    resource_label: Option<&String>,
    target: f64,
    disable_scale_in: bool,
) -> asg::TargetTrackingConfiguration {
    let metric = asg::PredefinedMetricSpecification::builder()
        .predefined_metric_type(metric.into())
        .set_resource_label(resource_label.cloned())
        .build();
    asg::TargetTrackingConfiguration::builder()
        .predefined_metric_specification(metric)
        .target_value(target)
        .disable_scale_in(disable_scale_in)
        .build()
}

pub(super) async fn delete_policy(aws: &Aws, call: Call, group: &str, policy: &str) -> Result<Done, AwsError> {
    let request = aws.autoscaling.delete_policy().auto_scaling_group_name(group).policy_name(policy);
    deleted(aws.send(call, request.send()).await)
}

pub(super) async fn put_scheduled(
    aws: &Aws,
    call: Call,
    group: &str,
    scheduled: &ScheduledAction,
) -> Result<Done, AwsError> {
    let request = aws
        .autoscaling
        .put_scheduled_update_group_action()
        .auto_scaling_group_name(group)
        .scheduled_action_name(&scheduled.name)
        .recurrence(&scheduled.schedule.cron)
        .time_zone(&scheduled.schedule.time_zone)
        .set_min_size(scheduled.min.map(number))
        .set_max_size(scheduled.max.map(number))
        .set_desired_capacity(scheduled.desired.map(number));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn delete_scheduled(aws: &Aws, call: Call, group: &str, name: &str) -> Result<Done, AwsError> {
    let request = aws.autoscaling.delete_scheduled_action().auto_scaling_group_name(group).scheduled_action_name(name);
    deleted(aws.send(call, request.send()).await)
}

/// Auto Scaling may let these instances of a group go.
pub(super) async fn unprotect(aws: &Aws, call: Call, group: &str, ids: &[String]) -> Result<Done, AwsError> {
    let request = aws.autoscaling.set_instance_protection().auto_scaling_group_name(group);
    let request = request.set_instance_ids(Some(ids.to_vec())).protected_from_scale_in(false);
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn suspend(aws: &Aws, call: Call, name: &str, processes: &[String]) -> Result<Done, AwsError> {
    let processes = Some(processes.to_vec());
    let request = aws.autoscaling.suspend_processes().auto_scaling_group_name(name).set_scaling_processes(processes);
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn resume(aws: &Aws, call: Call, name: &str, processes: &[String]) -> Result<Done, AwsError> {
    let processes = Some(processes.to_vec());
    let request = aws.autoscaling.resume_processes().auto_scaling_group_name(name).set_scaling_processes(processes);
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}
