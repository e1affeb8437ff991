//! What is wanted of one app, down to the last id: its launch template, its sizes, its place in the network.

use crate::manifest::spec::{AppSpec, EnvironmentSpec, LoadBalancer};
use crate::model::desired::DesiredApp;
use crate::model::launch::{LaunchData, RootVolume, Secret, TemplateHash};
use crate::model::names::digest;
use crate::model::observed::{Image, Observed, Read, TargetCheck, Zone};

use std::collections::BTreeMap;

/// One app as it should be.
pub(super) struct Wanted<'a> {
    pub(super) app: &'a DesiredApp,
    pub(super) spec: &'a AppSpec,
    pub(super) environment: &'a EnvironmentSpec,
    /// What an instance is born with.
    pub(super) launch: LaunchData,
    /// The hash of that.
    pub(super) hash: TemplateHash,
    /// The image, as far as AWS knows it.
    pub(super) image: Option<&'a Image>,
    /// Why a launch is out of the question, if it is.
    pub(super) refusal: Option<String>,
    /// Subnets of its instances, in order.
    pub(super) subnet_ids: Vec<String>,
    /// How its targets are checked.
    pub(super) check: TargetCheck,
    /// The hosted zone of its DNS name.
    pub(super) zone: Option<&'a Zone>,
}

/// Why not even a comparison with what runs is possible.
pub(super) enum Unresolved {
    /// What it depends on could not be read.
    Unread(String),
    /// It contradicts what there is.
    Refused(String),
}

impl<'a> Wanted<'a> {
    /// Resolves the spec against what was observed. Fails when not even a comparison with what runs is possible.
    pub(super) fn resolve(
        app: &'a DesiredApp,
        environment: &'a EnvironmentSpec,
        observed: &'a Observed,
    ) -> Result<Self, Unresolved> {
        let spec = &app.spec;
        let (image, refusal) = image(&spec.image.id, environment, observed)?;
        let refusal = refusal.or_else(|| mismatch(&spec.instance_type, image?));
        let mut security_group_ids =
            spec.launch.security_group_ids.clone().unwrap_or_else(|| environment.security_group_ids.clone());
        security_group_ids.sort();
        security_group_ids.dedup();
        let launch = LaunchData {
            image_id: spec.image.id.clone(),
            instance_type: spec.instance_type.clone(),
            iam_instance_profile: spec.launch.iam_instance_profile.clone(),
            key_name: spec.launch.key_name.clone(),
            security_group_ids,
            user_data: spec.launch.user_data.as_deref().map(Secret::new),
            detailed_monitoring: spec.launch.detailed_monitoring,
            root_volume: root_volume(spec, image),
        };
        let mut subnet_ids =
            spec.network.as_ref().map_or_else(|| environment.network.subnet_ids.clone(), |own| own.subnet_ids.clone());
        subnet_ids.sort();
        subnet_ids.dedup();
        Ok(Self {
            app,
            spec,
            environment,
            hash: launch.hash(),
            launch,
            image,
            refusal,
            subnet_ids,
            check: check(spec),
            zone: zone(spec, environment, observed)?,
        })
    }

    /// The version, branch and commit of the release: as the manifest gives them, or else as the image's tags do.
    pub(super) fn release(&self) -> BTreeMap<String, String> {
        let given = self.spec.release.as_ref();
        [
            ("version", given.and_then(|release| release.version.as_ref())),
            ("branch", given.and_then(|release| release.branch.as_ref())),
            ("commit", given.and_then(|release| release.commit.as_ref())),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            let value = value.or_else(|| self.image.and_then(|image| image.tags.get(key)))?;
            Some((key.to_owned(), value.clone()))
        })
        .collect()
    }

    /// The hash of the settings that are changed in place. When it is the one that was last applied, any difference in AWS is drift.
    pub(super) fn applied(&self) -> String {
        let spec = self.spec;
        let front = match &spec.load_balancer {
            LoadBalancer::None => String::new(),
            LoadBalancer::Own(own) => format!("{}", own.deregistration_delay),
            LoadBalancer::Shared(shared) => {
                format!("{} {:?} {:?}", shared.deregistration_delay, shared.hosts, shared.paths)
            }
        };
        let dns = spec.dns.as_ref().map(|dns| format!("{} {}", dns.name, dns.evaluate_target_health));
        let text = format!(
            "1|{}|{}|{}|{:?}|{:?}|{front}|{dns:?}|{:?}",
            spec.instances.min,
            spec.instances.max,
            spec.health_check.grace_period,
            self.subnet_ids,
            self.check,
            self.app.labels
        );
        digest(&text, 12)
    }

    /// Whether it takes traffic from a load balancer.
    pub(super) fn has_front(&self) -> bool {
        !matches!(self.spec.load_balancer, LoadBalancer::None)
    }

    /// How many instances a new generation starts with: as many as serve now, within the limits of the manifest.
    pub(super) fn size(&self, serving: Option<u32>) -> u32 {
        let instances = &self.spec.instances;
        serving.unwrap_or(instances.min).clamp(instances.min, instances.max.max(instances.min))
    }
}

/// The image, and why it must not be launched if it must not.
fn image<'a>(
    id: &str,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<(Option<&'a Image>, Option<String>), Unresolved> {
    let image = match observed.images.get(id) {
        Some(Read::Known(image)) => image.as_ref(),
        Some(Read::Unknown(why)) => return Err(Unresolved::Unread(format!("image {id} could not be read: {why}"))),
        None => return Err(Unresolved::Unread(format!("image {id} was not read"))),
    };
    let Some(image) = image else {
        let region = &observed.region;
        return Ok((None, Some(format!("image {id} does not exist in {region}, or is not shared with this account"))));
    };
    let allowed = environment.image_owners.iter().any(|owner| {
        let owner = if owner == "self" { &observed.account } else { owner };
        *owner == image.owner
    });
    let refusal = if !allowed {
        Some(format!(
            "image {id} belongs to account {}, which is not among the environment's imageOwners ({})",
            image.owner,
            environment.image_owners.join(", ")
        ))
    } else if image.state != "available" {
        Some(format!("image {id} is {}, not available", image.state))
    } else {
        None
    };
    Ok((Some(image), refusal))
}

/// An image that the instance type cannot run.
fn mismatch(instance_type: &str, image: &Image) -> Option<String> {
    let runs = architecture(instance_type)?;
    (["x86_64", "arm64"].contains(&image.architecture.as_str()) && runs != image.architecture).then(|| {
        format!("image {} is for {}, but instance type {instance_type} runs {runs}", image.id, image.architecture)
    })
}

/// The architecture of an instance type, by AWS's naming: a `g` after the family's number stands for Graviton.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>
fn architecture(instance_type: &str) -> Option<&'static str> {
    let (family, _) = instance_type.split_once('.')?;
    let attributes =
        family.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_start_matches(|c: char| c.is_ascii_digit());
    match family {
        "a1" => Some("arm64"),
        // Their letters say something else: Apple's machines, and memory in terabytes.
        _ if family.starts_with("mac") || family.starts_with("u-") => None,
        _ if attributes.contains('g') => Some("arm64"),
        _ => Some("x86_64"),
    }
}

fn root_volume(spec: &AppSpec, image: Option<&Image>) -> Option<RootVolume> {
    let size = spec.launch.root_volume_size?;
    // Of an image that is gone nobody knows the device; nothing is launched from it either.
    let device = image.and_then(|image| image.root_device.clone()).unwrap_or_else(|| "unknown".to_owned());
    Some(RootVolume { device, size })
}

fn check(spec: &AppSpec) -> TargetCheck {
    let check = &spec.health_check;
    TargetCheck {
        path: check.path.clone(),
        matcher: check.matcher.clone(),
        interval: check.interval.as_seconds(),
        timeout: check.timeout.as_seconds(),
        healthy_threshold: check.healthy_threshold,
        unhealthy_threshold: check.unhealthy_threshold,
    }
}

fn zone<'a>(
    spec: &AppSpec,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<Option<&'a Zone>, Unresolved> {
    let Some(dns) = &spec.dns else { return Ok(None) };
    let named = environment.dns_zone.as_deref().unwrap_or_default();
    match &observed.zone {
        Some(Read::Known(zone)) => {
            let name = dns.name.to_ascii_lowercase();
            let inside = name == zone.name || name.ends_with(&format!(".{}", zone.name));
            let outside = || Unresolved::Refused(format!("dns.name {} is not in the zone {}", dns.name, zone.name));
            if inside { Ok(Some(zone)) } else { Err(outside()) }
        }
        Some(Read::Unknown(why)) => {
            Err(Unresolved::Unread(format!("the hosted zone {named} could not be read: {why}")))
        }
        None => Err(Unresolved::Refused("dns.name is set, but the environment names no dnsZone".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::architecture;

    #[test]
    fn the_name_of_an_instance_type_tells_its_architecture() {
        for name in [
            "c7g.large",
            "m6gd.metal",
            "t4g.nano",
            "a1.medium",
            "im4gn.large",
            "x2gd.large",
            "g5g.xlarge",
            "c7gn.large",
        ] {
            assert_eq!(architecture(name), Some("arm64"), "{name}");
        }
        for name in [
            "c4.large",
            "m7i.large",
            "m7i-flex.large",
            "t3.micro",
            "g5.xlarge",
            "p4d.24xlarge",
            "c7a.large",
            "i4i.large",
        ] {
            assert_eq!(architecture(name), Some("x86_64"), "{name}");
        }
        for name in ["mac2.metal", "u-6tb1.metal", "large"] {
            assert_eq!(architecture(name), None, "{name}");
        }
    }
}
