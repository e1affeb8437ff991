//! Which facts a call of ours changes. What was read before the call says nothing about them any more.

use crate::model::action::Action;
use crate::model::observed::{Fact, Want};

/// Whether a call may have changed a fact.
pub fn is_touched(fact: &Fact, action: &Action) -> bool {
    let (service, _) = action.operation();
    let names = names(action);
    let is_named = |name: &String| names.contains(&name.as_str());
    match fact {
        Fact::Identity | Fact::Image(_) => false,
        Fact::Groups => service == "autoscaling",
        Fact::LaunchTemplates => is_template(action),
        Fact::TargetGroups | Fact::LoadBalancers => is_of_balancing(action),
        Fact::Zone => matches!(action, Action::ChangeDns { .. }),
        // Images come from what is deployed elsewhere, too.
        Fact::ImageSources => service == "ssm",
        Fact::Listener(arn) => is_named(arn),
        Fact::Rule(arn) => is_named(arn),
        Fact::Detail(want) => match want {
            Want::TargetHealth(name)
            | Want::Activities(name)
            | Want::TargetGroupAttributes(name)
            | Want::BalancerAttributes(name)
            | Want::Tags(name)
            | Want::TemplateData(name)
            | Want::Named(name)
            | Want::Hooks(name)
            | Want::Schedules(name) => is_named(name),
            Want::ListenersOf(_) | Want::RulesOf(_) => is_of_listeners(action),
            // Not every call that changes a policy or its alarm names the group.
            Want::Policies(_) | Want::StepAlarms(_) => is_of_policies(action),
            Want::Deployed(app) | Want::Decisions(app) | Want::Failures(app) => {
                service == "ssm" && action.resource().split('/').any(|part| part == app.as_str())
            }
            Want::Alarm(_) | Want::Traffic(_) | Want::Probe(_) | Want::Kinship(_) | Want::Console(_) => false,
        },
    }
}

fn is_template(action: &Action) -> bool {
    matches!(action, Action::CreateLaunchTemplate { .. } | Action::DeleteLaunchTemplate { .. })
}

/// Whether a call changes what the lists of target groups and load balancers tell: a target group is told with the load
/// balancers that lead to it.
fn is_of_balancing(action: &Action) -> bool {
    let is_elsewhere = matches!(
        action,
        Action::TagBalancing { .. }
            | Action::RegisterTargets { .. }
            | Action::DeregisterTargets { .. }
            | Action::SetTargetGroupAttributes { .. }
            | Action::SetBalancerAttributes { .. }
    );
    action.operation().0 == "elasticloadbalancing" && !is_elsewhere
}

fn is_of_listeners(action: &Action) -> bool {
    matches!(
        action,
        Action::CreateListener(_)
            | Action::ModifyListener(_)
            | Action::DeleteListener { .. }
            | Action::CreateRule(_)
            | Action::ModifyRuleConditions { .. }
            | Action::AimPreview { .. }
            | Action::SetRulePriority { .. }
            | Action::DeleteRule { .. }
            | Action::Shift { .. }
            | Action::DeleteLoadBalancer { .. }
    )
}

fn is_of_policies(action: &Action) -> bool {
    matches!(
        action,
        Action::PutScalingPolicy { .. }
            | Action::DeleteScalingPolicy { .. }
            | Action::PutStepAlarm { .. }
            | Action::DeleteStepAlarm { .. }
            | Action::DeleteGroup { .. }
    )
}

/// The ARNs and names of what a call is about.
fn names(action: &Action) -> Vec<&str> {
    match action {
        Action::ModifyTargetGroup { arn, .. }
        | Action::RegisterTargets { arn, .. }
        | Action::DeregisterTargets { arn, .. }
        | Action::SetTargetGroupAttributes { arn, .. }
        | Action::DeleteTargetGroup { arn, .. }
        | Action::SetSecurityGroups { arn, .. }
        | Action::SetSubnets { arn, .. }
        | Action::SetIpAddressType { arn, .. }
        | Action::SetBalancerAttributes { arn, .. }
        | Action::DeleteLoadBalancer { arn, .. } => vec![arn],
        Action::TagBalancing { arns, .. } => arns.iter().map(String::as_str).collect(),
        Action::CreateListener(listener) => vec![&listener.load_balancer_arn],
        Action::Shift { forward, .. } | Action::AimPreview { forward, .. } => {
            forward.weights.keys().map(String::as_str).chain([action.resource()]).collect()
        }
        Action::CreateGroup(group) => {
            group.target_group_arns.iter().map(String::as_str).chain([group.name.as_str()]).collect()
        }
        Action::AttachTargetGroup { name, target_group_arn } => vec![name, target_group_arn],
        Action::PutScheduledAction { group, .. } | Action::DeleteScheduledAction { group, .. } => vec![group],
        // Tags show in what lists the group, and nowhere else.
        Action::TagGroup { .. } | Action::UntagGroup { .. } | Action::TagInstances { .. } => Vec::new(),
        // These name what they are about as people call it.
        _ => vec![action.resource()],
    }
}
