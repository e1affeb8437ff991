//! `amiable resume`: let an app go on that was paused or suspended by a command, or whose traffic somebody took away.

use clap::Args;

use super::Global;
use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{Case, Saying};
use super::selection::Environment;
use crate::model::names::AppName;
use crate::plan::intent;

/// Let an app go on that was paused or suspended by a command
///
/// Where somebody has put something in its place, such as a maintenance page, this gives the traffic back to it.
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
        let mut case = Case::open(global, &desired, &self.app).await?;
        let (why, watching) = (self.reason.as_deref(), &self.watching);
        let saying = Saying { global, desired: &desired, watching, why, how: "resumed" };
        let (_, agreed) = case.decide_on_traffic(&saying, &|about| intent::resume(about)).await?;
        case.go_on(&agreed, &self.watching).await
    }
}
