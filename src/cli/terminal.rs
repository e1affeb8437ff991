//! The terminal: data on stdout, talk on stderr, colour where it is wanted, questions where somebody can answer.

use std::fmt;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::ValueEnum;

use super::failure::Failure;
use crate::report::paint::Paint;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set; `CLICOLOR_FORCE` turns it on.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Makes this the choice for all output.
    pub fn apply(self) {
        match self {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Whether stdout shows colour.
pub fn colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Whether stderr shows colour.
pub fn stderr_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// The paint for stderr.
pub fn paint() -> Paint {
    Paint::new(stderr_colour())
}

/// Prints data.
///
/// # Errors
/// When stdout cannot be written; a reader that has gone away is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// As [`print`].
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    print(&format!("{text}\n"))
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    // Talk that nobody can hear is no reason to stop.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Who answers questions: whoever is at the terminal, or what stands in for a person there.
#[derive(Clone, Default)]
pub struct Answers(Option<Arc<Answer>>);

type Answer = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Answers {
    /// These answers, given the question; `None`: nobody is there.
    pub fn of(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(answer)))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Answers(given)" } else { "Answers(terminal)" })
    }
}

/// Asks for a line, as `amiable destroy` does for the app's name. `None` when nobody is there to answer.
///
/// # Errors
/// When stdin cannot be read.
pub fn ask(answers: &Answers, question: &str) -> Result<Option<String>, Failure> {
    if let Some(answer) = &answers.0 {
        return Ok(answer(question));
    }
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    drop(write!(io::stderr(), "{question} "));
    drop(io::stderr().flush());
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(answer.trim().to_owned()))
}

/// Asks for a `yes`.
///
/// # Errors
/// When the answer is another one, or nobody is there to give it.
pub fn confirm(answers: &Answers, question: &str) -> Result<(), Failure> {
    match ask(answers, &format!("{question} Only `yes` is accepted:"))?.as_deref() {
        Some("yes") => Ok(()),
        Some(_) => Err(Failure::declined("nothing was changed")),
        None => {
            Err(Failure::usage("nobody is at the terminal to say yes").help("add --yes to go on without a question"))
        }
    }
}
