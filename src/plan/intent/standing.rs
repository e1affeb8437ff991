//! What people say about an app as it stands.

use super::{About, Intent};
use crate::model::decision::Verb;
use crate::model::observed::Group;
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

/// Keeps the generation that serves, whatever the manifest says.
///
/// # Errors
/// When nothing serves, what serves has failed, or it is pinned already.
pub fn pin(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|_, picture| {
        if let Some((group, mark)) = picture.pinned() {
            return Err(format!("it is pinned to {} already by {}", group.owner.generation, mark.said()));
        }
        let serving = picture.serving().ok_or("nothing of it serves")?;
        if let Some(failure) = &serving.owner.failed {
            return Err(format!("{} has failed: {}", serving.owner.generation, failure.reason));
        }
        let intent = about.set(Verb::Pin, serving, keys::PINNED, &about.mark());
        Ok(Intent { serves: Some(serving.owner.generation), ..intent })
    })
}

/// Lets the manifest count again.
///
/// # Errors
/// When the app is not pinned.
pub fn unpin(about: &About<'_>) -> Result<Intent, String> {
    about.with_picture(|_, picture| {
        let pinned = |group: &&Group| group.owner.marks.pinned.is_some();
        let groups: Vec<&Group> = picture.groups.iter().copied().filter(pinned).collect();
        about.lift(Verb::Unpin, &groups, &[keys::PINNED.to_owned()], "it is not pinned")
    })
}
