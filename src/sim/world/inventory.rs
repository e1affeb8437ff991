//! What there is, for people who write manifests: the ids of networks, images and zones.

use std::fmt;

use super::World;
use super::images::BEHAVIOUR_TAG;

/// A list of what a manifest can name, as text.
pub struct Inventory<'a>(&'a World);

impl World {
    /// What a manifest can name.
    pub fn inventory(&self) -> Inventory<'_> {
        Inventory(self)
    }
}

impl fmt::Display for Inventory<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let world = self.0;
        writeln!(out, "account {} in {}", world.account, world.region)?;
        for (id, cidr) in &world.network.vpcs {
            writeln!(out, "vpc {id}  {cidr}")?;
        }
        for subnet in world.network.subnets.values() {
            writeln!(out, "subnet {}  {}  {}", subnet.id, subnet.zone, subnet.cidr)?;
        }
        for group in world.network.security_groups.values() {
            writeln!(out, "security group {}  {}", group.id, group.name)?;
        }
        for image in world.images.all.values() {
            let behaviour = image.tags.get(BEHAVIOUR_TAG).map(|words| format!("  {words}")).unwrap_or_default();
            let owner = if image.owner == world.account { "self" } else { image.owner.as_str() };
            writeln!(out, "image {}  {}  {}  owner {owner}{behaviour}", image.id, image.name, image.architecture)?;
        }
        for zone in world.dns.zones.values() {
            writeln!(out, "hosted zone {}  {}", zone.id, zone.name.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn everything_that_a_manifest_of_the_example_account_needs_is_named() {
        let text = World::example(Timestamp::UNIX_EPOCH).inventory().to_string();
        let ids = [example::VPC, example::SECURITY_GROUP, example::HELLO_1_0, example::HELLO_BAD, example::ZONE_ID];
        for id in ids.into_iter().chain(example::SUBNETS) {
            assert!(text.contains(id), "{id} in\n{text}");
        }
        assert!(text.contains("hello 1.2.0  x86_64  owner self  never-healthy"), "{text}");
    }
}
