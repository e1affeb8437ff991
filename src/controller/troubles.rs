//! What fails: looks as a whole, plans of single apps, and apps' calls; how often, and which apps are given up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::converge::Outcome;
use crate::aws::error::{AwsError, Class};
use crate::execute::Executed;
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change};
use crate::model::time::Timestamp;

/// How many looks in a row may leave an app without a plan before that counts as lasting.
const UNPLANNED_LOOKS: u32 = 24;
/// How often in a row a look, or an app's action, may fail before it counts as lasting.
const PATIENCE: u32 = 8;

/// What fails, how often, and which apps are given up.
#[derive(Default)]
pub(super) struct Troubles {
    blind_looks: u32,
    has_seen: bool,
    /// Looks in a row that left an app without a plan, though it waits for one.
    unplanned: BTreeMap<AppName, u32>,
    /// Failed calls in a row.
    failures: BTreeMap<AppName, u32>,
    /// Stale plans in a row.
    stale: BTreeMap<AppName, u32>,
    not_before: BTreeMap<AppName, Timestamp>,
    given_up: BTreeSet<AppName>,
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

    /// A look succeeded; those of the chosen apps that have waited long for what they need to be planned are given up.
    pub(super) fn seen(&mut self, chosen: &[&AppPlan], now: Timestamp) {
        (self.has_seen, self.blind_looks) = (true, 0);
        for app in chosen {
            if app.change != Change::Error || app.is_over(true) || app.is_watched(now) {
                self.unplanned.remove(&app.app);
                continue;
            }
            let count = self.unplanned.entry(app.app.clone()).or_default();
            *count += 1;
            if *count > UNPLANNED_LOOKS {
                self.given_up.insert(app.app.clone());
            }
        }
    }

    /// How it ends with the chosen apps.
    pub(super) fn judge(&self, apps: &[&AppPlan], cleanup: bool) -> Outcome {
        if self.given_up.is_empty() { Outcome::of(apps, cleanup) } else { Outcome::Failed }
    }

    pub(super) fn is_given_up(&self, app: &AppName) -> bool {
        self.given_up.contains(app)
    }

    /// Whether an app is left alone for now.
    pub(super) fn rests(&self, app: &AppName, now: Timestamp) -> bool {
        self.rest_ends(app).is_some_and(|until| until > now)
    }

    /// Until when an app is left alone, if it is or was.
    pub(super) fn rest_ends(&self, app: &AppName) -> Option<Timestamp> {
        self.not_before.get(app).copied()
    }

    /// What became of an app's plan.
    pub(super) fn note(&mut self, app: &AppName, executed: &Executed, now: Timestamp) {
        match executed {
            Executed::Stopped => {}
            Executed::Complete => {
                self.failures.remove(app);
                self.stale.remove(app);
                self.not_before.remove(app);
            }
            // The world moved on: the next plan knows better. If it does not, there is no hurry.
            Executed::Stale => {
                let count = self.stale.entry(app.clone()).or_default();
                *count += 1;
                if let again @ 1.. = *count - 1 {
                    self.rest(app, again, now);
                }
            }
            Executed::Failed(error) => {
                let count = self.failures.entry(app.clone()).or_default();
                *count += 1;
                let count = *count;
                // A way to AWS that is cut off, or credentials that have ended, are judged by the looks.
                let lasting = !matches!(error.class, Class::Retry | Class::Wait | Class::FatalAll);
                if lasting || count > PATIENCE {
                    self.given_up.insert(app.clone());
                }
                self.rest(app, count, now);
            }
        }
    }

    fn rest(&mut self, app: &AppName, failures: u32, now: Timestamp) {
        let until = now.checked_add(backoff(failures)).unwrap_or(now);
        self.not_before.insert(app.clone(), until);
    }
}

/// 2, 4, 8 … seconds, at most a minute.
pub(super) fn backoff(failures: u32) -> Duration {
    Duration::from_secs((1u64 << failures.min(6)).min(60))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn rest_after(troubles: &Troubles, app: &AppName, now: Timestamp) -> Option<i64> {
        troubles.rest_ends(app).map(|until| until.as_second() - now.as_second())
    }

    #[test]
    fn a_connection_that_breaks_once_is_tried_again_and_a_refusal_is_not() {
        let (app, now): (AppName, _) = ("hello".parse().unwrap(), samples::at("12:00:00"));
        for (class, lasting) in [
            (Class::Retry, false),
            (Class::Wait, false),
            (Class::FatalAll, false),
            (Class::Blocked, true),
            (Class::FatalApp, true),
        ] {
            let mut troubles = Troubles::default();
            troubles.note(&app, &error(class), now);
            assert_eq!(troubles.is_given_up(&app), lasting, "{class:?}");
            assert_eq!(rest_after(&troubles, &app, now), Some(2), "{class:?}");
        }
        let mut troubles = Troubles::default();
        (0..=PATIENCE).for_each(|_| troubles.note(&app, &error(Class::FatalAll), now));
        assert!(troubles.is_given_up(&app), "in the end");
    }

    #[test]
    fn a_plan_that_is_stale_over_and_over_is_made_less_and_less_often() {
        let (app, now): (AppName, _) = ("hello".parse().unwrap(), samples::at("12:00:00"));
        let mut troubles = Troubles::default();
        let mut rests = Vec::new();
        for _ in 0..8 {
            troubles.note(&app, &Executed::Stale, now);
            rests.push(rest_after(&troubles, &app, now).unwrap_or(0));
        }
        assert_eq!(rests, [0, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!troubles.is_given_up(&app));
        troubles.note(&app, &Executed::Complete, now);
        troubles.note(&app, &Executed::Stale, now);
        assert!(!troubles.rests(&app, now), "the world may move on at any time");
    }
}
