//! The guards: what a call must be sure of right before it is made, and what is never touched.

use super::*;
use crate::model::action::Expect;

fn own_group(case: &Case, name: &str) -> Expect {
    let Read::Known(groups) = &case.observed.groups else { panic!() };
    Expect::OwnGroup { group: name.to_owned(), template_hash: groups[name].owner.template_hash.to_string() }
}

fn healthy(slot: Slot, group: &str, at_least: u32) -> Expect {
    Expect::Healthy { target_group_arn: target_group_arn(slot), group: group.to_owned(), at_least }
}

/// What the planned call of this operation checks first.
fn expects(case: &Case, operation: &str) -> Vec<Expect> {
    let plan = case.plan();
    let planned = plan.actions.iter().find(|planned| planned.action.operation().1 == operation);
    planned.unwrap_or_else(|| panic!("{:?}", plan.actions)).expects.clone()
}

/// Generation 2 was recorded so long ago that generation 1 goes.
fn outlived(old: impl FnOnce(&mut Group), patch: Value) -> Case {
    Case::new(NEW_IMAGE, patch).with_front(Slot::B).with_group(1, OLD_IMAGE, Health::Healthy, old).with_group(
        2,
        NEW_IMAGE,
        Health::Healthy,
        |group| {
            group.owner.shifted_at = Some(ago(4000));
            group.owner.recorded_at = Some(ago(3700));
        },
    )
}

fn wanted(group: &str) -> Expect {
    Expect::Wanted { group: group.to_owned() }
}

/// What no other process has written its name on.
fn unwritten(group: &str) -> Expect {
    Expect::Written { group: group.to_owned(), writer: None }
}

fn emptied(group: &mut Group) {
    long_deployed(group);
    (group.min, group.desired) = (0, 0);
    group.instances.clear();
}

#[test]
fn traffic_moves_only_to_as_many_healthy_instances_as_serve_now() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
        group.owner.healthy_since = Some(ago(600));
    });
    let (own, whole) = (own_group(&case, "hello-prod-v002"), healthy(Slot::B, "hello-prod-v002", 2));
    let expected = [own, wanted("hello-prod-v002"), whole, unwritten("hello-prod-v001")];
    assert_eq!(expects(&case, "ModifyListener"), expected);
}

#[test]
fn traffic_goes_back_only_to_a_generation_that_is_still_healthy() {
    let case = baking(Health::Unhealthy, 60);
    let unrecorded = Expect::RecordedAt { group: "hello-prod-v002".to_owned(), at: None };
    let (own, healthy) = (own_group(&case, "hello-prod-v001"), healthy(Slot::A, "hello-prod-v001", 1));
    let expected = [own, wanted("hello-prod-v001"), unrecorded, healthy];
    assert_eq!(expects(&case, "ModifyListener"), expected);
}

#[test]
fn the_old_group_is_not_emptied_before_the_new_one_is_whole_and_that_is_what_it_waits_for() {
    for health in [Health::Initial, Health::Unhealthy, Health::Draining] {
        let mut case = outlived(long_deployed, json!({}));
        let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
            panic!()
        };
        targets[0].health = health;
        let plan = case.plan();
        if health == Health::Draining {
            assert_eq!(calls(&plan), ["RegisterTargets hello-prod-b"], "somebody has taken it out");
        } else {
            assert_eq!(calls(&plan), [""; 0], "{health:?}");
            assert_eq!((plan.is_over(false), plan.is_over(true)), (true, false));
        }
        assert_eq!(plan.waits[0].what, "all instances of v002 to be healthy, 1/2 now, before v001 is removed");
    }
}

#[test]
fn a_failure_and_a_way_back_do_not_wait_behind_a_setting() {
    let back = ["shift to a", "tag hello-prod-v002 failed,failed-at"];
    let mut case = baking(Health::Unhealthy, 60);
    let spec = &mut case.desired.apps.get_mut(&scope().app).unwrap().spec;
    spec.instances.max = 9;
    assert_eq!(case.calls(), back);
    let never = |group: &mut Group| group.created_at = ago(1200);
    let patch = json!({"instances": {"min": 2, "max": 9}});
    let case = Case::serving(NEW_IMAGE, patch).with_group(2, NEW_IMAGE, Health::Unhealthy, never);
    assert_eq!(case.calls(), ["tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn a_timetable_may_scale_to_nothing_but_not_while_another_group_is_emptied() {
    let night = json!({"scaling": {"scheduled": [{"name": "a", "schedule": "0 11 * * *", "min": 0, "max": 0}]}});
    let mut case = Case::serving(OLD_IMAGE, night.clone());
    case.observed.details.schedules.clear();
    let planned = |case: &mut Case| {
        let names: Vec<String> = case.observed.groups.known().unwrap().keys().cloned().collect();
        for name in names {
            case.observed.details.schedules.insert(name, Read::Known(Vec::new()));
        }
        let plan = case.plan();
        let emptied = plan.actions.iter().filter_map(|planned| match &planned.action {
            Action::UpdateGroup { name, change } if change.desired == Some(0) => Some(name.clone()),
            _ => None,
        });
        (plan.change, emptied.collect::<Vec<_>>())
    };
    assert_eq!(planned(&mut case), (Change::Drift, vec!["hello-prod-v001".to_owned()]));
    assert_eq!(expects(&case, "UpdateAutoScalingGroup"), [own_group(&case, "hello-prod-v001")]);
    let (change, emptied) = planned(&mut outlived(long_deployed, night));
    assert_eq!((change, emptied.len()), (Change::Drift, 1), "one after the other");
}

#[test]
fn the_old_group_is_emptied_only_while_the_new_one_serves_whole_and_it_takes_no_traffic() {
    let case = outlived(long_deployed, json!({}));
    let idle = Expect::Weight {
        at: TrafficPoint::Listener(LISTENER.to_owned()),
        target_group_arn: target_group_arn(Slot::A),
        serving: false,
    };
    let whole = healthy(Slot::B, "hello-prod-v002", 2);
    let (own, unwritten) = (own_group(&case, "hello-prod-v001"), unwritten("hello-prod-v001"));
    let expected = [own, wanted("hello-prod-v002"), whole, unwritten.clone(), idle];
    assert_eq!(expects(&case, "UpdateAutoScalingGroup"), expected);

    let worker = outlived(long_deployed, json!({"loadBalancer": "none"}));
    let serves = Expect::InService { group: "hello-prod-v002".to_owned(), at_least: 2 };
    let own = own_group(&worker, "hello-prod-v001");
    assert_eq!(expects(&worker, "UpdateAutoScalingGroup"), [own, serves, unwritten]);
}

#[test]
fn a_group_is_deleted_only_when_it_is_ours_and_empty() {
    let case = outlived(emptied, json!({}));
    let expected = [own_group(&case, "hello-prod-v001"), Expect::NoInstances { group: "hello-prod-v001".to_owned() }];
    assert_eq!(expects(&case, "DeleteAutoScalingGroup"), expected);
}

#[test]
fn a_plan_that_breaks_a_rule_stops_that_app_alone() {
    let refused = |spoil: fn(&mut AppPlan)| {
        let case = outlived(long_deployed, json!({}));
        let mut whole = plan(&case.desired, &case.observed, now());
        let mut other = whole.apps[0].clone();
        other.app = "other".parse().unwrap();
        whole.apps.push(other);
        spoil(&mut whole.apps[0]);
        let checked = super::super::check::check(whole).apps;
        assert_eq!((checked[1].actions.len(), checked[1].change), (1, Change::Unchanged), "the other goes on");
        let broken = &checked[0];
        assert_eq!((broken.change, broken.actions.len()), (Change::Error, 0), "{}", broken.reason);
        broken.reason.clone()
    };
    assert!(refused(|app| app.actions[0].expects.clear()).contains("checks nothing first"));
    assert!(refused(|app| app.actions.push(app.actions[0].clone())).contains("2 disruptive calls at once"));
    let careless = refused(|app| {
        // A group is deleted in the knowledge of whose it is, and not of whether it is empty.
        let own = app.actions[0].expects[0].clone();
        app.actions[0].action = Action::DeleteGroup { name: "hello-prod-v001".to_owned() };
        app.actions[0].expects = vec![own];
    });
    assert!(careless.contains("checks nothing first"), "{careless}");
    assert!(refused(|app| app.change = Change::Orphaned).contains("left alone"));
}

/// Puts instances that are not this group's, of that health, into a slot.
fn strangers(case: &mut Case, slot: Slot, health: Health) {
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(slot)) else {
        panic!()
    };
    let stranger =
        |id: &str| Target { id: id.to_owned(), health, reason: Some("strange".to_owned()), description: None };
    targets.extend(["i-foreign-1", "i-foreign-2"].map(stranger));
}

#[test]
fn there_is_no_way_back_to_a_generation_that_is_not_healthy_itself() {
    for health in [Health::Draining, Health::Unhealthy, Health::Initial] {
        let mut case = Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, health, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Unhealthy, |group| group.owner.shifted_at = Some(ago(60)));
        assert_eq!(case.calls(), ["tag hello-prod-v002 failed,failed-at"], "{health:?}");
        strangers(&mut case, Slot::A, Health::Healthy);
        assert_eq!(case.calls(), ["tag hello-prod-v002 failed,failed-at"], "strangers beside {health:?}");
    }
}

#[test]
fn the_sickness_of_strangers_fails_no_release() {
    let mut case = baking(Health::Healthy, 60);
    strangers(&mut case, Slot::B, Health::Unhealthy);
    assert_eq!(case.calls(), Vec::<String>::new());
}

#[test]
fn a_generation_that_somebody_took_out_of_service_does_not_take_over_again_by_itself() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
        group.owner.healthy_since = Some(ago(900));
        group.owner.shifted_at = Some(ago(600));
    });
    assert_eq!(case.calls(), ["tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn what_carries_our_tags_and_not_our_name_is_left_alone() {
    let mut case = Case::serving(NEW_IMAGE, json!({}));
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    let mut copy = groups["hello-prod-v001"].clone();
    copy.name = "copied-by-hand".to_owned();
    copy.owner.generation = Generation(7);
    groups.insert(copy.name.clone(), copy);
    let Read::Known(templates) = &mut case.observed.launch_templates else { panic!() };
    let mut copy = templates["hello-prod-v001"].clone();
    copy.name = "copied-by-hand".to_owned();
    copy.owner.generation = Generation(8);
    templates.insert(copy.name.clone(), copy);
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
    let notes = case.plan().notes;
    assert!(notes.iter().any(|note| note.contains("copied-by-hand")), "{notes:?}");
}

#[test]
fn a_target_group_that_has_our_name_and_not_our_tags_is_never_touched() {
    for slot in Slot::BOTH {
        let mut case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::B);
        let arn = target_group_arn(slot);
        case.observed
            .details
            .tags
            .insert(arn.clone(), Read::Known(BTreeMap::from([("team".to_owned(), "other".to_owned())])));
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains("is not ours"), "{}", plan.reason);
        case.observed.details.tags.insert(arn, Read::Unknown("Throttling".to_owned()));
        assert!(case.plan().actions.is_empty(), "what could not be read is nobody's");
    }
}

#[test]
fn a_rule_on_a_shared_listener_that_is_not_ours_is_never_touched() {
    let arn = format!("{LISTENER}/rule");
    let shared = json!({"loadBalancer": {"listener": "web", "hosts": ["hello.example.com"], "priority": 10}});
    let mut case = Case::new(NEW_IMAGE, shared).with_front(Slot::B);
    case.desired.environment.listeners.insert("web".to_owned(), LISTENER.to_owned());
    let rule = Rule {
        arn: arn.clone(),
        priority: Some(10),
        conditions: Conditions { hosts: vec!["hello.example.com".to_owned()], ..Conditions::default() },
        other_conditions: false,
        forward: Forward::new(Slot::BOTH.map(|slot| (target_group_arn(slot), 50)).into_iter().collect()),
        instead: None,
    };
    case.observed.details.rules_of.insert(LISTENER.to_owned(), Read::Known(vec![rule]));
    case.observed.details.tags.insert(arn, Read::Known(BTreeMap::from([("team".to_owned(), "other".to_owned())])));
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("is not ours"), "{}", plan.reason);
}

#[test]
fn an_app_with_something_that_cannot_be_understood_is_not_planned() {
    for app in [Some(scope().app), None] {
        let mut case = Case::serving(NEW_IMAGE, json!({}));
        case.observed.problems.push(Problem {
            what: "Auto Scaling group hello-prod-v002".to_owned(),
            name: "hello-prod-v002".to_owned(),
            app,
            why: "its generation is `forty-two`".to_owned(),
        });
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains("forty-two"), "{}", plan.reason);
    }
}

#[test]
fn what_aws_cannot_change_is_refused_with_the_remedy() {
    for (patch, said) in [
        (json!({"healthCheck": {"port": 9090}}), "another name"),
        (json!({"loadBalancer": {"scheme": "internet-facing"}}), "destroy the app first"),
    ] {
        let plan = Case::serving(NEW_IMAGE, patch).plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains(said), "{}", plan.reason);
    }
}

#[test]
fn a_release_that_is_under_way_takes_up_room() {
    let mut case =
        Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}))
            .with_group(1, NEW_IMAGE, Health::Healthy, |group| group.owner.healthy_since = Some(ago(5)));
    case.desired.environment.limits.concurrent_rollouts = 1;
    let mut first_by_name = case.desired.apps.values().next().unwrap().clone();
    first_by_name.scope.app = "another".parse().unwrap();
    case.observed.details.deployed.insert(first_by_name.scope.app.clone(), Read::Known(None));
    case.desired.apps.insert(first_by_name.scope.app.clone(), first_by_name);
    let apps = plan(&case.desired, &case.observed, now()).apps;
    assert_eq!(
        (apps[0].change, calls(&apps[0])),
        (Change::Blocked, vec!["CreateLaunchTemplate another-prod-v001".to_owned()])
    );
    assert_eq!(apps[1].change, Change::Create);
}

#[test]
fn a_label_reaches_the_instances_of_a_huge_group_a_thousand_at_a_time() {
    let mut case = Case::new(OLD_IMAGE, json!({"instances": {"min": 1001, "max": 1001}})).with_front(Slot::A);
    case = case.with_group(1, OLD_IMAGE, Health::Healthy, |group| {
        long_deployed(group);
        let one = group.instances[0].clone();
        group.instances = (0..1001).map(|number| Instance { id: format!("i-{number}"), ..one.clone() }).collect();
        (group.min, group.max, group.desired) = (1001, 1001, 1001);
    });
    let label = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    case.desired.apps.values_mut().for_each(|app| app.labels.clone_from(&label));
    for arn in [target_group_arn(Slot::A), target_group_arn(Slot::B), BALANCER.to_owned(), LISTENER.to_owned()] {
        let ours = crate::model::tags::encode_app(&scope(), "hello", &label);
        case.observed.details.tags.insert(arn, Read::Known(ours));
    }
    let plan = case.plan();
    let tagged = plan.actions.iter().filter_map(|planned| match &planned.action {
        Action::TagInstances { ids, .. } => Some(ids.len()),
        _ => None,
    });
    assert_eq!(tagged.collect::<Vec<_>>(), [1000, 1], "{plan:?}");
}

#[test]
fn traffic_that_leads_to_nothing_goes_back_to_what_had_it_last_and_not_away_from_what_answers() {
    let serves = |group: &mut Group| group.owner.shifted_at = Some(ago(600));
    let mut case =
        Case::new(OLD_IMAGE, json!({})).with_front(Slot::B).with_group(1, OLD_IMAGE, Health::Healthy, serves);
    assert_eq!(case.calls(), ["shift to a"], "nothing is in slot b");
    // A target there that answers: of a group that the list does not have yet, or of somebody else.
    let target = |health| vec![Target { id: "i-2-1".to_owned(), health, reason: None, description: None }];
    for (health, shifts) in [(Health::Healthy, false), (Health::Unhealthy, true)] {
        let targets = Read::Known(target(health));
        case.observed.details.target_health.insert(target_group_arn(Slot::B), targets);
        let calls = case.calls();
        assert_eq!(calls.first().is_some_and(|call| call == "shift to a"), shifts, "{calls:?}");
    }
    case.observed.details.target_health.insert(target_group_arn(Slot::B), Read::Unknown("Rate exceeded".to_owned()));
    assert_eq!(case.calls(), Vec::<String>::new());
}

#[test]
fn while_the_image_is_not_certain_no_tombstone_and_no_template_is_cleared_away() {
    let failed = |group: &mut Group| {
        (group.min, group.desired) = (0, 0);
        group.instances.clear();
        group.owner.shifted_at = Some(ago(999_999));
        group.owner.failed = Some(Failure { at: ago(60), reason: "slow".to_owned() });
    };
    let parameter = "/images/hello";
    let source = json!({"image": {"ssmParameter": parameter}});
    let says = |read: Read<Option<Parameter>>| {
        let mut case = Case::serving(OLD_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, failed);
        let app = case.desired.apps.values_mut().next().unwrap();
        app.spec.image = serde_json::from_value(source["image"].clone()).unwrap();
        case.observed.sources.parameters.insert(parameter.to_owned(), read);
        case.calls()
    };
    let holds = |id: &str| Read::Known(Some(Parameter { kind: "String".to_owned(), value: id.to_owned() }));
    assert_eq!(says(holds(OLD_IMAGE)), ["DeleteAutoScalingGroup hello-prod-v002"], "it is not wanted");
    for read in [holds(NEW_IMAGE), Read::Known(None), Read::Unknown("Rate exceeded".to_owned())] {
        assert_eq!(says(read.clone()), Vec::<String>::new(), "{read:?}");
    }
}
