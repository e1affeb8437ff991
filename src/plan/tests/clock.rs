//! Clocks that are wrong, times in tags that have not come yet, and calls that are not made again.

use super::*;
use crate::model::action::GroupChange;
use crate::model::given_up::{GivenUp, Why};
use crate::model::time::SignedDuration;

fn off_by(mut case: Case, seconds: i64) -> Case {
    case.observed.clock_ahead = Some(SignedDuration::from_secs(seconds));
    case
}

#[test]
fn a_release_begins_only_while_the_clock_agrees_with_that_of_aws() {
    for (seconds, begins) in [(0, true), (30, true), (-30, true), (31, false), (-31, false), (86_400, false)] {
        let plan = off_by(Case::serving(NEW_IMAGE, json!({})), seconds).plan();
        assert_eq!(plan.actions.is_empty(), !begins, "{seconds}");
        assert_eq!(plan.change == Change::Blocked, !begins, "{seconds}");
        assert_eq!(plan.is_over(false), !begins, "{seconds}");
    }
    let plan = off_by(Case::serving(NEW_IMAGE, json!({})), -360).plan();
    assert!(plan.reason.starts_with("this machine's clock is 6m behind AWS's"), "{}", plan.reason);
}

#[test]
fn a_bake_does_not_end_by_a_clock_that_is_wrong_and_is_watched_all_the_same() {
    for seconds in [600, 3600, -600] {
        let plan = off_by(baking(Health::Healthy, 60), seconds).plan();
        assert_eq!(calls(&plan), [""; 0], "{seconds}");
        assert!(!plan.is_over(false), "{seconds}");
        // Whatever is noted of it is noted by AWS's time.
        let sick = off_by(baking(Health::Unhealthy, 60), seconds).calls();
        assert_eq!(sick.first().map(String::as_str), Some("shift to a"), "{seconds}");
    }
}

#[test]
fn a_time_that_has_not_come_yet_counts_as_now_and_is_written_anew() {
    let ahead = |seconds: i64| now() + SignedDuration::from_secs(seconds);
    for (seconds, anew) in [(5, false), (60, false), (61, true), (2_300_000_000, true)] {
        let case = Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| group.owner.shifted_at = Some(ahead(seconds)));
        let tagged = case.calls().iter().any(|call| call == "tag hello-prod-v002 shifted-at");
        assert_eq!(tagged, anew, "{seconds}: {:?}", case.calls());
    }
}

/// A case in which a setting of the group that serves is to be changed.
fn setting() -> (Case, Action) {
    let case = Case::serving(OLD_IMAGE, json!({"healthCheck": {"gracePeriod": "5m"}}));
    let plan = case.plan();
    let planned = plan.actions.iter().find(|planned| matches!(planned.action, Action::UpdateGroup { .. }));
    let action = planned.unwrap_or_else(|| panic!("{:?}", plan.actions)).action.clone();
    (case, action)
}

fn given_up(case: &mut Case, action: Action, why: Why) {
    case.desired.given_up.insert(scope().app, vec![GivenUp { action, why }]);
}

#[test]
fn a_setting_that_aws_takes_in_vain_is_left_and_said_with_what_it_shows() {
    let (mut case, action) = setting();
    given_up(&mut case, action, Why::InVain(4));
    let plan = case.plan();
    assert_eq!(calls(&plan), [""; 0], "nor is it noted that the settings are those of the manifest");
    assert_eq!(plan.change, Change::Error);
    assert!(
        plan.reason.starts_with(
            "AWS took UpdateAutoScalingGroup hello-prod-v001 4 times and still shows healthCheck.gracePeriod "
        ),
        "{}",
        plan.reason
    );
}

#[test]
fn a_setting_that_is_refused_keeps_nothing_else_from_being_done() {
    let mut case = baking(Health::Unhealthy, 60);
    let refused = Action::UpdateGroup {
        name: "hello-prod-v002".to_owned(),
        change: GroupChange { max: Some(9), ..GroupChange::default() },
    };
    given_up(&mut case, refused, Why::Refused("AccessDenied".to_owned()));
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn a_step_that_is_refused_ends_the_plan_there() {
    let mut case = Case::serving(NEW_IMAGE, json!({}));
    let create = case.plan().actions.into_iter().find(|planned| matches!(planned.action, Action::CreateGroup(_)));
    given_up(&mut case, create.unwrap().action, Why::Refused("AccessDenied: no".to_owned()));
    let plan = case.plan();
    assert!(plan.actions.iter().all(|planned| !matches!(planned.action, Action::CreateGroup(_))), "{:?}", plan.actions);
    let mut without = case;
    without.desired.given_up.clear();
    assert!(plan.actions.len() < without.plan().actions.len());
}
