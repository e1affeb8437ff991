//! A release that another process calls off while it goes on: whoever began last wants what served before, and has it in the end.
//! The first process is stopped at every one of its calls, the second one at every one of its own, and then both go on.

use std::sync::Arc;
use std::time::Duration;

use amiable::controller::converge::{Options, Outcome};
use amiable::model::action::Action;
use amiable::model::plan::AppPlan;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};

use crate::lab::Lab;
use crate::writers::{ALL, Counter, HELLO_1_2, ground_with, image_that_serves, manifest_with, to_the_end};

const RED_BLACK: &str = "redBlack: {bakeTime: 15s}";
const CANARY: &str = "canary: {steps: [{weight: 10}, {pause: 15s}, {weight: 50}, {pause: 15s}], bakeTime: 15s}";
/// What three processes may do on the way: a release, its end, and a few words.
const MOST_CALLS: usize = 60;

/// Until the old generation is gone, too.
fn to_its_very_end() -> Options {
    Options { timeout: Some(Duration::from_secs(6 * 3600)), wait_for_cleanup: true, ..Options::default() }
}

/// Nothing that a person is blamed for, and no failure.
fn is_unblamed(lab: &Lab) -> bool {
    let failed =
        |world: &mut World| world.scaling.groups.values().any(|group| group.tags.contains_key("amiable:failed"));
    !lab.simulation.with(failed)
}

/// That a process ended because another one goes back to what served before, or because its own release was complete by then. Where
/// what served before is gone already, it is launched anew.
fn gave_way(outcome: Outcome, plan: &AppPlan) -> bool {
    let says =
        |what: &str| plan.reason.starts_with(&format!("another run, by simulated, {what} of hello and began after"));
    match outcome {
        Outcome::Converged => true,
        Outcome::Blocked => ["goes back to v001", "stays with v001", "is releasing v003"].into_iter().any(says),
        _ => false,
    }
}

/// A release is called off after so many calls of its own, at every call of the process that calls it off.
async fn called_off(ground: &Lab, strategy: &str, stopped_at: usize) -> Option<()> {
    let mut has_ended = None;
    // Two neighbouring calls of the first meet every call of the second.
    let at = if stopped_at % 2 == 0 { [1, 3] } else { [2, ALL] };
    for then in at {
        let first = ground.fork().await;
        let mut second = first.beside().await;
        second.write("hello", manifest_with(strategy, HELLO_1_0));
        let counter: Arc<Counter> = Arc::default();
        counter.watch(&first);
        let mut one = Box::pin(first.converge_with(to_its_very_end()));
        let one_ended = counter.go_on(stopped_at, one.as_mut()).await;
        has_ended = one_ended.is_some().then_some(());
        first.pass(3).await;
        let mut two = Box::pin(second.converge());
        let two_ended = counter.go_on(then, two.as_mut()).await;
        let ((one, plan), (two, _)) = tokio::join!(to_the_end(one_ended, one), to_the_end(two_ended, two));
        let diaries = format!("{}\n-\n{}", first.diary(), second.diary());
        let told = || format!("{stopped_at}, {then}: {one:?} {}\n{diaries}", plan.apps[0].reason);
        assert_eq!(two, Outcome::Converged, "{}", told());
        assert!(gave_way(one, &plan.apps[0]), "{}", told());
        assert!(one == Outcome::Blocked || has_ended.is_some(), "{}", told());
        assert_eq!(image_that_serves(&second), [HELLO_1_0], "{}", told());
        assert!(is_unblamed(&second), "{}", told());
        assert!(counter.made() <= MOST_CALLS, "{} calls, {}", counter.made(), told());
        // The way from there to the end of what is left over is long, and the same for all.
        if then <= 2 {
            assert_eq!(second.apply(true).await, Outcome::Converged, "{}", told());
            assert!(second.plan("hello").await.is_settled(), "{}", told());
        }
    }
    has_ended
}

async fn is_called_off_at_any_call(strategy: &str, from: usize) {
    let ground = ground_with(strategy).await;
    let mut stopped_at = from;
    while called_off(&ground, strategy, stopped_at).await.is_none() {
        stopped_at += 1;
    }
    assert!(stopped_at > from + 8, "it was stopped at each of its calls, not only at {stopped_at}");
}

#[tokio::test(start_paused = true)]
async fn a_release_is_called_off_by_whoever_goes_back_to_what_served_before_at_whichever_call_it_is() {
    is_called_off_at_any_call(RED_BLACK, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_is_called_off_by_whoever_goes_back_to_what_served_before_at_whichever_call_it_is() {
    // Until its first share it goes as any other release.
    is_called_off_at_any_call(CANARY, 4).await;
}

/// Whoever calls a release off is killed after so many calls; the release is applied again after that, and has its way.
async fn killed(strategy: &str, at: std::ops::Range<usize>) {
    let ground = ground_with(strategy).await;
    for stopped_at in at {
        for then in [1, 2 + stopped_at % 2] {
            let first = ground.fork().await;
            let (mut second, third) = (first.beside().await, first.beside().await);
            second.write("hello", manifest_with(strategy, HELLO_1_0));
            let counter: Arc<Counter> = Arc::default();
            counter.watch(&first);
            let mut one = Box::pin(first.converge());
            let one_ended = counter.go_on(stopped_at, one.as_mut()).await;
            first.pass(3).await;
            let mut two = Box::pin(second.converge());
            let two_ended = counter.go_on(then, two.as_mut()).await;
            drop(two);
            let (one, plan) = to_the_end(one_ended, one).await;
            let last = third.converge().await.0;
            let diaries = [&first, &second, &third].map(Lab::diary).join("\n-\n");
            let reason = &plan.apps[0].reason;
            let told = || format!("{stopped_at}, {then}: {one:?} {reason}, {two_ended:?} {last:?}\n{diaries}");
            assert!(gave_way(one, &plan.apps[0]), "{}", told());
            assert_eq!(last, Outcome::Converged, "{}", told());
            assert_eq!(image_that_serves(&third), [HELLO_1_1], "{}", told());
            assert!(is_unblamed(&third), "{}", told());
            assert_eq!(third.apply(true).await, Outcome::Converged, "{}", told());
            assert!(third.plan("hello").await.is_settled(), "{}", told());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_applies_again_overrides_whoever_called_a_release_off_and_was_killed() {
    killed(RED_BLACK, 1..8).await;
}

#[tokio::test(start_paused = true)]
async fn who_applies_again_overrides_whoever_called_a_canary_off_and_was_killed() {
    killed(CANARY, 4..11).await;
}

/// Three processes: the first and the last want the same, the one between them something else. It has begun a release of its own
/// by the time the last one begins.
async fn back_and_forth(stopped_at: usize) {
    let ground = ground_with(RED_BLACK).await;
    for then in [1 + stopped_at, 8] {
        let first = ground.fork().await;
        let (mut second, third) = (first.beside().await, first.beside().await);
        second.write("hello", manifest_with(RED_BLACK, HELLO_1_2));
        let counter: Arc<Counter> = Arc::default();
        counter.watch(&first);
        let mut one = Box::pin(first.converge());
        let one_ended = counter.go_on(stopped_at, one.as_mut()).await;
        first.pass(3).await;
        let mut two = Box::pin(second.converge());
        let two_ended = counter.go_on(then, two.as_mut()).await;
        // What has taken all of the traffic is watched to its end before the last one begins its release.
        let is_shift = |action: &Action| matches!(action, Action::Shift { .. });
        let has_shifted = two_ended.is_some() || second.acted().iter().any(is_shift);
        first.pass(3).await;
        let rest = (to_the_end(one_ended, one), to_the_end(two_ended, two));
        let ((one, _), (two, _), (last, _)) = tokio::join!(rest.0, rest.1, third.converge());
        let diaries = || [&first, &second, &third].map(Lab::diary).join("\n-\n");
        let told = || format!("{stopped_at}, {then}: {one:?} {two:?} {last:?}\n{}", diaries());
        assert_eq!(last, Outcome::Converged, "{}", told());
        // The first wants the same as the last one, and may have helped it to its end.
        assert!(matches!(one, Outcome::Blocked | Outcome::Converged), "{}", told());
        assert!(matches!(two, Outcome::Blocked | Outcome::Converged), "{}", told());
        assert!(two == Outcome::Blocked || has_shifted, "{}", told());
        assert_eq!(image_that_serves(&third), [HELLO_1_1], "{}", told());
        assert!(is_unblamed(&third), "{}", told());
        assert!(counter.made() <= MOST_CALLS * 3 / 2, "{} calls, {}", counter.made(), told());
        assert_eq!(third.apply(true).await, Outcome::Converged, "{}", told());
        assert!(third.plan("hello").await.is_settled(), "{}", told());
    }
}

#[tokio::test(start_paused = true)]
async fn of_three_writers_the_last_has_its_way_where_it_wants_the_same_as_the_first() {
    for stopped_at in [1, 2, 3] {
        back_and_forth(stopped_at).await;
    }
}
