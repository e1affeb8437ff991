//! Edits of an app's manifest, comments and order kept.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::failure::Failure;
use super::{Global, environments, terminal};
use crate::manifest::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::manifest::edit;
use crate::manifest::fleet::{self, Fleet};
use crate::model::names::{AppName, EnvironmentName};

/// The manifest of an app, being edited.
pub struct Manifest {
    app: AppName,
    manifests: PathBuf,
    path: PathBuf,
    document: usize,
    before: String,
    text: String,
}

impl Manifest {
    /// Finds and reads the manifest of `app`, which may have errors that the edit is to mend.
    ///
    /// # Errors
    /// When no manifest that can be read describes the app.
    pub fn open(global: &Global, fleet: &Fleet, app: &AppName) -> Result<Self, Failure> {
        let location = match (fleet.faults.apps.get(app), fleet.faults.unseen) {
            (Some(faulty), _) => &faulty.location,
            (None, true) if !fleet.apps.contains_key(app) => {
                return Err(Failure::new(format!("no manifest that can be read describes {app}")));
            }
            _ => &fleet.app(app).map_err(|findings| environments::unknown(&findings))?.location,
        };
        let text = std::fs::read_to_string(&location.path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", location.path.display())))?;
        let (path, document) = (location.path.clone(), location.document);
        Ok(Self { app: app.clone(), manifests: global.manifests.clone(), path, document, before: text.clone(), text })
    }

    /// Sets the image: for one environment, or for all that do not set their own.
    ///
    /// # Errors
    /// When it is no image, the app is not deployed there, or the text cannot be edited safely.
    pub fn set_image(&mut self, environment: Option<&EnvironmentName>, image: &str) -> Result<(), Failure> {
        self.text = edit::set_image(&self.text, &self.app, environment, image).map_err(|error| self.refuse(&error))?;
        Ok(())
    }

    /// Sets one field for one environment.
    ///
    /// # Errors
    /// When the text cannot be edited safely.
    pub fn set(&mut self, environment: &EnvironmentName, path: &[&str], value: Value) -> Result<(), Failure> {
        let path = [&["environments", environment.as_str()], path].concat();
        self.text = edit::set(&self.text, self.document, &path, &value).map_err(|error| self.refuse(&error))?;
        Ok(())
    }

    /// The manifests as they are after the edit; refused when the app's would have errors, for nothing could be deployed.
    ///
    /// # Errors
    /// When it would; what they are was said.
    pub fn sound(&self) -> Result<Fleet, Failure> {
        let (fleet, findings) = self.survey(&self.text);
        if fleet.apps.contains_key(&self.app) {
            return Ok(fleet);
        }
        let added = self.added(&findings);
        if !added.is_empty() {
            return Err(self.unsound(added));
        }
        // They were said when the manifests were read.
        Err(Failure::new(format!(
            "{} has errors, and the edit does not mend them; nothing was written",
            self.path.display()
        ))
        .help("mend what is shown above; `amiable validate` shows it again"))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything is different.
    pub fn is_changed(&self) -> bool {
        self.text != self.before
    }

    /// Makes sure that no error would be added. Those that it has may stay.
    ///
    /// # Errors
    /// When one would be; which, was said.
    pub fn check(&self) -> Result<(), Failure> {
        let (_, findings) = self.survey(&self.text);
        let added = self.added(&findings);
        if added.is_empty() { Ok(()) } else { Err(self.unsound(added)) }
    }

    /// The errors among `findings` that the edit adds to those that were there.
    fn added(&self, findings: &Diagnostics) -> Diagnostics {
        let (_, known) = self.survey(&self.before);
        let is_new = |finding: &&Diagnostic| {
            let same = |old: &Diagnostic| (old.code, &old.message) == (finding.code, &finding.message);
            finding.severity == Severity::Error && !known.iter().any(same)
        };
        let mut added = Diagnostics::default();
        added.extend(findings.iter().filter(is_new).cloned());
        added
    }

    /// Writes the manifest, if anything is different. Errors that it has may stay, but none may be added.
    ///
    /// # Errors
    /// When one would be, or it cannot be written.
    pub fn save(self) -> Result<(), Failure> {
        let path = self.path.display();
        if !self.is_changed() {
            terminal::say(&format!("{path} has that already, so that there is nothing to write"));
            return Ok(());
        }
        if std::fs::read_to_string(&self.path).ok().as_ref() != Some(&self.before) {
            return Err(Failure::new(format!("{path} has changed since it was read; nothing was written"))
                .help("run the command again"));
        }
        self.check()?;
        edit::write(&self.path, &self.text).map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
        terminal::say(&format!("wrote {path}"));
        Ok(())
    }

    /// All manifests with this one as `text`.
    fn survey(&self, text: &str) -> (Fleet, Diagnostics) {
        fleet::survey(std::slice::from_ref(&self.manifests), Some((&self.path, text)))
    }

    fn unsound(&self, findings: Diagnostics) -> Failure {
        environments::say(&findings);
        Failure::new(format!("{} would have errors; nothing was written", self.path.display()))
    }

    fn refuse(&self, error: &edit::EditError) -> Failure {
        Failure::new(format!("{}: {error}", self.path.display()))
    }
}
