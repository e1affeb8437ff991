//! A clock that is wrong: how far this machine's clock is from AWS's is told by the answers' `Date`. Beyond half a minute
//! no release is begun, and none that is under way goes on; what has traffic is watched all the same, by AWS's time, and
//! loses it when it fails. That ends when it would have gone on by a right clock: then a person has to set the clock.

use super::draft::Drafted;
use super::index::Index;
use crate::model::desired::Desired;
use crate::model::observed::Observed;
use crate::model::plan::{AppPlan, Change, Wait};
use crate::model::time::{SignedDuration, Span, Timestamp};

/// How far the clock may be off: far less than any step of a release lasts.
const TOLERATED: SignedDuration = SignedDuration::from_secs(30);

/// How soon the clock is looked at again.
const LOOK_AGAIN: Span = Span::seconds(5);

/// For how long a canary is watched after its last step while the clock is wrong.
const PATIENCE: Span = Span::minutes(30);

/// How far our clock is ahead of AWS's, negative when it is behind, where that is too far.
fn too_far(observed: &Observed) -> Option<SignedDuration> {
    observed.clock_ahead.filter(|ahead| ahead.abs() > TOLERATED)
}

/// The time to plan for: ours or, where that is wrong, AWS's.
pub(super) fn time(observed: &Observed, now: Timestamp) -> Timestamp {
    too_far(observed).and_then(|ahead| now.checked_sub(ahead).ok()).unwrap_or(now)
}

/// When the process began whose manifests these are. It lies ahead where the clock was set back meanwhile: then it counts as now.
pub(super) fn begun(desired: &Desired, observed: &Observed, now: Timestamp) -> Option<Timestamp> {
    desired.begun.map(|begun| time(observed, begun).min(now))
}

/// Until when what has traffic of an app is watched though its clock keeps it from going on: until its bake would be over, and a
/// canary for a while after its last step.
fn watched_until(index: &Index<'_>, plan: &AppPlan) -> Option<Timestamp> {
    let exposed = plan.exposed.as_ref()?;
    let mut groups = index.groups(&plan.app).iter();
    let step = groups.find(|group| group.owner.generation == exposed.generation).and_then(|group| group.owner.canary);
    exposed.until.or(step.map(|step| PATIENCE.after(step.at)))
}

/// Lets no release begin or go on while the clock is wrong.
pub(super) fn hold(observed: &Observed, index: &Index<'_>, drafts: &mut [Drafted], now: Timestamp) {
    let Some(ahead) = too_far(observed) else { return };
    let far = Span::seconds(ahead.abs().as_secs().unsigned_abs());
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let reason = format!(
        "this machine's clock is {far} {side} AWS's, so that no release is begun or judged; set the clock, such as by NTP, \
         and apply again"
    );
    // Traffic goes back whatever the clock says.
    let goes_on = |draft: &&mut Drafted| {
        (draft.standing.begins || draft.standing.in_flight) && !draft.fails && !draft.plan.gives_back()
    };
    for draft in drafts.iter_mut().filter(goes_on) {
        let plan = &mut draft.plan;
        let is_decided = matches!(plan.change, Change::Blocked | Change::Error);
        plan.actions.clear();
        // It may have traffic, and somebody has to watch it until it would go on.
        if !draft.standing.begins && !is_decided && watched_until(index, plan).is_some_and(|until| now < until) {
            plan.waits.push(Wait {
                what: "this machine's clock to agree with AWS's".to_owned(),
                until: None,
                cleanup: false,
            });
            plan.notes.push(reason.clone());
            plan.wake_at = Some(LOOK_AGAIN.after(now));
        } else if !is_decided {
            // What it was paused, suspended or wrong for is said in its place.
            plan.waits.clear();
            (plan.change, plan.reason, plan.wake_at) = (Change::Blocked, reason.clone(), None);
        }
    }
}
