//! Machine images, and what instances that start from them do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::time::{Span, Timestamp};

/// The images that the account can see.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// By id.
    pub all: BTreeMap<String, Image>,
    /// When images were deregistered, by id.
    pub deregistered: BTreeMap<String, Timestamp>,
}

/// A machine image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The account that owns it.
    pub owner: String,
    /// Whether accounts other than the owner may launch it.
    pub public: bool,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// `available`, `pending`, `failed` or `deregistered`.
    pub state: String,
    /// The device of its root volume.
    pub root_device: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Its tags. `sim:behaviour` tells what its instances do, see [`Behaviour`].
    pub tags: BTreeMap<String, String>,
}

/// The account of Amazon's own images, `amazon`.
pub const AMAZON: &str = "137112412989";
/// The account of AWS Marketplace, `aws-marketplace`.
pub const MARKETPLACE: &str = "679593333241";

/// The tag of an image that tells what its instances do.
pub const BEHAVIOUR_TAG: &str = "sim:behaviour";

/// What an instance does, as its image's tag `sim:behaviour` tells it: words in any order, such as
/// `boot=20s sick-after=5m`, `never-healthy`, `latency=250ms`, `error-rate=10%`, `broken=/version`. Without the tag: boots in 20 seconds and stays healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// From `running` until the service answers.
    pub boot: Span,
    /// Answers health checks with 500 from the start.
    pub never_healthy: bool,
    /// Answers with 500 from this long after the service first answered.
    pub sick_after: Option<Span>,
    /// Answers health checks with 500 from this long after the service first answered, and clients as before: it has noticed
    /// that something is wrong, such as a database out of reach, before they do.
    pub checks_fail_after: Option<Span>,
    /// How long each answer takes; above the health check's timeout the check fails.
    pub latency: Duration,
    /// How many percent of the requests of clients are answered with 500; those of health checks are not.
    pub error_percent: u32,
    /// A path that is answered with 500; health checks go by it.
    pub broken_path: Option<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            boot: Span::seconds(20),
            never_healthy: false,
            sick_after: None,
            checks_fail_after: None,
            latency: Duration::ZERO,
            error_percent: 0,
            broken_path: None,
        }
    }
}

impl Image {
    /// What its instances do. Words that mean nothing are passed over.
    pub fn behaviour(&self) -> Behaviour {
        let mut behaviour = Behaviour::default();
        for word in self.tags.get(BEHAVIOUR_TAG).map(String::as_str).unwrap_or_default().split_whitespace() {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match (key, value) {
                ("latency", value) if value.ends_with("ms") => {
                    let number = value.trim_end_matches("ms").parse();
                    behaviour.latency = number.map_or(Duration::ZERO, Duration::from_millis);
                    continue;
                }
                ("error-rate", value) => {
                    behaviour.error_percent = value.trim_end_matches('%').parse().unwrap_or(0).min(100);
                    continue;
                }
                ("broken", path) => {
                    behaviour.broken_path = Some(path.to_owned());
                    continue;
                }
                _ => {}
            }
            match word.split_once('=').map(|(key, value)| (key, value.parse::<Span>())) {
                None if word == "never-healthy" => behaviour.never_healthy = true,
                Some(("boot", Ok(span))) => behaviour.boot = span,
                Some(("sick-after", Ok(span))) => behaviour.sick_after = Some(span),
                Some(("checks-fail-after", Ok(span))) => behaviour.checks_fail_after = Some(span),
                Some(("latency", Ok(span))) => behaviour.latency = span.as_duration(),
                _ => {}
            }
        }
        behaviour
    }
}
