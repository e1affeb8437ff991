//! HTTP requests, their signature's scope, and the operation they ask for.
//!
//! The signature itself is not checked: whoever has the simulated AWS at hand may use it. What is checked is what a
//! wrongly configured client gets wrong: a request without a signature, or with one that cannot be read.

use super::{ApiError, Params, Reply, Request, cbor, error_reply};

/// Longest body that is read: 1 MiB, as AWS's query services have it.
pub const MAX_BODY: usize = 1 << 20;

/// The path of Route 53's version, in front of every one of its paths.
const ROUTE53: &str = "/2013-04-01/";

/// The path of every operation of CloudWatch over RPC v2.
pub const RPC: &str = "/service/GraniteServiceVersion20100801/operation/";

/// What targets of CloudWatch's operations over JSON begin with.
const MONITORING: &str = "GraniteServiceVersion20100801.";

/// The parts of an HTTP request that decoding needs.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// `GET`, `POST` …
    pub method: &'a str,
    /// Path and query, or a whole URI.
    pub uri: &'a str,
    /// The header `authorization`.
    pub authorization: Option<&'a str>,
    /// The header `x-amz-target`.
    pub target: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Decodes a request, or answers it at once when it cannot be decoded.
pub fn decode(http: HttpRequest<'_>) -> Result<Request, Box<Reply>> {
    let (path, query) = split_uri(http.uri);
    let mut request = Request {
        service: likely_service(path, http.target).to_owned(),
        method: http.method.to_owned(),
        path: path.to_owned(),
        ..Request::default()
    };
    match fill(&mut request, http, query) {
        Ok(()) => Ok(request),
        Err(error) => {
            if http.target.is_some() && request.service != "monitoring" {
                // Every service that has this header speaks JSON, simulated or not.
                request.service = "ssm".to_owned();
            }
            Err(Box::new(error_reply(&request, &error)))
        }
    }
}

/// What is answered to a body above [`MAX_BODY`].
pub fn too_large(uri: &str, target: Option<&str>) -> Reply {
    let request = Request { service: likely_service(split_uri(uri).0, target).to_owned(), ..Request::default() };
    let error = ApiError::new("RequestEntityTooLarge", "The request entity is larger than 1 MiB").with_status(413);
    error_reply(&request, &error)
}

/// The service by the looks of the request, for the form of the error when there is no signature to tell it.
fn likely_service(path: &str, target: Option<&str>) -> &'static str {
    match target {
        Some(target) if target.starts_with("AmazonSSM.") => "ssm",
        Some(target) if target.starts_with(MONITORING) => "monitoring",
        _ if path.starts_with(RPC) => "monitoring",
        _ if path.starts_with(ROUTE53) => "route53",
        _ => "",
    }
}

fn split_uri(uri: &str) -> (&str, &str) {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let from_path = match (uri.starts_with('/'), rest.find(['/', '?'])) {
        (true, _) => uri,
        (false, Some(start)) => &rest[start..],
        (false, None) => "/",
    };
    from_path.split_once('?').unwrap_or((from_path, ""))
}

fn fill(request: &mut Request, http: HttpRequest<'_>, query: &str) -> Result<(), ApiError> {
    let scope = read_scope(http.authorization)?;
    request.service = scope.service.to_owned();
    request.region = scope.region.to_owned();
    request.access_key = scope.access_key.to_owned();
    request.params = Params::decode(query.as_bytes());
    match scope.service {
        "ssm" => {
            let target = http.target.and_then(|target| target.strip_prefix("AmazonSSM."));
            request.operation = target.filter(|name| !name.is_empty()).ok_or_else(unknown_operation)?.to_owned();
            request.body = http.body.to_vec();
        }
        "monitoring" => match http.target {
            Some(target) => {
                let operation = target.strip_prefix(MONITORING).filter(|name| !name.is_empty());
                request.operation = operation.ok_or_else(unknown_operation)?.to_owned();
                request.body = http.body.to_vec();
            }
            None => {
                let operation = request.path.strip_prefix(RPC).filter(|name| !name.is_empty());
                request.operation = operation.ok_or_else(unknown_operation)?.to_owned();
                let body = cbor::read(http.body)
                    .map_err(|error| ApiError::new("SerializationException", error.to_string()))?;
                request.body = body.to_string().into_bytes();
            }
        },
        "route53" => {
            let (operation, id) = route53_operation(http.method, &request.path).ok_or_else(unknown_operation)?;
            request.operation = operation.to_owned();
            if let Some(id) = id {
                request.params.insert("Id", &id);
            }
            request.body = http.body.to_vec();
        }
        "autoscaling" | "ec2" | "elasticloadbalancing" | "sts" => {
            if !http.body.is_empty() {
                request.params = Params::decode(http.body);
            }
            request.operation = request.params.get("Action").map(str::to_owned).ok_or_else(|| {
                ApiError::new("MissingAction", "The request is missing an action or a required parameter.")
            })?;
            // Both generations of Elastic Load Balancing are signed alike; only the newer one is simulated.
            if scope.service == "elasticloadbalancing" && request.params.get("Version") == Some("2012-06-01") {
                return Err(ApiError::new("InvalidAction", "The simulated AWS has no classic load balancers"));
            }
        }
        other => {
            let message = format!("The simulated AWS has no service {other}");
            return Err(ApiError::new("UnknownOperationException", message).with_status(404));
        }
    }
    Ok(())
}

fn unknown_operation() -> ApiError {
    ApiError::new("UnknownOperationException", "There is no such operation").with_status(404)
}

struct Scope<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

/// Reads `AWS4-HMAC-SHA256 Credential=AKID/20260102/us-west-2/ec2/aws4_request, …`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>
fn read_scope(authorization: Option<&str>) -> Result<Scope<'_>, ApiError> {
    let header = authorization.ok_or_else(|| {
        ApiError::new("MissingAuthenticationToken", "Request is missing Authentication Token").with_status(403)
    })?;
    let incomplete = |what: &str| {
        ApiError::new("IncompleteSignature", format!("Authorization header requires '{what}' parameter."))
            .with_status(403)
    };
    let fields = header.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| incomplete("AWS4-HMAC-SHA256"))?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
    };
    let credential = field("Credential").ok_or_else(|| incomplete("Credential"))?;
    for name in ["SignedHeaders", "Signature"] {
        field(name).ok_or_else(|| incomplete(name))?;
    }
    let parts: Vec<&str> = credential.split('/').collect();
    match parts[..] {
        [access_key, _, region, service, "aws4_request"] if !access_key.is_empty() => {
            Ok(Scope { access_key, region, service })
        }
        _ => Err(incomplete("Credential")),
    }
}

/// The operation, and the id in the path.
fn route53_operation(method: &str, path: &str) -> Option<(&'static str, Option<String>)> {
    let path = percent_decoded(path.strip_prefix(ROUTE53)?);
    // An id may come with its prefix, as in `hostedzone//hostedzone/Z1`.
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.dedup();
    let some = |id: &str| Some(id.to_owned());
    Some(match (method, &parts[..]) {
        ("GET", ["hostedzone"]) => ("ListHostedZones", None),
        ("POST", ["hostedzone"]) => ("CreateHostedZone", None),
        ("GET", ["hostedzonesbyname"]) => ("ListHostedZonesByName", None),
        ("GET", ["hostedzone", id]) => ("GetHostedZone", some(id)),
        ("DELETE", ["hostedzone", id]) => ("DeleteHostedZone", some(id)),
        ("GET", ["hostedzone", id, "rrset"]) => ("ListResourceRecordSets", some(id)),
        ("POST", ["hostedzone", id, "rrset"]) => ("ChangeResourceRecordSets", some(id)),
        ("GET", ["change", id]) => ("GetChange", some(id)),
        ("GET", ["tags", "hostedzone", id]) => ("ListTagsForResource", some(id)),
        _ => return None,
    })
}

fn percent_decoded(path: &str) -> String {
    // The decoder is one for forms, where a plus is a space; in a path it is a plus.
    let form = format!("path={}", path.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/us-west-2/{service}/aws4_request, SignedHeaders=host, Signature=0a"
        )
    }

    fn decoded(method: &str, uri: &str, service: &str, target: Option<&str>, body: &str) -> Result<Request, Reply> {
        let authorization = authorization(service);
        decode(HttpRequest { method, uri, authorization: Some(&authorization), target, body: body.as_bytes() })
            .map_err(|reply| *reply)
    }

    #[test]
    fn every_protocol_tells_its_operation() {
        let request = decoded("POST", "/", "ec2", None, "Action=DescribeImages&ImageId.1=ami-1&Name=a%20b").unwrap();
        assert_eq!((request.operation.as_str(), request.region.as_str()), ("DescribeImages", "us-west-2"));
        assert_eq!((request.params.get("Name"), request.access_key.as_str()), (Some("a b"), "AKIA1"));

        let request = decoded("GET", "http://127.0.0.1:1/?Action=GetCallerIdentity", "sts", None, "").unwrap();
        assert_eq!(request.operation, "GetCallerIdentity");

        let request = decoded("POST", "/", "ssm", Some("AmazonSSM.PutParameter"), "{}").unwrap();
        assert_eq!((request.operation.as_str(), request.body.as_slice()), ("PutParameter", b"{}".as_slice()));
    }

    #[test]
    fn route53_paths_tell_operation_and_id_with_and_without_prefix() {
        for path in [
            "hostedzone/Z1/rrset",
            "hostedzone/Z1/rrset/",
            "hostedzone//hostedzone/Z1/rrset",
            "hostedzone/%2Fhostedzone%2FZ1/rrset",
        ] {
            let request =
                decoded("GET", &format!("/2013-04-01/{path}?name=a.b&maxitems=3"), "route53", None, "").unwrap();
            assert_eq!(
                (request.operation.as_str(), request.params.get("Id")),
                ("ListResourceRecordSets", Some("Z1")),
                "{path}"
            );
            assert_eq!(request.params.get("maxitems"), Some("3"));
        }
        let change = decoded("GET", "/2013-04-01/change/C1", "route53", None, "").unwrap();
        assert_eq!(change.operation, "GetChange");
        let reply = decoded("GET", "/2013-04-01/trafficpolicies", "route53", None, "").unwrap_err();
        assert_eq!((reply.status, reply.error.as_deref()), (404, Some("UnknownOperationException")));
    }

    #[test]
    fn requests_without_a_readable_signature_are_refused_in_their_own_protocol() {
        let unsigned =
            |target| HttpRequest { method: "POST", uri: "/", authorization: None, target, body: b"Action=X" };
        let reply = decode(unsigned(None)).unwrap_err();
        assert_eq!((reply.status, reply.error.as_deref()), (403, Some("MissingAuthenticationToken")));
        assert!(reply.body.starts_with("<?xml"));
        assert!(decode(unsigned(Some("AmazonSSM.X"))).unwrap_err().body.starts_with('{'));

        for header in
            ["", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=h, Signature=s"]
        {
            let http = HttpRequest { method: "POST", uri: "/", authorization: Some(header), target: None, body: b"" };
            assert_eq!(decode(http).unwrap_err().error.as_deref(), Some("IncompleteSignature"), "{header}");
        }
        assert_eq!(decoded("POST", "/", "ec2", None, "").unwrap_err().error.as_deref(), Some("MissingAction"));
        let other = decoded("POST", "/", "dynamodb", Some("DynamoDB_20120810.ListTables"), "{}").unwrap_err();
        assert!(other.body.starts_with('{') && other.body.contains("has no service dynamodb"), "{}", other.body);
    }
}
