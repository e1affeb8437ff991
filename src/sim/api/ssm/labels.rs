//! Labels of versions, and tags of parameters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Input, find, invalid};
use crate::sim::wire::ApiError;
use crate::sim::world::World;
use crate::sim::world::parameters::Parameter;

/// Most labels of a version.
const MAX_LABELS: usize = 10;

/// Most tags of a parameter.
const MAX_TAGS: usize = 50;

/// `LabelParameterVersion`: a label moves from the version that has it. Labels of the wrong form are named, not put.
pub fn label(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let name = find(world, input.required("Name")?)?.name.clone();
    let labels = input.texts("Labels", MAX_LABELS)?;
    let parameter = parameter(world, &name)?;
    let number = match input.number("ParameterVersion")? {
        Some(number) => number,
        None => parameter.latest().map_or(0, |latest| latest.number),
    };
    let (good, bad): (Vec<String>, Vec<String>) = labels.into_iter().partition(|label| is_label(label));
    let version = parameter.versions.iter().find(|version| version.number == number).ok_or_else(|| {
        let message =
            format!("Systems Manager could not find version {number} of {name}. Verify the version and try again.");
        ApiError::new("ParameterVersionNotFound", message)
    })?;
    let mut all = version.labels.clone();
    all.extend(good.iter().cloned());
    if all.len() > MAX_LABELS {
        let message = format!("A parameter version can have maximum {MAX_LABELS} labels.");
        return Err(ApiError::new("ParameterVersionLabelLimitExceeded", message));
    }
    for version in &mut parameter.versions {
        if version.number == number {
            version.labels.clone_from(&all);
        } else {
            version.labels.retain(|label| !good.contains(label));
        }
    }
    Ok(json!({"InvalidLabels": bad, "ParameterVersion": number}))
}

fn is_label(label: &str) -> bool {
    let characters = label.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let lower = label.to_ascii_lowercase();
    let begins =
        !label.starts_with(|c: char| c.is_ascii_digit()) && !lower.starts_with("aws") && !lower.starts_with("ssm");
    characters && begins && (1..=100).contains(&label.len())
}

/// `AddTagsToResource`.
pub fn add_tags(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let mut new = read_tags(input)?;
    let parameter = resource(world, input)?;
    let mut tags = parameter.tags.clone();
    tags.append(&mut new);
    if tags.len() > MAX_TAGS {
        return Err(ApiError::new("TooManyTagsError", format!("A parameter can have {MAX_TAGS} tags at most.")));
    }
    parameter.tags = tags;
    Ok(json!({}))
}

/// `RemoveTagsFromResource`.
pub fn remove_tags(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let keys = input.texts("TagKeys", MAX_TAGS)?;
    resource(world, input)?.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// `ListTagsForResource`.
pub fn list_tags(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let tags = &resource(world, input)?.tags;
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"TagList": tags}))
}

/// Reads `Tags`, if there are any.
pub fn read_tags(input: &Input) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags")? {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).ok_or_else(|| super::wrong_type("Tags"));
        let (key, value) = (text("Key")?, text("Value")?);
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:") {
            return Err(invalid(format!("The tag {key} is not valid.")));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

/// The parameter whose tags a request means.
fn resource<'a>(world: &'a mut World, input: &Input) -> Result<&'a mut Parameter, ApiError> {
    if input.required("ResourceType")? != "Parameter" {
        return Err(ApiError::new("InvalidResourceType", "The simulated AWS has tags on parameters only."));
    }
    let id = input.required("ResourceId")?;
    let unknown = || ApiError::new("InvalidResourceId", format!("The resource ID is not valid: {id}"));
    let name = find(world, id).map_err(|_| unknown())?.name.clone();
    parameter(world, &name)
}

fn parameter<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Parameter, ApiError> {
    world.parameters.all.get_mut(name).ok_or_else(|| super::not_found(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{ask, world};

    #[test]
    fn tags_come_with_creation_and_later() {
        let mut world = world();
        let put = json!({"Name": "/p", "Value": "1", "Type": "String", "Tags": [{"Key": "a", "Value": "1"}]});
        ask(&mut world, "PutParameter", put).unwrap();
        let resource = |more| {
            let mut input = json!({"ResourceType": "Parameter", "ResourceId": "/p"});
            input.as_object_mut().unwrap().extend(serde_json::Map::from_iter(more));
            input
        };
        let tags = ("Tags".to_owned(), json!([{"Key": "b", "Value": "2"}]));
        ask(&mut world, "AddTagsToResource", resource(Some(tags))).unwrap();
        let keys = ("TagKeys".to_owned(), json!(["a"]));
        ask(&mut world, "RemoveTagsFromResource", resource(Some(keys))).unwrap();
        let listed = ask(&mut world, "ListTagsForResource", resource(None)).unwrap();
        assert_eq!(listed["TagList"], json!([{"Key": "b", "Value": "2"}]));
        let unknown = json!({"ResourceType": "Parameter", "ResourceId": "/q"});
        assert_eq!(ask(&mut world, "ListTagsForResource", unknown).unwrap_err(), "InvalidResourceId");
    }

    #[test]
    fn a_label_stands_on_one_version_and_labels_of_the_wrong_form_are_named() {
        let mut world = world();
        for _ in 0..2 {
            ask(&mut world, "PutParameter", json!({"Name": "/p", "Value": "1", "Type": "String", "Overwrite": true}))
                .unwrap();
        }
        let label =
            |version: u64| json!({"Name": "/p", "ParameterVersion": version, "Labels": ["live", "1st", "aws-x"]});
        ask(&mut world, "LabelParameterVersion", label(1)).unwrap();
        let answer = ask(&mut world, "LabelParameterVersion", label(2)).unwrap();
        assert_eq!(answer, json!({"InvalidLabels": ["1st", "aws-x"], "ParameterVersion": 2}));
        let labels: Vec<usize> =
            world.parameters.all.get("/p").unwrap().versions.iter().map(|version| version.labels.len()).collect();
        assert_eq!(labels, [0, 1]);
    }
}
