//! Auto Scaling groups and their activities.
//!
//! - [`activity`]: what a group did, and why, in AWS's words
//! - [`capacity`]: what EC2 refuses to launch
//! - [`reconcile`]: one look at a group, as an ordered story
//! - [`launch`]: how a group gets instances
//! - [`retire`]: how a group lets instances go
//! - [`step`]: scaling policies that alarms call
//! - [`timetable`]: scaling policies that are kept, and scheduled actions
//! - [`attachment`]: a group and its target groups

pub mod activity;
pub mod attachment;
pub mod capacity;
pub mod launch;
pub mod reconcile;
pub mod retire;
pub mod step;
pub mod timetable;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::World;
use super::agenda::Agenda;
use super::shelf::Shelf;
use crate::model::time::{Span, Timestamp};
use activity::Activity;
pub use attachment::{Attachment, AttachmentState};
pub use capacity::{Capacity, LaunchFailure};

/// From a change of a group until it acts on it.
pub const REACTION: Span = Span::seconds(2);

/// From a change of a target's or an instance's health until its group takes notice.
pub const HEALTH_NOTICE: Span = Span::seconds(5);

/// From `Delete in progress` with nothing left until the group is gone.
pub const DELETION: Span = Span::seconds(5);

/// How many activities of a group are kept.
const ACTIVITIES_KEPT: usize = 200;

/// Auto Scaling groups and their activities.
#[derive(Clone, Debug, Default)]
pub struct Scaling {
    /// Groups by name.
    pub groups: Shelf<Group>,
    /// What EC2 has to give. Changed by hand, as a fault.
    pub capacity: Capacity,
    /// How many groups the account may have; 0 stands for AWS's default of 500.
    pub group_limit: usize,
    /// Activities of groups that are gone, newest first.
    pub past: VecDeque<Arc<Activity>>,
    agenda: Agenda<String>,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The launch template.
    pub template: TemplateRef,
    /// A mixed instances policy around the template.
    pub mixed: Option<Mixed>,
    /// The fewest instances.
    pub min: u32,
    /// The most instances.
    pub max: u32,
    /// The wanted number of instances.
    pub desired: u32,
    /// Subnets, in the order given.
    pub subnet_ids: Vec<String>,
    /// Whether load balancer health counts (`ELB`), or only EC2's.
    pub health_check_elb: bool,
    /// How long a fresh instance's health does not count.
    pub grace_period: Span,
    /// Seconds between two scalings by simple policies, of which there are none here.
    pub default_cooldown: u64,
    /// In which order instances leave.
    pub termination_policies: Vec<String>,
    /// Whether fresh instances are protected from scale-in.
    pub protect_new: bool,
    /// 0, or the longest life of an instance in seconds; kept and shown.
    pub max_instance_lifetime: u64,
    /// Seconds until a fresh instance counts in metrics; kept and shown.
    pub default_instance_warmup: Option<u64>,
    /// `none`, `prevent-force-deletion` or `prevent-all-deletion`.
    pub deletion_protection: String,
    /// Lifecycle hooks by name.
    pub hooks: BTreeMap<String, Hook>,
    /// Scaling policies by name.
    pub policies: BTreeMap<String, timetable::Policy>,
    /// Scheduled actions by name.
    pub scheduled: BTreeMap<String, timetable::Scheduled>,
    /// Percent of the wanted number that stays in service, and that there may be, during maintenance; kept and shown.
    pub maintenance: Option<(u32, u32)>,
    /// Its warm pool, if it has one.
    pub warm_pool: Option<WarmPool>,
    /// Tags by key.
    pub tags: BTreeMap<String, Tag>,
    /// Suspended processes with the reason.
    pub suspended: BTreeMap<String, String>,
    /// Target groups, in the order they were attached.
    pub target_groups: Vec<Attachment>,
    /// Its instances by id.
    pub members: BTreeMap<String, Member>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it is being deleted, and whether by force.
    pub deleting: Option<(Timestamp, bool)>,
    /// What it did, newest first.
    pub activities: VecDeque<Arc<Activity>>,
    /// What changed the desired capacity last, for the cause of the activities that follow.
    pub(crate) pending_cause: Option<String>,
    /// Members that left because of their health and whose successors are not launched yet.
    pub(crate) replacing: u32,
    /// Launches that failed in a row, since when, and when the next try is.
    pub(crate) failing: Option<Failing>,
}

/// A group's launches fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    pub(crate) since: Timestamp,
    pub(crate) times: u32,
    pub(crate) retry_at: Timestamp,
}

/// A launch template and its version, as the caller named them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A number, `$Default` or `$Latest`.
    pub version: String,
}

/// A mixed instances policy: the types that take the place of the template's, and how they are paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// The types, the most wanted first; none for the template's.
    pub instance_types: Vec<String>,
    /// How On-Demand types are chosen.
    pub on_demand_allocation: String,
    /// How many members are On-Demand first.
    pub on_demand_base: u32,
    /// Percent of those above it that are, too.
    pub on_demand_percentage: u32,
    /// How Spot pools are chosen; kept and shown.
    pub spot_allocation: String,
    /// The most to pay for Spot; kept and shown.
    pub max_price: Option<String>,
}

impl Mixed {
    /// Whether the next member of a group is Spot.
    fn next_is_spot(&self, group: &Group) -> bool {
        let total = group.active().count() as u32 + 1;
        let above = total.saturating_sub(self.on_demand_base) * self.on_demand_percentage;
        // What AWS rounds, it rounds up to On-Demand.
        let wanted = self.on_demand_base.min(total) + above.div_ceil(100);
        group.active().filter(|member| !member.spot).count() as u32 >= wanted
    }
}

/// A tag of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The value.
    pub value: String,
    /// Whether instances get it at launch.
    pub propagate: bool,
}

/// Instances that a group keeps ready beside those in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmPool {
    /// The fewest instances in it.
    pub min_size: u32,
    /// The most instances of pool and group together; the group's max when it is not given.
    pub max_prepared: Option<i32>,
    /// `Stopped`, `Running` or `Hibernated`.
    pub state: String,
}

/// A lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Whether it holds up launches, or else terminations.
    pub launching: bool,
    /// How long instances wait.
    pub timeout: Span,
    /// Whether an instance goes on when nobody answered, or else is abandoned.
    pub continue_by_default: bool,
    /// The role that sends notifications; kept and shown.
    pub role_arn: Option<String>,
    /// Where they are sent; kept and shown.
    pub notification_target_arn: Option<String>,
}

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its instance type.
    pub instance_type: String,
    /// Whether it is Spot capacity.
    pub spot: bool,
    /// Its availability zone.
    pub zone: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Where it is in its life.
    pub lifecycle: Lifecycle,
    /// The group's view of its health.
    pub healthy: bool,
    /// Why it is not healthy.
    pub(crate) unhealthy_because: Option<retire::Reason>,
    /// Whether it is protected from scale-in.
    pub protected: bool,
    /// The launch template's version that it came from, as a number.
    pub template: TemplateRef,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// When it went into service: the grace period's clock.
    pub in_service_at: Option<Timestamp>,
    /// The activity that is under way for it.
    pub(crate) activity: String,
    /// When its present wait ends: the hook's, or the termination's.
    pub(crate) until: Option<Timestamp>,
    /// The hooks that hold it, and how long each does without an answer.
    pub(crate) waiting: BTreeMap<String, Timestamp>,
}

impl Member {
    /// One hook does not hold it any more; the next look sees whether any does.
    pub(crate) fn release(&mut self, hook: &str) {
        self.waiting.remove(hook);
        self.until = self.waiting.values().min().copied().or(self.until);
    }
}

/// Where a member is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Starting.
    Pending,
    /// Held by a launch hook.
    PendingWait,
    /// In service.
    InService,
    /// Put aside by somebody.
    Standby,
    /// Leaving: its targets drain.
    Terminating,
    /// Held by a termination hook.
    TerminatingWait,
    /// Leaving: EC2 shuts it down.
    TerminatingProceed,
}

impl Lifecycle {
    /// The name as AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Lifecycle::Pending => "Pending",
            Lifecycle::PendingWait => "Pending:Wait",
            Lifecycle::InService => "InService",
            Lifecycle::Standby => "Standby",
            Lifecycle::Terminating => "Terminating",
            Lifecycle::TerminatingWait => "Terminating:Wait",
            Lifecycle::TerminatingProceed => "Terminating:Proceed",
        }
    }

    /// Whether it is on its way out.
    pub fn is_leaving(self) -> bool {
        matches!(self, Lifecycle::Terminating | Lifecycle::TerminatingWait | Lifecycle::TerminatingProceed)
    }

    /// Whether it counts toward the group's capacity.
    pub fn is_active(self) -> bool {
        matches!(self, Lifecycle::Pending | Lifecycle::PendingWait | Lifecycle::InService)
    }
}

impl Group {
    /// Whether a process is suspended.
    pub fn is_suspended(&self, process: &str) -> bool {
        self.suspended.contains_key(process)
    }

    /// Members that count toward the capacity.
    pub fn active(&self) -> impl Iterator<Item = &Member> {
        self.members.values().filter(|member| member.lifecycle.is_active())
    }

    /// The target groups that fresh instances register in.
    pub fn registers_in(&self) -> impl Iterator<Item = &str> {
        self.target_groups.iter().filter(|it| it.state != AttachmentState::Removing).map(|it| it.arn.as_str())
    }
}

impl World {
    /// Has a group looked at soon, because something about it changed.
    pub fn wake_group(&mut self, name: &str, after: Span) {
        let at = after.after(self.now);
        self.scaling.agenda.wake(name.to_owned(), at);
    }
}

/// What has happened by `world.now`.
pub fn tick(world: &mut World) {
    while let Some(name) = world.scaling.agenda.take_due(world.now) {
        reconcile::look(world, &name);
    }
}

/// When the next thing happens by itself.
pub fn next_event(world: &World) -> Option<Timestamp> {
    world.scaling.agenda.next(world.now)
}

/// An instance was terminated, or its health changed: its group will notice.
pub(super) fn instance_changed(world: &mut World, id: &str) {
    if let Some(group) = world.compute.instances.get(id).and_then(|instance| instance.group.clone()) {
        world.wake_group(&group, HEALTH_NOTICE);
    }
}
