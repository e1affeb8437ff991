//! The filters of EC2's describe calls: all filters must hold, one value of each suffices, `*` and `?` match anything.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>

use std::collections::BTreeMap;

use crate::sim::wire::{ApiError, Params};

/// Filters of a request.
pub struct Filters(Vec<(String, Vec<String>)>);

/// What a thing has under the name of a filter.
pub enum Field {
    /// These values, of which one must match.
    Values(Vec<String>),
    /// There is no such filter.
    Unknown,
}

impl<T: ToString> From<T> for Field {
    fn from(value: T) -> Self {
        Field::Values(vec![value.to_string()])
    }
}

impl Filters {
    /// Reads `Filter.1.Name`, `Filter.1.Value.1` ….
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        let mut filters = Vec::new();
        for filter in params.structures("Filter") {
            filters.push((super::required(&filter, "Name")?.to_owned(), filter.values("Value")));
        }
        Ok(Self(filters))
    }

    /// Whether a thing passes; `field` tells what it has under a filter's name. Filters on tags are the same everywhere.
    pub fn pass(&self, tags: &BTreeMap<String, String>, field: impl Fn(&str) -> Field) -> Result<bool, ApiError> {
        for (name, wanted) in &self.0 {
            let found = match (name.as_str(), name.strip_prefix("tag:")) {
                (_, Some(key)) => Field::Values(tags.get(key).cloned().into_iter().collect()),
                ("tag-key", _) => Field::Values(tags.keys().cloned().collect()),
                (name, _) => field(name),
            };
            match found {
                Field::Unknown => {
                    return Err(ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
                }
                Field::Values(values) => {
                    if !wanted.iter().any(|pattern| values.iter().any(|value| matches(pattern, value))) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

/// Whether `text` matches a pattern of `*` and `?`; a backslash takes the special meaning away.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    // Greedy, with a way back to the last star only: linear in practice, and never exponential.
    let (mut at, mut next, mut back) = (0, 0, None);
    while next < text.len() {
        match pattern.get(at) {
            Some(Token::Star) => {
                back = Some((at, next));
                at += 1;
            }
            Some(Token::One(character)) if character.is_none_or(|wanted| wanted == text[next]) => {
                at += 1;
                next += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    at = star + 1;
                    next = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|token| matches!(token, Token::Star))
}

enum Token {
    Star,
    /// One character: this one, or any.
    One(Option<char>),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut characters = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Star,
            '?' => Token::One(None),
            '\\' => Token::One(Some(characters.next().unwrap_or('\\'))),
            other => Token::One(Some(other)),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_aws_documents() {
        for (pattern, text, expected) in [
            ("hello", "hello", true),
            ("hello", "hello2", false),
            ("*", "", true),
            ("hello-*-v?", "hello-world-prod-v1", true),
            ("hello-*-v?", "hello-world-prod-v12", false),
            ("*b*b", "abcb", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
        assert!(!matches(&"*a".repeat(200), &"b".repeat(5_000)));
    }

    #[test]
    fn filters_are_joined_by_and_and_their_values_by_or() {
        let filters = Filters::read(&Params::decode(
            b"Filter.1.Name=tag:app&Filter.1.Value.1=x&Filter.1.Value.2=hello&Filter.2.Name=state&Filter.2.Value.1=up",
        ))
        .unwrap();
        let tags = BTreeMap::from([("app".to_owned(), "hello".to_owned())]);
        let state = |state: &'static str| move |name: &str| if name == "state" { state.into() } else { Field::Unknown };
        assert!(filters.pass(&tags, state("up")).unwrap());
        assert!(!filters.pass(&tags, state("down")).unwrap());
        assert!(!filters.pass(&BTreeMap::new(), state("up")).unwrap());
        assert!(filters.pass(&tags, |_| Field::Unknown).is_err());
    }
}
