//! Which apps of which environments a command is about.

use std::collections::BTreeSet;

use clap::Args;

use super::Global;
use super::environments::{self, Unplanned};
use super::failure::Failure;
use crate::manifest::diagnostic::closest;
use crate::manifest::fleet::Fleet;
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::{AppName, EnvironmentName};
use crate::model::plan::Plan;

/// The environment that a command is about.
#[derive(Clone, Debug, Args)]
pub struct Environment {
    /// The environment; it may be left out when the manifests hold just one
    #[arg(long, value_name = "NAME", env = "AMIABLE_ENV")]
    pub env: Option<EnvironmentName>,
}

/// How closely a command looks.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Closeness {
    /// Compare what AWS tells only group by group, too: lifecycle hooks, scaling policies and scheduled actions that were
    /// changed by hand
    #[arg(long)]
    pub deep: bool,
}

/// Apps by name and label.
#[derive(Clone, Debug, Args)]
pub struct Apps {
    /// Only these apps
    #[arg(value_name = "APP")]
    pub apps: Vec<AppName>,
    /// Only apps with this label; may be given several times, and then all must match
    #[arg(short = 'l', long = "label", value_name = "LABEL=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write label=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Environment {
    /// The one of these environments that is meant.
    ///
    /// # Errors
    /// When there is no such environment, or none is named and there are several.
    pub fn pick<'n>(&self, names: impl Iterator<Item = &'n EnvironmentName>) -> Result<&'n EnvironmentName, Failure> {
        let names: Vec<&EnvironmentName> = names.collect();
        let list = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        match (&self.env, names.as_slice()) {
            (Some(name), names) => names.iter().copied().find(|known| *known == name).ok_or_else(|| {
                let like = closest(name.as_str(), names.iter().map(|known| known.as_str()));
                let like = like.map(|like| format!("did you mean --env {like}? ")).unwrap_or_default();
                Failure::new(format!("no manifest declares the environment {name}"))
                    .help(format!("{like}the manifests declare: {list}"))
            }),
            (None, [one]) => Ok(one),
            (None, _) => {
                Err(Failure::usage("which environment is meant?").help(format!("add --env with one of: {list}")))
            }
        }
    }

    /// What is wanted in the one environment that is meant.
    ///
    /// # Errors
    /// When there are no manifests, that of the environment does not even tell its region and account, or as
    /// [`Environment::pick`].
    pub fn one(&self, global: &Global) -> Result<Desired, Failure> {
        let fleet = environments::fleet(global)?;
        let name = self.named(&fleet)?;
        if fleet.faults.environments.contains(&name) {
            // What was found in its manifest was said. Brakes must not depend on what is broken.
            return fleet.without_its_manifest(&name).ok_or_else(|| environments::broken(&name));
        }
        fleet.desired(&name).map_err(|findings| environments::unknown(&findings))
    }

    /// The one environment that is meant, of those whose manifests are right.
    ///
    /// # Errors
    /// As [`Environment::one`].
    pub fn known(&self, fleet: &Fleet) -> Result<EnvironmentName, Failure> {
        let name = self.named(fleet)?;
        if fleet.faults.environments.contains(&name) { Err(environments::broken(&name)) } else { Ok(name) }
    }

    /// The one environment that is meant, whether its manifest is right or not.
    fn named(&self, fleet: &Fleet) -> Result<EnvironmentName, Failure> {
        let broken = &fleet.faults.environments;
        let all: BTreeSet<&EnvironmentName> = fleet.environments.keys().chain(broken).collect();
        if all.is_empty() && fleet.faults.unseen {
            return Err(Failure::new("the manifests have errors; nothing was done"));
        }
        self.pick(all.into_iter()).cloned()
    }

    /// What is wanted in the environment that is named, or in all of them; and why nothing is said of some of these.
    ///
    /// # Errors
    /// When there are no manifests, or there is no such environment.
    pub fn all(&self, global: &Global) -> Result<(Vec<Desired>, Vec<Unplanned>), Failure> {
        match self.env {
            Some(_) => Ok((vec![self.one(global)?], Vec::new())),
            None => environments::load(global),
        }
    }
}

/// The app of this name in an environment.
///
/// # Errors
/// When no manifest deploys it there, or its manifest has errors.
pub fn app<'a>(desired: &'a Desired, name: &AppName) -> Result<&'a DesiredApp, Failure> {
    desired.apps.get(name).ok_or_else(|| no_such_app(name, &[desired]))
}

/// That no manifest deploys an app to any of these environments, as far as that can be told.
pub fn no_such_app(name: &AppName, environments: &[&Desired]) -> Failure {
    if environments.iter().any(|desired| desired.left_out.apps.contains(name)) {
        return Failure::new(format!("the manifest of {name} has errors; nothing was done"));
    }
    let places: Vec<String> = environments.iter().map(|desired| desired.name.to_string()).collect();
    if environments.iter().any(|desired| desired.left_out.unseen) {
        return Failure::new(format!("no manifest that can be read deploys {name} to {}", places.join(" or ")));
    }
    let failure = Failure::new(format!("no manifest deploys {name} to {}", places.join(" or ")));
    let known = environments.iter().flat_map(|desired| desired.apps.keys());
    let distance = |known: &&AppName| strsim::damerau_levenshtein(known.as_str(), name.as_str());
    match known.min_by_key(distance).filter(|known| distance(known) <= 2) {
        Some(known) => failure.help(format!("did you mean {known}?")),
        None => {
            let known = environments.iter().flat_map(|desired| desired.apps.keys());
            let known: BTreeSet<&str> = known.map(|known| known.as_str()).collect();
            match known.len() {
                0 => {
                    failure.help(format!("no app is deployed there; `amiable init {name} --env ENV` writes a manifest"))
                }
                1..=MOST_NAMES => {
                    failure.help(format!("the manifests deploy: {}", known.into_iter().collect::<Vec<_>>().join(", ")))
                }
                _ => failure.help("`amiable status` lists the apps"),
            }
        }
    }
}

/// The most apps that are named as those that there are.
const MOST_NAMES: usize = 12;

/// How many labels are named as those that there are.
const MOST_LABELS: usize = 20;

impl Apps {
    /// Whether all apps are meant.
    pub fn is_all(&self) -> bool {
        self.apps.is_empty() && self.labels.is_empty()
    }

    /// Whether no app is named: then a manifest that cannot be read may be of one that is meant.
    pub fn names_none(&self) -> bool {
        self.apps.is_empty()
    }

    /// Makes sure that every app that is named exists in one of the environments, and that some app is meant.
    ///
    /// # Errors
    /// When one does not, or none has the labels.
    pub fn check(&self, environments: &[&Desired]) -> Result<(), Failure> {
        for name in &self.apps {
            if !environments.iter().any(|desired| desired.apps.contains_key(name)) {
                return Err(no_such_app(name, environments));
            }
        }
        let any = environments.iter().any(|desired| desired.apps.keys().any(|name| self.contains(desired, name)));
        if self.labels.is_empty() || any {
            return Ok(());
        }
        let wanted = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" and ");
        let wanted = if self.labels.len() > 1 { format!("labels {wanted}") } else { format!("label {wanted}") };
        let which = if self.apps.is_empty() { "no app" } else { "none of the apps" };
        let labels = environments.iter().flat_map(|desired| desired.apps.values()).flat_map(|app| &app.labels);
        let known: BTreeSet<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
        let known = match known.len() {
            0 => "no app has any label".to_owned(),
            _ => format!("known: {}", known.into_iter().take(MOST_LABELS).collect::<Vec<_>>().join(", ")),
        };
        Err(Failure::new(format!("{which} has the {wanted}")).help(known))
    }

    /// Whether an app is meant.
    pub fn contains(&self, desired: &Desired, name: &AppName) -> bool {
        if self.is_all() {
            return true;
        }
        let named = self.apps.is_empty() || self.apps.contains(name);
        // An app without a manifest that can be read has no labels.
        let labels = desired.apps.get(name).map(|app| &app.labels);
        let matches = |(key, value): &(String, String)| labels.is_some_and(|labels| labels.get(key) == Some(value));
        named && self.labels.iter().all(matches)
    }

    /// The apps that are meant of an environment, so that only they are planned and only what they need is read; `None`: all.
    pub fn chosen(&self, desired: &Desired) -> Option<BTreeSet<AppName>> {
        let named = self.apps.iter().chain(desired.apps.keys()).filter(|name| self.contains(desired, name));
        (!self.is_all()).then(|| named.cloned().collect())
    }

    /// Takes everything else out of a plan.
    pub fn narrow(&self, desired: &Desired, plan: &mut Plan) {
        plan.apps.retain(|app| self.contains(desired, &app.app));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(env: Option<&str>, names: &[&str]) -> Result<String, String> {
        let names: Vec<EnvironmentName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let environment = Environment { env: env.map(|name| name.parse().unwrap()) };
        environment.pick(names.iter()).map(ToString::to_string).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_environment_may_be_left_out_when_there_is_just_one() {
        assert_eq!(pick(None, &["prod"]), Ok("prod".to_owned()));
        assert_eq!(pick(Some("test"), &["prod", "test"]), Ok("test".to_owned()));
        let several = pick(None, &["prod", "test"]).unwrap_err();
        assert_eq!(several, "error: which environment is meant?\nhelp: add --env with one of: prod, test");
        let slip = pick(Some("tset"), &["prod", "test"]).unwrap_err();
        assert!(slip.ends_with("\nhelp: did you mean --env test? the manifests declare: prod, test"), "{slip}");
        let other = pick(Some("live"), &["prod", "test"]).unwrap_err();
        assert!(other.ends_with("\nhelp: the manifests declare: prod, test"), "{other}");
    }
}
