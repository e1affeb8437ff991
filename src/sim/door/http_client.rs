//! The door in the process: the SDK's own HTTP client over a [`Simulation`], on the simulation's time.
//!
//! Under tokio's paused clock a run is deterministic and takes no real time. That holds only while no real socket, no
//! system clock and no token bucket of another run takes part, so the configuration here leaves none of them in.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use http_body_util::BodyExt;

use super::{date, receive};
use crate::clock::Clock;
use crate::model::time::Timestamp;
use crate::sim::wire::Reply;
use crate::sim::wire::decode::{self, MAX_BODY};
use crate::sim::{Outcome, Simulation};

/// How long the way there and back takes, so that calls in a row pass time as they do on AWS.
const LATENCY: Duration = Duration::from_millis(20);

/// The access key of [`sdk_config`].
pub const ACCESS_KEY: &str = "AKIASIMULATED0000000";

/// An HTTP client that leads every request to `simulation`, whatever its address.
pub fn http_client(simulation: &Simulation) -> SharedHttpClient {
    SharedHttpClient::new(Door(simulation.clone()))
}

/// A time source that follows the simulation's clock.
pub fn time_source(simulation: &Simulation) -> impl TimeSource + Clone + 'static {
    SimulatedTime(simulation.clock().clone())
}

/// A configuration for any service's client, with credentials that the simulation accepts. A client that retries needs a
/// retry partition besides, which only the services' own configurations can hold: see [`Clients`].
pub fn sdk_config(simulation: &Simulation) -> SdkConfig {
    let region = simulation.with(|world| world.region.clone());
    let credentials = Credentials::new(ACCESS_KEY, "simulated", None, None, "simulated");
    // Long enough for the slowest honest answer, short enough for a test to see it.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(120));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(simulation))
        .time_source(time_source(simulation))
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(timeouts.build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// One client of each service, with a retry budget of their own.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Auto Scaling.
    pub autoscaling: aws_sdk_autoscaling::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// Elastic Load Balancing.
    pub elbv2: aws_sdk_elasticloadbalancingv2::Client,
    /// Route 53.
    pub route53: aws_sdk_route53::Client,
    /// Systems Manager.
    pub ssm: aws_sdk_ssm::Client,
    /// The Security Token Service.
    pub sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Clients of `simulation`. The SDK shares the budget for retries in the whole process, by the name of the
    /// `partition`: give each run its own, or one run's faults use up another's retries.
    pub fn new(simulation: &Simulation, partition: &str) -> Self {
        let config = sdk_config(simulation);
        let retries = RetryPartition::new(partition.to_owned());
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(&config).retry_partition(retries.clone()).build(),
                )
            };
        }
        Self {
            autoscaling: client!(aws_sdk_autoscaling),
            cloudwatch: client!(aws_sdk_cloudwatch),
            ec2: client!(aws_sdk_ec2),
            elbv2: client!(aws_sdk_elasticloadbalancingv2),
            route53: client!(aws_sdk_route53),
            ssm: client!(aws_sdk_ssm),
            sts: client!(aws_sdk_sts),
        }
    }
}

#[derive(Clone, Debug)]
struct SimulatedTime(Clock);

impl TimeSource for SimulatedTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

#[derive(Clone)]
struct Door(Simulation);

impl fmt::Debug for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Door(simulated AWS)")
    }
}

impl HttpClient for Door {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let simulation = self.0.clone();
        HttpConnectorFuture::new(async move {
            let clock = simulation.clock().clone();
            clock.sleep(LATENCY / 2).await;
            let outcome = carry_out(&simulation, request).await.map_err(ConnectorError::io)?;
            let answered_at = clock.now();
            clock.sleep(LATENCY / 2).await;
            match outcome {
                Outcome::Reply(reply) => {
                    response(reply, answered_at).map_err(|error| ConnectorError::other(error, None))
                }
                Outcome::Late(reply, span) => {
                    clock.sleep(span.as_duration()).await;
                    response(reply, clock.now()).map_err(|error| ConnectorError::other(error, None))
                }
                Outcome::Broken => Err(ConnectorError::io("the connection broke before an answer came".into())),
                Outcome::Unreachable => {
                    Err(ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionRefused).into()))
                }
            }
        })
    }
}

async fn carry_out(simulation: &Simulation, mut request: HttpRequest) -> Result<Outcome, BoxError> {
    // Read to its end: a body that is left alone counts as a stalled upload.
    let body = request.take_body().collect().await?.to_bytes();
    let http = decode::HttpRequest {
        method: request.method(),
        uri: request.uri(),
        authorization: request.headers().get("authorization"),
        target: request.headers().get("x-amz-target"),
        body: &body,
    };
    if body.len() > MAX_BODY {
        return Ok(Outcome::Reply(decode::too_large(http.uri, http.target)));
    }
    Ok(receive(simulation, http))
}

fn response(reply: Reply, at: Timestamp) -> Result<HttpResponse, BoxError> {
    let mut response = HttpResponse::new(StatusCode::try_from(reply.status)?, SdkBody::from(reply.bytes()));
    let headers = response.headers_mut();
    headers.try_insert("content-type", reply.content_type)?;
    headers.try_insert("date", date(at))?;
    for (name, value) in reply.headers {
        headers.try_insert(name, value)?;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::error::ProvideErrorMetadata;

    use super::*;
    use crate::model::time::Span;
    use crate::sim::fault::Fault;
    use crate::sim::wire::{ApiError, Request};
    use crate::sim::world::World;
    use crate::sim::world::example;

    fn simulation() -> Simulation {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        Simulation::new(World::example(start), Clock::new(start, 1))
    }

    #[tokio::test(start_paused = true)]
    async fn the_sdk_makes_a_launch_template_and_reads_it_back() {
        use aws_sdk_ec2::types::{RequestLaunchTemplateData, ResourceType, Tag, TagSpecification};
        let clients = Clients::new(&simulation(), "templates");
        let data = RequestLaunchTemplateData::builder().image_id(example::HELLO_1_0).instance_type("c7g.large".into());
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::LaunchTemplate)
            .tags(Tag::builder().key("app").value("hello").build());
        let create = clients.ec2.create_launch_template().launch_template_name("hello-prod-v001");
        create.launch_template_data(data.build()).tag_specifications(tags.build()).send().await.unwrap();
        let again = clients.ec2.create_launch_template().launch_template_name("hello-prod-v001");
        let data = RequestLaunchTemplateData::builder().image_id("ami-1").build();
        let error = again.launch_template_data(data).send().await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidLaunchTemplateName.AlreadyExistsException"));

        let versions = clients.ec2.describe_launch_template_versions().launch_template_name("hello-prod-v001");
        let versions = versions.versions("$Latest").send().await.unwrap();
        let data = versions.launch_template_versions()[0].launch_template_data().unwrap();
        assert_eq!((data.image_id(), data.instance_type().unwrap().as_str()), (Some(example::HELLO_1_0), "c7g.large"));
        let images = clients.ec2.describe_images().owners("self").image_ids(example::HELLO_1_0).send().await.unwrap();
        assert_eq!(images.images()[0].name(), Some("hello 1.0.0"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_sdk_changes_a_record_and_waits_for_it() {
        use aws_sdk_route53::types::{
            AliasTarget, Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecordSet, RrType,
        };
        let simulation = simulation();
        let Clients { route53, elbv2, .. } = Clients::new(&simulation, "records");
        let balancer =
            elbv2.create_load_balancer().name("hello").set_subnets(Some(example::SUBNETS.map(Into::into).into()));
        let balancer = balancer.send().await.unwrap().load_balancers()[0].clone();
        let alias = AliasTarget::builder()
            .hosted_zone_id(balancer.canonical_hosted_zone_id().unwrap())
            .dns_name(format!("dualstack.{}", balancer.dns_name().unwrap()))
            .evaluate_target_health(true)
            .build()
            .unwrap();
        let name = format!("hello.{}", example::ZONE_NAME);
        let record = ResourceRecordSet::builder().name(&name).r#type(RrType::A).alias_target(alias).build().unwrap();
        let change = |action| {
            let change = Change::builder().action(action).resource_record_set(record.clone()).build().unwrap();
            let batch = ChangeBatch::builder().changes(change).build().unwrap();
            route53.change_resource_record_sets().hosted_zone_id(example::ZONE_ID).change_batch(batch).send()
        };
        let sent = change(ChangeAction::Create).await.unwrap();
        let info = sent.change_info().unwrap().clone();
        assert_eq!(info.status(), &ChangeStatus::Pending);
        simulation.clock().sleep(Duration::from_secs(60)).await;
        let now = route53.get_change().id(info.id()).send().await.unwrap();
        assert_eq!(now.change_info().unwrap().status(), &ChangeStatus::Insync);
        let twice = change(ChangeAction::Create).await.unwrap_err().into_service_error();
        assert!(twice.is_invalid_change_batch() && twice.to_string().contains("already exists"), "{twice}");

        let zone = format!("/hostedzone/{}", example::ZONE_ID);
        let list = route53.list_resource_record_sets().hosted_zone_id(zone).send().await.unwrap();
        assert_eq!(list.resource_record_sets().len(), 3);
        assert_eq!(list.resource_record_sets()[2].name(), format!("{name}."));
        assert!(list.resource_record_sets()[2].alias_target().unwrap().evaluate_target_health());
        let gone = route53.get_hosted_zone().id("Z0").send().await.unwrap_err().into_service_error();
        assert!(gone.is_no_such_hosted_zone());
    }

    #[tokio::test(start_paused = true)]
    async fn the_sdk_writes_and_reads_a_parameter() {
        let ssm = Clients::new(&simulation(), "parameters").ssm;
        let missing = ssm.get_parameter().name("/a").send().await.unwrap_err().into_service_error();
        assert!(missing.is_parameter_not_found());
        let put = || ssm.put_parameter().name("/a").value("1").r#type("String".into());
        assert_eq!(put().send().await.unwrap().version(), 1);
        assert!(put().send().await.unwrap_err().into_service_error().is_parameter_already_exists());
        put().overwrite(true).value("{\"a\": \"ü\"}").send().await.unwrap();
        let read = ssm.get_parameter().name("/a").send().await.unwrap();
        let parameter = read.parameter().unwrap();
        assert_eq!((parameter.value(), parameter.version()), (Some("{\"a\": \"ü\"}"), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_sdk_reads_and_writes_alarms_and_learns_what_cloudwatch_refuses() {
        use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
        let simulation = simulation();
        let cloudwatch = Clients::new(&simulation, "alarms").cloudwatch;
        let put = cloudwatch.put_metric_alarm().alarm_name("hello 5xx").namespace("Own").metric_name("Errors");
        let put = put.statistic(Statistic::Sum).period(60).evaluation_periods(1).threshold(2.5);
        put.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await.unwrap();
        let set = cloudwatch.set_alarm_state().alarm_name("hello 5xx").state_value(StateValue::Alarm);
        set.state_reason("by hand").send().await.unwrap();
        let found = cloudwatch.describe_alarms().alarm_names("hello 5xx").alarm_names("other").send().await.unwrap();
        let [alarm] = found.metric_alarms() else { panic!("{found:?}") };
        assert_eq!((alarm.state_value(), alarm.state_reason()), (Some(&StateValue::Alarm), Some("by hand")));
        assert_eq!((alarm.threshold(), alarm.period()), (Some(2.5), Some(60)));
        let since = alarm.state_updated_timestamp().unwrap().secs();
        assert!((since - simulation.clock().now().as_second()).abs() <= 1, "{since}");
        let error = cloudwatch.delete_alarms().alarm_names("other").send().await.unwrap_err();
        assert_eq!(error.code(), Some("ResourceNotFound"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_sdk_learns_who_it_is_and_that_a_refused_key_is_nobody() {
        let simulation = simulation();
        let sts = Clients::new(&simulation, "identity").sts;
        let identity = sts.get_caller_identity().send().await.unwrap();
        assert_eq!(identity.account(), Some(example::ACCOUNT));
        let role = sts.assume_role().role_arn("arn:aws:iam::123456789012:role/deployer").role_session_name("test");
        let assumed = role.send().await.unwrap();
        assert!(assumed.assumed_role_user().unwrap().arn().ends_with("assumed-role/deployer/test"));
        simulation.with(|world| world.identities.refused_keys.insert(ACCESS_KEY.into()));
        let error = sts.get_caller_identity().send().await.unwrap_err();
        assert_eq!(error.code(), Some("InvalidClientTokenId"));
    }

    #[tokio::test(start_paused = true)]
    async fn throttles_and_broken_connections_are_retried_in_virtual_time() {
        let simulation = simulation();
        let mut left = 2;
        simulation.set_faults(Some(Box::new(move |_: &Request, _: bool| {
            left -= 1;
            match left {
                1 => Some(Fault::Refuse(
                    ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
                )),
                0 => Some(Fault::ReplyLost),
                _ => None,
            }
        })));
        let before = simulation.clock().now();
        let ec2 = Clients::new(&simulation, "retries").ec2;
        ec2.describe_vpcs().send().await.unwrap();
        assert_eq!(simulation.calls().iter().map(|call| call.status).collect::<Vec<_>>(), [503, 0, 200]);
        let taken = simulation.clock().now().duration_since(before);
        assert!(taken.as_millis() >= 60, "three calls of 20 ms each, and the backoff: {taken}");
        assert!(Span::between(before, simulation.clock().now()) < Span::minutes(1));
    }
}
