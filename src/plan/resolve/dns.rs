//! The records that lead to an app by its name, and the zone that holds them.

use crate::model::observed::{AliasTarget, DnsRecord, LoadBalancer, Observed, Read, Zone};
use crate::model::spec::{AppSpec, Dns, EnvironmentSpec, IpAddressType, LoadBalancer as LoadBalancerSpec, RecordType};
use crate::model::time::Span;
use crate::plan::index::Index;

/// What AWS has for an alias to a load balancer.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html>
pub(in crate::plan) const ALIAS_TTL: u64 = 60;

/// How long resolvers may keep a CNAME unless the manifest says it.
const CNAME_TTL: Span = Span::seconds(60);

/// The zone of the app's name. Without a name, the zone all the same if it can be read: an earlier name may be in it.
///
/// # Errors
/// When the name cannot be in it.
pub(super) fn zone<'a>(
    spec: &AppSpec,
    environment: &EnvironmentSpec,
    observed: &'a Observed,
) -> Result<Option<Read<&'a Zone>>, String> {
    let named = environment.dns_zone.as_deref().unwrap_or_default();
    let zone = match &observed.zone {
        Some(Read::Known(zone)) => Some(Read::Known(zone)),
        // The end of an app must not leave a name behind because nobody could see it.
        Some(Read::Unknown(why)) if spec.dns.is_some() || spec.destroy => {
            Some(Read::Unknown(format!("the hosted zone {named} could not be read: {why}")))
        }
        _ => None,
    };
    let Some(dns) = &spec.dns else { return Ok(zone) };
    let name = plain(&dns.name);
    match zone {
        None => Err("dns.name is set, but the environment names no dnsZone".to_owned()),
        Some(Read::Known(zone)) if name != zone.name && !name.ends_with(&format!(".{}", zone.name)) => {
            Err(format!("dns.name {} is not in the zone {}", dns.name, zone.name))
        }
        zone => Ok(zone),
    }
}

/// A name as records have it.
pub(in crate::plan) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The records by which a name leads to a load balancer.
pub(in crate::plan) fn records(dns: &Dns, spec: &LoadBalancerSpec, balancer: &LoadBalancer) -> Vec<DnsRecord> {
    let record = |kind: &str| DnsRecord {
        name: plain(&dns.name),
        kind: kind.to_owned(),
        alias: None,
        values: Vec::new(),
        ttl: None,
        set_identifier: None,
    };
    if dns.kind == RecordType::Cname {
        let ttl = dns.ttl.unwrap_or(CNAME_TTL).as_seconds();
        return vec![DnsRecord { values: vec![plain(&balancer.dns_name)], ttl: Some(ttl), ..record("CNAME") }];
    }
    let alias = |kind: &str| DnsRecord {
        alias: Some(AliasTarget {
            dns_name: plain(&balancer.dns_name),
            zone_id: balancer.hosted_zone_id.clone(),
            evaluate_target_health: dns.evaluate_target_health,
        }),
        ..record(kind)
    };
    let mut records = vec![alias("A")];
    if has_ipv6(dns, spec) {
        records.push(alias("AAAA"));
    }
    records
}

/// Whether the name has IPv6 addresses.
fn has_ipv6(dns: &Dns, spec: &LoadBalancerSpec) -> bool {
    let dualstack = match spec {
        LoadBalancerSpec::Own(own) => own.ip_address_type == Some(IpAddressType::Dualstack),
        LoadBalancerSpec::None | LoadBalancerSpec::Shared(_) => false,
    };
    dns.ipv6.unwrap_or(dualstack)
}

/// Whether a record leads to a load balancer of this name that is gone: its DNS name is that of a load balancer so called, and
/// none of those that there are has it. As long as they are not known, it leads to none.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>
pub(in crate::plan) fn leads_to_former(record: &DnsRecord, name: &str, index: &Index<'_>) -> bool {
    let target = match (&record.alias, record.values.as_slice()) {
        _ if record.set_identifier.is_some() => return false,
        (Some(alias), _) => plain(&alias.dns_name),
        (None, [value]) if record.kind == "CNAME" => plain(value),
        _ => return false,
    };
    let Some((host, domain)) = target.split_once('.') else { return false };
    let host = host.strip_prefix("internal-").unwrap_or(host);
    let id = host.strip_prefix(&name.to_ascii_lowercase()).and_then(|rest| rest.strip_prefix('-'));
    let is_id = id.is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric()));
    let is_balancer = domain.split('.').any(|part| part == "elb") && domain.contains("amazonaws.com");
    is_id && is_balancer && index.has_balancer_named(&target) == Some(false)
}

/// Whether a record leads to a load balancer, and to nothing else.
pub(in crate::plan) fn leads_to(record: &DnsRecord, balancer: &LoadBalancer) -> bool {
    let target = plain(&balancer.dns_name);
    if record.set_identifier.is_some() {
        return false;
    }
    match (&record.alias, record.values.as_slice()) {
        (Some(alias), _) => alias.dns_name == target,
        (None, [value]) => record.kind == "CNAME" && plain(value) == target,
        _ => false,
    }
}
