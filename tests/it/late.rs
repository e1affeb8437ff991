//! A call that is held up on its way: the process that made it is gone, another one goes on, and 92 seconds later the call lands on
//! whatever there is by then. At no time does nobody serve, and in the end everything is as without it. One exception is known: the
//! call that empties the generation before, while another process makes that one serve again.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};

use crate::crash::{DNS, deployed, manifest};
use crate::lab::{Lab, summary};
use crate::over_time::OverTime;
use crate::tape::{Moment, Tape};

/// For how long the call is on its way.
const HELD_UP: u64 = 92;

/// A release on what serves already.
struct Release {
    ground: Lab,
    manifest: String,
}

impl Release {
    /// Converges a manifest without any mishap. Its mutating calls, and what there is in the end.
    async fn record(&self) -> (Vec<Moment>, Vec<String>) {
        let (mut lab, tape) = Tape::begin(&self.ground, None, false, OverTime::default()).await;
        tape.record();
        tape.watch(&lab, |_, _, _| None);
        lab.write("hello", self.manifest.clone());
        assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
        (tape.moments(), summary(&lab.simulation))
    }

    /// A call is held up, and another process converges this manifest meanwhile. What there is in the end.
    async fn held_up(&self, moment: &Moment, manifest: &str) -> Vec<String> {
        let is_taken_back = manifest != self.manifest;
        // What serves again may have been about to be emptied, which nothing says before it is: then that is put right.
        let is_excepted = is_taken_back && moment.request.params.get("DesiredCapacity") == Some("0");
        let still = Some(&moment.before);
        let (mut lab, tape) = Tape::begin(&self.ground, still, is_excepted, OverTime::default()).await;
        if !is_excepted {
            tape.never_below(1);
        }
        if is_taken_back {
            tape.takes_back();
        }
        tape.watch(&lab, |_, _, _| None);
        lab.write("hello", manifest.to_owned());
        let late = async {
            lab.pass(HELD_UP).await;
            lab.simulation.call(&moment.request);
        };
        let (outcome, ()) = tokio::join!(lab.apply(true), late);
        let ended = |outcome| matches!(outcome, Outcome::Converged | Outcome::ReleaseFailed);
        assert!(ended(outcome), "{outcome:?}: {}", lab.diary());
        let outcome = lab.apply(true).await;
        // What was emptied while it served has failed, and the release serves on.
        let expected = if is_excepted { Outcome::ReleaseFailed } else { Outcome::Converged };
        assert_eq!(outcome, expected, "{}", lab.diary());
        assert!(lab.plan("hello").await.is_settled(), "{}", lab.diary());
        tape.assert_over();
        let serving: u32 = lab.simulation.with(|world| world.serving().values().sum());
        assert!(serving >= 2, "{serving} serve: {}", lab.diary());
        summary(&lab.simulation)
    }

    /// Whichever call is held up: the other process wants the same, or what served before.
    async fn survives(&self, before: &str) {
        let (moments, expected) = self.record().await;
        assert!(moments.len() > 3, "it makes {} mutating calls", moments.len());
        for (at, moment) in (1..).zip(&moments) {
            println!("call {at} is held up, {:?}", moment.call);
            let found = self.held_up(moment, &self.manifest).await;
            assert_eq!(found, expected, "call {at} was held up, {:?}", moment.call);
            println!("call {at} is held up and the release taken back, {:?}", moment.call);
            self.held_up(moment, before).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_red_black_that_is_held_up_for_92_seconds_leaves_somebody_serving() {
    let release = Release { ground: deployed(DNS).await, manifest: manifest(HELLO_1_1, DNS) };
    release.survives(&manifest(HELLO_1_0, DNS)).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_canary_that_is_held_up_for_92_seconds_leaves_somebody_serving() {
    let steps = "{canary: {steps: [{weight: 20}, {pause: 5s}], bakeTime: 10s}}";
    let canary = |image| manifest(image, "").replace("{redBlack: {bakeTime: 15s}}", steps);
    let release = Release { ground: deployed("").await, manifest: canary(HELLO_1_1) };
    release.survives(&canary(HELLO_1_0)).await;
}
