//! Strategies: each compiles to the steps of a release, which one interpreter runs.

use super::release::Release;
use crate::model::observed::Group;
use crate::model::plan::StepKind;
use crate::model::probe::Phase;
use crate::model::spec::CanaryStep;

/// A step of a path.
pub(super) struct Leg {
    pub(super) kind: StepKind,
    /// Its place among the steps of the canary in the manifest, counted from 0.
    pub(super) place: Option<usize>,
}

impl From<StepKind> for Leg {
    fn from(kind: StepKind) -> Self {
        Self { kind, place: None }
    }
}

/// The whole path of a release, done steps too.
pub(super) fn compile(release: &Release<'_, '_>) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    if release.picture.front.is_some() {
        legs.push(StepKind::Prepare.into());
    }
    if !release.is_shifted() {
        legs.extend(release.leftovers().map(|group| StepKind::FreeSlot { generation: group.owner.generation }.into()));
    }
    let spec = release.wanted.spec;
    legs.push(StepKind::Launch { instances: release.size }.into());
    legs.push(StepKind::WaitHealthy { instances: release.size, stable_for: spec.verification.stable_for }.into());
    checks(release, &mut legs);
    if release.picture.front.is_some() {
        canary(release, &mut legs);
        traffic(release, &mut legs)
    } else {
        worker(release, &mut legs)
    }
    legs
}

/// Shares of the traffic, and pauses in which the new generation is watched beside the old one.
fn canary(release: &Release<'_, '_>, legs: &mut Vec<Leg>) {
    let Some(canary) = release.canary() else { return };
    legs.extend(canary.steps.iter().enumerate().map(|(place, step)| {
        let kind = match *step {
            CanaryStep::Weight(weight) => StepKind::Shift { weight },
            CanaryStep::Pause(duration) => StepKind::Pause { duration },
        };
        Leg { kind, place: Some(place) }
    }));
}

/// What the new generation is asked, and what must be quiet, before it gets any traffic.
fn checks(release: &Release<'_, '_>, legs: &mut Vec<Leg>) {
    let verification = &release.wanted.spec.verification;
    if !verification.smoke.is_empty() {
        legs.push(StepKind::Smoke { checks: verification.smoke.len() }.into());
    }
    consent(release, Phase::BeforeShift, legs);
    if !verification.alarms.is_empty() {
        legs.push(StepKind::Alarms { names: verification.alarms.clone() }.into());
    }
}

/// The webhook, if it is asked in this phase. While the new generation bakes it is a part of the bake.
fn consent(release: &Release<'_, '_>, phase: Phase, legs: &mut Vec<Leg>) {
    let webhook = release.wanted.spec.verification.webhook.as_ref();
    if webhook.is_some_and(|webhook| webhook.phase == phase) {
        legs.push(StepKind::Approve { phase }.into());
    }
}

/// All traffic moves in one call; the old generation stays warm for an instant way back.
fn traffic(release: &Release<'_, '_>, legs: &mut Vec<Leg>) {
    let spec = release.wanted.spec;
    legs.push(StepKind::Shift { weight: 100 }.into());
    let earlier = release.picture.groups.iter().rev().find_map(|group| group.owner.dns.as_ref());
    if let Some(name) = spec.dns.as_ref().map(|dns| &dns.name).or(earlier) {
        legs.push(StepKind::Dns { name: name.clone() }.into());
    }
    legs.push(StepKind::Bake { duration: spec.strategy.bake_time() }.into());
    consent(release, Phase::BeforeRecord, legs);
    legs.push(StepKind::Record.into());
    for group in release.olds() {
        if deserves_keeping(release, group) {
            legs.push(StepKind::Keep { generation: group.owner.generation, duration: spec.retain.keep_for }.into());
        }
        legs.push(StepKind::Retire { generation: group.owner.generation }.into());
    }
}

/// No traffic to move: the new generation works beside the old one until it has been watched, then the old one goes.
fn worker(release: &Release<'_, '_>, legs: &mut Vec<Leg>) {
    legs.push(StepKind::TakeOver.into());
    legs.push(StepKind::Bake { duration: release.wanted.spec.strategy.bake_time() }.into());
    consent(release, Phase::BeforeRecord, legs);
    legs.push(StepKind::Record.into());
    legs.extend(release.olds().map(|group| StepKind::Retire { generation: group.owner.generation }.into()));
}

/// Only the generation that served last is worth keeping warm.
pub(super) fn deserves_keeping(release: &Release<'_, '_>, group: &Group) -> bool {
    !release.wanted.spec.retain.keep_for.is_zero()
        && group.owner.shifted_at.is_some()
        && release.previous().is_some_and(|previous| previous.name == group.name)
}
