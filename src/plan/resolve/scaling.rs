//! How the group is to scale, down to the names in AWS, and its sizes at this time.

use std::collections::BTreeMap;

use crate::model::alarm::{Metric, StepAlarm};
use crate::model::scaling::{Hook, Maintenance, PolicyKind, PolicyStep, ScalingPolicy, ScheduledAction};
use crate::model::schedule::Schedule;
use crate::model::spec::{
    self, AppSpec, DefaultResult, LifecycleHook, Scheduled, Statistic, StepScaling, TargetTracking, Transition,
};
use crate::model::time::Timestamp;

/// The fewest and the most instances at a time: what the last scheduled action said, or else `instances`.
pub(super) fn sizes(spec: &AppSpec, at: Timestamp) -> (u32, u32) {
    let last = |size: fn(&Scheduled) -> Option<u32>| {
        let said = scheduled(spec).iter().filter_map(|one| Some((schedule(one).last(at)?, size(one)?)));
        said.max_by_key(|(since, _)| *since).map(|(_, size)| size)
    };
    let min = last(|one| one.min).unwrap_or(spec.instances.min);
    let max = last(|one| one.max).unwrap_or(spec.instances.max);
    (min, max.max(min))
}

fn scheduled(spec: &AppSpec) -> &[Scheduled] {
    spec.scaling.as_ref().map_or(&[], |scaling| &scaling.scheduled)
}

fn schedule(one: &Scheduled) -> Schedule {
    Schedule { cron: one.schedule.clone(), time_zone: one.time_zone.clone() }
}

/// The processes by which its groups change their sizes at certain times, or when an alarm of ours says so.
pub(in crate::plan) fn processes(spec: &AppSpec) -> Vec<&'static str> {
    let Some(scaling) = &spec.scaling else { return Vec::new() };
    let all = [("ScheduledActions", scaling.scheduled.is_empty()), ("AlarmNotification", scaling.step.is_empty())];
    all.into_iter().filter(|(_, unused)| !unused).map(|(process, _)| process).collect()
}

pub(super) fn maintenance(spec: &AppSpec) -> Option<Maintenance> {
    spec.instances.maintenance_policy.as_ref().map(|policy| Maintenance {
        min_healthy_percentage: policy.min_healthy_percentage,
        max_healthy_percentage: policy.max_healthy_percentage,
    })
}

pub(super) fn instance_warmup(spec: &AppSpec) -> Option<u64> {
    Some(spec.scaling.as_ref()?.default_instance_warmup?.as_seconds())
}

/// The hooks, by their names.
pub(super) fn hooks(spec: &AppSpec) -> Vec<Hook> {
    let hook = |given: &LifecycleHook| Hook {
        name: Hook::name_of(&given.name),
        launching: given.transition == Transition::Launching,
        timeout: given.timeout.as_seconds(),
        continue_by_default: given.default == DefaultResult::Continue,
        role_arn: given.role_arn.clone(),
        notification_target_arn: given.notification_target_arn.clone(),
    };
    let mut hooks: Vec<Hook> = spec.launch.lifecycle_hooks.iter().map(hook).collect();
    hooks.sort_by(|one, other| one.name.cmp(&other.name));
    hooks
}

/// What counts the requests of a group: its target group, behind the load balancer.
pub(in crate::plan) struct Counter<'a> {
    /// The end of the load balancer's ARN: `app/hello-prod/50dc6c495c0c9188`.
    pub(in crate::plan) balancer: &'a str,
    /// The end of the target group's ARN: `targetgroup/hello-prod-a/6d0ecf831eec9f09`.
    pub(in crate::plan) target_group: &'a str,
}

/// The scaling policies of a group. `counter`: what counts its requests, where it is known.
pub(super) fn policies(spec: &AppSpec, group: &str, counter: Option<&Counter<'_>>) -> Vec<ScalingPolicy> {
    // <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html>
    let label = counter.map(|counter| format!("{}/{}", counter.balancer, counter.target_group));
    let tracking = |given: &TargetTracking| {
        let metric = given.metric.as_str();
        let counts_requests = given.metric == spec::Metric::RequestCountPerTarget;
        ScalingPolicy {
            name: ScalingPolicy::tracking(group, metric),
            kind: PolicyKind::TargetTracking {
                metric: metric.to_owned(),
                resource_label: label.clone().filter(|_| counts_requests),
                target: given.target,
                disable_scale_in: given.disable_scale_in,
            },
        }
    };
    let stepping = |given: &StepScaling| {
        let step = |step: &spec::StepAdjustment| PolicyStep {
            lower_bound: step.lower_bound,
            upper_bound: step.upper_bound,
            adjustment: step.adjustment,
        };
        let mut steps: Vec<PolicyStep> = given.steps.iter().map(step).collect();
        PolicyStep::sort(&mut steps);
        let kind = PolicyKind::Step {
            adjustment_type: given.adjustment_type.as_str().to_owned(),
            min_magnitude: given.min_adjustment_magnitude,
            warmup: given.warmup.map(|span| span.as_seconds()),
            steps,
        };
        ScalingPolicy { name: ScalingPolicy::stepping(group, &given.name), kind }
    };
    let scaling = || spec.scaling.iter();
    let tracking = scaling().flat_map(|scaling| &scaling.target_tracking).map(tracking);
    tracking.chain(scaling().flat_map(|scaling| &scaling.step).map(stepping)).collect()
}

/// The alarms that call those of a group's policies whose ARNs are known, by their names.
pub(super) fn alarms(
    spec: &AppSpec,
    group: &str,
    counter: Option<&Counter<'_>>,
    arns: &BTreeMap<&str, &str>,
) -> Vec<StepAlarm> {
    let steps = spec.scaling.iter().flat_map(|scaling| &scaling.step);
    let alarm = |given: &StepScaling| {
        let name = ScalingPolicy::stepping(group, &given.name);
        let policy_arn = (*arns.get(name.as_str())?).to_owned();
        Some(StepAlarm {
            name,
            metric: metric(given, group, counter)?,
            statistic: statistic(given).as_str().to_owned(),
            period: given.period.as_seconds(),
            periods: given.evaluation_periods,
            to_alarm: given.datapoints_to_alarm.unwrap_or(given.evaluation_periods),
            comparison: given.comparison.as_str().to_owned(),
            threshold: given.threshold,
            missing_data: given.missing_data.as_str().to_owned(),
            policy_arn,
        })
    };
    steps.filter_map(alarm).collect()
}

fn statistic(given: &StepScaling) -> Statistic {
    // Requests for each target are counted so that only their sum means anything.
    let counts_requests = given.metric == Some(spec::Metric::RequestCountPerTarget);
    given.statistic.unwrap_or(if counts_requests { Statistic::Sum } else { Statistic::Average })
}

/// The metric as CloudWatch has it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html>
fn metric(given: &StepScaling, group: &str, counter: Option<&Counter<'_>>) -> Option<Metric> {
    let own = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let of_group = || own("AutoScalingGroupName", group);
    let metric = |namespace: &str, name: &str, dimensions| {
        Some(Metric { namespace: namespace.to_owned(), name: name.to_owned(), dimensions })
    };
    match (given.metric, &given.custom_metric) {
        (Some(spec::Metric::CpuUtilization), _) => metric("AWS/EC2", "CPUUtilization", of_group()),
        (Some(spec::Metric::NetworkIn), _) => metric("AWS/EC2", "NetworkIn", of_group()),
        (Some(spec::Metric::NetworkOut), _) => metric("AWS/EC2", "NetworkOut", of_group()),
        (Some(spec::Metric::RequestCountPerTarget), _) => {
            let counter = counter?;
            let mut dimensions = own("LoadBalancer", counter.balancer);
            dimensions.extend(own("TargetGroup", counter.target_group));
            metric("AWS/ApplicationELB", "RequestCountPerTarget", dimensions)
        }
        (None, Some(custom)) => {
            let mut dimensions = custom.dimensions.clone();
            dimensions.extend(custom.per_group.then(of_group).unwrap_or_default());
            metric(&custom.namespace, &custom.name, dimensions)
        }
        // The manifest is checked for this.
        (None, None) => None,
    }
}

/// The scheduled actions of a group.
pub(super) fn schedules(spec: &AppSpec, group: &str) -> Vec<ScheduledAction> {
    let action = |given: &Scheduled| ScheduledAction {
        name: ScheduledAction::name_of(group, &given.name),
        schedule: schedule(given),
        min: given.min,
        max: given.max,
        desired: given.desired,
    };
    scheduled(spec).iter().map(action).collect()
}
