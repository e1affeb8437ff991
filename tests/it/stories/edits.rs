//! Manifests that change in the middle of a release, or go.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn a_manifest_that_goes_back_returns_to_the_group_that_is_still_warm() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:15 CreateOrUpdateTags hello-prod-v001: v001 is wanted again: other runs that ask for another release give way
    13:16 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    13:16 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    18:16 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:16 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    assert_eq!(lab.instances("hello-prod-v001"), before, "nothing was launched");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_in_the_middle_of_a_release_replaces_what_is_unfinished() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, ""));
    lab.diary();
    let desired = lab.desired();
    let (_, plan) = lab.look().await;
    let app_plan = &plan.apps[0];
    let scope = &desired.apps[&app_plan.app].scope;
    amiable::execute::execute(&lab.aws, &lab.clock, app_plan, scope, &|_| {}).await;
    lab.pass(60).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    08:07 CreateLaunchTemplate hello-prod-v003: v001 was born with another template
    08:08 UpdateAutoScalingGroup hello-prod-v002: v001 serves in its place
    09:40 DeleteAutoScalingGroup hello-prod-v002: it is empty and does not serve
    09:40 DeleteLaunchTemplate hello-prod-v002: its group is gone
    09:46 CreateAutoScalingGroup hello-prod-v003: v001 was born with another template
    10:23 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    10:53 ModifyListener listener/hello-prod: v003 is healthy: it takes all traffic
    10:53 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    15:53 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    15:53 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    75:53 UpdateAutoScalingGroup hello-prod-v001: v003 serves in its place
    77:25 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn without_its_manifest_an_app_is_left_alone() {
    let mut lab = deployed("").await;
    lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n"));
    lab.remove("hello");
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(lab.plan("hello").await.change, Change::Orphaned);
    assert!(serving(&lab).contains(&("hello-prod-v001".to_owned(), 2)));
}

#[tokio::test(start_paused = true)]
async fn a_manifest_that_is_removed_in_the_middle_of_a_release_freezes_it() {
    let mut lab = deployed("").await;
    let text = app("hello", HELLO_1_1, "");
    lab.write("hello", text.clone());
    lab.apply_for(std::time::Duration::from_secs(20)).await;
    lab.diary();
    lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n"));
    lab.remove("hello");
    lab.apply(true).await;
    lab.pass(7200).await;
    lab.apply(true).await;
    assert!(!lab.diary().contains("hello"), "nothing is done about it, nor undone");
    assert_eq!(lab.plan("hello").await.change, Change::Orphaned);
    assert!(serving(&lab).contains(&("hello-prod-v001".to_owned(), 2)));
    // Back again, the release goes on where it stood.
    lab.write("hello", text);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert!(serving(&lab).contains(&("hello-prod-v002".to_owned(), 2)));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_in_the_manifest_stops_a_release_where_it_is() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply_for(std::time::Duration::from_secs(20)).await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_1, "  suspend: {reason: incident 42}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_eq!(lab.diary(), "");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}
