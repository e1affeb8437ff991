//! What each operation does to the world, with AWS's checks and error codes.

pub mod autoscaling;
pub mod cloudwatch;
pub mod ec2;
pub mod elbv2;
pub mod instances;
pub(in crate::sim) mod members;
mod query;
pub mod route53;
pub mod ssm;
pub mod sts;
#[cfg(test)]
pub(crate) mod trial;

use super::wire::{ApiError, Reply, Request, error_reply};
use super::world::World;

/// Whether an operation may change anything, by AWS's own naming.
pub fn is_mutating(operation: &str) -> bool {
    !["Describe", "Get", "List"].iter().any(|verb| operation.starts_with(verb))
}

/// Carries out one call on the world.
pub fn dispatch(world: &mut World, request: &Request) -> Reply {
    if let Some(account) = sts::neighbour(world, request)
        && let Some(mut neighbour) = world.neighbours.remove(&account)
    {
        neighbour.advance(world.now);
        let reply = dispatch(&mut neighbour, request);
        world.neighbours.insert(account, neighbour);
        return reply;
    }
    let admitted = sts::admit(world, request).and_then(|()| members::check(request));
    let result = admitted.and_then(|()| match request.service.as_str() {
        "autoscaling" => autoscaling::call(world, request),
        "ec2" if instances::OPERATIONS.contains(&request.operation.as_str()) => instances::call(world, request),
        "ec2" => ec2::call(world, request),
        "elasticloadbalancing" => elbv2::call(world, request),
        "monitoring" => cloudwatch::call(world, request),
        "route53" => route53::call(world, request),
        "ssm" => ssm::call(world, request),
        "sts" => sts::call(world, request),
        other => Err(ApiError::new("InvalidAction", format!("The simulated AWS has no service {other}"))),
    });
    result.unwrap_or_else(|error| error_reply(request, &error))
}
