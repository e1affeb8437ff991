//! The JSON Schema of the manifests, generated from their types: for editors, for the checks, and for `explain`.

pub mod shape;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::model::names::{AppName, EnvironmentName};
use crate::model::plan::Effect;
use crate::model::spec::{AppSpec, EnvironmentSpec};

/// The `apiVersion` of every manifest.
pub const API_VERSION: &str = "amiable/v1";

/// The `kind` of an app.
pub const APP: &str = "App";

/// The `kind` of an environment.
pub const ENVIRONMENT: &str = "Environment";

/// Fields of a spec with several forms: half of one form and half of another make no sense. They are replaced as a whole;
/// `loadBalancer` only where another form is named.
pub const REPLACED_WHOLE: [&str; 3] = ["image", "strategy", "loadBalancer"];

/// The most labels an app may have. AWS takes 50 tags; the others are left for Amiable's own and a release's artifacts.
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
pub const MAX_LABELS: usize = 8;

/// The schema of a whole `App` document, draft-07. In `spec` and in overlays nothing is required, because any of it may come
/// from another layer, and `null` takes a value away.
pub fn app() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(build_app);
    &SCHEMA
}

/// The schema of a whole `Environment` document, draft-07.
pub fn environment() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(build_environment);
    &SCHEMA
}

/// The schema of the effective spec of an app, in which everything that is required must be there.
pub fn effective() -> &'static Value {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| SchemaSettings::draft07().into_generator().into_root_schema_for::<AppSpec>().to_value());
    &SCHEMA
}

/// What changing each field of an app's spec does, by its path, such as `instances.max` or `loadBalancer.listeners[].port`.
/// `loadBalancer` itself stands for the choice between its forms.
pub fn effects() -> &'static BTreeMap<String, Effect> {
    static EFFECTS: LazyLock<BTreeMap<String, Effect>> = LazyLock::new(|| {
        fields().into_iter().filter_map(|field| field.effect.map(|effect| (field.path, effect))).collect()
    });
    &EFFECTS
}

/// What changing the value at a path does: of a field, of an item of a list (`loadBalancer.listeners[0].port`), or of a list of
/// mappings as a whole. Nothing when there is no such field, or it groups fields whose effects differ.
pub fn effect_of(path: &str) -> Option<Effect> {
    let plain: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
    let path = if path.contains('[') { plain.as_str() } else { path };
    let effects = effects();
    if let Some(effect) = effects.get(path).or_else(|| effects.get(path.strip_suffix("[]")?)) {
        return Some(*effect);
    }
    let within = |field: &str| field.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']));
    let mut inner = effects.iter().filter(|(field, _)| within(field)).map(|(_, effect)| *effect);
    let first = inner.next()?;
    inner.all(|effect| effect == first).then_some(first)
}

/// Whether a rule on a shared listener has a field of this name.
pub(in crate::manifest) fn is_of_shared_listener(field: &str) -> bool {
    effective().pointer("/definitions/SharedListener/properties").is_some_and(|fields| fields.get(field).is_some())
}

fn build_app() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let name = generator.subschema_for::<AppName>();
    let spec = generator.subschema_for::<AppSpec>();
    let mut definitions = generator.take_definitions(true);
    relax(&mut definitions, "AppSpec", true);
    document(
        "Amiable app",
        "An app, and the environments that it is deployed to.",
        APP,
        json!({
            "name": described(&name, "The app's name; everything it owns in AWS is named after it."),
            "labels": {
                "description": "Labels, which become AWS tags.",
                "type": "object",
                "additionalProperties": {"type": "string"},
                "maxProperties": MAX_LABELS,
            },
        }),
        json!({
            "spec": described(&spec, "What is the same in all environments. Any of it may be left to an environment."),
            "environments": {
                "description": "The environments that the app is deployed to, each with what differs from `spec` there: a JSON merge patch. `image`, `strategy`, lists, and a `loadBalancer` of another form replace whole; `null` takes a value away.",
                "type": "object",
                "additionalProperties": {"anyOf": [spec, {"type": "null"}]},
            },
        }),
        definitions,
    )
}

fn build_environment() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let name = generator.subschema_for::<EnvironmentName>();
    let spec = generator.subschema_for::<EnvironmentSpec>();
    let defaults = generator.subschema_for::<AppSpec>();
    let mut definitions = generator.take_definitions(true);
    relax(&mut definitions, "AppSpec", true);
    if let Some(field) =
        definitions.get_mut("EnvironmentSpec").and_then(|spec| spec.pointer_mut("/properties/defaults"))
    {
        let description = field["description"].as_str().unwrap_or_default().to_owned();
        *field = described(&defaults, &description);
    }
    document(
        "Amiable environment",
        "What the platform team decides for all apps in an environment.",
        ENVIRONMENT,
        json!({"name": described(&name, "The environment's name.")}),
        json!({"spec": described(&spec, "What holds for all apps in the environment.")}),
        definitions,
    )
}

fn described(schema: &impl serde::Serialize, description: &str) -> Value {
    json!({"description": description, "allOf": [schema]})
}

fn document(
    title: &str,
    description: &str,
    kind: &str,
    metadata: Value,
    parts: Value,
    definitions: Map<String, Value>,
) -> Value {
    let mut properties = json!({
        "apiVersion": {"description": "The version of this form of manifest.", "const": API_VERSION},
        "kind": {"description": "What the document describes.", "const": kind},
        "metadata": {
            "description": "Its name, and what else identifies it.",
            "type": "object",
            "properties": metadata,
            "additionalProperties": false,
            "required": ["name"],
        },
    });
    if let (Some(properties), Value::Object(parts)) = (properties.as_object_mut(), parts) {
        properties.extend(parts);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "definitions": definitions,
    })
}

/// Makes every field of a definition optional and nullable, and so on in what is merged field by field.
fn relax(definitions: &mut Map<String, Value>, name: &str, top: bool) {
    let Some(definition) = definitions.get_mut(name).and_then(Value::as_object_mut) else { return };
    definition.remove("required");
    let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let mut merged = Vec::new();
    for (key, field) in properties {
        if !(top && REPLACED_WHOLE.contains(&key.as_str())) {
            merged.extend(referenced(field).map(str::to_owned));
        }
        make_nullable(field);
    }
    for name in merged {
        relax(definitions, &name, false);
    }
}

/// The definition that a field refers to, by itself or as an option.
fn referenced(field: &Value) -> Option<&str> {
    let alternatives = ["allOf", "anyOf"].iter().find_map(|keyword| field.get(keyword)).and_then(Value::as_array);
    let direct = || alternatives?.iter().find_map(|alternative| alternative.get("$ref"));
    field.get("$ref").or_else(direct)?.as_str()?.strip_prefix("#/definitions/")
}

fn make_nullable(field: &mut Value) {
    let null = json!({"type": "null"});
    if let Some(Value::Array(alternatives)) = field.get_mut("anyOf") {
        if !alternatives.contains(&null) {
            alternatives.push(null);
        }
    } else if let Some(Value::Array(all)) = field.get_mut("allOf").map(Value::take) {
        if let Some(field) = field.as_object_mut() {
            field.remove("allOf");
            field.insert("anyOf".to_owned(), all.into_iter().chain([null]).collect());
        }
    } else if let Some(kind) = field.get_mut("type") {
        match kind {
            Value::String(one) => *kind = json!([one, "null"]),
            Value::Array(several) if !several.contains(&json!("null")) => several.push(json!("null")),
            _ => {}
        }
    }
}

/// One field of an app's spec, as `explain` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its path, such as `healthCheck.interval`.
    pub path: String,
    /// What it means.
    pub description: String,
    /// What it holds, for people: `whole number`, `list of texts`.
    pub kind: String,
    /// The built-in default, if it has one.
    pub default: Option<Value>,
    /// What changing it does; nothing for a field that only groups others.
    pub effect: Option<Effect>,
}

/// Every field of an app's spec, groups before what they hold.
pub fn fields() -> Vec<Field> {
    fields_of(effective())
}

/// Every field of an environment's spec. Those of `defaults` are an app's.
pub fn environment_fields() -> Vec<Field> {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        SchemaSettings::draft07().into_generator().into_root_schema_for::<EnvironmentSpec>().to_value()
    });
    fields_of(&SCHEMA)
}

fn fields_of(root: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    collect(root, root, "", &mut found);
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|field: &Field| !field.path.is_empty() && seen.insert(field.path.clone()));
    found
}

/// A field of a spec and what it holds directly; nothing when there is no such field. The path may be written as
/// `app.spec.healthCheck` or `healthCheck`, or of an environment as `environment.spec.network`, and an item of a list with its
/// number or without; without a field it stands for the whole spec.
pub fn explain(path: &str) -> Vec<Field> {
    let plain: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
    let path = if path.contains('[') { plain.as_str() } else { path };
    let (fields, path) = match within(path, "environment") {
        Some(rest) => (environment_fields(), rest),
        None => (fields(), within(path, "app").unwrap_or(path)),
    };
    let path = within(path, "spec").unwrap_or(path);
    let is_child = |field: &str| {
        let rest = if path.is_empty() { Some(field) } else { field.strip_prefix(path) };
        rest.is_some_and(|rest| !rest.trim_start_matches("[]").trim_start_matches('.').contains('.'))
    };
    let belongs = |field: &str| {
        path.is_empty() || field == path || field.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    fields.into_iter().filter(|field| belongs(&field.path) && is_child(&field.path)).collect()
}

/// What follows a word at the beginning of a path.
fn within<'p>(path: &'p str, word: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(word)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

fn collect(root: &Value, schema: &Value, path: &str, found: &mut Vec<Field>) {
    if let Some(target) = target(root, schema) {
        collect(root, target, path, found);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for alternative in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            if let Some(effect) = effect(alternative) {
                let effect = Some(effect);
                found
                    .iter_mut()
                    .filter(|field| field.path == path)
                    .for_each(|field| field.effect = field.effect.or(effect));
            }
            collect(root, alternative, path, found);
        }
    }
    if let Some(items) = schema.get("items") {
        collect(root, items, &format!("{path}[]"), found);
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push(Field {
            path: path.clone(),
            description: field.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
            kind: kind(root, field),
            default: field.get("default").cloned(),
            effect: effect(field),
        });
        collect(root, field, &path, found);
    }
}

fn target<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    let name = schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")?;
    root.get("definitions")?.get(name)
}

fn effect(schema: &Value) -> Option<Effect> {
    match schema.get("x-amiable-effect")?.as_str()? {
        "replace" => Some(Effect::Replace),
        "in-place" => Some(Effect::InPlace),
        "behaviour" => Some(Effect::Behaviour),
        "fixed" => Some(Effect::Fixed),
        _ => None,
    }
}

/// What a field holds, for people.
fn kind(root: &Value, schema: &Value) -> String {
    match schema.get("$ref").and_then(Value::as_str) {
        Some("#/definitions/Span" | "#/definitions/Milliseconds") => return "length of time".to_owned(),
        Some("#/definitions/Percent") => return "percentage".to_owned(),
        Some("#/definitions/Tolerance") => return "number or percentage".to_owned(),
        Some("#/definitions/LoadBalancer") => return "`none` or mapping".to_owned(),
        _ => {}
    }
    if let Some(target) = target(root, schema) {
        return kind(root, target);
    }
    let constants = allowed(schema);
    if !constants.is_empty() {
        return constants.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ");
    }
    if let Some(alternatives) = ["allOf", "anyOf"].iter().find_map(|keyword| schema.get(keyword)?.as_array()) {
        let is_null = |one: &&Value| one.get("type") == Some(&json!("null"));
        let mut kinds: Vec<String> =
            alternatives.iter().filter(|one| !is_null(one)).map(|one| kind(root, one)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or(""),
        _ => "",
    };
    match name {
        "integer" => "whole number".to_owned(),
        "number" => "number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "string" => "text".to_owned(),
        "array" => match schema.get("items").map_or_else(|| "value".to_owned(), |items| kind(root, items)) {
            words if words.ends_with('`') => format!("list of {words}"),
            words if words.contains(" or ") => "list of such".to_owned(),
            word => format!("list of {word}s"),
        },
        _ => "mapping".to_owned(),
    }
}

/// The texts that an enumeration takes; none for anything else.
pub(in crate::manifest) fn allowed(schema: &Value) -> Vec<&str> {
    if let Some(constant) = schema.get("const").and_then(Value::as_str) {
        return vec![constant];
    }
    if let Some(constants) = schema.get("enum").and_then(Value::as_array) {
        return constants.iter().filter_map(Value::as_str).collect();
    }
    schema.get("oneOf").and_then(Value::as_array).into_iter().flatten().flat_map(allowed).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn is_current(name: &str, schema: &Value) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
        let wanted = format!("{schema:#}\n");
        if std::env::var_os("AMIABLE_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &wanted).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == wanted, "schema/{name} is stale: run the tests with AMIABLE_UPDATE=1");
    }

    #[test]
    fn the_schemas_in_the_repository_are_those_of_the_types() {
        is_current("app.json", app());
        is_current("environment.json", environment());
    }

    #[test]
    fn every_field_that_holds_a_value_has_an_effect() {
        let fields = fields();
        let groups = |path: &str| {
            fields.iter().any(|other| {
                other.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]."))
            })
        };
        for field in &fields {
            assert!(field.effect.is_some() || groups(&field.path), "{} has no effect", field.path);
        }
        assert!(fields.len() > 50, "{}", fields.len());
    }

    #[test]
    fn effects_are_found_by_path() {
        let effects = effects();
        for (path, effect) in [
            ("image.id", Effect::Replace),
            ("instances.max", Effect::InPlace),
            ("healthCheck.port", Effect::Fixed),
            ("loadBalancer", Effect::Fixed),
            ("loadBalancer.listeners[].port", Effect::InPlace),
            ("loadBalancer.hosts", Effect::InPlace),
            ("strategy.redBlack.bakeTime", Effect::Behaviour),
            ("dns.name", Effect::InPlace),
            ("retain.for", Effect::Behaviour),
        ] {
            assert_eq!(effects.get(path), Some(&effect), "{path}");
        }
        assert_eq!(effects.get("instances"), None);
        assert_eq!(effect_of("loadBalancer.listeners[0].port"), Some(Effect::InPlace));
        assert_eq!(effect_of("loadBalancer.listeners"), Some(Effect::InPlace));
        assert_eq!(effect_of("launch.securityGroupIds[3]"), Some(Effect::Replace));
        assert_eq!(effect_of("instances"), Some(Effect::InPlace));
        assert_eq!(effect_of("healthCheck"), None, "its port is fixed and its path is not");
        assert_eq!(effect_of("colour"), None);
    }

    #[test]
    fn a_field_is_explained_with_what_it_holds() {
        let paths = |path: &str| explain(path).into_iter().map(|field| field.path).collect::<Vec<_>>();
        assert_eq!(
            paths("app.spec.instances"),
            [
                "instances",
                "instances.min",
                "instances.max",
                "instances.maintenancePolicy",
                "instances.suspendedProcesses"
            ]
        );
        assert_eq!(paths("retain.for"), ["retain.for"]);
        assert_eq!(paths("strategy"), ["strategy", "strategy.redBlack", "strategy.canary"]);
        assert!(paths("loadBalancer.listeners").contains(&"loadBalancer.listeners[].port".to_owned()));
        assert!(paths("app").contains(&"instanceType".to_owned()));
        assert!(!paths("app").contains(&"instances.min".to_owned()));
        assert_eq!(paths("inst"), [""; 0]);
        let min = &explain("instances.min")[0];
        assert_eq!((min.kind.as_str(), min.default.clone()), ("whole number", Some(json!(2))));
    }

    #[test]
    fn fields_are_called_what_they_hold() {
        let kind = |path: &str| explain(path)[0].kind.clone();
        assert_eq!(kind("scaling.targetTracking[0].target"), "number");
        assert_eq!(kind("scaling.step[0].threshold"), "number");
        assert_eq!(kind("verification.compare.maxErrorRatio"), "number");
        assert_eq!(kind("verification.compare.maxErrorRate"), "percentage");
        assert_eq!(kind("verification.smoke[0].status"), "whole number or text or list of such");
        assert_eq!(kind("launch.userData"), "text");
    }

    #[test]
    fn fields_of_an_environment_are_explained_too() {
        let paths = |path: &str| explain(path).into_iter().map(|field| field.path).collect::<Vec<_>>();
        assert!(paths("environment").contains(&"accountId".to_owned()));
        assert!(paths("environment.spec.network").contains(&"network.vpcId".to_owned()));
        assert_eq!(paths("environment.instances"), [""; 0]);
    }

    #[test]
    fn every_field_has_a_description_for_editors() {
        for field in fields().into_iter().chain(environment_fields()) {
            assert!(!field.description.is_empty(), "{}", field.path);
        }
    }

    #[test]
    fn overlays_may_leave_out_and_take_away_any_field_but_halves_of_what_replaces_whole() {
        let definitions = &app()["definitions"];
        assert_eq!(definitions["AppSpec"].get("required"), None);
        assert_eq!(definitions["Suspend"].get("required"), None);
        assert_eq!(definitions["Instances"]["properties"]["min"]["type"], json!(["integer", "null"]));
        assert_eq!(definitions["Image"]["oneOf"][0]["required"], json!(["id"]));
        assert_eq!(definitions["Listener"]["required"], json!(["port"]));
        assert_eq!(environment()["definitions"]["EnvironmentSpec"]["required"][0], "region");
    }
}
