//! What an instance is born with, and the hash that identifies it.
//!
//! A generation is one such template. The hash covers exactly these fields and carries the version of the way it is
//! computed: when a later Amiable adds a field, groups that were hashed the old way are compared the old way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::container::Container;
use super::machine::{Metadata, MixedInstances, Volume};
use super::names::hex;
pub use super::secret::Secret;

/// The version of [`LaunchData::hash`].
pub const TEMPLATE_HASH_VERSION: u32 = 1;

/// Everything that decides what an instance is. Anything else about a group can be changed while it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchData {
    /// The image, resolved to its id.
    pub image_id: String,
    /// The EC2 instance type; the most wanted one of several.
    pub instance_type: String,
    /// Several types, or Spot; the group says so, and the template holds the first type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<MixedInstances>,
    /// The IAM instance profile by name or ARN.
    pub iam_instance_profile: Option<String>,
    /// The key pair by name.
    pub key_name: Option<String>,
    /// The security groups, in order of their ids.
    pub security_group_ids: Vec<String>,
    /// The user data as written, not yet encoded.
    pub user_data: Option<Secret>,
    /// The container that user data of ours starts, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// One-minute monitoring.
    pub detailed_monitoring: bool,
    /// The root volume's device name, from the image, and its size in GiB.
    pub root_volume: Option<RootVolume>,
    /// Volumes that are described in full, in order of their devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// The metadata service.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: Metadata,
    /// `dedicated` or `host`, where it is not `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenancy: Option<String>,
    /// Whether it has bandwidth of its own for EBS, where the type leaves a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ebs_optimized: Option<bool>,
    /// `standard` or `unlimited`, for types with CPU credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_credits: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A root volume of another size than the image's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootVolume {
    /// The device, such as `/dev/xvda`.
    pub device: String,
    /// GiB.
    pub size: u32,
}

impl LaunchData {
    /// The user data as the instance gets it: what was written, or what starts the container.
    pub fn boot_script(&self) -> Option<Secret> {
        self.container.as_ref().map(Container::script).or_else(|| self.user_data.clone())
    }

    /// The hash of the template: the same for the same data, on every machine and in every release of Amiable that knows its version.
    pub fn hash(&self) -> TemplateHash {
        // Length-prefixed fields in a fixed order: no serializer's habits can change it.
        let mut hasher = Sha256::new();
        let mut field = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                hasher.update(format!("{}:{name}={}:", name.len(), value.len()));
                hasher.update(value.as_bytes());
            }
        };
        field("image", Some(&self.image_id));
        field("type", Some(&self.instance_type));
        field("profile", self.iam_instance_profile.as_deref());
        field("key", self.key_name.as_deref());
        field("groups", Some(&self.security_group_ids.join(",")));
        field("user-data", self.user_data.as_ref().map(Secret::reveal));
        field("monitoring", self.detailed_monitoring.then_some("detailed"));
        field("root", self.root_volume.as_ref().map(|root| format!("{}={}", root.device, root.size)).as_deref());
        // Fields that came later stand below, and only where they are set: data without them keeps its hash.
        field("container", self.container.as_ref().map(Container::canonical).as_deref());
        field("mixed", self.mixed.as_ref().map(mixed).as_deref());
        for volume in &self.volumes {
            field("volume", Some(&described(volume)));
        }
        field("metadata", (self.metadata != Metadata::default()).then(|| metadata(self.metadata)).as_deref());
        field("tenancy", self.tenancy.as_deref());
        field("ebs-optimized", self.ebs_optimized.map(|optimized| if optimized { "yes" } else { "no" }));
        field("cpu-credits", self.cpu_credits.as_deref());
        TemplateHash { version: TEMPLATE_HASH_VERSION, digest: hex(&hasher.finalize(), 16) }
    }
}

/// Several types as text for the hash; how they are shown to people may change, this may not.
fn mixed(mixed: &MixedInstances) -> String {
    let (base, percentage) = (mixed.on_demand_base, mixed.on_demand_percentage);
    let price = mixed.max_price.as_deref().unwrap_or_default();
    format!("{}|{base}|{percentage}|{}|{price}", mixed.instance_types.join(","), mixed.spot_allocation)
}

/// The metadata service as text for the hash.
fn metadata(metadata: Metadata) -> String {
    format!("{}|{}|{}", metadata.tokens_required, metadata.hop_limit, metadata.tags)
}

/// A volume as text for the hash.
fn described(volume: &Volume) -> String {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        volume.device.clone(),
        number(volume.size),
        volume.kind.clone(),
        number(volume.iops),
        number(volume.throughput),
        volume.encrypted.to_string(),
        text(&volume.kms_key_id),
        volume.delete_on_termination.to_string(),
        text(&volume.snapshot_id),
    ]
    .join("|")
}

/// The hash of a template with the version of its making, written `1-0a1b2c3d4e5f6071`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TemplateHash {
    /// Which way of computing it.
    pub version: u32,
    /// Sixteen hexadecimal digits.
    pub digest: String,
}

impl fmt::Display for TemplateHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.version, self.digest)
    }
}

/// A text that is not a template hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a template hash")]
pub struct TemplateHashError(String);

impl FromStr for TemplateHash {
    type Err = TemplateHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (version, digest) = text.split_once('-')?;
            let version = version.parse().ok()?;
            let plain = !digest.is_empty() && digest.len() <= 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            plain.then(|| TemplateHash { version, digest: digest.to_owned() })
        };
        parse().ok_or_else(|| TemplateHashError(text.chars().take(80).collect()))
    }
}

impl Serialize for TemplateHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TemplateHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> LaunchData {
        LaunchData {
            image_id: "ami-0123456789abcdef0".into(),
            instance_type: "c7g.large".into(),
            security_group_ids: vec!["sg-1".into(), "sg-2".into()],
            ..LaunchData::default()
        }
    }

    fn volume() -> Volume {
        Volume {
            device: "/dev/sdb".into(),
            size: Some(100),
            kind: "gp3".into(),
            iops: None,
            throughput: None,
            encrypted: true,
            kms_key_id: None,
            delete_on_termination: true,
            snapshot_id: None,
        }
    }

    fn container() -> Container {
        Container {
            image: "hello@sha256:1".into(),
            ports: Some((80, 3000)),
            env: Default::default(),
            command: Vec::new(),
        }
    }

    fn spot() -> MixedInstances {
        MixedInstances {
            instance_types: vec!["c7g.large".into(), "m7g.large".into()],
            on_demand_base: 1,
            on_demand_percentage: 50,
            spot_allocation: "price-capacity-optimized".into(),
            max_price: None,
        }
    }

    #[test]
    fn the_hash_of_a_template_never_changes_between_releases_of_amiable() {
        // A change here rolls every fleet there is. Add a version instead.
        assert_eq!(data().hash().to_string(), "1-5314abef3b2161eb");
    }

    #[test]
    fn every_field_is_part_of_the_hash() {
        let base = data().hash();
        let variants: &[fn(&mut LaunchData)] = &[
            |d| d.image_id = "ami-1".into(),
            |d| d.instance_type = "c7g.xlarge".into(),
            |d| d.iam_instance_profile = Some("p".into()),
            |d| d.key_name = Some("p".into()),
            |d| d.security_group_ids = vec!["sg-1".into()],
            |d| d.user_data = Some(Secret::new("#!/bin/sh")),
            |d| d.detailed_monitoring = true,
            |d| d.root_volume = Some(RootVolume { device: "/dev/xvda".into(), size: 20 }),
            |d| d.container = Some(container()),
            |d| d.container = Some(Container { image: "hello@sha256:2".into(), ..container() }),
            |d| d.container = Some(Container { ports: Some((80, 3001)), ..container() }),
            |d| d.container = Some(Container { ports: Some((81, 3000)), ..container() }),
            |d| d.container = Some(Container { ports: None, ..container() }),
            |d| d.container = Some(Container { env: [("A".into(), Secret::new("1"))].into(), ..container() }),
            |d| d.container = Some(Container { env: [("A".into(), Secret::new("2"))].into(), ..container() }),
            |d| d.container = Some(Container { env: [("B".into(), Secret::new("1"))].into(), ..container() }),
            |d| d.container = Some(Container { command: vec!["a b".into()], ..container() }),
            |d| d.container = Some(Container { command: vec!["a".into(), "b".into()], ..container() }),
            |d| d.mixed = Some(spot()),
            |d| d.mixed = Some(MixedInstances { instance_types: vec!["c7g.large".into()], ..spot() }),
            |d| d.mixed = Some(MixedInstances { on_demand_base: 0, ..spot() }),
            |d| d.mixed = Some(MixedInstances { on_demand_percentage: 0, ..spot() }),
            |d| d.mixed = Some(MixedInstances { spot_allocation: "lowest-price".into(), ..spot() }),
            |d| d.mixed = Some(MixedInstances { max_price: Some("0.1".into()), ..spot() }),
            |d| d.volumes = vec![volume()],
            |d| d.volumes = vec![volume(), Volume { device: "/dev/sdc".into(), ..volume() }],
            |d| d.volumes = vec![Volume { device: "/dev/sdc".into(), ..volume() }],
            |d| d.volumes = vec![Volume { size: Some(200), ..volume() }],
            |d| d.volumes = vec![Volume { kind: "io2".into(), ..volume() }],
            |d| d.volumes = vec![Volume { iops: Some(4000), ..volume() }],
            |d| d.volumes = vec![Volume { throughput: Some(4000), ..volume() }],
            |d| d.volumes = vec![Volume { encrypted: false, ..volume() }],
            |d| d.volumes = vec![Volume { kms_key_id: Some("k".into()), ..volume() }],
            |d| d.volumes = vec![Volume { delete_on_termination: false, ..volume() }],
            |d| d.volumes = vec![Volume { snapshot_id: Some("k".into()), ..volume() }],
            |d| d.metadata.tokens_required = false,
            |d| d.metadata.hop_limit = 1,
            |d| d.metadata.tags = true,
            |d| d.tenancy = Some("dedicated".into()),
            |d| d.ebs_optimized = Some(true),
            |d| d.ebs_optimized = Some(false),
            |d| d.cpu_credits = Some("unlimited".into()),
        ];
        let mut seen = vec![base];
        // Two changes that differ must not meet in one hash, either.
        for change in variants {
            let mut changed = data();
            change(&mut changed);
            assert!(!seen.contains(&changed.hash()), "{changed:?}");
            seen.push(changed.hash());
        }
    }

    #[test]
    fn user_data_is_never_printed() {
        let mut secret = data();
        secret.user_data = Some(Secret::new("PASSWORD=canary"));
        assert!(!format!("{secret:?}").contains("canary"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("canary"));
    }
}
