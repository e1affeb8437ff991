//! What a process remembers of its earlier looks: what somebody changes in the middle of its run is seen in time all the same.

use amiable::controller::converge::Outcome;
use amiable::model::time::Timestamp;
use amiable::sim::world::example::HELLO_1_1;

use super::by_hand::{deregister, weigh};
use super::{deployed, settles, weight};
use crate::lab::{Lab, app};

/// A release in one run, into whose bake somebody interferes after so many seconds. How it ended.
async fn interfered_with(lab: &mut Lab, after: u64, interfere: impl FnOnce(&Lab)) -> Outcome {
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.diary();
    // What somebody does by hand breaks what must hold.
    lab.simulation.set_observer(None);
    let lab = &*lab;
    let during = async {
        lab.pass(after).await;
        interfere(lab);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    outcome
}

/// The second of the run at which the first call of this kind was made after another time.
fn second(lab: &Lab, begun: Timestamp, after: u64, is_it: impl Fn(&str) -> bool) -> u64 {
    let begun_after = begun.as_second() - crate::lab::epoch().as_second();
    let seconds = |line: &str| {
        let (minutes, rest) = line.split_once(':').unwrap();
        minutes.parse::<i64>().unwrap() * 60 + rest[..2].parse::<i64>().unwrap() - begun_after
    };
    let diary = lab.diary();
    let found = diary.lines().find(|line| is_it(line) && seconds(line) >= after as i64);
    seconds(found.unwrap_or_else(|| panic!("{diary}"))) as u64
}

#[tokio::test(start_paused = true)]
async fn weights_and_targets_that_somebody_takes_away_in_a_bake_are_back_at_the_next_look() {
    let mut lab = deployed("").await;
    let begun = lab.clock.now();
    let outcome = interfered_with(&mut lab, 200, |lab| weigh(lab, "0", "0")).await;
    assert_eq!(outcome, Outcome::Converged);
    let put_back = second(&lab, begun, 200, |line| line.contains("ModifyListener"));
    assert!(put_back <= 206, "{put_back}");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    settles(&lab).await;

    let mut lab = deployed("").await;
    let begun = lab.clock.now();
    interfered_with(&mut lab, 200, |lab| deregister(lab, "hello-prod-v002", "hello-prod-b")).await;
    let put_back = second(&lab, begun, 200, |line| line.contains("RegisterTargets") || line.contains("ModifyListener"));
    assert!(put_back <= 206, "{put_back}");
}
