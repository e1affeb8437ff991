//! The spec of an app in one environment, and where each of its values comes from.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::manifest::read::node::{Layer, Node};
use crate::manifest::read::yaml;
use crate::manifest::source::Place;
use crate::model::launch::Secret;
use crate::model::spec::AppSpec;

/// The spec of an app in one environment, all layers applied.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The spec, built-in defaults included.
    pub spec: AppSpec,
    /// What the manifests give of it, every value with its place and layer.
    pub tree: Node,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// Amiable itself.
    BuiltIn,
    /// A manifest.
    Manifest(Layer, Place),
}

impl Origin {
    fn name(&self) -> &'static str {
        match self {
            Origin::BuiltIn => "built-in default",
            Origin::Manifest(Layer::EnvironmentDefault, _) => "environment default",
            Origin::Manifest(Layer::App, _) => "app",
            Origin::Manifest(Layer::Overlay, _) => "overlay",
        }
    }
}

impl fmt::Display for Origin {
    /// `overlay, manifests/web.yaml:12`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => out.write_str(self.name()),
            Origin::Manifest(_, place) => write!(out, "{}, {place}", self.name()),
        }
    }
}

/// One value of an effective spec. A list is one value: layers replace it whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Its path, such as `["instances", "max"]`.
    pub path: Vec<String>,
    /// The value; of user data and of a container's command only the hash.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl Effective {
    /// Every value of the spec, in the order of the types.
    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        // A spec is plain data: it always serializes.
        let spec = serde_json::to_value(&self.spec).unwrap_or_default();
        self.collect(&spec, &mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect(&self, value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    path.push(name.clone());
                    self.collect(field, path, leaves);
                    path.pop();
                }
            }
            _ => {
                let parts: Vec<&str> = path.iter().map(String::as_str).collect();
                let value = match (parts.as_slice(), value) {
                    (["launch", "userData"], Value::String(text)) => Secret::new(text.as_str()).to_string().into(),
                    // Words of a command line hold passwords now and then. Plans show the same hash.
                    (["container", "command"], Value::Array(words)) => {
                        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                        Secret::new(words.join("\u{0}")).to_string().into()
                    }
                    _ => value.clone(),
                };
                let given = self.tree.at(&parts);
                let origin = given.map_or(Origin::BuiltIn, |node| Origin::Manifest(node.layer, node.spot()));
                leaves.push(Leaf { path: path.clone(), value, origin });
            }
        }
    }

    /// The spec as YAML, with a comment at each value that says where it comes from.
    pub fn to_yaml(&self) -> String {
        const WIDEST: usize = 56;
        let mut lines: Vec<(String, Option<String>)> = Vec::new();
        let mut open: Vec<String> = Vec::new();
        for leaf in self.leaves() {
            let Some((name, groups)) = leaf.path.split_last() else { continue };
            let shared = open.iter().zip(groups).take_while(|(a, b)| a == b).count();
            open.truncate(shared);
            for group in &groups[shared..] {
                lines.push((format!("{}{}:", "  ".repeat(open.len()), yaml::inline_text(group)), None));
                open.push(group.clone());
            }
            let line = format!("{}{}: {}", "  ".repeat(open.len()), yaml::inline_text(name), yaml::inline(&leaf.value));
            lines.push((line, Some(leaf.origin.to_string())));
        }
        let width =
            lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0);
        let one = |(line, comment): (String, Option<String>)| match comment {
            Some(comment) => format!("{line:width$}  # {}\n", comment.replace(char::is_control, " ")),
            None => line + "\n",
        };
        lines.into_iter().map(one).collect()
    }

    /// The spec as JSON: each path with its value and its origin.
    pub fn to_json(&self) -> Value {
        let leaves = self.leaves().into_iter().map(|leaf| {
            let origin = match &leaf.origin {
                Origin::BuiltIn => json!({"layer": leaf.origin.name()}),
                Origin::Manifest(_, place) => {
                    json!({"layer": leaf.origin.name(), "file": place.file.name, "line": place.start().line})
                }
            };
            (leaf.path.join("."), json!({"value": leaf.value, "origin": origin}))
        });
        Value::Object(leaves.collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::manifest::fleet::load_texts;

    fn effective() -> Effective {
        let environment = "apiVersion: amiable/v1
kind: Environment
metadata: {name: prod}
spec:
  region: us-west-2
  accountId: \"123456789012\"
  network: {vpcId: vpc-0a1b2c3d, subnetIds: [subnet-0a1b2c3d, subnet-0a1b2c3e]}
  securityGroupIds: [sg-0a1b2c3d]
  defaults: {retain: {for: 90m}}
";
        let app = "apiVersion: amiable/v1
kind: App
metadata: {name: web}
spec:
  image: {id: ami-0a1b2c3d}
  instanceType: c7g.large
  launch:
    userData: |
      PASSWORD=canary
environments:
  prod:
    instances: {max: 6}
    drift: {ignore: [instances.max, healthCheck.path]}
";
        let texts = [("env.yaml", environment), ("web.yaml", app)];
        let texts = texts.into_iter().map(|(path, text)| (PathBuf::from(path), text.to_owned())).collect();
        let fleet = load_texts(texts).unwrap();
        fleet.effective(&"web".parse().unwrap(), &"prod".parse().unwrap()).unwrap().clone()
    }

    #[test]
    fn every_value_says_where_it_comes_from() {
        insta::assert_snapshot!(effective().to_yaml(), @r#"
        image:
          id: ami-0a1b2c3d                           # app, web.yaml:5
        instanceType: c7g.large                      # app, web.yaml:6
        instances:
          min: 2                                     # built-in default
          max: 6                                     # overlay, web.yaml:12
        launch:
          userData: sha256:691b4430dc36              # app, web.yaml:8
          detailedMonitoring: false                  # built-in default
        healthCheck:
          protocol: HTTP                             # built-in default
          port: 80                                   # built-in default
          path: /                                    # built-in default
          matcher: "200"                             # built-in default
          interval: 10s                              # built-in default
          timeout: 5s                                # built-in default
          healthyThreshold: 2                        # built-in default
          unhealthyThreshold: 3                      # built-in default
          gracePeriod: 2m                            # built-in default
        loadBalancer:
          scheme: internal                           # built-in default
          listeners: [{port: 80, protocol: HTTP}]    # built-in default
          deregistrationDelay: 1m                    # built-in default
        strategy:
          redBlack:
            bakeTime: 5m                             # built-in default
        verification:
          stableFor: 30s                             # built-in default
          attempts: 3                                # built-in default
        progressDeadline: 20m                        # built-in default
        retain:
          for: 1h30m                                 # environment default, env.yaml:9
          generations: 1                             # built-in default
        drift:
          ignore: [instances.max, healthCheck.path]  # overlay, web.yaml:13
        destroy: false                               # built-in default
        "#);
    }

    #[test]
    fn programs_get_the_same() {
        let document = effective().to_json();
        let expected = json!({"value": 6, "origin": {"layer": "overlay", "file": "web.yaml", "line": 12}});
        assert_eq!(document["instances.max"], expected);
        assert_eq!(document["instances.min"], json!({"value": 2, "origin": {"layer": "built-in default"}}));
        assert_eq!(document["retain.for"]["origin"]["layer"], "environment default");
        assert!(!document.to_string().contains("canary"));
    }

    #[test]
    fn what_is_rendered_reads_back_as_the_spec() {
        let one = effective();
        let read: Value = serde_saphyr::from_str(&one.to_yaml()).unwrap();
        let mut spec = serde_json::to_value(&one.spec).unwrap();
        spec["launch"]["userData"] = one.to_json()["launch.userData"]["value"].clone();
        assert_eq!(read, spec);
    }
}
