//! What the load balancer, or for a worker its group, says of the instances of exactly one group.

use crate::model::observed::{Group, Health, Instance, Target, Want};
use crate::plan::draft::Draft;
use crate::plan::picture::Picture;

/// What the load balancer, or for a worker its group, says of the instances of exactly one group.
pub(in crate::plan) struct Healthy {
    pub(in crate::plan) good: u32,
    /// The targets that fail their checks, by instance, in AWS's words.
    pub(in crate::plan) sick: Vec<(String, String)>,
    /// The first target that is registered where nothing forwards to.
    pub(in crate::plan) unused: Option<String>,
}

impl Healthy {
    pub(in crate::plan) fn of<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<Self> {
        let Some(front) = &picture.front else {
            return Some(Self { good: group.in_service(), sick: Vec::new(), unused: None });
        };
        let arn = group.owner.slot.and_then(|slot| front.arn(slot))?;
        let want = Want::TargetHealth(arn.to_owned());
        let targets = draft.see(draft.observed.details.target_health.get(arn), want, "the health of its targets")?;
        // What was born from another launch template is not what is to be judged.
        let own = |target: &&Target| {
            group.instances.iter().any(|instance| instance.id == target.id && group.is_own(instance))
        };
        // One that leaves is told of by the group: why, and once.
        let leaves = |target: &&Target| {
            let leaving = |instance: &&Instance| instance.lifecycle.starts_with("Terminating");
            group.instances.iter().filter(leaving).any(|instance| instance.id == target.id)
        };
        let with = |health: Health| targets.iter().filter(own).filter(move |target| target.health == health);
        Some(Self {
            good: with(Health::Healthy).count() as u32,
            sick: with(Health::Unhealthy)
                .filter(|target| !leaves(target))
                .map(|target| (target.id.clone(), words(target)))
                .collect(),
            unused: with(Health::Unused).next().map(words),
        })
    }
}

fn words(target: &Target) -> String {
    let said = [target.reason.as_deref(), target.description.as_deref()];
    let said: Vec<_> = said.into_iter().flatten().collect();
    if said.is_empty() { target.id.clone() } else { format!("{} {}", target.id, said.join(": ")) }
}
