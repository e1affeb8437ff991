//! One document: its kind, its name, and its parts, checked as far as they can be checked alone.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, closest, quoted};
use crate::manifest::read::node::{Content, Layer, Node};
use crate::manifest::read::yaml::Document;
use crate::manifest::schema::shape;
use crate::manifest::schema::{self, API_VERSION, APP, ENVIRONMENT};
use crate::manifest::source::{Location, Place};
use crate::manifest::values::{self, labels};

/// A document that says what it is.
#[derive(Clone, Debug)]
pub(super) struct Manifest<Name> {
    /// Its name, when it is one.
    pub name: Option<Name>,
    pub location: Location,
    pub labels: BTreeMap<String, String>,
    /// `spec`, if it is a mapping.
    pub spec: Option<Node>,
    /// `environments` of an app.
    pub overlays: Vec<(String, Node)>,
    /// Whether what follows from it cannot be told, because parts of it could not be read.
    pub damaged: bool,
    /// Parts of which a field was not understood.
    pub doubtful: Vec<Place>,
    /// The whole document.
    pub extent: Place,
}

/// What a document may be.
pub(super) enum Opened<App, Environment> {
    App(Manifest<App>),
    Environment(Manifest<Environment>),
}

/// Finds out what a document is, and checks all of it that depends on no other document.
pub(super) fn open<App: FromStr, Environment: FromStr>(
    document: Document,
    findings: &mut Diagnostics,
) -> Option<Opened<App, Environment>> {
    let Document { mut root, index, damaged } = document;
    // What a damaged document lacks may be in what could not be read.
    let kind = if damaged { kind(&root, &mut Diagnostics::default())? } else { kind(&root, findings)? };
    normalise(&mut root);
    let (is_app, schema) = (kind == APP, if kind == APP { schema::app() } else { schema::environment() });
    let mut doubtful = Vec::new();
    if !damaged {
        let mut unknown = Diagnostics::default();
        shape::check(&root, schema, &mut unknown);
        check_values(&root, is_app, findings);
        // What is unknown is said, and hides nothing that is wrong with the rest.
        let strangers = unknown.iter().filter(|finding| finding.code == Code::UnknownField);
        let strangers: BTreeSet<Place> = strangers.filter_map(|finding| finding.place.clone()).collect();
        findings.extend(unknown.iter().cloned());
        forget(&mut root, &strangers, 2, &mut doubtful);
    }
    Some(if is_app {
        Opened::App(Manifest { doubtful, ..manifest(root, index, damaged) })
    } else {
        Opened::Environment(Manifest { doubtful, ..manifest(root, index, damaged) })
    })
}

/// The kind of a document, if it is one of ours.
fn kind(root: &Node, findings: &mut Diagnostics) -> Option<&'static str> {
    if !matches!(root.content, Content::Mapping(_)) {
        let message = format!(
            "a manifest is a mapping with `apiVersion`, `kind`, `metadata` and `spec`, not {}",
            root.described()
        );
        findings.push(Diagnostic::at(Code::UnknownKind, root.place.first_line(), message));
        return None;
    }
    let mut fixed = |key: &str, known: &[&'static str]| -> Option<&'static str> {
        let words = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let Some(node) = root.get(key) else {
            let message = format!("`{key}` is missing");
            findings.push(
                Diagnostic::at(Code::UnknownKind, first_key(root), message)
                    .help(format!("add `{key}: {}`", known.join("` or `"))),
            );
            return None;
        };
        let found = node.text().and_then(|text| known.iter().find(|word| **word == text));
        if found.is_none() {
            let help = node
                .text()
                .and_then(|text| closest(text, known.iter().copied()))
                .map_or_else(|| other_tool(key).to_owned(), |word| format!("did you mean `{word}`?"));
            let message = format!("`{key}` must be {words}, not {}", node.described());
            findings.push(Diagnostic::at(Code::UnknownKind, node.spot(), message).help(help));
        }
        found.copied()
    };
    let version = fixed("apiVersion", &[API_VERSION]);
    let kind = fixed("kind", &[APP, ENVIRONMENT]);
    version.and(kind)
}

/// What to do with a document that is not one of ours, most probably of another tool.
fn other_tool(key: &str) -> &'static str {
    match key {
        "kind" => "`App` describes a service, `Environment` where services run",
        _ => "is this a manifest of another tool? Then keep it out of the directory with Amiable's manifests",
    }
}

fn first_key(root: &Node) -> Place {
    root.entries().first().and_then(|(_, value)| value.key.clone()).unwrap_or_else(|| root.place.first_line())
}

/// `environments: {test: }` names an environment in which nothing differs; so does a null.
fn normalise(root: &mut Node) {
    let Content::Mapping(entries) = &mut root.content else { return };
    let environments = entries.iter_mut().find(|(key, _)| key == "environments");
    if let Some((_, Node { content: Content::Mapping(overlays), .. })) = environments {
        for (_, overlay) in overlays.iter_mut().filter(|(_, overlay)| overlay.is_null()) {
            overlay.content = Content::Mapping(Vec::new());
        }
    }
}

/// Takes out the fields whose keys stand at these places. What the mappings that held them add up to, those of whole layers
/// apart, is doubtful: one of their fields may be misspelt.
fn forget(node: &mut Node, keys: &BTreeSet<Place>, layers: usize, doubtful: &mut Vec<Place>) {
    match &mut node.content {
        Content::Mapping(entries) if !keys.is_empty() => {
            let before = entries.len();
            entries.retain(|(_, value)| value.key.as_ref().is_none_or(|key| !keys.contains(key)));
            if entries.len() < before && layers == 0 {
                doubtful.push(node.place.clone());
            }
            for (key, value) in entries {
                let holds_layers = layers > 0 && ["environments", "defaults"].contains(&key.as_str());
                let inner = if holds_layers { layers } else { layers.saturating_sub(1) };
                forget(value, keys, inner, doubtful);
            }
        }
        Content::List(items) if !keys.is_empty() => {
            items.iter_mut().for_each(|item| forget(item, keys, 0, doubtful));
        }
        _ => {}
    }
}

fn check_values(root: &Node, is_app: bool, findings: &mut Diagnostics) {
    if let Some(labels) = root.at(&["metadata", "labels"]) {
        labels::check(labels, findings);
    }
    match root.get("spec") {
        Some(spec) if is_app => values::check_app(spec, findings),
        Some(spec) => values::check_environment(spec, findings),
        None => {}
    }
    for (_, overlay) in root.get("environments").map(Node::entries).unwrap_or_default() {
        values::check_app(overlay, findings);
    }
}

fn manifest<Name: FromStr>(root: Node, document: usize, damaged: bool) -> Manifest<Name> {
    let name = root.at(&["metadata", "name"]);
    let labels = root.at(&["metadata", "labels"]).map(Node::entries).unwrap_or_default();
    let is_mapping = |node: &&Node| matches!(node.content, Content::Mapping(_));
    let overlays = root.get("environments").map(Node::entries).unwrap_or_default();
    Manifest {
        name: name.and_then(Node::text).and_then(|name| name.parse().ok()),
        location: Location {
            path: root.place.file.path.clone(),
            document,
            name: name.map_or_else(|| first_key(&root), Node::spot),
        },
        labels: labels.iter().filter_map(|(key, value)| Some((key.clone(), value.text()?.to_owned()))).collect(),
        spec: root.get("spec").filter(is_mapping).cloned(),
        overlays: overlays
            .iter()
            .filter(|(_, overlay)| is_mapping(&overlay))
            .map(|(name, overlay)| (name.clone(), overlay.clone().in_layer(Layer::Overlay)))
            .collect(),
        damaged,
        doubtful: Vec::new(),
        extent: root.place,
    }
}

/// The first of several manifests with the same name stays; for the others both places are named.
pub(super) fn distinct<Name: Ord + Clone + std::fmt::Display>(
    manifests: Vec<Manifest<Name>>,
    what: &str,
    findings: &mut Diagnostics,
) -> BTreeMap<Name, Manifest<Name>> {
    let mut kept: BTreeMap<Name, Manifest<Name>> = BTreeMap::new();
    for manifest in manifests {
        let Some(name) = manifest.name.clone() else { continue };
        match kept.get(&name) {
            Some(first) => findings.push(
                Diagnostic::at(
                    Code::Duplicate,
                    manifest.location.name.clone(),
                    format!("there are two manifests of the {what} {}", quoted(&name.to_string())),
                )
                .label("the second one")
                .related(first.location.name.clone(), "the first one")
                .help("remove or rename one of them"),
            ),
            None => drop(kept.insert(name, manifest)),
        }
    }
    kept
}
