//! A slow way to the simulated AWS, and a process that stands still on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The same HTTP client, whose every request takes this much longer.
pub fn slow(client: SharedHttpClient, latency: Duration) -> SharedHttpClient {
    SharedHttpClient::new(Slow { client, latency })
}

#[derive(Debug)]
struct Slow {
    client: SharedHttpClient,
    latency: Duration,
}

impl HttpClient for Slow {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(SlowConnector { connector, latency: self.latency })
    }
}

#[derive(Debug)]
struct SlowConnector {
    connector: SharedHttpConnector,
    latency: Duration,
}

impl HttpConnector for SlowConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (connector, latency) = (self.connector.clone(), self.latency);
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(latency).await;
            connector.call(request).await
        })
    }
}

/// The same HTTP client in a process that stands still for so long at its request of this number: as a laptop that sleeps or a
/// machine that is held up does. Whatever waits finds that its time is over.
pub fn standing_still(client: SharedHttpClient, at: usize, time: Duration) -> SharedHttpClient {
    SharedHttpClient::new(StandingStill { client, at, time, seen: Arc::default() })
}

#[derive(Debug)]
struct StandingStill {
    client: SharedHttpClient,
    at: usize,
    time: Duration,
    seen: Arc<AtomicUsize>,
}

impl HttpClient for StandingStill {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        let (at, time, seen) = (self.at, self.time, Arc::clone(&self.seen));
        SharedHttpConnector::new(StandingStillConnector { connector, at, time, seen })
    }
}

#[derive(Debug)]
struct StandingStillConnector {
    connector: SharedHttpConnector,
    at: usize,
    time: Duration,
    seen: Arc<AtomicUsize>,
}

impl HttpConnector for StandingStillConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_it = self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.at;
        let (connector, time) = (self.connector.clone(), self.time);
        HttpConnectorFuture::new(async move {
            if is_it {
                tokio::time::advance(time).await;
            }
            connector.call(request).await
        })
    }
}
