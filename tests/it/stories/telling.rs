//! What people are told of a release: the timeline, the status, the plan.

use amiable::controller::converge::Outcome;
use amiable::report::{status, text, tree};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use amiable::sim::world::scaling::LaunchFailure;
use insta::assert_snapshot;

use super::{deployed, settles};
use crate::lab::{Lab, app};

#[tokio::test(start_paused = true)]
async fn what_happened_is_told_from_what_the_world_shows() {
    let mut lab = deployed("").await;
    lab.simulation.with(|world| world.scaling.capacity.failure = Some(LaunchFailure::InsufficientInstanceCapacity));
    lab.write("hello", app("hello", HELLO_1_1, "  retain: {for: 5m}\n"));
    let (outcome, ()) = tokio::join!(lab.apply(true), async {
        lab.pass(400).await;
        lab.simulation.with(|world| world.scaling.capacity.failure = None);
    });
    assert_eq!(outcome, Outcome::Converged);
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let victim = lab.instances("hello-prod-v002")[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(180).await;
    assert_snapshot!(lab.events("hello").await, @"
    TIME                     RELEASE  EVENT          BY         WHY
    2026-11-02 12:07:05 UTC  v001     deployed       simulated  ami-00000000000000100
    2026-11-02 12:07:07 UTC  v002     launched       –          ami-00000000000000110
    2026-11-02 12:07:09 UTC  v002     launch failed  –          Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient m7i.large capacity in the Availability Zone you requested (us-west-2c). Our system will be working on provisioning additional capacity. Launching EC2 instance failed. (4 times until 12:10:39)
    2026-11-02 12:15:12 UTC  v002     healthy        –
    2026-11-02 12:15:42 UTC  v002     took over      –
    2026-11-02 12:20:42 UTC  v002     deployed       simulated  ami-00000000000000110
    2026-11-02 12:27:31 UTC  v003     launched       –          ami-00000000000000120
    2026-11-02 12:29:43 UTC  v003     replaced       –          4 instances were taken out of service in response to an ELB system health check failure (until 12:31:53)
    2026-11-02 12:32:29 UTC  v003     failed         –          no instance was ever healthy: i-00516f7aecd40a0d1 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure; the console of i-00516f7aecd40a0d1 ended with: [   30.000000] hello[812]: ERROR cannot reach the database: connection refused
    2026-11-02 12:32:37 UTC  v002     replaced       –          i-0011a25cd6ed909a2 was taken out of service in response to an EC2 health check indicating it has been terminated or stopped
    ");
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_shown_with_its_reason_and_what_to_do_next() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_snapshot!(shown(&lab).await, @"
    APP    RELEASE  IMAGE                  VERSION      COMMIT  BUILT       INSTANCES  AGE  STATE
    hello  v001     ami-00000000000000100  hello 1.0.0  –       2026-11-02  2/2        10m  v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure; v001 serves until the manifest changes or `amiable retry hello`

    hello in prod · v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure; v001 serves until the manifest changes or `amiable retry hello`
    answers at http://internal-hello-prod-4016252739.us-west-2.elb.amazonaws.com (internal: only from within its network)
    ├─ v002 · slot b · weight 0% · 2/0 instances · 2 leaving · ami-00000000000000120 (hello 1.2.0, built 2026-11-02) · launched 5m ago
    │    failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure
    │    the console of i-0056e27eb562eddf5 ended with:
    │      [   10.000000] Linux version 6.12.0 (simulated)
    │      [   10.000000] cloud-init[402]: running modules:final
    │      [   30.000000] hello[812]: version hello 1.2.0 listens
    │      [   30.000000] hello[812]: ERROR cannot reach the database: connection refused
    │    i-0028b7bd766a05068: draining, Target.DeregistrationInProgress, Target deregistration is in progress
    │    i-004e115049ec25924: draining, Target.DeregistrationInProgress, Target deregistration is in progress
    │    i-0056e27eb562eddf5: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [500]
    │    i-007c3c1188e50e6b1: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [500]
    └─ v001 · slot a · weight 100% · 2/2 instances · ami-00000000000000100 (hello 1.0.0, built 2026-11-02) · took over 10m ago
    clean-up waits for 4 instances of v002 to drain and terminate
    note: the console of i-0056e27eb562eddf5 ended with: [   30.000000] hello[812]: ERROR cannot reach the database: connection refused

    prod · 123456789012/us-west-2

    !    hello        v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure; v001 serves until the manifest changes or `amiable retry hello`
           image  ami-00000000000000100 (hello 1.0.0, built 2026-11-02) → ami-00000000000000120 (hello 1.2.0, built 2026-11-02)      # replaces
           clean-up waits for 4 instances of v002 to drain and terminate
           note: the console of i-0056e27eb562eddf5 ended with: [   30.000000] hello[812]: ERROR cannot reach the database: connection refused

    Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy; 1 blocked.
    ");
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_snapshot!(shown(&lab).await, @"
    APP    RELEASE  IMAGE                  VERSION      COMMIT  BUILT       INSTANCES  AGE  STATE
    hello  v001     ami-00000000000000100  hello 1.0.0  –       2026-11-02  2/2        10m  serving; v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure

    hello in prod · serving; v002 failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure
    answers at http://internal-hello-prod-4016252739.us-west-2.elb.amazonaws.com (internal: only from within its network)
    ├─ v002 · slot b · weight 0% · 2/0 instances · 2 leaving · ami-00000000000000120 (hello 1.2.0, built 2026-11-02) · launched 5m ago
    │    failed: no instance was ever healthy: i-0056e27eb562eddf5 Target.ResponseCodeMismatch: Health checks failed with these codes: [500]; 4 instances taken out of service in response to an ELB system health check failure
    │    the console of i-0056e27eb562eddf5 ended with:
    │      [   10.000000] Linux version 6.12.0 (simulated)
    │      [   10.000000] cloud-init[402]: running modules:final
    │      [   30.000000] hello[812]: version hello 1.2.0 listens
    │      [   30.000000] hello[812]: ERROR cannot reach the database: connection refused
    │    i-0028b7bd766a05068: draining, Target.DeregistrationInProgress, Target deregistration is in progress
    │    i-004e115049ec25924: draining, Target.DeregistrationInProgress, Target deregistration is in progress
    │    i-0056e27eb562eddf5: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [500]
    │    i-007c3c1188e50e6b1: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [500]
    └─ v001 · slot a · weight 100% · 2/2 instances · ami-00000000000000100 (hello 1.0.0, built 2026-11-02) · took over 10m ago
    clean-up waits for 4 instances of v002 to drain and terminate

    No changes. 1 app matches prod.

    Clean-up (nothing that serves changes):
         hello
           clean-up waits for 4 instances of v002 to drain and terminate
    ");
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

/// The status as a table and as a tree, and the plan.
async fn shown(lab: &Lab) -> String {
    let (observed, plan) = lab.look().await;
    let name = "hello".parse().unwrap();
    let rows = status::rows(&observed, &plan);
    let tree = tree::tree(&observed, &plan, &name).unwrap();
    format!(
        "{}\n{}\n{}",
        status::table(&rows, plan.at, false),
        tree::text(&tree, plan.at, false),
        text::plan(&plan, &text::Options::default())
    )
}
