//! `amiable image set`: writes another image into a manifest, and does nothing else.

use clap::{Args, Subcommand};

use super::Global;
use super::edit::Manifest;
use super::exit::Exit;
use super::failure::Failure;
use crate::model::names::{AppName, EnvironmentName};

/// Edit the image of an app in its manifest
#[derive(Debug, Args)]
pub struct Image {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
}

/// Write another image into the manifest; comments and order stay
#[derive(Debug, Args)]
struct Set {
    /// The app
    app: AppName,
    /// The image: ami-…
    #[arg(value_name = "ID")]
    image: String,
    /// Only for this environment, rather than for all that do not set their own
    #[arg(long, value_name = "NAME")]
    env: Option<EnvironmentName>,
}

impl Image {
    /// Edits the manifest.
    ///
    /// # Errors
    /// When the manifests are wrong, or the edit is not safe.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let Command::Set(set) = self.command;
        let mut manifest = Manifest::open(global, &set.app)?;
        manifest.set_image(set.env.as_ref(), &set.image)?;
        manifest.save()?;
        Ok(Exit::Fine)
    }
}
