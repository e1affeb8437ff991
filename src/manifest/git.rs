//! The commit that manifests were checked out at, asked of the `git` program.
//!
//! It fails softly: without git, or outside of a work tree, the manifests simply have no commit.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long git may take. A work tree on a slow disk must not hold up a plan.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is read: a commit is one line, and of changes it matters only whether there are some.
const LONGEST_ANSWER: u64 = 4096;

/// The commit checked out at `paths`, and whether the files there differ from it; untracked files count.
pub fn commit(paths: &[PathBuf]) -> Option<(String, bool)> {
    let first = std::fs::canonicalize(paths.first()?).ok()?;
    let directory = if first.is_dir() { first.as_path() } else { first.parent()? };
    let head = git(directory, &["rev-parse", "--verify", "HEAD"], &[])?;
    let head = head.trim();
    let is_commit = head.len() >= 40 && head.bytes().all(|byte| byte.is_ascii_hexdigit());
    let real: Vec<PathBuf> = paths.iter().filter_map(|path| std::fs::canonicalize(path).ok()).collect();
    // Not knowing whether something changed is no reason to claim that nothing did.
    let dirty =
        git(directory, &["status", "--porcelain", "--"], &real).is_none_or(|changes| !changes.trim().is_empty());
    is_commit.then(|| (head.to_owned(), dirty))
}

fn git(directory: &Path, arguments: &[&str], paths: &[PathBuf]) -> Option<String> {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(directory)
        // Nothing that the work tree's own configuration names is to run.
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        .args(paths)
        // Within a git hook these would lead to another work tree.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut answer = String::new();
        let read = output.take(LONGEST_ANSWER).read_to_string(&mut answer);
        // Nobody listens any more when git took too long.
        let _ = send.send(read.ok().map(|_| answer));
    });
    let answer = receive.recv_timeout(PATIENCE).ok().flatten();
    if answer.as_ref().is_none_or(|answer| answer.len() as u64 >= LONGEST_ANSWER) {
        // Too slow, or more to say than is read: either way it is not waited for.
        let _ = child.kill();
        let _ = child.wait();
        return answer;
    }
    child.wait().ok()?.success().then_some(answer)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(directory: &Path, arguments: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(directory)
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .env_remove("GIT_DIR")
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{arguments:?}");
    }

    #[test]
    fn the_commit_and_changes_of_the_directory_alone_are_told() {
        let root = tempfile::tempdir().unwrap();
        let manifests = root.path().join("manifests");
        std::fs::create_dir(&manifests).unwrap();
        std::fs::write(manifests.join("a.yaml"), "a: 1").unwrap();
        run(root.path(), &["init", "-q"]);
        assert_eq!(commit(std::slice::from_ref(&manifests)), None);
        run(root.path(), &["add", "."]);
        run(root.path(), &["commit", "-qm", "one"]);
        let (head, dirty) = commit(std::slice::from_ref(&manifests)).unwrap();
        assert_eq!((head.len(), dirty), (40, false));
        std::fs::write(root.path().join("elsewhere"), "x").unwrap();
        assert_eq!(commit(std::slice::from_ref(&manifests)), Some((head.clone(), false)));
        std::fs::write(manifests.join("b.yaml"), "b: 1").unwrap();
        assert_eq!(commit(&[manifests.join("a.yaml")]), Some((head.clone(), false)));
        assert_eq!(commit(&[manifests]), Some((head, true)));
    }

    #[test]
    fn outside_of_a_work_tree_there_is_no_commit() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(commit(&[root.path().to_owned()]), None);
        assert_eq!(commit(&[root.path().join("missing")]), None);
        assert_eq!(commit(&[]), None);
    }
}
