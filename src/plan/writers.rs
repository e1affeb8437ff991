//! Several processes at work on one app with different manifests: one of them goes on, and the others give way.
//!
//! A generation, its launch template and its settings carry who wrote them ([`Writer`]). The launch template of a generation
//! is made before anything makes room for it, so that the others know of it in time. Of two processes whose manifests ask for
//! different things, the one that began later goes on: a person who applies again overrides. Where the commit of one descends
//! from the other's, the descendant goes on. Either way the other one says whose release it is, and does nothing more.

use super::draft::Draft;
use super::picture::Picture;
use super::resolve::Wanted;
use super::skew;
use crate::model::desired::Desired;
use crate::model::names::Generation;
use crate::model::observed::{Ownership, Want};
use crate::model::time::Timestamp;
use crate::model::writer::{Commits, Kinship, Writer};

/// Something that another process has written, and that our manifest asks for otherwise.
struct Other<'a> {
    writer: &'a Writer,
    generation: Generation,
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
    let begun = skew::begun(desired, draft.observed, draft.now);
    let (Some(begun), Some(ours)) = (begun, draft.writer.clone()) else { return false };
    let later = |other: &Other<'_>| other.made_at > begun || other.writer.begun > begun;
    let mut others: Vec<Other<'a>> = others(wanted, picture, &ours).into_iter().filter(later).collect();
    others.sort_by_key(|other| std::cmp::Reverse((other.writer.begun, other.generation)));
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
            Kinship::Unrelated => (other.writer.begun, &other.writer.manifest) > (ours.begun, &ours.manifest),
        };
        if goes_on {
            give_way(draft, &other, kinship);
            return true;
        }
    }
    false
}

/// What other manifests than ours asked for, and ours do not.
fn others<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>, ours: &Writer) -> Vec<Other<'a>> {
    let mut others = Vec::new();
    let mut add = |owner: &'a Ownership, made_at: Timestamp, settings_differ: bool| {
        let Some(writer) = owner.writer.as_ref().filter(|writer| writer.manifest != ours.manifest) else { return };
        let is_release = wanted.spec.destroy || wanted.asks_for_another_than(&owner.template_hash);
        if is_release || settings_differ {
            others.push(Other { writer, generation: owner.generation, made_at, is_release });
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

fn give_way(draft: &mut Draft<'_>, other: &Other<'_>, kinship: Kinship) {
    let (app, generation, who) = (&draft.scope.app, other.generation, other.writer.said());
    let what = match other.is_release {
        true => format!("is releasing {generation} of {app}"),
        false => format!("has changed the settings of {generation} of {app}"),
    };
    let why = match kinship {
        Kinship::Ancestor => "has newer manifests: their commit descends from the one here",
        Kinship::Descendant | Kinship::Unrelated => "began after this one",
    };
    let reason = format!(
        "another run, by {who}, {what} and {why}. This run does nothing more about {app}, so that the two do not undo each \
         other; `amiable apply {app}` deploys the manifests here all the same"
    );
    draft.give_way(reason);
}
