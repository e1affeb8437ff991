//! What EC2 refuses to launch, as faults to set by hand, and AWS's words for it.

use std::collections::BTreeSet;

/// What EC2 has to give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Every launch fails so.
    pub failure: Option<LaunchFailure>,
    /// Zones in which there is no capacity.
    pub exhausted_zones: BTreeSet<String>,
    /// Zones that do not know the instance types; a group tries them all the same, and then its other zones.
    pub unsupported_zones: BTreeSet<String>,
    /// Instances end before they run, for this reason of EC2's: `Client.InternalError: Client error on launch`.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html>
    pub ends_on_launch: Option<String>,
    /// Instance types of which there is none.
    pub exhausted_types: BTreeSet<String>,
    /// The most instances the account may run; more exceed its quota.
    pub instance_limit: Option<usize>,
}

/// Why a launch fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchFailure {
    /// AWS has no machine of this type in the zone.
    InsufficientInstanceCapacity,
    /// The account's quota is used up.
    VcpuLimitExceeded,
    /// The zone does not know the type.
    ZoneUnsupported,
    /// Anything else, in these words.
    Other(String),
}

impl LaunchFailure {
    /// AWS's words, without the end that every failed launch has.
    pub fn words(&self, instance_type: &str, zone: &str) -> String {
        match self {
            LaunchFailure::InsufficientInstanceCapacity => format!(
                "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient \
                 {instance_type} capacity in the Availability Zone you requested ({zone}). Our system will be working on \
                 provisioning additional capacity."
            ),
            LaunchFailure::VcpuLimitExceeded => "Could not launch On-Demand Instances. VcpuLimitExceeded - You have \
                requested more vCPU capacity than your current vCPU limit allows for the instance bucket that the specified \
                instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an \
                adjustment to this limit."
                .to_owned(),
            LaunchFailure::ZoneUnsupported => format!(
                "Your requested instance type ({instance_type}) is not supported in your requested Availability Zone ({zone}). \
                 Please retry your request by not specifying an Availability Zone or choosing another one."
            ),
            LaunchFailure::Other(words) => words.clone(),
        }
    }
}
