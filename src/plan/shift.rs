//! Traffic: to the new generation in one call, and back in one call. And the name that leads to it.

use super::canary;
use super::draft::Draft;
use super::release::{Release, Turn};
use crate::model::action::{Action, Expect, Tags};
use crate::model::names::Slot;
use crate::model::observed::{AliasTarget, DnsRecord, Forward, Group, Health, Want};
use crate::model::plan::{Effect, FieldChange, StepKind, StepState};
use crate::model::tags::keys;

/// Done when the target has all the traffic and its bake clock runs.
pub(super) fn take_over<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    let clock_runs = target
        .owner
        .shifted_at
        .is_some_and(|at| release.picture.last_shift_of_others(target).is_none_or(|other| at >= other));
    let exact = match (&release.picture.front, target.owner.slot) {
        (Some(front), Some(slot)) => front.is_exactly(&front.all_to(slot)),
        _ => true,
    };
    if release.is_shifted() && clock_runs && exact {
        return Turn::Done;
    }
    draft.in_flight = true;
    if !release.is_shifted()
        && target.owner.canary.is_some()
        && let Some(turn) = canary::ready(draft, release, target)
    {
        return turn;
    }
    if !release.is_shifted()
        && let Some(turn) = release.held(draft)
    {
        return turn;
    }
    if let (false, Some(front), Some(slot)) = (exact, &release.picture.front, target.owner.slot) {
        let reason = format!("{} is healthy: it takes all traffic", target.owner.generation);
        move_traffic(draft, release, target, slot, &front.all_to(slot), &reason);
    }
    let tag = Tags::from([(keys::SHIFTED_AT.to_owned(), draft.now.to_string())]);
    if !(release.is_shifted() && clock_runs) {
        draft.tag_group(&target.name, tag, format!("{} takes over: its bake begins", target.owner.generation));
    }
    Turn::Here(None)
}

/// Divides the traffic so that `target`, in its slot, has what `forward` says; it must be whole for that.
pub(super) fn move_traffic<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &Group,
    slot: Slot,
    forward: &Forward,
    reason: &str,
) {
    let Some(front) = &release.picture.front else { return };
    let Some(arn) = front.arn(slot) else { return };
    let mut expects = vec![own_group(target)];
    let is_serving = release.serving.is_some_and(|serving| serving.name == target.name);
    // What serves is no better for being refused its own traffic.
    let at_least = if is_serving { target.desired.min(1) } else { release.size };
    if at_least > 0 {
        let (target_group_arn, group) = (arn.to_owned(), target.name.clone());
        expects.push(Expect::Healthy { target_group_arn, group, at_least });
    }
    if release.is_shifted() {
        // Only the weights were changed by someone; there is nothing else to serve.
        expects.clear();
    }
    for action in front.shifts(forward) {
        draft.act(action, reason, expects.clone());
    }
}

/// Gives the traffic back to the newest earlier generation that is well, if there is one. One call for each point.
pub(super) fn back<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    failed: &Group,
    reason: &str,
) -> Option<&'a Group> {
    let front = release.picture.front.as_ref()?;
    let candidates: Vec<_> = release.picture.unfailed().filter(|group| group.name != failed.name).collect();
    for group in candidates.into_iter().rev().filter(|group| group.desired > 0 && group.owner.shifted_at.is_some()) {
        let Some((slot, arn)) = group.owner.slot.and_then(|slot| Some((slot, front.arn(slot)?))) else { continue };
        if group.owner.slot == failed.owner.slot {
            continue;
        }
        let want = Want::TargetHealth(arn.to_owned());
        let targets =
            draft.see(draft.observed.details.target_health.get(arn), want, "the health of the generation before")?;
        let own = |id: &str| group.instances.iter().any(|instance| instance.id == id);
        let good = targets.iter().filter(|target| target.health == Health::Healthy && own(&target.id)).count();
        if good == 0 {
            continue;
        }
        let expects = vec![
            own_group(group),
            Expect::Healthy { target_group_arn: arn.to_owned(), group: group.name.clone(), at_least: 1 },
        ];
        let to = group.owner.generation;
        for action in front.shifts(&front.all_to(slot)) {
            let reason = format!("{} failed: {to} serves again ({reason})", failed.owner.generation);
            draft.act(action, reason, expects.clone());
        }
        draft.step(StepKind::ShiftBack { to }, StepState::Current, None);
        return Some(group);
    }
    None
}

pub(super) fn own_group(group: &Group) -> Expect {
    Expect::OwnGroup { group: group.name.clone(), template_hash: group.owner.template_hash.to_string() }
}

/// Done when the DNS name leads to the load balancer.
pub(super) fn dns<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    let wanted = release.wanted;
    let (Some(dns), Some(zone)) = (&wanted.spec.dns, wanted.zone) else { return Turn::Done };
    let Some(balancer) = release.picture.front.as_ref().and_then(|front| front.balancer) else {
        return Turn::Here(None);
    };
    let record = DnsRecord {
        name: dns.name.to_ascii_lowercase(),
        kind: "A".to_owned(),
        alias: Some(AliasTarget {
            dns_name: balancer.dns_name.to_ascii_lowercase(),
            zone_id: balancer.hosted_zone_id.clone(),
            evaluate_target_health: dns.evaluate_target_health,
        }),
        values: Vec::new(),
        ttl: None,
        set_identifier: None,
    };
    let found = zone.records.iter().find(|found| found.name == record.name && found.kind == record.kind);
    if found == Some(&record) {
        return Turn::Done;
    }
    let recorded = release.target.is_some_and(|target| !super::record::is_due(release, target));
    if recorded && !note_difference(draft, release, found, &record) {
        return Turn::Done;
    }
    let reason = format!("{} leads to {}", record.name, balancer.name);
    draft.act(Action::UpsertDnsRecord { zone_id: zone.id.clone(), record }, reason, Vec::new());
    Turn::Here(None)
}

/// Says who changed what of the name, and whether it is to be put right.
fn note_difference(
    draft: &mut Draft<'_>,
    release: &Release<'_, '_>,
    found: Option<&DnsRecord>,
    record: &DnsRecord,
) -> bool {
    let evaluates =
        |record: &DnsRecord| record.alias.as_ref().is_some_and(|alias| alias.evaluate_target_health).to_string();
    let (path, before, after) = match found {
        None => ("dns.name", None, record.name.clone()),
        Some(found) => ("dns.evaluateTargetHealth", Some(evaluates(found)), evaluates(record)),
    };
    let applied = release.target.and_then(|target| target.owner.applied.clone());
    let drifted = applied == Some(release.wanted.applied());
    if drifted && release.wanted.spec.drift.ignore.iter().any(|ignored| ignored == path) {
        return false;
    }
    let change = FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::InPlace };
    if drifted {
        draft.plan.drift.push(change)
    } else {
        draft.plan.fields.push(change)
    }
    true
}
