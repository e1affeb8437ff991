//! DNS names, accounts, regions, roles, listeners: what an environment is made of.

use super::ec2::{security_group, subnet, vpc};
use super::image::image_owner;
use super::{Complaint, DAY, Rule, form};
use crate::manifest::values::arn::{Arn, is_account, is_region};

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[("dns.ttl", Rule::Within(1, 7 * DAY)), ("dns.name", Rule::Text(dns_name))];

/// The rules of an environment's spec.
pub(super) const ENVIRONMENT: &[(&str, Rule)] = &[
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

/// Whether `text` is a full domain name, a final dot allowed.
pub fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

pub(super) fn dns_name(text: &str) -> Option<Complaint> {
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

pub(super) fn role(text: &str) -> Option<Complaint> {
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

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
            (dns_name, &["a.example.com", "a.example.com.", "_x.b"], &["a", "a..b", "-a.b", "http://a.b", "a b.c"]),
            (dns_zone, &["example.com", "Z0123456789ABCDEFGHIJ"], &["z", "ZONE 1"]),
            (region, &["us-west-2"], &["us-west-2a"]),
            (account, &["123456789012"], &["12345678901", "1234-5678-9012"]),
            (role, &["arn:aws:iam::123456789012:role/x"], &["x", "arn:aws:iam::123456789012:user/x"]),
        ]);
    }
}
