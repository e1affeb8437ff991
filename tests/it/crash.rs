//! A crash at any moment, or a reply that gets lost, changes nothing about the outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amiable::controller::converge::{Options, Outcome, converge};
use amiable::sim::CallRecord;
use amiable::sim::fault::Fault;
use amiable::sim::wire::Request;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use tokio::sync::{Notify, watch};

use crate::invariants::{assert_invariants, ownership};
use crate::lab::{Lab, app, summary};

const EXTRA: &str = "  dns: {name: hello.internal.example.com}
  strategy: {redBlack: {bakeTime: 1m}}
  retain: {for: 2m}
";

/// What becomes of the process at one mutating call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    None,
    /// The process ends right after the call.
    Crash,
    /// The call is carried out, and its answer never arrives.
    ReplyLost,
    /// The call never arrives.
    RequestLost,
}

/// The first deploy and a replacement, with a mishap at the call of that number. How many mutating calls there were,
/// and what there is in the end.
async fn live_through(mishap: Mishap, at: usize) -> (usize, Vec<String>) {
    let mut lab = Lab::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let crash = Arc::new(Notify::new());
    let (counter, bell) = (calls.clone(), crash.clone());
    lab.simulation.set_observer(Some(Box::new(move |call: &CallRecord, before: &World, after: &World| {
        assert_invariants(call, before, after);
        if call.mutating && counter.fetch_add(1, Ordering::Relaxed) + 1 == at && mishap == Mishap::Crash {
            bell.notify_one();
        }
    })));
    let mut seen = 0;
    lab.simulation.set_faults(Some(Box::new(move |_: &Request, mutating: bool| {
        seen += usize::from(mutating);
        let due = mutating && seen == at;
        match mishap {
            Mishap::ReplyLost if due => Some(Fault::ReplyLost),
            Mishap::RequestLost if due => Some(Fault::RequestLost),
            _ => None,
        }
    })));
    for image in [HELLO_1_0, HELLO_1_1] {
        lab.write("hello", app("hello", image, EXTRA));
        converge_through(&mut lab, &crash).await;
    }
    let plan = lab.plan("hello").await;
    assert!(plan.is_settled(), "{mishap:?} at call {at}: {:?} {:?}", plan.actions, plan.waits);
    (calls.load(Ordering::Relaxed), summary(&lab.simulation))
}

/// The end of an app with a name and two generations, with a mishap at the call of that number. How many mutating calls
/// there were, and what there is in the end.
async fn end_through(deployed: &Lab, mishap: Mishap, at: usize) -> (usize, Vec<String>) {
    let mut lab = deployed.fork().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let crash = Arc::new(Notify::new());
    let (counter, bell) = (calls.clone(), crash.clone());
    lab.simulation.set_observer(Some(Box::new(move |call: &CallRecord, before: &World, after: &World| {
        // Less may serve than before; what is not the app's own is as it was.
        ownership(call, before, after);
        if call.mutating && counter.fetch_add(1, Ordering::Relaxed) + 1 == at && mishap == Mishap::Crash {
            bell.notify_one();
        }
    })));
    let mut seen = 0;
    lab.simulation.set_faults(Some(Box::new(move |_: &Request, mutating: bool| {
        seen += usize::from(mutating);
        let due = mutating && seen == at;
        match mishap {
            Mishap::ReplyLost if due => Some(Fault::ReplyLost),
            Mishap::RequestLost if due => Some(Fault::RequestLost),
            _ => None,
        }
    })));
    lab.write("hello", app("hello", HELLO_1_1, &format!("{EXTRA}  destroy: true\n")));
    converge_through(&mut lab, &crash).await;
    let plan = lab.plan("hello").await;
    assert!(plan.is_settled(), "{mishap:?} at call {at}: {:?} {:?}", plan.actions, plan.waits);
    (calls.load(Ordering::Relaxed), summary(&lab.simulation))
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_interrupted_at_any_call_goes_on_and_leaves_nothing() {
    let mut lab = Lab::new().await;
    for image in [HELLO_1_0, HELLO_1_1] {
        lab.write("hello", app("hello", image, EXTRA));
        assert_eq!(lab.apply(false).await, Outcome::Converged);
    }
    let (calls, left) = end_through(&lab, Mishap::None, 0).await;
    assert_eq!(left, Vec::<String>::new());
    assert!(calls > 10, "the end makes {calls} mutating calls");
    for mishap in [Mishap::Crash, Mishap::ReplyLost, Mishap::RequestLost] {
        for at in 1..=calls {
            let (_, left) = end_through(&lab, mishap, at).await;
            assert_eq!(left, Vec::<String>::new(), "{mishap:?} at call {at}");
        }
    }
}

/// Converges; when the process dies, another one begins with nothing but the manifests.
async fn converge_through(lab: &mut Lab, crash: &Notify) {
    loop {
        let options =
            Options { timeout: Some(Duration::from_secs(7200)), wait_for_cleanup: true, ..Options::default() };
        let (_sender, stop) = watch::channel(false);
        let desired = lab.desired();
        let ended = tokio::select! {
            biased;
            () = crash.notified() => None,
            ended = converge(&lab.aws, &desired, &lab.clock, &options, &|_| {}, stop) => Some(ended),
        };
        match ended {
            Some(ended) => {
                assert_eq!(ended.unwrap().0, Outcome::Converged);
                return;
            }
            None => {
                lab.pass(7).await;
                lab.restart().await;
            }
        }
    }
}

async fn every_call_survives(mishap: Mishap) {
    let (calls, expected) = live_through(Mishap::None, 0).await;
    assert!(calls > 15, "the flow makes {calls} mutating calls");
    for at in 1..=calls {
        let (_, found) = live_through(mishap, at).await;
        assert_eq!(found, expected, "{mishap:?} at call {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_ends_in_the_same_state() {
    every_call_survives(Mishap::Crash).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_to_any_call_ends_in_the_same_state() {
    every_call_survives(Mishap::ReplyLost).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_of_any_call_ends_in_the_same_state() {
    every_call_survives(Mishap::RequestLost).await;
}
