//! Differences: what the manifest changes against what runs, and what AWS differs in from what was last applied.

mod balancing;
mod group;
mod template;

use super::draft::Draft;
use super::prepare;
use super::release::Release;
use crate::model::action::{Action, Tags};
use crate::model::plan::{Effect, FieldChange};
use crate::model::tags::keys;
pub(super) use template::replaced;

/// Plans every change that AWS can make in place, and says what was changed by whom.
pub(super) fn in_place<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(group) = release.target.or(release.serving) else { return };
    let applied = release.wanted.applied();
    let mut changes = Changes {
        drifted: group.owner.applied.as_ref() == Some(&applied),
        ignore: &release.wanted.spec.drift.ignore,
        found: Vec::new(),
    };
    group::sizes(draft, release, group, &mut changes);
    balancing::checks(draft, release, &mut changes);
    balancing::rule(draft, release, &mut changes);
    group::labels(draft, release, group, &mut changes);
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
