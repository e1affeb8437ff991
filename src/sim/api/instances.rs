//! The EC2 operations on instances.

use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;

/// Carries out one operation.
pub fn call(_world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    Err(ApiError::new("InvalidAction", format!("Could not find operation {}", request.operation)))
}
