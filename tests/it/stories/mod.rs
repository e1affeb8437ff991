//! Releases as stories: what is done, when and why, from a manifest to what serves. Each ends with the plan that it must end in.

mod asked;
mod autopsy;
mod balancing;
mod blind;
mod busy;
mod by_hand;
mod canary;
mod claims;
mod clocks;
mod dns;
mod edits;
mod ending;
mod exposed;
mod failure;
mod floor;
mod foreign_text;
mod held_up;
mod images;
mod in_place;
mod launch;
mod leftovers;
mod observed;
mod operators;
mod overruled;
mod reading;
mod red_black;
mod remembered;
mod scaling;
pub mod shared_listener;
mod slots;
mod stepping;
mod telling;
mod trial;
mod typed;
mod verification;
mod watching;
mod worker;
mod writers;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::HELLO_1_0;

use crate::invariants::weights;
use crate::lab::{Lab, app};

async fn deployed(extra: &str) -> Lab {
    let mut lab = Lab::new().await;
    lab.write("hello", app("hello", HELLO_1_0, extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab
}

/// Nothing is left to do, whatever is still waited for.
async fn settles(lab: &Lab) {
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0), "{plan:?}");
}

fn weight(lab: &Lab, target_group: &str) -> u32 {
    lab.simulation.with(|world| weights(world).get(target_group).copied().unwrap_or_default())
}

fn serving(lab: &Lab) -> Vec<(String, u32)> {
    lab.simulation.with(|world| world.serving().into_iter().collect())
}
