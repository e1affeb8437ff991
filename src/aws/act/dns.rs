//! Records: one batch of changes, done when Route 53 says that all its servers have it.

use std::time::Duration;

use aws_sdk_route53::types as r53;

use super::Done;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::aws::observe::dns;
use crate::model::observed::DnsRecord;
use crate::model::time::Span;

/// Route 53 takes a minute as a rule.
const IN_SYNC_WITHIN: Span = Span::minutes(3);
const POLL: Duration = Duration::from_secs(5);

/// Deletes and writes records in one batch, all or nothing. Route 53 deletes only what is named to the letter, so that
/// is read first: what is gone already is left out, and what is no longer what was seen stays.
pub(super) async fn change(
    aws: &Aws,
    call: Call,
    zone_id: &str,
    delete: &[DnsRecord],
    upsert: &[DnsRecord],
) -> Result<Done, AwsError> {
    let mut changes = Vec::new();
    let build = |action: r53::ChangeAction, set: r53::ResourceRecordSet| {
        let change = r53::Change::builder().action(action).resource_record_set(set).build();
        change.map_err(|error| AwsError::not_sent(call.clone(), error))
    };
    for record in delete {
        let sets = match dns::exact(aws, zone_id, record).await {
            Ok(sets) => sets,
            Err(error) if error.is_missing() => continue,
            Err(error) => return Err(error),
        };
        if sets.is_empty() {
            continue;
        }
        match sets.into_iter().find(|set| dns::record(set) == *record) {
            Some(set) => changes.push(build(r53::ChangeAction::Delete, set)?),
            None => return Err(AwsError::not_yet(call, "the record is not what it was when the plan was made")),
        }
    }
    for record in upsert {
        let set = record_set(record).map_err(|error| AwsError::not_sent(call.clone(), error))?;
        changes.push(build(r53::ChangeAction::Upsert, set)?);
    }
    if changes.is_empty() {
        return Ok(Done::Already);
    }
    let batch = r53::ChangeBatch::builder().set_changes(Some(changes)).build();
    let batch = batch.map_err(|error| AwsError::not_sent(call.clone(), error))?;
    let request = aws.route53.change_resource_record_sets().hosted_zone_id(zone_id).change_batch(batch);
    let answer = match aws.send(call.clone(), request.send()).await {
        Ok(answer) => answer,
        // The same call may have been made before, and its answer lost.
        Err(error) if error.code == "InvalidChangeBatch" && is_so(aws, zone_id, delete, upsert).await? => {
            return Ok(Done::Already);
        }
        Err(error) => return Err(error),
    };
    match answer.change_info() {
        Some(change) => in_sync(aws, change.id(), change.status()).await,
        None => Err(AwsError::not_understood(call, "AWS did not name the change")),
    }
}

/// Whether the zone is already as a change would have it.
async fn is_so(aws: &Aws, zone_id: &str, delete: &[DnsRecord], upsert: &[DnsRecord]) -> Result<bool, AwsError> {
    for (record, wanted) in delete.iter().map(|it| (it, false)).chain(upsert.iter().map(|it| (it, true))) {
        let found = dns::exact(aws, zone_id, record).await?;
        if found.iter().any(|set| dns::record(set) == *record) != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn in_sync(aws: &Aws, id: &str, status: &r53::ChangeStatus) -> Result<Done, AwsError> {
    let id = id.strip_prefix("/change/").unwrap_or(id);
    let call = Call::new("route53", "GetChange", id);
    let deadline = IN_SYNC_WITHIN.after(aws.clock().now());
    let mut status = status.clone();
    while status != r53::ChangeStatus::Insync {
        if aws.clock().now() >= deadline {
            return Err(AwsError::not_yet(call, format!("the change is still pending after {IN_SYNC_WITHIN}")));
        }
        aws.clock().sleep(POLL).await;
        let answer = match aws.read(call.clone(), aws.route53.get_change().id(id).send()).await {
            // It was taken a moment ago, and does not show yet.
            Err(error) if error.code == "NoSuchChange" => continue,
            other => other?,
        };
        let change = answer.change_info();
        status = change.map_or(r53::ChangeStatus::Pending, |change| change.status().clone());
    }
    Ok(Done::Applied)
}

fn record_set(record: &DnsRecord) -> Result<r53::ResourceRecordSet, aws_sdk_route53::error::BuildError> {
    let alias = record.alias.as_ref().map(|target| {
        r53::AliasTarget::builder()
            // This name has addresses of both families where the load balancer has.
            .dns_name(format!("dualstack.{}.", target.dns_name))
            .hosted_zone_id(&target.zone_id)
            .evaluate_target_health(target.evaluate_target_health)
            .build()
    });
    let values: Result<Vec<_>, _> =
        record.values.iter().map(|value| r53::ResourceRecord::builder().value(value).build()).collect();
    r53::ResourceRecordSet::builder()
        .name(format!("{}.", record.name))
        .r#type(record.kind.as_str().into())
        .set_set_identifier(record.set_identifier.clone())
        .set_alias_target(alias.transpose()?)
        .set_ttl(record.ttl.and_then(|ttl| i64::try_from(ttl).ok()))
        .set_resource_records(Some(values?).filter(|values| !values.is_empty()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::AliasTarget;

    #[test]
    fn an_alias_is_written_under_the_name_for_both_families_and_reads_back_the_same() {
        let record = DnsRecord {
            name: "hello.example.com".into(),
            kind: "A".into(),
            alias: Some(AliasTarget {
                dns_name: "hello-prod-1.us-west-2.elb.amazonaws.com".into(),
                zone_id: "Z1H1FL5HABSF5".into(),
                evaluate_target_health: true,
            }),
            values: Vec::new(),
            ttl: None,
            set_identifier: None,
        };
        let set = record_set(&record).unwrap();
        assert_eq!(set.alias_target().unwrap().dns_name(), "dualstack.hello-prod-1.us-west-2.elb.amazonaws.com.");
        assert_eq!(dns::record(&set), record);
    }
}
