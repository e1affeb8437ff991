//! `amiable rollback`: turns down the newest release; what served before it serves again, at once.

use std::collections::BTreeSet;

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, terminal, watch};
use crate::aws;
use crate::controller::converge::Outcome;
use crate::model::names::{AppName, Generation};
use crate::model::record::DeployedRecord;
use crate::plan::intent;

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
        let case = Case::open(global, &desired, &self.app).await?;
        let history = history(&case).await?;
        let intent = intent::rollback(&case.about(&desired, self.reason.as_deref()), self.to, &history);
        let (down, back) = intent.as_ref().map_or((None, None), |intent| (Some(intent.generation), intent.serves));
        if let Some(down) = down {
            let serves = back.or(self.to).map(|back| format!(", so that {back} serves")).unwrap_or_default();
            case.confirm(&self.watching, &format!("Turn down {down} of {}{serves}?", case.app.scope))?;
        }
        case.decide(intent, "rolled back").await?;
        if self.watching.no_wait {
            return Ok(Exit::Fine);
        }
        let ending = watch::outcome(&case.session, &desired, &case.options(&self.watching)).await?;
        let outcome = ending.outcome;
        let serves = ending.plan.app(&self.app).and_then(|app| app.from);
        let over = matches!(outcome, Outcome::ReleaseFailed | Outcome::Converged | Outcome::Blocked);
        if let (true, Some(serves), Some(down)) =
            (over && serves != down && (back.is_none() || serves == back), serves, down)
        {
            terminal::say(&format!(
                "{serves} serves; {down} is not tried again until its manifest changes or `amiable retry {}`",
                self.app
            ));
            return Ok(Exit::Fine);
        }
        watch::conclude(&ending, Some(&BTreeSet::from([self.app])));
        Ok(watch::exit(outcome))
    }
}

/// What was deployed before, oldest first. Versions that cannot be understood lead nowhere.
async fn history(case: &Case<'_>) -> Result<Vec<DeployedRecord>, Failure> {
    let versions = aws::history::history(&case.session.aws, &case.app.scope).await?;
    Ok(versions.into_iter().filter_map(|(_, record)| record.known().cloned()).collect())
}
