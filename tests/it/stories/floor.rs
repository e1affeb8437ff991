//! What serves never has fewer healthy targets than it had, whatever is changed or done by hand meanwhile.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::HELLO_1_0;
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

/// Sets limits and size of a group by hand.
fn resize(lab: &Lab, group: &str, max: &str, desired: &str) {
    let to = [("AutoScalingGroupName", group), ("MaxSize", max), ("DesiredCapacity", desired)];
    lab.by_hand("autoscaling", "UpdateAutoScalingGroup", &to);
}

#[tokio::test(start_paused = true)]
async fn a_max_that_goes_back_while_the_group_scales_out_waits_until_every_instance_is_healthy() {
    for by_manifest in [false, true] {
        let mut lab = deployed("").await;
        if by_manifest {
            lab.write("hello", app("hello", HELLO_1_0, "").replace("max: 4", "max: 8"));
            assert_eq!(lab.apply(false).await, Outcome::Converged);
        }
        resize(&lab, "hello-prod-v001", "8", "6");
        lab.pass(4).await;
        lab.write("hello", app("hello", HELLO_1_0, ""));
        lab.diary();
        let waits = lab.plan("hello").await.waits;
        assert_eq!(
            waits[0].what,
            "every instance of v001 to be healthy before it shrinks from 6 to 4, because AWS may take out those that serve; \
             healthy 2/6"
        );
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        lab.pass(180).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 4)]);
        settles(&lab).await;
        if !by_manifest {
            assert_snapshot!(lab.diary(), @"07:48 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest");
        }
    }
}
