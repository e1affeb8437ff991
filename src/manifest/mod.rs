//! Manifests: YAML files in, effective specs out, with a diagnostic for everything that is wrong.
//!
//! In the order of the data flow:
//!
//! - [`source`]: a file as it was read, places in it, and what of it is never shown
//! - [`diagnostic`]: findings, and how they are shown
//! - [`read`]: the files of a directory, the YAML in them, and every value with its place
//! - [`schema`]: the JSON Schema of the manifests, generated from the types of [`spec`](crate::model::spec), and the check
//!   against it
//! - `values`: what single values may be, beyond their type
//! - [`attached`]: files that a manifest names, such as what Packer wrote down
//! - [`document`]: one document, checked as far as it can be checked alone
//! - [`overlay`]: layers of a spec made one
//! - [`effective`]: one app in one environment, and where each value comes from
//! - `check`: whether the values of an effective spec fit together, and the apps each other
//! - [`fleet`]: all manifests together
//! - [`faults`]: whose manifests have errors, so that work with the others goes on
//! - [`git`]: the commit that the manifests are at
//! - [`edit`], [`init`]: changed and new manifests

pub mod attached;
mod check;
pub mod diagnostic;
pub mod document;
pub mod edit;
pub mod effective;
pub mod faults;
pub mod fleet;
pub mod git;
pub mod init;
pub mod overlay;
pub mod read;
#[cfg(test)]
mod reference;
pub mod schema;
pub mod source;
#[cfg(test)]
mod tests;
mod values;

pub use diagnostic::format::{Format, render};
pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use fleet::{Fleet, load, load_texts};
pub use schema::effects;
