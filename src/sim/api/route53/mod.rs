//! The Route 53 operations, in REST XML.
//! <https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html>
//!
//! - [`zones`]: hosted zones
//! - [`records`]: lists of record sets
//! - [`changes`]: batches of changes, and how far they have come
//! - [`record_xml`]: record sets in XML
//! - [`rules`]: which records a zone may hold

mod changes;
pub(super) mod known;
mod record_xml;
mod records;
mod rules;
mod zones;

use crate::sim::wire::element::Element;
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::dns::HostedZone;

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    match request.operation.as_str() {
        "CreateHostedZone" => zones::create(world, request),
        "GetHostedZone" => zones::get(world, request),
        "DeleteHostedZone" => zones::delete(world, request),
        "ListHostedZones" => zones::list(world, request),
        "ListHostedZonesByName" => zones::list_by_name(world, request),
        "ListTagsForResource" => zones::list_tags(world, request),
        "ListResourceRecordSets" => records::list(world, request),
        "ChangeResourceRecordSets" => changes::change(world, request),
        "GetChange" => changes::get(world, request),
        other => Err(ApiError::new("InvalidAction", format!("Could not find operation {other}"))),
    }
}

/// An answer: `<GetChangeResponse>…`.
fn reply(operation: &str, fill: impl FnOnce(&mut Xml)) -> Reply {
    let mut xml = Xml::document(&format!("{operation}Response"), Some(NAMESPACE));
    fill(&mut xml);
    Reply::xml(xml.finish())
}

fn body(request: &Request, root: &str) -> Result<Element, ApiError> {
    let element = Element::parse(&request.body).map_err(|error| invalid_input(error.to_string()))?;
    if element.name != root {
        return Err(invalid_input(format!("Invalid XML ; the root must be {root}")));
    }
    Ok(element)
}

fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidInput", message)
}

/// The id in the path, without the prefix that it may come with.
fn id_of(request: &Request) -> &str {
    bare(request.params.get("Id").unwrap_or_default())
}

/// An id without `/hostedzone/` or `/change/`.
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The hosted zone that a request names in its path.
fn zone<'a>(world: &'a World, request: &Request) -> Result<&'a HostedZone, ApiError> {
    let id = id_of(request);
    world.dns.zones.get(id).ok_or_else(|| no_such_zone(id))
}

fn no_such_zone(id: &str) -> ApiError {
    ApiError::new("NoSuchHostedZone", format!("No hosted zone found with ID: {id}")).with_status(404)
}

/// How many items a page may have: at most `most`, fewer when asked for.
fn page_size(request: &Request, most: usize) -> Result<usize, ApiError> {
    match request.params.get("maxitems").map(str::parse::<usize>) {
        None => Ok(most),
        Some(Ok(size)) if size > 0 => Ok(size.min(most)),
        Some(_) => Err(invalid_input("Value for MaxItems must be a positive integer")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sim::wire::decode::{HttpRequest, decode};

    /// A world with the zone `example.com.`, and its id.
    pub fn world() -> (World, String) {
        let mut world = World::empty("123456789012", "us-west-2", Timestamp::from_second(1_700_000_000).unwrap());
        let id = world.create_zone("example.com.", "test", None);
        (world, id)
    }

    /// The body of the answer, or code and message of the error.
    pub fn ask(world: &mut World, method: &str, path: &str, body: &str) -> Result<String, (String, String)> {
        let uri = format!("/2013-04-01/{path}");
        let authorization =
            "AWS4-HMAC-SHA256 Credential=K/20260102/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0";
        let http =
            HttpRequest { method, uri: &uri, authorization: Some(authorization), target: None, body: body.as_bytes() };
        let request = decode(http).map_err(|reply| (reply.error.unwrap_or_default(), reply.body))?;
        call(world, &request).map(|reply| reply.body).map_err(|error| (error.code, error.message))
    }

    /// A change of a plain record.
    pub fn plain(action: &str, name: &str, kind: &str, value: &str) -> String {
        format!(
            "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type><TTL>60</TTL>\
             <ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>"
        )
    }

    /// Sends a batch of changes.
    pub fn change(world: &mut World, zone: &str, changes: &str) -> Result<String, (String, String)> {
        let body = format!(
            "<ChangeResourceRecordSetsRequest xmlns=\"{NAMESPACE}\"><ChangeBatch><Changes>{changes}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
        );
        ask(world, "POST", &format!("hostedzone/{zone}/rrset/"), &body)
    }

    /// The text of every element with this name, in order.
    pub fn texts<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
        let start = format!("<{name}>");
        body.split(start.as_str()).skip(1).filter_map(|rest| rest.split('<').next()).collect()
    }
}
