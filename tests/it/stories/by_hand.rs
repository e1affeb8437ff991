//! What somebody does by hand, or what dies.

use amiable::controller::converge::Outcome;
use amiable::sim::world::example::HELLO_1_1;
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::app;

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_is_replaced_by_its_group_and_is_no_business_of_ours() {
    let lab = deployed("").await;
    let victim = lab.instances("hello-prod-v001")[0].clone();
    lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", &victim)]);
    lab.pass(180).await;
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert!(!lab.instances("hello-prod-v001").contains(&victim));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_somebody_deleted_comes_back_with_the_traffic_where_it_was() {
    let mut lab = deployed("").await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    lab.apply(false).await;
    lab.diary();
    lab.simulation.set_observer(None);
    let listener = lab.simulation.with(|world| world.balancing.listeners.keys().next().unwrap().to_string());
    lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    13:17 CreateListener loadbalancer/hello-prod: the load balancer does not listen on port 80
    13:18 CreateOrUpdateTags hello-prod-v002: these are its listeners now
    ");
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100));
    lab.pass(60).await;
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}
