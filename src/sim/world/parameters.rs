//! SSM parameters.

/// SSM parameters.
#[derive(Clone, Debug, Default)]
pub struct Parameters {}
