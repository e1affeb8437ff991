//! `amiable rollback`: turns down the newest release; what served before it serves again, at once.

use std::collections::BTreeSet;

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, terminal, watch};
use crate::controller::converge::Outcome;
use crate::model::names::AppName;
use crate::plan::intent;

/// Go back to what served before, at once
///
/// The release that is turned down is not tried again until its manifest changes or `amiable retry` says so.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; shown wherever the release is
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    watching: Watching,
}

impl Rollback {
    /// Marks the release as turned down, and converges.
    ///
    /// # Errors
    /// When there is nothing to go back to, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        let now = case.session.clock.now();
        let intent = intent::rollback(&desired, case.app, &case.look.observed, self.reason.as_deref(), now);
        let intent = intent.map_err(|why| Failure::new(format!("{} cannot be rolled back: {why}", case.app.scope)))?;
        let (down, back) = (intent.generation, intent.serves);
        if !self.watching.yes {
            let serves = back.map(|back| format!(", so that {back} serves")).unwrap_or_default();
            let question = format!("Turn down {down} of {}{serves}? Only `yes` is accepted:", case.app.scope);
            match terminal::ask(&question)?.as_deref() {
                Some("yes") => {}
                Some(_) => return Err(Failure::new("nothing was changed")),
                None => return Err(Failure::usage("nobody is at the terminal to say yes").help("add --yes")),
            }
        }
        case.record(intent).await?;
        let (outcome, plan) = watch::outcome(&case.session, &desired, &case.options(&self.watching)).await?;
        let serves = plan.app(&self.app).and_then(|app| app.from);
        if matches!(outcome, Outcome::ReleaseFailed | Outcome::Converged | Outcome::Blocked) && serves == back {
            let serves = back.map(|back| format!("{back} serves; ")).unwrap_or_default();
            terminal::say(&format!(
                "{serves}{down} is not tried again until its manifest changes or `amiable retry {}`",
                self.app
            ));
            return Ok(Exit::Fine);
        }
        watch::conclude(outcome, &plan, Some(&BTreeSet::from([self.app])));
        Ok(watch::exit(outcome))
    }
}
