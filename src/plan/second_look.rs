//! One look is no verdict: what contradicts a mark of ours that is younger than a minute is looked at again before anything is
//! concluded from it. AWS may show a change some seconds late.

use super::canary;
use super::draft::Draft;
use super::picture::Picture;
use super::resolve::Wanted;
use crate::model::observed::Group;
use crate::model::time::{Span, Timestamp};

/// How long a mark counts more than a look that contradicts it.
const FRESH: Span = Span::minutes(1);

/// Whether the weights that were read contradict a fresh mark. Then the draft waits for the next look, and nothing else is to be
/// decided: whoever lost the traffic could be given up or emptied, though it has all of it.
pub(super) fn is_due<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(front) = &picture.front else { return false };
    let marked = picture.unfailed().filter_map(|group| Some((group, marked_at(wanted, group)?)));
    let Some((group, at)) = marked.max_by_key(|(_, at)| *at) else { return false };
    let until = FRESH.after(at);
    let lost = group.owner.slot.is_some_and(|slot| !front.points.is_empty() && front.weight(slot) == 0);
    // We never take all traffic away from everybody: that is no look from before, and nobody serves meanwhile.
    let leads_nowhere = front.live_slot().is_none();
    if !lost || leads_nowhere || draft.now < at || draft.now >= until {
        return false;
    }
    let generation = group.owner.generation;
    draft.in_flight = true;
    draft.note(format!(
        "{generation} was given traffic less than a minute ago, and AWS shows the weights from before; nothing is concluded \
         from that until {until:.0}"
    ));
    draft.wait(format!("AWS to show the weights of {generation}"), Some(until));
    true
}

/// When it was last given traffic, as its tags say.
fn marked_at(wanted: &Wanted<'_>, group: &Group) -> Option<Timestamp> {
    let share = || {
        let canary = wanted.spec.strategy.canary.as_ref()?;
        group.owner.canary_step().filter(|_| canary::share(canary, group) > 0).map(|step| step.at)
    };
    group.owner.shifted_at.or_else(share)
}
