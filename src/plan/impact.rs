//! What a release means while it lasts: instances at its peak, time, and what both cost.

use super::picture::Picture;
use super::release::Release;
use crate::manifest::spec::CanaryStep;
use crate::model::time::Span;

/// How many instances run at the peak of a release: what is in the way is gone before the launch.
pub(super) fn peak(release: &Release<'_, '_>, picture: &Picture<'_>) -> u32 {
    let running: u32 = picture.groups.iter().map(|group| group.desired).sum();
    let leaving: u32 = if release.is_shifted() { 0 } else { release.leftovers().map(|group| group.desired).sum() };
    let coming = if release.target.is_some() { 0 } else { release.size };
    running.max(running - leaving + coming)
}

/// About how long a release takes that has not begun: a launch, the checks, the stability window and the bake.
pub(super) fn estimate(release: &Release<'_, '_>) -> Option<Span> {
    if release.target.is_some() {
        return None;
    }
    const LAUNCH_SECONDS: u64 = 120;
    let spec = release.wanted.spec;
    let checks = spec.health_check.interval.as_seconds() * u64::from(spec.health_check.healthy_threshold);
    let watch = spec.verification.stable_for.as_seconds() + spec.strategy.bake_time().as_seconds();
    let pauses = release.canary().map_or(0, |canary| canary.steps.iter().map(pause).sum());
    Some(Span::seconds(LAUNCH_SECONDS + checks + watch + pauses))
}

/// A pause that waits for a person takes as long as it takes.
fn pause(step: &CanaryStep) -> u64 {
    match step {
        CanaryStep::Pause(Some(duration)) => duration.as_seconds(),
        CanaryStep::Pause(None) | CanaryStep::Weight(_) => 0,
    }
}

/// What a release costs on top, in seconds of one instance: as many instances as are launched, until as many have gone.
pub(super) fn extra(release: &Release<'_, '_>) -> Option<u64> {
    release.serving.filter(|serving| serving.desired > 0)?;
    let kept = match &release.picture.front {
        Some(_) => release.wanted.spec.retain.keep_for.as_seconds(),
        None => 0,
    };
    Some(u64::from(release.size) * (estimate(release)?.as_seconds() + kept))
}
