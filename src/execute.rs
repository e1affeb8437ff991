//! Carries out the actions of one app's plan: in order, each after a fresh look at what it depends on, and no further
//! than the first that does not hold or fails.

use crate::aws::act::perform;
use crate::aws::recheck::{Recheck, recheck};
use crate::aws::{Aws, AwsError};
use crate::clock::Clock;
use crate::model::action::Action;
use crate::model::event::{Event, EventKind};
use crate::model::names::Scope;
use crate::model::plan::{AppPlan, PlannedAction};

/// What became of a plan's actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// All were carried out, or were done already.
    Complete,
    /// One was not, because what it depends on does not hold any more: look again and plan anew.
    Stale,
    /// One failed; those after it were not tried.
    Failed(AwsError),
    /// Somebody stopped it between two actions.
    Stopped,
}

/// Carries out the actions of `plan` for the app that `scope` names, and tells `sink` of each.
pub async fn execute(
    aws: &Aws,
    clock: &Clock,
    plan: &AppPlan,
    scope: &Scope,
    sink: &(dyn Fn(Event) + Send + Sync),
) -> Executed {
    execute_until(aws, clock, plan, scope, sink, &|| false).await
}

/// The same; once `is_stopped` says so, no further action begins.
pub async fn execute_until(
    aws: &Aws,
    clock: &Clock,
    plan: &AppPlan,
    scope: &Scope,
    sink: &(dyn Fn(Event) + Send + Sync),
    is_stopped: &(dyn Fn() -> bool + Send + Sync),
) -> Executed {
    let aws = aws.for_calls();
    let tell = |kind| sink(Event { at: clock.now(), app: plan.app.clone(), kind });
    for planned in &plan.actions {
        if is_stopped() {
            return Executed::Stopped;
        }
        match step(&aws, scope, planned).await {
            Ok(()) => tell(EventKind::Acted { action: planned.action.clone(), reason: planned.reason.clone() }),
            Err(Refusal::Stale(why)) => {
                tell(EventKind::Stale { action: planned.action.clone(), why });
                return Executed::Stale;
            }
            Err(Refusal::Failed(error)) => {
                // Traffic that goes back is not left where it is for one refusal.
                let goes_back = plan.gives_back() && matches!(planned.action, Action::Shift { .. });
                let (words, retry) = (error.explained(), error.may_pass() || goes_back);
                tell(EventKind::Failed { action: planned.action.clone(), error: words, retry });
                return Executed::Failed(error);
            }
        }
    }
    Executed::Complete
}

/// Why an action was not carried out.
enum Refusal {
    /// What it depends on does not hold any more.
    Stale(String),
    /// A fact could not be read, or the call itself failed.
    Failed(AwsError),
}

impl From<Recheck> for Refusal {
    fn from(recheck: Recheck) -> Self {
        match recheck {
            Recheck::Stale(why) => Refusal::Stale(why),
            Recheck::Failed(error) => Refusal::Failed(error),
        }
    }
}

async fn step(aws: &Aws, scope: &Scope, planned: &PlannedAction) -> Result<(), Refusal> {
    recheck(aws, &scope.environment, &planned.expects).await?;
    perform(aws, scope, &planned.action).await.map_err(Refusal::Failed)?;
    Ok(())
}
