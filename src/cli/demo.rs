//! `amiable demo`: the main job from start to end, on a simulated AWS within the process, while a client sends requests.
//!
//! The commands are the real ones; only AWS is not, and time runs faster. Instances are HTTP servers on loopback behind
//! a proxy that obeys the weights and the health of the targets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser as _};

use super::exit::Exit;
use super::failure::Failure;
use super::{Cli, dispatch, terminal};
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::sim::dataplane::load::{Load, LoadPlan, LoadReport};
use crate::sim::dataplane::{DataPlane, Endpoint};
use crate::sim::wire::{Params, Request};
use crate::sim::world::World;
use crate::sim::world::example;
use crate::sim::{Outcome, Simulation};

/// The images of the story.
const IMAGES: [(&str, &str, &str); 4] = [
    ("ami-0000000000000de01", "hello 1.0.0", ""),
    ("ami-0000000000000de02", "hello 1.1.0", ""),
    ("ami-0000000000000de03", "hello 1.2.0", "never-healthy"),
    ("ami-0000000000000de04", "hello 1.3.0", ""),
];

/// Watch a service be deployed, replaced, broken, repaired and rolled back, on a simulated AWS
#[derive(Debug, Args)]
pub struct Demo {
    /// How many times as fast as the real one its clock runs, 1 to 60
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: u32,
}

impl Demo {
    /// Tells the story, and counts what the client lost by it.
    ///
    /// # Errors
    /// When a request failed, or a command ended otherwise than the story needs.
    pub async fn run(self) -> Result<Exit, Failure> {
        let stage = Stage::set(self.speed)?;
        let told = tell(&stage).await;
        stage.clear();
        let report = told?;
        conclude(&report)
    }
}

async fn tell(stage: &Stage) -> Result<LoadReport, Failure> {
    let [one, two, bad, three] = IMAGES.map(|(id, _, _)| id);
    stage.say("1. A new app: one short manifest.");
    let new = format!(
        "init hello --env demo --ami {one} --instance-type m7i.large --health-check-url /health_check --min-instances 3 --max-instances 6"
    );
    stage.run(&new, Exit::Fine).await?;
    stage.show("hello.yaml")?;

    stage.say("2. Deployed: load balancer, launch template, Auto Scaling group; verified before it takes traffic.");
    stage.run("apply --yes", Exit::Fine).await?;
    let load = stage.load().await?;
    stage.say("   From here on a client sends requests through the load balancer, all the time.");

    stage.say("3. Another image. What a pull request would show:");
    stage.run(&format!("image set hello {two}"), Exit::Fine).await?;
    stage.run("plan", Exit::Fine).await?;
    stage.say("   Red-black: the new generation beside the old one, checked, all traffic in one call, watched.");
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("4. An image that never gets healthy. It takes no traffic, and the old generation goes on serving.");
    stage.run(&format!("image set hello {bad}"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::ReleaseFailed).await?;
    stage.run("status hello", Exit::Fine).await?;
    stage.say("   The commit is reverted, and nothing needs to be deployed.");
    stage.run(&format!("image set hello {two}"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("5. An instance is lost; its group replaces it.");
    stage.lose_an_instance().await?;

    stage.say("6. Somebody changes the group by hand. Drift is shown, and put right.");
    stage.by_hand(
        "aws autoscaling update-auto-scaling-group --auto-scaling-group-name hello-demo-v002 --max-size 20",
        "UpdateAutoScalingGroup",
        &[("AutoScalingGroupName", "hello-demo-v002"), ("MaxSize", "20")],
    )?;
    stage.run("plan", Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;

    stage.say("7. One more release, and second thoughts: back to the warm generation, without a launch.");
    stage.run(&format!("image set hello {three}"), Exit::Fine).await?;
    stage.run("apply --yes", Exit::Fine).await?;
    stage.run("rollback hello --yes --reason second-thoughts", Exit::Fine).await?;
    stage.run("plan", Exit::Fine).await?;

    stage.say("8. What was released, and what runs.");
    stage.run("history hello", Exit::Fine).await?;
    stage.run("status", Exit::Fine).await?;
    Ok(load.stop().await)
}

fn conclude(report: &LoadReport) -> Result<Exit, Failure> {
    let by_version: Vec<_> =
        report.by_version.iter().map(|(version, count)| format!("{version}: {}", count.good + count.bad)).collect();
    terminal::print(&format!(
        "\nWhile all this happened the client sent {} requests ({}): {} failed; the slowest took {} ms.\n",
        report.sent,
        by_version.join(", "),
        report.failed,
        report.slowest.as_millis()
    ))?;
    if report.failed == 0 {
        return Ok(Exit::Fine);
    }
    let failures: Vec<_> = report.failures.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    Err(Failure::new(format!("{} requests failed ({})", report.failed, failures.join(", "))))
}

/// The scene: a simulated AWS, real servers for its instances, and a directory with manifests.
struct Stage {
    simulation: Simulation,
    servers: DataPlane,
    manifests: PathBuf,
}

impl Stage {
    fn set(speed: u32) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let mut world = World::example(now);
        for (id, name, behaviour) in IMAGES {
            world.add_image(id, name, behaviour);
            if let Some(image) = world.images.all.get_mut(id) {
                let version = name.trim_start_matches("hello ").to_owned();
                image.tags.insert("version".to_owned(), version);
            }
        }
        let simulation = Simulation::new(world, Clock::new(now, speed));
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

    fn say(&self, text: &str) {
        // The same stream as the commands' output, so that the story reads in order.
        drop(terminal::print(&format!("\n{text}\n")));
    }

    fn show(&self, name: &str) -> Result<(), Failure> {
        let text = std::fs::read_to_string(self.manifests.join(name))?;
        let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
        terminal::print(&format!("\n$ cat manifests/{name}\n{indented}"))
    }

    /// Types a command, and insists on how it ends.
    async fn run(&self, line: &str, expected: Exit) -> Result<(), Failure> {
        terminal::print(&format!("\n$ amiable {line}\n"))?;
        let mut arguments = vec![OsString::from("amiable"), "--manifests".into(), self.manifests.clone().into()];
        arguments.extend(line.split(' ').map(OsString::from));
        let mut cli = Cli::try_parse_from(arguments).map_err(|error| Failure::new(error.to_string()))?;
        cli.global.within = Some(self.simulation.clone());
        let exit = Box::pin(dispatch(cli.command, &cli.global)).await?;
        if exit == expected {
            return Ok(());
        }
        Err(Failure::new(format!("`amiable {line}` ended with {}, not {}", exit as i32, expected as i32)))
    }

    /// Begins to send requests to the app.
    async fn load(&self) -> Result<Load, Failure> {
        let endpoint = Endpoint { load_balancer: "hello-demo".to_owned(), port: 80 };
        let address = self.servers.listener(&endpoint).await.ok_or_else(|| Failure::new("the proxy has ended"))?;
        let pause = Duration::from_millis(3);
        Ok(Load::start(&LoadPlan { address, host: None, path: "/".to_owned(), workers: 4, pause }))
    }

    /// What somebody types elsewhere.
    fn by_hand(&self, typed: &str, operation: &str, parameters: &[(&str, &str)]) -> Result<(), Failure> {
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
            Outcome::Reply(reply) if reply.status == 200 => Ok(()),
            Outcome::Reply(reply) => Err(Failure::new(format!("{typed}: {}", reply.body))),
            Outcome::Broken => Err(Failure::new(format!("{typed}: no answer"))),
        }
    }

    /// Terminates an instance of what serves, and waits until its group is whole again.
    async fn lose_an_instance(&self) -> Result<(), Failure> {
        const GROUP: &str = "hello-demo-v002";
        let members = || -> Vec<String> {
            self.simulation.with(|world| {
                let group = world.scaling.groups.get(GROUP);
                group.map(|group| group.members.keys().cloned().collect()).unwrap_or_default()
            })
        };
        let serving = || self.simulation.with(|world| world.serving().get(GROUP).copied().unwrap_or(0));
        let before = members();
        let Some(lost) = before.first() else { return Err(Failure::new(format!("{GROUP} has no instances"))) };
        self.by_hand(
            &format!("aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {lost} --no-should-decrement-desired-capacity"),
            "TerminateInstanceInAutoScalingGroup",
            &[("InstanceId", lost), ("ShouldDecrementDesiredCapacity", "false")],
        )?;
        let clock = self.simulation.clock();
        let begun = clock.now();
        for _ in 0..120 {
            clock.sleep(Duration::from_secs(5)).await;
            let now = members();
            let fresh = now.iter().find(|id| !before.contains(id));
            if let Some(fresh) = fresh.filter(|_| !now.contains(lost) && serving() as usize == before.len()) {
                let seconds = clock.now().as_second() - begun.as_second();
                self.say(&format!("   {lost} is gone, and {fresh} serves in its place, {seconds} s later."));
                return Ok(());
            }
        }
        Err(Failure::new(format!("{lost} was not replaced")))
    }

    fn clear(&self) {
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
    verification: {{stableFor: 15s}}
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
