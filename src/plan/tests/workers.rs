//! Workers that have taken over and are not recorded yet, with a manifest and without one.

use super::*;
use crate::model::action::Expect;

const STATUS_CHECKS: &str = "an EC2 instance status checks failure.";
const STOPPED: &str = "an EC2 health check indicating it has been terminated or stopped.";

/// Generation 2 has taken over a minute ago. So many of its instances are in service, and its group has replaced some.
fn at_work(in_service: usize, replaced: &[&str]) -> Case {
    let mut case = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}))
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(100));
            group.owner.shifted_at = Some(ago(60));
            group.owner.watched = watched_all(60);
            for instance in group.instances.iter_mut().skip(in_service) {
                instance.lifecycle = "Pending".to_owned();
            }
        });
    let activity = |why: &&str| Activity {
        started_at: ago(20),
        ended_at: None,
        status: "Successful".to_owned(),
        description: "Terminating EC2 instance: i-0abc".to_owned(),
        message: String::new(),
        cause: format!("At 2026-11-02T11:59:40Z an instance was taken out of service in response to {why}"),
        subnet: None,
    };
    let activities = Read::Known(replaced.iter().map(activity).collect());
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), activities);
    case
}

fn without_manifest(case: &mut Case) {
    let apps = std::mem::take(&mut case.desired.apps);
    case.desired.left_out = LeftOut { apps: apps.into_keys().collect(), unseen: false };
}

fn change(case: &mut Case, number: u32, change: impl FnOnce(&mut Group)) {
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    change(groups.get_mut(&scope().generation_name(Generation(number))).unwrap());
}

#[test]
fn a_worker_that_is_sick_at_work_is_marked_with_a_manifest_and_without_one() {
    let marked = ["tag hello-prod-v002 failed,failed-at"];
    let cases: [(usize, &[&str], &[&str]); 7] = [
        (2, &[], &[]),
        (2, &[STATUS_CHECKS], &marked),
        // Somebody has ended one, or AWS has: that says nothing against it.
        (2, &[STOPPED], &[]),
        (1, &[STOPPED, STOPPED], &[]),
        (0, &[], &[]),
        (0, &[STOPPED], &[]),
        (0, &[STOPPED, STOPPED], &marked),
    ];
    for (in_service, replaced, calls) in cases {
        let what = format!("{in_service} in service, {replaced:?}");
        let mut case = at_work(in_service, replaced);
        assert_eq!(case.calls(), calls, "{what}");
        without_manifest(&mut case);
        assert_eq!(case.calls(), calls, "{what}, without a manifest");
        let plan = case.plan();
        assert_eq!(plan.gives_back(), !calls.is_empty(), "{what}");
        assert!(plan.is_watched(now()) && !plan.is_over(false), "{what}: {plan:?}");
    }
}

#[test]
fn the_only_instance_of_a_worker_may_be_ended_by_somebody_or_by_aws() {
    for (replaced, fails) in [(&[STOPPED][..], false), (&[STOPPED, STOPPED][..], true)] {
        let mut case = at_work(0, replaced);
        change(&mut case, 2, |group| (group.min, group.desired) = (1, 1));
        let calls = case.calls();
        let is_marked = calls.contains(&"tag hello-prod-v002 failed,failed-at".to_owned());
        assert_eq!(is_marked, fails, "{replaced:?}: {calls:?}");
    }
}

#[test]
fn a_worker_that_is_well_at_work_is_watched_without_a_manifest_and_told_of() {
    let mut case = at_work(2, &[]);
    without_manifest(&mut case);
    let plan = case.plan();
    assert_eq!(plan.waits[0].what, "v002 to be watched at work");
    assert!(plan.notes.contains(&"v002 is at work and is not recorded: it is watched all the same".to_owned()));
    let exposed = plan.exposed.unwrap();
    assert_eq!((exposed.share, exposed.back), (None, Some(Generation(1))));
    change(&mut case, 2, |group| group.owner.recorded_at = Some(ago(5)));
    assert_eq!(case.plan().exposed, None);
}

#[test]
fn a_worker_that_failed_is_emptied_without_a_manifest_while_the_one_before_works() {
    let mut case = at_work(2, &[]);
    change(&mut case, 2, failed("aborted by ada"));
    without_manifest(&mut case);
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    let planned = &case.plan().actions[0];
    assert!(planned.expects.contains(&Expect::InService { group: "hello-prod-v001".to_owned(), at_least: 1 }));
    // Nothing else would be at work.
    let mut alone = case;
    change(&mut alone, 1, |group| group.instances[0].lifecycle = "Pending".to_owned());
    assert_eq!(alone.calls(), ["empty hello-prod-v002"]);
    change(&mut alone, 1, |group| group.instances[1].lifecycle = "Pending".to_owned());
    assert_eq!(alone.calls(), Vec::<String>::new());
}

#[test]
fn a_worker_that_is_sick_and_alone_gets_the_time_to_become_whole() {
    let mut case = at_work(0, &[STOPPED, STOPPED]);
    change(&mut case, 1, |group| (group.min, group.desired) = (0, 0));
    assert_eq!(case.calls(), Vec::<String>::new());
    without_manifest(&mut case);
    assert_eq!(case.calls(), Vec::<String>::new());
}
