//! A writer of XML: elements in order, text escaped.

use std::fmt::{Display, Write};

use crate::model::time::Timestamp;

/// A document under construction.
#[derive(Debug, Default)]
pub struct Xml {
    text: String,
    root: String,
}

impl Xml {
    /// Begins a document with this root element.
    pub fn document(root: &str, namespace: Option<&str>) -> Self {
        let mut text = String::from("<?xml version=\"1.0\"?>");
        match namespace {
            Some(namespace) => text.push_str(&format!("<{root} xmlns=\"{namespace}\">")),
            None => text.push_str(&format!("<{root}>")),
        }
        Self { text, root: root.to_owned() }
    }

    /// An element with text.
    pub fn leaf(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "<{name}>{}</{name}>", quick_xml::escape::escape(value.as_str()));
        self
    }

    /// An element with text, if there is any.
    pub fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.leaf(name, value);
        }
        self
    }

    /// An element with a time, in milliseconds as AWS writes them.
    pub fn time(&mut self, name: &str, at: Timestamp) -> &mut Self {
        self.leaf(name, Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at))
    }

    /// An element with elements.
    pub fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.text, "<{name}>");
        fill(self);
        let _ = write!(self.text, "</{name}>");
        self
    }

    /// A list: `<name><item>…</item><item>…</item></name>`.
    pub fn list<T>(
        &mut self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.within(name, |xml| {
            for value in values {
                xml.within(item, |xml| fill(xml, value));
            }
        })
    }

    /// Ends the document.
    pub fn finish(mut self) -> String {
        let _ = write!(self.text, "</{}>", self.root);
        self.text
    }
}
