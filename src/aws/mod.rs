//! AWS itself: one snapshot of what is there, one call per action, and the tags and records in between.
//!
//! - [`connect`]: clients for one account and region, with their limits, their clock and their count of calls
//! - [`error`]: what AWS answered when it refused, and what the caller is to do about it
//! - [`whole`]: that an answer is whole
//! - [`codec`]: AWS's types to and from the model's
//! - [`batch`]: reading all pages, and many things by their ids
//! - [`observe`]: the snapshot, and the details that a decision asks for
//! - [`act`]: one mutating call per action
//! - [`recheck`]: the facts that a destructive action depends on, read afresh
//! - [`skew`]: how far this machine's clock is from AWS's
//! - [`turns`]: how many requests are under way at once
//! - [`history`]: the deployed states of an app, as Parameter Store keeps them

pub mod act;
pub mod batch;
pub mod codec;
pub mod connect;
pub mod error;
pub mod history;
pub mod observe;
pub mod recheck;
mod skew;
mod turns;
mod whole;

pub use connect::{Aws, Settings};
pub use error::{AwsError, Class};
#[cfg(test)]
mod tests;
