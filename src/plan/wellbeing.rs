//! How what serves does: whether its targets are healthy, whether it could replace an instance that it loses, and whether its
//! instances are what it was made of.
//!
//! The health of targets is read one target group a call. So it is read for an app that a person asks about, in a small
//! environment, in a deep look, and where the group itself says that it is not whole: its own view of its instances includes
//! the load balancer's, some time later.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::picture::Picture;
use super::registration;
use super::resolve::Wanted;
use super::verify;
use crate::model::observed::{Group, Health, Instance, Observed, Read, Target, Want};
use crate::model::plan::{Change, Wellbeing};

/// Up to so many apps in an environment, the health of each is read where nothing else is left to do.
pub(super) const FEW_APPS: usize = 5;

/// Tells how what serves does, into the plan.
pub(super) fn tell<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    if matches!(draft.plan.change, Change::Error | Change::Destroy) {
        return;
    }
    // Where something else answers in its place, nobody checks its targets.
    if picture.front.as_ref().is_some_and(|front| front.points.iter().any(|point| point.instead.is_some())) {
        return;
    }
    let Some(group) = picture.serving().or_else(|| picture.last_resort()).filter(|group| group.desired > 0) else {
        // The first generation may boot.
        registration::put_right(draft, wanted, picture);
        return;
    };
    let (healthy, why) = health(draft, picture, group);
    let stuck = stuck(draft, group);
    way_back(draft, picture);
    let coming = is_coming(draft, picture, group);
    draft.plan.wellbeing = Some(Wellbeing { healthy, wanted: group.desired, coming, why, stuck });
    strangers(draft, group);
    registration::put_right(draft, wanted, picture);
}

/// Whether the group has what it wants, as it sees it itself.
pub(super) fn is_whole(group: &Group) -> bool {
    group.in_service() >= group.desired && group.instances.len() as u64 == u64::from(group.desired)
}

/// How many of its instances are healthy, and why the first that is not is none. Nothing where that was not read.
fn health<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &'a Group) -> (Option<u32>, Option<String>) {
    let Some(front) = &picture.front else {
        let out = group.instances.iter().find(|instance| instance.lifecycle != "InService" || !instance.healthy);
        let why = out.map(|instance| {
            let health = if instance.healthy { "" } else { ", unhealthy" };
            format!("{} {}{health}", instance.id, instance.lifecycle)
        });
        return (Some(group.in_service()), why);
    };
    let Some(arn) = group.owner.slot.and_then(|slot| front.arn(slot)) else { return (None, None) };
    let is_blind = group.suspended.contains("HealthCheck") || !group.health_check_elb;
    let found = draft.observed.details.target_health.get(arn);
    if found.is_some() {
        draft.rests_on(&Want::TargetHealth(arn.to_owned()));
    }
    match found {
        Some(Read::Known(targets)) => counted(group, targets),
        Some(Read::Unknown(why)) => (None, Some(format!("the health of its targets could not be read: {why}"))),
        None if is_blind || !is_whole(group) || is_asked_for(draft) => {
            draft.want(Want::TargetHealth(arn.to_owned()));
            (None, None)
        }
        None => (None, None),
    }
}

/// Whether the health is to be known though the group is whole: while a release is under way, too, for nobody else would notice
/// that somebody takes what serves out of its target group. In a small environment one thing comes after the other.
fn is_asked_for(draft: &Draft<'_>) -> bool {
    let rests = draft.plan.is_settled() || draft.plan.failure.is_some();
    draft.in_flight || draft.close || draft.few && rests
}

/// Whether an instance of it is on its way to be healthy: what is new is lacking, and not sick.
fn is_coming(draft: &Draft<'_>, picture: &Picture<'_>, group: &Group) -> bool {
    let Some(front) = &picture.front else {
        return group.instances.iter().any(|instance| instance.lifecycle.starts_with("Pending"));
    };
    let arn = group.owner.slot.and_then(|slot| front.arn(slot));
    let read = arn.and_then(|arn| draft.observed.details.target_health.get(arn));
    let targets = read.and_then(Read::known).into_iter().flatten();
    let mut own = targets.filter(|target| group.instances.iter().any(|instance| instance.id == target.id));
    own.any(|target| target.health == Health::Initial)
}

fn counted(group: &Group, targets: &[Target]) -> (Option<u32>, Option<String>) {
    let own = |target: &&Target| group.instances.iter().any(|instance| instance.id == target.id);
    let (good, bad): (Vec<&Target>, Vec<&Target>) =
        targets.iter().filter(own).partition(|target| target.health == Health::Healthy);
    // An instance that is registered on two ports is one all the same.
    let healthy = good.iter().map(|target| target.id.as_str()).collect::<BTreeSet<_>>().len();
    let worst = bad.iter().max_by_key(|target| target.health == Health::Unhealthy);
    let why = worst.map(|target| {
        let said: Vec<&str> = [&target.reason, &target.description].into_iter().filter_map(Option::as_deref).collect();
        let said = if said.is_empty() { target.health.words().to_owned() } else { said.join(": ") };
        format!("{} {said}", target.id)
    });
    let none = || (healthy == 0).then(|| "none of its instances is registered in its target group".to_owned());
    (Some(healthy as u32), why.or_else(none))
}

/// A generation that serves again at once is as good as it was, but for what it would need to launch an instance.
pub(super) fn way_back(draft: &mut Draft<'_>, picture: &Picture<'_>) {
    let Some(serving) = picture.serving() else { return };
    let to = draft.plan.to;
    let back = picture.groups.iter().find(|group| Some(group.owner.generation) == to && group.name != serving.name);
    if let Some(back) = back.filter(|back| back.owner.shifted_at.is_some())
        && let Some(why) = without_an_image(draft.observed, back)
    {
        let generation = back.owner.generation;
        draft.note(format!("{generation} can serve again, but cannot replace an instance that it loses: {why}"));
    }
}

/// That the image of a group can be launched no more.
fn without_an_image(observed: &Observed, group: &Group) -> Option<String> {
    let image = observed.images.get(&group.owner.image)?.known()?;
    match image {
        None => Some(format!("its image {} is gone", group.owner.image)),
        Some(image) if !matches!(image.state.as_str(), "available" | "") => {
            Some(format!("its image {} is {}", image.id, image.state))
        }
        Some(_) => None,
    }
}

/// Why the group could not replace an instance that it loses, as far as that shows.
fn stuck<'a>(draft: &mut Draft<'a>, group: &'a Group) -> Option<String> {
    if let Some(why) = without_an_image(draft.observed, group) {
        return Some(why);
    }
    if let Read::Known(templates) = &draft.observed.launch_templates
        && !templates.contains_key(&group.name)
    {
        return Some(format!("its launch template {} is gone", group.name));
    }
    if is_whole(group) {
        return None;
    }
    draft.rests_on(&Want::Activities(group.name.clone()));
    match draft.observed.details.activities.get(&group.name) {
        Some(Read::Known(activities)) => verify::last_launch_failed(activities, group),
        Some(Read::Unknown(_)) => None,
        None => {
            draft.want(Want::Activities(group.name.clone()));
            None
        }
    }
}

/// Instances that were born from another launch template, by an instance refresh or while somebody had changed the group's:
/// they serve something else than the release. Only a person knows whether they may go.
fn strangers(draft: &mut Draft<'_>, group: &Group) {
    let strange: Vec<&Instance> = group.instances.iter().filter(|instance| !group.is_own(instance)).collect();
    let Some((first, (name, version))) = strange.iter().find_map(|one| Some((one, one.launch_template.as_ref()?)))
    else {
        return;
    };
    let (count, generation) = (strange.len(), group.owner.generation);
    let (instances, were) = if count == 1 { ("instance", "was") } else { ("instances", "were") };
    let why = format!(
        "{count} {instances} of {generation} {were} launched from {name} version {version} and not from its own launch \
         template, such as {id}; `aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {id} \
         --no-should-decrement-desired-capacity` lets the group replace it, one after the other",
        id = first.id
    );
    if draft.plan.change == Change::Unchanged && draft.plan.actions.is_empty() {
        draft.block(why);
    } else {
        draft.note(why);
    }
}
