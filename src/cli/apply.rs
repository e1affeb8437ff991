//! `amiable apply`: makes AWS as the manifests say, and shows how it goes.

use std::collections::BTreeSet;

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::selection::{Apps, Closeness, Environment};
use super::session::{Look, Session};
use super::{Global, plan, terminal, watch};
use crate::controller::converge::{Options, Outcome};
use crate::model::desired::Desired;
use crate::model::time::Span;

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
        self.apps.check(&[&desired])?;
        if self.apps.names_none() && !desired.left_out.is_empty() {
            return Err(Failure::new("the manifests have errors; nothing was done")
                .help("name the apps that are meant, and those whose manifests are right are applied"));
        }
        apply(global, &desired, &self.apps, &self.watching).await
    }
}

/// Shows what there is to do about `apps`, asks, and does it.
pub async fn apply(global: &Global, desired: &Desired, apps: &Apps, watching: &Watching) -> Result<Exit, Failure> {
    let session = Session::open(global, desired).await;
    let mut look = session.look(desired).await?;
    apps.narrow(desired, &mut look.plan);
    show(&look, global)?;
    if look.plan.apps.iter().all(|app| app.is_over(watching.wait_for_cleanup)) {
        return Ok(watch::exit(Outcome::of(&look.plan.apps.iter().collect::<Vec<_>>(), watching.wait_for_cleanup)));
    }
    if !watching.yes {
        terminal::confirm(&format!("\nApply to {}?", desired.name))?;
    }
    let only = (!apps.is_all()).then(|| look.plan.apps.iter().map(|app| app.app.clone()).collect());
    watch::converge(&session, desired, &watching.options(only)).await
}

/// Shows a plan before it is carried out.
pub fn show(look: &Look, global: &Global) -> Result<(), Failure> {
    terminal::print(&plan::as_text(look, global, terminal::colour()))
}
