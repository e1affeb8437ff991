//! The phrases that all forms share, so that a step is called the same in a plan, in the live view and in a pull request.
//!
//! - [`steps`]: steps and the path that they make
//! - [`time`]: spans, ages and points in time, and what is waited for
//! - [`actions`]: calls, as people say them

mod actions;
mod steps;
mod time;

use std::fmt::Write as _;

use crate::model::names::Generation;
use crate::model::observed::Want;
use crate::model::plan::{AppPlan, Change, Impact, Step, StepKind, StepState, Summary, Wellbeing};
use crate::model::text::cleaned;

pub use actions::{action, name_in};
pub use steps::{current, is_going_back, is_rolling_out, path, step};
pub use time::{age, instance_hours, moment, rough, wait, wait_line};

/// The mark in front of an app: `+`, `+/-`, `~`, `-`, `!`, `?`, or nothing.
pub fn marker(change: Change) -> &'static str {
    match change {
        Change::Create => "+",
        Change::Replace => "+/-",
        Change::Update | Change::Drift => "~",
        Change::Destroy => "-",
        Change::Blocked | Change::Error => "!",
        Change::Orphaned => "?",
        Change::Unchanged => "",
    }
}

/// The kind of a change in a word or two.
pub fn change(change: Change) -> &'static str {
    match change {
        Change::Create => "new app",
        Change::Replace => "red-black",
        Change::Update => "in place",
        Change::Drift => "drifted",
        Change::Unchanged => "unchanged",
        Change::Blocked => "blocked",
        Change::Error => "error",
        Change::Orphaned => "orphaned",
        Change::Destroy => "destroy",
    }
}

/// What happens to an app in a word or two: of a release, by which strategy.
pub fn kind(plan: &AppPlan) -> &'static str {
    let any = |test: fn(&StepKind) -> bool| plan.steps.iter().any(|step| test(&step.kind));
    match plan.change {
        _ if is_going_back(&plan.steps) => "rollback",
        Change::Replace if any(|kind| matches!(kind, StepKind::Shift { weight } if *weight < 100)) => "canary",
        Change::Replace if any(|kind| *kind == StepKind::TakeOver) => "worker",
        change => self::change(change),
    }
}

/// `v041 → v042`, `v042`, or nothing.
pub fn generations(from: Option<Generation>, to: Option<Generation>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from != to => format!("{from} → {to}"),
        (_, Some(one)) | (Some(one), None) => one.to_string(),
        (None, None) => String::new(),
    }
}

/// `1 app`, `15 apps`.
pub fn apps(count: usize) -> String {
    counted(count, "app")
}

/// A number of things: `1 error`, `2 errors`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What a plan means while it lasts: `peak 12 instances; about 9 minutes until v042 is deployed; v041 is removed by an
/// `apply` about 63 minutes later; v041 serves until the shift`.
pub fn impact(plan: &AppPlan) -> Option<String> {
    let Impact { peak_instances, extra_instance_seconds, duration, cleanup } = plan.impact;
    let mut parts = Vec::new();
    if peak_instances > 0 {
        parts.push(format!("peak {peak_instances} {}", if peak_instances == 1 { "instance" } else { "instances" }));
    }
    if let Some(duration) = duration.filter(|duration| !duration.is_zero()) {
        let until = plan.to.map(|to| format!(" until {to} is deployed")).unwrap_or_default();
        parts.push(format!("about {}{until}", rough(duration)));
    }
    if let (Some(cleanup), Some(from)) = (cleanup.filter(|cleanup| !cleanup.is_zero()), plan.from) {
        parts.push(format!("{from} is removed by an `apply` about {} later", rough(cleanup)));
    }
    if let Some(seconds) = extra_instance_seconds.filter(|seconds| *seconds > 0) {
        parts.push(format!("{} on top", instance_hours(seconds)));
    }
    let is_next = |step: &&Step| step.state != StepState::Done;
    let back = plan.steps.iter().filter(is_next).any(|step| matches!(step.kind, StepKind::ShiftBack { .. }));
    if let (Some(from), Some(to)) = (plan.from.filter(|_| back), plan.to) {
        parts.push(format!("{to} serves again within seconds"));
        // A call that was signed before may still arrive.
        parts.push(format!("{from} is scaled in up to 5 minutes later"));
    }
    let moves = |step: &Step| matches!(step.kind, StepKind::Shift { .. } | StepKind::TakeOver);
    let pending = plan.steps.iter().find(|step| moves(step) && step.state != StepState::Done);
    if let (Some(from), Some(step)) = (plan.from, pending) {
        let until = if step.kind == StepKind::TakeOver { "the other takes over" } else { "the shift" };
        parts.push(format!("{from} serves until {until}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Where an app answers: `http://hello.example.com (from within its network)`; nothing where that is not known yet.
pub fn answers(plan: &AppPlan) -> Option<String> {
    let answers = plan.answers.as_ref().filter(|answers| !answers.urls.is_empty())?;
    Some(places(&answers.urls, answers.internal))
}

/// URLs in a line, and whether they are reached only from within the network of the load balancer.
pub fn places(urls: &[String], internal: bool) -> String {
    let within = if internal { " (internal: only from within its network)" } else { "" };
    format!("{}{within}", plain(&urls.join(", ")))
}

/// What is wrong with what serves, in a line; nothing when it is well or was not looked at.
pub fn trouble(plan: &AppPlan) -> Option<String> {
    plan.wellbeing.as_ref().and_then(Wellbeing::trouble).map(|trouble| plain(&trouble))
}

/// What has to be read before more can be said.
pub fn want(want: &Want) -> String {
    match want {
        Want::TargetHealth(arn) => format!("target health of {}", name_in(arn)),
        Want::Activities(group) => format!("scaling activities of {group}"),
        Want::TargetGroupAttributes(arn) => format!("attributes of {}", name_in(arn)),
        Want::BalancerAttributes(arn) => format!("attributes of {}", name_in(arn)),
        Want::Tags(arn) => format!("tags of {}", name_in(arn)),
        Want::ListenersOf(arn) => format!("listeners of {}", name_in(arn)),
        Want::RulesOf(arn) => format!("rules of {}", name_in(arn)),
        Want::TemplateData(name) => format!("launch template {name}"),
        Want::Hooks(group) => format!("lifecycle hooks of {group}"),
        Want::Policies(group) => format!("scaling policies of {group}"),
        Want::StepAlarms(group) => format!("alarms that scale {group}"),
        Want::Schedules(group) => format!("scheduled actions of {group}"),
        Want::Deployed(app) => format!("deployed state of {app}"),
        Want::Alarm(name) => format!("alarm {}", plain(name)),
        Want::Traffic(window) => format!("requests and errors of {}", name_in(&window.target_group_arn)),
        Want::Probe(probe) => format!("answer of {}{}", plain(&probe.host), plain(&probe.path)),
        Want::Decisions(app) => format!("decisions about {app}"),
        Want::Failures(app) => format!("why {app} failed"),
        Want::Console(instance) => format!("console of {instance}"),
        Want::Named(name) => format!("what is called {name}"),
        Want::Kinship(commits) => format!("how commit {} is related to these manifests", plain(&commits.theirs)),
    }
}

/// The numbers of a plan: `1 to add, 1 to change, 1 to replace, 0 to destroy; 1 drifted, 1 blocked`.
pub fn summary(summary: &Summary) -> String {
    let Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged: _, sick } = *summary;
    let mut text = format!("{create} to add, {update} to change, {replace} to replace, {delete} to destroy");
    let besides: Vec<String> = [
        (drift, "drifted"),
        (blocked, "blocked"),
        (error, "cannot be planned"),
        (orphaned, "orphaned"),
        (sick, "sick"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if !besides.is_empty() {
        let _ = write!(text, "; {}", besides.join(", "));
    }
    text
}

/// Whether nothing at all is to be done about what the manifests ask for, and nothing that serves is sick.
pub fn is_quiet(summary: &Summary) -> bool {
    let Summary { create, update, replace, delete, drift, blocked, error, orphaned: _, unchanged: _, sick } = *summary;
    create + update + replace + delete + drift + blocked + error + sick == 0
}

/// A value of a field, or a dash where there is none or none that can be told.
pub fn value(value: &Option<String>) -> String {
    value.as_deref().map(plain).unwrap_or_else(|| "–".to_owned())
}

/// A text of several sources on one line. What comes from AWS is clean already; what the manifests say need not be.
pub fn plain(text: &str) -> String {
    cleaned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{Span, Timestamp};

    #[test]
    fn lengths_of_time_are_said_in_one_unit() {
        let said: Vec<String> =
            [1, 45, 90, 540, 5399, 5400, 86_400, 259_200].map(|seconds| rough(Span::seconds(seconds))).into();
        assert_eq!(
            said,
            ["1 second", "45 seconds", "2 minutes", "9 minutes", "90 minutes", "2 hours", "24 hours", "3 days"]
        );
    }

    #[test]
    fn what_others_wrote_gives_the_terminal_no_orders() {
        assert_eq!(plain("red\u{1b}[31m\nblack"), "red\u{fffd}[31m black");
    }

    #[test]
    fn a_moment_on_another_day_has_its_date() {
        let now: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-02T12:20:31Z".parse().unwrap(), now), "12:20 UTC");
        assert_eq!(moment("2026-11-02T12:02:31Z".parse().unwrap(), now), "12:02:31 UTC");
        assert_eq!(moment("2026-11-03T00:00:00Z".parse().unwrap(), now), "2026-11-03 00:00 UTC");
    }

    #[test]
    fn the_name_is_found_in_an_arn_and_other_text_stays() {
        let base = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
        assert_eq!(name_in(&format!("{base}:targetgroup/hello-world-prod-a/6d0e")), "hello-world-prod-a");
        assert_eq!(name_in(&format!("{base}:loadbalancer/app/hello-world-prod/50dc")), "hello-world-prod");
        assert_eq!(name_in(&format!("{base}:listener-rule/app/shared/50dc/f2f7/9683")), "shared");
        assert_eq!(name_in("hello-world"), "hello-world");
        assert_eq!(name_in("arn:aws:x"), "arn:aws:x");
    }
}
