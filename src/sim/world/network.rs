//! VPCs, subnets and security groups.

use std::collections::BTreeMap;

/// The networks of the account.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// VPCs by id, with their CIDR block.
    pub vpcs: BTreeMap<String, String>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, Subnet>,
    /// Security groups by id.
    pub security_groups: BTreeMap<String, SecurityGroup>,
    /// Tags of all these, by id.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// The VPC it is part of.
    pub vpc_id: String,
    /// Its availability zone, such as `us-west-2a`.
    pub zone: String,
    /// Its CIDR block.
    pub cidr: String,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The VPC it is part of.
    pub vpc_id: String,
}
