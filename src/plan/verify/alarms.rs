//! CloudWatch alarms: there before anything is launched, quiet before traffic moves, and OK while it is watched.

use super::watch;
use crate::model::observed::{Alarm, AlarmState, Group, Read, Want};
use crate::model::plan::Change;
use crate::plan::draft::Draft;
use crate::plan::release::{Release, Turn};

/// An alarm by its name; nothing in it when CloudWatch has none of that name.
fn see<'a>(draft: &mut Draft<'a>, name: &str) -> Option<&'a Option<Alarm>> {
    let what = format!("the alarm {name}");
    draft.see(draft.observed.details.alarms.get(name), Want::Alarm(name.to_owned()), &what)
}

/// Whether all alarms that are to be watched exist. If not, or not for all we know, nothing is created.
pub(in crate::plan) fn exist<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    let names = &release.wanted.spec.verification.alarms;
    // All are asked for at once.
    let found: Vec<_> = names.iter().map(|name| (name, see(draft, name))).collect();
    refuse(draft, release);
    found.iter().all(|(_, alarm)| matches!(alarm, Some(Some(_))))
}

/// Refuses to go on where an alarm that is to be watched does not exist. Nothing can be said against the generation for that:
/// whoever wrote the manifest has to say what is meant.
pub(super) fn refuse<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let found = &draft.observed.details.alarms;
    let missing = |name: &&String| matches!(found.get(*name), Some(Read::Known(None)));
    let Some(name) = release.wanted.spec.verification.alarms.iter().find(missing) else { return };
    draft.plan.waits.clear();
    draft.fail(format!("verification.alarms names {name}, and {NO_SUCH}"));
}

/// What is wrong where an alarm is not there, and what to do about it.
const NO_SUCH: &str = "CloudWatch has no such alarm here; create it, or take it out of the manifest";

/// Done when no alarm rings, or the traffic has moved. An alarm without data says nothing of a generation that has no
/// traffic yet, and holds nothing up.
pub(in crate::plan) fn quiet<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    // Somebody who promotes it knows that it is the cure.
    if has_traffic(release, target) || watch::is_proven(target) || target.owner.marks.promoted.is_some() {
        return Turn::Done;
    }
    draft.in_flight = true;
    let open = draft.open_questions();
    let mut ringing = Vec::new();
    for name in &release.wanted.spec.verification.alarms {
        match see(draft, name) {
            Some(Some(alarm)) if alarm.state == AlarmState::Alarm => ringing.push((name, alarm)),
            Some(None) => {
                refuse(draft, release);
                return Turn::Here(None);
            }
            _ => {}
        }
    }
    if !ringing.is_empty() {
        let generation = target.owner.generation;
        draft.note(format!(
            "if {generation} is the cure for an alarm that rings, take the alarm out of verification.alarms"
        ));
    }
    for (name, alarm) in &ringing {
        draft.wait(format!("the alarm {name} to be quiet before traffic moves: {}", alarm.reason), None);
    }
    if draft.open_questions() == open {
        return Turn::Done;
    }
    Turn::Here((!ringing.is_empty()).then(|| "in ALARM".to_owned()))
}

/// Whether the generation has had traffic: then alarms are its own.
pub(super) fn has_traffic(release: &Release<'_, '_>, target: &Group) -> bool {
    release.is_shifted() || target.owner.canary_step().is_some()
}

/// What an alarm says against the generation that has traffic. Missing data is no good data: it is waited for, within bounds.
/// An alarm that does not exist says nothing against it: it is watched by everything else, and refused once it should have
/// been watched long enough.
pub(super) fn trouble<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> Option<String> {
    let names = &release.wanted.spec.verification.alarms;
    let found: Vec<_> = names.iter().map(|name| (name, see(draft, name))).collect();
    let ringing = found.iter().find_map(|(name, alarm)| {
        let alarm = alarm.and_then(Option::as_ref).filter(|alarm| alarm.state == AlarmState::Alarm)?;
        Some(format!("alarm {name}: {}", alarm.reason))
    });
    if ringing.is_some() {
        return ringing;
    }
    for (name, alarm) in found {
        let blind = match alarm {
            Some(None) if watch::is_promoted_further(release, target) => continue,
            Some(None) => {
                // Once it is refused, it is not waited for as well.
                if draft.plan.change != Change::Error {
                    draft.wait(format!("the alarm {name}: {NO_SUCH}"), None);
                }
                continue;
            }
            Some(Some(alarm)) if alarm.state == AlarmState::InsufficientData => {
                format!("the alarm {name} has no data: {}", alarm.reason)
            }
            _ => continue,
        };
        if let Some(reason) = watch::not_known(draft, release, target, blind) {
            return Some(reason);
        }
    }
    None
}
