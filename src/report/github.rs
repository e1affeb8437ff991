//! Plans as annotations of GitHub Actions: one line for every app of which there is something to say.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt::Write as _;

use super::words;
use crate::manifest::diagnostic::format::{github_data, github_property};
use crate::model::plan::{AppPlan, Change, Plan};

/// The annotations of all `plans`: errors for what cannot be planned, warnings for what waits for people, notices for changes.
pub fn annotations(plans: &[&Plan]) -> String {
    let mut out = String::new();
    for plan in plans {
        for app in plan.apps.iter().filter(|app| app.change != Change::Unchanged || words::trouble(app).is_some()) {
            let title = github_property(&format!("{}: {}, {}", plan.environment, app.app, words::kind(app)));
            let _ = writeln!(out, "::{} title={title}::{}", level(app), github_data(&said(app)));
        }
    }
    out
}

fn level(app: &AppPlan) -> &'static str {
    match app.change {
        Change::Error => "error",
        _ if app.is_sick() => "error",
        Change::Unchanged => "warning",
        Change::Blocked | Change::Drift | Change::Orphaned => "warning",
        _ if app.failure.is_some() => "warning",
        _ => "notice",
    }
}

fn said(app: &AppPlan) -> String {
    let mut parts: Vec<String> = words::trouble(app).into_iter().collect();
    if !app.reason.is_empty() {
        parts.push(words::plain(&app.reason));
    }
    let paths: Vec<&str> = app.fields.iter().chain(&app.drift).map(|field| field.path.as_str()).collect();
    if !paths.is_empty() {
        parts.push(paths.join(", "));
    }
    let generations = words::generations(app.from, app.to);
    if !generations.is_empty() {
        parts.push(generations);
    }
    if parts.is_empty() { words::kind(app).to_owned() } else { parts.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_app_with_something_to_say_has_a_line() {
        insta::assert_snapshot!(annotations(&[&samples::everything()]), @"
        ::notice title=prod%3A billing%2C in place::instances.max; v007
        ::warning title=prod%3A cart%2C drifted::instances.max, dns.name; v003
        ::notice title=prod%3A hello-world%2C red-black::image, instances.max, strategy.redBlack.bakeTime; v041 → v042
        ::notice title=prod%3A legacy%2C destroy::`destroy: true` in the manifest; v009
        ::error title=prod%3A mailer%2C error::image ami-0999 does not exist in us-west-2
        ::warning title=prod%3A old-search%2C orphaned::no manifest here declares it; its groups are left alone: old-search-prod-v012
        ::notice title=prod%3A orders%2C new app::image, instanceType; v001
        ::warning title=prod%3A search%2C blocked::suspended until Mon 08:00 UTC (incident 42); image; v005 → v006
        ");
    }
}
