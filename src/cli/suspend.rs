//! `amiable suspend`: stops all work on an app.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, terminal};
use crate::model::names::AppName;
use crate::model::time::{Span, Timestamp};
use crate::plan::intent;

/// Stop all work on an app
///
/// Not even what fails is taken back meanwhile. `suspend` in the manifest says the same and lasts longer.
#[derive(Debug, Args)]
pub struct Suspend {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; shown wherever the app is
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When work goes on by itself: an RFC 3339 time such as 2026-12-01T00:00:00Z, or a span from now such as 2h; without it, at
    /// `amiable resume`
    #[arg(long, value_name = "TIME|SPAN", value_parser = until)]
    until: Option<Until>,
}

/// The end of a suspension.
#[derive(Clone, Copy, Debug)]
enum Until {
    At(Timestamp),
    After(Span),
}

fn until(text: &str) -> Result<Until, String> {
    let at = text.parse().map(Until::At);
    at.ok()
        .or_else(|| text.parse().map(Until::After).ok())
        .ok_or_else(|| "write a time such as 2026-12-01T00:00:00Z, or how long from now on, such as 2h".to_owned())
}

impl Suspend {
    /// Sets the mark.
    ///
    /// # Errors
    /// When nothing of the app runs, the time is past, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        let now = case.session.clock.now();
        let until = self.until.map(|until| match until {
            Until::At(at) => at,
            Until::After(span) => span.after(now),
        });
        if let Some(past) = until.filter(|until| *until <= now) {
            return Err(Failure::usage(format!("--until {past} is in the past")));
        }
        case.decide(intent::suspend(&case.about(&desired, Some(&self.reason)), until), "suspended").await?;
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        terminal::say(&format!("{} is suspended{until}; `amiable resume {}` ends it", case.app.scope, self.app));
        Ok(Exit::Fine)
    }
}
