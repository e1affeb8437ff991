//! What requests are made of: smoke checks, webhooks; and the alarms that are looked at beside them.

use super::names::dns_name;
use super::{Complaint, DAY, HOUR, Rule, form};
use crate::manifest::diagnostic::Code;
use crate::model::pattern::Pattern;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
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
];

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
    // The text is in no message: somebody may have written the token itself.
    (!fine).then(|| Complaint {
        code: Code::BadFormat,
        message: "`tokenVariable` is not a variable for a webhook's token".to_owned(),
        help: "a name such as `AMIABLE_WEBHOOK_TOKEN`: other variables are out of reach".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
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
        ]);
    }
}
