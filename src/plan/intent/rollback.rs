//! A release that was a mistake, and one that deserves another try.

use super::{About, Intent, left_with_traffic, planned, turned_down, underway, unfinished};
use crate::model::action::Action;
use crate::model::decision::Verb;
use crate::model::mark::BackTo;
use crate::model::names::Generation;
use crate::model::observed::{Failure, Group};
use crate::model::plan::PlannedAction;
use crate::model::record::DeployedRecord;
use crate::model::tags::{self, keys};
use crate::plan::picture::Picture;

/// Turns down the newest generation, so that an earlier one serves again and stays until the manifest asks for something
/// else. One that has not taken over yet is given up. With `to`, that generation serves again: at once while it is warm;
/// else what its launch template holds, if that was kept, or its recorded image is launched anew.
///
/// Said again, it goes on with what was said before and turns down nothing more.
///
/// # Errors
/// Why there is nothing to turn down, or nothing to go back to.
pub fn rollback(about: &About<'_>, to: Option<Generation>, history: &[DeployedRecord]) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let serving = picture.serving().ok_or("no generation of it serves yet; `amiable apply` deploys it")?;
        if let Some((group, mark)) = picture.pinned() {
            let generation = group.owner.generation;
            return Err(format!("it is pinned to {generation} by {}; `amiable unpin` it first", mark.said()));
        }
        if let Some((group, serves, failure)) = before(picture, serving, to) {
            let said = format!("{} is turned down already: {}", group.owner.generation, failure.reason);
            let withdraws = about.withdrawn(group, &failure.reason);
            return Ok(Intent { serves, withdraws, ..about.again(Verb::Rollback, group, said) });
        }
        // A share that a canary was left with when it failed is taken from it as well.
        let left = left_with_traffic(picture).filter(|group| group.name != serving.name);
        let given_up = underway(wanted, picture).or(left).filter(|group| {
            group.owner.generation > serving.owner.generation && to.is_none_or(|to| to == serving.owner.generation)
        });
        let turned_down = given_up.unwrap_or(serving);
        let generation = turned_down.owner.generation;
        let stands_warm = given_up.is_some() || picture.ways_back(serving).next().is_some();
        if turned_down.owner.failed.is_some() && to.is_none() && !stands_warm {
            return Err(format!("{generation} is turned down already; `--to` names an earlier release to go back to"));
        }
        if to.is_some_and(|to| to == generation) {
            return Err(format!("{generation} serves already"));
        }
        let way = match given_up {
            Some(_) => Way::Warm(serving),
            None => way_back(picture, serving, to, history)?,
        };
        let mark = about.mark();
        let reason = match to {
            Some(to) if given_up.is_none() => format!("{ROLLED_BACK} to {to} by {}", mark.said()),
            _ => format!("{ROLLED_BACK} by {}", mark.said()),
        };
        let mut set = tags::encode_failure(&Failure { at: about.now, reason: reason.clone() }, None);
        let serves = match &way {
            Way::Warm(group) => Some(group.owner.generation),
            Way::Launch(back) => {
                set.insert(keys::BACK_TO.to_owned(), back.to_string());
                None
            }
        };
        let action = Action::TagGroup { name: turned_down.name.clone(), tags: set, propagate: false };
        let to = to.or(serves).map(|to| to.to_string());
        let withdraws = about.withdrawn(turned_down, &reason);
        let mut actions = vec![planned(action, reason, turned_down)];
        actions.extend(outdated(turned_down, serves));
        Ok(Intent { serves, withdraws, ..about.intent(Verb::Rollback, turned_down, to, actions) })
    })
}

/// Takes away what an earlier mark says of another generation that was to serve.
fn outdated(turned_down: &Group, serves: Option<Generation>) -> Option<PlannedAction> {
    let leads_elsewhere = serves.is_some() && turned_down.owner.marks.back_to.is_some();
    let action = Action::UntagGroup { name: turned_down.name.clone(), keys: vec![keys::BACK_TO.to_owned()] };
    leads_elsewhere.then(|| planned(action, "another generation is to serve in its place".to_owned(), turned_down))
}

/// Whether a person has said the very same before: the generation that was turned down, what serves in its place if that
/// is known, and what was said. It may be under way, or complete.
fn before<'a>(
    picture: &Picture<'a>,
    serving: &'a Group,
    to: Option<Generation>,
) -> Option<(&'a Group, Option<Generation>, &'a Failure)> {
    let serves = Some(serving.owner.generation);
    let newest = || {
        let (group, failure) = turned_down(picture, ROLLED_BACK)?;
        if group.name != serving.name {
            return Some((group, serves, failure));
        }
        let warm = picture.ways_back(serving).next().map(|group| group.owner.generation);
        (warm.is_some() || group.owner.marks.back_to.is_some()).then_some((group, warm, failure))
    };
    let Some(to) = to else { return newest() };
    if to == serving.owner.generation {
        return newest().filter(|(group, ..)| group.name != serving.name);
    }
    let words = format!("{ROLLED_BACK} to {to} ");
    let mut said = picture.groups.iter().filter_map(|group| {
        let failure = group.owner.failed.as_ref().filter(|failure| failure.reason.starts_with(&words))?;
        Some((*group, group.owner.marks.back_to.as_ref(), failure))
    });
    said.find_map(|(group, back, failure)| match back {
        // What it leads to has not taken over yet.
        Some(_) if group.name == serving.name => Some((group, None, failure)),
        // It has. What serves was launched for it.
        Some(back)
            if back.is(&serving.owner.template_hash, &serving.owner.image)
                && serving.owner.generation > group.owner.generation =>
        {
            Some((group, serves, failure))
        }
        None if group.name == serving.name => {
            let warm = picture.ways_back(serving).next().filter(|warm| warm.owner.generation == to)?;
            Some((group, Some(warm.owner.generation), failure))
        }
        _ => None,
    })
}

/// What the mark of a rollback begins with.
const ROLLED_BACK: &str = "rolled back";

enum Way<'a> {
    /// It runs: traffic moves in one call.
    Warm(&'a Group),
    /// It is launched again.
    Launch(BackTo),
}

fn way_back<'a>(
    picture: &Picture<'a>,
    serving: &Group,
    to: Option<Generation>,
    history: &[DeployedRecord],
) -> Result<Way<'a>, String> {
    let warm = picture.ways_back(serving).next();
    let Some(to) = to else {
        let last = history.iter().rev().find(|record| record.generation != serving.owner.generation);
        return warm.map(Way::Warm).ok_or_else(|| {
            let advice = match last {
                Some(record) => format!("`--to {}` launches that release again", record.generation),
                None => "nothing else was ever deployed".to_owned(),
            };
            format!("{} is the only generation that runs; {advice}", serving.owner.generation)
        });
    };
    if let Some(group) = warm.filter(|group| group.owner.generation == to) {
        return Ok(Way::Warm(group));
    }
    let template = picture.templates.iter().find(|template| template.owner.generation == to);
    if let Some(template) = template {
        return Ok(Way::Launch(BackTo::Template(template.owner.template_hash.clone())));
    }
    let recorded = history.iter().rev().find(|record| record.generation == to);
    recorded.map(|record| Way::Launch(BackTo::Image(record.image.clone()))).ok_or_else(|| {
        let mut known: Vec<String> = history.iter().rev().map(|record| record.generation.to_string()).collect();
        let mut seen = std::collections::BTreeSet::new();
        known.retain(|generation| seen.insert(generation.clone()));
        known.truncate(10);
        format!("{to} was never deployed here; the last that were: {}", known.join(", "))
    })
}

/// Lets a release that failed be tried again, from the beginning: what it had come to before counts no more. Said again, it
/// goes on with the new try.
///
/// # Errors
/// When the release that is wanted has not failed, and is deployed.
pub fn retry(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let not_failed = "the release that its manifest asks for is not marked as failed";
        let Some(tombstone) = picture.tombstone(wanted) else {
            let open = unfinished(wanted, picture).ok_or(not_failed)?;
            return Ok(about.again(
                Verb::Retry,
                open,
                format!("{not_failed}, perhaps because it is tried again already"),
            ));
        };
        let failure = [keys::FAILED, keys::FAILED_AT, keys::BACK_TO].map(str::to_owned);
        let has = tags::encode(&tombstone.owner, &tombstone.labels);
        let keys: Vec<String> =
            failure.into_iter().chain(keys::progress()).filter(|key| has.contains_key(key)).collect();
        about.lift(Verb::Retry, &[tombstone], &keys, "it is not marked as failed")
    })
}
