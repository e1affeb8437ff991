//! A reader of XML for the bodies of REST XML requests. Hostile input costs little: no document types, no entities but
//! XML's own five, and a bound on depth, so that neither memory nor the stack grows beyond the size of the body.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Deepest nesting that is read; Route 53's deepest request has seven.
const MAX_DEPTH: usize = 32;

/// An element with what it holds. Attributes are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without a namespace's prefix.
    pub name: String,
    /// Its text, trimmed.
    pub text: String,
    /// Its elements, in order.
    pub children: Vec<Element>,
}

/// Why a text was not read as XML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid XML ; {0}")]
pub struct XmlError(String);

impl Element {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError("it is not UTF-8".into()))?;
        let mut reader = Reader::from_str(text);
        // The elements that are open, outermost first.
        let mut open: Vec<Element> = Vec::new();
        loop {
            let event = reader.read_event().map_err(|error| XmlError(error.to_string()))?;
            let closed = match event {
                Event::Start(start) => {
                    if open.len() >= MAX_DEPTH {
                        return Err(XmlError("it is nested too deeply".into()));
                    }
                    open.push(Element::named(start.local_name().as_ref()));
                    None
                }
                Event::Empty(start) => Some(Element::named(start.local_name().as_ref())),
                Event::End(_) => open.pop(),
                Event::Text(part) => {
                    append(&mut open, &part.xml10_content());
                    None
                }
                Event::CData(part) => {
                    append(&mut open, &part.xml10_content());
                    None
                }
                Event::GeneralRef(reference) => {
                    append(&mut open, &resolve(&reference)?);
                    None
                }
                Event::DocType(_) => return Err(XmlError("it has a document type".into())),
                Event::Eof => return Err(XmlError("it ends too early".into())),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => None,
            };
            if let Some(mut element) = closed {
                element.text = element.text.trim().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The first element with this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element with this name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, XmlError> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| XmlError(error.to_string()))? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| XmlError("it names an entity that is not XML's own".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_text_and_references_are_read() {
        let text = "<?xml version=\"1.0\"?><a xmlns=\"urn:x\"><b> &quot;1 &amp; 2&#x21;&quot; </b><b/><c><![CDATA[<d>]]></c></a>";
        let element = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(element.name, "a");
        assert_eq!(element.text_of("b"), Some("\"1 & 2!\""));
        assert_eq!(element.children.len(), 3);
        assert_eq!(element.text_of("c"), Some("<d>"));
        assert_eq!(element.child("d"), None);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        for text in
            [deep.as_str(), bomb, "<a>&b;</a>", "<a>", "<a></b>", "", "text", "<a>&#0;</a>", "<a>&#xFFFFFFFF;</a>"]
        {
            let shown: String = text.chars().take(40).collect();
            assert!(Element::parse(text.as_bytes()).is_err(), "{shown}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_err());
    }
}
