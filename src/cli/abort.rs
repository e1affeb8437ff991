//! `amiable abort`: gives up the release under way; what serves stays, or serves again.

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{Case, Saying};
use super::selection::Environment;
use super::{Global, watch};
use crate::controller::converge::Outcome;
use crate::model::names::AppName;
use crate::plan::intent;

/// Give up the release under way
///
/// It is not tried again until its manifest changes or `amiable retry` says so.
#[derive(Debug, Args)]
pub struct Abort {
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

impl Abort {
    /// Marks the release as given up, and converges.
    ///
    /// # Errors
    /// When no release is under way, there is nothing to go back to, nobody confirms, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let mut case = Case::open(global, &desired, &self.app).await?;
        case.read_deployed().await;
        let (why, watching) = (self.reason.as_deref(), &self.watching);
        let saying = Saying { global, desired: &desired, watching, why, how: "aborted" };
        let (intent, agreed) = case.decide_on_traffic(&saying, &|about| intent::abort(about)).await?;
        if self.watching.no_wait {
            return Ok(Exit::Fine);
        }
        let ending = watch::outcome(&case.session, &agreed, &case.options(&self.watching)).await?;
        watch::conclude(&ending, case.options(&self.watching).only.as_ref());
        let is_left = watch::keeps_traffic(&ending, &self.app, intent.generation);
        Ok(match ending.outcome {
            Outcome::ReleaseFailed if is_left => Exit::Blocked,
            // That the release failed is what was asked for.
            Outcome::ReleaseFailed => Exit::Fine,
            _ if !is_left && case.gave_way(&intent, &ending) => Exit::Fine,
            outcome => watch::exit(outcome),
        })
    }
}
