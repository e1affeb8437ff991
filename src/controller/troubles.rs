//! What fails: looks as a whole, plans of single apps, and single calls; how often, and what is given up. A call that fails
//! is left alone for a while, and in the end for good; it keeps no other from being made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::converge::Outcome;
use super::repeats::Repeats;
use crate::aws::error::{AwsError, Class};
use crate::execute::Executed;
use crate::model::action::Action;
use crate::model::event::{Event, EventKind};
use crate::model::given_up::{GivenUp, Why, is_same};
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change, PlannedAction};
use crate::model::time::Timestamp;

/// How many looks in a row may leave an app without a plan before that counts as lasting.
const UNPLANNED_LOOKS: u32 = 24;
/// How often in a row a look, or an app's action, may fail before it counts as lasting.
const PATIENCE: u32 = 8;
/// The same for calls that move traffic: what is sick may have it, so that they are tried for about an hour.
const PATIENCE_WITH_TRAFFIC: u32 = 64;
/// The most calls of one app that are remembered as given up.
const MOST_GIVEN_UP: usize = 64;

/// The most calls of one app of which it is remembered how often they failed.
const MOST_FAILING: usize = 64;

/// What fails, how often, and what is given up.
#[derive(Default)]
pub(super) struct Troubles {
    blind_looks: u32,
    has_seen: bool,
    /// Looks in a row that left an app without a plan, though it waits for one.
    unplanned: BTreeMap<AppName, u32>,
    /// Apps that could not be planned for too long.
    lost: BTreeSet<AppName>,
    apps: BTreeMap<AppName, Trouble>,
    given_up: BTreeMap<AppName, Vec<GivenUp>>,
}

/// What fails of one app.
#[derive(Default)]
struct Trouble {
    /// The call at which its plan ended last.
    ended_at: Option<Action>,
    /// Calls that failed, each with how often in a row: what succeeds meanwhile is no sign that they would.
    failures: Vec<Failing>,
    /// Stale plans in a row.
    stale: u32,
    /// The call that is left alone, and until when.
    rest: Option<(Action, Timestamp)>,
    /// Calls that succeed and are planned again all the same.
    repeats: Repeats,
    /// Whether its calls under way give traffic back.
    gives_back: bool,
}

/// A call that failed, and is made again.
struct Failing {
    call: GivenUp,
    /// How often in a row.
    times: u32,
}

impl Trouble {
    /// A call failed once more, for this reason. How often it did in a row.
    fn failed(&mut self, action: &Action, why: Why) -> u32 {
        let times = self.failures.iter().find(|it| it.call.covers(action)).map_or(0, |it| it.times).saturating_add(1);
        self.forget(action);
        if self.failures.len() >= MOST_FAILING {
            self.failures.remove(0);
        }
        self.failures.push(Failing { call: GivenUp { action: action.clone(), why }, times });
        times
    }

    /// A call fails no more, or is not made again.
    fn forget(&mut self, action: &Action) {
        self.failures.retain(|it| !it.call.covers(action));
    }
}

impl Troubles {
    /// A look failed as a whole. Whether another one is worth it: always when AWS says so, and also when AWS was out of
    /// reach only after it had been seen before.
    pub(super) fn blind(&mut self, error: &AwsError) -> bool {
        self.blind_looks += 1;
        (error.class == Class::Retry || self.has_seen) && self.blind_looks <= PATIENCE
    }

    /// How many looks in a row failed as a whole.
    pub(super) fn blind_looks(&self) -> u32 {
        self.blind_looks
    }

    /// A look succeeded; those of the chosen apps that have waited long for what they need to be planned are given up, and
    /// so are calls that had no effect over and over.
    pub(super) fn seen(&mut self, chosen: &[&AppPlan], now: Timestamp) {
        (self.has_seen, self.blind_looks) = (true, 0);
        for app in chosen {
            if app.change == Change::Error && !app.is_over(true) && !app.is_watched(now) {
                let count = self.unplanned.entry(app.app.clone()).or_default();
                *count += 1;
                if *count > UNPLANNED_LOOKS {
                    self.lost.insert(app.app.clone());
                }
                continue;
            }
            self.unplanned.remove(&app.app);
            let trouble = self.apps.entry(app.app.clone()).or_default();
            for (action, times) in trouble.repeats.seen(app) {
                self.give_up(&app.app, GivenUp { action, why: Why::InVain(times) });
            }
        }
    }

    /// How it ends with the chosen apps.
    pub(super) fn judge(&self, apps: &[&AppPlan], cleanup: bool) -> Outcome {
        match Outcome::of(apps, cleanup) {
            Outcome::ReleaseFailed => Outcome::ReleaseFailed,
            _ if !self.lost.is_empty() || !self.given_up.is_empty() => Outcome::Failed,
            outcome => outcome,
        }
    }

    /// Whether an app could not be planned for too long.
    pub(super) fn is_lost(&self, app: &AppName) -> bool {
        self.lost.contains(app)
    }

    /// The calls that are not made again.
    pub(super) fn given_up(&self) -> &BTreeMap<AppName, Vec<GivenUp>> {
        &self.given_up
    }

    /// The calls that failed the last time, and are made again.
    pub(super) fn failing(&self) -> BTreeMap<AppName, Vec<GivenUp>> {
        let calls = |trouble: &Trouble| trouble.failures.iter().map(|it| it.call.clone()).collect::<Vec<_>>();
        let all = self.apps.iter().map(|(app, trouble)| (app.clone(), calls(trouble)));
        all.filter(|(_, calls)| !calls.is_empty()).collect()
    }

    /// Whether a plan, made before that was known, holds a call that is given up.
    pub(super) fn holds_given_up(&self, app: &AppPlan) -> bool {
        let given_up = self.given_up.get(&app.app).map_or(&[][..], Vec::as_slice);
        app.actions.iter().any(|planned| given_up.iter().any(|given_up| given_up.covers(&planned.action)))
    }

    /// Until when a call that moves traffic is not tried again, because this very call has just failed.
    pub(super) fn way_back_rests(&self, app: &AppPlan, now: Timestamp) -> Option<Timestamp> {
        let (call, until) = self.apps.get(&app.app)?.rest.as_ref()?;
        let fails = app.actions.iter().any(|planned| is_same(&planned.action, call));
        (fails && matches!(call, Action::Shift { .. }) && *until > now).then_some(*until)
    }

    /// Until when an app's plan is left alone, if it is: one of its calls failed lately, or had no effect. That never holds up
    /// a plan that moves traffic before it comes to that call.
    pub(super) fn rest_ends(&self, app: &AppPlan, now: Timestamp) -> Option<Timestamp> {
        let trouble = self.apps.get(&app.app)?;
        let moves = app.actions.iter().position(|planned| matches!(planned.action, Action::Shift { .. }));
        let before: &[PlannedAction] = &app.actions[..moves.unwrap_or(app.actions.len())];
        let failed = trouble
            .rest
            .iter()
            .filter(|(call, _)| app.actions.is_empty() || before.iter().any(|planned| is_same(&planned.action, call)));
        let failed = failed.map(|(_, until)| *until);
        let repeated = before.iter().filter_map(|planned| trouble.repeats.rests_until(&planned.action));
        failed.chain(repeated).max().filter(|until| *until > now)
    }

    /// The calls of a plan are begun.
    pub(super) fn begins(&mut self, plan: &AppPlan) {
        self.apps.entry(plan.app.clone()).or_default().gives_back = plan.gives_back();
    }

    /// What is told of a call.
    pub(super) fn told(&mut self, event: &Event) {
        let trouble = self.apps.entry(event.app.clone()).or_default();
        match &event.kind {
            EventKind::Acted { action, .. } => {
                trouble.forget(action);
                trouble.repeats.made(action, event.at);
            }
            EventKind::Stale { action, .. } | EventKind::Failed { action, .. } => {
                trouble.ended_at = Some(action.clone())
            }
            EventKind::Planned(_) => {}
        }
    }

    /// What became of an app's plan.
    pub(super) fn note(&mut self, app: &AppName, executed: &Executed, now: Timestamp) {
        let trouble = self.apps.entry(app.clone()).or_default();
        let ended_at = trouble.ended_at.take();
        match executed {
            Executed::Stopped => {}
            Executed::Complete => (trouble.stale, trouble.rest) = (0, None),
            // The world moved on: the next plan knows better. If it does not, there is no hurry.
            Executed::Stale => {
                trouble.stale += 1;
                if let again @ 1.. = trouble.stale - 1 {
                    trouble.rest = rest(ended_at, again, now);
                }
            }
            Executed::Failed(error) => {
                // A way to AWS that is cut off, or credentials that have ended, are judged by the looks.
                let lasting = !matches!(error.class, Class::Retry | Class::Wait | Class::FatalAll);
                let words = error.explained();
                let why = if lasting { Why::Refused(words) } else { Why::Failing(words) };
                let count = ended_at.as_ref().map_or(1, |action| trouble.failed(action, why.clone()));
                trouble.rest = rest(ended_at.clone(), count, now);
                let moves = |action: &Action| matches!(action, Action::Shift { .. });
                let patience = |action: &Action| if moves(action) { PATIENCE_WITH_TRAFFIC } else { PATIENCE };
                // While what is sick has traffic, a refusal is no last word: whoever took the permission may give it back.
                let gives_back = trouble.gives_back;
                let is_over = |action: &Action| lasting && !(gives_back && moves(action)) || count > patience(action);
                if let Some(action) = ended_at.filter(is_over) {
                    trouble.forget(&action);
                    self.give_up(app, GivenUp { action, why });
                }
            }
        }
    }

    fn give_up(&mut self, app: &AppName, call: GivenUp) {
        let all = self.given_up.entry(app.clone()).or_default();
        if all.len() < MOST_GIVEN_UP && !all.iter().any(|known| known.covers(&call.action)) {
            all.push(call);
        }
    }
}

fn rest(call: Option<Action>, failures: u32, now: Timestamp) -> Option<(Action, Timestamp)> {
    Some((call?, now.checked_add(backoff(failures)).unwrap_or(now)))
}

/// 2, 4, 8 … seconds, at most a minute.
pub(super) fn backoff(failures: u32) -> Duration {
    Duration::from_secs((1u64 << failures.min(6)).min(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Tags;
    use crate::model::observed::Forward;
    use crate::report::samples;

    fn error(class: Class) -> Executed {
        Executed::Failed(AwsError {
            service: "autoscaling",
            operation: "CreateOrUpdateTags",
            resource: "hello-prod-v002".to_owned(),
            code: "<unreachable>".to_owned(),
            message: "connection refused".to_owned(),
            status: None,
            request_id: None,
            class,
        })
    }

    fn now() -> Timestamp {
        samples::at("12:00:00")
    }

    /// A tag with the time, as progress is noted; the same call whenever it is planned.
    fn tag(time: &str) -> Action {
        let tags = Tags::from([("amiable:healthy-since".to_owned(), time.to_owned())]);
        Action::TagGroup { name: "hello-prod-v002".to_owned(), tags, propagate: false }
    }

    fn shift() -> Action {
        let at = crate::model::action::TrafficPoint::Listener("arn:listener".to_owned());
        Action::Shift { at, forward: Forward::default() }
    }

    fn plan(actions: impl IntoIterator<Item = Action>) -> AppPlan {
        let planned = |action| PlannedAction { action, reason: String::new(), expects: Vec::new() };
        AppPlan { actions: actions.into_iter().map(planned).collect(), ..samples::rolling_out() }
    }

    /// The call was tried, and this became of it.
    fn tried(troubles: &mut Troubles, executed: &Executed) {
        let app = samples::rolling_out().app;
        let kind = EventKind::Stale { action: tag("11:00"), why: String::new() };
        troubles.told(&Event { at: now(), app: app.clone(), kind });
        troubles.note(&app, executed, now());
    }

    fn rest_after(troubles: &Troubles, plan: &AppPlan) -> i64 {
        troubles.rest_ends(plan, now()).map_or(0, |until| until.as_second() - now().as_second())
    }

    #[test]
    fn a_connection_that_breaks_once_is_tried_again_and_a_refusal_is_not() {
        for (class, lasting) in [
            (Class::Retry, false),
            (Class::Wait, false),
            (Class::FatalAll, false),
            (Class::Blocked, true),
            (Class::FatalApp, true),
        ] {
            let mut troubles = Troubles::default();
            tried(&mut troubles, &error(class));
            let again = plan([tag("12:00")]);
            assert_eq!(troubles.holds_given_up(&again), lasting, "{class:?}");
            assert_eq!(rest_after(&troubles, &again), 2, "{class:?}");
        }
        let mut troubles = Troubles::default();
        (0..=PATIENCE).for_each(|_| tried(&mut troubles, &error(Class::FatalAll)));
        assert!(troubles.holds_given_up(&plan([tag("12:00")])), "in the end");
    }

    #[test]
    fn a_refused_call_that_gives_traffic_back_is_tried_again_for_an_hour() {
        let mut troubles = Troubles::default();
        let back = AppPlan { actions: plan([shift()]).actions, ..samples::going_back() };
        let refused = |troubles: &mut Troubles| {
            troubles.begins(&back);
            let kind = EventKind::Stale { action: shift(), why: String::new() };
            troubles.told(&Event { at: now(), app: back.app.clone(), kind });
            troubles.note(&back.app, &error(Class::Blocked), now());
        };
        for _ in 0..PATIENCE_WITH_TRAFFIC {
            refused(&mut troubles);
            assert!(!troubles.holds_given_up(&back));
        }
        refused(&mut troubles);
        assert!(troubles.holds_given_up(&back), "in the end");
    }

    #[test]
    fn a_call_that_failed_is_told_with_its_words_until_it_succeeds() {
        let (mut troubles, app) = (Troubles::default(), samples::rolling_out().app);
        tried(&mut troubles, &error(Class::Retry));
        let failing = troubles.failing();
        let Some([call]) = failing.get(&app).map(Vec::as_slice) else { panic!("{failing:?}") };
        assert!(call.covers(&tag("12:00")), "{call:?}");
        let Why::Failing(words) = &call.why else { panic!("{call:?}") };
        assert!(words.contains("CreateOrUpdateTags") && words.contains("connection refused"), "{words}");
        let kind = EventKind::Acted { action: tag("12:00"), reason: String::new() };
        troubles.told(&Event { at: now(), app, kind });
        assert_eq!(troubles.failing(), BTreeMap::new());
    }

    #[test]
    fn a_call_that_fails_among_others_that_succeed_is_given_up_all_the_same() {
        let (mut troubles, app) = (Troubles::default(), samples::rolling_out().app);
        let happened = |troubles: &mut Troubles, action: Action| {
            let kind = EventKind::Acted { action, reason: String::new() };
            troubles.told(&Event { at: now(), app: app.clone(), kind });
            troubles.note(&app, &Executed::Complete, now());
        };
        for _ in 0..=PATIENCE {
            assert!(!troubles.holds_given_up(&plan([tag("12:00")])));
            tried(&mut troubles, &error(Class::Retry));
            happened(&mut troubles, shift());
        }
        assert!(troubles.holds_given_up(&plan([tag("12:00")])));
        let mut troubles = Troubles::default();
        for _ in 0..3 * PATIENCE {
            tried(&mut troubles, &error(Class::Retry));
            happened(&mut troubles, tag("12:00"));
        }
        assert!(!troubles.holds_given_up(&plan([tag("12:00")])), "it succeeds in between");
    }

    #[test]
    fn a_call_that_fails_holds_up_no_other_that_moves_traffic() {
        let mut troubles = Troubles::default();
        tried(&mut troubles, &error(Class::Retry));
        assert_eq!(rest_after(&troubles, &plan([shift(), tag("12:00")])), 0, "the way back comes first");
        assert_eq!(rest_after(&troubles, &plan([tag("12:00"), shift()])), 2);
        let other = Action::DeleteGroup { name: "hello-prod-v001".to_owned() };
        assert_eq!(rest_after(&troubles, &plan([other])), 0);
    }

    #[test]
    fn a_plan_that_is_stale_over_and_over_is_made_less_and_less_often() {
        let mut troubles = Troubles::default();
        let mut rests = Vec::new();
        for _ in 0..8 {
            tried(&mut troubles, &Executed::Stale);
            rests.push(rest_after(&troubles, &plan([tag("12:00")])));
        }
        assert_eq!(rests, [0, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!troubles.holds_given_up(&plan([tag("12:00")])));
        tried(&mut troubles, &Executed::Complete);
        tried(&mut troubles, &Executed::Stale);
        assert_eq!(rest_after(&troubles, &plan([tag("12:00")])), 0, "the world may move on at any time");
    }
}
