//! What limits an environment: how many releases at a time.

use super::draft::Drafted;
use crate::model::desired::Desired;
use crate::model::plan::{Change, Wait};
use crate::model::time::{Span, Timestamp};

/// How soon an app that waits for room is looked at again.
const LOOK_AGAIN: Span = Span::seconds(15);

/// Lets as many apps begin a release as there is room for, in the order of their names; the others wait.
pub(super) fn hold_back(desired: &Desired, drafts: &mut [Drafted], now: Timestamp) {
    let limit = desired.environment.limits.concurrent_rollouts as usize;
    let mut under_way = drafts.iter().filter(|draft| draft.in_flight && !draft.begins).count();
    let chosen = |draft: &&mut Drafted| desired.chosen.as_ref().is_none_or(|chosen| chosen.contains(&draft.plan.app));
    for draft in drafts.iter_mut().filter(|draft| draft.begins).filter(chosen) {
        if under_way < limit {
            under_way += 1;
            continue;
        }
        let plan = &mut draft.plan;
        plan.actions.clear();
        plan.change = Change::Blocked;
        plan.reason = format!("{under_way} releases are under way, and the environment allows {limit}");
        plan.waits = vec![Wait { what: "room for another release".to_owned(), until: None, cleanup: false }];
        plan.wake_at = Some(LOOK_AGAIN.after(now));
    }
}
