//! A command of a person is killed at any of its calls and said again: it goes on, and everything ends as without the kill.

use std::time::Duration;

use amiable::cli::exit::Exit;
use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::plan::intent;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};

use crate::crash::manifest;
use crate::lab::{Lab, summary};
use crate::over_time::OverTime;
use crate::tape::{Moment, Tape};

/// What is typed on what there is already.
struct Said {
    ground: Lab,
    line: &'static str,
    /// The manifest as the command has written it.
    written: Option<String>,
    /// Whether the app is to end.
    ends: bool,
}

/// What is typed, and leaves the manifest as it is.
fn said(ground: Lab, line: &'static str) -> Said {
    Said { ground, line, written: None, ends: false }
}

impl Said {
    /// Types it; or types it again where it was killed after a mutating call. Those calls, how it ended, and what there is in
    /// the end.
    async fn live(&self, killed: Option<&Moment>) -> (Vec<Moment>, Option<Exit>, Vec<String>) {
        let after = killed.map(|moment| &moment.after);
        let (mut lab, tape) = Tape::begin(&self.ground, after, self.ends, OverTime::default()).await;
        match killed {
            Some(_) => {
                self.write(&mut lab);
                lab.pass(7).await;
            }
            None => tape.record(),
        }
        tape.watch(&lab, |_, _, _| None);
        let manifests = lab.lay_out();
        let exit = match lab.typed(manifests.path(), Answers::default(), self.line).await {
            Ok(exit) => Some(exit),
            // Only what is complete may be refused as something that makes no sense any more.
            Err(failure) => {
                let plan = lab.plan("hello").await;
                assert!(plan.is_over(false), "{failure}: {plan:?}");
                None
            }
        };
        let moments = tape.moments();
        self.write(&mut lab);
        if !self.ends {
            lab.apply(true).await;
        }
        let plan = lab.plan("hello").await;
        tape.assert_over();
        let mut left = summary(&lab.simulation);
        // A decision that could not be noted any more counts all the same: the mark decides.
        left.retain(|line| !line.contains("/decisions "));
        left.push(format!("{:?} {}", plan.change, plan.reason));
        (moments, exit, left)
    }

    fn write(&self, lab: &mut Lab) {
        if let Some(manifest) = &self.written {
            lab.write("hello", manifest.clone());
        }
    }

    /// Kills it after each of its calls.
    async fn survives(&self) {
        let (moments, exit, expected) = self.live(None).await;
        assert!(!moments.is_empty() && exit.is_some(), "{} makes {} calls", self.line, moments.len());
        for (at, moment) in (1..).zip(&moments) {
            println!("{}, killed after call {at}, {:?}", self.line, moment.call);
            let (_, again, found) = self.live(Some(moment)).await;
            assert_eq!(found, expected, "{}, killed after call {at}, {:?}", self.line, moment.call);
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
    said(ground, "rollback hello --reason slow --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_release_under_way_that_is_killed_is_said_again() {
    for seconds in [25, 90] {
        said(under_way(seconds).await, "rollback hello --yes").survives().await;
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
    said(ground, "rollback hello --to v001 --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_is_killed_is_said_again() {
    for seconds in [25, 90] {
        said(under_way(seconds).await, "abort hello --yes").survives().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_promotion_that_is_killed_is_said_again_and_promotes_no_further() {
    said(canary().await, "promote hello --yes").survives().await;
    said(canary().await, "promote hello --full --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_promotion_of_an_image_that_is_killed_is_said_again() {
    let mut ground = Lab::new().await;
    ground.put_parameter("/images/hello", HELLO_1_0);
    let by_hand = "{ssmParameter: /images/hello, track: manual}";
    ground.write("hello", slow(HELLO_1_0, "").replace(&format!("{{id: {HELLO_1_0}}}"), by_hand));
    assert_eq!(ground.apply(false).await, Outcome::Converged);
    ground.put_parameter("/images/hello", HELLO_1_1);
    said(ground, "promote hello --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_resume_that_are_killed_are_said_again() {
    said(under_way(25).await, "pause hello").survives().await;
    let ground = under_way(25).await;
    ground.say("hello", "", intent::pause).await;
    said(ground, "resume hello --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_killed_is_said_again() {
    let mut ground = deployed("", HELLO_1_0).await;
    ground.write("hello", slow(HELLO_BAD, "  progressDeadline: 2m\n"));
    assert_eq!(ground.apply(false).await, Outcome::ReleaseFailed);
    ground.simulation.with(|world| drop(world.images.all.get_mut(HELLO_BAD).unwrap().tags.remove("sim:behaviour")));
    said(ground, "retry hello --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_and_an_unpin_that_are_killed_are_said_again() {
    said(under_way(25).await, "pin hello --reason audit").survives().await;
    let mut ground = deployed("", HELLO_1_0).await;
    ground.say("hello", "", intent::pin).await;
    ground.write("hello", slow(HELLO_1_1, ""));
    said(ground, "unpin hello --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_that_is_killed_is_said_again() {
    said(under_way(25).await, "suspend hello --reason incident").survives().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_suspension_that_is_killed_is_said_again() {
    let ground = under_way(25).await;
    ground.say("hello", "", |about| intent::suspend(about, None)).await;
    said(ground, "resume hello --yes").survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_killed_is_typed_again() {
    let ground = deployed("", HELLO_1_0).await;
    let written = Some(slow(HELLO_1_1, ""));
    Said { written, ..said(ground, "deploy hello --ami ami-00000000000000110 --yes") }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_is_killed_is_typed_again() {
    let ground = deployed("", HELLO_1_1).await;
    Said { ends: true, ..said(ground, "destroy hello --yes") }.survives().await;
}
