//! `amiable image set`: writes another image into a manifest, and does nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};

use super::edit::Manifest;
use super::exit::Exit;
use super::failure::Failure;
use super::{Global, environments, terminal};
use crate::manifest::attached::packer;
use crate::manifest::effective::Effective;
use crate::manifest::fleet::{App, Fleet};
use crate::manifest::read::node::Layer;
use crate::manifest::read::regular;
use crate::manifest::source::shown;
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
#[command(group = ArgGroup::new("source").required(true).args(["image", "from"]))]
struct Set {
    /// The app
    app: AppName,
    /// The image: ami-…
    #[arg(value_name = "ID")]
    image: Option<String>,
    /// Take the image from the manifest.json that Packer wrote: that of its last run, for the environment's region
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Only for this environment, rather than for all that do not set their own
    #[arg(long, value_name = "NAME")]
    env: Option<EnvironmentName>,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
}

impl Image {
    /// Edits the manifest.
    ///
    /// # Errors
    /// When the manifests are wrong, or the edit is not safe.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let Command::Set(set) = self.command;
        let fleet = environments::fleet(global)?;
        let mut manifest = Manifest::open(global, &fleet, &set.app)?;
        let image = match (&set.image, &set.from) {
            (_, Some(path)) => set.packers(&fleet, path)?,
            (image, None) => image.clone().unwrap_or_default(),
        };
        manifest.set_image(set.env.as_ref(), &image)?;
        if manifest.is_changed() {
            manifest.check()?;
            let path = manifest.path().display();
            let place = set.env.as_ref().map(|env| format!(" in {env}")).unwrap_or_default();
            terminal::say(&format!("{path}: the image of {}{place} becomes {image}", set.app));
            if !set.yes {
                let question = format!("Write {}?", manifest.path().display());
                terminal::confirm(&global.answers, &question)?;
            }
        }
        manifest.save()?;
        if set.env.is_none() {
            set.own_images(&fleet);
        }
        Ok(Exit::Fine)
    }
}

/// The largest file of Packer's that is read.
const MAX_BYTES: u64 = 1 << 20;

impl Set {
    /// The image that Packer made for the region of the environments that the edit is about.
    fn packers(&self, fleet: &Fleet, path: &Path) -> Result<String, Failure> {
        let region = self.region(fleet)?;
        let refuse = |why: &str| Failure::new(format!("{} {why}", shown(path)));
        let bytes = regular::read(path, MAX_BYTES).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(refuse(&format!("is larger than {} MiB", MAX_BYTES >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text"))?;
        packer::image(&text, &region).map_err(|why| refuse(&why))
    }

    /// Says which environments do not get the image of `spec`, because they set their own.
    fn own_images(&self, fleet: &Fleet) {
        let Some(app) = fleet.apps.get(&self.app) else { return };
        for name in with_own_image(app) {
            terminal::say(&format!("{name} sets its own image, and keeps it: add --env {name} to change that"));
        }
    }

    /// The one region of the environments whose image is edited.
    fn region(&self, fleet: &Fleet) -> Result<String, Failure> {
        let app = &self.app;
        let everywhere: Vec<&EnvironmentName> = match (fleet.apps.get(app), fleet.faults.apps.get(app)) {
            (Some(app), _) => app.effective.keys().collect(),
            (None, Some(faulty)) => faulty.environments.iter().flatten().collect(),
            (None, None) => Vec::new(),
        };
        let own = fleet.apps.get(app).map(with_own_image).unwrap_or_default();
        let meant = everywhere.iter().filter(|name| match &self.env {
            Some(env) => *name == &env,
            None => !own.contains(name),
        });
        let regions: BTreeSet<&str> =
            meant.filter_map(|name| Some(fleet.environments.get(*name)?.spec.region.as_str())).collect();
        let names = everywhere.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        match regions.into_iter().collect::<Vec<_>>()[..] {
            [region] => Ok(region.to_owned()),
            [] if everywhere.is_empty() => Err(Failure::new(format!("{app} is deployed nowhere"))
                .help("add `environments: {test: {}}` to its manifest")),
            [] if self.env.is_none() && own.len() == everywhere.len() => Err(Failure::usage(format!(
                "{app} sets its own image in {names}, so that one for all would have no effect"
            ))
            .help("name one environment with --env")),
            [] => Err(Failure::new(format!("{app} is not deployed there")).help(format!("it is deployed to {names}"))),
            ref several => {
                Err(Failure::usage(format!("images are regional, and {app} is deployed to {}", several.join(", ")))
                    .help("name one environment with --env"))
            }
        }
    }
}

/// The environments in which an app has an image of their own.
fn with_own_image(app: &App) -> Vec<&EnvironmentName> {
    let own = |one: &Effective| one.tree.get("image").is_some_and(|image| image.layer == Layer::Overlay);
    app.effective.iter().filter(|(_, one)| own(one)).map(|(name, _)| name).collect()
}
