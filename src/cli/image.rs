//! `amiable image set`: writes another image into a manifest, and does nothing else.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::edit::Manifest;
use super::exit::Exit;
use super::failure::Failure;
use super::{Global, environments};
use crate::manifest::node::Layer;
use crate::manifest::packer;
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
    #[arg(value_name = "ID", required_unless_present = "from")]
    image: Option<String>,
    /// Take the image from the manifest.json that Packer wrote: that of its last run, for the environment's region
    #[arg(long, value_name = "FILE", conflicts_with = "image")]
    from: Option<PathBuf>,
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
        let image = match (&set.image, &set.from) {
            (_, Some(path)) => set.packers(global, path)?,
            (image, None) => image.clone().unwrap_or_default(),
        };
        manifest.set_image(set.env.as_ref(), &image)?;
        manifest.save()?;
        Ok(Exit::Fine)
    }
}

/// The largest file of Packer's that is read.
const MAX_BYTES: u64 = 1 << 20;

impl Set {
    /// The image that Packer made for the region of the environments that the edit is about.
    fn packers(&self, global: &Global, path: &Path) -> Result<String, Failure> {
        let region = self.region(global)?;
        let refuse = |why: &str| Failure::new(format!("{} {why}", path.display()));
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
        read.map_err(|error| refuse(&format!("cannot be read: {error}")))?;
        if text.len() as u64 > MAX_BYTES {
            return Err(refuse(&format!("is larger than {} MiB", MAX_BYTES >> 20)));
        }
        packer::image(&text, &region).map_err(|why| refuse(&why))
    }

    /// The one region of the environments whose image is edited.
    fn region(&self, global: &Global) -> Result<String, Failure> {
        let fleet = environments::fleet(global)?;
        let app = fleet.app(&self.app).map_err(environments::refuse)?;
        let meant = app.effective.iter().filter(|(name, one)| match &self.env {
            Some(env) => *name == env,
            None => one.tree.get("image").is_none_or(|image| image.layer != Layer::Overlay),
        });
        let regions: BTreeSet<&str> =
            meant.filter_map(|(name, _)| Some(fleet.environments.get(name)?.spec.region.as_str())).collect();
        match regions.into_iter().collect::<Vec<_>>()[..] {
            [region] => Ok(region.to_owned()),
            [] => Err(Failure::new(format!("{} is deployed to no environment that the image would be for", self.app))
                .help("name one that it is deployed to with --env")),
            ref several => Err(Failure::usage(format!(
                "images are regional, and {} is deployed to {}",
                self.app,
                several.join(", ")
            ))
            .help("name one environment with --env")),
        }
    }
}
