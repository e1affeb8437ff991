//! What was observed is compared: traffic, templates, health, and what a name or a tag contradicts.

use super::*;
use crate::model::record::NO_RECORD;

fn forward(case: &mut Case, weights: &[(String, u32)]) {
    let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
    listener.forward = Forward::new(weights.iter().cloned().collect());
}

fn group(case: &mut Case) -> &mut Group {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.values_mut().last().unwrap()
}

fn targets(case: &mut Case) -> &mut Vec<Target> {
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::A)) else {
        panic!()
    };
    targets
}

fn said(plan: &AppPlan) -> Vec<String> {
    let shown = |value: &Option<String>| value.clone().unwrap_or_default();
    plan.drift.iter().map(|it| format!("{}: {} | {}", it.path, shown(&it.before), shown(&it.after))).collect()
}

#[test]
fn traffic_that_somebody_changed_is_drift_and_nothing_is_replaced_for_it() {
    let (a, b) = (target_group_arn(Slot::A), target_group_arn(Slot::B));
    let foreign = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/strange/1".to_owned();
    for (weights, has) in [
        (vec![(a.clone(), 50), (b.clone(), 50)], "50 % hello-prod-a, 50 % hello-prod-b".to_owned()),
        (vec![(a.clone(), 0), (b.clone(), 100)], "0 % hello-prod-a, 100 % hello-prod-b".to_owned()),
        (vec![(a.clone(), 1)], "100 % hello-prod-a".to_owned()),
        (
            vec![(a.clone(), 100), (b.clone(), 0), (foreign.clone(), 100)],
            format!("50 % hello-prod-a, 0 % hello-prod-b, 50 % {foreign}"),
        ),
        (vec![(foreign.clone(), 1)], format!("100 % {foreign}")),
        (vec![], "nothing".to_owned()),
    ] {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        forward(&mut case, &weights);
        let plan = case.plan();
        assert_eq!(said(&plan), [format!("traffic: {has} | 100 % hello-prod-a, 0 % hello-prod-b")]);
        assert_eq!(
            (plan.change, plan.from, calls(&plan)),
            (Change::Drift, Some(Generation(1)), vec!["shift to a".into()])
        );
    }
}

#[test]
fn a_listener_or_a_load_balancer_that_is_gone_is_drift_of_what_is_deployed() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    let plan = case.plan();
    assert_eq!((plan.change, plan.from), (Change::Drift, Some(Generation(1))));
    assert_eq!(said(&plan), ["loadBalancer.listeners[].port: none | 80"]);
    assert_eq!(calls(&plan), ["CreateListener 1"]);

    case.observed.load_balancers = Read::Known(BTreeMap::new());
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Drift, vec!["CreateLoadBalancer hello-prod".into()]));
    assert!(said(&plan)[0].starts_with("traffic: load balancer hello-prod is gone"), "{:?}", said(&plan));
}

#[test]
fn a_page_that_somebody_put_before_the_app_stays_until_a_person_gives_the_traffic_back() {
    for page in ["fixed response 503", "redirect 302 https://status.example.com:443/"] {
        let mut case = Case::serving(NEW_IMAGE, json!({}));
        forward(&mut case, &[]);
        let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
        listener.instead = Some(page.to_owned());
        let plan = case.plan();
        assert_eq!((plan.change, plan.from, plan.actions.len()), (Change::Blocked, Some(Generation(1)), 0));
        assert!(plan.reason.contains(page) && plan.reason.contains("`amiable resume hello`"), "{}", plan.reason);
        assert_eq!(said(&plan), [format!("traffic: {page} | 100 % hello-prod-a, 0 % hello-prod-b")]);

        let intent = super::super::intent::resume(&case.about(Some("over"))).unwrap();
        let Action::TagGroup { tags, .. } = &intent.actions[0].action else { panic!() };
        let mark = tags["amiable:promoted"].parse().unwrap();
        group(&mut case).owner.marks.traffic_back = Some(mark);
        assert_eq!(calls(&case.plan())[0], "shift to a");
        // Another page than the one that was given up is another question.
        let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
        listener.instead = Some("fixed response 404".to_owned());
        assert_eq!(case.plan().change, Change::Blocked);
        // The word is used up once the traffic is back.
        listener_of(&mut case).instead = None;
        forward(&mut case, &[(target_group_arn(Slot::A), 100), (target_group_arn(Slot::B), 0)]);
        let untagged = case.plan().actions.iter().any(|it| it.action.operation().1 == "DeleteTags");
        assert!(untagged, "{:?}", case.plan().actions);
    }
}

fn listener_of(case: &mut Case) -> &mut Listener {
    let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
    listener
}

#[test]
fn the_next_generation_is_not_launched_into_a_share_that_somebody_gave_its_slot() {
    let mut case = Case::serving(NEW_IMAGE, json!({}));
    forward(&mut case, &[(target_group_arn(Slot::A), 50), (target_group_arn(Slot::B), 50)]);
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Replace, vec!["shift to a".into()]));
}

#[test]
fn a_group_that_launches_something_else_than_its_own_template_is_put_right() {
    for pinned in
        [Some(("other".to_owned(), "3".to_owned())), Some(("hello-prod-v001".to_owned(), "2".to_owned())), None]
    {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        group(&mut case).launch_template = pinned.clone();
        let plan = case.plan();
        assert_eq!(plan.change, Change::Drift, "{pinned:?}");
        assert!(said(&plan)[0].ends_with("| hello-prod-v001 version 1"), "{:?}", said(&plan));
        let [only] = plan.actions.as_slice() else { panic!("{:?}", plan.actions) };
        let Action::UpdateGroup { change, .. } = &only.action else { panic!("{:?}", only.action) };
        assert!(change.launches.is_some() && change.desired.is_none(), "{change:?}");
    }
}

#[test]
fn instances_of_another_template_block_the_app_by_name_and_are_not_counted_for_a_release() {
    let strange = |group: &mut Group| {
        group.instances[0].launch_template = Some(("other".to_owned(), "3".to_owned()));
    };
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    strange(group(&mut case));
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert!(plan.reason.contains("other version 3") && plan.reason.contains("i-1-1"), "{}", plan.reason);

    let coming = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, strange);
    assert!(coming.plan().waits[0].what.contains("to be healthy, 1/2 now"), "{:?}", coming.plan().waits);
}

#[test]
fn what_serves_and_is_sick_says_so_though_nothing_is_to_be_done() {
    for (health, healthy, sick) in
        [(Health::Healthy, 2, false), (Health::Unhealthy, 0, true), (Health::Unavailable, 0, true)]
    {
        let case = Case::new(OLD_IMAGE, json!({})).with_front(Slot::A).with_group(1, OLD_IMAGE, health, long_deployed);
        let plan = case.plan();
        let well = plan.wellbeing.clone().unwrap();
        assert_eq!((plan.change, well.healthy, well.is_sick()), (Change::Unchanged, Some(healthy), sick), "{health:?}");
        assert_eq!(well.trouble().is_some(), sick);
    }
    let mut half = Case::serving(OLD_IMAGE, json!({}));
    targets(&mut half)[0].health = Health::Unhealthy;
    let well = half.plan().wellbeing.unwrap();
    assert_eq!((well.is_sick(), well.is_lacking()), (false, true));
    assert!(well.trouble().unwrap().starts_with("1/2 healthy: i-1-1"), "{:?}", well.trouble());
    // What could not be read is not healthy, nor sick, and is waited for by nobody.
    half.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Unknown("throttled".to_owned()));
    let plan = half.plan();
    assert_eq!((plan.wellbeing.clone().unwrap().healthy, plan.is_settled()), (None, true));
    assert!(plan.wellbeing.unwrap().trouble().unwrap().contains("throttled"));
}

#[test]
fn health_is_read_where_there_is_reason_to() {
    let wants = |case: &Case| case.plan().wants;
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    case.observed.details.target_health.clear();
    assert_eq!(wants(&case), [Want::TargetHealth(target_group_arn(Slot::A))], "in a small environment");
    // In a large one, of an app that is asked about, and of one whose group is not whole.
    for number in 0..10 {
        let mut other = case.desired.apps[&scope().app].clone();
        other.spec.suspend = serde_json::from_value(json!({"reason": "none"})).ok();
        other.scope = Scope::new(format!("other-{number}").parse().unwrap(), scope().environment);
        case.desired.apps.insert(other.scope.app.clone(), other);
    }
    assert_eq!(wants(&case), []);
    case.desired.chosen = Some([scope().app].into());
    assert_eq!(wants(&case).len(), 1);
    case.desired.chosen = None;
    group(&mut case).instances.pop();
    assert!(wants(&case).contains(&Want::TargetHealth(target_group_arn(Slot::A))), "{:?}", wants(&case));
}

#[test]
fn instances_that_somebody_took_out_of_their_target_group_are_registered_again() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    targets(&mut case).clear();
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Drift, vec!["RegisterTargets hello-prod-a".into()]));
    assert_eq!(said(&plan), ["traffic: i-1-1, i-1-2 not registered in hello-prod-a | registered"]);
    assert!(plan.is_sick(), "nobody serves meanwhile");
}

#[test]
fn a_service_that_cannot_replace_an_instance_says_why() {
    let stuck = |case: &Case| case.plan().wellbeing.unwrap().stuck.unwrap_or_default();
    let mut gone = Case::serving(OLD_IMAGE, json!({}));
    gone.observed.images.insert(OLD_IMAGE.to_owned(), Read::Known(None));
    assert_eq!(stuck(&gone), format!("its image {OLD_IMAGE} is gone"));
    let Some(mut deregistered) = image(OLD_IMAGE, ACCOUNT).1.known().cloned().flatten() else { panic!() };
    deregistered.state = "deregistered".to_owned();
    gone.observed.images.insert(OLD_IMAGE.to_owned(), Read::Known(Some(deregistered)));
    assert_eq!(stuck(&gone), format!("its image {OLD_IMAGE} is deregistered"));

    let mut template = Case::serving(OLD_IMAGE, json!({}));
    template.observed.launch_templates = Read::Known(BTreeMap::new());
    assert_eq!(stuck(&template), "its launch template hello-prod-v001 is gone");

    for words in [
        "The key pair 'ops' does not exist. Launching EC2 instance failed.",
        "Invalid IAM Instance Profile name. Launching EC2 instance failed.",
        "The security group 'sg-1' does not exist in VPC 'vpc-1'. Launching EC2 instance failed.",
        "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the \
         specified instance type belongs to. Launching EC2 instance failed.",
        "Something that nobody has heard of yet. Launching EC2 instance failed.",
    ] {
        let mut lacking = Case::serving(OLD_IMAGE, json!({}));
        group(&mut lacking).instances.pop();
        assert_eq!(stuck(&lacking), "", "it may be on its way");
        let failed = Activity {
            started_at: ago(30),
            ended_at: None,
            status: "Failed".to_owned(),
            message: words.to_owned(),
            cause: String::new(),
            description: "Launching a new EC2 instance".to_owned(),
            subnet: None,
        };
        lacking.observed.details.activities.insert("hello-prod-v001".to_owned(), Read::Known(vec![failed]));
        assert_eq!(stuck(&lacking), words);
    }
}

#[test]
fn a_slot_tag_and_an_attached_target_group_that_disagree_stop_the_app_with_a_way_out() {
    for (slot, also, says, remedy) in [
        (Some(Slot::B), false, "says b", "create-or-update-tags"),
        (None, false, "is gone", "create-or-update-tags"),
        (Some(Slot::B), true, "says b", "detach-load-balancer-target-groups"),
    ] {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        let group = group(&mut case);
        group.owner.slot = slot;
        if also {
            group.target_group_arns.push(target_group_arn(Slot::B));
        }
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains(says) && plan.reason.contains("hello-prod-a"), "{}", plan.reason);
        assert!(plan.reason.contains(remedy), "{}", plan.reason);
    }
}

#[test]
fn a_name_that_leads_to_the_apps_load_balancer_that_is_gone_is_the_apps_where_its_tag_names_it() {
    let dns = json!({"dns": {"name": "hello.internal.example.com"}});
    let leads_to = |target: &str, tag: bool| {
        let mut case = Case::serving(OLD_IMAGE, dns.clone());
        group(&mut case).owner.dns = tag.then(|| "hello.internal.example.com".to_owned());
        let record = DnsRecord {
            name: "hello.internal.example.com".to_owned(),
            kind: "A".to_owned(),
            alias: Some(AliasTarget {
                dns_name: target.to_owned(),
                zone_id: "ZELB".to_owned(),
                evaluate_target_health: false,
            }),
            values: Vec::new(),
            ttl: None,
            set_identifier: None,
        };
        let Some(Read::Known(zone)) = &mut case.observed.zone else { panic!() };
        zone.records.push(record);
        case.observed.load_balancers = Read::Known(BTreeMap::new());
        case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
        case.plan().change
    };
    for own in ["internal-hello-prod-1.us-west-2.elb.amazonaws.com", "hello-prod-0a1b.elb.us-west-2.amazonaws.com"] {
        assert_eq!(leads_to(own, true), Change::Drift, "{own}");
        assert_eq!(leads_to(own, false), Change::Error, "{own}: no tag names it");
    }
    for other in [
        "hello-prod-2-1.us-west-2.elb.amazonaws.com",
        "hello-prod-1.example.com",
        "other-1.us-west-2.elb.amazonaws.com",
    ] {
        assert_eq!(leads_to(other, true), Change::Error, "{other}");
    }
}

#[test]
fn something_else_in_the_place_of_the_deployed_state_is_a_problem_with_a_way_out_and_is_not_waited_for() {
    let mut case = baking(Health::Healthy, 900);
    let why = format!("SSM parameter /amiable/prod/hello/deployed: {NO_RECORD}: expected value at line 1 column 1");
    case.observed.details.deployed.insert(scope().app, Read::Unknown(why));
    let plan = case.plan();
    assert_eq!((plan.change, plan.waits.len()), (Change::Error, 0), "{:?}", plan.waits);
    assert!(plan.reason.contains("delete-parameter --name /amiable/prod/hello/deployed"), "{}", plan.reason);
    // What could not be read may be readable later.
    case.observed.details.deployed.insert(scope().app, Read::Unknown("throttled".to_owned()));
    assert!(!case.plan().waits.is_empty());
}

#[test]
fn a_way_back_to_a_generation_whose_image_is_gone_says_so() {
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(600));
            group.owner.recorded_at = Some(ago(300));
            failed("rolled back by ada")(group);
        });
    case.observed.images.insert(OLD_IMAGE.to_owned(), Read::Known(None));
    let plan = case.plan();
    assert_eq!(calls(&plan), ["shift to a"]);
    let why = format!("its image {OLD_IMAGE} is gone");
    assert!(
        plan.notes.iter().any(|note| note.contains("v001 can serve again") && note.contains(&why)),
        "{:?}",
        plan.notes
    );
}
