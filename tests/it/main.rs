//! Everything that is tested through the crate's doors, in one binary so that it links once.

mod architecture;
