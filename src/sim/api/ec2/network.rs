//! VPCs, subnets, security groups and zones: what has to be there before anything can be launched.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::filter::{Field, Filters};
use super::page::{Limits, Page, cut};
use super::{invalid_value, reply, required, specified_tags, tag_set};
use crate::sim::wire::{ApiError, Params, Reply, Xml};
use crate::sim::world::World;
use crate::sim::world::network::{SecurityGroup, Subnet};

/// The zones of a region, by the letter that follows its name.
const ZONES: [char; 3] = ['a', 'b', 'c'];

/// `CreateVpc`, with its default security group.
pub fn create_vpc(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let cidr = required(params, "CidrBlock")?.to_owned();
    Block::read(&cidr, "InvalidVpc.Range")?;
    let tags = specified_tags(params, "vpc")?;
    let id = world.fresh_id("vpc");
    let group = SecurityGroup { id: world.fresh_id("sg"), name: "default".into(), vpc_id: id.clone() };
    world.network.security_groups.insert(group.id.clone(), group);
    world.network.vpcs.insert(id.clone(), cidr);
    world.network.tags.insert(id.clone(), tags);
    reply("CreateVpc", |xml| {
        xml.within("vpc", |xml| write_vpc(xml, world, &id));
    })
}

/// `CreateSubnet`, in the first zone unless one is named.
pub fn create_subnet(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let vpc_id = required(params, "VpcId")?.to_owned();
    let cidr = required(params, "CidrBlock")?.to_owned();
    let around = world.network.vpcs.get(&vpc_id).ok_or_else(|| missing_vpc(&vpc_id))?;
    let block = Block::read(&cidr, "InvalidSubnet.Range")?;
    if !Block::read(around, "InvalidVpc.Range")?.contains(block) {
        return Err(ApiError::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
    }
    for other in world.network.subnets.values().filter(|subnet| subnet.vpc_id == vpc_id) {
        let other = Block::read(&other.cidr, "InvalidSubnet.Range")?;
        if other.contains(block) || block.contains(other) {
            let message = format!("The CIDR '{cidr}' conflicts with another subnet");
            return Err(ApiError::new("InvalidSubnet.Conflict", message));
        }
    }
    let zones = zones(world);
    let zone = params.get("AvailabilityZone").unwrap_or(&zones[0]).to_owned();
    if !zones.contains(&zone) {
        return Err(invalid_value("availabilityZone", &zone));
    }
    let tags = specified_tags(params, "subnet")?;
    let subnet = Subnet { id: world.fresh_id("subnet"), vpc_id, zone, cidr };
    world.network.tags.insert(subnet.id.clone(), tags);
    world.network.subnets.insert(subnet.id.clone(), subnet.clone());
    reply("CreateSubnet", |xml| {
        xml.within("subnet", |xml| write_subnet(xml, world, &subnet));
    })
}

/// `CreateSecurityGroup`. Rules are not simulated: all traffic is let through.
pub fn create_security_group(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let name = required(params, "GroupName")?.to_owned();
    required(params, "GroupDescription")?;
    let vpc_id = params
        .get("VpcId")
        .ok_or_else(|| ApiError::new("VPCIdNotSpecified", "No default VPC for this user"))?
        .to_owned();
    if !world.network.vpcs.contains_key(&vpc_id) {
        return Err(missing_vpc(&vpc_id));
    }
    if world.network.security_groups.values().any(|group| group.name == name && group.vpc_id == vpc_id) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
        return Err(ApiError::new("InvalidGroup.Duplicate", message));
    }
    let tags = specified_tags(params, "security-group")?;
    let group = SecurityGroup { id: world.fresh_id("sg"), name, vpc_id };
    let id = group.id.clone();
    world.network.tags.insert(id.clone(), tags);
    world.network.security_groups.insert(id.clone(), group);
    reply("CreateSecurityGroup", |xml| {
        xml.leaf("return", true).leaf("groupId", &id);
        tag_set(xml, tags_of(world, &id));
    })
}

/// `DescribeVpcs`.
pub fn describe_vpcs(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let page = select(world, params, "VpcId", &world.network.vpcs, missing_vpc, |id, cidr, name| match name {
        "vpc-id" => id.into(),
        "cidr" | "cidr-block-association.cidr-block" => cidr.into(),
        "state" => "available".into(),
        "is-default" | "isDefault" => false.into(),
        _ => Field::Unknown,
    })?;
    reply("DescribeVpcs", |xml| {
        xml.list("vpcSet", "item", page.items, |xml, (id, _)| write_vpc(xml, world, id));
        xml.optional("nextToken", page.next);
    })
}

/// `DescribeSubnets`.
pub fn describe_subnets(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let missing = |id: &str| ApiError::new("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist"));
    let page = select(world, params, "SubnetId", &world.network.subnets, missing, |id, subnet, name| match name {
        "subnet-id" => id.into(),
        "vpc-id" => (&subnet.vpc_id).into(),
        "availability-zone" | "availabilityZone" => (&subnet.zone).into(),
        "cidr-block" | "cidr" | "cidrBlock" => (&subnet.cidr).into(),
        "state" => "available".into(),
        "default-for-az" | "defaultForAz" => false.into(),
        _ => Field::Unknown,
    })?;
    reply("DescribeSubnets", |xml| {
        xml.list("subnetSet", "item", page.items, |xml, (_, subnet)| write_subnet(xml, world, subnet));
        xml.optional("nextToken", page.next);
    })
}

/// `DescribeSecurityGroups`.
pub fn describe_security_groups(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let missing =
        |id: &str| ApiError::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"));
    let page =
        select(world, params, "GroupId", &world.network.security_groups, missing, |id, group, name| match name {
            "group-id" => id.into(),
            "group-name" => (&group.name).into(),
            "vpc-id" => (&group.vpc_id).into(),
            _ => Field::Unknown,
        })?;
    reply("DescribeSecurityGroups", |xml| {
        xml.list("securityGroupInfo", "item", page.items, |xml, (id, group)| {
            xml.leaf("ownerId", &world.account).leaf("groupId", id).leaf("groupName", &group.name);
            xml.leaf("groupDescription", &group.name).leaf("vpcId", &group.vpc_id);
            tag_set(xml, tags_of(world, id));
        });
        xml.optional("nextToken", page.next);
    })
}

/// `DescribeAvailabilityZones`.
pub fn describe_zones(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let filters = Filters::read(params)?;
    let names = params.values("ZoneName");
    let mut found = Vec::new();
    for zone in zones(world) {
        let passed = filters.pass(&BTreeMap::new(), |name| match name {
            "zone-name" => (&zone).into(),
            "region-name" => (&world.region).into(),
            "state" => "available".into(),
            "opt-in-status" => "opt-in-not-required".into(),
            "zone-type" => "availability-zone".into(),
            _ => Field::Unknown,
        })?;
        if passed && (names.is_empty() || names.contains(&zone)) {
            found.push(zone);
        }
    }
    reply("DescribeAvailabilityZones", |xml| {
        xml.list("availabilityZoneInfo", "item", found, |xml, zone| {
            xml.leaf("zoneName", &zone).leaf("zoneState", "available").leaf("regionName", &world.region);
            xml.leaf("optInStatus", "opt-in-not-required").leaf("zoneType", "availability-zone");
        });
    })
}

/// The things that a describe call asks for, by id and by filter, a page of them.
fn select<'a, T>(
    world: &World,
    params: &Params,
    id_parameter: &str,
    all: &'a BTreeMap<String, T>,
    missing: impl Fn(&str) -> ApiError,
    field: impl Fn(&str, &T, &str) -> Field,
) -> Result<Page<(&'a String, &'a T)>, ApiError> {
    let filters = Filters::read(params)?;
    let ids = params.values(id_parameter);
    if let Some(id) = ids.iter().find(|id| !all.contains_key(*id)) {
        return Err(missing(id));
    }
    let mut found = Vec::new();
    for (id, value) in all {
        let asked = ids.is_empty() || ids.contains(id);
        if asked && filters.pass(tags_of(world, id), |name| field(id, value, name))? {
            found.push((id, value));
        }
    }
    cut(params, found, |(id, _)| (*id).clone(), Limits::USUAL)
}

fn zones(world: &World) -> [String; 3] {
    ZONES.map(|letter| format!("{}{letter}", world.region))
}

fn missing_vpc(id: &str) -> ApiError {
    ApiError::new("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))
}

fn tags_of<'a>(world: &'a World, id: &str) -> &'a BTreeMap<String, String> {
    world.network.tags.get(id).unwrap_or(const { &BTreeMap::new() })
}

fn write_vpc(xml: &mut Xml, world: &World, id: &str) {
    xml.leaf("vpcId", id).leaf("ownerId", &world.account).leaf("state", "available");
    xml.optional("cidrBlock", world.network.vpcs.get(id)).leaf("instanceTenancy", "default").leaf("isDefault", false);
    tag_set(xml, tags_of(world, id));
}

fn write_subnet(xml: &mut Xml, world: &World, subnet: &Subnet) {
    xml.leaf("subnetId", &subnet.id).leaf("state", "available").leaf("vpcId", &subnet.vpc_id);
    xml.leaf("ownerId", &world.account).leaf("cidrBlock", &subnet.cidr).leaf("availabilityZone", &subnet.zone);
    xml.leaf("availableIpAddressCount", 251).leaf("defaultForAz", false).leaf("mapPublicIpOnLaunch", false);
    tag_set(xml, tags_of(world, &subnet.id));
}

/// An IPv4 block of addresses.
#[derive(Clone, Copy)]
struct Block {
    address: u32,
    length: u32,
}

impl Block {
    /// Reads a CIDR between /16 and /28, as VPCs and subnets have them.
    fn read(text: &str, code: &str) -> Result<Self, ApiError> {
        let read = || {
            let (address, length) = text.split_once('/')?;
            let (address, length) = (address.parse::<Ipv4Addr>().ok()?.to_bits(), length.parse().ok()?);
            (16..=28).contains(&length).then_some(Self { address, length })
        };
        read().ok_or_else(|| ApiError::new(code, format!("The CIDR '{text}' is invalid.")))
    }

    fn contains(self, other: Self) -> bool {
        self.length <= other.length && (self.address ^ other.address) >> (32 - self.length) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, text, world};

    #[test]
    fn a_network_is_built_and_found_again() {
        let mut world = world();
        let vpc = ask(&mut world, "Action=CreateVpc&CidrBlock=10.0.0.0/16").unwrap();
        let vpc = text(&vpc, "vpcId").to_owned();
        let subnet = format!("Action=CreateSubnet&VpcId={vpc}&CidrBlock=10.0");
        ask(&mut world, &format!("{subnet}.0.0/24")).unwrap();
        ask(&mut world, &format!("{subnet}.1.0/24&AvailabilityZone=us-west-2b")).unwrap();
        for (cidr, code) in [(".1.128/25", "InvalidSubnet.Conflict"), (".1.0/8", "InvalidSubnet.Range")] {
            assert_eq!(ask(&mut world, &format!("{subnet}{cidr}")).unwrap_err(), code);
        }
        let by_zone = "Action=DescribeSubnets&Filter.1.Name=availability-zone&Filter.1.Value.1=us-west-2b";
        assert_eq!(text(&ask(&mut world, by_zone).unwrap(), "cidrBlock"), "10.0.1.0/24");

        let group = format!("Action=CreateSecurityGroup&GroupName=web&GroupDescription=web&VpcId={vpc}");
        let id = text(&ask(&mut world, &group).unwrap(), "groupId").to_owned();
        assert_eq!(ask(&mut world, &group).unwrap_err(), "InvalidGroup.Duplicate");
        let found = ask(&mut world, &format!("Action=DescribeSecurityGroups&GroupId.1={id}")).unwrap();
        assert_eq!(text(&found, "groupName"), "web");
        let zones = ask(&mut world, "Action=DescribeAvailabilityZones").unwrap();
        assert_eq!(zones.matches("<zoneName>").count(), 3);
    }

    #[test]
    fn what_does_not_exist_is_said_in_awss_words() {
        let mut world = world();
        for (query, code) in [
            ("Action=DescribeVpcs&VpcId.1=vpc-1", "InvalidVpcID.NotFound"),
            ("Action=DescribeSubnets&SubnetId.1=subnet-1", "InvalidSubnetID.NotFound"),
            ("Action=DescribeSecurityGroups&GroupId.1=sg-1", "InvalidGroup.NotFound"),
            ("Action=CreateSubnet&VpcId=vpc-1&CidrBlock=10.0.0.0/24", "InvalidVpcID.NotFound"),
            ("Action=CreateVpc&CidrBlock=10.0.0.0/99", "InvalidVpc.Range"),
        ] {
            assert_eq!(ask(&mut world, query).unwrap_err(), code, "{query}");
        }
    }
}
