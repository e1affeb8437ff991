//! The members of each operation's request that the simulated AWS reads. A request with any other member is refused by
//! that member's name before anything is done: dropped without a word, it would let a test pass that real AWS fails.
//!
//! Each service lists its operations in a table: the operation's name, then a colon, then the members. `#` stands for the
//! index in a list, and a dot leads into a structure, whatever the protocol: `Tags.member.#.Key` in a query,
//! `Tags.#.Key` in JSON, `ChangeBatch.Changes.Change.Action` in XML. What several operations share is listed once under a name
//! in lower case, and stands as `@name` where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::{autoscaling, cloudwatch, ec2, elbv2, route53, ssm, sts};
use crate::sim::wire::element::Element;
use crate::sim::wire::{ApiError, Request};

/// What stands in every request of the query protocols.
const EVERYWHERE: [&str; 2] = ["Action", "Version"];

/// Refuses a request that has a member which its operation does not read. An operation that no table knows passes: its
/// service refuses it.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    let Some(read) = read(&request.service, &request.operation) else { return Ok(()) };
    match given(request).into_iter().find(|(member, empty)| !is_read(read, member, *empty)) {
        None => Ok(()),
        Some((member, _)) => {
            let operation = &request.operation;
            let message = format!("The simulated AWS does not know the parameter {member} of {operation}");
            Err(ApiError::new("UnknownParameter", message))
        }
    }
}

/// The members of an operation, from the tables, which are gone through once only.
fn read(service: &str, operation: &str) -> Option<&'static BTreeSet<String>> {
    type Tables = BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<String>>>;
    static TABLES: LazyLock<Tables> = LazyLock::new(|| {
        let table =
            |service| operations(service).filter_map(move |name| Some((name, members(service, name)?))).collect();
        SERVICES.iter().map(|service| (*service, table(service))).collect()
    });
    TABLES.get(service)?.get(operation)
}

/// The table of a service.
fn table(service: &str) -> &'static str {
    match service {
        "autoscaling" => autoscaling::known::MEMBERS,
        "ec2" => ec2::known::MEMBERS,
        "elasticloadbalancing" => elbv2::known::MEMBERS,
        "monitoring" => cloudwatch::known::MEMBERS,
        "route53" => route53::known::MEMBERS,
        "ssm" => ssm::known::MEMBERS,
        "sts" => sts::MEMBERS,
        _ => "",
    }
}

fn members(service: &str, operation: &str) -> Option<BTreeSet<String>> {
    let table = table(service);
    let mut all = BTreeSet::new();
    for member in entry(table, operation)? {
        match member.split_once('@') {
            None => _ = all.insert(member.to_owned()),
            Some((path, shared)) => all.extend(entry(table, shared)?.map(|below| format!("{path}{below}"))),
        }
    }
    Some(all)
}

/// What a table lists under a name.
fn entry<'t>(table: &'t str, name: &str) -> Option<impl Iterator<Item = &'t str>> {
    let mut words = table.split_whitespace();
    words.find(|word| word.strip_suffix(':') == Some(name))?;
    Some(words.take_while(|word| !word.ends_with(':')))
}

/// The services that have a table.
const SERVICES: [&str; 7] = ["autoscaling", "ec2", "elasticloadbalancing", "monitoring", "route53", "ssm", "sts"];

/// The operations of all services.
pub(in crate::sim) fn all_operations() -> BTreeSet<&'static str> {
    SERVICES.into_iter().flat_map(operations).collect()
}

/// The operations of a service.
pub(in crate::sim) fn operations(service: &str) -> impl Iterator<Item = &'static str> {
    let names = table(service).split_whitespace().filter_map(|word| word.strip_suffix(':'));
    names.filter(|name| name.starts_with(char::is_uppercase))
}

/// The members that an operation reads.
#[cfg(test)]
pub(in crate::sim) fn of(service: &str, operation: &str) -> BTreeSet<String> {
    members(service, operation).unwrap_or_default()
}

/// Whether a member is read. One without a value may also be a list or a structure in which nothing is.
fn is_read(read: &BTreeSet<String>, member: &str, empty: bool) -> bool {
    let within = |name: &String| name.strip_prefix(member).is_some_and(|rest| rest.starts_with('.'));
    EVERYWHERE.contains(&member) || read.contains(member) || (empty && read.iter().any(within))
}

/// Every member of a request, and whether it is without a value.
fn given(request: &Request) -> BTreeMap<String, bool> {
    let mut members = BTreeMap::new();
    for name in request.params.names() {
        let empty = request.params.get(name).is_some_and(str::is_empty);
        members.insert(without_indexes(name), empty);
    }
    match request.service.as_str() {
        // A body that cannot be read is for the operation to refuse, in its own words.
        "monitoring" | "ssm" => {
            if let Ok(value) = serde_json::from_slice(&request.body) {
                from_json(&value, String::new(), &mut members);
            }
        }
        "route53" => {
            if let Ok(root) = Element::parse(&request.body) {
                root.children.iter().for_each(|child| from_xml(child, "", &mut members));
            }
        }
        _ => {}
    }
    members
}

fn without_indexes(name: &str) -> String {
    let part = |part| if str::parse::<u32>(part).is_ok() { "#" } else { part };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

fn from_json(value: &Value, path: String, members: &mut BTreeMap<String, bool>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(all) if !all.is_empty() => all.iter().for_each(|(name, it)| from_json(it, below(name), members)),
        Value::Array(all) if !all.is_empty() => all.iter().for_each(|it| from_json(it, below("#"), members)),
        value => {
            let empty = match value {
                Value::Null | Value::Object(_) | Value::Array(_) => true,
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            // Nothing at all at the root is a request without members.
            if !path.is_empty() {
                members.insert(path, empty);
            }
        }
    }
}

fn from_xml(element: &Element, above: &str, members: &mut BTreeMap<String, bool>) {
    let path = if above.is_empty() { element.name.clone() } else { format!("{above}.{}", element.name) };
    if element.children.is_empty() {
        members.insert(path, element.text.is_empty());
    } else {
        element.children.iter().for_each(|child| from_xml(child, &path, members));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::time::Timestamp;
    use crate::sim::api::{dispatch, route53};
    use crate::sim::wire::Params;
    use crate::sim::world::World;

    fn world() -> World {
        World::example(Timestamp::from_second(1_767_225_600).unwrap())
    }

    /// The error's code of a request, and what it says.
    fn refused(world: &mut World, service: &str, operation: &str, params: &str, body: &Value) -> Option<String> {
        let request = Request {
            service: service.to_owned(),
            region: "us-west-2".to_owned(),
            access_key: "AKIATRIAL".to_owned(),
            operation: operation.to_owned(),
            params: Params::decode(params.as_bytes()),
            path: "/".to_owned(),
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            ..Request::default()
        };
        let reply = dispatch(world, &request);
        reply.error.filter(|code| code == "UnknownParameter").map(|_| reply.body)
    }

    #[test]
    fn a_member_that_no_code_reads_is_refused_by_its_name_in_every_protocol() {
        let mut world = world();
        let cases = [
            (
                "autoscaling",
                "CreateAutoScalingGroup",
                "AutoScalingGroupName=a&CapacityRebalance=true",
                Value::Null,
                "CapacityRebalance",
            ),
            (
                "autoscaling",
                "CreateAutoScalingGroup",
                "MixedInstancesPolicy.LaunchTemplate.Overrides.member.2.WeightedCapacity=3",
                Value::Null,
                "MixedInstancesPolicy.LaunchTemplate.Overrides.member.#.WeightedCapacity",
            ),
            (
                "elasticloadbalancing",
                "CreateTargetGroup",
                "Name=a&ProtocolVersion=GRPC",
                Value::Null,
                "ProtocolVersion",
            ),
            (
                "ec2",
                "CreateLaunchTemplate",
                "LaunchTemplateData.CpuOptions.CoreCount=1",
                Value::Null,
                "LaunchTemplateData.CpuOptions.CoreCount",
            ),
            ("sts", "AssumeRole", "RoleArn=arn:aws:iam::1:role/a&Policy=x", Value::Null, "Policy"),
            ("ssm", "PutParameter", "", json!({"Name": "/a", "Value": "1", "AllowedPattern": "x"}), "AllowedPattern"),
            (
                "monitoring",
                "PutMetricAlarm",
                "",
                json!({"AlarmName": "a", "Metrics": [{"Id": "m", "Expression": "1"}]}),
                "Metrics.#.Expression",
            ),
        ];
        for (service, operation, params, body, member) in cases {
            let said = refused(&mut world, service, operation, params, &body);
            let wanted = format!("does not know the parameter {member} of {operation}");
            assert!(said.as_ref().is_some_and(|said| said.contains(&wanted)), "{member}: {said:?}");
        }
    }

    #[test]
    fn a_member_of_a_record_that_no_code_reads_is_refused_and_nothing_is_changed() {
        let mut world = world();
        let id = world.create_zone("example.net.", "test", None);
        let body = format!(
            "<ChangeResourceRecordSetsRequest><ChangeBatch><Changes>{}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
            route53::tests::plain("CREATE", "a.example.net", "A", "1.2.3.4")
                .replace("<TTL>", "<GeoLocation><CountryCode>NZ</CountryCode></GeoLocation><TTL>")
        );
        let request = Request {
            service: "route53".to_owned(),
            operation: "ChangeResourceRecordSets".to_owned(),
            params: Params::decode(format!("Id={id}").as_bytes()),
            access_key: "AKIATRIAL".to_owned(),
            body: body.into_bytes(),
            ..Request::default()
        };
        let reply = dispatch(&mut world, &request);
        assert!(
            reply.body.contains("ChangeBatch.Changes.Change.ResourceRecordSet.GeoLocation.CountryCode"),
            "{}",
            reply.body
        );
        assert_eq!(world.dns.zones.get(&id).unwrap().records.len(), 2, "no more than NS and SOA");
    }

    #[test]
    fn a_list_without_items_is_no_unknown_member() {
        let mut world = world();
        let listed = refused(&mut world, "elasticloadbalancing", "DescribeLoadBalancers", "Names=", &Value::Null);
        assert_eq!(listed, None);
        assert_eq!(refused(&mut world, "monitoring", "DescribeAlarms", "", &json!({"AlarmNames": []})), None);
    }

    #[test]
    fn every_operation_of_a_table_is_one_that_the_simulated_aws_has_and_is_listed_once() {
        for service in SERVICES {
            let mut seen = BTreeSet::new();
            for operation in operations(service) {
                assert!(seen.insert(operation), "{service} lists {operation} twice");
                let request = Request {
                    service: service.to_owned(),
                    access_key: "AKIATRIAL".to_owned(),
                    operation: operation.to_owned(),
                    body: b"{}".to_vec(),
                    path: "/".to_owned(),
                    ..Request::default()
                };
                let code = dispatch(&mut world(), &request).error.unwrap_or_default();
                assert!(
                    !["InvalidAction", "UnknownOperationException"].contains(&code.as_str()),
                    "{service} {operation}"
                );
            }
        }
    }
}
