//! The deployed state in Parameter Store.

use aws_sdk_ssm::types::{ParameterTier, ParameterType};

use super::Done;
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::record::DeployedRecord;

/// Writes the record and reads it back: Parameter Store has no condition on the version, so that another controller may
/// have written at the same time.
pub(super) async fn put(aws: &Aws, call: Call, parameter: &str, record: &DeployedRecord) -> Result<Done, AwsError> {
    let text = codec::encode_record(record).map_err(|error| AwsError::not_sent(call.clone(), error))?;
    let request = aws
        .ssm
        .put_parameter()
        .name(parameter)
        .value(text)
        .r#type(ParameterType::String)
        // A long list of labels may need more than 4 KB; AWS charges for that only then.
        .tier(ParameterTier::IntelligentTiering)
        .overwrite(true);
    aws.send(call.clone(), request.send()).await?;
    let read = Call::new("ssm", "GetParameter", parameter);
    let answer = aws.read(read, aws.ssm.get_parameter().name(parameter).send()).await?;
    let value = answer.parameter().and_then(|parameter| parameter.value()).unwrap_or_default();
    match codec::decode_record(value) {
        Ok(found) if found == *record => Ok(Done::Applied),
        _ => Err(AwsError::not_yet(call, "it was written and reads back differently; somebody else may write it too")),
    }
}
