//! How a group gets instances: which zone, what EC2 says to it, and how an instance goes into service.

use std::collections::BTreeMap;

use super::activity::{Begin, Status, to_second};
use super::retire::{self, Reason};
use super::{Failing, Group, LaunchFailure, Lifecycle, Member, Mixed, TemplateRef};
use crate::model::time::{Span, Timestamp};
use crate::sim::world::compute::{Instance, MISSING_PROFILE, State};
use crate::sim::world::images::Image;
use crate::sim::world::network::Subnet;
use crate::sim::world::templates::{Template, TemplateData};
use crate::sim::world::{World, balancing};

/// How long a group waits after its first failed launch; twice as long after each further one, up to a quarter of an hour.
const FIRST_RETRY: Span = Span::seconds(30);
const LONGEST_RETRY: Span = Span::minutes(15);

/// After failing for so long AWS suspends the group's launches.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
const GIVE_UP: Span = Span::hours(24);

/// Moves on the members that are starting.
pub(super) fn settle(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let hooks: BTreeMap<String, Timestamp> = group
        .hooks
        .iter()
        .filter(|(_, hook)| hook.launching)
        .map(|(name, hook)| (name.clone(), hook.timeout.after(now)))
        .collect();
    let starting: Vec<Member> = group
        .members
        .values()
        .filter(|member| matches!(member.lifecycle, Lifecycle::Pending | Lifecycle::PendingWait))
        .cloned()
        .collect();
    for member in starting {
        let id = &member.id;
        let runs = world.compute.instances.get(id).is_some_and(|instance| instance.state(now) == State::Running);
        match member.lifecycle {
            Lifecycle::Pending if runs && world.scaling.capacity.ends_on_launch.is_some() => {
                retire::begin(world, name, id, Reason::EndedOnLaunch);
            }
            Lifecycle::Pending if runs && !hooks.is_empty() => hold(world, name, id, &hooks),
            Lifecycle::Pending if runs => enter_service(world, name, id),
            Lifecycle::PendingWait => answer(world, name, &member),
            _ => {}
        }
    }
}

/// Launch hooks hold a member.
fn hold(world: &mut World, name: &str, id: &str, hooks: &BTreeMap<String, Timestamp>) {
    let Some(group) = world.scaling.groups.get_mut(name) else { return };
    let Some(member) = group.members.get_mut(id) else { return };
    member.lifecycle = Lifecycle::PendingWait;
    member.waiting.clone_from(hooks);
    member.until = hooks.values().min().copied();
    let activity = member.activity.clone();
    group.update_activity(&activity, |activity| activity.status = Status::MidLifecycleAction);
}

/// What becomes of a member that hooks hold: abandoned by one that nobody answered, or in service when none is left.
fn answer(world: &mut World, name: &str, member: &Member) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get_mut(name) else { return };
    let over: Vec<&String> = member.waiting.iter().filter(|(_, until)| **until <= now).map(|(hook, _)| hook).collect();
    if over.iter().any(|hook| group.hooks.get(*hook).is_some_and(|hook| !hook.continue_by_default)) {
        return retire::begin(world, name, &member.id, Reason::HookUnanswered);
    }
    if let Some(member) = group.members.get_mut(&member.id) {
        over.into_iter().for_each(|hook| member.release(hook));
        if !member.waiting.is_empty() {
            return;
        }
    }
    enter_service(world, name, &member.id);
}

/// A member goes into service, and into the target groups unless that is suspended: then it never will.
fn enter_service(world: &mut World, name: &str, id: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get_mut(name) else { return };
    let Some(member) = group.members.get_mut(id) else { return };
    member.lifecycle = Lifecycle::InService;
    member.in_service_at = Some(now);
    member.until = None;
    let activity = std::mem::take(&mut member.activity);
    group.end_activity(&activity, now, Status::Successful, None);
    if group.is_suspended("AddToLoadBalancer") {
        return;
    }
    let target_groups: Vec<String> = group.registers_in().map(str::to_owned).collect();
    for target_group in target_groups {
        balancing::health::register(world, &target_group, id, None);
    }
}

/// Launches `count` instances, or as many as EC2 lets it.
pub(super) fn launch(world: &mut World, name: &str, count: usize) {
    let now = world.now;
    for _ in 0..count {
        let Some(group) = world.scaling.groups.get(name) else { return };
        if group.is_suspended("Launch") || group.failing.is_some_and(|failing| failing.retry_at > now) {
            return;
        }
        let group = group.clone();
        match place(world, &group) {
            Ok(placed) => {
                for refusal in placed.passed_over.iter() {
                    tell_failure(world, &group, refusal);
                }
                start(world, &group, placed);
            }
            Err(refusals) => return fail(world, &group, &refusals),
        }
    }
}

/// What a launch takes, once EC2 has nothing against it.
struct Placed {
    template: TemplateRef,
    data: TemplateData,
    image: Image,
    subnet: Subnet,
    spot: bool,
    /// Zones that were tried before, and do not know the type.
    passed_over: Vec<Refusal>,
}

/// Why there is no launch, and where it was tried.
struct Refusal {
    words: String,
    subnet: Option<Subnet>,
}

/// Chooses a subnet: the zone with the fewest members first, another zone when that has no capacity.
fn place(world: &World, group: &Group) -> Result<Placed, Vec<Refusal>> {
    let nowhere = |words: String| Refusal { words, subnet: None };
    let (template, data) = resolve(world, &group.template).map_err(|words| vec![nowhere(words)])?;
    let spot = group.mixed.as_ref().is_some_and(|mixed| mixed.next_is_spot(group));
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for member in group.active() {
        *members.entry(member.zone.as_str()).or_default() += 1;
    }
    let mut subnets: Vec<Option<&Subnet>> = group.subnet_ids.iter().map(|id| world.network.subnets.get(id)).collect();
    subnets.sort_by_key(|subnet| subnet.map_or(0, |it| members.get(it.zone.as_str()).copied().unwrap_or(0)));
    let mut refusal = nowhere("The group has no subnets.".to_owned());
    let mut passed_over = Vec::new();
    for subnet in subnets {
        let Some(subnet) = subnet else {
            refusal = nowhere(format!("The subnet ID '{}' does not exist", group.subnet_ids.join(",")));
            continue;
        };
        match first_available(world, group, &data, subnet) {
            Ok((data, image)) => {
                let template = TemplateRef {
                    id: template.id.clone(),
                    name: template.name.clone(),
                    version: number(template, &group.template.version),
                };
                return Ok(Placed { template, data, image, subnet: subnet.clone(), spot, passed_over });
            }
            Err(words) if world.scaling.capacity.unsupported_zones.contains(&subnet.zone) => {
                passed_over.push(Refusal { words, subnet: Some(subnet.clone()) });
            }
            Err(words) => refusal = Refusal { words, subnet: Some(subnet.clone()) },
        }
    }
    if passed_over.len() < group.subnet_ids.len() {
        passed_over.push(refusal);
    }
    Err(passed_over)
}

/// The first of a group's types that this zone has.
fn first_available(
    world: &World,
    group: &Group,
    data: &TemplateData,
    subnet: &Subnet,
) -> Result<(TemplateData, Image), String> {
    let mut refusal = None;
    for data in variants(group.mixed.as_ref(), data) {
        match check(world, &data, subnet) {
            Ok(image) => return Ok((data, image)),
            Err(words) => refusal = refusal.or(Some(words)),
        }
    }
    Err(refusal.unwrap_or_default())
}

/// What a template holds for each of the types that a group may launch.
pub(crate) fn variants(mixed: Option<&Mixed>, data: &TemplateData) -> Vec<TemplateData> {
    match mixed.filter(|mixed| !mixed.instance_types.is_empty()) {
        None => vec![data.clone()],
        Some(mixed) => {
            let with = |kind: &String| TemplateData { instance_type: Some(kind.clone()), ..data.clone() };
            mixed.instance_types.iter().map(with).collect()
        }
    }
}

/// The template that a group names, and the data of the version.
pub(crate) fn resolve<'a>(world: &'a World, named: &TemplateRef) -> Result<(&'a Template, TemplateData), String> {
    let template =
        world.templates.all.get(&named.id).ok_or_else(|| {
            format!("The specified launch template, with template name {}, does not exist.", named.name)
        })?;
    let data = template.version(&named.version).cloned().ok_or_else(|| {
        format!("Could not find the specified version {} for the launch template with ID {}.", named.version, named.id)
    })?;
    Ok((template, data))
}

/// The number of the version that a group's template stands at.
fn number(template: &Template, version: &str) -> String {
    match version {
        "$Default" => template.default_version.to_string(),
        "$Latest" => template.versions.len().to_string(),
        number => number.to_owned(),
    }
}

/// What EC2 has against launching this here, now: first what the template says, then capacity.
fn check(world: &World, data: &TemplateData, subnet: &Subnet) -> Result<Image, String> {
    let image = check_template(world, data, subnet)?;
    let instance_type = data.instance_type.as_deref().unwrap_or_default();
    let capacity = &world.scaling.capacity;
    let failure = if let Some(failure) = &capacity.failure {
        Some(failure)
    } else if capacity.instance_limit.is_some_and(|limit| world.compute.alive(world.now) >= limit) {
        Some(&LaunchFailure::VcpuLimitExceeded)
    } else if capacity.unsupported_zones.contains(&subnet.zone) {
        Some(&LaunchFailure::ZoneUnsupported)
    } else if capacity.exhausted_zones.contains(&subnet.zone) || capacity.exhausted_types.contains(instance_type) {
        Some(&LaunchFailure::InsufficientInstanceCapacity)
    } else {
        None
    };
    match failure {
        Some(failure) => Err(failure.words(instance_type, &subnet.zone)),
        None => Ok(image),
    }
}

/// What is wrong with a template, in EC2's words; also asked when a group is created or given another template.
pub(crate) fn check_template(world: &World, data: &TemplateData, subnet: &Subnet) -> Result<Image, String> {
    let image_id = data.image_id.as_deref().ok_or("The request must contain the parameter ImageId")?;
    let missing = || format!("The image id '[{image_id}]' does not exist");
    let image = world.images.all.get(image_id).ok_or_else(missing)?;
    if image.owner != world.account && !image.public {
        return Err(format!("Not authorized for images: [{image_id}]"));
    }
    match image.state.as_str() {
        "available" => {}
        "deregistered" => return Err(missing()),
        state => return Err(format!("The image id '[{image_id}]' is not available: its state is {state}")),
    }
    let Some(instance_type) = &data.instance_type else {
        return Err("The request must contain the parameter InstanceType".to_owned());
    };
    let architecture = architecture_of(instance_type);
    if architecture != image.architecture {
        return Err(format!(
            "The architecture '{architecture}' of the specified instance type does not match the architecture '{}' of the \
             specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.",
            image.architecture
        ));
    }
    if let Some(profile) = data.iam_instance_profile.as_deref().filter(|name| name.starts_with(MISSING_PROFILE)) {
        return Err(format!(
            "Value ({profile}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        ));
    }
    for id in &data.security_group_ids {
        if world.network.security_groups.get(id).is_none_or(|group| group.vpc_id != subnet.vpc_id) {
            return Err(format!("The security group '{id}' does not exist in VPC '{}'", subnet.vpc_id));
        }
    }
    Ok(image.clone())
}

/// The architecture of an instance type: AWS's own processors show as a `g` after the generation's number, as in `c7gn`.
fn architecture_of(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').next().unwrap_or_default();
    let options =
        family.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_start_matches(|c: char| c.is_ascii_digit());
    if family == "a1" || options.contains('g') { "arm64" } else { "x86_64" }
}

/// Starts an instance as a pending member.
fn start(world: &mut World, group: &Group, placed: Placed) {
    let Placed { template, data, image, subnet, spot, .. } = placed;
    let now = world.now;
    let id = world.fresh_id("i");
    let mut instance = Instance::launch(id.clone(), &image, &data, &subnet, now);
    instance.group = Some(group.name.clone());
    instance.spot = spot;
    let tags = group.tags.iter().filter(|(_, tag)| tag.propagate);
    instance.tags.extend(tags.map(|(key, tag)| (key.clone(), tag.value.clone())));
    for (key, value) in [
        ("aws:autoscaling:groupName", &group.name),
        ("aws:ec2launchtemplate:id", &template.id),
        ("aws:ec2launchtemplate:version", &template.version),
    ] {
        instance.tags.insert(key.to_owned(), value.clone());
    }
    let activity = world.begin_activity(
        &group.name,
        Begin {
            description: format!("Launching a new EC2 instance: {id}"),
            cause: cause(group, now),
            details: details(&subnet),
        },
    );
    let member = Member {
        id: id.clone(),
        instance_type: instance.instance_type.clone(),
        spot,
        zone: subnet.zone.clone(),
        subnet_id: subnet.id.clone(),
        lifecycle: Lifecycle::Pending,
        healthy: true,
        unhealthy_because: None,
        protected: group.protect_new,
        template,
        launched_at: now,
        in_service_at: None,
        activity: activity.clone(),
        until: None,
        waiting: BTreeMap::new(),
    };
    world.compute.add(instance, &subnet.cidr);
    if let Some(group) = world.scaling.groups.get_mut(&group.name) {
        group.members.insert(id, member);
        group.replacing = group.replacing.saturating_sub(1);
        group.failing = None;
        group.update_activity(&activity, |activity| activity.status = Status::PreInService);
    }
}

/// Records a failed launch.
fn tell_failure(world: &mut World, group: &Group, refusal: &Refusal) {
    let now = world.now;
    let details = refusal.subnet.as_ref().map(details).unwrap_or_else(|| "{}".to_owned());
    let begin = Begin { description: "Launching a new EC2 instance".to_owned(), cause: cause(group, now), details };
    let activity = world.begin_activity(&group.name, begin);
    let Some(group) = world.scaling.groups.get_mut(&group.name) else { return };
    let words = refusal.words.trim_end_matches('.');
    group.end_activity(&activity, now, Status::Failed, Some(format!("{words}. Launching EC2 instance failed.")));
}

/// Records failed launches, and waits before the next: longer each time, and for good after a day.
fn fail(world: &mut World, group: &Group, refusals: &[Refusal]) {
    let now = world.now;
    for refusal in refusals {
        tell_failure(world, group, refusal);
    }
    let Some(group) = world.scaling.groups.get_mut(&group.name) else { return };
    let mut failing = group.failing.unwrap_or(Failing { since: now, times: 0, retry_at: now });
    let wait = FIRST_RETRY.as_seconds().saturating_mul(1 << failing.times.min(10));
    failing.retry_at = Span::seconds(wait.min(LONGEST_RETRY.as_seconds())).after(now);
    failing.times += 1;
    group.failing = Some(failing);
    if GIVE_UP.after(failing.since) <= now {
        let why = "AWS suspended this process, because launches have failed for more than 24 hours";
        group.suspended.insert("Launch".to_owned(), why.to_owned());
    }
}

fn details(subnet: &Subnet) -> String {
    serde_json::json!({"Subnet ID": subnet.id, "Availability Zone": subnet.zone}).to_string()
}

/// Why an instance is launched, as AWS puts it.
fn cause(group: &Group, now: Timestamp) -> String {
    let now = to_second(now);
    if group.replacing > 0 {
        return format!(
            "At {now} an instance was launched in response to an unhealthy instance needing to be replaced."
        );
    }
    let active = group.active().count();
    let before = group.pending_cause.as_ref().map(|cause| format!("{cause}  ")).unwrap_or_default();
    format!(
        "{before}At {now} an instance was started in response to a difference between desired and actual capacity, \
         increasing the capacity from {active} to {}.",
        active + 1
    )
}
