//! What reading costs: calls are counted in pages, not in apps.

use std::collections::BTreeMap;

use amiable::controller::converge::Outcome;
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

/// Replaces so many apps by their next release, with at most `limit` of them at a time. The calls by their operation, and the
/// seconds that it took.
async fn replaced(apps: usize, limit: usize) -> (BTreeMap<String, u32>, i64) {
    let mut lab = Lab::new().await;
    lab.simulation.set_observer(None);
    let write = |lab: &mut Lab, image: &str, limit: usize| {
        lab.environment(&format!("  limits: {{concurrentRollouts: {limit}}}\n"));
        for number in 0..apps {
            let name = format!("app-{number:03}");
            lab.write(&name, app(&name, image, ""));
        }
    };
    write(&mut lab, HELLO_1_0, apps);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    // Longer than the generation before is kept.
    lab.pass(2 * 3600).await;
    write(&mut lab, HELLO_1_1, limit);
    lab.simulation.forget_calls();
    let begun = lab.clock.now();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let mut counts = BTreeMap::new();
    for call in lab.simulation.calls() {
        *counts.entry(call.operation).or_default() += 1;
    }
    (counts, lab.clock.now().as_second() - begun.as_second())
}

/// What may go wrong is read at every look, so that three calls for each of them are the least: the groups, the weights, and the
/// health of what has traffic.
#[tokio::test(start_paused = true)]
async fn a_red_black_release_reads_at_every_look_only_what_may_go_wrong() {
    let (counts, seconds) = replaced(1, 1).await;
    assert!(seconds <= 370, "{seconds} s");
    let calls: u32 = counts.values().sum();
    assert!(calls <= 385, "{calls}: {counts:?}");
    for seldom in ["DescribeTargetGroupAttributes", "DescribeLaunchTemplateVersions", "DescribeTags", "GetParameters"] {
        assert!(counts[seldom] <= 3, "{seldom}: {counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn apps_that_wait_for_room_cost_next_to_nothing() {
    let (counts, _) = replaced(9, 3).await;
    let calls: u32 = counts.values().sum();
    assert!(calls / 9 <= 232, "{} a release: {counts:?}", calls / 9);
    // Twice for each release, and for those that wait once in five minutes.
    assert!(counts["DescribeTargetGroupAttributes"] <= 9 * 8, "{counts:?}");
}
