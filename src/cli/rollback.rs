//! `amiable rollback`: turns down the newest release; what served before it serves again, at once.

use std::collections::BTreeSet;

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{Case, Saying};
use super::selection::Environment;
use super::{Global, terminal, watch};
use crate::aws;
use crate::controller::converge::Outcome;
use crate::model::names::{AppName, Generation};
use crate::model::record::DeployedRecord;
use crate::plan::intent::{self, About};

/// Go back to what served before, at once
///
/// At once while the generation before is still warm. With `--to` an earlier one is launched again, from its launch template
/// if that was kept, else from its recorded image. The release that is turned down is not tried again until its manifest changes or `amiable retry` says so.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// The generation that is to serve again, such as v041; by default the one that served before
    #[arg(long, value_name = "GENERATION")]
    to: Option<Generation>,
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
        let mut case = Case::open(global, &desired, &self.app).await?;
        case.read_deployed().await;
        let history = history(&case).await?;
        let (why, watching) = (self.reason.as_deref(), &self.watching);
        let saying = Saying { global, desired: &desired, watching, why, how: "rolled back" };
        let decide = |about: &About<'_>| intent::rollback(about, self.to, &history);
        let (intent, agreed) = case.decide_on_traffic(&saying, &decide).await?;
        let (down, back) = (intent.generation, intent.serves);
        if self.watching.no_wait {
            return Ok(Exit::Fine);
        }
        let ending = watch::outcome(&case.session, &agreed, &case.options(&self.watching)).await?;
        let outcome = ending.outcome;
        let serves = ending.plan.app(&self.app).and_then(|app| app.from);
        // A canary that is left with its share is not turned down yet, though what serves beside it is the one before.
        let is_left = watch::keeps_traffic(&ending, &self.app, down);
        let over = !is_left && matches!(outcome, Outcome::ReleaseFailed | Outcome::Converged | Outcome::Blocked);
        if let (true, Some(serves)) = (over && serves != Some(down) && (back.is_none() || serves == back), serves) {
            terminal::say(&format!(
                "{serves} serves; {down} is not tried again until its manifest changes or `amiable retry {}`",
                self.app
            ));
            return Ok(Exit::Fine);
        }
        watch::conclude(&ending, Some(&BTreeSet::from([self.app])));
        Ok(match outcome {
            Outcome::ReleaseFailed if is_left => Exit::Blocked,
            _ if !is_left && case.gave_way(&intent, &ending) => Exit::Fine,
            outcome => watch::exit(outcome),
        })
    }
}

/// What was deployed before, oldest first. Versions that cannot be understood lead nowhere.
async fn history(case: &Case) -> Result<Vec<DeployedRecord>, Failure> {
    let versions = aws::history::history(&case.session.aws, &case.app.scope).await?;
    Ok(versions.into_iter().filter_map(|(_, record)| record.known().cloned()).collect())
}
