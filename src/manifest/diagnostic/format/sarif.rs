//! Findings as SARIF 2.1.0, which code scanning on GitHub and most editors read.

use serde_json::{Value, json};

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::manifest::source::Place;

pub(super) fn document(findings: &Diagnostics) -> Value {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| json!({"id": code.as_str(), "shortDescription": {"text": code.meaning()}}))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "amiable", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Diagnostic) -> Value {
    let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": finding.severity.as_str(),
        "message": {"text": format!("{}{help}", finding.message)},
    });
    if let Some(place) = &finding.place {
        result["locations"] = json!([{"physicalLocation": physical(place)}]);
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().enumerate().map(
            |(id, (place, label))| json!({"id": id, "message": {"text": label}, "physicalLocation": physical(place)}),
        );
        result["relatedLocations"] = related.collect();
    }
    result
}

fn physical(place: &Place) -> Value {
    let (start, end) = (place.start(), place.end());
    json!({
        "artifactLocation": {"uri": uri(&place.file.name)},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

/// A path as a relative reference of a URI: every byte but the plain ones is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
