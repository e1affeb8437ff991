//! AWS's error codes, by what they mean to the caller.

use super::Class;

pub(super) const EXPIRED: &[&str] =
    &["ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed"];
pub(super) const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotSignedUp",
    "OptInRequired",
    "PendingVerification",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
pub(super) const DENIED: &[&str] =
    &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess"];
pub(super) const THROTTLED: &[&str] = &[
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
];
const TRANSIENT: &[&str] = &[
    "HealthUnavailable",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InvalidNextToken",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];
const BUSY: &[&str] = &[
    "DependencyViolation",
    "InstanceRefreshInProgress",
    "PriorRequestNotComplete",
    "ResourceContention",
    "ResourceInUse",
    "ScalingActivityInProgress",
    "TooManyUpdates",
];
/// What a manifest names and AWS does not have: it will not appear by waiting.
const NAMED_BY_MANIFESTS: &[&str] = &[
    "CertificateNotFound",
    "InvalidAMIID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidKeyPair.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "NoSuchHostedZone",
    "SubnetNotFound",
];

pub(super) fn is_quota(code: &str) -> bool {
    // Those that begin alike and mean the rate of calls are told apart before.
    code.contains("LimitExceeded") || code.starts_with("TooMany") || code.ends_with("QuotaExceeded")
}

/// The same in words: Auto Scaling has one code for everything, and says which thing it is. Each has a space, which no name
/// of ours has.
const NAMED_IN_WORDS: &[&str] =
    &["image id", "instance profile", "key pair", "placement group", "security group", "subnet id"];

/// Whether AWS says that something does not exist that is ours or was.
pub(super) fn is_missing(code: &str, message: &str) -> bool {
    let words = message.to_lowercase();
    let missing = words.contains("not found") || words.contains("does not exist");
    let by_words = missing && !NAMED_IN_WORDS.iter().any(|thing| words.contains(thing));
    (code == "ValidationError" && by_words)
        || code.ends_with("NotFound")
        || code.ends_with(".NotFoundException")
        || code.ends_with(".VersionNotFound")
        || code == "NoSuchHostedZone"
        || code == "ResourceNotFoundException"
}

pub(super) fn classify(code: &str, message: &str, status: Option<u16>) -> Class {
    // Some services append `Fault` or `Exception` to the code in their older protocols.
    let code = code.strip_suffix("Fault").unwrap_or(code);
    match code {
        code if EXPIRED.contains(&code) || CREDENTIALS.contains(&code) => Class::FatalAll,
        code if BUSY.contains(&code) => Class::Wait,
        code if THROTTLED.contains(&code) || TRANSIENT.contains(&code) => Class::Retry,
        code if DENIED.contains(&code) => Class::Blocked,
        "OperationNotPermitted" | "ServiceLinkedRoleFailure" | "AlreadyExists" | "PriorityInUse" => Class::Blocked,
        code if code.starts_with("Duplicate") || is_quota(code) => Class::Blocked,
        // What it was to delete is gone, or has changed. The SDK asks again when an answer is lost, and then finds it gone.
        "InvalidChangeBatch" if message.contains("Tried to delete resource record set") => Class::Wait,
        code if NAMED_BY_MANIFESTS.contains(&code) => Class::FatalApp,
        // It was there when the plan was made, or was created a moment ago: AWS may not know it everywhere yet.
        code if is_missing(code, message) => Class::Wait,
        _ if status.is_some_and(|status| status >= 500) => Class::Retry,
        _ => Class::FatalApp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str, status: u16) -> Class {
        classify(code, "", Some(status))
    }

    #[test]
    fn every_error_says_what_the_caller_does_about_it() {
        for (code, status, expected) in [
            ("Throttling", 400, Class::Retry),
            ("RequestLimitExceeded", 503, Class::Retry),
            ("TooManyRequestsException", 400, Class::Retry),
            ("InternalFailure", 500, Class::Retry),
            ("SomethingNobodyHasSeen", 503, Class::Retry),
            ("ResourceContention", 500, Class::Wait),
            ("ResourceContentionFault", 500, Class::Wait),
            ("ScalingActivityInProgress", 400, Class::Wait),
            ("PriorRequestNotComplete", 400, Class::Wait),
            ("TargetGroupNotFound", 400, Class::Wait),
            ("InvalidLaunchTemplateName.NotFoundException", 400, Class::Wait),
            ("LimitExceeded", 400, Class::Blocked),
            ("VcpuLimitExceeded", 400, Class::Blocked),
            ("TooManyRules", 400, Class::Blocked),
            ("AccessDenied", 403, Class::Blocked),
            ("UnauthorizedOperation", 403, Class::Blocked),
            ("PriorityInUse", 400, Class::Blocked),
            ("InvalidAMIID.NotFound", 400, Class::FatalApp),
            ("SubnetNotFound", 400, Class::FatalApp),
            ("ValidationError", 400, Class::FatalApp),
            ("InvalidConfigurationRequest", 400, Class::FatalApp),
            ("ExpiredToken", 403, Class::FatalAll),
            ("InvalidClientTokenId", 403, Class::FatalAll),
            ("AuthFailure", 401, Class::FatalAll),
        ] {
            assert_eq!(class(code, status), expected, "{code}");
        }
    }

    #[test]
    fn a_record_that_is_gone_before_it_is_deleted_is_no_fault_of_the_manifest() {
        let words = "[Tried to delete resource record set [name='hello.example.com.', type='A'] but it was not found]";
        assert_eq!(classify("InvalidChangeBatch", words, Some(400)), Class::Wait);
        assert_eq!(classify("InvalidChangeBatch", "[Invalid resource type: B]", Some(400)), Class::FatalApp);
    }

    #[test]
    fn a_group_that_auto_scaling_does_not_know_is_missing_and_not_a_bad_request() {
        let words = "AutoScalingGroup name not found - no such group: hello-world-prod-v042";
        assert_eq!(classify("ValidationError", words, Some(400)), Class::Wait);
        for name in ["hello-world-prod-v042", "image-prod-v042", "subnet-prod-v042"] {
            let words = format!("The specified launch template, with template name {name}, does not exist.");
            let words = format!("You must use a valid fully-formed launch template. {words}");
            assert_eq!(classify("ValidationError", &words, Some(400)), Class::Wait);
        }
    }

    #[test]
    fn what_a_manifest_names_and_auto_scaling_does_not_find_is_not_waited_for() {
        for words in [
            "You must use a valid fully-formed launch template. The key pair 'operations' does not exist",
            "You must use a valid fully-formed launch template. The image id '[ami-1]' does not exist",
            "You must use a valid fully-formed launch template. The security group 'sg-1' does not exist",
            "The subnet ID 'subnet-1' does not exist",
        ] {
            assert_eq!(classify("ValidationError", words, Some(400)), Class::FatalApp, "{words}");
        }
    }
}
