//! `amiable init`: writes the manifest of a new app.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::{Global, terminal};
use crate::manifest::spec::Protocol;
use crate::manifest::yaml;
use crate::model::names::{AppName, EnvironmentName};

/// Write the manifest of a new app
#[derive(Debug, Args)]
#[command(visible_alias = "create_application")]
pub struct Init {
    /// The app's name; everything it owns in AWS is named after it
    name: AppName,
    /// An environment that it is deployed to; may be given several times
    #[arg(long = "env", value_name = "NAME", required = true)]
    environments: Vec<EnvironmentName>,
    /// The image: ami-…; it can be set later
    #[arg(long, value_name = "ID")]
    ami: Option<String>,
    /// The EC2 instance type
    #[arg(long, value_name = "TYPE", default_value = "t3.small")]
    instance_type: String,
    /// The fewest instances
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=1000))]
    min_instances: u32,
    /// The most instances; as many as the fewest if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_instances: Option<u32>,
    /// The path that tells whether an instance is well
    #[arg(long, value_name = "PATH", default_value = "/")]
    health_check_url: String,
    /// The port on which instances serve
    #[arg(long, value_name = "PORT", default_value_t = 80, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The protocol that instances speak
    #[arg(long, value_name = "PROTOCOL", default_value = "HTTP", value_parser = protocol)]
    protocol: Protocol,
}

fn protocol(text: &str) -> Result<Protocol, String> {
    match text.to_ascii_uppercase().as_str() {
        "HTTP" => Ok(Protocol::Http),
        "HTTPS" => Ok(Protocol::Https),
        _ => Err("write HTTP or HTTPS".to_owned()),
    }
}

impl Init {
    /// Writes the manifest, never over a file that exists.
    ///
    /// # Errors
    /// When the numbers contradict each other, or the file exists or cannot be written.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let max = self.max_instances.unwrap_or(self.min_instances.max(1));
        if self.min_instances > max {
            return Err(Failure::usage(format!(
                "--min-instances {} is more than --max-instances {max}",
                self.min_instances
            )));
        }
        let path = self.path(global);
        std::fs::create_dir_all(&global.manifests)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", global.manifests.display())))?;
        write_new(&path, &self.manifest(max))?;
        terminal::say(&format!("wrote {}", path.display()));
        self.next_steps(global);
        Ok(Exit::Fine)
    }

    fn path(&self, global: &Global) -> PathBuf {
        global.manifests.join(format!("{}.yaml", self.name))
    }

    fn manifest(&self, max: u32) -> String {
        let mut out = format!("apiVersion: amiable/v1\nkind: App\nmetadata:\n  name: {}\nspec:\n", self.name);
        if let Some(ami) = &self.ami {
            let _ = writeln!(out, "  image:\n    id: {}", yaml::inline_text(ami));
        }
        let _ = writeln!(out, "  instanceType: {}", yaml::inline_text(&self.instance_type));
        let _ = writeln!(out, "  instances:\n    min: {}\n    max: {max}", self.min_instances);
        let _ = writeln!(out, "  healthCheck:\n    path: {}", yaml::inline_text(&self.health_check_url));
        if self.port != 80 {
            let _ = writeln!(out, "    port: {}", self.port);
        }
        if self.protocol != Protocol::Http {
            let _ = writeln!(out, "    protocol: {}", self.protocol.as_str());
        }
        out.push_str("environments:\n");
        for environment in &self.environments {
            let _ = writeln!(out, "  {environment}: {{}}");
        }
        out
    }

    fn next_steps(&self, global: &Global) {
        let Some(environment) = self.environments.first() else { return };
        if self.ami.is_none() {
            terminal::say(&format!("next: amiable image set {} ami-…", self.name));
        }
        let found = super::environments::names(global);
        if found.is_ok_and(|found| !found.contains(environment)) {
            terminal::say(&format!(
                "next: write a manifest of kind Environment named {environment}, with account, region and network"
            ));
        }
        terminal::say(&format!("next: amiable plan {} --env {environment}", self.name));
    }
}

fn write_new(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(format!("{} exists already", path.display()))
            .help("edit it, or set its image with `amiable image set`"),
        _ => Failure::new(format!("cannot write {}: {error}", path.display())),
    })
}
