//! Who has a place among the releases that an environment allows at a time, and who waits for one.

use super::*;
use crate::model::mark::{CanaryStep, Mark};
use crate::model::plan::Plan;

/// The environment allows one release; of `hello` this generation is on its way, and `zoo` and `bear` want a first release.
fn one_place(hello: Case) -> Case {
    let mut case = hello;
    case.desired.environment.limits.concurrent_rollouts = 1;
    for name in ["zoo", "bear"] {
        also(&mut case, name);
    }
    case
}

/// Another app: a worker of which nothing is there yet.
fn also(case: &mut Case, name: &str) {
    let spec = json!({"image": {"id": NEW_IMAGE}, "instanceType": "c7g.large", "loadBalancer": "none"});
    let scope = Scope::new(name.parse().unwrap(), "prod".parse().unwrap());
    let app = DesiredApp { scope: scope.clone(), labels: BTreeMap::new(), spec: serde_json::from_value(spec).unwrap() };
    case.observed.details.deployed.insert(scope.app.clone(), Read::Known(None));
    case.desired.apps.insert(scope.app, app);
}

/// Generation 2 of `hello` is on its way and waits for its instances.
fn booting(change: impl FnOnce(&mut Group)) -> Case {
    one_place(Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, change))
}

fn planned(case: &Case) -> Plan {
    plan(&case.desired, &case.observed, now())
}

fn app<'a>(plan: &'a Plan, name: &str) -> &'a AppPlan {
    plan.app(&name.parse().unwrap()).unwrap()
}

/// What `bear`, the first by name of those that want to begin, does.
fn bear(case: &Case) -> Vec<String> {
    calls(app(&planned(case), "bear"))
}

/// Why it waits.
fn why(case: &Case) -> String {
    app(&planned(case), "bear").reason.clone()
}

const BEGINS: [&str; 2] = ["CreateLaunchTemplate bear-prod-v001", "CreateAutoScalingGroup bear-prod-v001"];
/// A launch template is free, and tells since when it has been waited for.
const ASKS: [&str; 1] = ["CreateLaunchTemplate bear-prod-v001"];

fn said(seconds: u64) -> Option<Mark> {
    Some(Mark::new(ago(seconds), "arn:aws:iam::123456789012:user/ada", "looks odd"))
}

fn lose_group(case: &mut Case, group: &str) -> Group {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.remove(group).unwrap()
}

fn lacking_room(seconds: &[u64]) -> Read<Vec<Activity>> {
    let failed = |seconds: &u64| Activity {
        started_at: ago(*seconds),
        ended_at: Some(ago(*seconds)),
        status: "Failed".to_owned(),
        description: "Launching a new EC2 instance".to_owned(),
        message: "We currently do not have sufficient c7g.large capacity. Launching EC2 instance failed.".to_owned(),
        cause: String::new(),
        subnet: None,
    };
    Read::Known(seconds.iter().map(failed).collect())
}

#[test]
fn a_release_that_can_go_on_by_itself_holds_its_place_and_the_message_says_who_and_what_it_waits_for() {
    let case = booting(|_| {});
    assert_eq!(bear(&case), ASKS);
    let plan = planned(&case);
    let bear = app(&plan, "bear");
    assert_eq!(bear.change, Change::Blocked);
    assert_eq!(
        bear.reason,
        "`limits.concurrentRollouts` of prod allows 1 release at a time, and this one is under way: \
         hello v002 (it waits for v002 to be healthy, 0/2 now)"
    );
    assert_eq!(bear.waits[0].what, "room for another release");
}

#[test]
fn a_release_that_waits_for_a_person_gives_its_place_up_after_two_minutes() {
    let paused = |seconds: u64| booting(|group| group.owner.marks.paused = said(seconds));
    assert_eq!(bear(&paused(90)), ASKS, "{}", why(&paused(90)));
    let ready = |seconds: u64| {
        one_place(Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(600));
            group.owner.marks.paused = said(seconds);
        }))
    };
    assert_eq!(bear(&ready(90)), ASKS);
    let reason = why(&ready(90));
    assert!(reason.contains("hello v002 (paused by ada: looks odd; `amiable resume hello` lets it go on)"), "{reason}");
    assert_eq!(bear(&ready(121)), BEGINS);
}

#[test]
fn a_canary_that_waits_to_be_promoted_gives_its_place_up_though_it_has_traffic() {
    let steps = json!({"strategy": {"canary": {"steps": [{"weight": 5}, {"pause": {}}]}}});
    let at = |seconds: u64| {
        let mut case = Case::serving(NEW_IMAGE, steps.clone()).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(5000));
            group.owner.canary = Some(CanaryStep { done: 1, at: ago(seconds) });
        });
        let mut listener = case.listener();
        let weights = [(target_group_arn(Slot::A), 95), (target_group_arn(Slot::B), 5)];
        listener.forward = Forward { stickiness: Some(3600), ..Forward::new(weights.into_iter().collect()) };
        case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener)));
        one_place(case)
    };
    let reason = why(&at(60));
    assert!(
        reason.contains("hello v002 (it waits for `amiable promote hello`, with v002 at 5 % of the traffic)"),
        "{reason}"
    );
    assert_eq!(bear(&at(60)), ASKS);
    assert_eq!(bear(&at(121)), BEGINS);
}

#[test]
fn a_suspended_release_gives_its_place_up() {
    let suspended = |seconds: u64| booting(|group| group.owner.marks.suspended = said(seconds));
    assert_eq!(bear(&suspended(60)), ASKS);
    assert_eq!(bear(&suspended(121)), BEGINS);
    let mut in_the_manifest = booting(|_| {});
    let spec = &mut in_the_manifest.desired.apps.get_mut(&scope().app).unwrap().spec;
    spec.suspend = serde_json::from_value(json!({"reason": "incident"})).unwrap();
    assert_eq!(bear(&in_the_manifest), BEGINS, "nobody can tell since when");
}

#[test]
fn a_release_that_gets_no_capacity_gives_its_place_up() {
    let lacking = |activities: &[u64]| {
        let mut case = booting(|_| {});
        case.observed.details.activities.insert("hello-prod-v002".to_owned(), lacking_room(activities));
        case
    };
    assert_eq!(bear(&lacking(&[10, 40, 70])), ASKS);
    assert_eq!(bear(&lacking(&[10, 70, 119])), ASKS, "since a minute and 59 seconds");
    assert_eq!(bear(&lacking(&[10, 70, 120])), BEGINS);
}

#[test]
fn an_app_that_cannot_be_read_takes_up_room_as_its_tags_say() {
    let unreadable = |recorded: bool| {
        let mut case = booting(|group| {
            group.owner.shifted_at = Some(ago(60));
            group.owner.recorded_at = recorded.then(|| ago(30));
        });
        case.observed.listeners.insert(LISTENER.to_owned(), Read::Unknown("AccessDenied".to_owned()));
        case
    };
    let reason = why(&unreadable(false));
    assert!(
        reason.contains("hello v002 (it cannot be planned: its listener could not be read: AccessDenied)"),
        "{reason}"
    );
    assert_eq!(bear(&unreadable(false)), ASKS);
    assert_eq!(bear(&unreadable(true)), BEGINS);
}

#[test]
fn an_app_whose_manifest_has_errors_or_is_gone_takes_up_room_as_its_tags_say() {
    let without = |faulty: bool, recorded: bool| {
        let mut case = booting(|group| group.owner.recorded_at = recorded.then(|| ago(30)));
        case.desired.apps.remove(&scope().app);
        case.desired.left_out.apps.extend(faulty.then(|| scope().app));
        case
    };
    for (faulty, cause) in [(true, "its manifest has errors"), (false, "no manifest declares it")] {
        let reason = why(&without(faulty, false));
        assert!(reason.contains("hello v002") && reason.contains(cause), "{reason}");
        assert_eq!(bear(&without(faulty, false)), ASKS);
        assert_eq!(bear(&without(faulty, true)), BEGINS);
    }
}

#[test]
fn an_app_whose_release_failed_takes_up_no_room_though_what_serves_again_is_not_recorded_anew() {
    let mut case = booting(|group| {
        group.owner.shifted_at = Some(ago(600));
        failed("unhealthy under traffic")(group);
    });
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v001").unwrap().owner.shifted_at = Some(ago(300));
    assert!(groups["hello-prod-v001"].owner.recorded_at.is_some_and(|at| at < ago(300)));
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Unknown("AccessDenied".to_owned()));
    assert_eq!(bear(&case), BEGINS);
}

#[test]
fn an_app_whose_tags_cannot_be_understood_takes_up_room() {
    let mut case = booting(|_| {});
    lose_group(&mut case, "hello-prod-v002");
    case.observed.problems.push(Problem {
        what: "Auto Scaling group hello-prod-v002".to_owned(),
        name: "hello-prod-v002".to_owned(),
        app: None,
        why: "its tag `amiable:shifted-at` cannot be understood".to_owned(),
    });
    assert_eq!(bear(&case), ASKS);
    let reason = why(&case);
    assert!(reason.contains("hello (Auto Scaling group hello-prod-v002 cannot be understood"), "{reason}");
}

/// The launch template of an app's first generation was made so many seconds ago, and its group was not.
fn asked(case: &mut Case, name: &str, seconds: u64) {
    let app = &case.desired.apps[&name.parse().unwrap()];
    let mut wanted = crate::plan::resolve::Wanted::resolve(app, &case.desired.environment, &case.observed);
    wanted.take(NEW_IMAGE, &case.observed);
    let hash = wanted.hash().unwrap().clone();
    let Read::Known(groups) = &case.observed.groups else { panic!() };
    let mut owner = groups.values().next().unwrap().owner.clone();
    (owner.app, owner.generation, owner.template_hash) = (name.parse().unwrap(), Generation(1), hash);
    let (template, id) = (app.scope.generation_name(Generation(1)), "lt-9".to_owned());
    let template = LaunchTemplate { name: template, id, owner, created_at: ago(seconds) };
    let Read::Known(templates) = &mut case.observed.launch_templates else { panic!() };
    templates.insert(template.name.clone(), template);
}

#[test]
fn those_that_wait_begin_in_the_order_in_which_they_asked_and_not_by_name() {
    let mut case = one_place(Case::serving(OLD_IMAGE, json!({})));
    asked(&mut case, "zoo", 50);
    assert_eq!(bear(&case), ASKS, "it asks now, and zoo has asked before");
    assert_eq!(calls(app(&planned(&case), "zoo")), ["CreateAutoScalingGroup zoo-prod-v001"]);
    asked(&mut case, "bear", 40);
    assert_eq!(bear(&case), Vec::<String>::new());
    asked(&mut case, "bear", 60);
    assert_eq!(bear(&case), ["CreateAutoScalingGroup bear-prod-v001"]);
    assert_eq!(app(&planned(&case), "zoo").change, Change::Blocked);
}

/// `hello` was ready when it was resumed, so many seconds ago; `zoo` was launched half a minute ago and holds the place.
fn resumed(seconds: u64, change: impl FnOnce(&mut Group)) -> Case {
    let ready = |group: &mut Group| {
        group.created_at = ago(900);
        group.owner.healthy_since = Some(ago(600));
        group.owner.lacking_since = Some(ago(seconds));
        change(group);
    };
    let mut case = one_place(Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, ready));
    asked(&mut case, "zoo", 40);
    let Read::Known(templates) = &case.observed.launch_templates else { panic!() };
    let owner = templates["zoo-prod-v001"].owner.clone();
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    let mut zoo = groups["hello-prod-v001"].clone();
    let bare = Ownership { slot: None, listeners: Vec::new(), shifted_at: None, recorded_at: None, ..owner };
    (zoo.name, zoo.owner, zoo.created_at) = ("zoo-prod-v001".to_owned(), bare, ago(30));
    (zoo.target_group_arns, zoo.health_check_elb) = (Vec::new(), false);
    zoo.instances.clear();
    zoo.launch_template = Some((zoo.name.clone(), "1".to_owned()));
    case.observed.details.activities.insert(zoo.name.clone(), Read::Known(Vec::new()));
    case.observed.details.hooks.insert(zoo.name.clone(), Read::Known(Vec::new()));
    case.observed.details.policies.insert(zoo.name.clone(), Read::Known(Vec::new()));
    case.observed.details.schedules.insert(zoo.name.clone(), Read::Known(Vec::new()));
    groups.insert(zoo.name.clone(), zoo);
    case
}

#[test]
fn a_release_that_gave_its_place_up_takes_one_again_before_its_first_traffic() {
    let later = resumed(10, |_| {});
    let plan = planned(&later);
    let hello = app(&plan, "hello");
    assert_eq!((hello.change, hello.actions.len()), (Change::Blocked, 0), "{:?}", hello.actions);
    assert!(hello.reason.contains("zoo v001"), "{}", hello.reason);
    let earlier = resumed(35, |_| {});
    assert_eq!(calls(app(&planned(&earlier), "hello")), ["shift to b", "tag hello-prod-v002 shifted-at"]);
}

#[test]
fn what_has_traffic_goes_on_and_back_without_a_place() {
    let mut baked = resumed(10, |group| {
        group.owner.lacking_since = None;
        group.owner.shifted_at = Some(ago(400));
        group.owner.watched = watched_all(400);
    });
    let mut listener = baked.listener();
    let weights = [(target_group_arn(Slot::A), 0), (target_group_arn(Slot::B), 100)];
    listener.forward = Forward::new(weights.into_iter().collect());
    baked.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener)));
    assert_eq!(calls(app(&planned(&baked), "hello")), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
    let Read::Known(groups) = &mut baked.observed.groups else { panic!() };
    failed("rolled back by ada")(groups.get_mut("hello-prod-v002").unwrap());
    assert_eq!(calls(app(&planned(&baked), "hello")), ["shift to a"]);
    assert_eq!(bear(&baked), ASKS);
}
