//! Launch templates.

/// Launch templates.
#[derive(Clone, Debug, Default)]
pub struct Templates {}
