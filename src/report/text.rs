//! A plan as text, for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::model::action::Action;
use crate::model::plan::{AppPlan, Change, Effect, FieldChange, Plan, StepKind, StepState};

use super::paint::Paint;
use super::words;

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// In colour.
    pub colour: bool,
    /// With every planned call and its reason, and with the calls that reading took.
    pub verbose: bool,
    /// How many calls reading took, by `service:Operation`.
    pub calls: Option<&'a BTreeMap<String, u32>>,
    /// How long reading and planning took.
    pub elapsed: Option<Duration>,
}

/// Columns in which a path is wrapped.
const WIDTH: usize = 100;
/// Where the lines below an app begin.
const INDENT: usize = 7;
/// The width of the markers.
const MARK: usize = 5;
/// The width of the kind of change.
const KIND: usize = 11;

/// Renders `plan`, with a final newline. Nothing to do comes first and alone: `No changes. 15 apps match prod.`
pub fn plan(plan: &Plan, options: &Options) -> String {
    let mut page = Page::new(plan, options);
    let summary = plan.summary();
    let quiet = words::is_quiet(&summary);
    if quiet {
        page.nothing_to_do(summary.unchanged);
    } else {
        page.header();
        for change in [Change::Create, Change::Replace, Change::Update, Change::Destroy, Change::Blocked, Change::Error]
        {
            for app in plan.apps.iter().filter(|app| app.change == change) {
                page.entry(app);
            }
        }
    }
    page.health();
    page.drift();
    page.clean_up();
    page.orphaned();
    page.notes_of_unchanged();
    if !quiet {
        page.numbers(&summary);
    }
    if options.verbose {
        page.calls(options);
    }
    page.out
}

struct Page<'a> {
    plan: &'a Plan,
    paint: Paint,
    verbose: bool,
    name_width: usize,
    out: String,
}

impl<'a> Page<'a> {
    fn new(plan: &'a Plan, options: &Options) -> Self {
        let is_shown =
            |app: &&AppPlan| app.change != Change::Unchanged || !app.is_settled() || words::trouble(app).is_some();
        let shown = plan.apps.iter().filter(is_shown);
        let name_width = shown.map(|app| app.app.as_str().len()).max().unwrap_or(0).max(11) + 2;
        Self { plan, paint: Paint::new(options.colour), verbose: options.verbose, name_width, out: String::new() }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{}", format_args!("{:indent$}{text}", "").to_string().trim_end());
    }

    /// One blank line, unless there is one already.
    fn gap(&mut self) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn section(&mut self, title: &str) {
        self.gap();
        let title = self.paint.bold(title);
        self.line(0, &title);
    }

    fn header(&mut self) {
        let plan = self.plan;
        let mut text = format!("{} · {}/{}", self.paint.bold(plan.environment.as_str()), plan.account, plan.region);
        if let Some(commit) = &plan.source.commit {
            let short: String = commit.chars().take(7).collect();
            let _ =
                write!(text, " · manifests at {short}{}", if plan.source.dirty { " with local changes" } else { "" });
        }
        self.line(0, &text);
        self.gap();
    }

    fn nothing_to_do(&mut self, count: usize) {
        let environment = &self.plan.environment;
        let text = match count {
            0 => format!("No changes. No app is deployed to {environment}."),
            1 => format!("No changes. 1 app matches {environment}."),
            _ => format!("No changes. {} match {environment}.", words::apps(count)),
        };
        self.line(0, &text);
    }

    /// The line of an app, and what is below it.
    fn entry(&mut self, app: &AppPlan) {
        let generations = words::generations(app.from, app.to);
        let kind = words::kind(app);
        let reason = words::plain(&app.reason);
        let rest = match app.change {
            Change::Blocked if app.failure.is_some() => reason,
            Change::Blocked | Change::Error => format!("{kind}: {reason}"),
            Change::Create => format!("{kind:KIND$}{}", joined(&generations, &what_is_new(app))),
            Change::Replace if app.fields.is_empty() && !app.reason.is_empty() => {
                format!("{kind:KIND$}{}", joined(&generations, &reason))
            }
            Change::Replace => format!("{kind:KIND$}{generations}"),
            _ if app.reason.is_empty() => kind.to_owned(),
            _ => format!("{kind:KIND$}{reason}"),
        };
        self.headline(app, &rest);
        // What is new needs no list of all its fields.
        if app.change != Change::Create || self.verbose {
            self.fields(&app.fields);
        }
        self.path(app);
        if let Some(impact) = words::impact(app).filter(|_| matches!(app.change, Change::Create | Change::Replace)) {
            for line in wrapped(&impact) {
                let line = self.paint.dim(&line);
                self.line(INDENT, &line);
            }
        }
        if app.change == Change::Create {
            self.address(app);
        }
        self.besides(app);
    }

    /// Where a new app will answer.
    fn address(&mut self, app: &AppPlan) {
        let text = match (words::answers(app), &app.answers) {
            (Some(answers), _) => format!("answers at {answers}"),
            (None, Some(_)) => {
                format!("answers at the DNS name of its load balancer, which `amiable status {}` shows", app.app)
            }
            (None, None) => return,
        };
        let text = self.paint.dim(&text);
        self.line(INDENT, &text);
    }

    fn headline(&mut self, app: &AppPlan, rest: &str) {
        let width = self.name_width;
        let mark = format!("{:MARK$}", words::marker(app.change));
        let mark = match app.change {
            Change::Create => self.paint.green(&mark),
            Change::Destroy | Change::Error => self.paint.red(&mark),
            _ => self.paint.yellow(&mark),
        };
        let name = self.paint.bold(&format!("{:width$}", app.app));
        let rest = if app.change == Change::Error { self.paint.red(rest) } else { rest.to_owned() };
        self.line(0, &format!("{mark}{name}{rest}"));
    }

    fn fields(&mut self, fields: &[FieldChange]) {
        let path_width = fields.iter().map(|field| field.path.len()).max().unwrap_or(0) + 2;
        let values = |field: &FieldChange| format!("{} → {}", words::value(&field.before), words::value(&field.after));
        let value_width = fields.iter().map(|field| values(field).chars().count()).max().unwrap_or(0);
        for field in fields {
            let effect = match field.effect {
                Effect::Replace => "      # replaces",
                Effect::InPlace => "",
                Effect::Behaviour => "      # changes nothing in AWS",
                Effect::Fixed => "      # cannot be changed on an app that exists",
            };
            let effect = self.paint.dim(effect);
            // Long values would push the remark out of sight; aligned only where it is near.
            let value_width = if effect.is_empty() { 0 } else { value_width.min(60) };
            self.line(INDENT, &format!("{:path_width$}{:value_width$}{effect}", field.path, values(field)));
        }
    }

    /// The steps, wrapped at the arrows.
    fn path(&mut self, app: &AppPlan) {
        if app.steps.is_empty() {
            return;
        }
        let plain = words::path(&app.steps, Paint::default());
        let painted = words::path(&app.steps, self.paint);
        let mut line = String::new();
        let mut columns = INDENT;
        for (plain, painted) in plain.iter().zip(&painted) {
            let width = plain.chars().count() + 3;
            if columns + width > WIDTH && !line.is_empty() {
                self.line(INDENT, &line);
                line.clear();
                columns = INDENT;
                line.push_str("→ ");
            } else if !line.is_empty() {
                line.push_str(" → ");
            }
            line.push_str(painted);
            columns += width;
        }
        self.line(INDENT, &line);
    }

    /// What it waits for, what people should know, and in full the calls that can be made now.
    fn besides(&mut self, app: &AppPlan) {
        for wait in &app.waits {
            self.line(INDENT, &words::wait_line(wait, self.plan.at));
        }
        for note in &app.notes {
            let note = self.paint.yellow(&format!("note: {}", words::plain(note)));
            self.line(INDENT, &note);
        }
        for want in &app.wants {
            self.line(INDENT, &format!("still to be read: {}", words::want(want)));
        }
        if !self.verbose {
            return;
        }
        if !app.reason.is_empty() && matches!(app.change, Change::Create | Change::Replace) {
            self.line(INDENT, &format!("because {}", words::plain(&app.reason)));
        }
        for planned in &app.actions {
            let (service, operation) = planned.action.operation();
            let reason = self.paint.dim(&format!("({})", planned.reason));
            let phrase = words::action(&planned.action);
            self.line(INDENT, &format!("now: {phrase}, by {service}:{operation} {reason}"));
        }
    }

    /// How what serves does, where something is wrong with it.
    fn health(&mut self) {
        let plan = self.plan;
        let mut title = Some("Health (of what serves now):");
        for app in &plan.apps {
            let Some(trouble) = words::trouble(app) else { continue };
            if let Some(title) = title.take() {
                self.section(title);
            }
            let width = self.name_width;
            let mark = format!("{:MARK$}", words::marker(Change::Blocked));
            let (mark, trouble) = match app.is_sick() {
                true => (self.paint.red(&mark), self.paint.red(&trouble)),
                false => (self.paint.yellow(&mark), trouble),
            };
            let name = self.paint.bold(&format!("{:width$}", app.app));
            let generation = app.from.map(|from| format!("{from} ")).unwrap_or_default();
            self.line(0, &format!("{mark}{name}{generation}{trouble}"));
        }
    }

    fn drift(&mut self) {
        let drifted: Vec<&AppPlan> =
            self.plan.apps.iter().filter(|app| app.change == Change::Drift || !app.drift.is_empty()).collect();
        if drifted.is_empty() {
            return;
        }
        self.section("Drift (not from this change):");
        for app in drifted {
            let path_width = app.drift.iter().map(|field| field.path.len()).max().unwrap_or(0) + 2;
            let mut lines = app.drift.iter().map(|field| {
                let (aws, git) = (words::value(&field.before), words::value(&field.after));
                format!("{:path_width$}{aws} in AWS, {git} in git", field.path)
            });
            let first = lines.next().unwrap_or_else(|| words::plain(&app.reason));
            let rest: Vec<String> = lines.collect();
            let width = self.name_width;
            let mark = self.paint.yellow(&format!("{:MARK$}", words::marker(Change::Drift)));
            let name = self.paint.bold(&format!("{:width$}", app.app));
            self.line(0, &format!("{mark}{name}{first}"));
            for line in rest {
                self.line(MARK + width, &line);
            }
            if app.change == Change::Drift {
                self.fields(&app.fields);
                self.besides(app);
            }
        }
    }

    /// Apps that are as they should be, but for what no longer serves.
    fn clean_up(&mut self) {
        let plan = self.plan;
        let mut title = Some("Clean-up (nothing that serves changes):");
        for app in plan.apps.iter().filter(|app| app.change == Change::Unchanged && !app.is_settled()) {
            if let Some(title) = title.take() {
                self.section(title);
            }
            let left: Vec<String> = app
                .steps
                .iter()
                .filter(|step| step.state != StepState::Done && step.kind != StepKind::Record)
                .map(words::step)
                .collect();
            self.headline(app, &left.join(" → "));
            self.besides(app);
        }
    }

    fn orphaned(&mut self) {
        let plan = self.plan;
        let mut title = Some("Orphaned:");
        for app in plan.apps.iter().filter(|app| app.change == Change::Orphaned) {
            if let Some(title) = title.take() {
                self.section(title);
            }
            let generations = words::generations(app.from, app.to);
            self.headline(app, &joined(&generations, &words::plain(&app.reason)));
            self.besides(app);
        }
    }

    fn notes_of_unchanged(&mut self) {
        let plan = self.plan;
        let mut title = Some("Notes:");
        let settled = |app: &&AppPlan| app.change == Change::Unchanged && app.is_settled();
        let said = |app: &AppPlan| !app.notes.is_empty() || !app.reason.is_empty();
        for app in plan.apps.iter().filter(settled).filter(|app| said(app)) {
            if let Some(title) = title.take() {
                self.section(title);
            }
            let reason = Some(&app.reason).filter(|reason| !reason.is_empty());
            for note in reason.into_iter().chain(&app.notes) {
                self.line(MARK, &format!("{}: {}", app.app, words::plain(note)));
            }
        }
    }

    fn numbers(&mut self, summary: &crate::model::plan::Summary) {
        self.gap();
        if summary.unchanged > 0 {
            self.line(0, &format!("{} unchanged.", words::apps(summary.unchanged)));
        }
        let numbers = self.paint.bold(&format!("Plan: {}.", words::summary(summary)));
        self.line(0, &numbers);
    }

    fn calls(&mut self, options: &Options) {
        let Some(calls) = options.calls else { return };
        let total: u32 = calls.values().sum();
        let elapsed = options.elapsed.map(|time| format!(" in {:.1}s", time.as_secs_f64())).unwrap_or_default();
        self.section(&format!("{total} {} to AWS{elapsed}:", if total == 1 { "call" } else { "calls" }));
        for (operation, count) in calls {
            self.line(0, &format!("{count:>5}  {operation}"));
        }
    }
}

fn joined(first: &str, second: &str) -> String {
    let gap = if first.is_empty() || second.is_empty() { "" } else { "  " };
    format!("{first}{gap}{second}")
}

/// A text in lines of the width of a page, broken behind its semicolons.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split("; ") {
        match lines.last_mut() {
            Some(line) if INDENT + line.chars().count() + 2 + part.chars().count() < WIDTH => {
                line.push_str("; ");
                line.push_str(part);
            }
            Some(line) => {
                line.push(';');
                lines.push(part.to_owned());
            }
            None => lines.push(part.to_owned()),
        }
    }
    lines
}

/// `2 × c7g.large, orders.internal.example.com`, as far as the plan tells.
fn what_is_new(app: &AppPlan) -> String {
    let field = |path: &str| app.fields.iter().find(|field| field.path == path).and_then(|field| field.after.clone());
    let born_with = app.actions.iter().find_map(|planned| match &planned.action {
        Action::CreateLaunchTemplate { data, .. } => Some(data.instance_type.clone()),
        _ => None,
    });
    let count = app.steps.iter().find_map(|step| match step.kind {
        StepKind::Launch { instances } => Some(instances),
        _ => None,
    });
    let name = app.steps.iter().find_map(|step| match &step.kind {
        StepKind::Dns { name } => Some(name.clone()),
        _ => None,
    });
    let instances = match (count, field("instanceType").or(born_with)) {
        (Some(count), Some(instance_type)) => Some(format!("{count} × {instance_type}")),
        (Some(count), None) => Some(words::counted(count as usize, "instance")),
        (None, instance_type) => instance_type,
    };
    let image = field("image").map(|image| format!(" of {image}")).unwrap_or_default();
    let instances = instances.map(|instances| instances + &image);
    let parts: Vec<String> = instances.into_iter().chain(name.or_else(|| field("dns.name"))).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::observed::Want;
    use crate::report::samples;

    fn text(plan: &Plan) -> String {
        super::plan(plan, &Options::default())
    }

    #[test]
    fn one_of_each_kind_of_change() {
        assert_snapshot!(text(&samples::everything()), @"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        +    orders       new app    v001  2 × c7g.large of ami-0aaa, orders.internal.example.com
               prepare → launch 2 → healthy 2/2 → shift 100% → dns orders.internal.example.com → bake 5m
               peak 2 instances; about 7 minutes until v001 is deployed
               answers at http://orders.internal.example.com (internal: only from within its network)
        +/-  hello-world  red-black  v041 → v042
               image                       ami-0111 (1.8.2, 9f31c2) → ami-0222 (1.9.0, 3f2c1ab)      # replaces
               instances.max               8 → 12
               strategy.redBlack.bakeTime  10m → 5m                                                  # changes nothing in AWS
               launch 6 → healthy 6/6 → shift 100% → bake 5m → keep v041 1h → retire v041
               peak 12 instances; about 9 minutes until v042 is deployed;
               v041 is removed by an `apply` about 62 minutes later; 6.9 instance-hours on top;
               v041 serves until the shift
        ~    billing      in place
               instances.max  8 → 12
        -    legacy       destroy    `destroy: true` in the manifest
               delete DNS record → delete listener → delete group → delete load balancer
        !    search       blocked: suspended until Mon 08:00 UTC (incident 42)
               image  ami-0333 → ami-0444      # replaces
        !    mailer       error: image ami-0999 does not exist in us-west-2

        Drift (not from this change):
        ~    cart         instances.max  9 in AWS, 6 in git
                          dns.name       – in AWS, cart.x in git

        Orphaned:
        ?    old-search   no manifest here declares it; its groups are left alone: old-search-prod-v012

        2 apps unchanged.
        Plan: 1 to add, 1 to change, 1 to replace, 1 to destroy; 1 drifted, 1 blocked, 1 cannot be planned, 1 orphaned.
        ");
    }

    #[test]
    fn nothing_to_do_is_said_first_and_alone() {
        let apps = (0..15).map(|number| samples::unchanged(&format!("app{number}"))).collect();
        assert_eq!(text(&samples::plan(apps)), "No changes. 15 apps match prod.\n");
        assert_eq!(text(&samples::plan(vec![samples::unchanged("web")])), "No changes. 1 app matches prod.\n");
        assert_eq!(text(&samples::plan(Vec::new())), "No changes. No app is deployed to prod.\n");
    }

    #[test]
    fn sections_follow_each_other_after_one_blank_line() {
        assert_snapshot!(text(&samples::plan(vec![samples::drifted(), samples::keeping()])), @"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        Drift (not from this change):
        ~    cart         instances.max  9 in AWS, 6 in git
                          dns.name       – in AWS, cart.x in git

        Clean-up (nothing that serves changes):
             hello-world  keep v041 1h → retire v041
               clean-up waits for v041, which stays warm, until 13:00 UTC

        1 app unchanged.
        Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy; 1 drifted.
        ");
    }

    #[test]
    fn a_release_in_progress_shows_how_far_it_is_and_what_it_waits_for() {
        assert_snapshot!(text(&samples::plan(vec![samples::rolling_out()])), @"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        +/-  hello-world  red-black  v041 → v042
               image                       ami-0111 (1.8.2, 9f31c2) → ami-0222 (1.9.0, 3f2c1ab)      # replaces
               instances.max               8 → 12
               strategy.redBlack.bakeTime  10m → 5m                                                  # changes nothing in AWS
               launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
               peak 12 instances; about 9 minutes until v042 is deployed;
               v041 is removed by an `apply` about 62 minutes later; 6.9 instance-hours on top;
               v041 serves until the shift
               waits for v042 to be healthy, 3/6 now, until 12:20 UTC

        Plan: 0 to add, 0 to change, 1 to replace, 0 to destroy.
        ");
    }

    #[test]
    fn a_release_that_failed_says_why_and_what_serves() {
        assert_snapshot!(text(&samples::plan(vec![samples::going_back()])), @"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        +/-  hello-world  rollback   v042 → v041  v042 failed: unhealthy under traffic: i-0425
               shift back to v041 → scale v042 to 0
               v041 serves again within seconds; v042 is scaled in up to 5 minutes later

        Plan: 0 to add, 0 to change, 1 to replace, 0 to destroy.
        ");
        assert_snapshot!(text(&samples::plan(vec![samples::rolled_back()])), @r"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        !    hello-world  v042 failed: 3 of 6 instances healthy after 20m; i-0425 (Target.ResponseCodeMismatch); v041 serves until the manifest changes or `amiable retry`
               image  ami-0111 → ami-0222      # replaces

        Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy; 1 blocked.
        ");
    }

    #[test]
    fn an_old_generation_that_is_kept_is_no_change() {
        let mut noted = samples::unchanged("web");
        noted.notes.push("v003 failed on 2026-11-01 and is not tried again".into());
        assert_snapshot!(text(&samples::plan(vec![samples::keeping(), noted])), @r"
        No changes. 2 apps match prod.

        Clean-up (nothing that serves changes):
             hello-world  keep v041 1h → retire v041
               clean-up waits for v041, which stays warm, until 13:00 UTC

        Notes:
             web: v003 failed on 2026-11-01 and is not tried again
        ");
    }

    #[test]
    fn verbose_tells_every_call_and_why() {
        let calls = BTreeMap::from([
            ("autoscaling:DescribeAutoScalingGroups".to_owned(), 2),
            ("ec2:DescribeImages".to_owned(), 1),
        ]);
        let options =
            Options { verbose: true, calls: Some(&calls), elapsed: Some(Duration::from_millis(1240)), colour: false };
        let mut create = samples::create();
        create.reason = "nothing of it runs in prod".into();
        let text = super::plan(&samples::plan(vec![create]), &options);
        assert_snapshot!(text, @"
        prod · 123456789012/us-west-2 · manifests at 3f2c1ab

        +    orders       new app    v001  2 × c7g.large of ami-0aaa, orders.internal.example.com
               image         – → ami-0aaa       # replaces
               instanceType  – → c7g.large      # replaces
               prepare → launch 2 → healthy 2/2 → shift 100% → dns orders.internal.example.com → bake 5m
               peak 2 instances; about 7 minutes until v001 is deployed
               answers at http://orders.internal.example.com (internal: only from within its network)
               because nothing of it runs in prod
               now: create launch template orders-prod-v001, by ec2:CreateLaunchTemplate (v001 needs a launch template)
               now: create group orders-prod-v001 with 2 instances, by autoscaling:CreateAutoScalingGroup (v001 is launched)

        Plan: 1 to add, 0 to change, 0 to replace, 0 to destroy.

        3 calls to AWS in 1.2s:
            2  autoscaling:DescribeAutoScalingGroups
            1  ec2:DescribeImages
        ");
    }

    #[test]
    fn what_could_not_be_read_is_named() {
        let mut plan = samples::update();
        plan.wants = vec![Want::TargetHealth("arn:aws:elasticloadbalancing:r:1:targetgroup/billing-prod-a/6d".into())];
        let text = text(&samples::plan(vec![plan]));
        assert!(text.contains("still to be read: target health of billing-prod-a\n"), "{text}");
    }

    #[test]
    fn colour_changes_no_word() {
        let plan = samples::everything();
        let colour = super::plan(&plan, &Options { colour: true, verbose: true, ..Options::default() });
        let plain = super::plan(&plan, &Options { verbose: true, ..Options::default() });
        assert_ne!(colour, plain);
        assert_eq!(anstream::adapter::strip_str(&colour).to_string(), plain);
    }

    #[test]
    fn user_data_never_shows() {
        let plan = samples::everything();
        let text = super::plan(&plan, &Options { verbose: true, ..Options::default() });
        assert!(!text.contains(samples::CANARY));
    }
}
