//! The Parameter Store of Systems Manager, in JSON.
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html>
//!
//! - [`put`]: writing parameters
//! - [`get`]: reading them, one by one and by path
//! - [`labels`]: labels and tags

mod get;
pub(super) mod known;
mod labels;
mod put;

use serde_json::{Map, Value};

use crate::model::time::Timestamp;
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::parameters::Parameter;

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let input = Input::read(&request.body)?;
    let output = match request.operation.as_str() {
        "PutParameter" => put::put(world, &input),
        "DeleteParameter" => put::delete(world, &input),
        "DeleteParameters" => put::delete_several(world, &input),
        "GetParameter" => get::one(world, &input),
        "GetParameters" => get::several(world, &input),
        "GetParametersByPath" => get::by_path(world, &input),
        "GetParameterHistory" => get::history(world, &input),
        "DescribeParameters" => get::describe(world, &input),
        "LabelParameterVersion" => labels::label(world, &input),
        "AddTagsToResource" => labels::add_tags(world, &input),
        "RemoveTagsFromResource" => labels::remove_tags(world, &input),
        "ListTagsForResource" => labels::list_tags(world, &input),
        _ => return Err(ApiError::new("UnknownOperationException", "")),
    };
    output.map(|value| Reply::json(&value))
}

/// The members of a request.
struct Input(Map<String, Value>);

impl Input {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(ApiError::new("SerializationException", "The request body is not a JSON object")),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    fn required(&self, name: &str) -> Result<&str, ApiError> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(constraint("", name, "Member must have length greater than or equal to 1")),
            None => Err(constraint("null", name, "Member must not be null")),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong_type(name)),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong_type(name)),
        }
    }

    fn list(&self, name: &str) -> Result<&[Value], ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// A list of texts, with bounds on its length.
    fn texts(&self, name: &str, most: usize) -> Result<Vec<String>, ApiError> {
        let texts =
            self.list(name)?.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name)));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        if texts.is_empty() {
            return Err(constraint("[]", name, "Member must have length greater than or equal to 1"));
        }
        if texts.len() > most {
            let value = format!("[{}]", texts.join(", "));
            return Err(constraint(&value, name, &format!("Member must have length less than or equal to {most}")));
        }
        Ok(texts)
    }

    /// The size of a page: at most `most`.
    fn page_size(&self, most: usize) -> Result<usize, ApiError> {
        match self.number("MaxResults")?.map(usize::try_from) {
            None => Ok(most),
            Some(Ok(size)) if (1..=most).contains(&size) => Ok(size),
            Some(size) => {
                let limit = format!("Member must have value between 1 and {most}");
                Err(constraint(&size.unwrap_or(usize::MAX).to_string(), "MaxResults", &limit))
            }
        }
    }
}

fn wrong_type(name: &str) -> ApiError {
    ApiError::new("SerializationException", format!("{name} has the wrong type"))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

/// An error for a member that breaks the service's model.
fn constraint(value: &str, name: &str, constraint: &str) -> ApiError {
    let mut name: String = name.to_owned();
    name[..1].make_ascii_lowercase();
    let value = if value == "null" { value.to_owned() } else { format!("'{value}'") };
    invalid(format!(
        "1 validation error detected: Value {value} at '{name}' failed to satisfy constraint: {constraint}"
    ))
}

fn not_found(name: &str) -> ApiError {
    ApiError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

/// The ARN of a parameter; the slash that begins a hierarchy's name stands for the one after `parameter`.
fn arn(world: &World, name: &str) -> String {
    format!("arn:aws:ssm:{}:{}:parameter/{}", world.region, world.account, name.trim_start_matches('/'))
}

/// The parameter with this name, or with this ARN.
fn find<'a>(world: &'a World, name: &str) -> Result<&'a Parameter, ApiError> {
    let by_arn = || world.parameters.all.values().find(|parameter| arn(world, &parameter.name) == name);
    world.parameters.all.get(name).or_else(by_arn).ok_or_else(|| not_found(name))
}

/// A time in seconds since 1970, as JSON protocols have it.
fn seconds(at: Timestamp) -> Value {
    Value::from(at.as_millisecond() as f64 / 1000.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An empty world.
    pub fn world() -> World {
        World::empty("123456789012", "us-west-2", Timestamp::from_second(1_700_000_000).unwrap())
    }

    /// The answer, or the error code.
    pub fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, String> {
        let request =
            Request { operation: operation.into(), body: input.to_string().into_bytes(), ..Request::default() };
        call(world, &request).map(|reply| serde_json::from_str(&reply.body).unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn bodies_of_the_wrong_form_are_refused() {
        for body in ["", "[]", "{", "{\"Name\": 1}", "{\"Name\": \"a\", \"WithDecryption\": 3, \"x\": {\"y\": [1, 2]}}"]
        {
            let request = Request { operation: "PutParameter".into(), body: body.into(), ..Request::default() };
            assert!(call(&mut world(), &request).is_err(), "{body}");
        }
    }
}
