//! Differences: what the manifest changes against what runs, and what AWS differs in from what was last applied.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::picture::Picture;
use super::prepare;
use super::release::Release;
use super::resolve::Wanted;
use crate::manifest::spec::LoadBalancer;
use crate::model::action::{Action, GroupChange, Tags};
use crate::model::launch::LaunchData;
use crate::model::names::Slot;
use crate::model::observed::{Group, Image, TargetCheck, Want};
use crate::model::plan::{Effect, FieldChange};
use crate::model::tags::{self, keys};
use crate::model::time::Span;

/// The fields that make a new generation necessary, before and after.
pub(super) fn replaced<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let wanted = release.wanted;
    let Some(serving) = release.serving else {
        add_replaced(draft, "image", None, image_after(wanted));
        add_replaced(draft, "instanceType", None, wanted.launch.instance_type.clone());
        return;
    };
    if serving.owner.template_hash == wanted.hash {
        return;
    }
    let before_image = describe_image(&serving.owner.image, &serving.owner.release);
    let found = draft.observed.template_data.get(&serving.name);
    let before = draft.see(found, Want::TemplateData(serving.name.clone()), "the launch template that runs");
    let Some(Some(before)) = before else {
        add_replaced(draft, "image", Some(before_image), image_after(wanted));
        return;
    };
    if before.image_id != wanted.launch.image_id {
        add_replaced(draft, "image", Some(before_image), image_after(wanted));
    }
    for (path, old, new) in template_fields(before, &wanted.launch) {
        if old != new {
            let shown = |text: Option<String>| text.or_else(|| Some("none".to_owned()));
            draft.plan.fields.push(FieldChange {
                path: path.to_owned(),
                before: shown(old),
                after: shown(new),
                effect: Effect::Replace,
            });
        }
    }
}

fn add_replaced(draft: &mut Draft<'_>, path: &str, before: Option<String>, after: String) {
    let change = FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::Replace };
    draft.plan.fields.push(change);
}

fn template_fields(old: &LaunchData, new: &LaunchData) -> Vec<(&'static str, Option<String>, Option<String>)> {
    let both = |path, of: fn(&LaunchData) -> Option<String>| (path, of(old), of(new));
    vec![
        both("instanceType", |data| Some(data.instance_type.clone())),
        both("launch.iamInstanceProfile", |data| data.iam_instance_profile.clone()),
        both("launch.keyName", |data| data.key_name.clone()),
        both("launch.securityGroupIds", |data| Some(data.security_group_ids.join(", "))),
        both("launch.userData", |data| data.user_data.as_ref().map(ToString::to_string)),
        both("launch.detailedMonitoring", |data| Some(data.detailed_monitoring.to_string())),
        both("launch.rootVolumeSize", |data| data.root_volume.as_ref().map(|root| format!("{} GiB", root.size))),
    ]
}

fn image_after(wanted: &Wanted<'_>) -> String {
    let mut said = wanted.release();
    if said.is_empty() {
        said.extend(wanted.image.map(|image: &Image| ("version".to_owned(), image.name.clone())));
    }
    describe_image(&wanted.launch.image_id, &said)
}

/// `ami-0222 (1.9.0, 3f2c1ab)`.
fn describe_image(id: &str, release: &BTreeMap<String, String>) -> String {
    let said: Vec<&str> =
        ["version", "commit"].iter().filter_map(|key| release.get(*key)).map(String::as_str).collect();
    if said.is_empty() { id.to_owned() } else { format!("{id} ({})", said.join(", ")) }
}

/// Plans every change that AWS can make in place, and says what was changed by whom.
pub(super) fn in_place<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(group) = release.target.or(release.serving) else { return };
    let applied = release.wanted.applied();
    let mut changes = Changes {
        drifted: group.owner.applied.as_ref() == Some(&applied),
        ignore: &release.wanted.spec.drift.ignore,
        found: Vec::new(),
    };
    sizes(draft, release, group, &mut changes);
    checks(draft, release, &mut changes);
    rule(draft, release, &mut changes);
    labels(draft, release, group, &mut changes);
    if !changes.drifted {
        let before = draft.plan.actions.len();
        if let Some(front) = &release.picture.front {
            prepare::set_delays(draft, release.wanted, front);
        }
        for planned in &draft.plan.actions[before..] {
            if let Action::SetDeregistrationDelay { seconds, .. } = &planned.action {
                changes.found.push(change("loadBalancer.deregistrationDelay", None, format!("{seconds}s")));
            }
        }
        changes.found.dedup();
        // Last, so that it is only said once it is so. Only the group whose template is wanted is said to be up to date.
        if release.target.is_some() {
            let tag = Tags::from([(keys::APPLIED.to_owned(), applied)]);
            draft.tag_group(&group.name, tag, "its settings are those of the manifest");
        }
    }
    if changes.drifted {
        draft.plan.drift.append(&mut changes.found);
    } else {
        draft.plan.fields.append(&mut changes.found);
    }
}

struct Changes<'w> {
    /// Whether the manifest is as it was last applied, so that every difference is AWS's.
    drifted: bool,
    ignore: &'w [String],
    found: Vec<FieldChange>,
}

impl Changes<'_> {
    /// Takes note of a field if it differs, and says whether it is to be changed.
    fn differs(&mut self, path: &str, before: String, after: String) -> bool {
        let ignored = self.drifted && self.ignore.iter().any(|ignored| ignored == path);
        if before == after || ignored {
            return false;
        }
        self.found.push(change(path, Some(before), after));
        true
    }
}

fn change(path: &str, before: Option<String>, after: String) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::InPlace }
}

fn sizes<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group, changes: &mut Changes<'_>) {
    let spec = release.wanted.spec;
    let mut update = GroupChange::default();
    let (min, max) = (spec.instances.min, spec.instances.max);
    if changes.differs("instances.min", group.min.to_string(), min.to_string()) {
        update.min = Some(min);
    }
    if changes.differs("instances.max", group.max.to_string(), max.to_string()) {
        update.max = Some(max);
    }
    let grace = spec.health_check.grace_period;
    let has = Span::seconds(group.grace_period);
    if changes.differs("healthCheck.gracePeriod", has.to_string(), grace.to_string()) {
        update.grace_period = Some(grace.as_seconds());
    }
    let subnets: Vec<_> = group.subnet_ids.iter().cloned().collect();
    if changes.differs("network.subnetIds", subnets.join(", "), release.wanted.subnet_ids.join(", ")) {
        update.subnet_ids = Some(release.wanted.subnet_ids.clone());
    }
    // The desired number belongs to scaling; it moves only as far as the new limits force it.
    let (low, high) = (update.min.unwrap_or(group.min), update.max.unwrap_or(group.max));
    let desired = group.desired.clamp(low.min(high), high);
    update.desired = (desired != group.desired).then_some(desired);
    // While a new template waits to be launched, the group that serves is left as it is.
    if update != GroupChange::default() && release.target.is_some() {
        draft.act(
            Action::UpdateGroup { name: group.name.clone(), change: update },
            "the group differs from the manifest",
            Vec::new(),
        );
    }
}

/// How targets are checked, where the wanted generation is or will be. The slot of another generation is left as it is:
/// what it serves may not know the new path, and would be replaced for it.
fn checks<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_>) {
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

fn rule<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_>) {
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
        let action = Action::ModifyRuleConditions { arn: rule.arn.clone(), hosts, paths };
        draft.act(action, "the rule's conditions differ from the manifest", Vec::new());
    }
}

fn labels<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group, changes: &mut Changes<'_>) {
    let wanted = &release.wanted.app.labels;
    let mut set = Tags::new();
    for (key, value) in wanted {
        let value = tags::value(value);
        let before = group.labels.get(key).cloned();
        if changes.differs(
            &format!("metadata.labels.{key}"),
            before.unwrap_or_else(|| "none".to_owned()),
            value.clone(),
        ) {
            set.insert(key.clone(), value.clone());
        }
    }
    // Tags that the manifest does not name are left alone: cost reports and other tools put them there.
    if !set.is_empty() && release.target.is_some() {
        let action = Action::TagGroup { name: group.name.clone(), tags: set, propagate: true };
        draft.act(action, "the labels differ from the manifest", Vec::new());
    }
}

/// How many instances run at the peak of a release: what is in the way is gone before the launch.
pub(super) fn peak(release: &Release<'_, '_>, picture: &Picture<'_>) -> u32 {
    let running: u32 = picture.groups.iter().map(|group| group.desired).sum();
    let leaving: u32 = if release.is_shifted() { 0 } else { release.leftovers().map(|group| group.desired).sum() };
    let coming = if release.target.is_some() { 0 } else { release.size };
    running.max(running - leaving + coming)
}
