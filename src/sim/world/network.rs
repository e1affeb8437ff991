//! VPCs, subnets and security groups.

/// VPCs, subnets and security groups.
#[derive(Clone, Debug, Default)]
pub struct Networks {}
