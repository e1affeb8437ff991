//! What a person says about an image: that the newer one, which the manifest follows by hand only, is to be deployed.

use super::{About, Intent};
use crate::model::decision::Verb;
use crate::model::observed::Group;
use crate::model::tags::keys;

/// Promotes the image that the manifest's source leads to, where its `track` is `manual`: a mark on the group that serves,
/// from which the next plan draws the release. For `amiable promote`, when there is no release under way to promote.
///
/// # Errors
/// Why there is nothing to promote: images are followed by themselves, nothing serves yet, no other image is there, it may
/// not be used yet, or it could not be launched.
pub fn promote_image(about: &About<'_>) -> Result<Intent, String> {
    if !about.app.spec.image.is_manual() {
        return Err(
            "its manifest takes new images by itself (`image.track` is not `manual`), so that there is none to promote"
                .to_owned(),
        );
    }
    about.with_picture(|wanted, picture| {
        let serving = picture
            .serving()
            .ok_or("no generation of it serves yet, and its first release takes the newest image by itself")?;
        let promoted =
            |group: &&Group| group.owner.marks.promoted_image.is_some() || super::unproven(wanted, picture).is_some();
        let Some(newer) = &wanted.newer else {
            if let Some(group) = super::unfinished(wanted, picture).filter(promoted) {
                let said = format!("{} is promoted already", wanted.image_id().unwrap_or_default());
                return Ok(about.again(Verb::Promote, group, said));
            }
            let newest =
                || format!("{} is the newest image that its manifest leads to", wanted.image_id().unwrap_or_default());
            return Err(wanted.no_lead().unwrap_or_else(newest));
        };
        if let Some(until) = newer.until {
            return Err(format!("{} may be deployed from {until} on (`image.fromEnvironment.after`)", newer.id));
        }
        if let Some(refusal) = wanted.refuses(&newer.id, about.observed) {
            return Err(refusal);
        }
        let mark = about.mark().to(&newer.id);
        Ok(about.set(Verb::Promote, serving, keys::PROMOTED_IMAGE, &mark))
    })
}
