//! What stands in the way, found before anything is created.

use super::*;

#[test]
fn an_image_of_a_foreign_owner_or_none_at_all_is_refused_before_anything_is_created() {
    for (id, said) in [(FOREIGN_IMAGE, "999999999999"), (NO_IMAGE, "does not exist")] {
        let plan = Case::serving(id, json!({})).plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains(said), "{}", plan.reason);
    }
}

#[test]
fn a_dns_name_that_something_else_has_is_a_conflict_before_anything_is_created() {
    let mut case = Case::new(NEW_IMAGE, json!({"dns": {"name": "hello.internal.example.com"}}));
    let Some(Read::Known(zone)) = &mut case.observed.zone else { panic!() };
    zone.records.push(DnsRecord {
        name: "hello.internal.example.com".to_owned(),
        kind: "CNAME".to_owned(),
        alias: None,
        values: vec!["elsewhere.example.com".to_owned()],
        ttl: Some(60),
        set_identifier: None,
    });
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("CNAME elsewhere.example.com"), "{}", plan.reason);
}

#[test]
fn what_has_our_name_and_not_our_tags_is_never_touched() {
    let mut case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::B);
    case.observed
        .details
        .tags
        .insert(BALANCER.to_owned(), Read::Known(BTreeMap::from([("team".to_owned(), "other".to_owned())])));
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    case.observed.details.tags.remove(BALANCER);
    assert_eq!(case.plan().wants, [Want::Tags(BALANCER.to_owned())], "tags are read before a verdict");
}

#[test]
fn what_aws_cannot_change_is_refused_and_nothing_is_done() {
    for (patch, said) in [
        (json!({"loadBalancer": "none"}), "stands behind a load balancer"),
        (json!({"loadBalancer": {"scheme": "internet-facing"}}), "loadBalancer.scheme"),
        (
            json!({"loadBalancer": {"type": "network", "listeners": [{"port": 80, "protocol": "TCP"}]}}),
            "has HTTP on port 80",
        ),
        (json!({"healthCheck": {"port": 8080}}), "port 8080"),
    ] {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        let app = case.desired.apps.values_mut().next().unwrap();
        let mut spec = serde_json::to_value(&app.spec).unwrap();
        merge(&mut spec, patch);
        app.spec = serde_json::from_value(spec).unwrap();
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len(), plan.waits.len()), (Change::Error, 0, 0), "{said}");
        assert!(plan.reason.contains(said), "{}", plan.reason);
    }
    let mut worker =
        Case::new(OLD_IMAGE, json!({"loadBalancer": "none"})).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed);
    worker.desired.apps.values_mut().next().unwrap().spec.load_balancer = Default::default();
    assert!(worker.plan().reason.contains("is a worker"), "{}", worker.plan().reason);
}

#[test]
fn an_image_that_its_instance_type_cannot_run_is_refused_while_the_warm_generation_stays() {
    let mut case = Case::new(NEW_IMAGE, json!({"instanceType": "m7i.large"})).with_front(Slot::B);
    let (id, third) = image("ami-00000000000000003", ACCOUNT);
    case.observed.images.insert(id.clone(), third);
    let case = case.with_group(1, OLD_IMAGE, Health::Healthy, long_deployed);
    let case = case.with_group(2, &id, Health::Healthy, long_deployed);
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("arm64"), "{}", plan.reason);
}

#[test]
fn targets_that_somebody_registered_in_a_slot_with_traffic_and_without_a_group_are_named_and_nothing_is_done() {
    let by_hand = |health: Health, count: u32| {
        let mut case = Case::serving(NEW_IMAGE, json!({}));
        case.weights(50, 50);
        let target = |index: u32| {
            let id = format!("i-0000000000000000{index}");
            Target { id, health, reason: None, description: None }
        };
        let targets = (1..=count).map(target).collect();
        case.observed.details.target_health.insert(target_group_arn(Slot::B), Read::Known(targets));
        case.plan()
    };
    for (count, said) in [(1, "1 target registered, such as i-00000000000000001"), (3, "3 targets registered")] {
        for health in [Health::Healthy, Health::Initial] {
            let plan = by_hand(health, count);
            assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0), "{count} {health:?}");
            assert!(plan.reason.contains(said), "{}", plan.reason);
            assert!(
                plan.reason.contains("hello-prod-b takes traffic") && plan.reason.contains("take these targets out")
            );
        }
    }
    // What does not serve is no reason to stop.
    for health in [Health::Draining, Health::Unused, Health::Unhealthy] {
        let plan = by_hand(health, 1);
        assert_ne!(plan.change, Change::Error, "{health:?}: {}", plan.reason);
    }
    // The same where nothing else of the app serves.
    let mut alone = Case::new(NEW_IMAGE, json!({})).with_front(Slot::A);
    let stranger =
        Target { id: "i-00000000000000001".to_owned(), health: Health::Healthy, reason: None, description: None };
    alone.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(vec![stranger]));
    let plan = alone.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0), "{}", plan.reason);
}
