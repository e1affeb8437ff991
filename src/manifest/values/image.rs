//! What images and releases may be called.

use super::{Complaint, DAY, Rule, form};
use crate::manifest::values::arn::is_account;
use crate::model::names::is_image_id;
use crate::model::tags;
use crate::model::time::Timestamp;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
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
    ("release.buildDate", Rule::Text(build_date)),
    ("release.artifacts.*", Rule::Text(artifact)),
];

fn image_id(text: &str) -> Option<Complaint> {
    form(is_image_id(text), text, "the id of an image", "an AMI's id is `ami-` and 8 or 17 hexadecimal digits")
}

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

pub(super) fn image_owner(text: &str) -> Option<Complaint> {
    let fine = is_account(text) || text == "self" || IMAGE_OWNER_ALIASES.contains(&text);
    let help = "an account's twelve digits in quotes, `self`, `amazon`, `aws-marketplace` or `aws-backup-vault`";
    form(fine, text, "an owner of images", help)
}

/// The owners to whom AWS has given names.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>
const IMAGE_OWNER_ALIASES: [&str; 3] = ["amazon", "aws-marketplace", "aws-backup-vault"];

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

fn build_date(text: &str) -> Option<Complaint> {
    // A day alone is the beginning of it.
    let fine = text.parse::<Timestamp>().is_ok() || format!("{text}T00:00:00Z").parse::<Timestamp>().is_ok();
    form(fine, text, "a date", "a day such as `2026-11-02`, or an RFC 3339 time such as `2026-11-02T09:30:00Z`")
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

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
            (
                image_id,
                &["ami-0123456789abcdef0", "ami-01234567"],
                &["ami-1", "AMI-01234567", "i-01234567", "ami-0123456g"],
            ),
            (image_owner, &["self", "amazon", "aws-marketplace", "123456789012"], &["me", "", "12345678901"]),
            (
                parameter_name,
                &["/images/hello", "/images/hello:3", "/a/b_c.d-e:stable", "/aws/service/ami-amazon-linux-latest/x"],
                &["images/hello", "hello", "/a//b", "/a/", "/a:", "/a b", "/a:b/c", "", "arn:aws:ssm:x:1:parameter/a"],
            ),
            (image_name, &["hello-*", "hello ?.0 (x)"], &["", "*", "**?", "a$", "ä"]),
            (file_beside, &["a.json", "../x/a.json"], &["", "/a.json"]),
            (build_date, &["2026-11-02", "2026-11-02T09:30:00.123Z"], &["yesterday", "2026-13-01", "", "2026"]),
            (artifact, &["s3://b/k?versionId=1", "oci:x"], &["", "assets", ":x", "s3:"]),
        ]);
    }
}
