//! Names: of apps and environments, and of what they own in AWS.
//!
//! Names are deterministic, which makes them the fence against doing a thing twice: `hello-world-prod-v042` can be
//! created once per account and region, whoever tries, however often.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// Longest name of an app or an environment. Group names may have 255 characters, so that they never need shortening.
pub const MAX_NAME: usize = 63;

/// Longest name of a load balancer or target group.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>
pub const MAX_BALANCER_NAME: usize = 32;

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be a name: {why}")]
pub struct NameError {
    name: String,
    why: &'static str,
}

fn check_name(name: &str) -> Result<(), NameError> {
    let refuse = |why| Err(NameError { name: name.chars().take(80).collect(), why });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > MAX_NAME {
        return refuse("it has more than 63 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return refuse("use lower-case letters, digits and hyphens only");
    }
    if !name.as_bytes()[0].is_ascii_lowercase() || name.ends_with('-') || name.contains("--") {
        return refuse("it must start with a letter, must not end with a hyphen, and has single hyphens only");
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check_name(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, out)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
                    "maxLength": MAX_NAME
                })
            }
        }
    };
}

name_type!(
    /// The name of an app: lower-case letters, digits and single hyphens, at most 63 characters.
    AppName
);
name_type!(
    /// The name of an environment, of the same form as an app's.
    EnvironmentName
);

/// The number of a release of one app in one environment: 1, 2, 3 …, shown as `v001`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl Generation {
    /// The generation that follows.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "v{:03}", self.0)
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Generation {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.strip_prefix('v')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|number| *number > 0)
            .map(Generation)
            .ok_or_else(|| NameError {
                name: text.chars().take(80).collect(),
                why: "a generation is written v001, v002 …",
            })
    }
}

/// One of the two places in the load balancer that the generations of an app take in turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first; an app's first generation goes here.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Both, in order.
    pub const BOTH: [Slot; 2] = [Slot::A, Slot::B];

    /// The one that this is not.
    pub fn other(self) -> Self {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }

    /// `a` or `b`, as in names and tags.
    pub fn as_str(self) -> &'static str {
        match self {
            Slot::A => "a",
            Slot::B => "b",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// An app in an environment: what every name and every tag of a release starts from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scope {
    /// The app.
    pub app: AppName,
    /// The environment it runs in.
    pub environment: EnvironmentName,
}

impl Scope {
    /// The scope of `app` in `environment`.
    pub fn new(app: AppName, environment: EnvironmentName) -> Self {
        Self { app, environment }
    }

    /// `hello-world-prod`, which every other name starts with.
    pub fn base(&self) -> String {
        format!("{}-{}", self.app, self.environment)
    }

    /// The name of both the launch template and the Auto Scaling group of a generation: `hello-world-prod-v042`.
    pub fn generation_name(&self, generation: Generation) -> String {
        format!("{}-{generation}", self.base())
    }

    /// The name of the target group of a slot: `hello-world-prod-a`, shortened with a hash where AWS's 32 characters do not suffice.
    pub fn target_group_name(&self, slot: Slot) -> String {
        shortened(&self.base(), &format!("-{slot}"))
    }

    /// The name of the app's own load balancer, shortened likewise.
    pub fn load_balancer_name(&self) -> String {
        shortened(&self.base(), "")
    }

    /// The SSM parameter that holds the deployed state.
    pub fn parameter_name(&self) -> String {
        format!("/amiable/{}/{}/deployed", self.environment, self.app)
    }

    /// The SSM parameter whose versions are what people decided about the app.
    pub fn decisions_name(&self) -> String {
        format!("/amiable/{}/{}/decisions", self.environment, self.app)
    }

    /// The SSM parameter whose versions say why generations of the app failed.
    pub fn failures_name(&self) -> String {
        format!("/amiable/{}/{}/failures", self.environment, self.app)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}", self.app, self.environment)
    }
}

/// `base` + `suffix` within 32 characters; eight hexadecimal digits of the base's hash stand for what is cut, so that
/// two long names that begin alike stay apart. AWS reserves names that begin with `internal-`.
fn shortened(base: &str, suffix: &str) -> String {
    let whole = format!("{base}{suffix}");
    if whole.len() <= MAX_BALANCER_NAME && !whole.starts_with("internal-") {
        return whole;
    }
    let hash = digest(base, 8);
    let base = base.strip_prefix("internal-").unwrap_or(base);
    let keep = (MAX_BALANCER_NAME - suffix.len() - hash.len() - 1).min(base.len());
    let head = base[..keep].trim_end_matches('-');
    format!("{head}-{hash}{suffix}")
}

/// The first `digits` hexadecimal digits of a text's SHA-256.
pub(crate) fn digest(text: &str, digits: usize) -> String {
    hex(&Sha256::digest(text.as_bytes()), digits)
}

/// The first `digits` hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    let mut text: String = bytes.iter().take(digits.div_ceil(2)).map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    text
}

/// Whether `text` is `prefix` and 8 or 17 hexadecimal digits, as EC2's ids are.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>
pub fn is_ec2_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        matches!(digits.len(), 8 | 17) && digits.bytes().all(hexadecimal)
    })
}

/// Whether `text` is the id of a machine image.
pub fn is_image_id(text: &str) -> bool {
    is_ec2_id(text, "ami-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(app: &str, environment: &str) -> Scope {
        Scope::new(app.parse().unwrap(), environment.parse().unwrap())
    }

    #[test]
    fn short_names_are_used_as_they_are() {
        let scope = scope("hello-world", "prod");
        assert_eq!(scope.generation_name(Generation(42)), "hello-world-prod-v042");
        assert_eq!(scope.target_group_name(Slot::B), "hello-world-prod-b");
        assert_eq!(scope.load_balancer_name(), "hello-world-prod");
        assert_eq!(scope.parameter_name(), "/amiable/prod/hello-world/deployed");
        assert_eq!(scope.decisions_name(), "/amiable/prod/hello-world/decisions");
        assert_eq!(scope.failures_name(), "/amiable/prod/hello-world/failures");
    }

    #[test]
    fn long_names_are_shortened_and_stay_apart() {
        let one = scope("recommendations-of-the-day-service", "production");
        let two = scope("recommendations-of-the-day-server", "production");
        for name in [one.target_group_name(Slot::A), one.load_balancer_name(), two.target_group_name(Slot::A)] {
            assert!(name.len() <= MAX_BALANCER_NAME, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{name}");
        }
        assert_ne!(one.target_group_name(Slot::A), two.target_group_name(Slot::A));
        assert_ne!(one.target_group_name(Slot::A), one.target_group_name(Slot::B));
        assert!(one.target_group_name(Slot::A).ends_with("-a"));
        assert!(!scope("internal", "test").load_balancer_name().starts_with("internal-"));
    }

    #[test]
    fn names_that_aws_or_people_would_trip_over_are_refused() {
        for name in ["", "Hello", "-a", "a-", "a--b", "a_b", "a.b", "1a", "a:b", &"a".repeat(64)] {
            assert!(name.parse::<AppName>().is_err(), "{name}");
        }
        assert!("hello-world2".parse::<AppName>().is_ok());
        for text in ["v000", "42", "v", "v-1", "v1x"] {
            assert!(text.parse::<Generation>().is_err(), "{text}");
        }
        assert_eq!("v1042".parse::<Generation>().unwrap(), Generation(1042));
    }
}
