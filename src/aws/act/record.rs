//! The deployed state in Parameter Store.

use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use super::Done;
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::autopsy::FailureRecord;
use crate::model::decision::Decision;
use crate::model::record::DeployedRecord;

/// Writes the record and reads it back: Parameter Store has no condition on the version, so that another controller may
/// have written at the same time.
pub(super) async fn put(aws: &Aws, call: Call, parameter: &str, record: &DeployedRecord) -> Result<Done, AwsError> {
    let text = codec::encode_record(record).map_err(|error| AwsError::not_sent(call.clone(), error))?;
    put_text(aws, call.clone(), parameter, text).await?;
    let read = Call::new("ssm", "GetParameter", parameter);
    let answer = match aws.read(read, aws.ssm.get_parameter().name(parameter).send()).await {
        Err(error) if error.is_missing() => {
            return Err(AwsError::not_yet(call, "it was written, and AWS does not show it yet"));
        }
        other => other?,
    };
    let value = answer.parameter().and_then(|parameter| parameter.value()).unwrap_or_default();
    match codec::decode_record(value) {
        Ok(found) if found == *record => Ok(Done::Applied),
        _ => Err(AwsError::not_yet(call, "it was written and reads back differently; somebody else may write it too")),
    }
}

/// Writes a decision as the newest version; the earlier ones stay, up to a hundred.
pub(super) async fn put_decision(
    aws: &Aws,
    call: Call,
    parameter: &str,
    decision: &Decision,
) -> Result<Done, AwsError> {
    let text = codec::encode_decision(decision).map_err(|error| AwsError::not_sent(call.clone(), error))?;
    put_text(aws, call, parameter, text).await.map(|()| Done::Applied)
}

/// Writes why a generation failed as the newest version; the earlier ones stay, up to a hundred.
pub(super) async fn put_failure(
    aws: &Aws,
    call: Call,
    parameter: &str,
    record: &FailureRecord,
) -> Result<Done, AwsError> {
    let text = codec::encode_failure(record).map_err(|error| AwsError::not_sent(call.clone(), error))?;
    put_text(aws, call, parameter, text).await.map(|()| Done::Applied)
}

async fn put_text(aws: &Aws, call: Call, parameter: &str, text: String) -> Result<(), AwsError> {
    let request = aws
        .ssm
        .put_parameter()
        .name(parameter)
        .value(text)
        .r#type(ParameterType::String)
        // A long list of labels may need more than 4 KB; AWS charges for that only then.
        .tier(ParameterTier::IntelligentTiering)
        .overwrite(true);
    aws.send(call, request.send()).await.map(|_| ())
}
