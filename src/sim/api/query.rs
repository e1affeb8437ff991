//! What the operations of the query services have in common: how an answer is wrapped, and how a list is paged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sim::wire::{ApiError, Params, REQUEST_ID, Reply, Request, Xml};

/// An answer with a result.
pub(super) fn answer(request: &Request, namespace: &str, fill: impl FnOnce(&mut Xml)) -> Reply {
    let operation = &request.operation;
    let mut xml = Xml::document(&format!("{operation}Response"), Some(namespace));
    xml.within(&format!("{operation}Result"), fill);
    metadata(&mut xml);
    Reply::xml(xml.finish())
}

/// An answer that says no more than that it is done.
pub(super) fn done(request: &Request, namespace: &str) -> Reply {
    let mut xml = Xml::document(&format!("{}Response", request.operation), Some(namespace));
    metadata(&mut xml);
    Reply::xml(xml.finish())
}

fn metadata(xml: &mut Xml) {
    xml.within("ResponseMetadata", |xml| {
        xml.leaf("RequestId", REQUEST_ID);
    });
}

/// The items of one page, and the token of the next one. The token holds the key of the last item that was shown, so that a walk
/// goes on rightly while items come and go. `token_name` is also the error code for a token that is none of ours.
pub(super) fn page<T>(
    items: impl Iterator<Item = (String, T)>,
    token: Option<&str>,
    size: usize,
    refuse: impl FnOnce(&str) -> ApiError,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = match token.filter(|token| !token.is_empty()) {
        Some(token) => Some(decode(token).ok_or_else(|| refuse(token))?),
        None => None,
    };
    let mut rest = items.skip_while(|(key, _)| after.as_ref().is_some_and(|after| key <= after)).peekable();
    let mut shown = Vec::new();
    let mut last = None;
    while shown.len() < size {
        let Some((key, item)) = rest.next() else { break };
        last = Some(key);
        shown.push(item);
    }
    let next = last.filter(|_| rest.peek().is_some()).map(|key| encode(&key));
    Ok((shown, next))
}

/// What our tokens begin with, so that others are told apart.
const MARK: &str = "page after ";

fn encode(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{MARK}{key}"))
}

fn decode(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix(MARK).map(str::to_owned)
}

/// A number within limits, or the default when it is not given.
pub(super) fn number(params: &Params, name: &str, default: u64, min: u64, max: u64) -> Result<u64, ApiError> {
    let given: i64 = match params.parse(name)? {
        None => return Ok(default),
        Some(given) => given,
    };
    match u64::try_from(given) {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(ApiError::validation(format!(
            "1 validation error detected: Value '{given}' at '{name}' failed to satisfy constraint: \
             Member must have value between {min} and {max}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(size: usize) -> Vec<Vec<String>> {
        let items = || ["a", "b", "c", "d", "e"].map(|key| (key.to_owned(), key.to_owned())).into_iter();
        let mut pages = Vec::new();
        let mut token = None;
        loop {
            let (shown, next) = page(items(), token.as_deref(), size, |_| ApiError::validation("bad")).unwrap();
            pages.push(shown);
            match next {
                Some(next) => token = Some(next),
                None => return pages,
            }
        }
    }

    #[test]
    fn pages_show_everything_once() {
        for size in 1..=6 {
            let pages = walk(size);
            assert_eq!(pages.concat(), ["a", "b", "c", "d", "e"], "{size}");
            assert_eq!(pages.len(), 5_usize.div_ceil(size), "{size}");
        }
    }

    #[test]
    fn a_token_of_someone_else_is_refused() {
        let items = [("a".to_owned(), ())].into_iter();
        let error = page(items, Some("what?"), 1, |_| ApiError::new("InvalidNextToken", "")).unwrap_err();
        assert_eq!(error.code, "InvalidNextToken");
    }
}
