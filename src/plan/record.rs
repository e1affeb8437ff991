//! The deployed state: written when a release is complete, and only if it says something new.

use super::draft::Draft;
use super::floor;
use super::release::{Release, Turn};
use super::writers;
use crate::model::action::{Action, Tags};
use crate::model::observed::{Group, Read, Want};
use crate::model::record::{DeployedRecord, NO_RECORD};
use crate::model::tags::keys;

/// Whether the record does not yet say that this generation is the deployed one.
pub(super) fn is_due(release: &Release<'_, '_>, target: &Group) -> bool {
    release.picture.is_due(target)
}

/// Whether it has taken over anew since it was recorded. Whoever brought the generation between on its way may have ended
/// after it was recorded and before the tag could say so: only the record itself tells.
fn serves_again(target: &Group) -> bool {
    matches!((target.owner.recorded_at, target.owner.shifted_at), (Some(recorded), Some(shifted)) if shifted > recorded)
}

/// Whether the record says that the target is deployed, and has said so since it took over.
pub(super) fn is_written(draft: &mut Draft<'_>, target: &Group) -> bool {
    let app = &draft.scope.app;
    let found = draft.observed.details.deployed.get(app);
    if garbled(found).is_some() {
        return false;
    }
    let Some(found) = draft.see(found, Want::Deployed(app.clone()), "the deployed state") else { return false };
    let since = target.owner.shifted_at;
    found.as_ref().is_some_and(|record| {
        let is_named =
            record.generation == target.owner.generation && record.template_hash == target.owner.template_hash;
        is_named && record.turned_down.is_none() && since.is_some_and(|since| record.deployed_at >= since)
    })
}

/// The deployed state, if it is known: there may be none yet. Where something else stands in its place, nobody waits for
/// that to change: the draft says what it is and what to do about it.
pub(super) fn deployed<'a>(draft: &mut Draft<'a>) -> Option<Option<&'a DeployedRecord>> {
    let app = &draft.scope.app;
    let found = draft.observed.details.deployed.get(app);
    if let Some(why) = garbled(found) {
        let name = draft.scope.parameter_name();
        draft.fail(format!(
            "{why}; look at it with `aws ssm get-parameter --name {name}`, and take it away with `aws ssm delete-parameter \
             --name {name}`: the deployed state is written anew"
        ));
        return None;
    }
    Some(draft.see(found, Want::Deployed(app.clone()), "the deployed state")?.as_ref())
}

/// What stands in the place of the deployed state, where that is something else.
fn garbled<T>(found: Option<&Read<T>>) -> Option<&str> {
    match found {
        Some(Read::Unknown(why)) if why.contains(NO_RECORD) => Some(why),
        _ => None,
    }
}

/// Done when the record names the target.
pub(super) fn record<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    let due = is_due(release, target);
    if !due && !serves_again(target) {
        floor::lower(draft, release, target);
        return Turn::Done;
    }
    if let Some(why) = release.wanted.zone_unread().filter(|_| due) {
        // Whether its name leads to it is a part of the release.
        if draft.plan.actions.is_empty() && draft.plan.wants.is_empty() {
            draft.unreadable(why);
        }
        return Turn::Here(None);
    }
    draft.in_flight |= due;
    if due && draft.beside {
        return Turn::Here(None);
    }
    if due && let Some(turn) = release.held(draft) {
        return turn;
    }
    let Some(found) = deployed(draft) else { return Turn::Here(None) };
    let app = &draft.scope.app;
    let record = DeployedRecord {
        app: app.clone(),
        environment: draft.scope.environment.clone(),
        generation: target.owner.generation,
        image: target.owner.image.clone(),
        image_name: image_name(draft, &target.owner.image),
        template_hash: target.owner.template_hash.clone(),
        image_source: target.owner.origin.clone(),
        release: target.owner.release.clone(),
        artifacts: target.owner.artifacts.clone(),
        manifests: draft.source_commit.clone(),
        deployed_at: draft.now,
        deployed_by: draft.observed.caller.clone(),
        turned_down: None,
    };
    let is_named = found.is_some_and(|found| found.same_release(&record));
    if is_named && !due {
        floor::lower(draft, release, target);
        return Turn::Done;
    }
    if !is_named {
        let action = Action::PutDeployedRecord { parameter: draft.scope.parameter_name(), record: Box::new(record) };
        let expects = writers::nobody_goes_back(release.picture, target);
        draft.act(action, format!("{} is deployed", target.owner.generation), expects);
    }
    let tag = Tags::from([(keys::RECORDED_AT.to_owned(), draft.now.to_string())]);
    draft.tag_group(&target.name, tag, format!("{} is recorded", target.owner.generation));
    Turn::Here(None)
}

fn image_name(draft: &Draft<'_>, id: &str) -> Option<String> {
    Some(draft.observed.images.get(id)?.known()?.as_ref()?.name.clone())
}
