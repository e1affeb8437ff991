//! One look: observe AWS, plan, read what the plan still needs to know, plan again.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::connect::Aws;
use crate::aws::error::AwsError;
use crate::aws::observe;
use crate::clock::Clock;
use crate::model::desired::Desired;
use crate::model::mark::BackTo;
use crate::model::observed::{Observed, Read, Want};
use crate::model::plan::Plan;
use crate::plan::plan;

/// How often a plan may ask for more. What a decision needs depends on what was read before, but only over a few steps:
/// tags of what has our name, then what belongs to it, then its health.
const ROUNDS: usize = 8;

/// Why an app or a webhook was not asked.
const NOT_ASKED: &str = "only `amiable apply` asks";

/// What there is, and what to do about it. Only AWS is asked: a plan, such as that of a pull request that nobody has read
/// yet, sends nothing to the apps themselves or to a webhook.
///
/// # Errors
/// When nothing can be planned at all: no credentials, another account's credentials, AWS out of reach.
pub async fn look(aws: &Aws, desired: &Desired, clock: &Clock) -> Result<(Observed, Plan), AwsError> {
    rounds(aws, desired, clock, false).await
}

/// The same, and the apps and webhooks are asked, too, where a release needs to know their answers.
///
/// # Errors
/// As those of [`look`].
pub async fn look_and_ask(aws: &Aws, desired: &Desired, clock: &Clock) -> Result<(Observed, Plan), AwsError> {
    rounds(aws, desired, clock, true).await
}

/// The same for what there would be: `observed` is not read again, but for what the plan still needs to know.
///
/// # Errors
/// As those of [`look`].
pub async fn foresee(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    mut observed: Observed,
) -> Result<(Observed, Plan), AwsError> {
    let owners = observed.groups.known().into_iter().flat_map(BTreeMap::values).map(|group| &group.owner.marks);
    let back = owners.filter_map(|marks| match &marks.back_to {
        Some(BackTo::Image(id)) => Some(id.clone()),
        _ => None,
    });
    let unread: BTreeSet<String> = back.filter(|id| !observed.images.contains_key(id)).collect();
    if !unread.is_empty() {
        observed.images.extend(observe::images::images(aws, unread).await?);
    }
    fulfilled(aws, desired, clock, observed, false).await
}

async fn rounds(aws: &Aws, desired: &Desired, clock: &Clock, asks: bool) -> Result<(Observed, Plan), AwsError> {
    let observed = observe::observe(aws, desired, clock.now()).await?;
    fulfilled(aws, desired, clock, observed, asks).await
}

async fn fulfilled(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    mut observed: Observed,
    asks: bool,
) -> Result<(Observed, Plan), AwsError> {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut made = plan(desired, &observed, clock.now());
    for _ in 0..ROUNDS {
        let wants: BTreeSet<Want> = made.wants().filter(|want| !asked.contains(want)).cloned().collect();
        if wants.is_empty() {
            break;
        }
        asked.extend(wants.iter().cloned());
        let (probes, others): (BTreeSet<Want>, BTreeSet<Want>) =
            wants.into_iter().partition(|want| matches!(want, Want::Probe(_)) && !asks);
        for probe in probes {
            if let Want::Probe(probe) = probe {
                observed.details.probes.insert(probe, Read::Unknown(NOT_ASKED.to_owned()));
            }
        }
        observe::fulfil(aws, &desired.name, &mut observed, &others).await?;
        made = plan(desired, &observed, clock.now());
    }
    Ok((observed, made))
}
