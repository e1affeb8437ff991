//! `amiable status`: what runs where, and how it is.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::history::Output;
use super::selection::{self, Closeness, Environment};
use super::session::Session;
use super::{Global, terminal};
use crate::model::names::AppName;
use crate::report::{status, tree};

/// Show what runs where; of one app, every generation
#[derive(Debug, Args)]
#[command(mut_arg("env", |arg| arg.help("The environment; without it, all of them")))]
pub struct Status {
    /// The app
    app: Option<AppName>,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    closeness: Closeness,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Status {
    /// Looks at every environment that is meant. One that cannot be read does not hide the others.
    ///
    /// # Errors
    /// When the manifests are wrong, or AWS cannot be read.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (mut environments, mut failures) = self.environment.all(global)?;
        environments.iter_mut().for_each(|desired| desired.deep = self.closeness.deep);
        if let Some(app) = &self.app {
            selection::Apps { apps: vec![app.clone()], labels: Vec::new() }
                .check(&environments.iter().collect::<Vec<_>>())?;
            environments.retain(|desired| desired.apps.contains_key(app));
        }
        let looks = environments.iter().map(async |desired| Session::open(global, desired).await.look(desired).await);
        let mut rows = Vec::new();
        let mut trees = Vec::new();
        let mut now = None;
        for (desired, look) in environments.iter().zip(futures::future::join_all(looks).await) {
            match look {
                Ok(look) => {
                    now = Some(look.plan.at);
                    match &self.app {
                        Some(app) => trees.extend(tree::tree(&look.observed, &look.plan, app)),
                        None => rows.extend(status::rows(&look.observed, &look.plan)),
                    }
                }
                Err(failure) => {
                    let message = format!("{} cannot be read: {}", desired.name, failure.message);
                    failures.push(Failure { message, ..failure });
                }
            }
        }
        if let Some(now) = now {
            match (self.output, &self.app) {
                (Output::Json, Some(_)) => terminal::print_json(&trees)?,
                (Output::Json, None) => terminal::print_json(&rows)?,
                (Output::Table, Some(_)) => {
                    let texts: Vec<String> = trees.iter().map(|tree| tree::text(tree, now)).collect();
                    terminal::print(&texts.join("\n"))?;
                }
                (Output::Table, None) => terminal::print(&status::table(&rows, now))?,
            }
        }
        let Some(last) = failures.pop() else { return Ok(Exit::Fine) };
        for failure in failures {
            terminal::say(&failure.to_string());
        }
        Err(last)
    }
}
