//! The environment's hosted zone with its records, 300 a page, names in one form.

use aws_sdk_route53::types as r53;

use crate::aws::batch::pages;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::observed::{AliasTarget, DnsRecord, Zone};
use crate::model::text::cleaned;

/// The zone of this name or id with all its records.
///
/// # Errors
/// When it cannot be read whole, when there is none, and when several zones (a public and a private one) have the name:
/// which one is meant is not for us to guess.
pub async fn zone(aws: &Aws, name_or_id: &str) -> Result<Zone, AwsError> {
    let (id, name) = match zone_id(name_or_id) {
        Some(id) => (id.to_owned(), name_of(aws, id).await?),
        None => by_name(aws, &plain_name(name_or_id)).await?,
    };
    let records = records(aws, &id).await?;
    Ok(Zone { id, name, records: records.iter().map(record).collect() })
}

/// The id, if the text is one: `Z` and capitals and digits, which no domain name is.
fn zone_id(text: &str) -> Option<&str> {
    let id = text.strip_prefix("/hostedzone/").unwrap_or(text);
    let plain = id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (id.starts_with('Z') && plain).then_some(id)
}

async fn name_of(aws: &Aws, id: &str) -> Result<String, AwsError> {
    let call = Call::new("route53", "GetHostedZone", id);
    let zone = aws.read(call.clone(), aws.route53.get_hosted_zone().id(id).send()).await?;
    match zone.hosted_zone() {
        Some(zone) => Ok(plain_name(zone.name())),
        None => Err(AwsError::not_understood(call, "AWS did not say the zone's name")),
    }
}

async fn by_name(aws: &Aws, name: &str) -> Result<(String, String), AwsError> {
    let call = Call::new("route53", "ListHostedZonesByName", name);
    // Zones come in the order of their names, from this one on: those of the same name are on the first page.
    let request = aws.route53.list_hosted_zones_by_name().dns_name(format!("{name}.")).max_items(100);
    let page = aws.read(call.clone(), request.send()).await?;
    let zones: Vec<&r53::HostedZone> =
        page.hosted_zones().iter().filter(|zone| plain_name(zone.name()) == name).collect();
    match zones.as_slice() {
        [zone] => Ok((bare_id(zone.id()).to_owned(), name.to_owned())),
        [] => Err(AwsError::conflict(call, format!("the account has no hosted zone {name}"))),
        several => {
            let list: Vec<String> = several.iter().map(|zone| described(zone)).collect();
            let list = list.join(", ");
            Err(AwsError::conflict(call, format!("several hosted zones are called {name}: {list}; name one by its id")))
        }
    }
}

fn described(zone: &r53::HostedZone) -> String {
    let private = zone.config().is_some_and(r53::HostedZoneConfig::private_zone);
    format!("{} ({})", bare_id(zone.id()), if private { "private" } else { "public" })
}

fn bare_id(id: &str) -> &str {
    id.strip_prefix("/hostedzone/").unwrap_or(id)
}

async fn records(aws: &Aws, zone_id: &str) -> Result<Vec<r53::ResourceRecordSet>, AwsError> {
    let call = Call::new("route53", "ListResourceRecordSets", zone_id);
    pages(call.clone(), |from: Option<(String, Option<r53::RrType>, Option<String>)>| {
        let (name, kind, identifier) = from.map_or((None, None, None), |(name, kind, id)| (Some(name), kind, id));
        let request = aws
            .route53
            .list_resource_record_sets()
            .hosted_zone_id(zone_id)
            .max_items(300)
            .set_start_record_name(name)
            .set_start_record_type(kind)
            .set_start_record_identifier(identifier);
        let call = call.clone();
        async move {
            let page = aws.read(call.clone(), request.send()).await?;
            let next = match (page.is_truncated, page.next_record_name) {
                (false, _) => None,
                (true, Some(name)) => Some((name, page.next_record_type, page.next_record_identifier)),
                (true, None) => return Err(AwsError::not_understood(call, "AWS did not say where the list goes on")),
            };
            Ok((page.resource_record_sets, next))
        }
    })
    .await
}

/// The record sets of one name and kind, exactly as AWS holds them.
///
/// # Errors
/// When they cannot be read.
pub async fn exact(aws: &Aws, zone_id: &str, wanted: &DnsRecord) -> Result<Vec<r53::ResourceRecordSet>, AwsError> {
    let call = Call::new("route53", "ListResourceRecordSets", &wanted.name);
    let request = aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone_id)
        .start_record_name(format!("{}.", wanted.name))
        .start_record_type(wanted.kind.as_str().into())
        .max_items(100);
    let page = aws.read(call, request.send()).await?;
    let same =
        |set: &r53::ResourceRecordSet| plain_name(set.name()) == wanted.name && set.r#type().as_str() == wanted.kind;
    Ok(page.resource_record_sets.into_iter().filter(same).collect())
}

/// A record set as the model has it.
pub fn record(set: &r53::ResourceRecordSet) -> DnsRecord {
    DnsRecord {
        name: plain_name(set.name()),
        kind: set.r#type().as_str().to_owned(),
        alias: set.alias_target().map(|target| AliasTarget {
            dns_name: without_dualstack(plain_name(target.dns_name())),
            zone_id: target.hosted_zone_id().to_owned(),
            evaluate_target_health: target.evaluate_target_health(),
        }),
        values: set.resource_records().iter().map(|record| cleaned(record.value())).collect(),
        ttl: set.ttl().filter(|_| set.alias_target().is_none()).and_then(|seconds| u64::try_from(seconds).ok()),
        set_identifier: set.set_identifier().map(str::to_owned),
    }
}

/// Load balancers answer under both names; the console writes the longer one.
fn without_dualstack(name: String) -> String {
    name.strip_prefix("dualstack.").map(str::to_owned).unwrap_or(name)
}

/// A DNS name in one form: lower case, no final dot, and Route 53's octal escapes (`\052` for `*`) undone.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
pub fn plain_name(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'\\').then(|| octal(bytes.get(at + 1..at + 4)?)).flatten();
        plain.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 4 } else { 1 };
    }
    let plain = cleaned(&String::from_utf8_lossy(&plain).to_lowercase());
    plain.strip_suffix('.').map(str::to_owned).unwrap_or(plain)
}

/// A byte written as three octal digits.
fn octal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, digit| {
        let digit = matches!(digit, b'0'..=b'7').then(|| digit - b'0')?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        for (name, plain) in [
            ("Hello.Example.COM.", "hello.example.com"),
            ("\\052.example.com.", "*.example.com"),
            ("a\\100b.example.com", "a@b.example.com"),
            ("\\05", "\\05"),
            ("\\999.x", "\\999.x"),
            ("\\777.x", "\\777.x"),
            ("\\", "\\"),
            ("", ""),
            (".", ""),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }

    #[test]
    fn an_alias_is_the_same_with_and_without_dualstack() {
        let set = |target: &str| {
            let alias = r53::AliasTarget::builder()
                .dns_name(target)
                .hosted_zone_id("Z1H1FL5HABSF5")
                .evaluate_target_health(false)
                .build()
                .unwrap();
            r53::ResourceRecordSet::builder()
                .name("a.example.com.")
                .r#type(r53::RrType::A)
                .alias_target(alias)
                .build()
                .unwrap()
        };
        let plain = record(&set("internal-web-1.us-west-2.elb.amazonaws.com."));
        let console = record(&set("dualstack.Internal-web-1.us-west-2.elb.amazonaws.com"));
        assert_eq!(plain, console);
        assert_eq!(plain.ttl, None);
    }

    #[test]
    fn ids_and_names_of_zones_are_told_apart() {
        assert_eq!(zone_id("Z0123ABC"), Some("Z0123ABC"));
        assert_eq!(zone_id("/hostedzone/Z0123ABC"), Some("Z0123ABC"));
        for name in ["example.com", "Zebra.example.com", "zone", "Zone", ""] {
            assert_eq!(zone_id(name), None, "{name}");
        }
    }
}
