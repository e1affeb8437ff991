//! What this process read at earlier looks, and when. How old it may be is the planner's to say; to forget all of it costs
//! nothing but calls.

use std::collections::BTreeSet;

use crate::model::action::Action;
use crate::model::event::{Event, EventKind};
use crate::model::observed::{Details, Fact, Observed, Read, ReadAt, Want};
use crate::model::time::{Span, Timestamp};
use crate::plan::freshness::{self, touched};

/// For how long AWS may show what was before a call. What the call concerns is read at every look until then.
const SETTLES: Span = Span::seconds(10);

/// What was read at earlier looks.
#[derive(Default)]
pub struct Remembered {
    /// What was seen last; nothing before the first look.
    seen: Option<Observed>,
    read_at: ReadAt,
    /// Calls of ours that were made a short while ago, and when that became known.
    made: Vec<(Action, Timestamp)>,
}

/// What was heard of calls of ours since the last look began.
#[derive(Default)]
pub(super) struct Heard {
    /// Those that were made, or may have been.
    made: Vec<(Action, Timestamp)>,
    /// Whether what was read right before one of them was otherwise than it was planned for.
    was_wrong: bool,
}

impl Heard {
    /// Something happened.
    pub(super) fn told(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Acted { action, .. } | EventKind::Failed { action, .. } => {
                self.made.push((action.clone(), event.at));
            }
            EventKind::Stale { .. } => self.was_wrong = true,
            EventKind::Planned(_) => {}
        }
    }

    /// Tells it to who remembers.
    pub(super) fn pass_on(&mut self, remembered: &mut Remembered) {
        let Self { made, was_wrong } = std::mem::take(self);
        remembered.made.extend(made);
        if was_wrong {
            remembered.seen = None;
        }
    }
}

/// What a look begins with.
pub(super) struct Recalled {
    /// The lists, without any details: the plan asks for those that it needs.
    pub(super) observed: Observed,
    /// Details from before.
    pub(super) details: Details,
    /// When all of it was read.
    pub(super) read_at: ReadAt,
}

impl Recalled {
    /// What was seen, with nothing from before.
    pub(super) fn of(observed: Observed) -> Self {
        Self { observed, details: Details::default(), read_at: ReadAt::default() }
    }

    /// Takes over those of `wants` that are still of use. Whether there are any.
    pub(super) fn fulfil(&mut self, wants: &BTreeSet<Want>, now: Timestamp) -> bool {
        let mut any = false;
        for want in wants {
            let is_known = self.read_at.is_younger(&Fact::Detail(want.clone()), now, freshness::LONGEST);
            any |= is_known && self.observed.details.recall(&self.details, want);
        }
        any
    }
}

impl Remembered {
    /// What is known at the beginning of a look; nothing at the first.
    pub(super) fn recall(&mut self, now: Timestamp) -> Option<Recalled> {
        let mut observed = self.seen.take()?;
        let mut read_at = std::mem::take(&mut self.read_at);
        let made = &self.made;
        read_at.retain(|fact, _| !made.iter().any(|(action, _)| touched::is_touched(fact, action)));
        self.made.retain(|(_, at)| *at <= now && SETTLES.after(*at) > now);
        let details = std::mem::take(&mut observed.details);
        Some(Recalled { observed, details, read_at })
    }

    /// Remembers what is known at the end of a look: not what could not be read, nor what is too old to be of use.
    pub(super) fn keep(&mut self, seen: Recalled, now: Timestamp) {
        let Recalled { mut observed, details, mut read_at } = seen;
        let mut kept = Details::default();
        read_at.retain(|fact, at| match fact.want() {
            // What was read anew and not told must not be taken for what was told before.
            Some(want) if at == now => kept.recall(&observed.details, want),
            Some(want) => freshness::LONGEST.after(at) > now && kept.recall(&details, want),
            None => is_known(&observed, fact),
        });
        observed.details = kept;
        (self.seen, self.read_at) = (Some(observed), read_at);
    }
}

/// Whether something of a snapshot could be read.
fn is_known(observed: &Observed, fact: &Fact) -> bool {
    fn known<T>(read: Option<&Read<T>>) -> bool {
        read.is_some_and(|read| read.known().is_some())
    }
    match fact {
        Fact::Identity => true,
        Fact::Groups => observed.groups.known().is_some(),
        Fact::LaunchTemplates => observed.launch_templates.known().is_some(),
        Fact::TargetGroups => observed.target_groups.known().is_some(),
        Fact::LoadBalancers => observed.load_balancers.known().is_some(),
        Fact::Zone => observed.zone.as_ref().is_none_or(|zone| zone.known().is_some()),
        Fact::ImageSources => {
            let sources = &observed.sources;
            sources.parameters.values().all(|read| read.known().is_some())
                && sources.searches.values().all(|read| read.known().is_some())
                && sources.deployed.values().all(|read| read.known().is_some())
        }
        Fact::Image(id) => known(observed.images.get(id)),
        Fact::Listener(arn) => known(observed.listeners.get(arn)),
        Fact::Rule(arn) => known(observed.rules.get(arn)),
        Fact::Detail(_) => false,
    }
}
