//! What is sick and what only boots, how many sick instances a release bears, and what of its time counts as watched.

use super::*;

const V2: &str = "hello-prod-v002";
const SICK: &str = "At 2026-11-02T11:59:40Z an instance was taken out of service in response to an ELB system health check \
                    failure.";
const BACK: [&str; 2] = ["shift to a", "tag hello-prod-v002 failed,failed-at"];
const RECORD: [&str; 2] = ["PutParameter deployed", "tag hello-prod-v002 recorded-at"];

fn activity(started: u64, status: &str, message: &str, cause: &str) -> Activity {
    let ended_at = (status == "Successful").then(|| ago(started.saturating_sub(10)));
    Activity {
        started_at: ago(started),
        ended_at,
        status: status.to_owned(),
        description: message.to_owned(),
        message: message.to_owned(),
        cause: cause.to_owned(),
        subnet: None,
    }
}

fn did(case: &mut Case, activities: Vec<Activity>) {
    case.observed.details.activities.insert(V2.to_owned(), Read::Known(activities));
}

/// The health of one target of generation 2.
fn target(case: &mut Case, id: &str, health: Health) {
    let targets = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)).unwrap();
    let Read::Known(targets) = targets else { panic!() };
    targets.iter_mut().find(|target| target.id == id).unwrap().health = health;
}

/// Generation 2 took over so many seconds ago and bakes for 5 minutes, with this many instances.
fn baking_with(size: u32, spec: Value, shifted: u64, change: impl FnOnce(&mut Group)) -> Case {
    let patch = json!({"instances": {"min": size, "max": size}, "verification": spec});
    let grown = |number: u32, group: &mut Group| {
        (group.min, group.max, group.desired) = (size, size, size);
        let instance = |index: u32| Instance { id: format!("i-{number}-{index}"), ..group.instances[0].clone() };
        group.instances = (1..=size).map(instance).collect();
    };
    Case::new(NEW_IMAGE, patch)
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.shifted_at = Some(ago(200_000));
            grown(1, group);
        })
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            grown(2, group);
            group.created_at = ago(shifted + 100);
            group.owner.healthy_since = Some(ago(shifted + 40));
            group.owner.shifted_at = Some(ago(shifted));
            change(group);
        })
}

fn watched(seconds: u64, before: u64) -> impl Fn(&mut Group) {
    move |group| group.owner.watched = Some(Watched { seconds, at: ago(before) })
}

#[test]
fn what_was_replaced_for_its_health_since_the_takeover_fails_a_bake_that_is_whole_at_the_moment() {
    for (started, expected) in [(30, &BACK[..]), (599, &BACK), (601, &RECORD)] {
        let mut case = baking_with(2, json!({}), 600, watched(290, 10));
        did(&mut case, vec![activity(started, "Successful", "Terminating EC2 instance: i-9", SICK)]);
        assert_eq!(case.calls(), expected, "{started} s ago");
    }
}

#[test]
fn what_was_replaced_for_its_health_since_its_first_share_fails_a_canary_that_is_whole_at_the_moment() {
    let steps = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}, {"weight": 50}]}}});
    // All were healthy eleven minutes ago, its share was given ten minutes ago, and its pause is over.
    for (started, expected) in [(30, &BACK[..]), (599, &BACK), (659, &BACK), (661, &["tag hello-prod-v002 canary"])] {
        let mut case = Case::serving(NEW_IMAGE, steps.clone()).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(660));
            group.created_at = ago(800);
            group.owner.canary = Some(crate::model::mark::CanaryStep { done: 1, at: ago(600) });
            watched(590, 10)(group);
        });
        case.weights(95, 5);
        let listener = case.listener();
        let forward = Forward { stickiness: Some(3600), ..listener.forward.clone() };
        case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(Listener { forward, ..listener })));
        did(&mut case, vec![activity(started, "Successful", "Terminating EC2 instance: i-9", SICK)]);
        let calls = case.calls();
        assert_eq!(calls[..expected.len().min(calls.len())], *expected, "{started} s ago");
    }
}

#[test]
fn a_reason_says_what_is_sick_now_and_how_many_were_replaced() {
    let mut case = baking_with(2, json!({}), 600, watched(290, 10));
    target(&mut case, "i-2-1", Health::Unhealthy);
    let gone = |started| activity(started, "Successful", "Terminating EC2 instance: i-9", SICK);
    did(&mut case, (1..=8).map(|index| gone(index * 60)).collect());
    let plan = case.plan();
    let reason = &plan.actions[1].reason;
    assert!(reason.contains("unhealthy under traffic: i-2-1; 8 instances taken out of service in response to an ELB system health check failure"), "{reason}");
}

#[test]
fn an_instance_that_boots_under_traffic_is_waited_for_until_its_grace_period_is_over() {
    // The grace period is two minutes, and begins when the instance is in service.
    for (started, status, expected) in [
        (60, "Successful", &[][..]),
        (129, "Successful", &[]),
        (131, "Successful", &BACK),
        (500, "InProgress", &[]),
        (500, "Successful", &BACK),
    ] {
        let mut case = baking_with(3, json!({}), 200, watched(180, 10));
        target(&mut case, "i-2-3", Health::Unhealthy);
        let launch = "Launching a new EC2 instance: i-2-3";
        // What was launched before all were healthy was healthy then.
        let started = if started == 500 && status == "InProgress" { 150 } else { started };
        did(&mut case, vec![activity(started, status, launch, "a difference between desired and actual capacity")]);
        assert_eq!(case.calls(), expected, "launched {started} s ago, {status}");
    }
    let mut case = baking_with(3, json!({}), 200, watched(180, 10));
    target(&mut case, "i-2-3", Health::Unhealthy);
    assert_eq!(case.calls(), BACK, "it was there when all were healthy");
}

#[test]
fn an_instance_that_leaves_is_told_of_by_its_group_alone() {
    let leaving = |group: &mut Group| group.instances[0].lifecycle = "Terminating".to_owned();
    let mut case = baking_with(2, json!({}), 200, leaving);
    target(&mut case, "i-2-1", Health::Unhealthy);
    let by_hand = "an instance was taken out of service in response to a user request.";
    did(&mut case, vec![activity(5, "InProgress", "Terminating EC2 instance: i-2-1", by_hand)]);
    assert!(!case.calls().contains(&"shift to a".to_owned()), "{:?}", case.calls());
}

#[test]
fn targets_are_judged_even_where_activities_cannot_be_read() {
    let mut case = baking_with(2, json!({}), 600, watched(290, 10));
    let refused = Read::Unknown("AccessDenied".to_owned());
    case.observed.details.activities.insert(V2.to_owned(), refused);
    assert_eq!(case.calls(), Vec::<String>::new(), "what happened since is not known");
    target(&mut case, "i-2-1", Health::Unhealthy);
    assert_eq!(case.calls(), BACK);
}

#[test]
fn so_many_sick_instances_are_borne_as_the_manifest_says() {
    let replaced = |count: u32| {
        let one = activity(60, "Successful", "Terminating EC2 instance: i-9", SICK);
        vec![one; count as usize]
    };
    for (size, spec, sick, gone, fails) in [
        (9, json!({}), 1, 0, true),
        (10, json!({}), 1, 0, false),
        (10, json!({}), 1, 1, true),
        (100, json!({}), 1, 1, false),
        (100, json!({}), 3, 0, true),
        (100, json!({"tolerate": 0}), 1, 0, true),
        (2, json!({"tolerate": 1}), 1, 0, false),
        (50, json!({"tolerate": "10%"}), 2, 3, false),
        (50, json!({"tolerate": "10%"}), 2, 4, true),
    ] {
        let mut case = baking_with(size, spec.clone(), 200, watched(180, 10));
        for index in 1..=sick {
            target(&mut case, &format!("i-2-{index}"), Health::Unhealthy);
        }
        did(&mut case, replaced(gone));
        let plan = case.plan();
        assert_eq!(!calls(&plan).is_empty(), fails, "{size} {spec} {sick} {gone}: {:?}", plan.actions);
        assert_eq!(plan.notes.iter().any(|note| note.contains("`verification.tolerate` allows")), !fails);
    }
}

#[test]
fn a_stability_window_in_which_an_instance_was_replaced_for_its_health_begins_anew() {
    for (replaced, expected) in
        [(10, &["tag hello-prod-v002 healthy-since"][..]), (70, &["shift to b", "tag hello-prod-v002 shifted-at"])]
    {
        let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(60));
        });
        did(&mut case, vec![activity(replaced, "Successful", "Terminating EC2 instance: i-9", SICK)]);
        assert_eq!(case.calls(), expected, "replaced {replaced} s ago");
    }
}

#[test]
fn only_time_between_looks_that_saw_it_well_counts_as_watched() {
    let note = ["tag hello-prod-v002 watched"];
    // A bake of 5 minutes: a gap of more than 75 seconds counts for 75, and what counts is noted when half of that has passed.
    for (shifted, noted, expected, left) in [
        (30, None, &[][..], Some(270)),
        (37, None, &[], Some(263)),
        (38, None, &note, Some(262)),
        (75, None, &note, Some(225)),
        // Nobody has looked for ten minutes, or for a day.
        (600, None, &note, Some(225)),
        (90_000, None, &note, Some(225)),
        (90_000, Some((225, 10)), &[], Some(65)),
        (90_000, Some((225, 74)), &[], Some(1)),
        (90_000, Some((225, 75)), &RECORD, None),
        (90_000, Some((200, 600)), &note, Some(25)),
        // What was noted before it took over says nothing.
        (30, Some((299, 31)), &[], Some(270)),
    ] {
        let case = baking_with(2, json!({}), shifted, |group| {
            if let Some((seconds, before)) = noted {
                watched(seconds, before)(group);
            }
        });
        let plan = case.plan();
        assert_eq!(calls(&plan), expected, "{shifted} {noted:?}");
        let until = plan.waits.iter().find(|wait| wait.what.contains("watched under traffic")).map(|wait| wait.until);
        let end = left.map(|left| Some(Span::seconds(left).after(now())));
        assert_eq!(until, end, "{shifted} {noted:?}");
    }
}

#[test]
fn what_is_noted_never_ends_a_bake_sooner_than_its_whole_time() {
    // Looks at any pace: what counts is never more than the time that has passed, and a steady watch loses nothing.
    for pace in [1, 5, 7, 18, 30, 37] {
        let (mut shifted, mut noted, mut calls) = (0, None::<Watched>, 0);
        let begun = now();
        loop {
            shifted += pace;
            let look = Span::seconds(shifted).after(begun);
            let mut case = baking_with(2, json!({}), 60, |group| {
                group.owner.shifted_at = Some(begun);
                group.owner.watched = noted;
            });
            case.observed.at = look;
            let plan = plan(&case.desired, &case.observed, look).apps.remove(0);
            if plan.actions.iter().any(|planned| matches!(planned.action, Action::PutDeployedRecord { .. })) {
                break;
            }
            for planned in &plan.actions {
                let Action::TagGroup { tags, .. } = &planned.action else { panic!("{planned:?}") };
                noted = tags.get(crate::model::tags::keys::WATCHED).map(|text| text.parse().unwrap());
                calls += 1;
            }
        }
        assert!((300..300 + pace).contains(&shifted), "looks every {pace} s: recorded after {shifted} s");
        assert!(calls <= 7, "looks every {pace} s: {calls} notes");
    }
}

#[test]
fn a_pause_of_a_canary_that_nobody_watched_goes_on() {
    let steps = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}, {"weight": 50}]}}});
    for (watched, expected) in [
        (None, "tag hello-prod-v002 watched"),
        (Some((449, 149)), "tag hello-prod-v002 watched"),
        (Some((460, 74)), ""),
        (Some((450, 150)), "tag hello-prod-v002 canary"),
    ] {
        let mut case = Case::serving(NEW_IMAGE, steps.clone()).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(1000));
            group.created_at = ago(1100);
            group.owner.canary = Some("1 2026-11-02T11:45:00Z".parse().unwrap());
            group.owner.watched = watched.map(|(seconds, before)| Watched { seconds, at: ago(before) });
        });
        let listener = case.listener();
        let weights = BTreeMap::from([(target_group_arn(Slot::A), 95), (target_group_arn(Slot::B), 5)]);
        let forward = Forward { stickiness: Some(3600), ..Forward::new(weights) };
        let listener = Listener { forward, ..listener };
        case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener)));
        let calls = case.calls();
        assert_eq!(calls.first().map_or("", String::as_str), expected, "{watched:?}");
    }
}

#[test]
fn weights_that_contradict_a_mark_of_less_than_a_minute_are_looked_at_again() {
    let share = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}]}}});
    let taken_over = |seconds: u64| move |group: &mut Group| group.owner.shifted_at = Some(ago(seconds));
    let given_a_share = |seconds: u64| {
        move |group: &mut Group| {
            group.owner.canary = Some(crate::model::mark::CanaryStep { done: 1, at: ago(seconds) });
        }
    };
    type Change = Box<dyn FnOnce(&mut Group)>;
    let failed = vec!["tag hello-prod-v002 failed,failed-at"];
    let rows: [(Value, Change, Vec<&str>); 6] = [
        (json!({}), Box::new(taken_over(0)), vec![]),
        (json!({}), Box::new(taken_over(59)), vec![]),
        (json!({}), Box::new(taken_over(60)), failed.clone()),
        (share.clone(), Box::new(given_a_share(1)), vec![]),
        (share.clone(), Box::new(given_a_share(59)), vec![]),
        (share, Box::new(given_a_share(61)), failed),
    ];
    for (index, (patch, change, expected)) in rows.into_iter().enumerate() {
        let case = Case::serving(NEW_IMAGE, patch).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(100));
            change(group);
        });
        let plan = case.plan();
        assert_eq!(calls(&plan), expected, "{index}");
        assert_eq!(plan.waits.iter().any(|wait| wait.what.contains("show the weights of v002")), expected.is_empty());
    }
}
