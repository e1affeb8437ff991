//! One look: observe AWS, plan, read what the plan still needs to know, plan again.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::Asked;
use super::remembered::{Recalled, Remembered};
use crate::aws::connect::Aws;
use crate::aws::error::AwsError;
use crate::aws::observe;
use crate::clock::Clock;
use crate::model::desired::Desired;
use crate::model::mark::BackTo;
use crate::model::observed::{Fact, Observed, Read, Want};
use crate::model::plan::Plan;
use crate::model::probe::{Probe, Replied};
use crate::model::time::Timestamp;
use crate::plan::freshness::{self, Since};
use crate::plan::plan;

/// How often a plan may ask for more. What a decision needs depends on what was read before, but only over a few steps:
/// tags of what has our name, then what belongs to it, then its health; and each of them once from memory, and once anew.
const ROUNDS: usize = 20;

/// Why an app or a webhook was not asked.
const NOT_ASKED: &str = "only `amiable apply` asks";

/// What there is, and what to do about it. Only AWS is asked: a plan, such as that of a pull request that nobody has read
/// yet, sends nothing to the apps themselves or to a webhook.
///
/// # Errors
/// When nothing can be planned at all: no credentials, another account's credentials, AWS out of reach.
pub async fn look(aws: &Aws, desired: &Desired, clock: &Clock) -> Result<(Observed, Plan), AwsError> {
    // One time for the whole look, that before its first read: what was read is never judged by a later clock, however long the
    // reading took, or the process stood still meanwhile.
    let now = clock.now();
    let seen = first(aws, desired, now).await?;
    let (seen, plan, _) = Box::pin(fulfilled(aws, (desired, now), seen, None, None)).await?;
    Ok((seen.observed, plan))
}

/// What a process knows from its earlier looks.
#[derive(Default)]
pub struct Memory {
    /// What webhooks answered.
    asked: Asked,
    /// What was read.
    pub(super) remembered: Remembered,
}

/// The same, and the apps and webhooks are asked, too, where a release needs to know their answers; a webhook that was asked
/// lately is not asked again. Nor is AWS for what it told lately, unless the plan needs to know that as it is now: which it does
/// may depend on what was planned `before`, and on whether the end of earlier generations is waited for (`cleanup`).
///
/// # Errors
/// As those of [`look`].
pub async fn look_again(
    aws: &Aws,
    desired: &Desired,
    clock: &Clock,
    memory: &mut Memory,
    (before, cleanup): (Option<&Plan>, bool),
) -> Result<Plan, AwsError> {
    let now = clock.now();
    let since = Since { before, cleanup, now };
    let Memory { asked, remembered } = memory;
    if let Some(mut seen) = remembered.recall(now) {
        observe::begin(aws, &mut seen.observed, now);
        let again = Box::pin(fulfilled(aws, (desired, now), seen, Some(since), Some(asked)));
        let (seen, plan, is_sound) = again.await?;
        if is_sound {
            remembered.keep(seen, now);
            return Ok(plan);
        }
    }
    let seen = first(aws, desired, now).await?;
    let (seen, plan, _) = Box::pin(fulfilled(aws, (desired, now), seen, None, Some(asked))).await?;
    remembered.keep(seen, now);
    Ok(plan)
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
    let seen = Recalled::of(observed);
    let (seen, plan, _) = Box::pin(fulfilled(aws, (desired, clock.now()), seen, None, None)).await?;
    Ok((seen.observed, plan))
}

/// What a process sees that has seen nothing before.
async fn first(aws: &Aws, desired: &Desired, now: Timestamp) -> Result<Recalled, AwsError> {
    let (observed, read) = Box::pin(observe::observe(aws, desired, now)).await?;
    let mut seen = Recalled::of(observed);
    seen.read_at.read(read, now);
    Ok(seen)
}

/// Plans, reads what the plan needs to know, and plans again, until it needs nothing more. With `since`, what is known from
/// before is read anew where the plan needs it as it is now. Whether the plan rests on nothing that is too old comes with it.
async fn fulfilled(
    aws: &Aws,
    (desired, now): (&Desired, Timestamp),
    mut seen: Recalled,
    since: Option<Since<'_>>,
    mut memory: Option<&mut Asked>,
) -> Result<(Recalled, Plan, bool), AwsError> {
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut made = plan(desired, &seen.observed, now);
    let mut is_sound = false;
    for _ in 0..ROUNDS {
        let mut wants: BTreeSet<Want> = made.wants().filter(|want| !asked.contains(want)).cloned().collect();
        // Nothing is asked for on the strength of what is too old: that is read anew first.
        if !seen.fulfil(&wants, now) && !refresh(aws, desired, &made, &mut seen, since).await? {
            if wants.is_empty() {
                is_sound = true;
                break;
            }
            asked.extend(wants.iter().cloned());
            seen.read_at.read(wants.iter().cloned().map(Fact::Detail), now);
            let known = answered(&wants, memory.as_deref(), now);
            wants.retain(|want| !matches!(want, Want::Probe(probe) if known.contains_key(probe)));
            seen.observed.details.probes.extend(known);
            Box::pin(observe::fulfil(aws, &desired.name, &mut seen.observed, &wants)).await?;
            if let Some(memory) = &mut memory {
                memory.remember(&wants, &seen.observed.details, now);
            }
        }
        made = plan(desired, &seen.observed, now);
    }
    if let Some(memory) = memory {
        memory.keep(&asked);
    }
    Ok((seen, made, is_sound))
}

/// Reads anew what is too old for a plan. Whether anything was.
async fn refresh(
    aws: &Aws,
    desired: &Desired,
    made: &Plan,
    seen: &mut Recalled,
    since: Option<Since<'_>>,
) -> Result<bool, AwsError> {
    let Some(since) = since else { return Ok(false) };
    let old = freshness::outdated(made, &seen.observed, &seen.read_at, since);
    if old.is_empty() {
        return Ok(false);
    }
    let before = seen.observed.groups.clone();
    let read = Box::pin(observe::anew(aws, desired, &mut seen.observed, &old)).await?;
    seen.read_at.read(read, since.now);
    for fact in freshness::belied(&before, &seen.observed.groups) {
        if !old.contains(&fact) {
            seen.read_at.forget(&fact);
        }
    }
    Ok(true)
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
