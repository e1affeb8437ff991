//! What can go wrong with a call, on demand.
//!
//! - [`rules`]: faults that somebody asks for while the simulated AWS runs

pub mod rules;

use super::wire::{ApiError, Request};
use crate::model::time::Span;

/// A fault of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused with this error before anything happens: throttling, contention, no permission.
    Refuse(ApiError),
    /// No connection can be made: the service is out of reach from here.
    Unreachable,
    /// The request never arrives; the caller sees a broken connection.
    RequestLost,
    /// The call is carried out, but the caller sees a broken connection.
    ReplyLost,
    /// The call is carried out, and its answer ends right behind the first place of this text, or in the middle where there is
    /// none: its length fits, and the rest is lost.
    Cut(&'static str),
    /// The call is carried out, and the list of this name in its answer is empty, as complete as it looks.
    Emptied(&'static str),
    /// The call is answered as if it had been carried out, and nothing changes.
    Ignored,
    /// A read is answered from the world as it was before the last mutating call of its service or, if that was long ago, of any.
    Stale,
    /// The call is carried out at once, and its answer comes this much later in the simulated AWS's time.
    Slow(Span),
}

/// Decides which calls fail, and how.
pub trait FaultSource: Send {
    /// The fault of this call, if any.
    fn next(&mut self, request: &Request, mutating: bool) -> Option<Fault>;
}

impl<F: FnMut(&Request, bool) -> Option<Fault> + Send> FaultSource for F {
    fn next(&mut self, request: &Request, mutating: bool) -> Option<Fault> {
        self(request, mutating)
    }
}
