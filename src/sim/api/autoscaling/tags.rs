//! Tags of groups. They are overwritten silently, and nothing compares before it sets.

use super::{answer, done, invalid_token, no_such_group, settings};
use crate::sim::api::query::{number, page};
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::scaling::Tag;

/// The group that a tag of a request is for.
fn group_of<'a>(world: &World, params: &'a Params) -> Result<&'a str, ApiError> {
    let kind = params.get("ResourceType").unwrap_or("auto-scaling-group");
    if kind != "auto-scaling-group" {
        return Err(ApiError::validation(format!("Invalid resource type: {kind}")));
    }
    let name = params.required("ResourceId")?;
    if world.scaling.groups.contains_key(name) { Ok(name) } else { Err(no_such_group(name)) }
}

pub(super) fn write(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let given = request.params.structures("Tags.member");
    let mut groups = world.scaling.groups.clone();
    for params in &given {
        let name = group_of(world, params)?;
        let (key, tag) = settings::tag(params)?;
        if let Some(group) = groups.get_mut(name) {
            group.tags.insert(key, tag);
            settings::check_tag_count(group.tags.len())?;
        }
    }
    world.scaling.groups = groups;
    Ok(done(request))
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let given = request.params.structures("Tags.member");
    for params in &given {
        group_of(world, params)?;
        params.required("Key")?;
    }
    for params in &given {
        let (name, key) = (params.required("ResourceId")?, params.required("Key")?);
        if let Some(group) = world.scaling.groups.get_mut(name) {
            group.tags.remove(key);
        }
    }
    Ok(done(request))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let size = number(params, "MaxRecords", 50, 1, 100)? as usize;
    let filters = params
        .structures("Filters.member")
        .iter()
        .map(|filter| Ok((filter.required("Name")?.to_owned(), filter.values("Values.member"))))
        .collect::<Result<Vec<_>, ApiError>>()?;
    if let Some((name, _)) = filters
        .iter()
        .find(|(name, _)| !["auto-scaling-group", "key", "value", "propagate-at-launch"].contains(&name.as_str()))
    {
        return Err(ApiError::validation(format!(
            "Filter type {name} is not correct. Allowed Filter types are: auto-scaling-group key value propagate-at-launch"
        )));
    }
    let passes = |group: &str, key: &str, tag: &Tag| {
        filters.iter().all(|(name, values)| {
            let propagate = tag.propagate.to_string();
            let actual = match name.as_str() {
                "auto-scaling-group" => group,
                "key" => key,
                "value" => &tag.value,
                _ => &propagate,
            };
            values.iter().any(|value| value == actual)
        })
    };
    let all = world.scaling.groups.iter().flat_map(|(name, group)| group.tags.iter().map(move |it| (name, it)));
    let mut found: Vec<_> = all
        .filter(|(name, (key, tag))| passes(name, key, tag))
        // A character that no name and no key holds keeps the order of the pairs.
        .map(|(name, (key, tag))| (format!("{name}\u{1}{key}"), (name, key, tag)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let (shown, next) = page(found.into_iter(), params.get("NextToken"), size, invalid_token)?;
    Ok(answer(request, |xml| {
        xml.list("Tags", "member", shown, |xml, (name, key, tag)| {
            xml.leaf("ResourceId", name).leaf("ResourceType", "auto-scaling-group");
            xml.leaf("Key", key).leaf("Value", &tag.value).leaf("PropagateAtLaunch", tag.propagate);
        });
        xml.optional("NextToken", next);
    }))
}
