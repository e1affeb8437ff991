//! `amiable validate`: whether the manifests are right, without a look at AWS.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::{Global, terminal};
use crate::manifest::fleet;
use crate::manifest::format::{self, Format};
use crate::report::words;

/// Check the manifests, offline
#[derive(Debug, Args)]
pub struct Validate {
    /// Files or directories, instead of --manifests
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form: full, concise, json, github or sarif
    #[arg(short, long, value_name = "FORM", default_value_t)]
    output: Format,
}

impl Validate {
    /// Prints every finding, and ends with 1 when one is an error.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let paths = if self.paths.is_empty() { vec![global.manifests.clone()] } else { self.paths };
        let (findings, good) = match fleet::load(&paths) {
            Ok(fleet) => {
                let environments = words::counted(fleet.environments.len(), "environment");
                let good = format!("{} and {environments}: fine", words::apps(fleet.apps.len()));
                (fleet.warnings, Some(good))
            }
            Err(findings) => (findings, None),
        };
        terminal::print(&format::render(&findings, self.output, terminal::colour()))?;
        let (errors, warnings) = findings.counts();
        let people = matches!(self.output, Format::Full | Format::Concise);
        match good {
            Some(good) if people && warnings == 0 => terminal::say(&good),
            _ if people => {
                let (errors, warnings) = (words::counted(errors, "error"), words::counted(warnings, "warning"));
                terminal::say(&format!("{errors}, {warnings}"));
            }
            _ => {}
        }
        Ok(if findings.has_errors() { Exit::Error } else { Exit::Fine })
    }
}
