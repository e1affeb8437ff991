//! Decides *when* to ask for a plan and when to carry it out; never *what* to do.
//!
//! - [`snapshot`]: observes AWS, plans, reads what the plan still needs, plans again
//! - [`converge`]: does that over and over until every app is where it should be
//! - `troubles`: what fails meanwhile, how often, and which apps are given up for it

pub mod converge;
pub mod snapshot;
mod troubles;
