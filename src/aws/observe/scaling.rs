//! Hooks, scaling policies and scheduled actions of groups: AWS lists hooks group by group, the others also for all groups
//! of the region, a hundred a page.

use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_autoscaling::types as asg;

use crate::aws::batch::{listed, settle};
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::observed::Read;
use crate::model::scaling::{GroupPolicy, Hook, PolicyKind, PolicyStep, ScalingPolicy, ScheduledAction};
use crate::model::schedule::Schedule;

const ASG: &str = "autoscaling";

/// From how many groups on the whole region is read, in pages, rather than each by itself.
const ALL_AT_ONCE: usize = 3;

/// The hooks of a group.
///
/// # Errors
/// When they cannot be read.
pub async fn hooks(aws: &Aws, group: &str) -> Result<Vec<Hook>, AwsError> {
    let call = Call::new(ASG, "DescribeLifecycleHooks", group);
    let answer =
        aws.read(call, aws.autoscaling.describe_lifecycle_hooks().auto_scaling_group_name(group).send()).await?;
    let hooks = answer.lifecycle_hooks().iter().map(|hook| Hook {
        name: hook.lifecycle_hook_name().unwrap_or_default().to_owned(),
        launching: hook.lifecycle_transition() == Some("autoscaling:EC2_INSTANCE_LAUNCHING"),
        timeout: hook.heartbeat_timeout().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(3600),
        continue_by_default: hook.default_result() == Some("CONTINUE"),
        role_arn: hook.role_arn().filter(|arn| !arn.is_empty()).map(str::to_owned),
        notification_target_arn: hook.notification_target_arn().filter(|arn| !arn.is_empty()).map(str::to_owned),
    });
    Ok(hooks.collect())
}

/// The scaling policies of groups, by the name of the group.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn policies(aws: &Aws, groups: &[String]) -> Result<BTreeMap<String, Read<Vec<GroupPolicy>>>, AwsError> {
    let fetch = |group: Option<String>| async move {
        let call = Call::new(ASG, "DescribePolicies", group.clone().unwrap_or_default());
        let ask = |token| {
            let request = aws.autoscaling.describe_policies().set_auto_scaling_group_name(group.clone());
            request.max_records(100).set_next_token(token).send()
        };
        let all = listed(aws, call, ask, |page| (page.scaling_policies, page.next_token)).await?;
        let named = |policy: &asg::ScalingPolicy| policy.auto_scaling_group_name().unwrap_or_default().to_owned();
        Ok(all.iter().map(|policy| (named(policy), decode_policy(policy))).collect())
    };
    by_group(groups, fetch).await
}

/// The scheduled actions of groups, by the name of the group.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn schedules(aws: &Aws, groups: &[String]) -> Result<BTreeMap<String, Read<Vec<ScheduledAction>>>, AwsError> {
    let fetch = |group: Option<String>| async move {
        let call = Call::new(ASG, "DescribeScheduledActions", group.clone().unwrap_or_default());
        let ask = |token| {
            let request = aws.autoscaling.describe_scheduled_actions().set_auto_scaling_group_name(group.clone());
            request.max_records(100).set_next_token(token).send()
        };
        let all = listed(aws, call, ask, |page| (page.scheduled_update_group_actions, page.next_token)).await?;
        let named =
            |action: &asg::ScheduledUpdateGroupAction| action.auto_scaling_group_name().unwrap_or_default().to_owned();
        Ok(all.iter().map(|action| (named(action), decode_scheduled(action))).collect())
    };
    by_group(groups, fetch).await
}

/// Reads what few groups have one by one, and what many have for all at once.
async fn by_group<T: Clone, F>(
    groups: &[String],
    fetch: impl Fn(Option<String>) -> F,
) -> Result<BTreeMap<String, Read<Vec<T>>>, AwsError>
where
    F: Future<Output = Result<Vec<(String, T)>, AwsError>>,
{
    let mut found = BTreeMap::new();
    if groups.len() >= ALL_AT_ONCE {
        let all = settle(fetch(None).await)?;
        for group in groups {
            let own = match &all {
                Read::Known(all) => {
                    Read::Known(all.iter().filter(|(name, _)| name == group).map(|(_, one)| one.clone()).collect())
                }
                Read::Unknown(why) => Read::Unknown(why.clone()),
            };
            found.insert(group.clone(), own);
        }
        return Ok(found);
    }
    for group in groups {
        let own = match settle(fetch(Some(group.clone())).await)? {
            Read::Known(own) => Read::Known(own.into_iter().map(|(_, one)| one).collect()),
            Read::Unknown(why) => Read::Unknown(why),
        };
        found.insert(group.clone(), own);
    }
    Ok(found)
}

fn decode_policy(policy: &asg::ScalingPolicy) -> GroupPolicy {
    let name = policy.policy_name().unwrap_or_default().to_owned();
    let tracking = policy.target_tracking_configuration();
    let kind = match tracking.and_then(|tracking| Some((tracking, tracking.predefined_metric_specification()?))) {
        Some((tracking, metric)) => PolicyKind::TargetTracking {
            metric: metric.predefined_metric_type().map(|metric| metric.as_str().to_owned()).unwrap_or_default(),
            resource_label: metric.resource_label().map(str::to_owned),
            target: tracking.target_value().unwrap_or_default(),
            disable_scale_in: tracking.disable_scale_in().unwrap_or(false),
        },
        None if policy.policy_type() == Some("StepScaling") => step(policy),
        None => PolicyKind::Other { policy_type: policy.policy_type().unwrap_or_default().to_owned() },
    };
    let arn = policy.policy_arn().unwrap_or_default().to_owned();
    GroupPolicy { arn, policy: ScalingPolicy { name, kind } }
}

fn step(policy: &asg::ScalingPolicy) -> PolicyKind {
    let step = |step: &asg::StepAdjustment| PolicyStep {
        lower_bound: step.metric_interval_lower_bound(),
        upper_bound: step.metric_interval_upper_bound(),
        adjustment: step.scaling_adjustment().unwrap_or_default(),
    };
    let mut steps: Vec<PolicyStep> = policy.step_adjustments().iter().map(step).collect();
    PolicyStep::sort(&mut steps);
    PolicyKind::Step {
        adjustment_type: policy.adjustment_type().unwrap_or_default().to_owned(),
        min_magnitude: policy.min_adjustment_magnitude().and_then(|fewest| u32::try_from(fewest).ok()),
        warmup: policy.estimated_instance_warmup().and_then(|seconds| u64::try_from(seconds).ok()),
        steps,
    }
}

fn decode_scheduled(action: &asg::ScheduledUpdateGroupAction) -> ScheduledAction {
    let size = |size: Option<i32>| size.and_then(|size| u32::try_from(size).ok());
    ScheduledAction {
        name: action.scheduled_action_name().unwrap_or_default().to_owned(),
        schedule: Schedule {
            cron: action.recurrence().unwrap_or_default().to_owned(),
            time_zone: action.time_zone().unwrap_or("UTC").to_owned(),
        },
        min: size(action.min_size()),
        max: size(action.max_size()),
        desired: size(action.desired_capacity()),
    }
}
