//! One look: observe AWS, plan, read what the plan still needs to know, plan again.

use std::collections::BTreeSet;

use crate::aws::connect::Aws;
use crate::aws::error::AwsError;
use crate::aws::observe;
use crate::clock::Clock;
use crate::model::desired::Desired;
use crate::model::observed::{Observed, Want};
use crate::model::plan::Plan;
use crate::plan::plan;

/// How often a plan may ask for more. What a decision needs depends on what was read before, but only over a few steps:
/// tags of what has our name, then what belongs to it, then its health.
const ROUNDS: usize = 8;

/// What there is, and what to do about it.
///
/// # Errors
/// When nothing can be planned at all: no credentials, another account's credentials, AWS out of reach.
pub async fn look(aws: &Aws, desired: &Desired, clock: &Clock) -> Result<(Observed, Plan), AwsError> {
    let mut observed = observe::observe(aws, desired, clock.now()).await?;
    let mut asked: BTreeSet<Want> = BTreeSet::new();
    let mut made = plan(desired, &observed, clock.now());
    for _ in 0..ROUNDS {
        let wants: BTreeSet<Want> = made.wants().filter(|want| !asked.contains(want)).cloned().collect();
        if wants.is_empty() {
            break;
        }
        observe::fulfil(aws, &desired.name, &mut observed, &wants).await?;
        asked.extend(wants);
        made = plan(desired, &observed, clock.now());
    }
    Ok((observed, made))
}
