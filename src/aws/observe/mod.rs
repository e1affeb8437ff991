//! The snapshot of one environment, and the details that a decision asks for.
//!
//! - [`groups`]: Auto Scaling groups and launch templates, by our tags
//! - [`balancing`]: target groups and load balancers of the region, listeners and rules by their ARNs
//! - [`dns`]: the hosted zone with its records
//! - [`alarms`]: alarms and what load balancers counted, from CloudWatch
//! - [`images`]: images by their ids, and what searches, SSM parameters and other environments lead to
//! - [`parameters`]: SSM parameters by their names
//! - [`scaling`]: hooks, scaling policies and scheduled actions of groups
//! - [`details`]: what AWS tells only one by one, read on request
//!
//! The number of calls grows with pages, not with apps. What could not be read is unknown, with AWS's words.

pub mod alarms;
pub mod balancing;
pub mod details;
pub mod dns;
pub mod groups;
pub mod images;
pub mod parameters;
pub mod scaling;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::join;

use super::batch::settle;
use super::connect::Aws;
use super::error::{AwsError, Call};
use crate::model::desired::Desired;
use crate::model::mark::BackTo;
use crate::model::names::is_image_id;
use crate::model::names::{AppName, EnvironmentName};
use crate::model::observed::{Details, Fact, Group, ImageSources, Observed, Ownership, Problem, Read, Want};
use crate::model::spec::ImageSource;
use crate::model::time::Timestamp;

/// One snapshot for all apps of the environment, taken at `now`, and what was read for it.
///
/// # Errors
/// Only when nothing can be read at all: no credentials, or no way to AWS. Anything else that fails is unknown in the
/// snapshot.
pub async fn observe(aws: &Aws, desired: &Desired, now: Timestamp) -> Result<(Observed, BTreeSet<Fact>), AwsError> {
    let unread = || "it was not read".to_owned();
    let mut observed = Observed {
        at: now,
        clock_ahead: None,
        account: String::new(),
        region: aws.region().to_owned(),
        caller: String::new(),
        groups: Read::Unknown(unread()),
        launch_templates: Read::Unknown(unread()),
        problems: Vec::new(),
        target_groups: Read::Unknown(unread()),
        load_balancers: Read::Unknown(unread()),
        listeners: BTreeMap::new(),
        rules: BTreeMap::new(),
        zone: None,
        images: BTreeMap::new(),
        sources: ImageSources::default(),
        details: Details::default(),
        calls: BTreeMap::new(),
    };
    aws.skew().forget();
    let read = anew(aws, desired, &mut observed, &BTreeSet::from(Fact::LISTS)).await?;
    Ok((observed, read))
}

/// Begins another look with what is known from an earlier one.
pub fn begin(aws: &Aws, observed: &mut Observed, now: Timestamp) {
    aws.skew().forget();
    (observed.at, observed.clock_ahead, observed.calls) = (now, None, BTreeMap::new());
}

/// Reads these facts into the snapshot, and what the groups name that was not read yet. All that was read comes back.
///
/// # Errors
/// As those of [`observe`].
pub async fn anew(
    aws: &Aws,
    desired: &Desired,
    observed: &mut Observed,
    facts: &BTreeSet<Fact>,
) -> Result<BTreeSet<Fact>, AwsError> {
    let before = aws.calls();
    if facts.contains(&Fact::Identity) {
        // First and alone, so that wrong credentials give one clear error.
        (observed.account, observed.caller) = identity(aws).await?;
        right_account(desired, &observed.account, &observed.caller)?;
    }
    // A future that holds all these calls is too large for the stack.
    Box::pin(lists(aws, desired, observed, facts)).await?;
    let mut read = facts.clone();
    read.extend(Box::pin(by_ids(aws, desired, observed, facts)).await?);
    // As many times as fast as the real one is a simulated clock, as far may it be from the simulation's.
    observed.clock_ahead = aws.skew().ahead().map(|ahead| ahead / i32::try_from(aws.clock().speed()).unwrap_or(1));
    for (call, count) in aws.calls_since(&before) {
        *observed.calls.entry(call).or_default() += count;
    }
    Ok(read)
}

/// Reads lists and details.
async fn lists(aws: &Aws, desired: &Desired, observed: &mut Observed, facts: &BTreeSet<Fact>) -> Result<(), AwsError> {
    let has = |fact: Fact| facts.contains(&fact);
    let zone = async {
        match &desired.environment.dns_zone {
            Some(zone) => settle(dns::zone(aws, zone).await).map(Some),
            None => Ok(None),
        }
    };
    let wants: BTreeSet<Want> = facts.iter().filter_map(Fact::want).cloned().collect();
    let told_since = told_since(observed);
    let (groups, templates, target_groups, load_balancers, zone, sources, details) = join!(
        only(has(Fact::Groups), groups::groups(aws, &desired.name)),
        only(has(Fact::LaunchTemplates), groups::launch_templates(aws, &desired.name)),
        only(has(Fact::TargetGroups), balancing::target_groups(aws)),
        only(has(Fact::LoadBalancers), balancing::load_balancers(aws)),
        only(has(Fact::Zone), zone),
        only(has(Fact::ImageSources), images::sources(aws, desired)),
        Box::pin(details::read(aws, &desired.name, &wants, &told_since)),
    );
    let is_of_group = |problem: &Problem| problem.what.starts_with(groups::GROUP);
    if let Some(groups) = groups {
        observed.problems.retain(|problem| !is_of_group(problem));
        let problems;
        (observed.groups, problems) = split(settle(groups)?);
        observed.problems.splice(0..0, problems);
    }
    if let Some(templates) = templates {
        observed.problems.retain(is_of_group);
        let problems;
        (observed.launch_templates, problems) = split(settle(templates)?);
        observed.problems.extend(problems);
    }
    if let Some(target_groups) = target_groups {
        observed.target_groups = settle(target_groups)?;
    }
    if let Some(load_balancers) = load_balancers {
        observed.load_balancers = settle(load_balancers)?;
    }
    if let Some(zone) = zone {
        observed.zone = zone?;
    }
    if let Some(sources) = sources {
        observed.sources = sources?;
    }
    observed.details.extend(details?);
    Ok(())
}

/// Reads listeners, rules and images by their ids: those of the facts, and those that were not read yet. What nothing leads to
/// any more is left out. All that was read comes back.
async fn by_ids(
    aws: &Aws,
    desired: &Desired,
    observed: &mut Observed,
    facts: &BTreeSet<Fact>,
) -> Result<BTreeSet<Fact>, AwsError> {
    let live = observed.groups.known();
    let (listeners, rules) = (listener_arns(desired, live), rule_arns(desired, live));
    let ids = image_ids(desired, live, &observed.sources);
    observed.listeners.retain(|arn, _| listeners.contains(arn));
    observed.rules.retain(|arn, _| rules.contains(arn));
    observed.images.retain(|id, _| ids.contains(id));
    let new = |is_known: bool, fact: Fact| !is_known || facts.contains(&fact);
    let listeners = listeners.into_iter();
    let listeners = listeners.filter(|arn| new(observed.listeners.contains_key(arn), Fact::Listener(arn.clone())));
    let rules = rules.into_iter();
    let rules = rules.filter(|arn| new(observed.rules.contains_key(arn), Fact::Rule(arn.clone())));
    let ids = ids.into_iter();
    let ids = ids.filter(|id| new(observed.images.contains_key(id), Fact::Image(id.clone())));
    let (listeners, rules, ids): (BTreeSet<_>, BTreeSet<_>, BTreeSet<_>) =
        (listeners.collect(), rules.collect(), ids.collect());
    let read = listeners.iter().cloned().map(Fact::Listener);
    let read = read.chain(rules.iter().cloned().map(Fact::Rule)).chain(ids.iter().cloned().map(Fact::Image)).collect();
    let (listeners, rules, images) =
        join!(balancing::listeners(aws, listeners), balancing::rules(aws, rules), images::images(aws, ids));
    observed.listeners.extend(listeners?);
    observed.rules.extend(rules?);
    observed.images.extend(images?);
    for image in observed.sources.searches.values().filter_map(Read::known).flatten() {
        observed.images.entry(image.id.clone()).or_insert_with(|| Read::Known(Some(image.clone())));
    }
    Ok(read)
}

/// Reads something, if it is to be read.
async fn only<T>(is_wanted: bool, read: impl Future<Output = T>) -> Option<T> {
    if is_wanted { Some(read.await) } else { None }
}

/// Since when the scaling activities of each group are read.
fn told_since(observed: &Observed) -> BTreeMap<String, Timestamp> {
    let groups = observed.groups.known().into_iter().flatten();
    groups.map(|(name, group)| (name.clone(), group.told_since())).collect()
}

/// Reads the details that a decision asks for into the snapshot. What cannot be read is unknown there.
///
/// # Errors
/// Only when nothing can be read at all.
pub async fn fulfil(
    aws: &Aws,
    environment: &EnvironmentName,
    observed: &mut Observed,
    wants: &BTreeSet<Want>,
) -> Result<(), AwsError> {
    let before = aws.calls();
    let read = details::read(aws, environment, wants, &told_since(observed)).await?;
    observed.details.extend(read);
    for (call, count) in aws.calls_since(&before) {
        *observed.calls.entry(call).or_default() += count;
    }
    Ok(())
}

/// The account, and who we are.
async fn identity(aws: &Aws) -> Result<(String, String), AwsError> {
    let call = Call::new("sts", "GetCallerIdentity", "");
    let identity = aws.read(call.clone(), aws.sts.get_caller_identity().send()).await;
    let identity = identity.map_err(AwsError::of_the_first_call)?;
    match (identity.account, identity.arn) {
        (Some(account), Some(arn)) => Ok((account, arn)),
        _ => Err(AwsError::not_understood(call, "AWS did not say which account the credentials belong to")),
    }
}

/// Nothing of another account is even looked at.
fn right_account(desired: &Desired, account: &str, caller: &str) -> Result<(), AwsError> {
    let wanted = &desired.environment.account_id;
    if account == wanted {
        return Ok(());
    }
    let call = Call::new("sts", "GetCallerIdentity", caller);
    let is_placeholder = wanted.bytes().all(|digit| digit == b'0');
    let more = if is_placeholder { ", which `amiable init` wrote as a placeholder" } else { "" };
    let message = format!(
        "the credentials belong to account {account}, but environment {} is in account {wanted}{more}",
        desired.name
    );
    Err(AwsError::other_account(call, message))
}

/// A map and the problems that were met while it was read, each in its own place.
fn split<T, P>(read: Read<(T, Vec<P>)>) -> (Read<T>, Vec<P>) {
    match read {
        Read::Known((value, problems)) => (Read::Known(value), problems),
        Read::Unknown(why) => (Read::Unknown(why), Vec::new()),
    }
}

type Live<'a> = Option<&'a BTreeMap<String, Group>>;

/// What the tags of the groups say of the apps that are chosen, and of those whose release is under way: these count among the
/// releases that an environment allows at a time.
fn owners<'a>(desired: &'a Desired, live: Live<'a>) -> impl Iterator<Item = &'a Ownership> {
    let all = || live.into_iter().flat_map(BTreeMap::values).map(|group| &group.owner);
    let open = all().filter(|owner| owner.recorded_at.is_none() && owner.failed.is_none());
    let open: BTreeSet<&AppName> = open.map(|owner| &owner.app).collect();
    all().filter(move |owner| desired.is_chosen(&owner.app) || open.contains(&owner.app))
}

fn listener_arns(desired: &Desired, live: Live<'_>) -> BTreeSet<String> {
    let shared = desired.environment.listeners.values().cloned();
    shared.chain(owners(desired, live).flat_map(|owner| owner.listeners.iter().cloned())).collect()
}

fn rule_arns(desired: &Desired, live: Live<'_>) -> BTreeSet<String> {
    let named = |owner: &Ownership| [owner.rule.clone(), owner.checks.preview_rule.clone()];
    owners(desired, live).flat_map(named).flatten().collect()
}

/// The images that run, that people promoted or went back to, and that the manifests lead to.
fn image_ids(desired: &Desired, live: Live<'_>, sources: &ImageSources) -> BTreeSet<String> {
    let wanted = desired.chosen().filter_map(|app| match &app.spec.image.source {
        ImageSource::Id(id) | ImageSource::PackerManifest { id: Some(id), .. } => Some(id.clone()),
        _ => None,
    });
    let promoted = owners(desired, live).filter_map(|owner| owner.marks.promoted_image.as_ref()?.to.clone());
    let back = owners(desired, live).filter_map(|owner| match &owner.marks.back_to {
        Some(BackTo::Image(id)) => Some(id.clone()),
        _ => None,
    });
    let runs = owners(desired, live).map(|owner| owner.image.clone());
    let all = wanted.chain(promoted).chain(back).chain(runs).chain(sources.named_ids());
    // What is no id would spoil the call for the others.
    all.filter(|id| is_image_id(id)).collect()
}
