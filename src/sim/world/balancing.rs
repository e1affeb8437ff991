//! Load balancers, listeners, rules, target groups and health.

/// Load balancers, listeners, rules, target groups and health.
#[derive(Clone, Debug, Default)]
pub struct Balancing {}

use super::World;
use crate::model::time::Timestamp;

/// What has happened by `world.now`.
pub fn tick(_world: &mut World) {}

/// When the next thing happens by itself.
pub fn next_event(_world: &World) -> Option<Timestamp> {
    None
}
