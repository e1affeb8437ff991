//! What AWS refuses to tell: to wait for it does not help, so that it is said at once, with what a person has to allow.

use super::*;

const WORDS: &str = "autoscaling:DescribeScalingActivities hello-prod-v001: AccessDenied: not today; the caller's IAM policies \
                     must allow the action `autoscaling:DescribeScalingActivities`";

fn unread<T>() -> Read<T> {
    Read::Unknown(refused(WORDS))
}

#[test]
fn no_release_begins_whose_watch_cannot_be_done() {
    let activities: fn(&mut Case) = |case| {
        case.observed.details.activities.insert("hello-prod-v001".to_owned(), unread());
    };
    let health: fn(&mut Case) = |case| {
        case.observed.details.target_health.insert(target_group_arn(Slot::A), unread());
    };
    let tags: fn(&mut Case) = |case| {
        case.observed.details.tags.insert(target_group_arn(Slot::B), unread());
    };
    for (name, refuse) in [("activities", activities), ("health", health), ("tags", tags)] {
        let mut case = Case::serving(NEW_IMAGE, json!({}));
        refuse(&mut case);
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0), "{name}: {:?}", plan.actions);
        assert!(plan.reason.contains("must allow the action"), "{name}: {}", plan.reason);
        assert!(plan.is_over(false), "{name}: {:?}", plan.waits);
    }
    // What is only not known for now is waited for.
    let mut throttled = Case::serving(NEW_IMAGE, json!({}));
    let health = Read::Unknown("Throttling: Rate exceeded".to_owned());
    throttled.observed.details.target_health.insert(target_group_arn(Slot::A), health);
    assert!(!throttled.plan().is_over(false));
}

#[test]
fn a_candidate_whose_health_or_activities_are_refused_gets_no_traffic_and_nobody_waits() {
    let ready = || {
        Case::serving(NEW_IMAGE, json!({}))
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| group.owner.healthy_since = Some(ago(500)))
    };
    assert!(ready().calls().contains(&"shift to b".to_owned()));
    let mut health = ready();
    health.observed.details.target_health.insert(target_group_arn(Slot::B), unread());
    let mut activities = ready();
    activities.observed.details.activities.insert("hello-prod-v002".to_owned(), unread());
    for (name, case) in [("health", health), ("activities", activities)] {
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0), "{name}: {:?}", plan.actions);
        assert!(plan.is_over(false) && plan.reason.contains("must allow"), "{name}: {plan:?}");
    }
}

#[test]
fn what_has_traffic_is_judged_by_what_can_be_read_and_held_when_its_time_is_over() {
    let refused = |health, shifted| {
        let mut case = baking(health, shifted);
        case.observed.details.activities.insert("hello-prod-v002".to_owned(), unread());
        case
    };
    assert_eq!(refused(Health::Unhealthy, 60).calls()[0], "shift to a", "its targets are enough");
    let watched = refused(Health::Healthy, 60).plan();
    assert!(watched.actions.is_empty() && !watched.is_over(false), "{:?}", watched.waits);
    assert!(watched.notes.iter().any(|note| note.contains("must allow")), "{:?}", watched.notes);
    let held = refused(Health::Healthy, 400).plan();
    assert_eq!((held.change, held.actions.len(), held.is_over(false)), (Change::Blocked, 0, true), "{held:?}");
    assert!(held.reason.contains("must allow"), "{}", held.reason);
}

#[test]
fn what_is_refused_of_a_whole_look_is_an_error_at_once() {
    let mut case = Case::serving(NEW_IMAGE, json!({}));
    case.observed.target_groups = unread();
    let plan = case.plan();
    assert_eq!((plan.change, plan.is_over(true)), (Change::Error, true), "{:?}", plan.waits);
    case.observed.target_groups = Read::Unknown("Throttling: Rate exceeded".to_owned());
    assert!(!case.plan().is_over(true));
}
