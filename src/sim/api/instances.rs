//! The EC2 operations on instances.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::query::{number, page};
use crate::sim::wire::{ApiError, Params, REQUEST_ID, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::action::matches;
use crate::sim::world::compute::{Instance, STATUS_CHECKS, State};
use crate::sim::world::console;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// The operations of this module; all others of EC2 are elsewhere.
pub const OPERATIONS: [&str; 4] =
    ["DescribeInstances", "DescribeInstanceStatus", "GetConsoleOutput", "TerminateInstances"];

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let known = OPERATIONS.contains(&request.operation.as_str());
    if known && request.params.parse("DryRun")?.unwrap_or(false) {
        let words = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new("DryRunOperation", words).with_status(412));
    }
    match request.operation.as_str() {
        "DescribeInstances" => describe(world, request),
        "DescribeInstanceStatus" => describe_status(world, request),
        "GetConsoleOutput" => console_output(world, request),
        "TerminateInstances" => terminate(world, request),
        other => Err(ApiError::new("InvalidAction", format!("The action {other} is not valid for this web service."))),
    }
}

fn answer(request: &Request, fill: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::document(&format!("{}Response", request.operation), Some(NAMESPACE));
    xml.leaf("requestId", REQUEST_ID);
    fill(&mut xml);
    Reply::xml(xml.finish())
}

/// The instances that a request names, all of which EC2 must know; all instances that it knows when it names none.
fn named<'a>(world: &'a World, params: &Params) -> Result<Vec<&'a Instance>, ApiError> {
    let known = |it: &&Instance| world.consistency.after(it.launched_at) <= world.now;
    let ids = params.values("InstanceId");
    if ids.is_empty() {
        return Ok(world.compute.instances.values().filter(known).collect());
    }
    if let Some(id) = ids.iter().find(|id| !is_id(id)) {
        return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
    }
    let (found, missing): (Vec<_>, Vec<_>) = ids
        .iter()
        .map(|id| (id, world.compute.instances.get(id).filter(known)))
        .partition(|(_, instance)| instance.is_some());
    match missing.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().as_slice() {
        [] => Ok(found.into_iter().filter_map(|(_, instance)| instance).collect()),
        [id] => Err(ApiError::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))),
        ids => {
            let words = format!("The instance IDs '{}' do not exist", ids.join(", "));
            Err(ApiError::new("InvalidInstanceID.NotFound", words))
        }
    }
}

fn is_id(id: &str) -> bool {
    id.strip_prefix("i-").is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A filter lets an instance pass when any of its values fits; all filters must let it pass.
fn filters(params: &Params) -> Result<Vec<(String, Vec<String>)>, ApiError> {
    const NAMES: [&str; 12] = [
        "architecture",
        "availability-zone",
        "image-id",
        "instance-id",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "private-ip-address",
        "subnet-id",
        "tag-key",
        "tag-value",
        "vpc-id",
    ];
    let read = |filter: &Params| {
        let name = filter.required("Name")?;
        if !NAMES.contains(&name) && !name.starts_with("tag:") {
            return Err(ApiError::new("InvalidParameterValue", format!("The filter '{name}' is invalid")));
        }
        Ok((name.to_owned(), filter.values("Value")))
    };
    params.structures("Filter").iter().map(read).collect()
}

fn passes(world: &World, it: &Instance, filters: &[(String, Vec<String>)]) -> bool {
    let state = it.state(world.now);
    filters.iter().all(|(name, patterns)| {
        let fits = |value: &str| patterns.iter().any(|pattern| matches(pattern, value));
        match name.as_str() {
            "architecture" => fits(&it.architecture),
            "availability-zone" => fits(&it.zone),
            "image-id" => fits(&it.image_id),
            "instance-id" => fits(&it.id),
            "instance-state-code" => fits(&state.code().to_string()),
            "instance-state-name" => fits(state.name()),
            "instance-type" => fits(&it.instance_type),
            "private-ip-address" => fits(&it.private_ip),
            "subnet-id" => fits(&it.subnet_id),
            "tag-key" => it.tags.keys().any(|key| fits(key)),
            "tag-value" => it.tags.values().any(|value| fits(value)),
            "vpc-id" => fits(&it.vpc_id),
            tag => tag.strip_prefix("tag:").and_then(|key| it.tags.get(key)).is_some_and(|value| fits(value)),
        }
    })
}

fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let filters = filters(params)?;
    let found = named(world, params)?.into_iter().filter(|it| passes(world, it, &filters));
    let (shown, next) = paged(params, found)?;
    Ok(answer(request, |xml| {
        xml.list("reservationSet", "item", shown, |xml, it| {
            // Each instance of a group is launched by itself, so that it is alone in its reservation.
            xml.leaf("reservationId", it.id.replacen("i-", "r-", 1)).leaf("ownerId", &world.account);
            xml.within("groupSet", |_| {});
            xml.list("instancesSet", "item", [it], |xml, it| write(xml, world, it));
        });
        xml.optional("nextToken", next);
    }))
}

/// One page; without `MaxResults` everything up to AWS's thousand.
fn paged<'a>(
    params: &Params,
    found: impl Iterator<Item = &'a Instance>,
) -> Result<(Vec<&'a Instance>, Option<String>), ApiError> {
    let mut found: Vec<_> = found.map(|it| (it.id.clone(), it)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    let size = number(params, "MaxResults", 1000, 5, 1000)? as usize;
    page(found.into_iter(), params.get("NextToken"), size, |token| {
        ApiError::new("InvalidNextToken", format!("The token '{token}' is invalid"))
    })
}

fn write(xml: &mut Xml, world: &World, it: &Instance) {
    let state = it.state(world.now);
    xml.leaf("instanceId", &it.id).leaf("imageId", &it.image_id);
    write_state(xml, "instanceState", state);
    xml.leaf("privateDnsName", private_dns_name(world, it)).leaf("dnsName", "");
    xml.leaf("reason", if it.stopped_at.is_some() { "User initiated" } else { "" });
    xml.optional("keyName", it.key_name.as_ref());
    xml.leaf("amiLaunchIndex", 0);
    xml.leaf("instanceType", &it.instance_type).leaf("launchTime", it.launched_at);
    xml.within("placement", |xml| {
        xml.leaf("availabilityZone", &it.zone).leaf("tenancy", &it.tenancy);
    });
    xml.within("monitoring", |xml| {
        xml.leaf("state", if it.monitoring { "enabled" } else { "disabled" });
    });
    if state != State::Terminated {
        xml.leaf("subnetId", &it.subnet_id).leaf("vpcId", &it.vpc_id);
        xml.leaf("privateIpAddress", &it.private_ip);
    }
    xml.list("groupSet", "item", &it.security_group_ids, |xml, id| {
        let name = world.network.security_groups.get(id).map(|group| &group.name);
        xml.leaf("groupId", id).optional("groupName", name);
    });
    xml.leaf("architecture", &it.architecture);
    // What is On-Demand says nothing of it.
    xml.optional("instanceLifecycle", it.spot.then_some("spot"));
    xml.leaf("rootDeviceType", "ebs").leaf("rootDeviceName", &it.root_device);
    if let Some(profile) = &it.iam_instance_profile {
        xml.within("iamInstanceProfile", |xml| {
            match profile.starts_with("arn:") {
                true => xml.leaf("arn", profile),
                false => xml.leaf("arn", format!("arn:aws:iam::{}:instance-profile/{profile}", world.account)),
            };
        });
    }
    xml.list("tagSet", "item", &it.tags, |xml, (key, value)| {
        xml.leaf("key", key).leaf("value", value);
    });
    xml.within("metadataOptions", |xml| {
        xml.leaf("state", "applied").leaf("httpTokens", &it.http_tokens).leaf("httpEndpoint", "enabled");
    });
}

fn private_dns_name(world: &World, it: &Instance) -> String {
    format!("ip-{}.{}.compute.internal", it.private_ip.replace('.', "-"), world.region)
}

fn write_state(xml: &mut Xml, name: &str, state: State) {
    xml.within(name, |xml| {
        xml.leaf("code", state.code()).leaf("name", state.name());
    });
}

fn describe_status(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let all = params.parse("IncludeAllInstances")?.unwrap_or(false);
    let filters = filters(params)?;
    let found = named(world, params)?
        .into_iter()
        .filter(|it| all || it.state(world.now) == State::Running)
        .filter(|it| passes(world, it, &filters));
    let (shown, next) = paged(params, found)?;
    Ok(answer(request, |xml| {
        xml.list("instanceStatusSet", "item", shown, |xml, it| {
            let state = it.state(world.now);
            let (status, reachable) = match state {
                State::Running if STATUS_CHECKS.after(it.running_at) <= world.now => ("ok", "passed"),
                State::Running => ("initializing", "initializing"),
                _ => ("not-applicable", ""),
            };
            xml.leaf("instanceId", &it.id).leaf("availabilityZone", &it.zone);
            write_state(xml, "instanceState", state);
            for which in ["systemStatus", "instanceStatus"] {
                xml.within(which, |xml| {
                    xml.leaf("status", status);
                    let details = Some(reachable).filter(|text| !text.is_empty());
                    xml.list("details", "item", details, |xml, reachable| {
                        xml.leaf("name", "reachability").leaf("status", reachable);
                    });
                });
            }
        });
        xml.optional("nextToken", next);
    }))
}

/// What an instance wrote to its console. Only types on the Nitro system tell what they write now.
fn console_output(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let id = request.params.required("InstanceId")?;
    if !is_id(id) {
        return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
    }
    let known = world.compute.instances.get(id).filter(|it| world.consistency.after(it.launched_at) <= world.now);
    let Some(it) = known else {
        return Err(ApiError::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist")));
    };
    let latest = request.params.parse("Latest")?.unwrap_or(false);
    if latest && !console::is_nitro(&it.instance_type) {
        let words = "This instance type does not support retrieving the latest console logs. You can retrieve the cached \
                     console logs.";
        return Err(ApiError::new("UnsupportedOperation", words));
    }
    let (at, text) = console::written(it, latest, world.now);
    Ok(answer(request, |xml| {
        xml.leaf("instanceId", id).leaf("timestamp", at);
        xml.leaf("output", BASE64.encode(text));
    }))
}

/// Terminates instances, all or none; one that is terminated already stays so.
fn terminate(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    request.params.required("InstanceId.1")?;
    let before: Vec<(String, State)> =
        named(world, &request.params)?.into_iter().map(|it| (it.id.clone(), it.state(world.now))).collect();
    for (id, _) in &before {
        world.terminate_instance(id);
    }
    Ok(answer(request, |xml| {
        xml.list("instancesSet", "item", before, |xml, (id, before)| {
            let now = world.compute.instances.get(&id).map_or(State::Terminated, |it| it.state(world.now));
            xml.leaf("instanceId", &id);
            write_state(xml, "currentState", now);
            write_state(xml, "previousState", before);
        });
    }))
}

#[cfg(test)]
mod tests;
