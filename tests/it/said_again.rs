//! A command of a person is killed at any of its calls and said again: it goes on, and everything ends as without the kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amiable::cli::exit::Exit;
use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::plan::intent;
use amiable::sim::CallRecord;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};
use tokio::sync::Notify;

use crate::crash::manifest;
use crate::invariants::assert_invariants;
use crate::lab::{Lab, summary};

/// What is typed on what there is already.
struct Said {
    ground: Lab,
    line: &'static str,
}

impl Said {
    /// Types it, kills it after the mutating call of that number, and types it again. How many such calls there were, how it
    /// ended, and what there is in the end.
    async fn live(&self, kill_at: usize) -> (usize, Option<Exit>, Vec<String>) {
        let lab = self.ground.fork().await;
        let manifests = lab.lay_out();
        let (calls, bell) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counter, killed) = (calls.clone(), bell.clone());
        lab.simulation.set_observer(Some(Box::new(move |call: &CallRecord, before: &World, after: &World| {
            assert_invariants(call, before, after);
            if call.mutating && counter.fetch_add(1, Ordering::Relaxed) + 1 == kill_at {
                bell.notify_one();
            }
        })));
        let ended = tokio::select! {
            biased;
            () = killed.notified() => None,
            ended = lab.typed(manifests.path(), Answers::default(), self.line) => Some(ended),
        };
        let made = calls.load(Ordering::Relaxed);
        let ended = match ended {
            Some(ended) => ended,
            None => {
                lab.pass(7).await;
                lab.typed(manifests.path(), Answers::default(), self.line).await
            }
        };
        let exit = match ended {
            Ok(exit) => Some(exit),
            // Only what is complete may be refused as something that makes no sense any more.
            Err(failure) => {
                let plan = lab.plan("hello").await;
                assert!(plan.is_over(false), "{failure} after call {kill_at}: {plan:?}");
                None
            }
        };
        lab.apply(true).await;
        let plan = lab.plan("hello").await;
        let mut left = summary(&lab.simulation);
        // A decision that could not be noted any more counts all the same: the mark decides.
        left.retain(|line| !line.contains("/decisions "));
        left.push(format!("{:?} {}", plan.change, plan.reason));
        (made, exit, left)
    }

    /// Kills it after each of its calls.
    async fn survives(&self) {
        let (calls, exit, expected) = self.live(0).await;
        assert!(calls > 0 && exit.is_some(), "{} makes {calls} calls", self.line);
        for at in 1..=calls {
            let (_, again, found) = self.live(at).await;
            assert_eq!(found, expected, "{}, killed after call {at}", self.line);
            assert!(again.is_none() || again == exit, "{}, killed after call {at}: {again:?}", self.line);
        }
    }
}

/// `1.0.0` serves, and `1.1.0` as well where so asked.
async fn deployed(extra: &str, image: &str) -> Lab {
    let mut lab = Lab::new().await;
    for image in [HELLO_1_0, image] {
        lab.write("hello", slow(image, extra));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    }
    lab
}

/// A manifest with a bake in which something can be said, and a generation that stays warm.
fn slow(image: &str, extra: &str) -> String {
    manifest(image, extra).replace("bakeTime: 15s", "bakeTime: 1m").replace("{for: 10s}", "{for: 3m}")
}

/// The release of `1.1.0` has gone on for this long.
async fn under_way(seconds: u64) -> Lab {
    let mut lab = deployed("", HELLO_1_0).await;
    lab.write("hello", slow(HELLO_1_1, ""));
    lab.apply_for(Duration::from_secs(seconds)).await;
    lab
}

/// A canary has its first share and waits for a person.
async fn canary() -> Lab {
    let mut lab = deployed("", HELLO_1_0).await;
    let steps = "{canary: {steps: [{weight: 20}, {pause: {}}, {weight: 50}, {pause: 5s}], bakeTime: 10s}}";
    lab.write("hello", slow(HELLO_1_1, "").replace("{redBlack: {bakeTime: 1m}}", steps));
    lab.apply_for(Duration::from_secs(120)).await;
    lab
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_killed_is_said_again() {
    let ground = deployed("", HELLO_1_1).await;
    Said { ground, line: "rollback hello --reason slow --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_release_under_way_that_is_killed_is_said_again() {
    for seconds in [25, 90] {
        Said { ground: under_way(seconds).await, line: "rollback hello --yes" }.survives().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_an_earlier_release_that_is_killed_is_said_again() {
    let mut ground = Lab::new().await;
    ground.simulation.with(|world| world.add_image("ami-00000000000000112", "hello 1.1.2", ""));
    for image in [HELLO_1_0, HELLO_1_1, "ami-00000000000000112"] {
        ground.write("hello", manifest(image, "").replace("{for: 10s}", "{for: 0s, generations: 2}"));
        assert_eq!(ground.apply(true).await, Outcome::Converged);
    }
    Said { ground, line: "rollback hello --to v001 --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_is_killed_is_said_again() {
    for seconds in [25, 90] {
        Said { ground: under_way(seconds).await, line: "abort hello --yes" }.survives().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_is_killed_is_said_again_and_promotes_no_further() {
    Said { ground: canary().await, line: "promote hello --yes" }.survives().await;
    Said { ground: canary().await, line: "promote hello --full --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_promotion_of_an_image_that_is_killed_is_said_again() {
    let mut ground = Lab::new().await;
    ground.put_parameter("/images/hello", HELLO_1_0);
    let by_hand = "{ssmParameter: /images/hello, track: manual}";
    ground.write("hello", slow(HELLO_1_0, "").replace(&format!("{{id: {HELLO_1_0}}}"), by_hand));
    assert_eq!(ground.apply(false).await, Outcome::Converged);
    ground.put_parameter("/images/hello", HELLO_1_1);
    Said { ground, line: "promote hello --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_resume_that_are_killed_are_said_again() {
    Said { ground: under_way(25).await, line: "pause hello" }.survives().await;
    let ground = under_way(25).await;
    ground.say("hello", "", intent::pause).await;
    Said { ground, line: "resume hello --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_killed_is_said_again() {
    let mut ground = deployed("", HELLO_1_0).await;
    ground.write("hello", slow(HELLO_BAD, "  progressDeadline: 2m\n"));
    assert_eq!(ground.apply(false).await, Outcome::ReleaseFailed);
    ground.simulation.with(|world| drop(world.images.all.get_mut(HELLO_BAD).unwrap().tags.remove("sim:behaviour")));
    Said { ground, line: "retry hello --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_and_an_unpin_that_are_killed_are_said_again() {
    Said { ground: under_way(25).await, line: "pin hello --reason audit" }.survives().await;
    let mut ground = deployed("", HELLO_1_0).await;
    ground.say("hello", "", intent::pin).await;
    ground.write("hello", slow(HELLO_1_1, ""));
    Said { ground, line: "unpin hello --yes" }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_that_is_killed_is_said_again() {
    Said { ground: under_way(25).await, line: "suspend hello --reason incident" }.survives().await;
}
