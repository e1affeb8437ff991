//! The manifests that a command works with.

use super::Global;
use super::failure::Failure;
use super::terminal;
use crate::manifest::diagnostic::format::{self, Format};
use crate::manifest::diagnostic::{Code, Diagnostics};
use crate::manifest::fleet::{self, Fleet};
use crate::model::desired::Desired;
use crate::model::names::EnvironmentName;

/// All manifests that are right. What is wrong with others was said; `faults` of the fleet has their names.
///
/// # Errors
/// When there are no manifests at all, or none that could be read.
pub fn fleet(global: &Global) -> Result<Fleet, Failure> {
    if !global.manifests.exists() {
        return Err(Failure::new(format!("there are no manifests: {} does not exist", global.manifests.display()))
            .help("--manifests names another directory; `amiable init NAME --env ENV` writes a first manifest"));
    }
    let (mut fleet, findings) = fleet::survey(std::slice::from_ref(&global.manifests), None);
    if findings.iter().any(|finding| finding.code == Code::NoManifests) {
        return Err(refuse(findings));
    }
    say(&findings);
    if let Some(region) = &global.region {
        let all: Vec<String> =
            fleet.environments.iter().map(|(name, it)| format!("{name} is in {}", it.spec.region)).collect();
        fleet.environments.retain(|_, environment| &environment.spec.region == region);
        if fleet.environments.is_empty() && fleet.faults.is_empty() {
            let known = if all.is_empty() { String::new() } else { format!("{}; ", all.join(", ")) };
            return Err(Failure::new(format!("no environment is in the region {region}"))
                .help(format!("{known}leave out --region, or change `region` in the environment's manifest")));
        }
    }
    Ok(fleet)
}

/// An environment of which nothing can be said, and why.
pub type Unplanned = (EnvironmentName, Failure);

/// What is wanted in the environments whose manifests are right, by name; and for each of the others why nothing is done.
///
/// # Errors
/// As [`fleet`], or when there is no environment.
pub fn load(global: &Global) -> Result<(Vec<Desired>, Vec<Unplanned>), Failure> {
    let fleet = fleet(global)?;
    let all: Result<Vec<Desired>, Diagnostics> = fleet.environments.keys().map(|name| fleet.desired(name)).collect();
    let all = all.map_err(|findings| unknown(&findings))?;
    let mut all = all;
    // What runs there can be told as long as it is known where that is.
    all.extend(fleet.faults.environments.iter().filter_map(|name| fleet.without_its_manifest(name)));
    let broken: Vec<Unplanned> = fleet.faults.environments.iter().map(|name| (name.clone(), broken(name))).collect();
    if all.is_empty() && fleet.faults.unseen {
        return Err(Failure::new("the manifests have errors; nothing was done"));
    }
    if all.is_empty() && broken.is_empty() {
        return Err(Failure::new(format!("no manifest in {} declares an environment", global.manifests.display()))
            .help("write a manifest of kind Environment, with account, region and network; `amiable init NAME --env ENV` writes one to fill in"));
    }
    Ok((all, broken))
}

/// That the manifest of an environment has errors.
pub fn broken(name: &EnvironmentName) -> Failure {
    Failure::new(format!("the manifest of the environment {name} has errors; nothing was done there"))
}

/// What the manifests declare, whether they are right or not; nothing is said about what is wrong.
pub fn survey(global: &Global) -> Fleet {
    let (mut fleet, findings) = fleet::survey(std::slice::from_ref(&global.manifests), None);
    // Where there is nothing at all, nothing is unseen.
    let is_empty = !global.manifests.exists() || findings.iter().any(|finding| finding.code == Code::NoManifests);
    fleet.faults.unseen &= !is_empty;
    fleet
}

/// The failure of a look-up of a name that there is not.
pub fn unknown(findings: &Diagnostics) -> Failure {
    let first = findings.iter().next();
    let failure = Failure::new(first.map(|finding| finding.message.replace('`', "")).unwrap_or_default());
    match first.and_then(|finding| finding.help.as_deref()) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Says what is wrong, and fails.
fn refuse(findings: Diagnostics) -> Failure {
    say(&findings);
    let (errors, _) = findings.counts();
    Failure::new(match errors {
        _ if findings.iter().any(|finding| finding.code == Code::NoManifests) => {
            return Failure::new("there are no manifests; nothing was done")
                .help("`amiable init NAME --env ENV` writes a first one; --manifests names another directory");
        }
        1 => "the manifests have an error; nothing was done".to_owned(),
        _ => format!("the manifests have {errors} errors; nothing was done"),
    })
}

/// Says what was found.
pub fn say(findings: &Diagnostics) {
    if !findings.is_empty() {
        let colour = terminal::stderr_colour();
        terminal::say(format::render(findings, Format::Full, colour).trim_end());
    }
}
