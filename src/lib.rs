//! Amiable: immutable-server deployments on AWS, declared in YAML and reconciled.
//!
//! Data flows one way, and the modules stand in its order:
//!
//! - [`manifest`]: YAML files become effective specs, or diagnostics
//! - [`model`]: the plain data that every room shares
//! - [`plan`]: the only thing that decides
//! - [`aws`]: one snapshot of what is there, and one call per action
//! - [`probe`]: requests to the apps and to webhooks
//! - [`execute`]: the actions of a plan, in order, each after a fresh look at what it depends on
//! - [`controller`]: looks, acts and looks again, until every app is where it should be
//! - [`clock`]: the one clock of the process
//! - [`report`]: terminal, markdown, JSON, the live view and the tables
//! - [`cli`]: the commands, exit codes and questions
//! - [`sim`]: a simulated AWS, for tests, for the demonstration, and to try things on
//!
//! See `ARCHITECTURE.md` for the picture.

pub mod aws;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod execute;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod probe;
pub mod report;
pub mod sim;
