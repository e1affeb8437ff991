//! What webhooks answered last: they are asked at a pace of their own, however often AWS is looked at meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::observed::{Details, Read, Want};
use crate::model::probe::{Probe, Replied};
use crate::model::time::Timestamp;

/// How long a webhook is left alone after it was asked first.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// How long at most, each pause being twice as long as the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What webhooks answered last, as long as they are asked the same.
#[derive(Debug, Default)]
pub struct Asked(BTreeMap<Probe, Last>);

#[derive(Debug)]
struct Last {
    replied: Replied,
    times: u32,
    until: Timestamp,
}

impl Asked {
    /// What a webhook answered a short while ago, so that it is not asked again yet.
    pub(super) fn lately(&self, probe: &Probe, now: Timestamp) -> Option<&Replied> {
        self.0.get(probe).filter(|last| last.until > now).map(|last| &last.replied)
    }

    /// Remembers what those of `wants` that are webhooks have just answered.
    pub(super) fn remember(&mut self, wants: &BTreeSet<Want>, details: &Details, now: Timestamp) {
        for probe in wants.iter().filter_map(webhook) {
            let Some(Read::Known(replied)) = details.probes.get(probe) else { continue };
            let times = self.0.get(probe).map_or(0, |last| last.times);
            let until = now.checked_add(pause(times)).unwrap_or(now);
            self.0.insert(probe.clone(), Last { replied: replied.clone(), times: times.saturating_add(1), until });
        }
    }

    /// Forgets all that is not asked any more.
    pub(super) fn keep(&mut self, wants: &BTreeSet<Want>) {
        self.0.retain(|probe, _| wants.contains(&Want::Probe(probe.clone())));
    }
}

/// The webhook among what is wanted: it is told what is asked in a body. An app's own pages are asked as often as the plan says.
pub(super) fn webhook(want: &Want) -> Option<&Probe> {
    match want {
        Want::Probe(probe) if probe.body.is_some() => Some(probe),
        _ => None,
    }
}

fn pause(times: u32) -> Duration {
    LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(times.min(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_asked_less_and_less_often() {
        assert_eq!((0..5).map(|times| pause(times).as_secs()).collect::<Vec<_>>(), [15, 30, 60, 60, 60]);
    }
}
