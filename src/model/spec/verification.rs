//! What must hold before traffic moves, and while a new generation has some.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Tolerance;
use crate::model::probe::Phase;
use crate::model::time::{Milliseconds, Span};

/// What must hold before traffic moves, and while a new generation has some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// How long every instance must have been healthy without a break.
    #[serde(default = "default_stable")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub stable_for: Span,
    /// How many instances may fail their health checks, or be replaced for it, while the new generation has traffic before it
    /// is given up: a number from 0 to 1000, or a share of the group such as `2%`, rounded down. Without it none of up to nine
    /// instances, and of more one, or 2% where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub tolerate: Option<Tolerance>,
    /// How many instances in a row may be replaced for failing their health checks, without one that ever was healthy, before the
    /// release has failed, 0 to 100; with 0 it fails at its `progressDeadline` only.
    #[serde(default = "default_attempts")]
    #[schemars(range(max = 100), extend("x-amiable-effect" = "behaviour"))]
    pub attempts: u32,
    /// Requests that the new generation must answer well through the load balancer before it gets any traffic. Only with an
    /// application load balancer, and `amiable apply` must be able to reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub smoke: Vec<SmokeCheck>,
    /// CloudWatch alarms, by name: all must be quiet before traffic moves and `OK` while the new generation is watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-amiable-effect" = "behaviour"))]
    pub alarms: Vec<String>,
    /// The new generation against the old one, as CloudWatch counts their errors and times. Only with an application load
    /// balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
    /// A service that is asked for its consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// One request, and what is a good answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmokeCheck {
    /// The path, with a query if there is one.
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub path: String,
    /// The method: GET, HEAD, OPTIONS or POST.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub method: Method,
    /// The host that is asked; by default the first of the rule's hosts without `*`, or else `dns.name`, or else the load balancer's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub host: Option<String>,
    /// Headers to send. They are no place for secrets: the manifest is no secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub headers: BTreeMap<String, String>,
    /// The status that is expected: `200`, `"200-299"`, or a list of such.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub status: Statuses,
    /// A text that the body must contain, in its first 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub body: Option<String>,
    /// A regular expression that must match somewhere in the first 64 KiB of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub body_matches: Option<String>,
    /// The longest that the answer may take once connected, 1ms to 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub max_latency: Option<Milliseconds>,
    /// How long to wait for the answer, 1s to 30s.
    #[serde(default = "default_timeout")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub timeout: Span,
    /// How often it is asked, some seconds apart, before a bad answer counts, 1 to 10.
    #[serde(default = "default_attempts")]
    #[schemars(range(min = 1, max = 10), extend("x-amiable-effect" = "behaviour"))]
    pub attempts: u32,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    #[default]
    Get,
    /// HEAD
    Head,
    /// OPTIONS
    Options,
    /// POST, with an empty body
    Post,
}

impl Method {
    /// The method as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Post => "POST",
        }
    }
}

/// The new generation against the old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compare {
    /// The most of its requests that the new generation may answer with 5xx, such as `1%`, whatever the old one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub max_error_rate: Option<Percent>,
    /// How many times the old generation's rate of 5xx the new one's may be, 1 to 100. A rate of the old one below 0.1% counts as 0.1%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub max_error_ratio: Option<Ratio>,
    /// How many times the old generation's response time the new one's may be, 1 to 100. Less than 10 ms more is no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub max_latency_ratio: Option<Ratio>,
    /// Which response time is compared: `p50`, `p90` or `p99`.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub latency: Percentile,
    /// How many requests the new generation must have had before it is judged, 1 to 1000000.
    #[serde(default = "default_requests")]
    #[schemars(range(min = 1, max = 1_000_000), extend("x-amiable-effect" = "behaviour"))]
    pub min_requests: u32,
    /// How much of the latest time is looked at, in whole minutes, 1m to 1h.
    #[serde(default = "default_window")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub window: Span,
}

/// Which response time is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Percentile {
    /// The time within which half of the requests are answered.
    P50,
    /// The time within which nine of ten requests are answered.
    #[default]
    P90,
    /// The time within which 99 of 100 requests are answered.
    P99,
}

impl Percentile {
    /// Percent of the requests.
    pub fn percent(self) -> u32 {
        match self {
            Percentile::P50 => 50,
            Percentile::P90 => 90,
            Percentile::P99 => 99,
        }
    }
}

/// A service that is asked for its consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Where it is: an `https` URL, or `http` on loopback.
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub url: String,
    /// When it is asked: before the traffic moves, while the new generation bakes, or after that and before it is recorded.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub phase: Phase,
    /// How long it is asked again while it gives no verdict, 1s to 1d; then the release has failed.
    #[serde(default = "default_patience")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub timeout: Span,
    /// The name of an environment variable, beginning with `AMIABLE_WEBHOOK_`, of the process that runs `amiable apply`. It
    /// holds a bearer token that is sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub token_variable: Option<String>,
}

fn default_stable() -> Span {
    Span::seconds(30)
}

fn default_timeout() -> Span {
    Span::seconds(5)
}

fn default_attempts() -> u32 {
    3
}

fn default_requests() -> u32 {
    100
}

fn default_window() -> Span {
    Span::minutes(5)
}

fn default_patience() -> Span {
    Span::minutes(10)
}

impl Default for Verification {
    fn default() -> Self {
        Self {
            stable_for: default_stable(),
            tolerate: None,
            attempts: default_attempts(),
            smoke: Vec::new(),
            alarms: Vec::new(),
            compare: None,
            webhook: None,
        }
    }
}

/// Statuses of HTTP, as ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![(200, 200)])
    }
}

impl Statuses {
    /// Whether a status is among them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }

    fn parse(text: &str) -> Option<Vec<(u16, u16)>> {
        let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
        let part = |part: &str| match part.split_once('-') {
            Some((from, to)) => code(from).zip(code(to)).filter(|(from, to)| from <= to),
            None => code(part).map(|code| (code, code)),
        };
        text.split(',').map(part).collect()
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") });
        out.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [(from, to)] if from == to => serializer.serialize_u16(*from),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Statuses;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a status such as 200, a range such as `200-299`, or a list of such")
            }

            fn visit_u64<E: de::Error>(self, code: u64) -> Result<Statuses, E> {
                self.visit_str(&code.to_string())
            }

            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Statuses, E> {
                self.visit_str(&code.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Statuses, E> {
                let parsed = Statuses::parse(text).map(Statuses);
                parsed.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Statuses, A::Error> {
                let mut all = Vec::new();
                while let Some(Statuses(some)) = items.next_element()? {
                    all.extend(some);
                }
                if all.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(Statuses(all)) }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Statuses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = serde_json::json!([{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string"}]);
        json_schema!({
            "description": "Statuses of HTTP.",
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string"},
                {"type": "array", "minItems": 1, "items": {"anyOf": one}}
            ]
        })
    }
}

/// A share, written as `1%` or `0.5%`, in thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    /// A share in thousandths of a percent.
    pub const fn thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// In thousandths of a percent.
    pub fn as_thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}%", decimal(self.0))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.strip_suffix('%').and_then(thousandths).filter(|share| *share <= 100_000);
        parsed.map(Percent).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is not a share: write it as `1%` or `0.5%`, from 0% to 100%"))
        })
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A share, such as `1%` or `0.5%`."})
    }
}

/// How many times as much, such as `1.5`, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u32);

impl Ratio {
    /// In thousandths.
    pub fn as_thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&decimal(self.0))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u32(self.0 / 1000)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if (1.0..=100.0).contains(&number) {
            // Within the bounds just checked.
            return Ok(Ratio((number * 1000.0).round() as u32));
        }
        Err(de::Error::custom(format!("{number} is not a ratio from 1 to 100, such as 1.5")))
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ratio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 1, "maximum": 100, "description": "How many times as much, such as 1.5."})
    }
}

/// `1.5` as 1500.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 || text.ends_with('.') {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(part)
}

/// 1500 as `1.5`.
fn decimal(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_as_number_range_and_list() {
        for (json, written, good, bad) in [
            ("200", "200", 200, 201),
            ("\"200-299\"", "200-299", 204, 301),
            ("\"200,302\"", "200,302", 302, 301),
            ("[200, \"400-404\"]", "200,400-404", 404, 405),
        ] {
            let statuses: Statuses = serde_json::from_str(json).unwrap();
            assert_eq!(statuses.to_string(), written);
            assert!(statuses.contains(good) && !statuses.contains(bad), "{json}");
            let again: Statuses = serde_json::from_str(&serde_json::to_string(&statuses).unwrap()).unwrap();
            assert_eq!(again, statuses);
        }
        for json in ["20", "\"2xx\"", "[]", "\"299-200\"", "\"\"", "-1", "{}"] {
            assert!(serde_json::from_str::<Statuses>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn shares_and_ratios_are_exact() {
        for (text, thousandths) in [("1%", 1000), ("0.5%", 500), ("0.125%", 125), ("100%", 100_000), ("0%", 0)] {
            let percent: Percent = serde_json::from_value(text.into()).unwrap();
            assert_eq!((percent.as_thousandths(), percent.to_string().as_str()), (thousandths, text));
        }
        for text in ["1", "101%", "-1%", "1.%", ".5%", "1.2345%", "one%", ""] {
            assert!(serde_json::from_value::<Percent>(text.into()).is_err(), "{text}");
        }
        for (json, thousandths, again) in [("2", 2000, "2"), ("1.5", 1500, "1.5"), ("2.0", 2000, "2")] {
            let ratio: Ratio = serde_json::from_str(json).unwrap();
            assert_eq!((ratio.as_thousandths(), serde_json::to_string(&ratio).unwrap().as_str()), (thousandths, again));
        }
        for json in ["0.5", "101", "\"2\"", "-2"] {
            assert!(serde_json::from_str::<Ratio>(json).is_err(), "{json}");
        }
    }
}
