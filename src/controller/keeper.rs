//! The keeper of one environment: what is wanted of it, what was last planned for it, the calls under way, and what has
//! failed so far. A [`Round`] is one look, one plan and the beginning of what can be done; commands and loops are made of
//! rounds.

use std::collections::BTreeSet;
use std::time::Duration;

use super::calls::{Calls, News};
use super::converge::Outcome;
use super::remembered::Heard;
use super::snapshot::{Memory, look_again};
use super::troubles::{Troubles, backoff};
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Class};
use crate::clock::Clock;
use crate::execute::Executed;
use crate::model::desired::Desired;
use crate::model::event::{Event, EventKind};
use crate::model::names::{AppName, Scope};
use crate::model::plan::{AppPlan, Change, Plan};
use crate::model::time::Timestamp;

/// How long the calls of some apps may keep the others from being looked at.
const LONGEST_WORK: Duration = Duration::from_secs(10);
/// The shortest pause between two looks: what was just done must have a chance to show.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest, whatever is waited for: somebody may change something meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the plan lets pass between two looks at an app that waits for nothing at a certain time.
const PACES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];
/// How long the calls under way are waited for when the work ends before they are made. Real time: it is a promise to
/// whoever stops the program.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// Who is told what happens.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Which apps a round is about, and how far.
#[derive(Clone, Debug, Default)]
pub struct Aim {
    /// Only these apps; `None`: all of them.
    pub only: Option<BTreeSet<AppName>>,
    /// Whether an app is complete only when what no longer serves is gone too.
    pub cleanup: bool,
}

impl Aim {
    /// Whether an app is meant. One that no manifest asks for is, once something of it was seen that must be watched.
    fn is_about(&self, app: &AppPlan, followed: &BTreeSet<AppName>) -> bool {
        let is_meant = app.change != Change::Orphaned || followed.contains(&app.app);
        is_meant && self.only.as_ref().is_none_or(|only| only.contains(&app.app))
    }
}

/// How a round went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Nothing is left to do or to wait for.
    Over(Outcome),
    /// Something is; the next round is due after this long, or sooner when calls have been made.
    Open(Duration),
}

/// One environment, and what is remembered of it from round to round.
pub struct Keeper {
    aws: Aws,
    clock: Clock,
    desired: Desired,
    aim: Aim,
    troubles: Troubles,
    memory: Memory,
    heard: Heard,
    calls: Calls,
    latest: Option<Plan>,
    /// Apps of which something had traffic and was not proved.
    followed: BTreeSet<AppName>,
    /// Those among them that gave it back.
    given_back: BTreeSet<AppName>,
}

impl Keeper {
    /// A keeper without any memory.
    pub fn new(aws: &Aws, clock: &Clock, desired: Desired, aim: Aim) -> Self {
        Self {
            aws: aws.clone(),
            clock: clock.clone(),
            desired: Desired { chosen: aim.only.clone(), begun: desired.begun.or(Some(clock.now())), ..desired },
            aim,
            troubles: Troubles::default(),
            memory: Memory::default(),
            heard: Heard::default(),
            calls: Calls::new(),
            latest: None,
            followed: BTreeSet::new(),
            given_back: BTreeSet::new(),
        }
    }

    /// The last plan, if there was a look.
    pub fn into_latest(self) -> Option<Plan> {
        self.latest
    }

    /// Looks, plans, and begins what can be done. It may be dropped at any point: then nothing more was begun.
    ///
    /// # Errors
    /// When AWS cannot be read at all, lastingly.
    pub async fn round(&mut self, sink: Sink<'_>) -> Result<Round, AwsError> {
        let begun = self.clock.now();
        let plan = match self.look(sink).await {
            Ok(plan) => plan,
            Err(error) if !self.troubles.blind(&error) => return Err(error),
            Err(_) => return Ok(Round::Open(backoff(self.troubles.blind_looks()))),
        };
        self.followed.extend(plan.apps.iter().filter(|app| app.exposed.is_some()).map(|app| app.app.clone()));
        let (aim, now) = (&self.aim, self.clock.now());
        let apps: Vec<&AppPlan> = plan.apps.iter().filter(|app| aim.is_about(app, &self.followed)).collect();
        self.troubles.seen(&apps, now);
        for app in &apps {
            sink(Event {
                at: self.clock.now(),
                app: app.app.clone(),
                kind: EventKind::Planned(Box::new((*app).clone())),
            });
        }
        // What AWS refuses about an app, or does not tell, is no reason not to watch what of it has traffic.
        let is_open = |app: &&AppPlan| {
            let is_lost = self.troubles.is_lost(&app.app) && !app.is_watched(now) && !app.gives_back();
            !app.is_over(aim.cleanup) && !is_lost
        };
        let open: Vec<&AppPlan> = apps.iter().copied().filter(is_open).collect();
        let round = if open.is_empty() && self.calls.is_empty() {
            Round::Over(match self.troubles.judge(&apps, aim.cleanup) {
                Outcome::Converged | Outcome::Blocked if has_orphan(&apps, &self.given_back) => Outcome::ReleaseFailed,
                outcome => outcome,
            })
        } else {
            self.act(&open);
            Round::Open(self.nap(&open, plan.at, begun))
        };
        self.latest = Some(plan);
        Ok(round)
    }

    /// One look, while the calls under way go on.
    async fn look(&mut self, sink: Sink<'_>) -> Result<Plan, AwsError> {
        let Self { aws, clock, desired, calls, troubles, memory, heard, latest, aim, .. } = self;
        desired.given_up.clone_from(troubles.given_up());
        desired.failing = troubles.failing();
        // What is heard during the look is for the next one: nobody knows what was read before and what after it.
        heard.pass_on(&mut memory.remembered);
        let mut look = std::pin::pin!(look_again(aws, desired, clock, memory, (latest.as_ref(), aim.cleanup)));
        loop {
            tokio::select! {
                biased;
                looked = &mut look => return looked,
                news = calls.news() => take(calls, troubles, heard, clock, news, sink)?,
            }
        }
    }

    /// Begins the calls of every app that has some and is free for them.
    fn act(&mut self, open: &[&AppPlan]) {
        let now = self.clock.now();
        for app in open.iter().filter(|app| !app.actions.is_empty()) {
            let rests = self.troubles.rest_ends(app, now).is_some() || self.troubles.holds_given_up(app);
            // Traffic goes back at once, even beside a call of the same app that takes minutes, such as a change of DNS.
            let is_free = match app.gives_back() {
                true => !self.calls.give_back(&app.app) && self.troubles.way_back_rests(app, now).is_none(),
                false => !self.calls.are_of(&app.app) && !rests,
            };
            if !is_free {
                continue;
            }
            if app.gives_back() {
                self.given_back.insert(app.app.clone());
            }
            // An app without a manifest has a scope all the same.
            let scope = Scope::new(app.app.clone(), self.desired.name.clone());
            self.troubles.begins(app);
            self.calls.begin(&self.aws, &self.clock, (*app).clone(), scope);
        }
    }

    /// How long until the next look, when the last one was made for the time `planned_at` and began at `begun` on our clock:
    /// until the first app has something to do or to look for.
    fn nap(&self, open: &[&AppPlan], planned_at: Timestamp, begun: Timestamp) -> Duration {
        let now = self.clock.now();
        let wake = |app: &&&AppPlan| {
            let due = app.wake_at.map(|at| after(planned_at, at, elapsed(begun, now)));
            let rest = match app.gives_back() {
                true => self.troubles.way_back_rests(app, now),
                false => self.troubles.rest_ends(app, now),
            };
            let rest = rest.map(|until| elapsed(now, until));
            match rest {
                None if app.actions.is_empty() => due,
                None => Some(Duration::ZERO),
                Some(rest) if app.is_watched(now) => due.into_iter().chain([rest]).min(),
                rest => rest,
            }
        };
        let idle = open.iter().filter(|app| !self.calls.are_of(&app.app));
        let first = idle.filter_map(|app| wake(&app)).min();
        first.unwrap_or(LONGEST_PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Waits until the next round is due; while calls are under way, until all of them are made, but no longer than the
    /// looks at other apps may wait. It may be dropped at any point.
    ///
    /// # Errors
    /// When a call shows that none can succeed.
    pub async fn rest(&mut self, nap: Duration, sink: Sink<'_>) -> Result<(), AwsError> {
        let (worked, clock) = (!self.calls.is_empty(), self.clock.clone());
        let mut end = std::pin::pin!(clock.sleep(if worked { nap.min(LONGEST_WORK) } else { nap }));
        loop {
            tokio::select! {
                biased;
                news = self.calls.news() => self.take(news, sink)?,
                () = &mut end => break,
            }
            if self.calls.is_empty() {
                break;
            }
        }
        if worked {
            // What was just done must have a chance to show.
            self.clock.sleep(SHORTEST_PAUSE).await;
        }
        Ok(())
    }

    fn take(&mut self, news: News, sink: Sink<'_>) -> Result<(), AwsError> {
        take(&mut self.calls, &mut self.troubles, &mut self.heard, &self.clock, news, sink)
    }

    /// Ends the work: waits for the calls under way, but not for long. With `between`, no further call begins: half a
    /// plan of an app is no harm, but half a call would be a riddle. The apps whose calls were left where they were.
    ///
    /// # Errors
    /// When a call shows that none can succeed.
    pub async fn finish(&mut self, between: bool, sink: Sink<'_>) -> Result<Vec<AppName>, AwsError> {
        if between {
            self.calls.stop();
        }
        let mut late = std::pin::pin!(tokio::time::sleep(LAST_CALLS));
        while !self.calls.is_empty() {
            tokio::select! {
                biased;
                news = self.calls.news() => self.take(news, sink)?,
                () = &mut late => break,
            }
        }
        Ok(self.calls.apps().cloned().collect())
    }
}

/// Whether an app that no manifest asks for is among those that gave traffic back.
fn has_orphan(apps: &[&AppPlan], given_back: &BTreeSet<AppName>) -> bool {
    apps.iter().any(|app| app.change == Change::Orphaned && given_back.contains(&app.app))
}

/// Takes in what the calls under way tell.
fn take(
    calls: &mut Calls,
    troubles: &mut Troubles,
    heard: &mut Heard,
    clock: &Clock,
    news: News,
    sink: Sink<'_>,
) -> Result<(), AwsError> {
    let mut tell = |event: Event| {
        troubles.told(&event);
        heard.told(&event);
        sink(event);
    };
    let (app, executed) = match news {
        News::Told(event) => {
            tell(event);
            return Ok(());
        }
        News::Done(app, executed) => (app, executed),
    };
    while let Some(event) = calls.told() {
        tell(event);
    }
    if let Executed::Failed(error) = &executed
        && error.class == Class::FatalAll
        && !troubles.blind(error)
    {
        return Err(error.clone());
    }
    troubles.note(&app, &executed, clock.now());
    Ok(())
}

/// How long after a look that took so long an app is looked at again. What is waited for until a certain time is looked at
/// then; the seconds between two looks begin at the end of the first.
fn after(planned_at: Timestamp, wake_at: Timestamp, took: Duration) -> Duration {
    let wait = elapsed(planned_at, wake_at);
    if PACES.contains(&wait) { wait } else { wait.saturating_sub(took) }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
