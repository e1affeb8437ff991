//! What an operator's command tells the planner: one tag on one generation, after which the plan says something else.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::selection;
use super::session::{Look, Session};
use super::{Global, apply, terminal};
use crate::controller::converge::Options;
use crate::execute::{Executed, execute};
use crate::model::action::{Action, Expect, Tags};
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::{AppName, Generation};
use crate::model::observed::Group;
use crate::model::plan::{AppPlan, PlannedAction};
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

    /// Its groups, oldest first.
    ///
    /// # Errors
    /// When they could not be read.
    pub fn groups(&self) -> Result<Vec<&Group>, Failure> {
        let groups = match &self.look.observed.groups {
            crate::model::observed::Read::Known(groups) => groups,
            crate::model::observed::Read::Unknown(why) => {
                return Err(Failure::new(format!("the groups could not be read: {why}")));
            }
        };
        let mut own: Vec<&Group> = groups.values().filter(|group| group.owner.app == self.app.scope.app).collect();
        own.sort_by_key(|group| group.owner.generation);
        Ok(own)
    }

    /// Writes tags on a generation's group, if it is still the same one.
    ///
    /// # Errors
    /// When it is not, or AWS refuses.
    pub async fn tag(&self, group: &Group, tags: Tags, reason: String) -> Result<(), Failure> {
        let own = Expect::OwnGroup { group: group.name.clone(), template_hash: group.owner.template_hash.to_string() };
        let action = Action::TagGroup { name: group.name.clone(), tags, propagate: false };
        let plan = AppPlan { actions: vec![PlannedAction { action, reason, expects: vec![own] }], ..self.plan.clone() };
        let state = std::sync::Mutex::new(LiveState::new([&plan.app], terminal::paint()));
        let sink = |event| {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for line in state.fold(&event) {
                terminal::say(&line);
            }
        };
        match execute(&self.session.aws, &self.session.clock, &plan, &self.app.scope, &sink).await {
            Executed::Complete => Ok(()),
            Executed::Stale => Err(Failure::new(format!("{} has changed meanwhile", group.name))
                .help("look at it with `amiable status`, and try again")),
            Executed::Failed(error) => Err(error.into()),
        }
    }

    /// Converging this app alone.
    pub fn options(&self, watching: &apply::Watching) -> Options {
        watching.options(Some(BTreeSet::from([self.app.scope.app.clone()])))
    }
}

/// The group of a generation.
pub fn of<'g>(groups: &[&'g Group], generation: Option<Generation>) -> Option<&'g Group> {
    groups.iter().copied().find(|group| Some(group.owner.generation) == generation)
}
