//! Amiable: immutable-server deployments on AWS, declared in YAML and reconciled.
//!
//! Data flows one way, and the modules stand in its order:
//!
//! - [`manifest`]: YAML files become effective specs, or diagnostics
//! - [`model`]: the plain data that every room shares
//! - [`aws`]: one snapshot of what is there, and one call per action
//! - [`execute`]: the actions of a plan, in order, each after a fresh look at what it depends on
//! - [`clock`]: the one clock of the process
//! - [`sim`]: a simulated AWS, for tests, for the demonstration, and to try things on
//!
//! `plan` is the only thing that decides. See `ARCHITECTURE.md` for the picture.

pub mod aws;
pub mod clock;
pub mod execute;
pub mod manifest;
pub mod model;
pub mod sim;
