//! A world to call in tests: form-encoded requests in, the texts of elements out.

use crate::model::time::Span;
use crate::sim::api::dispatch;
use crate::sim::wire::{Params, Request};
use crate::sim::world::World;
use crate::sim::world::example::{SECURITY_GROUP, SUBNETS, VPC};
use crate::sim::world::templates::{Template, TemplateData};

/// The example account, with calls and time at hand.
pub(crate) struct Trial {
    pub(crate) world: World,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) String);

impl Answer {
    /// The texts of all elements of this name, in order. Elements of one name must not be nested.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        self.0.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
    }

    /// The text of the only element of this name.
    pub(crate) fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.0);
        all[0]
    }
}

/// An error's code and message.
pub(crate) type Refusal = (String, String);

impl Trial {
    /// The example account at the beginning of 2026.
    pub(crate) fn new() -> Self {
        Self { world: World::example("2026-01-01T00:00:00Z".parse().unwrap()) }
    }

    /// A call: the service, the operation, and its parameters as `Name=value` with `&` between them.
    pub(crate) fn call(&mut self, service: &str, operation: &str, params: &str) -> Result<Answer, Refusal> {
        let request = Request {
            access_key: "AKIATRIAL".into(),
            service: service.to_owned(),
            region: self.world.region.clone(),
            operation: operation.to_owned(),
            params: Params::decode(params.replace('+', "%2B").as_bytes()),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            body: Vec::new(),
        };
        let reply = dispatch(&mut self.world, &request);
        let answer = Answer(reply.body);
        match reply.error {
            None => Ok(answer),
            Some(code) => {
                let message = quick_xml::escape::unescape(answer.one("Message")).unwrap().into_owned();
                Err((code, message))
            }
        }
    }

    /// A call of Auto Scaling that must succeed.
    pub(crate) fn asg(&mut self, operation: &str, params: &str) -> Answer {
        self.call("autoscaling", operation, params).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// A call of Auto Scaling that must fail: code and message.
    pub(crate) fn asg_refuses(&mut self, operation: &str, params: &str) -> Refusal {
        self.call("autoscaling", operation, params).expect_err(operation)
    }

    /// A call of Elastic Load Balancing that must succeed.
    pub(crate) fn elb(&mut self, operation: &str, params: &str) -> Answer {
        self.call("elasticloadbalancing", operation, params).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// A call of Elastic Load Balancing that must fail: code and message.
    pub(crate) fn elb_refuses(&mut self, operation: &str, params: &str) -> Refusal {
        self.call("elasticloadbalancing", operation, params).expect_err(operation)
    }

    /// A call of EC2 that must succeed.
    pub(crate) fn ec2(&mut self, operation: &str, params: &str) -> Answer {
        self.call("ec2", operation, params).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: u64) {
        let to = Span::seconds(seconds).after(self.world.now);
        self.world.advance(to);
    }

    /// A launch template of this name for an image, on an instance type that suits it.
    pub(crate) fn template(&mut self, name: &str, image: &str) {
        let arm = self.world.images.all.get(image).is_some_and(|image| image.architecture == "arm64");
        let data = TemplateData {
            image_id: Some(image.to_owned()),
            instance_type: Some(if arm { "c7g.large" } else { "c7i.large" }.to_owned()),
            security_group_ids: vec![SECURITY_GROUP.to_owned()],
            ..TemplateData::default()
        };
        let id = self.world.fresh_id("lt");
        let template = Template {
            id: id.clone(),
            name: name.to_owned(),
            created_at: self.world.now,
            default_version: 1,
            versions: vec![data],
            tags: Default::default(),
        };
        self.world.templates.all.insert(id, template);
    }

    /// A group with its launch template, in all three subnets, with further parameters.
    pub(crate) fn group(&mut self, name: &str, image: &str, size: u32, more: &str) {
        self.template(name, image);
        let params = group_params(name, size);
        self.asg("CreateAutoScalingGroup", &format!("{params}&{more}"));
    }

    /// A target group that is checked every 10 seconds, with 2 passes and 3 failures; its ARN.
    pub(crate) fn target_group(&mut self, name: &str) -> String {
        let check = "HealthCheckIntervalSeconds=10&HealthCheckTimeoutSeconds=5&HealthyThresholdCount=2&UnhealthyThresholdCount=3";
        let params = format!("Name={name}&Protocol=HTTP&Port=80&VpcId={VPC}&HealthCheckPath=/health&{check}");
        let arn = self.elb("CreateTargetGroup", &params).one("TargetGroupArn").to_owned();
        let delay = format!(
            "TargetGroupArn={arn}&Attributes.member.1.Key=deregistration_delay.timeout_seconds&Attributes.member.1.Value=60"
        );
        self.elb("ModifyTargetGroupAttributes", &delay);
        arn
    }

    /// A load balancer in all three zones, already active; its ARN.
    pub(crate) fn load_balancer(&mut self, name: &str) -> String {
        let subnets = SUBNETS.iter().enumerate().map(|(n, id)| format!("&Subnets.member.{}={id}", n + 1));
        let params = format!("Name={name}&Scheme=internal{}", subnets.collect::<String>());
        let arn = self.elb("CreateLoadBalancer", &params).one("LoadBalancerArn").to_owned();
        self.wait(90);
        arn
    }

    /// A listener on port 80 with a weighted forward; its ARN.
    pub(crate) fn listener(&mut self, load_balancer: &str, weights: &[(&str, u32)]) -> String {
        let params =
            format!("LoadBalancerArn={load_balancer}&Protocol=HTTP&Port=80&{}", forward("DefaultActions", weights));
        self.elb("CreateListener", &params).one("ListenerArn").to_owned()
    }

    /// Health of the targets of a group: states in the order of the instance ids.
    pub(crate) fn health(&mut self, target_group: &str) -> Vec<String> {
        let answer = self.elb("DescribeTargetHealth", &format!("TargetGroupArn={target_group}"));
        answer.all("State").into_iter().map(str::to_owned).collect()
    }

    /// Ids of a group's instances, in order.
    pub(crate) fn ids(&mut self, group: &str) -> Vec<String> {
        let answer = self.asg("DescribeAutoScalingGroups", &format!("AutoScalingGroupNames.member.1={group}"));
        answer.all("InstanceId").into_iter().map(str::to_owned).collect()
    }

    /// Lifecycle states of a group's instances, in the order of the ids.
    pub(crate) fn lifecycles(&mut self, group: &str) -> Vec<String> {
        let answer = self.asg("DescribeAutoScalingGroups", &format!("AutoScalingGroupNames.member.1={group}"));
        answer.all("LifecycleState").into_iter().map(str::to_owned).collect()
    }

    /// A group's activities, newest first.
    pub(crate) fn activities(&mut self, group: &str) -> Answer {
        self.asg("DescribeScalingActivities", &format!("AutoScalingGroupName={group}&IncludeDeletedGroups=true"))
    }
}

/// What creating a group of this name and size needs at least.
pub(crate) fn group_params(name: &str, size: u32) -> String {
    format!(
        "AutoScalingGroupName={name}&MinSize={size}&MaxSize={size}&LaunchTemplate.LaunchTemplateName={name}\
         &LaunchTemplate.Version=1&VPCZoneIdentifier={}",
        SUBNETS.join(",")
    )
}

/// A weighted forward as the only action of a list.
pub(crate) fn forward(list: &str, weights: &[(&str, u32)]) -> String {
    let mut text = format!("{list}.member.1.Type=forward");
    for (n, (arn, weight)) in weights.iter().enumerate() {
        let tuple = format!("{list}.member.1.ForwardConfig.TargetGroups.member.{}", n + 1);
        text.push_str(&format!("&{tuple}.TargetGroupArn={arn}&{tuple}.Weight={weight}"));
    }
    text
}
