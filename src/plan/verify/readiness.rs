//! A generation that is not healthy yet: what is the matter with it, and when it has had its time.

use super::activity::{Replaced, abandoned_launch, lacks_room_since, launch_failure, replaced, room_since};
use super::causes::Cause;
use super::fail;
use super::health::Healthy;
use super::patience;
use crate::model::action::Action;
use crate::model::observed::{Activity, Group, Want};
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};
use crate::plan::draft::Draft;
use crate::plan::prepare;
use crate::plan::release::Release;

/// When all instances are fresh at the end of the time, how much longer one of them may take to show what is wrong with it.
const TO_SHOW_WHY: Span = Span::minutes(2);

/// Waits for a generation to become healthy, as long as that can still come about.
pub(super) fn not_yet_healthy<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &'a Group,
    health: &Healthy,
) {
    let was_ready = window_begins_anew(draft, release, target);
    let want = Want::Activities(target.name.clone());
    let activities = draft.see(draft.observed.details.activities.get(&target.name), want, "its scaling activities");
    let activities = activities.map_or(&[][..], Vec::as_slice);
    let trouble = Trouble::of(activities, target, health);
    let (generation, size) = (target.owner.generation, release.size);
    let patience = release.wanted.spec.progress_deadline;
    // What served before and is wanted again was made long ago: its time runs from when it was first seen to lack something.
    let never_served = target.owner.shifted_at.is_none();
    if !never_served && target.owner.lacking_since.is_none() {
        patience::lacks(draft, target, "it is wanted again and is not whole: the time that this may last begins");
    }
    let deadline = patience.after(begun(draft, target, activities, was_ready));
    let overdue =
        patience::is_over(draft, release, if trouble.shows_why() { deadline } else { TO_SHOW_WHY.after(deadline) });
    match &trouble.launch {
        Some((Cause::Release, words)) => fail(draft, release, target, format!("launch failed: {words}")),
        Some((Cause::Capacity, words)) => {
            draft.standing.park(lacks_room_since(activities));
            draft.note(format!("AWS cannot launch now, and goes on trying: {words}"));
            draft.wait(format!("capacity for {generation}, healthy {}/{size}: {words}", health.good), None);
        }
        _ if overdue && is_the_way_back(release, target) => {
            let words = trouble.words().map(|words| format!(": {words}")).unwrap_or_default();
            let (app, serves) = (&draft.scope.app, release.serving.map(|serving| serving.owner.generation));
            let serves = serves.map(|serves| format!("; {serves} goes on serving until it is")).unwrap_or_default();
            let words = format!(
                "{} of {size} instances of {generation} are healthy after {patience}{words}{serves}, and `amiable apply {app}` \
                 tries again",
                health.good
            );
            draft.paused.get_or_insert(words);
            draft.is_held = true;
        }
        _ if overdue => {
            let words = trouble.words().map(|words| format!(": {words}")).unwrap_or_default();
            fail(
                draft,
                release,
                target,
                format!("{} of {size} instances healthy after {patience}{words}", health.good),
            );
        }
        _ if never_served && is_hopeless(release, target, health, &trouble) => {
            let words = trouble.words().unwrap_or_default();
            fail(draft, release, target, format!("no instance was ever healthy: {words}"));
        }
        _ => wait(draft, release, target, health, &trouble, deadline),
    }
}

/// Whether it has proved itself once, and what serves has failed: then nobody is left who could take over if it were marked as
/// failed for not being whole in time.
fn is_the_way_back(release: &Release<'_, '_>, target: &Group) -> bool {
    target.owner.recorded_at.is_some() && release.serving.is_some_and(|serving| serving.owner.failed.is_some())
}

/// The stability window begins anew when an instance is not healthy any more. Gives whether it was over: then whoever holds
/// the release up does so after it.
fn window_begins_anew(draft: &mut Draft<'_>, release: &Release<'_, '_>, target: &Group) -> bool {
    let stable_for = release.wanted.spec.verification.stable_for;
    let was_ready = target.owner.healthy_since.is_some_and(|since| draft.now >= stable_for.after(since));
    if was_ready {
        patience::lacks(draft, target, "it was ready, and is not any more: its progressDeadline counts from now");
    }
    if target.owner.healthy_since.is_some() {
        let keys = vec![keys::HEALTHY_SINCE.to_owned()];
        let action = Action::UntagGroup { name: target.name.clone(), keys };
        draft.act(action, "an instance is not healthy any more: the stability window begins anew", Vec::new());
    }
    was_ready
}

/// Since when its time runs. The time that AWS could not launch anything does not count.
fn begun(draft: &Draft<'_>, target: &Group, activities: &[Activity], was_ready: bool) -> Timestamp {
    let wanted_again = target.owner.shifted_at.is_some() && target.owner.lacking_since.is_none();
    let lacking = if was_ready || wanted_again { Some(draft.now) } else { target.owner.lacking_since };
    let later = [room_since(activities), lacking].into_iter().flatten().max();
    target.created_at.max(later.unwrap_or(target.created_at))
}

/// Whether so many instances in a row as the manifest allows were replaced for their checks without one that was healthy.
/// The verdict waits until one of their successors shows what is wrong with it.
fn is_hopeless(release: &Release<'_, '_>, target: &Group, health: &Healthy, trouble: &Trouble) -> bool {
    let attempts = release.wanted.spec.verification.attempts as usize;
    let never_healthy =
        health.good == 0 && target.owner.healthy_since.is_none() && target.owner.lacking_since.is_none();
    let failed = trouble.replaced.as_ref().map_or(0, |replaced| replaced.by_checks);
    let is_shown = !health.sick.is_empty() || release.picture.front.is_none();
    attempts > 0 && failed >= attempts && never_healthy && is_shown && release.picture.paused().is_none()
}

fn wait<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &Group,
    health: &Healthy,
    trouble: &Trouble,
    deadline: Timestamp,
) {
    if let Some(unused) = &health.unused {
        draft.note(format!("a target takes no part in load balancing: {unused}"));
    }
    match &trouble.launch {
        Some((Cause::Zone, words)) => {
            draft.note(format!("one zone cannot launch it, and AWS goes on in the others: {words}"));
        }
        Some((_, words)) => draft.note(format!("the last launch failed: {words}")),
        None => {}
    }
    if release.picture.front.as_ref().is_some_and(prepare::is_provisioning) {
        draft.note("the load balancer is still being provisioned");
    }
    let why: Vec<String> = trouble.sick.iter().cloned().chain(trouble.replaced.as_ref().map(Replaced::words)).collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
    let generation = target.owner.generation;
    draft.wait(format!("{generation} to be healthy, {}/{} now{why}", health.good, release.size), Some(deadline));
}

/// What is the matter with a generation that is not healthy.
struct Trouble {
    /// Why AWS could not launch.
    launch: Option<(Cause, String)>,
    /// What its targets fail by.
    sick: Option<String>,
    /// What was replaced already.
    replaced: Option<Replaced>,
    /// What takes no part in load balancing.
    unused: Option<String>,
}

impl Trouble {
    fn of(activities: &[Activity], target: &Group, health: &Healthy) -> Self {
        let abandoned = abandoned_launch(activities, target).map(|words| (Cause::Release, words.to_owned()));
        Self {
            launch: abandoned.or_else(|| launch_failure(activities, target)),
            sick: health.sick.first().map(|(_, words)| words.clone()),
            replaced: replaced(activities, target),
            unused: health.unused.clone(),
        }
    }

    /// Whether something says what is wrong. That instances were replaced for their health does not say by what they failed.
    fn shows_why(&self) -> bool {
        self.launch.is_some() || self.sick.is_some() || self.replaced.is_none()
    }

    /// All that is known, the most telling first.
    fn words(&self) -> Option<String> {
        let launch = self.launch.as_ref().map(|(_, words)| words.trim_end_matches('.').to_owned());
        let mut all: Vec<String> = launch.into_iter().chain(self.sick.clone()).collect();
        all.extend(self.replaced.as_ref().map(Replaced::words));
        if all.is_empty() {
            all.extend(self.unused.clone());
        }
        (!all.is_empty()).then(|| all.join("; "))
    }
}
