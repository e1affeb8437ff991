//! An app's past as AWS keeps it: up to a hundred versions of each parameter, and six weeks of scaling activities.

use super::batch::listed;
use super::codec;
use super::connect::Aws;
use super::error::{AwsError, Call};
use super::observe::details;
use crate::model::autopsy::FailureRecord;
use crate::model::decision::Decision;
use crate::model::names::Scope;
use crate::model::observed::{Activity, Read};
use crate::model::record::DeployedRecord;

/// Every recorded state with its version, oldest first; none when nothing was ever recorded. A version that was written
/// by somebody else may not be understood, which hides no other. That a release was turned down is no release of its own.
///
/// # Errors
/// When a page fails.
pub async fn history(aws: &Aws, scope: &Scope) -> Result<Vec<(i64, Read<DeployedRecord>)>, AwsError> {
    let mut versions = versions(aws, &scope.parameter_name(), codec::decode_record).await?;
    versions.retain(|(_, read)| read.known().is_none_or(|record| record.turned_down.is_none()));
    Ok(versions)
}

/// Every decision of a person, in the same way.
///
/// # Errors
/// When a page fails.
pub async fn decisions(aws: &Aws, scope: &Scope) -> Result<Vec<(i64, Read<Decision>)>, AwsError> {
    versions(aws, &scope.decisions_name(), codec::decode_decision).await
}

/// Why each generation failed that did, in the same way.
///
/// # Errors
/// When a page fails.
pub async fn failures(aws: &Aws, scope: &Scope) -> Result<Vec<(i64, Read<FailureRecord>)>, AwsError> {
    versions(aws, &scope.failures_name(), codec::decode_failure).await
}

async fn versions<T>(
    aws: &Aws,
    parameter: &str,
    decode: fn(&str) -> Result<T, String>,
) -> Result<Vec<(i64, Read<T>)>, AwsError> {
    let call = Call::new("ssm", "GetParameterHistory", parameter);
    let ask = |token| aws.ssm.get_parameter_history().name(parameter).max_results(50).set_next_token(token).send();
    let all = none_if_missing(listed(aws, call, ask, |page| (page.parameters, page.next_token)).await)?;
    let mut versions: Vec<(i64, Read<T>)> = all
        .into_iter()
        .map(|entry| {
            let read = match decode(entry.value().unwrap_or_default()) {
                Ok(value) => Read::Known(value),
                Err(why) => Read::Unknown(why),
            };
            (entry.version(), read)
        })
        .collect();
    versions.sort_by_key(|(version, _)| *version);
    Ok(versions)
}

/// The scaling activities of a group, also of one that is gone, newest first. AWS forgets them after six weeks.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scaling-activities.html>
///
/// # Errors
/// When a page fails.
pub async fn activities(aws: &Aws, group: &str) -> Result<Vec<Activity>, AwsError> {
    let call = Call::new("autoscaling", "DescribeScalingActivities", group);
    let ask = |token| {
        let request = aws.autoscaling.describe_scaling_activities().auto_scaling_group_name(group);
        request.include_deleted_groups(true).max_records(100).set_next_token(token).send()
    };
    let all = none_if_missing(listed(aws, call, ask, |page| (page.activities, page.next_token)).await)?;
    Ok(all.iter().filter_map(details::activity).collect())
}

/// What does not exist has no past.
fn none_if_missing<T>(listed: Result<Vec<T>, AwsError>) -> Result<Vec<T>, AwsError> {
    match listed {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        other => other,
    }
}
