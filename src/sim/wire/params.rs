//! Parameters of the query protocols: flat names with dots, read as lists and structures.

use std::collections::BTreeMap;

use super::ApiError;

/// Decoded parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Decodes `application/x-www-form-urlencoded` text.
    pub fn decode(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Sets a parameter, such as one that stands in the path.
    pub fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The names of all parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that must be given.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::validation(format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null")))
    }

    /// A parameter as a number or another type that can be read from text.
    pub fn parse<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| ApiError::validation(format!("Value '{text}' at '{name}' has the wrong type"))),
        }
    }

    /// Everything below `prefix.`, without the prefix.
    pub fn below(&self, prefix: &str) -> Params {
        let prefix = format!("{prefix}.");
        // Names stand in order, so that a request with very many of them costs no more than their number.
        let within = self.0.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        Self(within.map(|(name, value)| (name[prefix.len()..].to_owned(), value.clone())).collect())
    }

    /// The elements of a list of structures: `Tags.member.1.Key` under `Tags.member`, `Filter.1.Name` under `Filter`.
    pub fn structures(&self, prefix: &str) -> Vec<Params> {
        (1..).map(|index| self.below(&format!("{prefix}.{index}"))).take_while(|params| !params.0.is_empty()).collect()
    }

    /// The elements of a list of values: `InstanceIds.member.1` under `InstanceIds.member`.
    pub fn values(&self, prefix: &str) -> Vec<String> {
        (1..).map_while(|index| self.0.get(&format!("{prefix}.{index}")).cloned()).collect()
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
