//! Where images come from: what is deployed by itself, what waits for a time or a person, and what is never launched.

use std::collections::BTreeSet;
use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::names::Generation;
use amiable::model::plan::{AppPlan, Change};
use amiable::model::time::Timestamp;
use amiable::plan::intent::{About, pin, promote, rollback};
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::World;
use amiable::sim::world::example::{
    FOREIGN_ACCOUNT, HELLO_1_0, HELLO_1_1, HELLO_ARM, HELLO_BAD, HELLO_FOREIGN, HELLO_SICK_LATER,
};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{serving, settles};
use crate::lab::{Lab, app};

const PARAMETER: &str = "/images/hello/stable";
const FOLLOWED: &str = "{ssmParameter: /images/hello/stable}";
const BY_HAND: &str = "{ssmParameter: /images/hello/stable, track: manual}";
const NEWER: &str = "ami-00000000000000200";
const NEWEST: &str = "ami-00000000000000210";

/// The manifest of `hello` with this source of images.
fn from(source: &str, extra: &str) -> String {
    app("hello", HELLO_1_0, extra).replace(&format!("{{id: {HELLO_1_0}}}"), source)
}

async fn deployed_from(source: &str, extra: &str) -> Lab {
    let mut lab = Lab::new().await;
    lab.put_parameter(PARAMETER, HELLO_1_0);
    lab.write("hello", from(source, extra));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.diary();
    lab
}

fn fields(plan: &AppPlan) -> String {
    let field = |path: &str, before: &Option<String>, after: &Option<String>| {
        let [before, after] = [before, after].map(|side| side.clone().unwrap_or_default());
        format!("{path}: {before} → {after}")
    };
    plan.fields.iter().map(|change| field(&change.path, &change.before, &change.after)).collect::<Vec<_>>().join("\n")
}

fn record(lab: &Lab, environment: &str) -> Value {
    lab.simulation.with(|world| {
        let parameter = world.parameters.all.get(&format!("/amiable/{environment}/hello/deployed")).unwrap();
        serde_json::from_str(&parameter.latest().unwrap().value).unwrap()
    })
}

/// The images of all instances that run.
fn images(lab: &Lab) -> BTreeSet<String> {
    lab.simulation.with(|world| {
        let all = world.compute.instances.values().filter(|instance| instance.stopped_at.is_none());
        all.map(|instance| instance.image_id.clone()).collect()
    })
}

async fn sleep_until(lab: &Lab, at: Timestamp) {
    let seconds = at.as_second() - lab.clock.now().as_second();
    lab.pass(u64::try_from(seconds).unwrap() + 1).await;
}

/// An image that is newer than those of the example, with tags.
fn register(lab: &Lab, id: &str, name: &str, tags: &[(&str, &str)]) {
    lab.simulation.with(|world| {
        world.add_image(id, name, "");
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        world.images.all.entry(id.to_owned()).and_modify(|image| image.tags.extend(tags));
    });
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_moves_is_a_new_generation() {
    let lab = deployed_from(FOLLOWED, "").await;
    settles(&lab).await;
    let tags = [("version", "2.0.0"), ("commit", "3f2c1ab9d0e1f2a3b4c5"), ("build-date", "2026-11-02")];
    register(&lab, NEWER, "hello 2.0.0", &tags);
    lab.put_parameter(PARAMETER, NEWER);
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Replace);
    assert_snapshot!(fields(&plan), @"image: ami-00000000000000100 (hello 1.0.0, built 2026-11-02) → ami-00000000000000200 (2.0.0, 3f2c1ab, built 2026-11-02) from ssmParameter /images/hello/stable");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:14 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:14 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:14 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:14 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    let record = record(&lab, "prod");
    assert_eq!(record["image"], NEWER);
    assert_eq!(record["imageSource"], json!({"source": "ssmParameter", "expression": PARAMETER}));
    assert_eq!(
        record["release"],
        json!({"version": "2.0.0", "commit": "3f2c1ab9d0e1f2a3b4c5", "buildDate": "2026-11-02"})
    );
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_search_takes_the_newest_image_that_is_available_and_fits() {
    let mut lab = Lab::new().await;
    let tested: &[(&str, &str)] = &[("tested", "true")];
    register(&lab, "ami-00000000000000199", "web 1.9.0", tested);
    lab.write("hello", from("{search: {name: \"web *\", tags: {tested: \"true\"}}}", ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    lab.pass(60).await;
    // Newer all of them, and none that fits: not tested, not the name, not for this instance type, not there yet.
    register(&lab, "ami-00000000000000201", "web 2.0.1", &[]);
    register(&lab, "ami-00000000000000202", "website 2.0.2", tested);
    register(&lab, "ami-00000000000000203", "web 2.0.3", tested);
    register(&lab, "ami-00000000000000204", "web 2.0.4", tested);
    lab.simulation.with(|world| {
        let mut change = |id: &str, architecture: &str, state: &str| {
            let image = world.images.all.get_mut(id).unwrap();
            (image.architecture, image.state) = (architecture.to_owned(), state.to_owned());
        };
        change("ami-00000000000000203", "arm64", "available");
        change("ami-00000000000000204", "x86_64", "pending");
    });
    settles(&lab).await;
    // Of two that are equally new the one with the higher id.
    register(&lab, NEWEST, "web 2.1.1", tested);
    register(&lab, NEWER, "web 2.1.0", tested);
    assert_snapshot!(fields(&lab.plan("hello").await), @"image: ami-00000000000000199 (web 1.9.0, built 2026-11-02) → ami-00000000000000210 (web 2.1.1, built 2026-11-02) from search web *, tested=true");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(record(&lab, "prod")["image"], NEWEST);
    assert_eq!(record(&lab, "prod")["imageSource"], json!({"source": "search", "expression": "web *, tested=true"}));
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_search_never_takes_a_newer_look_alike_of_another_owner() {
    let lab = deployed_from("{search: {name: \"hello 1.0.*\"}}", "").await;
    lab.pass(60).await;
    // Public, newer, and of the very same name; even of an owner whom the environment trusts for other things.
    register(&lab, NEWER, "hello 1.0.0", &[]);
    lab.simulation.with(|world| {
        let image = world.images.all.get_mut(NEWER).unwrap();
        (image.owner, image.public) = (FOREIGN_ACCOUNT.to_owned(), true);
    });
    settles(&lab).await;
    let mut trusting = lab.fork().await;
    trusting.environment(&format!("  imageOwners: [self, \"{FOREIGN_ACCOUNT}\"]\n"));
    settles(&trusting).await;
    trusting.write("hello", from(&format!("{{search: {{name: \"hello 1.0.*\", owner: \"{FOREIGN_ACCOUNT}\"}}}}"), ""));
    assert_eq!(trusting.plan("hello").await.image.unwrap().id, NEWER, "unless it is asked for");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_followed_by_hand_is_shown_and_deployed_once_it_is_promoted() {
    let mut lab = deployed_from(BY_HAND, "").await;
    settles(&lab).await;
    register(&lab, NEWER, "hello 2.0.0", &[("version", "2.0.0"), ("commit", "3f2c1ab9d0e1f2a3b4c5")]);
    lab.put_parameter(PARAMETER, NEWER);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
    assert_snapshot!(lab.plan("hello").await.notes.join("\n"), @"newer: ami-00000000000000200 (2.0.0, 3f2c1ab, built 2026-11-02), `amiable promote` deploys it");

    // What else changes is deployed with the image that serves.
    lab.write("hello", from(BY_HAND, "").replace("m7i.large", "m7i.xlarge"));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(images(&lab), BTreeSet::from([HELLO_1_0.to_owned()]));
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    lab.diary();

    assert_eq!(promote_newer(&lab, "fixes the cart").await.unwrap(), NEWER);
    assert_eq!(lab.plan("hello").await.change, Change::Replace);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    74:52 CreateLaunchTemplate hello-prod-v003: v002 was born with another template
    74:52 CreateAutoScalingGroup hello-prod-v003: v002 was born with another template
    75:29 CreateOrUpdateTags hello-prod-v003: all instances are healthy: the stability window begins
    75:59 ModifyListener listener/hello-prod: v003 is healthy: it takes all traffic
    75:59 CreateOrUpdateTags hello-prod-v003: v003 takes over: its bake begins
    80:59 PutParameter /amiable/prod/hello/deployed: v003 is deployed
    80:59 CreateOrUpdateTags hello-prod-v003: v003 is recorded
    ");
    assert_eq!(record(&lab, "prod")["image"], NEWER);
    assert!(promote_newer(&lab, "").await.unwrap_err().contains("is the newest image"));
    settles(&lab).await;
}

/// Promotes the newer image, as `amiable promote` does.
async fn promote_newer(lab: &Lab, why: &str) -> Result<String, String> {
    let desired = lab.desired();
    let (observed, _) = lab.look().await;
    let app = &desired.apps[&"hello".parse().unwrap()];
    let about = About { desired: &desired, app, observed: &observed, why: Some(why), now: lab.clock.now() };
    let intent = promote(&about, false)?;
    for planned in &intent.actions {
        amiable::aws::act::perform(&lab.aws, &app.scope, &planned.action).await.unwrap();
    }
    Ok(intent.decision.to.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_promoted_image_that_fails_leaves_the_one_before_and_is_not_tried_again() {
    let lab = deployed_from(BY_HAND, "  progressDeadline: 5m\n").await;
    lab.put_parameter(PARAMETER, HELLO_BAD);
    promote_newer(&lab, "").await.unwrap();
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
    // The next one is promoted as any other.
    lab.put_parameter(PARAMETER, HELLO_1_1);
    promote_newer(&lab, "repaired").await.unwrap();
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v003".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_promoted_that_could_not_be_launched_or_is_followed_by_itself() {
    let mut lab = deployed_from(BY_HAND, "").await;
    for (image, words) in [
        (HELLO_FOREIGN, "does not exist in us-west-2, or is not shared"),
        (HELLO_ARM, "is for arm64, but instance type m7i.large runs x86_64"),
        (HELLO_1_0, "is the newest image"),
    ] {
        lab.put_parameter(PARAMETER, image);
        let why = promote_newer(&lab, "").await.unwrap_err();
        assert!(why.contains(words), "{why}");
    }
    lab.delete_parameter(PARAMETER);
    assert!(promote_newer(&lab, "").await.unwrap_err().contains("does not exist"));
    settles(&lab).await;
    lab.write("hello", from(FOLLOWED, ""));
    assert!(promote_newer(&lab, "").await.unwrap_err().contains("no release is under way"));
}

/// `hello` in `test`, by its id, and in `prod`, from `test` after two hours.
fn handed_over(image: &str) -> String {
    let environments = "environments:\n  test: {}\n  prod: {image: {fromEnvironment: {name: test, after: 2h}}}\n";
    app("hello", image, "").replace("environments: {prod: {}}\n", environments)
}

#[tokio::test(start_paused = true)]
async fn an_environment_deploys_what_another_one_has_run_for_long_enough() {
    let mut lab = Lab::new().await;
    lab.environment_called("test", "");
    register(&lab, NEWER, "hello 2.0.0", &[("version", "2.0.0")]);
    lab.write("hello", handed_over(HELLO_1_0));
    // Nothing is deployed in test, so that there is nothing to hand over.
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.plan("hello").await.reason, @"nothing of hello is recorded as deployed in test yet (SSM parameter /amiable/test/hello/deployed)");
    lab.turn_to("test");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.turn_to("prod");
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    let plan = lab.plan("hello").await;
    assert_snapshot!(plan.reason, @"waits until 2026-11-02T14:07:05.92Z: test has deployed ami-00000000000000100 since 2026-11-02T12:07:05.92Z");
    sleep_until(&lab, plan.wake_at.unwrap()).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(record(&lab, "prod")["image"], HELLO_1_0);
    assert_eq!(
        record(&lab, "prod")["imageSource"],
        json!({"source": "fromEnvironment", "expression": "test after 2h"})
    );
    settles(&lab).await;

    // The next one: prod keeps what it has until its time has come.
    lab.write("hello", handed_over(NEWER));
    lab.turn_to("test");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.turn_to("prod");
    lab.pass(3600).await;
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    let plan = lab.plan("hello").await;
    assert_snapshot!(format!("{}\n{}", plan.reason, fields(&plan)), @"
    waits until 2026-11-02T16:20:20.12Z: test has deployed ami-00000000000000200 since 2026-11-02T14:20:20.12Z
    image: ami-00000000000000100 (built 2026-11-02) → ami-00000000000000200 (2.0.0, built 2026-11-02) from fromEnvironment test after 2h
    ");
    assert!(serving(&lab).contains(&("hello-prod-v001".to_owned(), 2)));
    sleep_until(&lab, plan.wake_at.unwrap()).await;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    260:21 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    260:21 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    260:58 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    261:28 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    261:28 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    266:28 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    266:28 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    assert_eq!(record(&lab, "prod")["release"]["version"], "2.0.0");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_under_way_is_completed_when_its_source_names_another_image_for_later() {
    let mut lab = Lab::new().await;
    lab.environment_called("test", "");
    lab.write("hello", handed_over(HELLO_1_0));
    lab.turn_to("test");
    lab.apply(false).await;
    lab.pass(7200).await;
    lab.turn_to("prod");
    let (outcome, ()) = tokio::join!(lab.apply(false), async {
        lab.pass(60).await;
        let mut record = record(&lab, "test");
        record["image"] = json!(HELLO_1_1);
        record["deployedAt"] = json!(lab.clock.now());
        lab.put_parameter("/amiable/test/hello/deployed", &record.to_string());
    });
    assert_eq!(outcome, Outcome::Blocked);
    assert_eq!(
        serving(&lab).into_iter().find(|(group, _)| group == "hello-prod-v001"),
        Some(("hello-prod-v001".into(), 2))
    );
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0));
    assert_eq!(record(&lab, "prod")["image"], HELLO_1_0);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_gone_or_makes_no_sense_leaves_what_runs_alone_and_heals() {
    let mut lab = deployed_from(FOLLOWED, "").await;
    lab.delete_parameter(PARAMETER);
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.plan("hello").await.reason, @"SSM parameter /images/hello/stable does not exist in us-west-2; v001 stays as it is");
    lab.put_parameter(PARAMETER, "s3cret");
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.plan("hello").await.reason, @"SSM parameter /images/hello/stable does not hold the id of an image; v001 stays as it is");
    // What changes in place is changed; what would need a launch is not.
    lab.write("hello", from(FOLLOWED, "").replace("max: 4", "max: 6").replace("m7i.large", "m7i.xlarge"));
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_snapshot!(lab.diary(), @"
    07:07 UpdateAutoScalingGroup hello-prod-v001: the group differs from the manifest
    07:07 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);

    lab.put_parameter(PARAMETER, HELLO_1_1);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_app_waits_for_its_first_image() {
    let mut lab = Lab::new().await;
    lab.write("hello", from(FOLLOWED, ""));
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert_eq!(lab.diary(), "");
    lab.put_parameter(PARAMETER, HELLO_1_0);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn packers_manifest_names_the_image() {
    let mut lab = Lab::new().await;
    let build = |run: &str, image: &str| json!({"name": "hello", "artifact_id": format!("eu-west-1:{NEWEST},us-west-2:{image}"), "packer_run_uuid": run});
    let one = json!({"builds": [build("1", HELLO_1_0)], "last_run_uuid": "1"});
    lab.attach("packer/manifest.json", &one.to_string());
    lab.write("hello", from("{packerManifest: packer/manifest.json}", ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    let two = json!({"builds": [build("1", HELLO_1_0), build("2", HELLO_1_1)], "last_run_uuid": "2"});
    lab.attach("packer/manifest.json", &two.to_string());
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 CreateLaunchTemplate hello-prod-v002: v001 was born with another template
    07:07 CreateAutoScalingGroup hello-prod-v002: v001 was born with another template
    07:43 CreateOrUpdateTags hello-prod-v002: all instances are healthy: the stability window begins
    08:13 ModifyListener listener/hello-prod: v002 is healthy: it takes all traffic
    08:13 CreateOrUpdateTags hello-prod-v002: v002 takes over: its bake begins
    13:13 PutParameter /amiable/prod/hello/deployed: v002 is deployed
    13:13 CreateOrUpdateTags hello-prod-v002: v002 is recorded
    ");
    let source = json!({"source": "packerManifest", "expression": "packer/manifest.json"});
    assert_eq!(record(&lab, "prod")["imageSource"], source);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_not_run_is_refused_before_anything_is_created() {
    let mut lab = Lab::new().await;
    lab.write("hello", from(FOLLOWED, ""));
    lab.simulation.with(|world| {
        for (id, state) in [(NEWER, "pending"), (NEWEST, "deregistered")] {
            world.add_image(id, "hello", "");
            world.images.all.entry(id.to_owned()).and_modify(|image| image.state = state.to_owned());
        }
        world.images.all.entry(HELLO_FOREIGN.to_owned()).and_modify(|image| image.public = true);
    });
    for (image, words) in [
        (HELLO_FOREIGN, "belongs to account 999999999999, which is not among the environment's imageOwners (self)"),
        (HELLO_ARM, "is for arm64, but instance type m7i.large runs x86_64"),
        (NEWER, "is pending, not available"),
        (NEWEST, "is deregistered, not available"),
        ("ami-00000000000000999", "does not exist in us-west-2"),
    ] {
        lab.put_parameter(PARAMETER, image);
        assert_eq!(lab.apply(false).await, Outcome::Failed, "{image}");
        let plan = lab.plan("hello").await;
        assert!(plan.reason.contains(words), "{}", plan.reason);
        assert_eq!((lab.diary().as_str(), plan.change), ("", Change::Error), "{image}");
    }
    // The same beside an app that runs: it stays.
    lab.put_parameter(PARAMETER, HELLO_1_0);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    lab.diary();
    lab.put_parameter(PARAMETER, HELLO_FOREIGN);
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!((lab.diary(), serving(&lab)), (String::new(), vec![("hello-prod-v001".to_owned(), 2)]));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_born_later_runs_exactly_the_recorded_release() {
    for (source, extra) in [(BY_HAND, ""), (FOLLOWED, "  suspend: {reason: incident 42}\n")] {
        let mut lab = deployed_from(source, "").await;
        lab.write("hello", from(source, extra));
        lab.put_parameter(PARAMETER, HELLO_1_1);
        let victims = lab.instances("hello-prod-v001");
        for victim in &victims {
            lab.by_hand("ec2", "TerminateInstances", &[("InstanceId.1", victim)]);
        }
        lab.pass(240).await;
        lab.apply(false).await;
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        assert!(lab.instances("hello-prod-v001").iter().all(|instance| !victims.contains(instance)));
        assert_eq!(images(&lab), BTreeSet::from([HELLO_1_0.to_owned()]), "{source}");
        assert_eq!(record(&lab, "prod")["image"], HELLO_1_0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_read_is_not_taken_for_one_that_leads_to_nothing() {
    let lab = deployed_from(FOLLOWED, "").await;
    lab.put_parameter(PARAMETER, HELLO_SICK_LATER);
    // From the shift of the new generation on, until it has fallen sick and the one before serves again.
    let during = async {
        lab.pass(90).await;
        lab.simulation.set_faults(Some(Box::new(throttled)));
        lab.pass(120).await;
        let now = serving(&lab);
        lab.simulation.set_faults(None);
        now
    };
    let (outcome, meanwhile) = tokio::join!(lab.apply(false), during);
    assert_eq!(meanwhile, [("hello-prod-v001".to_owned(), 2)], "{}", lab.diary());
    assert_eq!(outcome, Outcome::ReleaseFailed);
    lab.diary();
    lab.simulation.set_faults(Some(Box::new(throttled)));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("could not be read"), "{}", plan.reason);
    lab.simulation.set_faults(None);
    assert_eq!(lab.plan("hello").await.change, Change::Blocked);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
}

/// While this lasts, what the parameter holds cannot be read.
fn throttled(request: &Request, _: bool) -> Option<Fault> {
    let refused = request.operation == "GetParameters" && String::from_utf8_lossy(&request.body).contains(PARAMETER);
    refused.then(|| Fault::Refuse(ApiError::new("ThrottlingException", "Rate exceeded")))
}

#[tokio::test(start_paused = true)]
async fn what_was_rolled_back_is_not_forgotten_while_nobody_can_tell_what_is_wanted() {
    for (name, pinned) in [("unread", false), ("unread", true), ("nothing", false)] {
        let lab = deployed_from(FOLLOWED, "").await;
        lab.put_parameter(PARAMETER, HELLO_1_1);
        assert_eq!(lab.apply(false).await, Outcome::Converged);
        lab.say("hello", "slow", |about| rollback(about, None, &[])).await;
        // v002 has given its traffic back and is empty; v001 bakes again.
        lab.apply_for(Duration::from_secs(120)).await;
        if pinned {
            lab.say("hello", "", pin).await;
        }
        match name {
            "unread" => lab.simulation.set_faults(Some(Box::new(throttled))),
            _ => lab.delete_parameter(PARAMETER),
        }
        lab.apply_for(Duration::from_secs(120)).await;
        lab.simulation.set_faults(None);
        lab.put_parameter(PARAMETER, HELLO_1_1);
        lab.apply(false).await;
        let diary = lab.diary();
        assert!(!diary.contains("DeleteAutoScalingGroup") && !diary.contains("v003"), "{name} {pinned}: {diary}");
        assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
        assert_eq!(lab.plan("hello").await.change, Change::Blocked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_skips_a_generation_is_gone_whatever_cannot_be_read() {
    let lab = deployed_from(FOLLOWED, "").await;
    register(&lab, NEWER, "hello 2.0.0", &[]);
    for image in [HELLO_1_1, NEWER] {
        lab.put_parameter(PARAMETER, image);
        assert_eq!(lab.apply(false).await, Outcome::Converged);
    }
    lab.diary();
    lab.simulation.set_faults(Some(Box::new(throttled)));
    let history = lab.history("hello").await;
    lab.say("hello", "v002 is no better", |about| rollback(about, Some(Generation(1)), &history)).await;
    lab.apply_for(Duration::from_secs(1200)).await;
    let diary = lab.diary();
    assert!(diary.contains("v004 is healthy: it takes all traffic"), "{diary}");
    assert!(!diary.contains("v002 serves again"), "{diary}");
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    assert_eq!(serving(&lab), [("hello-prod-v004".to_owned(), 2)]);
    assert_eq!(record(&lab, "prod")["image"], HELLO_1_0);
}

#[tokio::test(start_paused = true)]
async fn a_canary_is_watched_and_goes_on_while_its_source_cannot_be_read() {
    let steps = "  strategy: {canary: {steps: [{weight: 50}, {pause: 10m}]}}\n";
    for (image, seconds, serves, outcome) in
        [(HELLO_SICK_LATER, 120, "v001", Outcome::ReleaseFailed), (HELLO_1_1, 950, "v002", Outcome::Converged)]
    {
        let lab = deployed_from(FOLLOWED, steps).await;
        lab.put_parameter(PARAMETER, image);
        lab.apply_for(Duration::from_secs(80)).await;
        assert_eq!(super::weight(&lab, "hello-prod-b"), 50, "{}", lab.diary());
        lab.simulation.set_faults(Some(Box::new(throttled)));
        let during = async {
            lab.pass(seconds).await;
            let now = serving(&lab);
            lab.simulation.set_faults(None);
            now
        };
        let (ended, meanwhile) = tokio::join!(lab.apply(false), during);
        assert_eq!(meanwhile, [(format!("hello-prod-{serves}"), 2)], "{}", lab.diary());
        assert_eq!(ended, outcome, "{}", lab.diary());
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_account_has_deployed_is_read_there_and_launched_here() {
    const STAGING: &str = "210987654321";
    let mut lab = Lab::new().await;
    lab.environment(&format!("  imageOwners: [self, \"{STAGING}\"]\n"));
    let there = "  assumeRole: \"arn:aws:iam::210987654321:role/amiable\"\n";
    lab.environment_called("test", there);
    lab.edit_environment("test", "\"123456789012\"", &format!("\"{STAGING}\""));
    register(&lab, NEWER, "hello 2.0.0", &[]);
    lab.simulation.with(|world| {
        // Shared by its owner; its tags are not.
        let image = world.images.all.get_mut(NEWER).unwrap();
        (image.owner, image.public) = (STAGING.to_owned(), true);
        let staging = World::empty(STAGING, "us-west-2", world.now);
        world.neighbours.insert(STAGING.to_owned(), staging);
    });
    let environments = "environments:\n  test: {}\n  prod: {image: {fromEnvironment: {name: test}}}\n";
    lab.write("hello", app("hello", HELLO_1_0, "").replace("environments: {prod: {}}\n", environments));
    assert_eq!(lab.apply(false).await, Outcome::Blocked);
    assert!(lab.plan("hello").await.reason.contains("nothing of hello is recorded as deployed in test yet"));
    let record = json!({
        "app": "hello", "environment": "test", "generation": 7, "image": NEWER, "templateHash": "1-0a1b",
        "release": {"version": "2.0.0", "commit": "3f2c1ab9d0e1f2a3b4c5"}, "artifacts": {"assets": "s3://b/2.0.0.tgz"},
        "deployedAt": lab.clock.now(), "deployedBy": "arn:aws:iam::210987654321:user/grace",
    });
    let input = json!({"Name": "/amiable/test/hello/deployed", "Value": record.to_string(), "Type": "String"});
    lab.in_account(STAGING, "ssm", "PutParameter", &input);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let deployed = self::record(&lab, "prod");
    assert_eq!(deployed["image"], NEWER);
    assert_eq!((&deployed["release"]["version"], &deployed["artifacts"]), (&json!("2.0.0"), &record["artifacts"]));
    settles(&lab).await;
    // Where the role cannot be assumed, nothing is known of it, and what runs stays.
    let mut locked = lab.fork().await;
    locked.restart().await;
    locked.simulation.with(|world| {
        let role = "arn:aws:iam::210987654321:role/amiable".to_owned();
        world.identities.external_ids.insert(role, "secret".to_owned());
    });
    let plan = locked.plan("hello").await;
    assert!(plan.change == Change::Error && plan.reason.contains("could not be read"), "{plan:?}");
    assert_eq!(serving(&locked), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_test_has_turned_down_is_not_taken_over_at_whatever_moment_that_is_said() {
    for seconds in [None, Some(20), Some(150)] {
        let mut lab = Lab::new().await;
        lab.environment_called("test", "");
        register(&lab, NEWER, "hello 2.0.0", &[]);
        let handed = |image: &str| handed_over(image).replace(", after: 2h", "");
        for image in [HELLO_1_0, NEWER] {
            lab.write("hello", handed(image));
            lab.turn_to("test");
            assert_eq!(lab.apply(false).await, Outcome::Converged);
            lab.turn_to("prod");
            if image == HELLO_1_0 {
                assert_eq!(lab.apply(false).await, Outcome::Converged);
            }
        }
        // Before prod has begun, while its release is launched, or while that bakes.
        if let Some(seconds) = seconds {
            assert_eq!(lab.apply_for(Duration::from_secs(seconds)).await, Outcome::TimedOut);
        }
        lab.turn_to("test");
        lab.say("hello", "loses orders", |about| rollback(about, None, &[])).await;
        lab.apply_for(Duration::from_secs(30)).await;
        lab.turn_to("prod");
        lab.diary();
        lab.apply(false).await;
        let serves: Vec<String> =
            serving(&lab).into_iter().map(|(name, _)| name).filter(|name| name.contains("prod")).collect();
        assert_eq!(serves, ["hello-prod-v001"], "{seconds:?}: {}", lab.diary());
        assert_eq!(record(&lab, "prod")["image"], HELLO_1_0, "{seconds:?}");
        let plan = lab.plan("hello").await;
        assert!(plan.reason.contains("test has turned") && plan.reason.contains("loses orders"), "{}", plan.reason);
        // What test goes back to is what counts there afterwards.
        lab.turn_to("test");
        assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
        assert_eq!(record(&lab, "test")["image"], HELLO_1_0);
        assert!(record(&lab, "test").get("turnedDown").is_none());
        lab.turn_to("prod");
        assert_eq!(lab.apply(true).await, Outcome::Converged, "{seconds:?}");
        settles(&lab).await;
    }
}
