//! Machine images.

/// Machine images.
#[derive(Clone, Debug, Default)]
pub struct Images {}
