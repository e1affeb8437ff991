//! How old what a plan rests on may be.

use super::*;
use crate::model::action::NewGroup;
use crate::model::observed::{Alarm, AlarmState};
use crate::plan::freshness::{Since, belied, outdated, touched};

/// What is in a look at the case, all of it read so many seconds ago, and has to be read anew.
fn old(case: &Case, seconds: u64) -> BTreeSet<Fact> {
    after(case, seconds, Some(&plan(&case.desired, &case.observed, now())))
}

fn after(case: &Case, seconds: u64, before: Option<&crate::model::plan::Plan>) -> BTreeSet<Fact> {
    let made = plan(&case.desired, &case.observed, now());
    assert_eq!(made.wants().count(), 0, "{:?}", made.apps[0].wants);
    let since = Since { before, cleanup: false, now: now() };
    let mut read_at = ReadAt::default();
    // Everything that there is has the same age.
    let all = outdated(&made, &case.observed, &read_at, since);
    read_at.read(all, ago(seconds));
    outdated(&made, &case.observed, &read_at, since)
}

fn health(slot: Slot) -> Fact {
    Fact::Detail(Want::TargetHealth(target_group_arn(slot)))
}

fn activities(group: &str) -> Fact {
    Fact::Detail(Want::Activities(group.to_owned()))
}

fn listener() -> Fact {
    Fact::Listener(LISTENER.to_owned())
}

#[test]
fn what_may_go_wrong_in_a_bake_is_read_at_every_look_and_nothing_else() {
    let case = baking(Health::Healthy, 60);
    assert_eq!(case.calls(), [""; 0]);
    assert_eq!(old(&case, 0), BTreeSet::new(), "what was read at this look");
    assert_eq!(old(&case, 5), BTreeSet::from([Fact::Groups, listener(), health(Slot::B)]));
    assert_eq!(old(&case, 59), old(&case, 5));
    let minute = old(&case, 60);
    for fact in Fact::LISTS.into_iter().chain([activities("hello-prod-v002")]) {
        assert!(minute.contains(&fact), "{fact:?}");
    }
}

#[test]
fn alarms_are_read_at_every_look_of_a_bake_and_while_they_hold_up_its_end() {
    for (seconds, state) in [(60, AlarmState::Ok), (900, AlarmState::InsufficientData), (60, AlarmState::Alarm)] {
        let mut case = Case::new(NEW_IMAGE, json!({"verification": {"alarms": ["slow"]}}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(seconds));
                group.owner.watched = watched_all(seconds);
            });
        let alarm = Alarm { state, reason: "Threshold Crossed".to_owned() };
        case.observed.details.alarms.insert("slow".to_owned(), Read::Known(Some(alarm)));
        let old = old(&case, 5);
        let looked_at = Fact::Detail(Want::Alarm("slow".to_owned()));
        assert!(old.contains(&looked_at), "{state:?} after {seconds} s: {old:?}");
    }
}

#[test]
fn scaling_activities_are_read_until_the_group_is_whole_and_when_its_instances_change() {
    let whole = baking(Health::Healthy, 60);
    let mut less = baking(Health::Healthy, 60);
    let Read::Known(groups) = &mut less.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().instances.pop();
    assert!(old(&less, 5).contains(&activities("hello-prod-v002")));
    let groups = |case: &Case| case.observed.groups.clone();
    assert_eq!(belied(&groups(&whole), &groups(&less)), BTreeSet::from([activities("hello-prod-v002")]));
    assert_eq!(belied(&groups(&whole), &groups(&whole)), BTreeSet::new());
}

#[test]
fn a_plan_that_acts_rests_on_what_is_so_now() {
    let sick = baking(Health::Unhealthy, 60);
    assert!(sick.calls().contains(&"shift to a".to_owned()), "{:?}", sick.calls());
    for fact in
        Fact::LISTS.into_iter().chain([listener(), health(Slot::A), health(Slot::B), activities("hello-prod-v002")])
    {
        assert!(old(&sick, 1).contains(&fact), "{fact:?}");
    }
}

#[test]
fn a_note_rests_on_what_every_look_sees() {
    let case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |_| {});
    assert_eq!(case.calls(), ["tag hello-prod-v002 healthy-since"]);
    assert_eq!(old(&case, 5), BTreeSet::from([Fact::Groups, listener(), health(Slot::A), health(Slot::B)]));
}

#[test]
fn the_end_of_a_release_and_the_first_word_of_trouble_rest_on_what_is_so_now() {
    let settled = Case::serving(OLD_IMAGE, json!({}));
    let baked = plan(&baking(Health::Healthy, 60).desired, &baking(Health::Healthy, 60).observed, now());
    assert!(after(&settled, 1, Some(&baked)).contains(&Fact::TargetGroups), "it ends");
    let mut broken = Case::serving(NEW_IMAGE, json!({}));
    broken.observed.images.insert(NEW_IMAGE.to_owned(), Read::Known(None));
    assert_eq!(broken.plan().change, Change::Error);
    assert!(old(&broken, 1).contains(&Fact::Image(NEW_IMAGE.to_owned())), "all of the environment is over");
}

#[test]
fn what_was_never_read_or_was_read_by_a_clock_that_was_set_back_is_read() {
    let case = baking(Health::Healthy, 60);
    let made = plan(&case.desired, &case.observed, now());
    let since = Since { before: Some(&made), cleanup: false, now: now() };
    let mut read_at = ReadAt::default();
    let all = outdated(&made, &case.observed, &read_at, since);
    read_at.read(all.clone(), now() + jiff::SignedDuration::from_secs(90));
    assert_eq!(outdated(&made, &case.observed, &read_at, since), all);
}

#[test]
fn a_call_touches_what_it_changes() {
    let [a, b] = Slot::BOTH.map(target_group_arn);
    let group = "hello-prod-v002".to_owned();
    let tag = Action::TagGroup { name: group.clone(), tags: BTreeMap::new(), propagate: false };
    let shift = Action::Shift {
        at: TrafficPoint::Listener(LISTENER.to_owned()),
        forward: Forward::new(BTreeMap::from([(a.clone(), 0), (b, 100)])),
    };
    let attributes = Action::SetTargetGroupAttributes {
        arn: a.clone(),
        name: "hello-prod-a".to_owned(),
        attributes: Attributes::new(),
    };
    let new = Action::CreateGroup(Box::new(NewGroup {
        name: group.clone(),
        target_group_arns: vec![a.clone()],
        ..new_group()
    }));
    for (action, fact, is) in [
        (&tag, Fact::Groups, true),
        (&tag, Fact::TargetGroups, false),
        (&tag, activities("hello-prod-v001"), false),
        (&shift, listener(), true),
        (&shift, health(Slot::A), true),
        (&shift, Fact::Groups, false),
        (&attributes, Fact::Detail(Want::TargetGroupAttributes(a.clone())), true),
        (&attributes, Fact::Detail(Want::TargetGroupAttributes(target_group_arn(Slot::B))), false),
        (&new, health(Slot::A), true),
        (&new, activities(&group), true),
        (&new, Fact::LaunchTemplates, false),
    ] {
        assert_eq!(touched::is_touched(&fact, action), is, "{action} {fact:?}");
    }
}

fn new_group() -> NewGroup {
    NewGroup {
        name: String::new(),
        min: 1,
        max: 1,
        desired: 1,
        mixed: None,
        subnet_ids: Vec::new(),
        target_group_arns: Vec::new(),
        grace_period: 0,
        instance_warmup: None,
        maintenance: None,
        hooks: Vec::new(),
        tags: BTreeMap::new(),
    }
}
