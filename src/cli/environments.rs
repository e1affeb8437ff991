//! The manifests that a command works with.

use super::Global;
use super::failure::Failure;
use super::terminal;
use crate::manifest::diagnostic::{Code, Diagnostics};
use crate::manifest::fleet::{self, Fleet};
use crate::manifest::format::{self, Format};
use crate::model::desired::Desired;
use crate::model::names::EnvironmentName;

/// All manifests, checked; warnings are said.
///
/// # Errors
/// When anything is wrong with them; everything that is was said.
pub fn fleet(global: &Global) -> Result<Fleet, Failure> {
    if !global.manifests.exists() {
        return Err(Failure::new(format!("there are no manifests: {} does not exist", global.manifests.display()))
            .help("--manifests names another directory; `amiable init` writes a first manifest"));
    }
    let fleet = fleet::load(std::slice::from_ref(&global.manifests)).map_err(refuse)?;
    say(&fleet.warnings);
    Ok(fleet)
}

/// What is wanted in every environment, by name.
///
/// # Errors
/// As [`fleet`], or when there is no environment.
pub fn load(global: &Global) -> Result<Vec<Desired>, Failure> {
    let fleet = fleet(global)?;
    let all: Result<Vec<Desired>, Diagnostics> = fleet.environments.keys().map(|name| fleet.desired(name)).collect();
    let all = all.map_err(refuse)?;
    if all.is_empty() {
        return Err(Failure::new(format!("no manifest in {} declares an environment", global.manifests.display()))
            .help("write a manifest of kind Environment, with account, region and network"));
    }
    Ok(all)
}

/// The environments that manifests declare.
///
/// # Errors
/// When anything is wrong with the manifests; nothing is said about it.
pub fn names(global: &Global) -> Result<Vec<EnvironmentName>, Diagnostics> {
    Ok(fleet::load(std::slice::from_ref(&global.manifests))?.environments.into_keys().collect())
}

/// Says what is wrong, and fails.
pub fn refuse(findings: Diagnostics) -> Failure {
    say(&findings);
    let (errors, _) = findings.counts();
    Failure::new(match errors {
        _ if findings.iter().any(|finding| finding.code == Code::NoManifests) => {
            "there are no manifests; nothing was done".to_owned()
        }
        1 => "the manifests have an error; nothing was done".to_owned(),
        _ => format!("the manifests have {errors} errors; nothing was done"),
    })
}

fn say(findings: &Diagnostics) {
    if !findings.is_empty() {
        let colour = terminal::stderr_colour();
        terminal::say(format::render(findings, Format::Full, colour).trim_end());
    }
}
