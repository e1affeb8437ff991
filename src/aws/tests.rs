//! The room as a whole, against the simulated AWS on virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::act::{Done, perform};
use super::history::history;
use super::observe::{fulfil, observe};
use super::recheck::{Recheck, recheck};
use super::{Aws, AwsError, Class, Settings};
use crate::clock::Clock;
use crate::execute::{Executed, execute};
use crate::model::action::{Action, Expect, NewGroup, TrafficPoint};
use crate::model::desired::{Desired, DesiredApp, Source};
use crate::model::event::EventKind;
use crate::model::launch::{LaunchData, Secret};
use crate::model::names::{Generation, Scope, Slot};
use crate::model::observed::{AliasTarget, DnsRecord, Forward, Health, Observed, Ownership, Read, TargetCheck, Want};
use crate::model::plan::{AppPlan, Change, Impact, PlannedAction};
use crate::model::record::DeployedRecord;
use crate::model::tags;
use crate::sim::Simulation;
use crate::sim::door::http_client::http_client;
use crate::sim::fault::Fault;
use crate::sim::wire::{ApiError, Request};
use crate::sim::world::World;
use crate::sim::world::example::{HELLO_1_0, REGION, SECURITY_GROUP, SUBNETS, VPC, ZONE_ID, ZONE_NAME};

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
        let desired = Desired { name, environment, apps: BTreeMap::new(), source: Source::default() };
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
        observe(&self.aws, &self.desired, self.aws.clock().now()).await.unwrap()
    }

    async fn look_at(&self, wants: impl IntoIterator<Item = Want>) -> Observed {
        let mut observed = self.look().await;
        fulfil(&self.aws, &self.desired.name, &mut observed, &wants.into_iter().collect()).await.unwrap();
        observed
    }

    async fn perform(&self, app: &str, action: &Action) -> Result<Done, AwsError> {
        perform(&self.aws, &self.scope(app), action).await
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
        let listener = seen.listeners_of[&load_balancer].known().unwrap()[0].arn.clone();
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
            path: "/health".into(),
            matcher: "200".into(),
            interval: 10,
            timeout: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        };
        Action::CreateTargetGroup { name, vpc_id: VPC.into(), protocol: "HTTP".into(), port: 8080, check, tags }
    }

    fn new_load_balancer(&self, app: &str) -> Action {
        let scope = self.scope(app);
        let name = scope.load_balancer_name();
        Action::CreateLoadBalancer {
            tags: tags::encode_app(&scope, &name, &BTreeMap::new()),
            name,
            scheme: "internal".into(),
            subnet_ids: SUBNETS.map(str::to_owned).to_vec(),
            security_group_ids: vec![SECURITY_GROUP.into()],
        }
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
            key_name: None,
            security_group_ids: vec![SECURITY_GROUP.into()],
            user_data: Some(Secret::new("#!/bin/sh\n: canary")),
            detailed_monitoring: false,
            root_volume: None,
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
            slot: Some(Slot::A),
            listener: Some(self.listener.clone()).filter(|arn| !arn.is_empty()),
            rule: None,
            applied: None,
            healthy_since: None,
            shifted_at: None,
            recorded_at: None,
            failed: None,
        };
        tags::encode(&owner, &BTreeMap::from([("team".into(), "shop".into())]))
    }

    fn new_template(&self, generation: u32) -> Action {
        Action::CreateLaunchTemplate {
            name: self.scope.generation_name(Generation(generation)),
            data: self.data(),
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
            subnet_ids: SUBNETS.map(str::to_owned).to_vec(),
            target_group_arns: Some(self.a.clone()).filter(|arn| !arn.is_empty()).into_iter().collect(),
            grace_period: 120,
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
    Action::CreateListener {
        load_balancer_arn: load_balancer.into(),
        port: 80,
        protocol: "HTTP".into(),
        certificate_arn: None,
        forward,
        tags: tags::encode_app(scope, "listener", &BTreeMap::new()),
    }
}

fn weights(a: &str, weight_a: u32, b: &str, weight_b: u32) -> Forward {
    Forward([(a.to_owned(), weight_a), (b.to_owned(), weight_b)].into())
}

fn throttled() -> ApiError {
    ApiError::new("Throttling", "Rate exceeded")
}

#[tokio::test(start_paused = true)]
async fn many_apps_are_read_in_pages_and_those_of_other_environments_are_not() {
    let lab = Lab::new().await;
    for (environment, count) in [("prod", 120), ("test", 3)] {
        for number in 0..count {
            let app = format!("worker-{number}").parse().unwrap();
            let release = worker(Scope::new(app, environment.parse().unwrap()));
            perform(&lab.aws, &release.scope, &release.new_template(1)).await.unwrap();
            perform(&lab.aws, &release.scope, &release.new_group(1, 0)).await.unwrap();
        }
    }
    let seen = lab.look().await;
    let groups = seen.groups.known().unwrap();
    assert_eq!(groups.len(), 120);
    assert!(groups.values().all(|group| group.owner.environment == lab.desired.name));
    assert_eq!(seen.launch_templates.known().unwrap().len(), 120);
    assert_eq!(seen.problems, []);
    assert_eq!(seen.calls["autoscaling:DescribeAutoScalingGroups"], 2);
    assert!(seen.calls.values().sum::<u32>() <= 15, "{:?}", seen.calls);

    // The first page comes, the second never does: then nothing is known, and not a hundred groups.
    lab.refuse(throttled(), |request| {
        request.operation == "DescribeAutoScalingGroups" && request.params.get("NextToken").is_some()
    });
    let seen = lab.look().await;
    assert!(matches!(&seen.groups, Read::Unknown(why) if why.contains("Rate exceeded")), "{:?}", seen.groups);
    assert_eq!(seen.launch_templates.known().unwrap().len(), 120);
    assert!(seen.target_groups.known().is_some());
    assert_eq!(seen.calls["autoscaling:DescribeAutoScalingGroups"], 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_throttled_once_is_sent_again() {
    let lab = Lab::new().await;
    let refused = Mutex::new(BTreeSet::new());
    lab.fault(move |request| {
        refused.lock().unwrap().insert(request.operation.clone()).then(|| Fault::Refuse(throttled()))
    });
    let seen = lab.look().await;
    assert!(seen.groups.known().is_some() && seen.zone.unwrap().known().is_some());
    assert_eq!(seen.calls["ec2:DescribeImages"], 2);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_one_clear_error_after_one_call() {
    let lab = Lab::new().await;
    let expired = ApiError::new("ExpiredToken", "The security token included in the request is expired");
    lab.refuse(expired.with_status(403), |_| true);
    let error = observe(&lab.aws, &lab.desired, lab.aws.clock().now()).await.unwrap_err();
    assert_eq!(error.class, Class::FatalAll);
    assert!(error.advice().unwrap().contains("sign in again"));
    assert_eq!(lab.aws.calls(), [("sts:GetCallerIdentity".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_release_is_seen_as_it_was_made() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let seen = lab
        .look_at([
            Want::TargetHealth(release.a.clone()),
            Want::TargetGroupAttributes(release.a.clone()),
            Want::Tags(release.b.clone()),
            Want::Tags(release.load_balancer.clone()),
            Want::Activities(release.group.clone()),
            Want::TemplateData(release.group.clone()),
            Want::TemplateData("hello-prod-v009".into()),
            Want::RulesOf(release.listener.clone()),
            Want::Deployed(release.scope.app.clone()),
        ])
        .await;
    let group = &seen.groups.known().unwrap()[&release.group];
    assert!(group.is_whole() && group.health_check_elb && group.instances.len() == 2);
    assert_eq!(group.launch_template, Some((release.group.clone(), "1".to_owned())));
    assert_eq!(group.labels, [("team".to_owned(), "shop".to_owned())].into());
    assert_eq!(group.target_group_arns, [release.a.clone()]);
    let forward = &seen.listeners[&release.listener].known().unwrap().as_ref().unwrap().forward;
    assert_eq!((forward.weight(&release.a), forward.weight(&release.b)), (100, 0));
    let targets = seen.target_health[&release.a].known().unwrap();
    assert!(targets.len() == 2 && targets.iter().all(|target| target.health == Health::Healthy), "{targets:?}");
    assert!(tags::belongs_to(seen.tags[&release.b].known().unwrap(), &release.scope));
    assert!(tags::belongs_to(seen.tags[&release.load_balancer].known().unwrap(), &release.scope));
    let activities = seen.activities[&release.group].known().unwrap();
    assert!(activities.len() == 2 && activities[0].status == "Successful", "{activities:?}");
    let data = seen.template_data[&release.group].known().unwrap().as_ref().unwrap();
    assert_eq!(data.hash(), release.data().hash());
    assert_eq!(seen.template_data["hello-prod-v009"], Read::Known(None));
    assert_eq!(seen.deployed[&release.scope.app], Read::Known(None));
    assert!(seen.target_group_attributes[&release.a].known().is_some());
    assert!(seen.rules_of[&release.listener].known().unwrap().iter().any(|rule| rule.priority.is_none()));
    assert_eq!(seen.images[HELLO_1_0].known().unwrap().as_ref().unwrap().owner, "123456789012");
    let protection = lab
        .simulation
        .with(|world| world.scaling.groups.get(&release.group).map(|group| group.deletion_protection.clone()));
    assert_eq!(protection.as_deref(), Some("prevent-force-deletion"));
}

#[tokio::test(start_paused = true)]
async fn a_detail_that_cannot_be_read_is_unknown_and_hides_no_other() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.refuse(throttled(), |request| request.operation == "DescribeTargetHealth");
    let gone = format!("{}0", release.b);
    let wants = [Want::TargetHealth(release.a.clone()), Want::Tags(release.a.clone()), Want::Tags(gone.clone())];
    let seen = lab.look_at(wants).await;
    assert!(matches!(&seen.target_health[&release.a], Read::Unknown(why) if why.contains("Rate exceeded")));
    assert!(seen.tags[&release.a].known().is_some());
    assert!(seen.tags[&gone].known().is_none());
}

#[tokio::test(start_paused = true)]
async fn images_and_listeners_that_do_not_exist_are_none_and_hide_no_other() {
    let mut lab = Lab::new().await;
    lab.want("gone", "ami-0123456789abcdef0");
    let release = lab.release("hello").await;
    let missing = format!("{}0", release.listener);
    lab.desired.environment.listeners.insert("public".into(), missing.clone());
    let seen = lab.look().await;
    assert_eq!(seen.images["ami-0123456789abcdef0"], Read::Known(None));
    assert!(seen.images[HELLO_1_0].known().unwrap().is_some());
    assert_eq!(seen.listeners[&missing], Read::Known(None));
    assert!(seen.listeners[&release.listener].known().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_tags_were_spoilt_by_hand_is_a_problem_and_not_an_absence() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let tags = [(tags::keys::GENERATION.to_owned(), "forty-two".to_owned())].into();
    lab.done("hello", &Action::TagGroup { name: release.group.clone(), tags, propagate: false }).await;
    let seen = lab.look().await;
    assert!(seen.groups.known().unwrap().is_empty());
    assert_eq!(seen.problems.len(), 1);
    assert!(seen.problems[0].concerns(&release.scope));
    assert!(seen.problems[0].why.contains("forty-two"), "{}", seen.problems[0].why);
    // And nothing is destroyed on the strength of it.
    let expect = Expect::OwnGroup { group: release.group.clone(), template_hash: release.data().hash().to_string() };
    assert!(matches!(recheck(&lab.aws, &[expect]).await, Err(Recheck::Stale(_))));
}

#[tokio::test(start_paused = true)]
async fn what_was_made_before_is_done_and_what_is_somebody_elses_is_a_conflict() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let listener = new_listener(&release.scope, &release.load_balancer, weights(&release.a, 0, &release.b, 100));
    let rule = Action::CreateRule {
        listener_arn: release.listener.clone(),
        priority: 10,
        hosts: vec!["hello.example.com".into()],
        paths: Vec::new(),
        forward: weights(&release.a, 100, &release.b, 0),
        tags: tags::encode_app(&release.scope, "rule", &BTreeMap::new()),
    };
    assert_eq!(lab.done("hello", &rule).await, Done::Applied);
    for action in [listener, rule, release.new_template(1), release.new_group(1, 2)] {
        assert_eq!(lab.perform("hello", &action).await, Ok(Done::Already), "{action}");
        let error = lab.perform("other", &action).await.unwrap_err();
        assert_eq!(error.class, Class::Blocked, "{action}: {error}");
        assert!(error.message.contains("does not belong to other in prod"), "{error}");
    }
    // Load balancers and target groups of the same settings are one and the same to AWS; of others, they are refused.
    let mut group = lab.new_target_group("hello", Slot::A);
    if let Action::CreateTargetGroup { port, .. } = &mut group {
        *port = 9090;
    }
    assert_eq!(lab.perform("hello", &group).await, Ok(Done::Already));
    assert_eq!(lab.perform("other", &group).await.unwrap_err().class, Class::Blocked);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_holds_another_template_is_a_conflict() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    for mut action in [release.new_template(1), release.new_group(1, 2)] {
        match &mut action {
            Action::CreateLaunchTemplate { tags, .. } => tags.insert(tags::keys::TEMPLATE_HASH.into(), "1-00".into()),
            Action::CreateGroup(group) => group.tags.insert(tags::keys::TEMPLATE_HASH.into(), "1-00".into()),
            _ => None,
        };
        let error = lab.perform("hello", &action).await.unwrap_err();
        assert_eq!(error.class, Class::Blocked);
        assert!(error.message.contains("another template"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_made_once() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let lost = Mutex::new(BTreeSet::new());
    lab.fault(move |request| {
        let first = request.operation.starts_with("Create") && lost.lock().unwrap().insert(request.operation.clone());
        first.then_some(Fault::ReplyLost)
    });
    for action in [release.new_template(1), release.new_group(1, 1)] {
        let done = lab.perform("hello", &action).await;
        assert!(done.is_ok(), "{action}: {done:?}");
    }
    lab.pass(120).await;
    let seen = lab.look().await;
    assert_eq!(seen.groups.known().unwrap()[&release.group].instances.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_is_done_and_what_is_in_use_stays() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let target_group = Action::DeleteTargetGroup { arn: release.a.clone(), name: "a".into() };
    assert_eq!(lab.perform("hello", &target_group).await.unwrap_err().class, Class::Wait);
    let group = Action::DeleteGroup { name: release.group.clone() };
    assert_eq!(lab.perform("hello", &group).await.unwrap_err().class, Class::Wait);
    for action in [
        Action::DeleteGroup { name: "hello-prod-v009".into() },
        Action::DeleteLaunchTemplate { name: "hello-prod-v009".into() },
        Action::DeleteListener { arn: format!("{}0", release.listener) },
        Action::DeleteDeployedRecord { parameter: release.scope.parameter_name(), app: release.scope.app.clone() },
    ] {
        assert_eq!(lab.perform("hello", &action).await, Ok(Done::Already), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shift_is_one_call_and_a_second_one_is_none() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let shift = Action::Shift { at: release.point(), forward: weights(&release.a, 0, &release.b, 100) };
    assert_eq!(lab.done("hello", &shift).await, Done::Applied);
    assert_eq!(lab.done("hello", &shift).await, Done::Already);
    assert_eq!(lab.aws.calls()["elasticloadbalancing:ModifyListener"], 1);
    let seen = lab.look().await;
    let forward = &seen.listeners[&release.listener].known().unwrap().as_ref().unwrap().forward;
    assert_eq!(*forward, weights(&release.a, 0, &release.b, 100));
}

#[tokio::test(start_paused = true)]
async fn a_record_is_in_sync_when_it_is_done_and_only_what_was_seen_is_deleted() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let balancer = lab.look().await.load_balancers.known().unwrap()[&release.scope.load_balancer_name()].clone();
    let alias = |heed| AliasTarget {
        dns_name: balancer.dns_name.clone(),
        zone_id: balancer.hosted_zone_id.clone(),
        evaluate_target_health: heed,
    };
    let record = |heed| DnsRecord {
        name: format!("hello.{ZONE_NAME}"),
        kind: "A".into(),
        alias: Some(alias(heed)),
        values: Vec::new(),
        ttl: None,
        set_identifier: None,
    };
    let upsert = Action::UpsertDnsRecord { zone_id: ZONE_ID.into(), record: record(false) };
    let before = lab.aws.clock().now();
    assert_eq!(lab.done("hello", &upsert).await, Done::Applied);
    assert!(lab.aws.clock().now().as_second() - before.as_second() < 180);
    let seen = lab.look().await;
    assert!(seen.zone.unwrap().known().unwrap().records.contains(&record(false)));

    let delete = |heed| Action::DeleteDnsRecord { zone_id: ZONE_ID.into(), record: record(heed) };
    assert_eq!(lab.perform("hello", &delete(true)).await.unwrap_err().class, Class::Wait);
    assert_eq!(lab.done("hello", &delete(false)).await, Done::Applied);
    assert_eq!(lab.done("hello", &delete(false)).await, Done::Already);
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_read_back_with_its_history() {
    let lab = Lab::new().await;
    let scope = lab.scope("hello");
    assert_eq!(history(&lab.aws, &scope).await, Ok(Vec::new()));
    let record = |generation| DeployedRecord {
        app: scope.app.clone(),
        environment: scope.environment.clone(),
        generation: Generation(generation),
        image: HELLO_1_0.into(),
        image_name: None,
        template_hash: "1-0a1b".parse().unwrap(),
        release: BTreeMap::new(),
        manifests: None,
        deployed_at: lab.aws.clock().now(),
        deployed_by: "arn:aws:iam::123456789012:role/deploy".into(),
    };
    let (one, two) = (record(1), record(2));
    for record in [&one, &two] {
        let action = Action::PutDeployedRecord { parameter: scope.parameter_name(), record: Box::new(record.clone()) };
        assert_eq!(lab.done("hello", &action).await, Done::Applied);
    }
    let versions = history(&lab.aws, &scope).await.unwrap();
    assert_eq!(versions, [(1, Read::Known(one)), (2, Read::Known(two.clone()))]);
    let seen = lab.look_at([Want::Deployed(scope.app.clone())]).await;
    assert_eq!(seen.deployed[&scope.app], Read::Known(Some(two)));
}

#[tokio::test(start_paused = true)]
async fn a_recheck_holds_only_what_holds_now() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let (group, hash) = (release.group.clone(), release.data().hash().to_string());
    let weight = |arn: &String, serving| Expect::Weight { at: release.point(), target_group_arn: arn.clone(), serving };
    let healthy = |arn: &String, group: &str, at_least| Expect::Healthy {
        target_group_arn: arn.clone(),
        group: group.to_owned(),
        at_least,
    };
    let true_now = [
        Expect::OwnGroup { group: group.clone(), template_hash: hash },
        Expect::InService { group: group.clone(), at_least: 2 },
        healthy(&release.a, &group, 2),
        weight(&release.a, true),
        weight(&release.b, false),
        Expect::NoTargets { target_group_arn: release.b.clone() },
        Expect::OwnTags { arn: release.a.clone(), app: release.scope.app.clone() },
    ];
    assert_eq!(recheck(&lab.aws, &true_now).await, Ok(()));
    for stale in [
        Expect::OwnGroup { group: group.clone(), template_hash: "1-00".into() },
        Expect::InService { group: group.clone(), at_least: 3 },
        Expect::NoInstances { group: group.clone() },
        Expect::NoInstances { group: "hello-prod-v009".into() },
        healthy(&release.a, &group, 3),
        healthy(&release.b, &group, 1),
        weight(&release.a, false),
        weight(&release.b, true),
        weight(&"arn:of:nothing".to_owned(), true),
        Expect::NoTargets { target_group_arn: release.a.clone() },
        Expect::OwnTags { arn: release.a.clone(), app: "other".parse().unwrap() },
        Expect::OwnTags { arn: format!("{}0", release.a), app: release.scope.app.clone() },
    ] {
        let result = recheck(&lab.aws, std::slice::from_ref(&stale)).await;
        assert!(matches!(result, Err(Recheck::Stale(_))), "{stale:?}: {result:?}");
    }
    lab.refuse(throttled(), |request| request.operation.starts_with("Describe"));
    for expect in &true_now {
        let result = recheck(&lab.aws, std::slice::from_ref(expect)).await;
        assert!(matches!(result, Err(Recheck::Failed(_))), "{expect:?}: {result:?}");
    }
}

/// Carries out these actions and says what was told of each.
async fn run(lab: &Lab, scope: &Scope, actions: Vec<(Action, Vec<Expect>)>) -> (Executed, Vec<&'static str>) {
    let planned = |(action, expects)| PlannedAction { action, reason: "because".into(), expects };
    let plan = AppPlan {
        app: scope.app.clone(),
        change: Change::Update,
        reason: String::new(),
        from: None,
        to: None,
        fields: Vec::new(),
        drift: Vec::new(),
        steps: Vec::new(),
        actions: actions.into_iter().map(planned).collect(),
        waits: Vec::new(),
        notes: Vec::new(),
        wants: Vec::new(),
        wake_at: None,
        impact: Impact::default(),
    };
    let told = Mutex::new(Vec::new());
    let sink = |event: crate::model::event::Event| {
        told.lock().unwrap().push(match event.kind {
            EventKind::Planned(_) => "planned",
            EventKind::Acted { .. } => "acted",
            EventKind::Stale { .. } => "stale",
            EventKind::Failed { retry: true, .. } => "failed for now",
            EventKind::Failed { retry: false, .. } => "failed",
        });
    };
    let executed = execute(&lab.aws, lab.aws.clock(), &plan, scope, &sink).await;
    (executed, told.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_carried_out_in_order_and_no_further_than_the_first_that_does_not_hold() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let delete = |name: &str| Action::DeleteGroup { name: name.to_owned() };
    let create = vec![(release.new_template(1), vec![]), (release.new_group(1, 1), vec![])];
    let (executed, told) = run(&lab, &release.scope, create).await;
    assert_eq!((executed, told), (Executed::Complete, vec!["acted", "acted"]));
    lab.pass(120).await;

    let empty = Expect::NoInstances { group: release.group.clone() };
    let template = Action::DeleteLaunchTemplate { name: release.group.clone() };
    let destroy = vec![(delete(&release.group), vec![empty]), (template, vec![])];
    let (executed, told) = run(&lab, &release.scope, destroy).await;
    assert_eq!((executed, told), (Executed::Stale, vec!["stale"]));
    let calls = lab.aws.calls();
    assert!(!calls.contains_key("autoscaling:DeleteAutoScalingGroup"));
    assert!(!calls.contains_key("ec2:DeleteLaunchTemplate"));
}

#[tokio::test(start_paused = true)]
async fn an_action_is_not_performed_when_what_it_depends_on_cannot_be_read() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    run(&lab, &release.scope, vec![(release.new_template(1), vec![]), (release.new_group(1, 0), vec![])]).await;
    lab.refuse(throttled(), |request| request.operation == "DescribeAutoScalingGroups");
    let empty = Expect::NoInstances { group: release.group.clone() };
    let delete = Action::DeleteGroup { name: release.group.clone() };
    let (executed, told) = run(&lab, &release.scope, vec![(delete, vec![empty])]).await;
    assert!(matches!(executed, Executed::Failed(error) if error.class == Class::Retry));
    assert_eq!(told, ["failed for now"]);
    assert!(!lab.aws.calls().contains_key("autoscaling:DeleteAutoScalingGroup"));
}

#[tokio::test(start_paused = true)]
async fn no_error_ever_quotes_user_data() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    lab.refuse(ApiError::new("InvalidParameterValue", "no"), |request| request.operation == "CreateLaunchTemplate");
    let error = lab.perform("hello", &release.new_template(1)).await.unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", release.new_template(1)).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_says_which_permission_is_missing() {
    let lab = Lab::new().await;
    let denied = ApiError::new("AccessDenied", "not authorized").with_status(403);
    lab.refuse(denied, |request| request.operation == "ListResourceRecordSets");
    let seen = lab.look().await;
    let Some(Read::Unknown(why)) = seen.zone else { panic!("{:?}", seen.zone) };
    assert!(why.contains("`route53:ListResourceRecordSets`"), "{why}");
    assert_eq!(seen.calls["route53:ListResourceRecordSets"], 1);
}

// On real time: a socket takes part.
#[tokio::test]
async fn no_way_to_aws_and_no_credentials_are_told_apart_and_end_at_once() {
    let lab = Lab::new().await;
    let nowhere =
        Settings { endpoint_url: Some("http://127.0.0.1:1".into()), ..Settings::new(REGION, Clock::system()) };
    let known = aws_credential_types::Credentials::from_keys("AKIANOBODY", "nobody", None);
    let unreachable = Settings { credentials: Some(known), ..nowhere.clone() };
    let nobody = Settings { profile: Some("amiable-no-such-profile".into()), ..nowhere };
    for (settings, advice) in [(unreachable, "endpoint cannot be reached"), (nobody, "credentials")] {
        let aws = Aws::connect(settings).await;
        let error = observe(&aws, &lab.desired, aws.clock().now()).await.unwrap_err();
        assert_eq!(error.class, Class::FatalAll, "{error}");
        assert!(error.advice().unwrap().contains(advice), "{error}: {:?}", error.advice());
    }
}
