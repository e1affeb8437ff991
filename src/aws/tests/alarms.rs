//! Alarms that call a group's policies: put, read back as they were put, and deleted only when they are ours.

use super::*;
use crate::model::action::Tags;
use crate::model::alarm::{Metric, StepAlarm};
use crate::model::scaling::{PolicyKind, PolicyStep, ScalingPolicy};

const NAME: &str = "hello-prod-v001-step-busy";

fn policy() -> ScalingPolicy {
    let steps = vec![
        PolicyStep { lower_bound: Some(0.0), upper_bound: Some(12.5), adjustment: 10 },
        PolicyStep { lower_bound: Some(12.5), upper_bound: None, adjustment: 30 },
    ];
    let adjustment_type = "PercentChangeInCapacity".to_owned();
    let kind = PolicyKind::Step { adjustment_type, min_magnitude: Some(2), warmup: Some(90), steps };
    ScalingPolicy { name: NAME.to_owned(), kind }
}

fn alarm(policy_arn: &str) -> StepAlarm {
    StepAlarm {
        name: NAME.to_owned(),
        metric: Metric {
            namespace: "Shop".to_owned(),
            name: "Jobs".to_owned(),
            dimensions: BTreeMap::from([("Queue".to_owned(), "mail".to_owned())]),
        },
        statistic: "Maximum".to_owned(),
        period: 120,
        periods: 3,
        to_alarm: 2,
        comparison: "GreaterThanOrEqualToThreshold".to_owned(),
        threshold: 100.5,
        missing_data: "notBreaching".to_owned(),
        policy_arn: policy_arn.to_owned(),
    }
}

/// The lab with a group, its policy and the alarm that calls it; and the alarm.
async fn stepped() -> (Lab, Release, StepAlarm) {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.done("hello", &Action::PutScalingPolicy { group: release.group.clone(), policy: policy() }).await;
    let seen = lab.look_at([Want::Policies(release.group.clone())]).await;
    let found = &seen.details.policies[&release.group].known().unwrap()[0];
    assert_eq!(found.policy, policy());
    let alarm = alarm(&found.arn);
    let tags = tags::encode_app(&release.scope, NAME, &BTreeMap::new());
    lab.done("hello", &Action::PutStepAlarm { alarm: alarm.clone(), tags }).await;
    (lab, release, alarm)
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_read_as_it_was_put_with_the_tags_of_its_app() {
    let (lab, release, alarm) = stepped().await;
    let theirs = StepAlarm { name: "hello-prod-v001-step-theirs".to_owned(), ..alarm.clone() };
    lab.done("hello", &Action::PutStepAlarm { alarm: theirs.clone(), tags: Tags::new() }).await;
    let seen = lab.look_at([Want::StepAlarms(release.group.clone())]).await;
    let found = seen.details.step_alarms[&release.group].known().unwrap();
    assert_eq!(found.iter().map(|found| &found.alarm).collect::<Vec<_>>(), [&alarm, &theirs]);
    let ours: Vec<bool> = found.iter().map(|found| tags::belongs_to(&found.tags, &release.scope)).collect();
    assert_eq!(ours, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_deleted_only_when_it_is_ours_and_twice_is_as_good_as_once() {
    let (lab, release, alarm) = stepped().await;
    let arn = lab.simulation.with(|world| world.metrics.alarms[NAME].arn(world));
    let own = |app: &str| [Expect::OwnTags { arn: arn.clone(), app: app.parse().unwrap() }];
    assert_eq!(lab.recheck(&own("hello")).await, Ok(()));
    assert!(matches!(lab.recheck(&own("other")).await, Err(Recheck::Stale(_))));
    let delete = Action::DeleteStepAlarm { alarm: alarm.name };
    assert_eq!(lab.done("hello", &delete).await, Done::Applied);
    assert_eq!(lab.done("hello", &delete).await, Done::Already);
    assert!(matches!(lab.recheck(&own("hello")).await, Err(Recheck::Stale(_))), "what is gone is nobody's");
    let seen = lab.look_at([Want::StepAlarms(release.group.clone())]).await;
    assert_eq!(seen.details.step_alarms[&release.group].known(), Some(&Vec::new()));
}
