//! The facts that a destructive action depends on, read afresh right before it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::act;
use super::codec;
use super::connect::Aws;
use super::error::AwsError;
use super::observe::{alarms, details, groups};
use crate::model::action::{Expect, TrafficPoint};
use crate::model::names::{AppName, EnvironmentName, Scope};
use crate::model::observed::{Group, Health, Instance, Target};
use crate::model::tags;

/// Why an action must not be performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recheck {
    /// A fact does not hold any more: the app is to be planned anew.
    Stale(String),
    /// A fact could not be read, which is as good as not holding.
    Failed(AwsError),
}

impl From<AwsError> for Recheck {
    /// What is gone is stale; anything else was not read.
    fn from(error: AwsError) -> Self {
        if error.is_missing() { Recheck::Stale(error.to_string()) } else { Recheck::Failed(error) }
    }
}

/// Whether all these facts hold now in an environment. A thing that does not exist holds no fact, not even that it is empty. Only where its
/// absence is the fact itself is a fresh read by its name taken at its word.
///
/// # Errors
/// The first fact that does not hold or cannot be read.
pub async fn recheck(aws: &Aws, environment: &EnvironmentName, expects: &[Expect]) -> Result<(), Recheck> {
    let mut fresh = Fresh { aws, environment, groups: BTreeMap::new() };
    for expect in expects {
        fresh.check(expect).await?;
    }
    Ok(())
}

/// What was read for this one action; each group once.
struct Fresh<'a> {
    aws: &'a Aws,
    environment: &'a EnvironmentName,
    groups: BTreeMap<String, Group>,
}

impl Fresh<'_> {
    async fn check(&mut self, expect: &Expect) -> Result<(), Recheck> {
        match expect {
            Expect::OwnGroup { group, template_hash } => {
                let found = self.group(group).await?.owner.template_hash.to_string();
                holds(found == *template_hash, || format!("{group} has template hash {found}, not {template_hash}"))
            }
            Expect::Wanted { group } => {
                let owner = &self.group(group).await?.owner;
                let why = match (&owner.failed, owner.unwanted_since) {
                    (Some(failure), _) => Some(format!("{group} was turned down meanwhile: {}", failure.reason)),
                    (None, Some(_)) => Some(format!("{group} is not wanted any more")),
                    (None, None) => None,
                };
                holds(why.is_none(), || why.unwrap_or_default())
            }
            Expect::Written { group, writer } => {
                let found = &self.group(group).await?.owner.writer;
                holds(found == writer, || match found {
                    Some(found) => {
                        format!("another run, by {}, has written its name on {group} meanwhile", found.said())
                    }
                    None => format!("the tag of {group} that says who wrote it is gone"),
                })
            }
            Expect::RecordedAt { group, at } => {
                let found = self.group(group).await?.owner.recorded_at;
                holds(found == *at, || format!("{group} was recorded meanwhile"))
            }
            Expect::NotReady { group, healthy_since } => {
                let owner = &self.group(group).await?.owner;
                let is_as_before = owner.healthy_since == *healthy_since;
                let has_gone_on = owner.shifted_at.is_some() || owner.canary.is_some() || !is_as_before;
                holds(!has_gone_on, || format!("another run has gone on with {group}"))
            }
            Expect::GroupGone { group } => match groups::group(self.aws, group).await? {
                // Auto Scaling never takes a deletion back.
                Some((_, Ok(found))) => holds(found.deleting, || format!("{group} still exists")),
                Some((_, Err(why))) => Err(Recheck::Stale(format!("{group} still exists ({why})"))),
                None => Ok(()),
            },
            Expect::NoInstances { group } => {
                let instances = self.group(group).await?.instances.len();
                holds(instances == 0, || format!("{group} has {instances} instances"))
            }
            Expect::InService { group, at_least } => {
                let in_service = self.group(group).await?.in_service();
                holds(in_service >= *at_least, || format!("{group} has {in_service} of {at_least} in service"))
            }
            Expect::Healthy { target_group_arn, group, at_least } => {
                let healthy = self.healthy(target_group_arn, group).await?;
                holds(healthy >= *at_least, || {
                    format!("{group} has {healthy} of {at_least} healthy in {target_group_arn}")
                })
            }
            Expect::NoneHealthy { target_group_arn, group } => {
                let healthy = self.healthy(target_group_arn, group).await?;
                holds(healthy == 0, || format!("{group} has {healthy} healthy in {target_group_arn}"))
            }
            Expect::Unregistered { target_group_arn, group, ids } => {
                self.unregistered(target_group_arn, group, ids).await
            }
            Expect::Weight { at, target_group_arn, serving } => self.weight(at, target_group_arn, *serving).await,
            Expect::NoTargets { target_group_arn } => {
                let targets = details::target_health(self.aws, target_group_arn).await?.len();
                holds(targets == 0, || format!("{target_group_arn} has {targets} targets"))
            }
            Expect::OwnTags { arn, app } => self.own_tags(arn, app).await,
        }
    }

    async fn group(&mut self, name: &str) -> Result<&Group, Recheck> {
        Ok(match self.groups.entry(name.to_owned()) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(place) => place.insert(match groups::group(self.aws, name).await? {
                Some((_, Ok(group))) => group,
                Some((_, Err(why))) => return Err(Recheck::Stale(format!("{name} cannot be understood: {why}"))),
                None => return Err(Recheck::Stale(format!("{name} is gone"))),
            }),
        })
    }

    /// How many instances of exactly this group are healthy in the target group.
    async fn healthy(&mut self, target_group_arn: &str, group: &str) -> Result<u32, Recheck> {
        let found = self.group(group).await?;
        if found.desired == 0 || found.deleting {
            // Its targets may pass for healthy for another moment.
            return Ok(0);
        }
        let ours: BTreeSet<String> = found.instances.iter().map(|instance| instance.id.clone()).collect();
        let targets = details::target_health(self.aws, target_group_arn).await?;
        // An instance that is registered on two ports is one all the same.
        let healthy = targets.iter().filter(|target| target.health == Health::Healthy && ours.contains(&target.id));
        Ok(healthy.map(|target| &target.id).collect::<BTreeSet<_>>().len() as u32)
    }

    /// Whether all these instances are in service in the group, and none is registered in the target group to stay.
    async fn unregistered(&mut self, target_group_arn: &str, group: &str, ids: &[String]) -> Result<(), Recheck> {
        let in_service = |instance: &&Instance| instance.lifecycle == "InService";
        let found = self.group(group).await?.instances.iter().filter(in_service);
        let serve: BTreeSet<String> = found.map(|instance| instance.id.clone()).collect();
        let leaves = ids.iter().find(|id| !serve.contains(*id));
        holds(leaves.is_none(), || format!("{} is not in service in {group} any more", leaves.map_or("", |id| id)))?;
        let targets = details::target_health(self.aws, target_group_arn).await?;
        let stays = |target: &&Target| target.health != Health::Draining && ids.contains(&target.id);
        let there = targets.iter().find(stays);
        holds(there.is_none(), || {
            format!("{} is registered in {target_group_arn}", there.map_or("", |target| &target.id))
        })
    }

    async fn weight(&self, at: &TrafficPoint, target_group_arn: &str, serving: bool) -> Result<(), Recheck> {
        let actions = act::current_actions(self.aws, at).await?;
        let weight = codec::forward(&actions).weight(target_group_arn);
        holds((weight > 0) == serving, || format!("{target_group_arn} has weight {weight} at {}", at.arn()))
    }

    async fn own_tags(&self, arn: &str, app: &AppName) -> Result<(), Recheck> {
        let found = if arn.contains(":cloudwatch:") {
            alarms::tags_of(self.aws, arn).await?
        } else {
            details::tags_of(self.aws, vec![arn.to_owned()]).await?.remove(arn).unwrap_or_default()
        };
        let scope = Scope::new(app.clone(), self.environment.clone());
        holds(tags::belongs_to(&found, &scope), || format!("{arn} does not carry the tags of {scope}"))
    }
}

fn holds(fact: bool, otherwise: impl FnOnce() -> String) -> Result<(), Recheck> {
    if fact { Ok(()) } else { Err(Recheck::Stale(otherwise())) }
}
