//! How a new generation takes over, and what stays of the one before.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::time::Span;

/// How a new generation takes over; at most one of the strategies, `redBlack` by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Strategy {
    /// All traffic moves at once, and back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_black: Option<RedBlack>,
    /// Traffic moves in steps, with a look in between. The first generation of an app takes all of it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

impl Default for Strategy {
    fn default() -> Self {
        Self { red_black: Some(RedBlack { bake_time: default_bake() }), canary: None }
    }
}

impl Strategy {
    /// How long a generation is watched once it has all the traffic.
    pub fn bake_time(&self) -> Span {
        match (&self.canary, &self.red_black) {
            (Some(canary), _) => canary.bake_time,
            (None, Some(red_black)) => red_black.bake_time,
            (None, None) => default_bake(),
        }
    }
}

/// The red-black strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedBlack {
    /// How long the new generation is watched under traffic before it counts as deployed, 0s to 7d.
    #[serde(default = "default_bake")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub bake_time: Span,
}

/// The canary strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Canary {
    /// Shares of the traffic, each larger than the one before, and pauses between them, each an item of its own; after the
    /// last step all of it moves: `[{weight: 10}, {pause: 10m}, {weight: 50}, {pause: {}}]`.
    #[schemars(length(min = 1, max = 50), extend("x-amiable-effect" = "behaviour"))]
    pub steps: Vec<CanaryStep>,
    /// For how long a visitor stays on the version that answered first, 1s to 7d; `0s` sends every request anywhere. Only
    /// for application load balancers, and only until all traffic has moved.
    #[serde(default = "default_stickiness")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub stickiness: Span,
    /// How long the new generation is watched with all of the traffic before it counts as deployed, 0s to 7d.
    #[serde(default = "default_bake")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub bake_time: Span,
}

/// One step of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryStep {
    /// The new generation takes this share of the traffic, in percent, 1 to 99.
    Weight(u32),
    /// It is watched for this long; without a length, until a person promotes it.
    Pause(Option<Span>),
}

impl Serialize for CanaryStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            CanaryStep::Weight(weight) => map.serialize_entry("weight", weight)?,
            CanaryStep::Pause(Some(duration)) => map.serialize_entry("pause", duration)?,
            CanaryStep::Pause(None) => map.serialize_entry("pause", &serde_json::Map::new())?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for CanaryStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Either {
            weight: Option<u32>,
            pause: Option<Pause>,
        }
        let either = Either::deserialize(deserializer)?;
        match (either.weight, either.pause) {
            (Some(weight), None) => Ok(CanaryStep::Weight(weight)),
            (None, Some(Pause(duration))) => Ok(CanaryStep::Pause(duration)),
            _ => Err(de::Error::custom("a step is either a `weight` or a `pause`: `- weight: 5`, `- pause: 10m`")),
        }
    }
}

/// The value of `pause`: a length of time, or `{}`.
struct Pause(Option<Span>);

impl<'de> Deserialize<'de> for Pause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Pause;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a length of time such as `10m`, or `{}` to wait for `amiable promote`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pause, E> {
                text.parse().map(|span| Pause(Some(span))).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pause, A::Error> {
                match map.next_key::<String>()? {
                    None => Ok(Pause(None)),
                    Some(key) => Err(de::Error::unknown_field(&key, &[])),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for CanaryStep {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CanaryStep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        json_schema!({
            "type": "object",
            "description": "Either a share of the traffic or a pause.",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
            "properties": {
                "weight": {
                    "type": "integer", "minimum": 1, "maximum": 99, "x-amiable-effect": "behaviour",
                    "description": "The share of the traffic that the new generation takes, in percent, 1 to 99."
                },
                "pause": {
                    "x-amiable-effect": "behaviour",
                    "description": "How long it is watched before the next step, 1s to 7d; `{}` waits until `amiable promote`.",
                    "anyOf": [span, {"type": "object", "properties": {}, "additionalProperties": false}]
                }
            }
        })
    }
}

fn default_bake() -> Span {
    Span::minutes(5)
}

fn default_stickiness() -> Span {
    Span::hours(1)
}

/// What stays of earlier generations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Retain {
    /// How long the previous generation stays whole and warm after the new one is recorded, for a way back at once, 0s to
    /// 30d; `0s` retires it at once. Its instances cost what they cost.
    #[serde(default = "default_retain", rename = "for")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub keep_for: Span,
    /// Of how many retired generations the launch templates are kept, so that a rollback can launch exactly them again, 0 to 20.
    #[serde(default = "default_generations")]
    #[schemars(range(max = 20), extend("x-amiable-effect" = "behaviour"))]
    pub generations: u32,
}

fn default_retain() -> Span {
    Span::hours(1)
}

fn default_generations() -> u32 {
    1
}

impl Default for Retain {
    fn default() -> Self {
        Self { keep_for: default_retain(), generations: default_generations() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strategy(text: &str) -> Result<Strategy, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_canary_is_read_and_written_alike() {
        let text = r#"{"canary":{"steps":[{"weight":5},{"pause":"10m"},{"weight":50},{"pause":{}}],"stickiness":"1h","bakeTime":"5m"}}"#;
        let read = strategy(text).unwrap();
        let steps = [
            CanaryStep::Weight(5),
            CanaryStep::Pause(Some(Span::minutes(10))),
            CanaryStep::Weight(50),
            CanaryStep::Pause(None),
        ];
        assert_eq!(read.canary.as_ref().unwrap().steps, steps);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    #[test]
    fn a_step_of_another_form_is_refused_with_what_it_may_be() {
        for (step, words) in [
            (r#"{}"#, "either a `weight` or a `pause`"),
            (r#"{"weight":5,"pause":"1m"}"#, "either a `weight` or a `pause`"),
            (r#"{"wieght":5}"#, "wieght"),
            (r#"{"pause":"soon"}"#, "not a length of time"),
            (r#"{"pause":{"duration":"1m"}}"#, "duration"),
            (r#"{"pause":5}"#, "or `{}` to wait"),
            (r#"{"weight":-5}"#, "-5"),
        ] {
            let why = strategy(&format!(r#"{{"canary":{{"steps":[{step}]}}}}"#)).unwrap_err();
            assert!(why.contains(words), "{step}: {why}");
        }
    }
}
