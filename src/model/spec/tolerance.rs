//! How many sick instances a release bears: a number, or a share of its size.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Percent;

/// The most that can be written as a number.
const MOST: u32 = 1000;

/// From so many instances on, one sick instance is borne where the manifest says nothing.
const SOME_FROM: u32 = 10;

/// The share that is borne where the manifest says nothing and it is more than one: 2 %.
const SHARE: Percent = Percent::thousandths(2000);

/// How many instances may be sick, written as `1` or `2%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// So many, 0 to 1000.
    Count(u32),
    /// This share of the group's size, rounded down.
    Share(Percent),
}

impl Tolerance {
    /// How many of `size` instances may be sick.
    pub fn of(self, size: u32) -> u32 {
        match self {
            Tolerance::Count(count) => count,
            // 100% is 100,000 thousandths of a percent. A share is never more than the whole, so that it fits.
            Tolerance::Share(share) => (u64::from(size) * u64::from(share.as_thousandths()) / 100_000) as u32,
        }
    }

    /// The same where the manifest says nothing: none of up to nine, and one or 2 % of more.
    pub fn by_default(size: u32) -> u32 {
        if size < SOME_FROM { 0 } else { Tolerance::Share(SHARE).of(size).max(1) }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Count(count) => write!(out, "{count}"),
            Tolerance::Share(share) => write!(out, "{share}"),
        }
    }
}

impl Serialize for Tolerance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tolerance::Count(count) => serializer.serialize_u32(*count),
            Tolerance::Share(share) => share.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Tolerance;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "a number from 0 to {MOST}, or a share such as `2%`")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Tolerance, E> {
                match u32::try_from(count) {
                    Ok(count @ 0..=MOST) => Ok(Tolerance::Count(count)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(count), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Tolerance, E> {
                let unsigned = u64::try_from(count);
                unsigned
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))
                    .and_then(|count| self.visit_u64(count))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Tolerance, E> {
                let share = Percent::deserialize(de::value::StrDeserializer::<E>::new(text));
                share.map(Tolerance::Share).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Tolerance {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tolerance".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How many instances, such as `1`, or a share of them, such as `2%`.",
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": MOST}, {"type": "string"}]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_number_or_a_share_rounded_down() {
        for (json, written, size, expected) in [
            ("0", "0", 100, 0),
            ("3", "3", 2, 3),
            ("\"2%\"", "2%", 100, 2),
            ("\"2%\"", "2%", 49, 0),
            ("\"2.5%\"", "2.5%", 80, 2),
            ("\"100%\"", "100%", 1000, 1000),
        ] {
            let tolerance: Tolerance = serde_json::from_str(json).unwrap();
            assert_eq!((tolerance.to_string().as_str(), tolerance.of(size)), (written, expected), "{json} of {size}");
            let again: Tolerance = serde_json::from_str(&serde_json::to_string(&tolerance).unwrap()).unwrap();
            assert_eq!(again, tolerance);
        }
        for json in ["-1", "1001", "\"two\"", "\"2\"", "\"101%\"", "1.5", "[]"] {
            assert!(serde_json::from_str::<Tolerance>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_large_service_bears_one_sick_instance_and_a_small_one_none() {
        for (size, expected) in [(0, 0), (1, 0), (9, 0), (10, 1), (99, 1), (100, 2), (149, 2), (150, 3), (1000, 20)] {
            assert_eq!(Tolerance::by_default(size), expected, "{size}");
        }
    }
}
