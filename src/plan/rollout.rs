//! The interpreter of releases: goes through the steps in order, finds the first that is not done, and does its part.
//!
//! Nothing is remembered between two plans. Each step tells from the picture whether it is behind us.

use super::canary;
use super::check;
use super::diff;
use super::dns;
use super::draft::Draft;
use super::launch;
use super::prepare;
use super::record;
use super::release::{Release, Turn};
use super::retire;
use super::shift;
use super::strategy::{self, Leg};
use super::verify;
use crate::model::action::Action;
use crate::model::plan::{PlannedAction, StepKind, StepState};
use crate::model::tags::keys;

/// What changes in place, and then the steps. A failure and a way back never wait behind a setting that AWS may refuse, nor
/// does one disruptive call stand beside another: then the settings come at the next look. As long as something has traffic
/// and is not recorded, its steps come first: a setting that AWS refuses keeps nobody from watching and recording it.
pub(super) fn with_settings<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let before = draft.plan.actions.len();
    diff::in_place(draft, release);
    let settings = before..draft.plan.actions.len();
    interpret(draft, release);
    if draft.fails {
        // Steps before this one may have a call that AWS refuses, too: the way back and the mark stand alone.
        let goes_back = |planned: &PlannedAction| match &planned.action {
            Action::Shift { .. } => true,
            Action::TagGroup { tags, .. } => tags.contains_key(keys::FAILED),
            _ => false,
        };
        let first = draft.plan.actions[before..].iter().position(goes_back).unwrap_or(0);
        draft.plan.actions.drain(before..before + first);
    } else if check::disruptions(&draft.plan) > 1 && settings.end <= draft.plan.actions.len() {
        draft.plan.actions.drain(settings);
    } else if draft.plan.exposed.is_some() && settings.end <= draft.plan.actions.len() {
        let settings: Vec<_> = draft.plan.actions.drain(settings).collect();
        draft.plan.actions.extend(settings);
    }
}

/// Goes through the steps. Afterwards the draft holds them all, and what to do now.
pub(super) fn interpret<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    release.stand(draft);
    let known = !release.picture.groups.is_empty();
    let mut here = false;
    for leg in strategy::compile(release) {
        // A name that stays where it is is no news in each release.
        let is_settled = matches!(leg.kind, StepKind::Dns { .. }) && dns::is_settled(draft, release);
        if here {
            let state = if is_settled { StepState::Done } else { StepState::Pending };
            draft.step(leg.kind, state, None);
            continue;
        }
        match turn(draft, release, &leg) {
            // That the load balancer stands is news only for a new app.
            Turn::Done if known && leg.kind == StepKind::Prepare => {}
            Turn::Done => draft.step(leg.kind, StepState::Done, None),
            Turn::Beside => {
                draft.beside = true;
                draft.step(leg.kind, if is_settled { StepState::Done } else { StepState::Current }, None);
            }
            Turn::Later(why) => draft.step(leg.kind, StepState::Pending, Some(why)),
            Turn::Here(detail) => {
                here = true;
                draft.step(leg.kind, StepState::Current, detail);
            }
        }
    }
}

fn turn<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, leg: &Leg) -> Turn {
    match &leg.kind {
        StepKind::Prepare if prepare::prepare(draft, release.wanted, release.picture) => Turn::Done,
        // What AWS refuses of it keeps nobody from watching what has traffic.
        StepKind::Prepare if draft.plan.exposed.is_some() => Turn::Beside,
        StepKind::Prepare => Turn::Here(None),
        StepKind::FreeSlot { generation } | StepKind::Retire { generation } => {
            match release.picture.groups.iter().find(|group| group.owner.generation == *generation) {
                Some(group) => retire::retire(draft, release, group),
                None => Turn::Done,
            }
        }
        StepKind::Launch { .. } => launch::launch(draft, release),
        StepKind::WaitHealthy { stable_for, .. } => verify::wait_healthy(draft, release, *stable_for),
        StepKind::Smoke { .. } => verify::smoke::smoke(draft, release),
        StepKind::Alarms { .. } => verify::alarms::quiet(draft, release),
        StepKind::Approve { phase } => verify::webhook::approve(draft, release, *phase),
        StepKind::Shift { weight } => match leg.place {
            Some(place) => canary::shift(draft, release, place, *weight),
            None => shift::take_over(draft, release),
        },
        StepKind::Pause { duration } => match leg.place {
            Some(place) => canary::pause(draft, release, place, *duration),
            None => Turn::Done,
        },
        StepKind::TakeOver => shift::take_over(draft, release),
        StepKind::Dns { .. } => dns::dns(draft, release),
        StepKind::Bake { duration } => verify::bake(draft, release, *duration),
        StepKind::Record => record::record(draft, release),
        StepKind::Keep { duration, .. } => retire::keep(draft, release, *duration),
        // Steps of other paths are not compiled into a release.
        StepKind::ShiftBack { .. } | StepKind::Entomb { .. } | StepKind::Forget | StepKind::Delete { .. } => Turn::Done,
    }
}
