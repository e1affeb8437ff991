//! How old what a plan rests on may be: what was read at an earlier look need not be read again at each.
//!
//! A plan that rests on what was read before may only wait. As soon as it would act, says that something is wrong, or comes to
//! its end, all that it rests on is read anew, and the plan is made again. While a release waits, what can go wrong with it is
//! read at every look: the group and its instances, the health of its targets, the weights, the alarms. Everything else is
//! read once a minute then, as is everything of an app that waits for nothing, for somebody may have changed it.
//!
//! - [`touched`]: what a call of ours changes is read anew after it

pub mod touched;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::Action;
use crate::model::names::AppName;
use crate::model::observed::{Fact, Group, Observed, Read, ReadAt, Want};
use crate::model::plan::{AppPlan, Change, Exposed, Plan};
use crate::model::tags::keys;
use crate::model::time::{Span, Timestamp};

/// How old what is read at every look may be.
const NOW: Span = Span::seconds(0);
/// How old it may be where nothing rests on it yet: somebody may change it meanwhile.
const SELDOM: Span = Span::minutes(1);
/// How old the health of what serves may be for an app that waits for room and has no other generation that could serve.
const HEALTH_IN_QUEUE: Span = Span::minutes(2);
/// How old everything else may be for it: all of it is read anew when it gets room.
const QUEUED: Span = Span::minutes(5);
/// How old what a launch template holds may be: its versions never change, and that it is gone shows in the list.
const IMMUTABLE: Span = Span::hours(1);
/// What is older than this is never relied on.
pub const LONGEST: Span = IMMUTABLE;

/// The groups of an environment, as far as they could be read.
type Groups = Read<BTreeMap<String, Group>>;

/// What somebody looks for, and what was seen at the look before.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// The plan of the look before, if there was one.
    pub before: Option<&'a Plan>,
    /// Whether a release is over only when nothing is left of earlier generations.
    pub cleanup: bool,
    /// When this look began.
    pub now: Timestamp,
}

/// What has to be read anew before a plan of what was observed counts; nothing where it counts as it is.
pub fn outdated(plan: &Plan, observed: &Observed, read_at: &ReadAt, since: Since<'_>) -> BTreeSet<Fact> {
    let mut limits = Limits::of_all(observed);
    let ends = plan.apps.iter().all(|app| app.is_over(since.cleanup));
    let mut groups: BTreeMap<&AppName, Vec<&Group>> = BTreeMap::new();
    for group in observed.groups.known().into_iter().flat_map(BTreeMap::values) {
        groups.entry(&group.owner.app).or_default().push(group);
    }
    for app in &plan.apps {
        let groups = groups.get(&app.app).map_or(&[][..], Vec::as_slice);
        let before = since.before.and_then(|before| before.app(&app.app));
        let attention = if ends { Attention::Acts } else { Attention::to(app, before, groups, since.cleanup) };
        limits.apply(app, attention, groups, observed);
    }
    let old = limits.0.into_iter().filter(|(fact, longest)| !read_at.is_younger(fact, since.now, *longest));
    old.map(|(fact, _)| fact).collect()
}

/// What cannot hold any more, because the groups that were read after it differ from those that were read with it: a group
/// whose instances are other ones has had scaling activities.
pub fn belied(before: &Groups, after: &Groups) -> BTreeSet<Fact> {
    let (Read::Known(before), Read::Known(after)) = (before, after) else { return BTreeSet::new() };
    let has_changed = |group: &&Group| {
        before.get(&group.name).is_none_or(|old| {
            (old.instances != group.instances)
                || (old.min, old.max, old.desired) != (group.min, group.max, group.desired)
        })
    };
    after.values().filter(has_changed).map(|group| Fact::Detail(Want::Activities(group.name.clone()))).collect()
}

/// How closely an app is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attention {
    /// Its plan acts, ends, or says that something is wrong: it rests on what is so now.
    Acts,
    /// It waits, and what may go wrong meanwhile is seen at once.
    Watches,
    /// It waits for nothing.
    Rests,
    /// It waits for room.
    Queues,
}

impl Attention {
    fn to(app: &AppPlan, before: Option<&AppPlan>, groups: &[&Group], cleanup: bool) -> Self {
        if !app.wants.is_empty() {
            // What it comes to is not known yet.
            return Attention::Watches;
        }
        let acts = app.actions.iter().any(|planned| !is_note(&planned.action));
        let is_over = app.is_over(cleanup);
        let verdict = |app: &AppPlan| (app.change, app.reason.clone(), app.failure.clone(), app.left_over.clone());
        let is_bad = matches!(app.change, Change::Error | Change::Blocked) && !app.queues || app.failure.is_some();
        let is_new = before.is_none_or(|before| verdict(before) != verdict(app));
        let ends = is_over && before.is_none_or(|before| !before.is_over(cleanup));
        match () {
            () if acts || ends || is_bad && is_new => Attention::Acts,
            () if !groups.iter().all(|group| is_whole(group)) || app.exposed.is_some() => Attention::Watches,
            // If what serves falls sick, the other one may have to take its place.
            () if app.queues && groups.iter().filter(|group| group.desired > 0).count() > 1 => Attention::Watches,
            () if app.queues => Attention::Queues,
            () if is_over => Attention::Rests,
            () => Attention::Watches,
        }
    }
}

/// Whether a call only notes what every look sees: that a generation is healthy, has the traffic, or was watched.
fn is_note(action: &Action) -> bool {
    let notes = [keys::HEALTHY_SINCE, keys::SHIFTED_AT, keys::WATCHED];
    matches!(action, Action::TagGroup { tags, .. } if tags.keys().all(|key| notes.contains(&key.as_str())))
}

/// Whether a group has what it wants, as it sees it itself. One that wants nothing lacks nothing.
fn is_whole(group: &Group) -> bool {
    let has_all = group.in_service() >= group.desired && group.instances.len() as u64 == u64::from(group.desired);
    group.desired == 0 || has_all
}

/// How old facts may be.
struct Limits(BTreeMap<Fact, Span>);

impl Limits {
    /// All that is in a snapshot, whoever it belongs to.
    fn of_all(observed: &Observed) -> Self {
        let mut limits = Self(BTreeMap::new());
        limits.add(Fact::LISTS, SELDOM);
        limits.add(balancing(observed), SELDOM);
        limits.add(images(observed), SELDOM);
        // One call, which tells of everything that is waited for.
        limits.add([Fact::Groups], NOW);
        limits
    }

    fn add(&mut self, facts: impl IntoIterator<Item = Fact>, longest: Span) {
        for fact in facts {
            let limit = self.0.entry(fact).or_insert(longest);
            *limit = longest.min(*limit);
        }
    }

    fn apply(&mut self, app: &AppPlan, attention: Attention, groups: &[&Group], observed: &Observed) {
        match attention {
            Attention::Acts => {
                self.add(Fact::LISTS, NOW);
                self.add(images(observed), NOW);
                // Whether there is room for a release depends on who else has traffic, and all are read with few calls.
                self.add(balancing(observed), NOW);
            }
            Attention::Watches => self.add(weights(groups), NOW),
            Attention::Rests | Attention::Queues => {}
        }
        // What was not read yet is asked for by the plan itself.
        for want in app.rests_on.iter().filter(|want| !app.wants.contains(want)) {
            let stands_by = matches!(want, Want::TargetHealth(arn) if stands_by(arn, app, groups));
            self.add([Fact::Detail(want.clone())], longest(want, attention, groups, stands_by));
        }
    }
}

/// Whether these are the targets of the generation that would take all of the traffic back, and has none of it now. How they are
/// is read anew when they have to.
fn stands_by(target_group: &str, app: &AppPlan, groups: &[&Group]) -> bool {
    // While the traffic is to go back, how they are is waited for.
    let goes_on = |exposed: &&Exposed| exposed.share == Some(100) && app.to == Some(exposed.generation);
    let Some(exposed) = app.exposed.as_ref().filter(goes_on) else { return false };
    let is_of = |group: &&&Group| group.target_group_arns.iter().any(|arn| arn == target_group);
    let mut of = groups.iter().filter(is_of).peekable();
    of.peek().is_some() && of.all(|group| Some(group.owner.generation) == exposed.back && is_whole(group))
}

/// How old a detail may be that an app's plan rests on.
fn longest(want: &Want, attention: Attention, groups: &[&Group], stands_by: bool) -> Span {
    let is_steady = |name: &String| groups.iter().any(|group| group.name == *name && is_whole(group));
    match (attention, want) {
        (Attention::Acts, _) => NOW,
        (_, Want::TemplateData(_)) => IMMUTABLE,
        (Attention::Queues, Want::TargetHealth(_)) => HEALTH_IN_QUEUE,
        (Attention::Queues, _) => QUEUED,
        (_, Want::TargetHealth(_)) if !stands_by => NOW,
        (Attention::Watches, Want::Alarm(_) | Want::Traffic(_) | Want::Probe(_)) => NOW,
        // An instance that is replaced shows in its group first; a launch that fails leaves the group without it.
        (_, Want::Activities(group)) if !is_steady(group) => NOW,
        _ => SELDOM,
    }
}

/// The images that were read.
fn images(observed: &Observed) -> impl Iterator<Item = Fact> + '_ {
    observed.images.keys().cloned().map(Fact::Image)
}

/// The listeners and rules that were read.
fn balancing(observed: &Observed) -> impl Iterator<Item = Fact> + '_ {
    let listeners = observed.listeners.keys().cloned().map(Fact::Listener);
    listeners.chain(observed.rules.keys().cloned().map(Fact::Rule))
}

/// What holds the weights of an app, as its groups name it.
fn weights<'a>(groups: &'a [&Group]) -> impl Iterator<Item = Fact> + 'a {
    groups.iter().flat_map(|group| {
        let owner = &group.owner;
        let rules = [&owner.rule, &owner.checks.preview_rule].into_iter().flatten();
        rules.cloned().map(Fact::Rule).chain(owner.listeners.iter().cloned().map(Fact::Listener))
    })
}
