//! SSM parameters by their names, ten a call, and what is recorded in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::batch::{by_ids, several};
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::observed::{Parameter, Read};

/// The most names that `GetParameters` takes.
const NAMES: usize = 10;

/// SSM parameters by the names that are given, which may end with `:VERSION` or `:LABEL`. `None`: there is none.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn parameters(
    aws: &Aws,
    names: BTreeSet<String>,
) -> Result<BTreeMap<String, Read<Option<Parameter>>>, AwsError> {
    by_ids(names, NAMES, |names| async move {
        let call = Call::new("ssm", "GetParameters", several(&names));
        let answer = aws.read(call, aws.ssm.get_parameters().set_names(Some(names)).send()).await?;
        let found = answer.parameters.unwrap_or_default().into_iter().filter_map(|parameter| {
            let name = format!("{}{}", parameter.name?, parameter.selector.unwrap_or_default());
            let kind = parameter.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
            Some((name, Parameter { kind, value: parameter.value? }))
        });
        Ok(found.collect())
    })
    .await
}

/// What a parameter records; unknown when it makes no sense.
pub fn decoded<T>(
    name: &str,
    read: &Read<Option<Parameter>>,
    decode: impl Fn(&str) -> Result<T, String>,
) -> Read<Option<T>> {
    match read {
        Read::Known(None) => Read::Known(None),
        Read::Known(Some(parameter)) => match decode(&parameter.value) {
            Ok(value) => Read::Known(Some(value)),
            Err(why) => Read::Unknown(format!("SSM parameter {name}: {why}")),
        },
        Read::Unknown(why) => Read::Unknown(why.clone()),
    }
}
