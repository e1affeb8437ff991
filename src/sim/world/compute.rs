//! Instances, and what the image makes them do.

/// Instances, and what the image makes them do.
#[derive(Clone, Debug, Default)]
pub struct Compute {}
