//! The end of an app: its name goes first, everything serves until resolvers have forgotten it, and nothing is left.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use insta::assert_snapshot;

use super::{deployed, serving, settles};
use crate::lab::{Lab, app, summary};

const NAMED: &str = "  dns: {name: hello.internal.example.com}\n";

/// Destroys the app `hello` that runs by this spec.
async fn destroy(lab: &mut Lab, extra: &str) {
    lab.diary();
    // An app that is to go may serve less than it had.
    lab.simulation.set_observer(None);
    lab.write("hello", app("hello", HELLO_1_0, &format!("{extra}  destroy: true\n")));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_destroyed_leaves_nothing_behind() {
    let mut lab = deployed(NAMED).await;
    destroy(&mut lab, NAMED).await;
    assert_snapshot!(lab.diary(), @"
    07:07 CreateOrUpdateTags hello-prod-v001: its name goes, and resolvers remember it for 1m
    07:52 ChangeResourceRecordSets hello.internal.example.com: the app is being destroyed
    07:53 CreateOrUpdateTags hello-prod-v001: its name is gone; it serves until resolvers have forgotten it
    09:53 DeleteListener listener/hello-prod: the app is being destroyed
    09:54 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:21 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    10:27 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    10:28 DeleteTargetGroup hello-prod-a: the app is being destroyed
    10:28 DeleteTargetGroup hello-prod-b: the app is being destroyed
    10:29 DeleteLoadBalancer hello-prod: the app is being destroyed
    10:30 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn it_serves_whole_until_resolvers_have_forgotten_its_name() {
    let cname = "  dns: {name: hello.internal.example.com, type: CNAME, ttl: 10m}\n";
    let mut lab = deployed(cname).await;
    lab.write("hello", app("hello", HELLO_1_0, &format!("{cname}  destroy: true\n")));
    let during = async {
        lab.pass(9 * 60).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        let plan = lab.plan("hello").await;
        assert!(plan.waits[0].what.contains("resolvers"), "{:?}", plan.waits);
        assert_eq!(super::dns::records(&lab), Vec::<String>::new());
        // From now on less may serve than before.
        lab.simulation.set_observer(None);
    };
    let begun = lab.aws.clock().now();
    let (outcome, ()) = tokio::join!(lab.apply(true), during);
    assert_eq!(outcome, Outcome::Converged);
    let took = lab.aws.clock().now().as_second() - begun.as_second();
    assert!(took > 11 * 60, "10m for resolvers, and one for late ones: {took}s");
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_protected_network_load_balancer_goes_too() {
    let network = "  loadBalancer: {type: network, listeners: [{port: 80, protocol: TCP}, {port: 81, protocol: TCP}], deletionProtection: true}\n";
    let mut lab = deployed(network).await;
    destroy(&mut lab, network).await;
    assert_snapshot!(lab.diary(), @"
    07:07 DeleteListener listener/hello-prod: the app is being destroyed
    07:07 DeleteListener listener/hello-prod: the app is being destroyed
    07:08 UpdateAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:35 DeleteAutoScalingGroup hello-prod-v001: the app is being destroyed
    07:41 DeleteLaunchTemplate hello-prod-v001: the app is being destroyed
    07:42 DeleteTargetGroup hello-prod-a: the app is being destroyed
    07:42 DeleteTargetGroup hello-prod-b: the app is being destroyed
    07:43 ModifyLoadBalancerAttributes hello-prod: the app is being destroyed: its protection goes first
    07:43 DeleteLoadBalancer hello-prod: the app is being destroyed
    07:45 DeleteParameter /amiable/prod/hello/deployed: the app is being destroyed
    ");
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_goes_with_both_its_generations() {
    let mut lab = deployed("  loadBalancer: none\n").await;
    lab.write("hello", app("hello", HELLO_1_1, "  loadBalancer: none\n"));
    lab.apply(false).await;
    destroy(&mut lab, "  loadBalancer: none\n").await;
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_the_name_of_the_app_and_is_not_its_own_stays() {
    let mut lab = deployed(NAMED).await;
    let vanity = lab.simulation.with(|world| {
        let zone = world.dns.zones.get(amiable::sim::world::example::ZONE_ID).unwrap();
        let ours = zone.records.values().find(|record| record.alias.is_some()).unwrap();
        let name = amiable::sim::world::dns::normalised("shop.internal.example.com");
        amiable::sim::world::dns::RecordSet { name, ..ours.clone() }
    });
    super::dns::by_somebody(&lab, vanity);
    destroy(&mut lab, NAMED).await;
    assert_eq!(super::dns::records(&lab), ["shop.internal.example.com A alias"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_zone_cannot_be_read_nothing_of_the_end_begins() {
    use amiable::sim::fault::Fault;
    use amiable::sim::wire::{ApiError, Request};
    let mut lab = deployed(NAMED).await;
    // The manifest has no name any more, and its record may be there all the same.
    lab.write("hello", app("hello", HELLO_1_0, "  destroy: true\n"));
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let zone = request.operation == "ListResourceRecordSets";
        zone.then(|| Fault::Refuse(ApiError::new("AccessDenied", "no")))
    })));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("hosted zone"), "{}", plan.reason);
    lab.simulation.set_faults(None);
    lab.simulation.set_observer(None);
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(summary(&lab.simulation), Vec::<String>::new());
}
