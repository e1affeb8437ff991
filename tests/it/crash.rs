//! A crash at any moment, a call or a reply that gets lost, or reads from the past change nothing about the outcome.
//!
//! A life is a sequence of deeds on an account. It is lived once without a mishap, and then again from each of its mutating calls
//! on, with a mishap at that call; it always has to end in the same state, with nothing left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amiable::controller::converge::{Ending, Options, Outcome, converge};
use amiable::model::time::{Span, Timestamp};
use amiable::plan::intent;
use amiable::sim::fault::Fault;
use amiable::sim::wire::Request;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD, HELLO_SICK_LATER};
use amiable::sim::world::outside::HookAnswer;
use tokio::sync::watch;

use crate::lab::{Lab, app, summary};
use crate::over_time::OverTime;
use crate::stories::shared_listener::shared;
use crate::tape::{Moment, Tape};

/// How many reads in a row are answered from the past: those of one look.
const ONE_LOOK: usize = 16;

/// What goes wrong at one mutating call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    /// The process ends right after the call.
    Crash,
    /// The call is carried out, and its answer never arrives.
    ReplyLost,
    /// The call never arrives.
    RequestLost,
    /// The next look shows the world as it was before the call.
    Stale,
    /// The same of what one service tells.
    StaleFrom(&'static str),
    /// The next read of one kind shows the world as it was before the call.
    StaleRead(&'static str),
}

/// Something that is done in a life.
enum Deed {
    /// Manifests are written and converged for so many seconds at the most; it ends like this.
    Apply { manifests: Vec<(&'static str, String)>, seconds: u64, ends: Outcome },
    /// A person turns the newest release down.
    TurnDown,
}

/// A manifest is written and converged.
fn deploy(manifest: String) -> Deed {
    ends(manifest, Outcome::Converged)
}

/// The same, and it ends otherwise.
fn ends(manifest: String, ends: Outcome) -> Deed {
    Deed::Apply { manifests: vec![("hello", manifest)], seconds: HOURS, ends }
}

/// A manifest is written and converged for so many seconds only.
fn begin(manifest: String, seconds: u64) -> Deed {
    Deed::Apply { manifests: vec![("hello", manifest)], seconds, ends: Outcome::TimedOut }
}

/// What was written before is converged.
fn go_on(ends: Outcome) -> Deed {
    Deed::Apply { manifests: Vec::new(), seconds: HOURS, ends }
}

/// Long enough for everything.
const HOURS: u64 = 7200;

/// The operations that read something between each mutating call, by its number, and the next.
type Reads = BTreeMap<usize, BTreeSet<String>>;

/// Whether a read could show what the last two calls have changed, of which these are the services.
fn shows(changed: &[String; 2], read: &Request) -> bool {
    changed.contains(&read.service) || changed[1] == "autoscaling" && read.operation == "DescribeTargetHealth"
}

/// What is done, on what there is already.
struct Life {
    ground: Lab,
    deeds: Vec<Deed>,
    /// Whether the app is to end, and need not serve as before.
    ends: bool,
}

/// What came of it.
struct Lived {
    /// What there is in the end.
    left: Vec<String>,
    /// Whether the mishap has happened.
    hit: bool,
}

impl Life {
    /// Lives it without a mishap. Each of its mutating calls, what there is in the end, and which reads came between each of
    /// those calls and the next.
    async fn record(&self) -> (Vec<Moment>, Vec<String>, Reads) {
        let (mut lab, tape) = Tape::begin(&self.ground, None, self.ends, OverTime::default()).await;
        tape.record();
        let noted: Arc<Mutex<Reads>> = Arc::default();
        let reads = noted.clone();
        let (mut seen, mut changed) = (0, [String::new(), String::new()]);
        tape.watch(&lab, move |request, _, mutating| {
            seen += usize::from(mutating);
            if mutating {
                changed = [std::mem::take(&mut changed[1]), request.service.clone()];
            } else if seen > 0 && shows(&changed, request) {
                reads.lock().unwrap().entry(seen).or_default().insert(request.operation.clone());
            }
            None
        });
        let left = self.go_through(&mut lab, &tape, None).await;
        let (moments, reads) = (tape.moments(), noted.lock().unwrap().clone());
        assert!(moments.len() > 3, "the life makes {} mutating calls", moments.len());
        assert_eq!(left.is_empty(), self.ends, "{left:?}");
        (moments, left, reads)
    }

    /// Goes on after the process has ended right after a call, with another one that has nothing but the manifests.
    async fn live_after(&self, crash: &Moment) -> Vec<String> {
        let (mut lab, tape) = Tape::begin(&self.ground, Some(&crash.after), self.ends, OverTime::default()).await;
        tape.watch(&lab, |_, _, _| None);
        lab.pass(7).await;
        self.go_through(&mut lab, &tape, Some(crash)).await
    }

    /// Lives it with a mishap at a mutating call: from that call on, or from the beginning to the call of that number.
    async fn live(&self, mishap: Mishap, at: usize, from: Option<&Moment>) -> Lived {
        let before = from.map(|moment| &moment.before);
        let (mut lab, tape) = Tape::begin(&self.ground, before, self.ends, OverTime::default()).await;
        let hit = Arc::new(AtomicBool::new(false));
        let happened = hit.clone();
        let call = from.map(|moment| moment.call.clone());
        // The number of the last mutating call, the one that the mishap is about, and how many reads were from the past.
        let (mut seen, mut struck, mut reads) = (0, 0, 0);
        tape.watch(&lab, move |request, this, mutating| {
            seen += usize::from(mutating);
            let is_it = call.as_ref().map_or(seen == at, |call| call == this);
            let due = mutating && struck == 0 && is_it;
            if due {
                struck = seen;
            }
            let of_kind = match mishap {
                Mishap::StaleRead(kind) => request.operation == kind && reads == 0,
                _ => reads < ONE_LOOK,
            };
            let after = !mutating && struck > 0 && seen == struck && of_kind;
            reads += usize::from(after);
            let fault = match mishap {
                Mishap::ReplyLost if due => Some(Fault::ReplyLost),
                Mishap::RequestLost if due => Some(Fault::RequestLost),
                Mishap::Stale | Mishap::StaleRead(_) if after => Some(Fault::Stale),
                Mishap::StaleFrom(service) if after && request.service == service => Some(Fault::Stale),
                _ => None,
            };
            if fault.is_some() {
                happened.store(true, Ordering::Relaxed);
            }
            fault
        });
        let left = self.go_through(&mut lab, &tape, from).await;
        Lived { left, hit: hit.load(Ordering::Relaxed) }
    }

    /// Does all of it; or what is left of it from a moment on. What there is in the end.
    async fn go_through(&self, lab: &mut Lab, tape: &Tape, from: Option<&Moment>) -> Vec<String> {
        let begun = from.map_or(0, |moment| moment.deed);
        for (number, deed) in self.deeds.iter().enumerate() {
            if let Deed::Apply { manifests, .. } = deed {
                for (name, manifest) in manifests {
                    lab.write(name, manifest.clone());
                }
            }
            if number < begun {
                continue;
            }
            let since = from.filter(|_| number == begun).map_or(lab.clock.now(), |moment| moment.since);
            tape.turn_to(number, since);
            match deed {
                Deed::Apply { seconds, ends, .. } => {
                    converge_until(lab, Span::seconds(*seconds).after(since), *ends).await
                }
                Deed::TurnDown => {
                    let said = lab.try_to_say("hello", "slow", |about| intent::rollback(about, None, &[])).await;
                    said.unwrap_or_else(|refusal| panic!("{refusal}"));
                }
            }
        }
        let plan = lab.plan("hello").await;
        assert!(plan.is_settled(), "{:?} {:?}", plan.actions, plan.waits);
        tape.assert_over();
        let mut left = summary(&lab.simulation);
        // What was marked and could not be noted down any more counts all the same: the mark decides.
        left.retain(|line| !line.contains("/decisions "));
        left
    }

    /// The same, from its call on if another process makes that call as well, and else from the beginning.
    async fn survives_at(&self, mishap: Mishap, at: usize, moment: &Moment, expected: &[String]) {
        // Shown when this life fails.
        println!("{mishap:?} at call {at}, {:?}", moment.call);
        let found = match mishap {
            Mishap::Crash => self.live_after(moment).await,
            _ => match self.live(mishap, at, Some(moment)).await {
                Lived { left, hit: true } => left,
                _ => {
                    println!("from the beginning");
                    self.live(mishap, at, None).await.left
                }
            },
        };
        assert_eq!(found, expected, "{mishap:?} at call {at}, {:?}", moment.call);
    }

    /// Lives it with one read from the past after each of its calls, of each kind that could show the call.
    async fn survives_a_stale_read_of_each_kind(&self, at_least: usize) {
        let (moments, expected, reads) = self.record().await;
        assert!(reads.values().map(BTreeSet::len).sum::<usize>() >= at_least, "{reads:?}");
        let mut noted = BTreeSet::new();
        for (at, kinds) in reads {
            for kind in kinds {
                // How long a release was watched is noted over and over, and shows in the same way each time.
                if says_how_long(&moments[at - 1]) && !noted.insert((moments[at - 1].call.clone(), kind.clone())) {
                    continue;
                }
                let kind: &'static str = kind.leak();
                self.survives_at(Mishap::StaleRead(kind), at, &moments[at - 1], &expected).await;
            }
        }
    }

    /// Lives it with the mishap at each of its calls.
    async fn survives(&self, mishap: Mishap) {
        let (moments, expected, _) = self.record().await;
        for (at, moment) in (1..).zip(&moments) {
            self.survives_at(mishap, at, moment, &expected).await;
        }
    }
}

/// Whether a call notes for how long a release was watched, and nothing else.
fn says_how_long(moment: &Moment) -> bool {
    let key = |index: u32| moment.request.params.get(&format!("Tags.member.{index}.Key"));
    moment.call.operation == "CreateOrUpdateTags" && key(1) == Some("amiable:watched") && key(2).is_none()
}

/// Converges until that time at the latest.
async fn converge_until(lab: &Lab, end: Timestamp, expected: Outcome) {
    let left = u64::try_from(end.as_second() - lab.clock.now().as_second()).unwrap_or(0);
    let options = Options { timeout: Some(Duration::from_secs(left)), wait_for_cleanup: true, ..Options::default() };
    let (_sender, stop) = watch::channel(false);
    let Ending { outcome, plan, .. } =
        converge(&lab.aws, &lab.desired(), &lab.clock, &options, &|_| {}, stop).await.unwrap();
    let why = plan.apps.iter().map(|app| format!("{:?} {} {:?}", app.change, app.reason, app.actions));
    assert_eq!(outcome, expected, "{}", why.collect::<String>());
}

/// The manifest of the app with short times.
pub fn manifest(image: &str, extra: &str) -> String {
    let times = "  strategy: {redBlack: {bakeTime: 15s}}\n  verification: {stableFor: 10s}\n  retain: {for: 10s}\n";
    let front = if extra.contains("loadBalancer") { "" } else { "  loadBalancer: {deregistrationDelay: 5s}\n" };
    let manifest = app("hello", image, &format!("{times}{front}{extra}"));
    manifest.replace("/health_check}", "/health_check, interval: 5s, timeout: 2s}")
}

pub const DNS: &str = "  dns: {name: hello.internal.example.com}\n";

pub async fn deployed(extra: &str) -> Lab {
    let mut lab = Lab::new().await;
    lab.write("hello", manifest(HELLO_1_0, extra));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    lab
}

/// The first deploy and a replacement.
async fn main_job() -> Life {
    let deeds = [HELLO_1_0, HELLO_1_1].map(|image| deploy(manifest(image, DNS)));
    Life { ground: Lab::new().await, deeds: deeds.into(), ends: false }
}

/// Another image for an app that serves.
async fn replacement() -> Life {
    Life { ground: deployed(DNS).await, deeds: vec![deploy(manifest(HELLO_1_1, DNS))], ends: false }
}

async fn worker() -> Life {
    let worker = "  loadBalancer: none\n";
    Life { ground: deployed(worker).await, deeds: vec![deploy(manifest(HELLO_1_1, worker))], ends: false }
}

/// Settings of all kinds, there and back.
async fn in_place() -> Life {
    let other = "  loadBalancer: {deregistrationDelay: 20s}\n  dns: {name: hello.internal.example.com, evaluateTargetHealth: true}\n";
    let changed = manifest(HELLO_1_0, other).replace("max: 4", "max: 8").replace("/health_check", "/healthy");
    let changed = changed.replace("{name: hello}", "{name: hello, labels: {team: shop}}");
    Life { ground: deployed(DNS).await, deeds: vec![deploy(changed), deploy(manifest(HELLO_1_0, DNS))], ends: false }
}

/// A release that is replaced by another one while it waits for its instances.
async fn edited() -> Life {
    let deeds = vec![begin(manifest(HELLO_BAD, ""), 25), deploy(manifest(HELLO_1_1, ""))];
    Life { ground: deployed("").await, deeds, ends: false }
}

/// A release that is taken back while it waits for its instances.
async fn reverted() -> Life {
    let deeds = vec![begin(manifest(HELLO_1_1, ""), 25), deploy(manifest(HELLO_1_0, ""))];
    Life { ground: deployed("").await, deeds, ends: false }
}

/// A release that is turned down while it bakes.
async fn rolled_back() -> Life {
    let slow = manifest(HELLO_1_1, "").replace("bakeTime: 15s", "bakeTime: 1m").replace("{for: 10s}", "{for: 1h}");
    Life {
        ground: deployed("").await,
        deeds: vec![begin(slow, 90), Deed::TurnDown, go_on(Outcome::ReleaseFailed)],
        ends: false,
    }
}

/// A release that takes the traffic in two steps.
async fn canary() -> Life {
    let steps = "{canary: {steps: [{weight: 20}, {pause: 5s}], bakeTime: 10s}}";
    let canary = manifest(HELLO_1_1, "").replace("{redBlack: {bakeTime: 15s}}", steps);
    Life { ground: deployed("").await, deeds: vec![deploy(canary)], ends: false }
}

/// A canary that is turned down while it has a share of the traffic.
async fn canary_turned_down() -> Life {
    let steps = "{canary: {steps: [{weight: 20}, {pause: 10m}], bakeTime: 10s}}";
    let canary = manifest(HELLO_1_1, "").replace("{redBlack: {bakeTime: 15s}}", steps);
    Life {
        ground: deployed("").await,
        deeds: vec![begin(canary, 90), Deed::TurnDown, go_on(Outcome::ReleaseFailed)],
        ends: false,
    }
}

/// A release that has to pass everything that can be asked of one.
async fn verified() -> Life {
    let ground = deployed("").await;
    ground.simulation.with(|world| {
        world.set_alarm("hello-5xx", "OK", "Threshold not crossed");
        world.outside.answers("gate.example.com", [(503, ""), (200, "go")].map(answer));
        world.metrics.rates.insert("hello-prod".to_owned(), 20);
    });
    ground.pass(300).await;
    let checks = "{stableFor: 10s, smoke: [{path: /version, body: hello}], alarms: [hello-5xx], \
                  compare: {maxErrorRate: 5%, maxErrorRatio: 2, minRequests: 100, window: 2m}, \
                  webhook: {url: 'https://gate.example.com/check', phase: duringBake, timeout: 10m}}";
    let verified = manifest(HELLO_1_1, "").replace("{stableFor: 10s}", checks);
    Life { ground, deeds: vec![deploy(verified)], ends: false }
}

fn answer((status, body): (u16, &str)) -> HookAnswer {
    HookAnswer::Status(status, body.to_owned())
}

/// Steps by alarms: with the next generation, then changed, then gone.
async fn stepping() -> Life {
    let steps = |threshold: u32| {
        let policy = "{name: many, customMetric: {namespace: Shop, name: Jobs}, comparison: GreaterThanThreshold";
        let steps = "steps: [{lowerBound: 0, adjustment: 1}]";
        format!("  scaling: {{step: [{policy}, threshold: {threshold}, evaluationPeriods: 2, {steps}}}]}}\n")
    };
    let deeds = [manifest(HELLO_1_1, &steps(100)), manifest(HELLO_1_1, &steps(200)), manifest(HELLO_1_1, "")];
    Life { ground: deployed(&steps(100)).await, deeds: deeds.map(deploy).into(), ends: false }
}

/// The end of an app with a name and two generations. Less may serve than before; what is not its own stays as it is.
async fn ending() -> Life {
    let mut ground = deployed(DNS).await;
    let warm = |extra: &str| manifest(HELLO_1_1, &format!("{DNS}{extra}")).replace("{for: 10s}", "{for: 1h}");
    ground.write("hello", warm(""));
    assert_eq!(ground.apply(false).await, Outcome::Converged, "{}", ground.diary());
    Life { ground, deeds: vec![deploy(warm("  destroy: true\n"))], ends: true }
}

/// The first deploy and a replacement behind a listener that others share.
async fn shared_job() -> Life {
    let behind = "  loadBalancer: {listener: web, hosts: [hello.example.com], deregistrationDelay: 5s}\n";
    let deeds = [HELLO_1_0, HELLO_1_1].map(|image| deploy(manifest(image, behind)));
    Life { ground: shared().await, deeds: deeds.into(), ends: false }
}

/// A replacement of three apps at once behind one listener.
async fn neighbours() -> Life {
    let behind = |name: &'static str, image| {
        let front =
            format!("  loadBalancer: {{listener: web, hosts: [{name}.example.com], deregistrationDelay: 5s}}\n");
        (name, manifest(image, &front).replace("{name: hello}", &format!("{{name: {name}}}")))
    };
    let all = |image| ["hello", "shop", "store"].map(|name| behind(name, image));
    let mut ground = shared().await;
    for (name, manifest) in all(HELLO_1_0) {
        ground.write(name, manifest);
    }
    assert_eq!(ground.apply(true).await, Outcome::Converged, "{}", ground.diary());
    let manifests = all(HELLO_1_1).into();
    Life { ground, deeds: vec![Deed::Apply { manifests, seconds: HOURS, ends: Outcome::Converged }], ends: false }
}

/// Another image for an app whose old generation is not kept.
async fn unretained() -> Life {
    let none = manifest(HELLO_1_1, "").replace("{for: 10s}", "{for: 0s}");
    Life { ground: deployed("").await, deeds: vec![deploy(none)], ends: false }
}

/// The manifest with another status that counts as well.
pub fn with_matcher(status: &str) -> String {
    manifest(HELLO_1_0, "").replace("/health_check", &format!("/health_check, matcher: '{status}'"))
}

/// A health check that is tried and comes into force, and one that is tried and does not.
async fn trial() -> Life {
    let deeds = vec![deploy(with_matcher("200-299")), ends(with_matcher("201"), Outcome::Blocked)];
    Life { ground: deployed("").await, deeds, ends: false }
}

/// Two apps that serve, and the manifests by which they swap their names.
pub async fn swap() -> (Lab, Vec<(&'static str, String)>) {
    let named = |app: &'static str, name: &str| {
        let manifest = manifest(HELLO_1_0, &format!("  dns: {{name: {name}.internal.example.com}}\n"));
        (app, manifest.replace("{name: hello}", &format!("{{name: {app}}}")))
    };
    let mut lab = Lab::new().await;
    for (app, manifest) in [named("hello", "hello"), named("store", "store")] {
        lab.write(app, manifest);
    }
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    (lab, vec![named("hello", "store"), named("store", "hello")])
}

/// Two apps swap their names.
async fn handover() -> Life {
    let (ground, manifests) = swap().await;
    Life { ground, deeds: vec![Deed::Apply { manifests, seconds: HOURS, ends: Outcome::Converged }], ends: false }
}

/// A release that takes over, falls sick and gives its traffic back; why is noted down.
async fn failing() -> Life {
    let sick = manifest(HELLO_SICK_LATER, "").replace("bakeTime: 15s", "bakeTime: 5m");
    Life { ground: deployed("").await, deeds: vec![ends(sick, Outcome::ReleaseFailed)], ends: false }
}

/// A test for each life that one read of each kind is stale in, and how many such reads there are at least.
macro_rules! stale_reads {
    ($($life:ident $at_least:literal: $name:ident;)+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                $life().await.survives_a_stale_read_of_each_kind($at_least).await;
            }
        )+
    };
}

stale_reads! {
    main_job 11: one_stale_read_of_any_kind_after_any_call_of_a_deploy_does_no_harm;
    canary 11: one_stale_read_of_any_kind_after_any_call_of_a_canary_does_no_harm;
    rolled_back 11: one_stale_read_of_any_kind_after_any_call_of_a_rollback_does_no_harm;
    shared_job 11: one_stale_read_of_any_kind_after_any_call_behind_a_shared_listener_does_no_harm;
    trial 11: one_stale_read_of_any_kind_after_any_call_of_the_trial_of_a_health_check_does_no_harm;
    handover 5: one_stale_read_of_any_kind_after_any_call_of_a_swap_of_names_does_no_harm;
    failing 11: one_stale_read_of_any_kind_after_any_call_of_a_release_that_falls_sick_does_no_harm;
    worker 5: one_stale_read_of_any_kind_after_any_call_of_a_worker_does_no_harm;
    in_place 5: one_stale_read_of_any_kind_after_any_change_in_place_does_no_harm;
    edited 11: one_stale_read_of_any_kind_after_any_call_of_an_edit_on_the_way_does_no_harm;
    reverted 5: one_stale_read_of_any_kind_after_any_call_of_a_revert_on_the_way_does_no_harm;
    canary_turned_down 11: one_stale_read_of_any_kind_after_any_call_of_a_canary_that_is_turned_down_does_no_harm;
    verified 11: one_stale_read_of_any_kind_after_any_call_of_a_release_with_every_check_does_no_harm;
    stepping 11: one_stale_read_of_any_kind_after_any_call_of_steps_by_alarms_does_no_harm;
    ending 5: one_stale_read_of_any_kind_after_any_call_of_the_end_of_an_app_does_no_harm;
    neighbours 11: one_stale_read_of_any_kind_after_any_call_of_several_apps_behind_one_listener_does_no_harm;
}

/// A test for each life and each mishap, so that all cores are at work.
macro_rules! lives {
    ($($life:ident: $($name:ident $mishap:expr),+;)+) => {
        $($(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                $life().await.survives($mishap).await;
            }
        )+)+
    };
}

lives! {
    main_job:
        a_crash_after_any_call_ends_in_the_same_state Mishap::Crash,
        a_lost_reply_to_any_call_ends_in_the_same_state Mishap::ReplyLost,
        a_lost_request_of_any_call_ends_in_the_same_state Mishap::RequestLost;
    replacement:
        a_look_from_the_past_after_any_call_of_a_replacement_does_no_harm Mishap::Stale,
        old_news_of_groups_after_any_call_of_a_replacement_do_no_harm Mishap::StaleFrom("autoscaling"),
        old_news_of_load_balancing_after_any_call_of_a_replacement_do_no_harm Mishap::StaleFrom("elasticloadbalancing");
    unretained:
        a_replacement_of_what_is_not_kept_survives_a_crash_after_any_call Mishap::Crash,
        a_look_from_the_past_after_any_call_of_a_replacement_of_what_is_not_kept_does_no_harm Mishap::Stale;
    worker:
        a_worker_survives_a_crash_after_any_call Mishap::Crash,
        a_worker_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_worker_survives_a_lost_request_of_any_call Mishap::RequestLost;
    in_place:
        changes_in_place_survive_a_crash_after_any_call Mishap::Crash,
        changes_in_place_survive_a_lost_reply_to_any_call Mishap::ReplyLost,
        changes_in_place_survive_a_lost_request_of_any_call Mishap::RequestLost;
    edited:
        an_edit_on_the_way_survives_a_crash_after_any_call Mishap::Crash,
        an_edit_on_the_way_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        an_edit_on_the_way_survives_a_lost_request_of_any_call Mishap::RequestLost;
    reverted:
        a_revert_on_the_way_survives_a_crash_after_any_call Mishap::Crash,
        a_revert_on_the_way_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_revert_on_the_way_survives_a_lost_request_of_any_call Mishap::RequestLost;
    rolled_back:
        a_rollback_survives_a_crash_after_any_call Mishap::Crash,
        a_rollback_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_rollback_survives_a_lost_request_of_any_call Mishap::RequestLost;
    canary:
        a_canary_survives_a_crash_after_any_call Mishap::Crash,
        a_canary_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_canary_survives_a_lost_request_of_any_call Mishap::RequestLost,
        a_look_from_the_past_after_any_call_of_a_canary_does_no_harm Mishap::Stale;
    canary_turned_down:
        a_canary_that_is_turned_down_survives_a_crash_after_any_call Mishap::Crash,
        a_canary_that_is_turned_down_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_canary_that_is_turned_down_survives_a_lost_request_of_any_call Mishap::RequestLost;
    verified:
        a_release_with_every_check_survives_a_crash_after_any_call Mishap::Crash,
        a_release_with_every_check_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_release_with_every_check_survives_a_lost_request_of_any_call Mishap::RequestLost,
        a_look_from_the_past_after_any_call_of_a_release_with_every_check_does_no_harm Mishap::Stale;
    stepping:
        steps_by_alarms_survive_a_crash_after_any_call Mishap::Crash,
        steps_by_alarms_survive_a_lost_reply_to_any_call Mishap::ReplyLost,
        steps_by_alarms_survive_a_lost_request_of_any_call Mishap::RequestLost;
    ending:
        the_end_of_an_app_survives_a_crash_after_any_call Mishap::Crash,
        the_end_of_an_app_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        the_end_of_an_app_survives_a_lost_request_of_any_call Mishap::RequestLost;
    trial:
        the_trials_of_health_checks_survive_a_crash_after_any_call Mishap::Crash,
        the_trials_of_health_checks_survive_a_lost_reply_to_any_call Mishap::ReplyLost,
        the_trials_of_health_checks_survive_a_lost_request_of_any_call Mishap::RequestLost;
    handover:
        a_swap_of_names_survives_a_crash_after_any_call Mishap::Crash,
        a_swap_of_names_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_swap_of_names_survives_a_lost_request_of_any_call Mishap::RequestLost;
    failing:
        a_release_that_falls_sick_survives_a_crash_after_any_call Mishap::Crash,
        a_release_that_falls_sick_survives_a_lost_reply_to_any_call Mishap::ReplyLost,
        a_release_that_falls_sick_survives_a_lost_request_of_any_call Mishap::RequestLost;
}
