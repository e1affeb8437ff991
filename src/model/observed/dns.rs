//! Hosted zones and their records.

use serde::{Deserialize, Serialize};

/// A hosted zone with its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its name, without the final dot.
    pub name: String,
    /// Its records.
    pub records: Vec<DnsRecord>,
}

/// A record set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecord {
    /// Its name in lower case, without the final dot.
    pub name: String,
    /// `A`, `CNAME` …
    pub kind: String,
    /// Where an alias record leads: the DNS name without final dot and in lower case, and its zone.
    pub alias: Option<AliasTarget>,
    /// The values of any other record.
    pub values: Vec<String>,
    /// Seconds that resolvers may keep it; none for an alias.
    pub ttl: Option<u64>,
    /// The set identifier of a weighted, latency or failover record, which are never ours.
    pub set_identifier: Option<String>,
}

/// Where an alias record leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasTarget {
    /// The DNS name of the load balancer, without `dualstack.` and final dot, in lower case.
    pub dns_name: String,
    /// The hosted zone of that name.
    pub zone_id: String,
    /// Whether Route 53 heeds the health of the load balancer's targets.
    pub evaluate_target_health: bool,
}
