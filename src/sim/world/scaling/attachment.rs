//! A group and its target groups: attached, in service, removed.

use super::Lifecycle;
use crate::sim::world::{World, balancing};

/// A target group that a group's instances register in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The target group.
    pub arn: String,
    /// How far attaching is.
    pub state: AttachmentState,
}

/// How far attaching a target group is. `InService` means that *one* instance passed, and a target group named at the
/// creation of its group is in service at once: this state says nothing about the health of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentState {
    /// Instances are being registered.
    Adding,
    /// All instances are registered.
    Added,
    /// At least one instance passed a health check.
    InService,
    /// Instances are being deregistered.
    Removing,
}

impl AttachmentState {
    /// The name as AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            AttachmentState::Adding => "Adding",
            AttachmentState::Added => "Added",
            AttachmentState::InService => "InService",
            AttachmentState::Removing => "Removing",
        }
    }
}

impl World {
    /// Attaches a target group to a group that is there; its instances register at once unless that is suspended.
    pub(crate) fn attach(&mut self, name: &str, arn: &str) {
        let Some(group) = self.scaling.groups.get_mut(name) else { return };
        match group.target_groups.iter_mut().find(|it| it.arn == arn) {
            Some(attached) if attached.state != AttachmentState::Removing => return,
            Some(attached) => attached.state = AttachmentState::Adding,
            None => {
                group.target_groups.push(Attachment { arn: arn.to_owned(), state: AttachmentState::Adding });
            }
        }
        if !group.is_suspended("AddToLoadBalancer") {
            for id in in_service(self, name) {
                balancing::health::register(self, arn, &id, None);
            }
        }
        self.wake_group(name, super::REACTION);
    }

    /// Detaches a target group; the instances drain from it and go on running.
    pub(crate) fn detach(&mut self, name: &str, arn: &str) {
        let Some(group) = self.scaling.groups.get_mut(name) else { return };
        let Some(attached) = group.target_groups.iter_mut().find(|it| it.arn == arn) else { return };
        attached.state = AttachmentState::Removing;
        for id in in_service(self, name) {
            balancing::health::deregister(self, arn, &id, None);
        }
        self.wake_group(name, super::REACTION);
    }
}

fn in_service(world: &World, name: &str) -> Vec<String> {
    let members = world.scaling.groups.get(name).into_iter().flat_map(|group| group.members.values());
    members.filter(|member| member.lifecycle == Lifecycle::InService).map(|member| member.id.clone()).collect()
}

/// Moves on the states of a group's target groups.
pub(super) fn settle(world: &mut World, name: &str) {
    let ids = in_service(world, name);
    let Some(group) = world.scaling.groups.get(name) else { return };
    let settled: Vec<Attachment> = group
        .target_groups
        .iter()
        .filter_map(|it| {
            let held = ids.iter().filter(|id| balancing::health::holds(world, &it.arn, id)).count();
            let state = match it.state {
                AttachmentState::Adding if held == ids.len() => AttachmentState::Added,
                AttachmentState::Added if ids.iter().any(|id| balancing::health::is_healthy(world, &it.arn, id)) => {
                    AttachmentState::InService
                }
                AttachmentState::Removing if held == 0 => return None,
                state => state,
            };
            Some(Attachment { arn: it.arn.clone(), state })
        })
        .collect();
    if settled != group.target_groups
        && let Some(group) = world.scaling.groups.get_mut(name)
    {
        group.target_groups = settled;
        world.wake_group(name, super::REACTION);
    }
}
