//! Which records a zone may hold, and how Route 53 says that it may not.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::sim::world::World;
use crate::sim::world::dns::{Alias, HostedZone, RecordKey, RecordSet, normalised};

/// A record set as messages name it.
pub fn named(record: &RecordSet) -> String {
    match &record.set_identifier {
        None => format!("[name='{}', type='{}']", record.name, record.kind),
        Some(id) => format!("[name='{}', type='{}', set identifier='{id}']", record.name, record.kind),
    }
}

/// Checks the values of a record by themselves.
pub fn check_value(record: &RecordSet) -> Result<(), String> {
    let wrong = |problem: &str, value: &str| {
        Err(format!("Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"))
    };
    for value in &record.values {
        match record.kind.as_str() {
            "A" if value.parse::<Ipv4Addr>().is_err() => {
                return wrong("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)", value);
            }
            "AAAA" if value.parse::<Ipv6Addr>().is_err() => {
                return wrong("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)", value);
            }
            "CNAME" | "NS" | "PTR" if value.is_empty() || value.contains(char::is_whitespace) => {
                return wrong("DomainLabelEmpty (Domain label is empty)", value);
            }
            "TXT" | "SPF" if !(value.len() >= 2 && value.starts_with('"') && value.ends_with('"')) => {
                return wrong("InvalidCharacterString (Value should be enclosed in quotation marks)", value);
            }
            _ => {}
        }
    }
    if record.kind == "CNAME" && record.values.len() > 1 {
        return Err(format!("Duplicate Resource Record: CNAME {} may have one value only", record.name));
    }
    Ok(())
}

/// Checks what the changed records make of their zone; gives one message for each thing that is wrong.
pub fn check_zone<'a>(
    world: &World,
    zone: &HostedZone,
    records: &BTreeMap<RecordKey, RecordSet>,
    changed: impl Iterator<Item = &'a RecordSet>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for record in changed {
        let (name, kind, apex) = (&record.name, &record.kind, &zone.name);
        if !is_within(name, apex) {
            wrong.push(format!("RRSet with DNS name {name} is not permitted in zone {apex}"));
            continue;
        }
        let present = records.get(&record.key());
        if present.is_none() && name == apex && ["NS", "SOA"].contains(&kind.as_str()) {
            wrong.push(match kind.as_str() {
                "SOA" => "A HostedZone must contain exactly one SOA record.".to_owned(),
                _ => "A HostedZone must contain at least one NS record for the zone itself.".to_owned(),
            });
        }
        let Some(present) = present else { continue };
        if kind == "CNAME" && name == apex {
            wrong.push(format!("RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {apex}"));
        }
        wrong.extend(conflict(record, records, apex));
        wrong.extend(present.alias.as_ref().and_then(|alias| check_alias(world, zone, records, present, alias)));
    }
    wrong
}

/// A name has either a CNAME or other records, and of one type either one simple record or several with identifiers.
fn conflict(record: &RecordSet, records: &BTreeMap<RecordKey, RecordSet>, apex: &str) -> Option<String> {
    let (name, kind) = (&record.name, &record.kind);
    let key = record.key();
    let first = RecordKey { reversed: key.reversed.clone(), kind: String::new(), set_identifier: String::new() };
    let others =
        || records.range(&first..).take_while(|(other, _)| other.reversed == key.reversed).map(|(_, other)| other);
    if kind == "CNAME" && others().any(|other| other.kind != "CNAME") {
        return Some(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same DNS name in zone {apex}"
        ));
    }
    if kind != "CNAME" && others().any(|other| other.kind == "CNAME") {
        return Some(format!(
            "RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone {apex}"
        ));
    }
    let simple = record.set_identifier.is_none();
    if others().any(|other| other.kind == *kind && other.set_identifier.is_none() != simple) {
        return Some(format!(
            "RRSet with DNS name {name}, type {kind}, SetIdentifier {} cannot be created as a non-simple set with the same name and type exists, or the other way round",
            record.set_identifier.as_deref().unwrap_or("null")
        ));
    }
    None
}

/// An alias leads to a record of the same type in this zone or another of ours, to a load balancer that is there, or to
/// another name of AWS.
fn check_alias(
    world: &World,
    zone: &HostedZone,
    records: &BTreeMap<RecordKey, RecordSet>,
    record: &RecordSet,
    alias: &Alias,
) -> Option<String> {
    let (target, kind, zone_id) = (&alias.dns_name, &record.kind, &alias.zone_id);
    let tried = format!("Tried to create an alias that targets {target}, type {kind} in zone {zone_id}, ");
    let theirs = match world.dns.zones.get(zone_id) {
        Some(_) if *zone_id == zone.id => records,
        Some(other) => &other.records,
        None if is_within(target, "elb.amazonaws.com.") => return check_balancer(world, alias).map(|why| tried + why),
        None if is_within(target, "amazonaws.com.") || is_within(target, "cloudfront.net.") => return None,
        None => return Some(tried + OUTSIDE),
    };
    let found = theirs.values().any(|other| other.name == *target && other.kind == *kind);
    (!found).then(|| tried + MISSING)
}

const OUTSIDE: &str = "but the alias target name does not lie within the target zone";
const MISSING: &str = "but that target was not found";

/// What is wrong with an alias to a load balancer.
fn check_balancer(world: &World, alias: &Alias) -> Option<&'static str> {
    let name = alias.dns_name.strip_prefix("dualstack.").unwrap_or(&alias.dns_name);
    match world.balancing.load_balancers.values().find(|it| normalised(&it.dns_name) == name) {
        None => Some(MISSING),
        Some(balancer) if balancer.hosted_zone_id != alias.zone_id => Some(OUTSIDE),
        Some(_) => None,
    }
}

fn is_within(name: &str, apex: &str) -> bool {
    name.strip_suffix(apex).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change, plain, world};

    #[test]
    fn records_that_a_zone_may_not_hold_are_refused_with_the_reason() {
        let (mut world, zone) = world();
        change(&mut world, &zone, &plain("CREATE", "a.example.com", "A", "192.0.2.1")).unwrap();
        change(&mut world, &zone, &plain("CREATE", "c.example.com", "CNAME", "a.example.com")).unwrap();
        let weighted = plain("CREATE", "a.example.com", "A", "192.0.2.2")
            .replace("<TTL>", "<SetIdentifier>x</SetIdentifier><Weight>1</Weight><TTL>");
        for (record, reason) in [
            (plain("CREATE", "a.example.org", "A", "192.0.2.1"), "is not permitted in zone"),
            (plain("CREATE", "notexample.com", "A", "192.0.2.1"), "is not permitted in zone"),
            (plain("CREATE", "example.com", "CNAME", "a.example.com"), "not permitted at apex"),
            (plain("CREATE", "a.example.com", "CNAME", "b.example.com"), "conflicts with other records"),
            (plain("CREATE", "c.example.com", "A", "192.0.2.1"), "conflicting RRSet of type CNAME"),
            (plain("CREATE", "b.example.com", "A", "nonsense"), "Value is not a valid IPv4 address"),
            (plain("CREATE", "b.example.com", "TXT", "bare"), "enclosed in quotation marks"),
            (weighted, "non-simple"),
        ] {
            let (code, message) = change(&mut world, &zone, &record).unwrap_err();
            assert_eq!(code, "InvalidChangeBatch");
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn weighted_records_live_beside_each_other() {
        let (mut world, zone) = world();
        for id in ["blue", "green"] {
            let record = plain("CREATE", "w.example.com", "CNAME", &format!("{id}.example.com"))
                .replace("<TTL>", &format!("<SetIdentifier>{id}</SetIdentifier><Weight>1</Weight><TTL>"));
            change(&mut world, &zone, &record).unwrap();
        }
        assert_eq!(world.dns.zones.get(&zone).unwrap().records.len(), 4);
    }
}
