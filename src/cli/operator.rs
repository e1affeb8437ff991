//! What an operator's command tells the planner: one tag on one generation, after which the plan says something else.

use std::collections::BTreeSet;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::selection;
use super::session::{Look, Session};
use super::{Global, terminal, watch};
use crate::aws::act::perform;
use crate::controller::converge::Options;
use crate::execute::{Executed, execute};
use crate::model::action::Action;
use crate::model::decision::Decision;
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::AppName;
use crate::model::plan::AppPlan;
use crate::plan::intent::{About, Intent};
use crate::report::live::LiveState;

/// One app of one environment, as it is now.
pub struct Case<'a> {
    /// The way to AWS.
    pub session: Session,
    /// What was found.
    pub look: Look,
    /// The app in the manifests.
    pub app: &'a DesiredApp,
    /// Its plan.
    pub plan: AppPlan,
}

impl<'a> Case<'a> {
    /// Looks at one app.
    ///
    /// # Errors
    /// When no manifest deploys it, AWS cannot be read, or it cannot be planned.
    pub async fn open(global: &Global, desired: &'a Desired, name: &AppName) -> Result<Self, Failure> {
        let app = selection::app(desired, name)?;
        let session = Session::open(global, desired).await;
        let look = session.look(desired).await?;
        let plan = look.plan.app(name).cloned();
        let plan = plan.ok_or_else(|| Failure::new(format!("{} cannot be planned", app.scope)))?;
        Ok(Self { session, look, app, plan })
    }

    /// Records what a person says, or says why that makes no sense.
    ///
    /// # Errors
    /// When it makes none, the app has changed meanwhile, or AWS refuses.
    pub async fn decide(&self, intent: Result<Intent, String>, how: &str) -> Result<(), Failure> {
        let intent = intent.map_err(|why| {
            Failure::new(format!("{} cannot be {how}: {why}", self.app.scope))
                .help("`amiable status` shows what goes on")
        })?;
        self.record(intent).await
    }

    /// Asks for a yes, unless it was given already.
    ///
    /// # Errors
    /// When the answer is another one, or nobody is there to give it.
    pub fn confirm(&self, watching: &Watching, question: &str) -> Result<(), Failure> {
        if watching.yes { Ok(()) } else { terminal::confirm(question) }
    }

    /// Converges the app, unless that is left to others.
    ///
    /// # Errors
    /// When AWS cannot be read at all, lastingly.
    pub async fn go_on(&self, desired: &Desired, watching: &Watching) -> Result<Exit, Failure> {
        match watching.no_wait {
            true => Ok(Exit::Fine),
            false => watch::converge(&self.session, desired, &self.options(watching)).await,
        }
    }

    /// Records what was decided about it, if it is still the same.
    ///
    /// # Errors
    /// When it is not, or AWS refuses.
    pub async fn record(&self, intent: Intent) -> Result<(), Failure> {
        let plan = AppPlan { actions: intent.actions, ..self.plan.clone() };
        let state = std::sync::Mutex::new(LiveState::new([&plan.app], terminal::paint()));
        let sink = |event| {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for line in state.fold(&event) {
                terminal::say(&line);
            }
        };
        match execute(&self.session.aws, &self.session.clock, &plan, &self.app.scope, &sink).await {
            Executed::Complete | Executed::Stopped => {
                self.note(intent.decision).await;
                Ok(())
            }
            Executed::Stale => Err(Failure::new(format!("{} has changed meanwhile", self.app.scope))
                .help("look at it with `amiable status`, and try again")),
            Executed::Failed(error) => Err(error.into()),
        }
    }

    /// Notes the decision for those who ask later. The mark is set, so that a failure here is no failure of the command.
    async fn note(&self, decision: Decision) {
        let parameter = self.app.scope.decisions_name();
        let action = Action::PutDecision { parameter, decision: Box::new(decision) };
        if let Err(error) = perform(&self.session.aws, &self.app.scope, &action).await {
            terminal::say(&format!("warning: it is decided, but not noted for later: {}", error.explained()));
        }
    }

    /// What a person says about the app, for the planner.
    pub fn about(&'a self, desired: &'a Desired, why: Option<&'a str>) -> About<'a> {
        let now = self.session.clock.now();
        About { desired, app: self.app, observed: &self.look.observed, why, now }
    }

    /// Converging this app alone.
    pub fn options(&self, watching: &Watching) -> Options {
        watching.options(Some(BTreeSet::from([self.app.scope.app.clone()])))
    }
}
