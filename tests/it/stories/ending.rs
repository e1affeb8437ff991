//! The end of an app.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::HELLO_1_0;
use insta::assert_snapshot;

use super::{deployed, settles};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn an_app_that_is_destroyed_leaves_nothing_behind() {
    let mut lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    lab.diary();
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, "  dns: {name: hello.internal.example.com}\n  destroy: true\n"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:08 CreateOrUpdateTags hello-prod-v001: its name goes, and resolvers remember it for so many seconds
    07:58 ChangeResourceRecordSets hello.internal.example.com: the app is being destroyed
    07:59 CreateOrUpdateTags hello-prod-v001: its name is gone; it serves until resolvers have forgotten it
    09:59 DeleteListener listener/hello-prod: the app is being destroyed
    10:00 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:27 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:34 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    10:35 DeleteTargetGroup hello-prod-a: the app is being destroyed
    10:35 DeleteTargetGroup hello-prod-b: the app is being destroyed
    10:36 DeleteLoadBalancer hello-prod: the app is being destroyed
    10:37 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    assert_eq!(crate::lab::summary(&lab.simulation), Vec::<String>::new());
    settles(&lab).await;
}
