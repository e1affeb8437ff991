//! `amiable resume`: let an app go on that was paused or suspended by a command.

use clap::Args;

use super::Global;
use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use crate::model::names::AppName;
use crate::plan::intent;

/// Let an app go on that was paused or suspended by a command
#[derive(Debug, Args)]
pub struct Resume {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; noted for later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    watching: Watching,
}

impl Resume {
    /// Takes the mark away, and converges.
    ///
    /// # Errors
    /// When there is no such mark, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        case.decide(intent::resume(&case.about(&desired, self.reason.as_deref())), "resumed").await?;
        case.go_on(&desired, &self.watching).await
    }
}
