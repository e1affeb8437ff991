//! Apps of which no manifest can be read, or none is there. Nothing is done about them, but that a release which they are in the
//! middle of is watched: if it is sick and the generation before it is warm, the traffic goes back.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::draft::Draft;
use super::index::Index;
use super::picture::Picture;
use super::{answers, guard, suspension};
use crate::model::desired::Desired;
use crate::model::names::{AppName, Scope};
use crate::model::observed::{Group, Observed, Read};
use crate::model::plan::{AppPlan, Change};
use crate::model::time::Timestamp;

/// Apps whose manifests have errors, and apps that run here and that no manifest asks for. As long as there are manifests
/// that could not be read, nobody knows of an app that it has none.
pub(super) fn orphans(desired: &Desired, observed: &Observed, index: &Rc<Index<'_>>, now: Timestamp) -> Vec<AppPlan> {
    let mut strange: BTreeMap<&AppName, Vec<&Group>> =
        desired.left_out.apps.iter().map(|app| (app, Vec::new())).collect();
    if let Read::Known(groups) = &observed.groups {
        for group in groups.values().filter(|group| !desired.apps.contains_key(&group.owner.app)) {
            strange.entry(&group.owner.app).or_default().push(group);
        }
    }
    let plan = |(app, groups): (&AppName, Vec<&Group>)| {
        let scope = Scope::new(app.clone(), desired.name.clone());
        let mut draft = Draft::new(&scope, observed, index, now);
        let picture = Picture::observed(&mut draft);
        let current = picture.as_ref().and_then(Picture::serving);
        draft.plan.from = current.or_else(|| serving(&groups)).map(|group| group.owner.generation);
        if let Some(picture) = &picture {
            answers::tell(&mut draft, None, picture);
        }
        if picture.is_some_and(|picture| guard::gives_back(&mut draft, &picture, None)) {
            suspension::suspended(&mut draft, None);
            return draft.finish().plan;
        }
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let names = names.join(", ");
        (draft.plan.change, draft.plan.reason) = match () {
            () if desired.left_out.apps.contains(app) => {
                (Change::Error, "its manifest has errors, which `amiable validate` shows; nothing is done about it until they are mended".to_owned())
            }
            () if desired.left_out.unseen => {
                let why = format!("its manifest may be one of those that cannot be read (`amiable validate` shows them); its groups are left alone: {names}");
                (Change::Error, why)
            }
            () => (Change::Orphaned, format!("no manifest here declares it; its groups are left alone: {names}")),
        };
        guard::watch_on(&mut draft);
        draft.finish().plan
    };
    strange.into_iter().map(plan).collect()
}

/// The group that most likely serves, as the tags tell, where it cannot be told from the weights.
fn serving<'a>(groups: &[&'a Group]) -> Option<&'a Group> {
    let sound = groups.iter().filter(|group| group.owner.failed.is_none());
    sound.max_by_key(|group| (group.owner.shifted_at, group.owner.generation)).copied()
}
