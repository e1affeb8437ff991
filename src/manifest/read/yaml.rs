//! YAML in and out: the one module that knows the YAML crates.
//!
//! Manifests use the plain part of YAML 1.2: no anchors, aliases, merge keys, tags or directives. Reading goes from the
//! parser's events straight to a [`Node`] tree, so that duplicate keys are seen, every value keeps its place, and one bad
//! document hides no other. See `docs/decisions/` for why.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Number, Value};

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::read::node::{Content, Layer, Node};
use crate::manifest::source::{Place, SourceFile};

/// How deep values may be nested. The deepest field has six levels.
const MAX_DEPTH: usize = 32;

/// How many documents a file may hold.
const MAX_DOCUMENTS: usize = 1000;

/// One document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its content.
    pub root: Node,
    /// Its number in the file, counted from 0; documents without content count.
    pub index: usize,
    /// Whether something in it could not be taken over, so that a further look at its values would mislead.
    pub damaged: bool,
}

/// Reads every document of a file that can be read, and says what is wrong with the others.
pub fn read(file: &Arc<SourceFile>, findings: &mut Diagnostics) -> Vec<Document> {
    let broken = errors(&file.text);
    let masked = (!broken.is_empty()).then(|| Arc::new(file.broken_at(&broken)));
    let file = masked.as_ref().unwrap_or(file);
    let parser = parser(&file.text);
    let mut reader = Reader { parser, file, findings, damaged: false, index: 0 };
    let mut documents = Vec::new();
    loop {
        match reader.document() {
            Ok(Some(document)) if reader.index <= MAX_DOCUMENTS => documents.extend(document),
            Ok(Some(_)) => {
                let message = format!("there are more than {MAX_DOCUMENTS} documents in this file");
                reader.report(Diagnostic::at(Code::TooMuch, Place::new(file, 0..0), message));
                return documents;
            }
            Ok(None) => return documents,
            Err(error) => {
                reader.syntax(&error);
                if !matches!(reader.parser.proceed_next_document(), Ok(true)) {
                    return documents;
                }
            }
        }
    }
}

fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    Parser::new_from_str_with_options(text, options)
}

/// Where a text is no YAML: known before anything is said of it, because what stands open there may be a secret.
fn errors(text: &str) -> Vec<usize> {
    let mut parser = parser(text);
    let mut found = Vec::new();
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok(_) => {}
            Err(error) => {
                found.push(error.marker().byte_offset().unwrap_or(0));
                if found.len() > MAX_DOCUMENTS || !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    found
}

struct Reader<'a, 'f> {
    parser: Parser<'a, StrInput<'a>>,
    file: &'a Arc<SourceFile>,
    findings: &'f mut Diagnostics,
    damaged: bool,
    index: usize,
}

impl<'a> Reader<'a, '_> {
    /// The next document; inside, nothing for one without content; outside, nothing at the end of the file.
    fn document(&mut self) -> Result<Option<Option<Document>>, ScanError> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok(None) };
            match next? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(..), _) => break,
                _ => {}
            }
        }
        let index = self.index;
        self.index += 1;
        self.damaged = false;
        let (event, span) = self.next()?;
        let root = self.node(event, span)?;
        let empty = matches!(root.content, Content::Null { .. });
        Ok(Some((!empty).then_some(Document { root, index, damaged: self.damaged })))
    }

    /// The next event that is part of the content. The parser ends with an error or an end event before it has no more.
    fn next(&mut self) -> Result<(Event<'a>, Span), ScanError> {
        loop {
            match self.parser.next_event().unwrap_or(Ok((Event::StreamEnd, Span::default())))? {
                (Event::Anchor(..), span) => {
                    let place = self.place(&span);
                    let help =
                        "write the value out wherever it is needed; `defaults` of the environment serve all apps";
                    self.refuse(place, "an anchor", help);
                }
                other => return Ok(other),
            }
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place::new(self.file, span.byte_range().unwrap_or(0..0))
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.damaged = true;
        self.findings.push(diagnostic);
    }

    fn refuse(&mut self, place: Place, what: &str, help: &str) {
        self.report(
            Diagnostic::at(Code::YamlFeature, place, format!("{what} cannot be used in a manifest")).help(help),
        );
    }

    /// The value that begins with `event`. The parser's nesting limits bound the recursion.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, ScanError> {
        let place = self.place(&span);
        self.refuse_tag(&event, &span);
        let (content, place) = match event {
            Event::Scalar(text, style, _, _) => (self.scalar(&text, style, &place), place),
            Event::SequenceStart(..) => {
                let (items, end) = self.list()?;
                (Content::List(items), Place::new(self.file, place.range.start..end))
            }
            Event::MappingStart(..) => {
                let (entries, end) = self.mapping()?;
                (Content::Mapping(entries), Place::new(self.file, place.range.start..end))
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(place.clone(), "an alias", "write the value out");
                (Content::Null { written: true }, place)
            }
            _ => (Content::Null { written: false }, place),
        };
        Ok(Node { place, key: None, layer: Layer::App, content })
    }

    fn refuse_tag(&mut self, event: &Event<'_>, span: &Span) {
        if let Some(tag) = event.tag() {
            let place = span.tag_span().map_or_else(|| self.place(span), |tag| self.place(&tag));
            self.refuse(
                place,
                &format!("the tag {}", quoted(&tag.original())),
                "remove it; a text of digits goes in quotes",
            );
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, usize), ScanError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd | Event::StreamEnd, span) => return Ok((items, self.place(&span).range.end)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<(Vec<(String, Node)>, usize), ScanError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok((entries, self.place(&span).range.end));
            }
            let key = self.key(event, span)?;
            let (event, span) = self.next()?;
            let mut value = self.node(event, span)?;
            let Some((key, place)) = key else { continue };
            if let Some(first) = seen.get(&key) {
                let finding = Diagnostic::at(Code::DuplicateKey, place, format!("{} is given twice", quoted(&key)))
                    .label("the second one")
                    .related(first.clone(), "the first one")
                    .help("keep one of them");
                self.findings.push(finding);
                continue;
            }
            seen.insert(key.clone(), place.clone());
            value.key = Some(place);
            entries.push((key, value));
        }
    }

    /// A key of a mapping, if it is one that manifests may have.
    fn key(&mut self, event: Event<'a>, span: Span) -> Result<Option<(String, Place)>, ScanError> {
        let place = self.place(&span);
        if let Event::Scalar(text, style, _, _) = &event {
            self.refuse_tag(&event, &span);
            if *style == ScalarStyle::Plain && text == "<<" {
                self.refuse(
                    place,
                    "the merge key `<<`",
                    "write the fields out; `defaults` of the environment serve all apps",
                );
                return Ok(None);
            }
            return Ok(Some((text.clone().into_owned(), place)));
        }
        let node = self.node(event, span)?;
        self.refuse(node.place.first_line(), &format!("{} as a key", node.described()), "a key is a plain word");
        Ok(None)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: &Place) -> Content {
        if style != ScalarStyle::Plain {
            return Content::Text(text.to_owned());
        }
        if place.range.is_empty() {
            return Content::Null { written: false };
        }
        plain(text)
    }

    /// The tab in the indentation of the line with this byte, if there is one.
    fn indented_by_a_tab(&self, offset: usize) -> Option<Place> {
        let text = &self.file.text;
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
        let indentation = text[start..].find(|c| c != ' ' && c != '\t').unwrap_or(text.len() - start);
        let tab = start + text[start..start + indentation].find('\t')?;
        Some(Place::new(self.file, tab..tab + 1))
    }

    fn syntax(&mut self, error: &ScanError) {
        let offset = error.marker().byte_offset().unwrap_or(0);
        let end = self.file.text[self.file.text.len().min(offset)..].chars().next().map_or(0, char::len_utf8);
        let place = Place::new(self.file, offset..offset + end);
        let diagnostic = match error.kind() {
            ErrorKind::RecursionLimitExceeded => {
                Diagnostic::at(Code::TooDeep, place, format!("values are nested more than {MAX_DEPTH} levels deep"))
            }
            ErrorKind::DirectiveDisallowed => {
                Diagnostic::at(Code::YamlFeature, place, "a directive cannot be used in a manifest")
                    .help("remove the line")
            }
            _ => match self.indented_by_a_tab(offset) {
                Some(tab) => Diagnostic::at(
                    Code::YamlSyntax,
                    tab,
                    "this line is indented by a tab, which YAML does not allow",
                )
                .help("write spaces in its place, two for each level; most editors can do that for the whole file"),
                None => Diagnostic::at(Code::YamlSyntax, place, format!("this is not YAML: {}", error.info()))
                    .help(syntax_help(&error.info())),
            },
        };
        self.report(diagnostic);
    }
}

/// What to look for where a text is not YAML, by what the parser found missing.
fn syntax_help(info: &str) -> &'static str {
    match info {
        _ if info.contains("flow mapping") => "is a `{` not closed by a `}`, here or above, or a comma missing?",
        _ if info.contains("flow sequence") => "is a `[` not closed by a `]`, here or above, or a comma missing?",
        _ if info.contains("mapping values") => "put a value that holds `: ` in quotes, and look at the indentation",
        _ if info.contains("block mapping") || info.contains("block sequence") => {
            "fields that belong together begin in the same column: look at the indentation here and on the lines above"
        }
        _ => "look at the indentation and the quotes here and on the lines above",
    }
}

/// What a plain scalar means by the core schema of YAML 1.2: `no`, `on` and `1_000` are texts.
fn plain(text: &str) -> Content {
    match text {
        "null" | "Null" | "NULL" | "~" => return Content::Null { written: true },
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Content::Text(text.to_owned()), Content::Number)
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(octal) = text.strip_prefix("0o") {
        return plain_digits(octal, 8).then(|| u64::from_str_radix(octal, 8).ok().map(Number::from)).flatten();
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return plain_digits(hexadecimal, 16)
            .then(|| u64::from_str_radix(hexadecimal, 16).ok().map(Number::from))
            .flatten();
    }
    if plain_digits(digits, 10) {
        let whole = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = whole.parse::<u64>() {
            return Some(number.into());
        }
        if let Ok(number) = whole.parse::<i64>() {
            return Some(number.into());
        }
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_fine =
        exponent.is_none_or(|exponent| plain_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent), 10));
    let is_float = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    (is_float && exponent_is_fine).then(|| text.parse().ok().and_then(Number::from_f64)).flatten()
}

fn plain_digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

/// A value as it is written on one line of a manifest: without quotes where no reader of YAML could take it for
/// something else, and in flow style when it is a list or a mapping.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => plain_number(number),
        Value::String(text) => inline_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{}: {}", inline_text(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A value as a document of its own.
///
/// # Errors
/// Never, for plain data.
pub fn document(value: &Value) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(value)
}

/// A number as people write it: `60` for 60.0.
fn plain_number(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A text on one line: as it is when it is a plain word to YAML 1.1 as well as 1.2, else in double quotes.
pub fn inline_text(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./@+*".contains(c);
    let plain_start = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '_');
    // The writer of serde-saphyr knows what other readers take for a number, a date or a boolean.
    let unquoted = || serde_saphyr::to_string(&text).is_ok_and(|written| written.trim_end() == text);
    if plain_start && text.chars().all(|c| harmless(c) || c == ':') && !text.ends_with(':') && unquoted() {
        return text.to_owned();
    }
    double_quoted(text)
}

/// A text in double quotes. JSON's escapes are YAML's, too.
pub fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if crate::model::text::is_disturbing(c) && (c as u32) < 0x1_0000 => {
                quoted.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> (Vec<Document>, Diagnostics) {
        let file = Arc::new(SourceFile::new(Path::new("a.yaml"), text.to_owned()));
        let mut findings = Diagnostics::default();
        let documents = read(&file, &mut findings);
        (documents, findings)
    }

    fn value(text: &str) -> Value {
        let (documents, findings) = parse(text);
        assert!(findings.is_empty(), "{findings}");
        documents[0].root.to_json()
    }

    fn codes(text: &str) -> Vec<&'static str> {
        parse(text).1.iter().map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn plain_scalars_mean_what_the_core_schema_of_yaml_1_2_says() {
        for (text, expected) in [
            ("no", json!("no")),
            ("on", json!("on")),
            ("True", json!(true)),
            ("~", json!(null)),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("1_000", json!("1_000")),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("1:30", json!("1:30")),
            ("2026-12-01", json!("2026-12-01")),
            (".", json!(".")),
            ("-", json!([null])),
            ("1e999", json!("1e999")),
            ("\"12\"", json!("12")),
            (".inf", json!(".inf")),
        ] {
            assert_eq!(
                value(&format!("a: {}", if text == "-" { "\n  -" } else { text })),
                json!({"a": expected}),
                "{text}"
            );
        }
    }

    #[test]
    fn serde_saphyr_reads_the_same_values() {
        for text in [
            "a: 1\nb: [x, {c: true}]\n",
            "s: |\n  one\n  two\nf: >-\n  one\n  two\n",
            "q: 'it''s'\nd: \"\\u00e9\\n\"\ne:\n",
            "l:\n- 1\n-   a: b\n    c: ~\n",
        ] {
            let other: Value = serde_saphyr::from_str(text).unwrap();
            assert_eq!(value(text), other, "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_values() {
        let text = "spec:\n  image: {id: ami-1}\n  listeners:\n  - port: 80 # web\n  empty:\n  text: \"é\"\n";
        let root = &parse(text).0[0].root;
        let text_at = |path: &[&str]| root.at(path).unwrap().place.text().to_owned();
        assert_eq!(text_at(&["spec", "image", "id"]), "ami-1");
        assert_eq!(text_at(&["spec", "image"]), "{id: ami-1}");
        assert_eq!(text_at(&["spec", "listeners", "0", "port"]), "80");
        assert_eq!(text_at(&["spec", "empty"]), "");
        assert_eq!(text_at(&["spec", "text"]), "\"é\"");
        assert_eq!(root.at(&["spec", "text"]).unwrap().key.as_ref().unwrap().start().line, 6);
        assert_eq!(root.at(&["spec", "empty"]).unwrap().spot().text(), "empty");
    }

    #[test]
    fn one_bad_document_hides_no_other() {
        let (documents, findings) = parse("a: 1\n---\nb: [1\n---\nc: 2\n--- # nothing\n---\nc: 3\nc: 4\n");
        let values: Vec<_> = documents.iter().map(|document| document.root.to_json()).collect();
        assert_eq!(values, [json!({"a": 1}), json!({"c": 2}), json!({"c": 3})]);
        assert_eq!(documents[0].index, 0);
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::YamlSyntax, Code::DuplicateKey]);
    }

    #[test]
    fn the_clever_parts_of_yaml_are_refused() {
        assert_eq!(codes("a: &x 1\nb: *x\n"), ["yaml-feature", "yaml-feature"]);
        assert_eq!(codes("a: *missing\n"), ["yaml-feature"]);
        assert_eq!(codes("a:\n  <<: {b: 1}\n"), ["yaml-feature"]);
        assert_eq!(codes("a: !!str 1\n"), ["yaml-feature"]);
        assert_eq!(codes("? [1, 2]\n: 3\n"), ["yaml-feature"]);
        assert_eq!(codes("%YAML 1.2\n---\na: 1\n"), ["yaml-feature"]);
    }

    #[test]
    fn hostile_texts_are_refused_before_anybody_loses_patience() {
        let laughs = (0..9).fold("a0: &a0 [lol]\n".to_owned(), |text, level| {
            format!("{text}a{}: &a{} [{}]\n", level + 1, level + 1, vec![format!("*a{level}"); 9].join(","))
        });
        let wide = (0..150_000).map(|number| format!("k{number}: 1\n")).collect::<String>();
        for (name, text) in [
            ("billion laughs", laughs),
            ("nested lists", "[".repeat(100_000)),
            ("nested mappings", "{a: ".repeat(100_000)),
            ("nested blocks", (0..2000).map(|level| format!("{}a:\n", " ".repeat(level % 1000))).collect()),
            ("nested dashes", "- ".repeat(100_000)),
            ("a long key", "a".repeat(1 << 20)),
            ("quotes", "\"".repeat(1 << 20)),
            ("documents", "---\na\n".repeat(100_000)),
            ("same key", "a: 1\n".repeat(100_000)),
            ("wide", wide),
            ("braces", "}{][".repeat(1 << 18)),
            ("nul", "\0".repeat(1 << 16)),
        ] {
            let started = Instant::now();
            let (_, mut findings) = parse(&text);
            findings.tidy();
            let shown = findings.to_string();
            // Far above what any of them takes on a busy machine, far below what quadratic work on them would.
            assert!(started.elapsed() < Duration::from_secs(60), "{name} took {:?}", started.elapsed());
            assert!(shown.len() < 1 << 20, "{name}: {} bytes of findings", shown.len());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[a-c0-9:\\-?\\[\\]{},&*!|>'\"%@`# \n\té\r<~.]{0,80}") {
            let (_, mut findings) = parse(&text);
            findings.tidy();
            let _ = findings.to_string();
        }

        #[test]
        fn what_is_written_is_read_back(text in "\\PC{0,20}|[a-z0-9:#,\\-\n\t \"'{}\\[\\]~.]{0,12}") {
            let value = json!({"a": text.clone(), "b": [text]});
            let written = inline(&value);
            prop_assert_eq!(self::value(&written), value.clone(), "{}", written);
            let other: Value = serde_saphyr::from_str(&written).unwrap();
            prop_assert_eq!(other, value);
        }
    }
}
