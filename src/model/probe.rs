//! Questions over HTTP, to an app through its load balancer or to a webhook, and what came back.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{AppName, EnvironmentName, Generation};
use super::text::cleaned;
use super::time::{Span, Timestamp};

/// The header whose value leads a request to the generation that has no traffic yet.
pub const PREVIEW_HEADER: &str = "X-Amiable-Preview";

/// How much of an answer's body is looked at.
pub const MOST_BODY: usize = 64 * 1024;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// The name to connect to, when it is another than the host that is asked.
    pub via: Option<String>,
    /// Whether over TLS, with a certificate that must be the host's.
    pub secure: bool,
    /// The host that is asked, as in the `Host` header.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// Headers, besides those that every request has.
    pub headers: BTreeMap<String, String>,
    /// The body, which is JSON.
    pub body: Option<String>,
    /// The environment variable, where the request is made, that holds a bearer token. The token itself is never here.
    pub token_variable: Option<String>,
    /// How long connecting and answering may take together.
    pub timeout: Span,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replied {
    /// An answer, good or bad.
    Answer(Answer),
    /// Connected, but no whole answer came within the timeout.
    Late,
    /// Connected, but the connection ended without an answer that can be read: why.
    Broken(String),
    /// No connection, so that nothing is known of who should have answered: why.
    Unreachable(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The beginning of its body, at most [`MOST_BODY`] bytes; what is not text is replaced.
    pub body: String,
}

impl Answer {
    /// The first line of its body that is not empty, cut to what people read; nothing when there is none.
    pub fn first_line(&self) -> Option<String> {
        const MOST: usize = 160;
        let line = self.body.lines().map(str::trim).find(|line| !line.is_empty())?;
        Some(cleaned(line).chars().take(MOST).collect())
    }
}

/// When a webhook is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Before the new generation gets any traffic.
    #[default]
    BeforeShift,
    /// While the new generation is watched with all of the traffic.
    DuringBake,
    /// After that, before its release is recorded.
    BeforeRecord,
}

impl Phase {
    /// All of them, in the order in which they come.
    pub const ALL: [Phase; 3] = [Phase::BeforeShift, Phase::DuringBake, Phase::BeforeRecord];

    /// The name in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::BeforeShift => "beforeShift",
            Phase::DuringBake => "duringBake",
            Phase::BeforeRecord => "beforeRecord",
        }
    }

    /// When it is, for people.
    pub fn said(self) -> &'static str {
        match self {
            Phase::BeforeShift => "before the shift",
            Phase::DuringBake => "during its bake",
            Phase::BeforeRecord => "before its record",
        }
    }

    /// The end of keys of tags: `before-shift`.
    pub fn words(self) -> &'static str {
        match self {
            Phase::BeforeShift => "before-shift",
            Phase::DuringBake => "during-bake",
            Phase::BeforeRecord => "before-record",
        }
    }
}

/// What a webhook is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question<'a> {
    /// The app.
    pub app: &'a AppName,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The generation that is to go on.
    pub generation: Generation,
    /// Its image.
    pub image: &'a str,
    /// Its version, branch and commit, as far as they are known.
    pub release: &'a BTreeMap<String, String>,
    /// What comes next.
    pub phase: Phase,
}

impl Question<'_> {
    /// The body of the request.
    pub fn to_json(&self) -> String {
        // Plain data: it always serializes.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How a generation has done in its checks so far: what of it cannot be observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// The rule that leads preview requests to the generation under test.
    pub preview_rule: Option<String>,
    /// Smoke checks that did not pass yet.
    pub smoke_tries: Option<Tries>,
    /// When it passed all smoke checks.
    pub smoked_at: Option<Timestamp>,
    /// Since when the webhook has been asked without a verdict, by phase.
    pub asked: BTreeMap<Phase, Timestamp>,
    /// When the webhook approved, by phase.
    pub approved: BTreeMap<Phase, Timestamp>,
    /// The hash of what it was judged by when it failed by itself: when the manifest judges in another way, it may be tried
    /// again. Nothing where a person has turned it down.
    pub judged_by: Option<String>,
}

/// Attempts at something, as a tag holds them: `2 since 2026-11-02T12:00:00Z last 2026-11-02T12:00:10Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many have failed.
    pub failed: u32,
    /// Since when it is tried.
    pub since: Timestamp,
    /// When it was tried last, or may be tried for the first time some seconds later.
    pub last: Timestamp,
}

impl Tries {
    /// None yet.
    pub fn begin(now: Timestamp) -> Self {
        Self { failed: 0, since: now, last: now }
    }

    /// One more that failed.
    pub fn another(self, now: Timestamp) -> Self {
        Self { failed: self.failed + 1, last: now, ..self }
    }
}

impl fmt::Display for Tries {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} since {} last {}", self.failed, self.since, self.last)
    }
}

/// A text that tells of no attempts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `NUMBER since TIME last TIME`")]
pub struct TriesError;

impl FromStr for Tries {
    type Err = TriesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split(' ').collect();
        let [failed, "since", since, "last", last] = words[..] else { return Err(TriesError) };
        let time = |text: &str| text.parse().map_err(|_| TriesError);
        Ok(Self { failed: failed.parse().map_err(|_| TriesError)?, since: time(since)?, last: time(last)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_written_as_they_are_read() {
        let at = |text: &str| text.parse().unwrap();
        let tries = Tries { failed: 2, since: at("2026-11-02T12:00:00Z"), last: at("2026-11-02T12:00:10.5Z") };
        assert_eq!(tries.to_string().parse(), Ok(tries));
        for text in ["", "2", "x since 2026-11-02T12:00:00Z last 2026-11-02T12:00:00Z", "2 since now last now"] {
            assert_eq!(text.parse::<Tries>(), Err(TriesError), "{text}");
        }
    }

    #[test]
    fn the_first_line_of_a_body_is_what_people_read() {
        let answer = |body: &str| Answer { status: 400, took_ms: 1, body: body.to_owned() };
        assert_eq!(answer("\n  no: frozen \nmore").first_line().as_deref(), Some("no: frozen"));
        assert_eq!(answer(" \n").first_line(), None);
        assert_eq!(answer(&"a".repeat(500)).first_line().unwrap().len(), 160);
    }
}
