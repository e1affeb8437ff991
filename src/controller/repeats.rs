//! Calls that AWS takes and that are planned again all the same: what they were to change does not show. After four times they
//! are given up, or they would be made for ever.

use std::time::Duration;

use crate::model::action::Action;
use crate::model::given_up::may_be_repeated;
use crate::model::plan::{AppPlan, Change};
use crate::model::time::Timestamp;

/// How often a call is made before it counts as having no effect.
const TIMES: u32 = 4;

/// The calls of one app that succeeded and are still in its plan.
#[derive(Default)]
pub(super) struct Repeats(Vec<Repeat>);

struct Repeat {
    action: Action,
    times: u32,
    until: Timestamp,
}

impl Repeats {
    /// A call was made.
    pub(super) fn made(&mut self, action: &Action, now: Timestamp) {
        if may_be_repeated(action) {
            return;
        }
        let until = |times| now.checked_add(pause(times)).unwrap_or(now);
        match self.0.iter_mut().find(|repeat| repeat.action == *action) {
            Some(repeat) => (repeat.times, repeat.until) = (repeat.times + 1, until(repeat.times + 1)),
            None => self.0.push(Repeat { action: action.clone(), times: 1, until: until(1) }),
        }
    }

    /// A plan was made. What is no longer in it has shown; what was made often enough and is still in it comes back, with how
    /// often that was.
    pub(super) fn seen(&mut self, plan: &AppPlan) -> Vec<(Action, u32)> {
        // A plan for which something could not be read does not tell.
        if plan.change == Change::Error || !plan.wants.is_empty() {
            return Vec::new();
        }
        self.0.retain(|repeat| plan.actions.iter().any(|planned| planned.action == repeat.action));
        let often = self.0.iter().filter(|repeat| repeat.times >= TIMES);
        often.map(|repeat| (repeat.action.clone(), repeat.times)).collect()
    }

    /// Until when a call is not made again: AWS may take a while to show what it did.
    pub(super) fn rests_until(&self, action: &Action) -> Option<Timestamp> {
        self.0.iter().find(|repeat| repeat.action == *action).map(|repeat| repeat.until)
    }
}

/// At first none, since a read may be a moment old; then longer and longer.
fn pause(times: u32) -> Duration {
    Duration::from_secs(match times {
        0 | 1 => 0,
        2 => 5,
        _ => 30,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::PlannedAction;
    use crate::report::samples;

    fn delete(name: &str) -> Action {
        Action::DeleteGroup { name: name.to_owned() }
    }

    fn plan(actions: &[Action]) -> AppPlan {
        let planned =
            |action: &Action| PlannedAction { action: action.clone(), reason: String::new(), expects: Vec::new() };
        AppPlan { actions: actions.iter().map(planned).collect(), wants: Vec::new(), ..samples::rolling_out() }
    }

    #[test]
    fn a_call_that_was_made_four_times_and_is_planned_again_comes_back() {
        let (mut repeats, now) = (Repeats::default(), samples::at("12:00:00"));
        let both = plan(&[delete("a"), delete("b")]);
        for times in 1..=4 {
            assert_eq!(repeats.seen(&both), [], "{times}");
            repeats.made(&delete("a"), now);
        }
        assert_eq!(repeats.seen(&both), [(delete("a"), 4)]);
        let rest = repeats.rests_until(&delete("a")).map(|until| until.as_second() - now.as_second());
        assert_eq!(rest, Some(30));
        assert_eq!(repeats.rests_until(&delete("b")), None);
    }

    #[test]
    fn a_call_that_had_its_effect_in_between_begins_anew() {
        let (mut repeats, now) = (Repeats::default(), samples::at("12:00:00"));
        for _ in 0..20 {
            repeats.made(&delete("a"), now);
            assert_eq!(repeats.seen(&plan(&[])), []);
        }
        assert_eq!(repeats.seen(&plan(&[delete("a")])), []);
    }
}
