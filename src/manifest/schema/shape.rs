//! Whether a manifest has the shape of its schema: fields, types, ranges, choices. Every deviation is found, each at its place.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, closest, did_you_mean, quoted};
use crate::manifest::read::node::{Content, Node};
use crate::manifest::schema;
use crate::model::names::{AppName, EnvironmentName};
use crate::model::spec::{Percent, Ratio, Statuses, Tolerance};
use crate::model::time::{Milliseconds, Span};

/// Checks `node` against a schema that was generated from the types.
pub fn check(node: &Node, schema: &Value, findings: &mut Diagnostics) {
    let mut shape = Shape { root: schema, findings: Diagnostics::default() };
    shape.value(node, schema, "");
    findings.extend(shape.findings.iter().cloned());
}

/// Fields of other tools, and what they are called here.
const KNOWN_ELSEWHERE: [(&str, &str); 9] = [
    ("ami", "image.id"),
    ("amiId", "image.id"),
    ("imageId", "image.id"),
    ("replicas", "instances"),
    ("count", "instances"),
    ("securityGroups", "securityGroupIds"),
    ("subnets", "subnetIds"),
    ("healthCheckUrl", "healthCheck.path"),
    ("tags", "metadata.labels"),
];

/// How many findings of one document get advice that has to be searched for. Fewer are shown.
const MOST_ADVICE: usize = 200;

struct Shape<'s> {
    root: &'s Value,
    findings: Diagnostics,
}

impl<'s> Shape<'s> {
    fn value(&mut self, node: &Node, schema: &'s Value, path: &str) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/definitions/")) {
            return match name {
                "Span" => self.span(node, path),
                "Milliseconds" => self.readable::<Milliseconds>(node, path),
                "Statuses" => self.readable::<Statuses>(node, path),
                "Percent" => self.readable::<Percent>(node, path),
                "Tolerance" => self.readable::<Tolerance>(node, path),
                "Ratio" => self.readable::<Ratio>(node, path),
                "AppName" => self.name(node, path, |text| text.parse::<AppName>().err().map(|error| error.to_string())),
                "EnvironmentName" => {
                    self.name(node, path, |text| text.parse::<EnvironmentName>().err().map(|error| error.to_string()));
                }
                _ => {
                    if let Some(definition) = self.root.get("definitions").and_then(|all| all.get(name)) {
                        self.value(node, definition, path);
                    }
                }
            };
        }
        if node.is_null() && self.null(node, schema, path) {
            return;
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            all.iter().for_each(|part| self.value(node, part, path));
        }
        if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) {
            return self.one_of(node, alternatives, path);
        }
        let allowed = schema::allowed(schema);
        if !allowed.is_empty() {
            return self.choice(node, &allowed, path);
        }
        self.typed(node, schema, path);
    }

    /// Deals with a null; false where there is more to say about it.
    fn null(&mut self, node: &Node, schema: &Value, path: &str) -> bool {
        if matches!(node.content, Content::Null { written: false }) {
            let name = shown(path);
            let finding = Diagnostic::at(Code::EmptyValue, node.spot(), format!("`{name}` has no value"))
                .help("give it a value, or remove the line; to take away what another layer sets, write `null`");
            self.findings.push(finding);
            return true;
        }
        accepts_null(schema)
    }

    fn one_of(&mut self, node: &Node, alternatives: &'s [Value], path: &str) {
        let real: Vec<&Value> = alternatives.iter().filter(|alternative| !accepts_null(alternative)).collect();
        if let [only] = real[..] {
            return self.value(node, only, path);
        }
        // Forms that are told apart by what is written: a word, or a mapping with a field that only one of them requires.
        let forms: Vec<&Value> = real.iter().map(|form| self.resolved(form)).collect();
        let is_mapping = |form: &Value| form.get("properties").is_some();
        if !matches!(node.content, Content::Mapping(_)) {
            let plain = real.iter().zip(&forms).find(|(_, form)| !is_mapping(form));
            return match plain {
                Some((_, word)) if node.text().is_some() && !schema::allowed(word).is_empty() => {
                    self.word_or_mapping(node, &schema::allowed(word), path, mappings_of(&forms));
                }
                Some((form, _)) if node.text().is_some() => self.value(node, form, path),
                _ => self.wrong_type(node, "a mapping, or a word", path, None),
            };
        }
        let mappings: Vec<&Value> = forms.into_iter().filter(|form| is_mapping(form)).collect();
        let names_it = |form: &&&Value| required(form).any(|field| node.get(field).is_some());
        let strangers =
            |form: &&Value| node.entries().iter().filter(|(key, _)| form["properties"].get(key).is_none()).count();
        let chosen = mappings.iter().find(names_it).or_else(|| mappings.iter().min_by_key(|form| strangers(form)));
        if let Some(chosen) = chosen {
            self.mapping(node, chosen, path, &mappings);
        }
    }

    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/definitions/"));
        name.and_then(|name| self.root.get("definitions")?.get(name)).unwrap_or(schema)
    }

    fn typed(&mut self, node: &Node, schema: &'s Value, path: &str) {
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("")
            }
            _ => return,
        };
        match (kind, &node.content) {
            ("object", Content::Mapping(_)) => self.mapping(node, schema, path, &[]),
            ("array", Content::List(items)) => self.list(node, items, schema, path),
            ("integer", Content::Number(number)) if number.is_u64() || number.is_i64() => {
                self.range(node, schema, path)
            }
            ("string", Content::Text(_)) | ("boolean", Content::Bool(_)) | ("number", Content::Number(_)) => {}
            ("object", _) => self.wrong_type(node, "a mapping", path, as_mapping(node, schema, path)),
            ("array", Content::Text(text)) => {
                self.wrong_type(node, "a list", path, Some(format!("write a list of one: `[{text}]`")));
            }
            ("array", _) => self.wrong_type(node, "a list", path, None),
            ("integer", Content::Text(text)) if text.parse::<i64>().is_ok() => {
                self.wrong_type(node, "a whole number", path, Some("remove the quotes".to_owned()));
            }
            ("integer", _) => self.wrong_type(node, "a whole number", path, None),
            ("boolean", Content::Text(text)) => self.wrong_type(node, "`true` or `false`", path, truth(text)),
            ("boolean", _) => self.wrong_type(node, "`true` or `false`", path, None),
            ("string", Content::Number(_) | Content::Bool(_)) => {
                let written = node.place.file.visible(node.place.range.clone());
                self.wrong_type(node, "a text", path, Some(format!("put it in quotes: `\"{written}\"`")));
            }
            ("string", _) => self.wrong_type(node, "a text", path, None),
            _ => {}
        }
    }

    fn mapping(&mut self, node: &Node, schema: &'s Value, path: &str, forms: &[&'s Value]) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object())
            .or_else(|| schema.get("patternProperties")?.as_object()?.values().next());
        for (key, value) in node.entries() {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match properties.and_then(|properties| properties.get(key)).or(others) {
                Some(field) => self.value(value, field, &inner),
                None => self.unknown(key, value, schema, path, forms),
            }
        }
        for field in required(schema).filter(|field| node.get(field).is_none()) {
            let owner = if path.is_empty() { String::new() } else { format!(" in `{}`", shown(path)) };
            let finding = Diagnostic::at(Code::MissingField, node.spot(), format!("`{field}` is missing{owner}"));
            self.findings.push(finding.maybe_help(described(schema, field)));
        }
        if let Some(most) = schema.get("maxProperties").and_then(Value::as_u64)
            && node.entries().len() as u64 > most
        {
            let message = format!("`{}` has {} entries, more than {most}", shown(path), node.entries().len());
            let apart =
                (most == 1 && path.ends_with(']')).then_some("write each of them as an item of its own in the list");
            let finding = Diagnostic::at(Code::OutOfRange, node.spot(), message);
            self.findings.push(finding.maybe_help(apart.map(str::to_owned)));
        }
    }

    fn unknown(&mut self, key: &str, value: &Node, schema: &Value, path: &str, forms: &[&Value]) {
        let place = value.key.clone().unwrap_or_else(|| value.spot());
        let other_form = forms.iter().find(|form| form["properties"].get(key).is_some());
        if let Some(form) = other_form {
            let own = required(schema).next();
            let other = required(form).next();
            let why = match (own, other) {
                (Some(own), _) => format!("`{key}` does not go with `{own}` in `{}`", shown(path)),
                (None, Some(other)) => format!("`{key}` goes only with `{other}` in `{}`", shown(path)),
                (None, None) => format!("`{key}` does not go with the other fields of `{}`", shown(path)),
            };
            self.findings.push(Diagnostic::at(Code::ConflictingField, place, why));
            return;
        }
        let known: Vec<&str> = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        let within = if path.is_empty() { String::new() } else { format!(" in `{}`", shown(path)) };
        let finding = Diagnostic::at(Code::UnknownField, place, format!("there is no field {}{within}", quoted(key)));
        let help = if self.findings.len() < MOST_ADVICE { advice(key, &known, shown(path)) } else { None };
        self.findings.push(finding.maybe_help(help));
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'s Value, path: &str) {
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(item, schema, &format!("{path}[{index}]"));
            }
        }
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
        let (least, most) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(u64::MAX));
        let count = items.len() as u64;
        let name = shown(path);
        if count < least {
            self.out_of_range(node, format!("`{name}` needs at least {}", counted(least, "item")));
        } else if count > most {
            self.out_of_range(node, format!("`{name}` has {count} items and may have {most} at most"));
        }
    }

    fn range(&mut self, node: &Node, schema: &Value, path: &str) {
        let Content::Number(number) = &node.content else { return };
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_i64);
        let least = bound("minimum");
        let most = bound("maximum").or(match schema.get("format").and_then(Value::as_str) {
            Some("uint16") => Some(i64::from(u16::MAX)),
            Some("uint32") => Some(i64::from(u32::MAX)),
            _ => None,
        });
        // A number beyond i64 is above every limit there is.
        let value = number.as_i64().unwrap_or(i64::MAX);
        if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("from {least} to {most}"),
                (Some(least), None) => format!("at least {least}"),
                (None, most) => format!("at most {}", most.unwrap_or(i64::MAX)),
            };
            self.out_of_range(node, format!("`{}` is {number}; it may be {range}", shown(path)));
        }
    }

    fn out_of_range(&mut self, node: &Node, message: String) {
        self.findings.push(Diagnostic::at(Code::OutOfRange, node.spot(), message));
    }

    fn choice(&mut self, node: &Node, allowed: &[&str], path: &str) {
        let words = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let Some(text) = node.text() else {
            return self.wrong_type(node, &words, path, None);
        };
        if !allowed.contains(&text) {
            let message = format!("`{}` must be {words}, not {}", shown(path), quoted(text));
            let help = closest(text, allowed.iter().copied()).map(|word| format!("did you mean `{word}`?"));
            self.findings.push(Diagnostic::at(Code::NotAllowed, node.spot(), message).maybe_help(help));
        }
    }

    /// A word where a mapping may stand as well.
    fn word_or_mapping(&mut self, node: &Node, allowed: &[&str], path: &str, fields: Option<String>) {
        let text = node.text().unwrap_or_default();
        if allowed.contains(&text) {
            return;
        }
        let words = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let message = format!("`{}` must be {words} or a mapping, not {}", shown(path), quoted(text));
        let help = closest(text, allowed.iter().copied()).map(|word| format!("did you mean `{word}`?")).or(fields);
        self.findings.push(Diagnostic::at(Code::NotAllowed, node.spot(), message).maybe_help(help));
    }

    fn span(&mut self, node: &Node, path: &str) {
        match &node.content {
            Content::Null { .. } if self.null(node, &Value::Null, path) => {}
            Content::Text(text) => {
                if text.parse::<Span>().is_err() {
                    let message = format!("`{}` is a length of time, and {} is not one", shown(path), quoted(text));
                    let help = "write a number and a unit, such as `30s`, `5m`, `48h` or `7d`; ten years at most";
                    self.findings.push(Diagnostic::at(Code::BadDuration, node.spot(), message).help(help));
                }
            }
            Content::Number(number) => {
                let help = format!("add a unit: `{number}s`, `{number}m` or `{number}h`");
                let message = format!("`{}` is a length of time, and {number} has no unit", shown(path));
                self.findings.push(Diagnostic::at(Code::BadDuration, node.spot(), message).help(help));
            }
            _ => self.wrong_type(node, "a length of time such as `30s`", path, None),
        }
    }

    /// A value with a form of its own, which its type reads or complains of.
    fn readable<T: DeserializeOwned>(&mut self, node: &Node, path: &str) {
        if node.is_null() && self.null(node, &Value::Null, path) {
            return;
        }
        if let Err(error) = serde_json::from_value::<T>(node.to_json()) {
            let message = format!("`{}`: {error}", shown(path));
            self.findings.push(Diagnostic::at(Code::BadFormat, node.spot(), message));
        }
    }

    fn name(&mut self, node: &Node, path: &str, problem: fn(&str) -> Option<String>) {
        match &node.content {
            Content::Null { .. } if self.null(node, &Value::Null, path) => {}
            Content::Text(text) => {
                if let Some(problem) = problem(text) {
                    let problem = problem.replace(text.as_str(), quoted(text).trim_matches('`'));
                    let candidate = name_like(text);
                    let help = problem_free(&candidate).then(|| format!("`{candidate}` would do"));
                    self.findings.push(Diagnostic::at(Code::BadName, node.spot(), problem).maybe_help(help));
                }
            }
            _ => self.wrong_type(node, "a name", path, Some("put it in quotes".to_owned())),
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &str, help: Option<String>) {
        let message = format!("`{}` must be {expected}, not {}", shown(path), node.described());
        self.findings.push(Diagnostic::at(Code::WrongType, node.spot(), message).maybe_help(help));
    }
}

fn accepts_null(schema: &Value) -> bool {
    let is_null = |kind: &Value| kind == "null";
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_null),
        Some(kind) => is_null(kind),
        None => schema.get("anyOf").and_then(Value::as_array).is_some_and(|all| all.iter().any(accepts_null)),
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// What the schema says about a field that is missing.
fn described(schema: &Value, field: &str) -> Option<String> {
    let description = schema.get("properties")?.get(field)?.get("description")?.as_str()?;
    Some(description.trim_end_matches('.').to_owned())
}

fn fields_of(schema: &Value) -> Option<String> {
    let names: Vec<_> = schema.get("properties")?.as_object()?.keys().map(|name| format!("`{name}`")).collect();
    (1..=12).contains(&names.len()).then(|| format!("its fields: {}", names.join(", ")))
}

/// The fields of the forms that are mappings.
fn mappings_of(forms: &[&Value]) -> Option<String> {
    let fields = forms.iter().filter_map(|form| form.get("properties")?.as_object());
    let names: BTreeSet<&str> = fields.flat_map(|fields| fields.keys().map(String::as_str)).collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("fields of the mapping: {}", names.join(", ")))
}

/// What a number, or a text, in the place of a mapping was probably meant to say. `@` stands for it.
const OF_A_NUMBER: [(&str, &str); 2] = [("instances", "{min: @, max: @}"), ("strategy.canary.steps[]", "{weight: @}")];
const OF_A_TEXT: [(&str, &str); 6] = [
    ("image", "{id: @}"),
    ("healthCheck", "{path: @}"),
    ("dns", "{name: @}"),
    ("retain", "{for: @}"),
    ("suspend", "{reason: @}"),
    ("metadata", "{name: @}"),
];

/// How a mapping is written where there is none: with what stands there, where it is clear which field that is of.
fn as_mapping(node: &Node, schema: &Value, path: &str) -> Option<String> {
    let name = shown(path);
    let key = name.rsplit('.').next().unwrap_or(name);
    if let Content::List(items) = &node.content {
        let names: Option<Vec<String>> = items.iter().map(|item| Some(format!("{}: {{}}", item.text()?))).collect();
        let names = names.filter(|names| !names.is_empty() && name == "environments")?;
        return Some(format!("write `{key}: {{{}}}`", names.join(", ")));
    }
    let general = name.split_once('[').map_or_else(|| name.to_owned(), |(list, _)| format!("{list}[]"));
    let table: &[(&str, &str)] = match node.content {
        Content::Number(_) => &OF_A_NUMBER,
        Content::Text(_) => &OF_A_TEXT,
        _ => &[],
    };
    let form = table.iter().find(|(path, _)| *path == general);
    let fields = fields_of(schema);
    match form {
        Some((_, form)) => {
            let written = node.place.file.visible(node.place.range.clone());
            let written = quoted(&written).trim_matches('`').to_owned();
            let key = if key.contains('[') { "-".to_owned() } else { format!("{key}:") };
            let example = format!("write `{key} {}`", form.replace('@', &written));
            Some(fields.map_or(example.clone(), |fields| format!("{example}; {fields}")))
        }
        None => fields,
    }
}

/// The path as people know it: from `spec` on.
fn shown(path: &str) -> &str {
    path.strip_prefix("spec.defaults.").or_else(|| path.strip_prefix("spec.")).unwrap_or_else(|| {
        path.strip_prefix("environments.").and_then(|rest| rest.split_once('.')).map_or(path, |(_, field)| field)
    })
}

/// Advice for an unknown field: a name like it beside it, the same name elsewhere, or what other tools call it.
fn advice(key: &str, known: &[&str], path: &str) -> Option<String> {
    if known.is_empty() && !path.is_empty() {
        // It has no fields at all, such as the empty mapping that stands for a word.
        let general = path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
        let general = general.collect::<Vec<_>>().join("[]");
        return Some(format!("it takes no fields; `amiable explain '{general}'` shows what it takes"));
    }
    if let Some(candidate) = closest(key, known.iter().copied()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let elsewhere = KNOWN_ELSEWHERE.iter().find(|(name, _)| *name == key).map(|(_, here)| (*here).to_owned());
    let suffix = format!(".{key}");
    let same_name = || {
        // A field of an item of a list is meant less often.
        let of_an_item = |path: &&String| path.contains("[]");
        let named = || schema::effects().keys().filter(|path| path.ends_with(&suffix));
        let mut found: Vec<_> = named().filter(|path| !of_an_item(path)).cloned().collect();
        if found.is_empty() {
            found = named().cloned().collect();
        }
        (1..=3).contains(&found.len()).then(|| found.join("` or `"))
    };
    match elsewhere.or_else(same_name) {
        Some(path) => Some(format!("did you mean `{path}`?")),
        None => did_you_mean(key, known.iter().copied()),
    }
}

fn truth(text: &str) -> Option<String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => Some("write `true`".to_owned()),
        "no" | "off" | "n" => Some("write `false`".to_owned()),
        "true" | "false" => Some("remove the quotes".to_owned()),
        _ => None,
    }
}

fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("one {what}") } else { format!("{number} {what}s") }
}

/// The name that is nearest to `text`.
fn name_like(text: &str) -> String {
    let plain: String =
        text.chars().take(63).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn problem_free(name: &str) -> bool {
    name.parse::<AppName>().is_ok()
}
