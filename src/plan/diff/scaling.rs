//! What a group does by itself: its hooks, scaling policies and scheduled actions, each by its name, and what is suspended.
//!
//! AWS tells most of it group by group only. It is read when the manifest has changed since it was last applied, and on
//! request ([`Desired::deep`](crate::model::desired::Desired::deep)).

use std::collections::BTreeSet;
use std::fmt::Display;

use super::Changes;
use crate::model::action::Action;
use crate::model::alarm::{GroupAlarm, StepAlarm};
use crate::model::observed::{Group, Want};
use crate::model::scaling::{GroupPolicy, Hook, ScalingPolicy, ScheduledAction};
use crate::model::tags;
use crate::plan::draft::Draft;
use crate::plan::release::Release;
use crate::plan::resolve::scaling::Counter;
use crate::plan::{retire, trial};

const TRACKING: &str = "scaling.targetTracking";
const STEP: &str = "scaling.step";

/// Whether all that had to be read was read, so that the settings can be said to be applied.
pub(super) fn scaling<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &'a Group,
    changes: &mut Changes<'_, '_>,
) -> bool {
    processes(draft, release, group, changes);
    // While a new template waits to be launched, the group that serves is left as it is.
    if release.target.is_none() || (changes.drifted && !draft.deep) {
        return true;
    }
    let hooks = if changes.fits { hooks(draft, release, group, changes) } else { Some(()) };
    let policies = policies(draft, release, group, changes);
    let schedules = schedules(draft, release, group, changes);
    hooks.and(policies).and(schedules).is_some()
}

fn hooks<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &'a Group,
    changes: &mut Changes<'_, '_>,
) -> Option<()> {
    let found = draft.observed.details.hooks.get(&group.name);
    let found = draft.see(found, Want::Hooks(group.name.clone()), "its lifecycle hooks")?;
    let wanted = release.wanted.hooks();
    let ours = |hook: &&Hook| Hook::is_ours(&hook.name);
    let name = |hook: &Hook| hook.name.clone();
    for difference in compare(&wanted, found.iter().filter(ours), name) {
        if !changes.item("launch.lifecycleHooks", difference.has, difference.wants) {
            continue;
        }
        let group = group.name.clone();
        let why = "its hooks differ from the manifest";
        let Some(hook) = difference.put else {
            draft.act(Action::DeleteLifecycleHook { group, hook: difference.name }, why, Vec::new());
            continue;
        };
        // AWS keeps the role of a hook that is put again without one.
        if hook.role_arn.is_none() && found.iter().any(|has| has.name == hook.name && has.role_arn.is_some()) {
            let action = Action::DeleteLifecycleHook { group: group.clone(), hook: hook.name.clone() };
            draft.act(action, "the role of a hook can only be removed together with the hook", Vec::new());
        }
        draft.act(Action::PutLifecycleHook { group, hook: hook.clone() }, why, Vec::new());
    }
    others(draft, group, "hook", found.iter().filter(|hook| !ours(hook)).map(|hook| hook.name.as_str()));
    Some(())
}

fn policies<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &'a Group,
    changes: &mut Changes<'_, '_>,
) -> Option<()> {
    let found = draft.observed.details.policies.get(&group.name);
    let found = draft.see(found, Want::Policies(group.name.clone()), "its scaling policies")?;
    let counter = counter(release, group);
    let wanted = release.wanted.policies(&group.name, counter.as_ref());
    let ours = |policy: &&ScalingPolicy| ScalingPolicy::is_ours(&group.name, &policy.name);
    let found_policies = || found.iter().map(|found| &found.policy);
    // An alarm never outlives its policy, so that whoever sees the policy finds the alarm.
    let stepping = wanted.iter().chain(found_policies().filter(ours)).any(ScalingPolicy::is_stepping);
    let alarms = if stepping { Some(alarms(draft, release, group, found, changes)?) } else { None };
    let name = |policy: &ScalingPolicy| policy.name.clone();
    for difference in compare(&wanted, found_policies().filter(ours), name) {
        let is_to_change = match given(group, &difference.name) {
            Some(given) => changes.item(STEP, difference.has_of(given), difference.wants_of(given)),
            None => changes.item(TRACKING, difference.has, difference.wants),
        };
        if !is_to_change {
            continue;
        }
        let group = group.name.clone();
        let action = match difference.put {
            Some(policy) => Action::PutScalingPolicy { group, policy: policy.clone() },
            None => Action::DeleteScalingPolicy { group, policy: difference.name },
        };
        draft.act(action, "its scaling policies differ from the manifest", Vec::new());
    }
    others(draft, group, "scaling policy", found_policies().filter(|policy| !ours(policy)).map(|it| it.name.as_str()));
    let Some(alarms) = alarms else { return Some(()) };
    for alarm in alarms.put {
        let tags = tags::encode_app(draft.scope, &alarm.name, &release.wanted.app.labels);
        draft.act(Action::PutStepAlarm { alarm, tags }, "its alarms differ from the manifest", Vec::new());
    }
    alarms.all.then_some(())
}

/// What the manifest calls the step scaling whose policy and alarm have this name.
fn given<'n>(group: &Group, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(&StepAlarm::prefix(&group.name))
}

/// What is to be done about the alarms of a group, after its policies.
struct Alarms {
    put: Vec<StepAlarm>,
    /// Whether none of them waits for its policy, whose ARN AWS has yet to give, or for a person.
    all: bool,
}

/// What goes goes first, before its policy.
fn alarms<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &'a Group,
    policies: &[GroupPolicy],
    changes: &mut Changes<'_, '_>,
) -> Option<Alarms> {
    let found = draft.observed.details.step_alarms.get(&group.name);
    let found = draft.see(found, Want::StepAlarms(group.name.clone()), "the alarms that scale it")?;
    let arns = policies.iter().map(|found| (found.policy.name.as_str(), found.arn.as_str())).collect();
    let counter = counter(release, group);
    let wanted = release.wanted.alarms(&group.name, counter.as_ref(), &arns);
    let expected = release.wanted.policies(&group.name, None).iter().filter(|one| one.is_stepping()).count();
    let mut alarms = Alarms { put: Vec::new(), all: wanted.len() == expected };
    let is_ours = |alarm: &&GroupAlarm| tags::belongs_to(&alarm.tags, draft.scope);
    let (ours, theirs): (Vec<&GroupAlarm>, Vec<&GroupAlarm>) = found.iter().partition(is_ours);
    let name = |alarm: &StepAlarm| alarm.name.clone();
    // An alarm whose policy is put anew keeps what it is until it is known what it has to call.
    let awaited = |name: &str| wanted.len() != expected && !arns.contains_key(name);
    let settled = ours.iter().filter(|found| !awaited(&found.alarm.name));
    for difference in compare(&wanted, settled.map(|found| &found.alarm), name) {
        if let Some(taken) = theirs.iter().find(|found| found.alarm.name == difference.name) {
            alarms.all = false;
            let what = format!("alarm {}, which is not Amiable's, to be deleted or renamed", taken.alarm.name);
            draft.wait(what, None);
            continue;
        }
        let given = given(group, &difference.name).unwrap_or_default();
        if !changes.item(STEP, difference.has_of(given), difference.wants_of(given)) {
            continue;
        }
        match difference.put {
            Some(alarm) => alarms.put.push(alarm.clone()),
            None => {
                let gone = ours.iter().find(|found| found.alarm.name == difference.name);
                gone.into_iter().for_each(|found| retire::delete_alarm(draft, found, "the manifest has no such step"));
            }
        }
    }
    Some(alarms)
}

fn schedules<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    group: &'a Group,
    changes: &mut Changes<'_, '_>,
) -> Option<()> {
    let found = draft.observed.details.schedules.get(&group.name);
    let found = draft.see(found, Want::Schedules(group.name.clone()), "its scheduled actions")?;
    let wanted = release.wanted.schedules(&group.name);
    let ours = |action: &&ScheduledAction| ScheduledAction::is_ours(&group.name, &action.name);
    let name = |action: &ScheduledAction| action.name.clone();
    for difference in compare(&wanted, found.iter().filter(ours), name) {
        if !changes.item("scaling.scheduled", difference.has, difference.wants) {
            continue;
        }
        let group = group.name.clone();
        let action = match difference.put {
            Some(scheduled) => Action::PutScheduledAction { group, scheduled: scheduled.clone() },
            None => Action::DeleteScheduledAction { group, scheduled: difference.name },
        };
        draft.act(action, "its scheduled actions differ from the manifest", Vec::new());
    }
    others(draft, group, "scheduled action", found.iter().filter(|action| !ours(action)).map(|it| it.name.as_str()));
    Some(())
}

/// One thing that differs: what there is, what there should be, and what to put, if it is not to go.
struct Difference<'w, T> {
    name: String,
    has: Option<String>,
    wants: Option<String>,
    put: Option<&'w T>,
}

impl<T> Difference<'_, T> {
    /// What there is, said of one of several of that kind.
    fn has_of(&self, given: &str) -> Option<String> {
        self.has.as_ref().map(|has| format!("{given}: {has}"))
    }

    /// What there should be, said of one of several of that kind.
    fn wants_of(&self, given: &str) -> Option<String> {
        self.wants.as_ref().map(|wants| format!("{given}: {wants}"))
    }
}

fn compare<'w, 'f, T: PartialEq + Display + 'f>(
    wanted: &'w [T],
    found: impl Iterator<Item = &'f T>,
    name: fn(&T) -> String,
) -> Vec<Difference<'w, T>> {
    let found: Vec<&T> = found.collect();
    let mut differences = Vec::new();
    // What goes goes first: AWS takes no two scheduled actions of one time.
    for has in found.iter().filter(|has| wanted.iter().all(|one| name(one) != name(has))) {
        differences.push(Difference { name: name(has), has: Some(has.to_string()), wants: None, put: None });
    }
    for one in wanted {
        let has = found.iter().find(|has| name(has) == name(one));
        if has.is_none_or(|has| **has != *one) {
            differences.push(Difference {
                name: name(one),
                has: has.map(ToString::to_string),
                wants: Some(one.to_string()),
                put: Some(one),
            });
        }
    }
    differences
}

/// What others put on our group is left alone, and shown.
fn others<'n>(draft: &mut Draft<'_>, group: &Group, kind: &str, names: impl Iterator<Item = &'n str>) {
    for name in names {
        draft.note(format!("{kind} {name} of group {} is not Amiable's; it is left alone", group.name));
    }
}

/// What counts the requests of a group, where it stands behind a load balancer.
fn counter<'a>(release: &Release<'a, '_>, group: &Group) -> Option<Counter<'a>> {
    let front = release.picture.front.as_ref()?;
    let (_, balancer) = front.balancer?.arn.split_once(":loadbalancer/")?;
    let target_group = front.target_groups.get(&group.owner.slot?)?.arn.rsplit(':').next()?;
    Some(Counter { balancer, target_group })
}

/// What is suspended and should not be, and the other way round.
fn processes(draft: &mut Draft<'_>, release: &Release<'_, '_>, group: &Group, changes: &mut Changes<'_, '_>) {
    let wanted: BTreeSet<String> =
        release.wanted.spec.instances.suspended_processes.iter().map(|one| one.as_str().to_owned()).collect();
    let shown = |processes: &BTreeSet<String>| match processes.is_empty() {
        true => "none".to_owned(),
        false => processes.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    // What a trial of a health check has suspended here, that trial resumes.
    let spared = |process: &&String| trial::is_beside(group) && *process == trial::HEALTH_CHECK;
    let suspended: BTreeSet<String> =
        group.suspended.iter().filter(|it| !spared(it) || wanted.contains(*it)).cloned().collect();
    let differ = changes.differs("instances.suspendedProcesses", shown(&suspended), shown(&wanted));
    if !differ || release.target.is_none() {
        return;
    }
    let name = || group.name.clone();
    let resume: Vec<String> = suspended.difference(&wanted).cloned().collect();
    if !resume.is_empty() {
        let action = Action::ResumeProcesses { name: name(), processes: resume };
        draft.act(action, "a process is suspended that the manifest does not suspend", Vec::new());
    }
    let suspend: Vec<String> = wanted.difference(&suspended).cloned().collect();
    if !suspend.is_empty() {
        let action = Action::SuspendProcesses { name: name(), processes: suspend };
        draft.act(action, "the manifest suspends it", Vec::new());
    }
}
