//! Text that others wrote, in tags, names, alarms and parameters, gives no orders to whoever reads it: neither to a terminal nor
//! to a CI runner nor to a script that looks for a comment.

use amiable::controller::converge::Outcome;
use amiable::model::plan::Plan;
use amiable::model::text::is_disturbing;
use amiable::report::{github, history, json, markdown, status, text, tree};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_BAD};

use super::deployed;
use crate::lab::{Lab, app};

/// Ends a line and begins one that a CI runner obeys, colours a terminal, turns the direction of writing, ends an HTML comment
/// and begins one like the marker of ours. XML has no way to say an escape character.
const IN_XML: &str = "1.0\n::error::pwned\r\u{9b}31m\u{202e}\u{2028}::set-output name=x::y<!-- amiable:plan -->";
/// The same where JSON says it.
const IN_JSON: &str =
    "1.0\n::error::pwned\r\u{1b}[31m\u{9b}31m\u{202e}\u{2028}::set-output name=x::y<!-- amiable:plan -->";

#[tokio::test(start_paused = true)]
async fn hostile_text_from_aws_reaches_no_line_of_its_own_and_no_terminal_in_any_output() {
    let mut lab = Lab::new().await;
    for image in [HELLO_1_0, HELLO_1_1, HELLO_BAD] {
        lab.simulation.with(|world| {
            let image = world.images.all.get_mut(image).expect("the image is there");
            image.name = IN_XML.to_owned();
            for key in ["version", "branch", "commit", "buildDate"] {
                image.tags.insert(key.to_owned(), IN_XML.to_owned());
            }
        });
    }
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let forms = all_forms(&mut lab, HELLO_1_1).await;
    for form in ["text", "markdown", "json", "status", "tree", "history"] {
        let said = &forms.iter().find(|(name, _)| *name == form).expect("it is a form").1;
        assert!(said.contains("pwned"), "{form} says what others wrote, or this test shows nothing:\n{said}");
    }
    check("a new image", &forms);
    lab.write("hello", app("hello", HELLO_BAD, "  progressDeadline: 5m\n"));
    assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed);
    check("a failed release", &all_forms(&mut lab, HELLO_1_1).await);
}

#[tokio::test(start_paused = true)]
async fn hostile_text_in_a_record_and_in_a_foreign_tag_reaches_no_terminal() {
    let mut lab = deployed("").await;
    let parameter = "/amiable/prod/hello/deployed";
    let record = lab.history("hello").await.remove(0);
    let mut value = serde_json::to_value(&record).unwrap();
    for field in ["deployedBy", "imageName", "manifests"] {
        value[field] = IN_JSON.into();
    }
    value["artifacts"] = serde_json::json!({IN_JSON: IN_JSON});
    lab.put_parameter(parameter, &value.to_string());
    check("a record", &all_forms(&mut lab, HELLO_1_1).await);
    lab.put_parameter(parameter, &format!("{{\"{IN_JSON}"));
    check("no record", &all_forms(&mut lab, HELLO_1_1).await);
    lab.simulation.with(|world| {
        let group = world.scaling.groups.values_mut().next().expect("the group is there");
        for tag in group.tags.iter_mut().filter(|(key, _)| key.as_str() == "amiable:template-hash") {
            tag.1.value = IN_XML.to_owned();
        }
    });
    check("a tag", &all_forms(&mut lab, HELLO_1_1).await);
}

/// What every form says, by its name, of what there is now and of the way to another image.
async fn all_forms(lab: &mut Lab, image: &str) -> Vec<(&'static str, String)> {
    lab.write("hello", app("hello", image, ""));
    let (observed, plan) = lab.look().await;
    let name = "hello".parse().unwrap();
    let tree = tree::tree(&observed, &plan, &name).map(|tree| tree::text(&tree, plan.at, true)).unwrap_or_default();
    let verbose = text::Options { verbose: true, ..text::Options::default() };
    vec![
        ("text", text::plan(&plan, &verbose)),
        ("markdown", markdown::plans(&[&plan]).replacen("<!-- amiable:plan -->\n", "", 1)),
        ("github", annotations(&plan)),
        ("json", serde_json::to_string_pretty(&json::document(&plan)).unwrap()),
        ("status", status::table(&status::rows(&observed, &plan), plan.at, true)),
        ("tree", tree),
        ("history", history::table(&lab.history("hello").await, true)),
        ("diary", lab.diary()),
    ]
}

/// The annotations without the commands that they are meant to be.
fn annotations(plan: &Plan) -> String {
    let said = github::annotations(&[plan]);
    ["error", "warning", "notice"].iter().fold(said, |said, level| said.replace(&format!("::{level} title="), ""))
}

fn check(when: &str, forms: &[(&'static str, String)]) {
    for (form, said) in forms {
        let disturbing: Vec<char> = said.chars().filter(|c| *c != '\n' && is_disturbing(*c)).collect();
        assert!(disturbing.is_empty(), "{when}, {form}: {disturbing:?} in\n{said}");
        let obeyed: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        assert!(obeyed.is_empty(), "{when}, {form}: a CI runner obeys {obeyed:?}");
        let has_marker = *form == "markdown" && said.contains("<!-- amiable:plan");
        assert!(!has_marker, "{when}: a second marker in\n{said}");
    }
}
