//! A release while it happens: a view that is redrawn on a terminal, plain lines everywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::Clock;
use crate::model::action::Action;
use crate::model::event::{Event, EventKind};
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change, StepKind, StepState, Wait};
use crate::model::release;
use crate::model::time::{Span, Timestamp};

use super::paint::Paint;
use super::words;

/// The most apps that the redrawn view holds.
const MAX_APPS: usize = 8;

/// What is known of every app that is worked on, folded from events. Pure: it neither reads a clock nor prints.
#[derive(Debug, Default)]
pub struct LiveState {
    apps: BTreeMap<AppName, Watched>,
    name_width: usize,
    paint: Paint,
}

#[derive(Debug, Default)]
struct Watched {
    /// The last plan that was made from what is in AWS.
    plan: Option<AppPlan>,
    /// The plan since then, while AWS cannot be read.
    blind: Option<AppPlan>,
    /// What was said of it since the last step was done, so that nothing is said twice.
    said: BTreeSet<String>,
    /// The notes that were said of it: they are as true after a step as before it.
    noted: BTreeSet<String>,
}

impl LiveState {
    /// Nothing has happened yet to `apps`.
    pub fn new<'a>(apps: impl IntoIterator<Item = &'a AppName>, paint: Paint) -> Self {
        let apps: BTreeMap<AppName, Watched> = apps.into_iter().map(|app| (app.clone(), Watched::default())).collect();
        let name_width = apps.keys().map(|app| app.as_str().len()).max().unwrap_or(0);
        Self { apps, name_width, paint }
    }

    /// Takes in what happened, and says it in lines; nothing when it tells nothing new.
    pub fn fold(&mut self, event: &Event) -> Vec<String> {
        let paint = self.paint;
        let watched = self.apps.entry(event.app.clone()).or_default();
        let news = match &event.kind {
            EventKind::Planned(plan) => {
                let news = watched.news(plan, event.at, paint);
                if is_blind(plan) {
                    watched.blind = Some((**plan).clone());
                } else {
                    watched.blind = None;
                    watched.plan = Some((**plan).clone());
                }
                news
            }
            // Tags are how progress is kept: what it means says more than what they are called.
            EventKind::Acted { action: Action::TagGroup { .. } | Action::UntagGroup { .. }, reason } => {
                vec![words::plain(reason)]
            }
            EventKind::Acted { action, .. } => vec![words::action(action)],
            EventKind::Stale { action, why } => {
                let text = format!("not done: {} ({}); planned anew", words::action(action), words::plain(why));
                watched.once(text).map(|text| paint.yellow(&text)).into_iter().collect()
            }
            EventKind::Failed { action, error, retry } => {
                let then = if *retry { "; it is tried again" } else { "" };
                let text = format!("could not {}: {}{then}", words::action(action), words::plain(error));
                watched.once(text).map(|text| paint.red(&text)).into_iter().collect()
            }
        };
        self.name_width = self.name_width.max(event.app.as_str().len());
        let width = self.name_width;
        let time = event.at.strftime("%H:%M:%S").to_string();
        news.into_iter().map(|text| format!("{}  {:width$}  {text}", paint.dim(&time), event.app)).collect()
    }

    /// The view at `now`: per app its path, how far it is, what it waits for and how long that may still take.
    pub fn frame(&self, now: Timestamp) -> Vec<String> {
        let width = self.name_width;
        let busy: Vec<(&AppName, &AppPlan)> = self
            .apps
            .iter()
            .filter_map(|(app, watched)| Some((app, watched.blind.as_ref().or(watched.plan.as_ref())?)))
            .filter(|(_, plan)| !is_complete(plan) && !is_stuck(plan))
            .collect();
        let mut lines = Vec::new();
        for (app, plan) in busy.iter().take(MAX_APPS) {
            let name = self.paint.bold(&format!("{app:width$}"));
            lines.push(format!("{name}  {}", words::generations(plan.from, plan.to)).trim_end().to_owned());
            let path = words::path(&plan.steps, self.paint).join(" → ");
            if !path.is_empty() {
                lines.push(format!("  {path}"));
            }
            for wait in plan.waits.iter().filter(|wait| !wait.cleanup) {
                lines.push(format!("  waits for {}", countdown(wait, now)));
            }
        }
        if busy.len() > MAX_APPS {
            lines.push(format!("and {} more", words::apps(busy.len() - MAX_APPS)));
        }
        lines
    }
}

impl Watched {
    /// `text`, unless it was said already.
    fn once(&mut self, text: String) -> Option<String> {
        self.said.insert(text.clone()).then_some(text)
    }

    /// What `next` tells that the plan before it did not.
    fn news(&mut self, next: &AppPlan, at: Timestamp, paint: Paint) -> Vec<String> {
        let mut news = Vec::new();
        let was_blind = self.blind.is_some();
        if is_blind(next) {
            // Its reason quotes AWS, with a number that differs at every attempt.
            if !was_blind {
                news.push(paint.yellow(&format!("cannot go on for now: {}", words::plain(&next.reason))));
                news.extend(next.waits.iter().filter(|wait| !wait.cleanup).map(|wait| words::wait_line(wait, at)));
            }
            return news;
        }
        let last = self.plan.take();
        let done = finished(last.as_ref(), next);
        if !done.is_empty() {
            self.said.clear();
        }
        let kind = |plan: &AppPlan| (plan.change, plan.reason.clone(), plan.to);
        if last.as_ref().map(kind) != Some(kind(next)) {
            self.noted.clear();
        }
        if (was_blind || last.as_ref().map(kind) != Some(kind(next))) && !is_complete(next) {
            news.extend(headline(next, paint));
        }
        news.extend(done.into_iter().map(|step| paint.green(&format!("{step} ✓"))));
        for wait in next.waits.iter().filter(|wait| !wait.cleanup) {
            // The deadline is part of the line and not of what makes it new: it may move a little each time.
            if self.once(wait.what.clone()).is_some() {
                news.push(words::wait_line(wait, at));
            }
        }
        for note in &next.notes {
            let note = format!("note: {}", words::plain(note));
            if self.noted.insert(note.clone()) {
                news.push(paint.yellow(&note));
            }
        }
        let was_busy = was_blind || last.as_ref().is_none_or(|last| !is_complete(last));
        if is_complete(next) && was_busy {
            news.push(paint.green(&conclusion(last.as_ref(), next)));
            let kept: Vec<String> = next.waits.iter().map(|wait| words::wait(wait, at)).collect();
            if last.as_ref().is_some_and(|last| last.change == Change::Create) {
                news.extend(words::answers(next).map(|answers| format!("it answers at {answers}")));
            }
            if !kept.is_empty() {
                let later = "nothing runs by itself: the next `amiable apply` after that does it";
                news.push(paint.dim(&format!("left to clean up: {}; {later}", kept.join("; "))));
            }
        }
        news
    }
}

/// Whether nothing is left but clean-up.
pub fn is_complete(plan: &AppPlan) -> bool {
    matches!(plan.change, Change::Unchanged | Change::Orphaned)
        && plan.wants.is_empty()
        && plan.waits.iter().all(|wait| wait.cleanup)
}

/// Whether it only could not be read, and is looked at again.
fn is_blind(plan: &AppPlan) -> bool {
    plan.change == Change::Error && plan.waits.iter().any(|wait| !wait.cleanup)
}

/// Whether nothing will happen without a person.
fn is_stuck(plan: &AppPlan) -> bool {
    matches!(plan.change, Change::Blocked | Change::Error) && plan.actions.is_empty() && plan.waits.is_empty()
}

/// The steps that lay ahead in `last` and that `next` calls done.
fn finished(last: Option<&AppPlan>, next: &AppPlan) -> Vec<String> {
    let Some(last) = last else { return Vec::new() };
    // A step that was not on the path before is not this path's doing: after a way back, most of it is done already.
    let was_ahead = |kind: &StepKind| last.steps.iter().any(|step| &step.kind == kind && step.state != StepState::Done);
    let shown = |kind: &StepKind| *kind != StepKind::Record;
    next.steps
        .iter()
        .filter(|step| step.state == StepState::Done && shown(&step.kind) && was_ahead(&step.kind))
        .map(|step| step.kind.to_string())
        .collect()
}

fn headline(plan: &AppPlan, paint: Paint) -> Vec<String> {
    let generations = words::generations(plan.from, plan.to);
    match plan.change {
        Change::Blocked if plan.failure.is_some() => vec![paint.red(&words::plain(&plan.reason))],
        Change::Blocked => vec![paint.yellow(&format!("blocked: {}", words::plain(&plan.reason)))],
        Change::Error => vec![paint.red(&format!("error: {}", words::plain(&plan.reason)))],
        Change::Update | Change::Drift => {
            let fields = plan.fields.iter().chain(&plan.drift).map(|field| {
                format!("{} {} → {}", field.path, words::value(&field.before), words::value(&field.after))
            });
            fields.collect()
        }
        Change::Unchanged | Change::Orphaned => Vec::new(),
        Change::Create | Change::Replace | Change::Destroy => {
            let path = words::path(&plan.steps, Paint::default()).join(" → ");
            let reason =
                if plan.reason.is_empty() { String::new() } else { format!(" ({})", words::plain(&plan.reason)) };
            let what = match plan.change {
                Change::Replace | Change::Create if !generations.is_empty() => generations.as_str(),
                change => words::change(change),
            };
            vec![format!("{}{}{reason}: {path}", paint.bold(what), of_image(plan))]
        }
    }
}

/// ` of ami-0222 (1.9.0, main@3f2c1ab, built 2026-11-02)`, where a new image is deployed.
fn of_image(plan: &AppPlan) -> String {
    let changes = plan.fields.iter().any(|field| field.path == "image");
    let Some(image) = plan.image.as_ref().filter(|_| changes) else { return String::new() };
    let mut said = image.release.clone();
    let version = release::version(&image.release, image.name.as_deref()).map(str::to_owned);
    said.extend(version.map(|version| ("version".to_owned(), version)));
    format!(" of {}", words::plain(&release::image(&image.id, &said)))
}

fn conclusion(last: Option<&AppPlan>, next: &AppPlan) -> String {
    match (last.map(|last| last.change), next.to.or(next.from)) {
        (Some(Change::Create | Change::Replace), Some(generation)) => {
            // The release that was on its way may have failed, and the one before it serves again.
            let wanted = last.and_then(|last| last.to);
            if wanted.is_none_or(|wanted| wanted == generation) {
                format!("{generation} is deployed")
            } else {
                format!("{generation} serves")
            }
        }
        (Some(Change::Destroy), _) => "everything is deleted".to_owned(),
        (Some(_), Some(generation)) => format!("{generation} is as it should be"),
        _ => "nothing to do".to_owned(),
    }
}

fn countdown(wait: &Wait, now: Timestamp) -> String {
    let what = words::plain(&wait.what);
    match wait.until {
        Some(until) if until > now => format!("{what}, {} left", Span::between(now, until)),
        Some(_) => format!("{what}, overdue"),
        None => what,
    }
}

/// Shows what happens on stderr: a redrawn view with the news above it on a terminal, only the news elsewhere.
pub struct Live {
    state: Mutex<LiveState>,
    view: Option<ProgressBar>,
    clock: Clock,
}

impl Live {
    /// A view of `apps`, in colour or not.
    pub fn new<'a>(apps: impl IntoIterator<Item = &'a AppName>, clock: Clock, paint: Paint) -> Self {
        let view = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // Without a template that parses there is still the default one.
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { state: Mutex::new(LiveState::new(apps, paint)), view, clock }
    }

    /// Shows an event.
    pub fn show(&self, event: &Event) {
        let mut state = self.lock();
        for line in state.fold(event) {
            match &self.view {
                Some(view) => view.println(line),
                // Nobody reads any more when this fails; the work goes on all the same.
                None => drop(writeln!(std::io::stderr(), "{line}")),
            }
        }
        drop(state);
        self.redraw();
    }

    /// Draws the view again, for its countdowns; does nothing off a terminal.
    pub fn redraw(&self) {
        if let Some(view) = &self.view {
            view.set_message(self.lock().frame(self.clock.now()).join("\n"));
            view.tick();
        }
    }

    /// Takes the view away and leaves the news.
    pub fn close(&self) {
        if let Some(view) = &self.view {
            view.finish_and_clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::report::samples;

    fn planned(at: &str, plan: AppPlan) -> Event {
        Event { at: samples::at(at), app: plan.app.clone(), kind: EventKind::Planned(Box::new(plan)) }
    }

    fn delete_template() -> Action {
        Action::DeleteLaunchTemplate { name: "hello-world-prod-v040".into() }
    }

    #[test]
    fn a_release_reads_as_a_story_in_which_nothing_is_said_twice() {
        let mut state = LiveState::default();
        let mut launched = samples::rolling_out();
        samples::advance(&mut launched, 1, Some("healthy 0/6"));
        launched.waits = vec![samples::wait("v042 to be healthy, 0/6 now", Some("12:20:00"), false)];
        let mut baking = samples::replace();
        samples::advance(&mut baking, 3, Some("bake 5m, 4m left"));
        baking.waits = vec![samples::wait("v042 to bake", Some("12:08:00"), false)];
        let app: AppName = "hello-world".parse().unwrap();
        let acted = EventKind::Acted { action: delete_template(), reason: "it is v040's".into() };
        let failed = |at: &str| Event {
            at: samples::at(at),
            app: app.clone(),
            kind: EventKind::Failed {
                action: delete_template(),
                error: "Throttling: Rate exceeded".into(),
                retry: true,
            },
        };
        let events = [
            planned("12:00:00", samples::replace()),
            Event { at: samples::at("12:00:01"), app: app.clone(), kind: acted },
            failed("12:00:02"),
            failed("12:00:03"),
            planned("12:00:10", launched.clone()),
            planned("12:00:20", launched),
            planned("12:01:00", samples::rolling_out()),
            planned("12:01:10", samples::rolling_out()),
            planned("12:03:00", baking.clone()),
            planned("12:03:10", baking),
            planned("12:08:00", samples::keeping()),
            planned("12:08:10", samples::keeping()),
        ];
        let lines: Vec<String> = events.iter().flat_map(|event| state.fold(event)).collect();
        assert_snapshot!(lines.join("\n"), @r"
        12:00:00  hello-world  v041 → v042: launch 6 → healthy 6/6 → shift 100% → bake 5m → keep v041 1h → retire v041
        12:00:01  hello-world  delete launch template hello-world-prod-v040
        12:00:02  hello-world  could not delete launch template hello-world-prod-v040: Throttling: Rate exceeded; it is tried again
        12:00:10  hello-world  launch 6 ✓
        12:00:10  hello-world  waits for v042 to be healthy, 0/6 now, until 12:20 UTC
        12:01:00  hello-world  waits for v042 to be healthy, 3/6 now, until 12:20 UTC
        12:03:00  hello-world  healthy 6/6 ✓
        12:03:00  hello-world  shift 100% ✓
        12:03:00  hello-world  waits for v042 to bake, until 12:08:00 UTC
        12:08:00  hello-world  bake 5m ✓
        12:08:00  hello-world  v042 is deployed
        12:08:00  hello-world  left to clean up: v041, which stays warm, until 13:00 UTC; nothing runs by itself: the next `amiable apply` after that does it
        ");
    }

    #[test]
    fn the_view_counts_down_and_forgets_what_is_complete() {
        let mut state = LiveState::default();
        state.fold(&planned("12:00:00", samples::rolling_out()));
        let mut web = samples::update();
        web.actions = samples::create().actions;
        state.fold(&planned("12:00:00", web));
        assert_snapshot!(state.frame(samples::at("12:01:20")).join("\n"), @"
        billing      v007
        hello-world  v041 → v042
          launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
          waits for v042 to be healthy, 3/6 now, 18m40s left
        ");
        state.fold(&planned("12:08:00", samples::keeping()));
        state.fold(&planned("12:08:00", samples::unchanged("billing")));
        assert_eq!(state.frame(samples::at("12:08:00")), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_go_on_is_said_once_with_its_reason() {
        let mut state = LiveState::default();
        let lines = state.fold(&planned("12:00:00", samples::blocked()));
        assert_eq!(lines, ["12:00:00  search  blocked: suspended until Mon 08:00 UTC (incident 42)"]);
        assert!(state.fold(&planned("12:00:10", samples::blocked())).is_empty());
    }

    #[test]
    fn a_release_goes_on_where_it_was_after_aws_could_not_be_read_for_a_while() {
        let unreadable = |request: u32| {
            let mut plan = samples::failing();
            plan.app = "hello-world".parse().unwrap();
            plan.reason = format!("groups cannot be read: Throttling: Rate exceeded (request {request})");
            plan.waits = vec![samples::wait("AWS to be readable again", None, false)];
            plan
        };
        assert!(!is_complete(&unreadable(1)) && !is_stuck(&unreadable(1)));
        let mut state = LiveState::default();
        let mut lines = Vec::new();
        for (at, plan) in
            [("12:04:00", samples::rolling_out()), ("12:04:10", unreadable(1)), ("12:04:20", unreadable(2))]
        {
            lines.extend(state.fold(&planned(at, plan)));
        }
        let frame = state.frame(samples::at("12:04:30"));
        assert_eq!(frame, ["hello-world", "  waits for AWS to be readable again"]);
        for (at, plan) in
            [("12:04:30", samples::rolling_out()), ("12:04:40", unreadable(3)), ("12:08:00", samples::keeping())]
        {
            lines.extend(state.fold(&planned(at, plan)));
        }
        assert_snapshot!(lines.join("\n"), @"
        12:04:00  hello-world  v041 → v042: launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
        12:04:00  hello-world  waits for v042 to be healthy, 3/6 now, until 12:20 UTC
        12:04:10  hello-world  cannot go on for now: groups cannot be read: Throttling: Rate exceeded (request 1)
        12:04:10  hello-world  waits for AWS to be readable again
        12:04:30  hello-world  v041 → v042: launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
        12:04:40  hello-world  cannot go on for now: groups cannot be read: Throttling: Rate exceeded (request 3)
        12:04:40  hello-world  waits for AWS to be readable again
        12:08:00  hello-world  healthy 6/6 ✓
        12:08:00  hello-world  shift 100% ✓
        12:08:00  hello-world  bake 5m ✓
        12:08:00  hello-world  v042 is deployed
        12:08:00  hello-world  left to clean up: v041, which stays warm, until 13:00 UTC; nothing runs by itself: the next `amiable apply` after that does it
        ");
        assert!(state.frame(samples::at("12:08:10")).is_empty());
    }

    #[test]
    fn a_release_that_went_back_is_not_called_deployed() {
        let mut state = LiveState::default();
        let mut lines = Vec::new();
        for (at, plan) in [
            ("12:04:00", samples::rolling_out()),
            ("12:05:00", samples::going_back()),
            ("12:05:05", samples::rolled_back()),
            ("12:05:10", samples::rolled_back()),
        ] {
            lines.extend(state.fold(&planned(at, plan)));
        }
        assert_snapshot!(lines.join("\n"), @r"
        12:04:00  hello-world  v041 → v042: launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
        12:04:00  hello-world  waits for v042 to be healthy, 3/6 now, until 12:20 UTC
        12:05:00  hello-world  v042 → v041 (v042 failed: unhealthy under traffic: i-0425): shift back to v041 → scale v042 to 0
        12:05:05  hello-world  v042 failed: 3 of 6 instances healthy after 20m; i-0425 (Target.ResponseCodeMismatch); v041 serves until the manifest changes or `amiable retry`
        ");
    }

    #[test]
    fn a_note_that_stands_through_all_steps_is_said_once() {
        let mut state = LiveState::default();
        let noted = |done: usize| {
            let mut plan = samples::rolling_out();
            samples::advance(&mut plan, done, None);
            plan.notes = vec!["the canary steps are skipped".to_owned()];
            planned("12:00:00", plan)
        };
        let lines: Vec<String> = [1, 2, 3].into_iter().flat_map(|done| state.fold(&noted(done))).collect();
        assert_eq!(lines.iter().filter(|line| line.contains("note: the canary")).count(), 1, "{lines:?}");
    }

    #[test]
    fn the_end_of_a_first_release_says_where_it_answers() {
        let mut state = LiveState::default();
        let mut lines = state.fold(&planned("12:00:00", samples::create()));
        let mut done = samples::unchanged("orders");
        done.from = Some(crate::model::names::Generation(1));
        done.answers = samples::create().answers;
        lines.extend(state.fold(&planned("12:07:00", done)));
        let last = lines.last().unwrap();
        let wanted = "it answers at http://orders.internal.example.com (internal: only from within its network)";
        assert_eq!(last, &format!("12:07:00  orders  {wanted}"));
    }
}
