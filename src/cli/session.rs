//! One environment, and AWS as its account and region show it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Global;
use super::failure::Failure;
use crate::aws::{Aws, AwsError, Settings};
use crate::clock::Clock;
use crate::controller::snapshot::look;
use crate::model::desired::Desired;
use crate::model::names::AppName;
use crate::model::observed::Observed;
use crate::model::plan::Plan;
use crate::model::time::Timestamp;
use crate::sim::Simulation;
use crate::sim::door::http_client::http_client;
use crate::sim::door::prober::Within;

/// The way to AWS for one environment.
pub struct Session {
    /// The clients.
    pub aws: Aws,
    /// The clock that everything follows.
    pub clock: Clock,
    /// When it began, which is before anything of AWS was seen.
    pub begun: Timestamp,
}

/// What one look found.
pub struct Look {
    /// What there is.
    pub observed: Observed,
    /// What to do about it.
    pub plan: Plan,
    /// How many calls it took, by `service:Operation`.
    pub calls: BTreeMap<String, u32>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Session {
    /// Connects as flags, environment variables and AWS's own files say. No call is made yet.
    pub async fn open(global: &Global, desired: &Desired) -> Self {
        if let Some(simulation) = &global.within {
            return Self::within(simulation, &desired.environment.region).await;
        }
        let clock = clock(global);
        let settings = Settings {
            profile: global.profile.clone(),
            endpoint_url: global.endpoint_url.clone(),
            assume_role: desired.environment.assume_role.clone(),
            ..Settings::new(desired.environment.region.clone(), clock.clone())
        };
        let begun = clock.now();
        Self { aws: Aws::connect(settings).await, clock, begun }
    }

    /// Connects to a simulated AWS within the process.
    pub async fn within(simulation: &Simulation, region: &str) -> Self {
        let clock = simulation.clock().clone();
        let settings = Settings {
            prober: Arc::new(Within::new(simulation)),
            ..Settings::simulated(region, http_client(simulation), clock.clone())
        };
        let begun = clock.now();
        Self { aws: Aws::connect(settings).await, clock, begun }
    }

    /// Observes AWS for one app and plans that alone.
    ///
    /// # Errors
    /// As [`Session::look`].
    pub async fn look_at(&self, desired: &Desired, app: &AppName) -> Result<Look, Failure> {
        self.look(&Desired { chosen: Some(BTreeSet::from([app.clone()])), ..desired.clone() }).await
    }

    /// Observes AWS and plans.
    ///
    /// # Errors
    /// When nothing can be planned at all.
    pub async fn look(&self, desired: &Desired) -> Result<Look, Failure> {
        let (begun, before) = (Instant::now(), self.aws.calls());
        let (observed, plan) = look(&self.aws, desired, &self.clock).await?;
        Ok(Look { observed, plan, calls: self.aws.calls_since(&before), elapsed: begun.elapsed() })
    }
}

/// The system's clock; for a simulated AWS on this machine whose time runs faster, the same faster one. Anywhere else
/// such a setting is left over from an experiment, and would cut every bake short.
fn clock(global: &Global) -> Clock {
    let endpoint = global.endpoint_url.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
    let local = endpoint.is_some_and(|url| {
        ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|start| url.starts_with(start))
    });
    let simulated = std::env::var("AMIABLE_SIM_CLOCK").ok().filter(|_| local).and_then(|text| Clock::like(&text));
    simulated.unwrap_or_else(Clock::system)
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        let advice = error.advice();
        Self { help: advice, ..Self::new(error.to_string()) }
    }
}
