//! Calls that are not made again for now: AWS refused them for good, or took them again and again without effect. Whoever
//! carries plans out remembers them; the planner leaves them out.

use super::action::{Action, Tags};

/// A call that is not made again.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenUp {
    /// The call.
    pub action: Action,
    /// Why.
    pub why: Why,
}

/// Why a call is not made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// AWS refuses it, with these words.
    Refused(String),
    /// It failed again and again, as by throttling, with these words the last time. AWS refuses nothing.
    Failing(String),
    /// AWS took it so many times, and what it was to change still shows as before.
    InVain(u32),
}

impl GivenUp {
    /// Whether this is about the same call.
    pub fn covers(&self, action: &Action) -> bool {
        is_same(&self.action, action)
    }
}

/// Whether two calls are the same, at whatever time they were planned.
pub fn is_same(one: &Action, other: &Action) -> bool {
    let keys = |tags: &Tags| tags.keys().cloned().collect::<Vec<_>>();
    match (one, other) {
        (Action::TagGroup { name, tags, .. }, Action::TagGroup { name: also, tags: others, .. }) => {
            name == also && keys(tags) == keys(others)
        }
        (Action::PutDeployedRecord { parameter, .. }, Action::PutDeployedRecord { parameter: also, .. })
        | (Action::PutDecision { parameter, .. }, Action::PutDecision { parameter: also, .. }) => parameter == also,
        (one, other) => one == other,
    }
}

/// Whether a call changes a setting of what runs, so that nothing that comes after it depends on it.
pub fn is_setting(action: &Action) -> bool {
    match action {
        Action::UpdateGroup { change, .. } => change.min.is_none() && change.desired.is_none(),
        Action::ModifyTargetGroup { .. }
        | Action::AttachTargetGroup { .. }
        | Action::ChangeDns { .. }
        | Action::SetTargetGroupAttributes { .. }
        | Action::SetBalancerAttributes { .. }
        | Action::SetSecurityGroups { .. }
        | Action::SetSubnets { .. }
        | Action::SetIpAddressType { .. }
        | Action::TagBalancing { .. }
        | Action::TagInstances { .. }
        | Action::ModifyListener(_)
        | Action::ModifyRuleConditions { .. }
        | Action::SetRulePriority { .. }
        | Action::PutLifecycleHook { .. }
        | Action::DeleteLifecycleHook { .. }
        | Action::PutScalingPolicy { .. }
        | Action::DeleteScalingPolicy { .. }
        | Action::PutStepAlarm { .. }
        | Action::DeleteStepAlarm { .. }
        | Action::PutScheduledAction { .. }
        | Action::DeleteScheduledAction { .. } => true,
        _ => false,
    }
}

/// Whether a call may be made any number of times: where the traffic goes, how many instances there must be, and notes.
pub fn may_be_repeated(action: &Action) -> bool {
    match action {
        Action::Shift { .. } | Action::AimPreview { .. } => true,
        Action::TagGroup { .. } | Action::UntagGroup { .. } => true,
        Action::UpdateGroup { change, .. } => change.min.is_some() || change.max.is_some() || change.desired.is_some(),
        Action::SuspendProcesses { .. } | Action::ResumeProcesses { .. } => true,
        _ => false,
    }
}
