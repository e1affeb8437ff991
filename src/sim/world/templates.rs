//! Launch templates.

use std::collections::BTreeMap;

use super::shelf::Shelf;
use crate::model::time::Timestamp;

/// The launch templates of the account.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// By id.
    pub all: Shelf<Template>,
    /// By client token: the digest of the request that came with it, and the id of the template it made.
    pub client_tokens: Shelf<(String, String)>,
}

/// A launch template with all its versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name, unique in the account and region.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The number of the default version.
    pub default_version: u64,
    /// The versions; the first one has number 1.
    pub versions: Vec<TemplateData>,
    /// Tags of the template itself.
    pub tags: BTreeMap<String, String>,
}

/// What a version of a launch template holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TemplateData {
    /// The image.
    pub image_id: Option<String>,
    /// The instance type.
    pub instance_type: Option<String>,
    /// The key pair.
    pub key_name: Option<String>,
    /// The instance profile by name or ARN.
    pub iam_instance_profile: Option<String>,
    /// Security groups.
    pub security_group_ids: Vec<String>,
    /// User data, base64.
    pub user_data: Option<String>,
    /// One-minute monitoring.
    pub monitoring: Option<bool>,
    /// `required` or `optional`, the metadata service's tokens.
    pub http_tokens: Option<String>,
    /// What was said about this version when it was made.
    pub description: Option<String>,
    /// `default`, `dedicated` or `host`.
    pub tenancy: Option<String>,
    /// `standard` or `unlimited`.
    pub cpu_credits: Option<String>,
    /// Optimised for EBS.
    pub ebs_optimized: Option<bool>,
    /// `enabled` or `disabled`, the metadata service itself.
    pub http_endpoint: Option<String>,
    /// How far answers of the metadata service travel, 1–64.
    pub http_hop_limit: Option<u32>,
    /// `enabled` or `disabled`, tags in the metadata service.
    pub instance_metadata_tags: Option<String>,
    /// Block devices: device name to size in GiB, type and encryption.
    pub block_devices: Vec<BlockDevice>,
    /// Tags by resource type: `instance`, `volume`.
    pub tag_specifications: BTreeMap<String, BTreeMap<String, String>>,
}

/// A block device of a launch template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockDevice {
    /// The device name.
    pub device: String,
    /// GiB.
    pub volume_size: Option<u32>,
    /// `gp3` …
    pub volume_type: Option<String>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
    /// The KMS key.
    pub kms_key_id: Option<String>,
    /// The snapshot that it is made from.
    pub snapshot_id: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// Whether it goes with its instance.
    pub delete_on_termination: Option<bool>,
}

impl Templates {
    /// The template with this name.
    pub fn by_name(&self, name: &str) -> Option<&Template> {
        self.all.values().find(|template| template.name == name)
    }
}

impl Template {
    /// The data of a version: a number, `$Default` or `$Latest`.
    pub fn version(&self, version: &str) -> Option<&TemplateData> {
        let number = match version {
            "$Default" => self.default_version,
            "$Latest" => self.versions.len() as u64,
            number => number.parse().ok()?,
        };
        self.versions.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}
