//! Actions: one mutating AWS call each, complete to the last argument, so that carrying one out needs no choice.

use std::fmt;

use serde::Serialize;

use super::alarm::StepAlarm;
use super::autopsy::FailureRecord;
use super::balancing::{ListenerChange, NewListener, NewLoadBalancer, NewRule, NewTargetGroup};
use super::decision::Decision;
use super::launch::LaunchData;
use super::machine::MixedInstances;
use super::names::AppName;
use super::observed::{Attributes, Conditions, DnsRecord, Forward, TargetCheck};
use super::record::DeployedRecord;
use super::scaling::{Hook, Maintenance, ScalingPolicy, ScheduledAction};
pub use super::tag_text::Tags;
use super::time::Timestamp;
use super::writer::Writer;

/// One mutating AWS call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// ELBv2 `CreateTargetGroup`, target type `instance`.
    CreateTargetGroup(NewTargetGroup),
    /// ELBv2 `ModifyTargetGroup`: how targets are checked.
    ModifyTargetGroup {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// The new check, whole.
        check: TargetCheck,
    },
    /// ELBv2 `RegisterTargets`: instances that take part in a trial, in a target group without traffic; or those that somebody
    /// took out of the target group that has it.
    RegisterTargets {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// The instances, at least one and at most 100.
        ids: Vec<String>,
    },
    /// ELBv2 `DeregisterTargets`: the same instances leave it again.
    DeregisterTargets {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// The instances, at least one and at most 100.
        ids: Vec<String>,
    },
    /// ELBv2 `ModifyTargetGroupAttributes`: only what is given.
    SetTargetGroupAttributes {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// The attributes, as AWS names and writes them.
        attributes: Attributes,
    },
    /// ELBv2 `DeleteTargetGroup`.
    DeleteTargetGroup {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
    },
    /// ELBv2 `CreateLoadBalancer`.
    CreateLoadBalancer(NewLoadBalancer),
    /// ELBv2 `SetSecurityGroups`.
    SetSecurityGroups {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// Its security groups, all of them.
        security_group_ids: Vec<String>,
    },
    /// ELBv2 `SetSubnets`.
    SetSubnets {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// Its subnets, all of them.
        subnet_ids: Vec<String>,
    },
    /// ELBv2 `SetIpAddressType`.
    SetIpAddressType {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// `ipv4` or `dualstack`.
        ip_address_type: String,
    },
    /// ELBv2 `ModifyLoadBalancerAttributes`: only what is given.
    SetBalancerAttributes {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
        /// The attributes, as AWS names and writes them.
        attributes: Attributes,
    },
    /// ELBv2 `AddTags`.
    TagBalancing {
        /// The app, for people.
        name: String,
        /// The ARNs of target groups, load balancers, listeners and rules, 20 at most.
        arns: Vec<String>,
        /// The tags to write.
        tags: Tags,
    },
    /// ELBv2 `DeleteLoadBalancer`.
    DeleteLoadBalancer {
        /// The ARN.
        arn: String,
        /// The name, for people.
        name: String,
    },
    /// ELBv2 `CreateListener`.
    CreateListener(NewListener),
    /// ELBv2 `ModifyListener`: only what is given, and its weights never.
    ModifyListener(ListenerChange),
    /// ELBv2 `DeleteListener`.
    DeleteListener {
        /// The ARN.
        arn: String,
    },
    /// ELBv2 `CreateRule` on a shared listener.
    CreateRule(NewRule),
    /// ELBv2 `ModifyRule`: the conditions only.
    ModifyRuleConditions {
        /// The ARN.
        arn: String,
        /// When it applies, whole.
        conditions: Conditions,
    },
    /// ELBv2 `ModifyRule`: where preview requests go. No other request heeds it.
    AimPreview {
        /// The ARN of the rule.
        arn: String,
        /// Where it forwards, whole.
        forward: Forward,
    },
    /// ELBv2 `SetRulePriorities` of one rule.
    SetRulePriority {
        /// The ARN.
        arn: String,
        /// Its new place.
        priority: u32,
    },
    /// ELBv2 `DeleteRule`.
    DeleteRule {
        /// The ARN.
        arn: String,
    },
    /// ELBv2 `ModifyListener` or `ModifyRule`: the weights, both target groups in one call.
    Shift {
        /// What holds the weights.
        at: TrafficPoint,
        /// The new weights, whole.
        forward: Forward,
    },
    /// Route 53 `ChangeResourceRecordSets`, all or nothing; done when Route 53 says INSYNC.
    ChangeDns {
        /// The hosted zone.
        zone_id: String,
        /// The name, for people.
        name: String,
        /// Records to delete, exactly as they were seen.
        delete: Vec<DnsRecord>,
        /// Records to write, over whatever they replace.
        upsert: Vec<DnsRecord>,
    },
    /// EC2 `CreateLaunchTemplate`.
    CreateLaunchTemplate {
        /// The name.
        name: String,
        /// What instances are born with.
        data: Box<LaunchData>,
        /// Tags of the template itself.
        tags: Tags,
        /// Tags of the instances' volumes.
        volume_tags: Tags,
    },
    /// EC2 `DeleteLaunchTemplate`.
    DeleteLaunchTemplate {
        /// The name.
        name: String,
    },
    /// Auto Scaling `CreateAutoScalingGroup`.
    CreateGroup(Box<NewGroup>),
    /// Auto Scaling `UpdateAutoScalingGroup`: only what is given.
    UpdateGroup {
        /// The name.
        name: String,
        /// What changes.
        change: GroupChange,
    },
    /// Auto Scaling `AttachLoadBalancerTargetGroups`: its instances register again.
    AttachTargetGroup {
        /// The name of the group.
        name: String,
        /// The target group.
        target_group_arn: String,
    },
    /// Auto Scaling `DeleteAutoScalingGroup`, never with ForceDelete.
    DeleteGroup {
        /// The name.
        name: String,
    },
    /// Auto Scaling `PutLifecycleHook`.
    PutLifecycleHook {
        /// The group.
        group: String,
        /// The hook, whole.
        hook: Hook,
    },
    /// Auto Scaling `DeleteLifecycleHook`.
    DeleteLifecycleHook {
        /// The group.
        group: String,
        /// The hook's name.
        hook: String,
    },
    /// Auto Scaling `PutScalingPolicy`.
    PutScalingPolicy {
        /// The group.
        group: String,
        /// The policy, whole.
        policy: ScalingPolicy,
    },
    /// Auto Scaling `DeletePolicy`.
    DeleteScalingPolicy {
        /// The group.
        group: String,
        /// The policy's name.
        policy: String,
    },
    /// CloudWatch `PutMetricAlarm`: an alarm that calls a scaling policy.
    PutStepAlarm {
        /// The alarm, whole.
        alarm: StepAlarm,
        /// Tags, which CloudWatch takes note of when it does not have the alarm yet.
        tags: Tags,
    },
    /// CloudWatch `DeleteAlarms`.
    DeleteStepAlarm {
        /// The alarm's name.
        alarm: String,
    },
    /// Auto Scaling `PutScheduledUpdateGroupAction`.
    PutScheduledAction {
        /// The group.
        group: String,
        /// The scheduled action, whole.
        scheduled: ScheduledAction,
    },
    /// Auto Scaling `DeleteScheduledAction`.
    DeleteScheduledAction {
        /// The group.
        group: String,
        /// The scheduled action's name.
        scheduled: String,
    },
    /// Auto Scaling `SuspendProcesses`.
    SuspendProcesses {
        /// The group.
        name: String,
        /// The processes, at least one.
        processes: Vec<String>,
    },
    /// Auto Scaling `ResumeProcesses`.
    ResumeProcesses {
        /// The group.
        name: String,
        /// The processes, at least one.
        processes: Vec<String>,
    },
    /// Auto Scaling `SetInstanceProtection`: these instances are protected from scale-in no more.
    LiftProtection {
        /// The group.
        group: String,
        /// The instances, at least one and at most 50.
        ids: Vec<String>,
    },
    /// EC2 `CreateTags` on instances of a group.
    TagInstances {
        /// The group.
        group: String,
        /// The instances, at least one and at most 1000.
        ids: Vec<String>,
        /// The tags to write.
        tags: Tags,
    },
    /// Auto Scaling `CreateOrUpdateTags` on a group.
    TagGroup {
        /// The name.
        name: String,
        /// The tags to write.
        tags: Tags,
        /// Whether instances get them too.
        propagate: bool,
    },
    /// Auto Scaling `DeleteTags` on a group.
    UntagGroup {
        /// The name.
        name: String,
        /// The keys to remove.
        keys: Vec<String>,
    },
    /// SSM `PutParameter` with the deployed state, read back afterwards.
    PutDeployedRecord {
        /// The parameter.
        parameter: String,
        /// The record.
        record: Box<DeployedRecord>,
    },
    /// SSM `PutParameter` with what a person decided.
    PutDecision {
        /// The parameter.
        parameter: String,
        /// The decision.
        decision: Box<Decision>,
    },
    /// SSM `PutParameter` with why a generation failed.
    PutFailure {
        /// The parameter.
        parameter: String,
        /// Why.
        record: Box<FailureRecord>,
    },
    /// SSM `DeleteParameter`.
    DeleteParameter {
        /// The parameter.
        parameter: String,
        /// The app.
        app: AppName,
    },
}

/// What holds an app's weights.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "arn", rename_all = "camelCase")]
pub enum TrafficPoint {
    /// The default action of the app's own listener.
    Listener(String),
    /// A rule on a shared listener.
    Rule(String),
}

/// A group to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewGroup {
    /// The name, which is also its launch template's; version 1 is used.
    pub name: String,
    /// The fewest instances.
    pub min: u32,
    /// The most instances.
    pub max: u32,
    /// How many at first.
    pub desired: u32,
    /// The types to choose from, and how they are paid for; none for the template's one type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<MixedInstances>,
    /// Subnets.
    pub subnet_ids: Vec<String>,
    /// Target groups to register in; none for a worker.
    pub target_group_arns: Vec<String>,
    /// Seconds before health counts.
    pub grace_period: u64,
    /// Seconds before a fresh instance's metrics count; AWS's default without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_warmup: Option<u64>,
    /// How far its healthy part may differ from the wanted number during maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// Lifecycle hooks, in force from the first launch on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// Tags for group and instances.
    pub tags: Tags,
}

/// Changes to a group; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// The fewest instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The wanted number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
    /// Seconds before health counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<u64>,
    /// Subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<Vec<String>>,
    /// Whether load balancer health replaces instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_elb: Option<bool>,
    /// How far its healthy part may differ during maintenance; `Some(None)` takes a policy away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Option<Maintenance>>,
    /// Seconds before a fresh instance's metrics count; `Some(None)` for AWS's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_warmup: Option<Option<u64>>,
    /// What it launches: the first version of its own launch template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launches: Option<Launches>,
}

/// What a group launches: the first version of the launch template of its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Launches {
    /// The instance types that it chooses from, and how they are paid for; none for the template's one type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixed: Option<MixedInstances>,
}

/// A fact that must still hold, read afresh, right before an action that removes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "expect", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Expect {
    /// The group still carries our owner tags with this template hash.
    OwnGroup {
        /// The group.
        group: String,
        /// Its template hash.
        template_hash: String,
    },
    /// The group carries no mark that it failed, was turned down or is not wanted any more.
    Wanted {
        /// The group.
        group: String,
    },
    /// The last process that wrote its name on the group is the one that was seen there.
    Written {
        /// The group.
        group: String,
        /// That process, if there was one.
        writer: Option<Writer>,
    },
    /// The deployed state of the group was recorded when it was seen to be, or not at all: no other process has gone on.
    RecordedAt {
        /// The group.
        group: String,
        /// When.
        at: Option<Timestamp>,
    },
    /// Nobody has brought the group on its way to the traffic since: it has not taken over, is no canary, and has been healthy for
    /// as long as it was seen to be, or is not.
    NotReady {
        /// The group.
        group: String,
        /// Since when it was seen to be healthy.
        healthy_since: Option<Timestamp>,
    },
    /// There is no such group any more, or AWS is deleting it.
    GroupGone {
        /// The group.
        group: String,
    },
    /// The group has no instances.
    NoInstances {
        /// The group.
        group: String,
    },
    /// The target group has this weight or, when zero, is not named at all.
    Weight {
        /// What holds the weights.
        at: TrafficPoint,
        /// The target group.
        target_group_arn: String,
        /// Whether it must take traffic (`true`) or take none (`false`).
        serving: bool,
    },
    /// At least so many instances of this group are healthy in the target group.
    Healthy {
        /// The target group.
        target_group_arn: String,
        /// The group whose instances count.
        group: String,
        /// How many, 1 or more.
        at_least: u32,
    },
    /// No instance of this group is healthy in the target group.
    NoneHealthy {
        /// The target group.
        target_group_arn: String,
        /// The group whose instances count.
        group: String,
    },
    /// All these instances of this group are in service, and none of them is registered in the target group for good.
    Unregistered {
        /// The target group.
        target_group_arn: String,
        /// The group.
        group: String,
        /// The instances.
        ids: Vec<String>,
    },
    /// At least so many instances of this group are in service.
    InService {
        /// The group.
        group: String,
        /// How many, 1 or more.
        at_least: u32,
    },
    /// The target group has no registered targets.
    NoTargets {
        /// The target group.
        target_group_arn: String,
    },
    /// What the ARN names carries our owner tags for this app.
    OwnTags {
        /// The ARN of a target group, load balancer, listener, rule or alarm.
        arn: String,
        /// The app.
        app: AppName,
    },
}

impl Action {
    /// The service and operation, as AWS names them.
    pub fn operation(&self) -> (&'static str, &'static str) {
        const ELB: &str = "elasticloadbalancing";
        const ASG: &str = "autoscaling";
        match self {
            Action::CreateTargetGroup(_) => (ELB, "CreateTargetGroup"),
            Action::ModifyTargetGroup { .. } => (ELB, "ModifyTargetGroup"),
            Action::RegisterTargets { .. } => (ELB, "RegisterTargets"),
            Action::DeregisterTargets { .. } => (ELB, "DeregisterTargets"),
            Action::SetTargetGroupAttributes { .. } => (ELB, "ModifyTargetGroupAttributes"),
            Action::SetBalancerAttributes { .. } => (ELB, "ModifyLoadBalancerAttributes"),
            Action::SetSecurityGroups { .. } => (ELB, "SetSecurityGroups"),
            Action::SetSubnets { .. } => (ELB, "SetSubnets"),
            Action::SetIpAddressType { .. } => (ELB, "SetIpAddressType"),
            Action::TagBalancing { .. } => (ELB, "AddTags"),
            Action::ModifyListener(_) => (ELB, "ModifyListener"),
            Action::SetRulePriority { .. } => (ELB, "SetRulePriorities"),
            Action::DeleteTargetGroup { .. } => (ELB, "DeleteTargetGroup"),
            Action::CreateLoadBalancer(_) => (ELB, "CreateLoadBalancer"),
            Action::DeleteLoadBalancer { .. } => (ELB, "DeleteLoadBalancer"),
            Action::CreateListener(_) => (ELB, "CreateListener"),
            Action::DeleteListener { .. } => (ELB, "DeleteListener"),
            Action::CreateRule(_) => (ELB, "CreateRule"),
            Action::ModifyRuleConditions { .. } | Action::AimPreview { .. } => (ELB, "ModifyRule"),
            Action::DeleteRule { .. } => (ELB, "DeleteRule"),
            Action::Shift { at: TrafficPoint::Listener(_), .. } => (ELB, "ModifyListener"),
            Action::Shift { at: TrafficPoint::Rule(_), .. } => (ELB, "ModifyRule"),
            Action::ChangeDns { .. } => ("route53", "ChangeResourceRecordSets"),
            Action::CreateLaunchTemplate { .. } => ("ec2", "CreateLaunchTemplate"),
            Action::DeleteLaunchTemplate { .. } => ("ec2", "DeleteLaunchTemplate"),
            Action::CreateGroup(_) => ("autoscaling", "CreateAutoScalingGroup"),
            Action::UpdateGroup { .. } => ("autoscaling", "UpdateAutoScalingGroup"),
            Action::AttachTargetGroup { .. } => ("autoscaling", "AttachLoadBalancerTargetGroups"),
            Action::DeleteGroup { .. } => ("autoscaling", "DeleteAutoScalingGroup"),
            Action::PutLifecycleHook { .. } => (ASG, "PutLifecycleHook"),
            Action::DeleteLifecycleHook { .. } => (ASG, "DeleteLifecycleHook"),
            Action::PutScalingPolicy { .. } => (ASG, "PutScalingPolicy"),
            Action::DeleteScalingPolicy { .. } => (ASG, "DeletePolicy"),
            Action::PutStepAlarm { .. } => ("cloudwatch", "PutMetricAlarm"),
            Action::DeleteStepAlarm { .. } => ("cloudwatch", "DeleteAlarms"),
            Action::PutScheduledAction { .. } => (ASG, "PutScheduledUpdateGroupAction"),
            Action::DeleteScheduledAction { .. } => (ASG, "DeleteScheduledAction"),
            Action::SuspendProcesses { .. } => (ASG, "SuspendProcesses"),
            Action::ResumeProcesses { .. } => (ASG, "ResumeProcesses"),
            Action::LiftProtection { .. } => (ASG, "SetInstanceProtection"),
            Action::TagInstances { .. } => ("ec2", "CreateTags"),
            Action::TagGroup { .. } => ("autoscaling", "CreateOrUpdateTags"),
            Action::UntagGroup { .. } => ("autoscaling", "DeleteTags"),
            Action::PutDeployedRecord { .. } | Action::PutDecision { .. } | Action::PutFailure { .. } => {
                ("ssm", "PutParameter")
            }
            Action::DeleteParameter { .. } => ("ssm", "DeleteParameter"),
        }
    }

    /// What it acts on, for people.
    pub fn resource(&self) -> &str {
        match self {
            Action::CreateTargetGroup(NewTargetGroup { name, .. })
            | Action::ModifyTargetGroup { name, .. }
            | Action::RegisterTargets { name, .. }
            | Action::DeregisterTargets { name, .. }
            | Action::SetTargetGroupAttributes { name, .. }
            | Action::SetBalancerAttributes { name, .. }
            | Action::SetSecurityGroups { name, .. }
            | Action::SetSubnets { name, .. }
            | Action::SetIpAddressType { name, .. }
            | Action::TagBalancing { name, .. }
            | Action::ChangeDns { name, .. }
            | Action::DeleteTargetGroup { name, .. }
            | Action::CreateLoadBalancer(NewLoadBalancer { name, .. })
            | Action::DeleteLoadBalancer { name, .. }
            | Action::CreateLaunchTemplate { name, .. }
            | Action::DeleteLaunchTemplate { name }
            | Action::UpdateGroup { name, .. }
            | Action::DeleteGroup { name }
            | Action::AttachTargetGroup { name, .. }
            | Action::TagGroup { name, .. }
            | Action::SuspendProcesses { name, .. }
            | Action::ResumeProcesses { name, .. }
            | Action::UntagGroup { name, .. } => name,
            Action::PutLifecycleHook { group, .. }
            | Action::DeleteLifecycleHook { group, .. }
            | Action::LiftProtection { group, .. }
            | Action::TagInstances { group, .. } => group,
            Action::PutScalingPolicy { policy, .. } => &policy.name,
            Action::DeleteScalingPolicy { policy, .. } => policy,
            Action::PutStepAlarm { alarm, .. } => &alarm.name,
            Action::DeleteStepAlarm { alarm } => alarm,
            Action::PutScheduledAction { scheduled, .. } => &scheduled.name,
            Action::DeleteScheduledAction { scheduled, .. } => scheduled,
            Action::CreateGroup(group) => &group.name,
            Action::CreateListener(listener) => &listener.load_balancer_arn,
            Action::CreateRule(rule) => &rule.listener_arn,
            Action::DeleteListener { arn }
            | Action::ModifyListener(ListenerChange { arn, .. })
            | Action::DeleteRule { arn }
            | Action::SetRulePriority { arn, .. }
            | Action::AimPreview { arn, .. }
            | Action::ModifyRuleConditions { arn, .. } => arn,
            Action::Shift { at, .. } => at.arn(),
            Action::PutDeployedRecord { parameter, .. }
            | Action::PutDecision { parameter, .. }
            | Action::PutFailure { parameter, .. }
            | Action::DeleteParameter { parameter, .. } => parameter,
        }
    }
}

impl TrafficPoint {
    /// The ARN of the listener or rule.
    pub fn arn(&self) -> &str {
        match self {
            TrafficPoint::Listener(arn) | TrafficPoint::Rule(arn) => arn,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.operation().1, self.resource())
    }
}
