//! What is learnt from a generation that failed, and kept: after its traffic is back and it is marked, and never in the way.

use super::*;
use crate::model::autopsy::{Console, FailureRecord};
use crate::model::launch::Secret;

/// Version 2 has failed, is marked, and still has its instances.
fn failed_case(reason: &str) -> Case {
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, failed(reason));
    case.observed.details.failures.insert(scope().app, Read::Known(None));
    case
}

fn console(case: &mut Case, text: &str) {
    let read = Read::Known(Some(Secret::new(text)));
    case.observed.details.consoles.insert("i-2-1".to_owned(), read);
}

fn kept(case: &Case) -> FailureRecord {
    let plan = case.plan();
    let found = plan.actions.iter().find_map(|planned| match &planned.action {
        Action::PutFailure { record, .. } => Some((**record).clone()),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn the_console_of_a_sick_instance_is_kept_with_the_whole_reason_after_the_group_is_emptied() {
    let mut case = failed_case("0 of 2 instances healthy after 20m");
    assert_eq!(case.plan().wants, [Want::Console("i-2-1".to_owned())]);
    console(&mut case, "[ 1.0] boot\r\n[ 9.0] hello: cannot bind\r\n");
    assert_eq!(case.calls(), ["empty hello-prod-v002", "PutParameter failures"]);
    let record = kept(&case);
    assert_eq!((record.generation, record.serves), (Generation(2), Some(Generation(1))));
    assert_eq!(record.console.as_ref().unwrap().lines, ["[ 1.0] boot", "[ 9.0] hello: cannot bind"]);

    case.observed.details.failures.insert(scope().app, Read::Known(Some(record)));
    assert_eq!(case.calls(), ["empty hello-prod-v002"], "once");
    let plan = case.plan();
    assert!(plan.notes.iter().any(|note| note.contains("ended with: [ 9.0] hello: cannot bind")), "{:?}", plan.notes);
}

#[test]
fn what_cannot_be_read_or_written_keeps_nobody_waiting() {
    let mut case = failed_case("0 of 2 instances healthy after 20m");
    let denied = || "AccessDenied: ec2:GetConsoleOutput".to_owned();
    case.observed.details.consoles.insert("i-2-1".to_owned(), Read::Unknown(denied()));
    assert!(kept(&case).console.unwrap().without.unwrap().contains("AccessDenied"));
    case.observed.details.failures.insert(scope().app, Read::Unknown("AccessDenied".to_owned()));
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    assert!(case.plan().waits.iter().all(|wait| wait.cleanup), "{:?}", case.plan().waits);
}

#[test]
fn a_console_that_is_empty_is_said_once_and_completed_as_soon_as_ec2_shows_it() {
    for empty in [Read::Known(None), Read::Known(Some(Secret::new("\r\n \r\n")))] {
        let mut case = failed_case("0 of 2 instances healthy after 20m");
        case.observed.details.consoles.insert("i-2-1".to_owned(), empty);
        let record = kept(&case);
        assert_eq!(record.console.as_ref().unwrap().lines, [""; 0]);
        assert_eq!(
            record.console.as_ref().unwrap().last_words(),
            "nothing is known from the console of i-2-1: EC2 shows no text of it yet"
        );
        case.observed.details.failures.insert(scope().app, Read::Known(Some(record)));
        assert_eq!(case.calls(), ["empty hello-prod-v002"], "that there is nothing is said once");
        console(&mut case, "hello: cannot bind\n");
        assert_eq!(case.calls(), ["empty hello-prod-v002", "PutParameter failures"]);
        let record = kept(&case);
        assert_eq!(record.console.as_ref().unwrap().lines, ["hello: cannot bind"]);
        assert_eq!(record.reason, "0 of 2 instances healthy after 20m");
        case.observed.details.failures.insert(scope().app, Read::Known(Some(record)));
        console(&mut case, "hello: cannot bind\nhello: goes\n");
        assert_eq!(case.calls(), ["empty hello-prod-v002"], "and then it is complete");
    }
}

#[test]
fn a_console_that_is_refused_is_asked_for_once_and_its_long_words_still_fit() {
    let mut case = failed_case("0 of 2 instances healthy after 20m");
    let words = format!("UnauthorizedOperation: Encoded authorization failure message: {}", "日x".repeat(4000));
    case.observed.details.consoles.insert("i-2-1".to_owned(), Read::Unknown(words));
    let record = kept(&case);
    assert!(crate::model::parameter::encode(&record).unwrap().len() <= crate::model::parameter::FREE);
    case.observed.details.failures.insert(scope().app, Read::Known(Some(record)));
    case.observed.details.consoles.clear();
    assert_eq!((case.calls(), case.plan().wants), (vec!["empty hello-prod-v002".to_owned()], Vec::new()));
    let notes = case.plan().notes;
    assert_eq!(notes.iter().filter(|note| note.contains("UnauthorizedOperation")).count(), 1, "{notes:?}");
}

#[test]
fn without_its_template_nobody_knows_what_is_secret_and_no_line_is_kept() {
    let mut case = failed_case("0 of 2 instances healthy after 20m");
    console(&mut case, "canary\n");
    let name = "hello-prod-v002".to_owned();
    for read in [Read::Known(None), Read::Unknown("Rate exceeded".to_owned())] {
        case.observed.details.template_data.insert(name.clone(), read);
        let console = kept(&case).console.unwrap();
        assert!(console.lines.is_empty() && console.without.is_some(), "{console:?}");
    }
}

#[test]
fn what_a_person_turned_down_is_not_looked_into_and_not_called_failed() {
    let case = failed_case("rolled back by ada: slow");
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    let plan = case.plan();
    assert_eq!(
        plan.reason,
        "v002 was rolled back by ada: slow; v001 serves until the manifest changes or `amiable retry hello`"
    );
    assert_eq!(plan.failure.as_deref(), Some("v002 was rolled back by ada: slow; v001 serves"));
}

#[test]
fn an_instance_that_is_gone_is_asked_for_while_ec2_still_remembers_it() {
    let mut case = failed_case("0 of 2 instances healthy after 20m");
    case.observed.details.target_health.insert(target_group_arn(Slot::B), Read::Known(Vec::new()));
    let gone = Activity {
        started_at: ago(60),
        ended_at: None,
        status: "Successful".to_owned(),
        description: "Terminating EC2 instance: i-0abc".to_owned(),
        message: String::new(),
        cause: "an instance was taken out of service in response to an ELB system health check failure.".to_owned(),
        subnet: None,
    };
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(vec![gone]));
    assert_eq!(case.plan().wants, [Want::Console("i-0abc".to_owned())]);
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    groups.get_mut("hello-prod-v002").unwrap().owner.failed.as_mut().unwrap().at = ago(3600);
    assert_eq!(case.calls(), ["empty hello-prod-v002"], "an hour later it is forgotten");
}

#[test]
fn a_reason_that_is_too_long_for_a_tag_is_kept_in_whole_at_once() {
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |group| {
        group.instances.clear();
    });
    let words = format!("The image id '[ami-1]' does not exist: {}", "x".repeat(300));
    let activity = Activity {
        started_at: ago(5),
        ended_at: None,
        status: "Failed".to_owned(),
        description: "Launching a new EC2 instance".to_owned(),
        message: words.clone(),
        cause: String::new(),
        subnet: None,
    };
    case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(vec![activity]));
    assert_eq!(case.calls(), ["tag hello-prod-v002 failed,failed-at", "PutParameter failures"]);
    assert_eq!(kept(&case).reason, format!("launch failed: {words}"));
    assert_eq!(kept(&case).console, None);
}

#[test]
fn a_failure_of_the_first_release_says_that_nothing_serves() {
    let mut case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::A).with_group(
        1,
        NEW_IMAGE,
        Health::Unhealthy,
        failed("0 of 2 instances healthy after 20m"),
    );
    let Read::Known(groups) = &mut case.observed.groups else { panic!() };
    let group = groups.get_mut("hello-prod-v001").unwrap();
    (group.min, group.desired) = (0, 0);
    group.instances.clear();
    let plan = case.plan();
    assert_eq!(
        plan.reason,
        "v001 failed: 0 of 2 instances healthy after 20m; nothing serves until the manifest changes or `amiable retry hello`"
    );
    assert!(plan.failure.unwrap().ends_with("; nothing serves"));
    let kept = Console::without("i-1", "it could not be read");
    assert_eq!(kept.last_words(), "nothing is known from the console of i-1: it could not be read");
}
