//! The only thing that decides: from what is wanted and what was observed to the whole remaining path.
//!
//! Pure: no I/O, no clock, no randomness; it imports `model`, `manifest` and std. In the order of the story:
//!
//! - [`resolve`]: what is wanted, down to the last id
//! - [`index`]: what was observed, by app, so that no app's plan walks over the fleet
//! - [`picture`]: one app as it is, and which generation serves
//! - [`guard`]: what has traffic is watched first, with and without a manifest
//! - [`conflict`]: what stands in the way; [`handover`]: names that go from one app to another
//! - [`place`]: the place of an app's rule on a shared listener
//! - [`diff`]: what differs, and who changed it
//! - [`second_look`]: what is looked at again before anything is concluded
//! - [`recovery`]: what follows where what serves, or what is wanted, has failed; [`rescue`]: who serves where nobody does;
//!   [`autopsy`]: what can be learnt from it
//! - [`image`]: what follows where there is no new image, or not yet
//! - [`release`]: what is wanted and what there is, side by side
//! - [`strategy`]: a release as a list of steps; [`canary`]: those with a share of the traffic
//! - [`rollout`]: the interpreter of the steps; [`prepare`], [`preview`], [`launch`], [`verify`], [`shift`], [`dns`],
//!   [`record`] and [`retire`] do them
//! - [`destroy`]: the ending of an app on request
//! - [`intent`]: what a person says about a release; [`suspension`]: that nothing is to be done
//! - [`traffic`]: what somebody has done to the traffic by hand; [`astray`]: what is deployed, where that has lost all of it
//! - [`wellbeing`]: how what serves does; [`registration`]: its instances where the load balancer reaches them
//! - [`floor`]: sizes that must not shrink meanwhile; [`spared`]: what must not be emptied yet
//! - [`watcher`]: the sign that what has traffic is watched
//! - [`trial`]: a new health check, before it decides over what serves
//! - [`impact`]: what a release means while it lasts
//! - [`leftover`]: what keeps a group that is emptied, and how that ends
//! - [`limits`]: how much may happen at a time
//! - [`writers`]: several processes with different manifests, of which one goes on
//! - [`orphans`]: apps of which no manifest can be read, or none is there
//! - [`future`]: times in tags that have not come yet; [`skew`]: a clock that is wrong
//! - [`given_up`]: calls that are not made again
//! - [`freshness`]: how old what a plan rests on may be
//! - [`check`]: what must hold for every plan, whatever was decided

mod answers;
mod astray;
mod autopsy;
mod canary;
mod check;
mod conflict;
mod destroy;
mod diff;
mod dns;
mod draft;
mod floor;
pub mod freshness;
mod future;
mod given_up;
mod guard;
mod handover;
mod image;
mod impact;
mod index;
pub mod intent;
mod launch;
mod leftover;
mod limits;
mod orphans;
mod picture;
mod place;
mod prepare;
mod preview;
mod record;
mod recovery;
mod registration;
mod release;
mod rescue;
mod resolve;
mod retire;
mod rollout;
mod second_look;
mod shift;
mod skew;
mod spared;
mod strategy;
mod suspension;
#[cfg(test)]
mod tests;
mod traffic;
mod trial;
mod verify;
mod watcher;
mod wellbeing;
mod writers;

use std::borrow::Cow;
use std::rc::Rc;

use crate::model::desired::{Desired, DesiredApp};
use crate::model::mark::Mark;
use crate::model::observed::{Group, Observed};
use crate::model::plan::{Change, Plan, StepState};
use crate::model::time::Timestamp;
use crate::model::writer::Writer;
use draft::{Draft, Drafted};
use index::Index;
use picture::Picture;
use release::Release;
use resolve::{Choice, Wanted};

/// What to do about every app of an environment, at the time `now`.
///
/// The plan holds the whole remaining path of each app and the actions that can be taken at once. Where something must
/// still be read to say more, it is listed in [`Plan::wants`], and such an app has no actions. Where only some apps are worked
/// on at present, the others are not in it.
pub fn plan(desired: &Desired, observed: &Observed, now: Timestamp) -> Plan {
    let now = skew::time(observed, now);
    let (read, seen) = (observed, future::without(observed, now));
    // Only where times lie ahead was something else read than what is planned for.
    let ahead = matches!(seen, Cow::Owned(_)).then(|| Index::new(None, read));
    let observed = &*seen;
    let index = Rc::new(Index::new(Some(desired), observed));
    let planned = desired.apps.values().map(|app| app_plan(desired, app, observed, &index, ahead.as_ref(), now));
    let mut drafts: Vec<Drafted> = planned.collect();
    // Apps that are not chosen are planned only for their place among the releases under way.
    limits::hold_back(desired, observed, &mut drafts, now);
    drafts.retain(|draft| desired.is_chosen(&draft.plan.app));
    skew::hold(observed, &index, &mut drafts, now);
    let promise = |draft: &mut Drafted| {
        let app = draft.plan.app.clone();
        std::mem::take(&mut draft.promised).into_iter().map(|promise| (app.clone(), promise)).collect::<Vec<_>>()
    };
    let promises = drafts.iter_mut().flat_map(promise).collect();
    let mut apps: Vec<_> = drafts.into_iter().map(|draft| draft.plan).collect();
    apps.extend(orphans::orphans(desired, observed, &index, now));
    given_up::leave_out(desired, &mut apps, now);
    handover::settle(promises, &mut apps, now);
    apps.sort_by(|one, other| one.app.cmp(&other.app));
    let plan = Plan {
        environment: desired.name.clone(),
        account: observed.account.clone(),
        region: observed.region.clone(),
        source: desired.source.clone(),
        at: now,
        apps,
    };
    check::check(plan)
}

/// The plan of one app. `ahead`: what was read, where times in it lie ahead.
fn app_plan<'a>(
    desired: &'a Desired,
    app: &'a DesiredApp,
    observed: &'a Observed,
    index: &Rc<Index<'a>>,
    ahead: Option<&Index<'_>>,
    now: Timestamp,
) -> Drafted {
    let mut draft = Draft::new(&app.scope, observed, index, now);
    draft.source_commit = desired.source.commit.clone();
    draft.writer = Some(writer(desired, app, observed, now));
    draft.deep = desired.deep;
    draft.desired = Some(desired);
    draft.few = desired.apps.len() <= wellbeing::FEW_APPS;
    draft.close = desired.deep || desired.chosen.as_ref().is_some_and(|chosen| chosen.contains(&app.scope.app));
    draft.scales_by = resolve::scaling::processes(&app.spec);
    draft.tolerate = app.spec.verification.tolerate;
    decide(&mut draft, desired, app, observed);
    if draft.plan.change == Change::Error && draft.plan.wants.is_empty() {
        by_tags(&mut draft, observed, index);
    }
    canary::say_skipped(&mut draft, &app.spec);
    guard::watch_on(&mut draft);
    if let Some(ahead) = ahead {
        future::put_right(&mut draft, ahead);
    }
    suspension::suspended(&mut draft, Some(&app.spec));
    watcher::give_sign(&mut draft);
    draft.finish()
}

/// What is put right of an app that cannot be planned.
fn by_tags<'a>(draft: &mut Draft<'a>, observed: &'a Observed, index: &Rc<Index<'a>>) {
    // What cannot be read for this was told already.
    let mut aside = Draft::new(draft.scope, observed, index, draft.now);
    if let Some(current) = Picture::observed(&mut aside) {
        registration::put_right_by_tags(draft, &current);
    }
}

/// Who writes what is planned: this process, with what its manifests ask of the app.
fn writer(desired: &Desired, app: &DesiredApp, observed: &Observed, now: Timestamp) -> Writer {
    let asked = format!("{:?}|{:?}|{:?}", app.spec, app.labels, desired.environment);
    let commit = desired.source.commit.as_deref().filter(|_| !desired.source.dirty);
    Writer::new(skew::begun(desired, observed, now).unwrap_or(now), &observed.caller, &asked, commit)
}

/// The story of one app.
fn decide<'a>(draft: &mut Draft<'a>, desired: &'a Desired, app: &'a DesiredApp, observed: &'a Observed) {
    let Some(current) = Picture::observed(draft) else { return };
    let mut wanted = Wanted::resolve(app, &desired.environment, observed);
    // First of all, and whatever the manifest says.
    if guard::gives_back(draft, &current, Some(&wanted)) {
        wellbeing::way_back(draft, &current);
        return;
    }
    if let Some(problem) = draft.index.problem(&app.scope) {
        return draft.fail(format!("{} cannot be understood: {}", problem.what, problem.why));
    }
    let Some(picture) = current.completed(draft, &wanted) else { return };
    answers::tell(draft, Some(&app.spec), &picture);
    if !app.spec.destroy {
        wanted.choose(&picture, observed, draft.now);
        draft.may_launch = desired.shown.as_ref().map(|shown| shown.get(&app.scope.app));
        if let Some(shown) = draft.may_launch {
            draft.plan.unshown = wanted.keep_to(shown, &picture, observed);
        }
        draft.plan.image = wanted.planned_image(observed);
        draft.plan.template = wanted.hash().cloned();
    }
    if writers::gives_way(draft, desired, &wanted, &picture) {
        draft.plan.from = picture.serving().map(|group| group.owner.generation);
        return;
    }
    follow(draft, &wanted, &picture);
    if draft.plan.change == Change::Error {
        guard::gives_back_as_wanted(draft, &wanted, &picture);
    }
    writers::announced_first(draft);
}

/// What follows from the manifest.
fn follow<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    if let Some(why) = &wanted.misnamed {
        return draft.fail(why.clone());
    }
    if wanted.spec.destroy {
        if let Some(why) = wanted.zone_unread() {
            return draft.unreadable(why);
        }
        return destroy::destroy(draft, wanted, picture);
    }
    let conflict = conflict::strangers(draft, picture).or_else(|| conflict::conflict(wanted, picture));
    let conflict = conflict.or_else(|| conflict::dns(draft, wanted, picture));
    if let Some(conflict) = conflict.or_else(|| conflict::place(draft, wanted, picture)) {
        // Whatever stands in the way of the manifest, what serves is told.
        draft.plan.from = picture.serving().map(|group| group.owner.generation);
        return draft.fail(conflict);
    }
    release(draft, wanted, picture);
    image::say(draft, wanted);
    wellbeing::tell(draft, wanted, picture);
    if draft.plan.change != Change::Error {
        preview::clear_away(draft, wanted, picture);
        retire::tombstones(draft, wanted, picture);
        retire::loose_templates(draft, wanted, picture);
        trial::clear_away(draft, picture);
        trial::say(draft);
    }
}

/// The path to what is wanted; or, where that has failed before, the path to staying with what serves.
fn release<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    if let Some(mark) = picture.paused() {
        draft.paused = Some(format!("paused by {}; `amiable resume {}` lets it go on", mark.said(), draft.scope.app));
    }
    if second_look::is_due(draft, wanted, picture) {
        return;
    }
    let serving = picture.serving();
    draft.plan.from = serving.map(|group| group.owner.generation);
    if traffic::is_taken_away(draft, wanted, picture) {
        return;
    }
    if astray::is_put_right(draft, wanted, picture) {
        return;
    }
    if let Some((group, mark)) = picture.pinned() {
        return stay(draft, wanted, picture, group, mark);
    }
    if let Some(serving) = serving
        && recovery::nobody_serves(draft, wanted, picture, serving)
    {
        return;
    }
    let candidate = picture.candidate(wanted);
    if let Some(failed) = serving.filter(|serving| serving.owner.failed.is_some())
        && recovery::recover(draft, wanted, picture, failed)
    {
        return;
    }
    if let Some(candidate) = candidate.filter(|candidate| is_unproven(wanted, picture, candidate))
        && candidate.owner.recorded_at.is_none()
        && let Some(why) = wanted.turned_down(candidate, draft.observed)
    {
        return image::turned_down(draft, wanted, picture, candidate, why);
    }
    if let Choice::Unread(why) = &wanted.choice {
        return image::unread(draft, wanted, picture, candidate, why);
    }
    if let (None, Some(tombstone)) = (candidate, picture.tombstone(wanted)) {
        return recovery::hold(draft, wanted, picture, tombstone);
    }
    if let (None, Some(unproven)) = (candidate, serving.filter(|serving| is_unproven(wanted, picture, serving))) {
        if unproven.desired > 0 {
            return prove_first(draft, wanted, picture, unproven);
        }
        if let Some(proven) = recovery::proven_before(picture, unproven) {
            return recovery::set_aside(draft, wanted, picture, unproven, proven);
        }
    }
    if let (None, Choice::Nothing(why) | Choice::Missing { why, .. }) = (candidate, &wanted.choice) {
        return image::none(draft, wanted, picture, why);
    }
    if candidate.is_none() && draft.may_launch.is_some_and(|shown| shown != wanted.hash()) {
        return image::unshown(draft, wanted, picture);
    }
    if let (None, Some(refusal)) = (candidate, &wanted.refusal) {
        // Before anything is created, the load balancer included.
        return draft.fail(refusal.clone());
    }
    if let (None, Some(why)) = (candidate, wanted.zone_unread()) {
        // Nor before it is known whether the name is free.
        return draft.unreadable(why);
    }
    let release = Release::new(wanted, picture, candidate);
    if let Some(taken) = launch::taken(draft, &release) {
        return draft.fail(taken);
    }
    lead_to(draft, &release);
}

/// The path to a generation, or to one that is yet to be launched.
fn lead_to<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let next = || launch::next(release.wanted, release.picture);
    draft.plan.to = Some(release.target.map_or_else(next, |group| group.owner.generation));
    diff::replaced(draft, release);
    rollout::with_settings(draft, release);
    writers::announce(draft, release);
    conclude(draft, release);
}

/// A person has pinned the app to a generation: it stays, whatever the manifest says.
fn stay<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, group: &'a Group, mark: &Mark) {
    let release = Release::new(wanted, picture, Some(group));
    lead_to(draft, &release);
    // Every process finds the pin, and goes by it.
    draft.announces = None;
    if draft.plan.change == Change::Error {
        return;
    }
    let (app, generation) = (&draft.scope.app, group.owner.generation);
    let pinned = format!("pinned to {generation} by {}", mark.said());
    if !wanted.asks_for_another_than(&group.owner.template_hash) {
        draft.note(pinned);
    } else if draft.plan.actions.is_empty() && draft.plan.waits.iter().all(|wait| wait.cleanup) {
        draft.block(format!("{pinned}; the manifest asks for another release: `amiable unpin {app}` lets it go on"));
    } else {
        draft.note(format!("{pinned}; the manifest asks for another release"));
    }
}

/// Whether a generation is on its way, or has taken over and was not yet watched for its whole time.
fn is_unproven<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>, serving: &'a Group) -> bool {
    let release = Release::new(wanted, picture, Some(serving));
    serving.owner.failed.is_none() && record::is_due(&release, serving)
}

/// The manifest asks for yet another generation while the last one is being watched. Its launch would take the place of
/// the one to go back to, so that it waits until the last one has proved itself, or has failed.
fn prove_first<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, unproven: &'a Group) {
    let release = Release::new(wanted, picture, Some(unproven));
    diff::replaced(draft, &release);
    rollout::interpret(draft, &release);
    if draft.plan.change == Change::Error {
        return;
    }
    let generation = unproven.owner.generation;
    draft.plan.change = Change::Replace;
    draft.plan.to = Some(launch::next(wanted, picture));
    draft.plan.reason = format!("the next release begins after the bake of {generation}");
    draft.note(format!("the next generation is launched once {generation} has been watched for its whole time"));
    // Where a person, or nobody, can let it go on, that is said, and not waited for.
    if draft.plan.waits.is_empty() && draft.plan.actions.is_empty() && !draft.is_held {
        draft.wait(format!("the release of {generation} to be complete"), None);
    }
}

/// What kind of change it all is.
fn conclude<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    if draft.plan.change == Change::Error {
        return;
    }
    let picture = release.picture;
    let misled = traffic::is_misled(release);
    let deployed =
        misled || release.target.is_some_and(|target| release.is_shifted() && !record::is_due(release, target));
    let first = picture.groups.iter().all(|group| group.owner.recorded_at.is_none()) && release.previous().is_none();
    draft.plan.change = match () {
        () if !deployed && first && release.serving.is_none_or(|_| release.is_shifted()) => Change::Create,
        () if !deployed => Change::Replace,
        () if !draft.plan.fields.is_empty() => Change::Update,
        () if !draft.plan.drift.is_empty() => Change::Drift,
        () => Change::Unchanged,
    };
    let is_idle = draft.plan.actions.is_empty() && draft.plan.wants.is_empty();
    if let Some(why) = release.wanted.zone_unread().filter(|_| deployed && is_idle) {
        // Nothing is left but the name, of which nothing can be said.
        return draft.unreadable(why);
    }
    if misled {
        draft.plan.from = release.target.map(|target| target.owner.generation);
        traffic::shorten(&mut draft.plan.steps);
    }
    if deployed && draft.plan.steps.iter().all(|step| step.state == StepState::Done) {
        draft.plan.steps.clear();
    }
    if !deployed {
        draft.in_flight |= release.target.is_some();
        draft.plan.impact.peak_instances = impact::peak(release, picture);
        draft.plan.impact.duration = impact::estimate(release, draft.now);
        draft.plan.impact.cleanup = impact::cleanup(release);
        draft.plan.impact.extra_instance_seconds = impact::extra(release, draft.now);
    }
}
