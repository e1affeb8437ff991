//! `amiable retry`: a release that failed may be tried again.

use clap::Args;

use super::Global;
use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{Case, Saying};
use super::selection::Environment;
use crate::model::names::AppName;
use crate::plan::intent;

/// Try a release again that failed or was rolled back
#[derive(Debug, Args)]
pub struct Retry {
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

impl Retry {
    /// Forgets the failure, and converges.
    ///
    /// # Errors
    /// When nothing has failed, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let mut case = Case::open(global, &desired, &self.app).await?;
        let (why, watching) = (self.reason.as_deref(), &self.watching);
        let saying = Saying { global, desired: &desired, watching, why, how: "tried again" };
        let (_, agreed) = case.decide_on_traffic(&saying, &|about| intent::retry(about)).await?;
        case.go_on(&agreed, &self.watching).await
    }
}
