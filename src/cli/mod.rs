//! The command line: one file per command, exit codes and failures in one place each.
//!
//! - [`exit`]: exit codes
//! - [`failure`]: why a command failed, and what to do next
//! - [`terminal`]: stdout, stderr, colour, questions
//! - [`environments`]: the manifests that a command works with
//! - [`selection`]: which apps of which environments it is about
//! - [`session`]: the way to AWS, and one look at it
//! - [`listing`]: the forms of everything that lists
//! - [`edit`]: edits of an app's manifest
//! - [`watch`]: converging, and how it goes
//! - [`operator`]: what an operator tells the planner

pub mod abort;
pub mod apply;
pub mod completions;
pub mod demo;
pub mod deploy;
pub mod destroy;
pub mod edit;
pub mod environments;
pub mod events;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod history;
pub mod image;
pub mod init;
pub mod listing;
pub mod operator;
pub mod pause;
pub mod pin;
pub mod plan;
pub mod promote;
pub mod render;
pub mod resume;
pub mod retry;
pub mod rollback;
pub mod schema;
pub mod selection;
pub mod session;
pub mod sim;
pub mod status;
pub mod suspend;
pub mod terminal;
pub mod unpin;
pub mod validate;
pub mod watch;

use std::ffi::OsString;
use std::future::Future;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::sim::Simulation;
use exit::Exit;
use failure::Failure;
use terminal::{Answers, Colour};

/// Immutable-server deployments on AWS, declared in YAML and reconciled.
#[derive(Debug, Parser)]
#[command(name = "amiable", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 fine; 1 error; 2 changes pending (plan --detailed-exitcode); 3 blocked; \
    4 a release failed or was rolled back; 5 waited too long; 64 usage; 130 interrupted.")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The directory with the manifests
    #[arg(long, global = true, value_name = "DIR", default_value = "manifests", env = "AMIABLE_MANIFESTS")]
    pub manifests: PathBuf,
    /// The AWS profile to take credentials from
    #[arg(long, global = true, value_name = "NAME", help_heading = "AWS")]
    pub profile: Option<String>,
    /// Only environments of this AWS region; each has its own from its manifest
    #[arg(long, global = true, value_name = "REGION", help_heading = "AWS")]
    pub region: Option<String>,
    /// Another address for all AWS calls, like AWS_ENDPOINT_URL
    #[arg(long, global = true, value_name = "URL", help_heading = "AWS")]
    pub endpoint_url: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Colour,
    /// Show every planned call with its reason, and the calls that were made
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub verbose: bool,
    /// A simulated AWS within the process, which the demonstration works on.
    #[arg(skip)]
    pub within: Option<Simulation>,
    /// Who answers questions.
    #[arg(skip)]
    pub answers: Answers,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Deploy(deploy::Deploy),
    Image(image::Image),
    Validate(validate::Validate),
    Render(render::Render),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Status(status::Status),
    History(history::History),
    Events(events::Events),
    Rollback(rollback::Rollback),
    Promote(promote::Promote),
    Abort(abort::Abort),
    Retry(retry::Retry),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Suspend(suspend::Suspend),
    Pin(pin::Pin),
    Unpin(unpin::Unpin),
    Destroy(destroy::Destroy),
    Sim(sim::Sim),
    Schema(schema::Schema),
    Explain(explain::Explain),
    Demo(demo::Demo),
    Completions(completions::Completions),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    run(std::env::args_os()).into()
}

/// Runs the program with `arguments`, of which the first is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Fine };
            // Nothing is left to do when not even help can be printed.
            drop(error.print());
            return exit;
        }
    };
    cli.global.color.apply();
    log();
    match block_on(dispatch(cli.command, &cli.global)) {
        Ok(exit) => exit,
        Err(failure) => {
            let paint = terminal::paint();
            let text = failure.to_string();
            let text =
                text.strip_prefix("error:").map_or(text.clone(), |rest| format!("{}{rest}", paint.red("error:")));
            terminal::say(&text);
            failure.exit
        }
    }
}

/// Runs a command on a simulated AWS within this process, as if it had been typed: `line` is what follows the program's name.
///
/// # Errors
/// Why the command failed.
pub async fn typed(simulation: &Simulation, answers: Answers, line: &[OsString]) -> Result<Exit, Failure> {
    let arguments = std::iter::once(OsString::from("amiable")).chain(line.iter().cloned());
    let mut cli = Cli::try_parse_from(arguments).map_err(|error| Failure::usage(error.to_string()))?;
    cli.global.within = Some(simulation.clone());
    cli.global.answers = answers;
    Box::pin(dispatch(cli.command, &cli.global)).await
}

async fn dispatch(command: Command, global: &Global) -> Result<Exit, Failure> {
    match command {
        Command::Init(command) => command.run(global),
        Command::Deploy(command) => command.run(global).await,
        Command::Image(command) => command.run(global),
        Command::Validate(command) => command.run(global),
        Command::Render(command) => command.run(global),
        Command::Plan(command) => stoppable(command.run(global)).await,
        Command::Apply(command) => command.run(global).await,
        Command::Status(command) => stoppable(command.run(global)).await,
        Command::History(command) => stoppable(command.run(global)).await,
        Command::Events(command) => stoppable(command.run(global)).await,
        Command::Rollback(command) => command.run(global).await,
        Command::Promote(command) => command.run(global).await,
        Command::Abort(command) => command.run(global).await,
        Command::Retry(command) => command.run(global).await,
        Command::Pause(command) => command.run(global).await,
        Command::Resume(command) => command.run(global).await,
        Command::Suspend(command) => command.run(global).await,
        Command::Pin(command) => command.run(global).await,
        Command::Unpin(command) => command.run(global).await,
        Command::Destroy(command) => command.run(global).await,
        Command::Sim(command) => command.run().await,
        // Boxed, because the demonstration runs commands, which makes this future part of its own.
        Command::Demo(command) => Box::pin(stoppable(command.run())).await,
        Command::Schema(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}

/// Logs go to stderr, as much as `AMIABLE_LOG` asks for.
fn log() {
    let filter = EnvFilter::try_from_env("AMIABLE_LOG").unwrap_or_else(|_| EnvFilter::new("error,amiable=warn"));
    let ansi = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    // Where a test has set its own already, that one stays.
    drop(builder.try_init());
}

/// Runs a command to its end.
fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(work);
    // A name that is still being looked up must not hold the program.
    runtime.shutdown_background();
    result
}

/// Work that may be dropped at any point: an interrupt ends it at once.
async fn stoppable(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    tokio::select! {
        result = work => result,
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn exit(arguments: &[&str]) -> Exit {
        run(std::iter::once("amiable").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_command_line_ends_with_64_and_help_with_0() {
        assert_eq!(exit(&["no-such-command"]), Exit::Usage);
        assert_eq!(exit(&["schema", "--no-such-flag"]), Exit::Usage);
        assert_eq!(exit(&["--help"]), Exit::Fine);
        assert_eq!(exit(&["--version"]), Exit::Fine);
    }
}
