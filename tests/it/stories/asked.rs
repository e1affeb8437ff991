//! What was shown and answered is what is done, and nothing is written or begun before that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use amiable::cli::exit::Exit;
use amiable::cli::terminal::Answers;
use amiable::controller::converge::Outcome;
use amiable::plan::intent;
use amiable::report::json::fingerprint;
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1};
use tempfile::TempDir;

use super::{deployed, serving};
use crate::lab::{Lab, app};

const NEWER: &str = "ami-00000000000000200";
const NEWEST: &str = "ami-00000000000000210";

fn says(answer: &'static str) -> Answers {
    Answers::of(move |_| Some(answer.to_owned()))
}

fn nobody() -> Answers {
    Answers::of(|_| None)
}

/// Answers like this, one after the other, and keeps what was asked. Before the answer of that number something happens.
fn one_by_one(
    answers: &'static [&'static str],
    happens: impl Fn(usize) + Send + Sync + 'static,
) -> (Answers, Arc<Mutex<Vec<String>>>) {
    let (asked, count) = (Arc::new(Mutex::new(Vec::new())), AtomicUsize::new(0));
    let kept = asked.clone();
    let answer = move |question: &str| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        kept.lock().unwrap().push(question.trim().to_owned());
        happens(number);
        answers.get(number).map(|answer| (*answer).to_owned())
    };
    (Answers::of(answer), asked)
}

fn text(manifests: &TempDir) -> String {
    std::fs::read_to_string(manifests.path().join("hello.yaml")).unwrap()
}

/// An app whose image is the newest of those named `hello*`, in an account with a first one.
async fn searching() -> Lab {
    let mut lab = Lab::new().await;
    register(&lab, NEWER, "searched 2.0.0");
    let search = "{search: {name: 'searched *', owner: self}}";
    lab.write("hello", app("hello", HELLO_1_0, "").replace(&format!("{{id: {HELLO_1_0}}}"), search));
    lab
}

fn register(lab: &Lab, id: &str, name: &str) {
    lab.simulation.with(|world| world.add_image(id, name, ""));
}

#[tokio::test(start_paused = true)]
async fn a_deploy_writes_the_manifest_only_after_a_yes() {
    let lab = deployed("").await;
    let manifests = lab.lay_out();
    let (before, calls) = (text(&manifests), || lab.simulation.with(|world| world.scaling.groups.values().count()));
    let deploy = format!("deploy hello --ami {HELLO_1_1}");
    let refused = lab.typed(manifests.path(), says("no"), &deploy).await.unwrap_err();
    assert_eq!((refused.exit, refused.message.as_str()), (Exit::Error, "nothing was changed"));
    let refused = lab.typed(manifests.path(), nobody(), &deploy).await.unwrap_err();
    assert_eq!(refused.exit, Exit::Usage);
    assert_eq!((text(&manifests), calls()), (before.clone(), 1));
    let none = lab.typed(manifests.path(), nobody(), "deploy hello --ami ami-0123456789abcdef0 --yes").await.unwrap();
    assert_eq!((none, text(&manifests)), (Exit::Error, before.clone()), "there is no such image");
    let (answers, asked) = one_by_one(&["yes"], |_| {});
    assert_eq!(lab.typed(manifests.path(), answers, &deploy).await.unwrap(), Exit::Fine);
    assert!(asked.lock().unwrap()[0].starts_with("Write ") && asked.lock().unwrap()[0].contains("hello.yaml"));
    assert_eq!(text(&manifests), before.replace("{prod: {}}", &format!("{{prod: {{image: {{id: {HELLO_1_1}}}}}}}")));
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_does_not_write_over_what_somebody_has_written_meanwhile() {
    let lab = deployed("").await;
    let manifests = lab.lay_out();
    let path = manifests.path().join("hello.yaml");
    let (answers, _) = one_by_one(&["yes"], {
        let (path, text) = (path.clone(), text(&manifests).replace("max: 4", "max: 5"));
        move |_| std::fs::write(&path, &text).unwrap()
    });
    let refused = lab.typed(manifests.path(), answers, &format!("deploy hello --ami {HELLO_1_1}")).await.unwrap_err();
    assert!(refused.message.contains("has changed since it was read"), "{refused}");
    assert!(text(&manifests).contains("max: 5") && !text(&manifests).contains(HELLO_1_1));
}

#[tokio::test(start_paused = true)]
async fn an_image_is_set_only_after_a_yes() {
    let lab = deployed("").await;
    let manifests = lab.lay_out();
    let (before, set) = (text(&manifests), format!("image set hello {HELLO_1_1}"));
    assert_eq!(lab.typed(manifests.path(), says("no"), &set).await.unwrap_err().message, "nothing was changed");
    assert_eq!(lab.typed(manifests.path(), nobody(), &set).await.unwrap_err().exit, Exit::Usage);
    assert_eq!(text(&manifests), before);
    assert_eq!(lab.typed(manifests.path(), nobody(), &format!("{set} --yes")).await.unwrap(), Exit::Fine);
    assert_eq!(text(&manifests), before.replace(HELLO_1_0, HELLO_1_1));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_registered_while_the_question_stands_is_shown_before_it_runs() {
    for (answers, runs) in [(&["yes", "no"][..], None), (&["yes", "yes"], Some(NEWEST))] {
        let lab = searching().await;
        let manifests = lab.lay_out();
        let simulation = lab.simulation.clone();
        let (answers, asked) = one_by_one(answers, move |number| {
            if number == 0 {
                simulation.with(|world| world.add_image(NEWEST, "searched 2.1.0", ""));
            }
        });
        let ended = lab.typed(manifests.path(), answers, "apply").await;
        assert_eq!(asked.lock().unwrap().len(), 2, "{:?}", asked.lock().unwrap());
        assert_eq!(ended.is_ok(), runs.is_some());
        let images: Vec<String> = lab.simulation.with(|world| {
            world.scaling.groups.values().map(|group| group.tags["amiable:image"].value.clone()).collect()
        });
        assert_eq!(images, runs.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_registered_in_the_middle_of_a_release_waits_for_another_yes() {
    for (answers, exit, serves) in
        [(&["yes", "no"][..], Exit::Blocked, "hello-prod-v001"), (&["yes", "yes"], Exit::Fine, "hello-prod-v002")]
    {
        let lab = searching().await;
        let manifests = lab.lay_out();
        let (answers, asked) = one_by_one(answers, |_| {});
        let (ended, ()) = tokio::join!(lab.typed(manifests.path(), answers, "apply"), async {
            lab.pass(60).await;
            register(&lab, NEWEST, "searched 2.1.0");
        });
        assert_eq!(asked.lock().unwrap().len(), 2, "{:?}", asked.lock().unwrap());
        assert_eq!(ended.unwrap(), exit);
        assert_eq!(serving(&lab), [(serves.to_owned(), 2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_moves_traffic_shows_what_follows_and_asks() {
    let mut lab = deployed("").await;
    lab.say("hello", "audit", intent::pin).await;
    lab.write("hello", app("hello", HELLO_1_1, ""));
    let manifests = lab.lay_out();
    let pinned = || {
        lab.simulation
            .with(|world| world.scaling.groups.get("hello-prod-v001").unwrap().tags.contains_key("amiable:pinned"))
    };
    assert_eq!(lab.typed(manifests.path(), nobody(), "unpin hello").await.unwrap_err().exit, Exit::Usage);
    let (answers, asked) = one_by_one(&["no"], |_| {});
    assert_eq!(lab.typed(manifests.path(), answers, "unpin hello").await.unwrap_err().message, "nothing was changed");
    assert!(asked.lock().unwrap()[0].starts_with("Unpin hello"), "{asked:?}");
    assert!(pinned());
    assert_eq!(lab.typed(manifests.path(), says("yes"), "unpin hello").await.unwrap(), Exit::Fine);
    assert!(!pinned());
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    // A way back as well.
    assert_eq!(
        lab.typed(manifests.path(), says("no"), "rollback hello").await.unwrap_err().message,
        "nothing was changed"
    );
    assert_eq!(serving(&lab), [("hello-prod-v002".to_owned(), 2)]);
    assert_eq!(lab.typed(manifests.path(), says("yes"), "rollback hello").await.unwrap(), Exit::Fine);
    assert_eq!(serving(&lab), [("hello-prod-v001".to_owned(), 2)]);
    assert_eq!(
        lab.typed(manifests.path(), says("no"), "retry hello").await.unwrap_err().message,
        "nothing was changed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_manifest_of_the_same_app_is_not_written() {
    let lab = deployed("").await;
    let manifests = lab.lay_out();
    std::fs::rename(manifests.path().join("hello.yaml"), manifests.path().join("services.yaml")).unwrap();
    let init = "init hello --env prod --ami ami-0123456789abcdef0";
    let refused = lab.typed(manifests.path(), nobody(), init).await.unwrap_err();
    assert!(refused.message.contains("services.yaml describes hello already"), "{refused}");
    assert!(!manifests.path().join("hello.yaml").exists());
    std::fs::write(manifests.path().join("services.yaml"), "kind: App\nmetadata: {name: hello}\n\t: {").unwrap();
    let refused = lab.typed(manifests.path(), nobody(), init).await.unwrap_err();
    assert!(refused.message.contains("may describe hello already"), "{refused}");
    assert!(!manifests.path().join("hello.yaml").exists());
    std::fs::remove_file(manifests.path().join("services.yaml")).unwrap();
    assert_eq!(lab.typed(manifests.path(), nobody(), init).await.unwrap(), Exit::Fine);
}

#[tokio::test(start_paused = true)]
async fn a_plan_keeps_its_fingerprint_from_the_first_share_of_a_canary_to_the_last() {
    let mut lab = deployed("").await;
    let steps = "  strategy: {canary: {steps: [{weight: 10}, {pause: 2m}, {weight: 50}, {pause: 2m}]}}\n";
    lab.write("hello", app("hello", HELLO_1_1, steps));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        assert_eq!(lab.apply_for(std::time::Duration::from_secs(75)).await, Outcome::TimedOut);
        for _ in 0..3 {
            seen.insert(fingerprint(&lab.look().await.1));
            lab.pass(2).await;
        }
    }
    assert_eq!(seen.len(), 1);
}
