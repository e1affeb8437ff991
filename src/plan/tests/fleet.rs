//! Fleets: many apps that are like one, but for their names, and what an app's plan has to do with the others.

use super::*;
use crate::plan::index::Index;
use crate::plan::resolve::{self, Wanted};

/// So many apps like that of the case, in one environment. The first of them is the case's own.
pub(super) fn fleet(case: &Case, apps: usize) -> Case {
    let mut fleet = Case { desired: case.desired.clone(), observed: case.observed.clone() };
    (1..apps).for_each(|number| add(&mut fleet, case, &format!("app-{number:05}")));
    fleet
}

/// Adds an app like that of the case, under another name.
fn add(fleet: &mut Case, case: &Case, name: &str) {
    let renamed = |text: &str| text.replace("hello-prod", &format!("{name}-prod"));
    let app = Scope::new(name.parse().unwrap(), scope().environment);
    let mut like = case.desired.apps[&scope().app].clone();
    like.scope = app.clone();
    if let Some(dns) = &mut like.spec.dns {
        dns.name = dns.name.replace("hello", name);
    }
    let applied =
        |desired_app: &DesiredApp| Wanted::resolve(desired_app, &case.desired.environment, &case.observed).applied();
    let (before, after) = (applied(&case.desired.apps[&scope().app]), applied(&like));
    fleet.desired.apps.insert(app.app.clone(), like);
    let owner = |owner: &Ownership| Ownership {
        app: app.app.clone(),
        listeners: owner.listeners.iter().map(|arn| renamed(arn)).collect(),
        dns: owner.dns.as_ref().map(|dns| dns.replace("hello", name)),
        applied: owner.applied.as_ref().map(|has| if *has == before { after.clone() } else { has.clone() }),
        ..owner.clone()
    };
    let (seen, into) = (&case.observed, &mut fleet.observed);
    for group in seen.groups.known().unwrap().values() {
        let mut group = Group { name: renamed(&group.name), owner: owner(&group.owner), ..group.clone() };
        group.launch_template = group.launch_template.map(|(template, version)| (renamed(&template), version));
        group.target_group_arns.iter_mut().for_each(|arn| *arn = renamed(arn));
        group.instances.iter_mut().for_each(|instance| instance.id = format!("{}-{name}", instance.id));
        known(&mut into.groups).insert(group.name.clone(), group);
    }
    for template in seen.launch_templates.known().unwrap().values() {
        let owner = owner(&template.owner);
        let template = LaunchTemplate { name: renamed(&template.name), owner, ..template.clone() };
        known(&mut into.launch_templates).insert(template.name.clone(), template);
    }
    for group in seen.target_groups.known().unwrap().values() {
        let group = TargetGroup { name: renamed(&group.name), arn: renamed(&group.arn), ..group.clone() };
        known(&mut into.target_groups).insert(group.name.clone(), group);
    }
    for balancer in seen.load_balancers.known().unwrap().values() {
        let dns_name = renamed(&balancer.dns_name);
        let balancer =
            LoadBalancer { name: renamed(&balancer.name), arn: renamed(&balancer.arn), dns_name, ..balancer.clone() };
        known(&mut into.load_balancers).insert(balancer.name.clone(), balancer);
    }
    for listener in seen.listeners.values() {
        let mut listener = listener.known().cloned().flatten().unwrap();
        (listener.arn, listener.load_balancer_arn) = (renamed(&listener.arn), renamed(&listener.load_balancer_arn));
        let weights = std::mem::take(&mut listener.forward.weights).into_iter();
        listener.forward.weights = weights.map(|(arn, weight)| (renamed(&arn), weight)).collect();
        into.listeners.insert(listener.arn.clone(), Read::Known(Some(listener)));
    }
    let Some(Read::Known(zone)) = &mut into.zone else { panic!("no zone") };
    for record in &seen.zone.as_ref().and_then(Read::known).unwrap().records {
        let mut record = DnsRecord { name: record.name.replace("hello", name), ..record.clone() };
        record.alias.iter_mut().for_each(|alias| alias.dns_name = renamed(&alias.dns_name));
        zone.records.push(record);
    }
    let deployed = seen.details.deployed[&scope().app].clone();
    into.details.deployed.insert(app.app.clone(), deployed);
    let attributes = seen.details.target_group_attributes.iter();
    let attributes: Vec<_> = attributes.map(|(arn, has)| (renamed(arn), has.clone())).collect();
    into.details.target_group_attributes.extend(attributes);
    let tags = crate::model::tags::encode_app(&app, &renamed("hello-prod"), &BTreeMap::new());
    for arn in seen.details.tags.keys() {
        into.details.tags.insert(renamed(arn), Read::Known(tags.clone()));
    }
    for number in 1..9 {
        into.details.named.insert(app.generation_name(Generation(number)), Read::Known(Named::default()));
    }
}

fn known<T>(read: &mut Read<T>) -> &mut T {
    match read {
        Read::Known(value) => value,
        Read::Unknown(why) => panic!("{why}"),
    }
}

/// An app with a name that serves, as its manifest says.
pub(super) fn settled() -> Case {
    let mut case = Case::serving(OLD_IMAGE, json!({"dns": {"name": "hello.internal.example.com"}}));
    let balancer = case.observed.load_balancers.known().unwrap()["hello-prod"].clone();
    let alias = AliasTarget {
        dns_name: balancer.dns_name,
        zone_id: balancer.hosted_zone_id,
        evaluate_target_health: case.desired.apps[&scope().app].spec.dns.as_ref().unwrap().evaluate_target_health,
    };
    let record = DnsRecord {
        name: "hello.internal.example.com".to_owned(),
        kind: "A".to_owned(),
        alias: Some(alias),
        values: Vec::new(),
        ttl: None,
        set_identifier: None,
    };
    if let Some(Read::Known(zone)) = &mut case.observed.zone {
        zone.records.push(record);
    }
    for group in known(&mut case.observed.groups).values_mut() {
        group.owner.dns = Some("hello.internal.example.com".to_owned());
    }
    case
}

#[test]
fn what_else_is_in_the_environment_changes_nothing_about_an_app() {
    let alone = [settled(), baking(Health::Healthy, 60), baking(Health::Unhealthy, 600)];
    for case in alone {
        let (one, many) = (case.plan(), plan(&fleet(&case, 30).desired, &fleet(&case, 30).observed, now()));
        let same = many.apps.iter().find(|plan| plan.app == scope().app).unwrap();
        assert_eq!(format!("{one:?}"), format!("{same:?}"));
    }
}

/// Names of which one begins with another, or holds a `-v`.
const APPS: [&str; 6] = ["a", "a-v", "a-v1", "b", "b-prod", "c"];

/// An environment in which tags, names and records do not fit together, different for every seed.
fn muddle(seed: u64) -> Case {
    let mut case = settled();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut any = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let group = case.observed.groups.known().unwrap()["hello-prod-v001"].clone();
    let template = case.observed.launch_templates.known().unwrap()["hello-prod-v001"].clone();
    let balancer = case.observed.load_balancers.known().unwrap()["hello-prod"].clone();
    let app = case.desired.apps[&scope().app].clone();
    let record = case.observed.zone.as_ref().and_then(Read::known).unwrap().records[0].clone();
    let dns = |number: usize| format!("{}.internal.example.com", ["x", "y", "Z"][number]);
    for number in 0..12_u32 {
        let [tagged, named] =
            [APPS[any(6)], APPS[any(6)]].map(|name| Scope::new(name.parse().unwrap(), scope().environment));
        let name = named.generation_name(Generation(number));
        let mut owner = Ownership { app: tagged.app.clone(), generation: Generation(number), ..group.owner.clone() };
        owner.dns = (any(2) == 0).then(|| dns(any(3)));
        let template = LaunchTemplate { name: name.clone(), owner: owner.clone(), ..template.clone() };
        known(&mut case.observed.launch_templates).insert(name.clone(), template);
        known(&mut case.observed.groups).insert(name.clone(), Group { name: name.clone(), owner, ..group.clone() });
        if any(3) == 0 {
            let app = (any(2) == 0).then(|| tagged.app.clone());
            let problem = Problem { what: "a group".to_owned(), name, app, why: number.to_string() };
            case.observed.problems.push(problem);
        }
        let mut like = DesiredApp { scope: tagged.clone(), ..app.clone() };
        like.spec.destroy = any(4) == 0;
        like.spec.dns.as_mut().unwrap().name = dns(any(3));
        case.desired.apps.insert(tagged.app.clone(), like);
        let (arn, name) = (format!("arn:{}", any(5)), named.load_balancer_name());
        known(&mut case.observed.load_balancers).insert(name.clone(), LoadBalancer { name, arn, ..balancer.clone() });
        let record =
            DnsRecord { name: resolve::dns::plain(&dns(any(3))), ttl: Some(u64::from(number)), ..record.clone() };
        if let Some(Read::Known(zone)) = &mut case.observed.zone {
            zone.records.push(record);
        }
    }
    case
}

#[test]
fn the_index_finds_what_a_walk_over_the_fleet_finds_in_the_same_order() {
    for seed in 0..200 {
        let Case { desired, observed } = muddle(seed);
        let index = Index::new(Some(&desired), &observed);
        let groups = || observed.groups.known().unwrap().values();
        let templates = || observed.launch_templates.known().unwrap().values();
        for name in APPS {
            let scope = Scope::new(name.parse().unwrap(), scope().environment);
            let own: Vec<&Group> = groups().filter(|group| group.owner.app == scope.app).collect();
            assert_eq!(index.groups(&scope.app), own, "{seed} {name}");
            let own: Vec<&LaunchTemplate> = templates().filter(|template| template.owner.app == scope.app).collect();
            assert_eq!(index.templates(&scope.app), own, "{seed} {name}");
            let problem = observed.problems.iter().find(|problem| problem.concerns(&scope));
            assert_eq!(index.problem(&scope), problem, "{seed} {name}");
        }
        let zone = observed.zone.as_ref().and_then(Read::known).unwrap();
        let names = ["x", "y", "z"].map(|name| format!("{name}.internal.example.com"));
        for some in [&names[..1], &names[1..], &[]] {
            let found: Vec<&DnsRecord> = zone.records.iter().filter(|record| some.contains(&record.name)).collect();
            assert_eq!(index.records(some), found, "{seed} {some:?}");
        }
        for name in names {
            let is_it = |dns: &str| resolve::dns::plain(dns) == name;
            let tagged: Vec<&Group> = groups().filter(|group| group.owner.dns.as_deref().is_some_and(is_it)).collect();
            assert_eq!(index.with_dns_name(&name), tagged, "{seed} {name}");
            let stays = desired.apps.values().filter(|app| !app.spec.destroy);
            let claims = stays.filter(|app| app.spec.dns.as_ref().is_some_and(|dns| is_it(&dns.name)));
            assert_eq!(index.claiming(&name), claims.map(|app| &app.scope.app).collect::<Vec<_>>(), "{seed} {name}");
        }
        let balancers = || observed.load_balancers.known().unwrap().values();
        for arn in (0..6).map(|number| format!("arn:{number}")).chain([BALANCER.to_owned()]) {
            assert_eq!(index.balancer(&arn), balancers().find(|balancer| balancer.arn == arn), "{seed} {arn}");
        }
        for dns_name in ["internal-hello-prod-1.us-west-2.elb.amazonaws.com", "gone.us-west-2.elb.amazonaws.com"] {
            let has = balancers().any(|balancer| balancer.dns_name == dns_name);
            assert_eq!(index.has_balancer_named(dns_name), Some(has), "{seed} {dns_name}");
        }
        for arn in [target_group_arn(Slot::A), "arn:none".to_owned()] {
            let group = observed.target_groups.known().unwrap().values().find(|group| group.arn == arn);
            assert_eq!(index.target_group_name(&arn), group.map(|group| group.name.as_str()), "{seed} {arn}");
        }
    }
}
