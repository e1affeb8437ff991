//! Groups, instances and attached target groups, as AWS shows them.

use std::collections::BTreeSet;

use super::{answer, invalid_token, named, warm_pool};
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Params, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::scaling::{Group, Member, Mixed, TemplateRef};

/// A filter on tags: it lets a group pass when *any* of its values fits; all filters must let it pass.
enum TagFilter {
    Key(Vec<String>),
    Value(Vec<String>),
    Pair(String, Vec<String>),
}

impl TagFilter {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let values = params.values("Values.member");
        match params.required("Name")? {
            "tag-key" => Ok(TagFilter::Key(values)),
            "tag-value" => Ok(TagFilter::Value(values)),
            name => match name.strip_prefix("tag:") {
                Some(key) => Ok(TagFilter::Pair(key.to_owned(), values)),
                None => Err(ApiError::validation(format!(
                    "Filter type {name} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>"
                ))),
            },
        }
    }

    fn passes(&self, group: &Group) -> bool {
        match self {
            TagFilter::Key(keys) => keys.iter().any(|key| group.tags.contains_key(key)),
            TagFilter::Value(values) => group.tags.values().any(|tag| values.contains(&tag.value)),
            TagFilter::Pair(key, values) => group.tags.get(key).is_some_and(|tag| values.contains(&tag.value)),
        }
    }
}

pub(super) fn groups(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let names: BTreeSet<String> = params.values("AutoScalingGroupNames.member").into_iter().collect();
    let filters =
        params.structures("Filters.member").iter().map(TagFilter::read).collect::<Result<Vec<_>, ApiError>>()?;
    let with_instances = params.parse("IncludeInstances")?.unwrap_or(true);
    let size = number(params, "MaxRecords", 50, 1, 100)? as usize;
    let found = world
        .scaling
        .groups
        .iter()
        .filter(|(name, group)| {
            (names.is_empty() || names.contains(*name)) && filters.iter().all(|filter| filter.passes(group))
        })
        .map(|(name, group)| (name.to_owned(), group));
    let (shown, next) = page(found, params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("AutoScalingGroups", "member", shown, |xml, group| write_group(xml, world, group, with_instances));
        xml.optional("NextToken", next);
    }))
}

fn write_group(xml: &mut Xml, world: &World, group: &Group, with_instances: bool) {
    let subnets = group.subnet_ids.iter().filter_map(|id| world.network.subnets.get(id));
    let zones: BTreeSet<&str> = subnets.map(|subnet| subnet.zone.as_str()).collect();
    xml.leaf("AutoScalingGroupName", &group.name);
    xml.leaf("AutoScalingGroupARN", &group.arn);
    match &group.mixed {
        Some(mixed) => write_mixed(xml, &group.template, mixed),
        None => write_template(xml, "LaunchTemplate", &group.template),
    }
    xml.leaf("MinSize", group.min).leaf("MaxSize", group.max).leaf("DesiredCapacity", group.desired);
    xml.leaf("DefaultCooldown", group.default_cooldown);
    xml.within("AvailabilityZones", |xml| {
        for zone in zones {
            xml.leaf("member", zone);
        }
    });
    xml.within("LoadBalancerNames", |_| {});
    xml.within("TargetGroupARNs", |xml| {
        for arn in group.registers_in() {
            xml.leaf("member", arn);
        }
    });
    xml.leaf("HealthCheckType", if group.health_check_elb { "ELB" } else { "EC2" });
    xml.leaf("HealthCheckGracePeriod", group.grace_period.as_seconds());
    let members = group.members.values().filter(|_| with_instances);
    xml.list("Instances", "member", members, write_member);
    xml.leaf("CreatedTime", group.created_at);
    xml.list("SuspendedProcesses", "member", &group.suspended, |xml, (process, reason)| {
        xml.leaf("ProcessName", process).leaf("SuspensionReason", reason);
    });
    xml.leaf("VPCZoneIdentifier", group.subnet_ids.join(","));
    xml.within("EnabledMetrics", |_| {});
    xml.optional("Status", group.deleting.map(|_| "Delete in progress"));
    xml.list("Tags", "member", &group.tags, |xml, (key, tag)| {
        xml.leaf("ResourceId", &group.name).leaf("ResourceType", "auto-scaling-group");
        xml.leaf("Key", key).leaf("Value", &tag.value).leaf("PropagateAtLaunch", tag.propagate);
    });
    xml.within("TerminationPolicies", |xml| {
        for policy in &group.termination_policies {
            xml.leaf("member", policy);
        }
    });
    xml.leaf("NewInstancesProtectedFromScaleIn", group.protect_new);
    xml.leaf(
        "ServiceLinkedRoleARN",
        format!(
            "arn:aws:iam::{}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            world.account
        ),
    );
    xml.optional("MaxInstanceLifetime", Some(group.max_instance_lifetime).filter(|seconds| *seconds > 0));
    xml.optional("DefaultInstanceWarmup", group.default_instance_warmup);
    if let Some((min, max)) = group.maintenance {
        xml.within("InstanceMaintenancePolicy", |xml| {
            xml.leaf("MinHealthyPercentage", min).leaf("MaxHealthyPercentage", max);
        });
    }
    warm_pool::write(xml, group);
    xml.list("TrafficSources", "member", group.registers_in(), |xml, arn| {
        xml.leaf("Identifier", arn).leaf("Type", "elbv2");
    });
    xml.leaf("DeletionProtection", &group.deletion_protection);
    xml.leaf("CapacityRebalance", false);
}

fn write_mixed(xml: &mut Xml, template: &TemplateRef, mixed: &Mixed) {
    xml.within("MixedInstancesPolicy", |xml| {
        xml.within("LaunchTemplate", |xml| {
            write_template(xml, "LaunchTemplateSpecification", template);
            xml.list("Overrides", "member", &mixed.instance_types, |xml, kind| {
                xml.leaf("InstanceType", kind);
            });
        });
        xml.within("InstancesDistribution", |xml| {
            xml.leaf("OnDemandAllocationStrategy", &mixed.on_demand_allocation);
            xml.leaf("OnDemandBaseCapacity", mixed.on_demand_base);
            xml.leaf("OnDemandPercentageAboveBaseCapacity", mixed.on_demand_percentage);
            xml.leaf("SpotAllocationStrategy", &mixed.spot_allocation);
            xml.optional("SpotMaxPrice", mixed.max_price.as_ref());
        });
    });
}

fn write_template(xml: &mut Xml, element: &str, template: &TemplateRef) {
    xml.within(element, |xml| {
        xml.leaf("LaunchTemplateId", &template.id);
        xml.leaf("LaunchTemplateName", &template.name);
        xml.leaf("Version", &template.version);
    });
}

fn write_member(xml: &mut Xml, member: &Member) {
    xml.leaf("InstanceId", &member.id).leaf("InstanceType", &member.instance_type);
    xml.leaf("AvailabilityZone", &member.zone);
    xml.leaf("LifecycleState", member.lifecycle.name());
    xml.leaf("HealthStatus", if member.healthy { "Healthy" } else { "Unhealthy" });
    write_template(xml, "LaunchTemplate", &member.template);
    xml.leaf("ProtectedFromScaleIn", member.protected);
}

pub(super) fn instances(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let ids: BTreeSet<String> = params.values("InstanceIds.member").into_iter().collect();
    if ids.len() > 50 {
        return Err(ApiError::validation("InstanceIds may have at most 50 items"));
    }
    let size = number(params, "MaxRecords", 50, 1, 50)? as usize;
    let members = world.scaling.groups.values().flat_map(|group| group.members.values().map(move |it| (group, it)));
    let mut found: Vec<(String, (&Group, &Member))> = members
        .filter(|(_, member)| ids.is_empty() || ids.contains(&member.id))
        .map(|(group, member)| (member.id.clone(), (group, member)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let (shown, next) = page(found.into_iter(), params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("AutoScalingInstances", "member", shown, |xml, (group, member)| {
            xml.leaf("AutoScalingGroupName", &group.name);
            xml.leaf("InstanceId", &member.id).leaf("InstanceType", &member.instance_type);
            xml.leaf("AvailabilityZone", &member.zone);
            xml.leaf("LifecycleState", member.lifecycle.name());
            // This operation alone writes the health in capitals.
            xml.leaf("HealthStatus", if member.healthy { "HEALTHY" } else { "UNHEALTHY" });
            write_template(xml, "LaunchTemplate", &member.template);
            xml.leaf("ProtectedFromScaleIn", member.protected);
        });
        xml.optional("NextToken", next);
    }))
}

pub(super) fn target_groups(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let group = named(world, request)?;
    let params = &request.params;
    let size = number(params, "MaxRecords", 100, 1, 100)? as usize;
    let mut attached: Vec<_> = group.target_groups.iter().map(|it| (it.arn.clone(), it)).collect();
    attached.sort_by(|a, b| a.0.cmp(&b.0));
    let (shown, next) = page(attached.into_iter(), params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("LoadBalancerTargetGroups", "member", shown, |xml, attached| {
            xml.leaf("LoadBalancerTargetGroupARN", &attached.arn).leaf("State", attached.state.name());
        });
        xml.optional("NextToken", next);
    }))
}
