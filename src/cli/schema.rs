//! `amiable schema`: the JSON Schema of manifests and of plans.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::failure::Failure;
use super::terminal;
use crate::manifest::schema;
use crate::report::json;

/// Print a JSON Schema, for editors and other programs
#[derive(Debug, Args)]
pub struct Schema {
    /// Of what
    #[arg(value_enum, default_value_t = Of::App)]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// A manifest of kind `App`
    App,
    /// A manifest of kind `Environment`
    Environment,
    /// What `plan -o json` prints
    Plan,
}

impl Schema {
    /// Prints the schema.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn run(self) -> Result<Exit, Failure> {
        match self.of {
            Of::App => terminal::print_json(schema::app())?,
            Of::Environment => terminal::print_json(schema::environment())?,
            Of::Plan => terminal::print_json(&json::schema())?,
        }
        Ok(Exit::Fine)
    }
}
