//! Load balancers with several listeners: all of them take part in every shift.

use super::*;
use crate::model::action::Expect;

const SECOND: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/hello-prod/1/2";

fn both() -> Value {
    json!({"loadBalancer": {"listeners": [{"port": 80}, {"port": 8080}]}})
}

/// A second listener on port 8080, with the traffic of `live`; the generations know it.
fn second_listener(case: &mut Case, live: Slot) {
    let mut listener = case.observed.listeners[LISTENER].known().unwrap().clone().unwrap();
    SECOND.clone_into(&mut listener.arn);
    listener.port = 8080;
    let weight = |slot: Slot| (target_group_arn(slot), if slot == live { 100 } else { 0 });
    listener.forward = Forward::new(Slot::BOTH.map(weight).into_iter().collect());
    case.observed.listeners.insert(SECOND.to_owned(), Read::Known(Some(listener.clone())));
    if let Some(Read::Known(listeners)) = case.observed.details.listeners_of.get_mut(BALANCER) {
        listeners.push(listener);
    }
    if let Read::Known(groups) = &mut case.observed.groups {
        for group in groups.values_mut() {
            group.owner.listeners = vec![LISTENER.to_owned(), SECOND.to_owned()];
        }
    }
}

fn ready() -> Case {
    Case::serving(NEW_IMAGE, both()).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
        group.owner.healthy_since = Some(ago(600));
    })
}

fn shifted_listeners(case: &Case) -> Vec<String> {
    let plan = case.plan();
    assert_ne!(plan.change, Change::Error, "{}", plan.reason);
    let shifts = plan.actions.iter().filter_map(|planned| match &planned.action {
        Action::Shift { at, forward } => {
            assert_eq!(forward.weight(&target_group_arn(Slot::B)), 100);
            assert!(planned.expects.iter().any(|expect| matches!(expect, Expect::Healthy { .. })));
            Some(at.arn().to_owned())
        }
        _ => None,
    });
    shifts.collect()
}

#[test]
fn all_listeners_shift_in_one_plan_and_each_makes_sure_of_health() {
    let mut case = ready();
    second_listener(&mut case, Slot::A);
    assert_eq!(shifted_listeners(&case), [LISTENER, SECOND]);
}

#[test]
fn a_shift_that_was_cut_short_goes_on_where_it_ended() {
    let mut case = ready();
    second_listener(&mut case, Slot::B);
    assert_eq!(shifted_listeners(&case), [LISTENER]);
}

#[test]
fn a_group_is_emptied_only_when_no_listener_sends_it_anything() {
    let mut case = Case::new(NEW_IMAGE, both())
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(4000));
            group.owner.recorded_at = Some(ago(3700));
        });
    second_listener(&mut case, Slot::B);
    let plan = case.plan();
    assert_eq!(calls(&plan), ["empty hello-prod-v001"]);
    let idle = |arn: &str| Expect::Weight {
        at: TrafficPoint::Listener(arn.to_owned()),
        target_group_arn: target_group_arn(Slot::A),
        serving: false,
    };
    assert!([LISTENER, SECOND].iter().all(|arn| plan.actions[0].expects.contains(&idle(arn))));
}

#[test]
fn different_weights_in_one_plan_are_a_bug_and_stop_the_app() {
    let mut case = ready();
    second_listener(&mut case, Slot::A);
    let mut whole = plan(&case.desired, &case.observed, now());
    if let Action::Shift { forward, .. } = &mut whole.apps[0].actions[1].action {
        forward.weights.insert(target_group_arn(Slot::B), 50);
    }
    let broken = &super::super::check::check(whole).apps[0];
    assert_eq!((broken.change, broken.actions.len()), (Change::Error, 0));
    assert!(broken.reason.contains("2 disruptive calls"), "{}", broken.reason);
}
