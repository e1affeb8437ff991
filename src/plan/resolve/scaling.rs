//! How the group is to scale, down to the names in AWS, and its sizes at this time.

use crate::manifest::spec::{AppSpec, DefaultResult, LifecycleHook, Metric, Scheduled, TargetTracking, Transition};
use crate::model::scaling::{Hook, Maintenance, PolicyKind, ScalingPolicy, ScheduledAction};
use crate::model::schedule::Schedule;
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

/// The scaling policies of a group. `label`: the part of load balancing that counts its requests, where it is known.
pub(super) fn policies(spec: &AppSpec, group: &str, label: Option<&str>) -> Vec<ScalingPolicy> {
    let policy = |given: &TargetTracking| {
        let metric = given.metric.as_str();
        let counts_requests = given.metric == Metric::RequestCountPerTarget;
        ScalingPolicy {
            name: ScalingPolicy::tracking(group, metric),
            kind: PolicyKind::TargetTracking {
                metric: metric.to_owned(),
                resource_label: label.filter(|_| counts_requests).map(str::to_owned),
                target: given.target,
                disable_scale_in: given.disable_scale_in,
            },
        }
    };
    spec.scaling.iter().flat_map(|scaling| &scaling.target_tracking).map(policy).collect()
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
