//! The ways in to a simulated AWS.
