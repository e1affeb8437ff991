//! Turns: how many requests are on their way to AWS at once.
//!
//! A turn is taken for one transmission and given back when the answer begins, when the request fails, or when whoever
//! waited for it gives up. While the SDK waits between two attempts, or obtains credentials, it holds no turn, and a
//! request that nobody polls can hold one only until its transmission times out.
//!
//! Looks and calls have turns of their own: however much a look has to read, the fresh read before a call and the call
//! itself do not wait for it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::Semaphore;

/// How many requests of looks are under way at once: enough to hide latency, few enough to leave AWS's buckets to others.
const OF_LOOKS: usize = 8;
/// How many requests of calls are under way at once. AWS throttles per account, so more would not be faster.
const OF_CALLS: usize = 16;
/// How long one transmission may take, from the turn to the beginning of the answer.
const ONE_TRANSMISSION: Duration = Duration::from_secs(40);

tokio::task_local! {
    /// The turns that the request at work takes; set around it by [`Turns::take`].
    static TURNS: Turns;
}

/// Turns of one kind of requests. Clones are the same turns.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl fmt::Debug for Turns {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Turns({} free)", self.0.available_permits())
    }
}

impl Turns {
    /// Turns for looks.
    pub(super) fn of_looks() -> Self {
        Self(Arc::new(Semaphore::new(OF_LOOKS)))
    }

    /// Turns for calls, and for what is read right before them.
    pub(super) fn of_calls() -> Self {
        Self(Arc::new(Semaphore::new(OF_CALLS)))
    }

    /// Every transmission of `request` takes one of these turns.
    pub(super) fn take<F: Future>(&self, request: F) -> impl Future<Output = F::Output> + use<F> {
        TURNS.scope(self.clone(), request)
    }
}

/// The same HTTP client, in which every transmission takes a turn.
pub(super) fn in_turn(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(InTurn(client))
}

#[derive(Debug)]
struct InTurn(SharedHttpClient);

impl HttpClient for InTurn {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Transmission(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct Transmission(SharedHttpConnector);

impl HttpConnector for Transmission {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.clone();
        HttpConnectorFuture::new(async move {
            let _turn = match TURNS.try_with(|turns| Arc::clone(&turns.0)) {
                // The semaphore is never closed; a request without a turn would only be a little early.
                Ok(turns) => turns.acquire_owned().await.ok(),
                // A request of the SDK's own, such as one for credentials.
                Err(_) => None,
            };
            match tokio::time::timeout(ONE_TRANSMISSION, connector.call(request)).await {
                Ok(answer) => answer,
                Err(late) => Err(ConnectorError::timeout(late.into())),
            }
        })
    }
}
