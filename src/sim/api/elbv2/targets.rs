//! Targets: register, deregister, health.

use super::{answer, target_group_not_found};
use crate::sim::wire::{ApiError, Params, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Health, TargetGroup, TargetKey, health};
use crate::sim::world::compute::State;

/// The most targets of one call.
const TARGETS_A_CALL: usize = 100;

/// The targets that a request names: instance, and port where one is given.
fn targets(params: &Params) -> Result<Vec<(String, Option<u16>)>, ApiError> {
    let given = params.structures("Targets.member");
    if given.len() > TARGETS_A_CALL {
        return Err(ApiError::validation(format!("At most {TARGETS_A_CALL} targets are allowed in one call")));
    }
    given.iter().map(|target| Ok((target.required("Id")?.to_owned(), target.parse("Port")?))).collect()
}

fn group<'a>(world: &'a World, request: &Request) -> Result<&'a TargetGroup, ApiError> {
    let arn = request.params.required("TargetGroupArn")?;
    world.balancing.target_groups.get(arn).ok_or_else(|| target_group_not_found(arn))
}

pub(super) fn register(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let group = group(world, request)?;
    let targets = targets(&request.params)?;
    if targets.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    for (id, _) in &targets {
        let Some(instance) = world.compute.instances.get(id) else {
            return Err(ApiError::new(
                "InvalidTarget",
                format!("The following targets are not valid instances: '{id}'"),
            ));
        };
        if instance.state(world.now) != State::Running {
            let words = format!("The following targets are not in a running state and cannot be registered: '{id}'");
            return Err(ApiError::new("InvalidTarget", words));
        }
        if instance.vpc_id != group.vpc_id {
            let words = format!("The following targets are not in the target group VPC '{}': '{id}'", group.vpc_id);
            return Err(ApiError::new("InvalidTarget", words));
        }
    }
    let arn = group.arn.clone();
    for (id, port) in targets {
        health::register(world, &arn, &id, port);
    }
    Ok(answer(request, |_| {}))
}

/// Deregisters targets; one that is not there is deregistered already.
pub(super) fn deregister(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = group(world, request)?.arn.clone();
    for (id, port) in targets(&request.params)? {
        health::deregister(world, &arn, &id, port);
    }
    Ok(answer(request, |_| {}))
}

/// The health of all targets, or of those that are named: these show also when they are not registered.
pub(super) fn describe_health(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let group = group(world, request)?;
    let named = targets(&request.params)?;
    let shown: Vec<(TargetKey, Option<&Health>)> = if named.is_empty() {
        group.targets.iter().map(|(key, target)| (key.clone(), Some(&target.health))).collect()
    } else {
        named
            .into_iter()
            .map(|(id, port)| TargetKey { id, port: port.unwrap_or(group.port) })
            .map(|key| {
                let health = group.targets.get(&key).map(|target| &target.health);
                (key, health)
            })
            .collect()
    };
    let blind = world.balancing.blind.contains(&group.arn);
    Ok(answer(request, |xml| {
        xml.list("TargetHealthDescriptions", "member", shown, |xml, (key, health)| {
            xml.within("Target", |xml| {
                xml.leaf("Id", &key.id).leaf("Port", key.port);
            });
            let port = Some(&group.check.port).filter(|port| *port != "traffic-port").cloned();
            xml.leaf("HealthCheckPort", port.unwrap_or_else(|| key.port.to_string()));
            xml.within("TargetHealth", |xml| write_health(xml, health, blind));
        });
    }))
}

fn write_health(xml: &mut Xml, health: Option<&Health>, blind: bool) {
    let (state, reason, description) = match health {
        None => {
            ("unused", Some("Target.NotRegistered"), Some("Target is not registered to the target group".to_owned()))
        }
        Some(Health::Healthy | Health::Unhealthy(_) | Health::Checking) if blind => (
            "unavailable",
            Some("Elb.InternalError"),
            Some("Target health is unavailable due to an internal error".to_owned()),
        ),
        Some(health) => health.words(),
    };
    xml.leaf("State", state).optional("Reason", reason).optional("Description", description);
}
