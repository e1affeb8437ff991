//! Processes with different manifests on one app: at every pair of calls one of them is stopped, the other goes on, and then
//! both do. One gives way and says whose release it is, the other one ends, and every guarantee holds after every call. So it is
//! with three of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use amiable::controller::converge::Outcome;
use amiable::model::plan::Plan;
use amiable::sim::CallRecord;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use tokio::sync::Notify;

use crate::lab::{Lab, app};
use crate::over_time::OverTime;

pub const HELLO_1_2: &str = "ami-00000000000000112";
pub const HELLO_1_3: &str = "ami-00000000000000113";
/// More calls than a process makes: it is stopped only when it has ended.
pub const ALL: usize = 1000;
/// Two whole releases, what is given up of one of them, and the clean-up.
pub const MOST_CALLS: usize = 70;

fn manifest(image: &str) -> String {
    manifest_with("redBlack: {bakeTime: 15s}", image)
}

/// A manifest with short times and this strategy.
pub fn manifest_with(strategy: &str, image: &str) -> String {
    let times = format!("  strategy: {{{strategy}}}\n  verification: {{stableFor: 10s}}\n  retain: {{for: 10s}}\n");
    let front = "  loadBalancer: {deregistrationDelay: 5s}\n";
    let manifest = app("hello", image, &format!("{times}{front}"));
    manifest.replace("/health_check}", "/health_check, interval: 5s, timeout: 2s}")
}

/// Counts the mutating calls of all processes, and rings at one of them.
#[derive(Default)]
pub struct Counter {
    calls: AtomicUsize,
    ring_at: AtomicUsize,
    bell: Notify,
}

impl Counter {
    pub fn watch(self: &Arc<Self>, lab: &Lab) {
        let counter = self.clone();
        let mut over_time = OverTime::default();
        lab.simulation.set_observer(Some(Box::new(move |call: &CallRecord, before: &World, after: &World| {
            over_time.check(call, before, after);
            let number = counter.calls.fetch_add(usize::from(call.mutating), Ordering::Relaxed) + 1;
            if call.mutating && number == counter.ring_at.load(Ordering::Relaxed) {
                counter.bell.notify_one();
            }
        })));
    }

    pub fn made(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Lets a process go on for so many mutating calls of its own. How it ended, if it did.
    pub async fn go_on<T>(&self, calls: usize, mut process: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        self.ring_at.store(self.made() + calls, Ordering::Relaxed);
        let ended = tokio::select! {
            biased;
            () = self.bell.notified() => None,
            ended = &mut process => Some(ended),
        };
        self.ring_at.store(0, Ordering::Relaxed);
        ended
    }
}

pub type Ended = (Outcome, Plan);

/// The first process is stopped after so many calls, the second one begins and is stopped after so many; then both go on.
async fn both(first: &Lab, second: &Lab, at: (usize, usize)) -> (Ended, Ended) {
    let counter: Arc<Counter> = Arc::default();
    counter.watch(first);
    let mut one = Box::pin(first.converge());
    let one_ended = counter.go_on(at.0, one.as_mut()).await;
    first.pass(3).await;
    let mut two = Box::pin(second.converge());
    let two_ended = counter.go_on(at.1, two.as_mut()).await;
    let ended = tokio::join!(to_the_end(one_ended, one), to_the_end(two_ended, two));
    assert!(counter.made() <= MOST_CALLS, "{at:?}: {} calls", counter.made());
    ended
}

/// How a process ended, or ends now.
pub async fn to_the_end<T>(ended: Option<T>, process: impl Future<Output = T>) -> T {
    match ended {
        Some(ended) => ended,
        None => process.await,
    }
}

async fn ground() -> Lab {
    ground_with("redBlack: {bakeTime: 15s}").await
}

/// The first image is deployed with this strategy, and the manifest asks for the second one now.
pub async fn ground_with(strategy: &str) -> Lab {
    let mut lab = Lab::new().await;
    for (image, name) in [(HELLO_1_2, "hello 1.1.2"), (HELLO_1_3, "hello 1.1.3")] {
        lab.simulation.with(|world| world.add_image(image, name, ""));
    }
    lab.write("hello", manifest_with(strategy, HELLO_1_0));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    lab.write("hello", manifest_with(strategy, HELLO_1_1));
    lab.diary();
    lab
}

pub fn image_that_serves(lab: &Lab) -> Vec<String> {
    let image = |world: &mut World| {
        let serving = world.serving();
        let groups = world.scaling.groups.values().filter(|group| serving.contains_key(&group.name));
        groups.map(|group| group.tags["amiable:image"].value.clone()).collect()
    };
    lab.simulation.with(image)
}

/// For one call of the first process: every call of the second.
async fn pairs(stopped_at: usize) {
    let ground = ground().await;
    for then in (1..=12).chain([ALL]) {
        let first = ground.fork().await;
        let mut second = first.beside().await;
        second.write("hello", manifest(HELLO_1_2));
        let at = (stopped_at, then);
        let ((one, plan), (two, _)) = both(&first, &second, at).await;
        let reason = &plan.apps[0].reason;
        let told = || format!("{at:?}: {reason}\n{}\n-\n{}", first.diary(), second.diary());
        assert_eq!(two, Outcome::Converged, "{}", told());
        // A generation that has taken over is watched to its end first: then the release of the first is complete.
        match one {
            Outcome::Converged => assert!(stopped_at > 3, "{}", told()),
            Outcome::Blocked => {
                assert!(reason.starts_with("another run, by simulated, is releasing "), "{}", told());
            }
            other => panic!("{other:?} {}", told()),
        }
        assert_eq!(image_that_serves(&second), [HELLO_1_2], "{}", told());
        assert_eq!(second.apply(true).await, Outcome::Converged, "{}", told());
        assert!(second.plan("hello").await.is_settled(), "{}", told());
    }
}

macro_rules! pairs {
    ($($name:ident $at:expr),+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                pairs($at).await;
            }
        )+
    };
}

pairs! {
    one_of_two_writers_gives_way_when_the_first_stops_after_its_1st_call 1,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_2nd_call 2,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_3rd_call 3,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_4th_call 4,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_5th_call 5,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_6th_call 6,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_7th_call 7,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_8th_call 8,
    one_of_two_writers_gives_way_when_the_first_stops_after_its_9th_call 9,
    the_second_of_two_writers_goes_on_from_what_the_first_has_ended ALL
}

/// The first of three is stopped after so many calls, the second one after so many of its own, and then all go on: the last one
/// that began ends its release.
async fn three(stopped_at: usize) {
    let ground = ground().await;
    for then in [1, 2, 4, 6, 9] {
        let first = ground.fork().await;
        let (mut second, mut third) = (first.beside().await, first.beside().await);
        second.write("hello", manifest(HELLO_1_2));
        third.write("hello", manifest(HELLO_1_3));
        let counter: Arc<Counter> = Arc::default();
        counter.watch(&first);
        let mut one = Box::pin(first.converge());
        let one_ended = counter.go_on(stopped_at, one.as_mut()).await;
        first.pass(3).await;
        let mut two = Box::pin(second.converge());
        let two_ended = counter.go_on(then, two.as_mut()).await;
        first.pass(3).await;
        let rest = (to_the_end(one_ended, one), to_the_end(two_ended, two));
        let ((one, _), (two, _), (last, _)) = tokio::join!(rest.0, rest.1, third.converge());
        let diaries = || [&first, &second, &third].map(Lab::diary).join("\n-\n");
        let told = || format!("{stopped_at}, {then}: {one:?} {two:?}\n{}", diaries());
        assert!(counter.made() <= MOST_CALLS * 3 / 2, "{} calls, {}", counter.made(), told());
        assert_eq!(last, Outcome::Converged, "{}", told());
        let gave_way = |outcome| matches!(outcome, Outcome::Blocked | Outcome::Converged);
        assert!(gave_way(one) && gave_way(two), "{}", told());
        assert_eq!(image_that_serves(&third), [HELLO_1_3], "{}", told());
        assert_eq!(third.apply(true).await, Outcome::Converged, "{}", told());
        assert!(third.plan("hello").await.is_settled(), "{}", told());
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_of_three_writers_ends_its_release_whatever_the_others_had_begun() {
    for stopped_at in [1, 3, 5] {
        three(stopped_at).await;
    }
}
