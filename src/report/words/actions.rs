//! Calls as people say them.

use std::collections::BTreeMap;

use super::counted;
use crate::model::action::{Action, GroupChange, Tags};
use crate::model::balancing::{NewListener, NewRule};
use crate::model::observed::Forward;
use crate::model::time::Span;

/// The name in an ARN of the load balancing service, or the text itself.
pub fn name_in(arn: &str) -> &str {
    let Some(resource) = arn.splitn(6, ':').nth(5) else { return arn };
    let mut parts = resource.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("targetgroup"), Some(name), _) => name,
        (Some("loadbalancer" | "listener" | "listener-rule"), Some(_), Some(name)) => name,
        _ => arn,
    }
}

fn pairs(attributes: &BTreeMap<String, String>) -> String {
    let pairs = attributes.iter().map(|(key, value)| format!("{key} = {value}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// A call as people say it: `create group hello-world-prod-v042 with 6 instances`.
pub fn action(action: &Action) -> String {
    match action {
        Action::CreateTargetGroup(group) => format!("create target group {}", group.name),
        Action::ModifyTargetGroup { name, .. } => format!("change the health check of {name}"),
        Action::RegisterTargets { name, ids, .. } => {
            format!("register {} in {name}", counted(ids.len(), "instance"))
        }
        Action::DeregisterTargets { name, .. } => format!("take the instances of a trial out of {name}"),
        Action::SetTargetGroupAttributes { name, attributes, .. }
        | Action::SetBalancerAttributes { name, attributes, .. } => {
            format!("set {} of {name}", pairs(attributes))
        }
        Action::SetSecurityGroups { name, security_group_ids, .. } => {
            format!("give {name} the security groups {}", security_group_ids.join(", "))
        }
        Action::SetSubnets { name, subnet_ids, .. } => format!("give {name} the subnets {}", subnet_ids.join(", ")),
        Action::SetIpAddressType { name, ip_address_type, .. } => format!("make {name} {ip_address_type}"),
        Action::TagBalancing { name, tags, .. } => format!("tag the load balancing of {name}: {}", keys(tags)),
        Action::DeleteTargetGroup { name, .. } => format!("delete target group {name}"),
        Action::CreateLoadBalancer(new) => format!("create {} load balancer {}", new.scheme, new.name),
        Action::DeleteLoadBalancer { name, .. } => format!("delete load balancer {name}"),
        Action::CreateListener(NewListener { load_balancer_arn, port, protocol, .. }) => {
            format!("create listener {protocol} {port} on {}", name_in(load_balancer_arn))
        }
        Action::ModifyListener(change) => format!("change a listener of {}", name_in(&change.arn)),
        Action::DeleteListener { arn } => format!("delete the listener of {}", name_in(arn)),
        Action::CreateRule(NewRule { listener_arn, priority, .. }) => {
            format!("create rule {priority} on the listener of {}", name_in(listener_arn))
        }
        Action::ModifyRuleConditions { arn, .. } => format!("change the conditions of a rule of {}", name_in(arn)),
        Action::AimPreview { forward, .. } => format!("lead preview requests: {}", weights(forward)),
        Action::SetRulePriority { arn, priority } => format!("move the rule of {} to {priority}", name_in(arn)),
        Action::DeleteRule { arn } => format!("delete a rule of {}", name_in(arn)),
        Action::Shift { forward, .. } => format!("shift traffic: {}", weights(forward)),
        Action::ChangeDns { name, upsert, .. } if upsert.is_empty() => format!("delete DNS name {name}"),
        Action::ChangeDns { name, .. } => format!("point {name} to the load balancer"),
        Action::CreateLaunchTemplate { name, .. } => format!("create launch template {name}"),
        Action::DeleteLaunchTemplate { name } => format!("delete launch template {name}"),
        Action::CreateGroup(group) => format!("create group {} with {} instances", group.name, group.desired),
        Action::UpdateGroup { name, change } => format!("{} {name}", group_change(change)),
        Action::AttachTargetGroup { name, target_group_arn } => {
            format!("attach {} to group {name}", name_in(target_group_arn))
        }
        Action::DeleteGroup { name } => format!("delete group {name}"),
        Action::TagGroup { name, tags, .. } => format!("tag group {name}: {}", keys(tags)),
        Action::PutLifecycleHook { group, hook } => format!("set hook {} of group {group}: {hook}", hook.name),
        Action::DeleteLifecycleHook { group, hook } => format!("delete hook {hook} of group {group}"),
        Action::PutScalingPolicy { policy, .. } => format!("set scaling policy {}: {policy}", policy.name),
        Action::DeleteScalingPolicy { policy, .. } => format!("delete scaling policy {policy}"),
        Action::PutStepAlarm { alarm, .. } => format!("set alarm {}: {alarm}", alarm.name),
        Action::DeleteStepAlarm { alarm } => format!("delete alarm {alarm}"),
        Action::PutScheduledAction { scheduled, .. } => {
            format!("set scheduled action {}: {scheduled}", scheduled.name)
        }
        Action::DeleteScheduledAction { scheduled, .. } => format!("delete scheduled action {scheduled}"),
        Action::LiftProtection { group, ids } => {
            format!("lift the scale-in protection of {} of group {group}", counted(ids.len(), "instance"))
        }
        Action::SuspendProcesses { name, processes } => format!("suspend {} of group {name}", processes.join(", ")),
        Action::ResumeProcesses { name, processes } => format!("resume {} of group {name}", processes.join(", ")),
        Action::TagInstances { group, ids, .. } => format!("label {} of group {group}", counted(ids.len(), "instance")),
        Action::UntagGroup { name, keys, .. } => format!("remove tags of group {name}: {}", keys.join(", ")),
        Action::PutDeployedRecord { parameter, record } => format!("record {} in {parameter}", record.generation),
        Action::PutDecision { parameter, decision } => {
            format!("note {} {} in {parameter}", decision.what.as_str(), decision.generation)
        }
        Action::PutFailure { parameter, record } => {
            format!("note why {} failed in {parameter}", record.generation)
        }
        Action::DeleteParameter { parameter, .. } => format!("delete {parameter}"),
    }
}

fn weights(forward: &Forward) -> String {
    let parts: Vec<String> = forward.weights.iter().map(|(arn, weight)| format!("{} {weight}", name_in(arn))).collect();
    parts.join(", ")
}

fn keys(tags: &Tags) -> String {
    let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
    keys.join(", ")
}

fn or_none(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn group_change(change: &GroupChange) -> String {
    if change.desired == Some(0) && change.min == Some(0) {
        return "scale in group".to_owned();
    }
    let number = |name: &str, value: Option<u32>| value.map(|value| format!("{name} {value}"));
    let parts: Vec<String> = [
        number("min", change.min),
        number("max", change.max),
        number("desired", change.desired),
        change.grace_period.map(|seconds| format!("grace period {seconds}s")),
        change.subnet_ids.as_ref().map(|subnets| format!("subnets {}", subnets.join(" "))),
        change.health_check_elb.map(|elb| format!("health checks by {}", if elb { "ELB" } else { "EC2" })),
        change.maintenance.map(|policy| format!("maintenance policy {}", or_none(policy))),
        change.instance_warmup.map(|seconds| format!("warm-up {}", or_none(seconds.map(Span::seconds)))),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("set {} of group", parts.join(", "))
}
