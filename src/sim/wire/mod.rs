//! The wire protocols: from an HTTP request to a [`Request`], and from a result to XML or JSON.
//!
//! - [`cbor`]: CBOR to JSON and back
//! - [`decode`]: HTTP requests, their signature's scope, and the operation they ask for
//! - [`params`]: parameters of the query protocols, lists and structures
//! - [`element`]: a reader of XML, safe on hostile input
//! - [`xml`]: a writer of XML

pub mod cbor;
pub mod decode;
pub mod element;
pub mod params;
pub mod xml;

use std::collections::BTreeMap;

pub use params::Params;
pub use xml::Xml;

/// One call, decoded as far as the protocol goes.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The service in the signature's scope: `ec2`, `autoscaling`, `elasticloadbalancing`, `monitoring` (CloudWatch), `route53`, `ssm`, `sts`.
    pub service: String,
    /// The region in the signature's scope.
    pub region: String,
    /// The access key id in the signature's scope.
    pub access_key: String,
    /// The operation.
    pub operation: String,
    /// Parameters of the query protocols, and of the query string elsewhere.
    pub params: Params,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The body, for the protocols that have one (REST XML, JSON).
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body; of an answer in CBOR as JSON, see [`Reply::bytes`].
    pub body: String,
    /// Other headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The error code, if it is an error.
    pub error: Option<String>,
}

impl Reply {
    /// A successful answer in XML.
    pub fn xml(body: String) -> Self {
        Self { status: 200, content_type: "text/xml", body, headers: BTreeMap::new(), error: None }
    }

    /// A successful answer in JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self {
            status: 200,
            content_type: "application/x-amz-json-1.1",
            body: value.to_string(),
            headers: BTreeMap::new(),
            error: None,
        }
    }

    /// A successful answer of CloudWatch, in the protocol that the path of the request tells.
    pub fn monitoring(path: &str, value: &serde_json::Value) -> Self {
        if !path.starts_with(decode::RPC) {
            return Self { content_type: "application/x-amz-json-1.0", ..Self::json(value) };
        }
        let headers = BTreeMap::from([("smithy-protocol", "rpc-v2-cbor".to_owned())]);
        Self { content_type: cbor::CONTENT_TYPE, headers, ..Self::json(value) }
    }

    /// The body as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        if self.content_type != cbor::CONTENT_TYPE {
            return self.body.clone().into_bytes();
        }
        serde_json::from_str(&self.body).map(|value| cbor::write(&value)).unwrap_or_default()
    }

    /// The same answer without what stands behind the first place of this text, or behind its middle where there is none.
    /// Nothing is left of CBOR.
    pub fn cut(mut self, after: &str) -> Self {
        let middle = (0..=self.body.len() / 2).rev().find(|at| self.body.is_char_boundary(*at)).unwrap_or(0);
        let end = self.body.find(after).filter(|_| !after.is_empty()).map_or(middle, |at| at + after.len());
        self.body.truncate(end);
        self
    }

    /// The same answer in XML with nothing in the list of this name.
    pub fn emptied(mut self, list: &str) -> Self {
        let (opens, closes) = (format!("<{list}>"), format!("</{list}>"));
        if let (Some(begin), Some(end)) = (self.body.find(&opens), self.body.find(&closes)) {
            self.body.replace_range(begin + opens.len()..end, "");
        }
        self
    }

    /// No body at all.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: String::new(), headers: BTreeMap::new(), error: None }
    }
}

/// An error as AWS gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The code, such as `AlreadyExists`.
    pub code: String,
    /// The message.
    pub message: String,
}

impl ApiError {
    /// An error with status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    /// The same with another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The query services' error for a parameter that is missing or wrong.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }
}

/// Turns an error into an answer in the protocol of the request's service.
pub fn error_reply(request: &Request, error: &ApiError) -> Reply {
    let mut reply = match request.service.as_str() {
        "monitoring" => {
            let kind = format!("com.amazonaws.cloudwatch#{}", error.code);
            let mut reply =
                Reply::monitoring(&request.path, &serde_json::json!({"__type": kind, "message": error.message}));
            // So that clients of the older protocol find the code that they know.
            let fault = if error.status >= 500 { "Receiver" } else { "Sender" };
            reply.headers.insert("x-amzn-query-error", format!("{};{fault}", error.code));
            reply
        }
        "ssm" => Reply::json(&serde_json::json!({"__type": error.code, "message": error.message})),
        "ec2" => {
            let mut xml = Xml::document("Response", None);
            xml.within("Errors", |xml| {
                xml.within("Error", |xml| {
                    xml.leaf("Code", &error.code).leaf("Message", &error.message);
                });
            });
            xml.leaf("RequestID", REQUEST_ID);
            Reply::xml(xml.finish())
        }
        _ => {
            let mut xml = Xml::document("ErrorResponse", None);
            xml.within("Error", |xml| {
                xml.leaf("Type", if error.status >= 500 { "Receiver" } else { "Sender" });
                xml.leaf("Code", &error.code).leaf("Message", &error.message);
            });
            xml.leaf("RequestId", REQUEST_ID);
            Reply::xml(xml.finish())
        }
    };
    reply.status = error.status;
    reply.error = Some(error.code.clone());
    reply
}

/// The request id of every answer: a constant, so that runs with the same seed are the same to the letter.
pub const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
