//! What an operator's command tells the planner: one tag on one generation, after which the plan says something else.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::selection;
use super::session::{Look, Session};
use super::{Global, apply, terminal};
use crate::controller::converge::Options;
use crate::execute::{Executed, execute};
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::AppName;
use crate::model::plan::AppPlan;
use crate::plan::intent::Intent;
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

    /// Records what was decided about it, if it is still the same.
    ///
    /// # Errors
    /// When it is not, or AWS refuses.
    pub async fn record(&self, intent: Intent) -> Result<(), Failure> {
        let plan = AppPlan { actions: vec![intent.action], ..self.plan.clone() };
        let state = std::sync::Mutex::new(LiveState::new([&plan.app], terminal::paint()));
        let sink = |event| {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for line in state.fold(&event) {
                terminal::say(&line);
            }
        };
        match execute(&self.session.aws, &self.session.clock, &plan, &self.app.scope, &sink).await {
            Executed::Complete => Ok(()),
            Executed::Stale => Err(Failure::new(format!("{} has changed meanwhile", self.app.scope))
                .help("look at it with `amiable status`, and try again")),
            Executed::Failed(error) => Err(error.into()),
        }
    }

    /// Converging this app alone.
    pub fn options(&self, watching: &apply::Watching) -> Options {
        watching.options(Some(BTreeSet::from([self.app.scope.app.clone()])))
    }
}
