//! `amiable deploy`: shows what an edit of the manifest leads to, asks, writes it, applies it and waits: one command from an
//! image to a release.

use clap::Args;

use super::apply::{self, Watching};
use super::edit::Manifest;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::{self, Apps, Environment};
use super::{Global, environments, terminal};
use crate::model::names::AppName;

/// Write an image into the manifest, and apply it
#[derive(Debug, Args)]
pub struct Deploy {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// The image: ami-…
    #[arg(long, value_name = "ID")]
    ami: String,
    /// The EC2 instance type
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The fewest instances
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    min_instances: Option<u32>,
    /// The most instances
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_instances: Option<u32>,
    #[command(flatten)]
    watching: Watching,
}

impl Deploy {
    /// Edits what the manifest says for this environment, and converges this app. Nothing is written before a yes.
    ///
    /// # Errors
    /// When the manifests are wrong, the edit is not safe, AWS cannot be read, or the user says no.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let fleet = environments::fleet(global)?;
        let environment = self.environment.known(&fleet)?;
        let mut manifest = Manifest::open(global, &fleet, &self.app)?;
        manifest.set_image(Some(&environment), &self.ami)?;
        if let Some(instance_type) = &self.instance_type {
            manifest.set(&environment, &["instanceType"], instance_type.as_str().into())?;
        }
        if let Some(min) = self.min_instances {
            manifest.set(&environment, &["instances", "min"], min.into())?;
        }
        if let Some(max) = self.max_instances {
            manifest.set(&environment, &["instances", "max"], max.into())?;
        }
        let fleet = manifest.sound()?;
        manifest.check()?;
        let desired = fleet.desired(&environment).map_err(|findings| environments::unknown(&findings))?;
        selection::app(&desired, &self.app)?;
        let apps = Apps { apps: vec![self.app], labels: Vec::new() };
        if !manifest.is_changed() {
            terminal::say(&format!(
                "{} asks for that already, so that there is nothing to write",
                manifest.path().display()
            ));
        }
        let edit = manifest.is_changed().then_some(manifest);
        apply::apply(global, &desired, &apps, &self.watching, edit).await
    }
}
