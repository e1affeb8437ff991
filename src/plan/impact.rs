//! What a release means while it lasts: instances at its peak, time, and what both cost.

use super::picture::Picture;
use super::release::Release;
use super::spared::{self, REQUEST_LIFE};
use crate::model::spec::{CanaryStep, LoadBalancer};
use crate::model::time::{Span, Timestamp};

/// How many instances run at the peak of a release: what is in the way is gone before the launch.
pub(super) fn peak(release: &Release<'_, '_>, picture: &Picture<'_>) -> u32 {
    let running: u32 = picture.groups.iter().map(|group| group.desired).sum();
    let leaving: u32 = if release.is_shifted() { 0 } else { release.leftovers().map(|group| group.desired).sum() };
    let coming = if release.target.is_some() { 0 } else { release.size };
    running.max(running - leaving + coming)
}

/// About how long a release takes that has not begun, until it is recorded: room in its slot, a launch, the checks, the
/// stability window, the pauses of a canary, and the bake.
pub(super) fn estimate(release: &Release<'_, '_>, now: Timestamp) -> Option<Span> {
    if release.target.is_some() {
        return None;
    }
    const LAUNCH_SECONDS: u64 = 120;
    let spec = release.wanted.spec;
    let checks = spec.health_check.interval.as_seconds() * u64::from(spec.health_check.healthy_threshold);
    let watch = spec.verification.stable_for.as_seconds() + spec.strategy.bake_time().as_seconds();
    let pauses = release.canary().map_or(0, |canary| canary.steps.iter().map(pause).sum());
    Some(Span::seconds(room(release, now) + LAUNCH_SECONDS + checks + watch + pauses))
}

/// How long instances take to end that have drained.
const TERMINATION_SECONDS: u64 = 60;

/// How long it takes to empty a group: its targets drain, and its instances end.
fn emptying(release: &Release<'_, '_>) -> u64 {
    let drain = match &release.wanted.spec.load_balancer {
        LoadBalancer::Own(own) => own.deregistration_delay.as_seconds(),
        LoadBalancer::Shared(shared) => shared.deregistration_delay.as_seconds(),
        LoadBalancer::None => 0,
    };
    drain + TERMINATION_SECONDS
}

/// How long until what is left in the slot of the next generation has made room. What could have been given traffic by a
/// delayed call is kept until that has expired.
fn room(release: &Release<'_, '_>, now: Timestamp) -> u64 {
    let serving = release.serving.and_then(|group| group.owner.slot);
    let in_the_way = release.picture.groups.iter().filter(|group| group.owner.slot != serving || serving.is_none());
    let takes = in_the_way.map(|group| match group.desired {
        0 if group.instances.is_empty() => 0,
        0 => emptying(release),
        _ => spared::kept_for(release.picture, group, now).as_seconds() + emptying(release),
    });
    takes.max().unwrap_or(0)
}

/// About how long after that until the old generation is gone: it is kept warm, and at least until no delayed call can give it
/// any traffic, and then emptied.
pub(super) fn cleanup(release: &Release<'_, '_>) -> Option<Span> {
    release.serving.filter(|serving| serving.desired > 0 && release.target.is_none())?;
    let warm = match &release.picture.front {
        Some(_) => release.wanted.spec.retain.keep_for.as_seconds().max(REQUEST_LIFE.as_seconds()),
        None => 0,
    };
    Some(Span::seconds(warm + emptying(release)))
}

/// A pause that waits for a person takes as long as it takes.
fn pause(step: &CanaryStep) -> u64 {
    match step {
        CanaryStep::Pause(Some(duration)) => duration.as_seconds(),
        CanaryStep::Pause(None) | CanaryStep::Weight(_) => 0,
    }
}

/// What a release costs on top, in seconds of one instance: as many instances as are launched, until as many have gone.
pub(super) fn extra(release: &Release<'_, '_>, now: Timestamp) -> Option<u64> {
    let until_gone = cleanup(release)?.as_seconds();
    Some(u64::from(release.size) * (estimate(release, now)?.as_seconds() + until_gone))
}
