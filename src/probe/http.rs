//! Requests over the network.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Client, Response, redirect};

use super::Prober;
use crate::model::probe::{Answer, MOST_BODY, Probe, Replied};
use crate::model::text::{cleaned, without_secret};

/// How long a connection may take: what is there answers within a second, and a packet may be lost.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Makes requests over the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network;

#[async_trait]
impl Prober for Network {
    async fn ask(&self, probe: &Probe) -> Replied {
        let timeout = probe.timeout.as_duration();
        let began = Instant::now();
        match tokio::time::timeout(timeout.min(CONNECT_TIMEOUT), addresses(probe)).await {
            Ok(Ok(addresses)) => request(probe, addresses, began).await,
            Ok(Err(why)) => Replied::Unreachable(why),
            Err(_) => Replied::Unreachable(format!("the name {} was not resolved in time", target(probe))),
        }
    }
}

/// The name that is connected to.
fn target(probe: &Probe) -> &str {
    probe.via.as_deref().unwrap_or(&probe.host)
}

/// The addresses of another name than the host's; nothing when the host is to be found as always, perhaps by a proxy.
async fn addresses(probe: &Probe) -> Result<Vec<SocketAddr>, String> {
    let Some(via) = &probe.via else { return Ok(Vec::new()) };
    let found = tokio::net::lookup_host((via.as_str(), probe.port)).await;
    let found: Vec<SocketAddr> =
        found.map_err(|error| format!("the name {via} cannot be resolved: {error}"))?.collect();
    if found.is_empty() { Err(format!("the name {via} has no address")) } else { Ok(found) }
}

async fn request(probe: &Probe, addresses: Vec<SocketAddr>, began: Instant) -> Replied {
    let client = match client(probe, &addresses) {
        Ok(client) => client,
        Err(why) => return Replied::Unreachable(why),
    };
    let token = match probe.token_variable.as_deref().map(token).transpose() {
        Ok(token) => token,
        Err(why) => return Replied::Unreachable(why),
    };
    let headers = match headers(probe, token.as_deref()) {
        Ok(headers) => headers,
        Err(why) => return Replied::Unreachable(why),
    };
    let Ok(method) = Method::from_bytes(probe.method.as_bytes()) else {
        return Replied::Unreachable(format!("{} is not a method", probe.method));
    };
    let scheme = if probe.secure { "https" } else { "http" };
    let url = format!("{scheme}://{}:{}{}", probe.host, probe.port, probe.path);
    let mut request = client.request(method, url).headers(headers);
    if let Some(body) = &probe.body {
        request = request.body(body.clone());
    }
    let left = probe.timeout.as_duration().saturating_sub(began.elapsed());
    let answered = async {
        let sent = Instant::now();
        let response = request.send().await.map_err(|error| refused(&error))?;
        let status = response.status().as_u16();
        let body = body(response, token.as_deref()).await.map_err(|error| refused(&error))?;
        let took_ms = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Replied::Answer(Answer { status, took_ms, body }))
    };
    match tokio::time::timeout(left, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(replied)) => replied,
        Err(_) => Replied::Late,
    }
}

/// A client for this one request: connections are not kept, for the next one may have to go elsewhere.
fn client(probe: &Probe, addresses: &[SocketAddr]) -> Result<Client, String> {
    // The SDK brings its own; whoever is first sets the same one for all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("amiable/", env!("CARGO_PKG_VERSION")));
    if probe.via.is_some() {
        builder = builder.no_proxy().resolve_to_addrs(&probe.host, addresses);
    }
    builder.build().map_err(|error| format!("no request can be made: {}", words(&error)))
}

/// The token of a webhook.
fn token(variable: &str) -> Result<String, String> {
    let token = std::env::var(variable)
        .map_err(|_| format!("the environment variable {variable}, which holds the token, is not set here"))?;
    Ok(token.trim().to_owned())
}

fn headers(probe: &Probe, token: Option<&str>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &probe.headers {
        let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        let (Ok(name), Ok(value)) = parsed else { return Err(format!("{name} is no header that can be sent")) };
        headers.insert(name, value);
    }
    if probe.via.is_some() {
        // Without the port, as rules of load balancers compare it.
        let host = HeaderValue::from_str(&probe.host).map_err(|_| format!("{} is no host", probe.host))?;
        headers.insert(HOST, host);
    }
    if probe.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let (Some(variable), Some(token)) = (&probe.token_variable, token) {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| format!("the environment variable {variable} holds no token that can be sent"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// The beginning of the body, as text. Some servers answer a mistake with all that they were sent: the token is struck out
/// before anybody sees it, also where the body is cut within it.
async fn body(mut response: Response, token: Option<&str>) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MOST_BODY {
            bytes.truncate(MOST_BODY);
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(token.map_or_else(|| text.clone().into_owned(), |token| without_secret(&text, token)))
}

fn refused(error: &reqwest::Error) -> Replied {
    if error.is_connect() {
        Replied::Unreachable(words(error))
    } else if error.is_timeout() {
        Replied::Late
    } else {
        Replied::Broken(words(error))
    }
}

/// The innermost cause, which says most, without the URL.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_timeout() && error.is_connect() {
        "no connection in time".to_owned()
    } else {
        cleaned(&cause.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::time::Span;

    /// A server that answers one connection with these bytes after a while, and what it was sent.
    async fn server(answer: &'static [u8], after: Duration) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4096];
            let length = stream.read(&mut heard).await.unwrap();
            tokio::time::sleep(after).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            String::from_utf8_lossy(&heard[..length]).into_owned()
        });
        (port, heard)
    }

    fn probe(port: u16) -> Probe {
        Probe {
            via: Some("127.0.0.1".to_owned()),
            secure: false,
            host: "hello.example.com".to_owned(),
            port,
            method: "GET".to_owned(),
            path: "/version?full=1".to_owned(),
            headers: BTreeMap::from([("X-Amiable-Preview".to_owned(), "hello-prod-1".to_owned())]),
            body: None,
            token_variable: None,
            timeout: Span::seconds(2),
        }
    }

    #[tokio::test]
    async fn an_answer_is_told_with_status_body_and_time() {
        let (port, heard) =
            server(b"HTTP/1.1 503 Busy\r\ncontent-length: 12\r\n\r\n\n  not now\nx", Duration::from_millis(50)).await;
        let Replied::Answer(answer) = Network.ask(&probe(port)).await else { panic!("no answer") };
        assert_eq!((answer.status, answer.first_line().as_deref()), (503, Some("not now")));
        assert!((50..2000).contains(&answer.took_ms), "{}", answer.took_ms);
        let heard = heard.await.unwrap();
        assert!(heard.starts_with("GET /version?full=1 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.to_lowercase().contains("\r\nhost: hello.example.com\r\n"), "{heard}");
        assert!(heard.to_lowercase().contains("\r\nx-amiable-preview: hello-prod-1\r\n"), "{heard}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let (port, _) =
            server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", Duration::ZERO)
                .await;
        let Replied::Answer(answer) = Network.ask(&probe(port)).await else { panic!("no answer") };
        assert_eq!(answer.status, 302);
    }

    #[tokio::test]
    async fn late_broken_and_unreachable_are_told_apart() {
        let (port, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Duration::from_secs(10)).await;
        let late = Probe { timeout: Span::seconds(1), ..probe(port) };
        assert_eq!(Network.ask(&late).await, Replied::Late);

        let (port, _) = server(b"", Duration::ZERO).await;
        assert!(matches!(Network.ask(&probe(port)).await, Replied::Broken(_)));

        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert!(matches!(Network.ask(&probe(free)).await, Replied::Unreachable(why) if why.contains("refused")));

        let nameless = Probe { via: Some("no-such-name.invalid".to_owned()), ..probe(80) };
        assert!(matches!(Network.ask(&nameless).await, Replied::Unreachable(why) if why.contains("no-such-name")));
    }

    #[tokio::test]
    async fn a_huge_body_is_cut() {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        let whole: &'static [u8] = Box::leak([head, vec![b'a'; 3 * MOST_BODY]].concat().into_boxed_slice());
        let (port, _) = server(whole, Duration::ZERO).await;
        let Replied::Answer(answer) = Network.ask(&probe(port)).await else { panic!("no answer") };
        assert_eq!(answer.body.len(), MOST_BODY);
    }

    #[tokio::test]
    async fn a_token_comes_from_the_environment_and_without_it_nothing_is_sent() {
        let (port, heard) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Duration::ZERO).await;
        let hook = Probe {
            method: "POST".to_owned(),
            body: Some("{}".to_owned()),
            // A variable that every process has, in the place of a token that a test must not set.
            token_variable: Some("PATH".to_owned()),
            ..probe(port)
        };
        assert!(matches!(Network.ask(&hook).await, Replied::Answer(_)));
        let heard = heard.await.unwrap().to_lowercase();
        assert!(heard.contains("\r\nauthorization: bearer /"), "{heard}");
        assert!(heard.contains("\r\ncontent-type: application/json\r\n"), "{heard}");

        let unset = Probe { token_variable: Some("AMIABLE_WEBHOOK_NOT_SET".to_owned()), ..probe(port) };
        assert!(matches!(Network.ask(&unset).await, Replied::Unreachable(why) if why.contains("is not set")));
    }

    #[tokio::test]
    async fn a_token_that_comes_back_in_an_answer_is_struck_out() {
        let token = std::env::var("PATH").unwrap();
        let words = format!("you sent\r\nauthorization: Bearer {token}\r\n{}{token}", "a".repeat(MOST_BODY - 60));
        let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\n\r\n", words.len());
        let whole: &'static [u8] = Box::leak(format!("{head}{words}").into_bytes().into_boxed_slice());
        let (port, _) = server(whole, Duration::ZERO).await;
        let hook = Probe { method: "POST".to_owned(), token_variable: Some("PATH".to_owned()), ..probe(port) };
        let Replied::Answer(answer) = Network.ask(&hook).await else { panic!("no answer") };
        assert!(answer.body.starts_with("you sent\r\nauthorization: Bearer ***\r\naaa"), "{}", &answer.body[..80]);
        assert!(!answer.body.contains(&token[..token.len().min(8)]), "not even a part of it at the cut");
    }

    #[tokio::test]
    async fn a_server_that_speaks_no_tls_is_unreachable() {
        // As good as a wrong certificate: no connection.
        let (port, _) = server(b"HTTP/1.1 200 OK\r\n\r\n", Duration::ZERO).await;
        let secure = Probe { secure: true, ..probe(port) };
        assert!(matches!(Network.ask(&secure).await, Replied::Unreachable(_)));
    }
}
