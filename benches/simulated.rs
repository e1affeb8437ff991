//! How much work a fleet is: how many AWS calls, which is the same on every machine, and then how long it takes on one core.
//!
//! Everything runs in this process, against the simulated AWS and on virtual time. No network and no waiting takes part:
//! what is timed is the work of Amiable, of the SDK and of the simulation. Counts that differ between two runs end the
//! benchmark, for they would mean that a simulation cannot be repeated.

#[allow(dead_code, clippy::unwrap_used)]
#[path = "../tests/it/invariants.rs"]
mod invariants;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../tests/it/lab.rs"]
mod lab;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../tests/it/transport.rs"]
mod transport;

use std::collections::BTreeMap;
use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use amiable::controller::converge::Outcome;
use amiable::controller::snapshot::look;
use amiable::model::desired::Desired;
use amiable::model::observed::{Observed, Read};
use amiable::model::plan::{Change, Plan};
use amiable::plan::plan;
use amiable::sim::door::http_client::Clients;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use lab::Lab;

/// How often everything is measured.
const RUNS: usize = 5;
/// How many apps are released at once.
const RELEASES: [usize; 2] = [1, 20];
/// How many unchanged apps one look is at.
const LOOKS: [usize; 3] = [1, 20, 200];
/// How many unchanged apps one plan is for, in ascending order.
const PLANS: [usize; 3] = [100, 1_000, 10_000];
/// How many apps share an account while a large snapshot is put together: a world of a thousand takes long to build.
const SHARD: usize = 20;
/// How many calls go through the door in one run.
const CALLS: u32 = 500;

fn main() {
    let releases = RELEASES.map(|apps| progress(&format!("releases of {apps}"), || releases(apps)));
    let looks = LOOKS.map(|apps| progress(&format!("looks at {apps}"), || simulated(looks(apps))));
    let plans = progress("plans", || simulated(plans()));
    let calls = progress("calls", || simulated(calls()));

    println!("\nCounts, the same on every machine");
    row("", ["apps", "reads", "changes", "per app", "simulated"]);
    for (first, replacement) in &releases {
        for (what, release) in [("first releases", first), ("red-black replacements", replacement)] {
            let Count { reads, changes, seconds } = release.count;
            let each = (reads + changes) as f64 / release.apps as f64;
            let cells = [release.apps, reads, changes].map(|number| number.to_string());
            row(what, [&cells[0], &cells[1], &cells[2], &format!("{each:.1}"), &format!("{seconds} s")]);
        }
    }
    for (apps, reads, _) in &looks {
        let each = f64::from(*reads) / *apps as f64;
        row("one look, nothing to do", [&apps.to_string(), &reads.to_string(), "0", &format!("{each:.2}"), ""]);
    }

    println!("\nTimes on one core of this machine, {RUNS} runs");
    row("", ["apps", "median", "least", "most", ""]);
    for (first, replacement) in &releases {
        first.times.row("first releases", Some(first.apps), "releases/s");
        replacement.times.row("red-black replacements", Some(replacement.apps), "releases/s");
    }
    for (apps, _, times) in &looks {
        times.row("one look: observe and plan", Some(*apps), "ms");
    }
    for (apps, times) in &plans {
        times.row("the planner alone", Some(*apps), "µs/app");
    }
    for (what, times) in &calls {
        times.row(what, None, "calls/s");
    }
}

/// Says on standard error what takes its time now.
fn progress<T>(what: &str, measure: impl FnOnce() -> T) -> T {
    eprintln!("measuring {what} …");
    measure()
}

fn row(what: &str, cells: [&str; 5]) {
    let [first, second, third, fourth, last] = cells;
    println!("  {what:<30}{first:>6}{second:>10}{third:>10}{fourth:>10}  {last}");
}

/// One number for each run.
struct Times(Vec<f64>);

impl Times {
    fn row(&self, what: &str, apps: Option<usize>, unit: &str) {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let digits = if sorted.iter().all(|number| *number >= 100.0) { 0 } else { 2 };
        let cell = |index: usize| sorted.get(index).map(|number| format!("{number:.digits$}")).unwrap_or_default();
        let (median, least, most) = (cell(sorted.len() / 2), cell(0), cell(sorted.len().saturating_sub(1)));
        row(what, [&apps.map(|apps| apps.to_string()).unwrap_or_default(), &median, &least, &most, unit]);
    }
}

/// Runs on one core, on virtual time that passes as soon as nothing else is to be done.
fn simulated<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime of one thread").block_on(work)
}

/// An account without the assertions after every call, which belong to the tests.
async fn account() -> Lab {
    let lab = Lab::new().await;
    lab.simulation.set_observer(None);
    lab
}

/// What a round of releases took besides time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Count {
    reads: usize,
    changes: usize,
    /// On the simulation's clock.
    seconds: i64,
}

/// A round of releases, several times.
struct Releases {
    apps: usize,
    count: Count,
    times: Times,
}

/// The first release of so many apps, and then the replacement of all of them, old generations gone: each run in a new
/// account.
fn releases(apps: usize) -> (Releases, Releases) {
    let rounds = || async move {
        let mut lab = account().await;
        let first = round(&mut lab, apps, HELLO_1_0).await;
        (first, round(&mut lab, apps, HELLO_1_1).await)
    };
    let (firsts, replacements): (Vec<_>, Vec<_>) = (0..RUNS).map(|_| simulated(rounds())).unzip();
    (repeated(apps, firsts), repeated(apps, replacements))
}

async fn round(lab: &mut Lab, apps: usize, image: &str) -> (Count, f64) {
    lab.fleet(0..apps, image);
    lab.simulation.forget_calls();
    let (began, begun) = (Instant::now(), lab.clock.now());
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    let wall = began.elapsed();
    let seconds = lab.clock.now().as_second() - begun.as_second();
    let calls = lab.simulation.calls();
    let changes = calls.iter().filter(|call| call.mutating).count();
    (Count { reads: calls.len() - changes, changes, seconds }, apps as f64 / wall.as_secs_f64())
}

fn repeated(apps: usize, runs: Vec<(Count, f64)>) -> Releases {
    let (counts, times): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    assert!(counts.iter().all(|count| *count == counts[0]), "a simulation cannot be repeated: {counts:?}");
    Releases { apps, count: counts[0], times: Times(times) }
}

/// The calls of one look at so many apps that are as they should be, and its milliseconds.
async fn looks(apps: usize) -> (usize, u32, Times) {
    let lab = deployed(0..apps).await;
    let desired = lab.desired();
    let (mut calls, mut times) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let began = Instant::now();
        let (observed, made) = look(&lab.aws, &desired, &lab.clock).await.expect("AWS can be read");
        times.push(milliseconds(began.elapsed()));
        assert_nothing_to_do(&made, apps);
        calls.push(observed.calls.values().sum());
    }
    assert!(calls.iter().all(|count| *count == calls[0]), "two equal looks differ: {calls:?}");
    (apps, calls[0], Times(times))
}

async fn deployed(numbers: std::ops::Range<usize>) -> Lab {
    let mut lab = account().await;
    lab.fleet(numbers, HELLO_1_0);
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    lab
}

fn assert_nothing_to_do(made: &Plan, apps: usize) {
    let unchanged = made.apps.iter().filter(|app| app.change == Change::Unchanged && app.is_settled());
    assert_eq!((unchanged.count(), made.apps.len()), (apps, apps));
}

/// The planner without any reading, in microseconds for each app, while the snapshot that it plans for grows.
async fn plans() -> Vec<(usize, Times)> {
    let (mut desired, mut observed) = snapshot(0..1).await;
    let (mut apps, mut all) = (1, Vec::new());
    for enough in PLANS {
        while apps < enough {
            let next = enough.min(apps + SHARD);
            let (more, seen) = snapshot(apps..next).await;
            desired.apps.extend(more.apps);
            add(&mut observed, seen);
            apps = next;
        }
        assert_nothing_to_do(&plan(&desired, &observed, observed.at), apps);
        let rounds = (10_000 / apps).max(1);
        let run = || {
            let began = Instant::now();
            for _ in 0..rounds {
                black_box(plan(black_box(&desired), black_box(&observed), observed.at));
            }
            milliseconds(began.elapsed()) * 1000.0 / (rounds * apps) as f64
        };
        all.push((apps, Times((0..RUNS).map(|_| run()).collect())));
    }
    all
}

/// What is wanted and what there is of these apps, deployed in an account of their own.
async fn snapshot(numbers: std::ops::Range<usize>) -> (Desired, Observed) {
    let lab = deployed(numbers).await;
    let desired = lab.desired();
    let (observed, _) = look(&lab.aws, &desired, &lab.clock).await.expect("AWS can be read");
    (desired, observed)
}

/// Adds one account's snapshot to another's. Names and ARNs hold the names of apps, so that nothing collides.
fn add(seen: &mut Observed, more: Observed) {
    add_known(&mut seen.groups, more.groups);
    add_known(&mut seen.launch_templates, more.launch_templates);
    add_known(&mut seen.target_groups, more.target_groups);
    add_known(&mut seen.load_balancers, more.load_balancers);
    if let (Some(Read::Known(zone)), Some(Read::Known(more))) = (&mut seen.zone, more.zone) {
        zone.records.extend(more.records);
    }
    seen.at = seen.at.max(more.at);
    seen.listeners.extend(more.listeners);
    seen.rules.extend(more.rules);
    seen.images.extend(more.images);
    seen.details.extend(more.details);
}

fn add_known<T>(seen: &mut Read<BTreeMap<String, T>>, more: Read<BTreeMap<String, T>>) {
    match (seen, more) {
        (Read::Known(seen), Read::Known(more)) => seen.extend(more),
        _ => panic!("a simulated account without faults can be read"),
    }
}

/// Single calls one after the other, as the SDK makes them: signed, encoded, carried out and decoded.
async fn calls() -> [(&'static str, Times); 3] {
    let lab = deployed(0..SHARD).await;
    let clients = Clients::new(&lab.simulation, "bench");
    let nothing = per_second(|| clients.sts.get_caller_identity().send()).await;
    let read = per_second(|| clients.autoscaling.describe_auto_scaling_groups().send()).await;
    let parameter = || clients.ssm.put_parameter().name("/bench").value("1").overwrite(true);
    let change = per_second(|| parameter().r#type(aws_sdk_ssm::types::ParameterType::String).send()).await;
    [("GetCallerIdentity", nothing), ("DescribeAutoScalingGroups of 20", read), ("PutParameter", change)]
}

async fn per_second<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(call: impl Fn() -> F) -> Times {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        for _ in 0..CALLS {
            call().await.expect("the simulated AWS answers");
        }
        times.push(f64::from(CALLS) / began.elapsed().as_secs_f64());
    }
    Times(times)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
