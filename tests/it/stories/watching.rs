//! What is judged over the whole time and by more than one look: sickness between two looks, a bake that nobody watches, and
//! instances that only boot.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::plan::intent;
use amiable::report::status;
use amiable::sim::fault::Fault;
use amiable::sim::wire::Request;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use amiable::sim::world::images::BEHAVIOUR_TAG;
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{HELLO, Lab, app};

/// The new generation has just taken over.
const SHIFTED: Duration = Duration::from_secs(72);

/// Version 2 of this image has taken over, and the process that looked on ends.
async fn left_alone(image: &str, extra: &str) -> Lab {
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", image, extra));
    lab.apply_for(SHIFTED).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{}", lab.diary());
    lab.diary();
    lab.every_note = true;
    lab
}

/// Waits for a moment in which all instances of the second generation are healthy.
async fn until_whole(lab: &Lab) {
    for _ in 0..600 {
        if serving(lab) == [("hello-prod-v002".to_owned(), 2)] {
            return;
        }
        lab.pass(1).await;
    }
    panic!("it is never whole");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_fell_sick_while_nobody_looked_fails_even_if_it_is_whole_at_the_next_look() {
    let lab = left_alone(HELLO_SICK_LATER, "  strategy: {redBlack: {bakeTime: 10m}}\n").await;
    lab.pass(11 * 60).await;
    until_whole(&lab).await;
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let diary = lab.diary();
    assert!(
        diary.contains("instances taken out of service in response to an ELB system health check failure"),
        "{diary}"
    );
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fell_sick_while_nobody_looked_fails_even_if_it_is_whole_at_the_next_look() {
    let steps = "  strategy: {canary: {steps: [{weight: 20}, {pause: 10m}, {weight: 50}, {pause: 10m}]}}\n";
    let mut lab = deployed(steps).await;
    lab.write("hello", app("hello", HELLO_SICK_LATER, steps));
    lab.apply_for(SHIFTED).await;
    let (first, whole) = ((HELLO.to_owned(), 2), ("hello-prod-v002".to_owned(), 2));
    assert_eq!(serving(&lab), [first.clone(), whole.clone()], "{}", lab.diary());
    // Its first share lasts for ten minutes, and nobody looks in eight of them.
    lab.pass(8 * 60).await;
    for _ in 0..300 {
        if serving(&lab).contains(&whole) {
            break;
        }
        lab.pass(1).await;
    }
    assert_eq!(serving(&lab), [first.clone(), whole], "it is whole at the next look");
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    let diary = lab.diary();
    assert!(
        diary.contains("instances taken out of service in response to an ELB system health check failure"),
        "{diary}"
    );
    assert!(!diary.contains("it takes 50 %"), "{diary}");
    assert_eq!(serving(&lab), [first]);
}

/// What the table of `amiable status` says of the app.
async fn state(lab: &Lab) -> String {
    let (observed, plan) = lab.look().await;
    status::state(&observed, &plan.apps[0], plan.at)
}

#[tokio::test(start_paused = true)]
async fn a_bake_says_that_nobody_watches_it_only_once_that_is_so() {
    let lab = left_alone(HELLO_1_1, "").await;
    assert_eq!(state(&lab).await, "rolling out v002: bake 5m (healthy 2/2)");
    lab.pass(5 * 60).await;
    let said = state(&lab).await;
    assert!(said.starts_with("unwatched for 5m"), "{said}");
    assert!(said.ends_with(": v002 has all traffic; `amiable apply hello` goes on watching it"), "{said}");
    // Whoever goes on watching gives a sign before anybody has to doubt it.
    for _ in 0..6 {
        lab.apply_for(Duration::from_secs(45)).await;
        let said = state(&lab).await;
        assert!(!said.starts_with("unwatched"), "{said}");
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(state(&lab).await, "serving");
}

#[tokio::test(start_paused = true)]
async fn a_canary_says_that_nobody_watches_it_only_once_that_is_so() {
    let steps = "  strategy: {canary: {steps: [{weight: 20}, {pause: 30m}]}}\n";
    let mut lab = deployed(steps).await;
    lab.write("hello", app("hello", HELLO_1_1, steps));
    lab.apply_for(Duration::from_secs(120)).await;
    for _ in 0..10 {
        let said = state(&lab).await;
        assert!(said.starts_with("rolling out v002"), "{said}");
        lab.apply_for(Duration::from_secs(90)).await;
    }
    lab.pass(400).await;
    let said = state(&lab).await;
    assert!(said.starts_with("unwatched for ") && said.contains(": v002 has 20% of the traffic;"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_bake_that_nobody_watched_is_watched_by_whoever_comes_next() {
    let lab = left_alone(HELLO_1_1, "").await;
    lab.pass(6 * 60).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    14:20 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 1m15s and is healthy
    15:01 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 1m56s and is healthy
    15:42 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 2m37s and is healthy
    16:24 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 3m19s and is healthy
    17:05 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 4m and is healthy
    18:05 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    18:05 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_in_mid_bake_loses_only_what_it_had_not_noted() {
    let lab = left_alone(HELLO_1_1, "").await;
    lab.apply_for(Duration::from_secs(200)).await;
    lab.pass(10).await;
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    08:55 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 41s and is healthy
    09:36 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 1m23s and is healthy
    10:18 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 2m4s and is healthy
    10:59 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 2m45s and is healthy
    11:51 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 3m37s and is healthy
    12:32 CreateOrUpdateTags hello-prod-v002: it has been watched under traffic for 4m18s and is healthy
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    settles(&lab).await;
}

/// From now on fresh instances take a minute to boot.
fn boot_slowly(lab: &Lab) {
    lab.simulation.with(|world| {
        for image in [HELLO_1_0, HELLO_1_1] {
            if let Some(image) = world.images.all.get_mut(image) {
                image.tags.insert(BEHAVIOUR_TAG.to_owned(), "boot=60s".to_owned());
            }
        }
    });
}

fn resize(lab: &Lab, group: &str, desired: &str) {
    let to = [("AutoScalingGroupName", group), ("DesiredCapacity", desired)];
    lab.by_hand("autoscaling", "SetDesiredCapacity", &to);
}

#[tokio::test(start_paused = true)]
async fn instances_that_boot_while_a_release_bakes_are_no_fault_of_it() {
    type Way = (&'static str, fn(&mut Lab), u32);
    let ways: [Way; 3] = [
        ("scaling out", |lab| resize(lab, "hello-prod-v002", "4"), 4),
        ("a higher min", |lab| lab.write("hello", app("hello", HELLO_1_1, "").replace("min: 2", "min: 4")), 4),
        (
            "an instance that dies",
            |lab| {
                let victim = lab.instances("hello-prod-v002").remove(0);
                lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
            },
            2,
        ),
    ];
    for (way, change, size) in ways {
        let mut lab = left_alone(HELLO_1_1, "").await;
        boot_slowly(&lab);
        lab.apply_for(Duration::from_secs(30)).await;
        change(&mut lab);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{way}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), size)], "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_serves_again_after_a_rollback_may_scale_out() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    boot_slowly(&lab);
    lab.say("hello", "slow", |about| intent::rollback(about, None, &[])).await;
    lab.apply_for(Duration::from_secs(60)).await;
    resize(&lab, HELLO, "3");
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "it is v002 that was turned down: {}", lab.diary());
    let failed = |group: &str| {
        lab.simulation
            .with(|world| world.scaling.groups.get(group).is_some_and(|it| it.tags.contains_key("amiable:failed")))
    };
    assert_eq!((failed(HELLO), serving(&lab)), (false, vec![(HELLO.to_owned(), 3)]));
}

#[tokio::test(start_paused = true)]
async fn stale_weights_after_a_shift_give_nobody_up_however_many_looks_show_them() {
    for stale in [1, 4] {
        let mut lab = deployed("").await;
        lab.write("hello", app("hello", HELLO_1_1, ""));
        let (mut shifted, mut left) = (false, stale);
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, mutating: bool| {
            shifted |= mutating && request.operation == "ModifyListener";
            let is_stale = shifted && left > 0 && request.operation == "DescribeListeners";
            left -= u32::from(is_stale);
            is_stale.then_some(Fault::Stale)
        })));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{stale}: {}", lab.diary());
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{stale}");
        settles(&lab).await;
    }
}
