//! `amiable plan`: what there is to do, against AWS as it is, without doing it.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::environments::Unplanned;
use super::exit::Exit;
use super::failure::Failure;
use super::selection::{Apps, Closeness, Environment};
use super::session::{Look, Session};
use super::{Global, terminal};
use crate::model::desired::Desired;
use crate::model::plan::{self, Summary};
use crate::report::{github, json, markdown, text};

/// Show what `apply` would do, and change nothing
#[derive(Debug, Args)]
#[command(mut_arg("env", |arg| arg.help("The environment; without it, all of them")))]
pub struct Plan {
    #[command(flatten)]
    apps: Apps,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    closeness: Closeness,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Write the plan as JSON to a file, too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// End with 2 when there are changes, and with 3 when everything that is left is blocked or what serves is sick
    #[arg(long)]
    detailed_exitcode: bool,
}

/// The form of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: see `amiable schema plan`.
    Json,
    /// For a pull request.
    Markdown,
    /// Annotations of GitHub Actions, and the Markdown into the summary of the job.
    Github,
}

impl Plan {
    /// Plans every environment that is meant. One that cannot be planned does not hide the others.
    ///
    /// # Errors
    /// When the manifests are wrong, or the outcome cannot be written.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (mut environments, mut failures) = self.environment.all(global)?;
        for desired in &mut environments {
            desired.deep = self.closeness.deep;
            // What is named is looked at closely.
            desired.chosen = self.apps.chosen(desired);
        }
        self.apps.check(&environments.iter().collect::<Vec<_>>())?;
        environments.iter_mut().for_each(|desired| desired.chosen = self.apps.chosen(desired));
        let looks = environments.iter().map(|desired| look(global, desired));
        let mut found = Vec::new();
        for (desired, look) in environments.iter().zip(futures::future::join_all(looks).await) {
            match look {
                Ok(mut look) => {
                    self.apps.narrow(desired, &mut look.plan);
                    found.push(look);
                }
                Err(failure) => {
                    let message = format!("{} cannot be planned: {}", desired.name, failure.message);
                    failures.push((desired.name.clone(), Failure { message, ..failure }));
                }
            }
        }
        let several = found.len() + failures.len() > 1;
        self.show(&found, &failures, several, global)?;
        let exit = exit(found.iter().map(|look| look.plan.summary()), self.detailed_exitcode);
        Failure::all(failures.into_iter().map(|(_, failure)| failure), exit)
    }

    /// `several`: whether it was asked about several environments, which decides the form and not how many could be planned.
    fn show(&self, looks: &[Look], failures: &[Unplanned], several: bool, global: &Global) -> Result<(), Failure> {
        if looks.is_empty() && !several {
            return Ok(());
        }
        let plans: Vec<&plan::Plan> = looks.iter().map(|look| &look.plan).collect();
        if let Some(path) = &self.out {
            let text = as_json(&plans, failures, several)?;
            std::fs::write(path, text)
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
        }
        match self.output {
            Output::Text => {
                let colour = terminal::colour();
                let texts: Vec<String> = looks.iter().map(|look| as_text(look, global, colour)).collect();
                terminal::print(&texts.join("\n"))
            }
            Output::Json => terminal::print(&as_json(&plans, failures, several)?),
            Output::Markdown => terminal::print(&markdown::plans(&plans)),
            Output::Github => {
                summarise(&plans)?;
                terminal::print(&github::annotations(&plans))
            }
        }
    }
}

async fn look(global: &Global, desired: &Desired) -> Result<Look, Failure> {
    Session::open(global, desired).await.look(desired).await
}

/// A look as text for the terminal.
pub fn as_text(look: &Look, global: &Global, colour: bool) -> String {
    let options =
        text::Options { colour, verbose: global.verbose, calls: Some(&look.calls), elapsed: Some(look.elapsed) };
    text::plan(&look.plan, &options)
}

fn as_json(plans: &[&plan::Plan], failures: &[Unplanned], several: bool) -> Result<String, Failure> {
    let text = match plans {
        [one] if !several => serde_json::to_string_pretty(&json::document(one)),
        all => {
            let failures = failures.iter().map(|(environment, failure)| json::Unplanned {
                environment: environment.clone(),
                message: failure.message.clone(),
                help: failure.help.clone(),
            });
            serde_json::to_string_pretty(&json::list(all, failures.collect()))
        }
    };
    Ok(text.map_err(|error| Failure::new(error.to_string()))? + "\n")
}

/// Appends the plans to the summary of the job, where GitHub Actions says where that is.
fn summarise(plans: &[&plan::Plan]) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(markdown::plans(plans).as_bytes()))
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// The exit code for plans with these numbers.
fn exit(summaries: impl Iterator<Item = Summary>, detailed: bool) -> Exit {
    let (mut errors, mut changes, mut blocked) = (0, 0, 0);
    for summary in summaries {
        errors += summary.error;
        changes += summary.create + summary.update + summary.replace + summary.delete + summary.drift;
        blocked += summary.blocked + summary.sick;
    }
    match () {
        () if errors > 0 => Exit::Error,
        () if detailed && changes > 0 => Exit::Pending,
        () if detailed && blocked > 0 => Exit::Blocked,
        () => Exit::Fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_what_is_left_to_do() {
        let quiet = Summary { unchanged: 3, orphaned: 1, ..Summary::default() };
        let changed = Summary { replace: 1, ..Summary::default() };
        let blocked = Summary { blocked: 1, ..Summary::default() };
        let sick = Summary { unchanged: 1, sick: 1, ..Summary::default() };
        let broken = Summary { error: 1, replace: 1, ..Summary::default() };
        let detailed = |summaries: &[Summary]| exit(summaries.iter().copied(), true);
        assert_eq!(detailed(&[quiet]), Exit::Fine);
        assert_eq!(detailed(&[quiet, changed, blocked]), Exit::Pending);
        assert_eq!(detailed(&[quiet, blocked]), Exit::Blocked);
        assert_eq!(detailed(&[quiet, sick]), Exit::Blocked);
        assert_eq!(detailed(&[quiet, broken]), Exit::Error);
        assert_eq!(exit([changed, blocked].into_iter(), false), Exit::Fine);
    }
}
