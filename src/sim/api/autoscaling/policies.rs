//! Scaling policies: put, delete, describe. Nothing here evaluates a metric.

use super::{answer, changeable, done, invalid_token, no_such_group};
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::timetable::{Policy, Tracking};

/// The most policies of a group.
const MAX_POLICIES: usize = 50;

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
    let (tracking, adjustment) = match policy_type {
        "TargetTrackingScaling" => (Some(tracking(&params.below("TargetTrackingConfiguration"))?), None),
        "SimpleScaling" | "StepScaling" => (None, Some(adjustment(params)?)),
        other => return Err(ApiError::validation(format!("Invalid policy type: {other}"))),
    };
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
        group.policies.insert(name, Policy { arn: arn.clone(), policy_type, tracking, adjustment });
    }
    Ok(answer(request, |xml| {
        xml.leaf("PolicyARN", arn);
        xml.within("Alarms", |_| {});
    }))
}

fn tracking(params: &Params) -> Result<Tracking, ApiError> {
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

fn adjustment(params: &Params) -> Result<(String, i64), ApiError> {
    let kind = params.required("AdjustmentType")?;
    if !["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"].contains(&kind) {
        return Err(ApiError::validation(format!("Invalid adjustment type: {kind}")));
    }
    let given = params.parse("ScalingAdjustment")?.or(params.parse("StepAdjustments.member.1.ScalingAdjustment")?);
    let adjustment = given.ok_or_else(|| ApiError::validation("A scaling adjustment must be specified."))?;
    Ok((kind.to_owned(), adjustment))
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
            xml.within("StepAdjustments", |_| {});
            xml.within("Alarms", |_| {});
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
