//! How findings are shown: for people, for pull requests, for programs.

mod full;
mod sarif;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::manifest::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::source::Place;
use crate::model::text::{cleaned, is_disturbing};

/// A way to show findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Message, source line, caret and advice.
    #[default]
    Full,
    /// One line each: `file:line:column: error[code]: message`.
    Concise,
    /// One JSON document.
    Json,
    /// Annotations of GitHub Actions.
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
    Github,
    /// SARIF 2.1.0. <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>
    Sarif,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Format; 5] = [Format::Full, Format::Concise, Format::Json, Format::Github, Format::Sarif];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Full => "full",
            Format::Concise => "concise",
            Format::Json => "json",
            Format::Github => "github",
            Format::Sarif => "sarif",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format: use full, concise, json, github or sarif")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| FormatError(text.to_owned()))
    }
}

/// All findings in `format`, ending with a line break unless there is nothing to say. Only [`Format::Full`] uses `colour`.
pub fn render(findings: &Diagnostics, format: Format, colour: bool) -> String {
    match format {
        Format::Full => full::render(findings, colour),
        Format::Concise => lines(findings, concise),
        Format::Json => pretty(&json_document(findings)),
        Format::Github => lines(findings, github),
        Format::Sarif => pretty(&sarif::document(findings)),
    }
}

fn lines(findings: &Diagnostics, line: fn(&Diagnostic) -> String) -> String {
    findings.iter().map(|finding| line(finding) + "\n").collect()
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

fn concise(finding: &Diagnostic) -> String {
    let place = match &finding.place {
        Some(place) => {
            let start = place.start();
            format!("{}:{}:{}: ", place.file.name, start.line, start.column)
        }
        None => String::new(),
    };
    let (severity, code) = (finding.severity.as_str(), finding.code);
    let help = finding.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}{severity}[{code}]: {}", cleaned(&format!("{}{help}", finding.message)))
}

fn github(finding: &Diagnostic) -> String {
    let mut properties = Vec::new();
    if let Some(place) = &finding.place {
        let (start, end) = (place.start(), place.end());
        properties.push(format!("file={}", github_property(&place.file.name)));
        properties.push(format!("line={},endLine={}", start.line, end.line));
        // Columns are only taken on a single line.
        if start.line == end.line {
            properties.push(format!("col={},endColumn={}", start.column, end.column));
        }
    }
    properties.push(format!("title={}", github_property(finding.code.as_str())));
    let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = github_data(&format!("{}{help}", finding.message));
    format!("::{} {}::{message}", finding.severity.as_str(), properties.join(","))
}

/// The escapes of `@actions/toolkit` for the text of a workflow command.
pub fn github_data(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c != '\n' && is_disturbing(c) { ' ' } else { c }).collect();
    plain.replace('%', "%25").replace('\n', "%0A")
}

/// The same for a property of a workflow command.
pub fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

fn json_document(findings: &Diagnostics) -> Value {
    let (errors, warnings) = findings.counts();
    json!({
        "apiVersion": "amiable/v1",
        "kind": "Diagnostics",
        "formatVersion": "1.0",
        "summary": {"errors": errors, "warnings": warnings},
        "diagnostics": findings.iter().map(json_finding).collect::<Vec<_>>(),
    })
}

fn json_finding(finding: &Diagnostic) -> Value {
    let related: Vec<Value> =
        finding.related.iter().map(|(place, label)| json!({"message": label, "location": json_place(place)})).collect();
    json!({
        "severity": finding.severity.as_str(),
        "code": finding.code.as_str(),
        "message": finding.message,
        "help": finding.help,
        "location": finding.place.as_ref().map(json_place),
        "related": related,
    })
}

fn json_place(place: &Place) -> Value {
    let (start, end) = (place.start(), place.end());
    json!({
        "file": place.file.name,
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "source": place.file.visible(short(place.file.line(start.line), &place.file.text)),
    })
}

/// The start of a line that is too long to be repeated as a whole.
fn short(line: std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
    const LONGEST: usize = 500;
    let mut end = line.end.min(line.start + LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    line.start..end
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::manifest::diagnostic::Code;
    use crate::manifest::source::SourceFile;

    fn findings() -> Diagnostics {
        let file = Arc::new(SourceFile::new(Path::new("a, b/100%.yaml"), "spec:\n  min: 3\n  max: 2\n".into()));
        let mut findings = Diagnostics::default();
        findings.push(
            Diagnostic::at(Code::Contradiction, Place::new(&file, 13..14), "`min` is 3\nand 100% too much")
                .label("here")
                .related(Place::new(&file, 22..23), "the most")
                .help("set `max` to 3"),
        );
        findings.push(Diagnostic::nowhere(Code::NoManifests, "there is no manifest in `x`").warning());
        findings
    }

    #[test]
    fn a_line_each_for_editors_and_scripts() {
        insta::assert_snapshot!(render(&findings(), Format::Concise, false), @"
        a, b/100%.yaml:2:8: error[contradiction]: `min` is 3 and 100% too much (set `max` to 3)
        warning[no-manifests]: there is no manifest in `x`
        ");
    }

    #[test]
    fn github_annotations_are_escaped() {
        insta::assert_snapshot!(render(&findings(), Format::Github, false), @"
        ::error file=a%2C b/100%25.yaml,line=2,endLine=2,col=8,endColumn=9,title=contradiction::`min` is 3%0Aand 100%25 too much%0Aset `max` to 3
        ::warning title=no-manifests::there is no manifest in `x`
        ");
    }

    #[test]
    fn programs_get_every_part() {
        let document: Value = serde_json::from_str(&render(&findings(), Format::Json, false)).unwrap();
        assert_eq!(document["summary"], json!({"errors": 1, "warnings": 1}));
        let first = &document["diagnostics"][0];
        assert_eq!(first["code"], "contradiction");
        assert_eq!(first["location"]["line"], 2);
        assert_eq!(first["location"]["column"], 8);
        assert_eq!(first["location"]["source"], "  min: 3");
        assert_eq!(first["related"][0]["location"]["line"], 3);
        assert_eq!(document["diagnostics"][1]["location"], Value::Null);
    }

    #[test]
    fn sarif_names_rules_and_places_as_code_scanning_reads_them() {
        let document: Value = serde_json::from_str(&render(&findings(), Format::Sarif, false)).unwrap();
        let run = &document["runs"][0];
        let result = &run["results"][0];
        assert_eq!(document["version"], "2.1.0");
        assert_eq!(result["ruleId"], "contradiction");
        let rule = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], "contradiction");
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "a%2C%20b/100%25.yaml");
        assert_eq!(location["region"]["startLine"], 2);
        assert_eq!(location["region"]["endColumn"], 9);
        assert_eq!(run["results"][1]["level"], "warning");
        assert_eq!(run["results"][1].get("locations"), None);
    }

    #[test]
    fn people_see_the_line_the_caret_and_the_advice() {
        insta::assert_snapshot!(render(&findings(), Format::Full, false), @"
        error[contradiction]: `min` is 3
                              and 100% too much
         --> a, b/100%.yaml:2:8
          |
        2 |   min: 3
          |        ^ here
        3 |   max: 2
          |        - the most
          |
          = help: set `max` to 3

        warning[no-manifests]: there is no manifest in `x`

        1 error, 1 warning
        ");
        assert!(render(&findings(), Format::Full, true).contains("\u{1b}["));
    }

    #[test]
    fn formats_read_back_as_they_are_written() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("xml".parse::<Format>().is_err());
    }
}
