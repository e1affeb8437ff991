//! Workers, which take no traffic.

use amiable::controller::converge::Outcome;
use amiable::model::names::Generation;
use amiable::model::plan::Change;
use amiable::plan::intent;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, settles};
use crate::lab::{Lab, app};

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
    06:03 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    06:33 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    11:33 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    11:33 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    11:35 UpdateAutoScalingGroup hello-prod-v001: v002 serves in its place
    12:01 DeleteAutoScalingGroup hello-prod-v001: it is empty and does not serve
    ");
    settles(&lab).await;
}

const WORKER: &str = "  loadBalancer: none\n";

fn working(lab: &Lab) -> Vec<(String, usize)> {
    lab.simulation.with(|world| {
        let groups = world.scaling.groups.values().filter(|group| !group.members.is_empty());
        groups.map(|group| (group.name.clone(), group.members.len())).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_be_launched_leaves_the_old_one_at_work() {
    use amiable::sim::world::scaling::LaunchFailure;
    let mut lab = deployed(WORKER).await;
    lab.diary();
    let words = "The image id '[ami-00000000000000110]' does not exist.";
    lab.simulation.with(|world| world.scaling.capacity.failure = Some(LaunchFailure::Other(words.to_owned())));
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    05:47 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    05:47 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    05:53 CreateOrUpdateTags hello-prod-v002: v002 failed: launch failed: The image id '[ami-00000000000000110]' does not exist. Launching EC2 instance failed.
    05:55 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    ");
    assert_eq!(working(&lab), [("hello-prod-v001".to_owned(), 2)]);
    lab.simulation.with(|world| world.scaling.capacity.failure = None);
    lab.write("hello", app("hello", HELLO_1_0, WORKER));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_aborted_under_bake_leaves_the_old_one_at_work() {
    let mut lab = deployed(WORKER).await;
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    lab.apply_for(std::time::Duration::from_secs(120)).await;
    lab.diary();
    lab.say("hello", "wrong queue", intent::abort).await;
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    07:51 CreateOrUpdateTags hello-prod-v002: aborted by simulated: wrong queue
    07:51 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    07:52 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    ");
    assert_eq!(working(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_rolled_back_by_launching_what_worked_before() {
    let mut lab = deployed(WORKER).await;
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    lab.diary();
    let history = lab.history("hello").await;
    lab.say("hello", "loses messages", |about| intent::rollback(about, Some(Generation(1)), &history)).await;
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    12:07 PutParameter /amiable/prod/hello/deployed: rolled back to v001 by simulated: loses messages
    12:07 CreateOrUpdateTags hello-prod-v002: rolled back to v001 by simulated: loses messages
    12:07 CreateLaunchTemplate hello-prod-v003: v002 was turned down: an earlier release takes its place
    12:07 CreateAutoScalingGroup hello-prod-v003: v002 was turned down: an earlier release takes its place
    12:24 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    12:54 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    12:55 UpdateAutoScalingGroup hello-prod-v002: v002 was turned down and does not serve
    17:54 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    17:54 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    ");
    assert_eq!(working(&lab), [("hello-prod-v003".to_owned(), 2)], "there was always one at work");
}

/// All instances of a group end at once, as those of a worker do that stops its machine when it fails.
fn stop_all_of(lab: &Lab, group: &str) {
    for instance in lab.instances(group) {
        lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &instance)]);
    }
}

/// A worker's second generation has taken over and is watched when somebody breaks the manifest.
async fn broken_in_its_bake() -> Lab {
    let mut lab = deployed(WORKER).await;
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    lab.apply_for(std::time::Duration::from_secs(80)).await;
    lab.diary();
    lab.lenient = true;
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: none\n  instanses: 2\n"));
    lab
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_falls_sick_in_its_bake_ends_though_its_manifest_has_errors() {
    let mut lab = broken_in_its_bake().await;
    stop_all_of(&lab, "hello-prod-v002");
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_snapshot!(lab.diary(), @"
    07:15 CreateOrUpdateTags hello-prod-v002: v002 failed: none of its 2 instances is in service; 2 instances taken out of service in response to an EC2 health check indicating it has been terminated or stopped
    07:16 UpdateAutoScalingGroup hello-prod-v002: v002 failed, and v001 is at work
    ");
    lab.pass(60).await;
    assert_eq!(working(&lab), [("hello-prod-v001".to_owned(), 2)]);
    // Once it is mended, what failed is not tried again.
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    assert_eq!(lab.apply(true).await, Outcome::ReleaseFailed, "{}", lab.diary());
    assert_eq!(working(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_well_in_its_bake_is_watched_to_its_end_though_its_manifest_has_errors() {
    let mut lab = broken_in_its_bake().await;
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "", "it is left alone");
    lab.write("hello", app("hello", HELLO_1_1, WORKER));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(working(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_falls_sick_in_its_bake_ends_though_no_manifest_asks_for_it() {
    let mut lab = broken_in_its_bake().await;
    lab.remove("hello");
    lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n  suspend: {reason: later}\n"));
    stop_all_of(&lab, "hello-prod-v002");
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    lab.pass(60).await;
    assert_eq!(working(&lab), [("hello-prod-v001".to_owned(), 2)]);
}
