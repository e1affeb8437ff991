//! The content of a manifest as a tree in which every value knows its place and the layer that it came from.

use std::fmt;

use serde_json::{Map, Number, Value};

use crate::manifest::source::Place;

/// Which part of the manifests a value came from. Later ones win over earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `spec.defaults` of the environment.
    EnvironmentDefault,
    /// `spec` of the app.
    App,
    /// `environments` of the app.
    Overlay,
}

/// A value.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// Where the value stands.
    pub place: Place,
    /// Where its key stands, for the value of a mapping.
    pub key: Option<Place>,
    /// The layer that it came from.
    pub layer: Layer,
    /// What it is.
    pub content: Content,
}

impl fmt::Debug for Node {
    /// The place only: the value may be user data.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Node({})", self.place)
    }
}

/// What a value is.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// Nothing; written as `null`, or by leaving the value out.
    Null {
        /// Whether anything is written at all.
        written: bool,
    },
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.content {
            Content::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value at a path: keys, and numbers of list items.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, part| match &node.content {
            Content::List(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => node.get(part),
        })
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is null, written or not.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null { .. })
    }

    /// Where to point for it: the value itself when it stands on one line, else its key.
    pub fn spot(&self) -> Place {
        match (&self.content, &self.key) {
            (Content::Mapping(_) | Content::List(_), Some(key)) => key.clone(),
            _ if self.place.text().contains('\n') => self.key.clone().unwrap_or_else(|| self.place.first_line()),
            (_, Some(key)) if self.place.range.is_empty() => key.clone(),
            _ => self.place.clone(),
        }
    }

    /// Where to point for a path of which the last parts may not be there: the deepest value that is.
    pub fn nearest(&self, path: &[&str]) -> Place {
        (0..=path.len()).rev().find_map(|length| self.at(&path[..length])).unwrap_or(self).spot()
    }

    /// The same tree with every value marked as coming from `layer`.
    pub fn in_layer(mut self, layer: Layer) -> Self {
        self.layer = layer;
        match &mut self.content {
            Content::List(items) => {
                for item in items {
                    *item = std::mem::replace(item, Node::nothing(&item.place)).in_layer(layer);
                }
            }
            Content::Mapping(entries) => {
                for (_, node) in entries {
                    *node = std::mem::replace(node, Node::nothing(&node.place)).in_layer(layer);
                }
            }
            _ => {}
        }
        self
    }

    /// An unwritten null at `place`.
    pub fn nothing(place: &Place) -> Self {
        Self { place: place.clone(), key: None, layer: Layer::App, content: Content::Null { written: false } }
    }

    /// The same value without places.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null { .. } => Value::Null,
            Content::Bool(truth) => Value::Bool(*truth),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Mapping(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// Whether it is where secrets stand.
    fn is_hidden(&self) -> bool {
        let (file, range) = (&self.place.file, self.place.range.clone());
        file.visible(range.clone()) != file.text[range]
    }

    /// What it is, for people: `the number 3`, `a list`.
    pub fn described(&self) -> String {
        use crate::manifest::diagnostic::quoted;
        match &self.content {
            Content::Null { written: true } => "null".to_owned(),
            Content::Null { written: false } => "nothing".to_owned(),
            Content::Bool(truth) => format!("the boolean `{truth}`"),
            Content::Number(_) => format!("the number {}", quoted(&self.place.file.visible(self.place.range.clone()))),
            Content::Text(_) if self.is_hidden() => "a text".to_owned(),
            Content::Text(text) => format!("the text {}", quoted(text)),
            Content::List(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
        }
    }
}
