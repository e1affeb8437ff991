//! One look at a group: what has become of its instances, and what it does about that, in order.

use super::{Group, Lifecycle, Member, attachment, launch, retire, timetable};
use crate::sim::world::{World, balancing};

/// Looks at a group at `world.now`, acts, and plans the next look.
pub(super) fn look(world: &mut World, name: &str) {
    world.compute.forget_terminated(world.now);
    timetable::carry_out(world, name);
    launch::settle(world, name);
    retire::replace_unhealthy(world, name);
    meet_capacity(world, name);
    retire::proceed(world, name);
    attachment::settle(world, name);
    finish_deletion(world, name);
    plan_next_look(world, name);
}

/// Launches what is missing, or lets go what is too much.
fn meet_capacity(world: &mut World, name: &str) {
    let Some(group) = world.scaling.groups.get(name) else { return };
    if group.deleting.is_some() {
        return;
    }
    let active = group.active().count();
    let wanted = wanted(world, group);
    if active < wanted {
        launch::launch(world, name, wanted - active);
    } else if active > wanted && !group.is_suspended("Terminate") {
        retire::scale_in(world, name, active - wanted);
    } else if active == wanted
        && let Some(group) = world.scaling.groups.get_mut(name)
    {
        group.pending_cause = None;
        group.replacing = 0;
    }
}

/// The wanted number of members. One more than desired while members are in subnets that the group no longer has: Auto Scaling
/// launches before it terminates there. Where the load balancer decides over health, a successor counts once that calls it
/// healthy.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html>
fn wanted(world: &World, group: &Group) -> usize {
    let desired = group.desired as usize;
    if group.is_suspended("AZRebalance") || group.failing.is_some() {
        return desired;
    }
    let is_stray = |member: &Member| !group.subnet_ids.contains(&member.subnet_id);
    let strays = group.active().any(is_stray);
    let successor_serves = group.active().count() > desired
        && group.active().all(|member| {
            member.lifecycle == Lifecycle::InService && (is_stray(member) || is_ready(world, group, member))
        });
    desired + usize::from(strays && !successor_serves)
}

/// Whether no load balancer that decides over its health still has to call a member healthy.
fn is_ready(world: &World, group: &Group, member: &Member) -> bool {
    !group.health_check_elb || !group.registers_in().any(|arn| balancing::health::is_awaited(world, arn, &member.id))
}

/// A group that is being deleted goes when nothing is left of it.
fn finish_deletion(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.scaling.groups.get(name) else { return };
    let Some((since, _)) = group.deleting else { return };
    if group.members.is_empty() && super::DELETION.after(since) <= now {
        let activities = group.activities.clone();
        world.scaling.groups.remove(name);
        for activity in activities.into_iter().rev() {
            world.scaling.past.push_front(activity);
        }
        world.scaling.past.truncate(super::ACTIVITIES_KEPT);
    }
}

/// Plans the next look: whatever is known to end, first.
fn plan_next_look(world: &mut World, name: &str) {
    let Some(group) = world.scaling.groups.get(name) else { return };
    let members = group.members.values().flat_map(|member| {
        let starts = (member.lifecycle == Lifecycle::Pending)
            .then(|| world.compute.instances.get(&member.id).map(|instance| instance.running_at))
            .flatten();
        let grace = member.in_service_at.filter(|_| member.lifecycle == Lifecycle::InService);
        [starts, member.until, grace.map(|at| group.grace_period.after(at))]
    });
    let waits = group.members.values().flat_map(|member| member.waiting.values().copied());
    let timetable = group.scheduled.values().map(|scheduled| scheduled.next);
    let next = members
        .chain([
            group.failing.map(|failing| failing.retry_at),
            group.deleting.map(|(since, _)| super::DELETION.after(since)),
        ])
        .flatten()
        .chain(waits)
        .chain(timetable)
        .filter(|at| *at > world.now)
        .min();
    if let Some(at) = next {
        world.scaling.agenda.wake(name.to_owned(), at);
    }
}
