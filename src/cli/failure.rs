//! Why a command failed, what to do about it, and with which code the program ends.

use std::fmt;

use super::exit::Exit;
use super::terminal;

/// The failure of a command.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// What to do next, where there is something.
    pub help: Option<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Failure {
    /// A plain error.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, exit: Exit::Error }
    }

    /// A command line that cannot be meant.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message) }
    }

    /// Says all failures but the last, and ends with that; with `exit` where there is none.
    ///
    /// # Errors
    /// The last failure.
    pub fn all(failures: impl IntoIterator<Item = Self>, exit: Exit) -> Result<Exit, Self> {
        let mut failures: Vec<Self> = failures.into_iter().collect();
        let Some(last) = failures.pop() else { return Ok(exit) };
        for failure in failures {
            terminal::say(&failure.to_string());
        }
        Err(last)
    }

    /// With what to do next.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", self.message)?;
        match &self.help {
            Some(help) => write!(out, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}
