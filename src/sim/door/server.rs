//! The door on a loopback port: one address for all services, for any SDK and for `aws --endpoint-url`.

use std::future::Future;
use std::io;
use std::pin::pin;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{control, date, receive};
use crate::model::time::Timestamp;
use crate::sim::wire::Reply;
use crate::sim::wire::decode::{self, MAX_BODY};
use crate::sim::{Outcome, Simulation};

/// Serves `simulation` until `shutdown` is ready; then open connections are closed.
///
/// # Errors
/// When the listener fails for another reason than a connection that went away before it was accepted.
pub async fn serve(simulation: Simulation, listener: TcpListener, shutdown: impl Future) -> io::Result<()> {
    let mut shutdown = pin!(shutdown);
    // Dropping the set closes what is still open.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut shutdown => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(simulation.clone(), stream));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Whether an error is about one connection only.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn serve_connection(simulation: Simulation, stream: TcpStream) {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(simulation.clone(), request));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the simulated AWS ended early");
    }
}

/// What ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken on purpose")]
struct Broken;

async fn answer(simulation: Simulation, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let uri = parts.uri.to_string();
    let target = header("x-amz-target");
    let asked = parts.uri.path();
    let outcome = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            if control::is_for(asked) {
                let (status, answer) = control::answer(&simulation, &parts.method, asked, &body);
                return Ok(json(status, &answer));
            }
            let http = decode::HttpRequest {
                method: parts.method.as_str(),
                uri: &uri,
                authorization: header("authorization"),
                target,
                body: &body,
            };
            receive(&simulation, http)
        }
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Outcome::Reply(decode::too_large(&uri, target)),
        Err(_) => Outcome::Broken,
    };
    match outcome {
        Outcome::Reply(reply) => Ok(response(reply, simulation.clock().now())),
        Outcome::Late(reply, span) => {
            simulation.clock().sleep(span.as_duration()).await;
            Ok(response(reply, simulation.clock().now()))
        }
        Outcome::Broken | Outcome::Unreachable => Err(Broken),
    }
}

fn json(status: hyper::StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn response(reply: Reply, at: Timestamp) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(reply.status).header("content-type", reply.content_type);
    builder = builder.header("x-amzn-requestid", crate::sim::wire::REQUEST_ID).header("date", date(at));
    let body = reply.bytes();
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(body))).unwrap_or_else(|_| {
        let mut failed = Response::new(Full::new(Bytes::new()));
        *failed.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::Clock;
    use crate::sim::fault::Fault;
    use crate::sim::wire;
    use crate::sim::world::World;

    /// The answer to raw bytes, up to the end of the connection.
    async fn exchange(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn signed(body: &str) -> Vec<u8> {
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=K/20260102/us-west-2/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    #[tokio::test]
    async fn a_port_answers_breaks_on_purpose_and_closes() {
        let clock = Clock::system();
        let simulation = Simulation::new(World::example(clock.now()), clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(simulation.clone(), listener, stopped));

        let answer = exchange(address, &signed("Action=DescribeVpcs")).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("<vpcId>"), "{answer}");
        let unsigned = exchange(address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(unsigned.starts_with("HTTP/1.1 403") && unsigned.contains("MissingAuthenticationToken"), "{unsigned}");
        let large = signed(&"x".repeat(MAX_BODY + 1));
        let refused = exchange(address, &large).await;
        assert!(refused.starts_with("HTTP/1.1 413") || refused.is_empty(), "{refused}");

        simulation.set_faults(Some(Box::new(|_: &wire::Request, _: bool| Some(Fault::ReplyLost))));
        assert_eq!(exchange(address, &signed("Action=DescribeVpcs")).await, "");
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
