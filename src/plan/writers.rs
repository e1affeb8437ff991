//! Several processes at work on one app with different manifests: one of them goes on, and the others give way.
//!
//! A generation, its launch template and its settings carry who wrote them ([`Writer`]). The launch template of a generation
//! is made before anything makes room for it, so that the others know of it in time. Whoever goes back to a generation that was
//! made before, or stays with it, makes nothing: where others ask for another one, that process first writes its name on the
//! generation that it wants ([`announce`]).
//!
//! Of two processes whose manifests ask for different things, the one that began later goes on: a person who applies again
//! overrides. Where the commit of one descends from the other's, the descendant goes on. Either way the other one says whose
//! release it is, and does nothing more.

use std::cmp::Reverse;

use super::draft::Draft;
use super::picture::Picture;
use super::release::Release;
use super::resolve::Wanted;
use super::skew;
use crate::model::action::{Action, Expect};
use crate::model::desired::Desired;
use crate::model::observed::{Group, Ownership, Want};
use crate::model::plan::{Change, Exposed, PlannedAction};
use crate::model::tags::{self, keys};
use crate::model::time::Timestamp;
use crate::model::writer::{Commits, Kinship, Writer};

/// Something that another process has written, and that our manifest asks for otherwise.
struct Other<'a> {
    writer: &'a Writer,
    owner: &'a Ownership,
    /// When its group or launch template was made.
    made_at: Timestamp,
    /// Whether it is the generation that differs, or else only settings.
    is_release: bool,
}

/// Whether another process goes on in the place of this one. Then the draft says which, and nothing is done.
pub(super) fn gives_way<'a>(
    draft: &mut Draft<'a>,
    desired: &Desired,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
) -> bool {
    // Whoever only looks gives way to nobody.
    if skew::begun(desired, draft.observed, draft.now).is_none() {
        return false;
    }
    let Some(ours) = draft.writer.as_ref().map(|writer| last_of_the_same(writer, picture).clone()) else {
        return false;
    };
    draft.writer = Some(ours.clone());
    let later = |other: &Other<'_>| other.made_at > ours.begun || other.writer.begun > ours.begun;
    let mut others: Vec<Other<'a>> = others(wanted, picture, &ours).into_iter().filter(later).collect();
    others.sort_by_key(|other| Reverse((other.writer.begun, other.owner.generation)));
    for other in others {
        let kinship = match (&ours.commit, &other.writer.commit) {
            (Some(mine), Some(theirs)) if mine != theirs => {
                let directory = desired.source.directory.clone();
                let commits = Commits { directory, ours: mine.clone(), theirs: theirs.clone() };
                let found = draft.observed.details.kinship.get(&commits);
                let Some(kinship) = draft.see(found, Want::Kinship(commits), "how the manifests are related") else {
                    return true;
                };
                *kinship
            }
            _ => Kinship::Unrelated,
        };
        let goes_on = match kinship {
            Kinship::Descendant => false,
            // It was made, or its process began, after this one began.
            Kinship::Ancestor => true,
            Kinship::Unrelated => is_before(&ours, other.writer),
        };
        if goes_on {
            give_way(draft, picture, &other, kinship);
            return true;
        }
    }
    false
}

/// Whether one process comes before another one: when it began is the order, and a tie is broken by the digest.
fn is_before(one: &Writer, other: &Writer) -> bool {
    (one.begun, &one.manifest) < (other.begun, &other.manifest)
}

/// Of the processes with the same manifests as this one, of which something is there, the one that began last. All of them work
/// for the same end, so that each goes on in the name of the last.
fn last_of_the_same<'p>(ours: &'p Writer, picture: &'p Picture<'_>) -> &'p Writer {
    let groups = picture.groups.iter().map(|group| &group.owner);
    let owners = groups.chain(picture.templates.iter().map(|template| &template.owner));
    let same = owners.filter_map(|owner| owner.writer.as_ref()).filter(|writer| writer.manifest == ours.manifest);
    same.max_by_key(|writer| writer.begun).filter(|last| last.begun > ours.begun).unwrap_or(ours)
}

/// What other manifests than ours asked for, and ours do not.
fn others<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>, ours: &Writer) -> Vec<Other<'a>> {
    let mut others = Vec::new();
    let mut add = |owner: &'a Ownership, made_at: Timestamp, settings_differ: bool| {
        let Some(writer) = owner.writer.as_ref().filter(|writer| writer.manifest != ours.manifest) else { return };
        let is_release = wanted.spec.destroy || wanted.asks_for_another_than(&owner.template_hash);
        if is_release || settings_differ {
            others.push(Other { writer, owner, made_at, is_release });
        }
    };
    for group in &picture.groups {
        add(&group.owner, group.created_at, group.owner.applied.is_some() && !wanted.has_applied(group));
    }
    for template in &picture.templates {
        add(&template.owner, template.created_at, false);
    }
    others
}

fn give_way(draft: &mut Draft<'_>, picture: &Picture<'_>, other: &Other<'_>, kinship: Kinship) {
    let (app, generation, who) = (draft.scope.app.clone(), other.owner.generation, other.writer.said());
    // It was made before that process began, and deployed.
    let was_deployed = other.made_at < other.writer.begun && other.owner.recorded_at.is_some();
    let is_newest = picture.newest() == Some(generation);
    let what = match (other.is_release, was_deployed) {
        (false, _) => format!("has changed the settings of {generation} of {app}"),
        (true, false) => format!("is releasing {generation} of {app}"),
        (true, true) if is_newest => format!("stays with {generation} of {app}"),
        (true, true) => format!("goes back to {generation} of {app}"),
    };
    let why = match kinship {
        Kinship::Ancestor => "has newer manifests: their commit descends from the one here",
        Kinship::Descendant | Kinship::Unrelated => "began after this one",
    };
    let exposed = draft.plan.exposed.clone().filter(|exposed| exposed.back.is_some());
    draft.give_way(format!(
        "another run, by {who}, {what} and {why}. This run does nothing more about {app}, so that the two do not undo each \
         other; `amiable apply {app}` deploys the manifests here all the same"
    ));
    // What this run gave traffic to is watched until the other one has taken it away: that one may have ended.
    let ours = draft.writer.as_ref().map(|writer| writer.manifest.clone());
    let is_ours = |exposed: &Exposed| {
        let group = picture.groups.iter().find(|group| group.owner.generation == exposed.generation);
        group.is_some_and(|group| group.owner.writer.as_ref().map(|writer| &writer.manifest) == ours.as_ref())
    };
    let Some(exposed) = exposed.filter(is_ours) else { return };
    let until = exposed.until.unwrap_or_else(|| exposed.longest_silence.after(exposed.watched_at));
    if draft.now < until {
        draft.wait(format!("the other run to take the traffic from {}", exposed.generation), Some(until));
    }
}

/// Where the path leads to a generation that was made before, or stays with it, though others ask for another one: whoever goes
/// that way says so on the generation, before anything else is done. The others find it there and give way.
pub(super) fn announce<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let target = release.target.filter(|target| target.owner.failed.is_none());
    let (Some(target), Some(ours)) = (target, draft.writer.as_ref()) else { return };
    let written = target.owner.writer.as_ref();
    let last = rivals(release, target, ours).max_by_key(|rival| (rival.begun, &rival.manifest));
    let Some(last) = last.filter(|last| written.is_none_or(|written| !is_before(last, written))) else { return };
    // A process whose commit descends from that of one that began later goes on as well: as if it began now.
    let begun = if is_before(last, ours) { ours.begun } else { draft.now };
    let writer = Writer { begun, ..ours.clone() };
    let generation = target.owner.generation;
    let why = match release.is_shifted() {
        true => format!("{generation} is to stay: other runs that ask for another release give way"),
        false => format!("{generation} is wanted again: other runs that ask for another release give way"),
    };
    let tag = tags::encode_applied(target.owner.applied.as_deref(), Some(&writer));
    let tags = tag.into_iter().map(|tag| (keys::APPLIED.to_owned(), tag)).collect();
    let action = Action::TagGroup { name: target.name.clone(), tags, propagate: false };
    draft.announces = Some(PlannedAction { action, reason: why, expects: vec![written_as_seen(target)] });
}

/// What is announced stands alone in the plan: whatever follows is planned once it can be seen. A generation that fails gives its
/// traffic back first, whoever wants what.
pub(super) fn announced_first(draft: &mut Draft<'_>) {
    let Some(announced) = draft.announces.take() else { return };
    if draft.fails || draft.is_held || draft.plan.change == Change::Error || draft.plan.gives_back() {
        return;
    }
    draft.plan.actions = vec![announced];
}

/// Who asked for another generation than this one, and may still be at work on that: it has traffic, or was made since this one
/// was deployed.
fn rivals<'r, 'a>(
    release: &'r Release<'a, '_>,
    target: &'r Group,
    ours: &'r Writer,
) -> impl Iterator<Item = &'a Writer> + 'r {
    let picture = release.picture;
    let since = |made_at: Timestamp| target.owner.recorded_at.is_none_or(|at| made_at > at);
    let has_traffic = |group: &Group| match (&picture.front, group.owner.slot) {
        (Some(front), Some(slot)) => front.weight(slot) > 0,
        _ => group.desired > 0,
    };
    let rival = move |group: &&Group| group.name != target.name && (has_traffic(group) || since(group.created_at));
    let groups = picture.unfailed().filter(rival).map(|group| &group.owner);
    let has_group = |name: &str| picture.groups.iter().any(|group| group.name == name);
    let templates = picture.templates.iter().copied();
    let announced = templates.filter(move |template| !has_group(&template.name) && since(template.created_at));
    let owners = groups.chain(announced.map(|template| &template.owner));
    let asks_for_another = |owner: &&Ownership| release.wanted.asks_for_another_than(&owner.template_hash);
    let writers = owners.filter(asks_for_another).filter_map(|owner| owner.writer.as_ref());
    writers.filter(|writer| writer.manifest != ours.manifest)
}

/// Whether what serves took the traffic from a generation because another process went back to it: that process wrote its name
/// on what serves after it had been deployed, and nobody has given the other one any traffic since it was asked for again.
pub(super) fn has_gone_back(serving: &Group, from: &Group, had_traffic_at: Timestamp) -> bool {
    let (Some(theirs), Some(asks)) = (&serving.owner.writer, &from.owner.writer) else { return false };
    let took_it_on = serving.owner.recorded_at.is_none_or(|at| theirs.begun > at);
    let since = asks.begun > had_traffic_at || is_before(asks, theirs);
    theirs.manifest != asks.manifest && took_it_on && since
}

/// That no other process has written its name on this generation since it was seen.
pub(super) fn written_as_seen(group: &Group) -> Expect {
    Expect::Written { group: group.name.clone(), writer: group.owner.writer.clone() }
}

/// That no other process has gone back to another generation than this one since they were seen.
pub(super) fn nobody_goes_back(picture: &Picture<'_>, target: &Group) -> Vec<Expect> {
    let could = |group: &&Group| group.name != target.name && group.desired > 0 && !group.deleting;
    picture.unfailed().filter(could).map(written_as_seen).collect()
}

/// Notes which settings are applied to a group, in the name of this process.
pub(super) fn sign(draft: &mut Draft<'_>, group: &Group, applied: &str, reason: &str) {
    let tag = tags::encode_applied(Some(applied), draft.writer.as_ref());
    let tags = tag.into_iter().map(|tag| (keys::APPLIED.to_owned(), tag)).collect();
    let action = Action::TagGroup { name: group.name.clone(), tags, propagate: false };
    draft.act(action, reason, vec![written_as_seen(group)]);
}
