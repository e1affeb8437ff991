//! Where the traffic goes, against where it should go: what somebody has changed by hand is drift, and is said as such.
//!
//! Weights are put right. What somebody has put in the place of the app, such as a maintenance page, is there on purpose: it
//! blocks the app until a person gives the traffic back with `amiable resume`.

use super::draft::Draft;
use super::picture::{Front, Picture, Point};
use super::record;
use super::release::Release;
use super::resolve::Wanted;
use super::{canary, shift, spared, verify};
use crate::model::action::{Action, Expect, TrafficPoint};
use crate::model::mark::Mark;
use crate::model::names::Slot;
use crate::model::observed::{Forward, Group};
use crate::model::plan::{Change, Effect, FieldChange, StepKind, StepState};
use crate::model::spec::{Canary, LoadBalancer};
use crate::model::tags::keys;
use crate::model::time::Span;

/// The path of what is said about the traffic. It is no field of the manifest, so that nobody can have it ignored.
const TRAFFIC: &str = "traffic";

/// By how much a look may be older than what another run has done since, and the clocks of two machines differ.
const MARGIN: Span = Span::minutes(1);

/// Whether something that is not the app's answers in its place, which nobody has given up yet: then the draft says so, and
/// nothing is done about the app.
pub(super) fn is_taken_away<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let (Some(front), Some(group)) = (&picture.front, had_it_last(picture)) else { return false };
    let pages: Vec<(&Point, &str)> = pages(wanted, group, front).collect();
    let said = given_back(picture);
    let is_given_up = |page: &str| said.is_some_and(|mark| mark.to == mark.clone().traffic_from(page).to);
    let Some((first, page)) = pages.iter().find(|(_, page)| !is_given_up(page)) else { return false };
    let at = place(front, first);
    for (point, page) in &pages {
        draft.plan.drift.push(change(format!("{page}{}", on(front, point)), whole(draft, front, group)));
    }
    let (app, generation) = (&draft.scope.app, group.owner.generation);
    draft.plan.from.get_or_insert(generation);
    draft.block(format!(
        "{at} answers with a {page}, which somebody put in the place of {generation}; nothing is done until \
         `amiable resume {app}` gives the traffic back to it"
    ));
    true
}

/// What answers in the app's place and is to be given up, with the group that has the traffic back then.
pub(super) fn page<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<(&'a Group, String)> {
    let (front, group) = (picture.front.as_ref()?, had_it_last(picture)?);
    let (_, page) = pages(wanted, group, front).next()?;
    Some((group, page.to_owned()))
}

/// The points that answer by themselves. A redirect that the manifest asked for until it was changed is no page of somebody's.
fn pages<'p>(wanted: &Wanted<'_>, group: &Group, front: &'p Front<'_>) -> impl Iterator<Item = (&'p Point, &'p str)> {
    let as_applied = wanted.has_applied(group);
    let pages = front.points.iter().filter_map(|point| Some((point, point.instead.as_deref()?)));
    pages.filter(move |(_, page)| as_applied || !page.starts_with("redirect"))
}

/// The generation that had the traffic last and could have it again.
fn had_it_last<'a>(picture: &Picture<'a>) -> Option<&'a Group> {
    let served = picture.groups.iter().filter(|group| group.owner.shifted_at.is_some() && !group.deleting);
    served.max_by_key(|group| (group.owner.failed.is_none(), group.owner.shifted_at)).copied()
}

/// Who gave the traffic back to the app.
fn given_back<'a>(picture: &Picture<'a>) -> Option<&'a Mark> {
    let marks = picture.groups.iter().filter_map(|group| group.owner.marks.traffic_back.as_ref());
    marks.max_by_key(|mark| mark.at)
}

/// Says how the traffic of what is deployed differs from all to it. Putting it right is the business of the steps.
pub(super) fn drift<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let Some(front) = &release.picture.front else { return };
    done_with_pages(draft, release, front);
    let Some((group, slot)) = deployed(release).and_then(|group| Some((group, group.owner.slot?))) else { return };
    if let Some(missing) = missing(draft, release, front) {
        draft.plan.drift.push(change(missing, whole(draft, front, group)));
    }
    tell(draft, front, group, &front.all_to(slot));
}

/// Says where the traffic goes, against all of it to a group.
pub(super) fn tell<'a>(draft: &mut Draft<'a>, front: &Front<'a>, group: &Group, wanted: &Forward) {
    for point in front.points.iter().filter(|point| point.forward != *wanted) {
        let has = point.instead.clone().unwrap_or_else(|| shares(draft, front, &point.forward));
        let (on, stickiness) = (on(front, point), sticky(&point.forward));
        draft.plan.drift.push(change(format!("{has}{stickiness}{on}"), whole(draft, front, group)));
    }
}

/// The generation that is deployed and nothing else is to take over from, whether or not the traffic leads to it.
fn deployed<'a>(release: &Release<'a, '_>) -> Option<&'a Group> {
    let target = release.target.filter(|target| target.owner.failed.is_none())?;
    let is_alone = release.is_shifted() || is_misled(release);
    (is_alone && !record::is_due(release, target)).then_some(target)
}

/// Whether what is deployed runs, and the traffic leads to nothing of the app's: only that has to be put right.
pub(super) fn is_misled(release: &Release<'_, '_>) -> bool {
    let is_deployed = |target: &Group| target.owner.shifted_at.is_some() && !record::is_due(release, target);
    release.picture.front.is_some() && release.serving.is_none() && release.target.is_some_and(is_deployed)
}

/// Of a path that only puts the traffic right, the steps that do it.
pub(super) fn shorten(steps: &mut Vec<crate::model::plan::Step>) {
    steps.retain(|step| {
        let moves = matches!(step.kind, StepKind::Prepare | StepKind::Shift { .. } | StepKind::Dns { .. });
        moves && step.state != StepState::Done
    });
}

/// A share of the traffic goes to something else than what is deployed, while the next generation is not even launched: it
/// would come into that share before anybody has looked at it. The traffic is put right first. Whether it is right.
pub(super) fn is_whole_before_launch<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    let (Some(front), Some(serving)) = (&release.picture.front, release.serving) else { return true };
    let Some((slot, arn)) = serving.owner.slot.and_then(|slot| Some((slot, front.arn(slot)?))) else { return true };
    let strays = |point: &Point| point.forward.weights.iter().any(|(other, weight)| other != arn && *weight > 0);
    if serving.owner.failed.is_some() || !front.points.iter().any(strays) {
        return true;
    }
    let wanted = front.all_to(slot);
    for point in front.points.iter().filter(|point| strays(point)) {
        let (has, on) = (shares(draft, front, &point.forward), on(front, point));
        draft.plan.drift.push(change(format!("{has}{on}"), whole(draft, front, serving)));
    }
    for action in front.shifts(&wanted) {
        let reason = format!("all traffic goes to {} before the next generation comes", serving.owner.generation);
        draft.act(action, reason, front.expect_weight(slot, true));
    }
    false
}

/// Somebody has given a generation traffic that was never ready for any: it may still boot. That says nothing against it, and
/// is put right at once, if what had all of it before is well. Whether it is, or must be read first; nothing where this is not the
/// case: a run may have ended between a shift and its tag, and gives traffic only to what was ready.
pub(super) fn put_back<'a>(
    draft: &mut Draft<'a>,
    picture: &Picture<'a>,
    group: &Group,
    wanted: Option<&Wanted<'a>>,
) -> Option<bool> {
    let (owner, early_group) = (&group.owner, &group.name);
    let stable_for = wanted.map_or(Span::seconds(0), |wanted| wanted.spec.verification.stable_for);
    // Another run may have given it the traffic after this look began, by a clock that differs from ours.
    let was_ready = owner.healthy_since.is_some_and(|since| MARGIN.after(draft.now) >= stable_for.after(since));
    if was_ready || owner.shifted_at.is_some() || owner.canary.is_some() || owner.failed.is_some() {
        return None;
    }
    let front = picture.front.as_ref()?;
    let had_it =
        picture.ways_back(group).find(|before| before.owner.slot.is_some_and(|slot| Some(slot) != owner.slot))?;
    let slot = had_it.owner.slot?;
    let arn = front.arn(slot)?;
    let is_read = match verify::healthy(draft, picture, had_it) {
        Some(0) => return None,
        Some(_) => true,
        // Until that is known, nothing is concluded from traffic that somebody gave too early.
        None => false,
    };
    let wanted = front.all_to(slot);
    tell(draft, front, had_it, &wanted);
    let (early, back) = (owner.generation, had_it.owner.generation);
    let reason = format!("somebody gave {early} traffic before it was ready for it: {back} has all of it again");
    if is_read {
        let mut expects = vec![shift::own_group(had_it)];
        expects.extend(Some(had_it).filter(|it| it.owner.failed.is_none()).map(spared::still_wanted));
        let (target_group_arn, group) = (arn.to_owned(), had_it.name.clone());
        expects.push(Expect::Healthy { target_group_arn, group, at_least: 1 });
        // Another run may have found it ready after this look, and have given it the traffic.
        expects.push(Expect::NotReady { group: early_group.clone(), healthy_since: owner.healthy_since });
        spared::wanted_again(draft, had_it);
        for action in front.shifts(&wanted) {
            draft.act(action, reason.clone(), expects.clone());
        }
    }
    draft.step(StepKind::ShiftBack { to: back }, StepState::Current, None);
    draft.in_flight = true;
    draft.plan.change = Change::Replace;
    draft.plan.from = Some(back);
    draft.plan.to = Some(early);
    draft.plan.reason = reason;
    Some(true)
}

/// How the traffic goes where nothing of the app has any, though this slot had it last: as a canary was given its share, or all of
/// it to that slot.
pub(super) fn as_it_was(wanted: &Wanted<'_>, picture: &Picture<'_>, front: &Front<'_>, slot: Slot) -> Forward {
    let split = |canary: &Canary| {
        let is_beside = |group: &&Group| {
            let owner = &group.owner;
            let runs = group.desired > 0 && !group.deleting;
            runs && owner.slot == Some(slot.other())
                && owner.canary_step().is_some()
                && wanted.asks_for(&owner.template_hash)
        };
        let group = picture.unfailed().filter(is_beside).last()?;
        match canary::share(canary, group) {
            0 => None,
            share => Some(canary::forward(front, canary, slot.other(), share)),
        }
    };
    wanted.spec.strategy.canary.as_ref().and_then(split).unwrap_or_else(|| front.all_to(slot))
}

/// Once the traffic is back, the word that gave it back is used up.
fn done_with_pages<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, front: &Front<'a>) {
    if front.points.is_empty() || front.points.iter().any(|point| point.instead.is_some()) {
        return;
    }
    for group in release.picture.groups.iter().filter(|group| group.owner.marks.traffic_back.is_some()) {
        let keys = vec![keys::PROMOTED.to_owned()];
        let action = Action::UntagGroup { name: group.name.clone(), keys };
        draft.act(action, "the traffic is back", Vec::new());
    }
}

/// What the traffic has to go through and is gone. A listener that is missing is told where listeners are compared.
fn missing(draft: &Draft<'_>, release: &Release<'_, '_>, front: &Front<'_>) -> Option<String> {
    match &release.wanted.spec.load_balancer {
        LoadBalancer::Own(_) if front.balancer.is_none() => {
            Some(format!("load balancer {} is gone", draft.scope.load_balancer_name()))
        }
        LoadBalancer::Shared(shared) if front.rule.is_none() => {
            Some(format!("no rule on the listener `{}`", shared.listener))
        }
        _ => None,
    }
}

fn change(before: String, after: String) -> FieldChange {
    FieldChange { path: TRAFFIC.to_owned(), before: Some(before), after: Some(after), effect: Effect::InPlace }
}

/// All traffic to one group, in words.
fn whole(draft: &Draft<'_>, front: &Front<'_>, group: &Group) -> String {
    group.owner.slot.map_or_else(String::new, |slot| shares(draft, front, &front.all_to(slot)))
}

/// `95 % hello-prod-a, 5 % hello-prod-b`: the app's own target groups by their slots, then those of others.
fn shares(draft: &Draft<'_>, front: &Front<'_>, forward: &Forward) -> String {
    let total: u64 = forward.weights.values().map(|weight| u64::from(*weight)).sum();
    if forward.weights.is_empty() {
        return "nothing".to_owned();
    }
    let own = |arn: &String| Slot::BOTH.into_iter().find(|slot| front.arn(*slot) == Some(arn));
    let mut each: Vec<(Option<Slot>, String)> = Vec::new();
    for (arn, weight) in &forward.weights {
        let slot = own(arn);
        let name = slot.map_or_else(|| name_of(draft, arn), |slot| draft.scope.target_group_name(slot));
        let percent = (u64::from(*weight) * 100).checked_div(total).unwrap_or(0);
        each.push((slot, format!("{percent} % {name}")));
    }
    each.sort_by_key(|(slot, _)| slot.map_or(2, |slot| u8::from(slot != Slot::A)));
    each.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(", ")
}

fn name_of(draft: &Draft<'_>, arn: &str) -> String {
    draft.index.target_group_name(arn).unwrap_or(arn).to_owned()
}

fn sticky(forward: &Forward) -> String {
    forward.stickiness.map_or_else(String::new, |seconds| format!(", visitors kept for {seconds} s"))
}

/// ` on port 443`, where several listeners could be meant.
fn on(front: &Front<'_>, point: &Point) -> String {
    match port(front, point) {
        Some(port) if front.points.len() > 1 => format!(" on port {port}"),
        _ => String::new(),
    }
}

fn place(front: &Front<'_>, point: &Point) -> String {
    match port(front, point) {
        Some(port) => format!("the listener on port {port}"),
        None => "its rule on the shared listener".to_owned(),
    }
}

fn port(front: &Front<'_>, point: &Point) -> Option<u16> {
    let TrafficPoint::Listener(arn) = &point.at else { return None };
    front.listeners.values().find(|listener| listener.arn == *arn).map(|listener| listener.port)
}
