//! Everything that is tested through the crate's doors, in one binary so that it links once.

#![allow(clippy::unwrap_used)]

mod architecture;
mod calls;
#[cfg(unix)]
mod container;
mod crash;
mod fields;
mod invariants;
mod lab;
mod late;
mod observed;
mod over_time;
mod quoted;
mod refused;
mod reverts;
mod said_again;
mod stories;
mod tape;
mod transport;
mod writers;
