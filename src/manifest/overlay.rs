//! Layers of a spec made one: environment defaults, then the app, then its overlay.

use crate::manifest::read::node::{Content, Node};
use crate::manifest::schema;

/// The spec that `layers` amount to, later ones over earlier ones: a JSON merge patch (RFC 7396) each, with the exceptions of
/// [`REPLACED_WHOLE`](schema::REPLACED_WHOLE). No null is left in its mappings; what was taken away falls back to the built-in default.
pub fn merge(layers: &[&Node]) -> Option<Node> {
    let (first, rest) = layers.split_first()?;
    let base = without_nulls(first);
    Some(rest.iter().fold(base, |target, layer| patched(Some(target), layer, true)))
}

fn patched(target: Option<Node>, patch: &Node, top: bool) -> Node {
    let Content::Mapping(changes) = &patch.content else { return patch.clone() };
    let mut entries = match target.map(|node| node.content) {
        Some(Content::Mapping(entries)) => entries,
        _ => Vec::new(),
    };
    for (key, change) in changes {
        let known = entries.iter().position(|(name, _)| name == key);
        if change.is_null() {
            if let Some(at) = known {
                entries.remove(at);
            }
            continue;
        }
        let old = known.map(|at| &entries[at].1);
        let whole = top && schema::REPLACED_WHOLE.contains(&key.as_str()) && !is_same_form(key, old, change);
        match known {
            _ if whole || known.is_none() => {
                let value = without_nulls(change);
                match known {
                    Some(at) => entries[at].1 = value,
                    None => entries.push((key.clone(), value)),
                }
            }
            Some(at) => {
                let old = std::mem::replace(&mut entries[at].1, Node::nothing(&change.place));
                entries[at].1 = patched(Some(old), change, false);
            }
            None => {}
        }
    }
    Node { content: Content::Mapping(entries), ..patch.clone() }
}

/// Whether a change of the load balancer is one of the same form: a rule on a shared listener, or an own load balancer. What both
/// forms have names neither.
fn is_same_form(key: &str, old: Option<&Node>, change: &Node) -> bool {
    let is_mapping = |node: &Node| matches!(node.content, Content::Mapping(_));
    let Some(old) = old.filter(|old| key == "loadBalancer" && is_mapping(old) && is_mapping(change)) else {
        return false;
    };
    match (old.get("listener").is_some(), change.get("listener").is_some()) {
        (shared, true) => shared,
        (true, false) => change.entries().iter().all(|(field, _)| schema::is_of_shared_listener(field)),
        (false, false) => true,
    }
}

/// A patch applied to nothing.
fn without_nulls(node: &Node) -> Node {
    let Content::Mapping(entries) = &node.content else { return node.clone() };
    let entries = entries
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), without_nulls(value)))
        .collect();
    Node { content: Content::Mapping(entries), ..node.clone() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::manifest::diagnostic::Diagnostics;
    use crate::manifest::read::yaml;
    use crate::manifest::source::SourceFile;

    fn node(text: &str) -> Node {
        let file = Arc::new(SourceFile::new(Path::new("a.yaml"), text.to_owned()));
        yaml::read(&file, &mut Diagnostics::default()).remove(0).root
    }

    fn merged(layers: &[&str]) -> Value {
        let nodes: Vec<Node> = layers.iter().map(|text| node(text)).collect();
        merge(&nodes.iter().collect::<Vec<_>>()).unwrap().to_json()
    }

    #[test]
    fn later_layers_win_field_by_field() {
        let spec = merged(&["instances: {min: 2, max: 4}", "instances: {max: 6}\nkeep: 1", "instances: {min: 3}"]);
        assert_eq!(spec, json!({"instances": {"min": 3, "max": 6}, "keep": 1}));
    }

    #[test]
    fn null_takes_a_value_away() {
        assert_eq!(merged(&["dns: {name: a}\nx: 1", "dns: null"]), json!({"x": 1}));
        assert_eq!(merged(&["dns: {name: a, ttl: ~}", "dns: {name: ~}"]), json!({"dns": {}}));
        assert_eq!(merged(&["a: 1", "b: {c: null, d: 2}"]), json!({"a": 1, "b": {"d": 2}}));
    }

    #[test]
    fn lists_and_the_fields_with_several_forms_replace_whole() {
        assert_eq!(merged(&["l: [1, 2]", "l: [3]"]), json!({"l": [3]}));
        let spec = merged(&["loadBalancer: {scheme: internal}\nimage: {id: a}", "loadBalancer: {listener: https}"]);
        assert_eq!(spec, json!({"loadBalancer": {"listener": "https"}, "image": {"id": "a"}}));
        assert_eq!(merged(&["loadBalancer: {listener: x}", "loadBalancer: none"]), json!({"loadBalancer": "none"}));
    }

    #[test]
    fn a_load_balancer_of_the_same_form_is_merged_and_of_another_form_replaced() {
        let shared = "loadBalancer: {listener: https, hosts: [a.b], priority: 3}";
        let own = "loadBalancer: {scheme: internal, idleTimeout: 30s}";
        for (base, change, wanted) in [
            (
                shared,
                "deregistrationDelay: 5s",
                json!({"listener": "https", "hosts": ["a.b"], "priority": 3, "deregistrationDelay": "5s"}),
            ),
            (shared, "listener: http, priority: null", json!({"listener": "http", "hosts": ["a.b"]})),
            (shared, "scheme: internal", json!({"scheme": "internal"})),
            (
                own,
                "deregistrationDelay: 5s",
                json!({"scheme": "internal", "idleTimeout": "30s", "deregistrationDelay": "5s"}),
            ),
            (own, "idleTimeout: null", json!({"scheme": "internal"})),
            (own, "listener: https", json!({"listener": "https"})),
            ("loadBalancer: none", "deregistrationDelay: 5s", json!({"deregistrationDelay": "5s"})),
        ] {
            let change = format!("loadBalancer: {{{change}}}");
            assert_eq!(merged(&[base, &change]), json!({"loadBalancer": wanted}), "{base}, {change}");
        }
    }

    #[test]
    fn every_value_keeps_the_place_it_came_from() {
        let (base, overlay) = (node("instances: {min: 2, max: 4}"), node("\n\ninstances: {max: 6}"));
        let spec = merge(&[&base, &overlay]).unwrap();
        assert_eq!(spec.at(&["instances", "min"]).unwrap().place.start().line, 1);
        assert_eq!(spec.at(&["instances", "max"]).unwrap().place.start().line, 3);
    }
}
