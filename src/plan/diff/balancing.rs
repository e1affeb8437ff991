//! What of load balancing is changed while it runs: health checks, the rule's conditions, deregistration delays.

use std::collections::BTreeMap;

use super::Changes;
use crate::manifest::spec::LoadBalancer;
use crate::model::action::Action;
use crate::model::names::Slot;
use crate::model::observed::TargetCheck;
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::release::Release;

/// How targets are checked, where the wanted generation is or will be. The slot of another generation is left as it is:
/// what it serves may not know the new path, and would be replaced for it.
pub(super) fn checks<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_>) {
    let Some(front) = &release.picture.front else { return };
    let wanted = &release.wanted.check;
    let place = release.target.and_then(|target| target.owner.slot).or_else(|| front.live_slot().map(Slot::other));
    let shown = release.target.or(release.serving).and_then(|group| group.owner.slot);
    if let Some(target_group) = shown.and_then(|slot| front.target_groups.get(&slot)) {
        check_fields(&target_group.check, wanted, changes);
    }
    let Some(target_group) = place.and_then(|slot| front.target_groups.get(&slot)) else { return };
    // A difference that is to be left alone must not come back with another one that is put right.
    let mut check = wanted.clone();
    if changes.drifted && !changes.ignore.is_empty() {
        keep_ignored(&mut check, &target_group.check, changes.ignore);
    }
    if target_group.check != check {
        let (arn, name) = (target_group.arn.clone(), target_group.name.clone());
        let action = Action::ModifyTargetGroup { arn, name, check };
        draft.act(action, "the health check differs from the manifest", Vec::new());
    }
}

fn check_fields(has: &TargetCheck, wanted: &TargetCheck, changes: &mut Changes<'_>) {
    let span = |seconds: u64| Span::seconds(seconds).to_string();
    let fields = [
        ("healthCheck.path", has.path.clone(), wanted.path.clone()),
        ("healthCheck.matcher", has.matcher.clone(), wanted.matcher.clone()),
        ("healthCheck.interval", span(has.interval), span(wanted.interval)),
        ("healthCheck.timeout", span(has.timeout), span(wanted.timeout)),
        ("healthCheck.healthyThreshold", has.healthy_threshold.to_string(), wanted.healthy_threshold.to_string()),
        ("healthCheck.unhealthyThreshold", has.unhealthy_threshold.to_string(), wanted.unhealthy_threshold.to_string()),
    ];
    for (path, before, after) in fields {
        changes.differs(path, before, after);
    }
}

fn keep_ignored(check: &mut TargetCheck, has: &TargetCheck, ignore: &[String]) {
    let ignored = |path: &str| ignore.iter().any(|ignored| ignored == path);
    if ignored("healthCheck.path") {
        check.path.clone_from(&has.path);
    }
    if ignored("healthCheck.matcher") {
        check.matcher.clone_from(&has.matcher);
    }
    if ignored("healthCheck.interval") {
        check.interval = has.interval;
    }
    if ignored("healthCheck.timeout") {
        check.timeout = has.timeout;
    }
    if ignored("healthCheck.healthyThreshold") {
        check.healthy_threshold = has.healthy_threshold;
    }
    if ignored("healthCheck.unhealthyThreshold") {
        check.unhealthy_threshold = has.unhealthy_threshold;
    }
}

pub(super) fn rule<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_>) {
    let (Some(front), LoadBalancer::Shared(shared)) = (&release.picture.front, &release.wanted.spec.load_balancer)
    else {
        return;
    };
    let Some(rule) = front.rule else { return };
    let sorted = |patterns: &[String]| {
        let mut patterns = patterns.to_vec();
        patterns.sort();
        patterns.join(", ")
    };
    let hosts = changes.differs("loadBalancer.hosts", sorted(&rule.hosts), sorted(&shared.hosts));
    let paths = changes.differs("loadBalancer.paths", sorted(&rule.paths), sorted(&shared.paths));
    if hosts || paths {
        let (hosts, paths) = (shared.hosts.clone(), shared.paths.clone());
        let action = Action::ModifyRuleConditions { arn: rule.arn.clone(), hosts, paths, headers: BTreeMap::new() };
        draft.act(action, "the rule's conditions differ from the manifest", Vec::new());
    }
}
