//! Metric data, published and asked for period by period.

use serde_json::{Value, json};

use super::{Input, invalid, missing};
use crate::sim::wire::ApiError;
use crate::sim::world::World;
use crate::sim::world::metrics::{Published, find, value};

/// The most queries of one call.
const MOST_QUERIES: usize = 500;

/// The most datapoints of one call.
const MOST_PUBLISHED: usize = 1000;

/// Takes note of values, all of them as of now.
pub(super) fn put(world: &mut World, input: &Input) -> Result<Value, ApiError> {
    let namespace = input.required("Namespace")?;
    if namespace.starts_with("AWS/") {
        return Err(ApiError::new("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid."));
    }
    let data = input.structures("MetricData")?;
    if data.len() > MOST_PUBLISHED {
        return Err(invalid(format!("MetricData must have at most {MOST_PUBLISHED} members")));
    }
    let mut published = Vec::new();
    for one in &data {
        let (name, dimensions) = (one.required("MetricName")?.to_owned(), one.dimensions()?);
        let value = one.number("Value")?.filter(|value| value.is_finite()).ok_or_else(|| missing("Value"))?;
        published.push((Published { namespace: namespace.to_owned(), name, dimensions }, value));
    }
    for (metric, value) in published {
        if !world.publish(metric, value) {
            return Err(ApiError::new("LimitExceeded", "The simulated AWS keeps no more metrics"));
        }
    }
    Ok(json!({}))
}

/// The datapoints of each query, newest first. A metric without data, or that nobody knows, has none.
pub(super) fn get(world: &World, input: &Input) -> Result<Value, ApiError> {
    let queries = input.structures("MetricDataQueries")?;
    if queries.is_empty() {
        return Err(missing("MetricDataQueries"));
    }
    if queries.len() > MOST_QUERIES {
        return Err(invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
        )));
    }
    let time = |name: &str| -> Result<i64, ApiError> {
        // Within the last fifteen days CloudWatch rounds down to the minute.
        Ok(input.number(name)?.ok_or_else(|| missing(name))?.div_euclid(60.0) as i64 * 60)
    };
    let (start, end) = (time("StartTime")?, time("EndTime")?);
    if start >= end {
        return Err(invalid("The parameter StartTime must be less than the parameter EndTime."));
    }
    let results = queries.iter().map(|query| one(world, query, start, end)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"MetricDataResults": results, "Messages": []}))
}

fn one(world: &World, query: &Input, start: i64, end: i64) -> Result<Value, ApiError> {
    let id = query.required("Id")?;
    let first = id.chars().next().is_some_and(|first| first.is_ascii_lowercase());
    if !first || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(invalid(format!(
            "The value {id} for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )));
    }
    let stat =
        query.structure("MetricStat")?.ok_or_else(|| invalid("Expressions are not simulated: give a MetricStat"))?;
    let metric = stat.structure("Metric")?.ok_or_else(|| missing("Metric"))?;
    let (namespace, name) = (metric.text("Namespace")?.unwrap_or_default(), metric.required("MetricName")?);
    let period = stat.whole("Period")?.ok_or_else(|| missing("Period"))?;
    if period < 60 || period % 60 != 0 {
        return Err(invalid("Period must be a multiple of 60 for metrics of this resolution"));
    }
    let statistic = stat.required("Stat")?;
    let found = find(world, namespace, name, &metric.dimensions()?);
    let (mut timestamps, mut values) = (Vec::new(), Vec::new());
    if let Some(found) = found {
        let mut from = start;
        while from < end {
            if let Some(value) = value(world, &found, statistic, from, (from + period).min(end)) {
                timestamps.push(Value::from(from as f64));
                values.push(Value::from(value));
            }
            from += period;
        }
    }
    timestamps.reverse();
    values.reverse();
    let label = query.text("Label")?.unwrap_or(name);
    Ok(json!({"Id": id, "Label": label, "StatusCode": "Complete", "Timestamps": timestamps, "Values": values}))
}
