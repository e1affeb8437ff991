//! What reading costs: calls are counted in pages, not in apps.

use amiable::model::plan::Change;
use amiable::sim::world::example::HELLO_1_0;

use crate::lab::Lab;

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
