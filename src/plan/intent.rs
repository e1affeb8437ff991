//! What a person says about a release, as an input to the next plan: a mark on a generation, never a change of capacity.

use super::draft::Draft;
use super::picture::Picture;
use super::resolve::{Unresolved, Wanted};
use super::shift::own_group;
use crate::model::action::Action;
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::Generation;
use crate::model::observed::{Failure, Group, Observed};
use crate::model::plan::PlannedAction;
use crate::model::tags::{self, keys};
use crate::model::time::Timestamp;

/// A mark to set, and what follows from it.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The one call that records it.
    pub action: PlannedAction,
    /// The generation that is turned down or tried again.
    pub generation: Generation,
    /// The generation that serves afterwards, if that changes or is confirmed.
    pub serves: Option<Generation>,
}

/// Turns down the newest generation, so that the one before serves again and stays until the manifest agrees.
/// One that has not taken over yet is given up.
///
/// # Errors
/// Why there is nothing to turn down, or nothing to go back to.
pub fn rollback(
    desired: &Desired,
    app: &DesiredApp,
    observed: &Observed,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Intent, String> {
    with_picture(desired, app, observed, now, |wanted, picture| {
        let serving = picture.serving().ok_or("nothing of it serves")?;
        let underway = picture.candidate(wanted).filter(|group| group.owner.generation > serving.owner.generation);
        let turned_down = underway.unwrap_or(serving);
        if turned_down.owner.failed.is_some() {
            return Err(format!("{} is turned down already", turned_down.owner.generation));
        }
        let serves = match underway {
            Some(_) => serving,
            None => warm(picture, serving).ok_or_else(|| {
                format!(
                    "{} is the only generation that runs; to go back to an older release, set its image in the manifest",
                    serving.owner.generation
                )
            })?,
        };
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let failure = Failure { at: now, reason: format!("rolled back by {}{why}", person(observed)) };
        let action =
            Action::TagGroup { name: turned_down.name.clone(), tags: tags::encode_failure(&failure), propagate: false };
        let action = PlannedAction { action, reason: failure.reason, expects: vec![own_group(turned_down)] };
        Ok(Intent { action, generation: turned_down.owner.generation, serves: Some(serves.owner.generation) })
    })
}

/// Lets a release that failed be tried again.
///
/// # Errors
/// When the release that is wanted has not failed.
pub fn retry(desired: &Desired, app: &DesiredApp, observed: &Observed, now: Timestamp) -> Result<Intent, String> {
    with_picture(desired, app, observed, now, |wanted, picture| {
        let tombstone = picture.tombstone(wanted).ok_or("the release that its manifest asks for has not failed")?;
        let keys = vec![keys::FAILED.to_owned(), keys::FAILED_AT.to_owned()];
        let action = PlannedAction {
            action: Action::UntagGroup { name: tombstone.name.clone(), keys },
            reason: format!("{} may be tried again, says {}", tombstone.owner.generation, person(observed)),
            expects: vec![own_group(tombstone)],
        };
        Ok(Intent { action, generation: tombstone.owner.generation, serves: None })
    })
}

fn with_picture<'a>(
    desired: &'a Desired,
    app: &'a DesiredApp,
    observed: &'a Observed,
    now: Timestamp,
    decide: impl FnOnce(&Wanted<'a>, &Picture<'a>) -> Result<Intent, String>,
) -> Result<Intent, String> {
    let wanted = Wanted::resolve(app, &desired.environment, observed);
    let wanted = wanted.map_err(|(Unresolved::Unread(reason) | Unresolved::Refused(reason))| reason)?;
    let mut draft = Draft::new(&app.scope, observed, now);
    match Picture::of(&mut draft, &wanted) {
        Some(picture) => decide(&wanted, &picture),
        None if draft.plan.reason.is_empty() => Err("not all of it could be read".to_owned()),
        None => Err(draft.plan.reason),
    }
}

/// The newest earlier generation that runs and has served before.
fn warm<'a>(picture: &Picture<'a>, serving: &Group) -> Option<&'a Group> {
    let runs = |group: &&Group| group.desired > 0 && !group.deleting && group.owner.shifted_at.is_some();
    picture.unfailed().filter(|group| group.name != serving.name).filter(runs).last()
}

/// The last part of the caller's ARN: a user's name, or a role's session.
fn person(observed: &Observed) -> &str {
    observed.caller.rsplit('/').next().unwrap_or(&observed.caller)
}
