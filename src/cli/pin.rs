//! `amiable pin`: keep what serves, whatever the manifest says.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, terminal};
use crate::model::names::AppName;
use crate::plan::intent;

/// Keep what serves, whatever the manifest says
///
/// No other release is deployed until `amiable unpin`. Settings that change in place go on following the manifest.
#[derive(Debug, Args)]
pub struct Pin {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; shown wherever the app is
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Pin {
    /// Sets the mark.
    ///
    /// # Errors
    /// When nothing of the app runs, it is so already, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        case.decide(intent::pin(&case.about(&desired, Some(&self.reason))), "pinned").await?;
        terminal::say(&format!(
            "{} is pinned; `amiable unpin {}` lets it follow the manifest again",
            case.app.scope, self.app
        ));
        Ok(Exit::Fine)
    }
}
