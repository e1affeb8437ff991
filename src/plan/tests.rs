//! The planner's rules as tables: a state of the world, and what is decided in it.

mod autopsy;
mod balancing;
mod by_hand;
mod canary;
mod clock;
mod conflict;
mod drift;
mod ending;
mod exposed;
mod failure;
mod fleet;
mod freshness;
mod guards;
mod images;
mod leftovers;
mod observed;
mod places;
mod refused;
mod release;
mod said;
mod scaling;
mod slots;
mod telling;
mod verification;
mod watching;
mod workers;
mod writers;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::plan;
use crate::model::action::{Action, TrafficPoint};
use crate::model::balancing::{Answer, NewListener};
use crate::model::desired::{Desired, DesiredApp, LeftOut, Source};
use crate::model::mark::{Marks, Watched};
use crate::model::names::{Generation, Scope, Slot};
use crate::model::observed::*;
use crate::model::plan::{AppPlan, Change};
use crate::model::record::DeployedRecord;
use crate::model::spec;
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

/// Apps of the tables.
const APPS: [&str; 5] = ["hello", "another", "second", "zoo", "bear"];

/// What AWS says of the scaling activities of groups that are not there.
fn no_activities(app: &str) -> impl Iterator<Item = (String, Read<Vec<Activity>>)> {
    let scope = Scope::new(app.parse().unwrap(), scope().environment);
    let missing = || Read::Unknown("ValidationError: Group name not found".to_owned());
    (1..100).map(move |number| (scope.generation_name(Generation(number)), missing()))
}

/// Names of an app's generations, which nobody has.
fn free_names(app: &str) -> impl Iterator<Item = (String, Read<Named>)> {
    let scope = Scope::new(app.parse().unwrap(), scope().environment);
    (1..100).map(move |number| (scope.generation_name(Generation(number)), Read::Known(Named::default())))
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
            begun: None,
            given_up: BTreeMap::new(),
            failing: BTreeMap::new(),
            deep: false,
            shown: None,
            left_out: LeftOut::default(),
        };
        let observed = Observed {
            at: now(),
            clock_ahead: None,
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
            details: Details {
                deployed: BTreeMap::from([(scope().app, Read::Known(None))]),
                // Nobody else has the name of a generation.
                named: APPS.into_iter().flat_map(free_names).collect(),
                activities: APPS.into_iter().flat_map(no_activities).collect(),
                // Nothing waits for what is kept about failures: only the tests about it can read it.
                failures: BTreeMap::from([(scope().app, Read::Unknown("AccessDenied".to_owned()))]),
                ..Details::default()
            },
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
            zones: BTreeMap::from(["a", "b"].map(|zone| (format!("subnet-{zone}"), format!("us-west-2{zone}")))),
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
            instead: None,
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
        let mut wanted = super::resolve::Wanted::resolve(desired_app, &self.desired.environment, &self.observed);
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
                protected: false,
                launch_template: None,
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
                trial: None,
                lacking_since: None,
                unwanted_since: None,
                shifted_at: None,
                recorded_at: None,
                canary: None,
                watched: None,
                writer: None,
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
            has_warm_pool: false,
            undeletable: false,
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
        let (id, owner, created_at) = (format!("lt-{number}"), group.owner.clone(), group.created_at);
        let template = LaunchTemplate { name: name.clone(), id, owner, created_at };
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

    /// All traffic goes to this slot now.
    fn with_front_at(mut self, live: Slot) -> Self {
        let (a, b) = if live == Slot::A { (100, 0) } else { (0, 100) };
        self.weights(a, b);
        self
    }

    /// The slots have these shares of the traffic now.
    fn weights(&mut self, a: u32, b: u32) {
        let weights = [(Slot::A, a), (Slot::B, b)].map(|(slot, weight)| (target_group_arn(slot), weight));
        let forward = Forward::new(weights.into_iter().collect());
        let listener = Listener { forward, ..self.listener() };
        self.observed.listeners.insert(LISTENER.to_owned(), Read::Known(Some(listener.clone())));
        self.observed.details.listeners_of.insert(BALANCER.to_owned(), Read::Known(vec![listener]));
    }

    fn listener(&self) -> Listener {
        self.observed.listeners[LISTENER].known().cloned().flatten().unwrap()
    }

    fn about<'a>(&'a self, why: Option<&'a str>) -> super::intent::About<'a> {
        let app = &self.desired.apps[&scope().app];
        super::intent::About::new(&self.desired, app, &self.observed, why, now())
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
            turned_down: None,
        };
        self.observed.details.deployed.insert(scope().app, Read::Known(Some(record)));
    }

    /// The launch template that is planned is made: the next generation is announced.
    fn announce(&mut self) {
        let plan = self.plan();
        let [announced] = &plan.actions[..] else { panic!("{:?}", plan.actions) };
        let Action::CreateLaunchTemplate { name, tags, .. } = &announced.action else { panic!("{announced:?}") };
        let owner = crate::model::tags::decode(tags).unwrap().unwrap();
        let template = LaunchTemplate { name: name.clone(), id: "lt-9".to_owned(), owner, created_at: now() };
        let Read::Known(templates) = &mut self.observed.launch_templates else { panic!() };
        templates.insert(name.clone(), template);
    }

    /// The calls that are planned, in a word each.
    fn calls(&self) -> Vec<String> {
        calls(&self.plan())
    }
}

/// Generation 3 serves, generation 2 is warm, and the manifest asks for another image.
fn beside_a_warm_one() -> Case {
    Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::A)
        .with_group(2, OLD_IMAGE, Health::Healthy, |group| {
            long_deployed(group);
            group.owner.shifted_at = Some(ago(95_000));
            group.owner.recorded_at = Some(ago(94_000));
        })
        .with_group(3, OLD_IMAGE, Health::Healthy, long_deployed)
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

/// Generation 2 has taken over and is watched.
fn baking(health: Health, shifted: u64) -> Case {
    Case::new(NEW_IMAGE, json!({}))
        .with_front(Slot::B)
        .with_group(1, OLD_IMAGE, Health::Healthy, long_deployed)
        .with_group(2, NEW_IMAGE, health, |group| {
            group.owner.shifted_at = Some(ago(shifted));
            group.owner.watched = watched_all(shifted);
        })
}

/// Somebody has looked all the time since so many seconds, and saw it well.
fn watched_all(seconds: u64) -> Option<Watched> {
    Some(Watched { seconds, at: now() })
}

fn failed(reason: &str) -> impl FnOnce(&mut Group) {
    let failure = Failure { at: ago(30), reason: reason.to_owned() };
    move |group| group.owner.failed = Some(failure)
}
