//! One look: observe AWS, plan, read what the plan still needs to know, plan again.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::Asked;
use crate::aws::connect::Aws;
use crate::aws::error::AwsError;
use crate::aws::observe;
use crate::clock::Clock;
use crate::model::desired::Desired;
use crate::model::mark::BackTo;
use crate::model::observed::{Observed, Read, Want};
use crate::model::plan::Plan;
use crate::model::probe::{Probe, Replied};
use crate::model::time::Timestamp;
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
    rounds(aws, desired, clock, None).await
}

/// The same, and the apps and webhooks are asked, too, where a release needs to know their answers; a webhook that was `asked`
/// lately is not asked again.
///
/// # Errors
/// As those of [`look`].
pub async fn look_and_ask(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    asked: &mut Asked,
) -> Result<(Observed, Plan), AwsError> {
    rounds(aws, desired, clock, Some(asked)).await
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
    fulfilled(aws, desired, clock.now(), observed, None).await
}

async fn rounds(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    memory: Option<&mut Asked>,
) -> Result<(Observed, Plan), AwsError> {
    // One time for the whole look, that before its first read: what was read is never judged by a later clock, however long the
    // reading took, or the process stood still meanwhile.
    let now = clock.now();
    let observed = observe::observe(aws, desired, now).await?;
    fulfilled(aws, desired, now, observed, memory).await
}

async fn fulfilled(
    aws: &Aws,
    desired: &Desired,
    now: Timestamp,
    mut observed: Observed,
    mut memory: Option<&mut Asked>,
) -> Result<(Observed, Plan), AwsError> {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut made = plan(desired, &observed, now);
    for _ in 0..ROUNDS {
        let mut wants: BTreeSet<Want> = made.wants().filter(|want| !asked.contains(want)).cloned().collect();
        if wants.is_empty() {
            break;
        }
        asked.extend(wants.iter().cloned());
        let known = answered(&wants, memory.as_deref(), now);
        wants.retain(|want| !matches!(want, Want::Probe(probe) if known.contains_key(probe)));
        observed.details.probes.extend(known);
        observe::fulfil(aws, &desired.name, &mut observed, &wants).await?;
        if let Some(memory) = &mut memory {
            memory.remember(&wants, &observed.details, now);
        }
        made = plan(desired, &observed, now);
    }
    if let Some(memory) = memory {
        memory.keep(&asked);
    }
    Ok((observed, made))
}

/// The answers to what is not asked: apps and webhooks without a `memory` of what they answered before, and webhooks that
/// answered lately.
fn answered(wants: &BTreeSet<Want>, memory: Option<&Asked>, now: Timestamp) -> BTreeMap<Probe, Read<Replied>> {
    let answer = |probe: &Probe| match memory {
        None => Some(Read::Unknown(NOT_ASKED.to_owned())),
        Some(asked) => asked.lately(probe, now).cloned().map(Read::Known),
    };
    let probes = wants.iter().filter_map(|want| if let Want::Probe(probe) = want { Some(probe) } else { None });
    probes.filter_map(|probe| Some((probe.clone(), answer(probe)?))).collect()
}
