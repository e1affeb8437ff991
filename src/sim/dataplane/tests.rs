//! The data plane under load: what a deployment loses, and what it does not.

use std::time::Duration;

use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_ec2::types::RequestLaunchTemplateData;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, ProtocolEnum, TargetGroupAttribute, TargetGroupTuple,
    TargetHealthStateEnum,
};

use super::load::{Load, LoadPlan, LoadReport};
use super::{DataPlane, Endpoint};
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::sim::Simulation;
use crate::sim::door::http_client::Clients;
use crate::sim::world::World;
use crate::sim::world::example::{self, HELLO_1_0, HELLO_1_1, HELLO_BAD};

/// An account with a load balancer that forwards to the target groups `a` and `b`, a hundred times as fast as real time.
struct Stage {
    simulation: Simulation,
    clients: Clients,
    listener: String,
    target_groups: [String; 2],
}

impl Stage {
    async fn new(name: &str) -> Self {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let simulation = Simulation::new(World::example(start), Clock::new(start, 100));
        let clients = Clients::new(&simulation, name);
        let mut target_groups = Vec::new();
        for slot in ["a", "b"] {
            let create = clients.elbv2.create_target_group().name(slot).protocol(ProtocolEnum::Http).port(80);
            let create = create.vpc_id(example::VPC).health_check_interval_seconds(10).healthy_threshold_count(2);
            let created = create.send().await.unwrap();
            let arn = created.target_groups()[0].target_group_arn().unwrap().to_owned();
            let delay = TargetGroupAttribute::builder().key("deregistration_delay.timeout_seconds").value("20").build();
            clients
                .elbv2
                .modify_target_group_attributes()
                .target_group_arn(&arn)
                .attributes(delay)
                .send()
                .await
                .unwrap();
            target_groups.push(arn);
        }
        let target_groups: [String; 2] = target_groups.try_into().unwrap();
        let create = clients
            .elbv2
            .create_load_balancer()
            .name("hello")
            .set_subnets(Some(example::SUBNETS.map(Into::into).into()));
        let balancer = create.send().await.unwrap().load_balancers()[0].load_balancer_arn().unwrap().to_owned();
        let create = clients.elbv2.create_listener().load_balancer_arn(balancer).protocol(ProtocolEnum::Http).port(80);
        let created = create.default_actions(forward(&target_groups, [100, 0])).send().await.unwrap();
        let listener = created.listeners()[0].listener_arn().unwrap().to_owned();
        Self { simulation, clients, listener, target_groups }
    }

    async fn launch(&self, name: &str, image: &str, slot: usize) {
        let data = RequestLaunchTemplateData::builder().image_id(image).instance_type("c7i.large".into()).build();
        let template = self.clients.ec2.create_launch_template().launch_template_name(name).launch_template_data(data);
        template.send().await.unwrap();
        let template = LaunchTemplateSpecification::builder().launch_template_name(name).version("1").build();
        let group = self.clients.autoscaling.create_auto_scaling_group().auto_scaling_group_name(name);
        let group = group.launch_template(template).min_size(0).max_size(2).desired_capacity(2);
        let group = group.vpc_zone_identifier(example::SUBNETS.join(",")).target_group_arns(&self.target_groups[slot]);
        group.send().await.unwrap();
    }

    async fn shift(&self, weights: [i32; 2]) {
        let modify = self.clients.elbv2.modify_listener().listener_arn(&self.listener);
        modify.default_actions(forward(&self.target_groups, weights)).send().await.unwrap();
    }

    async fn retire(&self, name: &str) {
        let update = self.clients.autoscaling.update_auto_scaling_group().auto_scaling_group_name(name);
        update.desired_capacity(0).send().await.unwrap();
    }

    /// How many targets of a slot are in this state.
    async fn count(&self, slot: usize, state: TargetHealthStateEnum) -> usize {
        let health = self.clients.elbv2.describe_target_health().target_group_arn(&self.target_groups[slot]);
        let health = health.send().await.unwrap();
        let states = health.target_health_descriptions().iter().filter_map(|target| target.target_health()?.state());
        states.filter(|found| **found == state).count()
    }

    async fn until_healthy(&self, slot: usize) {
        while self.count(slot, TargetHealthStateEnum::Healthy).await < 2 {
            self.simulation.clock().sleep(Duration::from_secs(5)).await;
        }
    }

    async fn load(&self, plane: &DataPlane) -> Load {
        let endpoint = Endpoint { load_balancer: "hello".into(), port: 80 };
        let address = plane.listener(&endpoint).await.unwrap();
        let pause = Duration::from_millis(2);
        Load::start(&LoadPlan { address, host: None, path: "/".into(), workers: 4, pause })
    }
}

fn forward(target_groups: &[String; 2], weights: [i32; 2]) -> Action {
    let tuples = target_groups
        .iter()
        .zip(weights)
        .map(|(arn, weight)| TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build());
    let forward = ForwardActionConfig::builder().set_target_groups(Some(tuples.collect())).build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(forward).build()
}

fn good(report: &LoadReport, version: &str) -> u64 {
    report.by_version.get(version).map_or(0, |count| count.good)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_of_weights_and_the_retirement_of_the_old_group_lose_no_request() {
    let stage = Stage::new("shift").await;
    let plane = DataPlane::start(&stage.simulation);
    // Slow enough that requests are under way whenever the old instances begin to drain.
    stage.simulation.with(|world| world.add_image("ami-00000000000000200", "hello slow", "latency=4s"));
    stage.launch("hello-v001", "ami-00000000000000200", 0).await;
    stage.until_healthy(0).await;
    stage.simulation.clock().sleep(Duration::from_secs(100)).await;
    let load = stage.load(&plane).await;
    stage.launch("hello-v002", HELLO_1_1, 1).await;
    stage.until_healthy(1).await;
    let before = load.report();
    assert_eq!(good(&before, "hello 1.1.0"), 0, "no weight, no traffic: {before:?}");
    stage.shift([0, 100]).await;
    // Until the new weights have reached all nodes of the load balancer, some still send requests to the old one.
    stage.simulation.clock().sleep(Duration::from_secs(12)).await;
    stage.retire("hello-v001").await;
    while !stage
        .simulation
        .with(|world| world.scaling.groups.get("hello-v001").is_none_or(|group| group.members.is_empty()))
    {
        stage.simulation.clock().sleep(Duration::from_secs(5)).await;
    }
    let report = load.stop().await;
    assert_eq!(report.failed, 0, "{report:?}");
    assert!(good(&report, "hello slow") > 20 && good(&report, "hello 1.1.0") > 20, "{report:?}");
    assert_eq!(report.sent, good(&report, "hello slow") + good(&report, "hello 1.1.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_seen_as_failures() {
    let stage = Stage::new("failures").await;
    let plane = DataPlane::start(&stage.simulation);
    stage.simulation.clock().sleep(Duration::from_secs(100)).await;
    let load = stage.load(&plane).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let report = load.stop().await;
    assert!(report.sent > 0 && report.failures.get("HTTP 503") == Some(&report.sent), "no target: {report:?}");

    // An instance that is never healthy gets requests all the same, since there is no better one.
    stage.launch("hello-v001", HELLO_BAD, 0).await;
    while plane.instances().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let load = stage.load(&plane).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let report = load.stop().await;
    assert!(report.by_version.get("hello 1.2.0").is_some_and(|count| count.bad > 0), "{report:?}");
    assert_eq!(report.failed, report.sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_die_under_load_cost_requests_until_they_are_replaced() {
    let stage = Stage::new("death").await;
    let plane = DataPlane::start(&stage.simulation);
    stage.launch("hello-v001", HELLO_1_0, 0).await;
    stage.until_healthy(0).await;
    stage.simulation.clock().sleep(Duration::from_secs(100)).await;
    let load = stage.load(&plane).await;
    let victims: Vec<String> = plane.instances().into_keys().collect();
    stage.simulation.with(|world| victims.iter().for_each(|id| world.terminate_instance(id)));
    while plane.instances().keys().filter(|id| !victims.contains(id)).count() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.until_healthy(0).await;
    let healed = load.report();
    assert!(healed.failed > 0, "{healed:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let report = load.stop().await;
    assert!(good(&report, "hello 1.0.0") > good(&healed, "hello 1.0.0"), "{report:?}");
}
