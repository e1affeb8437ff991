//! AWS refuses a call that changes something: once, or for as long as somebody takes to mend a policy. What serves goes on serving,
//! what has traffic is watched or gives it back, the words of AWS are shown with the call, and afterwards the next `apply` converges.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::sim::CallRecord;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::World;
use amiable::sim::world::example::HELLO_1_1;

use crate::crash::{DNS, deployed, manifest};
use crate::invariants::ownership;
use crate::lab::{Lab, summary};
use crate::over_time::OverTime;

/// How a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Never,
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

/// What came of it.
struct Ended {
    /// The operation and the resource of each mutating call.
    calls: Vec<(String, String)>,
    /// What there is in the end.
    left: Vec<String>,
}

/// The resource that a call changes.
fn resource(request: &Request) -> String {
    let names = [
        "AutoScalingGroupName",
        "Tags.member.1.ResourceId",
        "TargetGroupArn",
        "ListenerArn",
        "RuleArn",
        "LoadBalancerArn",
        "LaunchTemplateName",
        "Name",
        "ResourceArns.member.1",
    ];
    if let Some(name) = names.iter().find_map(|name| request.params.get(name)) {
        return name.to_owned();
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    body["Name"].as_str().map_or_else(|| request.path.clone(), str::to_owned)
}

impl Job {
    async fn live(&self, refusal: Refusal, at: usize) -> Ended {
        println!("{refusal:?} at call {at}");
        let mut lab = self.ground.fork().await;
        for (name, text) in &self.manifests {
            lab.write(name, text.clone());
        }
        let over_time = Arc::new(Mutex::new(OverTime::patient()));
        let (watch, ends) = (over_time.clone(), self.ends);
        lab.simulation.set_observer(Some(Box::new(
            move |call: &CallRecord, before: &World, after: &World| match ends {
                true => ownership(call, before, after),
                false => watch.lock().unwrap().check(call, before, after),
            },
        )));
        let calls: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let made = calls.clone();
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, mutating: bool| {
            let mut made = made.lock().unwrap();
            let this = (request.operation.clone(), resource(request));
            if mutating {
                made.push(this.clone());
            }
            let is_due = match refusal {
                Refusal::Never => false,
                Refusal::Once => mutating && made.len() == at,
                Refusal::Always | Refusal::Invalid => mutating && made.get(at - 1) == Some(&this),
            };
            is_due.then(|| Fault::Refuse(refusal.error()))
        })));
        let said = self.once(&lab).await;
        let made = calls.lock().unwrap().clone();
        let who = || format!("{refusal:?} at call {at}, {:?}", made.get(at.saturating_sub(1)));
        if refusal != Refusal::Never {
            let words = refusal.error().message;
            let told = said.lines().any(|line| line.contains(&made[at - 1].0) && line.contains(&words));
            // What a command tells goes to its terminal.
            assert!(told || self.line.is_some(), "{}: nobody was told: {said}", who());
            if !self.ends {
                let serving: u32 = lab.simulation.with(|world| world.serving().values().sum());
                assert!(serving >= 2, "{}: {serving} serve\n{said}", who());
            }
        }
        lab.simulation.set_faults(None);
        lab.restart().await;
        if self.line.is_some() {
            self.once(&lab).await;
        }
        let ended = lab.apply(true).await;
        assert_eq!(ended, self.outcome, "{}: {said}\nthen\n{}", who(), lab.diary());
        over_time.lock().unwrap().assert_marked();
        let mut left = summary(&lab.simulation);
        // The mark on the group says why a release failed; the whole of it in a parameter is not written again by another process.
        left.retain(|line| !line.contains("/decisions ") && !line.contains("/failures "));
        Ended { calls: made, left }
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
        let Ended { calls, left: expected } = self.live(Refusal::Never, 0).await;
        assert!(calls.len() > 3, "{calls:?}");
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, call) in (1..).zip(&calls) {
            let again: &[Refusal] = match seen.insert(call) {
                true => &[Refusal::Once, Refusal::Always, Refusal::Invalid],
                false => &[Refusal::Once],
            };
            for refusal in again {
                let Ended { left, .. } = self.live(*refusal, at).await;
                if left != expected {
                    wrong.push(format!("{refusal:?} at call {at} {call:?}: {left:#?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "expected {expected:#?}\n{}", wrong.join("\n"));
    }
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
