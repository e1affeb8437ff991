//! What limits an environment: how many releases at a time, who has a place among them, and who waits for one.
//!
//! A place is held only while a release can go on by itself. One that has waited for a person, for the end of a suspension or
//! for capacity for [`PATIENCE`] does without, and takes a place again before it takes traffic. What has traffic needs none to
//! go on or to go back. Nothing of this is remembered: tags, and the names of launch templates, say who asked when.

use std::collections::BTreeMap;

use super::draft::Drafted;
use crate::model::action::Action;
use crate::model::desired::Desired;
use crate::model::names::{AppName, Generation, Scope};
use crate::model::observed::{Group, Observed, Read};
use crate::model::plan::{AppPlan, Change, StepState, Wait};
use crate::model::time::{Span, Timestamp};

/// How soon an app that waits for room is looked at again.
const LOOK_AGAIN: Span = Span::seconds(15);
/// How long a release that cannot go on by itself keeps its place.
const PATIENCE: Span = Span::minutes(2);
/// How many of those that hold a place a message names.
const NAMED: usize = 5;
/// How much of a reason stands in the message of another app.
const LONGEST_REASON: usize = 160;

/// How a release stands toward the limits of its environment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Whether the app is between launch and record.
    pub(super) in_flight: bool,
    /// Whether the actions begin a release.
    pub(super) begins: bool,
    /// Whether the actions give a generation its first traffic.
    pub(super) advances: bool,
    /// Whether the generation has any traffic, or gives it back.
    pub(super) has_traffic: bool,
    /// Since when it has waited for what does not come by itself: a person, the end of a suspension, capacity.
    pub(super) parked: Option<Timestamp>,
    /// When it asked for its place: when its launch template or its group was made, or when it last became able to go on.
    pub(super) asked_at: Option<Timestamp>,
}

impl Standing {
    /// It waits for what does not come by itself. Where nobody can tell since when, it has done so for long.
    pub(super) fn park(&mut self, since: Option<Timestamp>) {
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        self.parked = Some(self.parked.map_or(since, |earlier| earlier.min(since)));
    }

    fn has_given_up(&self, now: Timestamp) -> bool {
        self.parked.is_some_and(|since| PATIENCE.after(since) <= now)
    }

    /// Whether it holds a place whatever the limit is: it cannot be stopped where it is.
    fn holds(&self, now: Timestamp) -> bool {
        self.in_flight && !self.begins && self.has_traffic && !self.has_given_up(now)
    }

    /// Whether it is on its way to its first traffic.
    fn is_on_its_way(&self, now: Timestamp) -> bool {
        self.in_flight && !self.begins && !self.has_traffic && !self.has_given_up(now)
    }
}

/// Lets as many apps begin a release, or take their first traffic, as there is room for: those that are on their way first,
/// then in the order in which they asked. The others wait.
pub(super) fn hold_back(desired: &Desired, observed: &Observed, drafts: &mut [Drafted], now: Timestamp) {
    let limit = desired.environment.limits.concurrent_rollouts as usize;
    let mut holders = strangers(desired, observed, drafts);
    holders.extend(drafts.iter().filter(|draft| draft.standing.holds(now)).map(|draft| said(&draft.plan)));
    let chosen = |app: &AppName| desired.chosen.as_ref().is_none_or(|chosen| chosen.contains(app));
    let queued = |draft: &Drafted| {
        let standing = &draft.standing;
        standing.is_on_its_way(now) || standing.begins && chosen(&draft.plan.app)
    };
    let mut queue: Vec<&mut Drafted> = drafts.iter_mut().filter(|draft| queued(draft)).collect();
    // Whoever has not asked yet asks now, after all others.
    queue.sort_by_key(|draft| (draft.standing.begins, draft.standing.asked_at.unwrap_or(now), draft.plan.app.clone()));
    for draft in queue {
        if holders.len() < limit {
            holders.push(said(&draft.plan));
        } else if draft.standing.begins || draft.standing.advances {
            wait_for_room(desired, &mut draft.plan, limit, &holders, now);
        }
    }
}

/// The launch template of a generation that waits is made all the same: it is free, and when it was made tells who asked first.
fn wait_for_room(desired: &Desired, plan: &mut AppPlan, limit: usize, holders: &[String], now: Timestamp) {
    plan.actions.retain(|planned| matches!(planned.action, Action::CreateLaunchTemplate { .. }));
    (plan.change, plan.queues) = (Change::Blocked, true);
    let more = holders.len().saturating_sub(NAMED);
    let mut named: Vec<String> = holders.iter().take(NAMED).cloned().collect();
    named.extend((more > 0).then(|| format!("{more} more")));
    let (allowed, hold) = match limit {
        1 => ("1 release".to_owned(), "this one is"),
        _ => (format!("{limit} releases"), "these are"),
    };
    plan.reason = format!(
        "`limits.concurrentRollouts` of {} allows {allowed} at a time, and {hold} under way: {}",
        desired.name,
        named.join("; ")
    );
    plan.waits = vec![Wait { what: "room for another release".to_owned(), until: None, cleanup: false }];
    plan.wake_at = Some(LOOK_AGAIN.after(now));
}

/// Apps that cannot be planned and whose release, as their tags say, is not recorded yet: their manifests have errors or are
/// not there, or not all of them could be read. Nobody knows how they do, so that each of them takes up room.
fn strangers(desired: &Desired, observed: &Observed, drafts: &[Drafted]) -> Vec<String> {
    let mut groups: BTreeMap<&AppName, Vec<&Group>> = BTreeMap::new();
    if let Read::Known(all) = &observed.groups {
        for group in all.values() {
            groups.entry(&group.owner.app).or_default().push(group);
        }
    }
    let unrecorded = |app: &AppName| groups.get(app).and_then(|groups| unrecorded(groups));
    let mut named: BTreeMap<&AppName, String> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| !draft.standing.in_flight) {
        let (app, plan) = (&draft.plan.app, &draft.plan);
        let why = match () {
            () if plan.change == Change::Error => format!("it cannot be planned: {}", short(&plan.reason)),
            // Only what the chosen apps need is read.
            () if !desired.is_chosen(app) && !plan.wants.is_empty() => "it is not part of this command".to_owned(),
            () => continue,
        };
        if let Some(generation) = unrecorded(app) {
            named.insert(app, format!("{app} {generation} ({why})"));
        }
    }
    for app in groups.keys().copied().filter(|app| !desired.apps.contains_key(*app)) {
        if let Some(generation) = unrecorded(app) {
            let why = match desired.left_out.apps.contains(app) || desired.left_out.unseen {
                true => "its manifest has errors: once that is mended, it goes on",
                false => "no manifest declares it: it goes on once its manifest is back",
            };
            named.insert(app, format!("{app} {generation} ({why})"));
        }
    }
    let known = drafts.iter().filter(|_| !observed.problems.is_empty()).map(|draft| &draft.plan.app);
    let bases: BTreeMap<String, &AppName> =
        known.map(|app| (Scope::new(app.clone(), desired.name.clone()).base(), app)).collect();
    for problem in &observed.problems {
        // Of several apps of whose names one begins with the other, the first.
        let by_name = || problem.bases().filter_map(|base| bases.get(base).copied()).min();
        if let Some(app) = problem.app.as_ref().or_else(by_name) {
            let (what, why) = (&problem.what, short(&problem.why));
            named.insert(app, format!("{app} ({what} cannot be understood: {why})"));
        }
    }
    named.into_values().collect()
}

/// The generation that runs and was never recorded, as far as tags tell. One that was recorded once and has the traffic back
/// is no release that anybody would have to wait for, though its own bake may not be over.
fn unrecorded(groups: &[&Group]) -> Option<Generation> {
    let open = |group: &&&Group| {
        let owner = &group.owner;
        let runs = group.desired > 0 || !group.instances.is_empty();
        runs && owner.recorded_at.is_none() && owner.failed.is_none() && !group.deleting
    };
    groups.iter().filter(open).map(|group| group.owner.generation).max()
}

/// Who holds a place, and what it waits for.
fn said(plan: &AppPlan) -> String {
    let generation = plan.to.or(plan.from).map(|generation| format!(" {generation}")).unwrap_or_default();
    let wait = plan.waits.iter().find(|wait| !wait.cleanup);
    let current = || plan.steps.iter().find(|step| step.state == StepState::Current).map(|step| step.kind.to_string());
    let how = match wait {
        _ if matches!(plan.change, Change::Blocked | Change::Error) => short(&plan.reason),
        Some(wait) => format!("it waits for {}", short(&wait.what)),
        None => current().map_or_else(|| "it goes on".to_owned(), |step| format!("it is at the step {step}")),
    };
    format!("{}{generation} ({how})", plan.app)
}

fn short(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((cut, _)) => format!("{}…", &reason[..cut]),
        None => reason.to_owned(),
    }
}
