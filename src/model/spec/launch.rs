//! What an instance is born with besides image and type, and where it runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::machine::{BlockDevice, CpuCredits, MetadataOptions, Tenancy};
use super::scaling::LifecycleHook;
use crate::model::secret::Secret;

/// What an instance is born with besides image and type. A change is a new generation, but for hooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Launch {
    /// The IAM instance profile, by name or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub iam_instance_profile: Option<String>,
    /// The name of the EC2 key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub key_name: Option<String>,
    /// Security groups of the instances, instead of the environment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-amiable-effect" = "replace"))]
    pub security_group_ids: Option<Vec<String>>,
    /// A script or cloud-init document that runs at first boot; at most 16 KiB. Shown nowhere but as a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub user_data: Option<String>,
    /// The same from a file, by its path from the manifest that names it; within the directory of the manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub user_data_file: Option<String>,
    /// What stands in that file.
    #[serde(skip)]
    pub user_data_text: Option<Secret>,
    /// Detailed (one-minute) monitoring.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub detailed_monitoring: bool,
    /// The size of the root volume in GiB, 1 to 16384; the image's own size without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16384), extend("x-amiable-effect" = "replace"))]
    pub root_volume_size: Option<u32>,
    /// Volumes in full. A root volume stands either here or as `rootVolumeSize`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 26), extend("x-amiable-effect" = "replace"))]
    pub block_devices: Vec<BlockDevice>,
    /// The instance metadata service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_options: Option<MetadataOptions>,
    /// Whose hardware instances run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub tenancy: Option<Tenancy>,
    /// Bandwidth of its own for EBS, where the instance type leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub ebs_optimized: Option<bool>,
    /// What a burstable instance does without CPU credits; the account's default without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub cpu_credits: Option<CpuCredits>,
    /// What holds instances when they come or go. The first ones are held, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-amiable-effect" = "in-place"))]
    pub lifecycle_hooks: Vec<LifecycleHook>,
}

/// Where the instances of one app run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppNetwork {
    /// Subnets of the environment's VPC.
    #[schemars(length(min = 1, max = 16), extend("x-amiable-effect" = "in-place"))]
    pub subnet_ids: Vec<String>,
}
