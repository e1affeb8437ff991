//! `amiable destroy`: deletes everything that an app owns in an environment, after a person has typed its name.

use std::collections::BTreeSet;

use clap::Args;

use super::apply::{self, Watching};
use super::exit::Exit;
use super::failure::Failure;
use super::selection::{self, Apps, Environment};
use super::session::Session;
use super::{Global, terminal, watch};
use crate::controller::converge::Outcome;
use crate::model::names::AppName;
use crate::model::plan::Change;
use crate::report::json;

/// Delete everything that an app owns in an environment
///
/// In order: the DNS name, the traffic, the instances, and then the rest. The manifest stays, and would create the app
/// anew: remove it from there as well.
#[derive(Debug, Args)]
pub struct Destroy {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    watching: Watching,
}

impl Destroy {
    /// Shows what goes, asks for the app's name, and destroys it.
    ///
    /// # Errors
    /// When no manifest deploys the app, nobody confirms, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let mut desired = self.environment.one(global)?;
        let scope = match selection::app(&desired, &self.app) {
            Ok(app) => app.scope.clone(),
            Err(failure) => {
                let orphan = "an app that runs without a manifest is left alone: put its manifest back, `amiable destroy` \
                              it, and remove the manifest again; `amiable status` shows what runs of it";
                let help = failure.help.as_ref().map_or(orphan.to_owned(), |help| format!("{help}; {orphan}"));
                return Err(failure.help(help));
            }
        };
        if let Some(app) = desired.apps.get_mut(&self.app) {
            app.spec.destroy = true;
        }
        let session = Session::open(global, &desired).await;
        let look = async || {
            let mut look = session.look_at(&desired, &self.app).await?;
            Apps { apps: vec![self.app.clone()], labels: Vec::new() }.narrow(&desired, &mut look.plan);
            Ok::<_, Failure>(look)
        };
        let mut shown = look().await?;
        if shown.plan.apps.iter().all(|app| app.is_settled() && app.change == Change::Unchanged) {
            terminal::say(&format!("nothing of {scope} exists in AWS"));
            return Ok(Exit::Fine);
        }
        loop {
            apply::show(&shown, global)?;
            if self.watching.yes {
                break;
            }
            self.confirm(global, &format!("\nEverything of {scope} is deleted. Type its name to go on:"))?;
            // Time passes while a question stands, and what goes is what was shown.
            let found = look().await?;
            if json::fingerprint(&found.plan) == json::fingerprint(&shown.plan) {
                break;
            }
            terminal::say("\nThings have changed since that was shown; nothing was done yet. This is the plan now:\n");
            shown = found;
        }
        let only = BTreeSet::from([self.app.clone()]);
        // Nothing of it may be left, so that its clean-up is the work itself.
        let watching = Watching { wait_for_cleanup: true, ..self.watching };
        let ending = watch::outcome(&session, &desired, &watching.options(Some(only.clone()))).await?;
        if ending.outcome == Outcome::Converged {
            terminal::say(&format!("take {scope} out of the manifests, or `amiable apply` creates it anew"));
        } else {
            watch::conclude(&ending, Some(&only));
        }
        Ok(watch::exit(ending.outcome))
    }

    /// Has a person type the app's name.
    fn confirm(&self, global: &Global, question: &str) -> Result<(), Failure> {
        match terminal::ask(&global.answers, question)? {
            Some(answer) if answer == self.app.as_str() => Ok(()),
            Some(_) => Err(Failure::declined("that is not its name; nothing was changed")),
            None => Err(Failure::usage("nobody is at the terminal to type the app's name")
                .help("add --yes to destroy it without a question")),
        }
    }
}
