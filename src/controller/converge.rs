//! Looks, acts, looks again, until every chosen app is where it should be or can get no further.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Semaphore, watch};

use super::snapshot::look_and_ask;
use super::troubles::{Troubles, backoff};
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

impl Options {
    fn is_late(&self, begun: Timestamp, now: Timestamp) -> bool {
        self.timeout.is_some_and(|timeout| elapsed(begun, now) >= timeout)
    }
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
    /// How it stands with apps of which nothing more is to be done or waited for: with `cleanup`, nothing may be left over of
    /// earlier generations, either.
    pub fn of(apps: &[&AppPlan], cleanup: bool) -> Self {
        let any = |test: fn(&AppPlan) -> bool| apps.iter().any(|app| test(app));
        match () {
            () if any(|app| app.change == Change::Error) => Outcome::Failed,
            () if any(|app| app.failure.is_some()) => Outcome::ReleaseFailed,
            () if any(|app| app.change == Change::Blocked) => Outcome::Blocked,
            () if cleanup && any(|app| !app.left_over.is_empty()) => Outcome::Blocked,
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
    desired.begun = desired.begun.or(Some(begun));
    let mut troubles = Troubles::default();
    // One app's calls never hold up the look at the others: DNS alone may take minutes.
    let room = Semaphore::new(APPS_AT_ONCE);
    let mut working = Working { acting: FuturesUnordered::new(), apps: BTreeSet::new(), room: &room };
    loop {
        let plan = match look_and_ask(aws, &desired, clock).await {
            Ok((_, plan)) => plan,
            Err(error) if !troubles.blind(&error) => return Err(error),
            Err(error) => {
                let nap = backoff(troubles.blind_looks());
                if pause(clock, nap, &mut working, &mut troubles, &mut stop).await? {
                    return Err(error);
                }
                continue;
            }
        };
        let apps: Vec<&AppPlan> = plan.apps.iter().filter(|app| is_chosen(options, app)).collect();
        troubles.seen(&apps);
        for app in &apps {
            sink(Event { at: clock.now(), app: app.app.clone(), kind: EventKind::Planned(Box::new((*app).clone())) });
        }
        let is_open = |app: &&AppPlan| !app.is_over(options.wait_for_cleanup) && !troubles.is_given_up(&app.app);
        let open: Vec<&AppPlan> = apps.iter().copied().filter(is_open).collect();
        let ended = match () {
            () if open.is_empty() && working.apps.is_empty() => Some(troubles.judge(&apps, options.wait_for_cleanup)),
            () if *stop.borrow() => Some(Outcome::Interrupted),
            () if options.is_late(begun, clock.now()) => Some(Outcome::TimedOut),
            () => None,
        };
        if let Some(outcome) = ended {
            // What is under way is finished: half a plan of an app is no harm, but half a call would be a riddle.
            working.finish(clock, &mut troubles).await?;
            return Ok((outcome, plan));
        }
        let idle = |app: &&&AppPlan| !working.apps.contains(&app.app) && !troubles.rests(&app.app, clock.now());
        for app in open.iter().filter(|app| !app.actions.is_empty()).filter(idle).collect::<Vec<_>>() {
            if let Some(wanted) = desired.apps.get(&app.app) {
                working.begin(aws, clock, (*app).clone(), wanted.scope.clone(), sink);
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

/// How long until the next look: until the first app has something to do or to look for.
fn nap(now: Timestamp, open: &[&AppPlan], working: &BTreeSet<AppName>, troubles: &Troubles) -> Duration {
    let wake = |app: &&&AppPlan| {
        if troubles.rests(&app.app, now) {
            return troubles.rest_ends(&app.app);
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
