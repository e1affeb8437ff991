//! The EC2 operations.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html>
//!
//! - [`images`]: machine images
//! - [`templates`]: launch templates, and [`template_data`]: what their versions hold
//! - [`network`]: VPCs, subnets, security groups and zones
//! - [`tags`]: tags of all these
//! - [`filter`]: the filters of the describe calls, and [`page`]: their pages

mod filter;
mod images;
pub(super) mod known;
mod network;
mod page;
mod tags;
mod template_data;
mod templates;

use std::collections::BTreeMap;

use crate::sim::wire::{ApiError, Params, REQUEST_ID, Reply, Request, Xml};
use crate::sim::world::World;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    if params.get("DryRun") == Some("true") {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::new("DryRunOperation", message).with_status(412));
    }
    match request.operation.as_str() {
        "DescribeImages" => images::describe(world, params),
        "RegisterImage" => images::register(world, params),
        "DeregisterImage" => images::deregister(world, params),
        "CreateTags" => tags::create(world, params),
        "DeleteTags" => tags::delete(world, params),
        "DescribeTags" => tags::describe(world, params),
        "CreateLaunchTemplate" => templates::create(world, params),
        "CreateLaunchTemplateVersion" => templates::create_version(world, params),
        "ModifyLaunchTemplate" => templates::modify(world, params),
        "DeleteLaunchTemplate" => templates::delete(world, params),
        "DescribeLaunchTemplates" => templates::describe(world, params),
        "DescribeLaunchTemplateVersions" => templates::describe_versions(world, params),
        "CreateVpc" => network::create_vpc(world, params),
        "CreateSubnet" => network::create_subnet(world, params),
        "CreateSecurityGroup" => network::create_security_group(world, params),
        "DescribeVpcs" => network::describe_vpcs(world, params),
        "DescribeSubnets" => network::describe_subnets(world, params),
        "DescribeSecurityGroups" => network::describe_security_groups(world, params),
        "DescribeAvailabilityZones" => network::describe_zones(world, params),
        operation if operation.contains("Instance") => super::instances::call(world, request),
        operation => {
            let message = format!("The action {operation} is not valid for this web service.");
            Err(ApiError::new("InvalidAction", message))
        }
    }
}

/// An answer: `<DescribeVpcsResponse><requestId/>…`.
fn reply(operation: &str, fill: impl FnOnce(&mut Xml)) -> Result<Reply, ApiError> {
    let mut xml = Xml::document(&format!("{operation}Response"), Some(NAMESPACE));
    xml.leaf("requestId", REQUEST_ID);
    fill(&mut xml);
    Ok(Reply::xml(xml.finish()))
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, ApiError> {
    params
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ApiError::new("MissingParameter", format!("The request must contain the parameter {name}")))
}

fn parsed<T: std::str::FromStr>(params: &Params, name: &str) -> Result<Option<T>, ApiError> {
    params.get(name).map(|text| text.parse().map_err(|_| invalid_value(name, text))).transpose()
}

fn invalid_value(name: &str, value: &str) -> ApiError {
    ApiError::new("InvalidParameterValue", format!("Value ({value}) for parameter {name} is invalid."))
}

/// The tags of one resource type among a request's `TagSpecification`s.
fn specified_tags(params: &Params, resource_type: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let mut all = BTreeMap::new();
    for specification in params.structures("TagSpecification") {
        let named = required(&specification, "ResourceType")?;
        if named != resource_type {
            let message = format!("'{named}' is not a valid taggable resource type for this operation.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        all.append(&mut tags::read(&specification)?);
    }
    tags::check_count(&all)?;
    Ok(all)
}

/// A `tagSet`.
fn tag_set(xml: &mut Xml, tags: &BTreeMap<String, String>) {
    xml.list("tagSet", "item", tags, |xml, (key, value)| {
        xml.leaf("key", key).leaf("value", value);
    });
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    /// An empty world, and calls on it by their query strings.
    pub fn world() -> World {
        World::empty("123456789012", "us-west-2", Timestamp::from_second(1_700_000_000).unwrap())
    }

    /// The body of the answer, or the error code.
    pub fn ask(world: &mut World, query: &str) -> Result<String, String> {
        let params = Params::decode(query.as_bytes());
        let operation = params.get("Action").unwrap_or_default().to_owned();
        let request = Request { service: "ec2".into(), operation, params, ..Request::default() };
        call(world, &request).map(|reply| reply.body).map_err(|error| error.code)
    }

    /// The text of the first element with this name.
    pub fn text<'a>(body: &'a str, name: &str) -> &'a str {
        let from = body.find(&format!("<{name}>")).map(|at| at + name.len() + 2);
        from.map(|at| &body[at..]).and_then(|rest| rest.split('<').next()).unwrap_or_default()
    }

    #[test]
    fn a_dry_run_changes_nothing_and_says_so() {
        let mut world = world();
        assert_eq!(
            ask(&mut world, "Action=CreateVpc&CidrBlock=10.0.0.0/16&DryRun=true").unwrap_err(),
            "DryRunOperation"
        );
        assert!(world.network.vpcs.is_empty());
        assert_eq!(ask(&mut world, "Action=Nonsense").unwrap_err(), "InvalidAction");
    }
}
