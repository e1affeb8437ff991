//! What single values may be, beyond their type: forms of ids and ARNs, AWS's limits. Checked in every layer where they stand.

use super::arn::{Arn, is_account, is_region};
use super::diagnostic::{Code, Diagnostic, Diagnostics, closest, quoted};
use super::node::{Content, Node};
use super::{schema, sources};
use crate::model::pattern::Pattern;
use crate::model::plan::Effect;
use crate::model::schedule::Schedule;
use crate::model::tags;
use crate::model::time::{Span, Timestamp};

/// The most user data that EC2 takes, before it is encoded.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>
pub const MAX_USER_DATA: usize = 16 * 1024;

/// What a value of one field must fulfil.
enum Rule {
    /// A text; the complaint, if there is one, with its advice.
    Text(fn(&str) -> Option<Complaint>),
    /// A length of time within limits, in seconds.
    Within(u64, u64),
    /// A list without repetitions.
    Distinct,
}

struct Complaint {
    code: Code,
    message: String,
    help: String,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The rules of an app's spec by path; `*` stands for every item.
const APP: &[(&str, Rule)] = &[
    ("suspend.reason", Rule::Text(reason)),
    ("suspend.until", Rule::Text(moment)),
    ("image.id", Rule::Text(image_id)),
    ("image.ssmParameter", Rule::Text(parameter_name)),
    ("image.search.name", Rule::Text(image_name)),
    ("image.search.owner", Rule::Text(image_owner)),
    ("image.search.tags.*", Rule::Text(image_tag)),
    ("image.fromEnvironment.after", Rule::Within(0, 30 * DAY)),
    ("image.packerManifest", Rule::Text(file_beside)),
    ("release.version", Rule::Text(said)),
    ("release.branch", Rule::Text(said)),
    ("release.commit", Rule::Text(said)),
    ("release.buildDate", Rule::Text(said)),
    ("release.artifacts.*", Rule::Text(artifact)),
    ("instanceType", Rule::Text(instance_type)),
    ("instanceTypes", Rule::Distinct),
    ("instanceTypes.*", Rule::Text(instance_type)),
    ("spot.maxPrice", Rule::Text(price)),
    ("launch.blockDevices.*.device", Rule::Text(device)),
    ("launch.blockDevices.*.kmsKeyId", Rule::Text(kms_key)),
    ("launch.blockDevices.*.snapshotId", Rule::Text(snapshot)),
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
    ("launch.iamInstanceProfile", Rule::Text(instance_profile)),
    ("launch.keyName", Rule::Text(key_name)),
    ("launch.securityGroupIds", Rule::Distinct),
    ("launch.securityGroupIds.*", Rule::Text(security_group)),
    ("launch.userData", Rule::Text(user_data)),
    ("launch.userDataFile", Rule::Text(file)),
    ("container.image", Rule::Text(digested)),
    ("container.env.*", Rule::Text(variable)),
    ("network.subnetIds", Rule::Distinct),
    ("network.subnetIds.*", Rule::Text(subnet)),
    ("healthCheck.path", Rule::Text(check_path)),
    ("healthCheck.matcher", Rule::Text(matcher)),
    ("healthCheck.interval", Rule::Within(5, 300)),
    ("healthCheck.timeout", Rule::Within(2, 120)),
    ("healthCheck.gracePeriod", Rule::Within(0, 2 * HOUR)),
    ("loadBalancer.securityGroupIds", Rule::Distinct),
    ("loadBalancer.securityGroupIds.*", Rule::Text(security_group)),
    ("loadBalancer.listeners.*.certificateArn", Rule::Text(certificate)),
    ("loadBalancer.listeners.*.sslPolicy", Rule::Text(ssl_policy)),
    ("loadBalancer.idleTimeout", Rule::Within(1, 4000)),
    ("loadBalancer.slowStart", Rule::Within(0, 900)),
    ("loadBalancer.accessLogs.bucket", Rule::Text(bucket)),
    ("loadBalancer.accessLogs.prefix", Rule::Text(log_prefix)),
    ("loadBalancer.methods", Rule::Distinct),
    ("loadBalancer.methods.*", Rule::Text(method)),
    ("loadBalancer.sourceIps", Rule::Distinct),
    ("loadBalancer.sourceIps.*", Rule::Text(network)),
    ("dns.ttl", Rule::Within(1, 7 * DAY)),
    ("loadBalancer.hosts", Rule::Distinct),
    ("loadBalancer.hosts.*", Rule::Text(host_pattern)),
    ("loadBalancer.paths", Rule::Distinct),
    ("loadBalancer.paths.*", Rule::Text(path_pattern)),
    ("loadBalancer.deregistrationDelay", Rule::Within(0, HOUR)),
    ("dns.name", Rule::Text(dns_name)),
    ("strategy.redBlack.bakeTime", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.bakeTime", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.stickiness", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.steps.*.pause", Rule::Within(1, 7 * DAY)),
    ("retain.for", Rule::Within(0, 30 * DAY)),
    ("verification.stableFor", Rule::Within(0, DAY)),
    ("verification.smoke.*.path", Rule::Text(request_path)),
    ("verification.smoke.*.host", Rule::Text(dns_name)),
    ("verification.smoke.*.bodyMatches", Rule::Text(expression)),
    ("verification.smoke.*.timeout", Rule::Within(1, 30)),
    ("verification.alarms", Rule::Distinct),
    ("verification.alarms.*", Rule::Text(alarm)),
    ("verification.compare.window", Rule::Within(60, HOUR)),
    ("verification.webhook.url", Rule::Text(webhook)),
    ("verification.webhook.timeout", Rule::Within(1, DAY)),
    ("verification.webhook.tokenVariable", Rule::Text(token_variable)),
    // After a day without success Auto Scaling stops launching by itself.
    ("progressDeadline", Rule::Within(1, DAY)),
    ("drift.ignore", Rule::Distinct),
    ("drift.ignore.*", Rule::Text(ignorable)),
];

/// The rules of an environment's spec.
const ENVIRONMENT: &[(&str, Rule)] = &[
    ("region", Rule::Text(region)),
    ("accountId", Rule::Text(account)),
    ("assumeRole", Rule::Text(role)),
    ("network.vpcId", Rule::Text(vpc)),
    ("network.subnetIds", Rule::Distinct),
    ("network.subnetIds.*", Rule::Text(subnet)),
    ("securityGroupIds", Rule::Distinct),
    ("securityGroupIds.*", Rule::Text(security_group)),
    ("dnsZone", Rule::Text(dns_zone)),
    ("listeners.*", Rule::Text(listener)),
    ("imageOwners", Rule::Distinct),
    ("imageOwners.*", Rule::Text(image_owner)),
];

/// Checks the values of one layer of an app's spec.
pub fn check_app(layer: &Node, findings: &mut Diagnostics) {
    check(layer, APP, findings);
    sources::check_layer(layer, findings);
}

/// Checks the values of an environment's spec.
pub fn check_environment(spec: &Node, findings: &mut Diagnostics) {
    check(spec, ENVIRONMENT, findings);
    if let Some(defaults) = spec.get("defaults") {
        check_app(defaults, findings);
        if let Some(destroy) = defaults.get("destroy") {
            let message = "`destroy` cannot be a default: it would delete every app of the environment";
            let finding = Diagnostic::at(Code::NotAllowed, destroy.spot(), message);
            findings.push(finding.help("set it in the manifest of each app that is to go"));
        }
    }
}

fn check(root: &Node, rules: &[(&str, Rule)], findings: &mut Diagnostics) {
    for (path, rule) in rules {
        let parts: Vec<&str> = path.split('.').collect();
        each(root, &parts, &mut |node| {
            let field = path.trim_end_matches(".*");
            match rule {
                Rule::Text(problem) => {
                    if let Some(complaint) = node.text().and_then(problem) {
                        let finding = Diagnostic::at(complaint.code, node.spot(), complaint.message);
                        findings.push(finding.help(complaint.help));
                    }
                }
                Rule::Within(least, most) => findings.extend(within(node, field, *least, *most)),
                Rule::Distinct => findings.extend(repetitions(node, field)),
            }
        });
    }
}

/// How many items of one list are looked at. No list may be nearly as long.
const MOST_ITEMS: usize = 1000;

/// Calls `visit` for every value at a path.
fn each(node: &Node, path: &[&str], visit: &mut dyn FnMut(&Node)) {
    match path.split_first() {
        None => visit(node),
        Some((&"*", rest)) => match &node.content {
            Content::List(items) => items.iter().take(MOST_ITEMS).for_each(|item| each(item, rest, visit)),
            Content::Mapping(entries) => {
                entries.iter().take(MOST_ITEMS).for_each(|(_, value)| each(value, rest, visit));
            }
            _ => {}
        },
        Some((key, rest)) => {
            if let Some(value) = node.get(key) {
                each(value, rest, visit);
            }
        }
    }
}

fn within(node: &Node, field: &str, least: u64, most: u64) -> Option<Diagnostic> {
    let span: Span = node.text()?.parse().ok()?;
    if (least..=most).contains(&span.as_seconds()) {
        return None;
    }
    let (least, most) = (Span::seconds(least), Span::seconds(most));
    let message = format!("`{field}` is {span}; it may be from {least} to {most}");
    Some(Diagnostic::at(Code::OutOfRange, node.spot(), message))
}

fn repetitions(node: &Node, field: &str) -> Vec<Diagnostic> {
    let mut first: std::collections::BTreeMap<&str, &Node> = std::collections::BTreeMap::new();
    let mut found = Vec::new();
    for item in node.items().iter().take(MOST_ITEMS) {
        let Some(text) = item.text() else { continue };
        match first.get(text) {
            Some(earlier) => found.push(
                Diagnostic::at(Code::Duplicate, item.spot(), format!("{} is in `{field}` twice", quoted(text)))
                    .related(earlier.spot(), "the first one")
                    .help("keep one of them"),
            ),
            None => {
                first.insert(text, item);
            }
        }
    }
    found
}

fn form(fine: bool, text: &str, what: &str, help: &str) -> Option<Complaint> {
    (!fine).then(|| Complaint {
        code: Code::BadFormat,
        message: format!("{} is not {what}", quoted(text)),
        help: help.to_owned(),
    })
}

/// `prefix` and 8 or 17 hexadecimal digits, as EC2's ids are.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        matches!(digits.len(), 8 | 17) && digits.bytes().all(hexadecimal)
    })
}

/// Whether `text` is the id of a machine image.
pub fn is_image_id(text: &str) -> bool {
    is_id(text, "ami-")
}

fn image_id(text: &str) -> Option<Complaint> {
    form(is_image_id(text), text, "the id of an image", "an AMI's id is `ami-` and 8 or 17 hexadecimal digits")
}

fn security_group(text: &str) -> Option<Complaint> {
    let help = "a security group's id is `sg-` and 8 or 17 hexadecimal digits; its name is not taken";
    form(is_id(text, "sg-"), text, "the id of a security group", help)
}

fn subnet(text: &str) -> Option<Complaint> {
    let help = "a subnet's id is `subnet-` and 8 or 17 hexadecimal digits";
    form(is_id(text, "subnet-"), text, "the id of a subnet", help)
}

fn vpc(text: &str) -> Option<Complaint> {
    form(is_id(text, "vpc-"), text, "the id of a VPC", "a VPC's id is `vpc-` and 8 or 17 hexadecimal digits")
}

fn reason(text: &str) -> Option<Complaint> {
    form(!text.trim().is_empty(), text, "a reason", "say why, for those who find the app suspended")
}

fn moment(text: &str) -> Option<Complaint> {
    form(text.parse::<Timestamp>().is_ok(), text, "a time", "write it as RFC 3339, such as `2026-12-01T00:00:00Z`")
}

fn instance_type(text: &str) -> Option<Complaint> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fine = text.split_once('.').is_some_and(|(family, size)| word(family) && word(size));
    form(fine, text, "an instance type", "a family and a size, such as `c7g.large`")
}

fn instance_profile(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    let name = match Arn::parse(text) {
        Some(arn) if arn.service == "iam" && arn.resource.starts_with("instance-profile/") => {
            arn.resource.rsplit('/').next().unwrap_or_default()
        }
        _ => text,
    };
    let fine = (1..=128).contains(&name.len()) && name.bytes().all(plain);
    let help = "its name, 1 to 128 letters, digits and `+=,.@_-`, or its ARN, \
                `arn:aws:iam::123456789012:instance-profile/…`";
    form(fine, text, "an instance profile", help)
}

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

fn price(text: &str) -> Option<Complaint> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let fine = plain && text.parse::<f64>().is_ok_and(|price| price >= 0.001);
    form(fine, text, "a price", "US dollars for an hour, 0.001 at least, such as `\"0.05\"`")
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html>
fn device(text: &str) -> Option<Complaint> {
    let name = text.strip_prefix("/dev/").unwrap_or(text);
    let fine = (2..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    form(fine, text, "the name of a device", "such as `/dev/sdb` or `/dev/xvdb`")
}

fn kms_key(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:".contains(&byte);
    let fine = (1..=2048).contains(&text.len()) && text.bytes().all(plain);
    form(fine, text, "a KMS key", "its id, its alias `alias/…`, or the ARN of either")
}

fn snapshot(text: &str) -> Option<Complaint> {
    let help = "a snapshot's id is `snap-` and 8 or 17 hexadecimal digits";
    form(is_id(text, "snap-"), text, "the id of a snapshot", help)
}

fn key_name(text: &str) -> Option<Complaint> {
    let fine = (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    form(fine, text, "the name of a key pair", "1 to 255 ASCII characters")
}

/// The text itself is in no message.
fn user_data(text: &str) -> Option<Complaint> {
    (text.len() > MAX_USER_DATA).then(|| {
        let (message, help) = user_data_too_long(&format!("user data of {} bytes", text.len()));
        Complaint { code: Code::UserDataTooLong, message, help: help.to_owned() }
    })
}

/// What to say of user data that is too long, and the advice.
pub fn user_data_too_long(what: &str) -> (String, &'static str) {
    let message = format!("{what} is too long: EC2 takes {MAX_USER_DATA} bytes at most");
    (message, "bake the script into the image, or fetch it from S3 at boot with the instance profile")
}

fn file(text: &str) -> Option<Complaint> {
    let fine = !text.trim().is_empty() && text.len() <= 1024 && !text.contains(char::is_control);
    form(fine, text, "a path", "a file beside the manifest or below it, such as `boot.sh`")
}

/// What a tag names can change under a running generation, and two instances of it would differ.
fn digested(text: &str) -> Option<Complaint> {
    let (name, digest) = text.split_once('@').unwrap_or((text, ""));
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = digest.strip_prefix("sha256:").is_some_and(|it| it.len() == 64 && it.bytes().all(hexadecimal));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte);
    let is_name = (1..=400).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(['-', '.', '/', ':']);
    let help = "name it by its digest, `repository@sha256:…`, as `docker buildx imagetools inspect` shows it";
    match (is_name, digest) {
        (true, "") => Some(Complaint {
            code: Code::BadFormat,
            message: format!("{} can mean another image tomorrow", quoted(text)),
            help: help.to_owned(),
        }),
        _ => form(is_name && is_digest, text, "a Docker image by its digest", help),
    }
}

/// The value is in no message.
fn variable(text: &str) -> Option<Complaint> {
    text.contains(['\n', '\r', '\0']).then(|| Complaint {
        code: Code::BadFormat,
        message: "the value of an environment variable is one line".to_owned(),
        help: "encode it, for instance as base64, and have the app decode it".to_owned(),
    })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>
fn check_path(text: &str) -> Option<Complaint> {
    let fine = text.starts_with('/') && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic());
    form(
        fine,
        text,
        "the path of a health check",
        "begin with `/`, as in `/health_check`; at most 1024 ASCII characters without spaces",
    )
}

fn request_path(text: &str) -> Option<Complaint> {
    let fine =
        text.starts_with('/') && text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    form(
        fine,
        text,
        "the path of a request",
        "begin with `/`, as in `/version`; at most 1024 ASCII characters without spaces",
    )
}

fn expression(text: &str) -> Option<Complaint> {
    let why = Pattern::new(text).err()?;
    form(false, text, "a regular expression", &why)
}

fn alarm(text: &str) -> Option<Complaint> {
    let fine = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let help = match text.strip_prefix("arn:") {
        Some(_) => "write its name only, without the ARN",
        None => "1 to 255 characters, as CloudWatch shows it",
    };
    form(fine && !text.starts_with("arn:"), text, "the name of an alarm", help)
}

/// Whether `text` is a URL to which a release may be told, and a token sent: nobody on the way may read it.
fn webhook(text: &str) -> Option<Complaint> {
    let graphic = text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().is_ok_and(|port| port > 0)),
        None => (authority, true),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let named = !host.is_empty() && host.bytes().all(plain) && port && !text.contains('#');
    let local = ["localhost", "127.0.0.1"].contains(&host);
    let fine = graphic && named && (text.starts_with("https://") || (text.starts_with("http://") && local));
    form(
        fine,
        text,
        "the URL of a webhook",
        "write `https://…`, without a user or password; `http` only on this machine",
    )
}

/// Only variables that are meant for it: a manifest must not get at others, such as AWS's credentials.
fn token_variable(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let fine = text.len() <= 128
        && text.strip_prefix("AMIABLE_WEBHOOK_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain));
    form(
        fine,
        text,
        "a variable for a webhook's token",
        "a name such as `AMIABLE_WEBHOOK_TOKEN`: other variables are out of reach",
    )
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html>
fn matcher(text: &str) -> Option<Complaint> {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| text.len() == 3 && (200..=499).contains(code));
    let part = |part: &str| match part.split_once('-') {
        Some((from, to)) => code(from).zip(code(to)).is_some_and(|(from, to)| from <= to),
        None => code(part).is_some(),
    };
    form(text.split(',').all(part), text, "a matcher", "status codes from 200 to 499: `200`, `200,204` or `200-299`")
}

fn certificate(text: &str) -> Option<Complaint> {
    let fine = Arn::parse(text).is_some_and(|arn| match arn.service {
        "acm" => arn.resource.starts_with("certificate/"),
        "iam" => arn.resource.starts_with("server-certificate/"),
        _ => false,
    });
    let help = "it looks like `arn:aws:acm:us-west-2:123456789012:certificate/…`";
    form(fine, text, "the ARN of a certificate", help)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>
fn host_pattern(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.*?".contains(&byte);
    let fine = (1..=128).contains(&text.len()) && text.bytes().all(plain) && text.contains('.') || text == "*";
    form(fine, text, "a host name", "letters, digits, `-`, `.`, and `*` or `?` as wildcards, such as `*.example.com`")
}

fn path_pattern(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$/~\"'@:+&*?".contains(&byte);
    let fine = (1..=128).contains(&text.len()) && text.starts_with(['/', '*']) && text.bytes().all(plain);
    form(fine, text, "a path pattern", "begin with `/`; `*` and `?` are wildcards, as in `/api/*`")
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>
fn ssl_policy(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let fine = text.starts_with("ELBSecurityPolicy-") && text.bytes().all(plain);
    form(fine, text, "a security policy", "it looks like `ELBSecurityPolicy-TLS13-1-2-2021-06`")
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn bucket(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let fine = (3..=63).contains(&text.len()) && text.bytes().all(plain);
    form(fine, text, "the name of a bucket", "3 to 63 lower-case letters, digits, `.` and `-`")
}

fn log_prefix(text: &str) -> Option<Complaint> {
    let fine = text.len() <= 512 && !text.starts_with('/') && !text.ends_with('/') && !text.contains("AWSLogs");
    form(fine, text, "a prefix of access logs", "no `/` at its ends, and no `AWSLogs`, which AWS adds itself")
}

fn method(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
    let fine = (1..=40).contains(&text.len()) && text.bytes().all(plain);
    form(fine, text, "an HTTP method", "capital letters, such as `GET`")
}

fn network(text: &str) -> Option<Complaint> {
    let fine = text.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => 32,
            Ok(std::net::IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    });
    form(fine, text, "a network", "an address and the bits of its mask, such as `10.0.0.0/8`")
}

/// Whether `text` is a full domain name, a final dot allowed.
pub fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

fn dns_name(text: &str) -> Option<Complaint> {
    form(is_domain(text), text, "a DNS name", "write the full name, such as `hello.internal.example.com`")
}

/// Whether `text` is the id of a hosted zone rather than its name.
pub fn is_zone_id(text: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.starts_with('Z') && (8..=32).contains(&text.len()) && text.bytes().all(digits)
}

fn dns_zone(text: &str) -> Option<Complaint> {
    let help = "the name of a hosted zone, such as `internal.example.com`, or its id, such as `Z0123456789ABCDEFGHIJ`";
    form(is_zone_id(text) || is_domain(text), text, "a hosted zone", help)
}

fn region(text: &str) -> Option<Complaint> {
    form(is_region(text), text, "a region", "write its code, such as `us-west-2`")
}

fn account(text: &str) -> Option<Complaint> {
    form(is_account(text), text, "an AWS account", "twelve digits in quotes, such as `\"123456789012\"`")
}

fn role(text: &str) -> Option<Complaint> {
    let fine = Arn::parse(text).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
    form(fine, text, "the ARN of a role", "it looks like `arn:aws:iam::123456789012:role/amiable`")
}

fn listener(text: &str) -> Option<Complaint> {
    let fine = Arn::parse(text).is_some_and(|arn| {
        arn.service == "elasticloadbalancing" && arn.resource.starts_with("listener/app/") && is_region(arn.region)
    });
    let help = "it looks like `arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/…`";
    form(fine, text, "the ARN of an application load balancer's listener", help)
}

fn image_owner(text: &str) -> Option<Complaint> {
    let fine = is_account(text) || text == "self" || IMAGE_OWNER_ALIASES.contains(&text);
    let help = "an account's twelve digits in quotes, `self`, `amazon`, `aws-marketplace` or `aws-backup-vault`";
    form(fine, text, "an owner of images", help)
}

/// The owners to whom AWS has given names.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>
const IMAGE_OWNER_ALIASES: [&str; 3] = ["amazon", "aws-marketplace", "aws-backup-vault"];

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>
fn parameter_name(text: &str) -> Option<Complaint> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    let (name, selector) = text.split_once(':').map_or((text, None), |(name, selector)| (name, Some(selector)));
    let is_path = name.starts_with('/') && !name.ends_with('/') && !name.contains("//") && name.len() <= 1011;
    let chosen =
        selector.is_none_or(|one| (1..=100).contains(&one.len()) && one.bytes().all(plain) && !one.contains('/'));
    let help = "a full path such as `/images/hello/stable`, `:VERSION` or `:LABEL` after it if wanted";
    form(is_path && chosen && name.bytes().all(plain), text, "the name of an SSM parameter", help)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html>
fn image_name(text: &str) -> Option<Complaint> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_*?".contains(c);
    let fine = (1..=128).contains(&text.len()) && text.chars().all(plain);
    let fine = fine && text.chars().any(|c| c.is_ascii_alphanumeric());
    form(fine, text, "the name of an image", "a name such as `hello-world-*`; `*` and `?` are wildcards")
}

fn image_tag(text: &str) -> Option<Complaint> {
    form(text.chars().count() <= 256, text, "the value of a tag", "256 characters at most")
}

fn file_beside(text: &str) -> Option<Complaint> {
    let fine = !text.is_empty() && !text.starts_with(['/', '\\']) && text.len() <= 1024 && !text.contains('\0');
    form(
        fine,
        text,
        "a file beside the manifests",
        "a path relative to this file, such as `hello/packer-manifest.json`",
    )
}

fn said(text: &str) -> Option<Complaint> {
    let fine = !text.trim().is_empty() && text.chars().count() <= tags::MAX_VALUE;
    form(fine, text, "something to call a release by", "1 to 256 characters; it becomes a tag")
}

fn artifact(text: &str) -> Option<Complaint> {
    let scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
        !scheme.is_empty() && !rest.is_empty() && scheme.bytes().all(plain)
    });
    let fine = scheme && tags::escape(text).len() <= tags::MAX_VALUE && !text.chars().any(char::is_control);
    form(
        fine,
        text,
        "the URI of an artifact",
        "a URI of 256 characters at most, such as `s3://bucket/assets-1.9.0.tgz`",
    )
}

fn ignorable(text: &str) -> Option<Complaint> {
    let effects = schema::effects();
    let in_place = || effects.iter().filter(|(_, effect)| **effect == Effect::InPlace).map(|(path, _)| path.as_str());
    let complaint = |why: &str, help: String| {
        Some(Complaint { code: Code::BadIgnore, message: format!("{} {why}", quoted(text)), help })
    };
    match effects.get(text) {
        Some(Effect::InPlace) => None,
        Some(_) => complaint(
            "is not a field that is changed in place",
            "its drift is never put right in place, so there is nothing to ignore".to_owned(),
        ),
        None => {
            let help = match closest(text, in_place()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("the fields that can be ignored: {}", in_place().collect::<Vec<_>>().join(", ")),
            };
            complaint("is not a field of an app", help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        type Case = (fn(&str) -> Option<Complaint>, &'static [&'static str], &'static [&'static str]);
        let cases: &[Case] = &[
            (
                image_id,
                &["ami-0123456789abcdef0", "ami-01234567"],
                &["ami-1", "AMI-01234567", "i-01234567", "ami-0123456g"],
            ),
            (security_group, &["sg-01234567"], &["default", "sg-", "subnet-01234567"]),
            (
                instance_type,
                &["c7g.large", "u-6tb1.112xlarge", "mac2-m2pro.metal"],
                &["large", "C7g.large", "c7g.", "c7g large"],
            ),
            (
                instance_profile,
                &["web", "a+b=c", "arn:aws:iam::123456789012:instance-profile/path/web"],
                &["", "a b", "arn:aws:iam::123456789012:role/web", "arn:aws:iam::123456789012:instance-profile/"],
            ),
            (
                digested,
                &[
                    "hello@sha256:00000000000000000000000000000000000000000000000000000000000000aa",
                    "ghcr.io:443/acme/hello:1.0@sha256:00000000000000000000000000000000000000000000000000000000000000aa",
                ],
                &["hello", "hello:1.0", "hello@sha256:1", "-x@sha256:1", "", "a b@sha256:1"],
            ),
            (price, &["0.05", "1", "12.5"], &["", "free", "-1", "0", "1e3", "$1", "inf"]),
            (device, &["/dev/sdb", "/dev/xvda", "xvdb"], &["", "/dev/", "/mnt/data", "/dev/s b"]),
            (kms_key, &["alias/ebs", "arn:aws:kms:us-west-2:123456789012:key/1-2"], &["", "a b"]),
            (snapshot, &["snap-0123456789abcdef0"], &["snap-1", "ami-01234567"]),
            (check_path, &["/", "/health_check?full=1"], &["health", "", "/a b", "/ü"]),
            (
                matcher,
                &["200", "200,204", "200-299", "200,301-302"],
                &["", "20", "500", "299-200", "200,", "2xx", "+200"],
            ),
            (request_path, &["/", "/a?b=c"], &["a", "/a b", "/a#b", ""]),
            (expression, &["v1\\.[0-9]+"], &["(", "["]),
            (alarm, &["hello 5xx", "a/b"], &["", "arn:aws:cloudwatch:us-west-2:123456789012:alarm:x", "a\nb"]),
            (
                webhook,
                &["https://ci.example.com/gate?x=1", "http://localhost:8080/", "http://127.0.0.1/x", "https://a:8443"],
                &[
                    "http://ci.example.com/",
                    "ftp://a.b/",
                    "https://user:secret@a.b/",
                    "https://",
                    "ci.example.com",
                    "https://a/#x",
                ],
            ),
            (token_variable, &["AMIABLE_WEBHOOK_TOKEN"], &["AWS_SECRET_ACCESS_KEY", "AMIABLE_WEBHOOK_", "TOKEN", ""]),
            (ssl_policy, &["ELBSecurityPolicy-TLS13-1-2-2021-06"], &["TLS-1-2", "ELBSecurityPolicy-a b", ""]),
            (bucket, &["logs", "my.logs-1"], &["My-Logs", "ab", "a_b", ""]),
            (log_prefix, &["", "web/prod"], &["/web", "web/", "AWSLogs"]),
            (method, &["GET", "PATCH"], &["get", "", "G T"]),
            (network, &["10.0.0.0/8", "2001:db8::/32"], &["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/8"]),
            (host_pattern, &["shop.example.com", "*.example.com", "*"], &["shop", "a b.c", "http://x.y", ""]),
            (path_pattern, &["/api/*", "*"], &["api", "", "/a b"]),
            (dns_name, &["a.example.com", "a.example.com.", "_x.b"], &["a", "a..b", "-a.b", "http://a.b", "a b.c"]),
            (dns_zone, &["example.com", "Z0123456789ABCDEFGHIJ"], &["z", "ZONE 1"]),
            (region, &["us-west-2"], &["us-west-2a"]),
            (account, &["123456789012"], &["12345678901", "1234-5678-9012"]),
            (role, &["arn:aws:iam::123456789012:role/x"], &["x", "arn:aws:iam::123456789012:user/x"]),
            (image_owner, &["self", "amazon", "aws-marketplace", "123456789012"], &["me", "", "12345678901"]),
            (
                parameter_name,
                &["/images/hello", "/images/hello:3", "/a/b_c.d-e:stable", "/aws/service/ami-amazon-linux-latest/x"],
                &["images/hello", "hello", "/a//b", "/a/", "/a:", "/a b", "/a:b/c", "", "arn:aws:ssm:x:1:parameter/a"],
            ),
            (image_name, &["hello-*", "hello ?.0 (x)"], &["", "*", "**?", "a$", "ä"]),
            (file_beside, &["a.json", "../x/a.json"], &["", "/a.json"]),
            (artifact, &["s3://b/k?versionId=1", "oci:x"], &["", "assets", ":x", "s3:"]),
            (moment, &["2026-12-01T00:00:00Z", "2026-12-01T00:00:00+01:00"], &["2026-12-01", "tomorrow"]),
            (ignorable, &["instances.max", "healthCheck.path"], &["image.id", "instances", "instances.maximum", ""]),
        ];
        for (rule, good, bad) in cases {
            good.iter().for_each(|text| assert!(rule(text).is_none(), "{text} is refused"));
            bad.iter().for_each(|text| assert!(rule(text).is_some(), "{text} is taken"));
        }
    }

    #[test]
    fn long_user_data_is_refused_with_advice_and_not_repeated() {
        assert!(user_data(&"a".repeat(MAX_USER_DATA)).is_none());
        let complaint = user_data(&"canary".repeat(4000)).unwrap();
        assert!(!complaint.message.contains("canary"));
        assert!(complaint.help.contains("S3"));
    }

    #[test]
    fn every_rule_is_about_a_field_that_exists() {
        let known: Vec<String> = schema::fields().into_iter().map(|field| field.path).collect();
        for (path, _) in APP {
            let path = path.replace(".*", "[]");
            let path = path.trim_end_matches("[]");
            assert!(known.iter().any(|known| known == path), "{path}");
        }
    }

    #[test]
    fn every_pattern_of_the_schema_has_a_rule() {
        let text = schema::app().to_string() + &schema::environment().to_string();
        let patterns: std::collections::BTreeSet<&str> =
            text.split("\"pattern\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        // Names and spans are read by their own types; images and accounts have rules above.
        assert_eq!(
            patterns.into_iter().collect::<Vec<_>>(),
            ["^([0-9]+[smhd])+$", "^[0-9]{12}$", "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "^ami-([0-9a-f]{8}|[0-9a-f]{17})$"]
        );
    }
}
