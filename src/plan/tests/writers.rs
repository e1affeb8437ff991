//! Several processes with different manifests, as tables: whose writing stands there, and which of them goes on.

use super::*;
use crate::model::action::Expect;
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

/// This process began 100 seconds ago and wants the first image again, with which generation 1 was deployed long ago. Generation 2,
/// of other manifests, was made so many seconds ago.
fn called_off(live: Slot, change: impl FnOnce(&mut Group)) -> Case {
    let mut case = Case::new(OLD_IMAGE, json!({}));
    case.desired.begun = Some(ago(100));
    case.with_front(live).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed).with_group(
        2,
        NEW_IMAGE,
        Health::Healthy,
        |group| {
            group.created_at = ago(140);
            group.owner.writer = other(150, None);
            change(group);
        },
    )
}

fn change_group(case: &mut Case, name: &str, change: impl FnOnce(&mut Group)) {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    change(groups.get_mut(name).unwrap());
}

/// What the planned tag says, written on the generation.
fn written_down(case: &mut Case) -> Writer {
    let plan = case.plan();
    let [announced] = &plan.actions[..] else { panic!("{:?}", plan.actions) };
    let Action::TagGroup { name, tags, .. } = &announced.action else { panic!("{announced:?}") };
    let (applied, writer) = tags::decode_applied(&tags["amiable:applied"]);
    change_group(case, name, |group| {
        assert_eq!(group.owner.applied, applied, "the settings are as they were");
        assert!(
            announced
                .expects
                .contains(&Expect::Written { group: group.name.clone(), writer: group.owner.writer.clone() })
        );
        group.owner.writer.clone_from(&writer);
    });
    writer.unwrap()
}

#[test]
fn who_goes_back_to_an_earlier_generation_says_so_there_before_anything_else() {
    let took_over = |group: &mut Group| {
        group.owner.shifted_at = Some(ago(60));
        group.owner.watched = watched_all(60);
    };
    for (what, mut case, then) in [
        ("launching", called_off(Slot::A, |_| {}), vec!["empty hello-prod-v002"]),
        ("baking", called_off(Slot::B, took_over), vec!["shift to a", "tag hello-prod-v001 shifted-at"]),
        (
            "deployed",
            called_off(Slot::B, |group| {
                took_over(group);
                group.owner.recorded_at = Some(ago(20));
            }),
            vec!["shift to a", "tag hello-prod-v001 shifted-at"],
        ),
    ] {
        assert_eq!(case.calls(), ["tag hello-prod-v001 applied"], "{what}");
        let writer = written_down(&mut case);
        assert_eq!((writer.begun, writer.by.as_str()), (ago(100), "ada"), "{what}");
        assert_eq!(case.calls(), then, "{what}");
    }
    let mut template = called_off(Slot::A, |_| {});
    let Read::Known(groups) = &mut template.observed.groups else { panic!() };
    groups.remove("hello-prod-v002");
    assert_eq!(template.calls(), ["tag hello-prod-v001 applied"], "only its launch template is made yet");
    written_down(&mut template);
    assert_eq!(template.calls(), Vec::<String>::new());
}

#[test]
fn nobody_announces_what_nobody_else_contends_for() {
    let quiet = |change: fn(&mut Group)| {
        let calls = called_off(Slot::A, change).calls();
        assert!(!calls.contains(&"tag hello-prod-v001 applied".to_owned()), "{calls:?}");
    };
    quiet(|group| group.owner.writer = None);
    quiet(failed_long_ago);
    // It was deployed and replaced before generation 1 was.
    quiet(|group| {
        long_deployed(group);
        group.created_at = ago(99_000);
        group.owner.shifted_at = Some(ago(95_000));
        group.owner.recorded_at = Some(ago(94_000));
    });
    let mut sick = called_off(Slot::B, |group| group.owner.shifted_at = Some(ago(60)));
    let Some(Read::Known(targets)) = sick.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets.iter_mut().for_each(|target| target.health = Health::Unhealthy);
    assert!(sick.calls().contains(&"shift to a".to_owned()), "traffic goes back first: {:?}", sick.calls());
    let mut only_looking = called_off(Slot::A, |_| {});
    only_looking.desired.begun = None;
    assert_eq!(only_looking.calls(), ["tag hello-prod-v001 applied"], "a plan shows what an apply would do");
}

fn failed_long_ago(group: &mut Group) {
    group.owner.failed = Some(Failure { at: ago(90), reason: "never healthy".to_owned() });
}

/// The same seen by the process that wants the second image, and began so many seconds ago. The other one has written its name on
/// generation 1 by now.
fn calls_off(live: Slot, theirs: Option<Writer>, change: impl FnOnce(&mut Group)) -> Case {
    let mut case = Case::new(NEW_IMAGE, json!({}));
    case.desired.begun = Some(ago(200));
    let mut case = case.with_front(live).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed).with_group(
        2,
        NEW_IMAGE,
        Health::Healthy,
        |group| {
            group.created_at = ago(190);
            change(group);
        },
    );
    let asks = Writer { by: "ada".to_owned(), ..written_by(&case) };
    change_group(&mut case, "hello-prod-v001", |group| group.owner.writer = theirs);
    change_group(&mut case, "hello-prod-v002", |group| group.owner.writer = Some(asks));
    case
}

/// This process, as it signs what it makes.
fn written_by(case: &Case) -> Writer {
    let mut alone = Case { desired: case.desired.clone(), observed: case.observed.clone() };
    alone.weights(100, 0);
    let (Read::Known(groups), Read::Known(templates)) =
        (&mut alone.observed.groups, &mut alone.observed.launch_templates)
    else {
        panic!()
    };
    groups.retain(|name, _| name == "hello-prod-v001");
    templates.retain(|name, _| name == "hello-prod-v001");
    let plan = alone.plan();
    let template = plan.actions.iter().find_map(|planned| match &planned.action {
        Action::CreateLaunchTemplate { tags, .. } => tags::decode(tags).unwrap().unwrap().writer,
        _ => None,
    });
    template.unwrap()
}

#[test]
fn a_release_that_another_run_goes_back_from_is_left_to_it() {
    let case = calls_off(Slot::A, other(100, None), |_| {});
    assert!(gave_way(&case));
    let reason = case.plan().reason;
    assert!(reason.starts_with("another run, by bob, goes back to v001 of hello and began after this one"), "{reason}");
    assert!(!gave_way(&calls_off(Slot::A, other(300, None), |_| {})), "it began earlier");
    // What has traffic is watched until the other run has taken it away.
    let took_over = |group: &mut Group| {
        group.owner.shifted_at = Some(ago(60));
        group.owner.watched = watched_all(60);
    };
    let plan = calls_off(Slot::B, other(100, None), took_over).plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Blocked, 0), "{plan:?}");
    assert_eq!(plan.waits.len(), 1);
    assert_eq!(plan.waits[0].what, "the other run to take the traffic from v002");
    assert!(plan.waits[0].until.is_some());
}

#[test]
fn processes_with_the_same_manifests_go_on_in_the_name_of_the_one_that_began_last() {
    // Generation 3 of other manifests was made by a process that began 50 seconds ago.
    let case = |last: u64| {
        let third = met(None, 40);
        let mut case = Case::new(NEW_IMAGE, json!({}));
        case.desired.begun = Some(ago(100));
        case.observed.images = third.observed.images;
        let mut case = case
            .with_front(Slot::A)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| group.created_at = ago(90))
            .with_group(4, THIRD, Health::Healthy, |group| group.created_at = ago(45));
        let ours = written_by(&case);
        change_group(&mut case, "hello-prod-v002", |group| {
            group.owner.writer = Some(Writer { begun: ago(last), ..ours });
        });
        change_group(&mut case, "hello-prod-v004", |group| group.owner.writer = other(50, None));
        case
    };
    assert!(gave_way(&case(100)));
    assert!(!gave_way(&case(30)), "another process with the same manifests began later still");
}

#[test]
fn a_descendant_goes_on_against_whoever_began_later_as_if_it_began_now() {
    let mut case = calls_off(Slot::A, other(100, Some(THEIRS)), |_| {});
    case.desired.source =
        Source { directory: "manifests".to_owned(), commit: Some(OURS.to_owned()), ..Source::default() };
    case.observed.details.kinship.insert(commits(), Read::Known(Kinship::Descendant));
    assert_eq!(case.calls(), ["tag hello-prod-v002 applied"]);
    assert_eq!(written_down(&mut case).begun, now());
    assert_ne!(case.calls(), ["tag hello-prod-v002 applied"], "once is enough");
}

#[test]
fn what_another_run_took_the_traffic_from_was_not_taken_out_by_hand() {
    let took_over = |group: &mut Group| group.owner.shifted_at = Some(ago(150));
    let began = |case: &mut Case, seconds: u64| {
        case.desired.begun = Some(ago(seconds));
        written_down(case);
    };
    // Another run went back to generation 1 and was killed. This one began after that.
    let mut case = calls_off(Slot::A, other(100, None), took_over);
    began(&mut case, 40);
    assert_eq!(case.calls(), ["tag hello-prod-v002 healthy-since"]);
    change_group(&mut case, "hello-prod-v001", |group| group.owner.writer = None);
    let by_hand = case.plan();
    let Action::TagGroup { tags, .. } = &by_hand.actions[0].action else { panic!("{by_hand:?}") };
    assert!(tags["amiable:failed"].starts_with("taken out of the traffic by hand"), "{tags:?}");
}
