//! Steps and the path that they make.

use super::plain;
use crate::model::plan::{AppPlan, Change, Step, StepKind, StepState};
use crate::report::paint::Paint;

/// A step with its detail: `healthy 3/6`, `bake 5m (2m left)`.
pub fn step(step: &Step) -> String {
    let kind = step.kind.to_string();
    let Some(detail) = step.detail.as_deref().filter(|detail| !detail.is_empty()).map(plain) else { return kind };
    // A detail that begins with the step's own word says the same more exactly.
    let first = |text: &str| text.split(' ').next().map(str::to_owned);
    if first(&detail) == first(&kind) { detail } else { format!("{kind} ({detail})") }
}

/// The steps that people see, each a phrase: what is done has a tick, what is at work stands in brackets.
///
/// Before anything is done there are no marks: the path is still only a plan.
pub fn path(steps: &[Step], paint: Paint) -> Vec<String> {
    let begun = has_begun(steps);
    let phrases = steps.iter().filter(|step| is_shown(step)).map(|one| {
        let phrase = step(one);
        match one.state {
            StepState::Done => paint.green(&format!("{phrase} ✓")),
            StepState::Current if begun => paint.cyan(&format!("[{phrase}]")),
            StepState::Current | StepState::Pending => phrase,
        }
    });
    phrases.collect()
}

/// What is there already is nobody's news; writing the record takes a moment, and tells nobody anything unless it hangs.
fn is_shown(step: &Step) -> bool {
    match step.kind {
        StepKind::Prepare | StepKind::Dns { .. } => step.state != StepState::Done,
        StepKind::Record => step.state == StepState::Current,
        _ => true,
    }
}

/// Whether anything of a path is done, beyond finding that what it stands on is there.
fn has_begun(steps: &[Step]) -> bool {
    let is_found = |kind: &StepKind| matches!(kind, StepKind::Prepare | StepKind::Dns { .. });
    steps.iter().any(|step| step.state == StepState::Done && !is_found(&step.kind))
}

/// The step at work, if one is.
pub fn current(steps: &[Step]) -> Option<&Step> {
    steps.iter().find(|step| step.state == StepState::Current)
}

/// Whether a release of this app has begun, or is being taken back, and is not over yet.
pub fn is_rolling_out(plan: &AppPlan) -> bool {
    let release = |kind: &StepKind| !matches!(kind, StepKind::Keep { .. } | StepKind::Retire { .. });
    matches!(plan.change, Change::Create | Change::Replace)
        && (has_begun(&plan.steps) || is_going_back(&plan.steps))
        && plan.steps.iter().any(|step| step.state != StepState::Done && release(&step.kind))
}

/// Whether traffic goes back to an earlier generation.
pub fn is_going_back(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step.kind, StepKind::ShiftBack { .. }))
}
