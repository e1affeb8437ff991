//! Decides *when* to ask for a plan and when to carry it out; never *what* to do.
//!
//! - [`snapshot`]: observes AWS, plans, reads what the plan still needs, plans again
//! - [`keeper`]: one environment from round to round: look, plan, act
//! - [`converge`]: rounds until every app is where it should be
//! - [`asked`]: what webhooks answered last, since they are not asked at every look
//! - `calls`: the calls under way, each app's in a task of its own
//! - `troubles`: what fails meanwhile, how often, and what is given up for it
//! - `remembered`: what was read at earlier looks
//! - `repeats`: calls that AWS takes and that have no effect

pub mod asked;
mod calls;
pub mod converge;
pub mod keeper;
mod remembered;
mod repeats;
pub mod snapshot;
mod troubles;
