//! An app that is suspended, in its manifest or by a person: nothing is done about it.

use super::draft::Draft;
use crate::model::observed::Want;
use crate::model::plan::Change;
use crate::model::spec::AppSpec;
use crate::model::time::Timestamp;

/// A suspended app is still shown as it would change, but nothing is done.
pub(super) fn suspended(draft: &mut Draft<'_>, spec: Option<&AppSpec>) {
    let Some((since, until, why)) = suspension(draft, spec) else { return };
    if draft.plan.change == Change::Error {
        return;
    }
    draft.plan.actions.clear();
    draft.plan.waits.clear();
    draft.promised.clear();
    // Nor is anybody asked.
    draft.plan.wants.retain(|want| !matches!(want, Want::Probe(_)));
    draft.plan.wake_at = until;
    draft.begins = false;
    draft.standing.park(since);
    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
    draft.block(format!("suspended{until}{why}"));
}

/// The suspension that is in force: since when, until when and why, as the manifest or else a person says. A manifest does
/// not say since when.
fn suspension(draft: &Draft<'_>, spec: Option<&AppSpec>) -> Option<(Option<Timestamp>, Option<Timestamp>, String)> {
    let in_force = |until: Option<Timestamp>| until.is_none_or(|until| until > draft.now);
    if let Some(suspend) = spec.and_then(|spec| spec.suspend.as_ref()).filter(|suspend| in_force(suspend.until)) {
        return Some((
            None,
            suspend.until,
            format!(": {}; remove `suspend` from its manifest to end that", suspend.reason),
        ));
    }
    let groups = draft.index.groups(&draft.scope.app).iter();
    let own = groups.filter(|group| group.name == draft.scope.generation_name(group.owner.generation));
    let marks = own.filter_map(|group| group.owner.marks.suspended.as_ref());
    let mark = marks.max_by_key(|mark| mark.at)?;
    // A time that cannot be read does not end anything.
    let until: Option<Timestamp> = mark.to.as_ref().and_then(|to| to.parse().ok());
    in_force(until)
        .then(|| (Some(mark.at), until, format!(" by {}; `amiable resume {}` ends that", mark.said(), draft.scope.app)))
}
