//! Exit codes: what a script can tell from how the program ended.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done; for `plan`, nothing failed.
    Fine = 0,
    /// Something failed, or a manifest is wrong.
    Error = 1,
    /// There are changes to apply (`plan --detailed-exitcode`).
    Pending = 2,
    /// Something is blocked, or what serves is sick, and nothing else is left to do.
    Blocked = 3,
    /// A release failed or was rolled back.
    ReleaseFailed = 4,
    /// It took longer than `--timeout`.
    TimedOut = 5,
    /// The command line is wrong.
    Usage = 64,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_may_rely_on_the_numbers() {
        let all = [
            Exit::Fine,
            Exit::Error,
            Exit::Pending,
            Exit::Blocked,
            Exit::ReleaseFailed,
            Exit::TimedOut,
            Exit::Usage,
            Exit::Interrupted,
        ];
        assert_eq!(all.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5, 64, 130]);
    }
}
