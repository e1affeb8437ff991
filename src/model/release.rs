//! What is said of a release: its version, branch, commit and build date, what belongs to it, and where its image came from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// What a release says of itself, by the names in a manifest's `release`.
pub const SAID: [&str; 4] = ["version", "branch", "commit", "buildDate"];

/// How many characters of a commit tell it from others.
const SHORT_COMMIT: usize = 7;

/// A kind of source of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceKind {
    /// An SSM parameter.
    SsmParameter,
    /// A search.
    Search,
    /// Another environment.
    FromEnvironment,
    /// Packer's `manifest.json`.
    PackerManifest,
}

impl SourceKind {
    const ALL: [Self; 4] = [Self::SsmParameter, Self::Search, Self::FromEnvironment, Self::PackerManifest];

    /// The name of the field in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::SsmParameter => "ssmParameter",
            SourceKind::Search => "search",
            SourceKind::FromEnvironment => "fromEnvironment",
            SourceKind::PackerManifest => "packerManifest",
        }
    }
}

/// Where an image came from: `search hello-*`. An image that a manifest gives by its id has no origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// What kind of source.
    #[serde(rename = "source")]
    pub kind: SourceKind,
    /// What was asked of it.
    pub expression: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind.as_str(), self.expression)
    }
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not begin with a source of images")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, expression) = text.split_once(' ').ok_or(OriginError)?;
        let kind = SourceKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(OriginError)?;
        Ok(Self { kind, expression: expression.to_owned() })
    }
}

/// The version of a release; of one that has neither version nor commit the name of its image.
pub fn version<'a>(said: &'a BTreeMap<String, String>, image_name: Option<&'a str>) -> Option<&'a str> {
    let unnamed = !said.contains_key("version") && !said.contains_key("commit");
    said.get("version").map(String::as_str).or(image_name.filter(|_| unnamed))
}

/// `1.9.0, main@3f2c1ab, built 2026-11-02`, as far as it is known; empty when nothing is.
pub fn described(said: &BTreeMap<String, String>) -> String {
    let built = built(said).map(|day| format!("built {day}"));
    [said.get("version").cloned(), commit(said), built].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `ami-0222 (1.9.0, 3f2c1ab, built 2026-11-02)`.
pub fn image(id: &str, said: &BTreeMap<String, String>) -> String {
    let described = described(said);
    if described.is_empty() { id.to_owned() } else { format!("{id} ({described})") }
}

/// `main@3f2c1ab`: the branch and the commit in short, as far as they are known.
pub fn commit(said: &BTreeMap<String, String>) -> Option<String> {
    match (said.get("branch"), said.get("commit").map(|commit| short(commit))) {
        (Some(branch), Some(commit)) => Some(format!("{branch}@{commit}")),
        (branch, commit) => commit.or_else(|| branch.cloned()),
    }
}

/// The day on which it was built, if that is known.
pub fn built(said: &BTreeMap<String, String>) -> Option<String> {
    said.get("buildDate").map(|date| day(date))
}

/// A commit in short. What is not one, such as `release-7`, stays as it is.
pub fn short(commit: &str) -> String {
    let is_hash = commit.len() > SHORT_COMMIT && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { commit.chars().take(SHORT_COMMIT).collect() } else { commit.to_owned() }
}

/// The day of a date, when it is one that can be understood; anything else stays as it is.
pub fn day(date: &str) -> String {
    match date.parse::<Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d").to_string(),
        Err(_) => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_image_is_called_by_what_is_known_of_it() {
        let whole = said(&[
            ("version", "1.9.0"),
            ("branch", "main"),
            ("commit", "3f2c1ab9d0e1f2a3b4c5"),
            ("buildDate", "2026-11-02T09:30:00Z"),
        ]);
        assert_eq!(image("ami-1", &whole), "ami-1 (1.9.0, main@3f2c1ab, built 2026-11-02)");
        assert_eq!(image("ami-1", &said(&[("branch", "main")])), "ami-1 (main)");
        assert_eq!(image("ami-1", &said(&[("buildDate", "yesterday")])), "ami-1 (built yesterday)");
        assert_eq!(image("ami-1", &said(&[("commit", "release-7")])), "ami-1 (release-7)");
        assert_eq!(image("ami-1", &BTreeMap::new()), "ami-1");
    }

    #[test]
    fn an_origin_is_read_as_it_was_written() {
        for kind in SourceKind::ALL {
            let origin = Origin { kind, expression: "hello-* of amazon".to_owned() };
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
        for text in ["", "search", "id ami-1"] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
