//! The reverse proxy of one listener: it sends each request where the world routes it at that moment.
//!
//! A request that is under way stays with its target, so that requests finish on targets that drain. A request that its
//! target fails is not sent again: the client gets 502 as from AWS, or 504 when the target takes too long.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html>

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Addresses, Endpoint, POLL};
use crate::sim::Simulation;
use crate::sim::world::World;
use crate::sim::world::balancing::routing::{self, Route};

/// How long a target may take, in real time: the idle timeout of a load balancer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Headers that are about one connection and are not passed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

type Body = BoxBody<Bytes, hyper::Error>;

/// Nothing listens here any more: the connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("nothing listens here")]
struct Refused;

/// The reverse proxy of one listener.
#[derive(Clone)]
pub(super) struct Proxy(Arc<Inner>);

struct Inner {
    simulation: Simulation,
    endpoint: Endpoint,
    instances: Addresses<String>,
    client: Client<HttpConnector, Incoming>,
    /// Counts requests: what routing chooses by.
    roll: AtomicU32,
}

impl Proxy {
    pub(super) fn new(simulation: Simulation, endpoint: Endpoint, instances: Addresses<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        Self(Arc::new(Inner { simulation, endpoint, instances, client, roll: AtomicU32::new(0) }))
    }

    /// Serves until it is aborted; then all its connections are closed.
    pub(super) async fn serve(self, port: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = port.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(self.clone().serve_connection(stream, peer));
                    }
                    // Out of file descriptors, most likely: a moment later there may be some.
                    Err(_) => tokio::time::sleep(POLL).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn serve_connection(self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.answer(request, peer));
        // A client that goes away has nobody left to be told.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Result<Response<Body>, Refused> {
        let incoming = incoming(&request, peer);
        let roll = self.0.roll.fetch_add(1, Ordering::Relaxed);
        let route = self.0.simulation.with(|world| route(world, &self.0.endpoint, &incoming, roll));
        Ok(match route {
            Route::Refused => return Err(Refused),
            Route::Unavailable => plain(503, "503 Service Temporarily Unavailable"),
            Route::Answer { status, content_type, body } => {
                let mut response = plain(status, &body.unwrap_or_default());
                if let Some(value) = content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
                    response.headers_mut().insert(header::CONTENT_TYPE, value);
                }
                response
            }
            Route::Redirect { status, location } => {
                let mut response = plain(status, "");
                if let Ok(value) = HeaderValue::from_str(&location) {
                    response.headers_mut().insert(header::LOCATION, value);
                }
                response
            }
            Route::Target { instance, .. } => match self.address(&instance).await {
                Some(target) => self.forward(request, target, peer).await,
                None => plain(502, "502 Bad Gateway"),
            },
        })
    }

    /// Where the instance answers. The world may know that it listens a moment before its port is open.
    async fn address(&self, instance: &str) -> Option<SocketAddr> {
        let mut instances = self.0.instances.clone();
        let found = instances.wait_for(|instances| instances.contains_key(instance));
        tokio::time::timeout(POLL * 5, found).await.ok()?.ok()?.get(instance).copied()
    }

    async fn forward(&self, mut request: Request<Incoming>, target: SocketAddr, peer: SocketAddr) -> Response<Body> {
        strip(request.headers_mut());
        let forwarded = [
            ("x-forwarded-for", peer.ip().to_string()),
            ("x-forwarded-port", self.0.endpoint.port.to_string()),
            ("x-forwarded-proto", "http".to_owned()),
        ];
        for (name, value) in forwarded {
            if let Ok(value) = HeaderValue::from_str(&value) {
                request.headers_mut().insert(name, value);
            }
        }
        let Some(uri) = uri_at(target, request.uri()) else { return plain(400, "400 Bad Request") };
        *request.uri_mut() = uri;
        match tokio::time::timeout(TIMEOUT, self.0.client.request(request)).await {
            Ok(Ok(mut response)) => {
                strip(response.headers_mut());
                response.map(BodyExt::boxed)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, %target, "a target failed a request");
                plain(502, "502 Bad Gateway")
            }
            Err(_) => plain(504, "504 Gateway Time-out"),
        }
    }
}

/// By the name, so that a load balancer that was deleted and made anew is found behind the same address.
fn route(world: &World, endpoint: &Endpoint, incoming: &routing::Incoming, roll: u32) -> Route {
    let balancer = world.balancing.load_balancers.values().find(|it| it.name == endpoint.load_balancer);
    balancer.map_or(Route::Refused, |balancer| world.route(&balancer.arn, endpoint.port, incoming, roll))
}

fn incoming(request: &Request<Incoming>, peer: SocketAddr) -> routing::Incoming {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let host = request.headers().get(header::HOST).map(text);
    routing::Incoming {
        method: request.method().as_str().to_owned(),
        source_ip: peer.ip().to_string(),
        host: host.unwrap_or_else(|| request.uri().host().unwrap_or_default().to_owned()),
        path: request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn uri_at(target: SocketAddr, uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let authority = Authority::try_from(target.to_string()).ok()?;
    Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build().ok()
}

fn plain(status: u16, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response
}
