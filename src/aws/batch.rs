//! Reading all pages, and many things by their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::future::join_all;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::connect::Aws;
use super::error::{AwsError, Call, Class};
use crate::model::observed::Read;

/// The most pages of one list: far more than an account can hold, and an end to a list that has none.
const MAX_PAGES: usize = 1000;

/// Everything on all pages. `fetch` is given the token of a page, none for the first one, and answers with what is on it
/// and the token of the next.
///
/// # Errors
/// That of the first page that fails: part of a list is no list. Also when the list has no end.
pub async fn pages<T, K, F>(call: Call, mut fetch: impl FnMut(Option<K>) -> F) -> Result<Vec<T>, AwsError>
where
    K: Clone + PartialEq,
    F: Future<Output = Result<(Vec<T>, Option<K>), AwsError>>,
{
    let mut all = Vec::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let (items, next) = fetch(token.clone()).await?;
        all.extend(items);
        if next.is_none() {
            return Ok(all);
        }
        if next == token {
            return Err(AwsError::not_understood(call, "AWS gave the same page twice"));
        }
        token = next;
    }
    Err(AwsError::not_understood(call, format!("the list has more than {MAX_PAGES} pages")))
}

/// What AWS gives on one page, and the token of the next.
pub type Page<T> = (Option<Vec<T>>, Option<String>);

/// Everything on all pages of a list that goes on with tokens: `ask` sends the request for one page, and `items` takes its
/// answer apart. AWS ends some lists with a token that is empty.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html>
///
/// # Errors
/// As of [`pages`].
pub async fn listed<'a, T, O, E, F>(
    aws: &'a Aws,
    call: Call,
    ask: impl Fn(Option<String>) -> F,
    items: fn(O) -> Page<T>,
) -> Result<Vec<T>, AwsError>
where
    O: 'a,
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + 'a,
{
    pages(call.clone(), |token| {
        let page = aws.read(call.clone(), ask(token));
        async move {
            let (items, next) = items(page.await?);
            Ok((items.unwrap_or_default(), next.filter(|token| !token.is_empty())))
        }
    })
    .await
}

/// What an error means for the map it was to fill: unknown, unless it means that nothing can be read at all.
///
/// # Errors
/// The error itself, when no call can succeed.
pub fn settle<T>(result: Result<T, AwsError>) -> Result<Read<T>, AwsError> {
    match result {
        Ok(value) => Ok(Read::Known(value)),
        Err(error) if error.class == Class::FatalAll => Err(error),
        Err(error) => Ok(Read::Unknown(error.why_unread())),
    }
}

/// Many things by their ids, so many a call. AWS refuses a whole call for one id that it does not have: such a call is
/// made again without the ids that AWS named or, where it named none, in halves. An id that stays refused alone is a
/// `None`.
///
/// # Errors
/// Only when no call can succeed. What cannot be read is unknown.
pub async fn by_ids<T, F>(
    ids: BTreeSet<String>,
    at_once: usize,
    fetch: impl Fn(Vec<String>) -> F,
) -> Result<BTreeMap<String, Read<Option<T>>>, AwsError>
where
    F: Future<Output = Result<BTreeMap<String, T>, AwsError>>,
{
    let ids: Vec<String> = ids.into_iter().collect();
    let batches = ids.chunks(at_once.max(1)).map(|batch| one_batch(batch.to_vec(), &fetch));
    let mut all = BTreeMap::new();
    for batch in join_all(batches).await {
        all.extend(batch?);
    }
    Ok(all)
}

async fn one_batch<T, F>(
    ids: Vec<String>,
    fetch: &impl Fn(Vec<String>) -> F,
) -> Result<BTreeMap<String, Read<Option<T>>>, AwsError>
where
    F: Future<Output = Result<BTreeMap<String, T>, AwsError>>,
{
    let mut found = BTreeMap::new();
    let mut todo = vec![ids];
    while let Some(mut ids) = todo.pop() {
        match fetch(ids.clone()).await {
            Ok(mut items) => found.extend(ids.into_iter().map(|id| {
                let item = items.remove(&id);
                (id, Read::Known(item))
            })),
            Err(error) if error.class == Class::FatalAll => return Err(error),
            Err(error) if ids.len() == 1 && error.is_missing() => {
                found.extend(ids.into_iter().map(|id| (id, Read::Known(None))));
            }
            Err(error) if ids.len() > 1 && is_about_one(&error, &ids) => {
                let named: Vec<String> = ids.iter().filter(|id| names(&error.message, id)).cloned().collect();
                ids.retain(|id| !named.contains(id));
                if named.is_empty() {
                    let half = ids.split_off(ids.len() / 2);
                    todo.push(half);
                } else {
                    // Each of those named is asked for alone: the message may name what is there as well.
                    todo.extend(named.into_iter().map(|id| vec![id]));
                }
                if !ids.is_empty() {
                    todo.push(ids);
                }
            }
            Err(error) => {
                let why = error.why_unread();
                found.extend(ids.into_iter().map(|id| (id, Read::Unknown(why.clone()))));
            }
        }
    }
    Ok(found)
}

/// Many ids as a resource in an error: the first, and how many more.
pub fn several(ids: &[String]) -> String {
    match ids {
        [] => String::new(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

/// Whether one id in the call is the cause, so that the others can be read without it. A permission that is missing for
/// one is refused with its name; one that is missing altogether is not asked for again and again.
fn is_about_one(error: &AwsError, ids: &[String]) -> bool {
    error.is_missing()
        || (error.class == Class::FatalApp && error.status.is_some_and(|status| status < 500))
        || (error.is_denied() && ids.iter().any(|id| names(&error.message, id)))
}

/// Whether a message names an id, and not merely a longer one that begins with it. A parameter is named without the
/// version or label that was asked for.
fn names(message: &str, id: &str) -> bool {
    let id = if id.starts_with('/') { id.split(':').next().unwrap_or(id) } else { id };
    message.match_indices(id).any(|(at, _)| {
        let next = message[at + id.len()..].chars().next();
        !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '/' || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn call() -> Call {
        Call::new("ec2", "DescribeImages", "")
    }

    fn missing(message: &str) -> AwsError {
        AwsError { code: "ListenerNotFound".into(), ..AwsError::not_yet(call(), message) }
    }

    fn ids(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|id| (*id).to_owned()).collect()
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_last_page() {
        let all = pages(call(), |token: Option<u32>| async move {
            let page = token.unwrap_or(0);
            Ok((vec![page], (page < 4).then_some(page + 1)))
        })
        .await;
        assert_eq!(all, Ok(vec![0, 1, 2, 3, 4]));
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_an_error_and_so_is_a_page_that_fails() {
        let same = pages(call(), |_: Option<u32>| async { Ok((vec![1], Some(7))) }).await;
        assert!(same.unwrap_err().message.contains("twice"));
        let endless =
            pages(call(), |token: Option<u32>| async move { Ok((vec![1], Some(token.unwrap_or(0) + 1))) }).await;
        assert!(endless.unwrap_err().message.contains("1000 pages"));
        let torn = pages(call(), |token: Option<u32>| async move {
            if token.is_none() { Ok((vec![1], Some(1))) } else { Err(missing("gone")) }
        })
        .await;
        assert!(torn.is_err());
    }

    #[tokio::test]
    async fn one_missing_id_does_not_hide_the_others() {
        let all = ["ami-a", "ami-b", "ami-c", "ami-d", "ami-e", "ami-f", "ami-g", "ami-h"];
        for (words, calls) in [("The image id '[ami-f]' does not exist", 3), ("One or more are not found", 7)] {
            let asked = RefCell::new(0);
            let found = by_ids(ids(&all), 8, |batch| {
                *asked.borrow_mut() += 1;
                async move {
                    if batch.contains(&"ami-f".to_owned()) {
                        return Err(missing(words));
                    }
                    Ok(batch.into_iter().map(|id| (id.clone(), id)).collect::<BTreeMap<_, _>>())
                }
            })
            .await
            .unwrap();
            let absent: Vec<&String> =
                found.iter().filter(|(_, read)| **read == Read::Known(None)).map(|(id, _)| id).collect();
            assert_eq!(absent, ["ami-f"]);
            assert!(all.iter().all(|id| matches!(found[*id], Read::Known(_))));
            assert_eq!(*asked.borrow(), calls, "{words}");
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_throttled_is_unknown_and_the_others_are_not() {
        let found = by_ids(ids(&["a", "b", "c", "d"]), 2, |batch| async move {
            if batch.contains(&"a".to_owned()) {
                return Err(AwsError::not_understood(call(), "Rate exceeded"));
            }
            Ok(batch.into_iter().map(|id| (id.clone(), id)).collect::<BTreeMap<_, _>>())
        })
        .await
        .unwrap();
        assert!(matches!(&found["a"], Read::Unknown(why) if why.contains("Rate exceeded")));
        assert!(matches!(&found["b"], Read::Unknown(_)));
        assert_eq!(found["c"], Read::Known(Some("c".to_owned())));
    }

    #[tokio::test]
    async fn without_credentials_nothing_is_read_at_all() {
        let refused = || AwsError::not_understood(call(), "expired").with_class(Class::FatalAll);
        let found = by_ids(ids(&["a"]), 2, |_| async { Err::<BTreeMap<String, ()>, _>(refused()) }).await;
        assert_eq!(found, Err(refused()));
        assert_eq!(settle::<()>(Err(refused())), Err(refused()));
        assert!(matches!(settle::<()>(Err(missing("x"))), Ok(Read::Unknown(_))));
    }

    #[test]
    fn an_id_is_named_only_as_a_whole() {
        assert!(names("The image id '[ami-1]' does not exist", "ami-1"));
        assert!(!names("The image id '[ami-12]' does not exist", "ami-1"));
        let denied = "not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-west-2:1:parameter/a/b";
        assert!(names(denied, "/a/b") && names(denied, "/a/b:7") && !names(denied, "/a"));
    }
}
