//! The planner's rules as tables: a state of the world, and what is decided in it.

mod balancing;
mod canary;
mod guards;
mod images;
mod scaling;
mod verification;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::plan;
use crate::manifest::spec;
use crate::model::action::{Action, TrafficPoint};
use crate::model::balancing::{Answer, NewListener};
use crate::model::desired::{Desired, DesiredApp, LeftOut, Source};
use crate::model::mark::Marks;
use crate::model::names::{Generation, Scope, Slot};
use crate::model::observed::*;
use crate::model::plan::{AppPlan, Change};
use crate::model::record::DeployedRecord;
use crate::model::time::{Span, Timestamp};

const ACCOUNT: &str = "123456789012";
const OLD_IMAGE: &str = "ami-00000000000000001";
const NEW_IMAGE: &str = "ami-00000000000000002";
const FOREIGN_IMAGE: &str = "ami-0000000000000000f";
const NO_IMAGE: &str = "ami-0000000000000000e";
const LISTENER: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/hello-prod/1/1";
const BALANCER: &str = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/hello-prod/1";

fn now() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

fn ago(seconds: u64) -> Timestamp {
    now() - jiff::SignedDuration::from_secs(seconds as i64)
}

/// One app and the world around it.
struct Case {
    desired: Desired,
    observed: Observed,
}

fn scope() -> Scope {
    Scope::new("hello".parse().unwrap(), "prod".parse().unwrap())
}

fn target_group_arn(slot: Slot) -> String {
    format!("arn:aws:elasticloadbalancing:us-west-2:{ACCOUNT}:targetgroup/hello-prod-{slot}/1")
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn image(id: &str, owner: &str) -> (String, Read<Option<Image>>) {
    let image = Image {
        id: id.to_owned(),
        name: format!("hello-{}", &id[id.len() - 1..]),
        owner: owner.to_owned(),
        owner_alias: None,
        created_at: None,
        architecture: "arm64".to_owned(),
        state: "available".to_owned(),
        root_device: Some("/dev/xvda".to_owned()),
        tags: BTreeMap::new(),
    };
    (id.to_owned(), Read::Known(Some(image)))
}

impl Case {
    /// An app that wants `image`, in an account where nothing of it exists.
    fn new(image_id: &str, patch: Value) -> Self {
        let mut spec = json!({"image": {"id": image_id}, "instanceType": "c7g.large"});
        merge(&mut spec, patch);
        let environment = json!({
            "region": "us-west-2", "accountId": ACCOUNT, "dnsZone": "internal.example.com",
            "network": {"vpcId": "vpc-1", "subnetIds": ["subnet-a", "subnet-b"]}, "securityGroupIds": ["sg-1"]
        });
        let app = DesiredApp { scope: scope(), labels: BTreeMap::new(), spec: serde_json::from_value(spec).unwrap() };
        let desired = Desired {
            name: "prod".parse().unwrap(),
            environment: serde_json::from_value(environment).unwrap(),
            apps: BTreeMap::from([(app.scope.app.clone(), app)]),
            source: Source::default(),
            others: BTreeMap::new(),
            chosen: None,
            deep: false,
            left_out: LeftOut::default(),
        };
        let observed = Observed {
            at: now(),
            account: ACCOUNT.to_owned(),
            region: "us-west-2".to_owned(),
            caller: "arn:aws:iam::123456789012:user/ada".to_owned(),
            groups: Read::Known(BTreeMap::new()),
            launch_templates: Read::Known(BTreeMap::new()),
            problems: Vec::new(),
            target_groups: Read::Known(BTreeMap::new()),
            load_balancers: Read::Known(BTreeMap::new()),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            zone: Some(Read::Known(Zone {
                id: "Z1".to_owned(),
                name: "internal.example.com".to_owned(),
                records: Vec::new(),
            })),
            images: BTreeMap::from([
                image(OLD_IMAGE, ACCOUNT),
                image(NEW_IMAGE, ACCOUNT),
                image(FOREIGN_IMAGE, "999999999999"),
                (NO_IMAGE.to_owned(), Read::Known(None)),
            ]),
            details: Details { deployed: BTreeMap::from([(scope().app, Read::Known(None))]), ..Details::default() },
            sources: ImageSources::default(),
            calls: BTreeMap::new(),
        };
        Self { desired, observed }
    }

    /// The load balancer stands, and this slot has the traffic.
    fn with_front(mut self, live: Slot) -> Self {
        let weights = Slot::BOTH.map(|slot| (target_group_arn(slot), if slot == live { 100 } else { 0 }));
        let forward = Forward::new(weights.into_iter().collect());
        let check = TargetCheck {
            protocol: "HTTP".to_owned(),
            path: "/".to_owned(),
            matcher: "200".to_owned(),
            interval: 10,
            timeout: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        };
        let target_groups = Slot::BOTH.map(|slot| {
            let name = scope().target_group_name(slot);
            let group = TargetGroup {
                arn: target_group_arn(slot),
                name: name.clone(),
                protocol: "HTTP".to_owned(),
                port: 80,
                vpc_id: "vpc-1".to_owned(),
                load_balancer_arns: vec![BALANCER.to_owned()],
                check: check.clone(),
            };
            (name, group)
        });
        let balancer = LoadBalancer {
            arn: BALANCER.to_owned(),
            name: "hello-prod".to_owned(),
            kind: "application".to_owned(),
            scheme: "internal".to_owned(),
            dns_name: "internal-hello-prod-1.us-west-2.elb.amazonaws.com".to_owned(),
            hosted_zone_id: "ZELB".to_owned(),
            state: "active".to_owned(),
            vpc_id: "vpc-1".to_owned(),
            security_group_ids: vec!["sg-1".to_owned()],
            subnet_ids: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
            ip_address_type: "ipv4".to_owned(),
        };
        let listener = Listener {
            arn: LISTENER.to_owned(),
            load_balancer_arn: BALANCER.to_owned(),
            port: 80,
            protocol: "HTTP".to_owned(),
            certificate_arn: None,
            ssl_policy: None,
            forward,
            redirect: None,
        };
        self.observed.target_groups = Read::Known(target_groups.into_iter().collect());
        self.observed.load_balancers = Read::Known(BTreeMap::from([("hello-prod".to_owned(), balancer)]));
        self.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener.clone())));
        self.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(vec![listener]));
        let tags = crate::model::tags::encode_app(&scope(), "hello-prod", &BTreeMap::new());
        let attributes = Attributes::from([("deregistration_delay.timeout_seconds".to_owned(), "60".to_owned())]);
        for arn in [BALANCER.to_owned(), LISTENER.to_owned(), target_group_arn(Slot::A), target_group_arn(Slot::B)] {
            self.observed.details.tags.insert(arn.clone(), Read::Known(tags.clone()));
            self.observed.details.target_group_attributes.insert(arn, Read::Known(attributes.clone()));
        }
        for slot in Slot::BOTH {
            self.observed.details.target_health.insert(target_group_arn(slot), Read::Known(Vec::new()));
        }
        self
    }

    /// Adds a generation of two instances, all in service, whose targets have the given health.
    fn with_group(mut self, number: u32, image: &str, health: Health, change: impl FnOnce(&mut Group)) -> Self {
        let slot = if number % 2 == 1 { Slot::A } else { Slot::B };
        let name = scope().generation_name(Generation(number));
        let desired_app = &self.desired.apps[&scope().app];
        let mut wanted =
            super::resolve::Wanted::resolve(desired_app, &self.desired.environment, &self.observed).ok().unwrap();
        wanted.take(image, &self.observed);
        let launch = wanted.template().unwrap().launch.clone();
        let has_front = wanted.has_front();
        let applied = Some(wanted.applied());
        let instances: Vec<_> = (1..=2)
            .map(|index| Instance {
                id: format!("i-{number}-{index}"),
                lifecycle: "InService".to_owned(),
                healthy: true,
                zone: "us-west-2a".to_owned(),
            })
            .collect();
        let mut group = Group {
            name: name.clone(),
            arn: format!("arn:aws:autoscaling:us-west-2:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/{name}"),
            owner: Ownership {
                app: scope().app,
                environment: scope().environment,
                generation: Generation(number),
                template_hash: launch.hash(),
                image: image.to_owned(),
                release: BTreeMap::new(),
                artifacts: BTreeMap::new(),
                origin: None,
                slot: has_front.then_some(slot),
                listeners: has_front.then(|| LISTENER.to_owned()).into_iter().collect(),
                rule: None,
                dns: None,
                nameless: None,
                applied,
                healthy_since: None,
                lacking_since: None,
                shifted_at: None,
                recorded_at: None,
                canary: None,
                held_min: None,
                marks: Marks::default(),
                checks: crate::model::probe::Checks::default(),
                failed: None,
            },
            labels: BTreeMap::new(),
            min: 2,
            max: 2,
            desired: 2,
            created_at: ago(120),
            launch_template: Some((name.clone(), "1".to_owned())),
            mixed: launch.mixed.clone(),
            target_group_arns: if has_front { vec![target_group_arn(slot)] } else { Vec::new() },
            subnet_ids: BTreeSet::from(["subnet-a".to_owned(), "subnet-b".to_owned()]),
            health_check_elb: has_front,
            grace_period: 120,
            maintenance: None,
            instance_warmup: None,
            instances,
            deleting: false,
            suspended: BTreeSet::new(),
        };
        change(&mut group);
        let targets: Vec<_> = group
            .instances
            .iter()
            .map(|instance| Target {
                id: instance.id.clone(),
                health,
                reason: (health == Health::Unhealthy).then(|| "Target.ResponseCodeMismatch".to_owned()),
                description: None,
            })
            .collect();
        if let Some(Read::Known(known)) = self.observed.details.target_health.get_mut(&target_group_arn(slot)) {
            known.extend(targets);
        }
        self.observed.details.activities.insert(name.clone(), Read::Known(Vec::new()));
        self.observed.details.hooks.insert(name.clone(), Read::Known(Vec::new()));
        self.observed.details.policies.insert(name.clone(), Read::Known(Vec::new()));
        self.observed.details.schedules.insert(name.clone(), Read::Known(Vec::new()));
        self.observed.details.template_data.insert(name.clone(), Read::Known(Some(launch)));
        let template = LaunchTemplate { name: name.clone(), id: format!("lt-{number}"), owner: group.owner.clone() };
        if let Read::Known(templates) = &mut self.observed.launch_templates {
            templates.insert(name.clone(), template);
        }
        if let Read::Known(groups) = &mut self.observed.groups {
            groups.insert(name, group);
        }
        self
    }

    /// Generation 1 with the old image serves, and has for long.
    fn serving(image_id: &str, patch: Value) -> Self {
        Self::new(image_id, patch).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
    }

    fn plan(&self) -> AppPlan {
        plan(&self.desired, &self.observed, now()).apps.remove(0)
    }

    fn listener(&self) -> Listener {
        self.observed.listeners[LISTENER].known().cloned().flatten().unwrap()
    }

    fn about<'a>(&'a self, why: Option<&'a str>) -> super::intent::About<'a> {
        let app = &self.desired.apps[&scope().app];
        super::intent::About { desired: &self.desired, app, observed: &self.observed, why, now: now() }
    }

    /// The record names the generation of this group.
    fn record_says(&mut self, group: &str) {
        let owner = self.observed.groups.known().unwrap()[group].owner.clone();
        let record = DeployedRecord {
            app: owner.app,
            environment: owner.environment,
            generation: owner.generation,
            image: owner.image,
            image_name: None,
            template_hash: owner.template_hash,
            image_source: None,
            artifacts: BTreeMap::new(),
            release: owner.release,
            manifests: None,
            deployed_at: ago(5),
            deployed_by: "somebody".to_owned(),
        };
        self.observed.details.deployed.insert(scope().app, Read::Known(Some(record)));
    }

    /// The calls that are planned, in a word each.
    fn calls(&self) -> Vec<String> {
        calls(&self.plan())
    }
}

fn long_deployed(group: &mut Group) {
    group.created_at = ago(90_000);
    group.owner.healthy_since = Some(ago(89_900));
    group.owner.shifted_at = Some(ago(89_800));
    group.owner.recorded_at = Some(ago(89_500));
}

fn calls(plan: &AppPlan) -> Vec<String> {
    assert!(plan.wants.is_empty(), "{:?}", plan.wants);
    plan.actions
        .iter()
        .map(|planned| match &planned.action {
            Action::Shift { forward, .. } => {
                match Slot::BOTH.into_iter().find(|slot| forward.weight(&target_group_arn(*slot)) == 100) {
                    Some(slot) => format!("shift to {slot}"),
                    None => format!("shift {}% to b", forward.weight(&target_group_arn(Slot::B))),
                }
            }
            Action::UpdateGroup { name, change } if change.desired == Some(0) => format!("empty {name}"),
            Action::TagGroup { name, tags, .. } => {
                format!(
                    "tag {name} {}",
                    tags.keys().map(|key| key.trim_start_matches("amiable:")).collect::<Vec<_>>().join(",")
                )
            }
            action => format!("{} {}", action.operation().1, action.resource().rsplit('/').next().unwrap_or_default()),
        })
        .collect()
}

#[test]
fn a_new_app_begins_with_its_target_groups_and_its_load_balancer() {
    let case = Case::new(NEW_IMAGE, json!({}));
    assert_eq!(case.plan().change, Change::Create);
    assert_eq!(
        case.calls(),
        ["CreateTargetGroup hello-prod-a", "CreateTargetGroup hello-prod-b", "CreateLoadBalancer hello-prod"]
    );
    let steps: Vec<_> = case.plan().steps.iter().map(|step| step.kind.to_string()).collect();
    assert_eq!(steps, ["prepare", "launch 2", "healthy 2/2", "shift 100%", "bake 5m", "record"]);
}

#[test]
fn once_they_stand_the_first_generation_is_launched_where_there_is_no_traffic() {
    let case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::B);
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v001", "CreateAutoScalingGroup hello-prod-v001"]);
    let Action::CreateGroup(group) = &case.plan().actions[1].action else { panic!() };
    assert_eq!(group.target_group_arns, [target_group_arn(Slot::A)]);
}

#[test]
fn what_is_deployed_and_wanted_needs_nothing() {
    let plan = Case::serving(OLD_IMAGE, json!({})).plan();
    assert_eq!((plan.change, plan.is_settled(), plan.steps.len()), (Change::Unchanged, true, 0));
}

#[test]
fn another_image_is_launched_beside_the_old_one_at_its_present_size() {
    let case = Case::new(NEW_IMAGE, json!({"instances": {"min": 2, "max": 9}})).with_front(Slot::A).with_group(
        1,
        OLD_IMAGE,
        Health::Healthy,
        |group| {
            long_deployed(group);
            group.desired = 7;
            group.max = 9;
        },
    );
    assert_eq!(case.plan().change, Change::Replace);
    let plan = case.plan();
    assert_eq!(calls(&plan), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
    let Action::CreateGroup(group) = &plan.actions[1].action else { panic!("{:?}", plan.actions) };
    assert_eq!((group.name.as_str(), group.desired, group.min, group.max), ("hello-prod-v002", 7, 7, 9));
    assert_eq!(group.tags["amiable:held-min"], "2");
    assert_eq!(group.target_group_arns, [target_group_arn(Slot::B)]);
    assert_eq!((plan.fields[0].path.as_str(), plan.impact.peak_instances), ("image", 14));
}

#[test]
fn traffic_moves_only_when_every_instance_was_healthy_for_the_whole_window() {
    let since = |seconds: u64| move |group: &mut Group| group.owner.healthy_since = Some(ago(seconds));
    let shifted = ["shift to b", "tag hello-prod-v002 shifted-at"];
    for (health, healthy_since, expected) in [
        (Health::Initial, None, vec![]),
        (Health::Unhealthy, None, vec![]),
        (Health::Draining, None, vec![]),
        (Health::Unavailable, None, vec![]),
        (Health::Unrecognised, None, vec![]),
        (Health::Unused, None, vec![]),
        (Health::Healthy, None, vec!["tag hello-prod-v002 healthy-since"]),
        (Health::Healthy, Some(10), vec![]),
        (Health::Healthy, Some(31), shifted.to_vec()),
        (Health::Unhealthy, Some(10), vec!["DeleteTags hello-prod-v002"]),
        (Health::Unhealthy, Some(31), vec!["tag hello-prod-v002 lacking-since", "DeleteTags hello-prod-v002"]),
    ] {
        let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, health, |group| {
            if let Some(seconds) = healthy_since {
                since(seconds)(group);
            }
        });
        assert_eq!(case.calls(), expected, "{health:?} {healthy_since:?}");
        assert!(!case.plan().waits.is_empty() || !expected.is_empty(), "{health:?} is waited for");
    }
}

#[test]
fn only_instances_of_exactly_the_new_group_count() {
    let mut case = Case::serving(NEW_IMAGE, json!({}))
        .with_group(2, NEW_IMAGE, Health::Initial, |group| group.owner.healthy_since = Some(ago(600)));
    let Some(Read::Known(targets)) = case.observed.details.target_health.get_mut(&target_group_arn(Slot::B)) else {
        panic!()
    };
    for id in ["i-foreign-1", "i-foreign-2"] {
        targets.push(Target { id: id.to_owned(), health: Health::Healthy, reason: None, description: None });
    }
    assert!(!case.calls().iter().any(|call| call.starts_with("shift")));
}

#[test]
fn what_could_not_be_read_leads_to_no_call_at_all() {
    type Spoil = fn(&mut Observed);
    let unreadable: [(&str, Spoil); 6] = [
        ("groups", |observed| observed.groups = Read::Unknown("Throttling".into())),
        ("templates", |observed| observed.launch_templates = Read::Unknown("Throttling".into())),
        ("target groups", |observed| observed.target_groups = Read::Unknown("Throttling".into())),
        ("load balancers", |observed| observed.load_balancers = Read::Unknown("Throttling".into())),
        ("listener", |observed| {
            observed.listeners.insert(LISTENER.to_owned(), Read::Unknown("Throttling".into()));
        }),
        ("health", |observed| {
            for slot in Slot::BOTH {
                observed.details.target_health.insert(target_group_arn(slot), Read::Unknown("Throttling".into()));
            }
        }),
    ];
    for (what, spoil) in unreadable {
        let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.healthy_since = Some(ago(600));
        });
        assert_eq!(case.calls(), ["shift to b", "tag hello-prod-v002 shifted-at"]);
        spoil(&mut case.observed);
        let plan = case.plan();
        assert!(plan.actions.is_empty(), "{what}: {:?}", plan.actions);
        assert!(!plan.is_settled() || plan.change == Change::Error, "{what} must be said");
    }
}

/// Generation 2 has taken over and is watched.
fn baking(health: Health, shifted: u64) -> Case {
    Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, health, |group| group.owner.shifted_at = Some(ago(shifted)))
}

#[test]
fn a_generation_that_falls_sick_under_its_bake_gives_the_traffic_back_in_one_call() {
    let case = baking(Health::Unhealthy, 60);
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn a_baked_generation_is_recorded_and_the_old_one_stays_warm_for_an_hour() {
    assert_eq!(baking(Health::Healthy, 60).calls(), Vec::<String>::new());
    assert_eq!(baking(Health::Healthy, 301).calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
    let recorded = |seconds: u64| {
        Case::new(NEW_IMAGE, json!({}))
            .with_front(Slot::B)
            .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(seconds + 300));
                group.owner.recorded_at = Some(ago(seconds));
            })
    };
    let plan = recorded(60).plan();
    assert_eq!(calls(&plan), Vec::<String>::new());
    assert!(plan.waits.iter().all(|wait| wait.cleanup && wait.until == Some(Span::seconds(3540).after(now()))));
    assert_eq!(recorded(3601).calls(), ["empty hello-prod-v001"]);
}

#[test]
fn a_record_that_says_the_same_is_not_written_again() {
    let mut case = baking(Health::Healthy, 301);
    case.record_says("hello-prod-v002");
    assert_eq!(case.calls(), ["tag hello-prod-v002 recorded-at"]);
}

#[test]
fn a_generation_that_serves_again_is_recorded_when_the_record_names_the_one_between() {
    // Whoever recorded v002 has ended before the tag could say so; then v002 was turned down.
    let again = |named: &str| {
        let mut case = Case::new(OLD_IMAGE, json!({}))
            .with_front(Slot::A)
            .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
                long_deployed(group);
                group.owner.shifted_at = Some(ago(60));
            })
            .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
                group.owner.shifted_at = Some(ago(400));
                failed("rolled back by ada")(group);
                (group.desired, group.min) = (0, 0);
            });
        case.record_says(named);
        case.calls()
    };
    assert!(again("hello-prod-v002").contains(&"PutParameter deployed".to_owned()), "{:?}", again("hello-prod-v002"));
    assert!(!again("hello-prod-v001").contains(&"PutParameter deployed".to_owned()), "{:?}", again("hello-prod-v001"));
}

fn failed(reason: &str) -> impl FnOnce(&mut Group) {
    let failure = Failure { at: ago(30), reason: reason.to_owned() };
    move |group| group.owner.failed = Some(failure)
}

#[test]
fn what_failed_is_emptied_and_not_tried_again_while_the_old_one_serves() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, failed("never healthy"));
    let plan = case.plan();
    assert_eq!(plan.change, Change::Blocked);
    assert!(plan.reason.contains("v002 failed: never healthy; v001 serves"), "{}", plan.reason);
    assert_eq!(calls(&plan), ["empty hello-prod-v002"]);

    let empty = |group: &mut Group| {
        failed("never healthy")(group);
        (group.desired, group.min) = (0, 0);
        group.instances.clear();
    };
    let plan = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, empty).plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Blocked, vec![]));
    assert!(plan.failure.is_some());

    let reverted = Case::serving(OLD_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, empty).plan();
    assert_eq!(reverted.change, Change::Unchanged);
    assert_eq!(calls(&reverted), ["DeleteAutoScalingGroup hello-prod-v002"], "its template keeps the number");
}

#[test]
fn a_serving_generation_that_was_turned_down_gives_way_to_the_warm_one() {
    let case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
            failed("rolled back by ada")(group);
        });
    assert_eq!(case.calls(), ["shift to a"]);
}

#[test]
fn a_failed_generation_with_nothing_to_go_back_to_keeps_serving() {
    let case =
        Case::new(NEW_IMAGE, json!({})).with_front(Slot::A).with_group(1, NEW_IMAGE, Health::Unhealthy, |group| {
            group.owner.shifted_at = Some(ago(60));
            failed("unhealthy under traffic")(group);
        });
    assert_eq!((case.plan().change, case.calls()), (Change::Blocked, vec![]));
}

#[test]
fn an_edit_in_the_middle_replaces_what_is_unfinished_and_a_revert_keeps_what_serves() {
    let third = "ami-00000000000000003";
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |_| {});
    let (id, third_image) = image(third, ACCOUNT);
    case.observed.images.insert(id, third_image);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(OLD_IMAGE);
    assert_eq!(case.calls(), ["empty hello-prod-v002"]);
    assert_eq!(case.plan().from, Some(Generation(1)));
}

#[test]
fn a_launch_that_cannot_succeed_fails_at_once_and_a_lack_of_room_does_not() {
    let with = |message: &str| {
        let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Initial, |group| {
            group.instances.clear();
            group.created_at = ago(7200);
        });
        let activity = Activity {
            started_at: ago(5),
            status: "Failed".to_owned(),
            message: message.to_owned(),
            cause: String::new(),
        };
        case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(vec![activity]));
        case
    };
    let bad = with("The image id '[ami-1]' does not exist. Launching EC2 instance failed.");
    assert_eq!(bad.calls(), ["tag hello-prod-v002 failed,failed-at"]);
    let full = with("We currently do not have sufficient c7g.large capacity. Launching EC2 instance failed.");
    assert_eq!(full.calls(), Vec::<String>::new());
    assert!(full.plan().waits[0].what.contains("do not have sufficient"), "in AWS's words");
}

#[test]
fn a_release_that_is_not_ready_by_its_deadline_fails_with_what_the_load_balancer_says() {
    let case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
        group.created_at = ago(1201);
    });
    let plan = case.plan();
    assert_eq!(calls(&plan), ["tag hello-prod-v002 failed,failed-at"]);
    assert!(plan.actions[0].reason.contains("Target.ResponseCodeMismatch"), "{}", plan.actions[0].reason);
}

#[test]
fn an_image_of_a_foreign_owner_or_none_at_all_is_refused_before_anything_is_created() {
    for (id, said) in [(FOREIGN_IMAGE, "999999999999"), (NO_IMAGE, "does not exist")] {
        let plan = Case::serving(id, json!({})).plan();
        assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
        assert!(plan.reason.contains(said), "{}", plan.reason);
    }
}

#[test]
fn a_dns_name_that_something_else_has_is_a_conflict_before_anything_is_created() {
    let mut case = Case::new(NEW_IMAGE, json!({"dns": {"name": "hello.internal.example.com"}}));
    let Some(Read::Known(zone)) = &mut case.observed.zone else { panic!() };
    zone.records.push(DnsRecord {
        name: "hello.internal.example.com".to_owned(),
        kind: "CNAME".to_owned(),
        alias: None,
        values: vec!["elsewhere.example.com".to_owned()],
        ttl: Some(60),
        set_identifier: None,
    });
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("CNAME elsewhere.example.com"), "{}", plan.reason);
}

#[test]
fn what_has_our_name_and_not_our_tags_is_never_touched() {
    let mut case = Case::new(NEW_IMAGE, json!({})).with_front(Slot::B);
    case.observed
        .details
        .tags
        .insert(BALANCER.to_owned(), Read::Known(BTreeMap::from([("team".to_owned(), "other".to_owned())])));
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    case.observed.details.tags.remove(BALANCER);
    assert_eq!(case.plan().wants, [Want::Tags(BALANCER.to_owned())], "tags are read before a verdict");
}

#[test]
fn the_same_difference_is_a_change_when_git_moved_and_drift_when_aws_did() {
    let patch = json!({"instances": {"min": 2, "max": 4}});
    let git =
        Case::new(OLD_IMAGE, patch.clone()).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.applied = Some("before".to_owned());
        });
    let plan = git.plan();
    assert_eq!((plan.change, plan.fields.len(), plan.drift.len()), (Change::Update, 1, 0));
    assert_eq!(calls(&plan), ["UpdateAutoScalingGroup hello-prod-v001", "tag hello-prod-v001 applied"]);

    let aws = Case::serving(OLD_IMAGE, patch);
    let plan = aws.plan();
    assert_eq!((plan.change, plan.fields.len(), plan.drift.len()), (Change::Drift, 0, 1));
    assert_eq!(calls(&plan), ["UpdateAutoScalingGroup hello-prod-v001"]);

    let ignored =
        Case::serving(OLD_IMAGE, json!({"instances": {"min": 2, "max": 4}, "drift": {"ignore": ["instances.max"]}}));
    assert_eq!(ignored.plan().change, Change::Unchanged);
}

#[test]
fn a_worker_is_well_when_its_instances_are_in_service_and_its_old_group_goes_after_the_bake() {
    let worker = json!({"loadBalancer": "none"});
    let fresh = Case::new(NEW_IMAGE, worker.clone());
    assert_eq!(fresh.calls(), ["CreateLaunchTemplate hello-prod-v001", "CreateAutoScalingGroup hello-prod-v001"]);
    let case = |shifted: Option<u64>, recorded: Option<u64>| {
        Case::new(NEW_IMAGE, worker.clone()).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed).with_group(
            2,
            NEW_IMAGE,
            Health::Healthy,
            |group| {
                group.owner.healthy_since = Some(ago(60));
                group.owner.shifted_at = shifted.map(ago);
                group.owner.recorded_at = recorded.map(ago);
            },
        )
    };
    assert_eq!(case(None, None).calls(), ["tag hello-prod-v002 shifted-at"]);
    assert_eq!(case(Some(10), None).calls(), Vec::<String>::new());
    assert_eq!(case(Some(301), None).calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
    assert_eq!(case(Some(310), Some(5)).calls(), ["empty hello-prod-v001"]);
}

#[test]
fn a_suspended_app_is_shown_and_left_alone() {
    let plan = Case::serving(NEW_IMAGE, json!({"suspend": {"reason": "incident 42"}})).plan();
    assert_eq!((plan.change, plan.actions.len(), plan.fields.len()), (Change::Blocked, 0, 1));
    assert!(plan.reason.contains("incident 42"));
    let over = json!({"suspend": {"reason": "incident 42", "until": "2026-11-02T11:59:00Z"}});
    assert_eq!(Case::serving(NEW_IMAGE, over).plan().change, Change::Replace);
}

#[test]
fn without_its_manifest_an_app_is_reported_and_nothing_else() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    case.desired.apps.clear();
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Orphaned, 0));
    assert_eq!(plan.from, Some(Generation(1)), "what serves is told by the tags");
}

#[test]
fn an_app_whose_manifest_cannot_be_read_is_no_orphan() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    let apps = std::mem::take(&mut case.desired.apps);
    case.desired.left_out.unseen = true;
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("may be one that cannot be read"), "{}", plan.reason);
    case.desired.left_out = LeftOut { apps: apps.into_keys().collect(), unseen: false };
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("its manifest has errors"), "{}", plan.reason);
}

#[test]
fn only_so_many_releases_begin_as_there_is_room_for() {
    let mut case = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}));
    case.desired.environment.limits.concurrent_rollouts = 1;
    let mut second = case.desired.apps.values().next().unwrap().clone();
    second.scope.app = "second".parse().unwrap();
    case.observed.details.deployed.insert(second.scope.app.clone(), Read::Known(None));
    case.desired.apps.insert(second.scope.app.clone(), second);
    let apps = plan(&case.desired, &case.observed, now()).apps;
    assert_eq!((apps[0].change, apps[1].change), (Change::Create, Change::Blocked));
    assert!(apps[1].actions.is_empty() && !apps[1].waits.is_empty());
}

#[test]
fn destroying_takes_the_traffic_first_and_the_rest_only_when_it_is_empty() {
    let destroy = json!({"destroy": true});
    assert_eq!(Case::serving(OLD_IMAGE, destroy.clone()).calls(), ["DeleteListener 1"]);
    let mut case = Case::serving(OLD_IMAGE, destroy);
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    assert_eq!(case.calls(), ["empty hello-prod-v001"]);
    if let Read::Known(groups) = &mut case.observed.groups {
        groups.clear();
    }
    if let Read::Known(templates) = &mut case.observed.launch_templates {
        templates.clear();
    }
    assert_eq!(case.calls(), ["DeleteTargetGroup hello-prod-b"]);
    let waits: Vec<_> = case.plan().waits.into_iter().map(|wait| wait.what).collect();
    assert_eq!(waits, ["the targets of hello-prod-a to leave it, 2 left, i-1-1 among them"]);
    case.observed.details.target_health.insert(target_group_arn(Slot::A), Read::Known(Vec::new()));
    assert_eq!(case.calls(), ["DeleteTargetGroup hello-prod-a", "DeleteTargetGroup hello-prod-b"]);
}

#[test]
fn weights_that_someone_changed_by_hand_are_put_right() {
    let mut case = Case::serving(OLD_IMAGE, json!({}));
    let Some(Read::Known(Some(listener))) = case.observed.listeners.get_mut(LISTENER) else { panic!() };
    listener.forward.weights.insert(target_group_arn(Slot::B), 50);
    assert_eq!(case.calls(), ["shift to a"]);
    assert_eq!(case.plan().actions[0].action.operation().1, "ModifyListener");
    assert!(
        matches!(&case.plan().actions[0].action, Action::Shift { at: TrafficPoint::Listener(arn), .. } if arn == LISTENER)
    );
}

#[test]
fn a_rollback_is_a_mark_on_what_serves_and_needs_something_warm_to_go_back_to() {
    let case = baking(Health::Healthy, 600);
    let intent = super::intent::rollback(&case.about(Some("slow")), None, &[]).unwrap();
    assert_eq!((intent.generation, intent.serves), (Generation(2), Some(Generation(1))));
    let Action::TagGroup { name, tags, .. } = &intent.actions[0].action else { panic!() };
    assert_eq!((name.as_str(), tags["amiable:failed"].as_str()), ("hello-prod-v002", "rolled back by ada: slow"));

    let alone = Case::serving(OLD_IMAGE, json!({}));
    let refused = super::intent::rollback(&alone.about(None), None, &[]).unwrap_err();
    assert!(refused.contains("v001 is the only generation"), "{refused}");
    assert!(super::intent::retry(&alone.about(None)).is_err(), "nothing has failed");
}

#[test]
fn a_failed_generation_that_is_retried_makes_room_for_a_new_one() {
    let empty = |group: &mut Group| {
        (group.desired, group.min) = (0, 0);
        group.instances.clear();
    };
    let mut case = Case::serving(NEW_IMAGE, json!({})).with_group(2, NEW_IMAGE, Health::Healthy, empty);
    assert_eq!(case.calls(), ["DeleteAutoScalingGroup hello-prod-v002"], "its template keeps the number");
    case = Case::serving(NEW_IMAGE, json!({}));
    assert_eq!(case.calls(), ["CreateLaunchTemplate hello-prod-v002", "CreateAutoScalingGroup hello-prod-v002"]);
}

#[test]
fn a_new_health_check_never_reaches_what_another_image_serves() {
    let patch = json!({"healthCheck": {"path": "/new"}});
    let settings = |group: &mut Group| {
        long_deployed(group);
        group.owner.applied = Some("before".to_owned());
    };
    let coming =
        Case::new(NEW_IMAGE, patch.clone()).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, settings);
    let changed = |plan: &AppPlan| -> Vec<String> {
        let named = plan.actions.iter().filter_map(|planned| match &planned.action {
            Action::ModifyTargetGroup { name, .. } => Some(name.clone()),
            _ => None,
        });
        named.collect()
    };
    assert_eq!(changed(&coming.plan()), ["hello-prod-b"], "only where the new generation will be");
    assert!(coming.plan().fields.iter().any(|field| field.path == "healthCheck.path"));

    let same = Case::new(OLD_IMAGE, patch).with_front(Slot::A).with_group(1, OLD_IMAGE, Health::Healthy, settings);
    assert_eq!(changed(&same.plan()), ["hello-prod-a"]);
}

#[test]
fn a_listener_that_somebody_deleted_comes_back_with_the_traffic_where_it_was() {
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(2, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(3, NEW_IMAGE, Health::Healthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
        });
    case.observed.listeners.insert(LISTENER.to_owned(), Read::Known(None));
    case.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(Vec::new()));
    let plan = case.plan();
    let [only] = plan.actions.as_slice() else { panic!("{:?}", plan.actions) };
    let Action::CreateListener(NewListener { answer: Answer::Forward(forward), .. }) = &only.action else {
        panic!("{:?}", only.action)
    };
    assert_eq!(forward.weight(&target_group_arn(Slot::A)), 100);
}

#[test]
fn what_aws_cannot_change_is_refused_and_nothing_is_done() {
    for (patch, said) in [
        (json!({"loadBalancer": "none"}), "stands behind a load balancer"),
        (json!({"loadBalancer": {"scheme": "internet-facing"}}), "loadBalancer.scheme"),
        (
            json!({"loadBalancer": {"type": "network", "listeners": [{"port": 80, "protocol": "TCP"}]}}),
            "has HTTP on port 80",
        ),
        (json!({"healthCheck": {"port": 8080}}), "port 8080"),
    ] {
        let mut case = Case::serving(OLD_IMAGE, json!({}));
        let app = case.desired.apps.values_mut().next().unwrap();
        let mut spec = serde_json::to_value(&app.spec).unwrap();
        merge(&mut spec, patch);
        app.spec = serde_json::from_value(spec).unwrap();
        let plan = case.plan();
        assert_eq!((plan.change, plan.actions.len(), plan.waits.len()), (Change::Error, 0, 0), "{said}");
        assert!(plan.reason.contains(said), "{}", plan.reason);
    }
    let mut worker =
        Case::new(OLD_IMAGE, json!({"loadBalancer": "none"})).with_group(1, OLD_IMAGE, Health::Healthy, long_deployed);
    worker.desired.apps.values_mut().next().unwrap().spec.load_balancer = Default::default();
    assert!(worker.plan().reason.contains("is a worker"), "{}", worker.plan().reason);
}

#[test]
fn an_image_that_its_instance_type_cannot_run_is_refused_while_the_warm_generation_stays() {
    let mut case = Case::new(NEW_IMAGE, json!({"instanceType": "m7i.large"})).with_front(Slot::B);
    let (id, third) = image("ami-00000000000000003", ACCOUNT);
    case.observed.images.insert(id.clone(), third);
    let case = case.with_group(1, OLD_IMAGE, Health::Healthy, long_deployed);
    let case = case.with_group(2, &id, Health::Healthy, long_deployed);
    let plan = case.plan();
    assert_eq!((plan.change, plan.actions.len()), (Change::Error, 0));
    assert!(plan.reason.contains("arm64"), "{}", plan.reason);
}

#[test]
fn only_chosen_apps_need_room() {
    let mut case = Case::new(NEW_IMAGE, json!({"loadBalancer": "none"}));
    case.desired.environment.limits.concurrent_rollouts = 1;
    let mut second = case.desired.apps.values().next().unwrap().clone();
    second.scope.app = "second".parse().unwrap();
    case.observed.details.deployed.insert(second.scope.app.clone(), Read::Known(None));
    case.desired.chosen = Some(BTreeSet::from([second.scope.app.clone()]));
    case.desired.apps.insert(second.scope.app.clone(), second);
    let apps = plan(&case.desired, &case.observed, now()).apps;
    assert_eq!(apps[1].change, Change::Create, "{}", apps[1].reason);
}

#[test]
fn an_app_that_is_scaled_to_nothing_can_still_be_released() {
    let empty = |group: &mut Group| {
        (group.min, group.desired) = (0, 0);
        group.instances.clear();
    };
    let case = Case::new(NEW_IMAGE, json!({"instances": {"min": 0, "max": 2}}))
        .with_front(Slot::A)
        .with_group(1, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            empty(group);
        })
        .with_group(2, NEW_IMAGE, Health::Healthy, |group| {
            empty(group);
            group.owner.healthy_since = Some(ago(60));
        });
    let plan = case.plan();
    let shift = plan.actions.iter().find(|planned| matches!(planned.action, Action::Shift { .. })).unwrap();
    let healthy =
        |expect: &crate::model::action::Expect| matches!(expect, crate::model::action::Expect::Healthy { .. });
    assert!(!shift.expects.iter().any(healthy), "nobody is there to be healthy: {:?}", shift.expects);
}

#[test]
fn an_instance_that_was_replaced_for_its_health_fails_the_bake_even_if_its_successor_is_well() {
    let mut case = baking(Health::Initial, 60);
    let activity = |cause: &str| Activity {
        started_at: ago(20),
        status: "Successful".to_owned(),
        message: String::new(),
        cause: cause.to_owned(),
    };
    let set = |case: &mut Case, cause: &str| {
        case.observed.details.activities.insert("hello-prod-v002".to_owned(), Read::Known(vec![activity(cause)]));
    };
    set(
        &mut case,
        "an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
    );
    assert_eq!(case.calls(), Vec::<String>::new(), "an instance may die");
    set(&mut case, "an instance was taken out of service in response to an ELB system health check failure.");
    assert_eq!(case.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
}

#[test]
fn a_third_image_waits_until_the_second_has_proved_itself_and_the_first_stays_to_go_back_to() {
    let third = "ami-00000000000000003";
    let with_third = |health: Health, shifted: u64| {
        let mut case = baking(health, shifted);
        let (id, third_image) = image(third, ACCOUNT);
        case.observed.images.insert(id, third_image);
        case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
        case
    };
    let plan = with_third(Health::Healthy, 60).plan();
    assert_eq!((plan.change, calls(&plan)), (Change::Replace, vec![]));
    assert!(!plan.waits.is_empty(), "it is waited for");
    let sick = with_third(Health::Unhealthy, 60);
    assert_eq!(sick.calls(), ["shift to a", "tag hello-prod-v002 failed,failed-at"]);
    let baked = with_third(Health::Healthy, 301);
    assert_eq!(baked.calls(), ["PutParameter deployed", "tag hello-prod-v002 recorded-at"]);
}

#[test]
fn a_cure_can_be_released_while_what_serves_is_sick() {
    let third = "ami-00000000000000003";
    let mut case = Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, Health::Unhealthy, |group| {
            group.owner.shifted_at = Some(ago(900));
            group.owner.recorded_at = Some(ago(600));
        });
    let (id, third_image) = image(third, ACCOUNT);
    case.observed.images.insert(id, third_image);
    case.desired.apps.values_mut().next().unwrap().spec.image = spec::Image::by_id(third);
    let plan = case.plan();
    assert_eq!(calls(&plan), ["empty hello-prod-v001"]);
    let needs_health =
        |expect: &crate::model::action::Expect| matches!(expect, crate::model::action::Expect::Healthy { .. });
    assert!(!plan.actions[0].expects.iter().any(needs_health), "{:?}", plan.actions[0].expects);
}
