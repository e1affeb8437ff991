//! `amiable history`: what was released of an app, when and by whom.

use clap::Args;

use super::events::understood;
use super::exit::Exit;
use super::failure::Failure;
use super::listing::Listing;
use super::selection::{self, Environment};
use super::session::Session;
use super::{Global, terminal};
use crate::aws;
use crate::model::names::{AppName, Scope};
use crate::report::history;

/// Show what was released of an app, when and by whom
#[derive(Debug, Args)]
pub struct History {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Listing,
}

impl History {
    /// Reads the recorded releases, newest first.
    ///
    /// # Errors
    /// When the manifests are wrong, or Parameter Store cannot be read.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let scope = Scope::new(self.app.clone(), desired.name.clone());
        let session = Session::open(global, &desired).await;
        let versions = aws::history::history(&session.aws, &scope).await;
        let versions = versions.map_err(|error| session.explain(error))?;
        let mut records = understood(versions, &scope.parameter_name());
        records.reverse();
        if records.is_empty() {
            // What runs without a manifest has a past all the same.
            selection::app(&desired, &self.app)?;
            if self.output.is_for_people() {
                terminal::say(&format!("nothing of {scope} is recorded yet"));
                return Ok(Exit::Fine);
            }
        }
        let names = records.iter().map(|record| record.generation);
        self.output.print(&records, |wide| history::table(&records, wide), names)?;
        Ok(Exit::Fine)
    }
}
