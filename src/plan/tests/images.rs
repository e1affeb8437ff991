//! Where images come from, as tables: what a source leads to, and what is decided on it.

use super::*;
use crate::model::mark::Mark;
use crate::model::spec::ImageSource;

const PARAMETER: &str = "/images/hello";

/// Generation 1 with the old image serves; the manifest takes the image from `source`.
fn serving_from(source: Value) -> Case {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    take_from(&mut case, source);
    case
}

fn take_from(case: &mut Case, source: Value) {
    let app = case.desired.apps.values_mut().next().unwrap();
    app.spec.image = serde_json::from_value(source).unwrap();
}

fn holds(case: &mut Case, value: &str) {
    let parameter = Parameter { kind: "String".to_owned(), value: value.to_owned() };
    case.observed.sources.parameters.insert(PARAMETER.to_owned(), Read::Known(Some(parameter)));
}

fn deployed_in_test(case: &mut Case, image: &str, seconds: u64) {
    let record = DeployedRecord {
        app: scope().app,
        environment: "test".parse().unwrap(),
        generation: Generation(7),
        image: image.to_owned(),
        image_name: None,
        template_hash: "1-0a1b".parse().unwrap(),
        image_source: None,
        release: BTreeMap::from([("version".to_owned(), "1.9.0".to_owned())]),
        artifacts: BTreeMap::from([("assets".to_owned(), "s3://b/1.9.0".to_owned())]),
        manifests: None,
        deployed_at: ago(seconds),
        deployed_by: "somebody".to_owned(),
        turned_down: None,
    };
    let key = ("test".parse().unwrap(), scope().app);
    case.observed.sources.deployed.insert(key, Read::Known(Some(record)));
}

#[test]
fn what_a_parameter_does_not_say_changes_nothing() {
    let of = |kind: &str, value: &str| Read::Known(Some(Parameter { kind: kind.to_owned(), value: value.to_owned() }));
    for (read, change, words) in [
        (of("String", NEW_IMAGE), Change::Replace, ""),
        (of("String", " ami-00000000000000002\n"), Change::Replace, ""),
        (of("String", OLD_IMAGE), Change::Unchanged, ""),
        (Read::Known(None), Change::Blocked, "does not exist in us-west-2; v001 stays as it is"),
        (of("SecureString", "AQICAHg"), Change::Blocked, "is a SecureString"),
        (of("StringList", NEW_IMAGE), Change::Blocked, "is a StringList"),
        (of("String", "canary"), Change::Blocked, "does not hold the id of an image"),
        (of("String", FOREIGN_IMAGE), Change::Error, "belongs to account 999999999999"),
        (of("String", NO_IMAGE), Change::Error, "does not exist in us-west-2, or is not shared"),
        (Read::Unknown("Rate exceeded".to_owned()), Change::Error, "could not be read: Rate exceeded"),
    ] {
        let mut case = serving_from(json!({"ssmParameter": PARAMETER}));
        case.observed.sources.parameters.insert(PARAMETER.to_owned(), read.clone());
        let plan = case.plan();
        assert_eq!(plan.change, change, "{read:?}: {}", plan.reason);
        assert!(plan.reason.contains(words) && !plan.reason.contains("canary"), "{}", plan.reason);
        assert_eq!(plan.actions.is_empty(), change != Change::Replace, "{read:?}");
        // What could not be read may be read soon; everything else waits for somebody.
        assert_eq!(!plan.waits.is_empty(), matches!(read, Read::Unknown(_)), "{read:?}");
    }
}

#[test]
fn a_parameter_that_leads_nowhere_keeps_a_launch_back_and_no_change_in_place() {
    let mut case = serving_from(json!({"ssmParameter": PARAMETER}));
    case.observed.sources.parameters.insert(PARAMETER.to_owned(), Read::Known(None));
    let spec = &mut case.desired.apps.values_mut().next().unwrap().spec;
    spec.instances.max = 9;
    assert_eq!(case.plan().change, Change::Update);
    assert_eq!(case.calls(), ["UpdateAutoScalingGroup hello-prod-v001", "tag hello-prod-v001 applied"]);
    case.desired.apps.values_mut().next().unwrap().spec.instance_type = Some("c7g.xlarge".to_owned());
    assert_eq!(case.plan().change, Change::Blocked);
    assert_eq!(case.calls(), ["UpdateAutoScalingGroup hello-prod-v001", "tag hello-prod-v001 applied"]);
}

#[test]
fn without_a_newer_image_or_a_promotion_what_is_followed_by_hand_stays() {
    let mut case = serving_from(json!({"ssmParameter": PARAMETER, "track": "manual"}));
    for (value, notes) in [(OLD_IMAGE, 0), (NEW_IMAGE, 1), ("nonsense", 1)] {
        holds(&mut case, value);
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len(), plan.notes.len()), (Change::Unchanged, 0, notes), "{value}");
    }
    holds(&mut case, NEW_IMAGE);
    assert_eq!(case.plan().notes, [format!("newer: {NEW_IMAGE}, `amiable promote` deploys it")]);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    let group = groups.get_mut("hello-prod-v001").unwrap();
    group.owner.marks.promoted_image = Some(Mark::new(now(), "arn:aws:iam::1:user/ada", "").to(NEW_IMAGE));
    assert_eq!(case.plan().change, Change::Replace);
    // Even where the source has moved on meanwhile: what a person promoted is what is deployed.
    holds(&mut case, OLD_IMAGE);
    assert_eq!(case.plan().image.unwrap().id, NEW_IMAGE);
}

#[test]
fn what_another_environment_runs_is_taken_once_it_has_run_there_for_long_enough() {
    let source = || json!({"fromEnvironment": {"name": "test", "after": "2h"}});
    for (image, seconds, change) in
        [(NEW_IMAGE, 7199, Change::Blocked), (NEW_IMAGE, 7200, Change::Replace), (OLD_IMAGE, 10, Change::Unchanged)]
    {
        let mut case = serving_from(source());
        deployed_in_test(&mut case, image, seconds);
        let plan = case.plan();
        assert_eq!(plan.change, change, "{image} {seconds}");
        let until = Span::seconds(7200).after(ago(seconds));
        assert_eq!(plan.wake_at, (change == Change::Blocked).then_some(until), "{image} {seconds}");
    }
    let mut case = serving_from(source());
    deployed_in_test(&mut case, NEW_IMAGE, 7200);
    let plan = case.plan();
    let Action::CreateLaunchTemplate { tags, .. } = &plan.actions[0].action else { panic!("{:?}", plan.actions) };
    assert_eq!((tags["amiable:version"].as_str(), tags["amiable:artifact:assets"].as_str()), ("1.9.0", "s3://b/1.9.0"));
    assert_eq!(tags["amiable:image-source"], "fromEnvironment test after 2h");
    // A new app has nothing to stay with.
    let mut new = Case::new(NEW_IMAGE, json!({}));
    take_from(&mut new, source());
    deployed_in_test(&mut new, NEW_IMAGE, 60);
    let plan = new.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert_eq!(plan.wake_at, Some(Span::seconds(7140).after(now())));
    let key = ("test".parse().unwrap(), scope().app);
    new.observed.sources.deployed.insert(key, Read::Known(None));
    assert_eq!((new.plan().change, new.plan().wake_at), (Change::Blocked, None));
}

#[test]
fn of_what_a_search_finds_the_newest_is_taken_that_the_environment_trusts_and_the_instances_can_run() {
    let at = |seconds| Some(ago(seconds));
    let found = |id: &str, change: Change<'_>| {
        let (_, Read::Known(Some(mut image))) = image(id, ACCOUNT) else { panic!() };
        image.created_at = at(100);
        change(&mut image);
        image
    };
    let id = |number: u32| format!("ami-000000000000001{number:02}");
    type Change<'a> = &'a dyn Fn(&mut Image);
    let table: [(&str, Change<'_>); 6] = [
        (&id(1), &|image| image.created_at = at(50)),
        (&id(2), &|image| (image.created_at, image.owner) = (at(1), "999999999999".to_owned())),
        (&id(3), &|image| (image.created_at, image.state) = (at(2), "pending".to_owned())),
        (&id(4), &|image| (image.created_at, image.architecture) = (at(3), "x86_64".to_owned())),
        (&id(5), &|image| image.created_at = None),
        (&id(0), &|image| image.created_at = at(50)),
    ];
    let mut case = serving_from(json!({"search": {"name": "hello-*"}}));
    let ImageSource::Search(search) = case.desired.apps[&scope().app].spec.image.source.clone() else { panic!() };
    let images: Vec<Image> = table.iter().map(|(id, change)| found(id, change)).collect();
    for image in &images {
        case.observed.images.insert(image.id.clone(), Read::Known(Some(image.clone())));
    }
    case.observed.sources.searches.insert(search.clone(), Read::Known(images));
    assert_eq!(case.plan().image.unwrap().id, id(1));
    case.observed.sources.searches.insert(search, Read::Known(Vec::new()));
    let reason = case.plan().reason;
    assert!(reason.contains("no available image of self for arm64 is named hello-*; v001 stays as it is"), "{reason}");
}

#[test]
fn an_owner_is_trusted_by_the_alias_that_aws_gives_and_by_no_name() {
    for (owners, alias, change) in [
        (json!(["self", "amazon"]), Some("amazon"), Change::Replace),
        (json!(["self", "amazon"]), None, Change::Error),
        (json!(["self", "aws-marketplace"]), Some("amazon"), Change::Error),
        (json!(["999999999999"]), None, Change::Replace),
    ] {
        let mut case = Case::serving(FOREIGN_IMAGE, json!({}));
        case.desired.environment.image_owners = serde_json::from_value(owners.clone()).unwrap();
        let Some(Read::Known(Some(image))) = case.observed.images.get_mut(FOREIGN_IMAGE) else { panic!() };
        image.owner_alias = alias.map(str::to_owned);
        assert_eq!(case.plan().change, change, "{owners} {alias:?}");
    }
}

#[test]
fn while_the_source_cannot_be_read_a_generation_under_traffic_is_watched_all_the_same() {
    for (health, expected) in
        [(Health::Healthy, vec![]), (Health::Unhealthy, vec!["shift to a", "tag hello-prod-v002 failed,failed-at"])]
    {
        let mut case = baking(health, 60);
        take_from(&mut case, json!({"ssmParameter": PARAMETER}));
        case.observed.sources.parameters.insert(PARAMETER.to_owned(), Read::Unknown("Rate exceeded".to_owned()));
        let plan = case.plan();
        assert_eq!(plan.change, Change::Replace, "{}", plan.reason);
        assert_eq!(calls(&plan), expected);
        assert!(!plan.is_settled());
    }
}

#[test]
fn the_version_and_all_that_is_said_of_an_image_is_in_the_plan_and_in_the_tags() {
    let mut case = Case::new(NEW_IMAGE, json!({"release": {"branch": "main"}})).with_front(Slot::B);
    let Some(Read::Known(Some(image))) = case.observed.images.get_mut(NEW_IMAGE) else { panic!() };
    image.created_at = Some(ago(86_400));
    let said = [("version", "1.9.0"), ("branch", "old"), ("commit", "3f2c1ab9d0e1f2a3b4c5")];
    image.tags = said.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let plan = case.plan();
    let shown = plan.fields.iter().find(|field| field.path == "image").unwrap().after.clone().unwrap();
    assert_eq!(shown, format!("{NEW_IMAGE} (1.9.0, main@3f2c1ab, built 2026-11-01)"));
    let Action::CreateGroup(group) = &plan.actions[1].action else { panic!() };
    assert_eq!(group.tags["amiable:branch"], "main", "the manifest knows better");
    assert_eq!(group.tags["amiable:build-date"], "2026-11-01T12:00:00Z");
}

/// The record in `test` says that a person has turned the image down.
fn turned_down_in_test(case: &mut Case, image: &str) {
    deployed_in_test(case, image, 7200);
    let key = ("test".parse().unwrap(), scope().app);
    let Some(Read::Known(Some(record))) = case.observed.sources.deployed.get_mut(&key) else { panic!() };
    let reason = "rolled back by ada: slow".to_owned();
    record.turned_down = Some(crate::model::record::TurnedDown { at: now(), by: "ada".to_owned(), reason });
}

#[test]
fn what_the_other_environment_has_turned_down_is_neither_begun_nor_brought_to_an_end() {
    let source = || json!({"fromEnvironment": {"name": "test"}});
    let mut case = serving_from(source());
    turned_down_in_test(&mut case, NEW_IMAGE);
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    let words = format!("test has turned down {NEW_IMAGE} (rolled back by ada: slow)");
    assert!(plan.reason.contains(&words) && plan.reason.ends_with("v001 stays as it is"), "{}", plan.reason);

    let on_its_way = |live: Slot, second: &dyn Fn(&mut Group)| {
        let mut case = Case::new(NEW_IMAGE, json!({}))
            .with_front(live)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, second);
        take_from(&mut case, source());
        turned_down_in_test(&mut case, NEW_IMAGE);
        case
    };
    let launching = on_its_way(Slot::A, &|_| {});
    assert_eq!(launching.calls(), ["tag hello-prod-v002 failed,failed-at"]);
    assert!(
        launching.plan().reason.contains("test has turned it down: rolled back by ada"),
        "{}",
        launching.plan().reason
    );
    let baking = on_its_way(Slot::B, &|group| group.owner.shifted_at = Some(ago(60)));
    assert_eq!(baking.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    let watched = on_its_way(Slot::B, &|group| group.owner.shifted_at = Some(ago(900)));
    assert_eq!(watched.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"], "nor is it recorded");
    let deployed = on_its_way(Slot::B, &|group| {
        group.owner.shifted_at = Some(ago(900));
        group.owner.recorded_at = Some(ago(600));
    });
    assert_eq!(
        (deployed.plan().change, deployed.calls()),
        (Change::Blocked, vec![]),
        "what is deployed is for a person"
    );
}

#[test]
fn nothing_is_launched_but_what_was_shown_to_whoever_agreed_to_the_plan() {
    let third = "ami-00000000000000003";
    let leads_to = |image_id: &str, shown: Option<&str>, second: bool| {
        let mut case = serving_from(json!({"ssmParameter": PARAMETER}));
        let (id, known) = image(third, ACCOUNT);
        case.observed.images.insert(id, known);
        if second {
            case = case.with_group(2, NEW_IMAGE, Health::Initial, |_| {});
        }
        if let Some(shown) = shown {
            holds(&mut case, shown);
            let template = case.plan().template.unwrap();
            case.desired.shown = Some(BTreeMap::from([(scope().app, template)]));
        }
        holds(&mut case, image_id);
        case
    };
    let launch = ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"];
    assert_eq!(leads_to(third, None, false).calls(), launch, "nobody was asked");
    assert_eq!(leads_to(NEW_IMAGE, Some(NEW_IMAGE), false).calls(), launch);
    for shown in [NEW_IMAGE, OLD_IMAGE] {
        let plan = leads_to(third, Some(shown), false).plan();
        assert_eq!((plan.change, plan.unshown, plan.actions.len()), (Change::Blocked, true, 0), "{shown}");
        let words = format!("a release of {third} is wanted by now, which the plan did not show");
        assert!(plan.reason.contains(&words) && plan.reason.ends_with("v001 stays as it is"), "{}", plan.reason);
    }
    // What was shown and is on its way is completed; without a word it would make room for the newer one.
    let under_way = leads_to(third, Some(NEW_IMAGE), true);
    assert_eq!((under_way.calls(), under_way.plan().unshown), (vec![], true));
    assert_eq!(under_way.plan().to, Some(Generation(2)));
    assert_eq!(leads_to(third, None, true).plan().to, Some(Generation(3)));
}
