//! The `spec` of an `Environment`: what the platform team decides for all apps in it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of an `Environment`: what the platform team decides for all apps in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// The AWS region, such as `us-west-2`.
    pub region: String,
    /// The AWS account, twelve digits in quotes; credentials of any other are refused.
    #[schemars(extend("pattern" = "^[0-9]{12}$"))]
    pub account_id: String,
    /// A role to assume for all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
    /// Where instances and load balancers are placed.
    pub network: Network,
    /// Security groups of instances and of the apps' own load balancers.
    #[schemars(length(min = 1, max = 16))]
    pub security_group_ids: Vec<String>,
    /// The hosted zone that holds the apps' DNS names, by its name or its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_zone: Option<String>,
    /// Shared listeners that apps may name: a name of ours, and the listener's ARN.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<String, String>,
    /// Accounts whose images may be launched, `self` for the environment's own; no image of another owner ever is.
    #[serde(default = "own_images")]
    #[schemars(length(min = 1, max = 50))]
    pub image_owners: Vec<String>,
    /// How much may happen at a time.
    #[serde(default)]
    pub limits: Limits,
    /// Any field of an app's `spec`, for apps that do not set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<serde_json::Map<String, serde_json::Value>>,
}

fn own_images() -> Vec<String> {
    vec!["self".to_owned()]
}

/// The network of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Its subnets for instances and load balancers; a load balancer needs two, in different zones.
    #[schemars(length(min = 1, max = 16))]
    pub subnet_ids: Vec<String>,
}

/// How much may happen at a time in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// How many apps may be between launch and record at once, 1 to 100; the others wait.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 100))]
    pub concurrent_rollouts: u32,
}

fn five() -> u32 {
    5
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrent_rollouts: five() }
    }
}
