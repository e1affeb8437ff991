//! Machine images.

use std::collections::BTreeMap;

use super::filter::{Field, Filters};
use super::page::{Limits, cut};
use super::{reply, required, specified_tags, tag_set};
use crate::model::time::Span;
use crate::sim::wire::{ApiError, Params, Reply, Xml};
use crate::sim::world::World;
use crate::sim::world::images::{AMAZON, Image, MARKETPLACE};

/// How long a deregistered image is still described, as `deregistered`.
const LINGERS: Span = Span::minutes(1);

/// How long, from its deregistration, its id is known but brings an empty list; then it is not found.
const REMEMBERED: Span = Span::hours(1);

/// `DescribeImages`: what the account owns and what is public.
pub fn describe(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let filters = Filters::read(params)?;
    let ids = params.values("ImageId");
    let owners = params.values("Owner");
    for id in &ids {
        check_id(id)?;
        if world.images.all.get(id).is_none_or(|image| !may_see(world, image) || !remembered(world, image)) {
            return Err(not_found(id));
        }
    }
    let mut found = Vec::new();
    for image in world.images.all.values() {
        let asked = ids.is_empty() || ids.contains(&image.id);
        let owned = owners.is_empty() || owners.iter().any(|owner| is_owner(world, image, owner));
        if asked && owned && may_see(world, image) && shown(world, image) && filters.pass(&image.tags, field(image))? {
            found.push(image);
        }
    }
    let page = cut(params, found, |image| image.id.clone(), Limits::USUAL)?;
    reply("DescribeImages", |xml| {
        xml.list("imagesSet", "item", page.items, |xml, image| write(xml, world, image));
        xml.optional("nextToken", page.next);
    })
}

/// `RegisterImage`, available at once. The tag `sim:behaviour` tells what its instances do.
pub fn register(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let name = required(params, "Name")?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if !(3..=128).contains(&name.chars().count()) || !name.chars().all(valid) {
        let message = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '[', ']', ' ', '.', '/', '-', ''', '@' and '_'";
        return Err(ApiError::new("InvalidAMIName.Malformed", message));
    }
    let mine = |image: &&Image| image.owner == world.account && image.name == name && image.state != "deregistered";
    if let Some(image) = world.images.all.values().find(mine) {
        let message = format!("AMI name {name} is already in use by AMI {}", image.id);
        return Err(ApiError::new("InvalidAMIName.Duplicate", message));
    }
    let architecture = params.get("Architecture").unwrap_or("x86_64");
    if !["x86_64", "arm64", "i386"].contains(&architecture) {
        return Err(super::invalid_value("architecture", architecture));
    }
    let tags = specified_tags(params, "image")?;
    let image = Image {
        id: world.fresh_id("ami"),
        name: name.to_owned(),
        owner: world.account.clone(),
        public: false,
        architecture: architecture.to_owned(),
        state: "available".into(),
        root_device: params.get("RootDeviceName").unwrap_or("/dev/xvda").to_owned(),
        created_at: world.now,
        tags,
    };
    let id = image.id.clone();
    world.images.all.insert(id.clone(), image);
    reply("RegisterImage", |xml| {
        xml.leaf("imageId", id);
    })
}

/// `DeregisterImage`.
pub fn deregister(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let id = required(params, "ImageId")?;
    check_id(id)?;
    let account = world.account.clone();
    match world.images.all.get_mut(id).filter(|image| image.state != "deregistered") {
        None => return Err(not_found(id)),
        Some(image) if image.owner != account => {
            let message = format!("You do not have permission to access the image '{id}'");
            return Err(ApiError::new("AuthFailure", message).with_status(403));
        }
        Some(image) => image.state = "deregistered".into(),
    }
    world.images.deregistered.insert(id.to_owned(), world.now);
    reply("DeregisterImage", |xml| {
        xml.leaf("return", true);
    })
}

fn check_id(id: &str) -> Result<(), ApiError> {
    let valid = |digits: &str| matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if id.strip_prefix("ami-").is_some_and(valid) {
        return Ok(());
    }
    Err(ApiError::new("InvalidAMIID.Malformed", format!("Invalid id: \"{id}\" (expecting \"ami-...\")")))
}

fn not_found(id: &str) -> ApiError {
    ApiError::new("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"))
}

fn may_see(world: &World, image: &Image) -> bool {
    image.public || image.owner == world.account
}

fn is_owner(world: &World, image: &Image, owner: &str) -> bool {
    match owner {
        "self" => image.owner == world.account,
        owner => image.owner == owner || alias(image) == Some(owner),
    }
}

/// The names that AWS has given to some owners.
fn alias(image: &Image) -> Option<&'static str> {
    match image.owner.as_str() {
        AMAZON => Some("amazon"),
        MARKETPLACE => Some("aws-marketplace"),
        _ => None,
    }
}

/// How long ago the image was deregistered, if it was.
fn gone_for(world: &World, image: &Image) -> Option<Span> {
    world.images.deregistered.get(&image.id).map(|at| Span::between(*at, world.now))
}

fn remembered(world: &World, image: &Image) -> bool {
    let appeared = world.consistency.after(image.created_at) <= world.now;
    appeared && gone_for(world, image).is_none_or(|gone| gone < REMEMBERED)
}

fn shown(world: &World, image: &Image) -> bool {
    remembered(world, image) && gone_for(world, image).is_none_or(|gone| gone < LINGERS)
}

fn field(image: &Image) -> impl Fn(&str) -> Field {
    move |name| match name {
        "name" => (&image.name).into(),
        "image-id" => (&image.id).into(),
        "architecture" => (&image.architecture).into(),
        "state" => (&image.state).into(),
        "owner-id" => (&image.owner).into(),
        "owner-alias" => Field::Values(alias(image).map(str::to_owned).into_iter().collect()),
        "creation-date" => image.created_at.into(),
        "is-public" => image.public.into(),
        "root-device-name" => (&image.root_device).into(),
        "root-device-type" => "ebs".into(),
        "virtualization-type" => "hvm".into(),
        "image-type" => "machine".into(),
        _ => Field::Unknown,
    }
}

fn write(xml: &mut Xml, world: &World, image: &Image) {
    xml.leaf("imageId", &image.id).leaf("imageLocation", format!("{}/{}", image.owner, image.name));
    xml.leaf("imageState", &image.state).leaf("imageOwnerId", &image.owner).leaf("isPublic", image.public);
    xml.optional("imageOwnerAlias", alias(image));
    xml.time("creationDate", image.created_at);
    xml.leaf("architecture", &image.architecture).leaf("imageType", "machine").leaf("name", &image.name);
    xml.leaf("rootDeviceType", "ebs").leaf("rootDeviceName", &image.root_device);
    xml.within("blockDeviceMapping", |xml| {
        xml.within("item", |xml| {
            xml.leaf("deviceName", &image.root_device);
            xml.within("ebs", |xml| {
                xml.leaf("volumeSize", 8)
                    .leaf("volumeType", "gp3")
                    .leaf("deleteOnTermination", true)
                    .leaf("encrypted", false);
            });
        });
    });
    xml.leaf("virtualizationType", "hvm").leaf("hypervisor", "xen").leaf("enaSupport", true);
    // Tags of an image are seen by its owner only.
    let own = image.owner == world.account;
    tag_set(xml, if own { &image.tags } else { const { &BTreeMap::new() } });
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, text, world};
    use super::*;

    fn register_image(world: &mut World, name: &str) -> String {
        let query = format!(
            "Action=RegisterImage&Name={name}&Architecture=arm64&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=app&TagSpecification.1.Tag.1.Value={name}"
        );
        text(&ask(world, &query).unwrap(), "imageId").to_owned()
    }

    fn foreign(world: &mut World, public: bool) -> String {
        let id = register_image(world, "foreign");
        let image = world.images.all.get_mut(&id).unwrap();
        (image.owner, image.public) = ("999999999999".into(), public);
        id
    }

    #[test]
    fn images_are_found_by_id_owner_name_and_tag() {
        let mut world = world();
        let one = register_image(&mut world, "hello-1");
        register_image(&mut world, "other-1");
        let public = foreign(&mut world, true);
        for (query, expected) in [
            (format!("ImageId.1={one}"), 1),
            ("Owner.1=self".into(), 2),
            ("Owner.1=999999999999".into(), 1),
            (String::new(), 3),
            ("Filter.1.Name=name&Filter.1.Value.1=hello-*".into(), 1),
            ("Filter.1.Name=tag:app&Filter.1.Value.1=hello-1".into(), 1),
            ("Filter.1.Name=architecture&Filter.1.Value.1=x86_64".into(), 0),
            (format!("ImageId.1={public}&Owner.1=self"), 0),
        ] {
            let body = ask(&mut world, &format!("Action=DescribeImages&{query}")).unwrap();
            assert_eq!(body.matches("<imageId>").count(), expected, "{query}");
        }
        let wrong = "Action=DescribeImages&Filter.1.Name=colour&Filter.1.Value.1=red";
        assert_eq!(ask(&mut world, wrong).unwrap_err(), "InvalidParameterValue");
    }

    #[test]
    fn some_owners_have_a_name_that_aws_gives_and_nobody_else_can_take() {
        let mut world = world();
        let public = foreign(&mut world, true);
        world.images.all.get_mut(&public).unwrap().owner = AMAZON.into();
        register_image(&mut world, "amazon");
        let body = ask(&mut world, "Action=DescribeImages&Owner.1=amazon").unwrap();
        assert_eq!((text(&body, "imageId"), text(&body, "imageOwnerAlias")), (public.as_str(), "amazon"));
        assert_eq!(body.matches("<imageId>").count(), 1);
        let own = ask(&mut world, "Action=DescribeImages&Owner.1=self").unwrap();
        assert!(!own.contains("imageOwnerAlias"));
    }

    #[test]
    fn images_come_in_pages_when_pages_are_asked_for() {
        let mut world = world();
        for number in 0..12 {
            register_image(&mut world, &format!("image-{number}"));
        }
        let first = ask(&mut world, "Action=DescribeImages&MaxResults=5").unwrap();
        assert_eq!(first.matches("<imageId>").count(), 5);
        let next = format!("Action=DescribeImages&MaxResults=10&NextToken={}", text(&first, "nextToken"));
        let second = ask(&mut world, &next).unwrap();
        assert_eq!((second.matches("<imageId>").count(), text(&second, "nextToken")), (7, ""));
        assert!(!second.contains(text(&first, "imageId")));
        assert_eq!(
            ask(&mut world, "Action=DescribeImages&MaxResults=5&NextToken=%21").unwrap_err(),
            "InvalidNextToken"
        );
        assert_eq!(ask(&mut world, "Action=DescribeImages&MaxResults=4").unwrap_err(), "InvalidParameterValue");
    }

    #[test]
    fn ids_that_are_malformed_unknown_or_private_to_others_are_errors() {
        let mut world = world();
        let private = foreign(&mut world, false);
        for (id, code) in [
            ("nonsense", "InvalidAMIID.Malformed"),
            ("ami-xyz", "InvalidAMIID.Malformed"),
            ("ami-00000000000000000", "InvalidAMIID.NotFound"),
            (&private, "InvalidAMIID.NotFound"),
        ] {
            assert_eq!(ask(&mut world, &format!("Action=DescribeImages&ImageId.1={id}")).unwrap_err(), code, "{id}");
        }
    }

    #[test]
    fn a_deregistered_image_lingers_then_is_empty_then_is_not_found() {
        let mut world = world();
        let id = register_image(&mut world, "hello-1");
        assert_eq!(ask(&mut world, "Action=RegisterImage&Name=hello-1").unwrap_err(), "InvalidAMIName.Duplicate");
        ask(&mut world, &format!("Action=DeregisterImage&ImageId={id}")).unwrap();
        let query = format!("Action=DescribeImages&ImageId.1={id}");
        assert_eq!(text(&ask(&mut world, &query).unwrap(), "imageState"), "deregistered");
        world.advance(Span::minutes(2).after(world.now));
        assert!(!ask(&mut world, &query).unwrap().contains("imageId"));
        world.advance(Span::hours(1).after(world.now));
        assert_eq!(ask(&mut world, &query).unwrap_err(), "InvalidAMIID.NotFound");
        register_image(&mut world, "hello-1");
    }
}
