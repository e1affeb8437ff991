//! Tags of images, launch templates, networks and instances.

use std::collections::BTreeMap;

use super::filter::Filters;
use super::page::{Limits, cut};
use super::{reply, required};
use crate::sim::wire::{ApiError, Params, Reply};
use crate::sim::world::World;

/// Most tags of one resource.
const MAX_TAGS: usize = 50;
/// Most resources of one call.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
const MAX_RESOURCES: usize = 1000;

/// Reads `Tag.1.Key`, `Tag.1.Value` …, and checks them as EC2 does.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>
pub fn read(params: &Params) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in params.structures("Tag") {
        let key = required(&tag, "Key")?;
        let value = tag.get("Value").unwrap_or_default();
        let wrong = |message: &str| Err(ApiError::new("InvalidParameterValue", message));
        if key.starts_with("aws:") {
            return wrong("Tag keys starting with 'aws:' are reserved for internal use");
        }
        if key.chars().count() > 128 {
            return wrong("Tag key exceeds the maximum length of 128 characters");
        }
        if value.chars().count() > 256 {
            return wrong("Tag value exceeds the maximum length of 256 characters");
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return wrong(&format!("Duplicate tag key '{key}' specified."));
        }
    }
    Ok(tags)
}

/// Refuses more tags than a resource may have.
pub fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MAX_TAGS {
        return Err(ApiError::new("TagLimitExceeded", format!("More than {MAX_TAGS} tags specified")));
    }
    Ok(())
}

/// `CreateTags`.
pub fn create(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let tags = read(params)?;
    let resources = resources(world, params)?;
    for id in &resources {
        let mut all = tags_of(world, id)?.clone();
        all.extend(tags.clone());
        check_count(&all)?;
    }
    for id in &resources {
        tags_of(world, id)?.extend(tags.clone());
    }
    reply("CreateTags", |xml| {
        xml.leaf("return", true);
    })
}

/// `DeleteTags`: a value that is given must be the present one; no tags at all means every tag.
pub fn delete(world: &mut World, params: &Params) -> Result<Reply, ApiError> {
    let given = params.structures("Tag");
    for id in resources(world, params)? {
        let tags = tags_of(world, &id)?;
        if given.is_empty() {
            tags.clear();
        }
        for tag in &given {
            let key = required(tag, "Key")?;
            if tag.get("Value").is_none_or(|value| tags.get(key).is_some_and(|present| present == value)) {
                tags.remove(key);
            }
        }
    }
    reply("DeleteTags", |xml| {
        xml.leaf("return", true);
    })
}

/// `DescribeTags`.
pub fn describe(world: &World, params: &Params) -> Result<Reply, ApiError> {
    let filters = Filters::read(params)?;
    let images =
        world.images.all.values().filter(|image| image.owner == world.account).map(|image| (&image.id, &image.tags));
    let templates = world.templates.all.values().map(|template| (&template.id, &template.tags));
    let mut rows = Vec::new();
    let instances = world.compute.instances.values().map(|instance| (&instance.id, &instance.tags));
    for (id, tags) in images.chain(templates).chain(&world.network.tags).chain(instances) {
        for (key, value) in tags {
            let one = BTreeMap::from([(key.clone(), value.clone())]);
            let passed = filters.pass(&one, |name| match name {
                "key" => key.into(),
                "value" => value.into(),
                "resource-id" => id.into(),
                "resource-type" => resource_type(id).into(),
                _ => super::filter::Field::Unknown,
            })?;
            if passed {
                rows.push((id, key, value));
            }
        }
    }
    rows.sort();
    let page = cut(params, rows, |(id, key, _)| format!("{id} {key}"), Limits::USUAL)?;
    reply("DescribeTags", |xml| {
        xml.list("tagSet", "item", page.items, |xml, (id, key, value)| {
            xml.leaf("resourceId", id).leaf("resourceType", resource_type(id)).leaf("key", key).leaf("value", value);
        });
        xml.optional("nextToken", page.next);
    })
}

/// The resources of a request, all of which exist.
fn resources(world: &mut World, params: &Params) -> Result<Vec<String>, ApiError> {
    let ids = params.values("ResourceId");
    if ids.is_empty() {
        return Err(ApiError::new("MissingParameter", "The request must contain the parameter resourceIdSet"));
    }
    if ids.len() > MAX_RESOURCES {
        let message = format!("The number of resources exceeds the maximum of {MAX_RESOURCES}");
        return Err(ApiError::new("ResourceCountExceeded", message));
    }
    for id in &ids {
        tags_of(world, id)?;
    }
    Ok(ids)
}

fn resource_type(id: &str) -> &'static str {
    match id.split_once('-').map(|(prefix, _)| prefix) {
        Some("ami") => "image",
        Some("lt") => "launch-template",
        Some("i") => "instance",
        Some("vpc") => "vpc",
        Some("subnet") => "subnet",
        Some("sg") => "security-group",
        _ => "unknown",
    }
}

fn tags_of<'a>(world: &'a mut World, id: &str) -> Result<&'a mut BTreeMap<String, String>, ApiError> {
    let network = &mut world.network;
    let (code, found) = match resource_type(id) {
        "image" => {
            let own = world.images.all.get_mut(id).filter(|image| image.owner == world.account);
            ("InvalidAMIID.NotFound", own.map(|image| &mut image.tags))
        }
        "launch-template" => {
            ("InvalidLaunchTemplateId.NotFound", world.templates.all.get_mut(id).map(|template| &mut template.tags))
        }
        "instance" => {
            let instance = world.compute.instances.get_mut(id);
            ("InvalidInstanceID.NotFound", instance.map(|instance| &mut instance.tags))
        }
        kind => {
            let (code, exists) = match kind {
                "vpc" => ("InvalidVpcID.NotFound", network.vpcs.contains_key(id)),
                "subnet" => ("InvalidSubnetID.NotFound", network.subnets.contains_key(id)),
                "security-group" => ("InvalidGroup.NotFound", network.security_groups.contains_key(id)),
                _ => ("InvalidID", false),
            };
            (code, exists.then(|| network.tags.entry(id.to_owned()).or_default()))
        }
    };
    found.ok_or_else(|| ApiError::new(code, format!("The ID '{id}' is not valid")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, text, world};

    #[test]
    fn tags_are_added_described_and_removed() {
        let mut world = world();
        let vpc = ask(&mut world, "Action=CreateVpc&CidrBlock=10.0.0.0/16").unwrap();
        let vpc = text(&vpc, "vpcId").to_owned();
        let tag = format!("ResourceId.1={vpc}&Tag.1.Key=Name&Tag.1.Value=main");
        ask(&mut world, &format!("Action=CreateTags&{tag}&Tag.2.Key=x&Tag.2.Value=")).unwrap();
        let by = "Action=DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=vpc&Filter.2.Name=key&Filter.2.Value.1=Name";
        assert_eq!(text(&ask(&mut world, by).unwrap(), "value"), "main");
        // A value that is not the present one removes nothing.
        ask(&mut world, &format!("Action=DeleteTags&ResourceId.1={vpc}&Tag.1.Key=Name&Tag.1.Value=other")).unwrap();
        assert_eq!(world.network.tags[&vpc].len(), 2);
        ask(&mut world, &format!("Action=DeleteTags&{tag}")).unwrap();
        assert_eq!(world.network.tags[&vpc].len(), 1);
    }

    #[test]
    fn tags_that_aws_refuses_are_refused_for_all_resources_or_none() {
        let mut world = world();
        let vpc = ask(&mut world, "Action=CreateVpc&CidrBlock=10.0.0.0/16").unwrap();
        let vpc = text(&vpc, "vpcId").to_owned();
        let long = "x".repeat(257);
        for (query, code) in [
            (format!("ResourceId.1={vpc}&Tag.1.Key=aws:x&Tag.1.Value=1"), "InvalidParameterValue"),
            (format!("ResourceId.1={vpc}&Tag.1.Key=x&Tag.1.Value={long}"), "InvalidParameterValue"),
            (
                format!("ResourceId.1={vpc}&ResourceId.2=ami-00000000&Tag.1.Key=x&Tag.1.Value=1"),
                "InvalidAMIID.NotFound",
            ),
            ("ResourceId.1=nonsense&Tag.1.Key=x".into(), "InvalidID"),
        ] {
            assert_eq!(ask(&mut world, &format!("Action=CreateTags&{query}")).unwrap_err(), code, "{query}");
        }
        assert!(world.network.tags.get(&vpc).is_none_or(|tags| tags.is_empty()));
    }
}
