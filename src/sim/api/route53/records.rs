//! Lists of record sets: 300 a page, in the order of reversed labels.

use super::record_xml;
use super::{invalid_input, page_size, reply, zone};
use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;
use crate::sim::world::dns::{RecordKey, RecordSet, normalised, reversed};

/// Longest page of record sets.
const PAGE: usize = 300;

/// `ListResourceRecordSets`, from a name, a type and an identifier on.
pub fn list(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let zone = zone(world, request)?;
    let size = page_size(request, PAGE)?;
    let start = start(request)?;
    let mut rest = zone.records.range(start..).map(|(_, record)| record);
    let page: Vec<&RecordSet> = rest.by_ref().take(size).collect();
    let next = rest.next();
    Ok(reply("ListResourceRecordSets", |xml| {
        xml.within("ResourceRecordSets", |xml| page.iter().for_each(|record| record_xml::write(xml, record)));
        xml.leaf("IsTruncated", next.is_some());
        if let Some(next) = next {
            xml.leaf("NextRecordName", &next.name).leaf("NextRecordType", &next.kind);
            xml.optional("NextRecordIdentifier", next.set_identifier.as_ref());
        }
        xml.leaf("MaxItems", size);
    }))
}

fn start(request: &Request) -> Result<RecordKey, ApiError> {
    let get = |name| request.params.get(name).unwrap_or_default();
    let (name, kind, set_identifier) = (get("name"), get("type"), get("identifier"));
    if name.is_empty() && !kind.is_empty() {
        return Err(invalid_input("The input is not valid: a type is given without a name"));
    }
    if kind.is_empty() && !set_identifier.is_empty() {
        return Err(invalid_input("The input is not valid: an identifier is given without a type"));
    }
    let reversed = if name.is_empty() { String::new() } else { reversed(&normalised(name)) };
    Ok(RecordKey { reversed, kind: kind.to_owned(), set_identifier: set_identifier.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, change, plain, texts, world};

    #[test]
    fn a_long_zone_comes_in_pages_of_300_and_nothing_is_lost_between_them() {
        let (mut world, zone) = world();
        let changes: String =
            (0..700).map(|n| plain("CREATE", &format!("h{n}.example.com"), "A", "192.0.2.1")).collect();
        change(&mut world, &zone, &changes).unwrap();
        let (mut seen, mut path) = (Vec::new(), format!("hostedzone/{zone}/rrset"));
        loop {
            let body = ask(&mut world, "GET", &path, "").unwrap();
            let names = texts(&body, "Name");
            assert!(names.len() <= 300);
            seen.extend(names.iter().map(|name| (*name).to_owned()));
            match (texts(&body, "NextRecordName").first(), texts(&body, "NextRecordType").first()) {
                (Some(name), Some(kind)) => path = format!("hostedzone/{zone}/rrset?name={name}&type={kind}"),
                _ => break,
            }
        }
        assert_eq!(seen.len(), 702);
        assert_eq!(&seen[..2], ["example.com.", "example.com."]);
        let unique: std::collections::BTreeSet<_> = seen[2..].iter().collect();
        assert_eq!(unique.len(), 700);
    }

    #[test]
    fn a_list_can_start_anywhere() {
        let (mut world, zone) = world();
        change(&mut world, &zone, &plain("CREATE", "*.example.com", "A", "192.0.2.1")).unwrap();
        change(&mut world, &zone, &plain("CREATE", "www.example.com", "TXT", "&quot;a&quot;")).unwrap();
        let list = |world: &mut _, query: &str| ask(world, "GET", &format!("hostedzone/{zone}/rrset?{query}"), "");
        let body = list(&mut world, "name=b.example.com").unwrap();
        assert_eq!((texts(&body, "Name"), texts(&body, "Value")), (vec!["www.example.com."], vec!["&quot;a&quot;"]));
        let all = list(&mut world, "maxitems=999").unwrap();
        assert!(texts(&all, "Name").contains(&"\\052.example.com."));
        assert_eq!(list(&mut world, "type=A").unwrap_err().0, "InvalidInput");
        assert_eq!(ask(&mut world, "GET", "hostedzone/Z0/rrset", "").unwrap_err().0, "NoSuchHostedZone");
    }
}
