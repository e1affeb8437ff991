//! Clients for one account and region, with their limits, their clock and their count of calls.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::config::retry::RetryPartition;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::error::{AwsError, Call};
use super::skew::{ReadDates, Skew};
use super::turns::{Turns, in_turn};
use super::whole::WholeAnswers;
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::probe::http::Network;
use crate::probe::{Nowhere, Prober};

/// How often a call is sent at most, the first time included.
const ATTEMPTS: u32 = 4;

/// How long obtaining credentials may take, a role to assume included.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(15);

/// Where and as whom to talk to AWS.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region.
    pub region: String,
    /// A profile that was named explicitly: its credentials are used even when the environment holds others. Leave
    /// `AWS_PROFILE` to the SDK.
    pub profile: Option<String>,
    /// Another endpoint for all services, such as a simulated AWS. `AWS_ENDPOINT_URL` is heeded without it.
    pub endpoint_url: Option<String>,
    /// A role to assume for all calls.
    pub assume_role: Option<String>,
    /// Another HTTP client than the one over TLS: the way into a simulated AWS within the process.
    pub http_client: Option<SharedHttpClient>,
    /// The clock that signatures, retries and waits follow.
    pub clock: Clock,
    /// Who makes requests to apps and webhooks.
    pub prober: Arc<dyn Prober>,
    /// Credentials instead of those that the SDK finds; with them, neither environment nor files are looked at.
    pub credentials: Option<Credentials>,
}

impl Settings {
    /// AWS in `region`, as whoever the SDK finds in environment, profile or instance role.
    pub fn new(region: impl Into<String>, clock: Clock) -> Self {
        Self {
            region: region.into(),
            profile: None,
            endpoint_url: None,
            assume_role: None,
            http_client: None,
            clock,
            prober: Arc::new(Network),
            credentials: None,
        }
    }

    /// A simulated AWS behind `http_client`, with made-up credentials and without a look at environment or files. Requests
    /// to apps and webhooks reach nobody, unless it is given a `prober`.
    pub fn simulated(region: impl Into<String>, http_client: SharedHttpClient, clock: Clock) -> Self {
        Self {
            http_client: Some(http_client),
            prober: Arc::new(Nowhere),
            credentials: Some(Credentials::from_keys("AKIASIMULATED0000000", "simulated", None)),
            ..Self::new(region, clock)
        }
    }
}

/// AWS, as seen with one set of credentials in one region. Clones share connections, credentials and the count of calls.
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) route53: aws_sdk_route53::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) prober: Arc<dyn Prober>,
    region: String,
    clock: Clock,
    counts: Counts,
    skew: Skew,
    /// The turns that reads take: those of looks, or those of calls for [`Aws::for_calls`].
    reads: Turns,
    calls: Turns,
    settings: Settings,
    others: Arc<Mutex<BTreeMap<Option<String>, Aws>>>,
}

impl Aws {
    /// Clients as `settings` say. No call is made yet: wrong credentials show with the first one.
    pub async fn connect(settings: Settings) -> Self {
        Self::counting(settings, Counts::default()).await
    }

    /// The same region as whoever has this role, or as whoever we are without one. Its calls count as ours.
    pub(crate) async fn with_role(&self, role: Option<&str>) -> Self {
        let role = role.map(str::to_owned);
        let known = |role: &Option<String>| self.others().get(role).cloned();
        if let Some(known) = known(&role) {
            return known;
        }
        let settings = Settings { assume_role: role.clone(), ..self.settings.clone() };
        // Nothing is locked meanwhile: a look may be given up at any point.
        let other = Self::counting(settings, self.counts.clone()).await;
        self.others().entry(role).or_insert(other).clone()
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<Option<String>, Aws>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for whoever makes calls: what it reads right before them does not wait for the reads of a look.
    pub(crate) fn for_calls(&self) -> Self {
        Self { reads: self.calls.clone(), ..self.clone() }
    }

    async fn counting(settings: Settings, counts: Counts) -> Self {
        let config = sdk_config(&settings).await;
        let skew = Skew::default();
        // A retry bucket of our own per connection: otherwise runs in one process share one and differ from each other.
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        macro_rules! client {
            ($sdk:ident, $service:literal) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&config)
                        .retry_partition(RetryPartition::new(format!("amiable-{connection}-{}", $service)))
                        .interceptor(ReadDates { clock: settings.clock.clone(), skew: skew.clone() })
                        .interceptor(CountCalls { service: $service, counts: counts.clone() })
                        .interceptor(WholeAnswers)
                        .build(),
                )
            };
        }
        Self {
            ec2: client!(aws_sdk_ec2, "ec2"),
            cloudwatch: client!(aws_sdk_cloudwatch, "cloudwatch"),
            autoscaling: client!(aws_sdk_autoscaling, "autoscaling"),
            elb: client!(aws_sdk_elasticloadbalancingv2, "elasticloadbalancing"),
            route53: client!(aws_sdk_route53, "route53"),
            ssm: client!(aws_sdk_ssm, "ssm"),
            sts: client!(aws_sdk_sts, "sts"),
            prober: settings.prober.clone(),
            region: settings.region.clone(),
            clock: settings.clock.clone(),
            counts,
            skew,
            reads: Turns::of_looks(),
            calls: Turns::of_calls(),
            settings,
            others: Arc::default(),
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The clock that calls and waits follow.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What answers have said about our clock since the last look began.
    pub(super) fn skew(&self) -> &Skew {
        &self.skew
    }

    /// How often each operation was sent so far, retries included, by `service:Operation`.
    pub fn calls(&self) -> BTreeMap<String, u32> {
        self.counts.lock().clone()
    }

    /// The calls since `before`, an earlier answer of [`Aws::calls`].
    pub fn calls_since(&self, before: &BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        let mut calls = self.calls();
        for (call, count) in before {
            if let Some(now) = calls.get_mut(call) {
                *now = now.saturating_sub(*count);
            }
        }
        calls.retain(|_, count| *count > 0);
        calls
    }

    /// A reading call, when its turn has come.
    pub(crate) fn read<'a, O, E, F>(&'a self, call: Call, send: F) -> impl Future<Output = Result<O, AwsError>> + 'a
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + 'a,
        O: 'a,
    {
        in_turns_of(&self.reads, call, send)
    }

    /// A call that may change something.
    pub(crate) fn send<'a, O, E, F>(&'a self, call: Call, send: F) -> impl Future<Output = Result<O, AwsError>> + 'a
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + 'a,
        O: 'a,
    {
        in_turns_of(&self.calls, call, send)
    }
}

fn in_turns_of<'a, O, E, F>(
    turns: &'a Turns,
    call: Call,
    send: F,
) -> impl Future<Output = Result<O, AwsError>> + use<'a, O, E, F>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = Result<O, SdkError<E, HttpResponse>>> + 'a,
    O: 'a,
{
    // The SDK's futures have several kilobytes each: on the heap, or a plan's worth of them overflows the stack.
    let sent = turns.take(Box::pin(send));
    async move { sent.await.map_err(|error| AwsError::from_sdk(call, error)) }
}

async fn sdk_config(settings: &Settings) -> SdkConfig {
    let config = match &settings.credentials {
        Some(credentials) => given_config(settings, credentials.clone()),
        None => found_config(settings).await,
    };
    let Some(role) = &settings.assume_role else { return config };
    let provider = AssumeRoleProvider::builder(role).session_name("amiable").configure(&config).build().await;
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// A configuration of what is given alone: the same on every machine.
fn given_config(settings: &Settings, credentials: Credentials) -> SdkConfig {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(identity_cache(&settings.clock))
        .http_client(in_turn(http_client(settings)))
        .time_source(ClockTime(settings.clock.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(retries())
        .timeout_config(timeouts())
        .stalled_stream_protection(stalled_streams());
    builder.set_app_name(app_name());
    builder.set_endpoint_url(settings.endpoint_url.clone());
    builder.build()
}

/// A configuration as AWS's tools have it, from environment and profile.
async fn found_config(settings: &Settings) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials(settings).await)
        .identity_cache(identity_cache(&settings.clock))
        .http_client(in_turn(http_client(settings)))
        .time_source(ClockTime(settings.clock.clone()))
        .sleep_impl(TokioSleep::new())
        .retry_config(retries())
        .timeout_config(timeouts())
        .stalled_stream_protection(stalled_streams());
    if let Some(name) = app_name() {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

/// Where credentials come from. With an endpoint of one's own the instance's role is not asked for: off EC2 that only
/// costs seconds, and on EC2 it would hand real credentials to something that is not AWS.
async fn credentials(settings: &Settings) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_region(Some(Region::new(settings.region.clone())))
        .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
        .with_http_client(http_client(settings))
        .with_time_source(ClockTime(settings.clock.clone()))
        .with_sleep_impl(TokioSleep::new())
        .with_timeout_config(timeouts());
    let profile = ProfileFileCredentialsProvider::builder().configure(&config);
    if let Some(name) = &settings.profile {
        return SharedCredentialsProvider::new(Named {
            name: name.clone(),
            profile: profile.profile_name(name).build(),
        });
    }
    if settings.endpoint_url.is_some() || std::env::var_os("AWS_ENDPOINT_URL").is_some() {
        let environment = EnvironmentVariableCredentialsProvider::new();
        let chain = CredentialsProviderChain::first_try("Environment", environment);
        return SharedCredentialsProvider::new(chain.or_else("Profile", profile.build()));
    }
    let instance = aws_config::imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(1))
        .build();
    SharedCredentialsProvider::new(
        DefaultCredentialsChain::builder().imds_client(instance).configure(config).build().await,
    )
}

/// A profile that was named: when it gives no credentials, no other way to them is worth a word.
#[derive(Debug)]
struct Named {
    name: String,
    profile: ProfileFileCredentialsProvider,
}

impl ProvideCredentials for Named {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.profile.provide_credentials().await.map_err(|error| match error {
                CredentialsError::CredentialsNotLoaded(_) => CredentialsError::invalid_configuration(format!(
                    "the profile `{}` does not exist, or holds no credentials",
                    self.name
                )),
                other => other,
            })
        })
    }
}

fn identity_cache(clock: &Clock) -> aws_sdk_sts::config::SharedIdentityCache {
    IdentityCache::lazy()
        .load_timeout(CREDENTIALS_TIMEOUT)
        .time_source(ClockTime(clock.clone()))
        .sleep_impl(TokioSleep::new())
        .build()
}

fn http_client(settings: &Settings) -> SharedHttpClient {
    if let Some(client) = &settings.http_client {
        return client.clone();
    }
    aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(Duration::from_secs(8))
}

/// The SDK has no limit of its own but that on connecting. One attempt has none here, since it may have to wait for its
/// turn: what it takes from then on is limited there.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3100))
        .read_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(120))
        .build()
}

/// An answer that stops in its middle is given up. A request that waits for its turn is no such thing, though nobody reads it.
fn stalled_streams() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled().upload_enabled(false).build()
}

fn app_name() -> Option<AppName> {
    AppName::new(concat!("amiable-", env!("CARGO_PKG_VERSION"))).ok()
}

/// The SDK's view of our clock.
#[derive(Debug)]
struct ClockTime(Clock);

impl TimeSource for ClockTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(Timestamp::max(self.0.now(), Timestamp::UNIX_EPOCH))
    }
}

/// Calls by `service:Operation`.
#[derive(Clone, Debug, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u32>>>);

impl Counts {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts every attempt of a service's calls.
#[derive(Debug)]
struct CountCalls {
    service: &'static str,
    counts: Counts,
}

impl Intercept for CountCalls {
    fn name(&self) -> &'static str {
        "CountCalls"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("unknown", Metadata::name);
        *self.counts.lock().entry(format!("{}:{operation}", self.service)).or_default() += 1;
        Ok(())
    }
}
