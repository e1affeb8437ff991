//! `amiable unpin`: let an app follow its manifest again.

use clap::Args;

use super::Global;
use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use crate::model::names::AppName;
use crate::plan::intent;

/// Let an app follow its manifest again
#[derive(Debug, Args)]
pub struct Unpin {
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

impl Unpin {
    /// Takes the mark away, and converges.
    ///
    /// # Errors
    /// When there is no such mark, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        case.decide(intent::unpin(&case.about(&desired, self.reason.as_deref())), "unpinned").await?;
        case.go_on(&desired, &self.watching).await
    }
}
