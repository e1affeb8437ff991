//! Scaling activities: what a group did, and why, in AWS's words.

use std::sync::Arc;

use super::{ACTIVITIES_KEPT, Group};
use crate::model::time::Timestamp;
use crate::sim::world::World;

/// A scaling activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its id.
    pub id: String,
    /// The group.
    pub group: String,
    /// The group's ARN.
    pub group_arn: String,
    /// What is done.
    pub description: String,
    /// Why.
    pub cause: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How far it is.
    pub status: Status,
    /// AWS's words about a failure.
    pub message: Option<String>,
    /// Percent.
    pub progress: u8,
    /// Subnet and zone, as JSON.
    pub details: String,
}

/// How far an activity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The instance starts.
    PreInService,
    /// A launch hook holds the instance.
    MidLifecycleAction,
    /// Under way.
    InProgress,
    /// The targets drain.
    WaitingForConnectionDraining,
    /// Done.
    Successful,
    /// Not done.
    Failed,
    /// Given up.
    Cancelled,
}

impl Status {
    /// The name as AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Status::PreInService => "PreInService",
            Status::MidLifecycleAction => "MidLifecycleAction",
            Status::InProgress => "InProgress",
            Status::WaitingForConnectionDraining => "WaitingForELBConnectionDraining",
            Status::Successful => "Successful",
            Status::Failed => "Failed",
            Status::Cancelled => "Cancelled",
        }
    }
}

/// A time as AWS writes it into causes, in whole seconds.
pub(crate) fn to_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// An activity to begin.
pub(super) struct Begin {
    pub(super) description: String,
    pub(super) cause: String,
    pub(super) details: String,
}

impl World {
    /// Begins an activity of a group and gives its id.
    pub(super) fn begin_activity(&mut self, group: &str, begin: Begin) -> String {
        let id = self.fresh_uuid();
        let now = self.now;
        if let Some(group) = self.scaling.groups.get_mut(group) {
            let activity = Activity {
                id: id.clone(),
                group: group.name.clone(),
                group_arn: group.arn.clone(),
                description: begin.description,
                cause: begin.cause,
                started_at: now,
                ended_at: None,
                status: Status::InProgress,
                message: None,
                progress: 30,
                details: begin.details,
            };
            group.activities.push_front(Arc::new(activity));
            group.activities.truncate(ACTIVITIES_KEPT);
        }
        id
    }

    /// A number that looks like a UUID.
    pub(crate) fn fresh_uuid(&mut self) -> String {
        let (high, low) = (self.fresh_number(), self.fresh_number());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high & 0xffff_ffff,
            (high >> 32) & 0xffff,
            (high >> 48) & 0xfff,
            low & 0xfff,
            (low >> 12) & 0xffff_ffff_ffff
        )
    }
}

impl Group {
    /// Changes an activity.
    pub(super) fn update_activity(&mut self, id: &str, change: impl FnOnce(&mut Activity)) {
        if let Some(activity) = self.activities.iter_mut().find(|activity| activity.id == id) {
            change(Arc::make_mut(activity));
        }
    }

    /// Ends an activity.
    pub(super) fn end_activity(&mut self, id: &str, now: Timestamp, status: Status, message: Option<String>) {
        self.update_activity(id, |activity| {
            activity.status = status;
            activity.ended_at = Some(now);
            activity.progress = 100;
            if let Some(message) = message {
                // AWS repeats the message in the description.
                activity.description = format!("{}.  Status Reason: {message}", activity.description);
                activity.message = Some(message);
            }
        });
    }
}
