//! Warm pools: instances that a group keeps ready beside those in service. Of them only the number is kept.
//!
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html>

use super::{answer, changeable, named};
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::scaling::{Group, WarmPool};

pub(super) fn put(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    if group.mixed.is_some() {
        return Err(ApiError::validation(
            "You can't add a warm pool to an Auto Scaling group that has a mixed instances policy.",
        ));
    }
    let state = request.params.get("PoolState").unwrap_or("Stopped");
    if !["Stopped", "Running", "Hibernated"].contains(&state) {
        return Err(ApiError::validation(format!("Invalid pool state: {state}")));
    }
    let pool = WarmPool {
        min_size: request.params.parse("MinSize")?.unwrap_or(0),
        max_prepared: request.params.parse("MaxGroupPreparedCapacity")?,
        state: state.to_owned(),
    };
    let name = group.name.clone();
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        group.warm_pool = Some(pool);
    }
    Ok(answer(request, |_| {}))
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = changeable(world, request)?;
    if group.warm_pool.is_none() {
        return Err(ApiError::validation(format!("No warm pool found for group {}", group.name)));
    }
    let name = group.name.clone();
    if let Some(group) = world.scaling.groups.get_mut(&name) {
        group.warm_pool = None;
    }
    Ok(answer(request, |_| {}))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let group = named(world, request)?;
    Ok(answer(request, |xml| {
        write(xml, group);
        xml.within("Instances", |_| {});
    }))
}

/// The pool as AWS shows it, if there is one.
pub(super) fn write(xml: &mut Xml, group: &Group) {
    let Some(pool) = &group.warm_pool else { return };
    xml.within("WarmPoolConfiguration", |xml| {
        xml.optional("MaxGroupPreparedCapacity", pool.max_prepared);
        xml.leaf("MinSize", pool.min_size).leaf("PoolState", &pool.state);
    });
}
