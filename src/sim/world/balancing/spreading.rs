//! New weights reach the nodes of a load balancer one after the other, over some seconds.
//!
//! Until then a node sends requests where the action list of before led. What describes a listener or rule shows the new list at
//! once. Rules that only preview requests meet are not among them.

use std::collections::BTreeSet;

use super::{Action, Balancing};
use crate::model::time::{Span, Timestamp};
use crate::sim::world::World;

/// How many nodes a load balancer has.
const NODES: u32 = 3;

/// An action list that is not in force any more, but at some nodes still is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim::world) struct Former {
    actions: Vec<Action>,
    /// When it was replaced.
    at: Timestamp,
}

/// Remembers the action list of a listener or rule that has just been replaced.
pub(crate) fn replaced(world: &mut World, arn: &str, before: &[Action], after: &[Action]) {
    let (now, spread) = (world.now, world.spread);
    for former in world.balancing.former.values_mut() {
        former.retain(|former| spread.after(former.at) > now);
    }
    world.balancing.former.retain(|_, former| !former.is_empty());
    if before != after && !spread.is_zero() {
        let former = Former { actions: before.to_vec(), at: now };
        world.balancing.former.entry(arn.to_owned()).or_default().push(former);
    }
}

impl Balancing {
    /// The action list of a listener or rule at the node that a roll falls on.
    pub(super) fn at_node<'a>(
        &'a self,
        arn: &str,
        current: &'a [Action],
        roll: u32,
        spread: Span,
        now: Timestamp,
    ) -> &'a [Action] {
        // Another scattering than that of weights and targets, so that each node serves all of them.
        let node = (roll.wrapping_mul(0x9e37_79b1) >> 16) % NODES;
        let delay = Span::seconds(spread.as_seconds() * u64::from(node) / u64::from(NODES - 1));
        let former = self.former.get(arn).into_iter().flatten().find(|former| delay.after(former.at) > now);
        former.map_or(current, |former| former.actions.as_slice())
    }
}

impl World {
    /// Target groups that some node may still send requests to, though nothing gives them weight any more.
    pub fn still_reached(&self) -> BTreeSet<String> {
        let weighted = |actions: &[Action]| {
            let forwards = actions.iter().filter_map(|action| match action {
                Action::Forward(forward) => Some(forward),
                _ => None,
            });
            let groups = forwards.flat_map(|forward| &forward.target_groups);
            groups.filter(|(_, weight)| *weight > 0).map(|(arn, _)| arn.clone()).collect::<Vec<_>>()
        };
        let current: BTreeSet<String> =
            self.balancing.public_action_lists().flat_map(|(_, actions)| weighted(actions)).collect();
        let former = self.balancing.former.values().flatten().filter(|former| self.spread.after(former.at) > self.now);
        former.flat_map(|former| weighted(&former.actions)).filter(|arn| !current.contains(arn)).collect()
    }
}
