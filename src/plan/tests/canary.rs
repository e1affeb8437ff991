//! Canaries as tables: the weights and the tag of a generation, and what is done next.

use super::*;
use crate::model::mark::{CanaryStep, Mark};
use crate::plan::intent;

fn strategy() -> Value {
    json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}, {"weight": 50}, {"pause": {}}]}}})
}

/// Generation 2 has this share of the traffic, and so many steps behind it since so many seconds.
fn at(share: u32, step: Option<(usize, u64)>, health: Health, change: impl FnOnce(&mut Group)) -> Case {
    let mut case = Case::serving(NEW_IMAGE, strategy()).with_group(2, NEW_IMAGE, health, |group| {
        group.owner.healthy_since = Some(ago(5000));
        group.created_at = ago(6000);
        group.owner.canary = step.map(|(done, seconds)| CanaryStep { done, at: ago(seconds) });
        group.owner.watched = step.and_then(|(_, seconds)| watched_all(seconds));
        change(group);
    });
    let weights = [(target_group_arn(Slot::A), 100 - share), (target_group_arn(Slot::B), share)];
    let stickiness = (share > 0).then_some(3600);
    let forward = Forward { stickiness, ..Forward::new(weights.into_iter().collect()) };
    let mut listener = case.listener();
    listener.forward = forward;
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener)));
    case
}

fn promoted(to: &str) -> Option<Mark> {
    Some(Mark::new(ago(60), "arn:aws:iam::123456789012:user/ada", "").to(to))
}

fn nothing(_: &mut Group) {}

#[test]
fn each_step_of_a_canary_follows_from_its_weights_and_its_tag() {
    let five = ["shift 5% to b", "tag hello-prod-v002 canary"];
    let fifty = ["tag hello-prod-v002 canary", "shift 50% to b"];
    let to_all = ["shift to b", "tag hello-prod-v002 shifted-at"];
    let promote = |to: &'static str| move |group: &mut Group| group.owner.marks.promoted = promoted(to);
    type Change = Box<dyn FnOnce(&mut Group)>;
    /// What it is about; the share, the steps behind it and since when; marks; the calls.
    type Row<'a> = (&'a str, u32, Option<(usize, u64)>, Change, Vec<&'a str>);
    let cases: Vec<Row<'_>> = vec![
        ("healthy, and no traffic yet", 0, None, Box::new(nothing), five.to_vec()),
        ("shifted, and crashed before the tag", 5, None, Box::new(nothing), vec!["tag hello-prod-v002 canary"]),
        ("in its pause", 5, Some((1, 599)), Box::new(nothing), vec![]),
        ("after its pause", 5, Some((1, 600)), Box::new(nothing), fifty.to_vec()),
        ("promoted in its pause", 5, Some((1, 1)), Box::new(promote("2")), fifty.to_vec()),
        ("promoted once, and in the next pause", 50, Some((3, 9999)), Box::new(promote("2")), vec![]),
        ("waits for a person, however long", 50, Some((3, 99_999)), Box::new(nothing), vec![]),
        ("promoted out of the last pause", 50, Some((3, 9999)), Box::new(promote("4")), to_all.to_vec()),
        ("promoted to the end", 5, Some((1, 1)), Box::new(promote("full")), to_all.to_vec()),
        ("weights that somebody changed", 30, Some((1, 1)), Box::new(nothing), vec!["shift 5% to b"]),
        ("its share was taken away", 0, Some((1, 61)), Box::new(nothing), vec!["tag hello-prod-v002 failed,failed-at"]),
        ("promoted by a word that means nothing", 5, Some((1, 1)), Box::new(promote("soon")), vec![]),
    ];
    for (name, share, step, change, expected) in cases {
        let found = at(share, step, Health::Healthy, change).calls();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_sick_canary_gives_its_share_back_and_is_marked() {
    let case = at(5, Some((1, 60)), Health::Unhealthy, nothing);
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    let plan = case.plan();
    let Action::Shift { forward, .. } = &plan.actions[0].action else { panic!() };
    assert_eq!(forward.stickiness, None);
}

#[test]
fn what_serves_beside_a_canary_is_the_one_that_took_over_before_even_when_it_has_less() {
    let case = at(50, Some((3, 60)), Health::Healthy, nothing);
    assert_eq!((case.plan().from, case.plan().to), (Some(Generation(1)), Some(Generation(2))));
}

#[test]
fn a_canary_whose_health_is_unknown_neither_advances_nor_fails() {
    let mut case = at(5, Some((1, 9999)), Health::Healthy, nothing);
    case.observed.details.target_health.insert(target_group_arn(Slot::B), Read::Unknown("Throttling".to_owned()));
    let plan = case.plan();
    assert!(plan.actions.is_empty(), "{:?}", plan.actions);
    assert!(plan.waits.iter().any(|wait| wait.what.contains("Throttling")), "{:?}", plan.waits);
}

#[test]
fn a_canary_that_is_not_whole_holds_its_step_and_fails_only_when_that_lasts() {
    let short = |group: &mut Group| {
        group.instances.pop();
    };
    for since in [700, 600 + 20 * 60] {
        let held = at(5, Some((1, since)), Health::Healthy, short);
        assert_eq!(held.calls(), ["tag hello-prod-v002 lacking-since"], "nobody may have looked for long");
        let waits = held.plan().waits;
        assert!(waits[0].what.contains("whole again"), "{waits:?}");
    }
    let lacking = |seconds: u64| {
        move |group: &mut Group| {
            group.owner.lacking_since = Some(ago(seconds));
            group.instances.pop();
        }
    };
    assert!(at(5, Some((1, 9999)), Health::Healthy, lacking(20 * 60 - 1)).calls().is_empty());
    let overdue = at(5, Some((1, 9999)), Health::Healthy, lacking(20 * 60));
    assert_eq!(overdue.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    let whole = at(5, Some((1, 1)), Health::Healthy, |group| group.owner.lacking_since = Some(ago(60)));
    assert_eq!(whole.calls(), ["DeleteTags hello-prod-v002"]);
}

#[test]
fn a_pause_by_a_person_holds_a_canary_but_not_its_way_back() {
    let paused = |group: &mut Group| group.owner.marks.paused = promoted("x");
    let plan = at(5, Some((1, 9999)), Health::Healthy, paused).plan();
    assert_eq!((plan.actions.len(), plan.waits[0].what.contains("amiable resume hello")), (0, true), "{plan:?}");
    assert_eq!(at(5, Some((1, 1)), Health::Unhealthy, paused).calls()[0], "shift to a");
}

#[test]
fn what_can_be_promoted_depends_on_where_the_canary_is() {
    let promote = |case: &Case, full| intent::promote(&case.about(None), full).map(|intent| intent.decision.to);
    assert_eq!(promote(&at(5, Some((1, 1)), Health::Healthy, nothing), false), Ok(Some("2".to_owned())));
    assert_eq!(promote(&at(50, Some((3, 1)), Health::Healthy, nothing), false), Ok(Some("4".to_owned())));
    assert_eq!(promote(&at(0, None, Health::Healthy, nothing), true), Ok(Some("full".to_owned())));
    for (case, words) in [
        (at(0, None, Health::Initial, nothing), "is in no pause"),
        (Case::serving(OLD_IMAGE, strategy()), "no release is under way"),
        (Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, nothing), "is no canary"),
    ] {
        let refusal = promote(&case, false).unwrap_err();
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn where_nothing_runs_to_be_compared_with_all_traffic_moves_at_once() {
    let mut case = at(0, None, Health::Healthy, nothing);
    if let Read::Known(groups) = &mut case.observed.groups {
        let old = groups.get_mut("hello-prod-v001").unwrap();
        (old.desired, old.min) = (0, 0);
        old.instances.clear();
    }
    case.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(Vec::new()));
    assert_eq!(case.calls(), ["shift to b", "tag hello-prod-v002 shifted-at"]);
}
