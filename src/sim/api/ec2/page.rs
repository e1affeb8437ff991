//! Pages of EC2's describe calls.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::sim::wire::{ApiError, Params};

/// One page of a listing, and the token of the next one.
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The token that brings the next page.
    pub next: Option<String>,
}

/// Cuts the page that a request asks for. `items` are in the order of their keys; a token holds the last key it showed,
/// so that what comes and goes between two pages is neither shown twice nor hides anything else.
pub fn cut<T>(params: &Params, items: Vec<T>, key: impl Fn(&T) -> String, limits: Limits) -> Result<Page<T>, ApiError> {
    let size = match super::parsed::<usize>(params, "MaxResults")? {
        Some(size) if size < limits.least => {
            let message = format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting a value of at least {}.",
                limits.least
            );
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        Some(size) => size.min(limits.most),
        None => limits.unasked,
    };
    let after = match params.get("NextToken") {
        None | Some("") => None,
        Some(token) => Some(read_token(token)?),
    };
    let mut rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > *after));
    let items: Vec<T> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    let next = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
    Ok(Page { items, next })
}

/// How long a page may be.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Smallest `MaxResults`.
    pub least: usize,
    /// Longest page.
    pub most: usize,
    /// The page when no `MaxResults` is given.
    pub unasked: usize,
}

impl Limits {
    /// 5 to 1,000 a page, and everything when nothing is asked: most describe calls.
    pub const USUAL: Self = Self { least: 5, most: 1000, unasked: usize::MAX };
    /// 1 to 200 a page: launch templates and their versions.
    pub const TEMPLATES: Self = Self { least: 1, most: 200, unasked: 200 };
}

fn read_token(token: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ApiError::new("InvalidNextToken", "The token in the request is not valid or has expired."))
}
