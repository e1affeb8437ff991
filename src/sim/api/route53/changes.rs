//! Batches of changes, all or nothing, and how far they have come.

use std::collections::BTreeMap;

use super::{body, id_of, invalid_input, record_xml, reply, rules, zone};
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::dns::{RecordKey, RecordSet};

/// Most records of a batch; those of an UPSERT count twice.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
const MAX_RECORDS: usize = 1_000;

/// Most characters in the values of a batch; those of an UPSERT count twice.
const MAX_CHARACTERS: usize = 32_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Upsert,
    Delete,
}

/// `ChangeResourceRecordSets`.
pub fn change(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let zone = zone(world, request)?;
    let (id, now) = (zone.id.clone(), world.now);
    if world.dns.busy_until.get(&id).is_some_and(|until| *until > now) {
        let message = "The request was rejected because Route 53 was still processing a prior request.";
        return Err(ApiError::new("PriorRequestNotComplete", message));
    }
    let (batch, comment) = read_batch(request)?;
    check_size(&batch)?;
    let mut records = zone.records.clone();
    let mut wrong = Vec::new();
    for (verb, record) in &batch {
        if let Err(message) = rules::check_value(record).and_then(|()| apply(&mut records, *verb, record)) {
            wrong.push(message);
        }
    }
    wrong.append(&mut rules::check_zone(world, zone, &records, batch.iter().map(|(_, record)| record)));
    if !wrong.is_empty() {
        return Err(ApiError::new("InvalidChangeBatch", format!("[{}]", wrong.join(", "))));
    }
    if let Some(zone) = world.dns.zones.get_mut(&id) {
        zone.records = records;
    }
    let change = world.begin_change(comment);
    Ok(reply("ChangeResourceRecordSets", |xml| write(xml, world, &change)))
}

/// `GetChange`.
pub fn get(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let id = id_of(request);
    if !world.dns.changes.contains_key(id) {
        let message = format!("Could not find resource with ID: {id}");
        return Err(ApiError::new("NoSuchChange", message).with_status(404));
    }
    Ok(reply("GetChange", |xml| write(xml, world, id)))
}

/// Writes a `ChangeInfo`.
pub fn write(xml: &mut Xml, world: &World, id: &str) {
    if let Some(change) = world.dns.changes.get(id) {
        let status = if change.insync_at <= world.now { "INSYNC" } else { "PENDING" };
        xml.within("ChangeInfo", |xml| {
            xml.leaf("Id", format!("/change/{id}")).leaf("Status", status).time("SubmittedAt", change.submitted_at);
            xml.optional("Comment", change.comment.as_ref());
        });
    }
}

type Batch = Vec<(Verb, RecordSet)>;

fn read_batch(request: &Request) -> Result<(Batch, Option<String>), ApiError> {
    let body = body(request, "ChangeResourceRecordSetsRequest")?;
    let batch = body.child("ChangeBatch").ok_or_else(|| invalid_input("Invalid XML ; ChangeBatch is missing"))?;
    let changes = batch.child("Changes").map(|changes| changes.children.as_slice()).unwrap_or_default();
    if changes.is_empty() {
        return Err(invalid_input("Invalid XML ; Changes must hold one change at least"));
    }
    let read = |change: &crate::sim::wire::element::Element| {
        let verb = match change.text_of("Action") {
            Some("CREATE") => Verb::Create,
            Some("UPSERT") => Verb::Upsert,
            Some("DELETE") => Verb::Delete,
            _ => return Err(invalid_input("Invalid XML ; Action must be CREATE, DELETE or UPSERT")),
        };
        let record = change.child("ResourceRecordSet");
        let record = record.ok_or_else(|| invalid_input("Invalid XML ; ResourceRecordSet is missing"))?;
        Ok((verb, record_xml::read(record)?))
    };
    let batch_read = changes.iter().map(read).collect::<Result<Batch, ApiError>>()?;
    Ok((batch_read, batch.text_of("Comment").map(str::to_owned)))
}

fn check_size(batch: &Batch) -> Result<(), ApiError> {
    let times = |verb: Verb| if verb == Verb::Upsert { 2 } else { 1 };
    let records: usize = batch.iter().map(|(verb, record)| times(*verb) * record.values.len().max(1)).sum();
    let length = |record: &RecordSet| record.values.iter().map(|value| value.chars().count()).sum::<usize>();
    let characters: usize = batch.iter().map(|(verb, record)| times(*verb) * length(record)).sum();
    let exceeded = |what: &str, most: usize| {
        Err(ApiError::new("InvalidChangeBatch", format!("[Number of {what} limit of {most} exceeded.]")))
    };
    if records > MAX_RECORDS {
        return exceeded("records", MAX_RECORDS);
    }
    if characters > MAX_CHARACTERS {
        return exceeded("characters", MAX_CHARACTERS);
    }
    Ok(())
}

/// Carries out one change, or says why it cannot be.
fn apply(records: &mut BTreeMap<RecordKey, RecordSet>, verb: Verb, record: &RecordSet) -> Result<(), String> {
    let key = record.key();
    let present = records.get(&key);
    let named = rules::named(record);
    match verb {
        Verb::Create if present.is_some() => {
            Err(format!("Tried to create resource record set {named} but it already exists"))
        }
        Verb::Create | Verb::Upsert => {
            records.insert(key, record.clone());
            Ok(())
        }
        Verb::Delete => match present {
            None => Err(format!("Tried to delete resource record set {named} but it was not found")),
            Some(present) if !same(present, record) => Err(format!(
                "Tried to delete resource record set {named} but the values provided do not match the current values"
            )),
            Some(_) => {
                records.remove(&key);
                Ok(())
            }
        },
    }
}

/// Whether two record sets say the same; the order of values says nothing.
fn same(one: &RecordSet, other: &RecordSet) -> bool {
    let sorted = |record: &RecordSet| {
        let mut record = record.clone();
        record.values.sort();
        record
    };
    sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, change, plain, texts, world};
    use crate::model::time::Span;
    use crate::sim::world::World;
    use crate::sim::world::balancing::LoadBalancer;

    fn alias(action: &str, name: &str, target: &str, zone: &str) -> String {
        format!(
            "<Change><Action>{action}</Action><ResourceRecordSet><Name>{name}</Name><Type>A</Type><AliasTarget>\
             <HostedZoneId>{zone}</HostedZoneId><DNSName>{target}</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth>\
             </AliasTarget></ResourceRecordSet></Change>"
        )
    }

    fn add_balancer(world: &mut World, dns_name: &str, hosted_zone_id: &str) {
        let balancer = LoadBalancer {
            arn: "arn".into(),
            name: "hello".into(),
            kind: "application".into(),
            scheme: "internal".into(),
            dns_name: dns_name.into(),
            hosted_zone_id: hosted_zone_id.into(),
            vpc_id: "vpc-1".into(),
            zones: Default::default(),
            security_group_ids: Vec::new(),
            ip_address_type: "ipv4".into(),
            created_at: world.now,
            attributes: Default::default(),
            tags: Default::default(),
        };
        world.balancing.load_balancers.insert("arn", balancer);
    }

    #[test]
    fn a_change_is_pending_and_then_in_sync() {
        let (mut world, zone) = world();
        let body = change(&mut world, &zone, &plain("UPSERT", "WWW.example.com", "A", "192.0.2.1")).unwrap();
        assert_eq!(texts(&body, "Status"), ["PENDING"]);
        let path = texts(&body, "Id")[0].trim_start_matches('/').to_owned();
        assert_eq!(texts(&ask(&mut world, "GET", &path, "").unwrap(), "Status"), ["PENDING"]);
        world.advance(Span::seconds(60).after(world.now));
        assert_eq!(texts(&ask(&mut world, "GET", &path, "").unwrap(), "Status"), ["INSYNC"]);
        assert_eq!(ask(&mut world, "GET", "change/C0", "").unwrap_err().0, "NoSuchChange");
    }

    #[test]
    fn a_batch_is_all_or_nothing_and_says_everything_that_is_wrong() {
        let (mut world, zone) = world();
        change(&mut world, &zone, &plain("CREATE", "a.example.com", "A", "192.0.2.1")).unwrap();
        let batch = [
            plain("CREATE", "b.example.com", "A", "192.0.2.2"),
            plain("CREATE", "a.example.com", "A", "192.0.2.2"),
            plain("DELETE", "c.example.com", "A", "192.0.2.2"),
            plain("DELETE", "a.example.com", "A", "192.0.2.9"),
        ]
        .concat();
        let (code, message) = change(&mut world, &zone, &batch).unwrap_err();
        assert_eq!(code, "InvalidChangeBatch");
        assert_eq!(
            message,
            "[Tried to create resource record set [name='a.example.com.', type='A'] but it already exists, \
             Tried to delete resource record set [name='c.example.com.', type='A'] but it was not found, \
             Tried to delete resource record set [name='a.example.com.', type='A'] but the values provided do not match the current values]"
        );
        assert_eq!(world.dns.zones.get(&zone).unwrap().records.len(), 3);
        // Within a batch, changes follow each other.
        let moved = [
            plain("DELETE", "a.example.com", "A", "192.0.2.1"),
            plain("CREATE", "a.example.com", "CNAME", "b.example.com"),
        ];
        change(&mut world, &zone, &moved.concat()).unwrap();
    }

    #[test]
    fn aliases_lead_to_load_balancers_or_to_records_of_the_zone() {
        let (mut world, zone) = world();
        let balancer = "dualstack.hello-1.us-west-2.elb.amazonaws.com";
        let to_balancer = |zone: &str| alias("UPSERT", "www.example.com", balancer, zone);
        let missing = change(&mut world, &zone, &to_balancer("Z1H1FL5HABSF5")).unwrap_err().1;
        assert!(missing.contains("but that target was not found"), "{missing}");
        add_balancer(&mut world, "Hello-1.us-west-2.elb.amazonaws.com", "Z1H1FL5HABSF5");
        let elsewhere = change(&mut world, &zone, &to_balancer("Z35SXDOTRQ7X7K")).unwrap_err().1;
        assert!(elsewhere.contains("does not lie within the target zone"), "{elsewhere}");
        change(&mut world, &zone, &to_balancer("Z1H1FL5HABSF5")).unwrap();
        change(&mut world, &zone, &alias("UPSERT", "w3.example.com", "www.example.com", &zone)).unwrap();
        let dangling = change(&mut world, &zone, &alias("UPSERT", "w4.example.com", "no.example.com", &zone));
        assert!(dangling.unwrap_err().1.contains("but that target was not found"));
        let foreign = change(&mut world, &zone, &alias("UPSERT", "w4.example.com", "example.org", "Z1H1FL5HABSF5"));
        assert!(foreign.unwrap_err().1.contains("does not lie within the target zone"));
        // An alias is deleted by exactly what it is.
        let other = alias("DELETE", "www.example.com", "other-1.us-west-2.elb.amazonaws.com", "Z1H1FL5HABSF5");
        assert!(change(&mut world, &zone, &other).unwrap_err().1.contains("do not match the current values"));
        let exact = [
            alias("DELETE", "w3.example.com", "www.example.com", &zone),
            alias("DELETE", "www.example.com", balancer, "Z1H1FL5HABSF5"),
        ];
        change(&mut world, &zone, &exact.concat()).unwrap();
    }

    #[test]
    fn a_batch_may_have_1000_records_and_an_upsert_counts_twice() {
        let (mut world, zone) = world();
        let upserts = |count: usize| -> String {
            (0..count).map(|n| plain("UPSERT", &format!("h{n}.example.com"), "A", "192.0.2.1")).collect()
        };
        assert_eq!(change(&mut world, &zone, &upserts(501)).unwrap_err().0, "InvalidChangeBatch");
        change(&mut world, &zone, &upserts(500)).unwrap();
        let long = plain("UPSERT", "t.example.com", "TXT", &format!("\"{}\"", "x".repeat(16_000)));
        assert!(change(&mut world, &zone, &long).unwrap_err().1.contains("characters"));
    }

    #[test]
    fn a_busy_zone_refuses_changes_until_it_is_done() {
        let (mut world, zone) = world();
        world.dns.busy_until.insert(zone.clone(), Span::seconds(10).after(world.now));
        let record = plain("UPSERT", "www.example.com", "A", "192.0.2.1");
        assert_eq!(change(&mut world, &zone, &record).unwrap_err().0, "PriorRequestNotComplete");
        world.advance(Span::seconds(10).after(world.now));
        change(&mut world, &zone, &record).unwrap();
    }

    #[test]
    fn malformed_requests_change_nothing() {
        let (mut world, zone) = world();
        for changes in [
            "",
            "<Change/>",
            "<Change><Action>DROP</Action></Change>",
            &plain("UPSERT", "", "A", "192.0.2.1"),
            &plain("UPSERT", "a.example.com", "B", "192.0.2.1"),
            &alias("UPSERT", "a.example.com", "", "Z1"),
            &plain("UPSERT", "a.example.com", "A", "192.0.2.1").replace("<TTL>60</TTL>", ""),
            &plain("UPSERT", "a.example.com", "A", "192.0.2.1").replace("<TTL>60</TTL>", "<TTL>-1</TTL>"),
            &plain("UPSERT", "a.example.com", "A", "1").replace("<TTL>", "<SetIdentifier>x</SetIdentifier><TTL>"),
        ] {
            assert_eq!(change(&mut world, &zone, changes).unwrap_err().0, "InvalidInput", "{changes}");
        }
        assert_eq!(world.dns.zones.get(&zone).unwrap().records.len(), 2);
    }
}
