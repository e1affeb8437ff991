//! Strategies: each compiles to the steps of a release, which one interpreter runs.

use super::release::Release;
use crate::model::observed::Group;
use crate::model::plan::StepKind;
use crate::model::probe::Phase;

/// The whole path of a release, done steps too.
pub(super) fn compile(release: &Release<'_, '_>) -> Vec<StepKind> {
    let mut steps = Vec::new();
    if release.picture.front.is_some() {
        steps.push(StepKind::Prepare);
    }
    if !release.is_shifted() {
        steps.extend(release.leftovers().map(|group| StepKind::FreeSlot { generation: group.owner.generation }));
    }
    let spec = release.wanted.spec;
    steps.push(StepKind::Launch { instances: release.size });
    steps.push(StepKind::WaitHealthy { instances: release.size, stable_for: spec.verification.stable_for });
    checks(release, &mut steps);
    if release.picture.front.is_some() {
        red_black(release, &mut steps)
    } else {
        worker(release, &mut steps)
    }
    steps
}

/// What the new generation is asked, and what must be quiet, before it gets any traffic.
fn checks(release: &Release<'_, '_>, steps: &mut Vec<StepKind>) {
    let verification = &release.wanted.spec.verification;
    if !verification.smoke.is_empty() {
        steps.push(StepKind::Smoke { checks: verification.smoke.len() });
    }
    consent(release, Phase::BeforeShift, steps);
    if !verification.alarms.is_empty() {
        steps.push(StepKind::Alarms { names: verification.alarms.clone() });
    }
}

/// The webhook, if it is asked in this phase. While the new generation bakes it is a part of the bake.
fn consent(release: &Release<'_, '_>, phase: Phase, steps: &mut Vec<StepKind>) {
    let webhook = release.wanted.spec.verification.webhook.as_ref();
    if webhook.is_some_and(|webhook| webhook.phase == phase) {
        steps.push(StepKind::Approve { phase });
    }
}

/// All traffic moves in one call; the old generation stays warm for an instant way back.
fn red_black(release: &Release<'_, '_>, steps: &mut Vec<StepKind>) {
    let spec = release.wanted.spec;
    steps.push(StepKind::Shift { weight: 100 });
    if let Some(dns) = &spec.dns {
        steps.push(StepKind::Dns { name: dns.name.clone() });
    }
    steps.push(StepKind::Bake { duration: spec.strategy.red_black.bake_time });
    consent(release, Phase::BeforeRecord, steps);
    steps.push(StepKind::Record);
    for group in release.olds() {
        if deserves_keeping(release, group) {
            steps.push(StepKind::Keep { generation: group.owner.generation, duration: spec.retain.keep_for });
        }
        steps.push(StepKind::Retire { generation: group.owner.generation });
    }
}

/// No traffic to move: the new generation works beside the old one until it has been watched, then the old one goes.
fn worker(release: &Release<'_, '_>, steps: &mut Vec<StepKind>) {
    steps.push(StepKind::TakeOver);
    steps.push(StepKind::Bake { duration: release.wanted.spec.strategy.red_black.bake_time });
    consent(release, Phase::BeforeRecord, steps);
    steps.push(StepKind::Record);
    steps.extend(release.olds().map(|group| StepKind::Retire { generation: group.owner.generation }));
}

/// Only the generation that served last is worth keeping warm.
fn deserves_keeping(release: &Release<'_, '_>, group: &Group) -> bool {
    !release.wanted.spec.retain.keep_for.is_zero()
        && group.owner.shifted_at.is_some()
        && release.previous().is_some_and(|previous| previous.name == group.name)
}
