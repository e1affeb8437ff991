//! `amiable demo`: the main job from start to end, on a simulated AWS within the process, while a client sends requests.
//!
//! The product is the real one; only AWS is not, and time runs faster. Instances are HTTP servers on loopback behind a proxy
//! that obeys the weights and the health of the targets.
//!
//! - [`stage`]: the scene
//! - [`story`]: what is told without further words
//! - [`series`]: many releases in a row

mod series;
mod stage;
mod story;

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::terminal;
use crate::sim::dataplane::load::LoadReport;
use stage::Stage;

/// Watch a service be deployed, replaced, broken, repaired and rolled back, on a simulated AWS
#[derive(Debug, Args)]
pub struct Demo {
    /// How many times as fast as the real one its clock runs, 1 to 60
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: u32,
    /// Instead of the story so many releases in a row, 1 to 1000, every fourth of a bad image
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    releases: Option<u32>,
}

impl Demo {
    /// Tells the story, and counts what the client lost by it.
    ///
    /// # Errors
    /// When a request failed, or something ended otherwise than it should.
    pub async fn run(self) -> Result<Exit, Failure> {
        let stage = Stage::set(self.speed)?;
        let told = match self.releases {
            None => story::tell(&stage).await,
            Some(count) => series::run(&stage, count).await,
        };
        stage.clear();
        conclude(&told?)
    }
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
