//! An `apply` that goes on while somebody else says otherwise: with other manifests, or by a word about the release. What was said
//! last counts, and whoever is overruled says so.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Plan;
use amiable::plan::intent;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{HELLO, Lab, app};

const HELLO_1_2: &str = "ami-00000000000000112";

/// `1.0.0` is deployed. One process releases `1.1.0`; the other one has the manifest with this image.
async fn two(image: &str, extra: &str) -> (Lab, Lab) {
    let mut first = deployed(extra).await;
    first.simulation.with(|world| world.add_image(HELLO_1_2, "hello 1.1.2", ""));
    let mut second = first.beside().await;
    first.write("hello", app("hello", HELLO_1_1, extra));
    second.write("hello", app("hello", image, extra));
    first.diary();
    (first, second)
}

/// The first goes on to its end, and after so many seconds the second one does what it does.
async fn beside<T>(first: &Lab, seconds: u64, second: impl Future<Output = T>) -> ((Outcome, Plan), T) {
    let later = async {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        second.await
    };
    tokio::join!(first.converge(), later)
}

fn reason(plan: &Plan) -> &str {
    &plan.apps[0].reason
}

#[tokio::test(start_paused = true)]
async fn a_revert_is_not_undone_by_an_apply_that_began_before_it() {
    let (first, second) = two(HELLO_1_0, "").await;
    let ((one, plan), two) = beside(&first, 120, second.apply(false)).await;
    assert_eq!((one, two), (Outcome::Blocked, Outcome::Converged), "{}", reason(&plan));
    assert_snapshot!(reason(&plan), @"another run, by simulated, goes back to v001 of hello and began after this one. This run does nothing more about hello, so that the two do not undo each other; `amiable apply hello` deploys the manifests here all the same");
    assert_snapshot!(format!("{}\n-\n{}", first.diary(), second.diary()), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    -
    09:07 CreateOrUpdateTags hello-prod-v001: v001 is wanted again: other runs that ask for another release give way
    09:08 ModifyListener listener/hello-prod: v001 is healthy: it takes all traffic
    09:08 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    ");
    assert_eq!(serving(&first), [(HELLO.to_owned(), 2)]);
    settles(&second).await;
    // Whoever applies again means it.
    assert_eq!(first.apply(false).await, Outcome::Converged, "{}", first.diary());
    assert_eq!(serving(&first), [("hello-prod-v002".to_owned(), 2)]);
    settles(&first).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_that_a_revert_is_announced_first() {
    let (first, second) = two(HELLO_1_0, "").await;
    first.apply_for(Duration::from_secs(90)).await;
    let plan = second.plan("hello").await;
    let calls: Vec<String> =
        plan.actions.iter().map(|planned| format!("{}: {}", planned.action, planned.reason)).collect();
    assert_eq!(
        calls,
        ["CreateOrUpdateTags hello-prod-v001: v001 is wanted again: other runs that ask for another release give way"]
    );
    assert_eq!(first.apply(false).await, Outcome::Converged);
    settles(&first).await;
}

#[tokio::test(start_paused = true)]
async fn a_revert_that_nobody_can_be_told_of_is_not_made() {
    let (first, second) = two(HELLO_1_0, "").await;
    let refuse = |request: &Request, _: bool| {
        let is_announced = request.operation == "CreateOrUpdateTags"
            && format!("{:?}", request.params).contains(HELLO)
            && format!("{:?}", request.params).contains("amiable:applied");
        is_announced.then(|| Fault::Refuse(ApiError::new("AccessDenied", "not this tag").with_status(403)))
    };
    first.simulation.set_faults(Some(Box::new(refuse)));
    let ((one, _), two) = beside(&first, 120, second.apply(false)).await;
    assert_eq!((one, two), (Outcome::Converged, Outcome::Failed), "{}\n-\n{}", first.diary(), second.diary());
    assert_eq!(serving(&first), [("hello-prod-v002".to_owned(), 2)], "the release is complete");
    assert!(second.diary().contains("not this tag"));
    first.simulation.set_faults(None);
    assert_eq!(second.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&first), [(HELLO.to_owned(), 2)]);
    settles(&second).await;
}

#[tokio::test(start_paused = true)]
async fn a_word_about_the_release_itself_has_its_way_beside_the_apply_that_makes_it() {
    for seconds in [20, 60, 120] {
        let (first, second) = two(HELLO_1_1, "").await;
        let abort = async {
            second.say("hello", "wrong branch", intent::abort).await;
            second.apply(false).await
        };
        let ((one, plan), two) = beside(&first, seconds, abort).await;
        let told = || format!("{seconds}: {one:?} {two:?} {}\n{}\n-\n{}", reason(&plan), first.diary(), second.diary());
        assert_eq!((one, two), (Outcome::ReleaseFailed, Outcome::ReleaseFailed), "{}", told());
        assert!(reason(&plan).contains("aborted by simulated: wrong branch"), "{}", told());
        assert_eq!(serving(&first), [(HELLO.to_owned(), 2)], "{}", told());
    }
    for seconds in [20, 60] {
        let (first, second) = two(HELLO_1_0, "").await;
        let pin = async {
            second.say("hello", "freeze", intent::pin).await;
            second.apply(false).await
        };
        let ((one, plan), two) = beside(&first, seconds, pin).await;
        let told = || format!("{seconds}: {one:?} {two:?} {}\n{}\n-\n{}", reason(&plan), first.diary(), second.diary());
        assert_eq!((one, two), (Outcome::Blocked, Outcome::Converged), "{}", told());
        assert_eq!(serving(&first), [(HELLO.to_owned(), 2)], "{}", told());
        assert!(reason(&plan).contains("pinned to v001 by simulated: freeze"), "{}", told());
    }
}

#[tokio::test(start_paused = true)]
async fn a_promotion_moves_the_canary_of_an_apply_that_waits_for_it() {
    let steps = "  strategy: {canary: {steps: [{weight: 10}, {pause: {}}], bakeTime: 1m}}\n";
    let (first, second) = two(HELLO_1_1, steps).await;
    let promote = second.say("hello", "", |about| intent::promote(about, false));
    let ((one, _), ()) = beside(&first, 120, promote).await;
    assert_eq!(one, Outcome::Converged, "{}", first.diary());
    assert_eq!(weight(&first, "hello-prod-b"), 100);
    settles(&first).await;
}
