//! Auto Scaling groups and launch templates, by our tags: those of one environment, 100 and 200 a page.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types as asg;
use aws_sdk_ec2::types as ec2;

use crate::aws::batch::listed;
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::action::Tags;
use crate::model::machine::MixedInstances;
use crate::model::names::{EnvironmentName, Scope};
use crate::model::observed::{Group, Instance, LaunchTemplate, Ownership, Problem};
use crate::model::scaling::Maintenance;
use crate::model::tags::{self, OWNER, keys};
use crate::model::text::cleaned;

/// What a group is called where it cannot be understood.
pub(super) const GROUP: &str = "Auto Scaling group";
/// The same of a launch template.
const TEMPLATE: &str = "launch template";

/// Things by name, and those that carry our tags and make no sense.
type Found<T> = (BTreeMap<String, T>, Vec<Problem>);

/// The groups of an environment: whatever carries the environment's tag. One whose owner tag somebody took away is told as a
/// problem: what lost its tag is not absent.
///
/// # Errors
/// When a page fails.
pub async fn groups(aws: &Aws, environment: &EnvironmentName) -> Result<Found<Group>, AwsError> {
    let call = Call::new("autoscaling", "DescribeAutoScalingGroups", environment.as_str());
    let ask = |token| {
        let request = aws.autoscaling.describe_auto_scaling_groups().max_records(100).set_next_token(token);
        request.filters(group_filter(keys::ENVIRONMENT, environment.as_str())).send()
    };
    let all = listed(aws, call, ask, |page| (page.auto_scaling_groups, page.next_token)).await?;
    Ok(collect(all.iter().map(|group| {
        let name = group.auto_scaling_group_name().unwrap_or_default();
        (GROUP, name, codec::group_tags(group.tags()), decode_group(group))
    })))
}

/// One group, read afresh, whosever it is. `Ok(None)`: AWS has no such group.
///
/// # Errors
/// When it cannot be read, or not be understood.
pub async fn group(aws: &Aws, name: &str) -> Result<Option<(Tags, Result<Group, String>)>, AwsError> {
    let call = Call::new("autoscaling", "DescribeAutoScalingGroups", name);
    let request = aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
    let page = aws.read(call, request.send()).await?;
    let found = page.auto_scaling_groups().iter().find(|group| group.auto_scaling_group_name() == Some(name));
    Ok(found.map(|group| (codec::group_tags(group.tags()), decode_group(group))))
}

/// The tags of one launch template, whosever it is. `Ok(None)`: AWS has no such template.
///
/// # Errors
/// When it cannot be read.
pub async fn template_tags(aws: &Aws, name: &str) -> Result<Option<Tags>, AwsError> {
    let call = Call::new("ec2", "DescribeLaunchTemplates", name);
    let request = aws.ec2.describe_launch_templates().launch_template_names(name);
    match aws.read(call, request.send()).await {
        Ok(page) => Ok(page.launch_templates().first().map(|template| codec::ec2_tags(template.tags()))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The launch templates of an environment.
///
/// # Errors
/// When a page fails.
pub async fn launch_templates(aws: &Aws, environment: &EnvironmentName) -> Result<Found<LaunchTemplate>, AwsError> {
    let call = Call::new("ec2", "DescribeLaunchTemplates", environment.as_str());
    let ask = |token| {
        let request = aws.ec2.describe_launch_templates().max_results(200).set_next_token(token);
        request.filters(template_filter(keys::ENVIRONMENT, environment.as_str())).send()
    };
    let all = listed(aws, call, ask, |page| (page.launch_templates, page.next_token)).await?;
    Ok(collect(all.iter().map(|template| {
        let name = template.launch_template_name().unwrap_or_default();
        (TEMPLATE, name, codec::ec2_tags(template.tags()), decode_template(template))
    })))
}

fn group_filter(tag: &str, value: &str) -> asg::Filter {
    asg::Filter::builder().name(format!("tag:{tag}")).values(value).build()
}

fn template_filter(tag: &str, value: &str) -> ec2::Filter {
    ec2::Filter::builder().name(format!("tag:{tag}")).values(value).build()
}

fn collect<'a, T>(all: impl Iterator<Item = (&'static str, &'a str, Tags, Result<T, String>)>) -> Found<T> {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for (kind, name, tags, decoded) in all {
        match decoded {
            Ok(item) => {
                found.insert(name.to_owned(), item);
            }
            Err(why) => problems.push(Problem {
                what: format!("{kind} {}", cleaned(name)),
                name: cleaned(name),
                app: tags::app(&tags),
                why,
            }),
        }
    }
    (found, problems)
}

/// Owner tags that also fit the name. What is named otherwise was tagged by hand, or copied.
fn owner(name: &str, tags: &Tags) -> Result<Ownership, String> {
    let Some(owner) = tags::decode(tags)? else {
        return Err(format!(
            "its tag `{}` is not `{OWNER}`; put it back, or rename or remove what carries the other tags",
            keys::OWNER
        ));
    };
    let expected = Scope::new(owner.app.clone(), owner.environment.clone()).generation_name(owner.generation);
    if name == expected { Ok(owner) } else { Err(format!("its tags are those of {expected}")) }
}

fn decode_group(group: &asg::AutoScalingGroup) -> Result<Group, String> {
    let name = group.auto_scaling_group_name().ok_or("AWS did not say its name")?;
    let tags = codec::group_tags(group.tags());
    let number = |what: &str, number: Option<i32>| {
        number.and_then(|number| u32::try_from(number).ok()).ok_or(format!("AWS did not say its {what}"))
    };
    Ok(Group {
        name: name.to_owned(),
        arn: group.auto_scaling_group_arn().unwrap_or_default().to_owned(),
        owner: owner(name, &tags)?,
        labels: tags::labels(&tags),
        min: number("smallest size", group.min_size())?,
        max: number("largest size", group.max_size())?,
        desired: number("wanted size", group.desired_capacity())?,
        created_at: group.created_time().and_then(codec::timestamp).ok_or("AWS did not say when it was created")?,
        launch_template: group.launch_template().or_else(|| mixed_template(group)).and_then(template_of),
        mixed: group.mixed_instances_policy().and_then(decode_mixed),
        target_group_arns: group.target_group_arns().to_vec(),
        subnet_ids: group
            .vpc_zone_identifier()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|subnet| !subnet.is_empty())
            .map(str::to_owned)
            .collect(),
        // AWS writes the kinds it has several of as a list.
        health_check_elb: group.health_check_type().unwrap_or_default().split(',').any(|kind| kind.trim() == "ELB"),
        grace_period: group.health_check_grace_period().and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0),
        maintenance: group.instance_maintenance_policy().and_then(decode_maintenance),
        instance_warmup: group.default_instance_warmup().and_then(|seconds| u64::try_from(seconds).ok()),
        instances: group.instances().iter().map(decode_instance).collect(),
        deleting: group.status().is_some_and(|status| !status.is_empty()),
        suspended: group
            .suspended_processes()
            .iter()
            .filter_map(|process| process.process_name())
            .map(str::to_owned)
            .collect(),
        has_warm_pool: group.warm_pool_configuration().is_some(),
        undeletable: group.deletion_protection() == Some(&asg::DeletionProtection::PreventAllDeletion),
    })
}

fn mixed_template(group: &asg::AutoScalingGroup) -> Option<&asg::LaunchTemplateSpecification> {
    group.mixed_instances_policy()?.launch_template()?.launch_template_specification()
}

fn decode_mixed(policy: &asg::MixedInstancesPolicy) -> Option<MixedInstances> {
    let distribution = policy.instances_distribution()?;
    let number =
        |number: Option<i32>, otherwise: u32| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise);
    let types = policy.launch_template()?.overrides().iter().filter_map(|one| one.instance_type());
    Some(MixedInstances {
        instance_types: types.map(str::to_owned).collect(),
        on_demand_base: number(distribution.on_demand_base_capacity(), 0),
        on_demand_percentage: number(distribution.on_demand_percentage_above_base_capacity(), 100),
        spot_allocation: distribution.spot_allocation_strategy().unwrap_or("lowest-price").to_owned(),
        max_price: distribution.spot_max_price().filter(|price| !price.is_empty()).map(str::to_owned),
    })
}

fn decode_maintenance(policy: &asg::InstanceMaintenancePolicy) -> Option<Maintenance> {
    Some(Maintenance {
        min_healthy_percentage: u32::try_from(policy.min_healthy_percentage()?).ok()?,
        max_healthy_percentage: u32::try_from(policy.max_healthy_percentage()?).ok()?,
    })
}

fn template_of(template: &asg::LaunchTemplateSpecification) -> Option<(String, String)> {
    let name = template.launch_template_name().or(template.launch_template_id())?;
    // Without a version AWS means the default one, which can move: that is not a pin.
    Some((name.to_owned(), template.version().unwrap_or("$Default").to_owned()))
}

fn decode_instance(instance: &asg::Instance) -> Instance {
    Instance {
        id: instance.instance_id().unwrap_or_default().to_owned(),
        lifecycle: instance.lifecycle_state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        healthy: instance.health_status().is_some_and(|health| health.eq_ignore_ascii_case("healthy")),
        zone: instance.availability_zone().unwrap_or_default().to_owned(),
        protected: instance.protected_from_scale_in().unwrap_or(false),
        launch_template: instance.launch_template().and_then(template_of),
    }
}

fn decode_template(template: &ec2::LaunchTemplate) -> Result<LaunchTemplate, String> {
    let name = template.launch_template_name().ok_or("AWS did not say its name")?;
    Ok(LaunchTemplate {
        name: name.to_owned(),
        id: template.launch_template_id().unwrap_or_default().to_owned(),
        owner: owner(name, &codec::ec2_tags(template.tags()))?,
        created_at: template.create_time().and_then(codec::timestamp).ok_or("AWS did not say when it was created")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    fn raw(name: &str, tags: &Tags) -> asg::AutoScalingGroup {
        let tags = tags.iter().map(|(key, value)| asg::TagDescription::builder().key(key).value(value).build());
        asg::AutoScalingGroup::builder()
            .auto_scaling_group_name(name)
            .min_size(1)
            .max_size(3)
            .desired_capacity(2)
            .created_time(DateTime::from_secs(1))
            .health_check_type("EC2,ELB")
            .vpc_zone_identifier("subnet-2, subnet-1")
            .set_tags(Some(tags.collect()))
            .build()
    }

    fn our_tags() -> Tags {
        [
            (keys::OWNER, OWNER),
            (keys::APP, "cart"),
            (keys::ENVIRONMENT, "prod"),
            (keys::GENERATION, "v003"),
            (keys::TEMPLATE_HASH, "1-0a1b"),
            (keys::IMAGE, "ami-1"),
            ("team", "shop"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn a_group_is_read_as_aws_describes_it() {
        let group = decode_group(&raw("cart-prod-v003", &our_tags())).unwrap();
        assert_eq!((group.min, group.desired, group.max), (1, 2, 3));
        assert!(group.health_check_elb);
        assert_eq!(group.subnet_ids, ["subnet-1".to_owned(), "subnet-2".to_owned()].into());
        assert_eq!(group.labels, [("team".to_owned(), "shop".to_owned())].into());
    }

    #[test]
    fn a_group_with_broken_tags_is_told_and_named_and_does_not_pass_for_absent() {
        let mut tags = our_tags();
        tags.insert(keys::TEMPLATE_HASH.into(), "?".into());
        let groups = [raw("cart-prod-v003", &tags), raw("cart-prod-v004", &our_tags())];
        let (found, problems) = collect(groups.iter().map(|group| {
            let name = group.auto_scaling_group_name().unwrap();
            (GROUP, name, codec::group_tags(group.tags()), decode_group(group))
        }));
        assert!(found.is_empty());
        assert_eq!(problems.len(), 2);
        assert!(problems[0].why.contains(keys::TEMPLATE_HASH), "{}", problems[0].why);
        assert!(problems[1].why.contains("cart-prod-v003"), "{}", problems[1].why);
        let scope = Scope::new("cart".parse().unwrap(), "prod".parse().unwrap());
        let other = Scope::new("card".parse().unwrap(), "prod".parse().unwrap());
        assert!(problems[0].concerns(&scope) && !problems[0].concerns(&other));
    }
}
