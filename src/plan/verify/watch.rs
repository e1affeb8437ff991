//! What is watched while a new generation has any traffic: in the pauses of a canary, and while it bakes.

use super::activity::replaced_for_its_health;
use super::health::Healthy;
use crate::model::observed::Group;
use crate::plan::draft::Draft;
use crate::plan::release::Release;

/// Why the generation must lose its traffic now, in AWS's words or those of the check that failed.
///
/// `None` is not yet good news: what is unknown is in the draft, as a want or a wait. Who wants to go on compares
/// [`Draft::open_questions`] before and after.
pub(in crate::plan) fn trouble<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &'a Group,
) -> Option<String> {
    sickness(draft, release, target)
}

/// A target that fails its checks, or was replaced for that between two looks.
fn sickness<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &'a Group) -> Option<String> {
    let health = Healthy::of(draft, release, target)?;
    if let Some(sick) = &health.sick {
        return Some(format!("unhealthy under traffic: {sick}"));
    }
    if health.good >= target.desired {
        return None;
    }
    let since = target.owner.shifted_at.or(target.owner.healthy_since).unwrap_or(target.created_at);
    let words = replaced_for_its_health(draft, target, since)?;
    Some(format!("unhealthy under traffic: {words}"))
}
