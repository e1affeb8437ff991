//! CloudWatch: alarms by their names, a hundred a call, those that scale a group, and what load balancers counted for their target groups.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types as cw;
use aws_smithy_types::DateTime;
use futures::future::join_all;

use crate::aws::batch::{by_ids, listed, settle, several};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::model::action::Tags;
use crate::model::alarm::{GroupAlarm, Metric, StepAlarm};
use crate::model::observed::{Alarm, AlarmState, Read, Traffic, TrafficWindow};
use crate::model::text::cleaned;

const SERVICE: &str = "cloudwatch";
/// The most names that `DescribeAlarms` takes.
const ALARMS: usize = 100;
/// The most queries that `GetMetricData` takes are 500, and a window needs up to three.
const WINDOWS: usize = 150;

/// Alarms by their names, metric and composite ones. `None`: there is no such alarm.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn alarms(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, Read<Option<Alarm>>>, AwsError> {
    by_ids(names.iter().cloned().collect(), ALARMS, |names| async move {
        let call = Call::new(SERVICE, "DescribeAlarms", several(&names));
        let request = aws
            .cloudwatch
            .describe_alarms()
            .set_alarm_names(Some(names))
            .alarm_types(cw::AlarmType::MetricAlarm)
            .alarm_types(cw::AlarmType::CompositeAlarm)
            .max_records(ALARMS as i32);
        let answer = aws.read(call, request.send()).await?;
        let metric = answer.metric_alarms().iter().map(|it| (it.alarm_name(), it.state_value(), it.state_reason()));
        let composite =
            answer.composite_alarms().iter().map(|it| (it.alarm_name(), it.state_value(), it.state_reason()));
        Ok(metric
            .chain(composite)
            .filter_map(|(name, state, reason)| Some((name?.to_owned(), alarm(state, reason))))
            .collect())
    })
    .await
}

fn alarm(state: Option<&cw::StateValue>, reason: Option<&str>) -> Alarm {
    let state = match state {
        Some(cw::StateValue::Ok) => AlarmState::Ok,
        Some(cw::StateValue::Alarm) => AlarmState::Alarm,
        // A state that this version does not know is no good news.
        _ => AlarmState::InsufficientData,
    };
    Alarm { state, reason: cleaned(reason.unwrap_or_default()) }
}

/// The alarms whose names begin as those of ours of a group do, with their tags, which CloudWatch tells one by one.
///
/// # Errors
/// When they cannot be read.
pub async fn of_group(aws: &Aws, group: &str) -> Result<Vec<GroupAlarm>, AwsError> {
    let prefix = StepAlarm::prefix(group);
    let call = Call::new(SERVICE, "DescribeAlarms", &prefix);
    let ask = |token| {
        let request = aws.cloudwatch.describe_alarms().alarm_name_prefix(&prefix).max_records(ALARMS as i32);
        request.alarm_types(cw::AlarmType::MetricAlarm).set_next_token(token).send()
    };
    let found = listed(aws, call, ask, |page| (page.metric_alarms, page.next_token)).await?;
    let tagged = found.iter().map(|found| async {
        let arn = found.alarm_arn().unwrap_or_default().to_owned();
        let tags = tags_of(aws, &arn).await?;
        Ok(GroupAlarm { arn, alarm: step_alarm(found), tags })
    });
    join_all(tagged).await.into_iter().collect()
}

/// The tags of an alarm.
///
/// # Errors
/// When they cannot be read, or there is no such alarm.
pub async fn tags_of(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let call = Call::new(SERVICE, "ListTagsForResource", arn);
    let answer = aws.read(call, aws.cloudwatch.list_tags_for_resource().resource_arn(arn).send()).await?;
    Ok(codec::alarm_tags(answer.tags()))
}

fn step_alarm(found: &cw::MetricAlarm) -> StepAlarm {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let dimensions = found.dimensions().iter();
    let periods = number(found.evaluation_periods());
    let statistic = found.statistic().map(|statistic| statistic.as_str()).or(found.extended_statistic());
    let besides = [found.ok_actions(), found.insufficient_data_actions()].concat();
    let calls = match found.alarm_actions() {
        [only] if besides.is_empty() && found.actions_enabled() == Some(true) => only.clone(),
        _ => String::new(),
    };
    StepAlarm {
        name: text(found.alarm_name()),
        metric: Metric {
            namespace: text(found.namespace()),
            name: text(found.metric_name()),
            dimensions: dimensions.map(|one| (text(one.name()), text(one.value()))).collect(),
        },
        statistic: text(statistic),
        period: u64::from(number(found.period())),
        periods,
        to_alarm: found.datapoints_to_alarm().map_or(periods, |points| number(Some(points))),
        comparison: text(found.comparison_operator().map(|operator| operator.as_str())),
        threshold: found.threshold().unwrap_or_default(),
        missing_data: found.treat_missing_data().unwrap_or("missing").to_owned(),
        policy_arn: calls,
    }
}

/// What load balancers counted in these windows; windows of the same time in one call.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn traffic(aws: &Aws, windows: &[TrafficWindow]) -> Result<BTreeMap<TrafficWindow, Read<Traffic>>, AwsError> {
    let times: BTreeSet<_> = windows.iter().map(|window| (window.from, window.to)).collect();
    let mut calls = Vec::new();
    for time in times {
        let same: Vec<&TrafficWindow> = windows.iter().filter(|window| (window.from, window.to) == time).collect();
        calls.extend(same.chunks(WINDOWS).map(|chunk| counted(aws, chunk.to_vec())).collect::<Vec<_>>());
    }
    let mut all = BTreeMap::new();
    for (windows, result) in join_all(calls).await {
        match settle(result)? {
            Read::Known(counts) => all.extend(windows.into_iter().cloned().zip(counts)),
            Read::Unknown(why) => {
                all.extend(windows.into_iter().map(|window| (window.clone(), Read::Unknown(why.clone()))));
            }
        }
    }
    Ok(all)
}

/// One call, or one for each page of its answer.
async fn counted<'a>(
    aws: &Aws,
    windows: Vec<&'a TrafficWindow>,
) -> (Vec<&'a TrafficWindow>, Result<Vec<Read<Traffic>>, AwsError>) {
    let Some(first) = windows.first() else { return (windows, Ok(Vec::new())) };
    let call = Call::new(SERVICE, "GetMetricData", &first.target_group_arn);
    let queries: Vec<_> = windows.iter().enumerate().flat_map(|(index, window)| queries(index, window)).collect();
    let (from, to) = (DateTime::from_secs(first.from.as_second()), DateTime::from_secs(first.to.as_second()));
    let ask = |token| {
        let request = aws.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone()));
        request.start_time(from).end_time(to).set_next_token(token).send()
    };
    let results = listed(aws, call, ask, |page| (page.metric_data_results, page.next_token)).await;
    let counts = results.map(|results| {
        let numbered = windows.iter().enumerate();
        numbered.map(|(index, window)| count(&results, window, index)).collect()
    });
    (windows, counts)
}

fn queries(index: usize, window: &TrafficWindow) -> Vec<cw::MetricDataQuery> {
    let percentile = window.percentile.map(|percentile| ("time", "TargetResponseTime", format!("p{percentile}")));
    let sums = [("requests", "RequestCount"), ("errors", "HTTPCode_Target_5XX_Count")];
    let sums = sums.map(|(id, name)| (id, name, "Sum".to_owned()));
    let period = i32::try_from(window.to.as_second() - window.from.as_second()).unwrap_or(60).max(60);
    sums.into_iter()
        .chain(percentile)
        .map(|(id, name, statistic)| {
            let dimension = |name: &str, value: &str| cw::Dimension::builder().name(name).value(value).build();
            let metric = cw::Metric::builder()
                .namespace("AWS/ApplicationELB")
                .metric_name(name)
                .dimensions(dimension("TargetGroup", tail(&window.target_group_arn, "")))
                .dimensions(dimension("LoadBalancer", tail(&window.load_balancer_arn, "loadbalancer/")))
                .build();
            let stat = cw::MetricStat::builder().metric(metric).period(period).stat(statistic).build();
            cw::MetricDataQuery::builder().id(format!("{id}_{index}")).metric_stat(stat).build()
        })
        .collect()
}

/// What CloudWatch calls a target group or load balancer: the end of its ARN.
fn tail<'a>(arn: &'a str, prefix: &str) -> &'a str {
    let tail = arn.rsplit_once(':').map_or(arn, |(_, tail)| tail);
    tail.strip_prefix(prefix).unwrap_or(tail)
}

/// What a window's queries gave. Counts of nothing are not reported by load balancers: a series that is there and empty is
/// nothing, and one that is missing is not.
fn count(results: &[cw::MetricDataResult], window: &TrafficWindow, index: usize) -> Read<Traffic> {
    let of = |id: &str| -> Result<Vec<f64>, String> {
        let id = format!("{id}_{index}");
        let mut values = Vec::new();
        // The datapoints of one query may be spread over pages; the last part says that it is whole.
        let mut is_whole = Err(format!("CloudWatch gave no answer to the query {id}"));
        for result in results.iter().filter(|result| result.id() == Some(id.as_str())) {
            values.extend_from_slice(result.values());
            let whole = result.status_code() == Some(&cw::StatusCode::Complete);
            is_whole = if whole { Ok(()) } else { Err("CloudWatch gave a part of the data only".to_owned()) };
        }
        is_whole.map(|()| values)
    };
    let sum = |values: Vec<f64>| values.iter().sum::<f64>().round() as u64;
    let read = || -> Result<Traffic, String> {
        let times = if window.percentile.is_some() { of("time")? } else { Vec::new() };
        let slowest = times.into_iter().reduce(f64::max);
        Ok(Traffic {
            requests: sum(of("requests")?),
            errors: sum(of("errors")?),
            latency_ms: slowest.map(|seconds| (seconds * 1000.0).round() as u64),
        })
    };
    match read() {
        Ok(traffic) => Read::Known(traffic),
        Err(why) => Read::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn cloudwatch_knows_target_groups_and_load_balancers_by_the_end_of_their_arns() {
        let elb = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
        assert_eq!(tail(&format!("{elb}:targetgroup/hello-a/0123"), ""), "targetgroup/hello-a/0123");
        assert_eq!(tail(&format!("{elb}:loadbalancer/app/hello/4567"), "loadbalancer/"), "app/hello/4567");
    }

    #[test]
    fn half_an_answer_is_unknown_and_so_is_none_but_no_datapoints_are_no_requests() {
        let result = |id: &str, status, values: &[f64]| {
            cw::MetricDataResult::builder().id(id).status_code(status).set_values(Some(values.to_vec())).build()
        };
        use cw::StatusCode::{Complete, InternalError, PartialData};
        let window = |percentile| TrafficWindow {
            target_group_arn: String::new(),
            load_balancer_arn: String::new(),
            percentile,
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::UNIX_EPOCH,
        };
        let (sums, times) = (window(None), window(Some(99)));
        let nothing = [result("requests_0", Complete, &[]), result("errors_0", Complete, &[])];
        assert_eq!(count(&nothing, &sums, 0), Read::Known(Traffic { requests: 0, errors: 0, latency_ms: None }));
        for (answer, window) in [(&nothing[..], &times), (&nothing[..1], &sums), (&nothing[1..], &sums), (&[], &sums)] {
            let read = count(answer, window, 0);
            assert!(matches!(&read, Read::Unknown(why) if why.contains("no answer")), "{answer:?}: {read:?}");
        }
        let whole = [
            result("requests_0", PartialData, &[100.0]),
            result("requests_0", Complete, &[20.0]),
            result("errors_0", Complete, &[3.0]),
            result("time_0", Complete, &[0.25, 0.5]),
        ];
        let counted = Traffic { requests: 120, errors: 3, latency_ms: Some(500) };
        assert_eq!(count(&whole, &times, 0), Read::Known(counted));
        let half = [result("requests_0", Complete, &[]), result("errors_0", InternalError, &[])];
        assert!(matches!(count(&half, &sums, 0), Read::Unknown(why) if why.contains("a part")));
    }
}
