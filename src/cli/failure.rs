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
    /// Whether nothing went wrong, but that a person said no.
    pub declined: bool,
}

impl Failure {
    /// A plain error.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, exit: Exit::Error, declined: false }
    }

    /// A person said no.
    pub fn declined(message: impl Into<String>) -> Self {
        Self { declined: true, ..Self::new(message) }
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

    /// How a command ends that fails after part of its work had ended with `before`: as that did where a person says no to more,
    /// and otherwise as failed, for something went wrong besides.
    pub fn after(&self, before: Exit) -> Exit {
        if self.declined { before } else { self.exit }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_to_more_leaves_the_exit_code_of_what_was_done_and_a_failure_has_its_own() {
        assert_eq!(Failure::declined("nothing was changed").after(Exit::ReleaseFailed), Exit::ReleaseFailed);
        assert_eq!(Failure::new("AWS cannot be read").after(Exit::ReleaseFailed), Exit::Error);
        assert_eq!(Failure::usage("nobody is at the terminal").after(Exit::Blocked), Exit::Usage);
    }
}
