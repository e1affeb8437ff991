//! What reading costs: calls are counted in pages, not in apps.

use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};

use crate::lab::{Lab, app};

async fn unchanged(apps: usize) -> (u32, String) {
    let mut lab = Lab::new().await;
    lab.simulation.set_observer(None);
    lab.fleet(0..apps, HELLO_1_0);
    lab.apply(true).await;
    lab.restart().await;
    let (observed, plan) = lab.look().await;
    assert!(plan.apps.iter().all(|app| app.change == Change::Unchanged && app.is_settled()), "everything is deployed");
    (observed.calls.values().sum(), format!("{:?}", observed.calls))
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_app_costs_a_handful_of_calls() {
    let (calls, which) = unchanged(1).await;
    assert!(calls <= 11, "{calls}: {which}");
}

#[tokio::test(start_paused = true)]
async fn twenty_unchanged_apps_cost_about_fifteen_calls() {
    let (calls, which) = unchanged(20).await;
    assert!(calls <= 15, "{calls}: {which}");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_unchanged_apps_cost_a_few_pages_more() {
    let (calls, which) = unchanged(200).await;
    assert!(calls <= 30, "{calls}: {which}");
}

#[tokio::test(start_paused = true)]
async fn a_look_at_one_app_in_release_costs_the_same_whatever_else_there_is() {
    let mut lab = Lab::new().await;
    lab.simulation.set_observer(None);
    lab.fleet(0..200, HELLO_1_0);
    lab.apply(true).await;
    let one = "app-042";
    let extra = format!("  dns: {{name: {one}.internal.example.com}}\n");
    lab.write(one, app(one, HELLO_1_1, &extra));
    let mut desired = lab.desired();
    desired.chosen = Some([one.parse().unwrap()].into());
    lab.restart().await;
    let (observed, plan) = amiable::controller::snapshot::look(&lab.aws, &desired, &lab.clock).await.unwrap();
    assert_eq!(plan.apps.iter().map(|app| app.app.as_str()).collect::<Vec<_>>(), [one]);
    let calls: u32 = observed.calls.values().sum();
    assert!(calls <= 20, "{calls}: {:?}", observed.calls);
}

/// What the calls of a release are, with the seconds it took.
fn told(lab: &Lab, begun: amiable::model::time::Timestamp) -> String {
    let mut counts: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    let calls = lab.simulation.calls();
    for call in &calls {
        *counts.entry(format!("{}{}", if call.mutating { "! " } else { "" }, call.operation)).or_default() += 1;
    }
    format!("{} in {} s: {counts:?}", calls.len(), lab.clock.now().as_second() - begun.as_second())
}

#[tokio::test(start_paused = true)]
async fn measured_red_black() {
    let mut lab = Lab::new().await;
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, ""));
    lab.apply(false).await;
    lab.pass(3600).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.simulation.forget_calls();
    let begun = lab.clock.now();
    lab.apply(false).await;
    println!("RED-BLACK {}", told(&lab, begun));
}

async fn measured_fleet(apps: usize, limit: usize, extra: &str) -> String {
    let mut lab = Lab::new().await;
    lab.simulation.set_observer(None);
    lab.environment("  limits: {concurrentRollouts: 100}\n");
    for image in [HELLO_1_0, HELLO_1_1] {
        if image == HELLO_1_1 {
            lab.environment(&format!("  limits: {{concurrentRollouts: {limit}}}\n"));
        }
        for number in 0..apps {
            let name = format!("app-{number:03}");
            lab.write(&name, app(&name, image, extra));
        }
        lab.simulation.forget_calls();
        let begun = lab.clock.now();
        lab.apply(false).await;
        if image == HELLO_1_1 {
            return told(&lab, begun);
        }
        lab.pass(3600).await;
    }
    unreachable!()
}

#[tokio::test(start_paused = true)]
async fn measured_fifty() {
    println!("FIFTY {}", measured_fleet(50, 100, "").await);
}

#[tokio::test(start_paused = true)]
async fn measured_thirty() {
    println!("THIRTY {}", measured_fleet(30, 3, "").await);
}
