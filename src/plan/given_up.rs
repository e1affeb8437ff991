//! What is left of a plan without the calls that were given up: AWS refused them for good, or took them again and again
//! without effect. A setting goes alone, and the rest of the app goes on; a step of a release ends the plan there.

use crate::model::action::Action;
use crate::model::desired::Desired;
use crate::model::given_up::{self, GivenUp, Why};
use crate::model::plan::{AppPlan, Change, Effect, PlannedAction, Wait};
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};

/// How soon it is looked at again.
const LOOK_AGAIN: Span = Span::seconds(5);

/// Leaves them out, and says so.
pub(super) fn leave_out(desired: &Desired, apps: &mut [AppPlan], now: Timestamp) {
    for plan in apps {
        if let Some(given_up) = desired.given_up.get(&plan.app) {
            without(plan, given_up, now);
        }
    }
}

fn without(plan: &mut AppPlan, given_up: &[GivenUp], now: Timestamp) {
    let gives_back = plan.gives_back();
    let (mut said, mut settings, mut ends) = (Vec::new(), false, false);
    let mut kept: Vec<PlannedAction> = Vec::new();
    // Traffic that goes back to where it is answered waits for no tag.
    let passes = |action: &Action| gives_back && matches!(action, Action::TagGroup { .. } | Action::UntagGroup { .. });
    for planned in std::mem::take(&mut plan.actions) {
        match given_up.iter().find(|given_up| given_up.covers(&planned.action)) {
            // That all settings are as the manifest says would not be true.
            None if settings && says_applied(&planned.action) => {}
            None => kept.push(planned),
            Some(found) => {
                said.push(words(plan, found));
                if !given_up::is_setting(&planned.action) && !passes(&planned.action) {
                    ends = true;
                    break;
                }
                settings = true;
            }
        }
    }
    plan.actions = kept;
    if said.is_empty() {
        return;
    }
    if ends && !plan.is_watched(now) {
        // Nothing that is waited for can come, and nothing is to be watched any more.
        plan.waits.retain(|wait| wait.cleanup);
    } else if ends {
        watch_on(plan, now);
    }
    if plan.is_over(false) && plan.failure.is_none() {
        plan.change = Change::Error;
        plan.reason = said.join("; ");
        return;
    }
    for words in said.into_iter().filter(|words| !plan.notes.contains(words)).collect::<Vec<_>>() {
        plan.notes.push(words);
    }
}

/// What has traffic is watched on, though its next step cannot be taken.
fn watch_on(plan: &mut AppPlan, now: Timestamp) {
    let Some(exposed) = plan.exposed.as_ref().filter(|_| plan.waits.iter().all(|wait| wait.cleanup)) else { return };
    let until = exposed.until.filter(|until| *until > now);
    plan.waits.push(Wait {
        what: match exposed.share {
            Some(_) => format!("{} to be watched under traffic", exposed.generation),
            None => format!("{} to be watched at work", exposed.generation),
        },
        until,
        cleanup: false,
    });
    let soon = LOOK_AGAIN.after(now);
    plan.wake_at = Some(plan.wake_at.map_or(soon, |earlier| earlier.min(soon)));
}

/// Whether it notes that the settings are those of the manifest.
fn says_applied(action: &Action) -> bool {
    matches!(action, Action::TagGroup { tags, .. } if tags.contains_key(keys::APPLIED))
}

fn words(plan: &AppPlan, given_up: &GivenUp) -> String {
    let times = match &given_up.why {
        Why::Refused(words) => return format!("AWS refuses a call, which is not made again in this run: {words}"),
        Why::Failing(words) => {
            return format!(
                "a call has failed so often that it is not made again in this run, and the next `amiable apply` makes it: {words}"
            );
        }
        Why::InVain(times) => times,
    };
    let differs = plan.fields.iter().chain(&plan.drift).filter(|field| field.effect == Effect::InPlace);
    let shown: Vec<String> =
        differs.map(|field| format!("{} {}", field.path, field.before.as_deref().unwrap_or("none"))).collect();
    let shown = if shown.is_empty() { "no effect of it".to_owned() } else { shown.join(", ") };
    format!(
        "AWS took {} {times} times and still shows {shown}; this run does not call it again, and the next `amiable apply` \
         does",
        given_up.action
    )
}
