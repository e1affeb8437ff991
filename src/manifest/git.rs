//! The commit that manifests were checked out at, asked of the `git` program.
//!
//! It fails softly: without git, or outside of a work tree, the manifests simply have no commit.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::model::writer::{Commits, Kinship, is_commit};

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

/// How two commits of manifests are related, as far as the work tree knows both: a shallow one may not.
pub fn kinship(commits: &Commits) -> Kinship {
    let Commits { directory, ours, theirs } = commits;
    if !is_commit(ours) || !is_commit(theirs) || ours == theirs {
        return Kinship::Unrelated;
    }
    let Ok(directory) = std::fs::canonicalize(directory) else { return Kinship::Unrelated };
    let directory = if directory.is_dir() { Some(directory.as_path()) } else { directory.parent() };
    let Some(directory) = directory else { return Kinship::Unrelated };
    let leads_to = |from: &str, to: &str| git(directory, &["merge-base", "--is-ancestor", from, to], &[]).is_some();
    match () {
        () if leads_to(theirs, ours) => Kinship::Descendant,
        () if leads_to(ours, theirs) => Kinship::Ancestor,
        () => Kinship::Unrelated,
    }
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

    #[test]
    fn of_two_commits_it_is_told_which_descends_from_the_other() {
        let root = tempfile::tempdir().unwrap();
        run(root.path(), &["init", "-q", "-b", "main"]);
        let commit = |name: &str| {
            std::fs::write(root.path().join(name), name).unwrap();
            run(root.path(), &["add", "."]);
            run(root.path(), &["commit", "-qm", name]);
            commit(&[root.path().to_owned()]).unwrap().0
        };
        let (first, second) = (commit("a"), commit("b"));
        run(root.path(), &["checkout", "-q", "-b", "side", &first]);
        let side = commit("c");
        let kinship = |ours: &str, theirs: &str| {
            let directory = root.path().display().to_string();
            super::kinship(&Commits { directory, ours: ours.to_owned(), theirs: theirs.to_owned() })
        };
        assert_eq!(kinship(&second, &first), Kinship::Descendant);
        assert_eq!(kinship(&first, &second), Kinship::Ancestor);
        assert_eq!(kinship(&second, &side), Kinship::Unrelated);
        assert_eq!(kinship(&first, &first), Kinship::Unrelated);
        assert_eq!(kinship(&first, &"0".repeat(40)), Kinship::Unrelated, "a commit that is not here");
        assert_eq!(kinship(&first, "--help"), Kinship::Unrelated);
    }
}
