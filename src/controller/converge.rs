//! Looks, acts, looks again, until every chosen app is where it should be or can get no further.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;

use super::snapshot::look;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Class};
use crate::clock::Clock;
use crate::execute::{Executed, execute};
use crate::model::desired::Desired;
use crate::model::event::{Event, EventKind};
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change, Plan};
use crate::model::time::Timestamp;

/// How many apps are acted on at once. AWS throttles per account, so more would not be faster.
const APPS_AT_ONCE: usize = 8;
/// The shortest pause between two looks: what was just done must have a chance to show.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest, whatever is waited for: somebody may change something meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often in a row a look, or an app's action, may fail before it counts as lasting.
const PATIENCE: u32 = 8;

/// What to converge, and for how long.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these apps; `None`: all of them.
    pub only: Option<BTreeSet<AppName>>,
    /// Give up after this long on the clock.
    pub timeout: Option<Duration>,
    /// Whether to wait until the old generation is gone too, rather than until the new one is deployed.
    pub wait_for_cleanup: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every chosen app is where it should be.
    Converged,
    /// Some wait for a person or for room; nothing else is left to do.
    Blocked,
    /// A release failed, and what served before serves.
    ReleaseFailed,
    /// Some could not be planned, or a call failed for good.
    Failed,
    /// It took longer than allowed.
    TimedOut,
    /// It was interrupted; a later run goes on from what is there.
    Interrupted,
}

/// Converges the chosen apps and tells `sink` what happens. The last plan comes back with how it ended.
///
/// # Errors
/// When AWS cannot be read at all, lastingly.
pub async fn converge(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    options: &Options,
    sink: &(dyn Fn(Event) + Send + Sync),
    mut stop: watch::Receiver<bool>,
) -> Result<(Outcome, Plan), AwsError> {
    let begun = clock.now();
    let mut troubles = Troubles::default();
    let mut failed_looks = 0;
    loop {
        let plan = match look(aws, desired, clock).await {
            Ok((_, plan)) => plan,
            Err(error) if error.class == Class::Retry && failed_looks < PATIENCE => {
                failed_looks += 1;
                if pause(clock, backoff(failed_looks), &mut stop).await {
                    return Err(error);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        failed_looks = 0;
        let apps: Vec<&AppPlan> = plan.apps.iter().filter(|app| is_chosen(options, app)).collect();
        for app in &apps {
            sink(Event { at: clock.now(), app: app.app.clone(), kind: EventKind::Planned(Box::new((*app).clone())) });
        }
        let open: Vec<&AppPlan> =
            apps.iter().copied().filter(|app| !is_finished(app, options) && !troubles.is_given_up(&app.app)).collect();
        if open.is_empty() {
            let outcome = judge(&apps, &troubles);
            return Ok((outcome, plan));
        }
        if *stop.borrow() {
            return Ok((Outcome::Interrupted, plan));
        }
        if options.timeout.is_some_and(|timeout| elapsed(begun, clock.now()) >= timeout) {
            return Ok((Outcome::TimedOut, plan));
        }
        act(aws, desired, clock, &open, sink, &mut troubles).await?;
        let nap = nap(clock.now(), &open, &troubles);
        if pause(clock, nap, &mut stop).await {
            return Ok((Outcome::Interrupted, plan));
        }
    }
}

fn is_chosen(options: &Options, app: &AppPlan) -> bool {
    app.change != Change::Orphaned && options.only.as_ref().is_none_or(|only| only.contains(&app.app))
}

/// Whether nothing more is to be done or waited for.
fn is_finished(app: &AppPlan, options: &Options) -> bool {
    app.actions.is_empty()
        && app.wants.is_empty()
        && (matches!(app.change, Change::Error)
            || app.waits.iter().all(|wait| wait.cleanup && !options.wait_for_cleanup))
}

fn judge(apps: &[&AppPlan], troubles: &Troubles) -> Outcome {
    let any = |test: fn(&AppPlan) -> bool| apps.iter().any(|app| test(app));
    if any(|app| app.change == Change::Error) || !troubles.given_up.is_empty() {
        Outcome::Failed
    } else if any(|app| app.failure.is_some()) {
        Outcome::ReleaseFailed
    } else if any(|app| app.change == Change::Blocked) {
        Outcome::Blocked
    } else {
        Outcome::Converged
    }
}

/// Apps whose calls fail: since when, how often, and which are given up.
#[derive(Default)]
struct Troubles {
    failures: BTreeMap<AppName, u32>,
    not_before: BTreeMap<AppName, Timestamp>,
    given_up: BTreeSet<AppName>,
}

impl Troubles {
    fn is_given_up(&self, app: &AppName) -> bool {
        self.given_up.contains(app)
    }

    fn rests(&self, app: &AppName, now: Timestamp) -> bool {
        self.not_before.get(app).is_some_and(|until| *until > now)
    }

    fn note(&mut self, app: &AppName, executed: &Executed, now: Timestamp) {
        match executed {
            Executed::Complete => {
                self.failures.remove(app);
                self.not_before.remove(app);
            }
            // The world moved on: the next plan knows better.
            Executed::Stale => {}
            Executed::Failed(error) => {
                let count = self.failures.entry(app.clone()).or_default();
                *count += 1;
                let lasting = !matches!(error.class, Class::Retry | Class::Wait);
                if lasting || *count > PATIENCE {
                    self.given_up.insert(app.clone());
                }
                let until = now.checked_add(backoff(*count)).unwrap_or(now);
                self.not_before.insert(app.clone(), until);
            }
        }
    }
}

async fn act(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    open: &[&AppPlan],
    sink: &(dyn Fn(Event) + Send + Sync),
    troubles: &mut Troubles,
) -> Result<(), AwsError> {
    let now = clock.now();
    let due: Vec<_> = open
        .iter()
        .copied()
        .filter(|app| !app.actions.is_empty() && !troubles.rests(&app.app, now))
        .filter_map(|app| Some((app, &desired.apps.get(&app.app)?.scope)))
        .collect();
    let results: Vec<(AppName, Executed)> = futures::stream::iter(due)
        .map(|(app, scope)| async move { (app.app.clone(), execute(aws, clock, app, scope, sink).await) })
        .buffer_unordered(APPS_AT_ONCE)
        .collect()
        .await;
    for (app, executed) in results {
        if let Executed::Failed(error) = &executed
            && error.class == Class::FatalAll
        {
            return Err(error.clone());
        }
        troubles.note(&app, &executed, clock.now());
    }
    Ok(())
}

/// How long until the next look: until the first app has something to do or to look for.
fn nap(now: Timestamp, open: &[&AppPlan], troubles: &Troubles) -> Duration {
    let wake = |app: &&&AppPlan| {
        if troubles.rests(&app.app, now) {
            return troubles.not_before.get(&app.app).copied();
        }
        if app.actions.is_empty() { app.wake_at } else { Some(now) }
    };
    let first = open.iter().filter_map(|app| wake(&app)).min();
    first.map_or(LONGEST_PAUSE, |at| elapsed(now, at)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// 2, 4, 8 … seconds, at most a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs((1u64 << failures.min(6)).min(60))
}

/// Waits; whether it was interrupted meanwhile.
async fn pause(clock: &Clock, duration: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    if *stop.borrow() {
        return true;
    }
    tokio::select! {
        biased;
        () = clock.sleep(duration) => false,
        // A sender that is gone can interrupt nothing any more.
        Ok(()) = stop.changed() => *stop.borrow(),
    }
}
