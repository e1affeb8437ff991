//! What AWS refuses to tell: to wait for it does not help, so that it is said at once, with what a person has to allow.

use super::*;
use crate::model::action::Expect;
use crate::plan::intent::{self, About, Intent};

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
fn no_first_release_is_launched_whose_watch_cannot_be_done() {
    let first = || Case::new(NEW_IMAGE, json!({})).with_front(Slot::A);
    let launches = ["CreateLaunchTemplate hello-prod-v001", "CreateAutoScalingGroup hello-prod-v001"];
    assert_eq!(first().calls(), launches, "that there is no such group is no refusal");
    let mut activities = first();
    activities.observed.details.activities.insert("hello-prod-v001".to_owned(), unread());
    let mut health = first();
    health.observed.details.target_health.insert(target_group_arn(Slot::A), unread());
    for (name, case) in [("activities", activities), ("health", health)] {
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0), "{name}: {:?}", plan.actions);
        assert!(plan.reason.contains("must allow the action") && plan.is_over(false), "{name}: {plan:?}");
    }
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

/// The same cause as a read that only failed, which may succeed at the next look.
fn throttled<T>() -> Read<T> {
    Read::Unknown("Throttling: Rate exceeded".to_owned())
}

/// Generation 2 has all traffic and was turned down, or failed, so many seconds ago; how generation 1 does cannot be read.
fn blind(reason: &str, seconds: u64, health: Read<Vec<Target>>) -> Case {
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(300));
            group.owner.failed = Some(Failure { at: ago(seconds), reason: reason.to_owned() });
        });
    case.observed.details.target_health.insert(target_group_arn(Slot::A), health);
    case
}

#[test]
fn a_persons_command_moves_the_traffic_to_what_stands_warm_though_its_health_cannot_be_read() {
    for reason in ["aborted by ada: wrong branch", "rolled back by ada", "rolled back to v001 by ada"] {
        let plan = blind(reason, 1, unread()).plan();
        assert_eq!(calls(&plan), ["shift to a"], "{reason}");
        let in_service = Expect::InService { group: "hello-prod-v001".to_owned(), at_least: 1 };
        assert!(plan.actions[0].expects.contains(&in_service), "{:?}", plan.actions[0].expects);
        let said = plan.notes.iter().find(|note| note.starts_with("the health of v001 cannot be read"));
        let said = said.unwrap_or_else(|| panic!("{:?}", plan.notes));
        assert!(said.contains("2 of 2 instances in service") && said.contains(WORDS), "{said}");
    }
    // A share of the traffic goes back in the same way.
    let mut share = blind("aborted by ada", 1, unread());
    share.weights(80, 20);
    assert_eq!(share.calls(), ["shift to a"]);
    // What only failed to be read may be readable at the next look, and is not waited for longer than a minute.
    assert!(blind("aborted by ada", 30, throttled()).plan().actions.is_empty());
    assert_eq!(blind("aborted by ada", 61, throttled()).calls(), ["shift to a"]);
    // Where nothing is in service, nobody could answer.
    let mut down = blind("aborted by ada", 1, unread());
    let Read::Known(groups) = &mut down.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v001").unwrap().instances.iter_mut().for_each(|instance| instance.healthy = false);
    let plan = down.plan();
    assert!(!plan.actions.iter().any(|planned| matches!(planned.action, Action::Shift { .. })), "{:?}", plan.actions);
    let why = "v002 goes on serving, because no instance of v001 is in service, and its health cannot be read (";
    assert!(plan.reason.contains(why), "{}", plan.reason);
}

/// What a person says to take the traffic from what has it.
const BRAKES: [fn(&About<'_>) -> Result<Intent, String>; 2] =
    [intent::abort, |about| intent::rollback(about, None, &[])];

#[test]
fn what_failed_by_itself_beside_health_that_cannot_be_read_keeps_its_traffic_until_a_person_says_otherwise() {
    let case = blind("alarm checkout-5xx is in alarm", 30, unread());
    let plan = case.plan();
    assert!(!plan.actions.iter().any(|planned| matches!(planned.action, Action::Shift { .. })), "{:?}", plan.actions);
    for words in ["the health of v001 cannot be read", "only `amiable rollback hello` gives it the traffic"] {
        assert!(plan.reason.contains(words), "{}", plan.reason);
    }
    for say in BRAKES {
        let intent = say(&case.about(Some("now"))).unwrap();
        assert_eq!((intent.generation, intent.serves, intent.actions.len()), (Generation(2), Some(Generation(1)), 1));
        let said = Case { desired: case.desired.clone(), observed: intent.foreseen(&case.observed) };
        assert_eq!(said.calls(), ["shift to a"]);
    }
    // A canary that was left with its share gives that back, and not the generation that serves.
    let mut share = blind("alarm checkout-5xx is in alarm", 30, unread());
    share.weights(80, 20);
    for say in BRAKES {
        let intent = say(&share.about(None)).unwrap();
        assert_eq!((intent.generation, intent.serves), (Generation(2), Some(Generation(1))));
    }
}
