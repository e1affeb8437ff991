//! What must hold after every single call, whatever goes wrong.

use std::collections::BTreeMap;

use amiable::model::time::Span;
use amiable::sim::world::World;
use amiable::sim::world::balancing::{Action, Health};
use amiable::sim::world::scaling::Group;
use amiable::sim::{CallRecord, Simulation};

/// Asserts the invariants after every call from now on.
pub fn watch(simulation: &Simulation) {
    simulation.set_observer(Some(Box::new(assert_invariants)));
}

/// Asserts those that hold for every single call.
pub fn assert_invariants(call: &CallRecord, before: &World, after: &World) {
    if !call.mutating {
        return;
    }
    floor(call, before, after);
    floor_afterwards(call, before, after);
    the_last_healthy_generation_stays(call, before, after);
    never_delete_what_serves(call, before, after);
    ownership(call, before, after);
    one_group_per_template(call, after);
    two_serve_at_most(call, after);
}

/// The app and environment of a group, from its name: everything before the generation.
pub fn app_of(group: &str) -> &str {
    group.rsplit_once("-v").map_or(group, |(app, _)| app)
}

fn serving_by_app(world: &World) -> BTreeMap<String, u32> {
    let mut apps = BTreeMap::new();
    for (group, healthy) in world.serving() {
        *apps.entry(app_of(&group).to_owned()).or_default() += healthy;
    }
    apps
}

/// What the manifest of an app wants at least.
fn wanted(world: &World, app: &str) -> u32 {
    let groups = world.scaling.groups.values().filter(|group| app_of(&group.name) == app);
    groups.filter(|group| !group.tags.contains_key("amiable:failed")).map(|group| group.min).max().unwrap_or(0)
}

/// No call takes the healthy, serving targets of an app below what it has, or what its manifest wants at least.
fn floor(call: &CallRecord, before: &World, after: &World) {
    let wanted = |app: &str| wanted(before, app);
    let now = serving_by_app(after);
    for (app, had) in serving_by_app(before) {
        let has = now.get(&app).copied().unwrap_or(0);
        assert!(has >= had.min(wanted(&app)), "floor: {app} had {had} and has {has} after {call:?}");
    }
}

/// The calls that change a setting of what serves, by which targets may fall out only later.
const SETTINGS: [&str; 6] = [
    "UpdateAutoScalingGroup",
    "ModifyTargetGroup",
    "SetSubnets",
    "SetSecurityGroups",
    "RegisterTargets",
    "DeregisterTargets",
];

/// Nor does it later, by itself: at no time in the next minute fewer serve than would have without the call.
fn floor_afterwards(call: &CallRecord, before: &World, after: &World) {
    if !SETTINGS.contains(&call.operation.as_str()) || call.status != 200 || before.serving().is_empty() {
        return;
    }
    let (mut without, mut with) = (before.clone(), after.clone());
    for seconds in [5, 15, 40, 60] {
        let at = Span::seconds(seconds).after(after.now);
        without.advance(at);
        with.advance(at);
        let has = serving_by_app(&with);
        for (app, had) in serving_by_app(&without) {
            let has = has.get(&app).copied().unwrap_or(0);
            let floor = had.min(wanted(before, &app)).min(wanted(after, &app));
            assert!(has >= floor, "floor: {app} would have {had}, and has {has} {seconds} s after {call:?}");
        }
    }
}

/// The last generation of an app that has healthy targets, and has served, is never scaled in.
fn the_last_healthy_generation_stays(call: &CallRecord, before: &World, after: &World) {
    if call.operation != "UpdateAutoScalingGroup" {
        return;
    }
    let healthy = |group: &Group| healthy(group, before);
    for group in before.scaling.groups.values().filter(|group| group.desired > 0) {
        let emptied = after.scaling.groups.get(&group.name).is_some_and(|after| after.desired == 0 && after.max > 0);
        if !emptied || !group.tags.contains_key("amiable:shifted-at") || healthy(group) == 0 {
            continue;
        }
        let mut others = before.scaling.groups.values().filter(|other| other.name != group.name);
        let another = others.any(|other| app_of(&other.name) == app_of(&group.name) && healthy(other) > 0);
        assert!(another, "{} was the last generation with healthy targets, and was scaled in", group.name);
    }
}

/// How many instances of a group are healthy targets.
pub fn healthy(group: &Group, world: &World) -> usize {
    let targets = group.target_groups.iter().filter_map(|at| world.balancing.target_groups.get(&at.arn));
    let healthy = targets.flat_map(|targets| &targets.targets).filter(|(_, target)| target.health == Health::Healthy);
    healthy.filter(|(key, _)| group.members.contains_key(&key.id)).count()
}

fn never_delete_what_serves(call: &CallRecord, before: &World, after: &World) {
    if call.operation != "DeleteAutoScalingGroup" {
        return;
    }
    for group in before.scaling.groups.values().filter(|group| group.deleting.is_none()) {
        let deleted = after.scaling.groups.get(&group.name).is_none_or(|group| group.deleting.is_some());
        if deleted {
            assert!(!before.serving().contains_key(&group.name), "{} was deleted while it served", group.name);
            assert!(group.members.is_empty(), "{} was deleted with instances", group.name);
        }
    }
}

/// Whatever does not carry our tags is as it was.
pub fn ownership(call: &CallRecord, before: &World, after: &World) {
    for group in before.scaling.groups.values().filter(|group| !group.tags.contains_key("amiable:owner")) {
        assert_eq!(Some(group), after.scaling.groups.get(&group.name), "a foreign group was changed by {call:?}");
    }
    let foreign = |tags: &BTreeMap<String, String>| !tags.contains_key("amiable:owner");
    for (arn, listener) in before.balancing.listeners.iter().filter(|(_, listener)| foreign(&listener.tags)) {
        assert_eq!(Some(listener), after.balancing.listeners.get(arn), "a foreign listener was changed by {call:?}");
    }
    for (arn, rule) in before.balancing.rules.iter().filter(|(_, rule)| foreign(&rule.tags)) {
        assert_eq!(Some(rule), after.balancing.rules.get(arn), "a foreign rule was changed by {call:?}");
    }
    for (arn, group) in before.balancing.target_groups.iter().filter(|(_, group)| foreign(&group.tags)) {
        assert!(after.balancing.target_groups.get(arn).is_some(), "{} was deleted by {call:?}", group.name);
    }
}

fn one_group_per_template(call: &CallRecord, world: &World) {
    let mut seen = BTreeMap::new();
    for group in world.scaling.groups.values().filter(|group| group.deleting.is_none() && group.desired > 0) {
        let Some(hash) = group.tags.get("amiable:template-hash") else { continue };
        if group.tags.contains_key("amiable:failed") {
            continue;
        }
        let key = (app_of(&group.name).to_owned(), hash.value.clone());
        let other = seen.insert(key, group.name.clone());
        assert_eq!(other, None, "{} has the template of another group after {call:?}", group.name);
    }
}

fn two_serve_at_most(call: &CallRecord, world: &World) {
    let mut apps: BTreeMap<String, u32> = BTreeMap::new();
    for group in world.serving().into_keys() {
        *apps.entry(app_of(&group).to_owned()).or_default() += 1;
    }
    assert!(apps.values().all(|groups| *groups <= 2), "{apps:?} after {call:?}");
}

/// For how many seconds a load balancer keeps a visitor on one target group.
pub fn stickiness(world: &World, balancer: &str) -> Option<u32> {
    let own = |arn: &str| crate::lab::name_in_listener(arn) == balancer;
    world.balancing.listeners.iter().filter(|(arn, _)| own(arn)).find_map(|(_, listener)| {
        listener.actions.iter().find_map(|action| match action {
            Action::Forward(forward) => forward.stickiness,
            _ => None,
        })
    })
}

/// The weight of every target group that a listener or rule names, by its name.
pub fn weights(world: &World) -> BTreeMap<String, u32> {
    let mut weights = BTreeMap::new();
    for (_, actions) in world.balancing.public_action_lists() {
        for action in actions {
            if let Action::Forward(forward) = action {
                weights.extend(forward.target_groups.iter().map(|(arn, weight)| (crate::lab::name_in(arn), *weight)));
            }
        }
    }
    weights
}

/// DNS records and deployed states, a line each.
pub fn records(world: &World) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for zone in world.dns.zones.values() {
        for record in zone.records.values().filter(|record| record.alias.is_some()) {
            lines.push(format!("record {}", record.name));
        }
    }
    for (name, parameter) in world.parameters.all.iter() {
        let value = parameter.versions.last().map(|version| version.value.clone()).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&value).unwrap_or_default();
        lines.push(format!("deployed {name} {} {}", value["generation"], value["image"]));
    }
    lines
}
