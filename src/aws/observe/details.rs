//! What is read only where a decision needs it: what AWS tells one by one, what apps and webhooks answer, and how commits are
//! related.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::future::join_all;
use futures::join;

use super::parameters::{decoded, parameters};
use super::{alarms, balancing, groups, scaling};
use crate::aws::batch::{by_ids, settle, several};
use crate::aws::codec;
use crate::aws::connect::Aws;
use crate::aws::error::{AwsError, Call};
use crate::manifest::git;
use crate::model::action::Tags;
use crate::model::launch::{LaunchData, Secret};
use crate::model::names::{AppName, EnvironmentName, Scope};
use crate::model::observed::{Activity, Attributes, Details, Named, Read, Target, Want};
use crate::model::probe::{Probe, Replied};
use crate::model::record::{DeployedRecord, NO_RECORD};
use crate::model::text::cleaned;
use crate::model::time::Timestamp;
use crate::model::writer::{Commits, Kinship};

const ELB: &str = "elasticloadbalancing";

/// The most pages of activities of one group. What is beyond the newest two thousand says nothing that these do not.
const ACTIVITY_PAGES: usize = 20;

/// Reads all kinds of wants, each by what follows its ids, and all of them at once.
macro_rules! details {
    ($wants:ident, $($field:ident: $kind:ident($ids:ident) => $read:expr,)*) => {{
        let ($($field,)*) = join!($(async {
            let ids: Vec<_> = $wants.iter().filter_map(|want| match want {
                Want::$kind(id) => Some(id.clone()),
                _ => None,
            }).collect();
            let $ids = ids.as_slice();
            $read.await
        },)*);
        Ok(Details { $($field: $field?,)* })
    }};
}

/// Reads everything that is wanted, many at a time.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn read(
    aws: &Aws,
    environment: &EnvironmentName,
    wants: &BTreeSet<Want>,
    told_since: &BTreeMap<String, Timestamp>,
) -> Result<Details, AwsError> {
    details! {
        wants,
        target_health: TargetHealth(arns) => each(arns, |arn| target_health(aws, arn)),
        activities: Activities(groups) => each(groups, |name| activities(aws, name, told_since.get(name).copied())),
        target_group_attributes: TargetGroupAttributes(arns) => each(arns, |arn| target_group_attributes(aws, arn)),
        balancer_attributes: BalancerAttributes(arns) => each(arns, |arn| balancer_attributes(aws, arn)),
        tags: Tags(arns) => tags(aws, arns),
        listeners_of: ListenersOf(arns) => each(arns, |arn| balancing::listeners_of(aws, arn)),
        rules_of: RulesOf(arns) => each(arns, |arn| balancing::rules_of(aws, arn)),
        template_data: TemplateData(names) => each(names, |name| template_data(aws, name)),
        hooks: Hooks(groups) => each(groups, |name| scaling::hooks(aws, name)),
        policies: Policies(groups) => scaling::policies(aws, groups),
        step_alarms: StepAlarms(groups) => each(groups, |name| alarms::of_group(aws, name)),
        schedules: Schedules(groups) => scaling::schedules(aws, groups),
        deployed: Deployed(apps) => recorded(aws, environment, apps, Scope::parameter_name, own_record),
        alarms: Alarm(names) => alarms::alarms(aws, names),
        traffic: Traffic(windows) => alarms::traffic(aws, windows),
        probes: Probe(probes) => ask(aws, probes),
        failures: Failures(apps) => recorded(aws, environment, apps, Scope::failures_name, |_, text| codec::decode_failure(text)),
        consoles: Console(ids) => each(ids, |id| console(aws, id)),
        named: Named(names) => each(names, |name| named(aws, name)),
        kinship: Kinship(commits) => kinship(commits),
        decisions: Decisions(apps) => recorded(aws, environment, apps, Scope::decisions_name, |_, text| codec::decode_decision(text)),
    }
}

/// Makes requests to apps and webhooks. What came back is known, whatever it is.
async fn ask(aws: &Aws, probes: &[Probe]) -> Result<BTreeMap<Probe, Read<Replied>>, AwsError> {
    let all = join_all(probes.iter().map(|probe| aws.prober.ask(probe))).await;
    Ok(probes.iter().cloned().zip(all.into_iter().map(Read::Known)).collect())
}

/// What has the name of a generation, whosever it is.
async fn named(aws: &Aws, name: &str) -> Result<Named, AwsError> {
    let (template, group) = join!(groups::template_tags(aws, name), groups::group(aws, name));
    Ok(Named { template: template?, group: group?.map(|(tags, _)| tags) })
}

/// Asks git how commits of manifests are related. What it cannot tell is known to be unrelated, as far as anybody can know.
async fn kinship(commits: &[Commits]) -> Result<BTreeMap<Commits, Read<Kinship>>, AwsError> {
    let ask = |commits: &Commits| {
        let commits = commits.clone();
        async move {
            let asked = commits.clone();
            let found = tokio::task::spawn_blocking(move || git::kinship(&asked)).await;
            (commits, Read::Known(found.unwrap_or(Kinship::Unrelated)))
        }
    };
    Ok(join_all(commits.iter().map(ask)).await.into_iter().collect())
}

/// Reads each of many things by a call of its own.
async fn each<'a, T, F>(ids: &'a [String], fetch: impl Fn(&'a str) -> F) -> Result<BTreeMap<String, Read<T>>, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let all = join_all(ids.iter().map(|id| fetch(id))).await;
    ids.iter().zip(all).map(|(id, result)| Ok((id.clone(), settle(result)?))).collect()
}

/// The targets of a target group and their health.
///
/// # Errors
/// When they cannot be read.
pub async fn target_health(aws: &Aws, arn: &str) -> Result<Vec<Target>, AwsError> {
    let call = Call::new(ELB, "DescribeTargetHealth", arn);
    let answer = aws.read(call, aws.elb.describe_target_health().target_group_arn(arn).send()).await?;
    let targets = answer.target_health_descriptions().iter().map(|described| {
        let health = described.target_health();
        Target {
            id: described.target().and_then(|target| target.id()).unwrap_or_default().to_owned(),
            health: codec::health(health.and_then(|health| health.state())),
            reason: health.and_then(|health| health.reason()).map(|reason| cleaned(reason.as_str())),
            description: health.and_then(|health| health.description()).map(cleaned),
        }
    });
    Ok(targets.collect())
}

/// The scaling activities of a group back to this time, or those on the first page. AWS names those under way first, and then
/// the others, newest first.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html>
async fn activities(aws: &Aws, group: &str, since: Option<Timestamp>) -> Result<Vec<Activity>, AwsError> {
    let mut all: Vec<Activity> = Vec::new();
    let mut token = None;
    for _ in 0..ACTIVITY_PAGES {
        let call = Call::new("autoscaling", "DescribeScalingActivities", group);
        let request = aws.autoscaling.describe_scaling_activities().auto_scaling_group_name(group);
        let answer = aws.read(call, request.max_records(100).set_next_token(token).send()).await?;
        all.extend(answer.activities().iter().filter_map(activity));
        token = answer.next_token.filter(|token| !token.is_empty());
        let is_older = |last: &Activity| last.ended_at.is_some() && since.is_none_or(|since| last.started_at < since);
        if token.is_none() || all.last().is_none_or(is_older) {
            break;
        }
    }
    Ok(all)
}

/// What an activity says; nothing when AWS does not say when it began.
pub(in crate::aws) fn activity(activity: &aws_sdk_autoscaling::types::Activity) -> Option<Activity> {
    let words = [activity.status_message(), activity.description()];
    Some(Activity {
        started_at: activity.start_time().and_then(codec::timestamp)?,
        ended_at: activity.end_time().and_then(codec::timestamp),
        status: activity.status_code().map(|code| cleaned(code.as_str())).unwrap_or_default(),
        description: cleaned(activity.description().unwrap_or_default()),
        message: cleaned(words.into_iter().flatten().find(|words| !words.is_empty()).unwrap_or_default()),
        cause: cleaned(activity.cause().unwrap_or_default()),
        subnet: activity.details().and_then(subnet),
    })
}

/// The subnet that an activity's details name: `{"Subnet ID":"subnet-0abc","Availability Zone":"us-west-2a"}`.
fn subnet(details: &str) -> Option<String> {
    let details: serde_json::Value = serde_json::from_str(details).ok()?;
    details.get("Subnet ID")?.as_str().map(str::to_owned)
}

/// What an instance wrote to its console: as it is now, or where its type does not tell that, as EC2 kept it last.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html>
async fn console(aws: &Aws, id: &str) -> Result<Option<Secret>, AwsError> {
    for latest in [true, false] {
        let call = Call::new("ec2", "GetConsoleOutput", id);
        let request = aws.ec2.get_console_output().instance_id(id).latest(latest);
        let answer = match aws.read(call.clone(), request.send()).await {
            Ok(answer) => answer,
            Err(error) if error.is_missing() => return Ok(None),
            // Only instances on the Nitro system tell what they write now.
            Err(error) if latest && !error.is_denied() && !error.may_pass() => continue,
            Err(error) => return Err(error),
        };
        if let Some(text) = answer.output().filter(|text| !text.is_empty()) {
            let text = codec::decode_console(text).map_err(|why| AwsError::not_understood(call, why))?;
            return Ok(Some(Secret::new(text)));
        }
    }
    Ok(None)
}

async fn target_group_attributes(aws: &Aws, arn: &str) -> Result<Attributes, AwsError> {
    let call = Call::new(ELB, "DescribeTargetGroupAttributes", arn);
    let request = aws.elb.describe_target_group_attributes().target_group_arn(arn);
    let answer = aws.read(call.clone(), request.send()).await?;
    let all = answer.attributes().iter().map(|attribute| (attribute.key(), attribute.value()));
    attributes(call, all)
}

async fn balancer_attributes(aws: &Aws, arn: &str) -> Result<Attributes, AwsError> {
    let call = Call::new(ELB, "DescribeLoadBalancerAttributes", arn);
    let request = aws.elb.describe_load_balancer_attributes().load_balancer_arn(arn);
    let answer = aws.read(call.clone(), request.send()).await?;
    let all = answer.attributes().iter().map(|attribute| (attribute.key(), attribute.value()));
    attributes(call, all)
}

fn attributes<'a>(
    call: Call,
    all: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> Result<Attributes, AwsError> {
    let named = all.filter_map(|(key, value)| Some((key?.to_owned(), value.unwrap_or_default().to_owned())));
    let found: Attributes = named.collect();
    if found.is_empty() { Err(AwsError::not_understood(call, "AWS named no attributes")) } else { Ok(found) }
}

/// Tags by ARN. What does not exist is unknown: it has no tags to speak of.
async fn tags(aws: &Aws, arns: &[String]) -> Result<BTreeMap<String, Read<Tags>>, AwsError> {
    let found = by_ids(arns.iter().cloned().collect(), 20, |arns| tags_of(aws, arns)).await?;
    let known = found.into_iter().map(|(arn, read)| {
        let read = match read {
            Read::Known(Some(tags)) => Read::Known(tags),
            Read::Known(None) => Read::Unknown(format!("AWS has no {arn}")),
            Read::Unknown(why) => Read::Unknown(why),
        };
        (arn, read)
    });
    Ok(known.collect())
}

/// The tags of at most 20 things of load balancing, by ARN.
///
/// # Errors
/// When they cannot be read, one of them because it does not exist.
pub async fn tags_of(aws: &Aws, arns: Vec<String>) -> Result<BTreeMap<String, Tags>, AwsError> {
    let call = Call::new(ELB, "DescribeTags", several(&arns));
    let answer = aws.read(call, aws.elb.describe_tags().set_resource_arns(Some(arns)).send()).await?;
    let described = answer.tag_descriptions().iter();
    Ok(described.filter_map(|tags| Some((tags.resource_arn()?.to_owned(), codec::elb_tags(tags.tags())))).collect())
}

/// What the first and only version of a launch template holds.
async fn template_data(aws: &Aws, name: &str) -> Result<Option<LaunchData>, AwsError> {
    let call = Call::new("ec2", "DescribeLaunchTemplateVersions", name);
    let request = aws.ec2.describe_launch_template_versions().launch_template_name(name).versions("1");
    let answer = match aws.read(call.clone(), request.send()).await {
        Ok(answer) => answer,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(version) = answer.launch_template_versions().first() else { return Ok(None) };
    let data = version.launch_template_data().ok_or("AWS did not say what it holds".to_owned());
    data.and_then(codec::launch_data).map(Some).map_err(|why| AwsError::not_understood(call, why))
}

/// The deployed state of exactly this app.
fn own_record(scope: &Scope, text: &str) -> Result<DeployedRecord, String> {
    let record = codec::decode_record(text)?;
    if (&record.app, &record.environment) == (&scope.app, &scope.environment) {
        return Ok(record);
    }
    let other = Scope::new(record.app, record.environment);
    Err(format!("{NO_RECORD} of {scope}, but that of {other}"))
}

/// What is recorded of apps in parameters of theirs, each decoded.
async fn recorded<T>(
    aws: &Aws,
    environment: &EnvironmentName,
    apps: &[AppName],
    name: fn(&Scope) -> String,
    decode: fn(&Scope, &str) -> Result<T, String>,
) -> Result<BTreeMap<AppName, Read<Option<T>>>, AwsError> {
    let scope = |app: &AppName| Scope::new(app.clone(), environment.clone());
    let found = parameters(aws, apps.iter().map(|app| name(&scope(app))).collect()).await?;
    let decoded = apps.iter().filter_map(|app| {
        let (scope, name) = (scope(app), name(&scope(app)));
        Some((app.clone(), decoded(&name, found.get(&name)?, |text| decode(&scope, text))))
    });
    Ok(decoded.collect())
}
