//! What is wrong with the manifests: one value per finding, made by the checks and shown by [`super::format`].

pub mod format;

use std::fmt;
use std::path::Path;

use crate::manifest::diagnostic::format::{Format, render};
use crate::manifest::source::masks;
use crate::manifest::source::{self, Place};
use crate::model::text::is_disturbing;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is done with these manifests.
    Error,
    /// Probably not what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $text:literal: $doc:literal,)*) => {
        /// The kind of a finding: stable, so that it can be searched for and filtered by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as it is shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    NoManifests = "no-manifests": "No manifest was found.",
    Unreadable = "unreadable": "A file or directory cannot be read.",
    OutsideLink = "outside-link": "A symbolic link leads out of the directory.",
    TooMuch = "too-much": "More or larger files, documents or findings than are taken.",
    NotUtf8 = "not-utf8": "A file is not UTF-8 text.",
    YamlSyntax = "yaml-syntax": "The text is not YAML.",
    YamlFeature = "yaml-feature": "A feature of YAML that manifests do not have: anchors, aliases, merge keys, tags, directives.",
    TooDeep = "too-deep": "Values are nested too deep.",
    DuplicateKey = "duplicate-key": "A mapping has the same key twice.",
    UnknownKind = "unknown-kind": "`apiVersion` or `kind` is missing or not known.",
    UnknownField = "unknown-field": "There is no such field.",
    ConflictingField = "conflicting-field": "Two fields do not go together.",
    MissingField = "missing-field": "A required field is missing.",
    EmptyValue = "empty-value": "A key has no value.",
    WrongType = "wrong-type": "A value is of another type than the field.",
    NotAllowed = "not-allowed": "A value is not one of those that the field may have.",
    OutOfRange = "out-of-range": "A number, a length of time or a count is outside of the limits.",
    BadDuration = "bad-duration": "A text is not a length of time.",
    BadName = "bad-name": "A text cannot be the name of an app or an environment.",
    BadFormat = "bad-format": "A text does not have the form that the field needs.",
    BadLabel = "bad-label": "A label cannot be an AWS tag.",
    Duplicate = "duplicate": "Two things are the same that must differ.",
    UnknownEnvironment = "unknown-environment": "An app names an environment that has no manifest.",
    UnknownApp = "unknown-app": "No manifest describes this app.",
    PackerManifest = "packer-manifest": "Packer's manifest names no image for the region, or several.",
    ForeignImage = "foreign-image": "Images of an owner are asked for whom the environment does not trust.",
    UnknownListener = "unknown-listener": "An app names a shared listener that its environment does not list.",
    Contradiction = "contradiction": "Values contradict each other, so that the app could never be deployed.",
    WrongAccount = "wrong-account": "Something belongs to another account or region than the environment.",
    UserDataTooLong = "user-data-too-long": "User data is longer than EC2 takes.",
    BadIgnore = "bad-ignore": "`drift.ignore` names what is not a field that is changed in place.",
    DeployedNowhere = "deployed-nowhere": "An app names no environment.",
    Placeholder = "placeholder": "What `amiable init` wrote has not been filled in.",
    UnusedField = "unused-field": "A field has no effect together with the others.",
    InvalidSpec = "invalid-spec": "A spec is not valid in another way.",
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// What is wrong, in a sentence without a final stop.
    pub message: String,
    /// Where; `None` when it is about no file in particular.
    pub place: Option<Place>,
    /// A few words beside the caret.
    pub label: String,
    /// Other places that belong to it, each with a few words.
    pub related: Vec<(Place, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn at(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::nowhere(code, message) }
    }

    /// An error that is about no file in particular.
    pub fn nowhere(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: None,
            label: String::new(),
            related: Vec::new(),
            help: None,
        }
    }

    /// The same as a warning.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// With a few words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With another place that belongs to it.
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// With advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With advice, if there is some.
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = self.help.or(help);
        self
    }
}

/// How many findings of one file are kept; the rest is counted.
const MAX_PER_FILE: usize = 50;

/// All findings, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        self.list.extend(others);
    }

    /// The findings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors and warnings there are.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        (errors, self.list.len() - errors)
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.counts().0 > 0
    }

    /// Puts them in order, says each once, and keeps a file with thousands of them from hiding the others.
    pub fn tidy(&mut self) {
        // Errors come before warnings within a file, so that the limit never hides an error behind a warning.
        self.list.sort_by(|a, b| {
            file_name(a)
                .cmp(&file_name(b))
                .then(a.severity.cmp(&b.severity))
                .then_with(|| a.place.cmp(&b.place))
                .then_with(|| (a.code, &a.message).cmp(&(b.code, &b.message)))
        });
        self.list.dedup_by(|a, b| (a.code, &a.place, &a.message) == (b.code, &b.place, &b.message));
        let mut kept: Vec<Diagnostic> = Vec::new();
        for of_file in self.list.chunk_by(|a, b| file_name(a) == file_name(b)) {
            kept.extend(of_file.iter().take(MAX_PER_FILE).cloned());
            if let (Some(first_hidden), true) = (of_file.get(MAX_PER_FILE), of_file[0].place.is_some()) {
                let hidden = of_file.len() - MAX_PER_FILE;
                kept.push(Diagnostic {
                    place: first_hidden.place.clone(),
                    ..Diagnostic::nowhere(Code::TooMuch, format!("there are {hidden} more findings in this file"))
                });
            }
        }
        self.list = kept;
    }
}

fn file_name(diagnostic: &Diagnostic) -> Option<&str> {
    diagnostic.place.as_ref().map(|place| place.file.name.as_str())
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(render(self, Format::Full, false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// `text` in backticks: shortened, and without users of URLs and what would disturb a terminal or a log.
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown = masks::without_user_info(text);
    let plain: String = shown
        .chars()
        .take(LONGEST)
        .flat_map(|c| if is_disturbing(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    let more = if shown.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("`{plain}{more}`")
}

/// A path in backticks. Of a long one the end is shown, which tells the file.
pub fn quoted_path(path: &Path) -> String {
    const LONGEST: usize = 120;
    let shown = source::shown(path);
    let over = shown.chars().count().saturating_sub(LONGEST);
    let end: String = shown.chars().skip(over).collect();
    format!("`{}{end}`", if over > 0 { "…" } else { "" })
}

/// The one of `known` that `text` was probably meant to be.
pub fn closest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > 64 {
        return None;
    }
    let folded = text.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(text.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Advice for a name that is not among `known`: the closest one, or all of them when they are few.
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(candidate) = closest(text, known.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    (1..=12).contains(&known.len()).then(|| format!("known here: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["instances", "instanceType", "image"];
        assert_eq!(closest("instancs", known), Some("instances"));
        assert_eq!(closest("instance_type", known), Some("instanceType"));
        assert_eq!(closest("replicas", known), None);
    }

    #[test]
    fn what_would_disturb_a_terminal_is_escaped() {
        assert_eq!(quoted("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(quoted("\u{202e}x"), "`\\u{202e}x`");
        assert_eq!(quoted("grün"), "`grün`");
        assert_eq!(quoted(&"a".repeat(99)).chars().count(), 63);
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let long = format!("/{}/manifests/boot.sh", "a".repeat(300));
        let quoted = quoted_path(Path::new(&long));
        assert!(quoted.starts_with("`…a") && quoted.ends_with("/manifests/boot.sh`"), "{quoted}");
        assert_eq!(quoted_path(Path::new("a/b.yaml")), "`a/b.yaml`");
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
