//! Many apps at once, slow and throttled ways to AWS, and those who have waited long enough.

use std::time::Duration;

use amiable::controller::converge::{Ending, Options, Outcome, converge};
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use tokio::sync::watch;

use crate::invariants;
use crate::lab::{Lab, app};

/// Longer than anything here may take. Under virtual time a program that hangs reaches it at once.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// An app of a fleet, with a name in DNS.
fn member(number: usize, image: &str, extra: &str) -> (String, String) {
    let name = format!("app-{number:03}");
    let dns = format!("  dns: {{name: {name}.internal.example.com}}\n  strategy: {{redBlack: {{bakeTime: 1m}}}}\n");
    (name.clone(), app(&name, image, &format!("{dns}{extra}")))
}

/// A fleet of which nothing is deployed yet.
async fn fleet(apps: usize, environment: &str) -> Lab {
    let mut lab = Lab::new().await;
    lab.environment(environment);
    for number in 0..apps {
        let (name, text) = member(number, HELLO_1_0, "");
        lab.write(&name, text);
    }
    lab
}

async fn apply(lab: &Lab) -> Outcome {
    tokio::time::timeout(A_DAY, lab.apply(false)).await.expect("the program hangs")
}

/// Refuses one request in ten for a while, reads and calls alike.
fn throttle(lab: &Lab) {
    let mut seen = 0_u64;
    let refuse = move |_: &Request, _: bool| {
        seen += 1;
        let refused = seen.wrapping_mul(6_364_136_223_846_793_005) >> 33 & 0xff < 26;
        refused.then(|| Fault::Refuse(ApiError::new("Throttling", "Rate exceeded")))
    };
    lab.simulation.set_faults(Some(Box::new(refuse)));
}

#[tokio::test(start_paused = true)]
async fn sixty_four_apps_with_names_converge_over_a_slow_and_throttled_way_to_aws() {
    let mut lab = fleet(64, "  limits: {concurrentRollouts: 100}\n").await;
    // What must hold after every call is watched in smaller fleets; here it would be most of the work.
    lab.simulation.set_observer(None);
    lab.slow_down(Duration::from_millis(400)).await;
    throttle(&lab);
    assert_eq!(apply(&lab).await, Outcome::Converged);
    assert_eq!(lab.simulation.with(|world| world.serving().len()), 64);
}

#[tokio::test(start_paused = true)]
async fn ten_new_apps_with_names_converge_at_once() {
    let lab = fleet(10, "  limits: {concurrentRollouts: 100}\n").await;
    assert_eq!(apply(&lab).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.simulation.with(|world| world.serving().len()), 10);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_every_app_of_a_fleet_is_changed_at_once() {
    let mut lab = fleet(40, "  limits: {concurrentRollouts: 100}\n").await;
    lab.simulation.set_observer(None);
    assert_eq!(apply(&lab).await, Outcome::Converged);
    lab.environment("");
    for number in 0..40 {
        let dns = "  dns: {name: NAME.internal.example.com, evaluateTargetHealth: true}\n";
        let (name, text) = member(number, HELLO_1_0, "");
        let old = format!("  dns: {{name: {name}.internal.example.com}}\n");
        lab.write(&name, text.replace(&old, &dns.replace("NAME", &name)));
    }
    invariants::watch(&lab.simulation);
    assert_eq!(apply(&lab).await, Outcome::Converged);
    let heeded = lab.simulation.with(|world| {
        let zones = world.dns.zones.values();
        let records = zones.flat_map(|zone| zone.records.values());
        records.filter(|record| record.alias.as_ref().is_some_and(|alias| alias.evaluate_target_health)).count()
    });
    assert_eq!(heeded, 40);
}

/// Converges until `stop` is told to, and how long that took from then on.
async fn interrupted(lab: &Lab, after: Duration, timeout: Option<Duration>) -> (Ending, Duration) {
    let (sender, stop) = watch::channel(false);
    let options = Options { timeout, ..Options::default() };
    let desired = lab.desired();
    let begun = tokio::time::Instant::now();
    let interrupt = async {
        tokio::time::sleep(after).await;
        let _ = sender.send(timeout.is_none());
        std::future::pending::<()>().await;
    };
    let ending = tokio::select! {
        ending = converge(&lab.aws, &desired, &lab.clock, &options, &|_| {}, stop) => ending.unwrap(),
        () = interrupt => unreachable!(),
    };
    (ending, begun.elapsed() - after)
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_and_the_timeout_break_off_a_look_at_once() {
    let mut lab = fleet(20, "").await;
    lab.slow_down(Duration::from_secs(5)).await;
    let soon = Duration::from_secs(12);
    let (ending, took) = interrupted(&lab, soon, None).await;
    assert_eq!((ending.outcome, ending.plan.apps.len()), (Outcome::Interrupted, 0));
    assert_eq!(took, Duration::ZERO);
    let (ending, took) = interrupted(&lab, soon, Some(soon)).await;
    assert_eq!((ending.outcome, took), (Outcome::TimedOut, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_waits_for_the_call_under_way_and_begins_no_other() {
    let mut lab = fleet(3, "").await;
    lab.slow_down(Duration::from_secs(3)).await;
    // The look takes four requests in a row, and the first calls begin right after it.
    let calls = |lab: &Lab| lab.simulation.calls().iter().filter(|call| call.mutating).count();
    let first = async {
        while calls(&lab) == 0 {
            lab.pass(1).await;
        }
        lab.clock.now()
    };
    let (_, begun) = tokio::join!(lab.apply_for(Duration::from_secs(60)), first);
    assert!(begun < lab.clock.now());
    lab.restart().await;
    lab.slow_down(Duration::from_secs(3)).await;
    let before = calls(&lab);
    let (ending, took) = interrupted(&lab, Duration::from_secs(16), None).await;
    assert_eq!(ending.outcome, Outcome::Interrupted);
    assert_eq!(ending.left, [], "every call was seen to its end");
    assert!(took <= Duration::from_secs(10), "{took:?}");
    let made = calls(&lab) - before;
    lab.pass(60).await;
    assert_eq!(calls(&lab) - before, made, "nothing goes on behind the back of whoever stopped it");
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_an_app_each_outlast_their_credentials() {
    // The SDK obtains credentials anew every 15 minutes, and whoever waits for them holds up all others.
    let canary =
        "  strategy: {canary: {steps: [{weight: 10}, {pause: 20m}, {weight: 50}, {pause: 20m}], bakeTime: 20m}}\n";
    let mut one = Lab::new().await;
    for name in ["alpha", "beta"] {
        one.write(name, app(name, HELLO_1_0, canary));
    }
    assert_eq!(apply(&one).await, Outcome::Converged, "{}", one.diary());
    for name in ["alpha", "beta"] {
        one.write(name, app(name, HELLO_1_1, canary));
    }
    let other = one.beside().await;
    let both = futures::future::join(one.apply_only("alpha"), other.apply_only("beta"));
    let ended = tokio::time::timeout(A_DAY, both).await.expect("a program hangs");
    assert_eq!(ended, (Outcome::Converged, Outcome::Converged), "{}\n{}", one.diary(), other.diary());
}
