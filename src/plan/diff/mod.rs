//! Differences: what the manifest changes against what runs, and what AWS differs in from what was last applied.

mod balancing;
mod group;
mod scaling;
pub(super) mod settings;
mod template;

use super::dns;
use super::draft::Draft;
use super::picture::Front;
use super::release::Release;
use super::resolve::Wanted;
use super::traffic;
use super::writers;
use crate::model::names::Slot;
use crate::model::observed::Group;
use crate::model::plan::{Effect, FieldChange};
pub(super) use template::replaced;

/// Plans every change that AWS can make in place, and says what was changed by whom.
pub(super) fn in_place<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(group) = release.target.or(release.serving) else { return };
    // Before there is a target, what is shown is what will be changed for it.
    let fits = release.target.is_none_or(|target| release.fits(target));
    let wanted = release.wanted;
    let applied = if fits { wanted.applied() } else { wanted.applied_to_another() };
    let drifted = group.owner.applied.as_ref() == Some(&applied);
    let mut changes = Changes { drifted, fits, wanted, found: Vec::new() };
    let open = draft.open_questions();
    traffic::drift(draft, release);
    group::sizes(draft, release, group, &mut changes);
    let checked = balancing::checks(draft, release, &mut changes);
    balancing::balancer(draft, release, &mut changes);
    let complete = balancing::listeners(draft, release, &mut changes);
    balancing::rule(draft, release, &mut changes);
    group::labels(draft, release, group, &mut changes);
    if !changes.drifted || release.target.is_none() || draft.deep {
        balancing::details(draft, release, &mut changes);
    }
    let all_known = scaling::scaling(draft, release, group, &mut changes);
    if !changes.drifted {
        // Last, so that it is only said once it is so.
        let all_read = draft.open_questions() == open;
        let named = dns::is_as_wanted(draft, release);
        if release.target.is_some() && complete && checked && all_known && all_read && named {
            writers::sign(draft, group, &applied, "its settings are those of the manifest");
        }
    }
    if changes.drifted {
        draft.plan.drift.append(&mut changes.found);
    } else {
        draft.plan.fields.append(&mut changes.found);
    }
    beside(draft, release);
}

/// Of two groups with traffic, the other one follows the manifest as well: while a canary goes through its steps, it is the one
/// with most of the users.
fn beside<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let is_other = |serving: &&Group| release.target.is_some_and(|target| target.name != serving.name);
    let Some(other) = release.serving.filter(is_other) else { return };
    let both = |front: &Front<'_>| Slot::BOTH.into_iter().all(|slot| front.weight(slot) > 0);
    if !release.picture.front.as_ref().is_some_and(both) || other.owner.failed.is_some() || other.deleting {
        return;
    }
    let (wanted, fits) = (release.wanted, release.fits(other));
    let mut changes = Changes { drifted: wanted.has_applied(other), fits, wanted, found: Vec::new() };
    let open = draft.open_questions();
    group::sizes(draft, release, other, &mut changes);
    let all_known = scaling::scaling(draft, release, other, &mut changes);
    if !changes.drifted && all_known && draft.open_questions() == open {
        let applied = if fits { wanted.applied() } else { wanted.applied_to_another() };
        writers::sign(draft, other, &applied, "its settings are those of the manifest, too");
    }
    let said = if changes.drifted { &mut draft.plan.drift } else { &mut draft.plan.fields };
    let new: Vec<FieldChange> = changes.found.into_iter().filter(|change| !said.contains(change)).collect();
    said.extend(new);
}

struct Changes<'w, 'a> {
    /// Whether the manifest is as it was last applied, so that every difference is AWS's.
    drifted: bool,
    /// Whether what the manifest says of one generation, and not of the whole app, holds for this one.
    fits: bool,
    wanted: &'w Wanted<'a>,
    found: Vec<FieldChange>,
}

impl Changes<'_, '_> {
    /// Takes note of a field if it differs, and says whether it is to be changed.
    fn differs(&mut self, path: &str, before: String, after: String) -> bool {
        if before == after || self.is_ignored(path) {
            return false;
        }
        self.note(change(path, Some(before), after));
        true
    }

    /// Several things may differ in the same field: it is said once.
    fn note(&mut self, found: FieldChange) {
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// Takes note of a setting that may be missing on either side.
    fn optional(&mut self, path: &str, has: Option<String>, wants: Option<String>) -> bool {
        let shown = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        self.differs(path, shown(has), shown(wants))
    }

    /// Takes note of one of several things of a field, which differs: what there is of it, and what there should be. Says
    /// whether it is to be changed.
    fn item(&mut self, path: &str, has: Option<String>, wants: Option<String>) -> bool {
        if self.is_ignored(path) {
            return false;
        }
        let shown = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        self.note(change(path, Some(shown(has)), shown(wants)));
        true
    }

    /// Whether a difference in a field, or in what is below an ignored one, is to be left alone.
    fn is_ignored(&self, path: &str) -> bool {
        self.drifted && self.wanted.ignores(path)
    }
}

fn change(path: &str, before: Option<String>, after: String) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::InPlace }
}
