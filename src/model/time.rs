//! Spans of time as manifests write them (`30s`, `5m`, `48h`), and points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use jiff::{SignedDuration, Timestamp};

/// A length of time in whole seconds, written as `90s`, `5m`, `1h30m` or `7d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// Longest span a manifest may hold: ten years, so that arithmetic on clocks cannot overflow.
const MAX_SECONDS: u64 = 10 * 365 * 86_400;

impl Span {
    /// A span of `seconds`; anything above ten years is cut to ten years.
    pub const fn seconds(seconds: u64) -> Self {
        Self(if seconds > MAX_SECONDS { MAX_SECONDS } else { seconds })
    }

    /// A span of `minutes`.
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// A span of `hours`.
    pub const fn hours(hours: u64) -> Self {
        Self::seconds(hours * 3600)
    }

    /// The length in seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The same length for timers.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Whether the length is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The point in time this long after `start`.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.checked_add(jiff::SignedDuration::from_secs(self.0 as i64)).unwrap_or(Timestamp::MAX)
    }

    /// How long ago `earlier` was in full seconds, rounded down; nothing when it lies in the future.
    pub fn between_whole(earlier: Timestamp, now: Timestamp) -> Self {
        Self::seconds(u64::try_from(now.duration_since(earlier).as_secs()).unwrap_or(0))
    }

    /// The point in time this long before `end`.
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.checked_sub(jiff::SignedDuration::from_secs(self.0 as i64)).unwrap_or(Timestamp::MIN)
    }

    /// How long ago `earlier` was, seen from `now`; nothing when it lies in the future.
    pub fn between(earlier: Timestamp, now: Timestamp) -> Self {
        Self::seconds(u64::try_from(now.as_second() - earlier.as_second()).unwrap_or(0))
    }
}

/// A length of time in milliseconds, written as `300ms` or `2s`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Milliseconds(u64);

impl Milliseconds {
    /// The length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Milliseconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| plain)
        };
        let found = match text.strip_suffix("ms") {
            Some(digits) => number(digits),
            None => text.strip_suffix('s').and_then(number).map(|seconds| seconds * 1000),
        };
        found
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a time: write a number and a unit, such as `300ms` or `2s`"))
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 && self.0.is_multiple_of(1000) {
            write!(out, "{}s", self.0 / 1000)
        } else {
            write!(out, "{}ms", self.0)
        }
    }
}

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Milliseconds {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Milliseconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A length of time such as `300ms` or `2s`."})
    }
}

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a number and a unit, such as `30s`, `5m`, `48h` or `7d`")]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || SpanError(text.chars().take(40).collect());
        let mut total = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            let mut tail = rest[digits..].chars();
            let unit = match tail.next() {
                Some('s') => 1,
                Some('m') => 60,
                Some('h') => 3600,
                Some('d') => 86_400,
                _ => return Err(wrong()),
            };
            total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
            rest = tail.as_str();
        }
        if text.is_empty() || total > MAX_SECONDS {
            return Err(wrong());
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.write_str("0s");
        }
        let mut rest = self.0;
        // Days are for people only above two of them: AWS and Kubernetes both say 48h.
        for (unit, size) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if unit == "d" && self.0 <= 2 * 86_400 {
                continue;
            }
            if rest >= size {
                write!(out, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a length of time such as `30s`, `5m` or `48h`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+[smhd])+$",
            "description": "A length of time: a number and a unit (s, m, h, d), such as 30s, 5m or 48h."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_as_they_are_written() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("48h", 172_800), ("7d", 604_800)]
        {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_seconds(), seconds, "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span, "{text}");
        }
        assert_eq!(Span::seconds(90).to_string(), "1m30s");
        assert_eq!(Span::hours(48).to_string(), "48h");
    }

    #[test]
    fn what_is_not_a_span_is_refused() {
        for text in ["", "5", "m", "5 m", "-5m", "5y", "1.5h", "99999999999999999999s", "999999d", "٥m"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
