//! Edits of an app's manifest, comments and order kept.

use std::path::PathBuf;

use serde_json::Value;

use super::failure::Failure;
use super::{Global, environments, terminal};
use crate::manifest::edit;
use crate::model::names::{AppName, EnvironmentName};

/// The manifest of an app, being edited.
pub struct Manifest {
    app: AppName,
    path: PathBuf,
    document: usize,
    before: String,
    text: String,
}

impl Manifest {
    /// Finds and reads the manifest of `app`.
    ///
    /// # Errors
    /// When the manifests are wrong, or none describes the app.
    pub fn open(global: &Global, app: &AppName) -> Result<Self, Failure> {
        let fleet = environments::fleet(global)?;
        let location = &fleet.app(app).map_err(environments::refuse)?.location;
        let text = std::fs::read_to_string(&location.path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", location.path.display())))?;
        let (path, document) = (location.path.clone(), location.document);
        Ok(Self { app: app.clone(), path, document, before: text.clone(), text })
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

    /// Writes the manifest, if anything is different.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(self) -> Result<(), Failure> {
        let path = self.path.display();
        if self.text == self.before {
            terminal::say(&format!("{path} says so already"));
            return Ok(());
        }
        edit::write(&self.path, &self.text).map_err(|error| Failure::new(format!("cannot write {path}: {error}")))?;
        terminal::say(&format!("wrote {path}"));
        Ok(())
    }

    fn refuse(&self, error: &edit::EditError) -> Failure {
        Failure::new(format!("{}: {error}", self.path.display()))
    }
}
