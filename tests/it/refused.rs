//! AWS refuses a call that changes something: once, or for as long as somebody takes to mend a policy. What serves goes on serving,
//! what has traffic is watched or gives it back, the words of AWS are shown with the call, and afterwards the next `apply` converges.

use std::collections::BTreeSet;
use std::time::Duration;

use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::sim::fault::Fault;
use amiable::sim::wire::ApiError;
use amiable::sim::world::example::{HELLO_1_1, HELLO_SICK_LATER};

use crate::crash::{DNS, deployed, manifest, swap, with_matcher};
use crate::invariants::weights;
use crate::lab::{Lab, summary};
use crate::over_time::OverTime;
use crate::tape::{Call, Moment, Still, Tape};

/// How a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// For want of a permission, a single time.
    Once,
    /// For want of a permission, and so every other call of this operation on this resource.
    Always,
    /// As one that makes no sense, and so every other call of this operation on this resource.
    Invalid,
}

impl Refusal {
    fn error(self) -> ApiError {
        match self {
            Refusal::Invalid => ApiError::validation("The request is invalid in a way nobody thought of"),
            _ => ApiError::new("AccessDenied", "You are not authorized to perform this operation").with_status(403),
        }
    }
}

/// What is done on what there is already.
struct Job {
    ground: Lab,
    /// The manifests that are written first.
    manifests: Vec<(&'static str, String)>,
    /// What is typed; `apply` otherwise.
    line: Option<&'static str>,
    /// How an `apply` ends when nothing is refused.
    outcome: Outcome,
    /// Whether the app is to end.
    ends: bool,
}

impl Job {
    /// Does it with a call refused: from that call on, or from the beginning to the call of that number. What there is in the
    /// end, and nothing when the call was not made.
    async fn live(&self, refusal: Refusal, at: usize, call: &Call, from: Option<&Moment>) -> Option<Vec<String>> {
        let before = from.map(|moment| &moment.before);
        let (mut lab, tape) = self.begin(before).await;
        if refusal != Refusal::Once && ["ModifyListener", "ModifyRule"].contains(&call.operation.as_str()) {
            tape.helpless();
        }
        let told = (call.clone(), from.is_some());
        let (mut seen, mut hit) = (0, false);
        tape.watch(&lab, move |_, this, mutating| {
            if !mutating {
                return None;
            }
            seen += 1;
            let (call, is_next) = &told;
            let due = !hit && if *is_next { this == call } else { seen == at };
            hit |= due;
            let is_refused = due || hit && refusal != Refusal::Once && this == call;
            is_refused.then(|| Fault::Refuse(refusal.error()))
        });
        let said = self.once(&lab).await;
        let who = || format!("{refusal:?} at call {at}, {call:?}");
        if !tape.made().contains(call) {
            return None;
        }
        let words = refusal.error().message;
        let told = said.lines().any(|line| line.contains(&call.operation) && line.contains(&words));
        // What a command tells goes to its terminal.
        assert!(told || self.line.is_some(), "{}: nobody was told: {said}", who());
        if refusal == Refusal::Once && self.line.is_none() && self.outcome == Outcome::ReleaseFailed {
            let weights = lab.simulation.with(|world| weights(world));
            assert_eq!(weights["hello-prod-b"], 0, "{}: what failed keeps its traffic\n{said}", who());
        }
        if !self.ends {
            let serving: u32 = lab.simulation.with(|world| world.serving().values().sum());
            assert!(serving >= 2, "{}: {serving} serve\n{said}", who());
        }
        lab.simulation.set_faults(None);
        lab.restart().await;
        if self.line.is_some() {
            self.once(&lab).await;
        }
        let ended = lab.apply(true).await;
        assert_eq!(ended, self.outcome, "{}: {said}\nthen\n{}", who(), lab.diary());
        tape.assert_over();
        Some(left(&lab))
    }

    /// Does it once with nothing refused: each of its mutating calls, and what there is in the end.
    async fn record(&self) -> (Vec<Moment>, Vec<String>) {
        let (mut lab, tape) = self.begin(None).await;
        tape.record();
        tape.watch(&lab, |_, _, _| None);
        self.once(&lab).await;
        let moments = tape.moments();
        lab.simulation.set_faults(None);
        lab.restart().await;
        if self.line.is_some() {
            self.once(&lab).await;
        }
        assert_eq!(lab.apply(true).await, self.outcome, "{}", lab.diary());
        tape.assert_over();
        (moments, left(&lab))
    }

    async fn begin(&self, from: Option<&Still>) -> (Lab, Tape) {
        let (mut lab, tape) = Tape::begin(&self.ground, from, self.ends, OverTime::patient()).await;
        for (name, text) in &self.manifests {
            lab.write(name, text.clone());
        }
        (lab, tape)
    }

    /// Does it once, for as long as it takes and not for ever. What was told.
    async fn once(&self, lab: &Lab) -> String {
        if let Some(line) = self.line {
            let manifests = lab.lay_out();
            let ended = lab.typed(manifests.path(), Answers::default(), line).await;
            let told = ended.map_or_else(|failure| failure.to_string(), |exit| format!("{exit:?}"));
            return format!("{told}\n{}", lab.diary());
        }
        let ended = lab.apply_within(Duration::from_secs(1800)).await;
        format!("{ended:?}\n{}", lab.diary())
    }

    async fn survives(&self) {
        let (moments, expected) = self.record().await;
        assert!(moments.len() > 3, "it makes {} mutating calls", moments.len());
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, moment) in (1..).zip(&moments) {
            let again: &[Refusal] = match seen.insert(&moment.call) {
                true => &[Refusal::Once, Refusal::Always, Refusal::Invalid],
                false => &[Refusal::Once],
            };
            for refusal in again {
                let left = self.refused(*refusal, at, moment).await;
                if left != expected {
                    wrong.push(format!("{refusal:?} at call {at} {:?}: {left:#?}", moment.call));
                }
            }
        }
        assert!(wrong.is_empty(), "expected {expected:#?}\n{}", wrong.join("\n"));
    }

    /// Does it with a call refused, from that call on if another process makes it as well, and else from the beginning.
    async fn refused(&self, refusal: Refusal, at: usize, moment: &Moment) -> Vec<String> {
        // Shown when it fails.
        println!("{refusal:?} at call {at}, {:?}", moment.call);
        // A command that is typed in the middle of itself is another one.
        if self.line.is_none()
            && let Some(left) = self.live(refusal, at, &moment.call, Some(moment)).await
        {
            return left;
        }
        println!("from the beginning");
        let left = self.live(refusal, at, &moment.call, None).await;
        left.unwrap_or_else(|| panic!("call {at} was not made"))
    }
}

/// What there is in the end.
fn left(lab: &Lab) -> Vec<String> {
    let mut left = summary(&lab.simulation);
    // The mark on the group says why a release failed; the whole of it in a parameter is not written again by another process.
    left.retain(|line| !line.contains("/decisions ") && !line.contains("/failures "));
    left
}

/// A manifest for an app that serves 1.0.0.
async fn on(extra: &str, manifests: Vec<(&'static str, String)>) -> Job {
    Job { ground: deployed(extra).await, manifests, line: None, outcome: Outcome::Converged, ends: false }
}

#[tokio::test(start_paused = true)]
async fn a_red_black_outlives_any_refused_call() {
    on(DNS, vec![("hello", manifest(HELLO_1_1, DNS))]).await.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_canary_outlives_any_refused_call() {
    let steps = "{canary: {steps: [{weight: 20}, {pause: 5s}], bakeTime: 10s}}";
    let canary = manifest(HELLO_1_1, "").replace("{redBlack: {bakeTime: 15s}}", steps);
    on("", vec![("hello", canary)]).await.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_falls_sick_gives_its_traffic_back_whichever_call_is_refused() {
    let sick = manifest(HELLO_SICK_LATER, "").replace("bakeTime: 15s", "bakeTime: 5m");
    Job { outcome: Outcome::ReleaseFailed, ..on("", vec![("hello", sick)]).await }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn the_trial_of_a_health_check_outlives_any_refused_call() {
    on("", vec![("hello", with_matcher("200-299"))]).await.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_health_check_that_does_not_hold_stays_out_of_force_whichever_call_is_refused() {
    Job { outcome: Outcome::Blocked, ..on("", vec![("hello", with_matcher("201"))]).await }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn two_apps_swap_their_names_whichever_call_is_refused() {
    let (ground, manifests) = swap().await;
    Job { ground, manifests, line: None, outcome: Outcome::Converged, ends: false }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_outlives_any_refused_call() {
    let mut ground = deployed("").await;
    let slow = manifest(HELLO_1_1, "").replace("bakeTime: 15s", "bakeTime: 10m").replace("{for: 10s}", "{for: 1h}");
    ground.write("hello", slow);
    ground.apply_for(Duration::from_secs(90)).await;
    let line = Some("rollback hello --reason slow --yes");
    Job { ground, manifests: Vec::new(), line, outcome: Outcome::ReleaseFailed, ends: false }.survives().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_app_outlives_any_refused_call() {
    let mut ground = deployed(DNS).await;
    let warm = |extra: &str| manifest(HELLO_1_1, &format!("{DNS}{extra}")).replace("{for: 10s}", "{for: 1h}");
    ground.write("hello", warm(""));
    assert_eq!(ground.apply(false).await, Outcome::Converged, "{}", ground.diary());
    let manifests = vec![("hello", warm("  destroy: true\n"))];
    Job { ground, manifests, line: None, outcome: Outcome::Converged, ends: true }.survives().await;
}
