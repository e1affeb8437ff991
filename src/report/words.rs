//! The phrases that all forms share, so that a step is called the same in a plan, in the live view and in a pull request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::action::{Action, GroupChange, Tags};
use crate::model::balancing::{NewListener, NewRule};
use crate::model::names::Generation;
use crate::model::observed::{Forward, Want};
use crate::model::plan::{AppPlan, Change, Impact, Step, StepKind, StepState, Summary, Wait};
use crate::model::time::{Span, Timestamp};

use super::paint::Paint;

/// The mark in front of an app: `+`, `+/-`, `~`, `-`, `!`, `?`, or nothing.
pub fn marker(change: Change) -> &'static str {
    match change {
        Change::Create => "+",
        Change::Replace => "+/-",
        Change::Update | Change::Drift => "~",
        Change::Destroy => "-",
        Change::Blocked | Change::Error => "!",
        Change::Orphaned => "?",
        Change::Unchanged => "",
    }
}

/// The kind of a change in a word or two.
pub fn change(change: Change) -> &'static str {
    match change {
        Change::Create => "new app",
        Change::Replace => "red-black",
        Change::Update => "in place",
        Change::Drift => "drifted",
        Change::Unchanged => "unchanged",
        Change::Blocked => "blocked",
        Change::Error => "error",
        Change::Orphaned => "orphaned",
        Change::Destroy => "destroy",
    }
}

/// What happens to an app in a word or two: of a release, by which strategy.
pub fn kind(plan: &AppPlan) -> &'static str {
    let any = |test: fn(&StepKind) -> bool| plan.steps.iter().any(|step| test(&step.kind));
    match plan.change {
        _ if is_going_back(&plan.steps) => "rollback",
        Change::Replace if any(|kind| matches!(kind, StepKind::Shift { weight } if *weight < 100)) => "canary",
        Change::Replace if any(|kind| *kind == StepKind::TakeOver) => "worker",
        change => self::change(change),
    }
}

/// `v041 → v042`, `v042`, or nothing.
pub fn generations(from: Option<Generation>, to: Option<Generation>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from != to => format!("{from} → {to}"),
        (_, Some(one)) | (Some(one), None) => one.to_string(),
        (None, None) => String::new(),
    }
}

/// `1 app`, `15 apps`.
pub fn apps(count: usize) -> String {
    counted(count, "app")
}

/// A number of things: `1 error`, `2 errors`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A step with its detail: `healthy 3/6`, `bake 5m (2m left)`.
pub fn step(step: &Step) -> String {
    let kind = step.kind.to_string();
    let Some(detail) = step.detail.as_deref().filter(|detail| !detail.is_empty()).map(plain) else { return kind };
    // A detail that begins with the step's own word says the same more exactly.
    let first = |text: &str| text.split(' ').next().map(str::to_owned);
    if first(&detail) == first(&kind) { detail } else { format!("{kind} ({detail})") }
}

/// The steps that people see, each a phrase: what is done has a tick, what is at work stands in brackets.
///
/// Before anything is done there are no marks: the path is still only a plan.
pub fn path(steps: &[Step], paint: Paint) -> Vec<String> {
    let begun = has_begun(steps);
    let phrases = steps.iter().filter(|step| is_shown(step)).map(|one| {
        let phrase = step(one);
        match one.state {
            StepState::Done => paint.green(&format!("{phrase} ✓")),
            StepState::Current if begun => paint.cyan(&format!("[{phrase}]")),
            StepState::Current | StepState::Pending => phrase,
        }
    });
    phrases.collect()
}

/// What is there already is nobody's news; writing the record takes a moment, and tells nobody anything unless it hangs.
fn is_shown(step: &Step) -> bool {
    match step.kind {
        StepKind::Prepare => step.state != StepState::Done,
        StepKind::Record => step.state == StepState::Current,
        _ => true,
    }
}

/// Whether anything of a path is done, beyond finding that what it stands on is there.
fn has_begun(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.state == StepState::Done && step.kind != StepKind::Prepare)
}

/// The step at work, if one is.
pub fn current(steps: &[Step]) -> Option<&Step> {
    steps.iter().find(|step| step.state == StepState::Current)
}

/// Whether a release of this app has begun, or is being taken back, and is not over yet.
pub fn is_rolling_out(plan: &AppPlan) -> bool {
    let release = |kind: &StepKind| !matches!(kind, StepKind::Keep { .. } | StepKind::Retire { .. });
    matches!(plan.change, Change::Create | Change::Replace)
        && (has_begun(&plan.steps) || is_going_back(&plan.steps))
        && plan.steps.iter().any(|step| step.state != StepState::Done && release(&step.kind))
}

/// Whether traffic goes back to an earlier generation.
pub fn is_going_back(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step.kind, StepKind::ShiftBack { .. }))
}

/// What a plan means while it lasts: `peak 12 instances; about 9 minutes; v041 serves until the shift`.
pub fn impact(plan: &AppPlan) -> Option<String> {
    let Impact { peak_instances, extra_instance_seconds, duration } = plan.impact;
    let mut parts = Vec::new();
    if peak_instances > 0 {
        parts.push(format!("peak {peak_instances} {}", if peak_instances == 1 { "instance" } else { "instances" }));
    }
    if let Some(duration) = duration.filter(|duration| !duration.is_zero()) {
        parts.push(format!("about {}", rough(duration)));
    }
    if let Some(seconds) = extra_instance_seconds.filter(|seconds| *seconds > 0) {
        parts.push(format!("{} on top", instance_hours(seconds)));
    }
    let moves = |step: &Step| matches!(step.kind, StepKind::Shift { .. } | StepKind::TakeOver);
    let pending = plan.steps.iter().find(|step| moves(step) && step.state != StepState::Done);
    if let (Some(from), Some(step)) = (plan.from, pending) {
        let until = if step.kind == StepKind::TakeOver { "the other takes over" } else { "the shift" };
        parts.push(format!("{from} serves until {until}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Instances times time: `7 instance-hours`, `0.4 instance-hours`.
pub fn instance_hours(seconds: u64) -> String {
    let tenths = (seconds + 180) / 360;
    match tenths {
        0..100 => format!("{}.{} instance-hours", tenths / 10, tenths % 10),
        _ => format!("{} instance-hours", (seconds + 1800) / 3600),
    }
}

/// A length of time as people say it: `45 seconds`, `9 minutes`, `2 hours`.
pub fn rough(span: Span) -> String {
    let seconds = span.as_seconds();
    let (number, unit) = match seconds {
        0..90 => (seconds, "second"),
        90..5400 => ((seconds + 30) / 60, "minute"),
        5400..172_800 => ((seconds + 1800) / 3600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// An age in its largest unit: `45s`, `9m`, `2h`, `12d`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = Span::between(since, now).as_seconds();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A point in time in UTC: the time of day alone on the day of `now`, with seconds where they matter.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    const SOON_SECONDS: i64 = 600;
    if (at.as_second() - now.as_second()).abs() < SOON_SECONDS {
        return at.strftime("%H:%M:%S UTC").to_string();
    }
    let day = "%Y-%m-%d";
    let format =
        if at.strftime(day).to_string() == now.strftime(day).to_string() { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.strftime(format).to_string()
}

/// A line for a wait: `waits for v042 healthy 3/6, until 12:20 UTC`.
pub fn wait_line(one: &Wait, now: Timestamp) -> String {
    format!("{} {}", if one.cleanup { "left:" } else { "waits for" }, wait(one, now))
}

/// What is waited for, and until when: `v042 healthy 3/6, until 12:20 UTC`.
pub fn wait(wait: &Wait, now: Timestamp) -> String {
    match wait.until {
        Some(until) => format!("{}, until {}", plain(&wait.what), moment(until, now)),
        None => plain(&wait.what),
    }
}

/// What has to be read before more can be said.
pub fn want(want: &Want) -> String {
    match want {
        Want::TargetHealth(arn) => format!("target health of {}", name_in(arn)),
        Want::Activities(group) => format!("scaling activities of {group}"),
        Want::TargetGroupAttributes(arn) => format!("attributes of {}", name_in(arn)),
        Want::BalancerAttributes(arn) => format!("attributes of {}", name_in(arn)),
        Want::Tags(arn) => format!("tags of {}", name_in(arn)),
        Want::ListenersOf(arn) => format!("listeners of {}", name_in(arn)),
        Want::RulesOf(arn) => format!("rules of {}", name_in(arn)),
        Want::TemplateData(name) => format!("launch template {name}"),
        Want::Hooks(group) => format!("lifecycle hooks of {group}"),
        Want::Policies(group) => format!("scaling policies of {group}"),
        Want::StepAlarms(group) => format!("alarms that scale {group}"),
        Want::Schedules(group) => format!("scheduled actions of {group}"),
        Want::Deployed(app) => format!("deployed state of {app}"),
        Want::Alarm(name) => format!("alarm {}", plain(name)),
        Want::Traffic(window) => format!("requests and errors of {}", name_in(&window.target_group_arn)),
        Want::Probe(probe) => format!("answer of {}{}", plain(&probe.host), plain(&probe.path)),
        Want::Decisions(app) => format!("decisions about {app}"),
    }
}

/// The numbers of a plan: `1 to add, 1 to change, 1 to replace, 0 to destroy; 1 drifted, 1 blocked`.
pub fn summary(summary: &Summary) -> String {
    let Summary { create, update, replace, delete, drift, blocked, error, orphaned, unchanged: _ } = *summary;
    let mut text = format!("{create} to add, {update} to change, {replace} to replace, {delete} to destroy");
    let besides: Vec<String> =
        [(drift, "drifted"), (blocked, "blocked"), (error, "cannot be planned"), (orphaned, "orphaned")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
    if !besides.is_empty() {
        let _ = write!(text, "; {}", besides.join(", "));
    }
    text
}

/// Whether nothing at all is to be done about what the manifests ask for.
pub fn is_quiet(summary: &Summary) -> bool {
    let Summary { create, update, replace, delete, drift, blocked, error, orphaned: _, unchanged: _ } = *summary;
    create + update + replace + delete + drift + blocked + error == 0
}

/// A value of a field, or a dash where there is none or none that can be told.
pub fn value(value: &Option<String>) -> String {
    value.as_deref().map(plain).unwrap_or_else(|| "–".to_owned())
}

/// What others wrote, on one line and without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

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
        Action::SuspendProcesses { name, processes } => format!("suspend {} of group {name}", processes.join(", ")),
        Action::ResumeProcesses { name, processes } => format!("resume {} of group {name}", processes.join(", ")),
        Action::TagInstances { group, ids, .. } => format!("label {} of group {group}", counted(ids.len(), "instance")),
        Action::UntagGroup { name, keys, .. } => format!("remove tags of group {name}: {}", keys.join(", ")),
        Action::PutDeployedRecord { parameter, record } => format!("record {} in {parameter}", record.generation),
        Action::PutDecision { parameter, decision } => {
            format!("note {} {} in {parameter}", decision.what.as_str(), decision.generation)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_in_one_unit() {
        let said: Vec<String> =
            [1, 45, 90, 540, 5399, 5400, 86_400, 259_200].map(|seconds| rough(Span::seconds(seconds))).into();
        assert_eq!(
            said,
            ["1 second", "45 seconds", "2 minutes", "9 minutes", "90 minutes", "2 hours", "24 hours", "3 days"]
        );
    }

    #[test]
    fn what_others_wrote_gives_the_terminal_no_orders() {
        assert_eq!(plain("red\u{1b}[31m\nblack"), "red [31m black");
    }

    #[test]
    fn a_moment_on_another_day_has_its_date() {
        let now: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-02T12:20:31Z".parse().unwrap(), now), "12:20 UTC");
        assert_eq!(moment("2026-11-02T12:02:31Z".parse().unwrap(), now), "12:02:31 UTC");
        assert_eq!(moment("2026-11-03T00:00:00Z".parse().unwrap(), now), "2026-11-03 00:00 UTC");
    }

    #[test]
    fn the_name_is_found_in_an_arn_and_other_text_stays() {
        let base = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
        assert_eq!(name_in(&format!("{base}:targetgroup/hello-world-prod-a/6d0e")), "hello-world-prod-a");
        assert_eq!(name_in(&format!("{base}:loadbalancer/app/hello-world-prod/50dc")), "hello-world-prod");
        assert_eq!(name_in(&format!("{base}:listener-rule/app/shared/50dc/f2f7/9683")), "shared");
        assert_eq!(name_in("hello-world"), "hello-world");
        assert_eq!(name_in("arn:aws:x"), "arn:aws:x");
    }
}
