//! What has traffic is watched, whatever else fails: a tag, a name, a setting, a manifest.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::action::Action;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::dns::{RecordSet, normalised};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER};
use insta::assert_snapshot;

use super::dns::by_somebody;
use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

/// AWS refuses a call from now on where this holds, for want of a permission.
fn refuse(lab: &Lab, operation: &'static str, holds: fn(&Request) -> bool) {
    refuse_as(lab, ApiError::new("AccessDenied", "You are not authorized to perform this operation"), operation, holds);
}

/// The same with these words.
fn refuse_as(lab: &Lab, words: ApiError, operation: &'static str, holds: fn(&Request) -> bool) {
    lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
        (request.operation == operation && holds(request)).then(|| Fault::Refuse(words.clone()))
    })));
}

/// For want of a permission, and as a setting that cannot be.
fn refusals() -> [ApiError; 2] {
    let denied = ApiError::new("AccessDenied", "You are not authorized to perform this operation");
    let cannot = "Access Denied for bucket: acme-logs. Please check S3bucket permission";
    [denied, ApiError::new("InvalidConfigurationRequest", cannot)]
}

/// The setting that AWS refuses.
const REFUSED: &str = "  loadBalancer: {accessLogs: {bucket: acme-logs}}\n";

fn names_tag(request: &Request, key: &str) -> bool {
    (1..=10).any(|index| request.params.get(&format!("Tags.member.{index}.Key")).is_some_and(|found| found == key))
}

/// How often the weights were moved.
fn shifts(lab: &Lab) -> usize {
    lab.acted().iter().filter(|action| matches!(action, Action::Shift { .. })).count()
}

/// Nothing but the first generation serves, with both of its instances, and the second one says why it does not.
pub(super) fn is_back(lab: &Lab) {
    assert_eq!((weight(lab, "hello-prod-a"), weight(lab, "hello-prod-b")), (100, 0), "{}", lab.diary());
    assert_eq!(serving(lab), [("hello-prod-v001".to_owned(), 2)]);
    let failed = lab.simulation.with(|world| {
        let group = world.scaling.groups.get("hello-prod-v002").expect("the tombstone stays");
        group.tags.contains_key("amiable:failed")
    });
    assert!(failed, "{}", lab.diary());
}

/// A release that falls sick two minutes after it has answered first, half a minute after it has taken over.
pub(super) async fn baking(extra: &str) -> Lab {
    baking_of(HELLO_SICK_LATER, extra).await
}

/// A release of this image that has taken over half a minute ago.
pub(super) async fn baking_of(image: &str, extra: &str) -> Lab {
    let mut lab = deployed(extra).await;
    lab.write("hello", app("hello", image, extra));
    lab.apply_for(Duration::from_secs(90)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 100, "{}", lab.diary());
    lab.diary();
    lab
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_no_tag_can_tell_of_is_watched_by_its_weight() {
    let mut lab = deployed("").await;
    refuse(&lab, "CreateOrUpdateTags", |request| names_tag(request, "amiable:shifted-at"));
    lab.write("hello", app("hello", HELLO_SICK_LATER, ""));
    let outcome = lab.apply(false).await;
    is_back(&lab);
    assert_eq!((outcome, shifts(&lab)), (Outcome::ReleaseFailed, 3), "{}", lab.diary());
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    is_back(&lab);
}

#[tokio::test(start_paused = true)]
async fn a_canary_whose_step_cannot_be_noted_keeps_its_share() {
    const STEPS: &str =
        "  strategy: {canary: {steps: [{weight: 5}, {pause: 10m}, {weight: 50}, {pause: 5m}], bakeTime: 5m}}\n";
    let mut lab = deployed(STEPS).await;
    lab.write("hello", app("hello", HELLO_1_1, STEPS));
    lab.apply_for(Duration::from_secs(300)).await;
    assert_eq!(weight(&lab, "hello-prod-b"), 5);
    let before = shifts(&lab);
    refuse(&lab, "CreateOrUpdateTags", |request| names_tag(request, "amiable:canary"));
    lab.apply_for(Duration::from_secs(1200)).await;
    assert_eq!((weight(&lab, "hello-prod-b"), shifts(&lab)), (5, before), "{}", lab.diary());
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_share_of_a_canary_that_cannot_be_noted_is_watched_by_its_weight() {
    const STEPS: &str = "  strategy: {canary: {steps: [{weight: 5}, {pause: 10m}], bakeTime: 5m}}\n";
    let mut lab = deployed(STEPS).await;
    refuse(&lab, "CreateOrUpdateTags", |request| names_tag(request, "amiable:canary"));
    lab.write("hello", app("hello", HELLO_SICK_LATER, STEPS));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    is_back(&lab);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_aws_refuses_in_the_bake_keeps_nobody_from_watching_it() {
    let mut lab = deployed("").await;
    refuse(&lab, "ChangeResourceRecordSets", |_| true);
    lab.write("hello", app("hello", HELLO_SICK_LATER, "  dns: {name: hello.internal.example.com}\n"));
    let outcome = lab.apply(false).await;
    is_back(&lab);
    assert_eq!(outcome, Outcome::ReleaseFailed, "{}", lab.diary());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_aws_refuses_keeps_a_good_release_from_its_record_only() {
    let mut lab = deployed("").await;
    refuse(&lab, "ChangeResourceRecordSets", |_| true);
    let named = app("hello", HELLO_1_1, "  dns: {name: hello.internal.example.com}\n");
    lab.write("hello", named);
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!((weight(&lab, "hello-prod-a"), weight(&lab, "hello-prod-b")), (0, 100), "{}", lab.diary());
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_aws_refuses_in_the_bake_keeps_nobody_from_watching_it() {
    let ground = baking("").await;
    let still = ground.still();
    for words in refusals() {
        let mut lab = ground.from_still(&still).await;
        refuse_as(&lab, words, "ModifyLoadBalancerAttributes", |_| true);
        lab.write("hello", app("hello", HELLO_SICK_LATER, REFUSED));
        let outcome = lab.apply(false).await;
        is_back(&lab);
        assert_eq!(outcome, Outcome::ReleaseFailed, "{}", lab.diary());
    }
}

/// AWS refuses the next calls that move weights.
fn refuse_shifts(lab: &Lab, mut times: u32) {
    lab.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| {
        let denied = || ApiError::new("AccessDenied", "You are not authorized to perform this operation");
        let refused = request.operation == "ModifyListener" && times > 0;
        times -= u32::from(refused);
        refused.then(|| Fault::Refuse(denied()))
    })));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_aws_refuses_is_tried_again_until_it_is_taken() {
    let lab = baking("").await;
    refuse_shifts(&lab, 3);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    is_back(&lab);

    let steps = "  strategy: {canary: {steps: [{weight: 10}, {pause: 30m}]}}\n";
    let mut lab = deployed(steps).await;
    lab.write("hello", app("hello", HELLO_SICK_LATER, steps));
    lab.apply_for(Duration::from_secs(90)).await;
    assert!(weight(&lab, "hello-prod-b") > 0, "{}", lab.diary());
    refuse_shifts(&lab, 3);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    is_back(&lab);
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_aws_refuses_in_the_bake_does_not_keep_a_good_release_from_its_record() {
    let ground = baking_of(HELLO_1_1, "").await;
    let still = ground.still();
    for words in refusals() {
        let mut lab = ground.from_still(&still).await;
        let said = words.message.clone();
        refuse_as(&lab, words, "ModifyLoadBalancerAttributes", |_| true);
        lab.write("hello", app("hello", HELLO_1_1, REFUSED));
        assert_eq!(lab.apply(false).await, Outcome::Failed);
        let diary = lab.diary();
        assert!(diary.contains("CreateOrUpdateTags hello-prod-v002: v002 is recorded"), "{diary}");
        assert!(diary.contains(&said), "{diary}");
        lab.simulation.set_faults(None);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        settles(&lab).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_record_beside_a_new_cname_is_a_conflict_before_the_release() {
    let mut lab = deployed("").await;
    let record = RecordSet {
        name: normalised("hello.internal.example.com"),
        kind: "TXT".to_owned(),
        ttl: Some(300),
        values: vec!["\"somebody\"".to_owned()],
        ..RecordSet::default()
    };
    by_somebody(&lab, record);
    lab.diary();
    let extra = "  dns: {name: hello.internal.example.com, type: CNAME}\n";
    lab.write("hello", app("hello", HELLO_SICK_LATER, extra));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "", "nothing is launched");
    let reason = lab.plan("hello").await.reason;
    assert_snapshot!(reason, @r#"dns.name hello.internal.example.com already has a record that is not this app's: TXT "somebody", beside which there can be no CNAME; remove it, leave out `dns.type`, or choose another name"#);
}

pub(super) type Breaks = fn(&mut Lab);

/// What may go wrong with manifests while a release is watched.
pub(super) fn breakages() -> Vec<(&'static str, Breaks, Outcome)> {
    fn with(lab: &mut Lab, extra: &str) {
        lab.write("hello", app("hello", HELLO_SICK_LATER, extra));
    }
    vec![
        ("a typing error", |lab| with(lab, "  instanses: {min: 2}\n"), Outcome::Failed),
        ("no YAML any more", |lab| lab.write("hello", "kind: [".to_owned()), Outcome::Failed),
        (
            "another app's broken file",
            |lab| lab.write("other", "apiVersion: amiable/v1\nkind: App\nmetadata: {name: [".to_owned()),
            Outcome::ReleaseFailed,
        ),
        ("another scheme", |lab| with(lab, "  loadBalancer: {scheme: internet-facing}\n"), Outcome::Failed),
        ("another port", |lab| with(lab, "  healthCheck: {port: 8080}\n"), Outcome::Failed),
        ("a name outside the zone", |lab| with(lab, "  dns: {name: hello.example.org}\n"), Outcome::Failed),
        (
            "a missing Packer manifest",
            |lab| {
                let text = app("hello", HELLO_SICK_LATER, "");
                lab.write("hello", text.replace("{id: ami-", "{packerManifest: packer.json} # {id: ami-"));
            },
            Outcome::Failed,
        ),
        (
            "taken out of the environment",
            |lab| {
                lab.write("other", app("other", HELLO_1_0, "  loadBalancer: none\n  suspend: {reason: later}\n"));
                lab.remove("hello");
            },
            Outcome::ReleaseFailed,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_release_is_watched_whatever_becomes_of_its_manifest() {
    let ground = baking("").await;
    let still = ground.still();
    for (what, breaks, expected) in breakages() {
        let mut lab = ground.from_still(&still).await;
        lab.lenient = true;
        breaks(&mut lab);
        let outcome = lab.apply(false).await;
        assert_eq!(outcome, expected, "{what}: {}", lab.diary());
        println!("{what}");
        is_back(&lab);
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_aws_refuses_for_long_is_told_and_is_never_called_unwatched_by_who_looks_meanwhile() {
    let lab = baking("").await;
    refuse_shifts(&lab, u32::MAX);
    for minute in 0..12 {
        lab.apply_for(Duration::from_secs(60)).await;
        let (observed, plan) = lab.look().await;
        let said = amiable::report::status::state(&observed, &plan.apps[0], plan.at);
        assert!(!said.contains("unwatched"), "minute {minute}: {said}\n{}", lab.diary());
    }
    let diary = lab.diary();
    assert!(diary.contains("ModifyListener") && diary.contains("AccessDenied"), "{diary}");
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    is_back(&lab);
}
