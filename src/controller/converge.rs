//! Round after round, until every chosen app is where it should be or can get no further, or until somebody has had
//! enough of it.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;

use super::keeper::{Aim, Keeper, Round, Sink};
use crate::aws::connect::Aws;
use crate::aws::error::AwsError;
use crate::clock::Clock;
use crate::model::desired::Desired;
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change, Plan};

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
    /// Every chosen app is as its manifest says, and nothing of some that serve is healthy.
    Sick,
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
            // A release that no manifest asks for any more waits for a person.
            () if any(|app| app.change == Change::Orphaned && app.exposed.is_some()) => Outcome::Blocked,
            () if cleanup && any(|app| !app.left_over.is_empty()) => Outcome::Blocked,
            () if any(AppPlan::is_sick) => Outcome::Sick,
            () => Outcome::Converged,
        }
    }
}

/// Where everything stood in the end.
#[derive(Debug)]
pub struct Ending {
    /// How it ended.
    pub outcome: Outcome,
    /// The last plan; without any app when it ended before AWS was read.
    pub plan: Plan,
    /// The apps whose last call was left where it was, so that nobody knows whether it took effect.
    pub left: Vec<AppName>,
}

/// Converges the chosen apps and tells `sink` what happens. An interrupt (`stop`) and the timeout end it at once, a look
/// in the middle; only the calls under way are waited for, and for not more than ten seconds.
///
/// # Errors
/// When AWS cannot be read at all, lastingly.
pub async fn converge(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    options: &Options,
    sink: Sink<'_>,
    stop: watch::Receiver<bool>,
) -> Result<Ending, AwsError> {
    let aim = Aim { only: options.only.clone(), cleanup: options.wait_for_cleanup };
    let mut keeper = Keeper::new(aws, clock, desired.clone(), aim);
    let mut ends = Ends::new(clock, options.timeout, stop);
    let outcome = loop {
        let round = tokio::select! {
            biased;
            how = ends.come() => break how,
            round = keeper.round(sink) => round?,
        };
        let nap = match round {
            Round::Over(outcome) => break outcome,
            Round::Open(nap) => nap,
        };
        tokio::select! {
            biased;
            how = ends.come() => break how,
            rested = keeper.rest(nap, sink) => rested?,
        }
    };
    // Whoever interrupts wants to go; at the end of the time, there is time for the rest of the plans.
    let left = keeper.finish(outcome == Outcome::Interrupted, sink).await?;
    let plan = keeper.into_latest().unwrap_or_else(|| unread(desired, clock));
    Ok(Ending { outcome, plan, left })
}

/// A plan that says nothing.
fn unread(desired: &Desired, clock: &Clock) -> Plan {
    Plan {
        environment: desired.name.clone(),
        account: desired.environment.account_id.clone(),
        region: desired.environment.region.clone(),
        source: desired.source.clone(),
        at: clock.now(),
        apps: Vec::new(),
    }
}

/// What ends the work from outside.
struct Ends<'a> {
    stop: watch::Receiver<bool>,
    late: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

impl<'a> Ends<'a> {
    fn new(clock: &'a Clock, timeout: Option<Duration>, stop: watch::Receiver<bool>) -> Self {
        let late = async move {
            match timeout {
                Some(timeout) => clock.sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        Self { stop, late: Box::pin(late) }
    }

    /// Waits for the first of them; may be dropped at any point. Once it has come, it is not asked for again.
    async fn come(&mut self) -> Outcome {
        tokio::select! {
            biased;
            // A sender that is gone can interrupt nothing any more.
            Ok(_) = self.stop.wait_for(|stop| *stop) => Outcome::Interrupted,
            () = &mut self.late => Outcome::TimedOut,
        }
    }
}
