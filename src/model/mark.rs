//! What people say about a release: who, when and why, as a tag on a group carries it.

use std::fmt;
use std::str::FromStr;

use super::launch::TemplateHash;
use super::tag_text;
use super::time::Timestamp;

/// Who said something, when and why: `2026-11-02T12:00:00Z by ada to full: looks good`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// The last part of the caller's ARN, without spaces.
    pub by: String,
    /// What exactly, where the kind of the mark leaves that open; one word.
    pub to: Option<String>,
    /// Why; empty when nobody said.
    pub why: String,
}

impl Mark {
    /// A mark by the caller whose ARN is given: its last part names the user, or the session of a role.
    pub fn new(at: Timestamp, caller_arn: &str, why: &str) -> Self {
        let name = caller_arn.rsplit('/').next().unwrap_or(caller_arn);
        Self { at, by: one_word(name), to: None, why: tag_text::group_value(why) }
    }

    /// The same mark about something in particular.
    pub fn to(mut self, what: impl fmt::Display) -> Self {
        self.to = Some(one_word(&what.to_string()));
        self
    }

    /// The same mark about something that has the traffic and is to give it up, by the words for what it answers.
    pub fn traffic_from(self, page: &str) -> Self {
        self.to(format!("{TRAFFIC_FROM}{page}"))
    }

    /// Whether it is about the traffic, and not about a step of a canary.
    pub fn is_about_traffic(&self) -> bool {
        self.to.as_ref().is_some_and(|to| to.starts_with(TRAFFIC_FROM))
    }

    /// `ada: looks odd`, or `ada`.
    pub fn said(&self) -> String {
        if self.why.is_empty() { self.by.clone() } else { format!("{}: {}", self.by, self.why) }
    }
}

/// How the word begins of a mark that gives the traffic back.
const TRAFFIC_FROM: &str = "traffic-from-";

/// A word that stays one in the text of a mark.
fn one_word(text: &str) -> String {
    let word: String =
        tag_text::value(text).chars().map(|c| if c.is_whitespace() { '-' } else { c }).take(64).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} by {}", self.at, self.by)?;
        if let Some(to) = &self.to {
            write!(out, " to {to}")?;
        }
        if self.why.is_empty() { Ok(()) } else { write!(out, " : {}", self.why) }
    }
}

/// A text that is not a mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `TIME by NAME [to WHAT] [: WHY]`")]
pub struct MarkError;

impl FromStr for Mark {
    type Err = MarkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, why) = match text.split_once(" : ") {
            Some((head, why)) => (head, why.trim()),
            None => (text.trim_end_matches(" :"), ""),
        };
        let words: Vec<&str> = head.split(' ').collect();
        let (at, by, to) = match words.as_slice() {
            [at, "by", by] => (at, by, None),
            [at, "by", by, "to", to] => (at, by, Some((*to).to_owned())),
            _ => return Err(MarkError),
        };
        let at = at.parse().map_err(|_| MarkError)?;
        Ok(Self { at, by: (*by).to_owned(), to, why: why.to_owned() })
    }
}

/// What people have said about an app, as its groups carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its release goes no step further.
    pub paused: Option<Mark>,
    /// Its canary need not wait any longer: to the number of the step, counted from 0, that is reached with it; or to `full`.
    pub promoted: Option<Mark>,
    /// The image to deploy in its place, where the manifest follows images by hand only: to the image's id.
    pub promoted_image: Option<Mark>,
    /// Nothing at all is done about it: to the time at which that ends by itself, if there is one.
    pub suspended: Option<Mark>,
    /// This generation stays, whatever the manifest says.
    pub pinned: Option<Mark>,
    /// What is to serve instead of this generation, which was turned down.
    pub back_to: Option<BackTo>,
    /// What somebody has put before the app, such as a maintenance page, may be taken away: to the words for what it answers.
    pub traffic_back: Option<Mark>,
}

/// What is to serve instead of a generation that was turned down, where nothing warm can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackTo {
    /// What a launch template that was kept holds.
    Template(TemplateHash),
    /// What the manifest says, with an earlier image.
    Image(String),
}

impl BackTo {
    /// Whether a generation with this template and image is the one that is to serve.
    pub fn is(&self, template: &TemplateHash, image: &str) -> bool {
        match self {
            BackTo::Template(hash) => hash == template,
            BackTo::Image(id) => *id == image,
        }
    }
}

impl fmt::Display for BackTo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackTo::Template(hash) => write!(out, "{hash}"),
            BackTo::Image(id) => write!(out, "{id}"),
        }
    }
}

impl FromStr for BackTo {
    type Err = super::launch::TemplateHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("ami-") {
            return Ok(BackTo::Image(text.to_owned()));
        }
        text.parse().map(BackTo::Template)
    }
}

/// How far a canary is: how many of the steps in its manifest are behind it, and since when. Written `2 2026-11-02T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanaryStep {
    /// Steps behind it.
    pub done: usize,
    /// When the last of them was done.
    pub at: Timestamp,
}

impl fmt::Display for CanaryStep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.done, self.at)
    }
}

impl FromStr for CanaryStep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (done, at) = text.split_once(' ')?;
            Some(Self { done: done.parse().ok()?, at: at.parse().ok()? })
        };
        parse().ok_or_else(|| "it is not a number of steps and a time".to_owned())
    }
}

/// For how long a generation was watched under traffic since its bake or its pause began, and when it was last seen well.
/// Written `120 2026-11-02T12:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Seconds between looks that saw it well.
    pub seconds: u64,
    /// Up to when they count.
    pub at: Timestamp,
}

impl fmt::Display for Watched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.seconds, self.at)
    }
}

impl FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (seconds, at) = text.split_once(' ')?;
            Some(Self { seconds: seconds.parse().ok()?, at: at.parse().ok()? })
        };
        parse().ok_or_else(|| "it is not a number of seconds and a time".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-02T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_mark_is_read_as_it_was_written_whatever_people_say() {
        let caller = "arn:aws:sts::123456789012:assumed-role/admin/Ada Lovelace";
        for why in ["", "looks odd", "a: b : c", "to by by", "(incident #42), really?", "a\n: b"] {
            for to in [None, Some("full"), Some("2026-12-01T00:00:00Z"), Some("two words")] {
                let mark = Mark::new(at(), caller, why);
                let mark = if let Some(to) = to { mark.to(to) } else { mark };
                let text = mark.to_string();
                assert_eq!(tag_text::group_value(&text), text, "AWS takes it as it is");
                assert_eq!(text.parse(), Ok(mark), "{text}");
            }
        }
        assert_eq!(Mark::new(at(), caller, "why").said(), "Ada-Lovelace: why");
    }

    #[test]
    fn what_is_not_a_mark_is_refused() {
        for text in ["", "yes", "2026-11-02T12:00:00Z", "2026-11-02T12:00:00Z by", "now by ada", "x by ada to y z"] {
            assert_eq!(text.parse::<Mark>(), Err(MarkError), "{text}");
        }
        for text in ["", "2", "2 now", "-1 2026-11-02T12:00:00Z"] {
            assert!(text.parse::<CanaryStep>().is_err(), "{text}");
            assert!(text.parse::<Watched>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_way_back_leads_to_a_template_or_to_an_image() {
        for text in ["1-5314abef3b2161eb", "ami-0123456789abcdef0"] {
            assert_eq!(text.parse::<BackTo>().unwrap().to_string(), text);
        }
        assert!("v041".parse::<BackTo>().is_err());
    }
}
