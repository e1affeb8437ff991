//! Labels of an app: what AWS takes as a tag, and what Amiable keeps for its own.

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::read::node::Node;

/// Checks `metadata.labels`.
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
pub(in crate::manifest) fn check(labels: &Node, findings: &mut Diagnostics) {
    for (key, value) in labels.entries() {
        let key_place = value.key.clone().unwrap_or_else(|| value.spot());
        if let Some(why) = key_problem(key) {
            let message = format!("{} cannot be the key of a label: {why}", quoted(key));
            findings.push(Diagnostic::at(Code::BadLabel, key_place, message).help("labels become AWS tags"));
        }
        if let Some(why) = value.text().and_then(value_problem) {
            let message = format!("the label {} cannot have this value: {why}", quoted(key));
            findings.push(Diagnostic::at(Code::BadLabel, value.spot(), message).help("labels become AWS tags"));
        }
    }
}

fn key_problem(key: &str) -> Option<&'static str> {
    let folded = key.to_ascii_lowercase();
    if folded.starts_with("aws:") {
        return Some("AWS keeps `aws:` for itself");
    }
    if folded.starts_with("amiable:") {
        return Some("Amiable keeps `amiable:` for itself");
    }
    if folded == "name" {
        return Some("Amiable sets the tag `Name` itself");
    }
    if key.trim().is_empty() {
        return Some("it is empty");
    }
    if key.chars().count() > 128 {
        return Some("it has more than 128 characters");
    }
    (!key.chars().all(is_plain)).then_some(CHARACTERS)
}

fn value_problem(value: &str) -> Option<&'static str> {
    if value.chars().count() > 256 {
        return Some("it has more than 256 characters");
    }
    (!value.chars().all(is_plain)).then_some(CHARACTERS)
}

const CHARACTERS: &str = "use letters, digits, spaces and `_.:/=+-@` only";

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || " _.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_no_tags_are_refused() {
        for key in ["team", "cost-centre", "example.com/owner", "größe"] {
            assert_eq!(key_problem(key), None, "{key}");
        }
        for key in ["aws:x", "AWS:x", "amiable:app", "Name", "", " ", "a\nb", "a*b", &"k".repeat(129)] {
            assert!(key_problem(key).is_some(), "{key}");
        }
        assert_eq!(value_problem(""), None);
        assert!(value_problem(&"v".repeat(257)).is_some());
        assert!(value_problem("a;b").is_some());
    }
}
