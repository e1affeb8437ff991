//! A slow way to the simulated AWS.

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
