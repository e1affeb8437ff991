//! The operations of CloudWatch, over RPC v2 with CBOR as today's SDKs speak it, and over JSON.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html>
//!
//! - [`alarms`]: alarms, created, set, described and deleted
//! - [`data`]: metric data

mod alarms;
mod data;
pub(super) mod known;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::sim::wire::{ApiError, Reply, Request};
use crate::sim::world::World;

/// The name of the service in paths and targets.
pub const SERVICE: &str = "GraniteServiceVersion20100801";

/// Carries out one operation.
pub fn call(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let input = Input::read(&request.body)?;
    let output = match request.operation.as_str() {
        "DeleteAlarms" => alarms::delete(world, &input),
        "DescribeAlarms" => alarms::describe(world, &input),
        "GetMetricData" => data::get(world, &input),
        "ListTagsForResource" => alarms::list_tags(world, &input),
        "PutMetricAlarm" => alarms::put(world, &input),
        "PutMetricData" => data::put(world, &input),
        "SetAlarmState" => alarms::set(world, &input),
        "TagResource" => alarms::tag(world, &input),
        other => return Err(ApiError::new("InvalidAction", format!("Could not find operation {other}"))),
    };
    Ok(Reply::monitoring(&request.path, &output?))
}

/// The members of a request.
struct Input(Map<String, Value>);

impl Input {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(ApiError::new("SerializationException", "The request body is not a structure")),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| wrong_type(name)),
        }
    }

    fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// A number in seconds since 1970 or of anything else.
    fn number(&self, name: &str) -> Result<Option<f64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong_type(name)),
        }
    }

    fn whole(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(name)),
        }
    }

    fn structure(&self, name: &str) -> Result<Option<Input>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Input(members.clone()))),
            Some(_) => Err(wrong_type(name)),
        }
    }

    fn structures(&self, name: &str) -> Result<Vec<Input>, ApiError> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong_type(name)),
        };
        items.iter().map(|item| item.as_object().cloned().map(Input).ok_or_else(|| wrong_type(name))).collect()
    }

    /// A list of texts, of at most `most`.
    fn texts(&self, name: &str, most: usize) -> Result<Vec<String>, ApiError> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong_type(name)),
        };
        if items.len() > most {
            let message = format!("The parameter {name} must have at most {most} members");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name))).collect()
    }

    fn dimensions(&self) -> Result<BTreeMap<String, String>, ApiError> {
        let dimensions = self.structures("Dimensions")?;
        dimensions.iter().map(|one| Ok((one.required("Name")?.to_owned(), one.required("Value")?.to_owned()))).collect()
    }
}

fn wrong_type(name: &str) -> ApiError {
    ApiError::new("SerializationException", format!("{name} has the wrong type"))
}

fn missing(name: &str) -> ApiError {
    ApiError::new("MissingRequiredParameterException", format!("The parameter {name} is required."))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::time::Timestamp;
    use crate::sim::api::dispatch;
    use crate::sim::api::trial::Trial;
    use crate::sim::wire::cbor;
    use crate::sim::world::example::HELLO_1_0;

    fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, String> {
        let request = Request {
            service: "monitoring".to_owned(),
            region: "us-west-2".to_owned(),
            access_key: "AKIATRIAL".to_owned(),
            operation: operation.to_owned(),
            path: "/".to_owned(),
            body: input.to_string().into_bytes(),
            ..Request::default()
        };
        let reply = dispatch(world, &request);
        match &reply.error {
            None => Ok(serde_json::from_str(&reply.body).unwrap()),
            Some(code) => Err(code.clone()),
        }
    }

    fn world() -> World {
        World::example(Timestamp::from_second(1_767_225_600).unwrap())
    }

    #[test]
    fn an_alarm_begins_without_data_and_is_what_somebody_sets_it_to() {
        let mut world = world();
        let alarm = json!({
            "AlarmName": "hello-5xx", "Namespace": "Custom", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
        });
        ask(&mut world, "PutMetricAlarm", alarm.clone()).unwrap();
        let state = |world: &mut World| {
            let found = ask(world, "DescribeAlarms", json!({"AlarmNames": ["hello-5xx", "other"]})).unwrap();
            let alarms = found["MetricAlarms"].as_array().unwrap().clone();
            assert_eq!(alarms.len(), 1, "what does not exist is left out");
            alarms[0]["StateValue"].as_str().unwrap().to_owned()
        };
        assert_eq!(state(&mut world), "INSUFFICIENT_DATA");
        let set = json!({"AlarmName": "hello-5xx", "StateValue": "ALARM", "StateReason": "by hand"});
        ask(&mut world, "SetAlarmState", set).unwrap();
        assert_eq!(state(&mut world), "ALARM");
        // Writing it again keeps the state.
        ask(&mut world, "PutMetricAlarm", alarm).unwrap();
        assert_eq!(state(&mut world), "ALARM");
        ask(&mut world, "DeleteAlarms", json!({"AlarmNames": ["hello-5xx"]})).unwrap();
        let gone = json!({"AlarmNames": ["hello-5xx"]});
        assert_eq!(ask(&mut world, "DeleteAlarms", gone).unwrap_err(), "ResourceNotFound");
    }

    /// A group `hello` of one instance, up to four, that takes one more when it is called; and the policy's ARN.
    fn group() -> (Trial, String) {
        let mut aws = Trial::new();
        aws.group("hello", HELLO_1_0, 1, "");
        aws.asg("UpdateAutoScalingGroup", "AutoScalingGroupName=hello&MaxSize=4");
        aws.wait(600);
        let policy = "AutoScalingGroupName=hello&PolicyName=busy&PolicyType=StepScaling&AdjustmentType=ChangeInCapacity\
                      &EstimatedInstanceWarmup=120&StepAdjustments.member.1.ScalingAdjustment=1\
                      &StepAdjustments.member.1.MetricIntervalLowerBound=0";
        let arn = aws.asg("PutScalingPolicy", policy).one("PolicyARN").to_owned();
        (aws, arn)
    }

    fn jobs(policy: &str) -> Value {
        json!({
            "AlarmName": "many", "Namespace": "Shop", "MetricName": "Jobs", "Statistic": "Maximum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 10.0, "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [policy], "Tags": [{"Key": "team", "Value": "shop"}],
        })
    }

    fn desired(aws: &Trial) -> u32 {
        aws.world.scaling.groups.get("hello").unwrap().desired
    }

    #[test]
    fn an_alarm_on_what_is_published_calls_its_policy_every_minute_but_not_before_the_last_instance_is_warm() {
        let (mut aws, policy) = group();
        ask(&mut aws.world, "PutMetricAlarm", jobs(&policy)).unwrap();
        let mut sizes = Vec::new();
        for _ in 0..9 {
            let data = json!({"Namespace": "Shop", "MetricData": [{"MetricName": "Jobs", "Value": 11.0}]});
            ask(&mut aws.world, "PutMetricData", data).unwrap();
            aws.wait(60);
            sizes.push(desired(&aws));
        }
        assert_eq!(sizes, [1, 2, 2, 2, 3, 3, 3, 4, 4], "a minute to be reported, and three until the next is warm");
    }

    #[test]
    fn an_alarm_calls_nobody_whose_alarms_are_suspended_or_whose_actions_are_disabled() {
        let (mut aws, policy) = group();
        let set = json!({"AlarmName": "many", "StateValue": "ALARM", "StateReason": "by hand"});
        let mut disabled = jobs(&policy);
        disabled["ActionsEnabled"] = false.into();
        ask(&mut aws.world, "PutMetricAlarm", disabled).unwrap();
        ask(&mut aws.world, "SetAlarmState", set.clone()).unwrap();
        assert_eq!(desired(&aws), 1);
        ask(&mut aws.world, "PutMetricAlarm", jobs(&policy)).unwrap();
        aws.asg("SuspendProcesses", "AutoScalingGroupName=hello&ScalingProcesses.member.1=AlarmNotification");
        ask(&mut aws.world, "SetAlarmState", set.clone()).unwrap();
        assert_eq!(desired(&aws), 1);
        aws.asg("ResumeProcesses", "AutoScalingGroupName=hello");
        ask(&mut aws.world, "SetAlarmState", set).unwrap();
        assert_eq!(desired(&aws), 2, "a state set by hand calls, too");
    }

    #[test]
    fn an_alarm_calls_policies_that_exist_and_keeps_its_tags_when_it_is_put_again() {
        let (mut aws, policy) = group();
        let wrong = jobs(&policy.replace("policyName/busy", "policyName/idle"));
        assert_eq!(ask(&mut aws.world, "PutMetricAlarm", wrong).unwrap_err(), "ValidationError");
        ask(&mut aws.world, "PutMetricAlarm", jobs(&policy)).unwrap();
        let mut again = jobs(&policy);
        again["Tags"] = json!([{"Key": "team", "Value": "search"}]);
        ask(&mut aws.world, "PutMetricAlarm", again).unwrap();
        let found = ask(&mut aws.world, "DescribeAlarms", json!({"AlarmNamePrefix": "ma"})).unwrap();
        let arn = found["MetricAlarms"][0]["AlarmArn"].clone();
        let tags = |world: &mut World| ask(world, "ListTagsForResource", json!({"ResourceARN": arn})).unwrap();
        assert_eq!(tags(&mut aws.world)["Tags"], json!([{"Key": "team", "Value": "shop"}]));
        let tag = json!({"ResourceARN": arn, "Tags": [{"Key": "team", "Value": "search"}]});
        ask(&mut aws.world, "TagResource", tag).unwrap();
        assert_eq!(tags(&mut aws.world)["Tags"], json!([{"Key": "team", "Value": "search"}]));
        let nothing = json!({"ResourceARN": "arn:aws:cloudwatch:us-west-2:1:alarm:x"});
        let refused = ask(&mut aws.world, "ListTagsForResource", nothing).unwrap_err();
        assert_eq!(refused, "ResourceNotFoundException");
    }

    #[test]
    fn a_call_names_a_hundred_alarms_at_most() {
        let names: Vec<String> = (0..101).map(|n| format!("a{n}")).collect();
        let refused = ask(&mut world(), "DescribeAlarms", json!({"AlarmNames": names})).unwrap_err();
        assert_eq!(refused, "InvalidParameterValue");
    }

    #[test]
    fn errors_are_in_the_protocol_of_the_request() {
        let request = Request {
            service: "monitoring".to_owned(),
            region: "us-west-2".to_owned(),
            access_key: "AKIATRIAL".to_owned(),
            operation: "DescribeNothing".to_owned(),
            path: format!("/service/{SERVICE}/operation/DescribeNothing"),
            body: b"{}".to_vec(),
            ..Request::default()
        };
        let reply = dispatch(&mut world(), &request);
        assert_eq!((reply.status, reply.content_type), (400, cbor::CONTENT_TYPE));
        let body = cbor::read(&reply.bytes()).unwrap();
        assert_eq!(body["__type"], "com.amazonaws.cloudwatch#InvalidAction");
    }
}
