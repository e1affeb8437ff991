//! Hosted zones.

use super::{body, changes, id_of, invalid_input, page_size, reply, zone};
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::dns::{HostedZone, name_servers, normalised, reversed};

/// Longest page of zones.
const PAGE: usize = 100;

/// `CreateHostedZone`.
pub fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let body = body(request, "CreateHostedZoneRequest")?;
    let wanted =
        body.text_of("Name").filter(|name| !name.is_empty()).ok_or_else(|| invalid_input("Name is required"))?;
    let reference = body
        .text_of("CallerReference")
        .filter(|reference| (1..=128).contains(&reference.chars().count()))
        .ok_or_else(|| invalid_input("CallerReference must have 1 to 128 characters"))?;
    let name = normalised(wanted);
    if !is_domain(&name) {
        return Err(ApiError::new("InvalidDomainName", format!("{wanted} is not a valid domain name.")));
    }
    if world.dns.zones.values().any(|zone| zone.caller_reference == reference) {
        let message = "A hosted zone has already been created with the specified caller reference.";
        return Err(ApiError::new("HostedZoneAlreadyExists", message).with_status(409));
    }
    let vpc = body.child("VPC").and_then(|vpc| vpc.text_of("VPCId"));
    if let Some(vpc) = vpc
        && !world.network.vpcs.contains_key(vpc)
    {
        let message = format!("The VPC {vpc} in region {} does not exist", world.region);
        return Err(ApiError::new("InvalidVPCId", message));
    }
    let id = world.create_zone(&name, reference, vpc.map(str::to_owned));
    let comment = body.child("HostedZoneConfig").and_then(|config| config.text_of("Comment")).map(str::to_owned);
    if let Some(zone) = world.dns.zones.get_mut(&id) {
        zone.comment = comment;
    }
    let change = world.begin_change(None);
    let mut reply = reply("CreateHostedZone", |xml| {
        if let Some(zone) = world.dns.zones.get(&id) {
            write(xml, zone);
            changes::write(xml, world, &change);
            write_delegation(xml, zone);
        }
    });
    reply.status = 201;
    reply.headers.insert("location", format!("https://route53.amazonaws.com/2013-04-01/hostedzone/{id}"));
    Ok(reply)
}

/// `GetHostedZone`.
pub fn get(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let zone = zone(world, request)?;
    Ok(reply("GetHostedZone", |xml| {
        write(xml, zone);
        write_delegation(xml, zone);
        if let Some(vpc) = &zone.vpc_id {
            xml.within("VPCs", |xml| {
                xml.within("VPC", |xml| {
                    xml.leaf("VPCRegion", &world.region).leaf("VPCId", vpc);
                });
            });
        }
    }))
}

/// `DeleteHostedZone`, once nothing but its NS and SOA records is in it.
pub fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let zone = zone(world, request)?;
    if zone.records.len() > 2 {
        let message = "The specified hosted zone contains non-required resource record sets and so cannot be deleted.";
        return Err(ApiError::new("HostedZoneNotEmpty", message));
    }
    world.dns.zones.remove(id_of(request));
    let change = world.begin_change(None);
    Ok(reply("DeleteHostedZone", |xml| changes::write(xml, world, &change)))
}

/// `ListHostedZones`: 100 a page, by id.
pub fn list(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let size = page_size(request, PAGE)?;
    let marker = request.params.get("marker");
    let mut rest = world.dns.zones.values().filter(|zone| marker.is_none_or(|marker| zone.id.as_str() >= marker));
    let page: Vec<&HostedZone> = rest.by_ref().take(size).collect();
    let next = rest.next();
    Ok(reply("ListHostedZones", |xml| {
        xml.within("HostedZones", |xml| page.iter().for_each(|zone| write(xml, zone)));
        xml.optional("Marker", marker).leaf("IsTruncated", next.is_some());
        xml.optional("NextMarker", next.map(|zone| &zone.id)).leaf("MaxItems", size);
    }))
}

/// `ListHostedZonesByName`: in the order of reversed labels, from a name and an id on.
pub fn list_by_name(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let size = page_size(request, PAGE)?;
    let (name, id) = (request.params.get("dnsname"), request.params.get("hostedzoneid"));
    if id.is_some() && name.is_none() {
        return Err(invalid_input("The DNS name must be specified when a hosted zone ID is specified."));
    }
    let start = name.map(|name| (reversed(&normalised(name)), id.map(super::bare).unwrap_or_default().to_owned()));
    let mut zones: Vec<_> =
        world.dns.zones.values().map(|zone| ((reversed(&zone.name), zone.id.clone()), zone)).collect();
    zones.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut rest =
        zones.into_iter().filter(|(key, _)| start.as_ref().is_none_or(|start| key >= start)).map(|(_, zone)| zone);
    let page: Vec<&HostedZone> = rest.by_ref().take(size).collect();
    let next = rest.next();
    Ok(reply("ListHostedZonesByName", |xml| {
        xml.within("HostedZones", |xml| page.iter().for_each(|zone| write(xml, zone)));
        xml.optional("DNSName", name).optional("HostedZoneId", id).leaf("IsTruncated", next.is_some());
        xml.optional("NextDNSName", next.map(|zone| &zone.name))
            .optional("NextHostedZoneId", next.map(|zone| &zone.id));
        xml.leaf("MaxItems", size);
    }))
}

/// `ListTagsForResource`: zones have no tags here.
pub fn list_tags(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let zone = zone(world, request)?;
    Ok(reply("ListTagsForResource", |xml| {
        xml.within("ResourceTagSet", |xml| {
            xml.leaf("ResourceType", "hostedzone").leaf("ResourceId", &zone.id).within("Tags", |_| {});
        });
    }))
}

fn is_domain(name: &str) -> bool {
    let label = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let bare = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 255 && !name.contains('\\') && bare.split('.').all(label)
}

fn write(xml: &mut Xml, zone: &HostedZone) {
    xml.within("HostedZone", |xml| {
        xml.leaf("Id", format!("/hostedzone/{}", zone.id)).leaf("Name", &zone.name);
        xml.leaf("CallerReference", &zone.caller_reference);
        xml.within("Config", |xml| {
            xml.optional("Comment", zone.comment.as_ref()).leaf("PrivateZone", zone.vpc_id.is_some());
        });
        xml.leaf("ResourceRecordSetCount", zone.records.len());
    });
}

fn write_delegation(xml: &mut Xml, zone: &HostedZone) {
    if zone.vpc_id.is_none() {
        xml.within("DelegationSet", |xml| {
            xml.within("NameServers", |xml| {
                for server in name_servers() {
                    xml.leaf("NameServer", server);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, change, plain, texts, world};

    fn create(name: &str, reference: &str) -> String {
        format!(
            "<CreateHostedZoneRequest><Name>{name}</Name><CallerReference>{reference}</CallerReference></CreateHostedZoneRequest>"
        )
    }

    #[test]
    fn zones_are_created_once_listed_in_order_and_deleted_when_empty() {
        let (mut world, first) = world();
        for name in ["b.org", "a.org"] {
            ask(&mut world, "POST", "hostedzone", &create(name, name)).unwrap();
        }
        let again = ask(&mut world, "POST", "hostedzone", &create("c.org", "a.org")).unwrap_err();
        assert_eq!(again.0, "HostedZoneAlreadyExists");
        let by_name = ask(&mut world, "GET", "hostedzonesbyname?dnsname=example.com", "").unwrap();
        assert_eq!(texts(&by_name, "Name"), ["example.com.", "a.org.", "b.org."]);
        let page = ask(&mut world, "GET", "hostedzone?maxitems=2", "").unwrap();
        let marker = texts(&page, "NextMarker")[0].to_owned();
        let rest = ask(&mut world, "GET", &format!("hostedzone?maxitems=2&marker={marker}"), "").unwrap();
        assert_eq!((texts(&page, "Name").len(), texts(&rest, "Name").len()), (2, 1));

        change(&mut world, &first, &plain("CREATE", "www.example.com", "A", "192.0.2.1")).unwrap();
        let path = format!("hostedzone/{first}");
        assert_eq!(ask(&mut world, "DELETE", &path, "").unwrap_err().0, "HostedZoneNotEmpty");
        change(&mut world, &first, &plain("DELETE", "www.example.com", "A", "192.0.2.1")).unwrap();
        ask(&mut world, "DELETE", &path, "").unwrap();
        assert_eq!(ask(&mut world, "GET", &path, "").unwrap_err().0, "NoSuchHostedZone");
    }

    #[test]
    fn bad_requests_are_refused() {
        let (mut world, _) = world();
        for (body, code) in [
            (create("a..b", "1"), "InvalidDomainName"),
            (create("", "1"), "InvalidInput"),
            (create("a.b", ""), "InvalidInput"),
            ("<a/>".into(), "InvalidInput"),
            ("nonsense".into(), "InvalidInput"),
        ] {
            assert_eq!(ask(&mut world, "POST", "hostedzone", &body).unwrap_err().0, code, "{body}");
        }
        assert_eq!(ask(&mut world, "GET", "hostedzone?maxitems=x", "").unwrap_err().0, "InvalidInput");
    }
}
