//! Many releases in a row while a client sends requests: every fourth is of a bad image, and none may cost a request.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::stage::Stage;
use crate::aws::Aws;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::terminal;
use crate::controller::converge::{Options, Outcome, converge};
use crate::manifest::fleet;
use crate::model::desired::Desired;
use crate::model::plan::Plan;
use crate::sim::dataplane::load::{Load, LoadReport};
use crate::sim::world::example;
use crate::sim::world::scaling::LaunchFailure;

/// What AWS says of an image that cannot be launched.
const CANNOT_BE_LAUNCHED: &str = "The image id '[ami-0badc0de]' does not exist.";

/// What is the matter with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    Good,
    /// Its instances never pass a check.
    NeverHealthy,
    /// Their checks fail when they have had traffic for a while. Clients get their answers all the same, so that what is
    /// lost is lost by the release.
    SickUnderTraffic,
    /// EC2 cannot launch it.
    NoLaunch,
}

impl Quality {
    /// Every fourth is bad, each time in another way.
    fn of(number: u32) -> Self {
        match (number % 4, number / 4 % 3) {
            (0, 1) => Quality::NeverHealthy,
            (0, 2) => Quality::SickUnderTraffic,
            (0, _) => Quality::NoLaunch,
            _ => Quality::Good,
        }
    }

    fn behaviour(self) -> &'static str {
        match self {
            Quality::Good | Quality::NoLaunch => "",
            Quality::NeverHealthy => "never-healthy",
            Quality::SickUnderTraffic => "checks-fail-after=45s",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Quality::Good => "good",
            Quality::NeverHealthy => "never healthy",
            Quality::SickUnderTraffic => "sick under traffic",
            Quality::NoLaunch => "cannot be launched",
        }
    }
}

/// How the release of a number takes over: its name, and what the manifest says.
fn strategy(number: u32) -> (&'static str, &'static str) {
    match number % 5 {
        0 | 1 => {
            ("canary", "{canary: {steps: [{weight: 10}, {pause: 20s}, {weight: 50}, {pause: 20s}], bakeTime: 30s}}")
        }
        _ => ("red-black", "{redBlack: {bakeTime: 1m}}"),
    }
}

fn image(number: u32) -> String {
    format!("ami-{number:017x}")
}

/// Releases one image after the other, and says how each one went.
///
/// # Errors
/// When one ended otherwise than it should, or could not be begun.
pub(super) async fn run(stage: &Stage, count: u32) -> Result<LoadReport, Failure> {
    let begun = Instant::now();
    let mut series = Series::open(stage).await;
    stage.say(&format!(
        "{count} releases in a row, every fourth of a bad image. The client begins to send requests after the first."
    ));
    print(["RELEASE", "IMAGE", "STRATEGY", "ENDED", "SECONDS", "REQUESTS", "FAILED"].map(str::to_owned))?;
    let mut wrong = Vec::new();
    for number in 1..=count {
        let release = series.release(number).await?;
        print(release.cells)?;
        wrong.extend(release.wrong);
        if series.load.is_none() {
            series.load = Some(stage.load().await?);
        }
    }
    let failed = (1..=count).filter(|number| Quality::of(*number) != Quality::Good).count();
    let minutes = (series.aws_clock_seconds() + 59) / 60;
    terminal::print(&format!(
        "\n{count} releases in {minutes} minutes of its time ({} s): {} of good images, {failed} of bad ones, {} ended otherwise than they should.\n",
        begun.elapsed().as_secs(),
        count as usize - failed,
        wrong.len()
    ))?;
    let report = match series.load {
        Some(load) => load.stop().await,
        None => LoadReport::default(),
    };
    if wrong.is_empty() { Ok(report) } else { Err(Failure::new(wrong.join("\n"))) }
}

fn print(cells: [String; 7]) -> Result<(), Failure> {
    let [release, image, strategy, ended, seconds, requests, failed] = cells;
    terminal::print(&format!(
        "{release:<8} {image:<34} {strategy:<10} {ended:<32} {seconds:>7} {requests:>9} {failed:>7}\n"
    ))
}

/// How one release went.
struct Released {
    cells: [String; 7],
    /// What was otherwise than it should be.
    wrong: Option<String>,
}

struct Series<'a> {
    stage: &'a Stage,
    aws: Aws,
    load: Option<Load>,
    /// The last image that was good.
    good: u32,
    begun: i64,
}

impl<'a> Series<'a> {
    async fn open(stage: &'a Stage) -> Self {
        let Session { aws, clock, .. } = Session::within(&stage.simulation, example::REGION).await;
        Self { stage, aws, load: None, good: 0, begun: clock.now().as_second() }
    }

    fn aws_clock_seconds(&self) -> i64 {
        self.stage.simulation.clock().now().as_second() - self.begun
    }

    async fn release(&mut self, number: u32) -> Result<Released, Failure> {
        let quality = Quality::of(number);
        let name = format!("hello 1.{number}.0");
        self.stage.register(&image(number), &name, quality.behaviour());
        let trouble = (quality == Quality::NoLaunch).then(|| LaunchFailure::Other(CANNOT_BE_LAUNCHED.to_owned()));
        self.stage.simulation.with(|world| world.scaling.capacity.failure = trouble);
        let (strategy, spec) = strategy(number);
        let desired = self.desired(number, spec)?;
        let before = self.aws_clock_seconds();
        let (outcome, plan) = self.converge(&desired).await?;
        self.stage.simulation.with(|world| world.scaling.capacity.failure = None);
        let seconds = self.aws_clock_seconds() - before;
        if quality == Quality::Good {
            self.good = number;
        }
        let wrong = self.judge(number, quality, outcome).map(|wrong| with_reason(wrong, &plan));
        let (from, ended) = describe(&plan, outcome);
        let report = self.load.as_ref().map(Load::report).unwrap_or_default();
        let image = format!("{name} ({})", quality.words());
        let cells = [
            from,
            image,
            strategy.to_owned(),
            ended,
            seconds.to_string(),
            report.sent.to_string(),
            report.failed.to_string(),
        ];
        Ok(Released { cells, wrong })
    }

    /// Writes the manifest, and reads it back with the environment's.
    fn desired(&self, number: u32, strategy: &str) -> Result<Desired, Failure> {
        let file = self.stage.manifests.join("hello.yaml");
        std::fs::write(&file, manifest(number, strategy))?;
        let fleet = fleet::load(&[Path::to_owned(&self.stage.manifests)]);
        let fleet = fleet.map_err(|findings| Failure::new(format!("{findings:?}")))?;
        let name = "demo".parse().map_err(|_| Failure::new("the environment has no name"))?;
        fleet.desired(&name).map_err(|findings| Failure::new(format!("{findings:?}")))
    }

    async fn converge(&self, desired: &Desired) -> Result<(Outcome, Plan), Failure> {
        let options = Options { timeout: Some(Duration::from_secs(3600)), ..Options::default() };
        let (_sender, stop) = watch::channel(false);
        let ending = converge(&self.aws, desired, self.stage.simulation.clock(), &options, &|_| {}, stop).await?;
        Ok((ending.outcome, ending.plan))
    }

    /// What is otherwise than it should be after a release: how it ended, and what serves.
    fn judge(&self, number: u32, quality: Quality, outcome: Outcome) -> Option<String> {
        let expected = if quality == Quality::Good { Outcome::Converged } else { Outcome::ReleaseFailed };
        if outcome != expected {
            return Some(format!("release {number} ({}) ended as {outcome:?}, not as {expected:?}", quality.words()));
        }
        let good = image(self.good);
        let strangers: Vec<String> = self.stage.simulation.with(|world| {
            let groups = world.serving().into_keys().filter_map(|name| world.scaling.groups.get(&name));
            let images = groups.filter_map(|group| group.tags.get("amiable:image")).map(|tag| tag.value.clone());
            images.filter(|image| *image != good).collect()
        });
        (!strangers.is_empty())
            .then(|| format!("after release {number} {} serves, not only {good}", strangers.join(", ")))
    }
}

/// With why the release failed, where it did.
fn with_reason(wrong: String, plan: &Plan) -> String {
    match plan.apps.first().and_then(|app| app.failure.as_ref()) {
        Some(failure) => format!("{wrong}: {failure}"),
        None => wrong,
    }
}

/// The generation that was to come, and how that ended in a few words.
fn describe(plan: &Plan, outcome: Outcome) -> (String, String) {
    let Some(app) = plan.apps.first() else { return (String::new(), format!("{outcome:?}")) };
    let serves = app.from.map(|generation| generation.to_string()).unwrap_or_default();
    match (&app.failure, outcome) {
        (Some(failure), Outcome::ReleaseFailed) => {
            let failed = failure.split(' ').next().unwrap_or_default();
            (failed.to_owned(), format!("failed, {serves} serves"))
        }
        (_, Outcome::Converged) => (serves, "deployed".to_owned()),
        (_, outcome) => (serves, format!("{outcome:?}: {}", app.reason)),
    }
}

fn manifest(number: u32, strategy: &str) -> String {
    format!(
        "apiVersion: amiable/v1
kind: App
metadata: {{name: hello}}
spec:
  image: {{id: {}}}
  instanceType: m7i.large
  instances: {{min: 3, max: 6}}
  healthCheck: {{path: /health_check}}
  loadBalancer: {{deregistrationDelay: 20s}}
  strategy: {strategy}
  retain: {{for: 10s}}
environments: {{demo: {{}}}}
",
        image(number)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_twenty_images_five_are_bad_and_in_every_way() {
        let bad: Vec<Quality> = (1..=20).map(Quality::of).filter(|quality| *quality != Quality::Good).collect();
        let ways = [Quality::NeverHealthy, Quality::SickUnderTraffic, Quality::NoLaunch];
        assert_eq!(bad, [&ways[..], &ways[..2]].concat());
    }
}
