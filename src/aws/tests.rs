//! The room as a whole, against the simulated AWS on virtual time.
//!
//! - [`observe`]: the snapshot, its details, and what cannot be read
//! - [`alarms`]: alarms that call scaling policies
//! - [`act`]: one call per action, and names as fences
//! - [`execute`]: facts read afresh, and actions in order

mod act;
mod alarms;
mod execute;
mod observe;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::act::{Done, perform};
use super::history::history;
use super::observe::{fulfil, observe};
use super::recheck::{Recheck, recheck};
use super::{Aws, AwsError, Class, Settings};
use crate::clock::Clock;
use crate::execute::{Executed, execute};
use crate::model::action::{Action, Expect, GroupChange, NewGroup, TrafficPoint};
use crate::model::balancing::{Answer, NewListener, NewLoadBalancer, NewRule, NewTargetGroup};
use crate::model::desired::{Desired, DesiredApp, Source};
use crate::model::event::EventKind;
use crate::model::launch::{LaunchData, Secret};
use crate::model::mark::Marks;
use crate::model::names::{Generation, Scope, Slot};
use crate::model::observed::{
    AliasTarget, Conditions, DnsRecord, Forward, Health, Observed, Ownership, Read, TargetCheck, Want,
};
use crate::model::plan::{AppPlan, Change, Impact, PlannedAction};
use crate::model::record::DeployedRecord;
use crate::model::tags;
use crate::sim::Simulation;
use crate::sim::door::http_client::http_client;
use crate::sim::fault::Fault;
use crate::sim::wire::{ApiError, Request};
use crate::sim::world::World;
use crate::sim::world::example::{HELLO_1_0, HELLO_BAD, REGION, SECURITY_GROUP, SUBNETS, VPC, ZONE_ID, ZONE_NAME};

/// An example account, a way into it, and an environment of ours in it.
struct Lab {
    simulation: Simulation,
    aws: Aws,
    desired: Desired,
}

impl Lab {
    async fn new() -> Self {
        let now = "2026-08-01T10:00:00Z".parse().unwrap();
        let clock = Clock::new(now, 1);
        let simulation = Simulation::new(World::example(now), clock.clone());
        let aws = Aws::connect(Settings::simulated(REGION, http_client(&simulation), clock)).await;
        let environment = serde_json::from_value(serde_json::json!({
            "region": REGION,
            "accountId": "123456789012",
            "network": {"vpcId": VPC, "subnetIds": SUBNETS},
            "securityGroupIds": [SECURITY_GROUP],
            "dnsZone": ZONE_NAME,
        }))
        .unwrap();
        let name = "prod".parse().unwrap();
        let desired = Desired {
            shown: None,
            name,
            environment,
            apps: BTreeMap::new(),
            source: Source::default(),
            others: BTreeMap::new(),
            chosen: None,
            begun: None,
            given_up: BTreeMap::new(),
            failing: BTreeMap::new(),
            deep: false,
            left_out: Default::default(),
        };
        let mut lab = Self { simulation, aws, desired };
        lab.want("hello", HELLO_1_0);
        lab
    }

    fn want(&mut self, app: &str, image: &str) {
        let scope = self.scope(app);
        let spec =
            serde_json::from_value(serde_json::json!({"image": {"id": image}, "instanceType": "c5.large"})).unwrap();
        let app = DesiredApp { scope: scope.clone(), labels: BTreeMap::new(), spec };
        self.desired.apps.insert(scope.app.clone(), app);
    }

    fn scope(&self, app: &str) -> Scope {
        Scope::new(app.parse().unwrap(), self.desired.name.clone())
    }

    async fn look(&self) -> Observed {
        observe(&self.aws, &self.desired, self.aws.clock().now()).await.unwrap().0
    }

    async fn look_at(&self, wants: impl IntoIterator<Item = Want>) -> Observed {
        let mut observed = self.look().await;
        fulfil(&self.aws, &self.desired.name, &mut observed, &wants.into_iter().collect()).await.unwrap();
        observed
    }

    async fn perform(&self, app: &str, action: &Action) -> Result<Done, AwsError> {
        perform(&self.aws, &self.scope(app), action).await
    }

    async fn recheck(&self, expects: &[Expect]) -> Result<(), Recheck> {
        recheck(&self.aws, &self.desired.name, expects).await
    }

    async fn done(&self, app: &str, action: &Action) -> Done {
        self.perform(app, action).await.unwrap()
    }

    /// Every call that `fails` says yes to gets this answer, until the next call of this.
    fn refuse(&self, error: ApiError, fails: impl Fn(&Request) -> bool + Send + 'static) {
        self.fault(move |request| fails(request).then(|| Fault::Refuse(error.clone())));
    }

    fn fault(&self, fault: impl Fn(&Request) -> Option<Fault> + Send + 'static) {
        self.simulation.set_faults(Some(Box::new(move |request: &Request, _: bool| fault(request))));
    }

    async fn pass(&self, seconds: u64) {
        self.aws.clock().sleep(std::time::Duration::from_secs(seconds)).await;
    }

    /// An app with load balancer, target groups, listener and a first generation of two instances.
    async fn release(&self, app: &str) -> Release {
        let scope = self.scope(app);
        for slot in Slot::BOTH {
            assert_eq!(self.done(app, &self.new_target_group(app, slot)).await, Done::Applied);
        }
        assert_eq!(self.done(app, &self.new_load_balancer(app)).await, Done::Applied);
        let seen = self.look().await;
        let arn = |slot| seen.target_groups.known().unwrap()[&scope.target_group_name(slot)].arn.clone();
        let (a, b) = (arn(Slot::A), arn(Slot::B));
        let load_balancer = seen.load_balancers.known().unwrap()[&scope.load_balancer_name()].arn.clone();
        let listener = new_listener(&scope, &load_balancer, weights(&a, 100, &b, 0));
        assert_eq!(self.done(app, &listener).await, Done::Applied);
        let seen = self.look_at([Want::ListenersOf(load_balancer.clone())]).await;
        let listener = seen.details.listeners_of[&load_balancer].known().unwrap()[0].arn.clone();
        let group = scope.generation_name(Generation(1));
        let release = Release { scope, a, b, load_balancer, listener, group };
        assert_eq!(self.done(app, &release.new_template(1)).await, Done::Applied);
        assert_eq!(self.done(app, &release.new_group(1, 2)).await, Done::Applied);
        release
    }

    fn new_target_group(&self, app: &str, slot: Slot) -> Action {
        let scope = self.scope(app);
        let name = scope.target_group_name(slot);
        let tags = tags::encode_app(&scope, &name, &BTreeMap::new());
        let check = TargetCheck {
            protocol: "HTTP".into(),
            path: "/health".into(),
            matcher: "200".into(),
            interval: 10,
            timeout: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        };
        Action::CreateTargetGroup(NewTargetGroup {
            name,
            vpc_id: VPC.into(),
            protocol: "HTTP".into(),
            port: 8080,
            check,
            tags,
        })
    }

    fn new_load_balancer(&self, app: &str) -> Action {
        let scope = self.scope(app);
        let name = scope.load_balancer_name();
        Action::CreateLoadBalancer(NewLoadBalancer {
            tags: tags::encode_app(&scope, &name, &BTreeMap::new()),
            name,
            kind: "application".into(),
            scheme: "internal".into(),
            subnet_ids: SUBNETS.map(str::to_owned).to_vec(),
            security_group_ids: vec![SECURITY_GROUP.into()],
            ip_address_type: None,
        })
    }
}

/// What there is of an app, by ARN and name.
struct Release {
    scope: Scope,
    a: String,
    b: String,
    load_balancer: String,
    listener: String,
    group: String,
}

impl Release {
    fn point(&self) -> TrafficPoint {
        TrafficPoint::Listener(self.listener.clone())
    }

    fn data(&self) -> LaunchData {
        LaunchData {
            image_id: HELLO_1_0.into(),
            instance_type: "c5.large".into(),
            iam_instance_profile: Some("web".into()),
            security_group_ids: vec![SECURITY_GROUP.into()],
            user_data: Some(Secret::new("#!/bin/sh\n: canary")),
            ..LaunchData::default()
        }
    }

    fn tags(&self, generation: u32) -> BTreeMap<String, String> {
        let owner = Ownership {
            app: self.scope.app.clone(),
            environment: self.scope.environment.clone(),
            generation: Generation(generation),
            template_hash: self.data().hash(),
            image: HELLO_1_0.into(),
            release: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            origin: None,
            slot: Some(Slot::A),
            listeners: Some(self.listener.clone()).filter(|arn| !arn.is_empty()).into_iter().collect(),
            rule: None,
            dns: None,
            nameless: None,
            applied: None,
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
        };
        tags::encode(&owner, &BTreeMap::from([("team".into(), "shop".into())]))
    }

    fn new_template(&self, generation: u32) -> Action {
        Action::CreateLaunchTemplate {
            name: self.scope.generation_name(Generation(generation)),
            data: Box::new(self.data()),
            tags: self.tags(generation),
            volume_tags: tags::encode_app(&self.scope, "volume", &BTreeMap::new()),
        }
    }

    fn new_group(&self, generation: u32, desired: u32) -> Action {
        Action::CreateGroup(Box::new(NewGroup {
            name: self.scope.generation_name(Generation(generation)),
            min: desired,
            max: desired.max(1),
            desired,
            mixed: None,
            subnet_ids: SUBNETS.map(str::to_owned).to_vec(),
            target_group_arns: Some(self.a.clone()).filter(|arn| !arn.is_empty()).into_iter().collect(),
            grace_period: 120,
            instance_warmup: None,
            maintenance: None,
            hooks: Vec::new(),
            tags: self.tags(generation),
        }))
    }
}

fn worker(scope: Scope) -> Release {
    let nothing = String::new;
    let group = scope.generation_name(Generation(1));
    Release { scope, a: nothing(), b: nothing(), load_balancer: nothing(), listener: nothing(), group }
}

fn new_listener(scope: &Scope, load_balancer: &str, forward: Forward) -> Action {
    Action::CreateListener(NewListener {
        load_balancer_arn: load_balancer.into(),
        port: 80,
        protocol: "HTTP".into(),
        certificate_arn: None,
        ssl_policy: None,
        answer: Answer::Forward(forward),
        tags: tags::encode_app(scope, "listener", &BTreeMap::new()),
    })
}

fn weights(a: &str, weight_a: u32, b: &str, weight_b: u32) -> Forward {
    Forward::new([(a.to_owned(), weight_a), (b.to_owned(), weight_b)].into())
}

fn throttled() -> ApiError {
    ApiError::new("Throttling", "Rate exceeded")
}
