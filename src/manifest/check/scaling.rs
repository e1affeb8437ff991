//! Scaling and hooks: names that must differ, sizes that must fit, metrics that need a load balancer.

use std::collections::BTreeSet;

use super::{Subject, stepping};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::model::spec::{Kind, LoadBalancer, Metric, Scaling, Scheduled};

pub(super) fn scaling(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let spec = subject.spec;
    maintenance(subject, findings);
    let hooks: Vec<&str> = spec.launch.lifecycle_hooks.iter().map(|hook| hook.name.as_str()).collect();
    distinct(subject, &["launch", "lifecycleHooks"], "lifecycle hooks", &hooks, findings);
    for hook in &spec.launch.lifecycle_hooks {
        if hook.role_arn.is_some() && hook.notification_target_arn.is_none() {
            let message = format!("the hook {} has a role and tells nobody", quoted(&hook.name));
            let finding = subject.error(Code::Contradiction, &["launch", "lifecycleHooks"], message);
            findings.push(finding.help("add `notificationTargetArn`, or remove `roleArn`; EventBridge needs no role"));
        }
    }
    if let Some(scaling) = &spec.scaling {
        tracking(subject, scaling, findings);
        stepping::steps(subject, scaling, findings);
        scheduled(subject, scaling, findings);
    }
}

fn maintenance(subject: &Subject<'_>, findings: &mut Diagnostics) {
    let Some(policy) = &subject.spec.instances.maintenance_policy else { return };
    if policy.max_healthy_percentage.saturating_sub(policy.min_healthy_percentage) > 100 {
        let message = format!(
            "`instances.maintenancePolicy` goes from {}% to {}%, and AWS allows a difference of 100",
            policy.min_healthy_percentage, policy.max_healthy_percentage
        );
        let path = ["instances", "maintenancePolicy"];
        findings
            .push(subject.error(Code::Contradiction, &path, message).help("raise the minimum, or lower the maximum"));
    }
}

pub(super) fn distinct(subject: &Subject<'_>, path: &[&str], what: &str, names: &[&str], findings: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(*name) {
            let message = format!("two {what} are called {}", quoted(name));
            findings.push(subject.error(Code::Duplicate, path, message).help("rename one of them"));
        }
    }
}

fn tracking(subject: &Subject<'_>, scaling: &Scaling, findings: &mut Diagnostics) {
    let path = ["scaling", "targetTracking"];
    let metrics: Vec<&str> = scaling.target_tracking.iter().map(|one| one.metric.as_str()).collect();
    let mut seen = BTreeSet::new();
    for metric in metrics.iter().filter(|metric| !seen.insert(**metric)) {
        let message = format!("`{metric}` is tracked twice");
        findings.push(subject.error(Code::Duplicate, &path, message).help("keep one of them"));
    }
    for one in &scaling.target_tracking {
        if !(one.target > 0.0 && one.target.is_finite()) {
            let message = format!("the target of `{}` is {}, and must be more than 0", one.metric.as_str(), one.target);
            findings.push(subject.error(Code::OutOfRange, &path, message));
        }
        if one.metric == Metric::CpuUtilization && one.target > 100.0 {
            let message = format!("the target of `{}` is {} percent of CPU", one.metric.as_str(), one.target);
            findings.push(subject.error(Code::OutOfRange, &path, message).help("100 at most; 60 is common"));
        }
        if let Some(finding) = uncounted(subject).filter(|_| one.metric == Metric::RequestCountPerTarget) {
            findings.push(finding.help("track another metric than `ALBRequestCountPerTarget`"));
        }
    }
}

/// Why nobody counts the requests to the app's targets, if nobody does.
pub(super) fn uncounted(subject: &Subject<'_>) -> Option<Diagnostic> {
    let why = match &subject.spec.load_balancer {
        LoadBalancer::None => "a worker has no requests to count",
        LoadBalancer::Own(own) if own.kind == Kind::Network => "a network load balancer counts no requests",
        _ => return None,
    };
    let finding = subject.error(Code::Contradiction, &["scaling"], why.to_owned());
    Some(finding.related(subject.tree.nearest(&["loadBalancer"]), "the load balancer"))
}

fn scheduled(subject: &Subject<'_>, scaling: &Scaling, findings: &mut Diagnostics) {
    let path = ["scaling", "scheduled"];
    let names: Vec<&str> = scaling.scheduled.iter().map(|one| one.name.as_str()).collect();
    distinct(subject, &path, "scheduled actions", &names, findings);
    for one in &scaling.scheduled {
        if let Some((message, help)) = fault(one) {
            let finding = subject.error(Code::Contradiction, &path, format!("{} {message}", quoted(&one.name)));
            findings.push(finding.help(help));
        }
    }
    against_the_group(subject, scaling, findings);
}

/// Sizes that the group's own limits do not allow, unless another scheduled action moves these.
fn against_the_group(subject: &Subject<'_>, scaling: &Scaling, findings: &mut Diagnostics) {
    let instances = &subject.spec.instances;
    let most = scaling.scheduled.iter().filter_map(|one| one.max).fold(instances.max, u32::max);
    let least = scaling.scheduled.iter().filter_map(|one| one.min).fold(instances.min, u32::min);
    for one in &scaling.scheduled {
        let (high, low) = (one.max.unwrap_or(most), one.min.unwrap_or(least));
        let above = [("min", one.min), ("desired", one.desired)].into_iter().find(|(_, size)| *size > Some(high));
        let below = [("max", one.max), ("desired", one.desired)];
        let below = below.into_iter().find(|(_, size)| size.is_some_and(|size| size < low));
        let told = match (above, below) {
            (Some((field, Some(size))), _) if one.max.is_none() => (
                format!("sets `{field}` to {size}, above `instances.max`, which is {}", instances.max),
                "raise `instances.max`, or give it a `max`",
            ),
            (_, Some((field, Some(size)))) if one.min.is_none() => (
                format!("sets `{field}` to {size}, below `instances.min`, which is {}", instances.min),
                "lower `instances.min`, or give it a `min`",
            ),
            _ => continue,
        };
        let message = format!("{} {}", quoted(&one.name), told.0);
        findings.push(subject.error(Code::Contradiction, &["scaling", "scheduled"], message).help(told.1));
    }
}

/// What of the sizes of one scheduled action cannot be.
fn fault(one: &Scheduled) -> Option<(&'static str, &'static str)> {
    let above = |low: Option<u32>, high: Option<u32>| low.zip(high).is_some_and(|(low, high)| low > high);
    match () {
        () if one.min.or(one.max).or(one.desired).is_none() => {
            Some(("changes nothing", "add `min`, `max` or `desired`"))
        }
        () if above(one.min, one.max) => Some(("has a `min` above its `max`", "raise `max`, or lower `min`")),
        () if above(one.min, one.desired) => Some(("has a `desired` below its `min`", "raise `desired`")),
        () if above(one.desired, one.max) => Some(("has a `desired` above its `max`", "lower `desired`")),
        () => None,
    }
}
