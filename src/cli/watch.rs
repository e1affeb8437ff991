//! Converges and shows it, until it is over or the user interrupts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::session::Session;
use super::terminal;
use crate::controller::converge::{self, Ending, Options, Outcome};
use crate::model::desired::Desired;
use crate::model::names::{AppName, Generation};
use crate::model::plan::{AppPlan, Change, Plan};
use crate::report::live::{self, Live};
use crate::report::unwatched::{may_have_moved, unwatched};
use crate::report::words;

/// How often countdowns are drawn anew.
const REDRAW: Duration = Duration::from_millis(500);

/// Converges what `options` say and tells how it ended.
///
/// # Errors
/// When AWS cannot be read at all, lastingly.
pub async fn converge(session: &Session, desired: &Desired, options: &Options) -> Result<Exit, Failure> {
    let ending = outcome(session, desired, options).await?;
    conclude(&ending, options.only.as_ref());
    Ok(exit(ending.outcome))
}

/// Converges what `options` say, showing how it goes. The first interrupt stops between two calls, the second at once; an
/// interrupt is Ctrl-C, SIGTERM or SIGHUP.
///
/// # Errors
/// When AWS cannot be read at all, lastingly.
pub async fn outcome(session: &Session, desired: &Desired, options: &Options) -> Result<Ending, Failure> {
    // What was begun between the plan that was shown and the answer is another's as well.
    let desired = &Desired { begun: Some(desired.begun.unwrap_or(session.begun)), ..desired.clone() };
    let watched = desired.apps.keys().filter(|app| options.only.as_ref().is_none_or(|only| only.contains(*app)));
    let live = Arc::new(Live::new(watched, session.clock.clone(), terminal::paint()));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let interrupts = tokio::spawn(interrupts(Signals::listen()?, stop));
    let drawing = tokio::spawn({
        let live = Arc::clone(&live);
        async move {
            loop {
                tokio::time::sleep(REDRAW).await;
                live.redraw();
            }
        }
    });
    let sink = |event| live.show(&event);
    let result = converge::converge(&session.aws, desired, &session.clock, options, &sink, stopped).await;
    interrupts.abort();
    drawing.abort();
    live.close();
    result.map_err(|error| session.explain(error))
}

/// The signals by which people and machines end a program.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on they do not end the program by themselves any more.
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Asks to stop at the first interrupt, and ends the program at the second.
async fn interrupts(mut signals: Signals, stop: tokio::sync::watch::Sender<bool>) {
    signals.next().await;
    // The receiver lives as long as the work does.
    let _ = stop.send(true);
    terminal::say(
        "interrupted: waiting up to ten seconds for the AWS call under way; press Ctrl-C again to stop at once",
    );
    signals.next().await;
    std::process::exit(Exit::Interrupted as i32);
}

/// The exit code of an outcome.
pub fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Converged => Exit::Fine,
        Outcome::Blocked | Outcome::Sick => Exit::Blocked,
        Outcome::ReleaseFailed => Exit::ReleaseFailed,
        Outcome::Failed => Exit::Error,
        Outcome::TimedOut => Exit::TimedOut,
        Outcome::Interrupted => Exit::Interrupted,
    }
}

/// Whether a generation that a person turned down still has traffic in the end: then the command has not done what it is for.
pub fn keeps_traffic(ending: &Ending, app: &AppName, down: Generation) -> bool {
    let has_it = |app: &AppPlan| {
        app.from == Some(down) || app.exposed.as_ref().is_some_and(|exposed| exposed.generation == down)
    };
    ending.plan.app(app).is_none_or(has_it)
}

/// Says in the end what is not as it should be, and what to do about it.
pub fn conclude(ending: &Ending, only: Option<&BTreeSet<AppName>>) {
    let Ending { outcome, plan, left } = ending;
    let chosen = |app: &&AppPlan| only.is_none_or(|only| only.contains(&app.app));
    let meant = |app: &&AppPlan| app.change != Change::Orphaned || app.exposed.is_some();
    let apps: Vec<&AppPlan> = plan.apps.iter().filter(chosen).filter(meant).collect();
    for line in lines(*outcome, plan, &apps) {
        terminal::say(&line);
    }
    for app in left {
        terminal::say(&format!(
            "{app}: its last call was not waited for; whether it took effect is not known, and the next `amiable apply` finds out"
        ));
    }
}

/// Says where a plan stands that leaves nothing to carry out: an edit that was written, of which nothing is deployed.
pub fn stand(plan: &Plan, watching: &Watching) {
    let apps: Vec<&AppPlan> = plan.apps.iter().collect();
    for line in standing(plan, &apps, Outcome::of(&apps, watching.wait_for_cleanup)) {
        terminal::say(&line);
    }
}

fn standing(plan: &Plan, apps: &[&AppPlan], outcome: Outcome) -> Vec<String> {
    let mut lines = lines(outcome, plan, apps);
    if matches!(outcome, Outcome::Blocked | Outcome::ReleaseFailed) {
        lines.insert(0, "nothing was deployed, because it is blocked:".to_owned());
    }
    lines
}

fn lines(outcome: Outcome, plan: &Plan, apps: &[&AppPlan]) -> Vec<String> {
    let mut lines = Vec::new();
    let open = || apps.iter().filter(|app| !live::is_complete(app));
    match outcome {
        Outcome::Converged => {
            let verb = if apps.len() == 1 { "matches" } else { "match" };
            lines.push(format!("{} {verb} {}.", words::apps(apps.len()), plan.environment));
        }
        Outcome::Sick => {
            for app in apps.iter().filter(|app| app.is_sick()) {
                let generation = app.from.map(|from| format!("{from} is ")).unwrap_or_default();
                let trouble = words::trouble(app).unwrap_or_default();
                lines.push(format!("{}: {generation}{trouble}; it runs what its manifest asks for, so that `apply` has nothing to change", app.app));
            }
        }
        Outcome::Blocked | Outcome::ReleaseFailed | Outcome::Failed => {
            for app in open().filter(|app| !app.reason.is_empty()) {
                lines.push(format!("{}: {}", app.app, words::plain(&app.reason)));
            }
            for app in apps {
                lines.extend(unwatched(app).map(|unwatched| format!("{}: {unwatched}", app.app)));
            }
            for app in apps {
                lines.extend(app.left_over.iter().map(|left| format!("{}: {}", app.app, words::plain(left))));
            }
        }
        Outcome::TimedOut | Outcome::Interrupted => {
            let how = if outcome == Outcome::TimedOut { "--timeout is over" } else { "interrupted" };
            let end = if open().next().is_some() { " from here:" } else { "." };
            lines.push(format!("{how} and nothing was undone; the next `amiable apply` goes on{end}"));
            for app in open() {
                let step = words::current(&app.steps).map(words::step);
                let wait = app.waits.first().map(|wait| format!("waits for {}", words::wait(wait, plan.at)));
                let where_it_is = wait.or(step).unwrap_or_else(|| words::change(app.change).to_owned());
                lines.push(format!("{}: {where_it_is}", app.app));
                let in_danger = unwatched(app).or_else(|| may_have_moved(app));
                lines.extend(in_danger.map(|in_danger| format!("{}: {in_danger}", app.app)));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Exposed;
    use crate::report::samples;

    #[test]
    fn the_end_says_where_everything_stands() {
        let plan = samples::plan(vec![samples::rolling_out(), samples::unchanged("web")]);
        let apps: Vec<&AppPlan> = plan.apps.iter().collect();
        let timed_out = [
            "--timeout is over and nothing was undone; the next `amiable apply` goes on from here:",
            "hello-world: waits for v042 to be healthy, 3/6 now, until 12:20 UTC",
        ];
        assert_eq!(lines(Outcome::TimedOut, &plan, &apps), timed_out);
        // Nothing could be looked at in the time.
        let early = ["--timeout is over and nothing was undone; the next `amiable apply` goes on."];
        assert_eq!(lines(Outcome::TimedOut, &plan, &[]), early);
        assert_eq!(lines(Outcome::Converged, &plan, &apps[1..]), ["1 app matches prod."]);
        let plan = samples::plan(vec![samples::failing(), samples::unchanged("web")]);
        let apps: Vec<&AppPlan> = plan.apps.iter().collect();
        assert_eq!(lines(Outcome::Failed, &plan, &apps), ["mailer: image ami-0999 does not exist in us-west-2"]);
    }

    #[test]
    fn the_end_of_the_time_and_an_interrupt_say_what_has_traffic_and_how_it_is_given_back() {
        for (share, has) in [(Some(100), "has all traffic"), (Some(5), "has 5% of the traffic")] {
            let exposed = Some(Exposed { share, ..samples::exposed() });
            let plan = samples::plan(vec![AppPlan { exposed, ..samples::rolling_out() }]);
            let apps: Vec<&AppPlan> = plan.apps.iter().collect();
            let said = format!(
                "hello-world: v042 {has}, and nobody watches it now: `amiable apply hello-world` goes on watching it; `amiable \
                 abort hello-world` gives the traffic back to v041"
            );
            for (outcome, how) in [(Outcome::TimedOut, "--timeout is over"), (Outcome::Interrupted, "interrupted")] {
                let lines = lines(outcome, &plan, &apps);
                assert!(lines[0].starts_with(how), "{lines:?}");
                assert_eq!(lines.last(), Some(&said));
            }
        }
    }

    #[test]
    fn an_edit_of_a_blocked_app_says_that_nothing_was_deployed_and_by_what_it_is_blocked() {
        let plan = samples::plan(vec![
            samples::everything().apps.into_iter().find(|app| app.app.as_str() == "search").unwrap(),
        ]);
        let apps: Vec<&AppPlan> = plan.apps.iter().collect();
        let said = standing(&plan, &apps, Outcome::Blocked);
        assert_eq!(
            said,
            ["nothing was deployed, because it is blocked:", "search: suspended until Mon 08:00 UTC (incident 42)"]
        );
        let plan = samples::plan(vec![samples::unchanged("web")]);
        assert_eq!(standing(&plan, &[&plan.apps[0]], Outcome::Converged), ["1 app matches prod."]);
    }

    #[test]
    fn every_outcome_has_its_exit_code() {
        let outcomes = [
            (Outcome::Converged, Exit::Fine),
            (Outcome::Blocked, Exit::Blocked),
            (Outcome::Sick, Exit::Blocked),
            (Outcome::ReleaseFailed, Exit::ReleaseFailed),
            (Outcome::Failed, Exit::Error),
            (Outcome::TimedOut, Exit::TimedOut),
            (Outcome::Interrupted, Exit::Interrupted),
        ];
        for (outcome, expected) in outcomes {
            assert_eq!(exit(outcome), expected);
        }
    }
}
