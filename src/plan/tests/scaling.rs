//! What groups do by themselves, as tables: what is read, what is put, and what is left alone.

use super::*;
use crate::model::scaling::{GroupPolicy, PolicyKind, ScalingPolicy};
use crate::model::tags;

const GROUP: &str = "hello-prod-v001";

fn cpu(target: f64) -> Value {
    json!({"scaling": {"targetTracking": [{"metric": "ASGAverageCPUUtilization", "target": target}]}})
}

fn deployed(patch: Value) -> Case {
    Case::new(OLD_IMAGE, patch).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
}

fn has_policy(case: &mut Case, target: f64) {
    let kind = PolicyKind::TargetTracking {
        metric: "ASGAverageCPUUtilization".to_owned(),
        resource_label: None,
        target,
        disable_scale_in: false,
    };
    let policy = ScalingPolicy { name: ScalingPolicy::tracking(GROUP, "ASGAverageCPUUtilization"), kind };
    case.observed.details.policies.insert(GROUP.to_owned(), Read::Known(vec![put(policy)]));
}

fn put(policy: ScalingPolicy) -> GroupPolicy {
    GroupPolicy { arn: format!("arn:{}", policy.name), policy }
}

fn calls(plan: &AppPlan) -> Vec<&'static str> {
    plan.actions.iter().map(|planned| planned.action.operation().1).collect()
}

#[test]
fn settings_that_are_not_used_are_not_part_of_what_was_applied() {
    let case = Case::new(OLD_IMAGE, json!({}));
    let wanted = crate::plan::resolve::Wanted::resolve(
        &case.desired.apps[&scope().app],
        &case.desired.environment,
        &case.observed,
    );
    // Were it another, every group there is would be told its settings once more after an upgrade.
    assert_eq!(wanted.applied(), "3042afeb10dc");
}

#[test]
fn what_aws_tells_group_by_group_is_read_when_the_manifest_has_changed_or_on_request() {
    let mut case = deployed(cpu(60.0));
    case.observed.details.policies.clear();
    assert_eq!((case.plan().change, case.plan().wants.len()), (Change::Unchanged, 0));
    case.desired.deep = true;
    assert_eq!(case.plan().wants, [Want::Policies(GROUP.to_owned())]);
    case.observed.details.policies.insert(GROUP.to_owned(), Read::Unknown("Throttling: Rate exceeded".to_owned()));
    let plan = case.plan();
    assert_eq!(calls(&plan), [""; 0], "what could not be read is not put anew");
    assert!(plan.waits.iter().any(|wait| wait.what.contains("Rate exceeded")), "{:?}", plan.waits);
}

#[test]
fn settings_count_as_applied_only_when_all_of_them_could_be_compared() {
    let mut case = deployed(cpu(60.0));
    if let Read::Known(groups) = &mut case.observed.groups {
        groups.get_mut(GROUP).unwrap().owner.applied = Some("before".to_owned());
    }
    case.observed.details.hooks.insert(GROUP.to_owned(), Read::Unknown("no answer".to_owned()));
    assert_eq!(calls(&case.plan()), ["PutScalingPolicy"]);
    case.observed.details.hooks.insert(GROUP.to_owned(), Read::Known(Vec::new()));
    assert_eq!(calls(&case.plan()), ["PutScalingPolicy", "CreateOrUpdateTags"]);
}

#[test]
fn a_policy_that_differs_is_put_and_named_with_both_values() {
    let mut case = deployed(cpu(60.0));
    case.desired.deep = true;
    has_policy(&mut case, 60.0);
    assert_eq!(case.plan().change, Change::Unchanged);
    has_policy(&mut case, 80.0);
    let plan = case.plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Drift, vec!["PutScalingPolicy"]));
    let drift = &plan.drift[0];
    assert_eq!(
        (drift.path.as_str(), drift.before.as_deref(), drift.after.as_deref()),
        ("scaling.targetTracking", Some("ASGAverageCPUUtilization at 80"), Some("ASGAverageCPUUtilization at 60"))
    );
    for ignored in ["scaling", "scaling.targetTracking"] {
        let mut case = deployed({
            let mut patch = cpu(60.0);
            merge(&mut patch, json!({"drift": {"ignore": [ignored]}}));
            patch
        });
        case.desired.deep = true;
        has_policy(&mut case, 80.0);
        assert_eq!(case.plan().change, Change::Unchanged, "{ignored}");
    }
}

#[test]
fn requests_are_counted_where_the_group_is_registered() {
    let mut case =
        deployed(json!({"scaling": {"targetTracking": [{"metric": "ALBRequestCountPerTarget", "target": 9}]}}));
    case.desired.deep = true;
    let plan = case.plan();
    let Action::PutScalingPolicy { policy, .. } = &plan.actions[0].action else { panic!("{:?}", plan.actions) };
    let PolicyKind::TargetTracking { resource_label, .. } = &policy.kind else { panic!("{policy:?}") };
    assert_eq!(resource_label.as_deref(), Some("app/hello-prod/1/targetgroup/hello-prod-a/1"));
}

#[test]
fn a_timetable_says_the_sizes_of_the_hour() {
    // It is noon UTC on a Monday.
    for (scheduled, sizes) in [
        (json!([{"name": "a", "schedule": "0 11 * * *", "min": 3, "max": 6}]), ("3", "6")),
        (json!([{"name": "a", "schedule": "0 13 * * 2", "min": 3, "max": 6}]), ("3", "6")),
        (
            json!([
                {"name": "a", "schedule": "30 11 * * *", "max": 6},
                {"name": "b", "schedule": "0 12 * * *", "timeZone": "Europe/Berlin", "max": 7}
            ]),
            ("2", "6"),
        ),
        (
            json!([
                {"name": "a", "schedule": "0 10 * * *", "max": 6},
                {"name": "b", "schedule": "0 12 * * *", "timeZone": "Europe/Berlin", "max": 7}
            ]),
            ("2", "7"),
        ),
    ] {
        let plan = deployed(json!({"scaling": {"scheduled": scheduled}})).plan();
        let after = |path: &str, otherwise: &str| {
            let change = plan.drift.iter().find(|change| change.path == path);
            change.and_then(|change| change.after.clone()).unwrap_or_else(|| otherwise.to_owned())
        };
        assert_eq!((after("instances.min", "2").as_str(), after("instances.max", "2").as_str()), sizes, "{scheduled}");
    }
}

#[test]
fn a_generation_that_grows_cannot_be_scaled_in_again_before_it_is_deployed() {
    let grown = |group: &mut Group| {
        long_deployed(group);
        (group.min, group.desired, group.max) = (2, 8, 9);
        group.owner.held_min = Some(2);
    };
    let wide = json!({"instances": {"min": 2, "max": 9}});
    let case = |min, held| {
        Case::new(NEW_IMAGE, wide.clone())
            .with_front(Slot::A)
            .with_group(1, OLD_IMAGE, Health::Healthy, grown)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                (group.min, group.desired, group.max, group.owner.held_min) = (min, 4, 9, held);
            })
    };
    for (min, held) in [(2, None), (4, Some(2))] {
        let plan = case(min, held).plan();
        let change = plan.actions.iter().find_map(|planned| match &planned.action {
            Action::UpdateGroup { name, change } if name == "hello-prod-v002" => Some((change.min, change.desired)),
            _ => None,
        });
        assert_eq!(change, Some((Some(8), Some(8))), "{min}");
        let noted = plan.actions.iter().any(|planned| match &planned.action {
            Action::TagGroup { name, tags, .. } => {
                name == "hello-prod-v002" && tags.get(tags::keys::HELD_MIN).is_some_and(|min| min == "2")
            }
            _ => false,
        });
        assert_eq!(noted, held.is_none(), "{min}");
    }
}

#[test]
fn a_max_below_a_min_that_is_held_for_a_release_lowers_it() {
    let held = |group: &mut Group| {
        long_deployed(group);
        (group.min, group.desired, group.max) = (6, 6, 8);
        group.owner.held_min = Some(2);
        group.instances.truncate(0);
    };
    let case = Case::new(OLD_IMAGE, json!({"instances": {"min": 2, "max": 4}})).with_front(Slot::A);
    let plan = case.with_group(1, OLD_IMAGE, Health::Healthy, held).plan();
    let sizes = plan.actions.iter().filter_map(|planned| match &planned.action {
        Action::UpdateGroup { change, .. } => Some((change.min, change.max, change.desired)),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(Some(4), Some(4), Some(4)), (Some(2), None, None)]);
}

mod stepping {
    use super::*;
    use crate::model::action::Tags;
    use crate::model::alarm::{GroupAlarm, StepAlarm};

    const BUSY: &str = "hello-prod-v001-step-busy";

    fn busy(change: i32) -> Value {
        json!({"scaling": {"step": [{
            "name": "busy", "metric": "ASGAverageCPUUtilization", "threshold": 70, "period": "1m",
            "comparison": "GreaterThanOrEqualToThreshold", "steps": [{"lowerBound": 0, "adjustment": change}],
        }]}})
    }

    /// What `plan` makes of it all, one round after another, until nothing is left to be done.
    fn settle(case: &mut Case) -> Vec<String> {
        let mut done = Vec::new();
        for _ in 0..5 {
            let plan = case.plan();
            assert_eq!(plan.wants, [], "{done:?}");
            if plan.actions.is_empty() {
                return done;
            }
            for planned in plan.actions {
                done.push(planned.action.to_string());
                carry_out(case, planned.action);
            }
        }
        panic!("no end: {done:?}");
    }

    fn carry_out(case: &mut Case, action: Action) {
        let details = &mut case.observed.details;
        let Some(Read::Known(policies)) = details.policies.get_mut(GROUP) else { panic!() };
        let Some(Read::Known(alarms)) = details.step_alarms.get_mut(GROUP) else { panic!() };
        match action {
            Action::PutScalingPolicy { policy, .. } => {
                policies.retain(|found| found.policy.name != policy.name);
                policies.push(put(policy));
            }
            Action::DeleteScalingPolicy { policy, .. } => {
                let ours = alarms.iter().filter(|found| tags::belongs_to(&found.tags, &scope()));
                assert!(ours.into_iter().all(|found| found.alarm.name != policy), "the alarm goes before its policy");
                policies.retain(|found| found.policy.name != policy);
            }
            Action::PutStepAlarm { alarm, tags } => {
                assert!(policies.iter().any(|found| found.arn == alarm.policy_arn), "{alarm}");
                alarms.retain(|found| found.alarm.name != alarm.name);
                alarms.push(GroupAlarm { arn: format!("arn:aws:cloudwatch:{}", alarm.name), alarm, tags });
            }
            Action::DeleteStepAlarm { alarm } => alarms.retain(|found| found.alarm.name != alarm),
            Action::TagGroup { tags, .. } => {
                if let Read::Known(groups) = &mut case.observed.groups {
                    groups.get_mut(GROUP).unwrap().owner.applied =
                        tags.get(tags::keys::APPLIED).and_then(|text| tags::decode_applied(text).0);
                }
            }
            other => panic!("{other}"),
        }
    }

    fn changed(patch: Value) -> Case {
        let mut case = deployed(patch);
        case.observed.details.step_alarms.insert(GROUP.to_owned(), Read::Known(Vec::new()));
        if let Read::Known(groups) = &mut case.observed.groups {
            groups.get_mut(GROUP).unwrap().owner.applied = Some("before".to_owned());
        }
        case
    }

    fn alarm(case: &Case) -> StepAlarm {
        case.observed.details.step_alarms[GROUP].known().unwrap()[0].alarm.clone()
    }

    #[test]
    fn the_alarm_comes_when_its_policy_has_an_arn_and_only_then_it_is_all_applied() {
        let mut case = changed(busy(1));
        assert_eq!(
            settle(&mut case),
            [
                format!("PutScalingPolicy {BUSY}"),
                format!("PutMetricAlarm {BUSY}"),
                format!("CreateOrUpdateTags {GROUP}")
            ]
        );
        let alarm = alarm(&case);
        assert_eq!(
            alarm.to_string(),
            "Average of AWS/EC2 CPUUtilization AutoScalingGroupName=hello-prod-v001 ≥ 70 in 3 of 3 periods of 1m"
        );
        assert_eq!(alarm.policy_arn, format!("arn:{BUSY}"));
        case.desired.deep = true;
        assert_eq!(case.plan().change, Change::Unchanged);
    }

    #[test]
    fn an_alarm_that_somebody_changed_is_drift_and_put_right_unless_that_is_ignored() {
        for (ignored, calls) in [(false, vec![format!("PutMetricAlarm {BUSY}")]), (true, vec![])] {
            let mut patch = busy(1);
            if ignored {
                merge(&mut patch, json!({"drift": {"ignore": ["scaling.step"]}}));
            }
            let mut case = changed(patch);
            settle(&mut case);
            case.desired.deep = true;
            if let Some(Read::Known(alarms)) = case.observed.details.step_alarms.get_mut(GROUP) {
                alarms[0].alarm.threshold = 90.0;
            }
            assert_eq!(case.plan().change, if ignored { Change::Unchanged } else { Change::Drift });
            assert_eq!(settle(&mut case), calls);
        }
    }

    #[test]
    fn a_policy_deleted_by_hand_comes_back_and_its_alarm_calls_the_new_one() {
        let mut case = changed(busy(1));
        settle(&mut case);
        case.desired.deep = true;
        case.observed.details.policies.insert(GROUP.to_owned(), Read::Known(Vec::new()));
        if let Some(Read::Known(alarms)) = case.observed.details.step_alarms.get_mut(GROUP) {
            alarms[0].alarm.policy_arn = "arn:of the old one".to_owned();
        }
        assert_eq!(settle(&mut case), [format!("PutScalingPolicy {BUSY}"), format!("PutMetricAlarm {BUSY}")]);
        assert_eq!(alarm(&case).policy_arn, format!("arn:{BUSY}"));
    }

    #[test]
    fn a_step_that_the_manifest_no_longer_has_goes_alarm_first() {
        let mut case = changed(busy(1));
        settle(&mut case);
        let mut without = changed(json!({}));
        without.observed.details = case.observed.details.clone();
        assert_eq!(
            settle(&mut without),
            [format!("DeleteAlarms {BUSY}"), format!("DeletePolicy {BUSY}"), format!("CreateOrUpdateTags {GROUP}")]
        );
    }

    #[test]
    fn an_alarm_of_somebody_else_is_never_taken() {
        let mut case = changed(busy(1));
        settle(&mut case);
        if let Some(Read::Known(alarms)) = case.observed.details.step_alarms.get_mut(GROUP) {
            alarms[0].tags = Tags::from([("team".to_owned(), "shop".to_owned())]);
            alarms[0].alarm.threshold = 90.0;
        }
        case.desired.deep = true;
        let plan = case.plan();
        assert_eq!(calls(&plan), [""; 0]);
        assert!(plan.waits.iter().any(|wait| wait.what.contains("not Amiable's")), "{:?}", plan.waits);
        let mut without = changed(json!({}));
        without.observed.details = case.observed.details.clone();
        assert_eq!(settle(&mut without), [format!("DeletePolicy {BUSY}"), format!("CreateOrUpdateTags {GROUP}")]);
    }

    #[test]
    fn requests_are_summed_where_the_group_is_registered_and_metrics_of_ones_own_may_be_the_groups() {
        let step = |metric: Value| {
            let mut step = json!({
                "name": "busy", "threshold": 900, "comparison": "GreaterThanThreshold", "steps": [{"adjustment": 1}],
            });
            merge(&mut step, metric);
            json!({"scaling": {"step": [step]}})
        };
        for (metric, said) in [
            (
                json!({"metric": "ALBRequestCountPerTarget"}),
                "Sum of AWS/ApplicationELB RequestCountPerTarget LoadBalancer=app/hello-prod/1 \
                 TargetGroup=targetgroup/hello-prod-a/1 > 900",
            ),
            (
                json!({"customMetric": {"namespace": "Shop", "name": "Memory", "perGroup": true}, "statistic": "Maximum"}),
                "Maximum of Shop Memory AutoScalingGroupName=hello-prod-v001 > 900",
            ),
            (
                json!({"customMetric": {
                    "namespace": "AWS/SQS", "name": "ApproximateNumberOfMessagesVisible", "dimensions": {"QueueName": "jobs"},
                }}),
                "Average of AWS/SQS ApproximateNumberOfMessagesVisible QueueName=jobs > 900",
            ),
        ] {
            let mut case = changed(step(metric));
            settle(&mut case);
            let alarm = alarm(&case).to_string();
            assert!(alarm.starts_with(said), "{alarm}");
        }
    }
}
