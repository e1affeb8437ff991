//! Edits of a manifest that leave everything else as it is: comments, order, quotes, blank lines.
//!
//! An edit is made in the text, at the place of the value. Then the new text is read again: if anything but the one value has
//! changed, nothing is done and the reason is told.

use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::manifest::diagnostic::{Diagnostics, quoted};
use crate::manifest::read::node::{Content, Node};
use crate::manifest::read::yaml::{self, Document};
use crate::manifest::schema;
use crate::manifest::source::SourceFile;
use crate::manifest::values::source::SOURCES;
use crate::model::names::is_image_id;
use crate::model::names::{AppName, EnvironmentName};

/// Why a manifest was not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It cannot be read.
    #[error("the manifest has to be put right first:\n{0}")]
    Invalid(Diagnostics),
    /// The document is not there.
    #[error("there is no document number {0}")]
    NoDocument(usize),
    /// The app is not there.
    #[error("no document describes the app `{0}`")]
    NoApp(AppName),
    /// The app is not deployed to the environment.
    #[error("`{app}` is not deployed to `{environment}`: add `{environment}: {{}}` to its `environments`")]
    NotDeployed {
        /// The app.
        app: AppName,
        /// The environment.
        environment: EnvironmentName,
    },
    /// What was given is no image.
    #[error("{} is not the id of an image: `ami-` and 8 or 17 hexadecimal digits", quoted(.0))]
    NotAnImage(String),
    /// The image comes from somewhere else.
    #[error("`{path}` takes the image from `{other}`, and an image has one source: edit the manifest by hand")]
    OtherSource {
        /// The path of the image.
        path: String,
        /// The source.
        other: &'static str,
    },
    /// The path leads to or through something that an edit would destroy.
    #[error("`{path}` is {found}, and cannot be set to a single value: edit the manifest by hand")]
    NotASingleValue {
        /// The path.
        path: String,
        /// What is there.
        found: String,
    },
    /// The text is written in a way in which an edit is not safe.
    #[error("`{path}` cannot be edited safely where it stands: edit the manifest by hand")]
    Unsafe {
        /// The path.
        path: String,
    },
}

/// The text of a manifest with the image of an app set: for one environment, or in `spec` for all that do not set their own.
///
/// # Errors
/// When the app is not in the text, is not deployed to the environment, or the text cannot be edited safely.
pub fn set_image(
    text: &str,
    app: &AppName,
    environment: Option<&EnvironmentName>,
    image: &str,
) -> Result<String, EditError> {
    if !is_image_id(image) {
        return Err(EditError::NotAnImage(image.to_owned()));
    }
    let documents = read(text)?;
    let is_it = |document: &&Document| {
        let text_at = |path: &[&str]| document.root.at(path).and_then(Node::text);
        text_at(&["kind"]) == Some(schema::APP) && text_at(&["metadata", "name"]) == Some(app.as_str())
    };
    let document = documents.iter().find(is_it).ok_or_else(|| EditError::NoApp(app.clone()))?;
    let path = match environment {
        None => vec!["spec", "image", "id"],
        Some(environment) => {
            if document.root.at(&["environments", environment.as_str()]).is_none() {
                return Err(EditError::NotDeployed { app: app.clone(), environment: environment.clone() });
            }
            vec!["environments", environment.as_str(), "image", "id"]
        }
    };
    let (_, of_image) = path.split_last().unwrap_or((&"", &[]));
    let given = document.root.at(of_image);
    let other = SOURCES.into_iter().find(|name| *name != "id" && given.is_some_and(|image| image.get(name).is_some()));
    match other {
        Some(source) => Err(EditError::OtherSource { path: of_image.join("."), other: source }),
        None => set(text, document.index, &path, &Value::String(image.to_owned())),
    }
}

/// The text of a manifest with one value set, in the document of a number (counted from 0) at a path of keys and numbers of
/// list items. What is missing on the way is inserted.
///
/// # Errors
/// When there is a list or a mapping at the path, or the text cannot be edited safely.
pub fn set(text: &str, document: usize, path: &[&str], value: &Value) -> Result<String, EditError> {
    let documents = read(text)?;
    let root = &documents.iter().find(|one| one.index == document).ok_or(EditError::NoDocument(document))?.root;
    let Change { range, replacement } = change(text, root, path, value)?;
    let edited = format!("{}{replacement}{}", &text[..range.start], &text[range.end..]);
    let mut wanted = values(&documents);
    wanted.iter_mut().filter(|(index, _)| *index == document).for_each(|(_, root)| insert(root, path, value));
    match read(&edited) {
        Ok(documents) if values(&documents) == wanted => Ok(edited),
        _ => Err(EditError::Unsafe { path: path.join(".") }),
    }
}

/// Writes a file so that at every moment either the old or the new text is there. Its permissions stay.
///
/// # Errors
/// When the file, or another one beside it, cannot be written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let real = path.canonicalize()?;
    let name = real.file_name().ok_or_else(|| io::Error::other("the path names no file"))?.to_string_lossy();
    let beside = real.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.set_permissions(std::fs::metadata(&real)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &real)
    })();
    if written.is_err() {
        // What matters is the first error; a file that is left over is hidden and harmless.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn read(text: &str) -> Result<Vec<Document>, EditError> {
    let file = Arc::new(SourceFile::new(Path::new("manifest"), text.to_owned()));
    let mut findings = Diagnostics::default();
    let documents = yaml::read(&file, &mut findings);
    if findings.is_empty() { Ok(documents) } else { Err(EditError::Invalid(findings)) }
}

fn values(documents: &[Document]) -> Vec<(usize, Value)> {
    documents.iter().map(|document| (document.index, document.root.to_json())).collect()
}

/// Sets a value in plain data, as the edit is to set it in the text.
fn insert(target: &mut Value, path: &[&str], value: &Value) {
    match path.split_first() {
        None => *target = value.clone(),
        Some((key, rest)) => match target {
            Value::Array(items) => {
                if let Some(item) = key.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                    insert(item, rest, value);
                }
            }
            _ => {
                if !target.is_object() {
                    *target = Value::Object(Map::new());
                }
                insert(&mut target[*key], rest, value);
            }
        },
    }
}

struct Change {
    range: Range<usize>,
    replacement: String,
}

fn change(text: &str, root: &Node, path: &[&str], value: &Value) -> Result<Change, EditError> {
    let depth = (0..=path.len()).rev().find(|depth| root.at(&path[..*depth]).is_some()).unwrap_or(0);
    let node = root.at(&path[..depth]).unwrap_or(root);
    let missing = &path[depth..];
    let range = node.place.range.clone();
    let refuse = || {
        let path = path[..depth].join(".");
        Err(EditError::NotASingleValue { path, found: node.described() })
    };
    match (&node.content, missing.split_first()) {
        (Content::Null { written: false }, _) => Ok(after_key(text, node, &nested(missing, value))),
        (Content::Null { written: true }, _) => Ok(Change { range, replacement: nested(missing, value) }),
        (Content::Mapping(_) | Content::List(_), None) => refuse(),
        (_, None) => {
            let old = node.place.text();
            if old.starts_with(['|', '>']) {
                return Err(EditError::Unsafe { path: path.join(".") });
            }
            Ok(Change { range, replacement: in_style_of(old, value) })
        }
        (Content::Mapping(entries), Some((key, rest))) => {
            let entry = format!("{}: {}", yaml::inline_text(key), nested(rest, value));
            match entries.last() {
                None => Ok(Change { range, replacement: format!("{{{entry}}}") }),
                Some((_, last)) if node.place.text().starts_with('{') => {
                    let at = last.place.range.end.max(last.key.as_ref().map_or(0, |key| key.range.end));
                    Ok(Change { range: at..at, replacement: format!(", {entry}") })
                }
                Some((_, last)) => Ok(on_a_new_line(text, entries, last, &entry)),
            }
        }
        (_, Some(_)) => refuse(),
    }
}

/// A value below keys that are not there yet, in flow style.
fn nested(keys: &[&str], value: &Value) -> String {
    keys.iter().rev().fold(yaml::inline(value), |inner, key| format!("{{{}: {inner}}}", yaml::inline_text(key)))
}

/// A text keeps the quotes that the old one had.
fn in_style_of(old: &str, value: &Value) -> String {
    match value {
        Value::String(text) if old.starts_with('"') => yaml::double_quoted(text),
        Value::String(text) if old.starts_with('\'') && !text.contains(['\'', '\n']) => format!("'{text}'"),
        _ => yaml::inline(value),
    }
}

/// The value of a key after which nothing is written.
fn after_key(text: &str, node: &Node, replacement: &str) -> Change {
    let key_end = node.key.as_ref().map_or(node.place.range.end, |key| key.range.end);
    let colon = text[key_end..].find(':').map_or(key_end, |found| key_end + found + 1);
    Change { range: colon..colon, replacement: format!(" {replacement}") }
}

/// A further entry of a mapping in block style: below the last one, indented like the first one.
fn on_a_new_line(text: &str, entries: &[(String, Node)], last: &Node, entry: &str) -> Change {
    let first = entries.first().and_then(|(_, node)| node.key.as_ref()).map_or(0, |key| key.range.start);
    let line_start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let indent = text[line_start..first].chars().count();
    let content_end = text[..end_of(last)].trim_end().len();
    let at = text[content_end..].find(['\r', '\n']).map_or(text.len(), |found| content_end + found);
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    Change { range: at..at, replacement: format!("{line_break}{}{entry}", " ".repeat(indent)) }
}

/// Where the text of a value ends. The parser lets collections in block style reach up to what follows them.
fn end_of(node: &Node) -> usize {
    let is_flow = node.place.text().starts_with(['{', '[']);
    let last = match &node.content {
        Content::Mapping(entries) if !is_flow => entries.last().map(|(_, last)| last),
        Content::List(items) if !is_flow => items.last(),
        _ => None,
    };
    let own = || node.place.range.end.max(node.key.as_ref().map_or(0, |key| key.range.end));
    last.map_or_else(own, end_of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const APP: &str = "# ours
apiVersion: amiable/v1
kind: App
metadata: {name: web}

spec:
  image:
    id: ami-0a1b2c3d   # 1.8.2
  instanceType: \"c7g.large\"
  launch:
    userData: |
      #!/bin/sh

  # at the end
environments:
  test: {}
  prod:
    instances: {min: 2, max: 4} # enough
    # trailing words

  stage:
  flow: {image: {id: 'ami-0a1b2c3d'}, instances: {min: 1}}
---
apiVersion: amiable/v1
kind: App
metadata: {name: other}
spec: {}
";
    const NEW: &str = "ami-0fedcba9876543210";

    fn changed(environment: Option<&str>) -> Vec<String> {
        let environment = environment.map(|name| name.parse().unwrap());
        let edited = set_image(APP, &"web".parse().unwrap(), environment.as_ref(), NEW).unwrap();
        let before: Vec<&str> = APP.lines().collect();
        assert!(edited.ends_with('\n'));
        let kept = edited.lines().filter(|line| before.contains(line)).count();
        assert!(kept + 1 >= before.len(), "{edited}");
        edited.lines().filter(|line| !before.contains(line)).map(str::to_owned).collect()
    }

    #[test]
    fn the_image_is_set_and_only_its_line_changes() {
        assert_eq!(changed(None), [format!("    id: {NEW}   # 1.8.2")]);
        assert_eq!(changed(Some("test")), [format!("  test: {{image: {{id: {NEW}}}}}")]);
        assert_eq!(changed(Some("prod")), [format!("    image: {{id: {NEW}}}")]);
        assert_eq!(changed(Some("stage")), [format!("  stage: {{image: {{id: {NEW}}}}}")]);
        assert_eq!(changed(Some("flow")), [format!("  flow: {{image: {{id: '{NEW}'}}, instances: {{min: 1}}}}")]);
    }

    #[test]
    fn a_new_entry_stands_below_the_last_one_and_before_the_comments_that_follow() {
        let edited = set(APP, 0, &["environments", "prod", "instanceType"], &json!("m7g.large")).unwrap();
        assert!(
            edited.contains("{min: 2, max: 4} # enough\n    instanceType: m7g.large\n    # trailing words"),
            "{edited}"
        );
        let edited = set(APP, 0, &["spec", "launch", "keyName"], &json!("ops")).unwrap();
        assert!(edited.contains("      #!/bin/sh\n    keyName: ops\n\n  # at the end"), "{edited}");
    }

    #[test]
    fn values_are_written_so_that_they_stay_what_they_are() {
        for (value, written) in [
            (json!("c7g.xlarge"), "instanceType: \"c7g.xlarge\""),
            (json!(3), "instanceType: 3"),
            (json!("3"), "instanceType: \"3\""),
            (json!(true), "instanceType: true"),
        ] {
            let edited = set(APP, 0, &["spec", "instanceType"], &value).unwrap();
            assert!(edited.contains(written), "{edited}");
        }
        let edited = set(APP, 0, &["environments", "flow", "release", "version"], &json!("1.10")).unwrap();
        assert!(edited.contains("instances: {min: 1}, release: {version: \"1.10\"}}"), "{edited}");
    }

    #[test]
    fn line_breaks_of_windows_stay() {
        let text = "spec:\r\n  a: 1\r\nb: 2\r\n";
        assert_eq!(set(text, 0, &["spec", "c"], &json!(3)).unwrap(), "spec:\r\n  a: 1\r\n  c: 3\r\nb: 2\r\n");
        assert_eq!(set("a: 1", 0, &["b"], &json!(2)).unwrap(), "a: 1\nb: 2");
    }

    #[test]
    fn what_cannot_be_done_safely_is_refused_with_the_reason() {
        let web: AppName = "web".parse().unwrap();
        let told = |result: Result<String, EditError>| result.unwrap_err().to_string();
        assert!(told(set(APP, 0, &["spec", "launch", "userData"], &json!("x"))).contains("by hand"));
        assert!(told(set(APP, 0, &["spec", "launch"], &json!("x"))).contains("`spec.launch` is a mapping"));
        assert!(told(set(APP, 0, &["spec", "instanceType", "x"], &json!("x"))).contains("is the text"));
        assert!(told(set(APP, 7, &["spec"], &json!("x"))).contains("number 7"));
        assert!(told(set("a: &x 1\n", 0, &["a"], &json!(2))).contains("put right first"));
        assert!(told(set_image(APP, &"none".parse().unwrap(), None, NEW)).contains("`none`"));
        assert!(told(set_image(APP, &web, Some(&"qa".parse().unwrap()), NEW)).contains("add `qa: {}`"));
        assert!(told(set_image(APP, &web, None, "1.9.0")).contains("not the id of an image"));
        let followed = APP.replace("    id: ami-0a1b2c3d   # 1.8.2", "    ssmParameter: /images/web");
        let why = told(set_image(&followed, &web, None, NEW));
        assert!(why.contains("`spec.image` takes the image from `ssmParameter`"), "{why}");
        let pinned = set_image(&followed, &web, Some(&"test".parse().unwrap()), NEW).unwrap();
        assert!(pinned.contains(&format!("test: {{image: {{id: {NEW}}}}}")), "an overlay replaces it: {pinned}");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        std::fs::write(&path, "a: 1\n").unwrap();
        write(&path, "a: 2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a: 2\n");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&directory.path().join("missing.yaml"), "").is_err());
    }

    proptest! {
        #[test]
        fn an_edit_changes_the_one_value_or_nothing(
            text in "(a:( [a-c1]| \\{\\}| \\{b: 1\\}| \\[1\\]|)?( # x)?\n(  (b|c):( 1| \\|\n    x| null|)\n){0,2}){1}(d: [1-3] ?\n|\n|# e\n){0,2}",
            deep in proptest::bool::ANY,
        ) {
            let path: &[&str] = if deep { &["a", "b"] } else { &["a", "z", "y"] };
            if let Ok(documents) = read(&text)
                && let Some(first) = documents.first()
                && let Ok(edited) = set(&text, first.index, path, &json!("new"))
            {
                let mut wanted = first.root.to_json();
                insert(&mut wanted, path, &json!("new"));
                let other: Value = serde_saphyr::from_str(&edited).unwrap();
                prop_assert_eq!(other, wanted, "{}", edited);
                let comments = |text: &str| text.matches('#').count();
                prop_assert_eq!(comments(&text), comments(&edited));
            }
        }
    }
}
