//! Auto Scaling groups and their activities.

/// Auto Scaling groups and their activities.
#[derive(Clone, Debug, Default)]
pub struct Scaling {}

use super::World;
use crate::model::time::Timestamp;

/// What has happened by `world.now`.
pub fn tick(_world: &mut World) {}

/// When the next thing happens by itself.
pub fn next_event(_world: &World) -> Option<Timestamp> {
    None
}
