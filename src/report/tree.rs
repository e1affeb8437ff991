//! What runs of one app: its generations, newest first, with slot, weight, instances and why one failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::model::autopsy::Console;
use crate::model::names::{AppName, Slot};
use crate::model::observed::{Forward, Group, Health, Instance, Observed, Read};
use crate::model::plan::{AppPlan, Plan};
use crate::model::release::{self, Origin};
use crate::model::time::Timestamp;

use super::paint::Paint;
use super::status::{self, Instances};
use super::words;

/// How many lines of a console the tree shows; JSON has all that were kept.
const LINES: usize = 10;

/// One app with all its generations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// Its row in the table of all apps.
    #[serde(flatten)]
    pub row: status::Row,
    /// Its generations, newest first.
    pub generations: Vec<Branch>,
    /// The path of the release that is on its way.
    pub steps: Vec<String>,
    /// What it waits for.
    pub waits: Vec<String>,
    /// What people should know besides.
    pub notes: Vec<String>,
}

/// One generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    /// Its number, such as `v042`.
    pub generation: String,
    /// Its group.
    pub group: String,
    /// The slot of its target group; none for a worker.
    pub slot: Option<Slot>,
    /// Its weight in the load balancer, in percent of all; none when there is none or it cannot be told.
    pub weight: Option<u32>,
    /// Its instances.
    pub instances: Instances,
    /// Its image.
    pub image: String,
    /// The version that was given with the image, or else the image's name.
    pub version: Option<String>,
    /// What else is said of it: branch, commit, build date.
    pub release: BTreeMap<String, String>,
    /// Where the image came from; nothing for one that the manifest gave by its id.
    pub image_source: Option<Origin>,
    /// What else belongs to the release, by name: its URI.
    pub artifacts: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it took over.
    pub shifted_at: Option<Timestamp>,
    /// Why it failed.
    pub failed: Option<String>,
    /// Who turned it down, and why: `rolled back by ada: slow`. It has not failed then.
    pub turned_down: Option<String>,
    /// What an instance of it said last before it was gone, where it failed.
    pub console: Option<Console>,
    /// Its instances, as its group sees them.
    pub members: Vec<Member>,
    /// Its targets that are not healthy, where they were looked at: `i-0abc: unhealthy, Target.ResponseCodeMismatch`.
    pub unwell: Vec<String>,
}

/// One instance, as its group sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its availability zone.
    pub zone: String,
    /// How far its life is, such as `InService`.
    pub lifecycle: String,
    /// Whether its group takes it for healthy.
    pub healthy: bool,
}

/// What runs of `app`; nothing when neither a manifest nor AWS knows it.
pub fn tree(observed: &Observed, plan: &Plan, app: &AppName) -> Option<Tree> {
    let app_plan = plan.app(app)?;
    let row = status::rows(observed, plan).into_iter().find(|row| &row.app == app)?;
    let mut groups: Vec<&Group> = match observed.groups.known() {
        Some(groups) => groups.values().filter(|group| &group.owner.app == app).collect(),
        None => Vec::new(),
    };
    groups.sort_by_key(|group| std::cmp::Reverse(group.owner.generation));
    Some(Tree {
        row,
        generations: groups.into_iter().map(|group| branch(observed, group)).collect(),
        steps: steps(app_plan),
        waits: app_plan.waits.iter().map(|wait| words::wait_line(wait, plan.at)).collect(),
        notes: app_plan.notes.iter().map(|note| words::plain(note)).collect(),
    })
}

fn steps(plan: &AppPlan) -> Vec<String> {
    if plan.is_settled() { Vec::new() } else { words::path(&plan.steps, Paint::default()) }
}

fn branch(observed: &Observed, group: &Group) -> Branch {
    let owner = &group.owner;
    let ended = || owner.failed.as_ref().map(|failure| words::plain(&failure.reason));
    Branch {
        generation: owner.generation.to_string(),
        group: group.name.clone(),
        slot: owner.slot,
        weight: weight(observed, group),
        instances: Instances::of(group),
        image: owner.image.clone(),
        version: status::version(observed, group),
        release: status::release(observed, group),
        image_source: owner.origin.clone(),
        artifacts: owner.artifacts.clone(),
        created_at: group.created_at,
        shifted_at: owner.shifted_at,
        failed: (!owner.is_turned_down()).then(ended).flatten(),
        turned_down: owner.is_turned_down().then(ended).flatten(),
        console: console(observed, group),
        members: group.instances.iter().map(member).collect(),
        unwell: group.target_group_arns.iter().flat_map(|arn| unwell(observed, group, arn)).collect(),
    }
}

fn member(instance: &Instance) -> Member {
    let Instance { id, zone, lifecycle, healthy, .. } = instance.clone();
    Member { id, zone, lifecycle, healthy }
}

/// What was kept of an instance's console about this failure.
fn console(observed: &Observed, group: &Group) -> Option<Console> {
    let kept = observed.details.failures.get(&group.owner.app)?.known()?.as_ref()?;
    let failure = group.owner.failed.as_ref()?;
    kept.console.clone().filter(|_| kept.is_of(group.owner.generation, failure.at))
}

fn weight(observed: &Observed, group: &Group) -> Option<u32> {
    let target_group = group.target_group_arns.first()?;
    let share = |forward: &Forward| {
        let total: u32 = forward.weights.values().sum();
        (forward.weight(target_group) * 100).checked_div(total)
    };
    if let Some(rule) = &group.owner.rule {
        return share(&observed.rules.get(rule)?.known()?.as_ref()?.forward);
    }
    let listeners = group.owner.listeners.iter().filter_map(|arn| observed.listeners.get(arn)?.known()?.as_ref());
    listeners.filter_map(|listener| share(&listener.forward)).max()
}

fn unwell(observed: &Observed, group: &Group, target_group: &str) -> Vec<String> {
    let Some(Read::Known(targets)) = observed.details.target_health.get(target_group) else { return Vec::new() };
    let ours = |id: &str| group.instances.iter().any(|instance| instance.id == id);
    let sick = targets.iter().filter(|target| target.health != Health::Healthy && ours(&target.id));
    sick.map(|target| {
        let mut text = format!("{}: {}", target.id, target.health.words());
        for more in target.reason.iter().chain(&target.description) {
            let _ = write!(text, ", {}", words::plain(more));
        }
        text
    })
    .collect()
}

/// The tree as text; a wide one tells besides the names of the groups, the instances, and the load balancer.
pub fn text(tree: &Tree, now: Timestamp, wide: bool) -> String {
    let mut out = format!("{} in {} · {}\n", tree.row.app, tree.row.environment, tree.row.state);
    if let Some(answers) = tree.row.answers.as_ref().filter(|answers| !answers.urls.is_empty()) {
        let _ = writeln!(out, "answers at {}", words::places(&answers.urls, answers.internal));
    }
    if let Some(balancer) = tree.row.answers.as_ref().and_then(|answers| answers.load_balancer.as_ref()) {
        // Where it has no name of its own, the line above says it already.
        let is_said = tree.row.answers.iter().flat_map(|answers| &answers.urls).any(|url| url.contains(balancer));
        if wide || !is_said {
            let _ = writeln!(out, "load balancer {}", words::plain(balancer));
        }
    }
    for (index, branch) in tree.generations.iter().enumerate() {
        let last = index + 1 == tree.generations.len();
        let (tip, stem) = if last { ("└─", "  ") } else { ("├─", "│ ") };
        let _ = writeln!(out, "{tip} {}", line(branch, now));
        if wide {
            write_members(&mut out, stem, branch);
        }
        if let Some(reason) = &branch.failed {
            let _ = writeln!(out, "{stem}   failed: {reason}");
        }
        if let Some(reason) = &branch.turned_down {
            let _ = writeln!(out, "{stem}   {reason}");
        }
        if let Some(console) = &branch.console {
            write_console(&mut out, stem, console);
        }
        for (name, uri) in &branch.artifacts {
            let _ = writeln!(out, "{stem}   {name}: {}", words::plain(uri));
        }
        for target in &branch.unwell {
            let _ = writeln!(out, "{stem}   {target}");
        }
    }
    if !tree.steps.is_empty() {
        let _ = writeln!(out, "\n{}", tree.steps.join(" → "));
    }
    for wait in &tree.waits {
        let _ = writeln!(out, "{wait}");
    }
    for note in &tree.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

fn write_members(out: &mut String, stem: &str, branch: &Branch) {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let took_over = branch.shifted_at.map(|at| format!(", took over {}", time(at))).unwrap_or_default();
    let commit = branch.release.get("commit").map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let commit = words::plain(&commit);
    let _ = writeln!(out, "{stem}   group {}, launched {}{took_over}{commit}", branch.group, time(branch.created_at));
    for member in &branch.members {
        let health = if member.healthy { "" } else { ", unhealthy" };
        let _ = writeln!(out, "{stem}   {} in {}, {}{health}", member.id, member.zone, member.lifecycle);
    }
}

fn write_console(out: &mut String, stem: &str, console: &Console) {
    if console.lines.len() < 2 {
        let _ = writeln!(out, "{stem}   {}", words::plain(&console.last_words()));
        return;
    }
    let _ = writeln!(out, "{stem}   the console of {} ended with:", words::plain(&console.instance));
    for line in &console.lines[console.lines.len().saturating_sub(LINES)..] {
        let _ = writeln!(out, "{stem}     {}", words::plain(line));
    }
}

fn line(branch: &Branch, now: Timestamp) -> String {
    let mut parts = vec![branch.generation.clone()];
    parts.extend(branch.slot.map(|slot| format!("slot {slot}")));
    parts.extend(branch.weight.map(|weight| format!("weight {weight}%")));
    let Instances { in_service, desired, leaving } = branch.instances;
    parts.push(format!("{in_service}/{desired} instances"));
    if leaving > 0 {
        parts.push(format!("{leaving} leaving"));
    }
    let mut said = branch.release.clone();
    said.extend(branch.version.iter().map(|version| ("version".to_owned(), version.clone())));
    let origin = branch.image_source.as_ref().map(|origin| format!(" from {origin}")).unwrap_or_default();
    parts.push(words::plain(&format!("{}{origin}", release::image(&branch.image, &said))));
    parts.push(match branch.shifted_at {
        Some(at) => format!("took over {} ago", words::age(at, now)),
        None => format!("launched {} ago", words::age(branch.created_at, now)),
    });
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::report::samples;

    #[test]
    fn generations_with_weights_and_what_is_wrong_with_them() {
        let observed = samples::observed();
        let mut rolling = samples::plan(vec![samples::rolling_out(), samples::unchanged("flaky")]);
        rolling.apps[1].from = Some(crate::model::names::Generation(3));
        let show = |app: &str| {
            let tree = tree(&observed, &rolling, &app.parse().unwrap()).unwrap();
            text(&tree, samples::at("12:00:00"), false)
        };
        assert_snapshot!(show("hello-world"), @r"
        hello-world in prod · rolling out v042: healthy 3/6
        ├─ v042 · slot b · weight 0% · 3/6 instances · ami-0042 (1.42.0) · launched 3m ago
        │    i-0425: unhealthy, Target.ResponseCodeMismatch, Health checks failed with these codes: [502]
        └─ v041 · slot a · weight 100% · 6/6 instances · ami-0041 (1.41.0) · took over 12d ago

        launch 6 ✓ → [healthy 3/6] → shift 100% → bake 5m → keep v041 1h → retire v041
        waits for v042 to be healthy, 3/6 now, until 12:20 UTC
        ");
        assert_snapshot!(show("flaky"), @r"
        flaky in prod · serving; v004 failed: 0 of 2 instances became healthy within 20m
        ├─ v004 · slot b · 0/0 instances · ami-0004 (1.4.0) · launched 3m ago
        │    failed: 0 of 2 instances became healthy within 20m
        └─ v003 · slot a · 2/2 instances · ami-0003 (1.3.0) · took over 5h ago
        ");
    }

    #[test]
    fn where_an_app_answers_is_said_and_a_wide_tree_names_groups_and_instances() {
        let observed = samples::observed();
        let mut plan = samples::plan(vec![samples::rolling_out()]);
        plan.apps[0].answers = Some(samples::answers("hello.example.com"));
        let tree = tree(&observed, &plan, &"hello-world".parse().unwrap()).unwrap();
        let plain = text(&tree, samples::at("12:00:00"), false);
        assert!(
            plain.contains("\nanswers at http://hello.example.com (internal: only from within its network)\n"),
            "{plain}"
        );
        assert!(plain.contains("\nload balancer internal-orders-prod-1.us-west-2.elb.amazonaws.com\n"), "{plain}");
        let wide = text(&tree, samples::at("12:00:00"), true);
        assert!(wide.contains("   group hello-world-prod-v042, launched 2026-11-02 11:57:00 UTC\n"), "{wide}");
        assert!(wide.contains("   i-0425 in us-west-2a, Pending\n"), "{wide}");
        let json = serde_json::to_value(&tree).unwrap();
        assert_eq!(json["answers"]["urls"][0], "http://hello.example.com");
        assert_eq!(json["generations"][0]["members"][0]["lifecycle"], "InService");
    }

    #[test]
    fn what_a_person_turned_down_has_not_failed() {
        let mut observed = samples::observed();
        let crate::model::observed::Read::Known(groups) = &mut observed.groups else { panic!() };
        let group = groups.values_mut().find(|group| group.owner.failed.is_some()).unwrap();
        group.owner.failed.as_mut().unwrap().reason = "rolled back by ada: slow".to_owned();
        let mut plan = samples::plan(vec![samples::unchanged("flaky")]);
        plan.apps[0].from = Some(crate::model::names::Generation(3));
        let tree = tree(&observed, &plan, &"flaky".parse().unwrap()).unwrap();
        let text = text(&tree, samples::at("12:00:00"), false);
        assert!(text.contains("serving; v004 was rolled back by ada: slow"), "{text}");
        assert!(text.contains("   rolled back by ada: slow\n") && !text.contains("failed"), "{text}");
        let json = serde_json::to_value(&tree.generations[0]).unwrap();
        assert_eq!(
            (&json["failed"], &json["turnedDown"]),
            (&serde_json::Value::Null, &"rolled back by ada: slow".into())
        );
    }

    #[test]
    fn instances_that_are_on_their_way_out_are_counted_apart() {
        use crate::model::observed::{Instance, Read};
        let mut observed = samples::observed();
        let Read::Known(groups) = &mut observed.groups else { panic!() };
        let group = groups.values_mut().find(|group| group.desired == 0).unwrap();
        group.instances = ["Terminating:Wait", "Terminating", "Terminated"].map(instance).into();
        let count = Instances::of(group);
        assert_eq!((count.in_service, count.desired, count.leaving), (0, 0, 2));
        let plan = samples::plan(vec![samples::unchanged("flaky")]);
        let tree = tree(&observed, &plan, &"flaky".parse().unwrap()).unwrap();
        assert!(text(&tree, samples::at("12:00:00"), false).contains("v004 · slot b · 0/0 instances · 2 leaving"));

        fn instance(lifecycle: &str) -> Instance {
            let (id, zone) = (format!("i-{lifecycle}"), "us-west-2a".to_owned());
            Instance {
                id,
                lifecycle: lifecycle.to_owned(),
                healthy: true,
                zone,
                protected: false,
                launch_template: None,
            }
        }
    }

    #[test]
    fn an_app_that_nobody_knows_has_no_tree() {
        assert_eq!(tree(&samples::observed(), &samples::plan(Vec::new()), &"ghost".parse().unwrap()), None);
    }
}
