//! What a plan tells people besides what it does: where an app answers, how long it all takes, and which steps are left out.

use super::*;

use crate::model::plan::{StepKind, StepState};

fn urls(plan: &AppPlan) -> Vec<String> {
    plan.answers.as_ref().map(|answers| answers.urls.clone()).unwrap_or_default()
}

fn canary() -> Value {
    json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": "10m"}]}}})
}

/// The record of the app's name leads to its load balancer, and its generation has the tag that says so.
fn named(mut case: Case) -> Case {
    let record = DnsRecord {
        name: "hello.internal.example.com".to_owned(),
        kind: "A".to_owned(),
        ttl: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            dns_name: "internal-hello-prod-1.us-west-2.elb.amazonaws.com".to_owned(),
            zone_id: "ZELB".to_owned(),
            evaluate_target_health: false,
        }),
        set_identifier: None,
    };
    let Some(Read::Known(zone)) = &mut case.observed.zone else { panic!() };
    zone.records.push(record);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v001").unwrap().owner.dns = Some("hello.internal.example.com".to_owned());
    case
}

#[test]
fn an_app_answers_by_its_own_name_or_else_by_that_of_its_load_balancer() {
    let new = Case::new(NEW_IMAGE, json!({})).plan();
    assert_eq!(urls(&new), Vec::<String>::new(), "nothing is known before there is a load balancer");
    assert!(new.answers.is_some_and(|answers| answers.internal && answers.load_balancer.is_none()));
    let dns = json!({"dns": {"name": "hello.internal.example.com"}});
    assert_eq!(urls(&Case::new(NEW_IMAGE, dns.clone()).plan()), ["http://hello.internal.example.com"]);
    let serving = Case::serving(OLD_IMAGE, json!({})).plan();
    assert_eq!(urls(&serving), ["http://internal-hello-prod-1.us-west-2.elb.amazonaws.com"]);
    assert_eq!(urls(&Case::serving(OLD_IMAGE, dns).plan()), ["http://hello.internal.example.com"]);
    let other_port = json!({"loadBalancer": {"scheme": "internet-facing", "listeners": [{"port": 8080}]},
        "dns": {"name": "hello.internal.example.com"}});
    let plan = Case::new(NEW_IMAGE, other_port).plan();
    assert_eq!(urls(&plan), ["http://hello.internal.example.com:8080"]);
    assert!(!plan.answers.unwrap().internal);
    let worker = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"})).plan();
    assert_eq!(worker.answers, None, "nobody asks a worker");
}

#[test]
fn an_app_without_a_manifest_answers_as_its_tags_and_listeners_say() {
    let mut case = named(Case::serving(OLD_IMAGE, json!({})));
    case.desired.apps.clear();
    assert_eq!(urls(&case.plan()), ["http://hello.internal.example.com"]);
}

#[test]
fn an_app_without_a_manifest_behind_a_shared_listener_answers_as_its_rule_says() {
    const RULE: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener-rule/app/hello-prod/1/1/1";
    let behind = |hosts: &[&str], paths: &[&str]| {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let conditions = Conditions { hosts: strings(hosts), paths: strings(paths), ..Conditions::default() };
        let rule = Rule {
            arn: RULE.to_owned(),
            priority: Some(10),
            conditions,
            other_conditions: false,
            forward: case.listener().forward,
            instead: None,
        };
        case.observed.rules.insert(RULE.to_owned(), Read::Known(Some(rule)));
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        groups.get_mut("hello-prod-v001").unwrap().owner.rule = Some(RULE.to_owned());
        case.desired.apps.clear();
        urls(&case.plan())
    };
    assert_eq!(behind(&["hello.example.com"], &["/api/*"]), ["http://hello.example.com/api/"]);
    let balancer = "http://internal-hello-prod-1.us-west-2.elb.amazonaws.com";
    assert_eq!(behind(&["*.example.com"], &[]), [balancer], "a pattern is no name");
    assert_eq!(behind(&[], &["/shop"]), [format!("{balancer}/shop")]);
}

#[test]
fn an_app_whose_new_name_aws_does_not_take_keeps_the_one_that_it_has() {
    use crate::model::given_up::{GivenUp, Why};
    let renamed = json!({"dns": {"name": "new.internal.example.com"}});
    let mut case = named(Case::serving(OLD_IMAGE, renamed));
    let names = |plan: &AppPlan| {
        let changes = plan.actions.iter().filter_map(|planned| match &planned.action {
            Action::ChangeDns { name, delete, upsert, .. } => Some((name.clone(), delete.len(), upsert.len())),
            _ => None,
        });
        changes.collect::<Vec<_>>()
    };
    let plan = case.plan();
    let (new, old) = ("new.internal.example.com".to_owned(), "hello.internal.example.com".to_owned());
    assert_eq!(names(&plan), [(new, 0, 1), (old, 1, 0)]);
    let refused = plan.actions.iter().find(|planned| matches!(planned.action, Action::ChangeDns { .. })).unwrap();
    let given_up = GivenUp { action: refused.action.clone(), why: Why::Refused("AccessDenied".to_owned()) };
    case.desired.given_up.insert(plan.app.clone(), vec![given_up]);
    assert_eq!(case.calls(), Vec::<String>::new(), "neither does the old one go, nor is the new one noted");
}

#[test]
fn canary_steps_that_are_skipped_are_said_to_be_and_why() {
    let note = |case: &Case| case.plan().notes.into_iter().find(|note| note.contains("canary"));
    assert_eq!(note(&Case::serving(NEW_IMAGE, canary())), None, "nothing is skipped");
    assert_eq!(note(&Case::serving(NEW_IMAGE, json!({}))), None, "there is no canary");
    let said = note(&Case::new(NEW_IMAGE, canary())).unwrap();
    assert_eq!(
        said,
        "the canary steps are skipped, and v001 takes all traffic at once, because nothing serves yet that it could be compared with"
    );
    // Generation 2 serves, and the manifest asks for what the warm generation 1 runs.
    let wanted_again = Case::new(OLD_IMAGE, canary())
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
        });
    let said = note(&wanted_again).unwrap();
    assert_eq!(
        said,
        "the canary steps are skipped, and v001 takes all traffic at once, because v001 has served before and is warm"
    );
    let after = |reason: &'static str| {
        Case::new(NEW_IMAGE, canary())
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(900));
                group.owner.recorded_at = Some(ago(600));
                failed(reason)(group);
            })
    };
    assert!(note(&after("rolled back by ada: slow")).unwrap().contains("v001 has served before and is warm"));
    assert_eq!(
        after("rolled back by ada: slow").plan().reason,
        "v002 was rolled back by ada: slow",
        "it has not failed"
    );
    assert_eq!(note(&after("unhealthy under traffic: i-2-1")), None, "a way back from what failed needs no word");
}

#[test]
fn a_name_that_stays_where_it_is_is_no_step_of_a_release() {
    let dns = json!({"dns": {"name": "hello.internal.example.com"}});
    let state = |case: &Case| {
        let plan = case.plan();
        plan.steps.iter().find(|step| matches!(step.kind, StepKind::Dns { .. })).map(|step| step.state)
    };
    assert_eq!(state(&Case::serving(NEW_IMAGE, dns.clone())), Some(StepState::Pending), "there is no record yet");
    assert_eq!(state(&named(Case::serving(NEW_IMAGE, dns))), Some(StepState::Done));
    let other = json!({"dns": {"name": "other.internal.example.com"}});
    assert_eq!(state(&named(Case::serving(NEW_IMAGE, other))), Some(StepState::Pending), "the name changes");
    assert_eq!(state(&named(Case::serving(NEW_IMAGE, json!({})))), Some(StepState::Pending), "the name goes");
}

#[test]
fn how_long_a_release_takes_includes_the_room_that_it_needs_and_what_goes_on_after_it() {
    let times = |case: &Case| {
        let impact = case.plan().impact;
        (impact.duration.map(Span::as_seconds), impact.cleanup.map(Span::as_seconds))
    };
    // A launch, two good checks, the stability window, the bake; then an hour warm, a minute to drain, a minute to end.
    let plain = Case::serving(NEW_IMAGE, json!({}));
    assert_eq!(times(&plain), (Some(120 + 20 + 30 + 300), Some(3600 + 60 + 60)));
    // As long as a delayed call could give it traffic the old generation is not emptied.
    let at_once = Case::serving(NEW_IMAGE, json!({"retain": {"for": "0s"}}));
    assert_eq!(times(&at_once), (Some(470), Some(310 + 60 + 60)));
    assert_eq!(times(&Case::new(NEW_IMAGE, json!({}))), (Some(470), None), "a first release leaves nothing behind");
    // The other slot still holds what served before that: it goes first.
    let third = Case::new(NEW_IMAGE, json!({"instanceType": "c7g.xlarge"}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, OLD_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(100));
        });
    assert_eq!(times(&third).0, Some(210 + 60 + 60 + 470));
}
