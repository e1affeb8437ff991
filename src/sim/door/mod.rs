//! The ways in to a simulated AWS.
//!
//! - [`http_client`]: in the process, as the SDK's own HTTP client, on the simulation's time
//! - [`server`]: on a loopback port, for any SDK and the `aws` command line

pub mod http_client;
pub mod server;

use super::wire::decode::{HttpRequest, decode};
use super::{Outcome, Simulation};

/// Decodes a request and carries it out.
fn receive(simulation: &Simulation, http: HttpRequest<'_>) -> Outcome {
    match decode(http) {
        Ok(request) => simulation.call(&request),
        Err(refusal) => Outcome::Reply(*refusal),
    }
}
