//! The snapshot, its details, and what cannot be read.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::*;
use crate::model::time::Timestamp;
use crate::sim::world::scaling::activity::{Activity, Status};

#[tokio::test(start_paused = true)]
async fn many_apps_are_read_in_pages_and_those_of_other_environments_are_not() {
    let lab = Lab::new().await;
    for (environment, count) in [("prod", 120), ("test", 3)] {
        for number in 0..count {
            let app = format!("worker-{number}").parse().unwrap();
            let release = worker(Scope::new(app, environment.parse().unwrap()));
            perform(&lab.aws, &release.scope, &release.new_template(1)).await.unwrap();
            perform(&lab.aws, &release.scope, &release.new_group(1, 0)).await.unwrap();
        }
    }
    let seen = lab.look().await;
    let groups = seen.groups.known().unwrap();
    assert_eq!(groups.len(), 120);
    assert!(groups.values().all(|group| group.owner.environment == lab.desired.name));
    assert_eq!(seen.launch_templates.known().unwrap().len(), 120);
    assert_eq!(seen.problems, []);
    assert_eq!(seen.calls["autoscaling:DescribeAutoScalingGroups"], 2);
    assert!(seen.calls.values().sum::<u32>() <= 15, "{:?}", seen.calls);

    // The first page comes, the second never does: then nothing is known, and not a hundred groups.
    lab.refuse(throttled(), |request| {
        request.operation == "DescribeAutoScalingGroups" && request.params.get("NextToken").is_some()
    });
    let seen = lab.look().await;
    assert!(matches!(&seen.groups, Read::Unknown(why) if why.contains("Rate exceeded")), "{:?}", seen.groups);
    assert_eq!(seen.launch_templates.known().unwrap().len(), 120);
    assert!(seen.target_groups.known().is_some());
    assert_eq!(seen.calls["autoscaling:DescribeAutoScalingGroups"], 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_throttled_once_is_sent_again() {
    let lab = Lab::new().await;
    let refused = Mutex::new(BTreeSet::new());
    lab.fault(move |request| {
        refused.lock().unwrap().insert(request.operation.clone()).then(|| Fault::Refuse(throttled()))
    });
    let seen = lab.look().await;
    assert!(seen.groups.known().is_some() && seen.zone.unwrap().known().is_some());
    assert_eq!(seen.calls["ec2:DescribeImages"], 2);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_one_clear_error_after_one_call() {
    let lab = Lab::new().await;
    let expired = ApiError::new("ExpiredToken", "The security token included in the request is expired");
    lab.refuse(expired.with_status(403), |_| true);
    let error = observe(&lab.aws, &lab.desired, lab.aws.clock().now()).await.unwrap_err();
    assert_eq!(error.class, Class::FatalAll);
    assert!(error.advice().unwrap().contains("sign in again"));
    assert_eq!(lab.aws.calls(), [("sts:GetCallerIdentity".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_release_is_seen_as_it_was_made() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let seen = lab
        .look_at([
            Want::TargetHealth(release.a.clone()),
            Want::TargetGroupAttributes(release.a.clone()),
            Want::Tags(release.b.clone()),
            Want::Tags(release.load_balancer.clone()),
            Want::Activities(release.group.clone()),
            Want::TemplateData(release.group.clone()),
            Want::TemplateData("hello-prod-v009".into()),
            Want::RulesOf(release.listener.clone()),
            Want::Deployed(release.scope.app.clone()),
        ])
        .await;
    let group = &seen.groups.known().unwrap()[&release.group];
    assert!(group.in_service() == group.desired && group.health_check_elb && group.instances.len() == 2);
    assert_eq!(group.launch_template, Some((release.group.clone(), "1".to_owned())));
    assert_eq!(group.labels, [("team".to_owned(), "shop".to_owned())].into());
    assert_eq!(group.target_group_arns, std::slice::from_ref(&release.a));
    let forward = &seen.listeners[&release.listener].known().unwrap().as_ref().unwrap().forward;
    assert_eq!((forward.weight(&release.a), forward.weight(&release.b)), (100, 0));
    let targets = seen.details.target_health[&release.a].known().unwrap();
    assert!(targets.len() == 2 && targets.iter().all(|target| target.health == Health::Healthy), "{targets:?}");
    assert!(tags::belongs_to(seen.details.tags[&release.b].known().unwrap(), &release.scope));
    assert!(tags::belongs_to(seen.details.tags[&release.load_balancer].known().unwrap(), &release.scope));
    let activities = seen.details.activities[&release.group].known().unwrap();
    assert!(activities.len() == 2 && activities[0].status == "Successful", "{activities:?}");
    let data = seen.details.template_data[&release.group].known().unwrap().as_ref().unwrap();
    assert_eq!(data.hash(), release.data().hash());
    assert_eq!(seen.details.template_data["hello-prod-v009"], Read::Known(None));
    assert_eq!(seen.details.deployed[&release.scope.app], Read::Known(None));
    assert!(seen.details.target_group_attributes[&release.a].known().is_some());
    let rules = seen.details.rules_of[&release.listener].known().unwrap();
    assert!(rules.iter().any(|rule| rule.priority.is_none()));
    assert!(rules.iter().all(|rule| rule.listener_arn().as_ref() == Some(&release.listener)), "{rules:?}");
    let balancer = &seen.load_balancers.known().unwrap()[&release.scope.load_balancer_name()];
    assert_eq!(balancer.security_group_ids, [SECURITY_GROUP]);
    assert_eq!(seen.images[HELLO_1_0].known().unwrap().as_ref().unwrap().owner, "123456789012");
    let protection = lab
        .simulation
        .with(|world| world.scaling.groups.get(&release.group).map(|group| group.deletion_protection.clone()));
    assert_eq!(protection.as_deref(), Some("prevent-force-deletion"));
}

#[tokio::test(start_paused = true)]
async fn a_detail_that_cannot_be_read_is_unknown_and_hides_no_other() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.refuse(throttled(), |request| request.operation == "DescribeTargetHealth");
    let gone = format!("{}0", release.b);
    let wants = [Want::TargetHealth(release.a.clone()), Want::Tags(release.a.clone()), Want::Tags(gone.clone())];
    let seen = lab.look_at(wants).await;
    assert!(matches!(&seen.details.target_health[&release.a], Read::Unknown(why) if why.contains("Rate exceeded")));
    assert!(seen.details.tags[&release.a].known().is_some());
    assert!(seen.details.tags[&gone].known().is_none());
}

#[tokio::test(start_paused = true)]
async fn images_and_listeners_that_do_not_exist_are_none_and_hide_no_other() {
    let mut lab = Lab::new().await;
    lab.want("gone", "ami-0123456789abcdef0");
    let release = lab.release("hello").await;
    let missing = format!("{}0", release.listener);
    lab.desired.environment.listeners.insert("public".into(), missing.clone());
    let seen = lab.look().await;
    assert_eq!(seen.images["ami-0123456789abcdef0"], Read::Known(None));
    assert!(seen.images[HELLO_1_0].known().unwrap().is_some());
    assert_eq!(seen.listeners[&missing], Read::Known(None));
    assert!(seen.listeners[&release.listener].known().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_seen_with_the_certificate_it_was_made_with() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let certificate = "arn:aws:acm:us-west-2:123456789012:certificate/0a1b";
    let mut listener = new_listener(&release.scope, &release.load_balancer, weights(&release.a, 100, &release.b, 0));
    if let Action::CreateListener(NewListener { port, protocol, certificate_arn, .. }) = &mut listener {
        (*port, *protocol, *certificate_arn) = (443, "HTTPS".into(), Some(certificate.into()));
    }
    lab.done("hello", &listener).await;
    let seen = lab.look_at([Want::ListenersOf(release.load_balancer.clone())]).await;
    let listeners = seen.details.listeners_of[&release.load_balancer].known().unwrap().iter();
    let found: BTreeMap<u16, Option<&str>> =
        listeners.map(|listener| (listener.port, listener.certificate_arn.as_deref())).collect();
    assert_eq!(found, [(80, None), (443, Some(certificate))].into());
}

#[tokio::test(start_paused = true)]
async fn why_an_instance_was_replaced_is_told_in_the_words_of_aws() {
    let lab = Lab::new().await;
    let mut release = lab.release("hello").await;
    lab.pass(60).await;
    lab.simulation.with(|world| {
        let id = world.scaling.groups.get(&release.group).unwrap().members.keys().next().unwrap().clone();
        world.terminate_instance(&id);
    });
    let terminated = release.group.clone();
    // Another one in the same target group, whose instances never get well.
    let mut template = release.new_template(2);
    if let Action::CreateLaunchTemplate { data, .. } = &mut template {
        data.image_id = HELLO_BAD.into();
    }
    lab.done("hello", &template).await;
    lab.done("hello", &release.new_group(2, 1)).await;
    release.group = release.scope.generation_name(Generation(2));
    lab.pass(240).await;

    let groups = [&terminated, &release.group];
    let seen = lab.look_at(groups.map(|group| Want::Activities(group.clone()))).await;
    let left = |group: &String| {
        let activities = seen.details.activities[group].known().unwrap().iter();
        let causes = activities.map(|activity| activity.cause.as_str());
        causes.filter(|cause| cause.contains("taken out of service")).map(str::to_owned).collect::<Vec<_>>()
    };
    let stopped = left(&terminated);
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    assert!(stopped[0].ends_with("in response to an EC2 health check indicating it has been terminated or stopped."));
    let sick = left(&release.group);
    assert!(sick[0].ends_with("in response to an ELB system health check failure."), "{sick:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_tags_were_spoilt_by_hand_is_a_problem_and_not_an_absence() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    let tags = [(tags::keys::GENERATION.to_owned(), "forty-two".to_owned())].into();
    lab.done("hello", &Action::TagGroup { name: release.group.clone(), tags, propagate: false }).await;
    let seen = lab.look().await;
    assert!(seen.groups.known().unwrap().is_empty());
    assert_eq!(seen.problems.len(), 1);
    assert!(seen.problems[0].concerns(&release.scope));
    assert!(seen.problems[0].why.contains("forty-two"), "{}", seen.problems[0].why);
    // And nothing is destroyed on the strength of it.
    let expect = Expect::OwnGroup { group: release.group.clone(), template_hash: release.data().hash().to_string() };
    assert!(matches!(lab.recheck(&[expect]).await, Err(Recheck::Stale(_))));
}

#[tokio::test(start_paused = true)]
async fn activities_are_read_page_by_page_back_to_the_time_that_they_are_wanted_for() {
    let lab = Lab::new().await;
    let release = lab.release("hello").await;
    lab.pass(120).await;
    let abandoned = "Instance became unhealthy while waiting for instance to be in Pending:Proceed state.";
    lab.simulation.with(|world| {
        let now = world.now;
        let group = world.scaling.groups.get_mut(&release.group).unwrap();
        // The first launch is abandoned, and a hundred and fifty more activities follow.
        let first = Arc::make_mut(group.activities.back_mut().unwrap());
        (first.status, first.message) = (Status::Cancelled, Some(abandoned.to_owned()));
        let newest = Arc::clone(group.activities.front().unwrap());
        for number in 0..150 {
            let activity = Activity { id: format!("activity-{number}"), started_at: now, ..Activity::clone(&newest) };
            group.activities.push_front(Arc::new(activity));
        }
    });
    let seen = lab.look_at([Want::Activities(release.group.clone())]).await;
    let activities = seen.details.activities[&release.group].known().unwrap();
    assert_eq!(activities.len(), 152);
    assert_eq!(activities.last().unwrap().message, abandoned);
    assert_eq!(seen.calls["autoscaling:DescribeScalingActivities"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_may_not_be_read_hides_no_other() {
    let lab = Lab::new().await;
    let apps = ["one", "two", "three", "four"].map(|app| lab.scope(app));
    let wants = || apps.iter().map(|scope| Want::Deployed(scope.app.clone()));
    lab.simulation.with(|world| world.parameters.denied.insert(apps[2].parameter_name()));
    let seen = lab.look_at(wants()).await;
    for scope in &apps {
        let read = &seen.details.deployed[&scope.app];
        match scope.app.as_str() {
            "three" => assert!(matches!(read, Read::Unknown(why) if why.contains("`ssm:GetParameters`")), "{read:?}"),
            _ => assert_eq!(*read, Read::Known(None), "{scope}"),
        }
    }
    assert_eq!(seen.calls["ssm:GetParameters"], 3);
    // Without any permission there is nothing to be gained by asking one by one.
    lab.refuse(ApiError::new("AccessDeniedException", "no"), |request| request.operation == "GetParameters");
    let seen = lab.look_at(wants()).await;
    assert!(seen.details.deployed.values().all(|read| matches!(read, Read::Unknown(_))));
    assert_eq!(seen.calls["ssm:GetParameters"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_says_which_permission_is_missing() {
    let lab = Lab::new().await;
    let denied = ApiError::new("AccessDenied", "not authorized").with_status(403);
    lab.refuse(denied, |request| request.operation == "ListResourceRecordSets");
    let seen = lab.look().await;
    let Some(Read::Unknown(why)) = seen.zone else { panic!("{:?}", seen.zone) };
    assert!(why.contains("`route53:ListResourceRecordSets`"), "{why}");
    assert_eq!(seen.calls["route53:ListResourceRecordSets"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_out_of_reach_is_unknown_by_itself_and_without_the_first_call_nothing_is_read() {
    let lab = Lab::new().await;
    lab.fault(|request| (request.service == "route53").then_some(Fault::Unreachable));
    let seen = lab.look().await;
    let Some(Read::Unknown(why)) = seen.zone else { panic!("{:?}", seen.zone) };
    assert!(why.contains("the endpoint cannot be reached"), "{why}");
    assert!(matches!(seen.groups, Read::Known(_)));
    lab.fault(|request| (request.service == "sts").then_some(Fault::Unreachable));
    let error = observe(&lab.aws, &lab.desired, lab.aws.clock().now()).await.unwrap_err();
    assert_eq!(error.class, Class::FatalAll);
}

// On real time: a socket takes part.
#[tokio::test]
async fn no_way_to_aws_and_no_credentials_are_told_apart_and_end_at_once() {
    let lab = Lab::new().await;
    let nowhere =
        Settings { endpoint_url: Some("http://127.0.0.1:1".into()), ..Settings::new(REGION, Clock::system()) };
    let known = aws_credential_types::Credentials::from_keys("AKIANOBODY", "nobody", None);
    let unreachable = Settings { credentials: Some(known.clone()), ..nowhere.clone() };
    let with_role = Settings { assume_role: Some("arn:aws:iam::123456789012:role/x".into()), ..unreachable.clone() };
    let nobody = Settings { profile: Some("amiable-no-such-profile".into()), ..nowhere };
    for (settings, message, advice) in [
        (unreachable, "refused", "endpoint cannot be reached"),
        (with_role, "refused", "endpoint cannot be reached"),
        (nobody, "the profile `amiable-no-such-profile` does not exist", "check the profile"),
    ] {
        let aws = Aws::connect(settings).await;
        let error = observe(&aws, &lab.desired, aws.clock().now()).await.unwrap_err();
        assert_eq!(error.class, Class::FatalAll, "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.advice().unwrap().contains(advice), "{error}: {:?}", error.advice());
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_said_without_the_request() {
    let lab = Lab::new().await;
    let known = aws_credential_types::Credentials::from_keys("AKIANOBODY", "nobody", None);
    let endpoint_url = Some("banana".to_owned());
    let settings = Settings { credentials: Some(known), endpoint_url, ..Settings::new(REGION, Clock::system()) };
    for assume_role in [None, Some("arn:aws:iam::123456789012:role/x".to_owned())] {
        let aws = Aws::connect(Settings { assume_role, ..settings.clone() }).await;
        let error = observe(&aws, &lab.desired, aws.clock().now()).await.unwrap_err();
        assert!(error.message.ends_with("failed to apply endpoint `banana`: endpoint must contain scheme"), "{error}");
        assert!(error.advice().unwrap().contains("--endpoint-url"), "{:?}", error.advice());
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_for_every_call_when_the_environment_names_one() {
    let lab = Lab::new().await;
    let settings = Settings::simulated(REGION, http_client(&lab.simulation), lab.aws.clock().clone());
    let role = "arn:aws:iam::123456789012:role/deploy".to_owned();
    let aws = Aws::connect(Settings { assume_role: Some(role), ..settings }).await;
    let seen = observe(&aws, &lab.desired, aws.clock().now()).await.unwrap().0;
    assert!(seen.caller.contains("assumed-role/deploy/amiable"), "{}", seen.caller);
    assert_ne!(seen.caller, lab.look().await.caller);
}

#[tokio::test(start_paused = true)]
async fn requests_are_signed_at_the_time_of_the_systems_clock_however_long_the_process_slept() {
    let (lab, signed) = (Lab::new().await, Arc::new(Mutex::new(Vec::new())));
    // An AWS whose time is the true one: where they differ, the SDK signs by what answers say.
    let now = Clock::system();
    let simulation = Simulation::new(World::example(now.now()), now.clone());
    let http = SharedHttpClient::new(Noting { client: http_client(&simulation), signed: Arc::clone(&signed) });
    let aws = Aws::connect(Settings::simulated(REGION, http, now)).await;
    observe(&aws, &lab.desired, aws.clock().now()).await.unwrap();
    // What is monotonic does not agree with the system's clock any more, as after a sleep or a correction by NTP.
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    observe(&aws, &lab.desired, aws.clock().now()).await.unwrap();
    let signed = signed.lock().unwrap();
    assert!(signed.len() > 10, "{signed:?}");
    for at in signed.iter() {
        let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", at).unwrap();
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        let off = at.duration_since(Timestamp::now()).abs();
        assert!(off < jiff::SignedDuration::from_secs(60), "{at} is {off} off");
    }
}

/// Notes at which time each request was signed.
#[derive(Debug)]
struct Noting {
    client: SharedHttpClient,
    signed: Arc<Mutex<Vec<String>>>,
}

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let (connector, signed) = (self.client.http_connector(settings, components), Arc::clone(&self.signed));
        SharedHttpConnector::new(NotingConnector { connector, signed })
    }
}

#[derive(Debug)]
struct NotingConnector {
    connector: SharedHttpConnector,
    signed: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for NotingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.signed.lock().unwrap().extend(request.headers().get("x-amz-date").map(str::to_owned));
        self.connector.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_another_account_is_even_looked_at() {
    let mut lab = Lab::new().await;
    lab.desired.environment.account_id = "210987654321".to_owned();
    let error = observe(&lab.aws, &lab.desired, lab.aws.clock().now()).await.unwrap_err();
    assert_eq!(error.class, Class::FatalAll);
    for account in ["123456789012", "210987654321"] {
        assert!(error.message.contains(account), "{error}");
    }
    assert_eq!(lab.aws.calls(), [("sts:GetCallerIdentity".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_launch_template_whose_tags_were_spoilt_by_hand_is_a_problem_and_not_an_absence() {
    let lab = Lab::new().await;
    let release = worker(lab.scope("hello"));
    let mut template = release.new_template(1);
    if let Action::CreateLaunchTemplate { tags, .. } = &mut template {
        tags.insert(tags::keys::GENERATION.to_owned(), "forty-two".to_owned());
    }
    lab.done("hello", &template).await;
    let seen = lab.look().await;
    assert!(seen.launch_templates.known().unwrap().is_empty());
    assert_eq!(seen.problems.len(), 1);
    assert!(seen.problems[0].concerns(&release.scope));
    assert_eq!(seen.problems[0].what, "launch template hello-prod-v001");
}
