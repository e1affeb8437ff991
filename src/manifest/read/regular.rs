//! Regular files, and nothing else: to open a pipe or a device could wait for ever, and a directory holds no text.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// What a regular file holds; of a larger one than `most` bytes, one byte more.
///
/// # Errors
/// When it cannot be read, or is something else than a regular file. A pipe is refused before it is opened.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    be_regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    // Something else may have taken its place since.
    be_regular(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn be_regular(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(io::Error::other(format!("it is {}, not a regular file", kind(found)))) }
}

#[cfg(unix)]
fn kind(found: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "something else",
    }
}

#[cfg(not(unix))]
fn kind(found: &fs::Metadata) -> &'static str {
    if found.is_dir() { "a directory" } else { "something else" }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_pipe_a_device_and_a_directory_are_refused_at_once_by_name() {
        let root = tempfile::tempdir().unwrap();
        pipe(&root.path().join("pipe"));
        let why = |path: &Path| read(path, 10).unwrap_err().to_string();
        assert_eq!(why(&root.path().join("pipe")), "it is a named pipe, not a regular file");
        assert_eq!(why(Path::new("/dev/zero")), "it is a device, not a regular file");
        assert_eq!(why(root.path()), "it is a directory, not a regular file");
    }

    #[test]
    fn no_more_is_read_than_shows_that_a_file_is_too_large() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("large"), "0123456789").unwrap();
        assert_eq!(read(&root.path().join("large"), 4).unwrap(), b"01234");
        assert_eq!(read(&root.path().join("large"), 10).unwrap(), b"0123456789");
    }
}
