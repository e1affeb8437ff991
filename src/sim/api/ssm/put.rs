//! Writing parameters.

use serde_json::{Value, json};

use super::{Input, find, invalid, labels};
use crate::sim::wire::ApiError;
use crate::sim::world::World;
use crate::sim::world::parameters::{KEPT_VERSIONS, Parameter, ParameterVersion};

/// Deepest hierarchy of names.
const MAX_LEVELS: usize = 15;

/// `PutParameter`. There is no condition on the version: the last writer wins.
pub fn put(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let name = input.required("Name")?;
    let value = input.required("Value")?;
    let overwrite = input.flag("Overwrite")?;
    check_name(name)?;
    let tags = labels::read_tags(input)?;
    if overwrite && !tags.is_empty() {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    let tier = tier(input, value)?;
    let mut version = ParameterVersion {
        number: 1,
        value: value.to_owned(),
        description: input.text("Description")?.map(str::to_owned),
        tier: tier.to_owned(),
        data_type: data_type(input)?.to_owned(),
        modified_at: world.now,
        labels: Default::default(),
    };
    let kind = input.text("Type")?;
    if let Some(kind) = kind.filter(|kind| !["String", "StringList", "SecureString"].contains(kind)) {
        let message = format!("The following parameter type isn't supported: {kind}");
        return Err(ApiError::new("UnsupportedParameterType", message));
    }
    if version.data_type == IMAGE && !is_image(world, value) {
        // AWS looks at the image only after it has answered: the answer is the same, and nothing is written.
        let number = world.parameters.all.get(name).and_then(Parameter::latest).map_or(1, |latest| latest.number + 1);
        return Ok(json!({"Version": number, "Tier": version.tier}));
    }
    match world.parameters.all.get_mut(name) {
        Some(_) if !overwrite => {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(ApiError::new("ParameterAlreadyExists", message));
        }
        Some(parameter) => {
            if kind.is_some_and(|kind| kind != parameter.kind) {
                let message = "The parameter's type can't be changed: delete it and create it anew";
                return Err(ApiError::new("HierarchyTypeMismatchException", message));
            }
            version.number = parameter.latest().map_or(0, |latest| latest.number) + 1;
            push(parameter, version.clone())?;
        }
        None => {
            let kind = kind.ok_or_else(|| invalid("A parameter type is required when you create a parameter."))?;
            let parameter =
                Parameter { name: name.to_owned(), kind: kind.to_owned(), versions: vec![version.clone()], tags };
            world.parameters.all.insert(name.to_owned(), parameter);
        }
    }
    Ok(json!({"Version": version.number, "Tier": version.tier}))
}

/// The data type of the ids of images.
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html>
const IMAGE: &str = "aws:ec2:image";

fn data_type(input: &Input) -> Result<&str, ApiError> {
    match input.text("DataType")?.unwrap_or("text") {
        known @ ("text" | IMAGE) => Ok(known),
        other => Err(invalid(format!(
            "The following data type is not supported: {other} (Data type names are all lowercase.)"
        ))),
    }
}

fn is_image(world: &World, id: &str) -> bool {
    world.images.all.get(id).is_some_and(|image| image.public || image.owner == world.account)
}

/// `DeleteParameter`.
pub fn delete(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let name = find(world, input.required("Name")?)?.name.clone();
    world.parameters.all.remove(&name);
    Ok(json!({}))
}

/// `DeleteParameters`: at most 10.
pub fn delete_several(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let (deleted, invalid): (Vec<String>, Vec<String>) =
        input.texts("Names", 10)?.into_iter().partition(|name| world.parameters.all.remove(name));
    Ok(json!({"DeletedParameters": deleted, "InvalidParameters": invalid}))
}

/// Adds a version. The oldest one makes room, unless it has a label: then writing fails.
fn push(parameter: &mut Parameter, version: ParameterVersion) -> Result<(), ApiError> {
    if parameter.versions.len() >= KEPT_VERSIONS {
        if parameter.versions.first().is_some_and(|oldest| !oldest.labels.is_empty()) {
            let message = format!(
                "You attempted to create a new version of {} by calling the PutParameter API with the overwrite flag. Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
                parameter.name, parameter.versions[0].number
            );
            return Err(ApiError::new("ParameterMaxVersionLimitExceeded", message));
        }
        parameter.versions.remove(0);
    }
    parameter.versions.push(version);
    Ok(())
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-/".contains(&b)) {
        return Err(invalid(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    if name.contains("//") || name.ends_with('/') {
        return Err(invalid("Parameter name must not have an empty sub-path."));
    }
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        return Err(ApiError::new("AccessDeniedException", format!("No access to reserved parameter name: {name}.")));
    }
    if name.matches('/').count() > MAX_LEVELS {
        let message = format!("Parameter hierarchies can't have more than {MAX_LEVELS} levels.");
        return Err(ApiError::new("HierarchyLevelLimitExceededException", message));
    }
    Ok(())
}

/// The tier, which the length of the value must fit.
fn tier(input: &Input, value: &str) -> Result<&'static str, ApiError> {
    if value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        let message = "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.";
        return Err(invalid(message));
    }
    let (tier, most) = match (input.text("Tier")?, value.len()) {
        (None | Some("Standard"), _) => ("Standard", 4096),
        (Some("Advanced"), _) => ("Advanced", 8192),
        (Some("Intelligent-Tiering"), length) if length <= 4096 => ("Standard", 4096),
        (Some("Intelligent-Tiering"), _) => ("Advanced", 8192),
        (Some(other), _) => return Err(super::constraint(other, "Tier", "Member must satisfy enum value set")),
    };
    if value.len() <= most {
        return Ok(tier);
    }
    Err(invalid(format!(
        "{tier} tier parameters support a maximum parameter value of {most} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{ask, world};
    use crate::sim::world::World;
    use crate::sim::world::example::{HELLO_1_0, HELLO_FOREIGN};
    use crate::sim::world::parameters::KEPT_VERSIONS;

    #[test]
    fn a_parameter_is_created_once_and_overwritten_on_request_only() {
        let mut world = world();
        let put = |overwrite: bool| json!({"Name": "/a/b", "Value": "1", "Type": "String", "Overwrite": overwrite});
        assert_eq!(ask(&mut world, "PutParameter", put(false)).unwrap(), json!({"Version": 1, "Tier": "Standard"}));
        assert_eq!(ask(&mut world, "PutParameter", put(false)).unwrap_err(), "ParameterAlreadyExists");
        assert_eq!(ask(&mut world, "PutParameter", put(true)).unwrap()["Version"], 2);
        ask(&mut world, "DeleteParameter", json!({"Name": "/a/b"})).unwrap();
        assert_eq!(ask(&mut world, "DeleteParameter", json!({"Name": "/a/b"})).unwrap_err(), "ParameterNotFound");
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let mut world = world();
        let tags = json!([{"Key": "k", "Value": "v"}]);
        ask(&mut world, "PutParameter", json!({"Name": "/p", "Value": "1", "Type": "String"})).unwrap();
        for (input, code) in [
            (json!({"Name": "/a", "Value": "1"}), "ValidationException"),
            (json!({"Name": "/a", "Value": "", "Type": "String"}), "ValidationException"),
            (json!({"Name": "/a", "Value": "x".repeat(4097), "Type": "String"}), "ValidationException"),
            (json!({"Name": "/a", "Value": "{{x}}", "Type": "String"}), "ValidationException"),
            (json!({"Name": "/a", "Value": "1", "Type": "Text"}), "UnsupportedParameterType"),
            (json!({"Name": "a/b", "Value": "1", "Type": "String"}), "ValidationException"),
            (json!({"Name": "/a b", "Value": "1", "Type": "String"}), "ValidationException"),
            (json!({"Name": "/aws/x", "Value": "1", "Type": "String"}), "AccessDeniedException"),
            (json!({"Name": "/a".repeat(16), "Value": "1", "Type": "String"}), "HierarchyLevelLimitExceededException"),
            (
                json!({"Name": "/p", "Value": "1", "Type": "String", "Overwrite": true, "Tags": tags}),
                "ValidationException",
            ),
            (
                json!({"Name": "/p", "Value": "1", "Type": "StringList", "Overwrite": true}),
                "HierarchyTypeMismatchException",
            ),
        ] {
            assert_eq!(ask(&mut world, "PutParameter", input.clone()).unwrap_err(), code, "{input:.120}");
        }
        let advanced =
            json!({"Name": "/big", "Value": "x".repeat(4097), "Type": "String", "Tier": "Intelligent-Tiering"});
        assert_eq!(ask(&mut world, "PutParameter", advanced).unwrap()["Tier"], "Advanced");
    }

    #[test]
    fn a_parameter_of_the_type_of_images_holds_an_image_that_there_is() {
        let mut world = World::example("2026-11-02T12:00:00Z".parse().unwrap());
        let put = |id: &str| json!({"Name": "/i", "Value": id, "Type": "String", "DataType": "aws:ec2:image", "Overwrite": true});
        for id in [HELLO_FOREIGN, "nonsense"] {
            assert_eq!(ask(&mut world, "PutParameter", put(id)).unwrap()["Version"], 1, "{id}");
            assert_eq!(ask(&mut world, "GetParameter", json!({"Name": "/i"})).unwrap_err(), "ParameterNotFound");
        }
        ask(&mut world, "PutParameter", put(HELLO_1_0)).unwrap();
        let parameter = ask(&mut world, "GetParameter", json!({"Name": "/i"})).unwrap()["Parameter"].clone();
        assert_eq!((&parameter["Value"], &parameter["DataType"]), (&json!(HELLO_1_0), &json!("aws:ec2:image")));
        let other = json!({"Name": "/i", "Value": "1", "Type": "String", "DataType": "AWS:EC2:Image"});
        assert_eq!(ask(&mut world, "PutParameter", other).unwrap_err(), "ValidationException");
    }

    #[test]
    fn a_hundred_versions_are_kept_and_a_labelled_oldest_one_blocks_the_next() {
        let mut world = world();
        let put = json!({"Name": "/p", "Value": "1", "Type": "String", "Overwrite": true});
        for _ in 0..=KEPT_VERSIONS {
            ask(&mut world, "PutParameter", put.clone()).unwrap();
        }
        assert_eq!(world.parameters.all.get("/p").unwrap().versions.len(), KEPT_VERSIONS);
        let label = |version: u64| json!({"Name": "/p", "ParameterVersion": version, "Labels": ["keep"]});
        assert_eq!(ask(&mut world, "LabelParameterVersion", label(1)).unwrap_err(), "ParameterVersionNotFound");
        ask(&mut world, "LabelParameterVersion", label(2)).unwrap();
        assert_eq!(ask(&mut world, "PutParameter", put.clone()).unwrap_err(), "ParameterMaxVersionLimitExceeded");
        ask(&mut world, "LabelParameterVersion", label(50)).unwrap();
        assert_eq!(ask(&mut world, "PutParameter", put).unwrap()["Version"], 102);
    }
}
