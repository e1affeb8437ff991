//! Launch templates and Auto Scaling groups.

use aws_sdk_autoscaling::types as asg;
use aws_sdk_ec2::types as ec2;

use super::{Done, created, number};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::aws::observe::groups;
use crate::model::action::{GroupChange, NewGroup, Tags};
use crate::model::launch::LaunchData;
use crate::model::machine::{Metadata, MixedInstances};
use crate::model::names::Scope;
use crate::model::scaling::Maintenance;
use crate::model::tags::{belongs_to, keys};

/// Creates version 1 of a template. The name is the fence; the SDK's own token only keeps its retries of this one call
/// apart. A token made from the name would outlive the template, and a later one of that name would never be made.
pub(super) async fn create_template(
    aws: &Aws,
    scope: &Scope,
    call: Call,
    name: &str,
    data: &LaunchData,
    tags: &Tags,
    volume_tags: &Tags,
) -> Result<Done, AwsError> {
    let specification = ec2::TagSpecification::builder()
        .resource_type(ec2::ResourceType::LaunchTemplate)
        .set_tags(Some(codec::to_ec2_tags(tags)))
        .build();
    let request = aws
        .ec2
        .create_launch_template()
        .launch_template_name(name)
        .launch_template_data(template_data(data, volume_tags))
        .tag_specifications(specification);
    created(aws.send(call.clone(), request.send()).await, async {
        let describe = Call::new(call.service, "DescribeLaunchTemplates", name);
        let found = aws.read(describe, aws.ec2.describe_launch_templates().launch_template_names(name).send()).await?;
        let Some(template) = found.launch_templates().first() else {
            return Err(AwsError::not_yet(call, "AWS says that it exists, and does not list it yet"));
        };
        fence(scope, call, tags, &codec::ec2_tags(template.tags()))
    })
    .await
}

fn template_data(data: &LaunchData, volume_tags: &Tags) -> ec2::RequestLaunchTemplateData {
    let placement = data
        .tenancy
        .as_ref()
        .map(|tenancy| ec2::LaunchTemplatePlacementRequest::builder().tenancy(tenancy.as_str().into()).build());
    let credits = data
        .cpu_credits
        .as_ref()
        .map(|credits| ec2::CreditSpecificationRequest::builder().cpu_credits(credits).build());
    // Instances get their tags from the group; what else comes into being with them, from here.
    let tagged = [ec2::ResourceType::Volume, ec2::ResourceType::NetworkInterface].map(|kind| {
        let tags = Some(codec::to_ec2_tags(volume_tags));
        ec2::LaunchTemplateTagSpecificationRequest::builder().resource_type(kind).set_tags(tags).build()
    });
    ec2::RequestLaunchTemplateData::builder()
        .image_id(&data.image_id)
        .instance_type(data.instance_type.as_str().into())
        .set_iam_instance_profile(data.iam_instance_profile.as_deref().map(instance_profile))
        .set_key_name(data.key_name.clone())
        .set_security_group_ids(Some(data.security_group_ids.clone()))
        .set_user_data(data.boot_script().as_ref().map(codec::encode_user_data))
        .monitoring(ec2::LaunchTemplatesMonitoringRequest::builder().enabled(data.detailed_monitoring).build())
        .set_block_device_mappings(Some(block_devices(data)).filter(|devices| !devices.is_empty()))
        .metadata_options(metadata_options(&data.metadata))
        .set_placement(placement)
        .set_ebs_optimized(data.ebs_optimized)
        .set_credit_specification(credits)
        .set_tag_specifications((!volume_tags.is_empty()).then(|| tagged.to_vec()))
        .build()
}

fn instance_profile(named: &str) -> ec2::LaunchTemplateIamInstanceProfileSpecificationRequest {
    let profile = ec2::LaunchTemplateIamInstanceProfileSpecificationRequest::builder();
    if named.starts_with("arn:") { profile.arn(named) } else { profile.name(named) }.build()
}

fn block_devices(data: &LaunchData) -> Vec<ec2::LaunchTemplateBlockDeviceMappingRequest> {
    let mapping = |device: &str, ebs: ec2::builders::LaunchTemplateEbsBlockDeviceRequestBuilder| {
        ec2::LaunchTemplateBlockDeviceMappingRequest::builder().device_name(device).ebs(ebs.build()).build()
    };
    let ebs = ec2::LaunchTemplateEbsBlockDeviceRequest::builder;
    let root = data.root_volume.iter().map(|root| mapping(&root.device, ebs().volume_size(number(root.size))));
    let volumes = data.volumes.iter().map(|volume| {
        let settings = ebs()
            .set_volume_size(volume.size.map(number))
            .volume_type(volume.kind.as_str().into())
            .set_iops(volume.iops.map(number))
            .set_throughput(volume.throughput.map(number))
            .encrypted(volume.encrypted)
            .set_kms_key_id(volume.kms_key_id.clone())
            .delete_on_termination(volume.delete_on_termination)
            .set_snapshot_id(volume.snapshot_id.clone());
        mapping(&volume.device, settings)
    });
    root.chain(volumes).collect()
}

fn metadata_options(metadata: &Metadata) -> ec2::LaunchTemplateInstanceMetadataOptionsRequest {
    use ec2::{LaunchTemplateHttpTokensState as Tokens, LaunchTemplateInstanceMetadataTagsState as InTags};
    ec2::LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_endpoint(ec2::LaunchTemplateInstanceMetadataEndpointState::Enabled)
        .http_tokens(if metadata.tokens_required { Tokens::Required } else { Tokens::Optional })
        .http_put_response_hop_limit(number(metadata.hop_limit))
        .set_instance_metadata_tags(metadata.tags.then_some(InTags::Enabled))
        .build()
}

pub(super) async fn create_group(aws: &Aws, scope: &Scope, call: Call, new: &NewGroup) -> Result<Done, AwsError> {
    let template = asg::LaunchTemplateSpecification::builder().launch_template_name(&new.name).version("1").build();
    let policy = new.mixed.as_ref().map(|mixed| mixed_instances(mixed, &template));
    let balanced = !new.target_group_arns.is_empty();
    let request = aws
        .autoscaling
        .create_auto_scaling_group()
        .auto_scaling_group_name(&new.name)
        .set_launch_template(policy.is_none().then_some(template))
        .set_mixed_instances_policy(policy)
        .min_size(number(new.min))
        .max_size(number(new.max))
        .desired_capacity(number(new.desired))
        .vpc_zone_identifier(new.subnet_ids.join(","))
        .set_target_group_arns(balanced.then(|| new.target_group_arns.clone()))
        .health_check_type(health_check_type(balanced))
        .health_check_grace_period(number(new.grace_period))
        .deletion_protection(asg::DeletionProtection::PreventForceDeletion)
        .set_default_instance_warmup(new.instance_warmup.map(number))
        .set_instance_maintenance_policy(new.maintenance.map(maintenance))
        .set_lifecycle_hook_specification_list(
            Some(new.hooks.iter().map(super::scaling::specification).collect())
                .filter(|hooks: &Vec<_>| !hooks.is_empty()),
        )
        .set_tags(Some(group_tags(&new.name, &new.tags, true)));
    let result = aws.send(call.clone(), request.send()).await;
    created(result, async {
        match groups::group(aws, &new.name).await? {
            None => Err(AwsError::not_yet(call, "AWS says that it exists, and does not list it yet")),
            Some((_, Ok(group))) if group.deleting => Err(AwsError::not_yet(call, "one of that name is being deleted")),
            Some((found, _)) => fence(scope, call, &new.tags, &found),
        }
    })
    .await
}

fn health_check_type(elb: bool) -> &'static str {
    if elb { "ELB" } else { "EC2" }
}

fn maintenance(policy: Maintenance) -> asg::InstanceMaintenancePolicy {
    asg::InstanceMaintenancePolicy::builder()
        .min_healthy_percentage(number(policy.min_healthy_percentage))
        .max_healthy_percentage(number(policy.max_healthy_percentage))
        .build()
}

fn no_maintenance() -> asg::InstanceMaintenancePolicy {
    asg::InstanceMaintenancePolicy::builder().min_healthy_percentage(-1).max_healthy_percentage(-1).build()
}

/// Types that take the place of the template's, in order, and how they are paid for.
fn mixed_instances(mixed: &MixedInstances, template: &asg::LaunchTemplateSpecification) -> asg::MixedInstancesPolicy {
    let overrides =
        mixed.instance_types.iter().map(|kind| asg::LaunchTemplateOverrides::builder().instance_type(kind).build());
    let distribution = asg::InstancesDistribution::builder()
        .on_demand_allocation_strategy("prioritized")
        .on_demand_base_capacity(number(mixed.on_demand_base))
        .on_demand_percentage_above_base_capacity(number(mixed.on_demand_percentage))
        .spot_allocation_strategy(&mixed.spot_allocation)
        .set_spot_max_price(mixed.max_price.clone())
        .build();
    let template = asg::LaunchTemplate::builder()
        .launch_template_specification(template.clone())
        .set_overrides(Some(overrides.collect()))
        .build();
    asg::MixedInstancesPolicy::builder().launch_template(template).instances_distribution(distribution).build()
}

/// Accepts what is there already when it is this app's and was made from the same template.
fn fence(scope: &Scope, call: Call, wanted: &Tags, found: &Tags) -> Result<(), AwsError> {
    if !belongs_to(found, scope) {
        return Err(AwsError::conflict(call, format!("one of that name exists and does not belong to {scope}")));
    }
    let (wanted, found) = (wanted.get(keys::TEMPLATE_HASH), found.get(keys::TEMPLATE_HASH));
    if wanted.is_none() || wanted != found {
        let found = found.map_or("none", String::as_str);
        // Another process was faster: the next plan sees it, and takes another name or gives way.
        let message = format!("another process has made one of that name from another template (hash {found})");
        return Err(AwsError::not_yet(call, message));
    }
    Ok(())
}

pub(super) async fn update_group(aws: &Aws, call: Call, name: &str, change: &GroupChange) -> Result<Done, AwsError> {
    let template = asg::LaunchTemplateSpecification::builder().launch_template_name(name).version("1").build();
    let mixed = change.launches.as_ref().and_then(|launches| launches.mixed.as_ref());
    let policy = mixed.map(|mixed| mixed_instances(mixed, &template));
    let request = aws
        .autoscaling
        .update_auto_scaling_group()
        .auto_scaling_group_name(name)
        .set_launch_template((change.launches.is_some() && policy.is_none()).then_some(template))
        .set_mixed_instances_policy(policy)
        .set_min_size(change.min.map(number))
        .set_max_size(change.max.map(number))
        .set_desired_capacity(change.desired.map(number))
        .set_health_check_grace_period(change.grace_period.map(number))
        .set_vpc_zone_identifier(change.subnet_ids.as_ref().map(|subnets| subnets.join(",")))
        .set_health_check_type(change.health_check_elb.map(|elb| health_check_type(elb).to_owned()))
        // AWS takes -1 for what is not said any more.
        .set_default_instance_warmup(change.instance_warmup.map(|seconds| seconds.map_or(-1, number)))
        .set_instance_maintenance_policy(
            change.maintenance.map(|policy| policy.map_or_else(no_maintenance, maintenance)),
        );
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn tag_group(
    aws: &Aws,
    call: Call,
    name: &str,
    tags: &Tags,
    propagate: bool,
) -> Result<Done, AwsError> {
    let request = aws.autoscaling.create_or_update_tags().set_tags(Some(group_tags(name, tags, propagate)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn untag_group(aws: &Aws, call: Call, name: &str, keys: &[String]) -> Result<Done, AwsError> {
    let tags = keys.iter().map(|key| group_tag(name, key).build()).collect();
    let request = aws.autoscaling.delete_tags().set_tags(Some(tags));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn tag_instances(aws: &Aws, call: Call, ids: &[String], tags: &Tags) -> Result<Done, AwsError> {
    let request = aws.ec2.create_tags().set_resources(Some(ids.to_vec())).set_tags(Some(codec::to_ec2_tags(tags)));
    // AWS tags all of them or, where one went meanwhile, none: the next plan names those that are there then.
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

fn group_tags(group: &str, tags: &Tags, propagate: bool) -> Vec<asg::Tag> {
    tags.iter().map(|(key, value)| group_tag(group, key).value(value).propagate_at_launch(propagate).build()).collect()
}

fn group_tag(group: &str, key: &str) -> asg::builders::TagBuilder {
    asg::Tag::builder().resource_id(group).resource_type("auto-scaling-group").key(key)
}
