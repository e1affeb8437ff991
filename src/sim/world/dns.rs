//! Hosted zones, records and changes.

/// Hosted zones, records and changes.
#[derive(Clone, Debug, Default)]
pub struct Dns {}

use super::World;
use crate::model::time::Timestamp;

/// What has happened by `world.now`.
pub fn tick(_world: &mut World) {}

/// When the next thing happens by itself.
pub fn next_event(_world: &World) -> Option<Timestamp> {
    None
}
