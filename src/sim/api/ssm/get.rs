//! Reading parameters, one by one and by path.

use serde_json::{Value, json};

use super::{Input, arn, constraint, find, invalid, not_found, seconds};
use crate::sim::wire::ApiError;
use crate::sim::world::World;
use crate::sim::world::parameters::{Parameter, ParameterVersion};

/// `GetParameter`: by name or ARN, with `:version` or `:label` after it if wanted.
pub fn one(world: &World, input: &Input) -> Result<Value, ApiError> {
    let (parameter, version, selector) = select(world, input.required("Name")?)?;
    Ok(json!({"Parameter": describe_value(world, parameter, version, selector)}))
}

/// `GetParameters`: at most 10; those that are not there are named.
pub fn several(world: &World, input: &Input) -> Result<Value, ApiError> {
    let names = input.texts("Names", 10)?;
    // IAM is asked about every name, and the whole call is refused for the first that is not allowed.
    if let Some(denied) = names.iter().find_map(|name| world.parameters.denied.get(name.split(':').next()?)) {
        let message = format!(
            "User: {} is not authorized to perform: ssm:GetParameters on resource: {} because no identity-based policy \
             allows the ssm:GetParameters action",
            user(world),
            arn(world, denied)
        );
        return Err(ApiError::new("AccessDeniedException", message));
    }
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in std::collections::BTreeSet::from_iter(&names) {
        match select(world, name) {
            Ok((parameter, version, selector)) => found.push(describe_value(world, parameter, version, selector)),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

/// `GetParametersByPath`: at most 10 a page.
pub fn by_path(world: &World, input: &Input) -> Result<Value, ApiError> {
    let path = input.required("Path")?;
    if !path.starts_with('/') {
        return Err(invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".",
        ));
    }
    if !input.list("ParameterFilters")?.is_empty() {
        return Err(ApiError::new("InvalidFilterKey", "The simulated AWS has no filters on GetParametersByPath"));
    }
    let recursive = input.flag("Recursive")?;
    let found = world.parameters.all.values().filter(|parameter| is_below(&parameter.name, path, recursive));
    let shown = found.filter_map(|parameter| Some((parameter, parameter.latest()?)));
    page(input, 10, shown.map(|(parameter, version)| describe_value(world, parameter, version, None)).collect())
}

/// `GetParameterHistory`: at most 50 a page, oldest first.
pub fn history(world: &World, input: &Input) -> Result<Value, ApiError> {
    let parameter = find(world, input.required("Name")?)?;
    let describe = |version: &ParameterVersion| {
        json!({
            "Name": parameter.name,
            "Type": parameter.kind,
            "LastModifiedDate": seconds(version.modified_at),
            "LastModifiedUser": user(world),
            "Description": version.description,
            "Value": version.value,
            "Version": version.number,
            "Labels": version.labels,
            "Tier": version.tier,
            "DataType": version.data_type,
        })
    };
    page(input, 50, parameter.versions.iter().map(describe).collect())
}

/// `DescribeParameters`: at most 50 a page, with filters on `Name`, `Path`, `Type` and `tag:`.
pub fn describe(world: &World, input: &Input) -> Result<Value, ApiError> {
    let filters = input.list("ParameterFilters")?.iter().map(Filter::read).collect::<Result<Vec<_>, _>>()?;
    let found = world.parameters.all.values().filter(|parameter| filters.iter().all(|filter| filter.pass(parameter)));
    let describe = |parameter: &Parameter| {
        let version = parameter.latest();
        json!({
            "Name": parameter.name,
            "ARN": arn(world, &parameter.name),
            "Type": parameter.kind,
            "LastModifiedDate": version.map(|version| seconds(version.modified_at)),
            "LastModifiedUser": user(world),
            "Description": version.and_then(|version| version.description.as_ref()),
            "Version": version.map(|version| version.number),
            "Tier": version.map(|version| &version.tier),
            "Policies": [],
            "DataType": version.map(|version| &version.data_type),
        })
    };
    page(input, 50, found.map(describe).collect())
}

fn user(world: &World) -> String {
    format!("arn:aws:iam::{}:user/simulated", world.account)
}

/// A parameter and a version of it by name, `name:version` or `name:label`.
fn select<'a, 'b>(
    world: &'a World,
    name: &'b str,
) -> Result<(&'a Parameter, &'a ParameterVersion, Option<&'b str>), ApiError> {
    if let Ok(parameter) = find(world, name) {
        return parameter.latest().map(|version| (parameter, version, None)).ok_or_else(|| not_found(name));
    }
    let (bare, selector) = name.rsplit_once(':').ok_or_else(|| not_found(name))?;
    let parameter = find(world, bare)?;
    let version = parameter.version(selector).ok_or_else(|| {
        let message =
            format!("Systems Manager could not find version {selector} of {bare}. Verify the version and try again.");
        ApiError::new("ParameterVersionNotFound", message)
    })?;
    Ok((parameter, version, Some(selector)))
}

fn describe_value(world: &World, parameter: &Parameter, version: &ParameterVersion, selector: Option<&str>) -> Value {
    let mut value = json!({
        "Name": parameter.name,
        "Type": parameter.kind,
        "Value": version.value,
        "Version": version.number,
        "LastModifiedDate": seconds(version.modified_at),
        "ARN": arn(world, &parameter.name),
        "DataType": version.data_type,
    });
    if let Some(selector) = selector {
        value["Selector"] = format!(":{selector}").into();
    }
    value
}

fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let below = name.strip_prefix(path.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    below.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// One page; its token is the index of the first item that it leaves out, and empty when there is none.
fn page(input: &Input, most: usize, items: Vec<Value>) -> Result<Value, ApiError> {
    let size = input.page_size(most)?;
    let start = match input.text("NextToken")? {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|start| *start <= items.len())
            .ok_or_else(|| ApiError::new("InvalidNextToken", "The specified token isn't valid."))?,
    };
    let end = items.len().min(start + size);
    let next = if end < items.len() { end.to_string() } else { String::new() };
    Ok(json!({"Parameters": items[start..end], "NextToken": next}))
}

struct Filter {
    key: String,
    option: String,
    values: Vec<String>,
}

impl Filter {
    fn read(value: &Value) -> Result<Self, ApiError> {
        let input = match value {
            Value::Object(members) => Input(members.clone()),
            _ => return Err(super::wrong_type("ParameterFilters")),
        };
        let key = input.required("Key")?.to_owned();
        let default = if key == "Path" { "OneLevel" } else { "Equals" };
        let option = input.text("Option")?.unwrap_or(default).to_owned();
        let known = match key.as_str() {
            "Name" => ["Equals", "BeginsWith", "Contains"].contains(&option.as_str()),
            "Path" => ["OneLevel", "Recursive"].contains(&option.as_str()),
            "Type" => option == "Equals",
            key if key.starts_with("tag:") => option == "Equals",
            _ => return Err(ApiError::new("InvalidFilterKey", format!("The specified key isn't valid: {key}"))),
        };
        if !known {
            return Err(ApiError::new(
                "InvalidFilterOption",
                format!("The following filter option is not valid: {option}"),
            ));
        }
        let values = input.texts("Values", 50).map_err(|_| constraint("[]", "Values", "Member must not be empty"))?;
        Ok(Self { key, option, values })
    }

    fn pass(&self, parameter: &Parameter) -> bool {
        self.values.iter().any(|value| match (self.key.as_str(), self.option.as_str()) {
            ("Name", "BeginsWith") => parameter.name.starts_with(value.as_str()),
            ("Name", "Contains") => parameter.name.contains(value.as_str()),
            ("Name", _) => parameter.name == *value,
            ("Path", option) => is_below(&parameter.name, value, option == "Recursive"),
            ("Type", _) => parameter.kind == *value,
            (key, _) => key.strip_prefix("tag:").and_then(|key| parameter.tags.get(key)) == Some(value),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{ask, world};
    use crate::sim::world::World;

    fn filled(count: usize) -> World {
        let mut world = world();
        for number in 0..count {
            let input = json!({"Name": format!("/app/prod/{number:02}"), "Value": "v", "Type": "String"});
            ask(&mut world, "PutParameter", input).unwrap();
        }
        world
    }

    #[test]
    fn versions_are_read_by_number_and_by_label() {
        let mut world = filled(1);
        ask(&mut world, "PutParameter", json!({"Name": "/app/prod/00", "Value": "w", "Overwrite": true})).unwrap();
        ask(
            &mut world,
            "LabelParameterVersion",
            json!({"Name": "/app/prod/00", "ParameterVersion": 1, "Labels": ["good"]}),
        )
        .unwrap();
        let get = |world: &mut World, name: &str| ask(world, "GetParameter", json!({"Name": name}));
        assert_eq!(get(&mut world, "/app/prod/00").unwrap()["Parameter"]["Value"], "w");
        for name in
            ["/app/prod/00:1", "/app/prod/00:good", "arn:aws:ssm:us-west-2:123456789012:parameter/app/prod/00:1"]
        {
            assert_eq!(get(&mut world, name).unwrap()["Parameter"]["Value"], "v", "{name}");
        }
        assert_eq!(get(&mut world, "/app/prod/00:3").unwrap_err(), "ParameterVersionNotFound");
        assert_eq!(get(&mut world, "/app/prod/99").unwrap_err(), "ParameterNotFound");
        let history = ask(&mut world, "GetParameterHistory", json!({"Name": "/app/prod/00"})).unwrap();
        assert_eq!(history["Parameters"][0]["Labels"], json!(["good"]));
        assert_eq!(history["Parameters"][1]["Version"], 2);
    }

    #[test]
    fn ten_names_at_once_and_those_that_are_not_there_are_named() {
        let mut world = filled(12);
        let names = |count: usize| (0..count).map(|n| format!("/app/prod/{n:02}")).collect::<Vec<_>>();
        let eleven = ask(&mut world, "GetParameters", json!({"Names": names(11)}));
        assert_eq!(eleven.unwrap_err(), "ValidationException");
        let found = ask(&mut world, "GetParameters", json!({"Names": ["/app/prod/00", "/no"]})).unwrap();
        assert_eq!((found["Parameters"].as_array().unwrap().len(), &found["InvalidParameters"]), (1, &json!(["/no"])));
    }

    #[test]
    fn paths_are_read_in_pages_of_ten() {
        let mut world = filled(12);
        ask(&mut world, "PutParameter", json!({"Name": "/app/prodigy", "Value": "v", "Type": "String"})).unwrap();
        let mut read = |input| ask(&mut world, "GetParametersByPath", input);
        let first = read(json!({"Path": "/app/prod"})).unwrap();
        assert_eq!(first["Parameters"].as_array().unwrap().len(), 10);
        let rest = read(json!({"Path": "/app/prod", "NextToken": first["NextToken"]})).unwrap();
        assert_eq!((rest["Parameters"].as_array().unwrap().len(), &rest["NextToken"]), (2, &json!("")));
        assert_eq!(read(json!({"Path": "/app"})).unwrap()["Parameters"].as_array().unwrap().len(), 1);
        assert_eq!(read(json!({"Path": "/app/", "Recursive": true})).unwrap()["NextToken"], "10");
        assert_eq!(read(json!({"Path": "/app", "NextToken": "x"})).unwrap_err(), "InvalidNextToken");
        assert_eq!(read(json!({"Path": "app"})).unwrap_err(), "ValidationException");
        assert_eq!(read(json!({"Path": "/app", "MaxResults": 11})).unwrap_err(), "ValidationException");
    }

    #[test]
    fn parameters_are_described_by_filters() {
        let mut world = filled(3);
        let mut read = |filter| ask(&mut world, "DescribeParameters", json!({"ParameterFilters": [filter]}));
        let begins = json!({"Key": "Name", "Option": "BeginsWith", "Values": ["/app/prod/0"]});
        assert_eq!(read(begins).unwrap()["Parameters"].as_array().unwrap().len(), 3);
        let path = json!({"Key": "Path", "Option": "Recursive", "Values": ["/app"]});
        assert_eq!(read(path).unwrap()["Parameters"].as_array().unwrap().len(), 3);
        assert_eq!(read(json!({"Key": "Colour", "Values": ["red"]})).unwrap_err(), "InvalidFilterKey");
    }
}
