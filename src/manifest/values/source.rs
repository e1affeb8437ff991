//! Whether the source of an image in one layer can be one: exactly one, with artifacts that can be tags.

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::read::node::{Content, Node};

/// The fields of `image` of which exactly one is given.
pub(in crate::manifest) const SOURCES: [&str; 5] =
    ["id", "ssmParameter", "search", "fromEnvironment", "packerManifest"];

/// Checks `image` and what is said of the release in one layer of an app's spec: layers replace `image` whole.
pub(super) fn check(layer: &Node, findings: &mut Diagnostics) {
    if let Some(image) = layer.get("image").filter(|image| matches!(image.content, Content::Mapping(_))) {
        one_source(image, findings);
    }
    let artifacts = layer.at(&["release", "artifacts"]).map(Node::entries).unwrap_or_default();
    for (name, value) in artifacts {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !(1..=64).contains(&name.len()) || !plain {
            let place = value.key.clone().unwrap_or_else(|| value.spot());
            let message = format!("{} cannot be the name of an artifact", quoted(name));
            let help = "1 to 64 letters, digits and `._-`: it becomes the key of a tag";
            findings.push(Diagnostic::at(Code::BadName, place, message).help(help));
        }
    }
}

fn one_source(image: &Node, findings: &mut Diagnostics) {
    let given: Vec<(&str, &Node)> = SOURCES
        .iter()
        .filter_map(|name| Some((*name, image.get(name)?)))
        .filter(|(_, node)| !matches!(node.content, Content::Null { written: true }))
        .collect();
    let place = |node: &Node| node.key.clone().unwrap_or_else(|| node.spot());
    match given[..] {
        [_] => {}
        [(first, one), (second, other), ..] => {
            let message = format!("an image has one source, and this one has `{first}` and `{second}`");
            let finding = Diagnostic::at(Code::ConflictingField, place(other), message);
            findings.push(finding.related(place(one), "the other source").help("remove one of them"));
        }
        [] => {
            let unknown = image.entries().iter().any(|(key, _)| !SOURCES.contains(&key.as_str()) && key != "track");
            if unknown {
                return;
            }
            let names = SOURCES.map(|name| format!("`{name}`")).join(", ");
            let finding = Diagnostic::at(Code::MissingField, image.spot(), "an image needs a source");
            findings.push(finding.help(format!("one of {names}; an overlay replaces `image` as a whole")));
        }
    }
}
