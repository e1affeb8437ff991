//! The `amiable` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    amiable::cli::main()
}
