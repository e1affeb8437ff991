//! What load balancers take: health checks, listeners, rules, logs.

use super::ec2::security_group;
use super::{Complaint, HOUR, Rule, form};
use crate::manifest::values::arn::Arn;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
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
    ("loadBalancer.hosts", Rule::Distinct),
    ("loadBalancer.hosts.*", Rule::Text(host_pattern)),
    ("loadBalancer.paths", Rule::Distinct),
    ("loadBalancer.paths.*", Rule::Text(path_pattern)),
    ("loadBalancer.deregistrationDelay", Rule::Within(0, HOUR)),
];

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

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
            (check_path, &["/", "/health_check?full=1"], &["health", "", "/a b", "/ü"]),
            (
                matcher,
                &["200", "200,204", "200-299", "200,301-302"],
                &["", "20", "500", "299-200", "200,", "2xx", "+200"],
            ),
            (ssl_policy, &["ELBSecurityPolicy-TLS13-1-2-2021-06"], &["TLS-1-2", "ELBSecurityPolicy-a b", ""]),
            (bucket, &["logs", "my.logs-1"], &["My-Logs", "ab", "a_b", ""]),
            (log_prefix, &["", "web/prod"], &["/web", "web/", "AWSLogs"]),
            (method, &["GET", "PATCH"], &["get", "", "G T"]),
            (network, &["10.0.0.0/8", "2001:db8::/32"], &["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/8"]),
            (host_pattern, &["shop.example.com", "*.example.com", "*"], &["shop", "a b.c", "http://x.y", ""]),
            (path_pattern, &["/api/*", "*"], &["api", "", "/a b"]),
        ]);
    }
}
