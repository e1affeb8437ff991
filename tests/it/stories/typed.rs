//! What people type while a release has traffic and manifests are broken: `apply` watches it to its end all the same, and every
//! brake holds.

use std::time::Duration;

use amiable::cli::exit::Exit;
use amiable::cli::failure::Failure;
use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::sim::world::World;
use amiable::sim::world::example::{HELLO_1_1, HELLO_SICK_LATER};

use super::exposed::{baking, baking_of, breakages, is_back};
use super::{serving, weight};
use crate::lab::{Lab, app};

fn says(answer: &'static str) -> Answers {
    Answers::of(move |_| Some(answer.to_owned()))
}

/// All that may go wrong with manifests while a release is watched, and how `apply` ends when that release falls sick.
fn all_breakages() -> Vec<(&'static str, fn(&mut Lab), Exit)> {
    let others = breakages().into_iter().map(|(what, breaks, outcome)| {
        let exit = if outcome == Outcome::ReleaseFailed { Exit::ReleaseFailed } else { Exit::Error };
        (what, breaks, exit)
    });
    let own: fn(&mut Lab) = |lab| lab.environment("  limitz: {concurrentRollouts: 5}\n");
    others.chain([("an error in the manifest of the environment", own, Exit::Error)]).collect()
}

/// What is typed on these manifests, by somebody whose answers are these.
async fn typed(lab: &Lab, answers: Answers, line: &str) -> Result<Exit, Failure> {
    let manifests = lab.lay_out();
    lab.typed(manifests.path(), answers, line).await
}

/// What a tag of the second generation says.
fn tag(lab: &Lab, key: &str) -> String {
    let value = lab.simulation.with(|world| {
        let group = world.scaling.groups.get("hello-prod-v002").expect("the second generation stays");
        group.tags.get(&format!("amiable:{key}")).map(|tag| tag.value.clone())
    });
    value.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_apply_watches_a_release_whatever_becomes_of_its_manifest() {
    let ground = baking("").await;
    let still = ground.still();
    for (what, breaks, expected) in all_breakages() {
        for line in ["apply --yes", "apply hello --yes"] {
            println!("{what}: {line}");
            let mut lab = ground.from_still(&still).await;
            breaks(&mut lab);
            let ended = typed(&lab, says("no"), line).await;
            assert_eq!(ended.unwrap_or_else(|failure| panic!("{what}: {line}: {failure}")), expected);
            is_back(&lab);
            // From then on there is nothing to watch, and what is wrong with the manifests is all that is said.
            let again = typed(&lab, says("no"), line).await;
            assert_ne!(again.ok(), Some(Exit::Fine), "{what}: {line}");
            is_back(&lab);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_with_a_broken_manifest_watches_only_after_a_yes() {
    let mut lab = baking("").await;
    lab.write("hello", "kind: [".to_owned());
    let refused = typed(&lab, Answers::of(|_| None), "apply").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Usage, "{refused}");
    assert!(refused.to_string().contains("add --yes"), "{refused}");
    let refused = typed(&lab, says("no"), "apply").await.unwrap_err();
    assert_eq!((refused.exit, refused.message.as_str()), (Exit::Error, "nothing was changed"));
    assert_eq!(weight(&lab, "hello-prod-b"), 100);
    assert_eq!(typed(&lab, says("yes"), "apply").await.unwrap(), Exit::Error);
    is_back(&lab);
}

#[tokio::test(start_paused = true)]
async fn a_good_release_keeps_its_traffic_whatever_becomes_of_its_manifest_and_is_recorded_once_that_is_mended() {
    let ground = baking_of(HELLO_1_1, "").await;
    let still = ground.still();
    for (what, breaks, _) in all_breakages() {
        println!("{what}");
        let mut lab = ground.from_still(&still).await;
        breaks(&mut lab);
        let ended = typed(&lab, says("no"), "apply --yes").await;
        let exit = ended.unwrap_or_else(|failure| panic!("{what}: {failure}"));
        assert_ne!(exit, Exit::ReleaseFailed, "{what}");
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{what}");
        lab.environment("");
        lab.remove("other");
        lab.write("hello", app("hello", HELLO_1_1, ""));
        assert_eq!(typed(&lab, says("no"), "apply --yes").await.unwrap(), Exit::Fine, "{what}");
        assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)], "{what}");
        assert_ne!(tag(&lab, "recorded-at"), "", "{what}");
    }
}

/// A release has taken over half a minute ago, and its manifests are broken.
async fn broken(ground: &Lab, still: &World, breaks: fn(&mut Lab)) -> Lab {
    let mut lab = ground.from_still(still).await;
    breaks(&mut lab);
    lab
}

#[tokio::test(start_paused = true)]
async fn a_rollback_and_an_abort_give_the_traffic_back_whatever_is_wrong_with_manifests() {
    let ground = baking_of(HELLO_1_1, "").await;
    let still = ground.still();
    for (what, breaks, _) in all_breakages() {
        for (verb, said) in [("rollback", "rolled back by"), ("abort", "aborted by")] {
            println!("{verb}: {what}");
            let lab = broken(&ground, &still, breaks).await;
            let refused = typed(&lab, says("no"), &format!("{verb} hello --reason slow")).await.unwrap_err();
            assert_eq!(refused.message, "nothing was changed", "{what}");
            assert_eq!((weight(&lab, "hello-prod-b"), tag(&lab, "failed").as_str()), (100, ""), "{what}");
            let ended = typed(&lab, says("yes"), &format!("{verb} hello --reason slow")).await;
            let exit = ended.unwrap_or_else(|failure| panic!("{verb}: {what}: {failure}"));
            is_back(&lab);
            assert!(tag(&lab, "failed").starts_with(said), "{verb}: {what}: {}", tag(&lab, "failed"));
            assert_eq!(exit, Exit::Fine, "{verb}: {what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_pin_hold_whatever_is_wrong_with_manifests_and_what_falls_sick_goes_back_all_the_same() {
    let ground = baking("").await;
    let still = ground.still();
    for (what, breaks, expected) in all_breakages() {
        for (line, key) in [("pause hello", "paused"), ("pin hello --reason audit", "pinned")] {
            println!("{line}: {what}");
            let lab = broken(&ground, &still, breaks).await;
            let ended = typed(&lab, says("no"), line).await;
            assert_eq!(ended.unwrap_or_else(|failure| panic!("{line}: {what}: {failure}")), Exit::Fine);
            assert_ne!(tag(&lab, key), "", "{line}: {what}");
            let ended = typed(&lab, says("no"), "apply hello --yes").await;
            assert_eq!(ended.unwrap_or_else(|failure| panic!("{line}: {what}: {failure}")), expected, "{line}: {what}");
            is_back(&lab);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspension_holds_whatever_is_wrong_with_manifests_and_ends_when_somebody_says_so() {
    let ground = baking("").await;
    let still = ground.still();
    for (what, breaks, expected) in all_breakages() {
        println!("{what}");
        let lab = broken(&ground, &still, breaks).await;
        assert_eq!(typed(&lab, says("no"), "suspend hello --reason incident").await.unwrap(), Exit::Fine, "{what}");
        lab.pass(300).await;
        let _ = typed(&lab, says("no"), "apply hello --yes").await;
        assert_eq!(weight(&lab, "hello-prod-b"), 100, "{what}: nothing at all is done");
        let ended = typed(&lab, says("yes"), "resume hello").await;
        assert_eq!(ended.unwrap_or_else(|failure| panic!("{what}: {failure}")), expected, "{what}");
        is_back(&lab);
    }
}

/// A canary without a manifest is given up by a word as well.
#[tokio::test(start_paused = true)]
async fn an_orphan_that_is_a_canary_is_given_up_by_a_word() {
    let steps = "  strategy: {canary: {steps: [{weight: 20}, {pause: 30m}]}}\n";
    let mut ground = super::deployed(steps).await;
    ground.write("hello", app("hello", HELLO_1_1, steps));
    ground.apply_for(Duration::from_secs(120)).await;
    assert_eq!(weight(&ground, "hello-prod-b"), 20, "{}", ground.diary());
    ground.remove("hello");
    ground.write("other", app("other", HELLO_SICK_LATER, "  loadBalancer: none\n  suspend: {reason: later}\n"));
    let still = ground.still();
    for line in ["abort hello --yes", "rollback hello --yes"] {
        let lab = ground.from_still(&still).await;
        assert_eq!(typed(&lab, says("no"), line).await.unwrap(), Exit::Fine, "{line}");
        is_back(&lab);
    }
}
