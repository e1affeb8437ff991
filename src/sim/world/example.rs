//! A small account to try things on: a network, and images that behave well, badly and late.

use std::collections::BTreeMap;

use super::World;
use super::images::{BEHAVIOUR_TAG, Image};
use super::network::{SecurityGroup, Subnet};
use crate::model::time::Timestamp;

/// The account.
pub const ACCOUNT: &str = "123456789012";
/// An account that is not ours.
pub const FOREIGN_ACCOUNT: &str = "999999999999";
/// The region.
pub const REGION: &str = "us-west-2";
/// The VPC.
pub const VPC: &str = "vpc-0a1b2c3d4e5f60718";
/// Subnets in the zones a, b and c.
pub const SUBNETS: [&str; 3] = ["subnet-0a1b2c3d4e5f6071a", "subnet-0a1b2c3d4e5f6071b", "subnet-0a1b2c3d4e5f6071c"];
/// The security group.
pub const SECURITY_GROUP: &str = "sg-0a1b2c3d4e5f60718";
/// The private hosted zone.
pub const ZONE_ID: &str = "Z0123456789EXAMPLE00";
/// Its name.
pub const ZONE_NAME: &str = "internal.example.com";
/// `hello 1.0.0`, which works.
pub const HELLO_1_0: &str = "ami-00000000000000100";
/// `hello 1.1.0`, which works.
pub const HELLO_1_1: &str = "ami-00000000000000110";
/// `hello 1.2.0`, which is never healthy.
pub const HELLO_BAD: &str = "ami-00000000000000120";
/// `hello 1.3.0`, which is healthy at first and sick after two minutes.
pub const HELLO_SICK_LATER: &str = "ami-00000000000000130";
/// `hello 1.4.0` for arm64, which works.
pub const HELLO_ARM: &str = "ami-00000000000000140";
/// `hello 6.6.6` of another account, not public.
pub const HELLO_FOREIGN: &str = "ami-00000000000000666";

impl World {
    /// The example account at `now`.
    pub fn example(now: Timestamp) -> Self {
        let mut world = World::empty(ACCOUNT, REGION, now);
        world.network.vpcs.insert(VPC.to_owned(), "10.0.0.0/16".to_owned());
        for (index, (id, zone)) in SUBNETS.iter().zip(["a", "b", "c"]).enumerate() {
            let subnet = Subnet {
                id: (*id).to_owned(),
                vpc_id: VPC.to_owned(),
                zone: format!("{REGION}{zone}"),
                cidr: format!("10.0.{}.0/18", index * 64),
            };
            world.network.subnets.insert(subnet.id.clone(), subnet);
        }
        let group = SecurityGroup { id: SECURITY_GROUP.to_owned(), name: "hello".to_owned(), vpc_id: VPC.to_owned() };
        world.network.security_groups.insert(group.id.clone(), group);
        world.add_zone(ZONE_ID, &format!("{ZONE_NAME}."), "example", Some(VPC.to_owned()));
        world.add_image(HELLO_1_0, "hello 1.0.0", "");
        world.add_image(HELLO_1_1, "hello 1.1.0", "");
        world.add_image(HELLO_BAD, "hello 1.2.0", "never-healthy");
        world.add_image(HELLO_SICK_LATER, "hello 1.3.0", "sick-after=2m");
        world.add_image(HELLO_ARM, "hello 1.4.0", "");
        world.add_image(HELLO_FOREIGN, "hello 6.6.6", "");
        if let Some(image) = world.images.all.get_mut(HELLO_ARM) {
            image.architecture = "arm64".to_owned();
        }
        if let Some(image) = world.images.all.get_mut(HELLO_FOREIGN) {
            image.owner = FOREIGN_ACCOUNT.to_owned();
        }
        world
    }

    /// Registers an image of the account, x86_64, whose instances behave as the words tell;
    /// see [`Behaviour`](super::images::Behaviour).
    pub fn add_image(&mut self, id: &str, name: &str, behaviour: &str) {
        let mut tags = BTreeMap::from([("Name".to_owned(), name.to_owned())]);
        if !behaviour.is_empty() {
            tags.insert(BEHAVIOUR_TAG.to_owned(), behaviour.to_owned());
        }
        let image = Image {
            id: id.to_owned(),
            name: name.to_owned(),
            owner: self.account.clone(),
            public: false,
            architecture: "x86_64".to_owned(),
            state: "available".to_owned(),
            root_device: "/dev/xvda".to_owned(),
            created_at: self.now,
            tags,
        };
        self.images.all.insert(image.id.clone(), image);
    }
}
