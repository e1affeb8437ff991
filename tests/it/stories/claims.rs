//! What several apps want together: places on a shared listener, names in DNS, names of generations.

use std::sync::{Arc, Mutex};

use amiable::controller::converge::{Options, Outcome};
use amiable::model::desired::Desired;
use amiable::model::plan::Change;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::World;
use amiable::sim::world::balancing::{Condition, Rule};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, ZONE_ID};

use super::deployed;
use super::shared_listener::shared;
use crate::invariants;
use crate::lab::{Lab, app, name_in};

/// The priority of each app's rule, by the name of its target group without the slot.
fn places(lab: &Lab) -> Vec<(String, u32)> {
    lab.simulation.with(|world| {
        let ours = world.balancing.rules.values().filter(|rule| rule.tags.contains_key("amiable:owner"));
        let mut places: Vec<(String, u32)> =
            ours.map(|rule| (rule.tags["amiable:app"].clone(), rule.priority)).collect();
        places.sort_by_key(|(_, priority)| *priority);
        places
    })
}

fn order(lab: &Lab) -> Vec<String> {
    places(lab).into_iter().map(|(app, _)| app).collect()
}

const FRONT: &str = "  loadBalancer: {listener: web, hosts: [front.example.com]}\n";
const API: &str = "  loadBalancer: {listener: web, hosts: [front.example.com], paths: [/api/*]}\n";
const ALL: &str = "  loadBalancer: {listener: web, hosts: ['*.example.com']}\n";

#[tokio::test(start_paused = true)]
async fn more_specific_rules_come_first_whatever_the_apps_are_called_and_whichever_came_first() {
    for (all, front, api) in [("a", "b", "c"), ("c", "b", "a"), ("front", "api", "zoo")] {
        let mut lab = shared().await;
        for (name, rule) in [(all, ALL), (front, FRONT), (api, API)] {
            lab.write(name, app(name, HELLO_1_0, rule));
        }
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        assert_eq!(order(&lab), [api, front, all], "all at once: {:?}", places(&lab));

        let mut lab = shared().await;
        for (name, rule) in [(front, FRONT), (all, ALL), (api, API)] {
            lab.write(name, app(name, HELLO_1_0, rule));
            assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        }
        assert_eq!(order(&lab), [api, front, all], "one after the other: {:?}", places(&lab));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_stands_wrong_moves_by_one_call_when_everything_is_compared() {
    let mut lab = shared().await;
    for (name, rule) in [("front", FRONT), ("front-api", API)] {
        lab.write(name, app(name, HELLO_1_0, rule));
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.simulation.with(|world| {
        for rule in world.balancing.rules.values_mut().filter(|rule| rule.tags.contains_key("amiable:owner")) {
            rule.priority = if rule.tags["amiable:app"] == "front" { 500 } else { 600 };
        }
    });
    lab.deep = true;
    let plan = lab.plan("front-api").await;
    assert_eq!((plan.change, plan.drift[0].path.as_str()), (Change::Drift, "loadBalancer.priority"), "{plan:?}");
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(order(&lab), ["front-api", "front"], "{}", lab.diary());
    for name in ["front", "front-api"] {
        let plan = lab.plan(name).await;
        assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0), "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_rule_with_the_same_conditions_or_before_ours_is_an_error_that_names_it_before_anything_is_made() {
    let mut lab = shared().await;
    // Somebody else's rules on this listener: 10 for /status, 1000 for /admin.
    for (rule, said) in [
        ("paths: [/status]", "the rule at priority 10 has the same conditions as this app"),
        ("paths: [/status], priority: 20", "the rule at priority 10 has the same conditions"),
        (
            "paths: [/status], hosts: [a.example.com], priority: 20",
            "would take all requests of loadBalancer.priority 20",
        ),
        ("paths: ['/sta*'], priority: 5", "loadBalancer.priority 5 would take all requests of the rule at priority 10"),
    ] {
        lab.write("hello", app("hello", HELLO_1_0, &format!("  loadBalancer: {{listener: web, {rule}}}\n")));
        assert_eq!(lab.apply(false).await, Outcome::Failed, "{rule}");
        assert_eq!(lab.diary(), "", "{rule}: nothing is made");
        let plan = lab.plan("hello").await;
        assert!(plan.reason.contains(said), "{rule}: {}", plan.reason);
    }
    lab.write(
        "hello",
        app("hello", HELLO_1_0, "  loadBalancer: {listener: web, hosts: [a.example.com], paths: [/status]}\n"),
    );
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert!(places(&lab)[0].1 < 10, "the more specific rule goes before the stranger's: {:?}", places(&lab));
}

/// The load balancer that a name's A record leads to.
fn target(world: &World, name: &str) -> Option<String> {
    let records = &world.dns.zones.get(ZONE_ID)?.records;
    let record = records.values().find(|record| record.name.trim_end_matches('.') == name && record.kind == "A")?;
    let dns_name = record.alias.as_ref()?.dns_name.trim_start_matches("dualstack.").trim_end_matches('.').to_owned();
    let balancer = world.balancing.load_balancers.values().find(|it| it.dns_name.eq_ignore_ascii_case(&dns_name))?;
    Some(name_in(&balancer.arn).to_owned()).map(|_| balancer.name.clone())
}

/// Watches that these names lead somewhere after every call, besides what always must hold.
fn watch_names(lab: &Lab, names: &'static [&'static str]) -> Arc<Mutex<u32>> {
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    lab.simulation.set_observer(Some(Box::new(move |call, before, after| {
        invariants::assert_invariants(call, before, after);
        *counted.lock().unwrap() += 1;
        for name in names {
            assert!(target(after, name).is_some(), "{name} leads nowhere after {call:?}");
        }
    })));
    calls
}

#[tokio::test(start_paused = true)]
async fn a_renamed_app_takes_its_name_over_from_the_orphan_without_a_moment_without_a_record() {
    let name = "  dns: {name: shop.internal.example.com}\n";
    let mut lab = Lab::new().await;
    lab.write("shop", app("shop", HELLO_1_0, name));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let calls = watch_names(&lab, &["shop.internal.example.com"]);
    lab.remove("shop");
    lab.write("store", app("store", HELLO_1_0, name));
    let plan = lab.plan("store").await;
    let said = "shop.internal.example.com is taken over from shop, whose record stays until then";
    assert!(plan.notes.iter().any(|note| note == said), "{plan:?}");
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.simulation.with(|world| target(world, "shop.internal.example.com")).as_deref(), Some("store-prod"));
    assert!(*calls.lock().unwrap() > 5);
    let plan = lab.plan("store").await;
    assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0), "{plan:?}");
    assert_eq!(lab.plan("shop").await.change, Change::Orphaned);
}

#[tokio::test(start_paused = true)]
async fn two_apps_swap_their_names_without_a_moment_without_a_record() {
    let named = |name: &str| format!("  dns: {{name: {name}.internal.example.com}}\n");
    let mut lab = Lab::new().await;
    for name in ["blue", "green"] {
        lab.write(name, app(name, HELLO_1_0, &named(name)));
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    watch_names(&lab, &["blue.internal.example.com", "green.internal.example.com"]);
    lab.write("blue", app("blue", HELLO_1_0, &named("green")));
    lab.write("green", app("green", HELLO_1_0, &named("blue")));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    lab.simulation.with(|world| {
        assert_eq!(target(world, "blue.internal.example.com").as_deref(), Some("green-prod"));
        assert_eq!(target(world, "green.internal.example.com").as_deref(), Some("blue-prod"));
    });
    for name in ["blue", "green"] {
        let plan = lab.plan(name).await;
        assert_eq!((plan.change, plan.actions.len(), plan.waits.len()), (Change::Unchanged, 0, 0), "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_app_behind_a_shared_listener_keeps_the_record_and_the_end_of_the_old_one_leaves_it() {
    let mut lab = shared().await;
    let rule = |host: &str| {
        format!(
            "  loadBalancer: {{listener: web, hosts: [{host}.example.com]}}\n  dns: {{name: shop.internal.example.com}}\n"
        )
    };
    lab.write("shop", app("shop", HELLO_1_0, &rule("shop")));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    watch_names(&lab, &["shop.internal.example.com"]);
    lab.write("store", app("store", HELLO_1_0, &rule("store")));
    lab.write("shop", app("shop", HELLO_1_0, &format!("{}  destroy: true\n", rule("shop"))));
    lab.simulation.set_observer(Some(Box::new(|call, _, after| {
        assert!(target(after, "shop.internal.example.com").is_some(), "the name leads nowhere after {call:?}");
    })));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.plan("store").await.change, Change::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_destroyed_serves_until_the_one_that_takes_its_name_over_has_it() {
    let name = "  dns: {name: shop.internal.example.com}\n";
    let mut lab = Lab::new().await;
    lab.write("shop", app("shop", HELLO_1_0, name));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.simulation.set_observer(Some(Box::new(|call, _, after| {
        assert!(target(after, "shop.internal.example.com").is_some(), "the name leads nowhere after {call:?}");
    })));
    lab.write("shop", app("shop", HELLO_1_0, &format!("{name}  destroy: true\n")));
    lab.write("store", app("store", HELLO_1_0, name));
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.simulation.with(|world| target(world, "shop.internal.example.com")).as_deref(), Some("store-prod"));
    assert!(!lab.simulation.with(|world| world.scaling.groups.contains_key("shop-prod-v001")));
}

/// AWS refuses to change records.
fn refuse_records(lab: &Lab) {
    lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
        let denied = || Fault::Refuse(ApiError::new("AccessDenied", "not today").with_status(403));
        (request.operation == "ChangeResourceRecordSets").then(denied)
    })));
}

const LEADS_HERE: &str =
    "shop.internal.example.com leads here until store takes it over, which `amiable apply store` does";

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_name_that_another_app_does_not_come_to_take() {
    let name = "  dns: {name: shop.internal.example.com}\n";
    let mut lab = Lab::new().await;
    lab.write("shop", app("shop", HELLO_1_0, name));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.write("shop", app("shop", HELLO_1_0, ""));
    lab.write("store", app("store", HELLO_1_0, name));
    // One of the two alone: the other one does not come.
    let begun = lab.clock.now();
    let options = |only: &str, cleanup| Options {
        only: Some([only.parse().unwrap()].into()),
        wait_for_cleanup: cleanup,
        timeout: Some(std::time::Duration::from_secs(6 * 3600)),
    };
    let shop = lab.converge_with(options("shop", true)).await;
    assert_eq!(shop.0, Outcome::Blocked);
    assert!(shop.1.apps[0].left_over.contains(&LEADS_HERE.to_owned()), "{:?}", shop.1.apps[0].left_over);
    assert_eq!(lab.converge_with(options("shop", false)).await.0, Outcome::Converged, "it is deployed");
    // Both, where AWS refuses the record: that is an error of the one, and the other one does not wait for ever.
    refuse_records(&lab);
    assert_eq!(lab.apply(true).await, Outcome::Failed, "{}", lab.diary());
    let took = lab.clock.now().as_second() - begun.as_second();
    assert!(took < 30 * 60, "{took} s");
    lab.simulation.set_faults(None);
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert_eq!(lab.simulation.with(|world| target(world, "shop.internal.example.com")).as_deref(), Some("store-prod"));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_app_says_which_app_is_to_take_its_name_over_and_does_not_wait_for_it() {
    let name = "  dns: {name: shop.internal.example.com}\n";
    let mut lab = Lab::new().await;
    lab.write("shop", app("shop", HELLO_1_0, name));
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.write("shop", app("shop", HELLO_1_0, &format!("{name}  destroy: true\n")));
    lab.write("store", app("store", HELLO_1_0, name));
    lab.diary();
    let begun = lab.clock.now();
    assert_eq!(lab.apply_only("shop").await, Outcome::Blocked);
    assert!(lab.clock.now().as_second() - begun.as_second() < 60);
    assert_eq!(lab.diary(), "", "nothing is deleted");
    let only = Desired { chosen: Some(["shop".parse().unwrap()].into()), ..lab.desired() };
    let plan = amiable::controller::snapshot::look(&lab.aws, &only, &lab.clock).await.unwrap().1.apps.remove(0);
    let said =
        format!("the manifest of store asks for the name of shop: {LEADS_HERE}; then `amiable destroy shop` goes on");
    assert_eq!(plan.reason, said);
    // Both: the one takes it, and then the other one goes.
    lab.simulation.set_observer(None);
    assert_eq!(lab.apply(true).await, Outcome::Converged, "{}", lab.diary());
    assert!(!lab.simulation.with(|world| world.scaling.groups.contains_key("shop-prod-v001")));
}

#[tokio::test(start_paused = true)]
async fn a_launch_template_or_group_of_somebody_elses_with_our_name_is_found_before_anything_is_made() {
    let template = [
        ("LaunchTemplateName", "hello-prod-v001"),
        ("LaunchTemplateData.ImageId", HELLO_1_0),
        ("LaunchTemplateData.InstanceType", "m7i.large"),
    ];
    let mut lab = Lab::new().await;
    lab.by_hand("ec2", "CreateLaunchTemplate", &template);
    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "", "nothing is made");
    let plan = lab.plan("hello").await;
    assert!(plan.reason.starts_with("launch template hello-prod-v001 exists and is not this app's"), "{}", plan.reason);

    // The same for a later generation.
    let mut lab = deployed("").await;
    lab.diary();
    let next = [("LaunchTemplateName", "hello-prod-v002"), template[1], template[2]];
    lab.by_hand("ec2", "CreateLaunchTemplate", &next);
    lab.write("hello", app("hello", HELLO_1_1, ""));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "");
}

/// The rules of ours on the listener, in their order: the app, and whether it is for preview requests.
fn with_previews(lab: &Lab) -> Vec<(String, bool)> {
    lab.simulation.with(|world| {
        let mut ours: Vec<_> =
            world.balancing.rules.values().filter(|rule| rule.tags.contains_key("amiable:owner")).collect();
        ours.sort_by_key(|rule| rule.priority);
        let is_preview = |rule: &Rule| rule.conditions.iter().any(|it| matches!(it, Condition::Header { .. }));
        ours.into_iter().map(|rule| (rule.tags["amiable:app"].clone(), is_preview(rule))).collect()
    })
}

fn named(pairs: &[(&str, bool)]) -> Vec<(String, bool)> {
    pairs.iter().map(|(app, is_preview)| ((*app).to_owned(), *is_preview)).collect()
}

/// Two images: one is well, and one answers this path with an error.
fn next(lab: &Lab, path: &str) -> [&'static str; 2] {
    let [good, bad] = ["ami-00000000000000200", "ami-00000000000000210"];
    lab.simulation.with(|world| {
        world.add_image(good, "hello 2.0.0", "");
        world.add_image(bad, "hello 2.1.0", &format!("broken={path}"));
    });
    [good, bad]
}

const FRONT_SMOKE: &str = "  verification: {smoke: [{path: /version, body: hello}]}\n";
const API_SMOKE: &str = "  verification: {smoke: [{path: /api/version, body: hello}]}\n";

#[tokio::test(start_paused = true)]
async fn preview_requests_of_two_apps_on_one_listener_lead_each_to_its_own_next_generation() {
    for (front, api) in [("front", "front-api"), ("zoo", "bear")] {
        let mut lab = shared().await;
        let write = |lab: &mut Lab, front_image: &str, api_image: &str| {
            lab.write(front, app(front, front_image, &format!("{FRONT}{FRONT_SMOKE}")));
            lab.write(api, app(api, api_image, &format!("{API}{API_SMOKE}")));
        };
        write(&mut lab, HELLO_1_0, HELLO_1_0);
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        let order = named(&[(api, true), (api, false), (front, true), (front, false)]);
        assert_eq!(with_previews(&lab), order, "{:?}", places(&lab));

        // Each is judged by its own instances, whichever of both is bad.
        let [good, bad] = next(&lab, "/api/version");
        write(&mut lab, good, bad);
        assert_eq!(lab.apply(false).await, Outcome::ReleaseFailed, "{}", lab.diary());
        let reason = lab.plan(api).await.reason;
        assert!(reason.contains("smoke /api/version: status 500"), "{reason}");
        let served = |app: &str, generation: u32| (format!("{app}-prod-v00{generation}"), 2);
        let mut serving = super::serving(&lab);
        serving.sort();
        let mut expected = vec![served(front, 2), served(api, 1)];
        expected.sort();
        assert_eq!(serving, expected);
        assert_eq!(with_previews(&lab), order, "{:?}", places(&lab));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_moves_takes_its_preview_along_so_that_smoke_checks_never_ask_what_serves() {
    let at = |priority: u32| {
        format!("  loadBalancer: {{listener: web, hosts: [hello.example.com], priority: {priority}}}\n{FRONT_SMOKE}")
    };
    // Its preview stands at 19: before that, right there, and after it.
    for place in [12, 19, 30] {
        let mut lab = shared().await;
        lab.write("hello", app("hello", HELLO_1_0, &at(20)));
        assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        let [_, bad] = next(&lab, "/version");
        lab.write("hello", app("hello", bad, &at(place)));
        let outcome = lab.apply(false).await;
        let diary = lab.diary();
        assert_eq!(outcome, Outcome::ReleaseFailed, "{place}: {}\n{diary}", lab.plan("hello").await.reason);
        assert_eq!(with_previews(&lab), named(&[("hello", true), ("hello", false)]), "{:?}", places(&lab));
        assert_eq!(places(&lab)[1].1, place, "{diary}");
        assert_eq!(super::serving(&lab), [("hello-prod-v001".to_owned(), 2)], "{place}: {diary}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_with_a_preview_that_stands_wrong_moves_as_any_other_does() {
    let mut lab = shared().await;
    for (name, rule) in [("front", format!("{FRONT}{FRONT_SMOKE}")), ("front-api", format!("{API}{API_SMOKE}"))] {
        lab.write(name, app(name, HELLO_1_0, &rule));
    }
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    lab.simulation.with(|world| {
        let previews = |rule: &Rule| rule.conditions.iter().any(|it| matches!(it, Condition::Header { .. }));
        for rule in world.balancing.rules.values_mut().filter(|rule| rule.tags.contains_key("amiable:owner")) {
            let place = if rule.tags["amiable:app"] == "front" { 500 } else { 600 };
            rule.priority = if previews(rule) { place - 1 } else { place };
        }
    });
    lab.deep = true;
    lab.diary();
    assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
    let order = named(&[("front-api", true), ("front-api", false), ("front", true), ("front", false)]);
    assert_eq!(with_previews(&lab), order, "{:?}\n{}", places(&lab), lab.diary());
    for name in ["front", "front-api"] {
        let plan = lab.plan(name).await;
        assert_eq!((plan.change, plan.actions.len()), (Change::Unchanged, 0), "{plan:?}");
    }
}
