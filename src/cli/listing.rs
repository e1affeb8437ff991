//! The forms of everything that lists: for people, for programs, and for the shell.

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use super::terminal;
use crate::manifest::read::yaml;

/// The form of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people.
    #[default]
    Table,
    /// The same with every column, and nothing shortened.
    Wide,
    /// For programs.
    Json,
    /// The same as YAML.
    Yaml,
    /// Only the names, a line each.
    Name,
}

impl Listing {
    /// Prints a list in this form: the value as it is, as a table (`true`: the wide one), or as names of which each is told once.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn print<N: ToString>(
        self,
        value: &impl Serialize,
        table: impl FnOnce(bool) -> String,
        names: impl IntoIterator<Item = N>,
    ) -> Result<(), Failure> {
        terminal::print(&self.text(value, table, names)?)
    }

    /// The text of [`Listing::print`].
    ///
    /// # Errors
    /// Never, for plain data.
    pub fn text<N: ToString>(
        self,
        value: &impl Serialize,
        table: impl FnOnce(bool) -> String,
        names: impl IntoIterator<Item = N>,
    ) -> Result<String, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
        match self {
            Listing::Table => Ok(table(false)),
            Listing::Wide => Ok(table(true)),
            Listing::Json => Ok(serde_json::to_string_pretty(value).map_err(|error| failed(&error))? + "\n"),
            // By way of JSON, so that both forms have the same fields.
            Listing::Yaml => {
                let value = serde_json::to_value(value).map_err(|error| failed(&error))?;
                yaml::document(&value).map_err(|error| failed(&error))
            }
            Listing::Name => {
                let mut lines: Vec<String> = Vec::new();
                for name in names {
                    let name = name.to_string();
                    if !lines.contains(&name) {
                        lines.push(name);
                    }
                }
                Ok(lines.iter().map(|line| format!("{line}\n")).collect())
            }
        }
    }

    /// Whether it is for people, who want to know why a list is empty.
    pub fn is_for_people(self) -> bool {
        matches!(self, Listing::Table | Listing::Wide)
    }
}
