//! A load generator: workers that ask without a pause or with one, over connections that stay open, and count what fails.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::instance::Greeting;

/// How long a request may take before it counts as failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What to send.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where to.
    pub address: SocketAddr,
    /// The host header, for rules of a shared listener; the address without it.
    pub host: Option<String>,
    /// The path.
    pub path: String,
    /// How many requests at a time.
    pub workers: usize,
    /// How long each worker rests after a request.
    pub pause: Duration,
}

/// What became of the requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    /// Requests whose outcome is known.
    pub sent: u64,
    /// Those among them that did not end with status 200.
    pub failed: u64,
    /// By the version that answered; failures that no version answered are not in here.
    pub by_version: BTreeMap<String, VersionCount>,
    /// Failures by their reason: `HTTP 503`, `connection`, `timeout`.
    pub failures: BTreeMap<String, u64>,
    /// The longest time that a request took.
    pub slowest: Duration,
    /// How long the load has been on.
    pub elapsed: Duration,
}

/// Answers of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionCount {
    /// With status 200.
    pub good: u64,
    /// With another status.
    pub bad: u64,
}

impl LoadReport {
    /// Requests per second.
    pub fn rate(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    fn count(&mut self, outcome: Outcome, took: Duration) {
        self.sent += 1;
        self.slowest = self.slowest.max(took);
        let failure = match outcome {
            Outcome::Answer { status, version } => {
                let good = status == 200;
                if let Some(version) = version {
                    let count = self.by_version.entry(version).or_default();
                    *if good { &mut count.good } else { &mut count.bad } += 1;
                }
                (!good).then(|| format!("HTTP {status}"))
            }
            Outcome::Connection => Some("connection".to_owned()),
            Outcome::Timeout => Some("timeout".to_owned()),
        };
        if let Some(reason) = failure {
            self.failed += 1;
            *self.failures.entry(reason).or_default() += 1;
        }
    }
}

/// A load that is on until it is stopped or dropped.
#[derive(Debug)]
pub struct Load {
    report: Arc<Mutex<LoadReport>>,
    started: Instant,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Load {
    /// Begins to send. Needs a tokio runtime whose clock is not paused.
    pub fn start(plan: &LoadPlan) -> Self {
        let report = Arc::new(Mutex::new(LoadReport::default()));
        let (stop, stopped) = watch::channel(false);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        let mut workers = JoinSet::new();
        for _ in 0..plan.workers {
            workers.spawn(work(client.clone(), plan.clone(), Arc::clone(&report), stopped.clone()));
        }
        Self { report, started: Instant::now(), stop, workers }
    }

    /// The counts so far.
    pub fn report(&self) -> LoadReport {
        let mut report = lock(&self.report).clone();
        report.elapsed = self.started.elapsed();
        report
    }

    /// Ends the load: what is under way is waited for and counted.
    pub async fn stop(mut self) -> LoadReport {
        // It can only fail when no worker is left to be told.
        let _ = self.stop.send(true);
        while self.workers.join_next().await.is_some() {}
        self.report()
    }
}

fn lock(report: &Mutex<LoadReport>) -> std::sync::MutexGuard<'_, LoadReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Outcome {
    Answer { status: u16, version: Option<String> },
    Connection,
    Timeout,
}

type HttpClient = Client<HttpConnector, Empty<Bytes>>;

async fn work(client: HttpClient, plan: LoadPlan, report: Arc<Mutex<LoadReport>>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let begun = Instant::now();
        let outcome = tokio::time::timeout(TIMEOUT, ask(&client, &plan)).await.unwrap_or(Outcome::Timeout);
        lock(&report).count(outcome, begun.elapsed());
        if plan.pause.is_zero() {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(plan.pause) => {}
        }
    }
}

async fn ask(client: &HttpClient, plan: &LoadPlan) -> Outcome {
    let Ok(uri) = Uri::try_from(format!("http://{}{}", plan.address, plan.path)) else { return Outcome::Connection };
    let mut request = Request::get(uri);
    if let Some(host) = &plan.host {
        request = request.header(http::header::HOST, host);
    }
    let Ok(request) = request.body(Empty::new()) else { return Outcome::Connection };
    let Ok(response) = client.request(request).await else { return Outcome::Connection };
    let status = response.status().as_u16();
    let Ok(body) = response.into_body().collect().await else { return Outcome::Connection };
    let greeting = serde_json::from_slice::<Greeting>(&body.to_bytes()).ok();
    Outcome::Answer { status, version: greeting.map(|greeting| greeting.version) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_once_by_version_and_by_reason() {
        let mut report = LoadReport::default();
        let answer = |status, version: &str| Outcome::Answer { status, version: Some(version.to_owned()) };
        report.count(answer(200, "1"), Duration::from_millis(5));
        report.count(answer(500, "2"), Duration::from_millis(9));
        report.count(Outcome::Answer { status: 503, version: None }, Duration::from_millis(1));
        report.count(Outcome::Connection, Duration::from_millis(1));
        report.count(Outcome::Timeout, Duration::from_millis(1));
        assert_eq!((report.sent, report.failed, report.slowest), (5, 4, Duration::from_millis(9)));
        assert_eq!(report.by_version["1"], VersionCount { good: 1, bad: 0 });
        assert_eq!(report.by_version["2"], VersionCount { good: 0, bad: 1 });
        let reasons: Vec<&str> = report.failures.keys().map(String::as_str).collect();
        assert_eq!(reasons, ["HTTP 500", "HTTP 503", "connection", "timeout"]);
    }
}
