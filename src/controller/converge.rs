//! Looks, acts, looks again, until every chosen app is where it should be or can get no further.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Semaphore, watch};

use super::snapshot::look_and_ask;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Class};
use crate::clock::Clock;
use crate::execute::{Executed, execute};
use crate::model::desired::Desired;
use crate::model::event::{Event, EventKind};
use crate::model::names::{AppName, Scope};
use crate::model::plan::{AppPlan, Change, Plan};
use crate::model::time::Timestamp;

/// How many apps are acted on at once. AWS throttles per account, so more would not be faster.
const APPS_AT_ONCE: usize = 16;
/// How long the calls of some apps may keep the others from being looked at.
const LONGEST_WORK: Duration = Duration::from_secs(10);
/// The shortest pause between two looks: what was just done must have a chance to show.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest, whatever is waited for: somebody may change something meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many looks in a row an app may be unreadable before it counts as lasting.
const UNREAD_LOOKS: u32 = 24;
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

impl Outcome {
    /// How it stands with apps of which nothing more is to be done or waited for.
    pub fn of(apps: &[&AppPlan]) -> Self {
        let any = |test: fn(&AppPlan) -> bool| apps.iter().any(|app| test(app));
        match () {
            () if any(|app| app.change == Change::Error) => Outcome::Failed,
            () if any(|app| app.failure.is_some()) => Outcome::ReleaseFailed,
            () if any(|app| app.change == Change::Blocked) => Outcome::Blocked,
            () => Outcome::Converged,
        }
    }
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
    let mut desired = desired.clone();
    desired.chosen.clone_from(&options.only);
    let mut troubles = Troubles::default();
    // One app's calls never hold up the look at the others: DNS alone may take minutes.
    let room = Semaphore::new(APPS_AT_ONCE);
    let mut working = Working { acting: FuturesUnordered::new(), apps: BTreeSet::new(), room: &room };
    loop {
        let plan = match look_and_ask(aws, &desired, clock).await {
            Ok((_, plan)) => plan,
            Err(error) => {
                let interrupted = match troubles.blind(&error) {
                    true => pause(clock, backoff(troubles.blind_looks), &mut working, &mut troubles, &mut stop).await?,
                    false => true,
                };
                if interrupted {
                    return Err(error);
                }
                continue;
            }
        };
        troubles.seen(&plan);
        let apps: Vec<&AppPlan> = plan.apps.iter().filter(|app| is_chosen(options, app)).collect();
        for app in &apps {
            sink(Event { at: clock.now(), app: app.app.clone(), kind: EventKind::Planned(Box::new((*app).clone())) });
        }
        let open: Vec<&AppPlan> = apps
            .iter()
            .copied()
            .filter(|app| !app.is_over(options.wait_for_cleanup) && !troubles.is_given_up(&app.app))
            .collect();
        let ended = match () {
            () if open.is_empty() && working.apps.is_empty() => Some(troubles.judge(&apps)),
            () if *stop.borrow() => Some(Outcome::Interrupted),
            () if options.timeout.is_some_and(|timeout| elapsed(begun, clock.now()) >= timeout) => {
                Some(Outcome::TimedOut)
            }
            () => None,
        };
        if let Some(outcome) = ended {
            // What is under way is finished: half a plan of an app is no harm, but half a call would be a riddle.
            working.finish(clock, &mut troubles).await?;
            return Ok((outcome, plan));
        }
        for app in open.iter().copied().filter(|app| !app.actions.is_empty()) {
            let idle = !working.apps.contains(&app.app) && !troubles.rests(&app.app, clock.now());
            if let Some(wanted) = desired.apps.get(&app.app).filter(|_| idle) {
                working.begin(aws, clock, app.clone(), wanted.scope.clone(), sink);
            }
        }
        let nap = nap(clock.now(), &open, &working.apps, &troubles);
        if pause(clock, nap, &mut working, &mut troubles, &mut stop).await? {
            working.finish(clock, &mut troubles).await?;
            return Ok((Outcome::Interrupted, plan));
        }
    }
}

/// The apps whose calls are under way.
struct Working<'a> {
    acting: FuturesUnordered<BoxFuture<'a, (AppName, Executed)>>,
    apps: BTreeSet<AppName>,
    room: &'a Semaphore,
}

impl<'a> Working<'a> {
    fn begin(
        &mut self,
        aws: &'a Aws,
        clock: &'a Clock,
        plan: AppPlan,
        scope: Scope,
        sink: &'a (dyn Fn(Event) + Send + Sync),
    ) {
        self.apps.insert(plan.app.clone());
        let room = self.room;
        self.acting.push(Box::pin(async move {
            // Never closed, so that there always is room in the end.
            let _place = room.acquire().await;
            let executed = execute(aws, clock, &plan, &scope, sink).await;
            (plan.app, executed)
        }));
    }

    fn done(
        &mut self,
        clock: &Clock,
        troubles: &mut Troubles,
        app: AppName,
        executed: Executed,
    ) -> Result<(), AwsError> {
        self.apps.remove(&app);
        if let Executed::Failed(error) = &executed
            && error.class == Class::FatalAll
            && !troubles.blind(error)
        {
            return Err(error.clone());
        }
        troubles.note(&app, &executed, clock.now());
        Ok(())
    }

    async fn finish(&mut self, clock: &Clock, troubles: &mut Troubles) -> Result<(), AwsError> {
        while let Some((app, executed)) = self.acting.next().await {
            self.done(clock, troubles, app, executed)?;
        }
        Ok(())
    }
}

fn is_chosen(options: &Options, app: &AppPlan) -> bool {
    app.change != Change::Orphaned && options.only.as_ref().is_none_or(|only| only.contains(&app.app))
}

/// What fails: looks as a whole, looks at single apps, and apps' calls; how often, and which apps are given up.
#[derive(Default)]
struct Troubles {
    blind_looks: u32,
    has_seen: bool,
    unread: BTreeMap<AppName, u32>,
    failures: BTreeMap<AppName, u32>,
    not_before: BTreeMap<AppName, Timestamp>,
    given_up: BTreeSet<AppName>,
}

impl Troubles {
    /// A look failed as a whole. Whether another one is worth it: always when AWS says so, and also when AWS was out of
    /// reach only after it had been seen before.
    fn blind(&mut self, error: &AwsError) -> bool {
        self.blind_looks += 1;
        (error.class == Class::Retry || self.has_seen) && self.blind_looks <= PATIENCE
    }

    /// A look succeeded; apps that it could not read for long are given up.
    fn seen(&mut self, plan: &Plan) {
        (self.has_seen, self.blind_looks) = (true, 0);
        for app in &plan.apps {
            if app.change != Change::Error {
                self.unread.remove(&app.app);
                continue;
            }
            let count = self.unread.entry(app.app.clone()).or_default();
            *count += 1;
            if *count > UNREAD_LOOKS {
                self.given_up.insert(app.app.clone());
            }
        }
    }

    fn judge(&self, apps: &[&AppPlan]) -> Outcome {
        if self.given_up.is_empty() { Outcome::of(apps) } else { Outcome::Failed }
    }

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

/// How long until the next look: until the first app has something to do or to look for.
fn nap(now: Timestamp, open: &[&AppPlan], working: &BTreeSet<AppName>, troubles: &Troubles) -> Duration {
    let wake = |app: &&&AppPlan| {
        if troubles.rests(&app.app, now) {
            return troubles.not_before.get(&app.app).copied();
        }
        if app.actions.is_empty() { app.wake_at } else { Some(now) }
    };
    let idle = open.iter().filter(|app| !working.contains(&app.app));
    let first = idle.filter_map(|app| wake(&app)).min();
    first.map_or(LONGEST_PAUSE, |at| elapsed(now, at)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// 2, 4, 8 … seconds, at most a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs((1u64 << failures.min(6)).min(60))
}

/// Waits; while calls are under way, until all of them are made, but no longer than the looks at other apps may. Whether
/// it was interrupted meanwhile.
async fn pause(
    clock: &Clock,
    duration: Duration,
    working: &mut Working<'_>,
    troubles: &mut Troubles,
    stop: &mut watch::Receiver<bool>,
) -> Result<bool, AwsError> {
    let mut end = Box::pin(clock.sleep(if working.apps.is_empty() { duration } else { LONGEST_WORK }));
    let worked = !working.apps.is_empty();
    while !*stop.borrow() {
        tokio::select! {
            biased;
            // A sender that is gone can interrupt nothing any more.
            Ok(()) = stop.changed() => {}
            Some((app, executed)) = working.acting.next() => {
                working.done(clock, troubles, app, executed)?;
                if working.apps.is_empty() {
                    break;
                }
            }
            () = &mut end => break,
        }
    }
    if worked {
        // What was just done must have a chance to show.
        clock.sleep(SHORTEST_PAUSE).await;
    }
    Ok(*stop.borrow())
}
