//! What happens while a plan is carried out, for those who watch.

use super::action::Action;
use super::names::AppName;
use super::plan::AppPlan;
use super::time::Timestamp;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which app.
    pub app: AppName,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// The app was planned anew; told when the plan differs from the last one, or its waits moved on.
    Planned(Box<AppPlan>),
    /// A call was made, or it was found that what it does is done already.
    Acted {
        /// The call.
        action: Action,
        /// Why.
        reason: String,
    },
    /// What the call depends on does not hold any more; it was not made.
    Stale {
        /// The call.
        action: Action,
        /// What does not hold.
        why: String,
    },
    /// The call failed.
    Failed {
        /// The call.
        action: Action,
        /// AWS's words, with the code.
        error: String,
        /// Whether trying again later may help.
        retry: bool,
    },
}
