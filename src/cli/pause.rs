//! `amiable pause`: hold an app's release where it is.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, terminal};
use crate::model::names::AppName;
use crate::plan::intent;

/// Hold an app's release where it is
///
/// Nothing is launched, shifted, recorded or retired until `amiable resume`. What has traffic is watched as before, and what
/// fails goes back.
#[derive(Debug, Args)]
pub struct Pause {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; shown wherever the app is
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Pause {
    /// Sets the mark.
    ///
    /// # Errors
    /// When nothing of the app runs, it is so already, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        case.decide(intent::pause(&case.about(&desired, self.reason.as_deref())), "paused").await?;
        terminal::say(&format!("{} is paused; `amiable resume {}` lets it go on", case.app.scope, self.app));
        Ok(Exit::Fine)
    }
}
