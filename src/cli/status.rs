//! `amiable status`: what runs where, and how it is.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;

use super::environments::Unplanned;
use super::exit::Exit;
use super::failure::Failure;
use super::listing::Listing;
use super::selection::{self, Closeness, Environment};
use super::session::Session;
use super::{Global, terminal};
use crate::model::desired::Desired;
use crate::model::names::AppName;
use crate::model::time::Timestamp;
use crate::report::{status, tree};

/// How long a watcher waits between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Puts the cursor of a terminal into its corner, and clears what is below.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Show what runs where; of one app, every generation
#[derive(Debug, Args)]
#[command(mut_arg("env", |arg| arg.help("The environment; without it, all of them")))]
pub struct Status {
    /// The app; one that runs without a manifest, too
    app: Option<AppName>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    closeness: Closeness,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Listing,
    /// Look again every few seconds, until interrupted; off a terminal, print what has changed
    #[arg(short, long)]
    watch: bool,
}

/// What was seen of all environments at once.
#[derive(Default)]
struct Seen {
    rows: Vec<status::Row>,
    trees: Vec<tree::Tree>,
    failures: Vec<Failure>,
    now: Option<Timestamp>,
}

impl Status {
    /// Looks at every environment that is meant. One that cannot be read does not hide the others.
    ///
    /// # Errors
    /// When there are no manifests, or AWS cannot be read.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (mut environments, broken) = self.environment.all(global)?;
        environments.iter_mut().for_each(|desired| desired.deep = self.closeness.deep);
        if let Some(app) = &self.app
            && environments.iter().any(|desired| desired.apps.contains_key(app))
        {
            environments.retain(|desired| desired.apps.contains_key(app));
        }
        let only = self.app.iter().cloned().collect::<BTreeSet<_>>();
        environments.iter_mut().for_each(|desired| desired.chosen = self.app.is_some().then(|| only.clone()));
        let sessions = environments.iter().map(async |desired| (Session::open(global, desired).await, desired));
        let sessions = futures::future::join_all(sessions).await;
        let mut shown = String::new();
        loop {
            let seen = self.look(&sessions).await;
            if let (Some(app), true, true) = (&self.app, seen.trees.is_empty(), seen.failures.is_empty()) {
                return Err(selection::no_such_app(app, &environments.iter().collect::<Vec<_>>()));
            }
            let text = self.text(&seen)?;
            if !self.watch {
                terminal::print(&text)?;
                let broken = broken.into_iter().map(|(_, failure): Unplanned| failure);
                return Failure::all(broken.chain(seen.failures), Exit::Fine);
            }
            if text != shown {
                let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
                terminal::print(&format!("{clear}{text}"))?;
                shown = text;
            }
            seen.failures.iter().for_each(|failure| terminal::say(&failure.to_string()));
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&self, sessions: &[(Session, &Desired)]) -> Seen {
        let looks = sessions.iter().map(async |(session, desired)| session.look(desired).await);
        let mut seen = Seen::default();
        for ((_, desired), look) in sessions.iter().zip(futures::future::join_all(looks).await) {
            match look {
                Ok(look) => {
                    seen.now = Some(look.plan.at);
                    match &self.app {
                        Some(app) => seen.trees.extend(tree::tree(&look.observed, &look.plan, app)),
                        None => seen.rows.extend(status::rows(&look.observed, &look.plan)),
                    }
                }
                Err(failure) => {
                    let message = format!("{} cannot be read: {}", desired.name, failure.message);
                    seen.failures.push(Failure { message, ..failure });
                }
            }
        }
        seen
    }

    fn text(&self, seen: &Seen) -> Result<String, Failure> {
        let Some(now) = seen.now else { return Ok(String::new()) };
        match &self.app {
            Some(_) => {
                let text =
                    |wide| seen.trees.iter().map(|tree| tree::text(tree, now, wide)).collect::<Vec<_>>().join("\n");
                let names = seen.trees.iter().flat_map(|tree| &tree.generations).map(|branch| &branch.generation);
                self.output.text(&seen.trees, text, names)
            }
            None => {
                let names = seen.rows.iter().map(|row| &row.app);
                self.output.text(&seen.rows, |wide| status::table(&seen.rows, now, wide), names)
            }
        }
    }
}
