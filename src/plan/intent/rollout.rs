//! What people say about a release under way.

use super::{About, Intent, promote_image, underway};
use crate::manifest::spec::CanaryStep;
use crate::model::action::{Action, Tags};
use crate::model::decision::Verb;
use crate::model::observed::{Failure, Group};
use crate::model::plan::PlannedAction;
use crate::model::tags::{self, keys};
use crate::plan::canary::{FULL, behind};
use crate::plan::picture::Picture;
use crate::plan::release::Release;
use crate::plan::resolve::Wanted;

/// Ends the pause that a canary is in; with `full`, all of them, so that it takes all traffic as soon as it is whole. Where no
/// release is under way and images are followed by hand, it is the newer image that is promoted.
///
/// # Errors
/// Why nothing waits to be promoted.
pub fn promote(about: &About<'_>, full: bool) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let Some(target) = underway(wanted, picture) else {
            if about.app.spec.image.is_manual() {
                return promote_image(about);
            }
            return Err("no release is under way that could be promoted".to_owned());
        };
        let release = Release::new(wanted, picture, Some(target));
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

/// Gives up the release under way, or one that has taken over and is still being watched.
///
/// # Errors
/// When no release is under way.
pub fn abort(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let target = underway(wanted, picture).or_else(|| unproven(wanted, picture));
        let target = target.ok_or("no release is under way; `amiable rollback` turns down what is deployed")?;
        if target.owner.failed.is_some() {
            return Err(format!("{} is given up already", target.owner.generation));
        }
        let serves = picture.ways_back(target).next().map(|group| group.owner.generation);
        if serves.is_none() && picture.serving().is_some_and(|serving| serving.name == target.name) {
            return Err(format!("{} has the traffic, and there is nothing to go back to", target.owner.generation));
        }
        let failure = Failure { at: about.now, reason: format!("aborted by {}", about.mark().said()) };
        let action =
            Action::TagGroup { name: target.name.clone(), tags: tags::encode_failure(&failure), propagate: false };
        let planned = super::planned(action, failure.reason, target);
        Ok(Intent { serves, ..about.intent(Verb::Abort, target, None, vec![planned]) })
    })
}

/// What serves, while it is still being watched.
fn unproven<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<&'a Group> {
    picture.serving().filter(|serving| {
        let release = Release::new(wanted, picture, Some(serving));
        crate::plan::record::is_due(&release, serving)
    })
}

/// Holds the app's releases where they are: no launch, no shift, no record, no retirement. What serves is watched as before,
/// and what fails goes back.
///
/// # Errors
/// When nothing of the app runs, or it is paused already.
pub fn pause(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        if let Some(mark) = picture.paused() {
            return Err(format!("it is paused already by {}", mark.said()));
        }
        let group = underway(wanted, picture).map_or_else(|| super::anchor(picture), Ok)?;
        Ok(about.set(Verb::Pause, group, keys::PAUSED, &about.mark()))
    })
}

/// What it was held up for does not count against a generation that is not ready.
fn has_its_time_again(about: &About<'_>, target: &Group) -> PlannedAction {
    let tags = Tags::from([(keys::LACKING_SINCE.to_owned(), about.now.to_string())]);
    let action = Action::TagGroup { name: target.name.clone(), tags, propagate: false };
    super::planned(action, "the time to become ready begins anew".to_owned(), target)
}

/// Ends a pause and a suspension that somebody set by a command.
///
/// # Errors
/// When there is neither.
pub fn resume(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let held = |group: &&Group| {
            let marks = &group.owner.marks;
            (marks.paused.is_some() && group.owner.failed.is_none()) || marks.suspended.is_some()
        };
        let groups: Vec<&Group> = picture.groups.iter().copied().filter(held).collect();
        let in_manifest = about.app.spec.suspend.is_some();
        let without = match in_manifest {
            true => "it is suspended in its manifest; remove `suspend` there",
            false => "it is neither paused nor suspended",
        };
        let mut intent =
            about.lift(Verb::Resume, &groups, &[keys::PAUSED.to_owned(), keys::SUSPENDED.to_owned()], without)?;
        let lacking = picture.serving().filter(|serving| serving.owner.lacking_since.is_some());
        let target = underway(wanted, picture).or(lacking);
        intent.actions.extend(target.map(|target| has_its_time_again(about, target)));
        Ok(intent)
    })
}
