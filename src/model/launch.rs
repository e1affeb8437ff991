//! What an instance is born with, and the hash that identifies it.
//!
//! A generation is one such template. The hash covers exactly these fields and carries the version of the way it is
//! computed: when a later Amiable adds a field, groups that were hashed the old way are compared the old way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::names::hex;

/// The version of [`LaunchData::hash`].
pub const TEMPLATE_HASH_VERSION: u32 = 1;

/// Everything that decides what an instance is. Anything else about a group can be changed while it runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchData {
    /// The image, resolved to its id.
    pub image_id: String,
    /// The EC2 instance type.
    pub instance_type: String,
    /// The IAM instance profile by name.
    pub iam_instance_profile: Option<String>,
    /// The key pair by name.
    pub key_name: Option<String>,
    /// The security groups, in order of their ids.
    pub security_group_ids: Vec<String>,
    /// The user data as written, not yet encoded.
    pub user_data: Option<Secret>,
    /// One-minute monitoring.
    pub detailed_monitoring: bool,
    /// The root volume's device name, from the image, and its size in GiB.
    pub root_volume: Option<RootVolume>,
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
        TemplateHash { version: TEMPLATE_HASH_VERSION, digest: hex(&hasher.finalize(), 16) }
    }
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

/// Text that is never shown: it prints, and serializes, as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Guards `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one call to AWS that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", hex(&Sha256::digest(self.0.as_bytes()), 12))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> LaunchData {
        LaunchData {
            image_id: "ami-0123456789abcdef0".into(),
            instance_type: "c7g.large".into(),
            iam_instance_profile: None,
            key_name: None,
            security_group_ids: vec!["sg-1".into(), "sg-2".into()],
            user_data: None,
            detailed_monitoring: false,
            root_volume: None,
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
        let variants: [fn(&mut LaunchData); 8] = [
            |d| d.image_id = "ami-1".into(),
            |d| d.instance_type = "c7g.xlarge".into(),
            |d| d.iam_instance_profile = Some("p".into()),
            |d| d.key_name = Some("p".into()),
            |d| d.security_group_ids = vec!["sg-1".into()],
            |d| d.user_data = Some(Secret::new("#!/bin/sh")),
            |d| d.detailed_monitoring = true,
            |d| d.root_volume = Some(RootVolume { device: "/dev/xvda".into(), size: 20 }),
        ];
        let mut seen = vec![base];
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
