//! Manifests: YAML files in, effective specs out, with a diagnostic for everything that is wrong.
//!
//! In the order of the data flow:
//!
//! - [`files`]: the manifest files of a directory; [`regular`]: files that can be read without waiting for anybody
//! - [`source`]: a file as it was read, and places in it; `masks`: what of it is never shown
//! - [`yaml`]: YAML in and out
//! - [`node`]: the content of a manifest, every value with its place and its layer
//! - [`schema`]: the JSON Schema of the manifests, generated from the types of [`spec`](crate::model::spec)
//! - [`document`]: one document, checked as far as it can be checked alone, by
//!   [`shape`] against the schema, and by `values` and `labels` against AWS's limits
//! - [`overlay`]: layers of a spec made one
//! - [`fleet`]: all manifests together, checked against each other by `check` and, what is about images, by `sources`
//! - [`faults`]: whose manifests have errors, so that work with the others goes on
//! - [`packer`]: the images that Packer wrote down, in a file beside the manifests
//! - [`effective`]: one app in one environment, and where each value comes from
//! - [`git`]: the commit that the manifests are at
//! - [`diagnostic`], [`format`]: findings, and how they are shown
//! - [`edit`], [`init`]: changed and new manifests

mod arn;
mod attached;
mod check;
pub mod diagnostic;
pub mod document;
pub mod edit;
pub mod effective;
pub mod faults;
pub mod files;
pub mod fleet;
pub mod format;
pub mod git;
pub mod init;
mod labels;
mod masks;
pub mod node;
pub mod overlay;
pub mod packer;
#[cfg(test)]
mod reference;
pub mod regular;
pub mod schema;
pub mod shape;
pub mod source;
mod sources;
#[cfg(test)]
mod tests;
mod values;
mod verification;
pub mod yaml;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use fleet::{Fleet, load, load_texts};
pub use format::{Format, render};
pub use schema::effects;
