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
    /// The endpoint that stands in for AWS's own, if one does.
    endpoint: Option<String>,
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
        Self { aws: Aws::connect(settings).await, clock, begun, endpoint: endpoint(global) }
    }

    /// Connects to a simulated AWS within the process.
    pub async fn within(simulation: &Simulation, region: &str) -> Self {
        let clock = simulation.clock().clone();
        let settings = Settings {
            prober: Arc::new(Within::new(simulation)),
            ..Settings::simulated(region, http_client(simulation), clock.clone())
        };
        let begun = clock.now();
        Self { aws: Aws::connect(settings).await, clock, begun, endpoint: None }
    }

    /// Why a call failed, and what to do next. Where nothing answers at an endpoint on this machine, that is a simulated AWS
    /// which is not running.
    pub fn explain(&self, error: AwsError) -> Failure {
        let local = self.endpoint.as_deref().filter(|endpoint| error.is_unreachable() && is_local(endpoint));
        let Some(endpoint) = local else { return error.into() };
        Failure::new(format!("nothing answers at {endpoint}: {}:{} was not received", error.service, error.operation))
            .help(
                "start the simulated AWS with `amiable sim` and paste what it prints into this shell, or unset AWS_ENDPOINT_URL to \
                 work with the real AWS",
            )
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
        let looked = look(&self.aws, desired, &self.clock).await;
        let (observed, plan) = looked.map_err(|error| self.explain(error))?;
        Ok(Look { observed, plan, calls: self.aws.calls_since(&before), elapsed: begun.elapsed() })
    }
}

/// The system's clock; for a simulated AWS on this machine whose time runs faster, the same faster one. Anywhere else
/// such a setting is left over from an experiment, and would cut every bake short.
fn clock(global: &Global) -> Clock {
    let local = endpoint(global).is_some_and(|url| is_local(&url));
    let simulated = std::env::var("AMIABLE_SIM_CLOCK").ok().filter(|_| local).and_then(|text| Clock::like(&text));
    simulated.unwrap_or_else(Clock::system)
}

/// The endpoint that stands in for AWS's own, if one does.
fn endpoint(global: &Global) -> Option<String> {
    global.endpoint_url.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL").ok())
}

/// Whether an endpoint is on this machine.
fn is_local(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|start| url.starts_with(start))
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        let advice = error.advice();
        Self { help: advice, ..Self::new(error.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::{Call, Class};
    use crate::clock::Clock;
    use crate::sim::world::World;

    #[tokio::test]
    async fn where_nothing_answers_on_this_machine_the_next_thing_to_type_is_said() {
        let clock = Clock::system();
        let simulation = Simulation::new(World::example(clock.now()), clock);
        let session = Session::within(&simulation, "us-west-2").await;
        let session = Session { endpoint: Some("http://127.0.0.1:4999".to_owned()), ..session };
        let call = || Call::new("sts", "GetCallerIdentity", "");
        let said = session.explain(AwsError::unreachable(call(), "Connection refused")).to_string();
        assert!(
            said.starts_with("error: nothing answers at http://127.0.0.1:4999: sts:GetCallerIdentity was not received"),
            "{said}"
        );
        assert!(said.contains("help: start the simulated AWS with `amiable sim`"), "{said}");
        let other = AwsError::conflict(call(), "taken").with_class(Class::Blocked);
        assert!(session.explain(other).to_string().contains("taken"));
        let session = Session { endpoint: Some("https://vpce.example.com".to_owned()), ..session };
        let said = session.explain(AwsError::unreachable(call(), "Connection refused")).to_string();
        assert!(said.contains("Connection refused") && said.contains("check the network"), "{said}");
    }
}
