//! What serves, or what is wanted, has failed: the way back to an earlier generation, and staying with what serves.

use super::autopsy;
use super::draft::Draft;
use super::picture::{Front, Picture};
use super::registration;
use super::release::Release;
use super::resolve::Wanted;
use super::verify::watch;
use super::{diff, launch, lead_to, prepare, rescue, rollout, shift, spared, verify, writers};
use crate::model::action::{Action, Expect};
use crate::model::mark::BackTo;
use crate::model::observed::{Group, Read, how_it_ended};
use crate::model::plan::{Change, StepKind, StepState};

/// What serves has failed. Whether an earlier generation takes its place again.
pub(super) fn recover<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    failed: &'a Group,
) -> bool {
    let reason = failed.owner.why_failed();
    // A manifest that asks for yet another release has moved on.
    let moved_on = wanted.asks_for_another_than(&failed.owner.template_hash) && picture.tombstone(wanted).is_none();
    if let Some(back) = failed.owner.marks.back_to.as_ref().filter(|_| !moved_on) {
        return go_back(draft, wanted, picture, failed, back);
    }
    let Some(previous) = shift::back(draft, picture, failed, reason) else { return !draft.plan.wants.is_empty() };
    draft.in_flight = true;
    draft.plan.to = Some(previous.owner.generation);
    draft.step(StepKind::Entomb { generation: failed.owner.generation }, StepState::Pending, None);
    draft.plan.change = Change::Replace;
    draft.plan.reason = failed.owner.how_it_ended();
    true
}

/// What serves has no healthy target at all, and an earlier generation has, because it is still warm: that takes the traffic
/// again in one call, whether the release was recorded or not. Where none has, what else answers does. Whether it is so.
pub(super) fn nobody_serves<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    serving: &'a Group,
) -> bool {
    let Some((slot, arn)) = serving.owner.slot.and_then(|slot| Some((slot, picture.front.as_ref()?.arn(slot)?))) else {
        return false;
    };
    // Health costs a call: it is asked for when the group itself sees none of its instances well.
    let is_known = draft.observed.details.target_health.contains_key(arn);
    if serving.desired == 0 || (serving.in_service() > 0 && !is_known) {
        return false;
    }
    let elsewhere = |group: &&Group| group.owner.slot.is_some_and(|other| other != slot);
    let ways: Vec<&'a Group> = picture.ways_back(serving).filter(elsewhere).collect();
    let others = rescue::others(picture, serving);
    let has_failed = serving.owner.failed.is_some();
    if others.is_empty() && (ways.is_empty() || has_failed) {
        return false;
    }
    let Some(good) = verify::healthy(draft, picture, serving) else { return !draft.plan.wants.is_empty() };
    if good > 0 {
        return false;
    }
    let back = ways.into_iter().find(|group| verify::healthy(draft, picture, group).is_some_and(|good| good > 0));
    if !draft.plan.wants.is_empty() {
        return true;
    }
    let Some(back) = back else { return rescue::takes_over(draft, picture, serving, &others) };
    if has_failed {
        // The way back from what failed is told there.
        return false;
    }
    let sick = watch::sickness(draft, picture, serving);
    if picture.is_due(serving) && sick.is_some() {
        // Its bake says the same, and more.
        return false;
    }
    let none = || format!("none of its {} instances is healthy", serving.desired);
    let reason = sick.or_else(|| registration::why_none(draft, picture, serving)).unwrap_or_else(none);
    let release = Release::new(wanted, picture, Some(serving));
    verify::fail(draft, &release, serving, reason.clone());
    // What was read may be older than what serves: it is read again right before.
    let none = Expect::NoneHealthy { target_group_arn: arn.to_owned(), group: serving.name.clone() };
    for planned in draft.plan.actions.iter_mut().filter(|planned| matches!(planned.action, Action::Shift { .. })) {
        planned.expects.push(none.clone());
    }
    draft.in_flight = true;
    draft.plan.to = Some(back.owner.generation);
    draft.plan.change = Change::Replace;
    draft.plan.reason = how_it_ended(serving.owner.generation, &reason);
    true
}

/// The generation that was deployed before one that took over and was never proved. It may be scaled to nothing as well.
pub(super) fn proven_before<'a>(picture: &Picture<'a>, unproven: &Group) -> Option<&'a Group> {
    let could = |group: &&Group| {
        let elsewhere =
            picture.front.is_none() || group.owner.slot.is_some_and(|slot| Some(slot) != unproven.owner.slot);
        group.name != unproven.name && elsewhere && group.owner.recorded_at.is_some() && !group.deleting
    };
    picture.unfailed().filter(could).max_by_key(|group| group.owner.shifted_at).filter(|_| {
        // What was recorded once is no stranger: only a release that was never proved is set aside.
        unproven.owner.recorded_at.is_none()
    })
}

/// The manifest asks for another release than the one that took over and was scaled to nothing before it was proved. Nobody can
/// prove that one now, so that the next release does not wait for it: it is left out, and what was deployed before it stays
/// the way back.
pub(super) fn set_aside<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    unproven: &'a Group,
    proven: &'a Group,
) {
    let release = Release::new(wanted, picture, Some(unproven));
    diff::replaced(draft, &release);
    let (generation, back) = (unproven.owner.generation, proven.owner.generation);
    let why = format!(
        "{generation} has no instances and was never proved, and the manifest asks for another release: {back} is what that \
         takes over from"
    );
    let is_held = release.held(draft).is_some();
    match (&picture.front, proven.owner.slot, unproven.owner.slot.and_then(|slot| picture.front.as_ref()?.arn(slot))) {
        _ if is_held => {}
        (Some(front), Some(slot), Some(arn)) => {
            spared::wanted_again(draft, proven);
            let none = Expect::NoneHealthy { target_group_arn: arn.to_owned(), group: unproven.name.clone() };
            for action in front.shifts(&front.all_to(slot)) {
                let expects = vec![shift::own_group(proven), spared::still_wanted(proven), none.clone()];
                draft.act(action, why.clone(), expects);
            }
        }
        // A worker has no traffic to give back: its mark says that it is not the one to take over from.
        _ => verify::fail(draft, &release, unproven, "it has no instances, and was never proved".to_owned()),
    }
    draft.plan.change = Change::Replace;
    draft.plan.to = Some(launch::next(wanted, picture));
    draft.plan.reason = why;
    draft.in_flight = true;
}

/// What serves was turned down for a release that does not run any more: that is launched again, and what serves goes on
/// serving until it has proved itself. Whether anything can be said about it.
fn go_back<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    failed: &'a Group,
    back: &BackTo,
) -> bool {
    let Some(earlier) = wanted.earlier(draft, picture, back) else { return true };
    let reason = failed.owner.why_failed();
    draft.plan.template = earlier.hash().cloned();
    draft.plan.image = earlier.planned_image(draft.observed);
    let candidate = picture.candidate(&earlier);
    if let (None, Some(tombstone)) = (candidate, picture.tombstone(&earlier)) {
        let (down, again) = (failed.owner.generation, tombstone.owner.how_it_ended());
        let app = &draft.scope.app;
        draft.block(format!(
            "{down} was {reason}, but {again}, so that {down} goes on serving; `amiable rollback {app} --to vNNN` names \
             another release"
        ));
        draft.plan.failure = Some(format!("{again}, so that {down} goes on serving"));
        return true;
    }
    lead_to(draft, &Release::new(&earlier, picture, candidate));
    if draft.plan.change != Change::Error {
        draft.plan.reason = format!("{} was {reason}", failed.owner.generation);
    }
    true
}

/// The wanted template has failed: what serves stays, until the manifest changes or a person says so.
pub(super) fn hold<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, tombstone: &'a Group) {
    let stays = picture.serving().or_else(|| picture.last_resort());
    let release = Release::new(wanted, picture, stays);
    diff::replaced(draft, &release);
    match stays {
        // It is the goal for now: its bake and its record are completed, its slot mate goes.
        Some(group) if group.owner.failed.is_none() => {
            rollout::with_settings(draft, &release);
            writers::announce(draft, &release);
        }
        // It goes on serving, though it has failed: there is no step to take, but what leads to it must stand.
        Some(group) => {
            diff::in_place(draft, &release);
            prepare::prepare(draft, wanted, picture);
            autopsy::examine(draft, picture, group);
        }
        None => {}
    }
    if draft.plan.change == Change::Error {
        return;
    }
    let serves = match stays {
        Some(group) if group.owner.failed.is_some() => goes_on_serving(draft, wanted, picture, group),
        Some(group) => format!("; {} serves", group.owner.generation),
        None => "; nothing serves".to_owned(),
    };
    let ended = in_whole(draft, tombstone);
    let app = &draft.scope.app;
    draft.block(format!("{ended}{serves} until the manifest changes or `amiable retry {app}`"));
    draft.plan.failure = Some(format!("{ended}{}", serves.trim_end_matches(',')));
    draft.plan.to = None;
    if draft.plan.actions.is_empty() {
        draft.plan.steps.clear();
    }
}

/// How the wanted template failed, as it was kept in whole, and what an instance of it said last.
fn in_whole<'a>(draft: &mut Draft<'a>, tombstone: &'a Group) -> String {
    let Some(kept) = autopsy::kept(draft, tombstone) else { return tombstone.owner.how_it_ended() };
    if let Some(console) = &kept.console {
        draft.note(console.last_words());
    }
    how_it_ended(kept.generation, &kept.reason)
}

/// That what has failed serves all the same, and why. Where there is a generation to go back to, it had no healthy
/// instance; for a while that is waited for.
fn goes_on_serving<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, failed: &'a Group) -> String {
    let serves = failed.owner.generation;
    let has_traffic = |front: &Front<'_>| failed.owner.slot.is_some_and(|slot| front.weight(slot) > 0);
    if failed.owner.is_turned_down() && !picture.front.as_ref().is_none_or(has_traffic) {
        return format!("; nothing serves, because a person turned {serves} down,");
    }
    let elsewhere = |group: &&Group| group.owner.slot != failed.owner.slot;
    let Some(back) = picture.ways_back(failed).find(elsewhere) else {
        return format!("; {serves} goes on serving");
    };
    let unread = unread(draft, picture, back).map(str::to_owned);
    let back = back.owner.generation;
    let since = failed.owner.failed.as_ref().map_or(failed.created_at, |failure| failure.at);
    let since = failed.owner.shifted_at.map_or(since, |shifted| shifted.max(since));
    let deadline = wanted.spec.progress_deadline.after(since);
    if draft.now < deadline {
        let what = match failed.owner.stands_in() {
            _ if unread.is_some() => format!("the health of {back} to be readable, so that it can serve again"),
            true => format!("{back} to be whole, so that it can serve again"),
            false => format!("an instance of {back} to be healthy, so that it can serve again"),
        };
        draft.wait(what, Some(deadline));
    }
    let app = &draft.scope.app;
    match unread {
        Some(why) if failed.owner.is_commanded_away() => format!(
            "; {serves} goes on serving, because no instance of {back} is in service, and its health cannot be read ({why}),"
        ),
        Some(why) => format!(
            "; {serves} goes on serving, because the health of {back} cannot be read ({why}), so that only `amiable rollback \
             {app}` gives it the traffic,"
        ),
        None if failed.owner.stands_in() => format!("; {serves} goes on serving, because {back} is not whole yet,"),
        None => format!("; {serves} goes on serving, because {back} has no healthy instance,"),
    }
}

/// Why the health of a generation could not be read, where it was asked for.
fn unread<'a>(draft: &Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<&'a str> {
    let arn = picture.front.as_ref()?.arn(group.owner.slot?)?;
    match draft.observed.details.target_health.get(arn)? {
        Read::Unknown(why) => Some(why),
        Read::Known(_) => None,
    }
}
