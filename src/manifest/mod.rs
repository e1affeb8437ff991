//! Manifests: YAML files in, effective specs out, with a diagnostic for everything that is wrong.
//!
//! - [`spec`]: what a manifest may say, and the effect of every field

pub mod spec;
