//! What AWS answered when it refused, and what the caller is to do about it.
//!
//! - [`codes`]: AWS's error codes, by what they mean to the caller

mod codes;

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::model::observed::refused;
use crate::model::text::cleaned;
use codes::{CREDENTIALS, DENIED, EXPIRED, THROTTLED, classify, is_missing, is_quota};

/// Which call it was, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service as IAM spells it: `autoscaling`, `ec2`, `elasticloadbalancing`, `route53`, `ssm`, `sts`.
    pub service: &'static str,
    /// The operation, such as `CreateAutoScalingGroup`.
    pub operation: &'static str,
    /// What it was about, for people; may be empty.
    pub resource: String,
}

impl Call {
    /// The call of `operation` on `resource`.
    pub fn new(service: &'static str, operation: &'static str, resource: impl Into<String>) -> Self {
        Self { service, operation, resource: resource.into() }
    }
}

/// What the caller does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing is wrong with what was asked (throttling, a fault within AWS, a broken connection): ask again later.
    Retry,
    /// AWS is busy with this very thing, or does not know of it yet: look again soon, and plan anew.
    Wait,
    /// AWS refuses until a person changes something outside the manifest: a permission, a quota, a thing of somebody
    /// else's that has the name.
    Blocked,
    /// AWS refuses what the manifest asks for: leave this app alone until its manifest changes.
    FatalApp,
    /// No call can succeed: the credentials, the account or the way to AWS. Leave all apps alone.
    FatalAll,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// The service as IAM spells it.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// What it was about; may be empty.
    pub resource: String,
    /// AWS's error code; a word of ours in angle brackets where AWS did not answer.
    pub code: String,
    /// AWS's words.
    pub message: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The request's id, for AWS's support.
    pub request_id: Option<String>,
    /// What the caller does about it.
    pub class: Class,
}

/// Codes of ours, for errors in which AWS had no say.
mod own {
    pub const NO_CREDENTIALS: &str = "<no credentials>";
    pub const CREDENTIALS: &str = "<credentials>";
    pub const UNREACHABLE: &str = "<unreachable>";
    pub const ENDPOINT: &str = "<endpoint>";
    pub const TIMEOUT: &str = "<timeout>";
    pub const BROKEN: &str = "<connection broken>";
    pub const ANSWER: &str = "<answer not understood>";
    pub const REQUEST: &str = "<request not sent>";
    pub const CONFLICT: &str = "<conflict>";
    pub const ACCOUNT: &str = "<other account>";
    pub const BUSY: &str = "<not yet>";
}

impl AwsError {
    /// What became of a call, in the terms of any SDK client.
    pub fn from_sdk<E>(call: Call, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let request_id = error.as_service_error().and_then(|e| e.meta().request_id()).map(str::to_owned);
        if let Some(service_error) = error.as_service_error()
            && let Some(code) = service_error.code()
        {
            let message = service_error.message().unwrap_or("AWS gave no message").to_owned();
            let class = classify(code, &message, status);
            return Self::build(call, code, message, class).with_response(status, request_id);
        }
        let (code, class) = without_a_code(&error, status);
        let message = match deepest::<CredentialsError>(&error) {
            // What was tried one after the other is a page of words, and the advice says it better.
            Some(CredentialsError::CredentialsNotLoaded(_)) => "no AWS credentials were found".to_owned(),
            Some(credentials) => causes(credentials),
            None => causes(&error),
        };
        Self::build(call, code, message, class).with_response(status, request_id)
    }

    /// A name or place that we need is held by something that is not ours, or not what it should be.
    pub fn conflict(call: Call, message: impl Into<String>) -> Self {
        Self::build(call, own::CONFLICT, message.into(), Class::Blocked)
    }

    /// The credentials belong to another account than the one that is meant.
    pub fn other_account(call: Call, message: impl Into<String>) -> Self {
        Self::build(call, own::ACCOUNT, message.into(), Class::FatalAll)
    }

    /// The service could not be reached.
    #[cfg(test)]
    pub fn unreachable(call: Call, message: &str) -> Self {
        Self::build(call, own::UNREACHABLE, message.to_owned(), Class::Retry)
    }

    /// AWS has not come as far as it must before more can be done.
    pub fn not_yet(call: Call, message: impl Into<String>) -> Self {
        Self::build(call, own::BUSY, message.into(), Class::Wait)
    }

    /// An answer that is not what AWS's reference says it is.
    pub fn not_understood(call: Call, message: impl Into<String>) -> Self {
        Self::build(call, own::ANSWER, message.into(), Class::Retry)
    }

    /// A request that the SDK's types do not let pass.
    pub fn not_sent(call: Call, error: impl fmt::Display) -> Self {
        Self::build(call, own::REQUEST, error.to_string(), Class::FatalApp)
    }

    fn build(call: Call, code: &str, message: String, class: Class) -> Self {
        let Call { service, operation, resource } = call;
        let (code, message) = (cleaned(code), cleaned(&message));
        Self { service, operation, resource, code, message, status: None, request_id: None, class }
    }

    fn with_response(mut self, status: Option<u16>, request_id: Option<String>) -> Self {
        self.status = status;
        self.request_id = request_id;
        self
    }

    /// The same error, to be treated otherwise.
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// The same error of the call that comes before all others: where its service is out of reach, no call can succeed.
    pub fn of_the_first_call(self) -> Self {
        if self.code == own::UNREACHABLE { self.with_class(Class::FatalAll) } else { self }
    }

    /// Whether AWS says that the thing does not exist.
    pub fn is_missing(&self) -> bool {
        is_missing(&self.code, &self.message)
    }

    /// Whether nothing could be reached at all.
    pub fn is_unreachable(&self) -> bool {
        self.code == own::UNREACHABLE
    }

    /// Whether a permission is missing.
    pub fn is_denied(&self) -> bool {
        DENIED.contains(&self.code.as_str())
    }

    /// Whether the call only reads, so that nothing can have come of it.
    fn is_reading(&self) -> bool {
        is_reading(self.operation)
    }

    /// Whether AWS says that the name or place is taken.
    pub fn is_taken(&self) -> bool {
        let code = self.code.as_str();
        code.starts_with("Duplicate")
            || code == "PriorityInUse"
            || code == "AlreadyExists"
            || code == "AlreadyExistsFault"
            || code.ends_with(".AlreadyExistsException")
    }

    /// Whether trying the same again later may help without anybody doing anything.
    pub fn may_pass(&self) -> bool {
        matches!(self.class, Class::Retry | Class::Wait)
    }

    /// What to do next, where there is something to say beyond AWS's words.
    pub fn advice(&self) -> Option<String> {
        let text = match self.code.as_str() {
            own::NO_CREDENTIALS => {
                "sign in with `aws sso login`, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a simulated AWS, paste what `amiable sim` prints"
            }
            own::CREDENTIALS => {
                "the AWS credentials could not be obtained: check the profile, the role and its trust policy"
            }
            own::UNREACHABLE => {
                "the endpoint cannot be reached: check the network, the proxy, the region's name and AWS_ENDPOINT_URL"
            }
            own::ENDPOINT => {
                "an endpoint must be a URL such as `http://127.0.0.1:4566`: check --endpoint-url and AWS_ENDPOINT_URL"
            }
            own::TIMEOUT | own::BROKEN if self.is_reading() => "check the network and the proxy, and try again",
            own::TIMEOUT | own::BROKEN => "whether the call took effect is not known; the next plan finds out",
            own::ACCOUNT => {
                "nothing was changed; correct `accountId` in the environment's manifest, or use credentials of that account"
            }
            own::CONFLICT => "nothing was changed; rename the app, or remove or hand over what is in the way",
            code if EXPIRED.contains(&code) || self.message.contains("Signature expired") => {
                "the credentials have expired: sign in again with `aws sso login`, or renew them; if they are fresh, check this machine's clock"
            }
            code if CREDENTIALS.contains(&code) => {
                "AWS does not accept the credentials: check AWS_PROFILE or the access key, and that the region is enabled for the account"
            }
            _ if self.is_denied() => return Some(self.permission()),
            code if THROTTLED.contains(&code) => {
                "AWS limits the rate of calls per account; it is tried again later, more slowly"
            }
            "ParameterMaxVersionLimitExceeded" => {
                "the parameter's oldest version carries a label and cannot make room: remove the label"
            }
            code if is_quota(code) => {
                "a quota of the account is used up: remove what is not needed, or ask AWS for a higher quota"
            }
            "OperationNotPermitted" => "it is protected against deletion: take the protection off if it is to go",
            "PriorRequestNotComplete" | "ScalingActivityInProgress" | "ResourceContention" => {
                "AWS is still busy with an earlier change; it is tried again"
            }
            "ServiceLinkedRoleFailure" => {
                "create the role once: `aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com`"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The error with the advice, where only a person can help: also where a service is out of reach, for which there may
    /// be no way to it from here.
    pub fn explained(&self) -> String {
        match self.advice().filter(|_| !self.may_pass() || self.code == own::UNREACHABLE) {
            Some(advice) => format!("{self}; {advice}"),
            None => self.to_string(),
        }
    }

    /// The same as the reason why something could not be read. What is refused does not come by waiting.
    pub fn why_unread(&self) -> String {
        if self.is_denied() { refused(&self.explained()) } else { self.explained() }
    }

    /// Which IAM action is to be allowed. AWS often names it itself, and it need not be the call: `iam:PassRole`, say.
    fn permission(&self) -> String {
        let named = self.message.split_once("not authorized to perform: ").map(|(_, rest)| rest);
        let named = named.and_then(|rest| rest.split_whitespace().next()).map(|action| action.trim_end_matches('.'));
        if let Some(named) = named.filter(|action| action.contains(':')) {
            return format!("the caller's IAM policies must allow the action `{named}`");
        }
        let on = if self.resource.is_empty() { String::new() } else { format!(" on {}", self.resource) };
        format!("the caller's IAM policies must allow the action `{}:{}`{on}", self.service, self.operation)
    }
}

/// Whether an operation only reads.
pub(super) fn is_reading(operation: &str) -> bool {
    ["Describe", "Get", "List"].iter().any(|verb| operation.starts_with(verb))
}

impl fmt::Display for AwsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.service, self.operation)?;
        if !self.resource.is_empty() {
            write!(out, " {}", self.resource)?;
        }
        if self.code.starts_with('<') {
            write!(out, ": {}", self.message)?;
        } else {
            write!(out, ": {}: {}", self.code, self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(out, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl Error for AwsError {}

/// The code and class of an error that carries no code of AWS's.
fn without_a_code<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> (&'static str, Class)
where
    E: Error + Send + Sync + 'static,
{
    let credentials = deepest::<CredentialsError>(error);
    // Without credentials no call can succeed, whatever kept them from being obtained.
    let or_fatal = |class| if credentials.is_some() { Class::FatalAll } else { class };
    match credentials {
        Some(CredentialsError::CredentialsNotLoaded(_)) => return (own::NO_CREDENTIALS, Class::FatalAll),
        _ if never_connected(error) => return (own::UNREACHABLE, or_fatal(Class::Retry)),
        _ if chain(error).any(is_about_the_endpoint) => return (own::ENDPOINT, or_fatal(Class::Blocked)),
        Some(_) => return (own::CREDENTIALS, Class::FatalAll),
        None => {}
    }
    match error {
        SdkError::TimeoutError(_) => (own::TIMEOUT, Class::Retry),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => (own::TIMEOUT, Class::Retry),
        SdkError::DispatchFailure(_) => (own::BROKEN, Class::Retry),
        SdkError::ConstructionFailure(_) => (own::REQUEST, Class::FatalApp),
        _ if status.is_some_and(|status| (400..500).contains(&status)) => (own::ANSWER, Class::FatalApp),
        _ => (own::ANSWER, Class::Retry),
    }
}

/// Whether the connection itself could not be made, so that the request was certainly not received.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error).is_some_and(hyper_util::client::legacy::Error::is_connect)
        || find::<std::io::Error>(error).is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// The error, its cause, the cause of that and so on.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// Whether the SDK could make no address of a URL that was given.
fn is_about_the_endpoint(error: &(dyn Error + 'static)) -> bool {
    error.to_string().starts_with("failed to apply endpoint")
}

/// The last of a kind: credentials may be obtained with other credentials.
fn deepest<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).filter_map(|error| error.downcast_ref::<T>()).last()
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// The error and its causes in one line; a cause that only repeats the one before it is left out, and so is the request,
/// which the SDK writes as Rust does.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in chain(error) {
        let text = cause.to_string();
        let text = text.split(" to request `Request {").next().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !parts.last().is_some_and(|last| last.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_call_the_resource_the_code_and_the_permission() {
        let call = Call::new("autoscaling", "DeleteAutoScalingGroup", "hello-world-prod-v041");
        let error = AwsError::build(call, "AccessDenied", "User x is not authorized".into(), Class::Blocked)
            .with_response(Some(403), Some("abc-1".into()));
        assert_eq!(
            error.to_string(),
            "autoscaling:DeleteAutoScalingGroup hello-world-prod-v041: AccessDenied: User x is not authorized (request abc-1)"
        );
        let advice = error.advice().unwrap();
        assert!(advice.contains("`autoscaling:DeleteAutoScalingGroup` on hello-world-prod-v041"), "{advice}");
    }

    #[test]
    fn the_permission_that_aws_names_is_the_one_that_is_missing() {
        let words =
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:PassRole on resource: x";
        let call = Call::new("ec2", "CreateLaunchTemplate", "hello-world-prod-v041");
        let error = AwsError::build(call, "UnauthorizedOperation", words.into(), Class::Blocked);
        assert!(error.advice().unwrap().ends_with("`iam:PassRole`"), "{:?}", error.advice());
    }

    #[test]
    fn there_is_advice_where_a_person_can_do_something() {
        let advice = |code: &str, class| {
            AwsError::build(Call::new("ec2", "CreateLaunchTemplate", "x"), code, "words".into(), class).advice()
        };
        assert!(advice("ExpiredToken", Class::FatalAll).unwrap().contains("aws sso login"));
        assert!(advice(own::NO_CREDENTIALS, Class::FatalAll).unwrap().contains("AWS_PROFILE"));
        assert!(advice(own::UNREACHABLE, Class::FatalAll).unwrap().contains("AWS_ENDPOINT_URL"));
        assert!(advice("RequestLimitExceeded", Class::Retry).unwrap().contains("rate of calls"));
        assert!(advice("VcpuLimitExceeded", Class::Blocked).unwrap().contains("quota"));
        assert_eq!(advice("ValidationError", Class::FatalApp), None);
        // Nothing can have come of a call that only reads.
        let timeout =
            |operation| AwsError::build(Call::new("ec2", operation, ""), own::TIMEOUT, "".into(), Class::Retry);
        assert!(timeout("CreateTags").advice().unwrap().contains("took effect"));
        assert!(!timeout("DescribeImages").advice().unwrap().contains("took effect"));
    }
}
