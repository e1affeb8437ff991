//! Several processes with different manifests, as tables: whose writing stands there, and which of them goes on.

use super::*;
use crate::model::tags;
use crate::model::writer::{Commits, Kinship, Writer};

const THIRD: &str = "ami-00000000000000003";
const OURS: &str = "1111111111111111111111111111111111111111";
const THEIRS: &str = "2222222222222222222222222222222222222222";

/// A process that began so many seconds ago, with other manifests.
fn other(seconds: u64, commit: Option<&str>) -> Option<Writer> {
    Some(Writer::new(ago(seconds), "arn:aws:iam::123456789012:user/bob", "something else", commit))
}

/// This process began 100 seconds ago and wants the third image. Generation 2 has the second one, and was made so many
/// seconds ago by this writer.
fn met(writer: Option<Writer>, made: u64) -> Case {
    let mut case = Case::new(THIRD, json!({}));
    let (id, image) = image(THIRD, ACCOUNT);
    case.observed.images.insert(id, image);
    case.desired.begun = Some(ago(100));
    case.with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed).with_group(
        2,
        NEW_IMAGE,
        Health::Healthy,
        |group| {
            group.created_at = ago(made);
            group.owner.writer = writer;
        },
    )
}

/// The same where both have commits.
fn with_commits(writer_began: u64, made: u64, kinship: Option<Kinship>) -> Case {
    let mut case = met(other(writer_began, Some(THEIRS)), made);
    case.desired.source =
        Source { directory: "manifests".to_owned(), commit: Some(OURS.to_owned()), ..Source::default() };
    if let Some(kinship) = kinship {
        case.observed.details.kinship.insert(commits(), Read::Known(kinship));
    }
    case
}

fn commits() -> Commits {
    Commits { directory: "manifests".to_owned(), ours: OURS.to_owned(), theirs: THEIRS.to_owned() }
}

fn gave_way(case: &Case) -> bool {
    let plan = case.plan();
    let gave_way = plan.change == Change::Blocked && plan.reason.contains("This run does nothing more about hello");
    assert_eq!(gave_way, plan.actions.is_empty() && plan.waits.is_empty(), "{plan:?}");
    gave_way
}

#[test]
fn what_a_process_that_began_later_has_begun_is_given_way_to() {
    let case = met(other(50, Some(THEIRS)), 40);
    assert!(gave_way(&case));
    assert_eq!(
        case.plan().reason,
        "another run, by bob, from manifests at 2222222, is releasing v002 of hello and began after this one. This run does \
         nothing more about hello, so that the two do not undo each other; `amiable apply hello` deploys the manifests here \
         all the same"
    );
    assert!(!gave_way(&met(other(150, None), 40)), "it began earlier: it is that one that gives way");
    assert!(!gave_way(&met(other(150, None), 500)));
    assert!(!gave_way(&met(None, 40)), "nobody knows");
    let mut looking = met(other(50, None), 40);
    looking.desired.begun = None;
    assert!(!gave_way(&looking), "who only looks gives way to nobody");
}

#[test]
fn of_two_that_began_at_the_same_time_exactly_one_goes_on() {
    let case = met(other(100, None), 40);
    let ours = written(&case).manifest;
    let theirs = other(100, None).unwrap().manifest;
    assert_eq!(gave_way(&case), theirs > ours);
}

/// Who wrote the launch template that is planned.
fn written(case: &Case) -> Writer {
    let mut alone = Case { desired: case.desired.clone(), observed: case.observed.clone() };
    let Read::Known(groups) = &mut alone.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().owner.writer = None;
    let Read::Known(templates) = &mut alone.observed.launch_templates else { panic!() };
    templates.get_mut("hello-prod-v002").unwrap().owner.writer = None;
    let Action::CreateLaunchTemplate { tags, .. } = &alone.plan().actions[0].action else { panic!() };
    tags::decode(tags).unwrap().unwrap().writer.unwrap()
}

#[test]
fn a_process_goes_on_with_what_it_or_another_one_made_from_the_same_manifests() {
    let mut case = met(None, 40);
    let ours = written(&case);
    assert_eq!((ours.begun, ours.by.as_str()), (ago(100), "ada"));
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().owner.writer = Some(Writer { begun: ago(50), ..ours });
    assert!(!gave_way(&case), "its source of images has moved on meanwhile");
}

#[test]
fn a_launch_template_alone_and_a_generation_that_failed_say_whose_the_app_is() {
    let mut template = met(other(50, None), 40);
    let Read::Known(groups) = &mut template.observed.groups else { panic!() };
    groups.remove("hello-prod-v002");
    assert!(gave_way(&template));
    let mut tombstone = met(other(50, None), 40);
    let Read::Known(groups) = &mut tombstone.observed.groups else { panic!() };
    failed("never healthy")(groups.get_mut("hello-prod-v002").unwrap());
    assert!(gave_way(&tombstone));
}

#[test]
fn settings_that_a_process_applied_that_began_later_are_left_as_they_are() {
    let settings = |applied: Option<&str>| {
        let mut case = Case::serving(OLD_IMAGE, json!({"instances": {"min": 3, "max": 4}}));
        case.desired.begun = Some(ago(100));
        let Read::Known(groups) = &mut case.observed.groups else { panic!() };
        let owner = &mut groups.get_mut("hello-prod-v001").unwrap().owner;
        owner.writer = other(50, None);
        if let Some(applied) = applied {
            owner.applied = Some(applied.to_owned());
        }
        case
    };
    assert!(gave_way(&settings(Some("0123456789ab"))));
    let reason = settings(Some("0123456789ab")).plan().reason;
    assert!(
        reason.starts_with("another run, by bob, has changed the settings of v001 of hello and began after this one"),
        "{reason}"
    );
    assert!(!gave_way(&settings(None)), "they are the same: what differs is put right");
}

#[test]
fn where_one_commit_descends_from_the_other_the_descendant_goes_on() {
    let unknown = with_commits(50, 40, None).plan();
    assert_eq!((unknown.wants, unknown.actions.len()), (vec![Want::Kinship(commits())], 0));
    assert!(!gave_way(&with_commits(50, 40, Some(Kinship::Descendant))), "ours, though the other began later");
    assert!(gave_way(&with_commits(150, 40, Some(Kinship::Ancestor))), "theirs, though it began earlier");
    assert!(!gave_way(&with_commits(150, 120, Some(Kinship::Ancestor))), "it was there to be seen when this run began");
    assert!(gave_way(&with_commits(50, 40, Some(Kinship::Unrelated))));
    let mut edited = with_commits(150, 40, Some(Kinship::Ancestor));
    edited.desired.source.dirty = true;
    assert!(!gave_way(&edited), "what was edited has no commit");
}

#[test]
fn a_destruction_gives_way_to_a_release_that_began_later() {
    let destroy = |writer: Option<Writer>| {
        let mut case = met(writer, 40);
        case.desired.apps.get_mut(&scope().app).unwrap().spec.destroy = true;
        case
    };
    assert!(gave_way(&destroy(other(50, None))));
    assert!(!gave_way(&destroy(other(150, None))));
}

#[test]
fn the_next_generation_is_announced_by_its_launch_template_before_anything_makes_room_for_it() {
    let mut case = met(None, 40);
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v003"]);
    case.announce();
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
}

#[test]
fn a_mark_from_the_future_gives_way_to_whoever_applies_again_and_not_the_other_way_round() {
    let ahead = |seconds: i64| now() + crate::model::time::SignedDuration::from_secs(seconds);
    let writer = |begun| Some(Writer::new(begun, "arn:aws:iam::123456789012:user/bob", "something else", None));
    // It was made by a process whose clock was set back since, before this one began.
    assert!(!gave_way(&met(writer(ahead(300)), 200)));
    assert!(gave_way(&met(writer(ahead(300)), 40)), "it was made after this one began");
    // The process whose clock was set back counts as one that began now.
    let mut own = met(other(50, None), 40);
    own.desired.begun = Some(ahead(300));
    assert!(!gave_way(&own));
}
