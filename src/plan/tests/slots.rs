//! Who has a slot and who needs it: nobody keeps the cure from its slot for ever, and what answers has the traffic where nothing
//! else does.

use super::*;
use crate::model::mark::{CanaryStep, Mark};

const THIRD: &str = "ami-00000000000000003";

/// The manifest asks for a third image.
fn edited(mut case: Case) -> Case {
    let (id, third) = image(THIRD, ACCOUNT);
    case.observed.images.insert(id, third);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(THIRD);
    case
}

/// Generation 1 serves with such targets; generation 2 took over before it, failed and lost its traffic so many seconds ago, and
/// is healthy.
fn turned_back(health: Health, why: &str, seconds: u64) -> Case {
    let failure = Failure { at: ago(seconds), reason: why.to_owned() };
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, health, |group| {
            long_deployed(group);
            group.owner.shifted_at = Some(ago(seconds));
        })
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(seconds + 60));
            group.owner.failed = Some(failure);
            group.owner.unwanted_since = Some(ago(seconds));
        });
    case.record_says("hello-prod-v001");
    case
}

fn group<'c>(case: &'c mut Case, name: &str) -> &'c mut Group {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut(name).unwrap()
}

#[test]
fn what_failed_and_still_answers_takes_the_traffic_where_nobody_else_does() {
    let shift = ["tag hello-prod-v002 shifted-at", "shift to b"];
    for health in [Health::Unhealthy, Health::Initial] {
        for seconds in [90, 4000] {
            let case = turned_back(health, "the alarm errors is in state ALARM", seconds);
            assert_eq!(case.calls(), shift, "{health:?} {seconds}");
            assert_eq!(edited(case).calls(), shift, "{health:?} {seconds}, with a cure in the manifest");
        }
    }
    let plan = turned_back(Health::Unhealthy, "the alarm errors is in state ALARM", 90).plan();
    assert_eq!(plan.reason, "v001 has no healthy instance: v002 serves until it has, though it failed");
    assert!(plan.gives_back(), "nothing waits before that");
    let checked = &plan.actions[1].expects;
    let none = crate::model::action::Expect::NoneHealthy {
        target_group_arn: target_group_arn(Slot::A),
        group: "hello-prod-v001".to_owned(),
    };
    assert!(checked.contains(&none), "{checked:?}");
    // It has the traffic: the slot of what is not well is free for the cure.
    let mut serves =
        edited(turned_back(Health::Unhealthy, "the alarm errors is in state ALARM", 400).with_front_at(Slot::B));
    group(&mut serves, "hello-prod-v002").owner.shifted_at = Some(ago(5));
    serves.announce();
    assert_eq!(serves.calls(), ["tag hello-prod-v001 healthy-since"]);
    group(&mut serves, "hello-prod-v001").owner.unwanted_since = Some(ago(31));
    assert_eq!(serves.calls(), ["empty hello-prod-v001"]);
}

#[test]
fn what_stands_in_gives_the_traffic_back_once_the_generation_before_is_whole() {
    let mut case = turned_back(Health::Healthy, "the alarm errors is in state ALARM", 400).with_front_at(Slot::B);
    group(&mut case, "hello-prod-v002").owner.shifted_at = Some(ago(90));
    assert_eq!(case.calls(), ["shift to a"]);
    let set = |case: &mut Case, slot: Slot, index: usize, health: Health| {
        let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(slot)) else {
            panic!()
        };
        targets[index].health = health;
    };
    set(&mut case, Slot::A, 0, Health::Initial);
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Blocked, vec![]));
    assert_eq!(plan.waits[0].what, "v001 to be whole, so that it can serve again");
    // Better one than none.
    set(&mut case, Slot::B, 0, Health::Unhealthy);
    set(&mut case, Slot::B, 1, Health::Unhealthy);
    assert_eq!(case.calls(), ["shift to a"]);
}

/// Generation 2 failed by an alarm and stands in for generation 1, which is whole again.
fn standing_in(health: Health) -> Case {
    let mut case = turned_back(health, "the alarm errors is in state ALARM", 4000).with_front_at(Slot::B);
    group(&mut case, "hello-prod-v002").owner.shifted_at = Some(ago(1500));
    case
}

#[test]
fn a_way_back_that_was_marked_as_not_wanted_meanwhile_is_wanted_again_before_it_gets_the_traffic() {
    let mut case = standing_in(Health::Healthy);
    let earlier = &mut group(&mut case, "hello-prod-v001").owner;
    (earlier.healthy_since, earlier.unwanted_since) = (Some(ago(900)), Some(ago(60)));
    // With the mark, the call is refused at the last look before it, each time anew.
    assert_eq!(case.calls(), ["tag hello-prod-v001 healthy-since", "shift to a"]);
    assert_eq!(edited(case).calls(), ["tag hello-prod-v001 healthy-since", "shift to a"]);
}

#[test]
fn what_proved_itself_once_is_not_given_up_for_not_being_whole_while_a_failed_one_serves() {
    let mut case = standing_in(Health::Unhealthy);
    let asks_for_it = |case: &mut Case| {
        case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(OLD_IMAGE);
    };
    asks_for_it(&mut case);
    let earlier = &mut group(&mut case, "hello-prod-v001").owner;
    (earlier.healthy_since, earlier.lacking_since) = (None, Some(ago(1300)));
    let plan = case.plan();
    assert!(!calls(&plan).iter().any(|call| call.contains("failed")), "{:?}", calls(&plan));
    assert_eq!(plan.change, Change::Blocked, "{}", plan.reason);
    let why = "0 of 2 instances of v001 are healthy after 20m";
    assert!(plan.reason.starts_with(why) || plan.notes.iter().any(|note| note.starts_with(why)), "{}", plan.reason);
}

#[test]
fn what_stood_in_is_kept_for_a_while_after_it_gave_the_traffic_back() {
    let mut case = edited(turned_back(Health::Healthy, "the alarm errors is in state ALARM", 4000));
    group(&mut case, "hello-prod-v002").owner.shifted_at = Some(ago(1500));
    group(&mut case, "hello-prod-v001").owner.shifted_at = Some(ago(30));
    assert_eq!(case.calls(), ["tag hello-prod-v002 healthy-since"], "it was noted before it stood in");
    group(&mut case, "hello-prod-v002").owner.unwanted_since = Some(ago(29));
    assert_eq!(case.calls(), Vec::<String>::new());
    group(&mut case, "hello-prod-v002").owner.unwanted_since = Some(ago(320));
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
}

#[test]
fn what_gets_traffic_once_more_after_it_failed_begins_its_time_anew() {
    let mut case = turned_back(Health::Healthy, "unhealthy under traffic", 300).with_front_at(Slot::B);
    group(&mut case, "hello-prod-v001").owner.shifted_at = Some(ago(900));
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 healthy-since"]);
}

#[test]
fn a_record_from_before_says_nothing_of_what_has_just_lost_its_traffic() {
    // The manifest was taken back in the bake of generation 2, and generation 1 has taken over again.
    let taken_back = |unwanted: Option<Timestamp>| {
        let mut case = Case::new(OLD_IMAGE, json!({}))
            .with_front(Slot::A)
            .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
                long_deployed(group);
                (group.owner.shifted_at, group.owner.recorded_at) = (Some(ago(60)), Some(ago(4000)));
            })
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.healthy_since = Some(ago(600));
                group.owner.shifted_at = Some(ago(300));
                group.owner.unwanted_since = unwanted;
            });
        case.record_says("hello-prod-v001");
        case
    };
    for unwanted in [None, Some(ago(50))] {
        let calls = taken_back(unwanted).calls();
        assert!(!calls.contains(&"empty hello-prod-v002".to_owned()), "{unwanted:?}: {calls:?}");
    }
}

#[test]
fn what_was_never_healthy_and_lost_its_traffic_is_wanted_again_before_it_gets_any() {
    let mut case = turned_back(Health::Unhealthy, "the alarm errors is in state ALARM", 90).with_front_at(Slot::B);
    group(&mut case, "hello-prod-v002").owner.shifted_at = Some(ago(60));
    let earlier = &mut group(&mut case, "hello-prod-v001").owner;
    (earlier.healthy_since, earlier.unwanted_since) = (None, Some(ago(30)));
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::A)) else {
        panic!()
    };
    targets.iter_mut().for_each(|target| target.health = Health::Healthy);
    let calls = case.calls();
    assert_eq!(calls, ["DeleteTags hello-prod-v001", "shift to a"]);
}

#[test]
fn traffic_goes_to_what_answers_though_aws_refuses_the_tag_that_tells_of_it() {
    use crate::model::given_up::{GivenUp, Why};
    let mut case = turned_back(Health::Unhealthy, "the alarm errors is in state ALARM", 90);
    let plan = case.plan();
    let why = Why::Refused("AccessDenied".to_owned());
    let given_up = GivenUp { action: plan.actions[0].action.clone(), why };
    case.desired.given_up.insert(plan.app.clone(), vec![given_up]);
    assert_eq!(case.calls(), ["shift to b"]);
}

#[test]
fn a_share_whose_tag_is_gone_already_counts_for_who_takes_over() {
    let mut case = edited(canary(Health::Unhealthy, Health::Healthy));
    group(&mut case, "hello-prod-v002").owner.canary = None;
    assert_eq!(case.calls(), ["shift to b", "tag hello-prod-v002 shifted-at"]);
}

#[test]
fn what_a_person_turned_down_gets_no_traffic_and_makes_room_for_the_cure() {
    let case = turned_back(Health::Unhealthy, "rolled back by ada: slow", 400);
    let plan = case.plan();
    assert_eq!(calls(&plan), Vec::<String>::new());
    assert!(
        plan.notes.iter().any(|note| note.contains("rolled back by ada: slow. If it is to serve")),
        "{:?}",
        plan.notes
    );
    let mut cure = edited(turned_back(Health::Unhealthy, "rolled back by ada: slow", 400));
    assert_eq!(cure.calls(), ["empty hello-prod-v002"]);
    let down = &mut group(&mut cure, "hello-prod-v002").owner;
    (down.failed.as_mut().unwrap().at, down.unwanted_since) = (ago(90), Some(ago(90)));
    let plan = cure.plan();
    assert_eq!(calls(&plan), Vec::<String>::new());
    let ends: Vec<_> = plan.waits.iter().map(|wait| (wait.what.as_str(), wait.until)).collect();
    assert_eq!(
        ends,
        [
            ("2 instances of v002 to leave slot b", None),
            (
                "AWS calls that may be delayed and still give traffic to v002 to expire",
                Some(ago(90) + jiff::SignedDuration::from_secs(310))
            ),
        ]
    );
}

#[test]
fn what_a_person_turned_down_gets_no_traffic_where_nothing_else_stands_either() {
    for (why, expected) in
        [("the alarm errors is in state ALARM", vec!["shift to b"]), ("rolled back by ada: slow", vec![])]
    {
        let mut case =
            Case::new(NEW_IMAGE, json!({})).with_front(Slot::A).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(900));
                failed(why)(group);
            });
        case.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(Vec::new()));
        let plan = case.plan();
        assert_eq!(calls(&plan), expected, "{why}: {:?} {:?}", plan.reason, plan.notes);
        let says = if expected.is_empty() {
            "nothing serves, because a person turned v002 down"
        } else {
            "v002 goes on serving"
        };
        assert!(plan.reason.contains(says), "{}", plan.reason);
    }
}

/// Generation 2 is a canary at 5 %.
fn canary(serving: Health, health: Health) -> Case {
    let strategy = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}], "stickiness": "0s"}}});
    let mut case = Case::new(NEW_IMAGE, strategy)
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, serving, long_deployed)
        .with_group(2, NEW_IMAGE, health, |group| {
            group.owner.healthy_since = Some(ago(600));
            group.owner.canary = Some(CanaryStep { done: 1, at: ago(90) });
        });
    case.weights(95, 5);
    case
}

#[test]
fn a_canary_takes_everything_where_what_serves_has_no_healthy_instance() {
    let all = ["shift to b", "tag hello-prod-v002 shifted-at"];
    assert_eq!(canary(Health::Unhealthy, Health::Healthy).calls(), all);
    assert_eq!(edited(canary(Health::Unhealthy, Health::Healthy)).calls(), all);
}

#[test]
fn a_share_goes_back_to_what_is_not_well_either_and_no_fact_makes_that_stale_for_ever() {
    let mut case = edited(canary(Health::Unhealthy, Health::Unhealthy));
    case.announce();
    let plan = case.plan();
    assert_eq!(calls(&plan), ["DeleteTags hello-prod-v002", "shift to a"]);
    let healthy =
        |expect: &crate::model::action::Expect| matches!(expect, crate::model::action::Expect::Healthy { .. });
    assert!(!plan.actions[1].expects.iter().any(healthy), "{:?}", plan.actions[1].expects);
    let mut well = edited(canary(Health::Healthy, Health::Healthy));
    well.announce();
    assert!(well.plan().actions[1].expects.iter().any(healthy));
}

#[test]
fn a_canary_that_loses_its_share_to_an_edit_loses_its_tag_first_and_begins_anew_when_it_is_wanted_again() {
    for image in [THIRD, OLD_IMAGE] {
        let mut case = edited(canary(Health::Healthy, Health::Healthy));
        case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(image);
        if image == THIRD {
            case.announce();
        }
        assert_eq!(case.calls()[..2], ["DeleteTags hello-prod-v002", "shift to a"], "{image}");
    }
    // Edited back, after the share has gone and while it is still there.
    for share in [0, 5] {
        let mut again = canary(Health::Healthy, Health::Healthy);
        again.weights(100 - share, share);
        group(&mut again, "hello-prod-v002").owner.canary = None;
        let calls = again.calls();
        assert_eq!(calls.last().unwrap(), "tag hello-prod-v002 canary", "{calls:?}");
    }
    // A person who pins the app to what serves takes the share away, too.
    let mut pinned = canary(Health::Healthy, Health::Healthy);
    let mark = Mark::new(ago(5), "arn:aws:iam::123456789012:user/ada", "").to("v001");
    group(&mut pinned, "hello-prod-v001").owner.marks.pinned = Some(mark);
    assert_eq!(pinned.calls()[..2], ["DeleteTags hello-prod-v002", "shift to a"]);
}

/// Generation 2 took over and was scaled to nothing before it was recorded; this is what is left of generation 1.
fn scaled_to_nothing(old: Health, change: impl FnOnce(&mut Group)) -> Case {
    let empty = |group: &mut Group| {
        (group.min, group.desired) = (0, 0);
        group.instances.clear();
        group.owner.shifted_at = Some(ago(600));
    };
    edited(
        Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, old, |group| {
                long_deployed(group);
                change(group);
            })
            .with_group(2, NEW_IMAGE, Health::Healthy, empty),
    )
}

fn emptied(group: &mut Group) {
    (group.min, group.desired) = (0, 0);
    group.instances.clear();
}

#[test]
fn a_release_that_nobody_can_prove_is_set_aside_for_the_next_one_and_what_was_proved_stays() {
    for (old, is_empty) in [(Health::Healthy, false), (Health::Unhealthy, false), (Health::Healthy, true)] {
        let change = |group: &mut Group| {
            if is_empty {
                emptied(group)
            }
        };
        let case = scaled_to_nothing(old, change);
        assert_eq!(case.calls(), ["shift to a"], "{old:?} {is_empty}");
        let plan = case.plan();
        assert!(plan.reason.contains("v002 has no instances and was never proved"), "{}", plan.reason);
        let set_aside = case.with_front_at(Slot::A);
        assert_eq!(set_aside.calls(), ["DeleteAutoScalingGroup hello-prod-v002"], "{old:?} {is_empty}");
    }
    let mut launched = scaled_to_nothing(Health::Healthy, |_| {}).with_front_at(Slot::A);
    let Read::Known(groups) = &mut launched.observed.groups else { panic!() };
    groups.remove("hello-prod-v002");
    assert_eq!(launched.calls(), ["CreateLaunchTemplate hello-prod-v003", "CreateAutoScalingGroup hello-prod-v003"]);
}

#[test]
fn a_release_that_was_set_aside_is_launched_anew_when_it_is_wanted_again() {
    let mut case = scaled_to_nothing(Health::Healthy, |_| {}).with_front_at(Slot::A);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(NEW_IMAGE);
    assert_eq!(case.calls(), ["DeleteAutoScalingGroup hello-prod-v002"]);
}

#[test]
fn where_nothing_was_ever_proved_the_next_release_does_not_wait_either() {
    let first = |group: &mut Group| {
        emptied(group);
        group.owner.shifted_at = Some(ago(600));
    };
    let alone = Case::new(OLD_IMAGE, json!({})).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, first);
    assert_eq!(
        edited(alone).calls(),
        ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]
    );
    let worker = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}))
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, first);
    assert_eq!(edited(worker).calls(), ["tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn a_warm_generation_that_is_wanted_again_and_does_not_become_whole_has_a_deadline_like_any_other() {
    let case = |lacking: Option<u64>| {
        let mut case = Case::new(OLD_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
                long_deployed(group);
                group.owner.healthy_since = None;
                group.owner.lacking_since = lacking.map(ago);
            })
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(4000));
                group.owner.recorded_at = Some(ago(3500));
            });
        let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::A)) else {
            panic!()
        };
        targets[0].health = Health::Unhealthy;
        case
    };
    assert_eq!(case(None).calls(), ["tag hello-prod-v001 lacking-since"]);
    assert_eq!(case(Some(600)).calls(), Vec::<String>::new());
    assert_eq!(case(Some(600)).plan().waits[0].until, Some(ago(600) + jiff::SignedDuration::from_mins(20)));
    let over = case(Some(1201)).plan();
    assert_eq!(calls(&over), ["tag hello-prod-v001 failed,failed-at"]);
    assert!(over.actions[0].reason.contains("1 of 2 instances healthy after 20m"), "{}", over.actions[0].reason);
    // What was lacking then is forgotten once it is not wanted any more.
    let mut back = case(Some(1201));
    back.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(NEW_IMAGE);
    let patient = json!({"for": "3h"});
    back.desired.apps.values_mut().next().unwrap().spec.retain = serde_json::from_value(patient).unwrap();
    assert_eq!(back.calls(), ["DeleteTags hello-prod-v001"]);
}

#[test]
fn what_cannot_be_told_to_have_been_watched_is_held_in_the_words_of_aws_once_its_time_is_over() {
    use crate::model::given_up::{GivenUp, Why};
    let refused = |mut case: Case| {
        let tags =
            crate::model::action::Tags::from([("amiable:watched".to_owned(), "30 2026-11-02T11:00:00Z".to_owned())]);
        let action = Action::TagGroup { name: "hello-prod-v002".to_owned(), tags, propagate: false };
        let why = Why::Refused("AccessDenied: not authorized".to_owned());
        case.desired.given_up.insert(scope().app, vec![GivenUp { action, why }]);
        case
    };
    let at = |seconds: u64| {
        let mut case = canary(Health::Healthy, Health::Healthy);
        group(&mut case, "hello-prod-v002").owner.canary = Some(CanaryStep { done: 1, at: ago(seconds) });
        refused(case)
    };
    let bake = |seconds: u64| {
        let mut case = baking(Health::Healthy, seconds);
        group(&mut case, "hello-prod-v002").owner.watched = None;
        refused(case)
    };
    for (before, after) in [(at(540), at(660)), (bake(240), bake(360))] {
        let plan = before.plan();
        assert_eq!((calls(&plan), plan.is_over(false)), (vec![], false), "it is guarded until then");
        let plan = after.plan();
        assert_eq!((plan.change, calls(&plan), plan.is_over(false)), (Change::Blocked, vec![], true));
        assert!(plan.reason.contains("(AccessDenied: not authorized); once it takes it"), "{}", plan.reason);
    }
    let sick = refused(baking(Health::Unhealthy, 360));
    assert_eq!(sick.calls()[0], "shift to a");
}
