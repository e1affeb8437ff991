//! Every field of a manifest, changed on an app that runs: what the schema says of it, and what happens. The rows are in
//! `fields.md`, which says how to read and to write one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use amiable::controller::converge::Outcome;
use amiable::manifest::schema;
use amiable::model::action::Action;
use amiable::model::plan::{AppPlan, Change, Effect, FieldChange};
use amiable::model::tags::keys;
use amiable::sim::world::example::{HELLO_1_1, SECURITY_GROUP, SUBNETS};
use serde_json::json;

use crate::lab::{HELLO, Lab, epoch};

const TABLE: &str = include_str!("fields.md");

/// An account whose images are trusted.
const PARTNER: &str = "210987654321";

const OTHER_SECURITY_GROUP: &str = "sg-0a1b2c3d4e5f60719";

/// What is not in an app's spec and has a row all the same.
const BESIDES: [&str; 1] = ["metadata.labels"];

/// A manifest, and the fields that are changed on it.
struct Section {
    name: &'static str,
    spec: &'static str,
    rows: Vec<Row>,
}

/// A field, changed.
struct Row {
    line: usize,
    field: &'static str,
    before: &'static str,
    after: &'static str,
    effect: Effect,
    calls: &'static str,
    drift: Drift,
}

/// What becomes of it when somebody sets it back by hand.
#[derive(PartialEq)]
enum Drift {
    /// It is found under this name.
    Seen(&'static str),
    /// It stays unnoticed.
    Unseen,
    /// It is nothing that AWS holds.
    None,
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "tests/it/fields.md:{}: {}", self.line, self.field)
    }
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for part in TABLE.split("\n## ").skip(1) {
        let name = part.split(':').next().unwrap();
        let spec = part.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let rows = part.lines().filter_map(row).collect();
        sections.push(Section { name, spec, rows });
    }
    sections
}

fn row(text: &'static str) -> Option<Row> {
    let cells = text.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<&str> = cells.split(" | ").map(str::trim).collect();
    if cells[0] == "field" {
        return None;
    }
    let begin = text.as_ptr() as usize - TABLE.as_ptr() as usize;
    let line = TABLE[..begin].lines().count() + 1;
    let [field, before, after, effect, calls, drift] = cells[..] else {
        panic!("tests/it/fields.md:{line}: six cells are wanted: {text}")
    };
    let effect = match effect {
        "replace" => Effect::Replace,
        "in-place" => Effect::InPlace,
        "behaviour" => Effect::Behaviour,
        "fixed" => Effect::Fixed,
        other => panic!("tests/it/fields.md:{line}: there is no effect `{other}`"),
    };
    let drift = match drift {
        "seen" => Drift::Seen(field),
        "unseen" => Drift::Unseen,
        "–" => Drift::None,
        other => Drift::Seen(other.strip_prefix("seen as ").expect("`seen`, `seen as …`, `unseen` or `–`")),
    };
    assert_eq!(effect == Effect::InPlace, drift != Drift::None, "{text}: in place, and nothing else, means drift");
    let calls = if calls == "–" { "" } else { calls };
    Some(Row { line, field, before, after, effect, calls, drift })
}

#[test]
fn every_field_of_the_schema_has_a_row_and_every_row_its_field() {
    let mut told: BTreeMap<&str, BTreeSet<Effect>> = BTreeMap::new();
    for row in sections().iter().flat_map(|section| &section.rows) {
        told.entry(row.field).or_default().insert(row.effect);
    }
    let mut complaints = Vec::new();
    for (field, effect) in schema::effects() {
        match told.remove(field.as_str()) {
            None => complaints.push(format!(
                "`{field}` has no row. Add one to tests/it/fields.md, such as\n    | {field} | {{}} | {{…}} | {} | – | – |",
                word(*effect)
            )),
            Some(effects) if effects != BTreeSet::from([*effect]) => {
                complaints.push(format!("`{field}` is {} in the schema, and {effects:?} in its row", word(*effect)));
            }
            Some(_) => {}
        }
    }
    let nowhere = told.keys().filter(|field| !BESIDES.contains(field));
    complaints.extend(nowhere.map(|field| format!("`{field}` has a row, and the schema has no such field: remove it")));
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The fields are collected from the schema by code of our own, which must not overlook one.
#[test]
fn no_field_of_the_schema_is_overlooked() {
    fn names(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
        if let Some(fields) = schema.get("properties").and_then(|properties| properties.as_object()) {
            found.extend(
                fields
                    .iter()
                    .filter(|(_, field)| field.get("x-amiable-effect").is_some())
                    .map(|(name, _)| name.clone()),
            );
        }
        match schema {
            serde_json::Value::Object(parts) => parts.values().for_each(|part| names(part, found)),
            serde_json::Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
            _ => {}
        }
    }
    let mut marked = BTreeSet::new();
    names(schema::effective(), &mut marked);
    let last = |path: &String| path.trim_end_matches("[]").rsplit('.').next().unwrap_or_default().to_owned();
    let collected: BTreeSet<String> = schema::effects().keys().map(last).collect();
    let overlooked: Vec<_> = marked.difference(&collected).collect();
    assert!(overlooked.is_empty(), "{overlooked:?}");
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Replace => "replace",
        Effect::InPlace => "in-place",
        Effect::Behaviour => "behaviour",
        Effect::Fixed => "fixed",
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_load_balancer_of_its_own_every_field_does_what_its_row_says() {
    every_row_holds("own").await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_shared_listener_every_field_does_what_its_row_says() {
    every_row_holds("shared").await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_network_load_balancer_every_field_does_what_its_row_says() {
    every_row_holds("network").await;
}

#[tokio::test(start_paused = true)]
async fn without_a_load_balancer_every_field_does_what_its_row_says() {
    every_row_holds("worker").await;
}

#[tokio::test(start_paused = true)]
async fn whatever_its_image_comes_from_every_field_does_what_its_row_says() {
    every_row_holds("images").await;
}

#[test]
fn every_section_is_tried() {
    let source = include_str!("fields.rs");
    for section in sections() {
        assert!(source.contains(&format!("every_row_holds(\"{}\")", section.name)), "no test tries `{}`", section.name);
    }
}

async fn every_row_holds(name: &str) {
    let section = sections().into_iter().find(|section| section.name == name).unwrap();
    let ground = ground().await;
    let mut deployed: BTreeMap<&str, Deployed> = BTreeMap::new();
    let mut complaints = Vec::new();
    for row in &section.rows {
        // Shown when it panics.
        println!("{row}");
        if !deployed.contains_key(row.before) {
            deployed.insert(row.before, Deployed::new(&ground, &section, row).await);
        }
        let found = deployed[row.before].change(&section, row).await;
        complaints.extend(found.into_iter().map(|complaint| format!("{row} {complaint}")));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The account with what apps may refer to: a second security group, and two listeners that belong to somebody else.
async fn ground() -> Lab {
    let mut lab = Lab::new().await;
    lab.simulation.with(|world| {
        let mut other = world.network.security_groups[SECURITY_GROUP].clone();
        other.id = OTHER_SECURITY_GROUP.to_owned();
        world.network.security_groups.insert(other.id.clone(), other);
    });
    lab.attach("boot.sh", "#!/bin/sh\n");
    images(&mut lab);
    let listeners = shared_listeners(&lab);
    lab.environment(&format!("  listeners: {{{listeners}}}\n  imageOwners: [self, \"{PARTNER}\"]\n"));
    lab
}

/// What images may come from.
fn images(lab: &mut Lab) {
    lab.simulation.with(|world| {
        world.add_image("ami-00000000000000105", "hello 1.0.5", "");
        world.add_image("ami-00000000000000115", "hello 1.1.5", "");
        world.images.all.entry("ami-00000000000000105".to_owned()).and_modify(|image| {
            (image.owner, image.public) = (PARTNER.to_owned(), true);
        });
        world.images.all.entry("ami-00000000000000115".to_owned()).and_modify(|image| {
            image.tags.insert("channel".to_owned(), "edge".to_owned());
        });
    });
    lab.put_parameter("/images/hello", HELLO_1_1);
    let deployed = json!({
        "app": "hello", "environment": "test", "generation": 1, "image": HELLO_1_1, "templateHash": "1-0a1b",
        "deployedAt": epoch(), "deployedBy": "arn:aws:iam::123456789012:user/ada",
    });
    lab.put_parameter("/amiable/test/hello/deployed", &deployed.to_string());
    let packer = json!({
        "builds": [{"name": "hello", "artifact_id": format!("us-west-2:{HELLO_1_1}"), "packer_run_uuid": "1"}],
        "last_run_uuid": "1",
    });
    lab.attach("packer.json", &packer.to_string());
    lab.environment_called("test", "");
}

/// As an environment names them.
fn shared_listeners(lab: &Lab) -> String {
    let listener = |name: &str| {
        let balancer = [
            ("Name", name),
            ("Subnets.member.1", SUBNETS[0]),
            ("Subnets.member.2", SUBNETS[1]),
            ("SecurityGroups.member.1", SECURITY_GROUP),
        ];
        let made = lab.by_hand("elasticloadbalancing", "CreateLoadBalancer", &balancer);
        let listener = [
            ("LoadBalancerArn", text_in(&made.body, "LoadBalancerArn")),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("DefaultActions.member.1.Type", "fixed-response"),
            ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
        ];
        let made = lab.by_hand("elasticloadbalancing", "CreateListener", &listener);
        format!("{name}: '{}'", text_in(&made.body, "ListenerArn"))
    };
    ["web", "other"].map(listener).join(", ")
}

fn text_in<'a>(body: &'a str, tag: &str) -> &'a str {
    body.split(&format!("<{tag}>")).nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default()
}

impl Section {
    /// The manifest with what a row says before or after the change.
    fn manifest(&self, row: &Row, says: &str) -> String {
        let nothing = "{}";
        let (labels, overlay) = if row.field == "metadata.labels" { (says, nothing) } else { (nothing, says) };
        let others = if self.name == "images" { ", test: {}" } else { "" };
        let spec: String = self.spec.lines().map(|line| format!("  {line}\n")).collect();
        format!(
            "apiVersion: amiable/v1
kind: App
metadata: {{name: hello, labels: {labels}}}
spec:
{spec}environments: {{prod: {overlay}{others}}}
"
        )
    }
}

/// The app as a row begins with it.
struct Deployed {
    lab: Lab,
    /// The calls that each of its releases makes.
    release: Vec<String>,
}

impl Deployed {
    async fn new(ground: &Lab, section: &Section, row: &Row) -> Self {
        let mut lab = ground.fork().await;
        let manifest = section.manifest(row, row.before);
        lab.write("hello", manifest.clone());
        let outcome = lab.apply(false).await;
        assert_eq!(outcome, Outcome::Converged, "{row}: {}\n{}", lab.diary(), lab.plan("hello").await.reason);
        assert_eq!(unsettled(&lab.plan("hello").await), None, "{row}: what is said before does not settle");
        let mut release = Vec::new();
        if section.rows.iter().any(|other| other.before == row.before && other.effect == Effect::Replace) {
            let mut next = lab.fork().await;
            let larger = [("m7i.large", "m7i.2xlarge"), ("t3.small", "t3.medium")];
            let larger = larger.iter().fold(manifest.clone(), |manifest, (small, large)| {
                manifest.replace(&format!("instanceType: {small}"), &format!("instanceType: {large}"))
            });
            next.write("hello", larger);
            assert_eq!(next.apply(false).await, Outcome::Converged, "{row}: {}", next.diary());
            release = calls(&next);
            assert!(
                release.iter().any(|call| call == LAUNCH),
                "{row}: the manifest has to say `instanceType: m7i.large` or `t3.small`"
            );
        }
        Self { lab, release }
    }

    /// Changes the field, and says what was not as in the row.
    async fn change(&self, section: &Section, row: &Row) -> Vec<String> {
        let mut lab = self.lab.fork().await;
        lab.write("hello", section.manifest(row, row.after));
        let plan = lab.plan("hello").await;
        if row.effect == Effect::Fixed {
            return refused(&plan, row).into_iter().collect();
        }
        let mut complaints = Vec::new();
        let named = plan.fields.iter().any(|change| change.effect == row.effect && is_named(row, change));
        if matches!(row.effect, Effect::Replace | Effect::InPlace) && !named {
            complaints.push(format!("is not named in the plan, which names {:?}", paths(&plan.fields)));
        }
        if row.field == "destroy" {
            // An app that is to go may serve less than it had.
            lab.simulation.set_observer(None);
        }
        let suspended = row.field.starts_with("suspend.");
        let wanted = if suspended { Outcome::Blocked } else { Outcome::Converged };
        let outcome = lab.apply(false).await;
        if outcome != wanted {
            complaints.push(format!("ends as {outcome:?}: {}", lab.diary()));
        }
        let made = calls(&lab);
        let launched = made.iter().any(|call| call == LAUNCH);
        let told = if launched { fold(&made, &self.release) } else { made.join(" ") };
        let happened = match () {
            () if launched => Effect::Replace,
            () if !made.is_empty() && row.effect != Effect::Behaviour => Effect::InPlace,
            () => Effect::Behaviour,
        };
        if happened != row.effect {
            complaints.push(format!("is {} by its row, and {} in truth", word(row.effect), word(happened)));
        }
        if told != row.calls {
            complaints.push(format!("is followed by `{told}`, not by `{}`", row.calls));
        }
        let end = unsettled(&lab.plan("hello").await).filter(|_| !suspended);
        complaints.extend(end.map(|why| format!("does not end: {why}")));
        if row.effect == Effect::InPlace {
            complaints.extend(self.undo_by_hand(section, row, &lab).await);
        }
        complaints
    }

    /// Sets the field back behind our back: all is as it was before the change, but what our tags say.
    async fn undo_by_hand(&self, section: &Section, row: &Row, changed: &Lab) -> Option<String> {
        let mut lab = self.lab.fork().await;
        let manifest = section.manifest(row, row.after);
        lab.write("hello", manifest.clone());
        let tags = changed.simulation.with(|world| world.scaling.groups.get(HELLO).map(|group| group.tags.clone()))?;
        lab.simulation.with(|world| {
            if let Some(group) = world.scaling.groups.get_mut(HELLO) {
                group.tags.extend(tags.into_iter().filter(|(key, _)| key.starts_with(keys::PREFIX)));
            }
        });
        let plan = lab.plan("hello").await;
        let Drift::Seen(name) = row.drift else {
            let seen = plan.change != Change::Unchanged;
            return seen.then(|| format!("is seen when it is set back by hand, as {:?}: say so", paths(&plan.drift)));
        };
        if plan.change != Change::Drift || !plan.drift.iter().any(|change| is_named(row, change)) {
            return Some(format!("is set back by hand, and that is {:?} of {:?}", plan.change, paths(&plan.drift)));
        }
        if !BESIDES.contains(&row.field) {
            let mut ignoring = lab.fork().await;
            let ignore = format!("\nspec:\n  drift: {{ignore: ['{name}']}}\n");
            ignoring.write("hello", manifest.replace("\nspec:\n", &ignore));
            if let Some(why) = unsettled(&ignoring.plan("hello").await) {
                return Some(format!("is set back by hand and to be ignored, and is not: {why}"));
            }
        }
        let outcome = lab.apply(false).await;
        let end = unsettled(&lab.plan("hello").await);
        (outcome != Outcome::Converged || end.is_some()).then(|| format!("is not put right: {outcome:?}, {end:?}"))
    }
}

/// Whether the plan refuses the change in the words of the row; if not, what it does.
fn refused(plan: &AppPlan, row: &Row) -> Option<String> {
    let (refused, words) = match row.calls.strip_prefix("noted: ") {
        Some(words) => (plan.notes.join("; "), words),
        None if plan.change == Change::Error => (plan.reason.clone(), row.calls),
        None => (String::new(), row.calls),
    };
    let fine = refused.contains(words) && plan.actions.is_empty();
    (!fine).then(|| format!("is not refused as its row says: {:?}, {}, {:?}", plan.change, plan.reason, plan.notes))
}

/// Whether a change is said to be of the row's field, or of the group of fields that it is in.
fn is_named(row: &Row, change: &FieldChange) -> bool {
    let field = if let Drift::Seen(name) = row.drift { name } else { row.field };
    let plain = |path: &str| path.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let (field, path) = (plain(field), plain(&change.path));
    field.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn paths(changes: &[FieldChange]) -> Vec<&str> {
    changes.iter().map(|change| change.path.as_str()).collect()
}

/// What is left to do or to say, when something is.
fn unsettled(plan: &AppPlan) -> Option<String> {
    let done = plan.change == Change::Unchanged && plan.actions.is_empty() && plan.drift.is_empty();
    let actions: Vec<_> = plan.actions.iter().map(|planned| planned.action.to_string()).collect();
    (!done).then(|| format!("{:?} ({}), {actions:?}, drift {:?}", plan.change, plan.reason, paths(&plan.drift)))
}

const LAUNCH: &str = "autoscaling:CreateAutoScalingGroup";

/// The mutating calls since the laboratory was made, without the tag that says which settings were applied last.
fn calls(lab: &Lab) -> Vec<String> {
    let acted = lab.acted();
    let spoken = |action: &Action| {
        let (service, operation) = action.operation();
        format!("{service}:{operation}")
    };
    let arrived = lab.simulation.calls().into_iter().filter(|call| call.mutating);
    // CloudWatch has another name in signatures than everywhere else.
    let named = |service: &str| if service == "monitoring" { "cloudwatch" } else { service }.to_owned();
    let arrived: Vec<String> = arrived.map(|call| format!("{}:{}", named(&call.service), call.operation)).collect();
    assert_eq!(acted.iter().map(spoken).collect::<Vec<_>>(), arrived, "{}", lab.diary());
    let marks = |action: &Action| matches!(action, Action::TagGroup { tags, .. } if tags.keys().eq([keys::APPLIED]));
    acted.iter().filter(|action| !marks(action)).map(spoken).collect()
}

/// `made` with the calls that every release makes as one word. What a release lacks of them comes last, with a minus.
fn fold(made: &[String], release: &[String]) -> String {
    let mut missing = release.iter().peekable();
    let mut words: Vec<String> = Vec::new();
    for call in made {
        if missing.next_if(|next| *next == call).is_none() {
            words.push(call.clone());
        } else if !words.iter().any(|word| word == "replace") {
            words.push("replace".to_owned());
        }
    }
    words.extend(missing.map(|call| format!("-{call}")));
    words.join(" ")
}
