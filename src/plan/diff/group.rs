//! What of a group is changed while it runs: its sizes, its subnets, its labels.

use super::Changes;
use crate::model::action::{Action, GroupChange, Tags};
use crate::model::observed::Group;
use crate::model::tags;
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::release::Release;

pub(super) fn sizes<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group, changes: &mut Changes<'_>) {
    let spec = release.wanted.spec;
    let mut update = GroupChange::default();
    let (min, max) = (spec.instances.min, spec.instances.max);
    // While it is held up for a release, its min is ours.
    let held = group.owner.held_min.is_some();
    if !held && changes.differs("instances.min", group.min.to_string(), min.to_string()) {
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

pub(super) fn labels<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, group: &Group, changes: &mut Changes<'_>) {
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
