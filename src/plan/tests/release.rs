//! Releases as tables: launched, verified, shifted, baked, recorded, retired.

use super::*;
use crate::model::action::Expect;

#[test]
fn a_new_app_begins_with_its_target_groups_and_its_load_balancer() {
    let case = Case::new(NEW_IMAGE, json!({}));
    assert_eq!(case.plan().change, Change::Create);
    assert_eq!(
        case.calls(),
        ["CreateTargetGroup hello-prod-a", "CreateTargetGroup hello-prod-b", "CreateLoadBalancer hello-prod"]
    );
    let steps: Vec<_> = case.plan().steps.iter().map(|step| step.kind.to_string()).collect();
    assert_eq!(steps, ["prepare", "launch 2", "healthy 2/2", "shift 100%", "bake 5m", "record"]);
}

#[test]
fn once_they_stand_the_first_generation_is_launched_where_there_is_no_traffic() {
    let case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::B);
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v001", "CreateAutoScalingGroup hello-prod-v001"]);
    let Action::CreateGroup(group) = &case.plan().actions[1].action else { panic!() };
    assert_eq!(group.target_group_arns, [target_group_arn(Slot::A)]);
}

#[test]
fn what_is_deployed_and_wanted_needs_nothing() {
    let plan = Case::serving(OLD_IMAGE, json!({})).plan();
    assert_eq!((plan.change, plan.is_settled(), plan.steps.len()), (Change::Unchanged, true, 0));
}

#[test]
fn another_image_is_launched_beside_the_old_one_at_its_present_size() {
    let case = Case::new(NEW_IMAGE, json!({"instances": {"min": 2, "max": 9}})).with_front(Slot::A).with_group(
        1,
        OLD_IMAGE,
        Health::Healthy,
        |group| {
            long_deployed(group);
            group.desired = 7;
            group.max = 9;
        },
    );
    assert_eq!(case.plan().change, Change::Replace);
    let plan = case.plan();
    assert_eq!(calls(&plan), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
    let Action::CreateGroup(group) = &plan.actions[1].action else { panic!("{:?}", plan.actions) };
    assert_eq!((group.name.as_str(), group.desired, group.min, group.max), ("hello-prod-v002", 7, 7, 9));
    assert_eq!(group.tags["amiable:held-min"], "2");
    assert_eq!(group.target_group_arns, [target_group_arn(Slot::B)]);
    assert_eq!((plan.fields[0].path.as_str(), plan.impact.peak_instances), ("image", 14));
}

#[test]
fn traffic_moves_only_when_every_instance_was_healthy_for_the_whole_window() {
    let since = |seconds: u64| move |group: &mut Group| group.owner.healthy_since = Some(ago(seconds));
    let shifted = ["shift to b", "tag hello-prod-v002 shifted-at"];
    for (health, healthy_since, expected) in [
        (Health::Initial, None, vec![]),
        (Health::Unhealthy, None, vec![]),
        (Health::Draining, None, vec!["RegisterTargets hello-prod-b"]),
        (Health::Unavailable, None, vec![]),
        (Health::Unrecognised, None, vec![]),
        (Health::Unused, None, vec![]),
        (Health::Healthy, None, vec!["tag hello-prod-v002 healthy-since"]),
        (Health::Healthy, Some(10), vec![]),
        (Health::Healthy, Some(31), shifted.to_vec()),
        (Health::Unhealthy, Some(10), vec!["DeleteTags hello-prod-v002"]),
        (Health::Unhealthy, Some(31), vec!["tag hello-prod-v002 lacking-since", "DeleteTags hello-prod-v002"]),
    ] {
        let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, health, |group| {
            if let Some(seconds) = healthy_since {
                since(seconds)(group);
            }
        });
        assert_eq!(case.calls(), expected, "{health:?} {healthy_since:?}");
        assert!(!case.plan().waits.is_empty() || !expected.is_empty(), "{health:?} is waited for");
    }
}

#[test]
fn only_instances_of_exactly_the_new_group_count() {
    let mut case = Case::serving(NEW_IMAGE, json!({}))
        .with_group(2, NEW_IMAGE, Health::Initial, |group| group.owner.healthy_since = Some(ago(600)));
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    for id in ["i-foreign-1", "i-foreign-2"] {
        targets.push(Target { id: id.to_owned(), health: Health::Healthy, reason: None, description: None });
    }
    assert!(!case.calls().iter().any(|call| call.starts_with("shift")));
}

#[test]
fn what_could_not_be_read_leads_to_no_call_at_all() {
    type Spoil = fn(&mut Observed);
    let unreadable: [(&str, Spoil); 6] = [
        ("groups", |observed| observed.groups = Read::Unknown("Throttling".into())),
        ("templates", |observed| observed.launch_templates = Read::Unknown("Throttling".into())),
        ("target groups", |observed| observed.target_groups = Read::Unknown("Throttling".into())),
        ("load balancers", |observed| observed.load_balancers = Read::Unknown("Throttling".into())),
        ("listener", |observed| {
            observed.listeners.insert(LISTENER.to_owned(), Read::Unknown("Throttling".into()));
        }),
        ("health", |observed| {
            for slot in Slot::BOTH {
                observed.details.target_health.insert(target_group_arn(slot), Read::Unknown("Throttling".into()));
            }
        }),
    ];
    for (what, spoil) in unreadable {
        let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(600));
        });
        assert_eq!(case.calls(), ["shift to b", "tag hello-prod-v002 shifted-at"]);
        spoil(&mut case.observed);
        let plan = case.plan();
        assert!(plan.actions.is_empty(), "{what}: {:?}", plan.actions);
        assert!(!plan.is_settled() || plan.change == Change::Error, "{what} must be said");
    }
}

#[test]
fn a_baked_generation_is_recorded_and_the_old_one_stays_warm_for_an_hour() {
    assert_eq!(baking(Health::Healthy, 60).calls(), Vec::<String>::new());
    assert_eq!(baking(Health::Healthy, 301).calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
    let recorded = |seconds: u64| {
        Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(seconds + 300));
                group.owner.recorded_at = Some(ago(seconds));
            })
    };
    let plan = recorded(60).plan();
    assert_eq!(calls(&plan), Vec::<String>::new());
    assert!(plan.waits.iter().all(|wait| wait.cleanup && wait.until == Some(Span::seconds(3540).after(now()))));
    assert_eq!(recorded(3601).calls(), ["empty hello-prod-v001"]);
}

#[test]
fn a_record_that_says_the_same_is_not_written_again() {
    let mut case = baking(Health::Healthy, 301);
    case.record_says("hello-prod-v002");
    assert_eq!(case.calls(), ["tag hello-prod-v002 recorded-at"]);
}

#[test]
fn a_generation_that_serves_again_is_recorded_when_the_record_names_the_one_between() {
    // Whoever recorded v002 has ended before the tag could say so; then v002 was turned down.
    let again = |named: &str| {
        let mut case = Case::new(OLD_IMAGE, json!({}))
            .with_front(Slot::A)
            .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
                long_deployed(group);
                group.owner.shifted_at = Some(ago(60));
            })
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(400));
                failed("rolled back by ada")(group);
                (group.desired, group.min) = (0, 0);
            });
        case.record_says(named);
        case.calls()
    };
    assert!(again("hello-prod-v002").contains(&"PutParameter deployed".to_owned()), "{:?}", again("hello-prod-v002"));
    assert!(!again("hello-prod-v001").contains(&"PutParameter deployed".to_owned()), "{:?}", again("hello-prod-v001"));
}

#[test]
fn a_worker_is_well_when_its_instances_are_in_service_and_its_old_group_goes_after_the_bake() {
    let worker = json!({"loadBalancer": "none"});
    let fresh = Case::new(NEW_IMAGE, worker.clone());
    assert_eq!(fresh.calls(), ["CreateLaunchTemplate hello-prod-v001", "CreateAutoScalingGroup hello-prod-v001"]);
    let case = |shifted: Option<u64>, recorded: Option<u64>| {
        Case::new(NEW_IMAGE, worker.clone()).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed).with_group(
            2,
            NEW_IMAGE,
            Health::Healthy,
            |group| {
                group.owner.healthy_since = Some(ago(60));
                group.owner.shifted_at = shifted.map(ago);
                group.owner.watched = shifted.and_then(watched_all);
                group.owner.recorded_at = recorded.map(ago);
            },
        )
    };
    assert_eq!(case(None, None).calls(), ["tag hello-prod-v002 shifted-at"]);
    assert_eq!(case(Some(10), None).calls(), Vec::<String>::new());
    assert_eq!(case(Some(301), None).calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
    assert_eq!(case(Some(310), Some(5)).calls(), ["empty hello-prod-v001"]);
}

#[test]
fn only_so_many_releases_begin_as_there_is_room_for() {
    let mut case = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}));
    case.desired.environment.limits.concurrent_rollouts = 1;
    let mut second = case.desired.apps.values().next().unwrap().clone();
    second.scope.app = "second".parse().unwrap();
    case.observed.details.deployed.insert(second.scope.app.clone(), Read::Known(None));
    case.desired.apps.insert(second.scope.app.clone(), second);
    let apps = plan(&case.desired, &case.observed, now()).apps;
    assert_eq!((apps[0].change, apps[1].change), (Change::Create, Change::Blocked));
    assert_eq!(calls(&apps[1]), ["CreateLaunchTemplate second-prod-v001"], "it asks for its place");
    assert!(!apps[1].waits.is_empty());
}

#[test]
fn only_chosen_apps_need_room() {
    let mut case = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}));
    case.desired.environment.limits.concurrent_rollouts = 1;
    let mut second = case.desired.apps.values().next().unwrap().clone();
    second.scope.app = "second".parse().unwrap();
    case.observed.details.deployed.insert(second.scope.app.clone(), Read::Known(None));
    case.desired.chosen = Some(BTreeSet::from([second.scope.app.clone()]));
    case.desired.apps.insert(second.scope.app.clone(), second);
    let apps = plan(&case.desired, &case.observed, now()).apps;
    assert_eq!(apps.iter().map(|app| app.app.as_str()).collect::<Vec<_>>(), ["second"]);
    assert_eq!(apps[0].change, Change::Create, "{}", apps[0].reason);
}

/// Generation 1 serves and is scaled to nothing, by hand or by its timetable.
fn scaled_to_nothing(second: impl FnOnce(&mut Group)) -> Case {
    Case::new(NEW_IMAGE, json!({"instances": {"min": 0, "max": 2}}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            empty(group);
        })
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(60));
            second(group);
        })
}

fn empty(group: &mut Group) {
    (group.min, group.desired) = (0, 0);
    group.instances.clear();
}

#[test]
fn an_app_that_is_scaled_to_nothing_is_released_once_one_instance_has_proved_it() {
    let one = |group: &mut Group| {
        (group.min, group.desired, group.owner.held_min) = (1, 1, Some(0));
        group.instances.truncate(1);
    };
    let case = scaled_to_nothing(one);
    assert_eq!(case.calls(), ["shift to b", "tag hello-prod-v002 shifted-at"]);
    let plan = case.plan();
    let expects = &plan.actions[0].expects;
    let healthy = |expect: &crate::model::action::Expect| {
        matches!(expect, crate::model::action::Expect::Healthy { at_least: 1, .. })
    };
    assert!(expects.iter().any(healthy), "{expects:?}");
    let calls = scaled_to_nothing(empty).calls();
    assert!(calls.contains(&"UpdateAutoScalingGroup hello-prod-v002".to_owned()), "it grows to one: {calls:?}");
}

#[test]
fn what_is_scaled_to_nothing_in_its_bake_is_neither_recorded_nor_waited_for() {
    let case = Case::new(NEW_IMAGE, json!({"instances": {"min": 0, "max": 2}}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(600));
            group.owner.watched = watched_all(600);
            empty(group);
        });
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Blocked, vec![]), "{:?}", plan.waits);
    assert!(plan.reason.contains("v002 has no instances now"), "{}", plan.reason);
}

#[test]
fn a_third_image_waits_until_the_second_has_proved_itself_and_the_first_stays_to_go_back_to() {
    let third = "ami-00000000000000003";
    let with_third = |health: Health, shifted: u64| {
        let mut case = baking(health, shifted);
        let (id, third_image) = image(third, ACCOUNT);
        case.observed.images.insert(id, third_image);
        case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
        case
    };
    let plan = with_third(Health::Healthy, 60).plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Replace, vec![]));
    assert!(!plan.waits.is_empty(), "it is waited for");
    let sick = with_third(Health::Unhealthy, 60);
    assert_eq!(sick.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    let baked = with_third(Health::Healthy, 301);
    assert_eq!(baked.calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
}

#[test]
fn a_cure_can_be_released_while_what_serves_is_sick() {
    let third = "ami-00000000000000003";
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
        });
    let (id, third_image) = image(third, ACCOUNT);
    case.observed.images.insert(id, third_image);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
    let plan = case.plan();
    assert_eq!(
        calls(&plan),
        ["shift to a", "tag hello-prod-v002 failed,failed-at"],
        "what came before is well and warm"
    );
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets[0].health = Health::Healthy;
    case.announce();
    let plan = case.plan();
    assert_eq!(calls(&plan), ["empty hello-prod-v001"], "half of what serves is sick");
    let needs_health =
        |expect: &crate::model::action::Expect| matches!(expect, crate::model::action::Expect::Healthy { .. });
    assert!(!plan.actions[0].expects.iter().any(needs_health), "{:?}", plan.actions[0].expects);
}

#[test]
fn the_number_of_the_next_generation_is_the_same_from_its_announcement_to_its_launch() {
    let mut case = beside_a_warm_one();
    assert_eq!(
        (case.plan().to, case.calls()),
        (Some(Generation(4)), vec!["CreateLaunchTemplate hello-prod-v004".to_owned()])
    );
    case.announce();
    assert_eq!(case.plan().to, Some(Generation(4)), "while the slot is freed");
}

#[test]
fn a_release_that_is_tried_again_after_its_group_was_emptied_keeps_its_number() {
    let empty = |group: &mut Group| {
        (group.desired, group.min) = (0, 0);
        group.instances.clear();
    };
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, empty);
    assert_eq!(
        (case.plan().to, case.calls()),
        (Some(Generation(2)), vec!["DeleteAutoScalingGroup hello-prod-v002".to_owned()])
    );
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.remove("hello-prod-v002");
    assert_eq!(
        (case.plan().to, case.calls()),
        (Some(Generation(2)), vec!["CreateAutoScalingGroup hello-prod-v002".to_owned()])
    );
}

/// Generation 3 was turned down for the release of generation 1, which generation 4 runs again in its bake.
fn gone_back(health: Health) -> Case {
    let back = |case: &Case| case.observed.groups.known().unwrap()["hello-prod-v004"].owner.template_hash.clone();
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(4, OLD_IMAGE, health, |group| {
            group.owner.healthy_since = Some(ago(900));
            group.owner.shifted_at = Some(ago(700));
            group.owner.watched = Some(Watched { seconds: 100, at: ago(1) });
        })
        .with_group(3, NEW_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.failed = Some(Failure { at: ago(800), reason: "rolled back to v001 by ada".to_owned() });
        });
    let hash = back(&case);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v003").unwrap().owner.marks.back_to = Some(crate::model::mark::BackTo::Template(hash));
    case
}

#[test]
fn what_was_turned_down_for_an_earlier_release_stays_until_that_has_baked_and_is_its_way_back() {
    let baking = gone_back(Health::Healthy).plan();
    assert!(!calls(&baking).iter().any(|call| call.starts_with("empty")), "{:?}", baking.actions);
    assert_eq!(baking.exposed.and_then(|exposed| exposed.back), Some(Generation(3)));
    assert_eq!(gone_back(Health::Unhealthy).calls(), ["shift to a", "tag hello-prod-v004 failed,failed-at"]);
    // Somebody gives what serves in its place the traffic before it is ready: what was turned down serves until then.
    let mut early = gone_back(Health::Initial);
    let Read::Known(groups) = &mut early.observed.groups else { panic!() };
    let booting = &mut groups.get_mut("hello-prod-v004").unwrap().owner;
    (booting.shifted_at, booting.healthy_since, booting.watched) = (None, None, None);
    let plan = early.plan();
    assert_eq!(calls(&plan), ["shift to a"]);
    let Expect::OwnGroup { .. } = &plan.actions[0].expects[0] else { panic!("{plan:?}") };
    assert!(!plan.actions[0].expects.iter().any(|expect| matches!(expect, Expect::Wanted { .. })), "{plan:?}");
    let mut deployed = gone_back(Health::Healthy);
    let Read::Known(groups) = &mut deployed.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v003").unwrap().owner.unwanted_since = Some(ago(700));
    for (recorded, expected) in [(1, vec![]), (309, vec![]), (311, vec!["empty hello-prod-v003"])] {
        let Read::Known(groups) = &mut deployed.observed.groups else { panic!() };
        groups.get_mut("hello-prod-v004").unwrap().owner.recorded_at = Some(ago(recorded));
        assert_eq!(deployed.calls(), expected, "a call that gives it the traffic may arrive until {recorded}");
    }
}

#[test]
fn a_way_back_to_a_release_that_does_not_run_shows_its_image() {
    let mut case =
        Case::new(NEW_IMAGE, json!({})).with_front(Slot::A).with_group(3, NEW_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            failed("rolled back to v001 by ada")(group);
            group.owner.marks.back_to = Some(crate::model::mark::BackTo::Image(OLD_IMAGE.to_owned()));
        });
    case.observed.details.tags.clear();
    for arn in [BALANCER.to_owned(), target_group_arn(Slot::A), target_group_arn(Slot::B)] {
        let tags = crate::model::tags::encode_app(&scope(), "hello-prod", &BTreeMap::new());
        case.observed.details.tags.insert(arn, Read::Known(tags));
    }
    let plan = case.plan();
    assert_eq!((plan.to, plan.image.map(|image| image.id)), (Some(Generation(4)), Some(OLD_IMAGE.to_owned())));
}
