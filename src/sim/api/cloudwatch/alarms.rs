//! Alarms, created, set, described and deleted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Input, invalid, missing};
use crate::model::time::Timestamp;
use crate::sim::api::query::page;
use crate::sim::wire::ApiError;
use crate::sim::world::World;
use crate::sim::world::metrics::alarms::call;
use crate::sim::world::metrics::{Alarm, Watches, find};

const STATES: [&str; 3] = ["OK", "ALARM", "INSUFFICIENT_DATA"];
const OPERATORS: [&str; 4] =
    ["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"];

/// Creates an alarm, or changes it: its state stays.
pub(super) fn put(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let name = input.required("AlarmName")?;
    let operator = input.required("ComparisonOperator")?;
    if !OPERATORS.contains(&operator) {
        return Err(invalid(format!("{operator} is not a comparison operator that is simulated")));
    }
    let periods = input.whole("EvaluationPeriods")?.ok_or_else(|| missing("EvaluationPeriods"))?;
    let periods = u32::try_from(periods).ok().filter(|periods| *periods > 0);
    let periods = periods.ok_or_else(|| invalid("EvaluationPeriods must be at least 1"))?;
    let to_alarm = input.whole("DatapointsToAlarm")?.and_then(|count| u32::try_from(count).ok()).unwrap_or(periods);
    let period = input.whole("Period")?.unwrap_or(60);
    let statistic = input.text("Statistic")?.or(input.text("ExtendedStatistic")?).unwrap_or("Average").to_owned();
    let metric = match (input.text("Namespace")?, input.text("MetricName")?) {
        (Some(namespace), Some(metric)) => find(world, namespace, metric, &input.dimensions()?),
        _ => None,
    };
    let threshold = input.number("Threshold")?.unwrap_or_default();
    let missing = input.text("TreatMissingData")?.unwrap_or("missing").to_owned();
    let watches = metric.map(|metric| Watches {
        metric,
        statistic,
        period: (period / 60).max(1) * 60,
        periods,
        to_alarm,
        operator: operator.to_owned(),
        threshold,
        missing,
    });
    let enabled = input.get("ActionsEnabled").is_none_or(|enabled| enabled != &Value::Bool(false));
    let calls = input.texts("AlarmActions", 5)?;
    for arn in calls.iter().filter(|arn| arn.contains(":scalingPolicy:")) {
        let exists = world.scaling.groups.values().any(|group| group.policies.values().any(|one| one.arn == **arn));
        if !exists {
            return Err(invalid(format!("Invalid use of EC2 'Alarm' action. No scaling policy {arn}")));
        }
    }
    let given = tags(&input.structures("Tags")?)?;
    let before = world.metrics.alarms.get(name);
    let alarm = Alarm {
        name: name.to_owned(),
        state: before.map_or("INSUFFICIENT_DATA", |before| before.state.as_str()).to_owned(),
        reason: before.map_or("Unchecked: Initial alarm creation", |before| before.reason.as_str()).to_owned(),
        since: before.map_or(world.now, |before| before.since),
        watches,
        calls: if enabled { calls } else { Vec::new() },
        // Those of an alarm that exists stay.
        tags: before.map_or(given, |before| before.tags.clone()),
        settings: input.0.clone(),
    };
    world.metrics.alarms.insert(name.to_owned(), alarm);
    Ok(json!({}))
}

/// Sets the state, until the next evaluation.
pub(super) fn set(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let (name, state) = (input.required("AlarmName")?, input.required("StateValue")?);
    let reason = input.required("StateReason")?;
    if !world.metrics.alarms.contains_key(name) {
        return Err(ApiError::new("ResourceNotFound", format!("{name} does not exist")).with_status(404));
    }
    if !STATES.contains(&state) {
        return Err(invalid(format!("{state} is not a state of an alarm")));
    }
    world.set_alarm(name, state, reason);
    if state == "ALARM" {
        call(world, name);
    }
    Ok(json!({}))
}

/// Deletes all, or none when one of them does not exist.
pub(super) fn delete(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let names = input.texts("AlarmNames", 100)?;
    if let Some(missing) = names.iter().find(|name| !world.metrics.alarms.contains_key(*name)) {
        let message = format!("Cannot delete {missing}: it does not exist");
        return Err(ApiError::new("ResourceNotFound", message).with_status(404));
    }
    world.metrics.alarms.retain(|name, _| !names.contains(name));
    Ok(json!({}))
}

/// By names, those that exist, or all by the beginning of their names; by pages.
pub(super) fn describe(world: &World, input: &Input) -> Result<Value, ApiError> {
    let names = input.texts("AlarmNames", 100)?;
    let prefix = input.text("AlarmNamePrefix")?.unwrap_or_default();
    let state = input.text("StateValue")?;
    let size = match input.whole("MaxRecords")? {
        None => 50,
        Some(size @ 1..=100) => size as usize,
        Some(_) => return Err(invalid("MaxRecords must be from 1 to 100")),
    };
    let found = world.metrics.alarms.values().filter(|alarm| {
        (names.is_empty() || names.contains(&alarm.name))
            && alarm.name.starts_with(prefix)
            && state.is_none_or(|state| state == alarm.state)
    });
    let found = found.map(|alarm| (alarm.name.clone(), alarm));
    let refuse = |_: &str| ApiError::new("InvalidNextToken", "The next token specified is invalid.");
    let (shown, next) = page(found, input.text("NextToken")?, size, refuse)?;
    let alarms: Vec<Value> = shown.into_iter().map(|alarm| shown_alarm(world, alarm)).collect();
    let mut output = json!({"CompositeAlarms": [], "MetricAlarms": alarms});
    if let Some(next) = next {
        output["NextToken"] = next.into();
    }
    Ok(output)
}

/// The tags of an alarm.
pub(super) fn list_tags(world: &World, input: &Input) -> Result<Value, ApiError> {
    let tags = &of_arn(world, input)?.tags;
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"Tags": tags}))
}

/// Gives an alarm more tags, or others.
pub(super) fn tag(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let given = tags(&input.structures("Tags")?)?;
    let name = of_arn(world, input)?.name.clone();
    if let Some(alarm) = world.metrics.alarms.get_mut(&name) {
        alarm.tags.extend(given);
    }
    Ok(json!({}))
}

fn of_arn<'w>(world: &'w World, input: &Input) -> Result<&'w Alarm, ApiError> {
    let arn = input.required("ResourceARN")?;
    let found = world.metrics.alarms.values().find(|alarm| alarm.arn(world) == arn);
    found.ok_or_else(|| ApiError::new("ResourceNotFoundException", format!("{arn} does not exist")).with_status(404))
}

fn tags(given: &[Input]) -> Result<BTreeMap<String, String>, ApiError> {
    if given.len() > 50 {
        return Err(invalid("Tags must have at most 50 members"));
    }
    let tag = |tag: &Input| Ok((tag.required("Key")?.to_owned(), tag.text("Value")?.unwrap_or_default().to_owned()));
    given.iter().map(tag).collect()
}

fn shown_alarm(world: &World, alarm: &Alarm) -> Value {
    let mut shown: Map<String, Value> = alarm.settings.clone();
    shown.remove("Tags");
    let seconds = |at: Timestamp| Value::from(at.as_millisecond() as f64 / 1000.0);
    for (name, value) in [
        ("AlarmName", Value::from(alarm.name.clone())),
        ("AlarmArn", alarm.arn(world).into()),
        ("StateValue", alarm.state.clone().into()),
        ("StateReason", alarm.reason.clone().into()),
        ("StateUpdatedTimestamp", seconds(alarm.since)),
    ] {
        shown.insert(name.to_owned(), value);
    }
    Value::Object(shown)
}
