//! What EC2 takes: types, ids, devices, user data, containers.

use super::{Complaint, Rule, form};
use crate::manifest::diagnostic::{Code, quoted};
use crate::manifest::values::arn::Arn;
use crate::model::names::is_ec2_id;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
    ("instanceType", Rule::Text(instance_type)),
    ("instanceTypes", Rule::Distinct),
    ("instanceTypes.*", Rule::Text(instance_type)),
    ("spot.maxPrice", Rule::Text(price)),
    ("launch.blockDevices.*.device", Rule::Text(device)),
    ("launch.blockDevices.*.kmsKeyId", Rule::Text(kms_key)),
    ("launch.blockDevices.*.snapshotId", Rule::Text(snapshot)),
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
];

/// The most user data that EC2 takes, before it is encoded.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>
pub const MAX_USER_DATA: usize = 16 * 1024;

fn instance_type(text: &str) -> Option<Complaint> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fine = text.split_once('.').is_some_and(|(family, size)| word(family) && word(size));
    form(fine, text, "an instance type", "a family and a size, such as `c7g.large`")
}

fn price(text: &str) -> Option<Complaint> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let fine = plain && text.parse::<f64>().is_ok_and(|price| price >= 0.001);
    form(fine, text, "a price", "US dollars for an hour, 0.001 at least, such as `\"0.05\"`")
}

pub(super) fn security_group(text: &str) -> Option<Complaint> {
    let help = "a security group's id is `sg-` and 8 or 17 hexadecimal digits; its name is not taken";
    form(is_ec2_id(text, "sg-"), text, "the id of a security group", help)
}

pub(super) fn subnet(text: &str) -> Option<Complaint> {
    let help = "a subnet's id is `subnet-` and 8 or 17 hexadecimal digits";
    form(is_ec2_id(text, "subnet-"), text, "the id of a subnet", help)
}

pub(super) fn vpc(text: &str) -> Option<Complaint> {
    form(is_ec2_id(text, "vpc-"), text, "the id of a VPC", "a VPC's id is `vpc-` and 8 or 17 hexadecimal digits")
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
    form(is_ec2_id(text, "snap-"), text, "the id of a snapshot", help)
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

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
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
        ]);
    }

    #[test]
    fn long_user_data_is_refused_with_advice_and_not_repeated() {
        assert!(user_data(&"a".repeat(MAX_USER_DATA)).is_none());
        let complaint = user_data(&"canary".repeat(4000)).unwrap();
        assert!(!complaint.message.contains("canary"));
        assert!(complaint.help.contains("S3"));
    }
}
