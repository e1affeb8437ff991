//! What Auto Scaling and CloudWatch take: names, metrics, timetables, hooks.

use super::names::role;
use super::{Complaint, DAY, HOUR, Rule, form};
use crate::manifest::diagnostic::{Code, quoted};
use crate::manifest::values::arn::Arn;
use crate::model::schedule::Schedule;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
    ("instances.suspendedProcesses", Rule::Distinct),
    ("scaling.step.*.name", Rule::Text(word)),
    ("scaling.step.*.customMetric.namespace", Rule::Text(metric_name)),
    ("scaling.step.*.customMetric.name", Rule::Text(metric_name)),
    ("scaling.step.*.customMetric.dimensions.*", Rule::Text(dimension)),
    ("scaling.step.*.period", Rule::Within(10, DAY)),
    ("scaling.step.*.warmup", Rule::Within(0, HOUR)),
    ("scaling.scheduled.*.name", Rule::Text(word)),
    ("scaling.scheduled.*.schedule", Rule::Text(cron)),
    ("scaling.scheduled.*.timeZone", Rule::Text(time_zone)),
    ("scaling.defaultInstanceWarmup", Rule::Within(0, HOUR)),
    ("launch.lifecycleHooks.*.name", Rule::Text(word)),
    ("launch.lifecycleHooks.*.timeout", Rule::Within(30, 2 * HOUR)),
    ("launch.lifecycleHooks.*.roleArn", Rule::Text(role)),
    ("launch.lifecycleHooks.*.notificationTargetArn", Rule::Text(notified)),
    ("progressDeadline", Rule::Within(1, DAY)),
];

/// A name that becomes a part of a name in AWS.
fn word(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let fine = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    form(fine, text, "a name", "1 to 64 letters, digits, `-` and `_`")
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Metric.html>
fn metric_name(text: &str) -> Option<Complaint> {
    let fine = (1..=255).contains(&text.chars().count()) && !text.starts_with(':') && is_printable_ascii(text);
    form(fine, text, "a name in CloudWatch", "1 to 255 printable characters without accents, not with a colon in front")
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html>
fn dimension(text: &str) -> Option<Complaint> {
    let fine = (1..=1024).contains(&text.len()) && !text.trim().is_empty() && is_printable_ascii(text);
    form(fine, text, "the value of a dimension", "1 to 1024 printable characters without accents")
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn cron(text: &str) -> Option<Complaint> {
    let why = Schedule::check_cron(text).err()?;
    Some(Complaint {
        code: Code::BadFormat,
        message: format!("{} is not a schedule: {why}", quoted(text)),
        help: "minute, hour, day of the month, month, day of the week, such as `0 8 * * 1-5`".to_owned(),
    })
}

fn time_zone(text: &str) -> Option<Complaint> {
    form(Schedule::check_time_zone(text).is_ok(), text, "a time zone", "such as `UTC` or `Europe/Berlin`")
}

fn notified(text: &str) -> Option<Complaint> {
    let fine = Arn::parse(text).is_some_and(|arn| ["sns", "sqs"].contains(&arn.service));
    form(fine, text, "the ARN of an SNS topic or an SQS queue", "it looks like `arn:aws:sns:us-west-2:123456789012:…`")
}

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
            (word, &["busy", "at_8-00"], &["", "a b", "ä"]),
            (metric_name, &["AWS/SQS", "Jobs in the queue"], &["", ":a", "ä"]),
            (dimension, &["mail"], &["", "  ", "ä"]),
            (cron, &["0 8 * * 1-5", "*/5 * * * *"], &["", "8:00", "0 25 * * *", "* * * *"]),
            (time_zone, &["UTC", "Europe/Berlin"], &["", "Mars/Base"]),
            (notified, &["arn:aws:sns:us-west-2:123456789012:x"], &["x", "arn:aws:iam::123456789012:role/x"]),
        ]);
    }
}
