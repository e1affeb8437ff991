//! `amiable sim`: a simulated AWS on a loopback port, for Amiable, the AWS CLI and any SDK.
//!
//! - [`fault`]: faults on demand

mod fault;

use std::net::Ipv4Addr;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use super::exit::Exit;
use super::failure::Failure;
use super::terminal;
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::sim::Simulation;
use crate::sim::door::server;
use crate::sim::world::{World, example};

/// The port, where nobody names another.
const PORT: u16 = 4566;

/// Serve a simulated AWS on this machine
///
/// An account with a network, a DNS zone and images that behave well, badly and late. It forgets everything when it ends.
#[derive(Debug, Args)]
pub struct Sim {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port on 127.0.0.1; without it 4566, or for faults that of `AWS_ENDPOINT_URL`
    #[arg(long, value_name = "PORT", global = true)]
    port: Option<u16>,
    /// How many times as fast as the real one its clock runs, 1 to 3600
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    Fault(fault::Fault),
}

impl Sim {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn run(self) -> Result<Exit, Failure> {
        if let Some(Command::Fault(fault)) = self.command {
            return fault.run(self.port.or_else(fault::port_in_use).unwrap_or(PORT)).await;
        }
        let port = self.port.unwrap_or(PORT);
        let address = (Ipv4Addr::LOCALHOST, port);
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(format!("cannot listen on 127.0.0.1:{port}: {error}")).help("choose another --port")
        })?;
        let address = listener.local_addr()?;
        let now = Timestamp::now();
        let world = World::example(now);
        let inventory = world.inventory().to_string();
        let simulation = Simulation::new(world, Clock::new(now, self.speed));
        terminal::say(&format!("a simulated AWS is at http://{address}, {} times as fast as the real one", self.speed));
        terminal::print(&settings(&address.to_string(), now, self.speed))?;
        terminal::say(&format!("what is in it, for manifests to name:\n{}", inventory.trim_end()));
        terminal::say(&format!("an environment in it, for manifests/environment-prod.yaml:\n\n{}", environment()));
        server::serve(simulation, listener, tokio::signal::ctrl_c()).await?;
        Ok(Exit::Fine)
    }
}

/// What another shell needs, to be read by `eval` or pasted.
fn settings(address: &str, began: Timestamp, speed: u32) -> String {
    let region = example::REGION;
    // Rust's SDK takes the first name of the region, boto3 only the second.
    format!(
        "export AWS_ENDPOINT_URL=http://{address}\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID=AKIASIMULATED\nexport AWS_SECRET_ACCESS_KEY=simulated\n\
         export AMIABLE_SIM_CLOCK='{began}*{speed}'\n"
    )
}

/// The manifest of an environment in it.
fn environment() -> String {
    let (region, account) = (example::REGION, example::ACCOUNT);
    let subnets = [example::SUBNETS[0], example::SUBNETS[1]].join(", ");
    format!(
        "apiVersion: amiable/v1\nkind: Environment\nmetadata: {{name: prod}}\nspec:\n  region: {region}\n  accountId: \"{account}\"\n  \
         network: {{vpcId: {}, subnetIds: [{subnets}]}}\n  securityGroupIds: [{}]\n  dnsZone: {}\n",
        example::VPC,
        example::SECURITY_GROUP,
        example::ZONE_NAME
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fleet;

    #[test]
    fn the_environment_that_is_printed_is_a_manifest_without_a_mistake() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("environment-prod.yaml"), environment()).unwrap();
        let (fleet, findings) = fleet::survey(&[directory.path().to_owned()], None);
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(fleet.environments.len(), 1);
    }

    #[test]
    fn a_shell_can_read_the_settings_and_every_sdk_finds_its_region() {
        let text = settings("127.0.0.1:4566", Timestamp::UNIX_EPOCH, 60);
        assert!(text.lines().all(|line| line.starts_with("export A") && line.contains('=')), "{text}");
        assert!(text.contains("export AMIABLE_SIM_CLOCK='1970-01-01T00:00:00Z*60'\n"), "{text}");
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            assert!(text.contains(&format!("export {name}={}\n", example::REGION)), "{text}");
        }
        assert!(text.contains("export AWS_ENDPOINT_URL=http://127.0.0.1:4566\n"), "{text}");
    }
}
