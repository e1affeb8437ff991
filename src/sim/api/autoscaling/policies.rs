//! Scaling policies: put, delete, describe.

use super::{answer, changeable, done, invalid_token, no_such_group};
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::step::{Step, Stepping};
use crate::sim::world::scaling::timetable::{Policy, Tracking};

/// The most policies of a group.
const MAX_POLICIES: usize = 50;

/// The most steps of a policy.
const MAX_STEPS: usize = 20;

const METRICS: [&str; 4] =
    ["ASGAverageCPUUtilization", "ASGAverageNetworkIn", "ASGAverageNetworkOut", "ALBRequestCountPerTarget"];

pub(super) fn put(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    let params = &request.params;
    let name = params.required("PolicyName")?.to_owned();
    if !(1..=255).contains(&name.chars().count()) {
        return Err(ApiError::validation("PolicyName must have 1 to 255 characters"));
    }
    let policy_type = params.get("PolicyType").unwrap_or("SimpleScaling");
    let (mut tracking, mut stepping, mut adjustment) = (None, None, None);
    match policy_type {
        "TargetTrackingScaling" => tracking = Some(tracked(&params.below("TargetTrackingConfiguration"))?),
        "StepScaling" => stepping = Some(steps(params)?),
        "SimpleScaling" => adjustment = Some(simple(params)?),
        other => return Err(ApiError::validation(format!("Invalid policy type: {other}"))),
    }
    if let Some(label) = tracking.as_ref().and_then(|tracking| tracking.resource_label.as_deref()) {
        let attached = |arn: &str| arn.rsplit(':').next().is_some_and(|target_group| label.ends_with(target_group));
        if !group.registers_in().any(attached) {
            return Err(ApiError::validation(format!(
                "The target group of the resource label {label} is not attached to the Auto Scaling group"
            )));
        }
    }
    let old = group.policies.get(&name);
    if old.is_some_and(|old| old.policy_type != policy_type) {
        return Err(ApiError::validation("The policy type of an existing policy cannot be changed."));
    }
    let same = |other: &Policy| other.tracking.as_ref().map(|it| &it.metric) == tracking.as_ref().map(|it| &it.metric);
    if tracking.is_some() && group.policies.iter().any(|(other, policy)| *other != name && same(policy)) {
        return Err(ApiError::validation(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
        ));
    }
    if old.is_none() && group.policies.len() >= MAX_POLICIES {
        return Err(ApiError::new("LimitExceeded", "You have reached your limit of 50 scaling policies per group."));
    }
    let (group, policy_type) = (group.name.clone(), policy_type.to_owned());
    let arn = match old {
        Some(old) => old.arn.clone(),
        None => {
            let uuid = world.fresh_uuid();
            let (region, account) = (&world.region, &world.account);
            format!(
                "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid}:autoScalingGroupName/{group}:policyName/{name}"
            )
        }
    };
    if let Some(group) = world.scaling.groups.get_mut(&group) {
        group.policies.insert(name, Policy { arn: arn.clone(), policy_type, tracking, stepping, adjustment });
    }
    Ok(answer(request, |xml| {
        xml.leaf("PolicyARN", arn);
        xml.within("Alarms", |_| {});
    }))
}

fn tracked(params: &Params) -> Result<Tracking, ApiError> {
    let metric = params.get("PredefinedMetricSpecification.PredefinedMetricType").ok_or_else(|| {
        ApiError::validation("The simulated AWS takes target tracking with a PredefinedMetricSpecification only")
    })?;
    if !METRICS.contains(&metric) {
        return Err(ApiError::validation(format!("Invalid predefined metric type: {metric}")));
    }
    let resource_label = params.get("PredefinedMetricSpecification.ResourceLabel").map(str::to_owned);
    if (metric == "ALBRequestCountPerTarget") != resource_label.is_some() {
        return Err(ApiError::validation(
            "ResourceLabel must be specified for the metric type ALBRequestCountPerTarget, and for no other.",
        ));
    }
    params.required("TargetValue")?;
    let target: f64 = params.parse("TargetValue")?.unwrap_or_default();
    if target <= 0.0 {
        return Err(ApiError::validation("TargetValue must be greater than 0"));
    }
    let disable_scale_in = params.parse("DisableScaleIn")?.unwrap_or(false);
    Ok(Tracking { metric: metric.to_owned(), resource_label, target, disable_scale_in })
}

fn adjustment_type(params: &Params) -> Result<String, ApiError> {
    let kind = params.required("AdjustmentType")?;
    if !["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"].contains(&kind) {
        return Err(ApiError::validation(format!("Invalid adjustment type: {kind}")));
    }
    Ok(kind.to_owned())
}

fn simple(params: &Params) -> Result<(String, i64), ApiError> {
    let adjustment_type = adjustment_type(params)?;
    let given = params.parse("ScalingAdjustment")?;
    let adjustment = given.ok_or_else(|| ApiError::validation("A scaling adjustment must be specified."))?;
    Ok((adjustment_type, adjustment))
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html>
fn steps(params: &Params) -> Result<Stepping, ApiError> {
    let refuse = |message: &str| Err(ApiError::validation(message));
    let adjustment_type = adjustment_type(params)?;
    let min_magnitude: Option<u32> = params.parse("MinAdjustmentMagnitude")?;
    if min_magnitude.is_some() && adjustment_type != "PercentChangeInCapacity" {
        return refuse("MinAdjustmentMagnitude is only supported with PercentChangeInCapacity");
    }
    let mut steps = Vec::new();
    for given in params.structures("StepAdjustments.member") {
        let adjustment = given.parse("ScalingAdjustment")?;
        let adjustment = adjustment.ok_or_else(|| ApiError::validation("A scaling adjustment must be specified."))?;
        let (lower, upper) = (given.parse("MetricIntervalLowerBound")?, given.parse("MetricIntervalUpperBound")?);
        steps.push(Step { lower, upper, adjustment });
    }
    if !(1..=MAX_STEPS).contains(&steps.len()) {
        return refuse("A step scaling policy must have 1 to 20 step adjustments");
    }
    let lower = |step: &Step| step.lower.unwrap_or(f64::NEG_INFINITY);
    let upper = |step: &Step| step.upper.unwrap_or(f64::INFINITY);
    if steps.iter().any(|step| lower(step) >= upper(step)) {
        return refuse("The lower bound of a step adjustment must be less than its upper bound");
    }
    steps.sort_by(|one, other| lower(one).total_cmp(&lower(other)));
    if steps.windows(2).any(|pair| upper(&pair[0]) != lower(&pair[1])) {
        return refuse("The intervals of the step adjustments must not overlap or have a gap between them");
    }
    if steps.first().and_then(|first| first.lower).is_some_and(|lower| lower < 0.0) {
        return refuse("There must be a step adjustment with an unspecified lower bound when one is negative");
    }
    if steps.last().and_then(|last| last.upper).is_some_and(|upper| upper > 0.0) {
        return refuse("There must be a step adjustment with an unspecified upper bound when one is positive");
    }
    Ok(Stepping { adjustment_type, min_magnitude, warmup: params.parse("EstimatedInstanceWarmup")?, steps })
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let name = changeable(world, request)?.name.clone();
    let policy = request.params.required("PolicyName")?;
    let gone = world.scaling.groups.get_mut(&name).and_then(|group| group.policies.remove(policy));
    if gone.is_none() {
        return Err(ApiError::validation(format!(
            "PolicyName not found for AutoScalingGroupName='{name}' and PolicyName='{policy}'"
        )));
    }
    Ok(done(request))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let only = params.get("AutoScalingGroupName");
    if let Some(name) = only.filter(|name| !world.scaling.groups.contains_key(name)) {
        return Err(no_such_group(name));
    }
    let names = params.values("PolicyNames.member");
    let size = number(params, "MaxRecords", 50, 1, 100)? as usize;
    let groups = world.scaling.groups.values().filter(|group| only.is_none_or(|name| group.name == name));
    let all = groups.flat_map(|group| group.policies.iter().map(move |(name, policy)| (group, name, policy)));
    let found = all
        .filter(|(_, name, _)| names.is_empty() || names.contains(name))
        .map(|found| (format!("{}\u{1}{}", found.0.name, found.1), found));
    let (shown, next) = page(found, params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("ScalingPolicies", "member", shown, |xml, (group, name, policy)| {
            xml.leaf("AutoScalingGroupName", &group.name).leaf("PolicyName", name).leaf("PolicyARN", &policy.arn);
            xml.leaf("PolicyType", &policy.policy_type);
            if let Some((kind, adjustment)) = &policy.adjustment {
                xml.leaf("AdjustmentType", kind).leaf("ScalingAdjustment", adjustment);
            }
            if let Some(stepping) = &policy.stepping {
                xml.leaf("AdjustmentType", &stepping.adjustment_type).leaf("MetricAggregationType", "Average");
                xml.optional("MinAdjustmentMagnitude", stepping.min_magnitude);
                xml.optional("EstimatedInstanceWarmup", stepping.warmup);
            }
            let steps = policy.stepping.as_ref().map(|stepping| stepping.steps.as_slice()).unwrap_or_default();
            xml.list("StepAdjustments", "member", steps, |xml, step| {
                // AWS writes a whole number as `60.0`.
                xml.optional("MetricIntervalLowerBound", step.lower.map(|bound| format!("{bound:?}")));
                xml.optional("MetricIntervalUpperBound", step.upper.map(|bound| format!("{bound:?}")));
                xml.leaf("ScalingAdjustment", step.adjustment);
            });
            let alarms = world.metrics.alarms.values().filter(|alarm| alarm.calls.contains(&policy.arn));
            xml.list("Alarms", "member", alarms, |xml, alarm| {
                xml.leaf("AlarmName", &alarm.name).leaf("AlarmARN", alarm.arn(world));
            });
            if let Some(tracking) = &policy.tracking {
                xml.within("TargetTrackingConfiguration", |xml| {
                    xml.within("PredefinedMetricSpecification", |xml| {
                        xml.leaf("PredefinedMetricType", &tracking.metric);
                        xml.optional("ResourceLabel", tracking.resource_label.as_ref());
                    });
                    // AWS writes a whole number as `60.0`.
                    xml.leaf("TargetValue", format!("{:?}", tracking.target));
                    xml.leaf("DisableScaleIn", tracking.disable_scale_in);
                });
            }
            xml.leaf("Enabled", true);
        });
        xml.optional("NextToken", next);
    }))
}
