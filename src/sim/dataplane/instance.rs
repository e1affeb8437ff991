//! The server of one instance: it says which image it runs, or fails as the image's behaviour tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::POLL;
use crate::sim::Simulation;
use crate::sim::world::compute::Service;

/// What every instance answers with, as JSON, whatever the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The name of the image, which is the version that runs.
    pub version: String,
    /// The id of the image.
    pub image: String,
    /// The instance.
    pub instance: String,
    /// Its Auto Scaling group.
    pub group: Option<String>,
}

/// The service stopped in the middle: the connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the instance is gone")]
struct Gone;

/// Serves the instance with this id until it is aborted; then all its connections are closed.
pub(super) async fn serve(simulation: Simulation, id: String, port: TcpListener) {
    // Counts the requests of all connections: by it the image's behaviour tells which of them fail.
    let rolls = Arc::new(AtomicU32::new(0));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = port.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(simulation.clone(), id.clone(), stream, Arc::clone(&rolls)));
                }
                // Out of file descriptors, most likely: a moment later there may be some.
                Err(_) => tokio::time::sleep(POLL).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(simulation: Simulation, id: String, stream: TcpStream, rolls: Arc<AtomicU32>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let roll = rolls.fetch_add(1, Ordering::Relaxed);
        answer(&simulation, &id, request.uri().path().to_owned(), roll)
    });
    // A connection that ends early has nobody left to be told.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(simulation: &Simulation, id: &str, path: String, roll: u32) -> Result<Response<Full<Bytes>>, Gone> {
    let (service, greeting) = simulation
        .with(|world| {
            let instance = world.compute.instances.get(id)?;
            let greeting = Greeting {
                version: instance.version.clone(),
                image: instance.image_id.clone(),
                instance: instance.id.clone(),
                group: instance.group.clone(),
            };
            Some((instance.answer(&path, roll, world.now), greeting))
        })
        .ok_or(Gone)?;
    let (status, latency) = match service {
        Service::NotListening => return Err(Gone),
        Service::Ok { latency } => (200, latency),
        Service::Sick { latency } => (500, latency),
    };
    if !latency.is_zero() {
        simulation.clock().sleep(latency).await;
    }
    let body = serde_json::to_vec(&greeting).map_err(|_| Gone)?;
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(Bytes::from(body))).map_err(|_| Gone)
}
