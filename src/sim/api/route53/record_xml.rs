//! Record sets in XML.

use super::invalid_input;
use crate::sim::wire::element::Element;
use crate::sim::wire::{ApiError, Xml};
use crate::sim::world::dns::{Alias, RecordSet, normalised};

/// The types of records.
const KINDS: [&str; 17] = [
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB",
    "TLSA", "TXT",
];

/// The elements that tell how one of several records is chosen.
const ROUTING: [&str; 4] = ["Weight", "Region", "Failover", "MultiValueAnswer"];

/// Reads a `ResourceRecordSet`, and checks what can be checked without its zone.
pub fn read(element: &Element) -> Result<RecordSet, ApiError> {
    let text = |name: &str| element.text_of(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = text("Name").ok_or_else(|| invalid_input("Invalid XML ; Name is missing"))?;
    let kind = text("Type").filter(|kind| KINDS.contains(&kind.as_str()));
    let kind = kind.ok_or_else(|| invalid_input("Invalid XML ; Type is missing or unknown"))?;
    let ttl = text("TTL").map(|ttl| ttl.parse::<u32>().map(u64::from)).transpose();
    let ttl = ttl.map_err(|_| invalid_input("Invalid XML ; TTL must be between 0 and 2147483647"))?;
    let records = element.child("ResourceRecords");
    let values = records.iter().flat_map(|records| &records.children).filter_map(|record| record.text_of("Value"));
    let record = RecordSet {
        name: normalised(&name),
        kind,
        set_identifier: text("SetIdentifier"),
        routing: ROUTING.iter().find_map(|name| text(name).map(|value| ((*name).to_owned(), value))),
        ttl,
        values: values.map(str::to_owned).collect(),
        alias: element.child("AliasTarget").map(read_alias).transpose()?,
        health_check: text("HealthCheckId"),
    };
    let weight_ok = record
        .routing
        .as_ref()
        .is_none_or(|(name, value)| name != "Weight" || value.parse::<u16>().is_ok_and(|weight| weight <= 255));
    let complete = if record.alias.is_some() {
        record.ttl.is_none() && record.values.is_empty()
    } else {
        record.ttl.is_some() && !record.values.is_empty()
    };
    let message = match (complete, weight_ok, record.set_identifier.is_some() == record.routing.is_some()) {
        (true, true, true) => return Ok(record),
        (false, _, _) => {
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none or more than one in Change with [Action, Name, Type, SetIdentifier]"
        }
        (_, false, _) => "Invalid XML ; Weight must be between 0 and 255",
        (_, _, false) => {
            "Invalid request: Missing field 'SetIdentifier', or one of Weight, Region, Failover and MultiValueAnswer"
        }
    };
    Err(invalid_input(message))
}

fn read_alias(element: &Element) -> Result<Alias, ApiError> {
    let text = |name: &str| {
        let text = element.text_of(name).filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid_input(format!("Invalid XML ; {name} is missing in AliasTarget")))
    };
    Ok(Alias {
        zone_id: super::bare(text("HostedZoneId")?).to_owned(),
        dns_name: normalised(text("DNSName")?),
        evaluate_target_health: match text("EvaluateTargetHealth")? {
            "true" => true,
            "false" => false,
            _ => return Err(invalid_input("Invalid XML ; EvaluateTargetHealth must be true or false")),
        },
    })
}

/// Writes a record set.
pub fn write(xml: &mut Xml, record: &RecordSet) {
    xml.within("ResourceRecordSet", |xml| {
        xml.leaf("Name", &record.name).leaf("Type", &record.kind);
        xml.optional("SetIdentifier", record.set_identifier.as_ref());
        if let Some((name, value)) = &record.routing {
            xml.leaf(name, value);
        }
        xml.optional("TTL", record.ttl);
        if !record.values.is_empty() {
            xml.list("ResourceRecords", "ResourceRecord", &record.values, |xml, value| {
                xml.leaf("Value", value);
            });
        }
        if let Some(alias) = &record.alias {
            xml.within("AliasTarget", |xml| {
                xml.leaf("HostedZoneId", &alias.zone_id).leaf("DNSName", &alias.dns_name);
                xml.leaf("EvaluateTargetHealth", alias.evaluate_target_health);
            });
        }
        xml.optional("HealthCheckId", record.health_check.as_ref());
    });
}
