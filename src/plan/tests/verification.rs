//! Checks as tables: what alarms, answers and counts make of a release, before and after its traffic.

use super::*;
use crate::model::probe::{Answer, Checks, PREVIEW_HEADER, Phase, Probe, Replied, Tries};

const RULE: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener-rule/app/hello-prod/1/1/9";

fn healthy_long(group: &mut Group) {
    group.owner.healthy_since = Some(ago(60));
}

fn baking(group: &mut Group) {
    healthy_long(group);
    group.owner.shifted_at = Some(ago(30));
}

fn alarm(state: AlarmState) -> Read<Option<Alarm>> {
    Read::Known(Some(Alarm { state, reason: "1 datapoint > 5".to_owned() }))
}

/// Version 2 is healthy and may shift, or has shifted and bakes.
fn case(spec: Value, shifted: bool, second: impl FnOnce(&mut Group)) -> Case {
    let live = if shifted { Slot::B } else { Slot::A };
    Case::new(NEW_IMAGE, json!({"verification": spec}))
        .with_front(live)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            if shifted {
                baking(group)
            } else {
                healthy_long(group)
            }
            second(group);
        })
}

const SHIFT: [&str; 2] = ["shift to b", "tag hello-prod-v002 shifted-at"];
const BACK: [&str; 2] = ["shift to a", "tag hello-prod-v002 failed,failed-at"];

#[test]
fn alarms_hold_a_shift_and_end_a_bake() {
    let unknown = || Read::Unknown("Throttling: Rate exceeded".to_owned());
    type Row = (fn() -> Read<Option<Alarm>>, bool, &'static [&'static str]);
    let rows: [Row; 10] = [
        (|| alarm(AlarmState::Ok), false, &SHIFT),
        (|| alarm(AlarmState::InsufficientData), false, &SHIFT),
        (|| alarm(AlarmState::Alarm), false, &[]),
        (|| Read::Known(None), false, &[]),
        (unknown, false, &[]),
        (|| alarm(AlarmState::Ok), true, &[]),
        (|| alarm(AlarmState::InsufficientData), true, &[]),
        (|| alarm(AlarmState::Alarm), true, &BACK),
        (|| Read::Known(None), true, &[]),
        (unknown, true, &[]),
    ];
    for (index, (read, shifted, expected)) in rows.into_iter().enumerate() {
        let mut case = case(json!({"alarms": ["a"]}), shifted, |_| {});
        assert_eq!(case.plan().wants, [Want::Alarm("a".to_owned())], "{index}");
        case.observed.details.alarms.insert("a".to_owned(), read());
        assert_eq!(case.calls(), expected, "{index}");
        let plan = case.plan();
        let refused = read() == Read::Known(None) && !shifted;
        assert_eq!(plan.change == Change::Error, refused, "{index}: what does not exist is refused, not waited for");
        assert!(!expected.is_empty() || refused || !plan.waits.is_empty(), "{index}: it says what it waits for");
    }
}

#[test]
fn the_path_shows_what_is_checked_and_when() {
    let spec = json!({
        "smoke": [{"path": "/a"}, {"path": "/b"}], "alarms": ["slow", "broken"],
        "webhook": {"url": "https://gate.example.com/", "phase": "beforeRecord"},
    });
    let mut case = case(spec, false, smoked(|_| {}));
    preview(&mut case, Slot::B);
    let steps: Vec<_> = case.plan().steps.iter().map(|step| step.kind.to_string()).collect();
    let path = [
        "launch 2",
        "healthy 2/2",
        "smoke 2 checks",
        "alarms slow, broken quiet",
        "shift 100%",
        "bake 5m",
        "webhook before its record",
        "record",
        "keep v001 1h",
        "retire v001",
    ];
    assert_eq!(steps, path);
}

#[test]
fn at_the_end_of_the_bake_only_known_and_good_passes() {
    let record = ["PutParameter deployed", "tag hello-prod-v002 recorded-at"];
    let lacking = ["tag hello-prod-v002 lacking-since"];
    for (read, seconds, lacking_for, expected) in [
        (alarm(AlarmState::Ok), 400, None, &record[..]),
        (alarm(AlarmState::InsufficientData), 290, None, &[]),
        (alarm(AlarmState::InsufficientData), 400, None, &lacking),
        (alarm(AlarmState::InsufficientData), 90_000, None, &lacking),
        (alarm(AlarmState::InsufficientData), 90_000, Some(1199), &[]),
        (Read::Unknown("AccessDenied".to_owned()), 400, None, &[]),
        (Read::Unknown("AccessDenied".to_owned()), 90_000, None, &[]),
        (alarm(AlarmState::InsufficientData), 90_000, Some(1200), &BACK),
        (Read::Known(None), 90_000, Some(1200), &[]),
    ] {
        let mut case = case(json!({"alarms": ["a"]}), true, |group| {
            group.owner.shifted_at = Some(ago(seconds));
            group.owner.watched = watched_all(seconds);
            group.owner.lacking_since = lacking_for.map(ago);
        });
        // What served before must have been before.
        case.observed.details.alarms.insert("a".to_owned(), read.clone());
        let long_ago = Some(ago(100_000));
        if let Read::Known(groups) = &mut case.observed.groups {
            groups.get_mut("hello-prod-v001").unwrap().owner.shifted_at = long_ago;
        }
        assert_eq!(case.calls(), expected, "{read:?} after {seconds}s");
    }
}

#[test]
fn an_alarm_that_does_not_exist_is_refused_at_the_end_of_the_bake_and_the_healthy_release_keeps_its_traffic() {
    for (seconds, refused) in [(30, false), (400, true), (90_000, true)] {
        let mut case = case(json!({"alarms": ["a", "b"]}), true, |group| {
            group.owner.shifted_at = Some(ago(seconds));
            group.owner.watched = watched_all(seconds);
        });
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        groups.get_mut("hello-prod-v001").unwrap().owner.shifted_at = Some(ago(100_000));
        case.observed.details.alarms.insert("a".to_owned(), Read::Known(None));
        case.observed.details.alarms.insert("b".to_owned(), alarm(AlarmState::Ok));
        let plan = case.plan();
        assert_eq!((plan.change == Change::Error, plan.actions.len()), (refused, 0), "{seconds}");
        assert_eq!(plan.waits.is_empty(), refused, "{seconds}: refused is not waited for");
        let says = if refused { plan.reason } else { plan.waits[0].what.clone() };
        assert!(says.contains("CloudWatch has no such alarm here; create it, or take it out"), "{seconds}: {says}");
        // Everything else that watches it goes on.
        case.observed.details.alarms.insert("b".to_owned(), alarm(AlarmState::Alarm));
        assert_eq!(case.calls(), BACK, "{seconds}");
    }
}

#[test]
fn a_release_that_the_record_names_is_not_given_up_because_its_tag_is_missing() {
    for (read, health) in [(Read::Known(None), Health::Healthy), (alarm(AlarmState::Alarm), Health::Unhealthy)] {
        let mut case = case(json!({"alarms": ["a"]}), true, |group| group.owner.shifted_at = Some(ago(400)));
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        groups.get_mut("hello-prod-v001").unwrap().owner.shifted_at = Some(ago(100_000));
        case.observed.details.alarms.insert("a".to_owned(), read);
        if let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) {
            targets.iter_mut().for_each(|target| target.health = health);
        }
        case.record_says("hello-prod-v002");
        assert_eq!(case.calls(), ["tag hello-prod-v002 recorded-at"]);
    }
}

#[test]
fn an_alarm_that_is_not_there_is_said_before_anything_is_launched() {
    let mut case = Case::serving(NEW_IMAGE, json!({"verification": {"alarms": ["a", "b"]}}));
    let wants = case.plan().wants;
    assert_eq!(wants, [Want::Alarm("a".to_owned()), Want::Alarm("b".to_owned())], "both at once");
    case.observed.details.alarms.insert("a".to_owned(), alarm(AlarmState::InsufficientData));
    case.observed.details.alarms.insert("b".to_owned(), Read::Known(None));
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("names b"), "{}", plan.reason);
    case.observed.details.alarms.insert("b".to_owned(), Read::Unknown("Rate exceeded".to_owned()));
    assert!(case.calls().is_empty(), "what could not be read is not there for all we know");
    case.observed.details.alarms.insert("b".to_owned(), alarm(AlarmState::Ok));
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
}

#[test]
fn a_way_back_is_not_closed_by_the_alarms_that_led_to_it() {
    // Version 2 was deployed before, serves again, and is not yet recorded again.
    let proven = |group: &mut Group| group.owner.recorded_at = Some(ago(200_000));
    let mut case =
        case(json!({"alarms": ["a"], "webhook": {"url": "https://x.y/", "phase": "duringBake"}}), true, proven);
    case.observed.details.alarms.insert("a".to_owned(), alarm(AlarmState::Alarm));
    assert!(case.calls().is_empty());
    assert!(case.plan().waits[0].what.contains("watched under traffic"), "{:?}", case.plan().waits);
}

#[test]
fn a_person_who_promotes_lets_the_cure_through() {
    let said = crate::model::mark::Mark::new(now(), "arn:aws:iam::123456789012:user/ada", "the cure");
    let mut case = case(json!({"alarms": ["a"]}), false, |group| group.owner.marks.promoted = Some(said.to("full")));
    case.observed.details.alarms.insert("a".to_owned(), alarm(AlarmState::Alarm));
    assert_eq!(case.calls(), SHIFT);
}

/// The rule for previews stands and leads to a slot.
fn preview(case: &mut Case, to: Slot) {
    let value = super::super::preview::value_of(&scope(), &Slot::BOTH.map(target_group_arn));
    let weights = Slot::BOTH.map(|slot| (target_group_arn(slot), if slot == to { 100 } else { 0 }));
    let rule = Rule {
        arn: RULE.to_owned(),
        priority: Some(1),
        conditions: Conditions {
            headers: BTreeMap::from([(PREVIEW_HEADER.to_ascii_lowercase(), vec![value])]),
            ..Conditions::default()
        },
        other_conditions: false,
        forward: Forward::new(weights.into_iter().collect()),
        instead: None,
    };
    case.observed.rules.insert(RULE.to_owned(), Read::Known(Some(rule)));
}

fn smoked(change: impl FnOnce(&mut Checks)) -> impl FnOnce(&mut Group) {
    |group| {
        group.owner.checks.preview_rule = Some(RULE.to_owned());
        change(&mut group.owner.checks);
    }
}

fn the_probe(case: &Case) -> Probe {
    match &case.plan().wants[..] {
        [Want::Probe(probe)] => probe.clone(),
        other => panic!("{other:?}"),
    }
}

fn answered(status: u16) -> Read<Replied> {
    Read::Known(Replied::Answer(Answer { status, took_ms: 20, body: "no".to_owned() }))
}

#[test]
fn a_smoke_check_asks_through_the_load_balancer_with_the_preview_header() {
    let mut case = case(json!({"smoke": [{"path": "/version"}]}), false, smoked(|_| {}));
    preview(&mut case, Slot::A);
    assert_eq!(case.calls(), ["ModifyRule 9", "tag hello-prod-v002 smoke-tries"], "first the rule is aimed");
    preview(&mut case, Slot::B);
    let probe = the_probe(&case);
    assert_eq!(probe.via.as_deref(), Some("internal-hello-prod-1.us-west-2.elb.amazonaws.com"));
    assert_eq!((probe.secure, probe.port, probe.path.as_str()), (false, 80, "/version"));
    assert!(probe.headers[PREVIEW_HEADER].starts_with("hello-prod-"));
}

#[test]
fn answers_to_smoke_checks_decide_what_follows() {
    let since = |failed, last| Some(Tries { failed, since: ago(60), last: ago(last) });
    let unreachable = || Read::Known(Replied::Unreachable("no route".to_owned()));
    for (tries, read, expected) in [
        (None, answered(200), &["tag hello-prod-v002 smoked-at"][..]),
        (None, answered(500), &["tag hello-prod-v002 smoke-tries"]),
        (since(1, 11), Read::Known(Replied::Late), &["tag hello-prod-v002 smoke-tries"]),
        (since(2, 11), answered(500), &["tag hello-prod-v002 failed,failed-at"]),
        (since(2, 11), answered(200), &["tag hello-prod-v002 smoked-at"]),
        (None, unreachable(), &["tag hello-prod-v002 smoke-tries"]),
        (since(0, 60), unreachable(), &[]),
        (since(2, 60), unreachable(), &[]),
        (since(2, 60), Read::Unknown("not asked".to_owned()), &[]),
        (
            Some(Tries { failed: 0, since: ago(1200), last: ago(1200) }),
            unreachable(),
            &["tag hello-prod-v002 failed,failed-at"],
        ),
    ] {
        let mut case = case(json!({"smoke": [{"path": "/"}]}), false, smoked(|checks| checks.smoke_tries = tries));
        preview(&mut case, Slot::B);
        let probe = the_probe(&case);
        case.observed.details.probes.insert(probe, read.clone());
        assert_eq!(case.calls(), expected, "{tries:?} {read:?}");
    }
}

#[test]
fn what_fell_sick_since_its_smoke_checks_is_asked_anew() {
    for (seconds, expected) in [(30, &SHIFT[..]), (90, &["tag hello-prod-v002 smoked-at"])] {
        let passed = smoked(|checks| checks.smoked_at = Some(ago(seconds)));
        let mut case = case(json!({"smoke": [{"path": "/"}]}), false, passed);
        preview(&mut case, Slot::B);
        if let [Want::Probe(probe)] = &case.plan().wants[..] {
            case.observed.details.probes.insert(probe.clone(), answered(200));
        }
        assert_eq!(case.calls(), expected, "asked {seconds}s ago, healthy for 60s");
    }
}

#[test]
fn the_verdicts_of_a_webhook_decide_what_follows() {
    let late = || Read::Known(Replied::Late);
    for (asked, read, expected) in [
        (None, answered(204), "approved"),
        (None, answered(403), "failed"),
        (None, answered(500), "asked"),
        (None, answered(429), "asked"),
        (Some(30), answered(302), ""),
        (Some(30), late(), ""),
        (Some(600), late(), "failed"),
        (Some(600), answered(200), "approved"),
        (Some(600), Read::Unknown("not asked".to_owned()), ""),
    ] {
        let hook = json!({"webhook": {"url": "https://gate.example.com/x"}});
        let mut case = case(hook, false, |group| {
            group.owner.checks.asked = asked.map(|seconds| (Phase::BeforeShift, ago(seconds))).into_iter().collect();
        });
        let probe = the_probe(&case);
        assert_eq!((probe.secure, probe.port, probe.host.as_str()), (true, 443, "gate.example.com"));
        case.observed.details.probes.insert(probe, read.clone());
        let calls = match expected {
            "" => vec![],
            "failed" => vec!["tag hello-prod-v002 failed,failed-at"],
            _ => vec!["tag hello-prod-v002 webhook-before-shift"],
        };
        let plan = case.plan();
        assert_eq!(super::calls(&plan), calls, "{asked:?} {read:?}");
        let noted = plan.actions.iter().filter_map(|planned| match &planned.action {
            Action::TagGroup { tags, .. } => tags.get("amiable:webhook-before-shift"),
            _ => None,
        });
        assert!(noted.clone().all(|text| text.starts_with(expected)), "{:?}", noted.collect::<Vec<_>>());
    }
}

#[test]
fn the_new_generation_is_compared_with_as_much_of_the_old_ones_time_before_the_shift() {
    let compare = json!({"compare": {"maxErrorRatio": 2, "minRequests": 10, "window": "2m"}});
    let mut case = case(compare, true, |group| {
        group.owner.shifted_at = Some(ago(290));
        group.owner.watched = watched_all(290);
    });
    let minute = |text: &str| -> Timestamp { text.parse().unwrap() };
    let windows: Vec<TrafficWindow> = case
        .plan()
        .wants
        .into_iter()
        .map(|want| if let Want::Traffic(window) = want { window } else { panic!("{want:?}") })
        .collect();
    let [new, old] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!(new.target_group_arn, target_group_arn(Slot::B));
    assert_eq!((new.from, new.to), (minute("2026-11-02T11:56:00Z"), minute("2026-11-02T11:58:00Z")));
    assert_eq!(old.target_group_arn, target_group_arn(Slot::A));
    // It took over at 11:55:10.
    assert_eq!((old.from, old.to), (minute("2026-11-02T11:53:00Z"), minute("2026-11-02T11:55:00Z")));
    for (counts, expected) in [((100, 1), &[][..]), ((100, 10), &BACK), ((5, 5), &[])] {
        let traffic = |(requests, errors)| Read::Known(Traffic { requests, errors, latency_ms: None });
        case.observed.details.traffic.insert(new.clone(), traffic(counts));
        case.observed.details.traffic.insert(old.clone(), traffic((100, 1)));
        assert_eq!(case.calls(), expected, "{counts:?}");
    }
    case.observed.details.traffic.insert(new.clone(), Read::Unknown("Rate exceeded".to_owned()));
    assert!(case.calls().is_empty());
}
