//! AWS that cannot be read for a while.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::HELLO_1_1;

use super::{deployed, serving, settles};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn reads_that_are_throttled_for_minutes_delay_a_release_and_end_nothing() {
    use amiable::sim::fault::Fault;
    use amiable::sim::wire::{ApiError, Request};
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let during = async {
        lab.pass(50).await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let throttled = request.operation == "DescribeAutoScalingGroups";
            throttled.then(|| Fault::Refuse(ApiError::new("Throttling", "Rate exceeded")))
        })));
        lab.pass(60).await;
        lab.simulation.set_faults(None);
    };
    let (outcome, ()) = tokio::join!(lab.apply(false), during);
    assert_eq!(outcome, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}
