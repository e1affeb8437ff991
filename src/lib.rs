//! Amiable: immutable-server deployments on AWS, declared in YAML and reconciled.
//!
//! Data flows one way, and the modules stand in its order:
//!
//! - [`manifest`]: YAML files become effective specs, or diagnostics
//! - [`model`]: the plain data that every room shares
//! - [`clock`]: the one clock of the process
//! - [`report`]: terminal, markdown, JSON, the live view and the tables
//! - [`sim`]: a simulated AWS, for tests, for the demonstration, and to try things on
//!
//! `plan` is the only thing that decides. See `ARCHITECTURE.md` for the picture.

pub mod cli;
pub mod clock;
pub mod manifest;
pub mod model;
pub mod report;
pub mod sim;
