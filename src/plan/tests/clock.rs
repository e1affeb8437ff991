//! Clocks that are wrong, times in tags that have not come yet, and calls that are not made again.

use super::*;
use crate::model::action::{GroupChange, Tags};
use crate::model::given_up::{GivenUp, Why};
use crate::model::probe::Phase;
use crate::model::tags::{self, keys};
use crate::model::time::SignedDuration;
use crate::plan::future;

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
        // A clock that is behind lets its end come no earlier; by AWS's time it is over, and a person is asked.
        assert_eq!(plan.is_over(false), seconds < 0, "{seconds}");
        assert_eq!(plan.change == Change::Blocked, seconds < 0, "{seconds}");
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

/// A time that is far ahead, as tags hold it.
const FAR: &str = "2099-01-01T00:00:00Z";

/// What tags may say at the most, every time in them far ahead.
fn everything_ahead() -> Tags {
    let case = Case::serving(OLD_IMAGE, json!({}));
    let Read::Known(groups) = &case.observed.groups else { panic!() };
    let owner = groups["hello-prod-v001"].owner.clone();
    let mut tags = tags::encode(&owner, &Tags::new());
    let mark = format!("{FAR} by ada");
    let times = [
        (keys::APPLIED, format!("0123456789ab {FAR} 0a1b2c3d4e5f by ada")),
        (keys::HEALTHY_SINCE, tags::encode_healthy(FAR.parse().ok(), Some(FAR.parse().unwrap()))),
        (keys::LACKING_SINCE, FAR.to_owned()),
        (keys::TRIAL, format!("trying 0a1b2c3d {FAR}")),
        (keys::SHIFTED_AT, FAR.to_owned()),
        (keys::RECORDED_AT, FAR.to_owned()),
        (keys::CANARY, format!("2 {FAR}")),
        (keys::WATCHED, format!("120 {FAR}")),
        (keys::PAUSED, mark.clone()),
        (keys::PROMOTED, mark.clone()),
        (keys::PROMOTED_IMAGE, mark.clone()),
        (keys::SUSPENDED, mark.clone()),
        (keys::PINNED, mark),
        (keys::SMOKE_TRIES, format!("2 since {FAR} last {FAR}")),
        (keys::SMOKED_AT, FAR.to_owned()),
        (keys::FAILED_AT, format!("{FAR} judged by 1-0a1b2c3d4e5f")),
        (keys::FAILED, "never healthy".to_owned()),
    ];
    tags.extend(times.map(|(key, text)| (key.to_owned(), text)));
    for phase in Phase::ALL {
        let text = if phase == Phase::BeforeShift { tags::encode_asked } else { tags::encode_approved };
        tags.insert(keys::webhook(phase), text(FAR.parse().unwrap()));
    }
    tags
}

#[test]
fn every_time_that_a_tag_can_hold_is_put_back_to_now_and_the_rest_of_the_tag_stays() {
    let before = everything_ahead();
    let mut owner = tags::decode(&before).unwrap().unwrap();
    future::set_back(&mut owner, ago(500), now());
    let after = tags::encode(&owner, &Tags::new());
    for (key, text) in &before {
        let began = if key == keys::APPLIED { ago(500) } else { now() };
        assert_eq!(after.get(key), Some(&text.replace(FAR, &began.to_string())), "{key}");
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn a_single_time_that_lies_ahead_is_seen_in_a_group_and_in_a_launch_template() {
    let far = everything_ahead();
    let is_seen = |ahead: &str, in_template: bool| {
        let text = |(key, text): (&String, &String)| {
            (key.clone(), if key == ahead { text.clone() } else { text.replace(FAR, &now().to_string()) })
        };
        let owner = tags::decode(&far.iter().map(text).collect()).unwrap().unwrap();
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        let (Read::Known(groups), Read::Known(templates)) =
            (&mut case.observed.groups, &mut case.observed.launch_templates)
        else {
            panic!()
        };
        match in_template {
            true => templates.values_mut().for_each(|template| template.owner = owner.clone()),
            false => groups.values_mut().for_each(|group| group.owner = owner.clone()),
        }
        matches!(future::without(&case.observed, now()), std::borrow::Cow::Owned(_))
    };
    for (key, text) in &far {
        assert_eq!([is_seen(key, false), is_seen(key, true)], [text.contains(FAR); 2], "{key}");
    }
}

#[test]
fn a_release_under_a_wrong_clock_is_watched_until_its_bake_would_be_over_and_then_said_to_wait_for_a_person() {
    // By AWS's clock it is half a minute less.
    for (shifted, ends) in [(60, false), (300, false), (340, true), (3600, true)] {
        let plan = off_by(baking(Health::Healthy, shifted), 31).plan();
        let over = plan.is_over(false) && plan.change == Change::Blocked && plan.reason.contains("set the clock");
        assert_eq!(over, ends, "{shifted}: {plan:?}");
    }
}

#[test]
fn a_suspended_app_says_so_whatever_the_clock_is() {
    for seconds in [0, 600] {
        let suspended = Case::serving(NEW_IMAGE, json!({"suspend": {"reason": "incident"}}));
        let plan = off_by(suspended, seconds).plan();
        assert_eq!((plan.change, plan.is_over(false)), (Change::Blocked, true), "{seconds}");
        assert!(plan.reason.starts_with("suspended"), "{}", plan.reason);
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
