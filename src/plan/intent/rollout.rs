//! What people say about a release under way.

use super::{About, Intent, left_with_traffic, promote_image, turned_down, underway, unfinished, unproven};
use crate::model::action::{Action, Tags};
use crate::model::decision::Verb;
use crate::model::mark::Mark;
use crate::model::observed::{Failure, Group};
use crate::model::plan::PlannedAction;
use crate::model::spec::CanaryStep;
use crate::model::tags::{self, keys};
use crate::plan::canary::{FULL, behind};
use crate::plan::release::Release;
use crate::plan::traffic;

/// Ends the pause that a canary is in; with `full`, all of them, so that it takes all traffic as soon as it is whole. Where no
/// release is under way and images are followed by hand, it is the newer image that is promoted.
///
/// Said again before the release has come to where it was promoted to, it promotes no further.
///
/// # Errors
/// Why nothing waits to be promoted.
pub fn promote(about: &About<'_>, full: bool) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let Some(target) = underway(wanted, picture) else {
            if about.app.spec.image.is_manual() {
                return promote_image(about);
            }
            let baking =
                unproven(wanted, picture).and_then(|group| Some((group, group.owner.marks.promoted.as_ref()?)));
            if let Some((group, mark)) = baking {
                return Ok(about.again(Verb::Promote, group, already(group, mark)));
            }
            return Err(match unproven(wanted, picture) {
                Some(baking) => ends_by_itself(about, baking),
                None => "no release is under way that could be promoted".to_owned(),
            });
        };
        if let Some(mark) = target.owner.marks.promoted.as_ref().filter(|mark| is_on_its_way(target, mark, full)) {
            return Ok(about.again(Verb::Promote, target, already(target, mark)));
        }
        let release = Release::new(wanted, picture, Some(target));
        let promoted = picture.serving().and_then(|serving| serving.owner.marks.promoted_image.as_ref());
        if let Some(mark) = promoted.filter(|mark| mark.to.as_ref() == Some(&target.owner.image)) {
            return Ok(about.again(Verb::Promote, target, already(target, mark)));
        }
        let Some(canary) = release.canary() else {
            return Err(format!("{} is no canary: it takes all traffic once it is healthy", target.owner.generation));
        };
        let to = if full {
            FULL.to_owned()
        } else {
            let place = behind(target);
            match canary.steps.get(place) {
                Some(CanaryStep::Pause(_)) if target.owner.canary_step().is_some() => (place + 1).to_string(),
                _ => {
                    let generation = target.owner.generation;
                    return Err(format!(
                        "{generation} is in no pause; `--full` takes it to all traffic once it is well"
                    ));
                }
            }
        };
        Ok(about.set(Verb::Promote, target, keys::PROMOTED, &about.mark().to(to)))
    })
}

/// Whether a generation has not come yet to where it was promoted to; with `full`, whether that was all of the traffic.
fn is_on_its_way(target: &Group, mark: &Mark, full: bool) -> bool {
    let to_all = mark.to.as_deref() == Some(FULL);
    let done = target.owner.canary_step().map_or(0, |step| step.done);
    if full { to_all } else { to_all || behind(target) > done }
}

/// Why a release that has all traffic cannot be promoted.
fn ends_by_itself(about: &About<'_>, baking: &Group) -> String {
    let (app, generation) = (&about.app.scope.app, baking.owner.generation);
    let until = baking.owner.shifted_at.map(|at| about.app.spec.strategy.bake_time().after(at));
    let until = until.filter(|until| *until > about.now).map(|until| format!(", until {until:.0} or later"));
    let until = until.unwrap_or_default();
    format!(
        "{generation} has all traffic already, and its bake waits for nobody: `amiable apply {app}` watches it{until}, and records it \
         if it stays well; `promote` ends a pause of a canary, and `amiable abort {app}` gives the release up"
    )
}

fn already(group: &Group, mark: &Mark) -> String {
    format!("{} is promoted already by {}", group.owner.generation, mark.said())
}

/// Gives up the release under way, or one that has taken over and is still being watched. Said again, it goes on with that.
///
/// # Errors
/// When no release is under way.
pub fn abort(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        if let Some((group, failure)) = turned_down(picture, ABORTED) {
            let serving = picture.serving().filter(|serving| serving.name != group.name);
            let serves = serving.or_else(|| picture.ways_back(group).next()).map(|group| group.owner.generation);
            let said = format!("{} is given up already: {}", group.owner.generation, failure.reason);
            let withdraws = about.withdrawn(group, &failure.reason);
            return Ok(Intent { serves, withdraws, ..about.again(Verb::Abort, group, said) });
        }
        let left = left_with_traffic(picture);
        // What is deployed, and lost its traffic to somebody's hand, is not under way.
        let underway = || underway(wanted, picture).filter(|group| picture.is_due(group));
        let target = left.or_else(underway).or_else(|| unproven(wanted, picture));
        let target = target.ok_or("no release is under way; `amiable rollback` turns down what is deployed")?;
        // What failed by itself and could not give its traffic back gives it back at a person's word.
        if target.owner.failed.is_some() && left.is_none() {
            return Err(format!("{} is given up already", target.owner.generation));
        }
        let serves = picture.ways_back(target).next().map(|group| group.owner.generation);
        if serves.is_none() && picture.serving().is_some_and(|serving| serving.name == target.name) {
            return Err(format!("{} has the traffic, and there is nothing to go back to", target.owner.generation));
        }
        let failure = Failure { at: about.now, reason: format!("{ABORTED} by {}", about.mark().said()) };
        let action = Action::TagGroup {
            name: target.name.clone(),
            tags: tags::encode_failure(&failure, None),
            propagate: false,
        };
        let withdraws = about.withdrawn(target, &failure.reason);
        let planned = super::planned(action, failure.reason, target);
        Ok(Intent { serves, withdraws, ..about.intent(Verb::Abort, target, None, vec![planned]) })
    })
}

/// What the mark of an abort begins with.
const ABORTED: &str = "aborted";

/// Holds the app's releases where they are: no launch, no shift, no record, no retirement. What serves is watched as before,
/// and what fails goes back. One pause is enough: the first stands, whoever says it again.
///
/// # Errors
/// When nothing of the app runs.
pub fn pause(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let group = underway(wanted, picture).map_or_else(|| super::anchor(picture), Ok)?;
        if let Some(mark) = picture.paused() {
            return Ok(about.again(Verb::Pause, group, format!("it is paused already by {}", mark.said())));
        }
        Ok(about.set(Verb::Pause, group, keys::PAUSED, &about.mark()))
    })
}

/// What it was held up for does not count against a generation that is not ready.
fn has_its_time_again(about: &About<'_>, target: &Group) -> PlannedAction {
    let tags = Tags::from([(keys::LACKING_SINCE.to_owned(), about.now.to_string())]);
    let action = Action::TagGroup { name: target.name.clone(), tags, propagate: false };
    super::planned(action, "the time paused does not count: its progressDeadline starts again".to_owned(), target)
}

/// Ends a pause and a suspension that somebody set by a command, and gives the traffic back to the app from what somebody put
/// in its place. Said again, the release goes on.
///
/// # Errors
/// When there is none of these, and no release is under way.
pub fn resume(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let held = |group: &&Group| {
            let marks = &group.owner.marks;
            (marks.paused.is_some() && group.owner.failed.is_none()) || marks.suspended.is_some()
        };
        let groups: Vec<&Group> = picture.groups.iter().copied().filter(held).collect();
        if let Some((group, page)) = traffic::page(wanted, picture) {
            let mark = about.mark().traffic_from(&page);
            let mut intent = about.set(Verb::Resume, group, keys::PROMOTED, &mark);
            let lifted = [keys::PAUSED.to_owned(), keys::SUSPENDED.to_owned()];
            let also = about.lift(Verb::Resume, &groups, &lifted, "it is neither paused nor suspended");
            intent.actions.extend(also.map(|also| also.actions).unwrap_or_default());
            return Ok(intent);
        }
        let in_manifest = about.app.spec.suspend.is_some();
        let without = match in_manifest {
            true => "it is suspended in its manifest; remove `suspend` there",
            false => "it is neither paused nor suspended",
        };
        if groups.is_empty()
            && !in_manifest
            && let Some(open) = unfinished(wanted, picture)
        {
            return Ok(about.again(Verb::Resume, open, without.to_owned()));
        }
        let mut intent =
            about.lift(Verb::Resume, &groups, &[keys::PAUSED.to_owned(), keys::SUSPENDED.to_owned()], without)?;
        let lacking = picture.serving().filter(|serving| serving.owner.lacking_since.is_some());
        let target = underway(wanted, picture).or(lacking);
        // First, while it is still held: whoever is killed in between must not leave it to a deadline that has passed.
        intent.actions.splice(0..0, target.map(|target| has_its_time_again(about, target)));
        Ok(intent)
    })
}
