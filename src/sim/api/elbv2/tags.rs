//! Tags of load balancers, target groups, listeners and rules.

use std::collections::BTreeMap;

use super::{answer, listener_not_found, load_balancer_not_found, rule_not_found, target_group_not_found};
use crate::sim::wire::{ApiError, Params, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::balancing::Balancing;

type Tags = BTreeMap<String, String>;

/// The most resources of one call, and the most tags of one resource.
const RESOURCES_A_CALL: usize = 20;
const TAGS: usize = 50;

/// The tags of a request.
pub(super) fn read(params: &Params) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in params.structures("Tags.member") {
        let key = tag.required("Key")?;
        let value = tag.get("Value").unwrap_or_default();
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(ApiError::validation(format!(
                "Tag '{key}' is too long: a key may have 128 characters, a value 256"
            )));
        }
        if let Some(wrong) = [key, value].into_iter().find(|text| !text.chars().all(is_allowed)) {
            return Err(ApiError::validation(format!("'{wrong}' holds characters that are not allowed in tags")));
        }
        if key.starts_with("aws:") {
            return Err(ApiError::validation(format!("Tag key '{key}' must not begin with aws:")));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(ApiError::new("DuplicateTagKeys", format!("Tag key '{key}' was specified more than once")));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

/// AWS allows `[\p{L}\p{Z}\p{N}_.:/=+\-@]`; of what separates, that is everything but control characters.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Tag.html>
fn is_allowed(character: char) -> bool {
    let separates = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || separates || "_.:/=+-@".contains(character)
}

fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > TAGS {
        return Err(ApiError::new("TooManyTags", format!("A resource may have at most '{TAGS}' tags")));
    }
    Ok(())
}

/// The tags of what an ARN names, or what AWS says when there is nothing.
fn of<'a>(balancing: &'a Balancing, arn: &str) -> Result<&'a Tags, ApiError> {
    match kind(arn) {
        "loadbalancer" => {
            balancing.load_balancers.get(arn).map(|it| &it.tags).ok_or_else(|| load_balancer_not_found(arn))
        }
        "targetgroup" => balancing.target_groups.get(arn).map(|it| &it.tags).ok_or_else(|| target_group_not_found(arn)),
        "listener" => balancing.listeners.get(arn).map(|it| &it.tags).ok_or_else(listener_not_found),
        "listener-rule" => balancing.rules.get(arn).map(|it| &it.tags).ok_or_else(rule_not_found),
        _ => Err(ApiError::validation(format!("'{arn}' is not a valid ARN"))),
    }
}

fn of_mut<'a>(balancing: &'a mut Balancing, arn: &str) -> Option<&'a mut Tags> {
    match kind(arn) {
        "loadbalancer" => balancing.load_balancers.get_mut(arn).map(|it| &mut it.tags),
        "targetgroup" => balancing.target_groups.get_mut(arn).map(|it| &mut it.tags),
        "listener" => balancing.listeners.get_mut(arn).map(|it| &mut it.tags),
        "listener-rule" => balancing.rules.get_mut(arn).map(|it| &mut it.tags),
        _ => None,
    }
}

/// What kind of thing an ARN names.
fn kind(arn: &str) -> &str {
    arn.split(':').nth(5).and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// The resources that a request names, all of which must be there.
fn resources(world: &World, params: &Params) -> Result<Vec<String>, ApiError> {
    let arns = params.values("ResourceArns.member");
    if arns.is_empty() || arns.len() > RESOURCES_A_CALL {
        return Err(ApiError::validation(format!("Specify 1 to {RESOURCES_A_CALL} resource ARNs")));
    }
    for arn in &arns {
        of(&world.balancing, arn)?;
    }
    Ok(arns)
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let arns = resources(world, &request.params)?;
    Ok(answer(request, |xml| {
        xml.list("TagDescriptions", "member", &arns, |xml, arn| {
            xml.leaf("ResourceArn", arn);
            let tags = of(&world.balancing, arn).into_iter().flatten();
            xml.list("Tags", "member", tags, |xml, (key, value)| {
                xml.leaf("Key", key).leaf("Value", value);
            });
        });
    }))
}

pub(super) fn add(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arns = resources(world, &request.params)?;
    let tags = read(&request.params)?;
    for arn in &arns {
        let mut all = of(&world.balancing, arn)?.clone();
        all.extend(tags.clone());
        check_count(&all)?;
    }
    for arn in &arns {
        if let Some(all) = of_mut(&mut world.balancing, arn) {
            all.extend(tags.clone());
        }
    }
    Ok(answer(request, |_| {}))
}

pub(super) fn remove(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arns = resources(world, &request.params)?;
    let keys = request.params.values("TagKeys.member");
    for arn in &arns {
        if let Some(tags) = of_mut(&mut world.balancing, arn) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
    Ok(answer(request, |_| {}))
}
