//! What of a group is changed while it runs: its sizes, its subnets, its labels.

use super::Changes;
use crate::model::action::{Action, GroupChange, Launches, Tags};
use crate::model::machine::MixedInstances;
use crate::model::observed::Group;
use crate::model::tags;
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::floor;
use crate::plan::release::Release;
use crate::plan::resolve::Wanted;
use crate::plan::shift::own_group;

/// The most instances that EC2 tags in one call.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
const INSTANCES_A_CALL: usize = 1000;

pub(super) fn sizes<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &Group,
    changes: &mut Changes<'_, '_>,
) {
    let wanted = release.wanted;
    let mut update = GroupChange::default();
    // While it is held up for a release, its min is ours, as far as the max allows.
    let held = group.owner.held_min.is_some();
    if !held && changes.differs("instances.min", group.min.to_string(), wanted.min.to_string()) {
        update.min = Some(wanted.min);
    }
    // What has not proved itself yet may have the one instance that it needs for that, whatever the hour.
    let is_proved = release.target.is_none_or(|target| target.name != group.name || !release.picture.is_due(target));
    let max = if is_proved { wanted.max } else { wanted.max.max(1) };
    if changes.differs("instances.max", group.max.to_string(), max.to_string()) {
        update.max = Some(max);
        if held && group.min > max {
            update.min = Some(max);
        }
    }
    let grace = wanted.spec.health_check.grace_period;
    let has = Span::seconds(group.grace_period);
    if changes.fits && changes.differs("healthCheck.gracePeriod", has.to_string(), grace.to_string()) {
        update.grace_period = Some(grace.as_seconds());
    }
    let subnets: Vec<_> = group.subnet_ids.iter().cloned().collect();
    if changes.differs("network.subnetIds", subnets.join(", "), wanted.subnet_ids.join(", ")) {
        update.subnet_ids = Some(wanted.subnet_ids.clone());
    }
    let kind = |elb: bool| if elb { "ELB" } else { "EC2" }.to_owned();
    if changes.differs("healthCheck", kind(group.health_check_elb), kind(wanted.has_front())) {
        update.health_check_elb = Some(wanted.has_front());
    }
    if changes.optional("instances.maintenancePolicy", said(group.maintenance), said(wanted.maintenance)) {
        update.maintenance = Some(wanted.maintenance);
    }
    let warmup = |seconds: Option<u64>| said(seconds.map(Span::seconds));
    if changes.optional("scaling.defaultInstanceWarmup", warmup(group.instance_warmup), warmup(wanted.instance_warmup))
    {
        update.instance_warmup = Some(wanted.instance_warmup);
    }
    launches(group, wanted, changes, &mut update);
    // The desired number belongs to scaling; it moves only as far as the new limits force it.
    let (low, high) = (update.min.unwrap_or(group.min), update.max.unwrap_or(group.max));
    let desired = group.desired.clamp(low.min(high), high);
    update.desired = (desired != group.desired).then_some(desired);
    // While a new template waits to be launched, the group that serves is left as it is.
    if desired < group.desired && release.target.is_some() && !floor::may_shrink(draft, release, group, desired) {
        (update.min, update.max, update.desired) = (None, None, None);
    }
    if update != GroupChange::default() && release.target.is_some() {
        // Scaled to nothing by its timetable.
        let expects = if update.desired == Some(0) { vec![own_group(group)] } else { Vec::new() };
        let action = Action::UpdateGroup { name: group.name.clone(), change: update };
        draft.act(action, "the group differs from the manifest", expects);
    }
}

/// What the group launches is what it was made of. Somebody, or an instance refresh, may have pinned it to another launch
/// template, to another version of its own, or to other instance types.
fn launches(group: &Group, wanted: &Wanted<'_>, changes: &mut Changes<'_, '_>, update: &mut GroupChange) {
    let pin = |(name, version): (String, String)| format!("{name} version {version}");
    let has = group.launch_template.clone().map_or_else(|| "none".to_owned(), pin);
    let mut differs = changes.differs("launchTemplate", has, pin(group.own_template()));
    // What the types of another template were to be stands nowhere but in its group.
    let template = wanted.template().filter(|template| template.hash == group.owner.template_hash);
    let mixed = template.map_or(&group.mixed, |template| &template.launch.mixed);
    let types = |mixed: &Option<MixedInstances>| said(mixed.as_ref().map(|mixed| mixed.instance_types.join(", ")));
    let paid = |mixed: &Option<MixedInstances>| said(mixed.clone());
    let other_types = changes.optional("instanceTypes", types(&group.mixed), types(mixed));
    if other_types || types(&group.mixed) == types(mixed) && changes.optional("spot", paid(&group.mixed), paid(mixed)) {
        differs = true;
    }
    if differs {
        update.launches = Some(Launches { mixed: mixed.clone() });
    }
}

fn said(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

pub(super) fn labels<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &Group,
    changes: &mut Changes<'_, '_>,
) {
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
        // The running instances first: while the group differs, all of it is done again.
        for instances in group.instances.chunks(INSTANCES_A_CALL) {
            let ids = instances.iter().map(|instance| instance.id.clone()).collect();
            let action = Action::TagInstances { group: group.name.clone(), ids, tags: set.clone() };
            draft.act(action, "the labels differ from the manifest", Vec::new());
        }
        let action = Action::TagGroup { name: group.name.clone(), tags: set, propagate: true };
        draft.act(action, "the labels differ from the manifest", Vec::new());
    }
}
