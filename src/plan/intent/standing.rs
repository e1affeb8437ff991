//! What people say about an app as it stands.

use super::{About, Intent, unfinished};
use crate::model::decision::Verb;
use crate::model::observed::{Group, how_it_ended};
use crate::model::tags::keys;
use crate::model::time::Timestamp;

/// Stops all work on the app, until a time or until `resume`.
///
/// # Errors
/// When nothing of the app runs: then only its manifest can say so.
pub fn suspend(about: &About<'_>, until: Option<Timestamp>) -> Result<Intent, String> {
    about.with_picture(|_, picture| {
        if until.is_some_and(|until| until <= about.now) {
            return Err("`--until` is in the past".to_owned());
        }
        let mark = about.mark();
        let mark = match until {
            Some(until) => mark.to(until),
            None => mark,
        };
        Ok(about.set(Verb::Suspend, super::anchor(picture)?, keys::SUSPENDED, &mark))
    })
}

/// Keeps the generation that serves, whatever the manifest says. One pin is enough: the first stands, whoever says it again.
///
/// # Errors
/// When nothing serves, what serves has failed, or the app is pinned to another generation.
pub fn pin(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|_, picture| {
        let serving = picture.serving().ok_or("no generation of it serves yet, so that there is none to pin")?;
        if let Some((group, mark)) = picture.pinned() {
            let said = format!("it is pinned to {} already by {}", group.owner.generation, mark.said());
            let again =
                || Intent { serves: Some(group.owner.generation), ..about.again(Verb::Pin, group, said.clone()) };
            return if group.name == serving.name { Ok(again()) } else { Err(said) };
        }
        if let Some(failure) = &serving.owner.failed {
            return Err(how_it_ended(serving.owner.generation, &failure.reason));
        }
        let intent = about.set(Verb::Pin, serving, keys::PINNED, &about.mark());
        Ok(Intent { serves: Some(serving.owner.generation), ..intent })
    })
}

/// Lets the manifest count again. Said again, the app follows it.
///
/// # Errors
/// When the app is not pinned, and is as its manifest says.
pub fn unpin(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|wanted, picture| {
        let pinned = |group: &&Group| group.owner.marks.pinned.is_some();
        let groups: Vec<&Group> = picture.groups.iter().copied().filter(pinned).collect();
        if let (true, Some(open)) = (groups.is_empty(), unfinished(wanted, picture)) {
            return Ok(about.again(Verb::Unpin, open, "it is not pinned".to_owned()));
        }
        about.lift(Verb::Unpin, &groups, &[keys::PINNED.to_owned()], "it is not pinned")
    })
}
