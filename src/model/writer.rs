//! Who made a generation or applied settings, since when that process runs, and from which manifests.
//!
//! Several processes may work on one app with different manifests. What each of them writes carries this, so that the others
//! can tell whose it is, and one of them gives way.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::mark::Mark;
use super::names::digest;
use super::time::Timestamp;

/// How many characters of a digest tell manifests apart.
const DIGEST: usize = 12;

/// One process, and the manifests that it works with. Written `2026-11-02T12:00:00Z 0a1b2c3d4e5f by ada at 3f2c1ab…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Writer {
    /// When it began to work with these manifests.
    pub begun: Timestamp,
    /// A digest of what the manifests ask of the app.
    pub manifest: String,
    /// The last part of the caller's ARN, without spaces.
    pub by: String,
    /// The commit that the manifests were checked out at; nothing outside of git, and where they differ from it.
    pub commit: Option<String>,
}

impl Writer {
    /// The process that the caller with this ARN runs, with manifests of which `asked` is everything that they ask.
    pub fn new(begun: Timestamp, caller_arn: &str, asked: &str, commit: Option<&str>) -> Self {
        let commit = commit.filter(|commit| is_commit(commit)).map(str::to_owned);
        Self { begun, manifest: digest(asked, DIGEST), by: Mark::new(begun, caller_arn, "").by, commit }
    }

    /// `ada, from manifests at 3f2c1ab`, or `ada`.
    pub fn said(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{}, from manifests at {}", self.by, super::release::short(commit)),
            None => self.by.clone(),
        }
    }
}

/// Whether a text is a whole commit, which can be given to git.
pub fn is_commit(text: &str) -> bool {
    (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} by {}", self.begun, self.manifest, self.by)?;
        self.commit.iter().try_for_each(|commit| write!(out, " at {commit}"))
    }
}

/// A text that names no writer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `TIME DIGEST by NAME [at COMMIT]`")]
pub struct WriterError;

impl FromStr for Writer {
    type Err = WriterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split(' ').collect();
        let (begun, manifest, by, commit) = match words.as_slice() {
            [begun, manifest, "by", by] => (begun, manifest, by, None),
            [begun, manifest, "by", by, "at", commit] if is_commit(commit) => (begun, manifest, by, Some(*commit)),
            _ => return Err(WriterError),
        };
        let begun = begun.parse().map_err(|_| WriterError)?;
        let manifest = (*manifest).to_owned();
        Ok(Self { begun, manifest, by: (*by).to_owned(), commit: commit.map(str::to_owned) })
    }
}

/// How the commit of our manifests is related to the one of another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// Ours descends from it.
    Descendant,
    /// It descends from ours.
    Ancestor,
    /// Neither, or git cannot tell.
    Unrelated,
}

/// Two commits of manifests, of which `git` in that directory may know how they are related.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commits {
    /// Where the manifests are.
    pub directory: String,
    /// The commit of ours.
    pub ours: String,
    /// The commit of the others.
    pub theirs: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tag_text;

    #[test]
    fn a_writer_is_read_as_it_was_written_and_fits_into_a_tag() {
        let begun: Timestamp = "2026-11-02T12:00:00.123456789Z".parse().unwrap();
        let caller = format!("arn:aws:sts::123456789012:assumed-role/admin/{}", "Ada Lovelace ".repeat(20));
        let commit = "3f2c1ab9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f";
        for commit in [None, Some(commit), Some("--upload-pack=x"), Some("HEAD")] {
            let writer = Writer::new(begun, &caller, "spec", commit);
            let text = writer.to_string();
            assert_eq!(tag_text::value(&format!("0123456789ab {text}")), format!("0123456789ab {text}"));
            assert_eq!(text.parse(), Ok(writer));
        }
        assert_eq!(
            Writer::new(begun, "arn:aws:iam::1:user/ada", "", Some(commit)).said(),
            "ada, from manifests at 3f2c1ab"
        );
        assert_eq!(Writer::new(begun, "arn:aws:iam::1:user/ada", "", Some("HEAD")).said(), "ada");
    }

    #[test]
    fn what_is_not_a_writer_is_refused() {
        for text in
            ["", "x", "now 0a by ada", "2026-11-02T12:00:00Z 0a by ada at --help", "2026-11-02T12:00:00Z by ada"]
        {
            assert_eq!(text.parse::<Writer>(), Err(WriterError), "{text}");
        }
    }
}
