//! Whether an answer is whole. The SDK takes XML that ends in the middle for complete: a list that was cut short would pass
//! for a short or an empty one, and what is in no list would be created.
//!
//! A proxy that loses the rest of a body and sends a `Content-Length` that fits, or a server that ends early, is enough for
//! that. So the root element of every XML answer must close, and JSON must end where it should. CBOR needs nothing but a
//! beginning: its decoder misses what a map or list announces.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::{Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::error::is_reading;

/// Refuses answers that were cut short. The SDK asks again, as after a connection that broke; when it has asked often enough,
/// the error is one that may pass ([`Class::Retry`](super::error::Class::Retry)), so that what was to be read is unknown.
#[derive(Debug)]
pub(super) struct WholeAnswers;

impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !matches!(context.output_or_error(), Some(Ok(_))) {
            return Ok(());
        }
        let reads = config.load::<Metadata>().is_none_or(|metadata| is_reading(metadata.name()));
        let Some(response) = context.response() else { return Ok(()) };
        let kind = response.headers().get("content-type").unwrap_or_default().to_ascii_lowercase();
        // What is read piece by piece has no bytes here; no call of ours is.
        let Some(body) = response.body().bytes() else { return Ok(()) };
        if let Err(missing) = is_whole(&kind, body, reads) {
            let length = body.len();
            let error = format!("the answer was cut short after {length} bytes: {missing}");
            context.inner_mut().set_output_or_error(Err(OrchestratorError::response(error.into())));
        }
        Ok(())
    }
}

/// Whether `body`, of this content type, goes on to its end; if not, what of it is missing.
fn is_whole(kind: &str, body: &[u8], reads: bool) -> Result<(), String> {
    let text = body.trim_ascii();
    if kind.contains("cbor") {
        // A call that changes something may have nothing to say.
        return if text.is_empty() && reads { Err("it is empty".to_owned()) } else { Ok(()) };
    }
    if kind.contains("json") {
        return serde_json::from_slice::<serde::de::IgnoredAny>(text).map(|_| ()).map_err(|error| error.to_string());
    }
    closes(text)
}

/// Whether the root element of an XML document closes, and nothing but it stands at the end.
fn closes(text: &[u8]) -> Result<(), String> {
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    // The declaration, and comments.
    while rest.starts_with(b"<?") || rest.starts_with(b"<!") {
        let end: &[u8] = if rest.starts_with(b"<!--") { b"-->" } else { b">" };
        let Some(at) = rest.windows(end.len()).position(|window| window == end) else {
            return Err("its first element is missing".to_owned());
        };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
    let opening = rest.strip_prefix(b"<").ok_or("its first element is missing")?;
    let end = opening.iter().position(|byte| *byte == b'>').ok_or("its first element does not end")?;
    let (tag, inside) = opening.split_at(end);
    if tag.ends_with(b"/") && inside == b">" {
        return Ok(());
    }
    let name = tag.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or(tag);
    let closing = inside.strip_suffix(b">").map(<[u8]>::trim_ascii_end).and_then(|inside| inside.strip_suffix(name));
    match closing.filter(|inside| inside.ends_with(b"</")) {
        Some(_) if !name.is_empty() => Ok(()),
        _ => Err(format!("</{}> is missing", String::from_utf8_lossy(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- hello -->\n\
        <DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
        <DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>a</AutoScalingGroupName></member>\
        </AutoScalingGroups></DescribeAutoScalingGroupsResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
        </DescribeAutoScalingGroupsResponse>\n";
    const PARAMETERS: &str = "{\"InvalidParameters\": [\"/a\"], \"Parameters\": [{\"Name\": \"/b\"}]}\n";

    #[test]
    fn an_answer_that_ends_anywhere_but_at_its_end_is_cut_short() {
        for (kind, body) in [("text/xml", GROUPS), ("application/x-amz-json-1.1", PARAMETERS)] {
            let end = body.trim_end().len();
            for length in 0..body.len() {
                let found = is_whole(kind, &body.as_bytes()[..length], true);
                assert_eq!(found.is_ok(), length >= end, "{kind}: {:?}: {found:?}", &body[..length]);
            }
            assert_eq!(is_whole(kind, body.as_bytes(), true), Ok(()));
        }
    }

    #[test]
    fn what_has_nothing_to_say_is_whole_where_a_call_may_say_nothing() {
        for body in ["<a/>", "<a />", "<a></a>", "<a x='1'></a >", "<a><a></a></a>"] {
            assert_eq!(is_whole("text/xml", body.as_bytes(), true), Ok(()), "{body}");
        }
        for body in ["", " ", "<", "<a", "<a>", "<a><b/>", "<a><b></b>", "<a></b>", "plain", "<!-- <a></a>", "<a></aa>"]
        {
            assert!(is_whole("text/xml", body.as_bytes(), true).is_err(), "{body}");
        }
        assert_eq!(is_whole("application/cbor", b"", false), Ok(()));
        assert!(is_whole("application/cbor", b"", true).is_err());
        assert!(is_whole("application/x-amz-json-1.1", b"", false).is_err());
    }
}
