//! What the load balancer, or for a worker its group, says of the instances of exactly one group.

use crate::model::observed::{Group, Health, Target, Want};
use crate::plan::draft::Draft;
use crate::plan::picture::Picture;

/// What the load balancer, or for a worker its group, says of the instances of exactly one group.
pub(super) struct Healthy {
    pub(super) good: u32,
    /// The first target that fails its checks, in AWS's words.
    pub(super) sick: Option<String>,
    /// The first target that is registered where nothing forwards to.
    pub(super) unused: Option<String>,
}

impl Healthy {
    pub(super) fn of<'a>(draft: &mut Draft<'a>, picture: &Picture<'a>, group: &Group) -> Option<Self> {
        let Some(front) = &picture.front else {
            return Some(Self { good: group.in_service(), sick: None, unused: None });
        };
        let arn = group.owner.slot.and_then(|slot| front.arn(slot))?;
        let want = Want::TargetHealth(arn.to_owned());
        let targets = draft.see(draft.observed.details.target_health.get(arn), want, "the health of its targets")?;
        let own = |target: &&Target| group.instances.iter().any(|instance| instance.id == target.id);
        let first = |health: Health| targets.iter().filter(own).find(|target| target.health == health).map(words);
        Some(Self {
            good: targets.iter().filter(own).filter(|target| target.health == Health::Healthy).count() as u32,
            sick: first(Health::Unhealthy),
            unused: first(Health::Unused),
        })
    }
}

fn words(target: &Target) -> String {
    let said = [target.reason.as_deref(), target.description.as_deref()];
    let said: Vec<_> = said.into_iter().flatten().collect();
    if said.is_empty() { target.id.clone() } else { format!("{} {}", target.id, said.join(": ")) }
}
