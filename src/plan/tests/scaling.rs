//! What groups do by themselves, as tables: what is read, what is put, and what is left alone.

use super::*;
use crate::model::scaling::{PolicyKind, ScalingPolicy};

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
    case.observed.details.policies.insert(GROUP.to_owned(), Read::Known(vec![policy]));
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
    assert_eq!(wanted.ok().unwrap().applied(), "3042afeb10dc");
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
