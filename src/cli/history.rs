//! `amiable history`: what was released of an app, when and by whom.

use clap::{Args, ValueEnum};

use super::events::understood;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::{self, Environment};
use super::session::Session;
use super::{Global, terminal};
use crate::aws;
use crate::model::names::AppName;
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
    output: Output,
}

/// The form of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

impl History {
    /// Reads the recorded releases, newest first.
    ///
    /// # Errors
    /// When the manifests are wrong, or Parameter Store cannot be read.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let app = selection::app(&desired, &self.app)?;
        let session = Session::open(global, &desired).await;
        let versions = aws::history::history(&session.aws, &app.scope).await?;
        let mut records = understood(versions, &app.scope.parameter_name());
        records.reverse();
        match self.output {
            Output::Json => terminal::print_json(&records)?,
            Output::Table if records.is_empty() => terminal::say(&format!("nothing of {} is recorded yet", app.scope)),
            Output::Table => terminal::print(&history::table(&records))?,
        }
        Ok(Exit::Fine)
    }
}
