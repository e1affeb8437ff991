//! Requests to the apps and to webhooks: reads, as far as a plan is concerned, like those from AWS.
//!
//! - [`http`]: over the network
//!
//! Who asks does not judge: whether an answer is good, the plan says.

#[cfg(test)]
mod certificates;
pub mod http;

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::probe::{Probe, Replied};

/// Makes requests.
#[async_trait]
pub trait Prober: Debug + Send + Sync {
    /// Makes one request and tells what came back. It ends by the request's timeout, and follows no redirect.
    async fn ask(&self, probe: &Probe) -> Replied;
}

/// Reaches nobody: for commands and tests that must make no request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

#[async_trait]
impl Prober for Nowhere {
    async fn ask(&self, _: &Probe) -> Replied {
        Replied::Unreachable("no requests are made from here".to_owned())
    }
}
