//! `amiable promote`: ends a pause of a canary, or deploys a newer image that waits for a person.

use clap::Args;

use super::Global;
use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{Case, Saying};
use super::selection::Environment;
use crate::model::names::AppName;
use crate::plan::intent;

/// End the pause that a canary is in, or deploy the newer image that waits for a person
///
/// A newer image waits where the manifest says `image.track: manual`; plan and status show it.
#[derive(Debug, Args)]
pub struct Promote {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Skip every pause and share that is left: it takes all traffic once it is whole and well
    #[arg(long)]
    full: bool,
    /// Why; noted for later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    watching: Watching,
}

impl Promote {
    /// Sets the mark, and converges.
    ///
    /// # Errors
    /// When nothing waits to be promoted, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let mut case = Case::open(global, &desired, &self.app).await?;
        let (why, watching) = (self.reason.as_deref(), &self.watching);
        let saying = Saying { global, desired: &desired, watching, why, how: "promoted" };
        let (_, agreed) = case.decide_on_traffic(&saying, &|about| intent::promote(about, self.full)).await?;
        case.go_on(&agreed, &self.watching).await
    }
}
