//! The deployed states of an app, as Parameter Store keeps them: up to a hundred versions of one parameter.

use super::batch::pages;
use super::codec;
use super::connect::Aws;
use super::error::{AwsError, Call};
use crate::model::names::Scope;
use crate::model::observed::Read;
use crate::model::record::DeployedRecord;

/// Every recorded state with its version, oldest first; none when nothing was ever recorded. A version that was written
/// by somebody else may not be understood, which hides no other.
///
/// # Errors
/// When a page fails.
pub async fn history(aws: &Aws, scope: &Scope) -> Result<Vec<(i64, Read<DeployedRecord>)>, AwsError> {
    let parameter = scope.parameter_name();
    let call = Call::new("ssm", "GetParameterHistory", &parameter);
    let all = pages(call.clone(), |token| {
        let request = aws.ssm.get_parameter_history().name(&parameter).max_results(50).set_next_token(token);
        let call = call.clone();
        async move {
            match aws.read(call, request.send()).await {
                Ok(page) => Ok((page.parameters.unwrap_or_default(), page.next_token)),
                Err(error) if error.is_missing() => Ok((Vec::new(), None)),
                Err(error) => Err(error),
            }
        }
    })
    .await?;
    let mut versions: Vec<(i64, Read<DeployedRecord>)> = all
        .into_iter()
        .map(|entry| {
            let record = match codec::decode_record(entry.value().unwrap_or_default()) {
                Ok(record) => Read::Known(record),
                Err(why) => Read::Unknown(why),
            };
            (entry.version(), record)
        })
        .collect();
    versions.sort_by_key(|(version, _)| *version);
    Ok(versions)
}
