//! The name of an app: its records, their changes, and names that belong to others.

use std::time::Duration;

use amiable::controller::converge::Outcome;
use amiable::model::plan::Change;
use amiable::sim::fault::Fault;
use amiable::sim::wire::{ApiError, Request};
use amiable::sim::world::dns::{RecordSet, normalised};
use amiable::sim::world::example::{HELLO_1_0, HELLO_1_1, HELLO_SICK_LATER, ZONE_ID};
use insta::assert_snapshot;

use super::{deployed, serving, settles, weight};
use crate::lab::{Lab, app};

const NAME: &str = "hello.internal.example.com";

/// The records of the zone but its own, a line each.
pub(super) fn records(lab: &Lab) -> Vec<String> {
    lab.simulation.with(|world| {
        let records = world.dns.zones.get(ZONE_ID).unwrap().records.values();
        let shown = records.filter(|record| !matches!(record.kind.as_str(), "NS" | "SOA")).map(|record| {
            let target = match &record.alias {
                Some(_) => "alias".to_owned(),
                None => format!("ttl {}", record.ttl.unwrap_or_default()),
            };
            format!("{} {} {target}", record.name.trim_end_matches('.'), record.kind)
        });
        shown.collect()
    })
}

/// Puts a record into the zone as somebody else might.
pub(super) fn by_somebody(lab: &Lab, record: RecordSet) {
    lab.simulation.with(|world| {
        world.dns.zones.get_mut(ZONE_ID).unwrap().records.insert(record.key(), record);
    });
}

fn plain(name: &str, kind: &str, value: &str) -> RecordSet {
    RecordSet {
        name: normalised(name),
        kind: kind.to_owned(),
        ttl: Some(300),
        values: vec![value.to_owned()],
        ..RecordSet::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_somebody_else_is_a_conflict_and_stays() {
    let mut lab = Lab::new().await;
    by_somebody(&lab, plain(NAME, "A", "192.0.2.1"));
    lab.write("hello", app("hello", HELLO_1_0, &format!("  dns: {{name: {NAME}}}\n")));
    assert_eq!(lab.apply(false).await, Outcome::Failed);
    assert_eq!(lab.diary(), "", "nothing is created for an app that cannot have its name");
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Error);
    assert!(plan.reason.contains("is not this app's: A 192.0.2.1"), "{}", plan.reason);
    assert_eq!(records(&lab), [format!("{NAME} A ttl 300")]);
}

#[tokio::test(start_paused = true)]
async fn a_cname_has_its_ttl_and_becomes_an_alias_in_one_batch() {
    let cname = |ttl: &str| format!("  dns: {{name: {NAME}, type: CNAME, ttl: {ttl}}}\n");
    let mut lab = deployed(&cname("2m")).await;
    assert_eq!(records(&lab), [format!("{NAME} CNAME ttl 120")]);
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, &cname("5m")));
    assert_eq!(lab.plan("hello").await.fields[0].path, "dns.ttl");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:52 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    07:53 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(records(&lab), [format!("{NAME} CNAME ttl 300")]);
    settles(&lab).await;

    lab.write("hello", app("hello", HELLO_1_0, &format!("  dns: {{name: {NAME}}}\n")));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    08:40 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    08:41 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(records(&lab), [format!("{NAME} A alias")]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_ttl_that_somebody_changed_is_drift_that_may_be_left_alone() {
    let cname = format!("  dns: {{name: {NAME}, type: CNAME}}\n");
    let mut lab = deployed(&cname).await;
    lab.diary();
    lab.simulation.with(|world| {
        let zone = world.dns.zones.get_mut(ZONE_ID).unwrap();
        zone.records.values_mut().filter(|record| record.kind == "CNAME").for_each(|record| record.ttl = Some(3600));
    });
    lab.write("hello", app("hello", HELLO_1_0, &format!("{cname}  drift: {{ignore: [dns.ttl]}}\n")));
    settles(&lab).await;
    lab.write("hello", app("hello", HELLO_1_0, &cname));
    let plan = lab.plan("hello").await;
    assert_eq!((plan.change, plan.drift[0].path.as_str()), (Change::Drift, "dns.ttl"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_eq!(records(&lab), [format!("{NAME} CNAME ttl 60")]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_name_comes_first_and_then_the_old_one_goes() {
    let mut lab = deployed(&format!("  dns: {{name: {NAME}}}\n")).await;
    lab.diary();
    // A name that somebody made by hand leads to the same load balancer, and is none of ours.
    let vanity = lab.simulation.with(|world| {
        let zone = world.dns.zones.get(ZONE_ID).unwrap();
        let ours = zone.records.values().find(|record| record.alias.is_some()).unwrap();
        RecordSet { name: normalised("shop.internal.example.com"), ..ours.clone() }
    });
    by_somebody(&lab, vanity);
    lab.write("hello", app("hello", HELLO_1_0, "  dns: {name: greeter.internal.example.com}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:52 ChangeResourceRecordSets greeter.internal.example.com: greeter.internal.example.com leads to hello-prod
    08:37 ChangeResourceRecordSets hello.internal.example.com: the app is called greeter.internal.example.com now
    08:37 CreateOrUpdateTags hello-prod-v001: this is its name now
    08:38 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(records(&lab), ["greeter.internal.example.com A alias", "shop.internal.example.com A alias"]);
    settles(&lab).await;

    lab.write("hello", app("hello", HELLO_1_0, ""));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    09:25 ChangeResourceRecordSets greeter.internal.example.com: the manifest has no name any more
    09:25 DeleteTags hello-prod-v001: it has no name any more
    09:26 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(records(&lab), ["shop.internal.example.com A alias"]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_dualstack_load_balancer_has_a_name_for_both_families() {
    let dual = format!("  loadBalancer: {{ipAddressType: dualstack}}\n  dns: {{name: {NAME}}}\n");
    let mut lab = deployed(&dual).await;
    assert_eq!(records(&lab), [format!("{NAME} A alias"), format!("{NAME} AAAA alias")]);
    lab.diary();
    lab.write(
        "hello",
        app("hello", HELLO_1_0, &format!("  loadBalancer: {{ipAddressType: ipv4}}\n  dns: {{name: {NAME}}}\n")),
    );
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    assert_snapshot!(lab.diary(), @"
    07:07 SetIpAddressType hello-prod: the load balancer differs from the manifest
    07:52 ChangeResourceRecordSets hello.internal.example.com: hello.internal.example.com leads to hello-prod
    07:53 CreateOrUpdateTags hello-prod-v001: its settings are those of the manifest
    ");
    assert_eq!(records(&lab), [format!("{NAME} A alias")]);
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_private_and_a_public_zone_of_one_name_must_be_told_apart() {
    let mut lab = Lab::new().await;
    lab.simulation.with(|world| world.add_zone("Z9999999999EXAMPLE00", "internal.example.com.", "public", None));
    lab.write("hello", app("hello", HELLO_1_0, &format!("  dns: {{name: {NAME}}}\n")));
    let plan = lab.plan("hello").await;
    assert_eq!(plan.change, Change::Error);
    assert!(plan.reason.contains("(private)") && plan.reason.contains("(public)"), "{}", plan.reason);
    assert!(plan.reason.contains("name one by its id"), "{}", plan.reason);
    lab.edit_environment("prod", "dnsZone: internal.example.com", "dnsZone: Z9999999999EXAMPLE00");
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let public = lab.simulation.with(|world| world.dns.zones.get("Z9999999999EXAMPLE00").unwrap().records.len());
    assert_eq!(public, 3, "the record is beside NS and SOA of the zone that was named");
    settles(&lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_cannot_be_read_keeps_nobody_from_watching_and_going_back() {
    let throttled = |request: &Request, _: bool| {
        let refused = request.operation == "ListResourceRecordSets";
        refused.then(|| Fault::Refuse(ApiError::new("Throttling", "Rate exceeded")))
    };
    for strategy in ["", "  strategy: {canary: {steps: [{weight: 50}, {pause: 10m}]}}\n"] {
        for (image, seconds, serves, outcome) in [
            (HELLO_SICK_LATER, 180, "v001", Outcome::ReleaseFailed),
            // To the end of the bake, and a little longer: then only the name is left to be seen to.
            (HELLO_1_1, if strategy.is_empty() { 330 } else { 930 }, "v002", Outcome::Converged),
        ] {
            let extra = format!("  dns: {{name: {NAME}}}\n{strategy}");
            let mut lab = deployed(&extra).await;
            lab.write("hello", app("hello", image, &extra));
            lab.apply_for(Duration::from_secs(80)).await;
            assert_ne!(weight(&lab, "hello-prod-b"), 0, "{}", lab.diary());
            lab.simulation.set_faults(Some(Box::new(throttled)));
            let during = async {
                lab.pass(seconds).await;
                let now = (serving(&lab), lab.plan("hello").await);
                lab.simulation.set_faults(None);
                now
            };
            let (ended, (meanwhile, plan)) = tokio::join!(lab.apply(false), during);
            assert_eq!(meanwhile, [(format!("hello-prod-{serves}"), 2)], "{}", lab.diary());
            let is_over = serves == "v002";
            assert_eq!(plan.change == Change::Error, is_over, "{}", plan.reason);
            assert_eq!(plan.reason.contains("could not be read"), is_over, "{}", plan.reason);
            assert_eq!(ended, outcome, "{}", lab.diary());
            assert!(lab.diary().contains(&format!("{serves} is recorded")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_generation_whose_name_aws_refuses_is_watched_for_its_whole_bake_all_the_same() {
    for (image, outcome) in [(HELLO_1_0, Outcome::Failed), (HELLO_SICK_LATER, Outcome::ReleaseFailed)] {
        let mut lab = Lab::new().await;
        lab.simulation.set_faults(Some(Box::new(|request: &Request, _: bool| {
            let denied = || Fault::Refuse(ApiError::new("AccessDenied", "not today").with_status(403));
            (request.operation == "ChangeResourceRecordSets").then(denied)
        })));
        let named = "  dns: {name: hello.internal.example.com}\n  strategy: {redBlack: {bakeTime: 6m}}\n";
        lab.write("hello", app("hello", image, named));
        assert_eq!(lab.apply(false).await, outcome, "{}", lab.diary());
        let shifted = lab.simulation.with(|world| {
            let group = world.scaling.groups.get("hello-prod-v001").unwrap();
            group.tags["amiable:shifted-at"].value.clone()
        });
        let baked =
            lab.clock.now().as_second() - shifted.parse::<amiable::model::time::Timestamp>().unwrap().as_second();
        assert!(baked >= 360 || outcome == Outcome::ReleaseFailed, "{baked} s");
        assert!(lab.history("hello").await.is_empty(), "it is not deployed without its name");
        if outcome == Outcome::Failed {
            lab.simulation.set_faults(None);
            assert_eq!(lab.apply(false).await, Outcome::Converged, "{}", lab.diary());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn that_all_settings_are_in_force_is_noted_only_once_the_name_has_moved() {
    let mut lab = deployed("  dns: {name: hello.internal.example.com}\n").await;
    lab.diary();
    lab.write("hello", app("hello", HELLO_1_0, "  dns: {name: again.internal.example.com}\n"));
    assert_eq!(lab.apply(false).await, Outcome::Converged);
    let diary = lab.diary();
    let at = |words: &str| diary.find(words).unwrap_or_else(|| panic!("{words}: {diary}"));
    assert!(at("again.internal.example.com leads to") < at("its settings are those of the manifest"), "{diary}");
}
