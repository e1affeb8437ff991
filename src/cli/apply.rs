//! `amiable apply`: makes AWS as the manifests say, and shows how it goes.

use std::collections::BTreeSet;

use clap::Args;

use super::edit::Manifest;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::{Apps, Closeness, Environment};
use super::session::{Look, Session};
use super::{Global, plan, terminal, watch};
use crate::controller::converge::{Options, Outcome};
use crate::model::desired::Desired;
use crate::model::names::AppName;
use crate::model::plan::{AppPlan, Change, Plan};
use crate::model::time::Span;
use crate::report::json;

/// Make AWS as the manifests say, and watch
#[derive(Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    apps: Apps,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    closeness: Closeness,
    #[command(flatten)]
    watching: Watching,
}

/// How a command that changes something goes about it.
#[derive(Clone, Debug, Args)]
pub struct Watching {
    /// Ask nothing
    #[arg(short, long)]
    pub yes: bool,
    /// Stop watching after this long, such as 30m; what has begun can be taken up again later
    #[arg(long, value_name = "SPAN")]
    pub timeout: Option<Span>,
    /// Wait until the old generation is gone, too, rather than until the new one is deployed
    #[arg(long)]
    pub wait_for_cleanup: bool,
    /// Only record what was decided; whoever converges next carries it out
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

impl Watching {
    /// What is left of the time that it may take, of which so much is spent.
    fn after(&self, spent: Span) -> Self {
        let left = |timeout: Span| Span::seconds(timeout.as_seconds().saturating_sub(spent.as_seconds()));
        Self { timeout: self.timeout.map(left), ..self.clone() }
    }

    /// What to converge: these apps.
    pub fn options(&self, only: Option<BTreeSet<crate::model::names::AppName>>) -> Options {
        Options { only, timeout: self.timeout.map(Span::as_duration), wait_for_cleanup: self.wait_for_cleanup }
    }
}

impl Apply {
    /// Shows the plan, asks, converges.
    ///
    /// # Errors
    /// When the manifests are wrong, AWS cannot be read, or the user says no.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let mut desired = self.environment.one(global)?;
        desired.deep = self.closeness.deep;
        desired.chosen = self.apps.chosen(&desired);
        if let Err(refusal) = self.apps.check(&[&desired]) {
            return watch_alone(global, &desired, &self.apps, &self.watching, refusal).await;
        }
        if self.apps.names_none() && !desired.left_out.is_empty() {
            let refusal = Failure::new("the manifests have errors; nothing was done")
                .help("name the apps that are meant, and those whose manifests are right are applied");
            return watch_alone(global, &desired, &self.apps, &self.watching, refusal).await;
        }
        apply(global, &desired, &self.apps, &self.watching, None).await
    }
}

/// Shows what there is to do about `apps`, asks, writes `edit` if there is one, and does what was shown. Where something else is
/// wanted by then, that is shown and asked for in its turn.
///
/// # Errors
/// When AWS cannot be read, or the user says no.
pub async fn apply(
    global: &Global,
    desired: &Desired,
    apps: &Apps,
    watching: &Watching,
    mut edit: Option<Manifest>,
) -> Result<Exit, Failure> {
    let desired = &Desired { chosen: apps.chosen(desired), ..desired.clone() };
    let session = Session::open(global, desired).await;
    // A question may stand for as long as a person likes: only the work counts.
    let mut spent = Span::seconds(0);
    let mut done = None;
    loop {
        let look = async || {
            let mut look = session.look(desired).await?;
            apps.narrow(desired, &mut look.plan);
            Ok(look)
        };
        let question = match &edit {
            Some(edit) => format!("\nWrite {} and apply it to {}?", edit.path().display(), desired.name),
            None => format!("\nApply to {}?", desired.name),
        };
        let is_edit = edit.is_some();
        let needs_no = |plan: &Plan| !is_edit && is_over(plan, watching);
        let refuses = |plan: &Plan| is_edit && plan.apps.iter().any(|app| app.change == Change::Error);
        let ends = |plan: &Plan| needs_no(plan) || refuses(plan);
        let plan = match (agreed(global, watching, &question, &ends, &look).await, done) {
            (Ok(look), _) => look.plan,
            // What was agreed to is done; more is not.
            (Err(failure), Some(outcome)) => {
                terminal::say(&failure.to_string().replacen("error: nothing was", "nothing more was", 1));
                return Ok(failure.after(watch::exit(outcome)));
            }
            (Err(failure), None) => return Err(failure),
        };
        if refuses(&plan) {
            terminal::say("it cannot be deployed like this; nothing was written");
        } else if let Some(edit) = edit.take() {
            edit.save()?;
        }
        if is_edit && !refuses(&plan) && is_over(&plan, watching) {
            watch::stand(&plan, watching);
        }
        if refuses(&plan) || is_over(&plan, watching) {
            return Ok(watch::exit(Outcome::of(&plan.apps.iter().collect::<Vec<_>>(), watching.wait_for_cleanup)));
        }
        let only = (!apps.is_all()).then(|| plan.apps.iter().map(|app| app.app.clone()).collect());
        let options = watching.after(spent).options(only);
        let begun = session.clock.now();
        let ending = watch::outcome(&session, &as_shown(desired, &plan), &options).await?;
        spent =
            Span::seconds(spent.as_seconds().saturating_add(Span::between(begun, session.clock.now()).as_seconds()));
        let outcome = ending.outcome;
        let more = matches!(outcome, Outcome::Blocked | Outcome::ReleaseFailed | Outcome::Failed);
        if !more || !ending.plan.apps.iter().any(|app| app.unshown) {
            watch::conclude(&ending, options.only.as_ref());
            return Ok(watch::exit(outcome));
        }
        terminal::say(
            "\nThe plan above was carried out. Another release has become due meanwhile, which was not shown yet:\n",
        );
        done = Some(outcome);
    }
}

fn is_over(plan: &Plan, watching: &Watching) -> bool {
    plan.apps.iter().all(|app| app.is_over(watching.wait_for_cleanup))
}

/// The same manifests, of which nothing is launched but what this plan shows.
pub fn as_shown(desired: &Desired, plan: &Plan) -> Desired {
    let launches = plan.apps.iter().filter_map(|app| Some((app.app.clone(), app.template.clone()?)));
    Desired { shown: Some(launches.collect()), ..desired.clone() }
}

/// Shows what `look` finds and asks whether to go on, unless the plan `ends` it. Time passes while a question stands: where
/// something else would be done after the answer than before it, that is shown, and asked for again.
///
/// # Errors
/// When AWS cannot be read, the answer is another one than yes, or nobody is there to give it.
pub async fn agreed(
    global: &Global,
    watching: &Watching,
    question: &str,
    ends: &dyn Fn(&Plan) -> bool,
    look: &impl AsyncFn() -> Result<Look, Failure>,
) -> Result<Look, Failure> {
    let mut shown = look().await?;
    loop {
        show(&shown, global)?;
        if watching.yes || ends(&shown.plan) {
            return Ok(shown);
        }
        terminal::confirm(&global.answers, question)?;
        let found = look().await?;
        if json::fingerprint(&found.plan) == json::fingerprint(&shown.plan) {
            return Ok(found);
        }
        terminal::say("\nThings have changed since that was shown; nothing was done yet. This is the plan now:\n");
        shown = found;
    }
}

/// Nothing is begun for a reason; but what has traffic and has not proved itself is watched to its end all the same, and gives
/// its traffic back if it is sick. Where nothing is to be watched, that reason is all there is to say.
async fn watch_alone(
    global: &Global,
    desired: &Desired,
    apps: &Apps,
    watching: &Watching,
    refusal: Failure,
) -> Result<Exit, Failure> {
    let session = Session::open(global, desired).await;
    let look = session.look(desired).await?;
    let now = session.clock.now();
    let named = |app: &&AppPlan| apps.names_none() || apps.apps.contains(&app.app);
    let watched = look.plan.apps.iter().filter(named).filter(|app| app.gives_back() || app.is_watched(now));
    let watched: BTreeSet<AppName> = watched.map(|app| app.app.clone()).collect();
    if watched.is_empty() {
        return Err(refusal);
    }
    let names = watched.iter().map(|app| app.as_str()).collect::<Vec<_>>().join(", ");
    // Said once: it is no less true for what follows.
    terminal::say(&format!(
        "{refusal}\nA release of {names} has traffic and is not recorded: it is watched all the same."
    ));
    if !watching.yes {
        terminal::confirm(&global.answers, &format!("\nWatch {names}, and give the traffic back if it is sick?"))?;
    }
    match watch::converge(&session, desired, &watching.options(Some(watched))).await? {
        Exit::Fine | Exit::Blocked => Ok(refusal.exit),
        exit => Ok(exit),
    }
}

/// Shows a plan before it is carried out.
pub fn show(look: &Look, global: &Global) -> Result<(), Failure> {
    terminal::print(&plan::as_text(look, global, terminal::colour()))
}
