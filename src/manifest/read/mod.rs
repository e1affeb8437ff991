//! Manifests are read: files, the YAML in them, and every value with its place.
//!
//! - [`files`]: the manifest files of a directory; [`regular`]: files that can be read without waiting for anybody
//! - [`yaml`]: YAML in and out
//! - [`node`]: the content of a manifest, every value with its place and its layer

pub mod files;
pub mod node;
pub mod regular;
pub mod yaml;
