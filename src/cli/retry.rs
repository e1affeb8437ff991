//! `amiable retry`: a release that failed may be tried again.

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, watch};
use crate::model::names::AppName;
use crate::plan::intent;

/// Try a release again that failed or was rolled back
#[derive(Debug, Args)]
pub struct Retry {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    watching: Watching,
}

impl Retry {
    /// Forgets the failure, and converges.
    ///
    /// # Errors
    /// When nothing has failed, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        let intent = intent::retry(&desired, case.app, &case.look.observed, case.session.clock.now());
        let intent = intent.map_err(|why| {
            Failure::new(format!("{} cannot be tried again: {why}", case.app.scope))
                .help("`amiable status` shows what goes on, `amiable apply` goes on with it")
        })?;
        case.record(intent).await?;
        watch::converge(&case.session, &desired, &case.options(&self.watching)).await
    }
}
