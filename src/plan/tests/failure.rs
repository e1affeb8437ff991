//! What fails, and what follows: traffic back, tombstones, edits on the way, another try.

use super::*;

#[test]
fn a_generation_that_falls_sick_under_its_bake_gives_the_traffic_back_in_one_call() {
    let case = baking(Health::Unhealthy, 60);
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn what_failed_is_emptied_and_not_tried_again_while_the_old_one_serves() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, failed("never healthy"));
    let plan = case.plan();
    assert_eq!(plan.change, Change::Blocked);
    assert!(plan.reason.contains("v002 failed: never healthy; v001 serves"), "{}", plan.reason);
    assert_eq!(calls(&plan), ["empty hello-prod-v002"]);

    let empty = |group: &mut Group| {
        failed("never healthy")(group);
        (group.desired, group.min) = (0, 0);
        group.instances.clear();
    };
    let plan = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, empty).plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Blocked, vec![]));
    assert!(plan.failure.is_some());

    let reverted = Case::serving(OLD_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, empty).plan();
    assert_eq!(reverted.change, Change::Unchanged);
    assert_eq!(calls(&reverted), ["DeleteAutoScalingGroup hello-prod-v002"], "its template keeps the number");
}

#[test]
fn what_fell_sick_under_traffic_is_emptied_half_a_minute_after_its_traffic_left() {
    let left = |at: Option<Timestamp>, health| {
        let case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::A);
        let case = case.with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            (group.owner.shifted_at, group.owner.recorded_at) = (Some(ago(3900)), Some(ago(3600)));
        });
        let mut case = case.with_group(2, NEW_IMAGE, health, |group| {
            failed("unhealthy under traffic")(group);
            group.owner.failed.as_mut().unwrap().at = ago(4000);
            group.owner.shifted_at = Some(ago(4100));
            group.owner.unwanted_since = at;
        });
        case.record_says("hello-prod-v001");
        case
    };
    // AWS may have refused the way back for an hour: when it failed tells nothing of when its traffic left.
    let note = ["tag hello-prod-v002 healthy-since"];
    for health in [Health::Unhealthy, Health::Healthy] {
        assert_eq!(left(None, health).calls(), note, "{health:?}");
        assert_eq!(left(Some(ago(4050)), health).calls(), note, "{health:?}: it has had traffic since");
    }
    let case = left(Some(ago(29)), Health::Unhealthy);
    let plan = case.plan();
    assert_eq!((calls(&plan), plan.waits.len()), (vec![], 1));
    assert_eq!(plan.waits[0].what, "the load balancer to send no more requests to v002");
    assert_eq!(plan.waits[0].until, Some(ago(29) + jiff::SignedDuration::from_secs(30)));
    assert_eq!(left(Some(ago(31)), Health::Unhealthy).calls(), ["empty hello-prod-v002"]);
    assert_eq!(left(Some(ago(31)), Health::Healthy).calls(), Vec::<String>::new(), "a late call may still arrive");
    assert_eq!(left(Some(ago(311)), Health::Healthy).calls(), ["empty hello-prod-v002"]);
}

#[test]
fn a_serving_generation_that_was_turned_down_gives_way_to_the_warm_one() {
    let case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
            failed("rolled back by ada")(group);
        });
    assert_eq!(case.calls(), ["shift to a"]);
}

#[test]
fn a_failed_generation_with_nothing_to_go_back_to_keeps_serving() {
    let case =
        Case::new(NEW_IMAGE, json!({})).with_front(Slot::A).with_group(1, NEW_IMAGE, Health::Unhealthy, |group| {
            group.owner.shifted_at = Some(ago(60));
            failed("unhealthy under traffic")(group);
        });
    assert_eq!((case.plan().change, case.calls()), (Change::Blocked, vec![]));
}

#[test]
fn the_last_generation_that_runs_is_not_emptied_because_something_unknown_answers_or_nobody_can_tell() {
    let generation = |group: &mut Group| {
        group.owner.shifted_at = Some(ago(60));
        failed("unhealthy under traffic")(group);
    };
    let mut case =
        Case::new(NEW_IMAGE, json!({})).with_front(Slot::B).with_group(1, NEW_IMAGE, Health::Healthy, generation);
    let answers = Target { id: "i-9".to_owned(), health: Health::Healthy, reason: None, description: None };
    for targets in [Read::Known(vec![answers]), Read::Unknown("Rate exceeded".to_owned())] {
        case.observed.details.target_health.insert(target_group_arn(Slot::B), targets.clone());
        assert_eq!(case.calls(), Vec::<String>::new(), "{targets:?}");
    }
}

#[test]
fn an_edit_in_the_middle_replaces_what_is_unfinished_and_a_revert_keeps_what_serves() {
    let third = "ami-00000000000000003";
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |_| {});
    let (id, third_image) = image(third, ACCOUNT);
    case.observed.images.insert(id, third_image);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
    case.announce();
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(OLD_IMAGE);
    assert_eq!(case.calls(), ["tag hello-prod-v001 applied"], "whoever announced the third learns of it");
    let Read::Known(templates) = &mut case.observed.launch_templates else { panic!() };
    templates.remove("hello-prod-v003");
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    assert_eq!(case.plan().from, Some(Generation(1)));
}

/// Version 2 has been launching for two hours, and this is what its group says it did, newest first.
fn launching(activities: Vec<Activity>) -> Case {
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |group| {
        group.instances.clear();
        group.created_at = ago(7200);
    });
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(activities));
    case
}

fn launch(seconds: u64, status: &str, message: &str, subnet: &str) -> Activity {
    Activity {
        started_at: ago(seconds),
        ended_at: Some(ago(seconds)),
        status: status.to_owned(),
        description: "Launching a new EC2 instance".to_owned(),
        message: message.to_owned(),
        cause: String::new(),
        subnet: Some(subnet.to_owned()),
    }
}

const FAILED: [&str; 1] = ["tag hello-prod-v002 failed,failed-at"];

#[test]
fn a_launch_that_cannot_succeed_fails_at_once_and_a_lack_of_room_does_not() {
    let with = |message: &str| launching(vec![launch(5, "Failed", message, "subnet-a")]);
    let bad = with("The image id '[ami-1]' does not exist. Launching EC2 instance failed.");
    assert_eq!(bad.calls(), FAILED);
    for room in [
        "We currently do not have sufficient c7g.large capacity. Launching EC2 instance failed.",
        "There are not enough free addresses in subnet 'subnet-a' to satisfy the requested number of instances.",
        "Max spot instance count exceeded. Launching EC2 instance failed.",
        "2 instance(s) are already running. Launching EC2 instance failed.",
    ] {
        let full = with(room);
        assert_eq!(full.calls(), Vec::<String>::new(), "{room}");
        assert!(full.plan().waits[0].what.contains(room), "in AWS's words");
    }
}

#[test]
fn a_launch_that_aws_cancelled_with_a_reason_counts_like_one_that_failed() {
    let why = "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
               Client.InternalError: Client error on launch";
    // The next try is under way already.
    let next = |status: &str| launch(3, status, "Launching a new EC2 instance", "subnet-a");
    let case = launching(vec![next("InProgress"), launch(20, "Cancelled", why, "subnet-a")]);
    assert_eq!(case.calls(), FAILED);
    assert!(case.plan().actions[0].reason.contains("Client.InternalError: Client error on launch"));

    let cured = launching(vec![next("Successful"), launch(20, "Cancelled", why, "subnet-a")]);
    assert_ne!(cured.plan().actions[0].reason, case.plan().actions[0].reason, "the newest that ended counts");
    let unwanted = launch(20, "Cancelled", "Launching a new EC2 instance", "subnet-a");
    assert!(launching(vec![unwanted]).plan().notes.is_empty(), "nobody wanted it any more");
}

#[test]
fn a_zone_that_does_not_know_the_instance_type_fails_a_release_only_where_there_is_no_other() {
    let why = "Your requested instance type (c7g.large) is not supported in your requested Availability Zone (a).";
    let mut case = launching(vec![launch(5, "Failed", why, "subnet-a")]);
    let young = |group: &mut Group| group.created_at = ago(60);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    young(groups.get_mut("hello-prod-v002").unwrap());
    assert_eq!(case.calls(), Vec::<String>::new());
    assert!(case.plan().notes[0].contains("one zone cannot launch it"), "{:?}", case.plan().notes);
    let everywhere = vec![launch(5, "Failed", why, "subnet-b"), launch(5, "Failed", why, "subnet-a")];
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(everywhere));
    assert_eq!(case.calls(), FAILED);
}

#[test]
fn words_that_nobody_knows_are_shown_as_they_are_and_judge_nothing() {
    let mut case = launching(vec![launch(5, "Failed", "The moon is in the wrong phase.", "subnet-a")]);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().created_at = ago(60);
    assert_eq!(case.calls(), Vec::<String>::new());
    assert!(case.plan().notes[0].contains("The moon is in the wrong phase."), "{:?}", case.plan().notes);
}

#[test]
fn a_release_that_is_not_ready_by_its_deadline_fails_with_what_the_load_balancer_says() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
        group.created_at = ago(1201);
    });
    let plan = case.plan();
    assert_eq!(calls(&plan), ["tag hello-prod-v002 failed,failed-at"]);
    assert!(plan.actions[0].reason.contains("Target.ResponseCodeMismatch"), "{}", plan.actions[0].reason);
}

#[test]
fn a_rollback_is_a_mark_on_what_serves_and_needs_something_warm_to_go_back_to() {
    let case = baking(Health::Healthy, 600);
    let intent = crate::plan::intent::rollback(&case.about(Some("slow")), None, &[]).unwrap();
    assert_eq!((intent.generation, intent.serves), (Generation(2), Some(Generation(1))));
    let Action::TagGroup { name, tags, .. } = &intent.actions[0].action else { panic!() };
    assert_eq!((name.as_str(), tags["amiable:failed"].as_str()), ("hello-prod-v002", "rolled back by ada: slow"));

    let alone = Case::serving(OLD_IMAGE, json!({}));
    let refused = crate::plan::intent::rollback(&alone.about(None), None, &[]).unwrap_err();
    assert!(refused.contains("v001 is the only generation"), "{refused}");
    assert!(crate::plan::intent::retry(&alone.about(None)).is_err(), "nothing has failed");
}

#[test]
fn a_failed_generation_that_is_retried_makes_room_for_a_new_one() {
    let empty = |group: &mut Group| {
        (group.desired, group.min) = (0, 0);
        group.instances.clear();
    };
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, empty);
    assert_eq!(case.calls(), ["DeleteAutoScalingGroup hello-prod-v002"], "its template keeps the number");
    case = Case::serving(NEW_IMAGE, json!({}));
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
}

#[test]
fn an_instance_that_was_replaced_for_its_health_fails_the_bake_even_if_its_successor_is_well() {
    let mut case = baking(Health::Initial, 60);
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets[0].health = Health::Healthy;
    let activity = |cause: &str| Activity {
        started_at: ago(20),
        ended_at: None,
        status: "Successful".to_owned(),
        description: "Terminating EC2 instance: i-0abc".to_owned(),
        message: String::new(),
        cause: cause.to_owned(),
        subnet: None,
    };
    let set = |case: &mut Case, cause: &str| {
        case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(vec![activity(cause)]));
    };
    set(
        &mut case,
        "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
    );
    assert_eq!(case.calls(), Vec::<String>::new(), "an instance may die");
    set(&mut case, "an instance was taken out of service in response to an ELB system health check failure.");
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn what_failed_is_tried_again_once_it_is_judged_in_another_way() {
    // The health check was wrong; what the generation is made of was not.
    let wrong = json!({"healthCheck": {"path": "/wrong"}});
    let sick = Case::serving(NEW_IMAGE, wrong).with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
        group.created_at = ago(1201);
    });
    let plan = sick.plan();
    let Action::TagGroup { tags, .. } = &plan.actions[0].action else { panic!("{:?}", plan.actions) };
    let judged_by = tags["amiable:failed-at"].rsplit(' ').next().unwrap().to_owned();
    let failed_by = |patch: Value, judged_by: Option<String>| {
        Case::serving(NEW_IMAGE, patch).with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
            failed("0 of 2 instances healthy after 20m")(group);
            (group.desired, group.min) = (0, 0);
            group.instances.clear();
            group.owner.checks.judged_by = judged_by;
        })
    };
    let launch = ["CreateLaunchTemplate hello-prod-v003", "CreateAutoScalingGroup hello-prod-v003"];
    for (patch, expected) in [
        (json!({"healthCheck": {"path": "/wrong"}}), &[][..]),
        (json!({"healthCheck": {"path": "/wrong"}, "instances": {"max": 2}, "retain": {"for": "2h"}}), &[]),
        (json!({"healthCheck": {"path": "/right"}}), &launch),
        (json!({"healthCheck": {"path": "/wrong", "gracePeriod": "5m"}}), &launch),
        (json!({"healthCheck": {"path": "/wrong"}, "verification": {"smoke": [{"path": "/a"}]}}), &launch),
        (json!({"healthCheck": {"path": "/wrong"}, "progressDeadline": "40m"}), &launch),
    ] {
        let case = failed_by(patch.clone(), Some(judged_by.clone()));
        let releases: Vec<String> =
            case.plan().actions.iter().map(|planned| planned.action.operation().1.to_owned()).collect();
        let launches = releases.iter().any(|operation| operation == "CreateAutoScalingGroup");
        let waits_for_check = !case.plan().wants.is_empty() || releases.iter().any(|name| name == "CreateRule");
        assert!(launches != expected.is_empty() || waits_for_check && !expected.is_empty(), "{patch}: {releases:?}");
    }
    // What a person turned down stays so, and what another version of the program judged.
    for judged_by in [None, Some("0-0123456789ab".to_owned())] {
        let plan = failed_by(json!({"healthCheck": {"path": "/right"}}), judged_by).plan();
        assert_eq!(plan.change, Change::Blocked, "{}", plan.reason);
    }
}

/// Version 2 was launched so many seconds ago, and its group has replaced so many instances for this.
fn replacing(health: Health, seconds: u64, count: usize, why: &str, patch: Value) -> Case {
    let mut case = Case::serving(NEW_IMAGE, patch).with_group(2, NEW_IMAGE, health, |group| {
        group.created_at = ago(seconds);
    });
    let gone = |index: usize| Activity {
        started_at: ago(50 + index as u64),
        ended_at: None,
        status: "Successful".to_owned(),
        description: format!("Terminating EC2 instance: i-0{index}"),
        message: String::new(),
        cause: format!("At 2026-11-02T11:59:00Z an instance was taken out of service in response to {why}."),
        subnet: None,
    };
    let all = (0..count).map(gone).collect();
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(all));
    case
}

const ELB: &str = "an ELB system health check failure";

#[test]
fn three_instances_in_a_row_that_were_never_healthy_end_a_release_before_its_deadline() {
    let stopped = "an EC2 health check indicating it has been terminated or stopped";
    let waits: [&str; 0] = [];
    for (health, count, why, attempts, expected) in [
        (Health::Unhealthy, 2, ELB, json!({}), &waits[..]),
        (Health::Unhealthy, 3, ELB, json!({}), &FAILED[..]),
        (Health::Unhealthy, 3, "an EC2 instance status checks failure", json!({}), &FAILED[..]),
        (Health::Unhealthy, 9, stopped, json!({}), &waits[..]),
        (Health::Unhealthy, 9, ELB, json!({"attempts": 0}), &waits[..]),
        (Health::Unhealthy, 3, ELB, json!({"attempts": 5}), &waits[..]),
        // Their successors have not shown yet by what they fail.
        (Health::Initial, 9, ELB, json!({}), &waits[..]),
    ] {
        let case = replacing(health, 300, count, why, json!({"verification": attempts}));
        assert_eq!(case.calls(), expected, "{count} for {why}, {attempts}");
    }
    let plan = replacing(Health::Unhealthy, 300, 4, ELB, json!({})).plan();
    let reason = &plan.actions[0].reason;
    assert_eq!(
        reason,
        "v002 failed: no instance was ever healthy: i-2-1 Target.ResponseCodeMismatch; 4 instances taken out of service in \
         response to an ELB system health check failure"
    );
}

#[test]
fn one_healthy_instance_breaks_the_row() {
    let mut case = replacing(Health::Unhealthy, 300, 9, ELB, json!({}));
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    targets[1].health = Health::Healthy;
    assert_eq!(case.calls(), Vec::<String>::new());
    let mut case = replacing(Health::Unhealthy, 300, 9, ELB, json!({}));
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().owner.lacking_since = Some(ago(100));
    assert_eq!(case.calls(), Vec::<String>::new(), "it was ready once");
}

#[test]
fn a_verdict_at_the_deadline_waits_for_a_fresh_instance_to_show_by_what_it_fails_but_not_for_long() {
    let case = |health, seconds| replacing(health, seconds, 2, ELB, json!({}));
    assert_eq!(case(Health::Initial, 1201).calls(), Vec::<String>::new());
    assert_eq!(case(Health::Unhealthy, 1201).calls(), FAILED);
    assert!(case(Health::Unhealthy, 1201).plan().actions[0].reason.contains("ResponseCodeMismatch; 2 instances taken"));
    assert_eq!(case(Health::Initial, 1321).calls(), FAILED);
}
