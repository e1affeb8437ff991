//! What a manifest may say: the effective spec of an app and of an environment, every field with its effect.
//!
//! The effect stands beside the field, as `x-amiable-effect` in the JSON Schema: `replace` (a new generation),
//! `in-place` (changed on what runs) or `behaviour` (changes nothing in AWS). A field that only groups others has none.

mod balancer;
mod container;
mod dns;
mod environment;
mod health;
mod image;
mod instances;
mod launch;
mod machine;
mod scaling;
mod stepping;
mod strategy;
mod tolerance;
mod verification;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::{Span, Timestamp};
pub use balancer::{
    AccessLogs, IpAddressType, Kind, Listener, ListenerProtocol, LoadBalancer, OwnLoadBalancer, Redirect, Scheme,
    SharedListener,
};

pub use container::Container;
pub use dns::{Dns, RecordType};
pub use environment::{EnvironmentSpec, Limits, Network};
pub use health::{HealthCheck, Protocol};
pub use image::{Architecture, FromEnvironment, Image, ImageSearch, ImageSource, MAX_ARTIFACTS, Release, Track};
pub use instances::Instances;
pub use launch::{AppNetwork, Launch};
pub use machine::{
    AllocationStrategy, BlockDevice, CpuCredits, HttpTokens, MetadataOptions, Spot, Tenancy, VolumeType,
};
pub use scaling::{
    DefaultResult, LifecycleHook, MaintenancePolicy, Metric, Process, Scaling, Scheduled, TargetTracking, Transition,
};
pub use stepping::{AdjustmentType, Comparison, CustomMetric, MissingData, Statistic, StepAdjustment, StepScaling};
pub use strategy::{Canary, CanaryStep, RedBlack, Retain, Strategy};
pub use tolerance::Tolerance;
pub use verification::{Compare, Method, Percent, Percentile, Ratio, SmokeCheck, Statuses, Verification, Webhook};

/// The `spec` of an `App`, overlays and defaults applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSpec {
    /// Take no action on this app while set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<Suspend>,
    /// The machine image its instances start from.
    pub image: Image,
    /// Where the image came from: recorded with the deployed state and shown wherever the release is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// A container that every instance runs, on a machine image with Docker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The EC2 instance type, such as `c7g.large`; either this or `instanceTypes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "replace"))]
    pub instance_type: Option<String>,
    /// Several instance types that will do, the most wanted first: at each launch AWS takes one that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40), extend("x-amiable-effect" = "replace"))]
    pub instance_types: Vec<String>,
    /// Spot capacity. Without it all instances are On-Demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// How many instances run. Between the two numbers, the count is left to scaling and preserved over a release.
    #[serde(default)]
    pub instances: Instances,
    /// How the number of instances changes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-amiable-effect" = "in-place"))]
    pub scaling: Option<Scaling>,
    /// What else an instance is born with.
    #[serde(default)]
    pub launch: Launch,
    /// Where instances run, instead of the environment's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<AppNetwork>,
    /// How the load balancer tells that an instance is well. A worker has none.
    #[serde(default)]
    pub health_check: HealthCheck,
    /// The load balancer: one of the app's own (the default), a rule on a shared listener, or `none` for a worker.
    #[serde(default)]
    pub load_balancer: LoadBalancer,
    /// The DNS name that leads to the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// How a new generation takes over from the old one.
    #[serde(default)]
    pub strategy: Strategy,
    /// What must hold before traffic moves, and while a new generation has some.
    #[serde(default)]
    pub verification: Verification,
    /// How long a generation may take from its launch until it is ready for traffic; then the release has failed.
    #[serde(default = "default_deadline")]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub progress_deadline: Span,
    /// How long the previous generation stays warm for an instant way back.
    #[serde(default)]
    pub retain: Retain,
    /// Which differences between AWS and the manifest are left alone.
    #[serde(default)]
    pub drift: Drift,
    /// Delete everything the app owns in this environment.
    #[serde(default)]
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub destroy: bool,
}

impl AppSpec {
    /// The container that each of its instances runs.
    pub fn container(&self) -> Option<crate::model::container::Container> {
        let is_worker = self.load_balancer == LoadBalancer::None;
        let serves_on = (!is_worker).then_some(self.health_check.port);
        self.container.as_ref().map(|container| container.data(serves_on))
    }

    /// The instance types that will do, the most wanted first.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.instance_type.iter().chain(&self.instance_types).map(String::as_str)
    }
}

fn default_deadline() -> Span {
    Span::minutes(20)
}

/// A pause in all work on an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suspend {
    /// Why; shown wherever the app is.
    #[schemars(extend("x-amiable-effect" = "behaviour"))]
    pub reason: String,
    /// When work goes on by itself, as an RFC 3339 time; without it, when `suspend` is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-amiable-effect" = "behaviour", "format" = "date-time"))]
    pub until: Option<Timestamp>,
}

/// Which differences between AWS and the manifest are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// Paths of fields that AWS may differ in, such as `instances.max`; only fields that are changed in place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-amiable-effect" = "behaviour"))]
    pub ignore: Vec<String>,
}
