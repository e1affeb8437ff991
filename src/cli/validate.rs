//! `amiable validate`: whether the manifests are right, without a look at AWS.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::{Global, terminal};
use crate::manifest::diagnostic::format::{self, Format};
use crate::manifest::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::fleet::{self, Fleet};
use crate::manifest::source::Location;
use crate::report::words;

/// Check the manifests, offline
#[derive(Debug, Args)]
pub struct Validate {
    /// Files or directories, instead of all of --manifests; those of it are checked together with the rest
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form: full, concise, json, github or sarif
    #[arg(short, long, value_name = "FORM", default_value_t)]
    output: Format,
}

impl Validate {
    /// Prints every finding, and ends with 1 when one is an error.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (fleet, findings) = self.survey(global);
        let of_these = |location: &Location| self.paths.is_empty() || self.holds(&location.path);
        let apps = fleet.apps.values().filter(|app| of_these(&app.location)).count();
        let environments = fleet.environments.values().filter(|one| of_these(&one.location)).count();
        terminal::print(&format::render(&findings, self.output, terminal::colour()))?;
        let (errors, warnings) = findings.counts();
        match self.output {
            Format::Full | Format::Concise if errors + warnings == 0 => {
                let environments = words::counted(environments, "environment");
                terminal::say(&format!("{} and {environments}: fine", words::apps(apps)));
            }
            // The full form ends with its own count.
            Format::Concise => {
                let (errors, warnings) = (words::counted(errors, "error"), words::counted(warnings, "warning"));
                terminal::say(&format!("{errors}, {warnings}"));
            }
            _ => {}
        }
        Ok(if findings.has_errors() { Exit::Error } else { Exit::Fine })
    }

    /// Reads what is to be checked. Files of the directory with the manifests are checked as parts of it, so that what they
    /// name elsewhere in it is there; what is wrong elsewhere is not said.
    fn survey(&self, global: &Global) -> (Fleet, Diagnostics) {
        if self.paths.is_empty() {
            return fleet::survey(std::slice::from_ref(&global.manifests), None);
        }
        let within = |path: &PathBuf| contains(&global.manifests, path);
        if !self.paths.iter().all(within) {
            return fleet::survey(&self.paths, None);
        }
        // A file that was named is read, whatever it is called; none is read twice.
        let named = self.paths.iter().filter(|path| !path.is_dir()).cloned();
        let all: Vec<PathBuf> = std::iter::once(global.manifests.clone()).chain(named).collect();
        let (fleet, findings) = fleet::survey(&all, None);
        let mut own = Diagnostics::default();
        own.extend(findings.iter().filter(|finding| self.concerns(finding)).cloned());
        (fleet, own)
    }

    /// Whether a finding is about one of the files that were named, or about none at all.
    fn concerns(&self, finding: &Diagnostic) -> bool {
        let mut places = finding.place.iter().chain(finding.related.iter().map(|(place, _)| place));
        finding.place.is_none() || places.any(|place| self.holds(&place.file.path))
    }

    fn holds(&self, file: &Path) -> bool {
        self.paths.iter().any(|path| contains(path, file))
    }
}

/// Whether `inner` is `outer` or lies in it, links resolved.
fn contains(outer: &Path, inner: &Path) -> bool {
    match (outer.canonicalize(), inner.canonicalize()) {
        (Ok(outer), Ok(inner)) => inner.starts_with(outer),
        _ => false,
    }
}
