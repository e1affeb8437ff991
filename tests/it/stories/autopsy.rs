//! What an instance of a failed generation said last, for those who cannot log in to it: in every output, and without its secrets.

use amiable::controller::converge::Outcome;
use amiable::report::{github, json, markdown, status, text, tree};
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::example::HELLO_BAD;

use super::{deployed, settles};
use crate::lab::{Lab, app};

/// The simulated cloud-init shows each line as it runs it, as one with `set -x` does.
const BOOT: &str = "#!/bin/sh
export DB_PASSWORD='canary-one'
curl -H \"X-Api-Key: canary-two\" https://x.test/register
psql postgres://app:canary-three@db/app
mysql --password canary4four app
template='{{ .Values.name }}'
token = canary-five
";

/// What of it nobody may see. (A group has a field that is called `canary`.)
const SECRETS: [&str; 5] = ["canary-one", "canary-two", "canary-three", "canary4four", "canary-five"];

const LAST: &str = "cannot reach the database";

#[tokio::test(start_paused = true)]
async fn the_last_lines_of_a_sick_instance_reach_every_output_and_its_secrets_none() {
    let lab = failed().await;
    let forms = all_forms(&lab).await;
    for (form, said) in &forms {
        let shown = SECRETS.into_iter().find(|secret| said.contains(secret));
        assert_eq!(shown, None, "{form} shows a secret:\n{said}");
    }
    for form in ["text", "markdown", "json", "status of the app", "status as JSON", "events", "parameters"] {
        let said = &forms.iter().find(|(name, _)| *name == form).unwrap().1;
        assert!(said.contains(LAST), "{form} says what the instance said last:\n{said}");
    }
    let kept = parameter(&lab);
    assert!(kept.len() <= 4096 && !kept.contains("{{"), "{} bytes: {kept}", kept.len());
    assert!(kept.contains("***"), "{kept}");
    settles_as_failed(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_console_that_may_not_be_read_is_no_failure_and_is_said_once() {
    let mut lab = deployed("").await;
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let words = format!("You are not authorized to perform this operation. Encoded message: {}", "x".repeat(3000));
        let refused = || Fault::Refuse(ApiError::new("UnauthorizedOperation", words).with_status(403));
        (request.operation == "GetConsoleOutput").then(refused)
    })));
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "as it ends with the permission");
    let diary = lab.diary();
    assert_eq!(diary.matches("PutParameter /amiable/prod/hello/failures").count(), 1, "{diary}");
    let kept = parameter(&lab);
    assert!(kept.len() <= 4096 && kept.contains("it could not be read"), "{} bytes: {kept}", kept.len());
    let forms = all_forms(&lab).await;
    for form in ["text", "status of the app", "events"] {
        let said = &forms.iter().find(|(name, _)| *name == form).unwrap().1;
        assert!(said.contains("nothing is known from the console of i-"), "{form}:\n{said}");
    }
    let text = &forms.iter().find(|(name, _)| *name == "text").unwrap().1;
    assert_eq!(text.matches("nothing is known from the console").count(), 1, "{text}");
    lab.pass(600).await;
    settles_as_failed(&lab).await;
    lab.simulation.set_faults(None);
    lab.write("hello", app("hello", amiable::sim::world::example::HELLO_1_0, ""));
    assert_eq!(lab.apply(true).await, Outcome::Converged);
    settles(&lab).await;
}

/// A release that never gets healthy, with secrets in its user data.
async fn failed() -> Lab {
    let mut lab = deployed("").await;
    lab.attach("boot.sh", BOOT);
    let extra = "  progressDeadline: 5m\n  launch: {userDataFile: boot.sh}\n";
    lab.write("hello", app("hello", HELLO_BAD, extra));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
    lab
}

/// Nothing is left to do about what failed, however often it is looked at.
async fn settles_as_failed(lab: &Lab) {
    let plan = lab.plan("hello").await;
    assert!(plan.failure.is_some() && plan.actions.is_empty(), "{plan:?}");
}

fn parameter(lab: &Lab) -> String {
    lab.simulation.with(|world| {
        let kept = world.parameters.all.get("/amiable/prod/hello/failures").expect("why it failed is kept");
        kept.versions.last().unwrap().value.clone()
    })
}

async fn all_forms(lab: &Lab) -> Vec<(&'static str, String)> {
    let (observed, plan) = lab.look().await;
    let tree = tree::tree(&observed, &plan, &"hello".parse().unwrap()).unwrap();
    let verbose = text::Options { verbose: true, ..text::Options::default() };
    let parameters = lab.simulation.with(|world| {
        let values = world.parameters.all.values().flat_map(|parameter| &parameter.versions);
        values.map(|version| version.value.clone()).collect::<Vec<_>>().join("\n")
    });
    let tags = lab.simulation.with(|world| {
        let tags = world.scaling.groups.values().flat_map(|group| group.tags.values());
        tags.map(|tag| tag.value.clone()).collect::<Vec<_>>().join("\n")
    });
    vec![
        ("text", text::plan(&plan, &verbose)),
        ("markdown", markdown::plans(&[&plan])),
        ("annotations", github::annotations(&[&plan])),
        ("json", serde_json::to_string_pretty(&json::document(&plan)).unwrap()),
        ("status", status::table(&status::rows(&observed, &plan), plan.at, true)),
        ("status of the app", tree::text(&tree, plan.at, true)),
        ("status as JSON", serde_json::to_string_pretty(&tree).unwrap()),
        ("events", lab.events("hello").await),
        ("parameters", parameters),
        ("tags", tags),
        ("diary", lab.diary()),
        ("debug", format!("{plan:?} {observed:?}")),
    ]
}
