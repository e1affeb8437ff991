//! What has traffic is watched, whatever else fails: with a manifest that contradicts what there is, with none, and before any
//! tag says that it has taken over.

use super::*;
use crate::model::given_up::{GivenUp, Why};
use crate::model::mark::CanaryStep;
use crate::model::plan::Exposed;
use crate::plan::intent;

/// What gives the traffic back from slot b to slot a and marks generation 2.
const BACK: [&str; 2] = ["shift to a", "tag hello-prod-v002 failed,failed-at"];

type Spoil = fn(&mut Case);

fn spec(case: &mut Case, patch: Value) {
    let app = case.desired.apps.get_mut(&scope().app).unwrap();
    let mut spec = serde_json::to_value(&app.spec).unwrap();
    if patch.get("loadBalancer").is_some() {
        spec["loadBalancer"] = Value::Null;
    }
    merge(&mut spec, patch);
    app.spec = serde_json::from_value(spec).unwrap();
}

/// All that may be wrong with an app or with what stands around it while its new generation is watched.
fn troubles() -> Vec<(&'static str, Spoil)> {
    vec![
        ("its manifest has errors", |case| {
            let apps = std::mem::take(&mut case.desired.apps);
            case.desired.left_out = LeftOut { apps: apps.into_keys().collect(), unseen: false };
        }),
        ("a manifest that cannot be read may be its own", |case| {
            case.desired.apps.clear();
            case.desired.left_out.unseen = true;
        }),
        ("it was taken out of the environment", |case| case.desired.apps.clear()),
        ("another scheme", |case| spec(case, json!({"loadBalancer": {"scheme": "internet-facing"}}))),
        ("another port", |case| spec(case, json!({"healthCheck": {"port": 8080}}))),
        ("no load balancer any more", |case| spec(case, json!({"loadBalancer": "none"}))),
        ("a shared listener that the environment does not list", |case| {
            spec(case, json!({"loadBalancer": {"listener": "web", "hosts": ["hello.example.com"]}}));
        }),
        ("a name outside the zone", |case| spec(case, json!({"dns": {"name": "hello.example.org"}}))),
        ("a name that somebody else has", |case| {
            spec(case, json!({"dns": {"name": "hello.internal.example.com"}}));
            let record = DnsRecord {
                name: "hello.internal.example.com".to_owned(),
                kind: "A".to_owned(),
                alias: None,
                values: vec!["192.0.2.1".to_owned()],
                ttl: Some(60),
                set_identifier: None,
            };
            if let Some(Read::Known(zone)) = &mut case.observed.zone {
                zone.records.push(record);
            }
        }),
        ("an image that does not exist", |case| spec(case, json!({"image": {"id": NO_IMAGE}}))),
        ("a group of its own that cannot be understood", |case| {
            case.observed.problems.push(Problem {
                what: "Auto Scaling group hello-prod-v000".to_owned(),
                name: "hello-prod-v000".to_owned(),
                app: None,
                why: "a tag is missing".to_owned(),
            });
        }),
        ("launch templates that cannot be read", |case| {
            case.observed.launch_templates = Read::Unknown("AccessDenied".to_owned());
        }),
        ("images that cannot be read", |case| {
            for image in case.observed.images.values_mut() {
                *image = Read::Unknown("AccessDenied".to_owned());
            }
        }),
        ("a zone that cannot be read", |case| {
            spec(case, json!({"dns": {"name": "hello.internal.example.com"}}));
            case.observed.zone = Some(Read::Unknown("AccessDenied".to_owned()));
        }),
        ("a pause", |case| {
            let mark = crate::model::mark::Mark::new(ago(10), "arn:aws:iam::123456789012:user/ada", "");
            change(case, 2, |group| group.owner.marks.paused = Some(mark));
        }),
    ]
}

fn change(case: &mut Case, number: u32, change: impl FnOnce(&mut Group)) {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    change(groups.get_mut(&scope().generation_name(Generation(number))).unwrap());
}

#[test]
fn what_is_sick_under_traffic_gives_it_back_whatever_else_is_wrong() {
    for (what, spoil) in troubles() {
        let mut case = baking(Health::Unhealthy, 60);
        spoil(&mut case);
        assert_eq!(case.calls(), BACK, "{what}");
        let plan = case.plan();
        assert!(plan.gives_back(), "{what}");
        assert!(plan.reason.starts_with("v002 failed: unhealthy under traffic"), "{what}: {}", plan.reason);
        assert_eq!((plan.from, plan.to), (Some(Generation(2)), Some(Generation(1))), "{what}");
    }
}

#[test]
fn what_is_well_under_traffic_keeps_it_and_is_looked_at_again() {
    for (what, spoil) in troubles() {
        let mut case = baking(Health::Healthy, 60);
        spoil(&mut case);
        let plan = case.plan();
        let others = |call: &&String| *call != "tag hello-prod-v002 applied";
        assert_eq!(calls(&plan).iter().find(others), None, "{what}");
        assert!(plan.is_watched(now()), "{what}");
        assert!(!plan.is_over(false) && plan.wake_at.is_some(), "{what}: {:?}", plan.waits);
        let until = plan.exposed.clone().unwrap().until;
        assert_eq!(until, Some(Span::minutes(5).after(ago(60))), "{what}");
    }
}

#[test]
fn the_watch_over_an_app_that_cannot_be_planned_ends_with_its_time() {
    let mut case = baking(Health::Healthy, 301);
    case.desired.apps.clear();
    let plan = case.plan();
    assert_eq!(plan.change, Change::Orphaned);
    assert!(plan.is_over(true), "{:?}", plan.waits);
    assert_eq!(plan.notes, ["v002 has 100 % of the traffic and is not recorded: it is watched all the same"]);
}

#[test]
fn no_tag_is_needed_for_a_generation_with_traffic_to_be_watched() {
    let mut case = baking(Health::Unhealthy, 60);
    // It was ready before it was given any traffic.
    let ready = |group: &mut Group| group.owner.healthy_since = Some(ago(500));
    change(&mut case, 2, ready);
    change(&mut case, 2, |group| group.owner.shifted_at = None);
    assert_eq!(case.calls(), BACK, "the tag of its takeover could not be written");
    let mut share = canary_at(5, Health::Unhealthy);
    change(&mut share, 2, ready);
    change(&mut share, 2, |group| group.owner.canary = None);
    assert_eq!(share.calls(), BACK, "nor that of its share");
    change(&mut share, 2, |group| group.owner.canary = Some(CanaryStep { done: 1, at: ago(30) }));
    share.desired.apps.clear();
    assert_eq!(share.calls(), BACK, "and without a manifest");
}

#[test]
fn what_has_lost_all_its_healthy_instances_gives_the_traffic_back() {
    for health in [Health::Initial, Health::Draining, Health::Unused] {
        let case = baking(health, 60);
        assert_eq!(case.calls(), BACK, "{health:?}");
        let why = match health {
            Health::Draining => "which were taken out of hello-prod-b by hand, so that none of its instances answers",
            _ => "none of its 2 instances is healthy under traffic",
        };
        assert!(case.plan().reason.ends_with(why), "{}", case.plan().reason);
    }
    let mut gone = baking(Health::Healthy, 60);
    change(&mut gone, 2, |group| group.instances.clear());
    assert_eq!(gone.calls(), BACK);
}

#[test]
fn what_was_turned_down_gives_its_traffic_back_without_a_manifest() {
    let mut case = baking(Health::Healthy, 60);
    change(&mut case, 2, failed("rolled back by ada"));
    case.desired.apps.clear();
    assert_eq!(case.calls(), ["shift to a"], "it is marked already");
    change(&mut case, 2, |group| {
        group.owner.marks.back_to = Some(crate::model::mark::BackTo::Image(OLD_IMAGE.to_owned()));
    });
    assert_eq!(case.calls(), [""; 0], "what is to serve in its place is launched first, which needs a manifest");
}

#[test]
fn nothing_is_given_back_to_what_is_not_well_or_by_what_is_proven() {
    for health in [Health::Unhealthy, Health::Initial, Health::Draining] {
        let mut case = Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, health, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Unhealthy, |group| group.owner.shifted_at = Some(ago(60)));
        case.desired.apps.clear();
        assert_eq!(case.calls(), [""; 0], "{health:?}");
    }
    let mut recorded = baking(Health::Unhealthy, 60);
    change(&mut recorded, 2, |group| group.owner.recorded_at = Some(ago(10)));
    recorded.desired.apps.clear();
    assert_eq!((recorded.calls(), recorded.plan().exposed), (Vec::new(), None));
}

#[test]
fn a_person_who_suspends_an_app_without_a_manifest_suspends_its_watch() {
    let mut case = baking(Health::Unhealthy, 60);
    let mark = crate::model::mark::Mark::new(ago(10), "arn:aws:iam::123456789012:user/ada", "incident");
    change(&mut case, 1, |group| group.owner.marks.suspended = Some(mark));
    case.desired.apps.clear();
    let plan = case.plan();
    assert_eq!((calls(&plan), plan.change), (Vec::new(), Change::Blocked));
}

#[test]
fn what_cannot_be_read_of_its_health_is_waited_for() {
    let mut case = baking(Health::Healthy, 60);
    case.observed.details.target_health.insert(target_group_arn(Slot::B), Read::Unknown("AccessDenied".to_owned()));
    case.desired.apps.clear();
    let plan = case.plan();
    assert!(plan.waits.iter().any(|wait| wait.what.contains("the health of its targets, which could not be read")));
}

#[test]
fn the_plan_tells_what_has_traffic_and_is_not_proven() {
    let exposed = |share: u32, until, watched_at, seconds| {
        let (back, longest_silence) = (Some(Generation(1)), Span::seconds(seconds));
        let share = Some(share);
        Some(Exposed { generation: Generation(2), share, back, until, watched_at, longest_silence })
    };
    assert_eq!(canary_at(5, Health::Healthy).plan().exposed, exposed(5, None, ago(30), 360));
    let until = Some(Span::minutes(5).after(ago(60)));
    // A quarter of its bake and a minute.
    assert_eq!(baking(Health::Healthy, 60).plan().exposed, exposed(100, until, ago(0), 135));
    assert_eq!(Case::serving(OLD_IMAGE, json!({})).plan().exposed, None);
}

/// Generation 2 has a share of the traffic beside generation 1.
fn canary_at(share: u32, health: Health) -> Case {
    let steps =
        json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}, {"weight": 50}, {"pause": "5m"}]}}});
    let mut case = Case::new(NEW_IMAGE, steps)
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, health, |group| {
            group.owner.healthy_since = Some(ago(100));
            group.owner.canary = Some(CanaryStep { done: 1, at: ago(30) });
        });
    let mut listener = case.listener();
    listener.forward.weights =
        BTreeMap::from([(target_group_arn(Slot::A), 100 - share), (target_group_arn(Slot::B), share)]);
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener)));
    case
}

type Said = fn(&intent::About<'_>) -> Result<intent::Intent, String>;

/// What people may say in an emergency.
fn brakes() -> Vec<(&'static str, Said, &'static str)> {
    vec![
        ("rollback", |about| intent::rollback(about, None, &[]), "amiable:failed"),
        ("abort", intent::abort, "amiable:failed"),
        ("pause", intent::pause, "amiable:paused"),
        ("pin", intent::pin, "amiable:pinned"),
        ("suspend", |about| intent::suspend(about, None), "amiable:suspended"),
    ]
}

#[test]
fn a_brake_does_not_depend_on_what_is_broken() {
    for (what, spoil) in troubles().into_iter().filter(|(what, _)| *what != "a pause") {
        for (brake, say, key) in brakes() {
            let mut case = baking(Health::Healthy, 60);
            spoil(&mut case);
            let stand_in = DesiredApp::without_manifest(scope()).unwrap();
            let app = case.desired.apps.get(&scope().app).unwrap_or(&stand_in);
            let about = intent::About { desired: &case.desired, app, observed: &case.observed, why: None, now: now() };
            let said = say(&about).unwrap_or_else(|refusal| panic!("{brake} with {what}: {refusal}"));
            let Action::TagGroup { name, tags, .. } = &said.actions[0].action else { panic!("{brake} with {what}") };
            assert_eq!(name, "hello-prod-v002", "{brake} with {what}");
            assert!(tags.contains_key(key), "{brake} with {what}");
        }
    }
}

#[test]
fn a_canary_without_a_manifest_can_be_given_up() {
    let mut case = canary_at(5, Health::Healthy);
    case.desired.apps.clear();
    let app = DesiredApp::without_manifest(scope()).unwrap();
    for say in [intent::abort, |about: &intent::About<'_>| intent::rollback(about, None, &[])] {
        let about =
            intent::About { desired: &case.desired, app: &app, observed: &case.observed, why: None, now: now() };
        let said = say(&about).unwrap();
        assert_eq!((said.generation, said.serves), (Generation(2), Some(Generation(1))));
    }
}

#[test]
fn of_two_groups_with_traffic_both_follow_the_manifest_in_their_sizes() {
    let mut case = canary_at(5, Health::Healthy);
    spec(&mut case, json!({"instances": {"min": 5, "max": 20}}));
    let plan = case.plan();
    let sizes = plan.actions.iter().filter_map(|planned| match &planned.action {
        Action::UpdateGroup { name, change } => Some((name.as_str(), change.min, change.max, change.desired)),
        _ => None,
    });
    let all = |name| (name, Some(5), Some(20), Some(5));
    let sizes: Vec<_> = sizes.collect();
    assert!(sizes.contains(&all("hello-prod-v002")) && sizes.contains(&all("hello-prod-v001")), "{sizes:?}");
    let said = |group: &str| format!("tag {group} applied");
    let calls = calls(&plan);
    assert!(calls.contains(&said("hello-prod-v001")) && calls.contains(&said("hello-prod-v002")), "{calls:?}");
    // At its whole share there is one group with traffic, and the other one is on its way out.
    let mut over = baking(Health::Healthy, 60);
    spec(&mut over, json!({"instances": {"min": 5, "max": 20}}));
    let touched = |planned: &crate::model::plan::PlannedAction| planned.action.resource() == "hello-prod-v001";
    assert!(!over.plan().actions.iter().any(touched));
}

#[test]
fn of_two_groups_with_traffic_both_follow_the_manifest_in_what_they_do_by_themselves() {
    let mut case = canary_at(5, Health::Healthy);
    let tracking = json!({"targetTracking": [{"metric": "ASGAverageCPUUtilization", "target": 60}],
        "scheduled": [{"name": "morning", "schedule": "0 8 * * *", "min": 2}]});
    spec(&mut case, json!({"scaling": tracking, "instances": {"suspendedProcesses": ["AZRebalance"]}}));
    let made = |case: &Case| -> BTreeSet<(&'static str, String)> {
        let plan = case.plan();
        let group = |action: &Action| match action {
            Action::PutScalingPolicy { group, .. } | Action::PutScheduledAction { group, .. } => Some(group.clone()),
            Action::SuspendProcesses { name, .. } | Action::ResumeProcesses { name, .. } => Some(name.clone()),
            _ => None,
        };
        let actions = plan.actions.iter().map(|planned| &planned.action);
        actions.filter_map(|action| Some((action.operation().1, group(action)?))).collect()
    };
    let both = |operations: &[&'static str]| {
        let groups = ["hello-prod-v001", "hello-prod-v002"];
        operations.iter().flat_map(|operation| groups.map(|group| (*operation, group.to_owned()))).collect()
    };
    let expected: BTreeSet<_> = both(&["PutScalingPolicy", "PutScheduledUpdateGroupAction", "SuspendProcesses"]);
    assert_eq!(made(&case), expected);
    // What somebody has suspended in either of them is resumed.
    let mut suspended = canary_at(5, Health::Healthy);
    for number in [1, 2] {
        change(&mut suspended, number, |group| group.suspended.extend(["Launch".to_owned()]));
    }
    assert_eq!(made(&suspended), both(&["ResumeProcesses"]));
}

#[test]
fn a_canary_of_an_app_that_cannot_be_planned_is_watched_for_as_long_as_it_has_its_share() {
    let mut case = canary_at(5, Health::Healthy);
    spec(&mut case, json!({"healthCheck": {"port": 8080}}));
    let plan = case.plan();
    assert_eq!(plan.change, Change::Error, "{plan:?}");
    assert!(plan.exposed.as_ref().is_some_and(|exposed| exposed.until.is_none()), "{plan:?}");
    assert!(!plan.is_over(false) && plan.wake_at.is_some(), "{plan:?}");
}

/// AWS refused this call the last time; it is made again.
fn failing(case: &mut Case, action: Action) {
    let why = Why::Refused("elasticloadbalancing:ModifyListener hello-prod: AccessDenied: not today".to_owned());
    case.desired.failing.insert(scope().app, vec![GivenUp { action, why }]);
}

#[test]
fn a_way_back_that_aws_refuses_is_told_in_its_words_and_is_no_release_that_nobody_watches() {
    let mut case = baking(Health::Unhealthy, 250);
    change(&mut case, 2, |group| group.owner.watched = Some(Watched { seconds: 20, at: ago(200) }));
    let shift = case.plan().actions[0].action.clone();
    assert_eq!(case.calls(), BACK, "nothing stands before the first call");
    failing(&mut case, shift.clone());
    let plan = case.plan();
    let told = plan.waits.iter().find(|wait| wait.what.contains("ModifyListener hello-prod: AccessDenied: not today"));
    assert!(
        told.is_some_and(|wait| wait.what.starts_with("AWS to take the call that gives the traffic to v001")),
        "{plan:?}"
    );
    assert_eq!(calls(&plan), BACK, "who only looks gives no sign");
    case.desired.begun = Some(ago(300));
    let plan = case.plan();
    assert_eq!(calls(&plan), ["tag hello-prod-v002 watched", BACK[0], BACK[1]]);
    let Action::TagGroup { tags, .. } = &plan.actions[0].action else { panic!() };
    assert_eq!(
        tags["amiable:watched"],
        Watched { seconds: 20, at: now() }.to_string(),
        "a sign adds nothing to the watch"
    );
    // The tag may be refused as well, and keeps nothing from going back.
    let sign = plan.actions[0].action.clone();
    failing(&mut case, shift);
    let why = Why::Failing("Throttling".to_owned());
    case.desired.failing.get_mut(&scope().app).unwrap().push(GivenUp { action: sign, why });
    assert_eq!(case.calls(), BACK);
}

#[test]
fn a_release_that_waits_for_a_person_is_watched_as_long_as_somebody_is_at_it() {
    let waits = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": {}}]}}});
    let mut case = canary_at(5, Health::Healthy);
    spec(&mut case, waits);
    let signs = |case: &Case| case.calls().into_iter().filter(|call| call.ends_with(" watched")).count();
    let since = |case: &mut Case, seconds: u64| {
        change(case, 2, |group| {
            group.owner.healthy_since = Some(ago(seconds + 40));
            group.owner.canary = Some(CanaryStep { done: 1, at: ago(seconds) });
        });
    };
    case.desired.begun = Some(ago(1000));
    for (seconds, expected) in [(100, 0), (331, 1)] {
        since(&mut case, seconds);
        assert_eq!(signs(&case), expected, "{seconds} s: {:?}", case.calls());
    }
    case.desired.begun = None;
    assert_eq!(signs(&case), 0, "who only looks gives none");
}
