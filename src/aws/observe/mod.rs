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

use futures::join;

use super::batch::settle;
use super::connect::Aws;
use super::error::{AwsError, Call};
use crate::model::desired::Desired;
use crate::model::mark::BackTo;
use crate::model::names::is_image_id;
use crate::model::names::{AppName, EnvironmentName};
use crate::model::observed::{Details, Group, ImageSources, Observed, Ownership, Read, Want};
use crate::model::spec::ImageSource;
use crate::model::time::Timestamp;

/// One snapshot for all apps of the environment, taken at `now`.
///
/// # Errors
/// Only when nothing can be read at all: no credentials, or no way to AWS. Anything else that fails is unknown in the
/// snapshot.
pub async fn observe(aws: &Aws, desired: &Desired, now: Timestamp) -> Result<Observed, AwsError> {
    let before = aws.calls();
    aws.skew().forget();
    // First and alone, so that wrong credentials give one clear error.
    let (account, caller) = identity(aws).await?;
    right_account(desired, &account, &caller)?;
    let zone = async {
        match &desired.environment.dns_zone {
            Some(zone) => settle(dns::zone(aws, zone).await).map(Some),
            None => Ok(None),
        }
    };
    let (groups, templates, target_groups, load_balancers, zone, sources) = join!(
        groups::groups(aws, &desired.name),
        groups::launch_templates(aws, &desired.name),
        balancing::target_groups(aws),
        balancing::load_balancers(aws),
        zone,
        images::sources(aws, desired),
    );
    let (groups, mut problems) = split(settle(groups)?);
    let (launch_templates, template_problems) = split(settle(templates)?);
    problems.extend(template_problems);

    let (live, sources) = (groups.known(), sources?);
    let (listeners, rules, images) = join!(
        balancing::listeners(aws, listener_arns(desired, live)),
        balancing::rules(aws, rule_arns(desired, live)),
        images::images(aws, image_ids(desired, live, &sources)),
    );
    let mut images = images?;
    for image in sources.searches.values().filter_map(Read::known).flatten() {
        images.entry(image.id.clone()).or_insert_with(|| Read::Known(Some(image.clone())));
    }
    Ok(Observed {
        at: now,
        // As many times as fast as the real one is a simulated clock, as far may it be from the simulation's.
        clock_ahead: aws.skew().ahead().map(|ahead| ahead / i32::try_from(aws.clock().speed()).unwrap_or(1)),
        account,
        region: aws.region().to_owned(),
        caller,
        groups,
        launch_templates,
        problems,
        target_groups: settle(target_groups)?,
        load_balancers: settle(load_balancers)?,
        listeners: listeners?,
        rules: rules?,
        zone: zone?,
        images,
        sources,
        details: Details::default(),
        calls: aws.calls_since(&before),
    })
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
    let groups = observed.groups.known().into_iter().flatten();
    let told_since = groups.map(|(name, group)| (name.clone(), group.told_since())).collect();
    observed.details.extend(details::read(aws, environment, wants, &told_since).await?);
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
