//! The scene of the demonstration: a simulated AWS, real servers for its instances, and a directory with manifests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::{self, Answers};
use crate::cli::typed;
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::sim::dataplane::load::{Load, LoadPlan};
use crate::sim::dataplane::{DataPlane, Endpoint};
use crate::sim::wire::{Params, Request};
use crate::sim::world::World;
use crate::sim::world::example;
use crate::sim::{Outcome, Simulation};

/// The scene: a simulated AWS, real servers for its instances, and a directory with manifests.
pub(super) struct Stage {
    pub(super) simulation: Simulation,
    servers: DataPlane,
    pub(super) manifests: PathBuf,
}

impl Stage {
    /// The example account, its clock `speed` times as fast as the real one, and the manifest of the environment.
    ///
    /// # Errors
    /// When the manifests cannot be written.
    pub(super) fn set(speed: u32) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let simulation = Simulation::new(World::example(now), Clock::new(now, speed));
        let manifests = std::env::temp_dir().join(format!("amiable-demo-{}", std::process::id())).join("manifests");
        std::fs::create_dir_all(&manifests)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", manifests.display())))?;
        let stage = Self { servers: DataPlane::start(&simulation), simulation, manifests };
        std::fs::write(stage.manifests.join("environment-demo.yaml"), environment())?;
        stage.say(&format!(
            "A simulated AWS in this process, {speed} times as fast as the real one: no account, no network, no cost.\n\
             The platform team's part is there already, {}/environment-demo.yaml: region, network, DNS zone.",
            stage.manifests.display()
        ));
        Ok(stage)
    }

    /// Registers an image, whose name ends with its version.
    pub(super) fn register(&self, id: &str, name: &str, behaviour: &str) {
        self.simulation.with(|world| {
            world.add_image(id, name, behaviour);
            if let Some(image) = world.images.all.get_mut(id) {
                let version = name.rsplit(' ').next().unwrap_or_default().to_owned();
                image.tags.insert("version".to_owned(), version);
            }
        });
    }

    /// Prints a text of the story.
    pub(super) fn say(&self, text: &str) {
        // The same stream as the commands' output, so that the story reads in order.
        drop(terminal::print(&format!("\n{text}\n")));
    }

    /// Prints a manifest.
    pub(super) fn show(&self, name: &str) -> Result<(), Failure> {
        let text = std::fs::read_to_string(self.manifests.join(name))?;
        let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
        terminal::print(&format!("\n$ cat manifests/{name}\n{indented}"))
    }

    /// Types a command, and insists on how it ends.
    pub(super) async fn run(&self, line: &str, expected: Exit) -> Result<(), Failure> {
        terminal::print(&format!("\n$ amiable {line}\n"))?;
        let mut arguments = vec!["--manifests".into(), self.manifests.clone().into()];
        arguments.extend(line.split(' ').map(OsString::from));
        let exit = typed(&self.simulation, Answers::default(), &arguments).await?;
        if exit == expected {
            return Ok(());
        }
        Err(Failure::new(format!("`amiable {line}` ended with {}, not {}", exit as i32, expected as i32)))
    }

    /// Begins to send requests to the app.
    pub(super) async fn load(&self) -> Result<Load, Failure> {
        let endpoint = Endpoint { load_balancer: "hello-demo".to_owned(), port: 80 };
        let address = self.servers.listener(&endpoint).await.ok_or_else(|| Failure::new("the proxy has ended"))?;
        let pause = Duration::from_millis(3);
        Ok(Load::start(&LoadPlan { address, host: None, path: "/".to_owned(), workers: 4, pause }))
    }

    /// What somebody types elsewhere.
    pub(super) fn by_hand(&self, typed: &str, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
        terminal::print(&format!("\n$ {typed}\n"))?;
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = Request {
            service: "autoscaling".to_owned(),
            region: example::REGION.to_owned(),
            access_key: "AKIASOMEBODY".to_owned(),
            operation: operation.to_owned(),
            params: Params::decode(encoded.as_bytes()),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            ..Request::default()
        };
        match self.simulation.call(&request) {
            Outcome::Reply(reply) | Outcome::Late(reply, _) if reply.status == 200 => Ok(()),
            Outcome::Reply(reply) | Outcome::Late(reply, _) => Err(Failure::new(format!("{typed}: {}", reply.body))),
            Outcome::Broken | Outcome::Unreachable => Err(Failure::new(format!("{typed}: no answer"))),
        }
    }

    /// Removes what was written.
    pub(super) fn clear(&self) {
        if let Some(folder) = self.manifests.parent() {
            remove(folder);
        }
    }
}

/// What was written for the story goes with it; what cannot be removed is left to the system's own tidying.
fn remove(folder: &Path) {
    drop(std::fs::remove_dir_all(folder));
}

/// The environment's manifest, with short times so that the story is short.
fn environment() -> String {
    format!(
        "apiVersion: amiable/v1
kind: Environment
metadata: {{name: demo}}
spec:
  region: {}
  accountId: \"{}\"
  network:
    vpcId: {}
    subnetIds: [{}]
  securityGroupIds: [{}]
  dnsZone: {}
  defaults:
    strategy: {{redBlack: {{bakeTime: 1m}}}}
    verification: {{stableFor: 15s, smoke: [{{path: /version, body: hello}}]}}
    progressDeadline: 4m
    retain: {{for: 24h}}
",
        example::REGION,
        example::ACCOUNT,
        example::VPC,
        example::SUBNETS.join(", "),
        example::SECURITY_GROUP,
        example::ZONE_NAME,
    )
}
