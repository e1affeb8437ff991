//! The machine under an instance: Spot, volumes, the metadata service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much is bought as Spot capacity, and which pools of it.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spot {
    /// How many instances are On-Demand before any are Spot, 0 to 1000.
    #[serde(default)]
    #[schemars(range(max = 1000), extend("x-amiable-effect" = "replace"))]
    pub on_demand_base: u32,
    /// Percent of the instances above that base that are On-Demand as well, 0 to 100.
    #[serde(default)]
    #[schemars(range(max = 100), extend("x-amiable-effect" = "replace"))]
    pub on_demand_percentage: u32,
    /// How Spot pools are chosen.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub allocation_strategy: AllocationStrategy,
    /// The most to pay for an hour, in US dollars and in quotes, such as `"0.05"`; the On-Demand price without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub max_price: Option<String>,
}

/// How Spot pools are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationStrategy {
    /// Pools that are least likely to be interrupted, the cheapest of them.
    #[default]
    PriceCapacityOptimized,
    /// Pools that are least likely to be interrupted.
    CapacityOptimized,
    /// The same, in the order of the instance types as far as it can be.
    CapacityOptimizedPrioritized,
    /// The cheapest pools.
    LowestPrice,
}

impl AllocationStrategy {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AllocationStrategy::PriceCapacityOptimized => "price-capacity-optimized",
            AllocationStrategy::CapacityOptimized => "capacity-optimized",
            AllocationStrategy::CapacityOptimizedPrioritized => "capacity-optimized-prioritized",
            AllocationStrategy::LowestPrice => "lowest-price",
        }
    }
}

/// An EBS volume of every instance.
/// Limits from <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockDevice {
    /// The device name, such as `/dev/sdb`; either this or `root: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub device: Option<String>,
    /// Whether it is the root volume, whose device the image tells.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub root: bool,
    /// GiB, 1 to 65536; the image's or snapshot's own size without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536), extend("x-amiable-effect" = "replace"))]
    pub size: Option<u32>,
    /// The volume type.
    #[serde(default, rename = "type")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub kind: VolumeType,
    /// Operations a second: 3000 to 80000 for `gp3`, 100 to 64000 for `io1`, 100 to 256000 for `io2`, which need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 256_000), extend("x-amiable-effect" = "replace"))]
    pub iops: Option<u32>,
    /// MiB a second, 125 to 2000; for `gp3` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 125, max = 2000), extend("x-amiable-effect" = "replace"))]
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    #[serde(default = "yes")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub encrypted: bool,
    /// The KMS key by id, alias or ARN; the account's default key for EBS without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub kms_key_id: Option<String>,
    /// Whether it goes with its instance.
    #[serde(default = "yes")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub delete_on_termination: bool,
    /// The snapshot that it is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub snapshot_id: Option<String>,
}

fn yes() -> bool {
    true
}

/// The type of an EBS volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    /// General purpose, with operations and throughput of its own.
    #[default]
    Gp3,
    /// General purpose, faster the larger it is.
    Gp2,
    /// Provisioned operations.
    Io1,
    /// Provisioned operations, more durable.
    Io2,
    /// Throughput on disks.
    St1,
    /// Cold data on disks.
    Sc1,
}

impl VolumeType {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            VolumeType::Gp3 => "gp3",
            VolumeType::Gp2 => "gp2",
            VolumeType::Io1 => "io1",
            VolumeType::Io2 => "io2",
            VolumeType::St1 => "st1",
            VolumeType::Sc1 => "sc1",
        }
    }
}

/// The instance metadata service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataOptions {
    /// Whether requests need a session token (IMDSv2).
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub http_tokens: HttpTokens,
    /// How many network hops its answers travel, 1 to 64; a container on a bridge needs two.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 64), extend("x-amiable-effect" = "replace"))]
    pub hop_limit: u32,
    /// Whether the instance's tags, and with them the labels, can be read there.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub instance_metadata_tags: bool,
}

fn two() -> u32 {
    2
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self { http_tokens: HttpTokens::Required, hop_limit: two(), instance_metadata_tags: false }
    }
}

/// Whether requests to the metadata service need a session token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpTokens {
    /// IMDSv2 only.
    #[default]
    Required,
    /// IMDSv1 as well.
    Optional,
}

/// Whose hardware an instance runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tenancy {
    /// Shared.
    #[default]
    Default,
    /// The account's own.
    Dedicated,
}

/// What an instance with CPU credits does without any left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CpuCredits {
    /// It slows down.
    Standard,
    /// It goes on, for money.
    Unlimited,
}

impl CpuCredits {
    /// The name as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CpuCredits::Standard => "standard",
            CpuCredits::Unlimited => "unlimited",
        }
    }
}
