//! Manifests: YAML files in, effective specs out, with a diagnostic for everything that is wrong.
//!
//! - [`spec`]: what a manifest may say, and the effect of every field
//! - [`source`]: a file as it was read, and places in it
//! - [`node`]: the content of a manifest, every value with its place and its layer
//! - [`yaml`]: YAML in and out
//! - [`schema`]: the JSON Schema of the manifests, and the effect of every field
//! - [`shape`]: whether a manifest has the shape of its schema
//! - [`overlay`]: layers of a spec made one
//! - [`diagnostic`]: one value per finding
//! - [`format`]: how findings are shown

pub mod diagnostic;
pub mod format;
pub mod node;
pub mod overlay;
pub mod schema;
pub mod shape;
pub mod source;
pub mod spec;
pub mod yaml;
