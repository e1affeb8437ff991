//! What creating and updating a group read from a request, with AWS's checks.

use std::collections::BTreeMap;

use crate::model::time::Span;
use crate::sim::api::query::number;
use crate::sim::wire::{ApiError, Params};
use crate::sim::world::World;
use crate::sim::world::scaling::launch::{check_template, resolve, variants};
use crate::sim::world::scaling::{Hook, Mixed, Tag, TemplateRef};

/// Settings that a request gives; what is `None` is not given.
pub(super) struct Settings {
    pub(super) min: Option<u32>,
    pub(super) max: Option<u32>,
    pub(super) desired: Option<u32>,
    pub(super) template: Option<TemplateRef>,
    /// A policy around a template; given with no template beside it.
    pub(super) mixed: Option<Mixed>,
    pub(super) subnet_ids: Option<Vec<String>>,
    pub(super) health_check_elb: Option<bool>,
    pub(super) grace_period: Option<Span>,
    pub(super) default_cooldown: Option<u64>,
    pub(super) termination_policies: Option<Vec<String>>,
    pub(super) protect_new: Option<bool>,
    pub(super) max_instance_lifetime: Option<u64>,
    /// `Some(None)` takes it away.
    pub(super) default_instance_warmup: Option<Option<u64>>,
    /// `Some(None)` takes it away.
    pub(super) maintenance: Option<Option<(u32, u32)>>,
    pub(super) deletion_protection: Option<String>,
}

impl Settings {
    /// Reads and checks each setting by itself.
    pub(super) fn read(world: &World, params: &Params) -> Result<Self, ApiError> {
        let size = |name: &str| -> Result<Option<u32>, ApiError> {
            match params.get(name) {
                None => Ok(None),
                Some(_) => number(params, name, 0, 0, u64::from(u32::MAX)).map(|size| u32::try_from(size).ok()),
            }
        };
        let seconds = |name: &str, min: u64, max: u64| match params.get(name) {
            None => Ok(None),
            Some(_) => number(params, name, 0, min, max).map(Some),
        };
        let mixed = mixed(world, params)?;
        let plain = template(world, &params.below("LaunchTemplate"))?;
        if plain.is_some() && mixed.is_some() {
            return Err(ApiError::validation(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or \
                 MixedInstancesPolicy parameter.",
            ));
        }
        let (template, mixed) = match mixed {
            Some((template, mixed)) => (Some(template), Some(mixed)),
            None => (plain, None),
        };
        Ok(Self {
            min: size("MinSize")?,
            max: size("MaxSize")?,
            desired: size("DesiredCapacity")?,
            template,
            mixed,
            subnet_ids: subnets(world, params.get("VPCZoneIdentifier"))?,
            health_check_elb: health_check(params.get("HealthCheckType"))?,
            grace_period: seconds("HealthCheckGracePeriod", 0, 31_536_000)?.map(Span::seconds),
            default_cooldown: seconds("DefaultCooldown", 0, 31_536_000)?,
            termination_policies: Some(params.values("TerminationPolicies.member")).filter(|given| !given.is_empty()),
            protect_new: params.parse("NewInstancesProtectedFromScaleIn")?,
            max_instance_lifetime: lifetime(params)?,
            default_instance_warmup: match params.get("DefaultInstanceWarmup") {
                Some("-1") => Some(None),
                _ => seconds("DefaultInstanceWarmup", 0, 31_536_000)?.map(Some),
            },
            maintenance: maintenance(&params.below("InstanceMaintenancePolicy"))?,
            deletion_protection: protection(params.get("DeletionProtection"))?,
        })
    }
}

/// Checks the sizes of a group together.
pub(super) fn check_sizes(min: u32, max: u32, desired: u32) -> Result<(), ApiError> {
    if max < min {
        return Err(ApiError::validation(format!(
            "Max bound, {max}, must be greater than or equal to min bound, {min}"
        )));
    }
    if !(min..=max).contains(&desired) {
        return Err(ApiError::validation(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        )));
    }
    Ok(())
}

/// AWS tries a template when a group is given it, so that most mistakes show at once.
pub(super) fn try_template(
    world: &World,
    template: &TemplateRef,
    mixed: Option<&Mixed>,
    subnet_ids: &[String],
) -> Result<(), ApiError> {
    let refuse =
        |words: String| ApiError::validation(format!("You must use a valid fully-formed launch template. {words}"));
    let (_, data) = resolve(world, template).map_err(refuse)?;
    for subnet in subnet_ids.iter().filter_map(|id| world.network.subnets.get(id)) {
        for data in variants(mixed, &data) {
            check_template(world, &data, subnet).map_err(refuse)?;
        }
    }
    Ok(())
}

fn template(world: &World, params: &Params) -> Result<Option<TemplateRef>, ApiError> {
    let found = match (params.get("LaunchTemplateId"), params.get("LaunchTemplateName")) {
        (None, None) if params.is_empty() => return Ok(None),
        (Some(_), Some(_)) | (None, None) => {
            return Err(ApiError::validation(
                "Valid requests must contain either launchTemplateId or LaunchTemplateName",
            ));
        }
        (Some(id), None) => {
            world.templates.all.get(id).ok_or_else(|| format!("with template ID {id}, does not exist."))
        }
        (None, Some(name)) => {
            world.templates.by_name(name).ok_or_else(|| format!("with template name {name}, does not exist."))
        }
    };
    let found = found.map_err(|which| {
        let words = "You must use a valid fully-formed launch template. The specified launch template,";
        ApiError::validation(format!("{words} {which}"))
    })?;
    let version = params.get("Version").unwrap_or("$Default").to_owned();
    Ok(Some(TemplateRef { id: found.id.clone(), name: found.name.clone(), version }))
}

/// A mixed instances policy and the template in it.
fn mixed(world: &World, params: &Params) -> Result<Option<(TemplateRef, Mixed)>, ApiError> {
    let params = params.below("MixedInstancesPolicy");
    if params.is_empty() {
        return Ok(None);
    }
    let named = template(world, &params.below("LaunchTemplate.LaunchTemplateSpecification"))?
        .ok_or_else(|| ApiError::validation("Valid requests must contain a LaunchTemplate in MixedInstancesPolicy."))?;
    let overrides = params.structures("LaunchTemplate.Overrides.member");
    if overrides.len() > 40 {
        return Err(ApiError::validation("The number of overrides in a MixedInstancesPolicy must be at most 40."));
    }
    let given = params.below("InstancesDistribution");
    let one_of = |name: &str, otherwise: &str, allowed: &[&str]| {
        let value = given.get(name).unwrap_or(otherwise);
        match allowed.contains(&value) {
            true => Ok(value.to_owned()),
            false => Err(ApiError::validation(format!("Invalid {name}: {value}"))),
        }
    };
    let spot = ["lowest-price", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"];
    let whole = |name: &str, otherwise, most| {
        number(&given, name, otherwise, 0, most).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let mixed = Mixed {
        instance_types: overrides.iter().filter_map(|one| one.get("InstanceType")).map(str::to_owned).collect(),
        on_demand_allocation: one_of("OnDemandAllocationStrategy", "prioritized", &["prioritized", "lowest-price"])?,
        on_demand_base: whole("OnDemandBaseCapacity", 0, u64::from(u32::MAX))?,
        on_demand_percentage: whole("OnDemandPercentageAboveBaseCapacity", 100, 100)?,
        spot_allocation: one_of("SpotAllocationStrategy", "lowest-price", &spot)?,
        max_price: given.get("SpotMaxPrice").filter(|price| !price.is_empty()).map(str::to_owned),
    };
    Ok(Some((named, mixed)))
}

fn subnets(world: &World, given: Option<&str>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(given) = given.filter(|given| !given.trim().is_empty()) else { return Ok(None) };
    let ids: Vec<String> = given.split(',').map(|id| id.trim().to_owned()).collect();
    let mut vpc = None;
    for id in &ids {
        let Some(subnet) = world.network.subnets.get(id) else {
            return Err(ApiError::validation(format!("The subnet ID '{id}' does not exist")));
        };
        if vpc.replace(&subnet.vpc_id).is_some_and(|vpc| *vpc != subnet.vpc_id) {
            return Err(ApiError::validation("All subnets of an Auto Scaling group must be in one VPC"));
        }
    }
    Ok(Some(ids))
}

fn health_check(given: Option<&str>) -> Result<Option<bool>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    let kinds: Vec<&str> = given.split(',').map(str::trim).collect();
    match kinds.iter().find(|kind| !["EC2", "ELB", "EBS", "VPC_LATTICE"].contains(kind)) {
        Some(kind) => Err(ApiError::validation(format!("Invalid health check type: {kind}"))),
        None => Ok(Some(kinds.contains(&"ELB"))),
    }
}

fn lifetime(params: &Params) -> Result<Option<u64>, ApiError> {
    let given = number(params, "MaxInstanceLifetime", 0, 0, 31_536_000)?;
    if (1..86_400).contains(&given) {
        return Err(ApiError::validation(
            "Invalid MaxInstanceLifetime: it must be either equal to 0 or between 86400 and 31536000 seconds",
        ));
    }
    Ok(params.get("MaxInstanceLifetime").map(|_| given))
}

/// Minus one for both percentages takes a policy away.
fn maintenance(params: &Params) -> Result<Option<Option<(u32, u32)>>, ApiError> {
    let (min, max) = (params.parse::<i64>("MinHealthyPercentage")?, params.parse::<i64>("MaxHealthyPercentage")?);
    let (min, max) = match (min, max) {
        (None, None) => return Ok(None),
        (Some(-1), Some(-1)) => return Ok(Some(None)),
        (Some(min), Some(max)) => (min, max),
        _ => {
            return Err(ApiError::validation(
                "Both MinHealthyPercentage and MaxHealthyPercentage must be specified for an InstanceMaintenancePolicy.",
            ));
        }
    };
    if !(0..=100).contains(&min) || !(100..=200).contains(&max) || max - min > 100 {
        return Err(ApiError::validation(format!(
            "InstanceMaintenancePolicy is invalid: MinHealthyPercentage {min} must be between 0 and 100, \
             MaxHealthyPercentage {max} between 100 and 200, and their difference must not be more than 100."
        )));
    }
    Ok(Some(u32::try_from(min).ok().zip(u32::try_from(max).ok())))
}

fn protection(given: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    if ["none", "prevent-force-deletion", "prevent-all-deletion"].contains(&given) {
        return Ok(Some(given.to_owned()));
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{given}' at 'deletionProtection' failed to satisfy constraint: \
         Member must satisfy enum value set: [none, prevent-force-deletion, prevent-all-deletion]"
    )))
}

/// The most tags of a group.
const MAX_TAGS: usize = 50;

/// One tag of a request, with its key.
pub(super) fn tag(params: &Params) -> Result<(String, Tag), ApiError> {
    let key = params.required("Key")?;
    let value = params.get("Value").unwrap_or_default();
    let (key_length, value_length) = (key.chars().count(), value.chars().count());
    if !(1..=128).contains(&key_length) || value_length > 256 {
        return Err(ApiError::validation(format!(
            "A tag's key may have 1 to 128 characters and its value at most 256; '{key}' has {key_length} and {value_length}"
        )));
    }
    if key.starts_with("aws:") {
        return Err(ApiError::validation(format!("The tag key '{key}' is reserved: it must not begin with aws:")));
    }
    let propagate = params.parse("PropagateAtLaunch")?.unwrap_or(false);
    Ok((key.to_owned(), Tag { value: value.to_owned(), propagate }))
}

/// The tags of a new group.
pub(super) fn tags(params: &Params) -> Result<BTreeMap<String, Tag>, ApiError> {
    let tags = params.structures("Tags.member").iter().map(tag).collect::<Result<BTreeMap<_, _>, _>>()?;
    check_tag_count(tags.len())?;
    Ok(tags)
}

/// Refuses more tags than a group may have.
pub(super) fn check_tag_count(count: usize) -> Result<(), ApiError> {
    if count > MAX_TAGS {
        return Err(ApiError::new(
            "LimitExceeded",
            format!("You have reached your limit of {MAX_TAGS} tags per resource."),
        ));
    }
    Ok(())
}

/// The lifecycle hooks of a new group, in force from its first launch on.
pub(super) fn hooks(params: &Params) -> Result<BTreeMap<String, Hook>, ApiError> {
    let given = params.structures("LifecycleHookSpecificationList.member");
    if given.len() > 50 {
        return Err(ApiError::new("LimitExceeded", "You have reached your limit of 50 lifecycle hooks per group."));
    }
    given.iter().map(hook).collect()
}

fn hook(params: &Params) -> Result<(String, Hook), ApiError> {
    let name = params.required("LifecycleHookName")?.to_owned();
    check_hook_name(&name)?;
    params.required("LifecycleTransition")?;
    Ok((name, hook_on_top(params, None)?))
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html>
pub(super) fn check_hook_name(name: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
    if (1..=255).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "1 validation error detected: Value '{name}' at 'lifecycleHookName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [A-Za-z0-9\\-_\\/]+"
    )))
}

/// A hook as a request describes it; what it does not say is as in `old`, or as AWS has it by default.
pub(super) fn hook_on_top(params: &Params, old: Option<&Hook>) -> Result<Hook, ApiError> {
    let launching = match params.get("LifecycleTransition") {
        Some("autoscaling:EC2_INSTANCE_LAUNCHING") => true,
        Some("autoscaling:EC2_INSTANCE_TERMINATING") => false,
        Some(other) => return Err(ApiError::validation(format!("Invalid lifecycle transition: {other}"))),
        None => old.is_none_or(|old| old.launching),
    };
    let continue_by_default = match params.get("DefaultResult") {
        Some("ABANDON") => false,
        Some("CONTINUE") => true,
        Some(other) => return Err(ApiError::validation(format!("Invalid default result: {other}"))),
        None => old.is_some_and(|old| old.continue_by_default),
    };
    let timeout = number(params, "HeartbeatTimeout", old.map_or(3600, |old| old.timeout.as_seconds()), 30, 7200)?;
    if params.get("RoleARN") == Some("") {
        return Err(ApiError::validation(
            "1 validation error detected: Value '' at 'roleARN' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ));
    }
    let kept = |name: &str, old: Option<&String>| match params.get(name) {
        Some("") => None,
        Some(arn) => Some(arn.to_owned()),
        None => old.cloned(),
    };
    Ok(Hook {
        launching,
        timeout: Span::seconds(timeout),
        continue_by_default,
        role_arn: kept("RoleARN", old.and_then(|old| old.role_arn.as_ref())),
        notification_target_arn: kept(
            "NotificationTargetARN",
            old.and_then(|old| old.notification_target_arn.as_ref()),
        ),
    })
}
