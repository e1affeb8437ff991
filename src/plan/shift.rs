//! Traffic: to the new generation in one call, and back in one call.

use super::canary;
use super::draft::Draft;
use super::picture::Picture;
use super::release::{Release, Turn};
use super::spared;
use super::verify;
use super::writers;
use crate::model::action::{Expect, Tags};
use crate::model::names::Slot;
use crate::model::observed::{Forward, Group, Health, Read, Want, has_failed, how_it_ended, is_refused};
use crate::model::plan::{StepKind, StepState};
use crate::model::tags::keys;
use crate::model::time::Span;

/// How long a person's command waits for health that could not be read at one look, and may be at the next.
const READABLE_AGAIN: Span = Span::minutes(1);

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
        && target.owner.canary_step().is_some()
        && let Some(turn) = canary::ready(draft, release, target)
    {
        return turn;
    }
    if !release.is_shifted()
        && let Some(turn) = release.held(draft)
    {
        return turn;
    }
    draft.standing.advances |= !release.is_shifted();
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

/// Whether load balancing reaches a generation that waits for its traffic. If somebody has taken its target group out of a
/// listener or rule, its instances are not even checked there: it is put back with weight 0, and the traffic stays where it is.
pub(super) fn is_reached<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> bool {
    let Some(front) = &release.picture.front else { return true };
    let (Some(slot), Some(live)) = (target.owner.slot, front.live_slot()) else { return true };
    if slot == live || front.names(slot) {
        return true;
    }
    for action in front.shifts(&front.all_to(live)) {
        let reason = format!("{} can be checked only where its target group is named", target.owner.generation);
        draft.act(action, reason, front.expect_weight(live, true));
    }
    false
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
    let mut expects = vec![own_group(target), spared::still_wanted(target)];
    let is_serving = release.serving.is_some_and(|serving| serving.name == target.name);
    // What serves is no better for being refused its own traffic.
    let at_least = if is_serving { target.desired.min(1) } else { release.size };
    if at_least > 0 {
        let (target_group_arn, group) = (arn.to_owned(), target.name.clone());
        expects.push(Expect::Healthy { target_group_arn, group, at_least });
    }
    expects.extend(writers::nobody_goes_back(release.picture, target));
    if release.is_shifted() {
        // Only the weights were changed by someone; there is nothing else to serve.
        expects.clear();
    }
    let shifts = front.shifts(forward);
    if !shifts.is_empty() {
        end_canaries(draft, release.picture, target, forward);
    }
    for action in shifts {
        draft.act(action, reason, expects.clone());
    }
}

/// A canary whose share is taken away without a failure is none any more. Its tag goes before its share: with the tag and no
/// share it would be given up as soon as it is wanted again, for somebody seems to have taken it out of service. With a share
/// and no tag it is only where it was before its first step.
fn end_canaries(draft: &mut Draft<'_>, picture: &Picture<'_>, target: &Group, forward: &Forward) {
    let Some(front) = &picture.front else { return };
    let loses = |group: &&Group| {
        let slot = group.owner.slot.filter(|_| group.name != target.name && group.owner.canary_step().is_some());
        slot.is_some_and(|slot| front.weight(slot) > 0 && front.arn(slot).is_some_and(|arn| forward.weight(arn) == 0))
    };
    for group in picture.unfailed().filter(loses) {
        let action = canary::forgotten(group);
        // A share that nobody asks for goes even where AWS does not let its tag go.
        if !draft.has_given_up(&action) {
            draft.act(action, "no manifest asks for it any more: if it is asked for again, it begins anew", Vec::new());
        }
    }
}

/// Gives the traffic back to the newest earlier generation that is well, if there is one. One call for each point.
pub(super) fn back<'a>(
    draft: &mut Draft<'a>,
    picture: &Picture<'a>,
    failed: &Group,
    reason: &str,
) -> Option<&'a Group> {
    let front = picture.front.as_ref()?;
    for group in picture.ways_back(failed) {
        let Some((slot, arn)) = group.owner.slot.and_then(|slot| Some((slot, front.arn(slot)?))) else { continue };
        if group.owner.slot == failed.owner.slot {
            continue;
        }
        let is_well = match by_command(draft, failed, group, arn) {
            Some(in_service) => in_service,
            None => match is_well(draft, picture, failed, group, arn)? {
                true => Expect::Healthy { target_group_arn: arn.to_owned(), group: group.name.clone(), at_least: 1 },
                false => continue,
            },
        };
        // What was turned down for a release that does worse is wanted all the same.
        let wanted = Some(spared::still_wanted(group)).filter(|_| group.owner.failed.is_none());
        let mut expects: Vec<Expect> = [own_group(group)].into_iter().chain(wanted).collect();
        expects.extend([Expect::RecordedAt { group: failed.name.clone(), at: failed.owner.recorded_at }, is_well]);
        let to = group.owner.generation;
        draft.fails = true;
        spared::wanted_again(draft, group);
        for action in front.shifts(&front.all_to(slot)) {
            let reason = match has_failed(reason) {
                true => format!("{} failed: {to} serves again ({reason})", failed.owner.generation),
                false => format!("{to} serves again: {}", how_it_ended(failed.owner.generation, reason)),
            };
            draft.act(action, reason, expects.clone());
        }
        draft.step(StepKind::ShiftBack { to }, StepState::Current, None);
        return Some(group);
    }
    None
}

/// Whether the load balancer calls an earlier generation well enough to take the traffic back. `None`: that is not known.
fn is_well<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, failed: &Group, group: &Group, arn: &str) -> Option<bool> {
    let want = Want::TargetHealth(arn.to_owned());
    let targets =
        draft.see(draft.observed.details.target_health.get(arn), want, "the health of the generation before")?;
    let own = |id: &str| group.instances.iter().any(|instance| instance.id == id);
    let good = targets.iter().filter(|target| target.health == Health::Healthy && own(&target.id)).count();
    Some(good > 0 && ((good as u32) >= group.desired || !stands_well(draft, picture, failed)?))
}

/// A person's command is not held up by health that cannot be read: an earlier generation takes the traffic back if its group has
/// instances in service, which is what is read again right before. What AWS refuses to tell is not waited for; what only
/// failed to be read may be read at the next look, and has a minute for that.
fn by_command(draft: &mut Draft<'_>, failed: &Group, group: &Group, arn: &str) -> Option<Expect> {
    let command = failed.owner.failed.as_ref().filter(|failure| failure.is_a_command())?;
    let Some(Read::Unknown(why)) = draft.observed.details.target_health.get(arn) else { return None };
    let is_waited_for = !is_refused(why) && draft.now < READABLE_AGAIN.after(command.at);
    if is_waited_for || group.in_service() == 0 {
        return None;
    }
    let (down, back, count, size) =
        (failed.owner.generation, group.owner.generation, group.in_service(), group.desired);
    draft.note(format!(
        "the health of {back} cannot be read, so that nobody can tell whether it answers; it takes the traffic because a person \
         turned {down} down, and its group has {count} of {size} instances in service: {why}"
    ));
    Some(Expect::InService { group: group.name.clone(), at_least: 1 })
}

/// Whether a generation serves in the place of one that nobody of was healthy, and answers: then the other one must be whole
/// first, or it might fall over again at once. `None`: that must be read first.
fn stands_well<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, failed: &Group) -> Option<bool> {
    if !failed.owner.stands_in() {
        return Some(false);
    }
    Some(verify::healthy(draft, picture, failed)? > 0)
}

/// Gives all traffic to a generation that has healthy targets, where it leads to nobody who has.
pub(super) fn rescue<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group, reason: &str) {
    let Some(front) = &release.picture.front else { return };
    let Some((slot, arn)) = target.owner.slot.and_then(|slot| Some((slot, front.arn(slot)?))) else { return };
    let (target_group_arn, group) = (arn.to_owned(), target.name.clone());
    let healthy = Expect::Healthy { target_group_arn, group, at_least: 1 };
    for action in front.shifts(&front.all_to(slot)) {
        draft.act(action, reason, vec![own_group(target), spared::still_wanted(target), healthy.clone()]);
    }
}

pub(super) fn own_group(group: &Group) -> Expect {
    Expect::OwnGroup { group: group.name.clone(), template_hash: group.owner.template_hash.to_string() }
}
