//! What people say about a release.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn a_rollback_while_the_old_group_is_warm_launches_nothing() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    let before = lab.instances("hello-prod-v001");
    lab.diary();
    assert_eq!(lab.rollback("hello", "checkout is slow").await, Outcome::ReleaseFailed);
    assert_snapshot!(lab.diary(), @"
    13:17 ModifyListener listener/hello-prod: v002 failed: v001 serves again (rolled back by simulated: checkout is slow)
    13:18 CreateOrUpdateTags hello-prod-v001: v001 takes over: its bake begins
    13:19 UpdateAutoScalingGroup hello-prod-v002: v002 failed and does not serve
    18:18 PutParameter /amiable/prod/hello/deployed: v001 is deployed
    18:18 CreateOrUpdateTags hello-prod-v001: v001 is recorded
    ");
    assert_eq!(lab.instances("hello-prod-v001"), before);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (100, 0));
    let plan = lab.plan("hello").await;
    assert!(plan.reason.contains("checkout is slow"), "{}", plan.reason);

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn two_people_who_apply_at_the_same_time_do_it_once() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let (one, two) = tokio::join!(lab.apply(true), async {
        lab.pass(1).await;
        lab.apply(true).await
    });
    assert_eq!((one, two), (Outcome::Converged, Outcome::Converged));
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}
