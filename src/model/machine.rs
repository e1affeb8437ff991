//! The machine under an instance: which types it may be and how they are paid for, its volumes, its metadata service.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Several instance types, or Spot capacity: what a group chooses from at each launch.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html>
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MixedInstances {
    /// The types, the most wanted first.
    pub instance_types: Vec<String>,
    /// How many instances are On-Demand before anything else is bought.
    pub on_demand_base: u32,
    /// Percent of what comes on top of these that is On-Demand too; the rest is Spot.
    pub on_demand_percentage: u32,
    /// How Spot pools are chosen, as AWS names it.
    pub spot_allocation: String,
    /// The most to pay for an hour of Spot, in US dollars; the On-Demand price without it.
    pub max_price: Option<String>,
}

impl MixedInstances {
    /// Whether any of it is Spot.
    pub fn has_spot(&self) -> bool {
        self.on_demand_percentage < 100
    }
}

impl fmt::Display for MixedInstances {
    /// What is paid for how: `1 + 50% On-Demand, price-capacity-optimized`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} + {}% On-Demand, {}", self.on_demand_base, self.on_demand_percentage, self.spot_allocation)?;
        match &self.max_price {
            Some(price) => write!(out, ", at most ${price}"),
            None => Ok(()),
        }
    }
}

/// An EBS volume that an instance is born with.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateEbsBlockDeviceRequest.html>
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// The device, such as `/dev/xvda`.
    pub device: String,
    /// GiB; the snapshot's size without it.
    pub size: Option<u32>,
    /// `gp3`, as AWS names it.
    pub kind: String,
    /// Operations a second.
    pub iops: Option<u32>,
    /// MiB a second.
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The KMS key, when it is not the account's default key.
    pub kms_key_id: Option<String>,
    /// Whether it goes with its instance.
    pub delete_on_termination: bool,
    /// The snapshot that it is made from.
    pub snapshot_id: Option<String>,
}

impl fmt::Display for Volume {
    /// `/dev/xvda 40 GiB gp3, encrypted`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.device)?;
        if let Some(size) = self.size {
            write!(out, " {size} GiB")?;
        }
        write!(out, " {}", self.kind)?;
        if let Some(snapshot) = &self.snapshot_id {
            write!(out, " from {snapshot}")?;
        }
        if let Some(iops) = self.iops {
            write!(out, ", {iops} IOPS")?;
        }
        if let Some(throughput) = self.throughput {
            write!(out, ", {throughput} MiB/s")?;
        }
        out.write_str(if self.encrypted { ", encrypted" } else { ", not encrypted" })?;
        if let Some(key) = &self.kms_key_id {
            write!(out, " with {key}")?;
        }
        out.write_str(if self.delete_on_termination { "" } else { ", kept" })
    }
}

/// The instance metadata service.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html>
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Whether it answers only requests with a session token (IMDSv2).
    pub tokens_required: bool,
    /// How many network hops its answers travel, 1 to 64.
    pub hop_limit: u32,
    /// Whether the instance's tags can be read there.
    pub tags: bool,
}

impl Default for Metadata {
    /// Only with a session token, and from a container on the instance too.
    fn default() -> Self {
        Self { tokens_required: true, hop_limit: 2, tags: false }
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = if self.tokens_required { "required" } else { "optional" };
        write!(out, "tokens {tokens}, hop limit {}", self.hop_limit)?;
        out.write_str(if self.tags { ", tags" } else { "" })
    }
}
