//! `amiable retry`: a release that failed may be tried again.

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::Case;
use super::selection::Environment;
use super::{Global, watch};
use crate::model::action::Tags;
use crate::model::names::AppName;
use crate::model::tags::keys;
use crate::report::history::person;

/// A hash that no template has: what failed with it stands in nobody's way, and is cleared away.
const FORGOTTEN: &str = "0-0";

/// Try a release again that failed or was rolled back
#[derive(Debug, Args)]
pub struct Retry {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    #[command(flatten)]
    watching: Watching,
}

impl Retry {
    /// Forgets the failure, and converges: the next generation is launched from the same template.
    ///
    /// # Errors
    /// When nothing has failed, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        if case.plan.failure.is_none() {
            return Err(Failure::new(format!("no release of {} has failed", case.app.scope))
                .help("`amiable status` shows what goes on, `amiable apply` goes on with it"));
        }
        let groups = case.groups()?;
        let Some(failed) = groups.iter().rev().find(|group| group.owner.failed.is_some()) else {
            return Err(Failure::new(format!("the failed generation of {} is gone", case.app.scope)));
        };
        let reason =
            format!("{} may be tried again, says {}", failed.owner.generation, person(&case.look.observed.caller));
        case.tag(failed, Tags::from([(keys::TEMPLATE_HASH.to_owned(), FORGOTTEN.to_owned())]), reason).await?;
        watch::converge(&case.session, &desired, &case.options(&self.watching)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::launch::TemplateHash;

    #[test]
    fn what_is_forgotten_can_still_be_read() {
        let hash: TemplateHash = FORGOTTEN.parse().unwrap();
        assert_eq!(hash.version, 0, "no template is hashed with this version");
    }
}
