//! Workers, which take no traffic.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::HELLO_1_1;
use insta::assert_snapshot;

use super::{deployed, settles};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn a_worker_takes_over_without_a_load_balancer() {
    let mut lab = deployed("  loadBalancer: none\n").await;
    assert_snapshot!(lab.diary(), @"
    00:00 CreateLaunchTemplate hello-prod-v001: nothing of this app serves yet
    00:00 CreateAutoScalingGroup hello-prod-v001: nothing of this app serves yet
    00:16 CreateOrUpdateTags hello-prod-v001: all instances are healthy: the stability window begins
    00:46 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    05:46 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    05:46 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: none\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    05:47 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    05:47 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    06:04 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    06:34 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    11:34 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    11:34 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    11:35 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    12:02 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    settles(&lab).await;
}
