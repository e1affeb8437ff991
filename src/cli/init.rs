//! `amiable init`: writes the manifest of a new app, and one for its environment where there is none.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::{Global, environments, terminal};
use crate::manifest::fleet;
use crate::manifest::init::{self, NewApp};

use crate::model::names::{AppName, EnvironmentName};
use crate::model::spec::Protocol;

/// Write the manifest of a new app
#[derive(Debug, Args)]
#[command(visible_alias = "create_application")]
pub struct Init {
    /// The app's name; everything it owns in AWS is named after it
    name: AppName,
    /// The environment that it is deployed to first
    #[arg(long, value_name = "NAME", env = "AMIABLE_ENV")]
    env: EnvironmentName,
    /// The image: ami-…; it can be set later
    #[arg(long, value_name = "ID")]
    ami: Option<String>,
    /// The EC2 instance type
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The fewest instances
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    min_instances: Option<u32>,
    /// The most instances
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_instances: Option<u32>,
    /// The path that tells whether an instance is well; of a URL, the path, the port and the protocol are taken
    #[arg(long, value_name = "PATH|URL")]
    health_check_url: Option<String>,
    /// The port on which instances serve
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// The protocol that instances speak: HTTP or HTTPS
    #[arg(long, value_name = "PROTOCOL", value_parser = protocol)]
    protocol: Option<Protocol>,
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let all = [Protocol::Http, Protocol::Https];
    let found = all.into_iter().find(|protocol| protocol.as_str().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "write HTTP or HTTPS".to_owned())
}

impl Init {
    /// Writes the manifests, never over a file that exists, nor a second one of the same app.
    ///
    /// # Errors
    /// When the numbers contradict each other, a manifest describes the app already, or a file exists or cannot be written.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        if let (Some(min), Some(max)) = (self.min_instances, self.max_instances)
            && min > max
        {
            return Err(Failure::usage(format!("--min-instances {min} is more than --max-instances {max}")));
        }
        let check = self.health_check_url.as_deref().map(init::health_check_of).transpose().map_err(Failure::usage)?;
        let check = check.unwrap_or_default();
        if let (Some(one), Some(other)) = (self.port, check.port)
            && one != other
        {
            return Err(Failure::usage(format!("--port {one} and the port {other} of --health-check-url contradict")));
        }
        let fleet = environments::survey(global);
        if let Some(path) = fleet.file_of(&self.name) {
            return Err(Failure::new(format!("{} describes {} already", path.display(), self.name))
                .help("edit it; `amiable image set` writes another image into it"));
        }
        if fleet.faults.unseen {
            let why = format!("a manifest that cannot be read may describe {} already; nothing was written", self.name);
            return Err(Failure::new(why).help("`amiable validate` shows what is wrong with it"));
        }
        let known = fleet.environments.contains_key(&self.env) || fleet.faults.environments.contains(&self.env);
        let new = NewApp {
            name: self.name.clone(),
            environment: self.env.clone(),
            health_check_path: check.path,
            port: self.port.or(check.port).or((check.protocol == Some(Protocol::Https)).then_some(443)),
            protocol: self.protocol.or(check.protocol),
            image: self.ami.clone(),
            instance_type: self.instance_type,
            min_instances: self.min_instances,
            max_instances: self.max_instances,
        };
        sound(&new)?;
        let directory = &global.manifests;
        fs::create_dir_all(directory)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
        write_new(&directory.join(format!("{}.yaml", self.name)), &init::app(&new))?;
        let environment = directory.join(format!("environment-{}.yaml", self.env));
        if !known && !environment.exists() {
            write_new(&environment, &init::environment(&self.env, None, global.region.as_deref()))?;
            terminal::say(&format!("next: put account, region and network into {}", environment.display()));
        }
        if self.ami.is_none() {
            terminal::say(&format!("next: amiable image set {} ami-…", self.name));
        }
        terminal::say(&format!("then: amiable plan {} --env {}", self.name, self.env));
        Ok(Exit::Fine)
    }
}

/// Refuses what would be no valid manifest, before anything is written.
fn sound(new: &NewApp) -> Result<(), Failure> {
    let texts = [
        (format!("{}.yaml", new.name), init::app(new)),
        ("environment.yaml".to_owned(), { init::environment(&new.environment, None, None) }),
    ];
    let texts = texts.into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect();
    match fleet::load_texts(texts) {
        Ok(_) => Ok(()),
        Err(findings) => {
            environments::say(&findings);
            Err(Failure::usage("the manifest would have errors; nothing was written"))
        }
    }
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!("{} exists already", path.display()))
            .help("edit it; `amiable image set` writes another image into it"),
        _ => Failure::new(format!("cannot write {}: {error}", path.display())),
    })?;
    terminal::say(&format!("wrote {}", path.display()));
    Ok(())
}
