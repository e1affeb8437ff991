//! How long a generation was watched under traffic: the time between looks that saw it well, not the time that passed.
//!
//! Nobody may look for a while: a process ends, a laptop sleeps. What happened then is not known, so that a gap counts for a
//! quarter of the whole time at the most. How much counts already stands in a tag, which is written six times or so in a bake:
//! a process that ends loses no more than what follows the last one. Where AWS refuses the tag, nobody can tell in the end that
//! the time was watched: then the release goes no further, and says so.

use crate::model::action::{Action, Tags};
use crate::model::given_up::{GivenUp, Why};
use crate::model::mark::Watched;
use crate::model::observed::Group;
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};
use crate::plan::draft::Draft;

/// The shortest gap that counts as a whole: a few looks.
const SHORTEST: Span = Span::seconds(15);

/// The longest.
pub(in crate::plan) const LONGEST: Span = Span::minutes(5);

/// What is to be watched, and how much of it is behind.
pub(in crate::plan) struct Watching {
    /// When the whole time is over, if it goes on well from now on.
    pub(in crate::plan) end: Timestamp,
    /// What counts by now.
    counted: Watched,
    /// Whether that is to be noted, so that it is not lost.
    is_due: bool,
}

impl Watching {
    /// How far a generation is that is to be watched for so long since then, at a look that sees it well.
    pub(in crate::plan) fn of(target: &Group, since: Timestamp, duration: Span, now: Timestamp) -> Self {
        let longest = longest_gap(duration);
        let earlier = target.owner.watched.filter(|watched| watched.at >= since);
        let before = earlier.unwrap_or(Watched { seconds: 0, at: since });
        let gap = Span::between_whole(before.at, now);
        let counted = if gap > longest {
            Watched { seconds: before.seconds.saturating_add(longest.as_seconds()), at: now }
        } else {
            let whole = gap.as_seconds();
            Watched { seconds: before.seconds.saturating_add(whole), at: gap.after(before.at) }
        };
        let left = Span::seconds(duration.as_seconds().saturating_sub(counted.seconds));
        let end = left.after(counted.at);
        let reaches_the_end = longest.after(before.at) >= end;
        let is_due = now < end && !reaches_the_end && gap.as_seconds() * 2 >= longest.as_seconds();
        Self { end, counted, is_due }
    }

    /// Notes what counts by now, when it is time to.
    pub(in crate::plan) fn note(&self, draft: &mut Draft<'_>, target: &Group) {
        if self.is_due && refusal(draft, target).is_none() {
            let tag = Tags::from([(keys::WATCHED.to_owned(), self.counted.to_string())]);
            let watched = Span::seconds(self.counted.seconds);
            draft.tag_group(
                &target.name,
                tag,
                format!("it has been watched under traffic for {watched} and is healthy"),
            );
        }
    }
}

/// Once the time would be over, a release that cannot be told to have been watched is held where it is: nobody waits for what
/// cannot come. Whether it is so.
pub(in crate::plan) fn is_held(draft: &mut Draft<'_>, target: &Group, since: Timestamp, duration: Span) -> bool {
    let Some(why) = refusal(draft, target).filter(|_| draft.now >= duration.after(since)) else { return false };
    let (app, generation, tag) = (&draft.scope.app, target.owner.generation, keys::WATCHED);
    let words = format!(
        "{generation} goes no further, because nobody can tell that it was watched for its whole time: AWS refuses the tag \
         `{tag}` ({why}); once it takes it, `amiable apply {app}` goes on"
    );
    draft.paused.get_or_insert(words);
    draft.is_held = true;
    true
}

/// Why the tag is not written any more, if it is not.
fn refusal(draft: &Draft<'_>, target: &Group) -> Option<String> {
    let given_up = draft.desired?.given_up.get(&draft.scope.app)?;
    let is_it = |given_up: &&GivenUp| match &given_up.action {
        Action::TagGroup { name, tags, .. } => *name == target.name && tags.contains_key(keys::WATCHED),
        _ => false,
    };
    given_up.iter().find(is_it).map(|given_up| match &given_up.why {
        Why::Refused(words) | Why::Failing(words) => words.clone(),
        Why::InVain(times) => format!("it took it {times} times without effect"),
    })
}

/// The longest time between two looks that counts as a whole.
pub(in crate::plan) fn longest_gap(duration: Span) -> Span {
    Span::seconds(duration.as_seconds() / 4).clamp(SHORTEST, LONGEST)
}
