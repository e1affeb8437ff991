//! Hosted zones, records and changes.

use std::collections::BTreeMap;

use super::World;
use super::shelf::Shelf;
use crate::model::time::{Span, Timestamp};

/// How long a change takes to reach all name servers.
pub const PROPAGATION: Span = Span::seconds(45);

/// Hosted zones, records and changes.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// Zones by id, without `/hostedzone/`.
    pub zones: Shelf<HostedZone>,
    /// Changes by id, without `/change/`.
    pub changes: BTreeMap<String, Change>,
    /// Until when a zone, by id, refuses changes with `PriorRequestNotComplete`.
    pub busy_until: BTreeMap<String, Timestamp>,
}

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedZone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name in lower case, with the final dot.
    pub name: String,
    /// What the creator gave, so that a repeat creates nothing.
    pub caller_reference: String,
    /// The comment.
    pub comment: Option<String>,
    /// The VPC of a private zone.
    pub vpc_id: Option<String>,
    /// Its records.
    pub records: BTreeMap<RecordKey, RecordSet>,
}

/// What tells a record set from all others in its zone. The order is that of Route 53's lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// The labels of the name from the last to the first, each with a dot: `com.example.www.`
    pub reversed: String,
    /// `A`, `CNAME` …
    pub kind: String,
    /// The identifier of one of several records with the same name and type; empty for a simple record.
    pub set_identifier: String,
}

/// A record set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordSet {
    /// Its name in lower case, with the final dot.
    pub name: String,
    /// `A`, `CNAME` …
    pub kind: String,
    /// The identifier of one of several records with the same name and type.
    pub set_identifier: Option<String>,
    /// How one of several is chosen: `Weight`, `Region`, `Failover` or `MultiValueAnswer`, and its value.
    pub routing: Option<(String, String)>,
    /// Seconds that resolvers may keep it; none for an alias.
    pub ttl: Option<u64>,
    /// The values of any record but an alias.
    pub values: Vec<String>,
    /// Where an alias leads.
    pub alias: Option<Alias>,
    /// The health check that it depends on.
    pub health_check: Option<String>,
}

/// Where an alias leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The hosted zone of the name.
    pub zone_id: String,
    /// The name in lower case, with the final dot.
    pub dns_name: String,
    /// Whether Route 53 heeds the health of what it leads to.
    pub evaluate_target_health: bool,
}

/// A change on its way to all name servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When it has reached all name servers.
    pub insync_at: Timestamp,
    /// The comment.
    pub comment: Option<String>,
}

impl RecordSet {
    /// Its key.
    pub fn key(&self) -> RecordKey {
        RecordKey {
            reversed: reversed(&self.name),
            kind: self.kind.clone(),
            set_identifier: self.set_identifier.clone().unwrap_or_default(),
        }
    }
}

impl World {
    /// Creates a hosted zone with its NS and SOA records, and gives its id. `name` is taken as it is: lower case, with the final dot.
    pub fn create_zone(&mut self, name: &str, caller_reference: &str, vpc_id: Option<String>) -> String {
        let id = self.route53_id('Z');
        self.add_zone(&id, name, caller_reference, vpc_id);
        id
    }

    /// The same with an id of one's own.
    pub fn add_zone(&mut self, id: &str, name: &str, caller_reference: &str, vpc_id: Option<String>) {
        let mut zone = HostedZone {
            id: id.to_owned(),
            name: name.to_owned(),
            caller_reference: caller_reference.to_owned(),
            comment: None,
            vpc_id,
            records: BTreeMap::new(),
        };
        let simple = |kind: &str, ttl, values| RecordSet {
            name: name.to_owned(),
            kind: kind.to_owned(),
            ttl: Some(ttl),
            values,
            ..RecordSet::default()
        };
        let servers = name_servers();
        let soa = format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", servers[0]);
        let servers = servers.map(|server| format!("{server}.")).to_vec();
        for record in [simple("NS", 172_800, servers), simple("SOA", 900, vec![soa])] {
            zone.records.insert(record.key(), record);
        }
        self.dns.zones.insert(id, zone);
    }

    /// Begins a change, and gives its id.
    pub fn begin_change(&mut self, comment: Option<String>) -> String {
        let id = self.route53_id('C');
        let now = self.now;
        // Changes that are done for an hour would only make the world larger.
        self.dns.changes.retain(|_, change| Span::hours(1).after(change.insync_at) > now);
        let change = Change { submitted_at: now, insync_at: PROPAGATION.after(now), comment };
        self.dns.changes.insert(id.clone(), change);
        id
    }

    fn route53_id(&mut self, prefix: char) -> String {
        format!("{prefix}{:016X}{:04X}", self.fresh_number(), 0x5153)
    }
}

/// The name servers of every zone, without the final dot.
pub fn name_servers() -> [String; 4] {
    [("00", "com"), ("01", "net"), ("02", "org"), ("03", "co.uk")]
        .map(|(number, top)| format!("ns-{number}.awsdns-{number}.{top}"))
}

/// A name as Route 53 keeps it: lower case, with the final dot, and other characters than letters, digits, hyphens and
/// underscores as octal escapes (`\052` for the star).
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
pub fn normalised(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 1);
    for byte in name.bytes() {
        match byte.to_ascii_lowercase() {
            // A backslash begins an escape that was written already.
            byte @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\\') => text.push(char::from(byte)),
            byte => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// The labels from the last to the first, each with a dot. As in Route 53's lists, the dots take part in the order.
pub fn reversed(name: &str) -> String {
    name.trim_end_matches('.').rsplit('.').flat_map(|label| [label, "."]).collect()
}

/// What has happened by `world.now`: nothing, since whether a change is in sync follows from the time.
pub fn tick(_world: &mut World) {}

/// When the next thing happens by itself.
pub fn next_event(_world: &World) -> Option<Timestamp> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_ordered_as_route_53_does() {
        assert_eq!(normalised("*.Example.COM"), "\\052.example.com.");
        assert_eq!(normalised("a.b."), "a.b.");
        assert_eq!(reversed("www.example.com."), "com.example.www.");
        let mut names = ["www.example.com.", "a-b.example.com.", "example.com.", "x.a.example.com.", "a.example.com."];
        names.sort_by_key(|name| reversed(name));
        // The hyphen comes before the dot in ASCII.
        assert_eq!(
            names,
            ["example.com.", "a-b.example.com.", "a.example.com.", "x.a.example.com.", "www.example.com."]
        );
    }
}
