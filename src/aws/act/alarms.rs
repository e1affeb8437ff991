//! The alarms that call scaling policies. Put twice, an alarm is as it was put last, and keeps its state.

use aws_sdk_cloudwatch::types as cw;

use super::{Done, number};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::action::Tags;
use crate::model::alarm::StepAlarm;

pub(super) async fn put(aws: &Aws, call: Call, alarm: &StepAlarm, tags: &Tags) -> Result<Done, AwsError> {
    let dimensions = alarm.metric.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| cw::Dimension::builder().name(name).value(value).build());
    let request = aws
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(&alarm.name)
        .alarm_description("Calls a scaling policy of the Auto Scaling group it is named after; kept by Amiable")
        .namespace(&alarm.metric.namespace)
        .metric_name(&alarm.metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .statistic(alarm.statistic.as_str().into())
        .period(number(alarm.period))
        .evaluation_periods(number(alarm.periods))
        .datapoints_to_alarm(number(alarm.to_alarm))
        .comparison_operator(alarm.comparison.as_str().into())
        .threshold(alarm.threshold)
        .treat_missing_data(&alarm.missing_data)
        .actions_enabled(true)
        .alarm_actions(&alarm.policy_arn)
        .set_tags(Some(codec::to_alarm_tags(tags)));
    aws.send(call, request.send()).await.map(|_| Done::Applied)
}

pub(super) async fn delete(aws: &Aws, call: Call, alarm: &str) -> Result<Done, AwsError> {
    super::deleted(aws.send(call, aws.cloudwatch.delete_alarms().alarm_names(alarm).send()).await)
}
