//! `amiable render`: what an app is in an environment once every layer is applied, and where each value comes from.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::failure::Failure;
use super::selection::Environment;
use super::{Global, environments, terminal};
use crate::model::names::AppName;

/// Show an app's effective spec, every value with its origin
#[derive(Debug, Args)]
pub struct Render {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// YAML with comments.
    #[default]
    Yaml,
    /// Each path with its value and origin.
    Json,
}

impl Render {
    /// Prints the spec; user data only as a hash.
    ///
    /// # Errors
    /// When the manifests are wrong, or the app is not deployed there.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let fleet = environments::fleet(global)?;
        let environment = self.environment.known(&fleet)?;
        if fleet.faults.apps.contains_key(&self.app) {
            return Err(Failure::new(format!("the manifest of {} has errors", self.app)));
        }
        let effective =
            fleet.effective(&self.app, &environment).map_err(|findings| environments::unknown(&findings))?;
        match self.output {
            Output::Yaml => terminal::print(&effective.to_yaml())?,
            Output::Json => terminal::print_json(&effective.to_json())?,
        }
        Ok(Exit::Fine)
    }
}
