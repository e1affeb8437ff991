//! Processes at work at the same time: with different manifests one gives way and says whose release it is; with the same
//! manifests, or other apps, nobody is in anybody's way.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::desired::Source;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};

use super::{deployed, serving, settles};
use crate::lab::{Lab, app};

const HELLO_1_2: &str = "ami-00000000000000112";

/// Two processes: the first wants 1.1, the second another image.
async fn two(image: &str) -> (Lab, Lab) {
    let mut first = deployed("").await;
    first.simulation.with(|world| world.add_image(HELLO_1_2, "hello 1.1.2", ""));
    let mut second = first.beside().await;
    first.write("hello", app("hello", HELLO_1_1, ""));
    second.write("hello", app("hello", image, ""));
    first.diary();
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn who_began_later_goes_on_and_who_applies_again_overrides() {
    let (first, second) = two(HELLO_1_2).await;
    let later = async {
        first.pass(40).await;
        second.converge().await
    };
    let ((one, plan), (two, _)) = tokio::join!(first.converge(), later);
    assert_eq!((one, two), (Outcome::Blocked, Outcome::Converged), "{}\n-\n{}", first.diary(), second.diary());
    let reason = &plan.apps[0].reason;
    assert!(
        reason.starts_with("another run, by simulated, is releasing v003 of hello and began after this one"),
        "{reason}"
    );
    assert!(reason.contains("`amiable apply hello` deploys the manifests here all the same"), "{reason}");
    assert_eq!(first.apply(false).await, Outcome::Converged, "{}", first.diary());
    assert_eq!(serving(&first), [("hello-prod-v004".to_owned(), 2)]);
    settles(&first).await;
}

#[tokio::test(start_paused = true)]
async fn who_sleeps_while_another_deploys_something_newer_wakes_and_does_nothing() {
    let (first, second) = two(HELLO_1_2).await;
    let mut asleep = Box::pin(first.converge());
    tokio::select! {
        _ = &mut asleep => panic!("it has hardly begun"),
        () = first.pass(25) => {}
    }
    assert_eq!(second.apply(true).await, Outcome::Converged, "{}", second.diary());
    first.pass(3600).await;
    first.diary();
    first.simulation.forget_calls();
    assert_eq!(asleep.await.0, Outcome::Blocked);
    let made = first.simulation.calls().iter().filter(|call| call.mutating).count();
    assert!(made <= 1, "no more than the call at which it fell asleep: {}", first.diary());
    settles(&second).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_failed_is_not_overridden_by_a_process_that_began_before_it() {
    let (first, second) = two(HELLO_BAD).await;
    let later = async {
        first.pass(20).await;
        second.converge().await.0
    };
    let ((one, _), two) = tokio::join!(first.converge(), later);
    assert_eq!((one, two), (Outcome::Blocked, Outcome::ReleaseFailed));
    assert_eq!(serving(&first), [("hello-prod-v001".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn processes_with_different_settings_do_not_undo_each_others_work_for_ever() {
    let (mut first, mut second) = two(HELLO_1_0).await;
    first.write("hello", app("hello", HELLO_1_0, "").replace("max: 4", "max: 6").replace("/health_check", "/one"));
    second.write("hello", app("hello", HELLO_1_0, "").replace("max: 4", "max: 8").replace("/health_check", "/two"));
    first.simulation.forget_calls();
    let later = async {
        first.pass(1).await;
        second.converge().await.0
    };
    let ((_, _), two) = tokio::join!(first.converge(), later);
    assert_eq!(two, Outcome::Converged, "{}\n-\n{}", first.diary(), second.diary());
    let made = first.simulation.calls().iter().filter(|call| call.mutating).count();
    // The trial that the second one begins anew clears away what the first one has begun.
    assert!(made <= 13, "{made} calls:\n{}\n-\n{}", first.diary(), second.diary());
    settles(&second).await;
}

#[tokio::test(start_paused = true)]
async fn processes_with_the_same_manifests_bring_a_release_to_its_end_together() {
    let (first, second) = two(HELLO_1_1).await;
    let later = async {
        first.pass(15).await;
        second.converge().await.0
    };
    let ((one, _), two) = tokio::join!(first.converge(), later);
    assert_eq!((one, two), (Outcome::Converged, Outcome::Converged), "{}\n-\n{}", first.diary(), second.diary());
    assert_eq!(serving(&first), [("hello-prod-v002".to_owned(), 2)]);
    settles(&first).await;
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env_remove("GIT_DIR")
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(start_paused = true)]
async fn where_one_commit_descends_from_the_other_the_descendant_goes_on_whoever_began_first() {
    let root = tempfile::tempdir().unwrap();
    git(root.path(), &["init", "-q"]);
    let commit = |message: &str| {
        git(root.path(), &["commit", "-q", "--allow-empty", "-m", message]);
        git(root.path(), &["rev-parse", "HEAD"])
    };
    let (older, newer) = (commit("older"), commit("newer"));
    let source = |commit: &str| Source {
        directory: root.path().display().to_string(),
        commit: Some(commit.to_owned()),
        dirty: false,
    };
    for newer_begins_first in [false, true] {
        let (mut newer_one, mut older_one) = two(HELLO_1_2).await;
        (newer_one.source, older_one.source) = (source(&newer), source(&older));
        let soon = |number: u64| tokio::time::sleep(Duration::from_secs(5 * number));
        let newer_run = async {
            soon(u64::from(!newer_begins_first)).await;
            newer_one.converge().await.0
        };
        let older_run = async {
            soon(u64::from(newer_begins_first)).await;
            older_one.converge().await
        };
        let (newer_outcome, (older_outcome, plan)) = tokio::join!(newer_run, older_run);
        let told = || format!("{}\n-\n{}", newer_one.diary(), older_one.diary());
        assert_eq!((newer_outcome, older_outcome), (Outcome::Converged, Outcome::Blocked), "{}", told());
        let reason = &plan.apps[0].reason;
        assert!(reason.contains("has newer manifests: their commit descends from the one here"), "{reason}");
        settles(&newer_one).await;
        assert_eq!(older_one.apply(false).await, Outcome::Converged, "a person who applies an older commit means it");
        settles(&older_one).await;
    }
}
