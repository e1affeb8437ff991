//! One app as it is: its generations, its load balancer, and which generation serves.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::preview;
use super::resolve::Wanted;
use crate::manifest::spec::{LoadBalancer as LoadBalancerSpec, OwnLoadBalancer};
use crate::model::action::{Action, Expect, TrafficPoint};
use crate::model::mark::Mark;
use crate::model::names::{Generation, Slot};
use crate::model::observed::{
    Forward, Group, LaunchTemplate, Listener, LoadBalancer, Observed, Read, Rule, TargetGroup, Want,
};
use crate::model::tags;
use crate::model::time::Timestamp;

/// One app as it is.
pub(super) struct Picture<'a> {
    /// Its groups, oldest generation first.
    pub(super) groups: Vec<&'a Group>,
    /// Its launch templates, oldest generation first.
    pub(super) templates: Vec<&'a LaunchTemplate>,
    /// Its load balancer and what belongs to it; `None` for a worker.
    pub(super) front: Option<Front<'a>>,
}

/// What stands before the instances.
#[derive(Default)]
pub(super) struct Front<'a> {
    /// The target groups of slot a and slot b.
    pub(super) target_groups: BTreeMap<Slot, &'a TargetGroup>,
    /// The load balancer, own or shared.
    pub(super) balancer: Option<&'a LoadBalancer>,
    /// What holds the weights: each of the own listeners, by port, or the rule. Empty: nothing forwards yet.
    pub(super) points: Vec<Point>,
    /// The own listeners by port.
    pub(super) listeners: BTreeMap<u16, &'a Listener>,
    /// The shared listener that has the rule.
    pub(super) shared: Option<&'a Listener>,
    /// The rule on a shared listener.
    pub(super) rule: Option<&'a Rule>,
    /// The rule for preview requests.
    pub(super) preview: Option<&'a Rule>,
}

/// One of the things that hold the weights, and the weights that it holds.
pub(super) struct Point {
    pub(super) at: TrafficPoint,
    pub(super) forward: Forward,
}

impl Front<'_> {
    /// The share of traffic that a slot's target group gets, 0 to 999; where it gets most of it, if points differ.
    pub(super) fn weight(&self, slot: Slot) -> u32 {
        let Some(group) = self.target_groups.get(&slot) else { return 0 };
        self.points.iter().map(|point| point.forward.weight(&group.arn)).max().unwrap_or(0)
    }

    /// Whether every point names a slot's target group, be it with weight 0. Load balancing checks no other.
    pub(super) fn names(&self, slot: Slot) -> bool {
        let named = |arn: &str| self.points.iter().all(|point| point.forward.weights.contains_key(arn));
        self.arn(slot).is_some_and(named)
    }

    /// Whether every point forwards like this, and there is one.
    pub(super) fn is_exactly(&self, forward: &Forward) -> bool {
        !self.points.is_empty() && self.points.iter().all(|point| point.forward == *forward)
    }

    /// The calls that make every point forward like this: one for each that does not yet.
    pub(super) fn shifts(&self, forward: &Forward) -> Vec<Action> {
        let others = self.points.iter().filter(|point| point.forward != *forward);
        others.map(|point| Action::Shift { at: point.at.clone(), forward: forward.clone() }).collect()
    }

    /// That a slot takes traffic, or takes none, at every point.
    pub(super) fn expect_weight(&self, slot: Slot, serving: bool) -> Vec<Expect> {
        let Some(arn) = self.arn(slot) else { return Vec::new() };
        let expect = |point: &Point| {
            let (at, target_group_arn) = (point.at.clone(), arn.to_owned());
            Expect::Weight { at, target_group_arn, serving }
        };
        self.points.iter().map(expect).collect()
    }

    /// The listeners that lead here, for the tag by which they are found again: the own ones by port, or the shared one.
    pub(super) fn listener_arns(&self) -> Vec<String> {
        self.listeners.values().copied().chain(self.shared).map(|listener| listener.arn.clone()).collect()
    }

    /// The ARN of a slot's target group.
    pub(super) fn arn(&self, slot: Slot) -> Option<&str> {
        self.target_groups.get(&slot).map(|group| group.arn.as_str())
    }

    /// The slot that takes the traffic; the one with more of it if both do.
    pub(super) fn live_slot(&self) -> Option<Slot> {
        Slot::BOTH
            .into_iter()
            .filter(|slot| self.weight(*slot) > 0)
            .max_by_key(|slot| (self.weight(*slot), slot.other()))
    }

    /// So much of the traffic to one slot, in percent, and the rest to the other.
    pub(super) fn split(&self, slot: Slot, percent: u32) -> Forward {
        let weight = |each: Slot| if each == slot { percent } else { 100_u32.saturating_sub(percent) };
        Forward::new(self.target_groups.iter().map(|(each, group)| (group.arn.clone(), weight(*each))).collect())
    }

    /// Whether the load balancer can keep a visitor on one of two target groups.
    pub(super) fn keeps_visitors(&self) -> bool {
        self.balancer.is_none_or(|balancer| balancer.kind == "application")
    }

    /// How traffic is split now: as the point with the most of it forwards. Nothing before anything forwards.
    pub(super) fn current(&self) -> Option<&Forward> {
        let live = self.live_slot()?;
        let arn = self.arn(live)?;
        self.points.iter().map(|point| &point.forward).max_by_key(|forward| forward.weight(arn))
    }

    /// All traffic to one slot, as one forward action.
    pub(super) fn all_to(&self, slot: Slot) -> Forward {
        self.split(slot, 100)
    }
}

impl<'a> Picture<'a> {
    /// What there is of an app. `None`: something must be read first, or the draft says why it cannot be told.
    pub(super) fn of(draft: &mut Draft<'a>, wanted: &Wanted<'a>) -> Option<Self> {
        let observed = draft.observed;
        let groups = groups(draft, observed)?;
        let templates = templates(draft, observed)?;
        let front = if wanted.has_front() { Some(front(draft, wanted, observed, &groups)?) } else { None };
        Some(Self { groups, templates, front })
    }

    /// The group that serves: in the slot with the traffic; for a worker, the one that took over last.
    pub(super) fn serving(&self) -> Option<&'a Group> {
        match &self.front {
            Some(front) => {
                if let Some(proven) = self.proven_of_two(front) {
                    return Some(proven);
                }
                let slot = front.live_slot()?;
                // A generation that failed before it served stands empty in the slot of the one that followed it; one
                // that serves may be empty, too, when it was scaled to nothing on purpose.
                let took_over = |group: &&Group| {
                    let owner = &group.owner;
                    owner.slot == Some(slot) && owner.shifted_at.is_some() && owner.failed.is_none()
                };
                let last = || self.groups.iter().copied().filter(took_over).max_by_key(|group| group.owner.shifted_at);
                self.runs_in(slot).or_else(last)
            }
            None => {
                let took_over = |group: &&&Group| group.owner.shifted_at.is_some();
                let all = || self.groups.iter().filter(took_over);
                all()
                    .filter(|group| group.owner.failed.is_none())
                    .max_by_key(|group| group.owner.shifted_at)
                    // Turned down, and yet nothing else does the work.
                    .or_else(|| all().filter(|group| runs(group)).max_by_key(|group| group.owner.shifted_at))
                    .copied()
            }
        }
    }

    /// Where the traffic leads to nothing that runs, the generation that had it last and could take it again: one that has
    /// not failed or, if there is none, one that has.
    pub(super) fn last_resort(&self) -> Option<&'a Group> {
        if self.front.is_none() || self.serving().is_some() {
            return None;
        }
        let could = |group: &&&Group| {
            group.desired > 0 && !group.deleting && group.owner.slot.is_some() && group.owner.shifted_at.is_some()
        };
        let all = self.groups.iter().filter(could);
        all.max_by_key(|group| (group.owner.failed.is_none(), group.owner.shifted_at)).copied()
    }

    /// Where both slots have traffic, a canary has its share of it: what serves is the one that took over before.
    fn proven_of_two(&self, front: &Front<'_>) -> Option<&'a Group> {
        if !Slot::BOTH.into_iter().all(|slot| front.weight(slot) > 0) {
            return None;
        }
        let took_over = |group: &&&Group| {
            group.owner.slot.is_some() && group.owner.shifted_at.is_some() && group.owner.failed.is_none()
        };
        self.groups
            .iter()
            .filter(|group| runs(group))
            .filter(took_over)
            .max_by_key(|group| group.owner.shifted_at)
            .copied()
    }

    /// Who has paused the release, if somebody has.
    pub(super) fn paused(&self) -> Option<&'a Mark> {
        let marks = self.unfailed().filter_map(|group| group.owner.marks.paused.as_ref());
        marks.max_by_key(|mark| mark.at)
    }

    /// The generation to which a person has pinned the app, and who.
    pub(super) fn pinned(&self) -> Option<(&'a Group, &'a Mark)> {
        let pins = self.unfailed().filter_map(|group| Some((group, group.owner.marks.pinned.as_ref()?)));
        pins.max_by_key(|(_, mark)| mark.at)
    }

    /// Whether a field was changed in AWS, and not in the manifest since that was last applied, and is to be left alone.
    pub(super) fn is_ignored(&self, wanted: &Wanted<'_>, path: &str) -> bool {
        self.serving().is_some_and(|serving| wanted.has_applied(serving)) && wanted.ignores(path)
    }

    /// The group of this template that may still become, or already is, the one that serves. A generation that was
    /// emptied before it ever served does not come back: a new one takes its place. As long as it cannot be told which
    /// template it is, it is the generation that runs or is on its way.
    pub(super) fn candidate(&self, wanted: &Wanted<'a>) -> Option<&'a Group> {
        let Some(hash) = wanted.hash() else { return wanted.runs().filter(|group| group.owner.failed.is_none()) };
        let spent = |group: &Group| group.desired == 0 && group.owner.shifted_at.is_none() && wanted.min > 0;
        let fits = |group: &&Group| group.owner.template_hash == *hash && !group.deleting && !spent(group);
        self.unfailed().filter(fits).last()
    }

    /// The group of this template that failed, if it did.
    pub(super) fn tombstone(&self, wanted: &Wanted<'_>) -> Option<&'a Group> {
        let failed = |group: &&&Group| group.owner.failed.is_some() && wanted.asks_for(&group.owner.template_hash);
        self.groups.iter().rfind(failed).copied()
    }

    /// Groups that have not failed, oldest first.
    pub(super) fn unfailed(&self) -> impl Iterator<Item = &'a Group> + '_ {
        self.groups.iter().filter(|group| group.owner.failed.is_none()).copied()
    }

    /// The newest generation that has instances in a slot.
    pub(super) fn runs_in(&self, slot: Slot) -> Option<&'a Group> {
        let here = self.groups.iter().filter(|group| group.owner.slot == Some(slot));
        here.filter(|group| runs(group)).max_by_key(|group| group.owner.generation).copied()
    }

    /// Generations that could serve in the place of this one at once, newest first: they run, have served before and have
    /// not failed.
    pub(super) fn ways_back(&self, from: &Group) -> impl Iterator<Item = &'a Group> + use<'a> {
        let runs = |group: &&Group| group.desired > 0 && !group.deleting && group.owner.shifted_at.is_some();
        let ways: Vec<&'a Group> = self.unfailed().filter(|group| group.name != from.name).filter(runs).collect();
        ways.into_iter().rev()
    }

    /// When any other generation took over last.
    pub(super) fn last_shift_of_others(&self, group: &Group) -> Option<Timestamp> {
        self.groups.iter().filter(|other| other.name != group.name).filter_map(|other| other.owner.shifted_at).max()
    }

    /// When the record last said that another generation is deployed.
    pub(super) fn last_record_of_others(&self, group: &Group) -> Option<Timestamp> {
        self.groups.iter().filter(|other| other.name != group.name).filter_map(|other| other.owner.recorded_at).max()
    }

    /// The newest generation that there ever was, as far as groups and templates tell.
    pub(super) fn newest(&self) -> Option<Generation> {
        let groups = self.groups.iter().map(|group| group.owner.generation);
        groups.chain(self.templates.iter().map(|template| template.owner.generation)).max()
    }
}

/// Whether a generation has instances, or is to have some.
fn runs(group: &Group) -> bool {
    group.desired > 0 || !group.instances.is_empty()
}

fn groups<'a>(draft: &mut Draft<'a>, observed: &'a Observed) -> Option<Vec<&'a Group>> {
    let all = match &observed.groups {
        Read::Known(all) => all,
        Read::Unknown(why) => {
            draft.unreadable(format!("the Auto Scaling groups could not be read: {why}"));
            return None;
        }
    };
    let mut groups = Vec::new();
    for group in all.values().filter(|group| group.owner.app == draft.scope.app) {
        // Owned is what carries our tags and our name: a copied tag alone makes nothing ours.
        if group.name == draft.scope.generation_name(group.owner.generation) {
            groups.push(group);
        } else {
            draft.note(format!("group {} carries this app's tags but not its name; it is left alone", group.name));
        }
    }
    groups.sort_by_key(|group| group.owner.generation);
    Some(groups)
}

fn templates<'a>(draft: &mut Draft<'a>, observed: &'a Observed) -> Option<Vec<&'a LaunchTemplate>> {
    match &observed.launch_templates {
        Read::Known(all) => {
            let mut templates: Vec<_> = all
                .values()
                .filter(|template| template.owner.app == draft.scope.app)
                .filter(|template| template.name == draft.scope.generation_name(template.owner.generation))
                .collect();
            templates.sort_by_key(|template| template.owner.generation);
            Some(templates)
        }
        Read::Unknown(why) => {
            draft.unreadable(format!("the launch templates could not be read: {why}"));
            None
        }
    }
}

fn front<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
) -> Option<Front<'a>> {
    let mut front = Front::default();
    // What an owned group's tags and attachments name is ours; anything else with our name must show our tags first.
    let mut vouched: BTreeSet<&str> =
        groups.iter().flat_map(|group| &group.target_group_arns).map(String::as_str).collect();
    vouched.extend(groups.iter().filter_map(|group| group.owner.rule.as_deref()));
    vouched.extend(groups.iter().filter_map(|group| group.owner.checks.preview_rule.as_deref()));
    target_groups(draft, observed, &vouched, &mut front)?;
    match &wanted.spec.load_balancer {
        LoadBalancerSpec::None => {}
        LoadBalancerSpec::Own(own) => {
            own_balancer(draft, wanted, groups, own, &mut front)?;
        }
        LoadBalancerSpec::Shared(shared) => {
            let Some(arn) = wanted.environment.listeners.get(&shared.listener) else {
                draft.fail(format!("the environment lists no listener `{}`", shared.listener));
                return None;
            };
            shared_rule(draft, observed, groups, arn, &vouched, &mut front)?;
        }
    }
    front.preview = preview::find(draft, wanted, observed, groups, &front)?;
    if let Some(rule) = front.preview {
        owned(draft, &vouched, &rule.arn, "its rule for preview requests")?;
    }
    Some(front)
}

fn target_groups<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    vouched: &BTreeSet<&str>,
    front: &mut Front<'a>,
) -> Option<()> {
    let all = known(draft, &observed.target_groups, "the target groups")?;
    for slot in Slot::BOTH {
        let name = draft.scope.target_group_name(slot);
        if let Some(group) = all.get(&name) {
            owned(draft, vouched, &group.arn, &format!("target group {name}"))?;
            front.target_groups.insert(slot, group);
        }
    }
    Some(())
}

fn own_balancer<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    groups: &[&'a Group],
    own: &OwnLoadBalancer,
    front: &mut Front<'a>,
) -> Option<()> {
    let observed = draft.observed;
    let name = draft.scope.load_balancer_name();
    let Some(balancer) = known(draft, &observed.load_balancers, "the load balancers")?.get(&name) else {
        return Some(());
    };
    let mut named = named_listeners(draft, observed, groups)?;
    named.retain(|listener| listener.load_balancer_arn == balancer.arn);
    let begins = named.is_empty();
    if begins {
        owned(draft, &BTreeSet::new(), &balancer.arn, &format!("load balancer {name}"))?;
    }
    front.balancer = Some(balancer);
    front.listeners = named.into_iter().map(|listener| (listener.port, listener)).collect();
    let missing = |port: u16, front: &Front<'_>| !front.listeners.contains_key(&port);
    if own.listeners.iter().any(|wanted| missing(wanted.port, front)) {
        let want = Want::ListenersOf(balancer.arn.clone());
        let found = draft.see(observed.details.listeners_of.get(&balancer.arn), want, "its listeners")?;
        let is_wanted = |listener: &&Listener| own.listeners.iter().any(|wanted| wanted.port == listener.port);
        for listener in found.iter().filter(is_wanted) {
            if missing(listener.port, front) {
                // The first listeners of a load balancer that has just shown our tags need not show them, too.
                if !begins {
                    let what = format!("the listener on port {}", listener.port);
                    owned(draft, &BTreeSet::new(), &listener.arn, &what)?;
                }
                front.listeners.insert(listener.port, listener);
            }
        }
    }
    // What is to send clients elsewhere takes no part in shifts, whatever it does now.
    let redirects = |listener: &&&Listener| {
        wanted.balancing.listeners.iter().any(|wanted| wanted.port == listener.port && wanted.redirect.is_some())
    };
    let point = |listener: &&Listener| Point {
        at: TrafficPoint::Listener(listener.arn.clone()),
        forward: listener.forward.clone(),
    };
    front.points = front.listeners.values().filter(|listener| !redirects(listener)).map(point).collect();
    Some(())
}

/// The own listeners that the newest group with such a tag names, as far as AWS still has them.
fn named_listeners<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
) -> Option<Vec<&'a Listener>> {
    let named = groups.iter().rev().map(|group| &group.owner.listeners).find(|listeners| !listeners.is_empty());
    let mut listeners = Vec::new();
    for arn in named.into_iter().flatten() {
        match observed.listeners.get(arn) {
            Some(Read::Known(listener)) => listeners.extend(listener),
            Some(Read::Unknown(why)) => {
                draft.unreadable(format!("its listener could not be read: {why}"));
                return None;
            }
            None => {}
        }
    }
    Some(listeners)
}

fn shared_rule<'a>(
    draft: &mut Draft<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
    listener_arn: &str,
    vouched: &BTreeSet<&str>,
    front: &mut Front<'a>,
) -> Option<()> {
    let listener = match observed.listeners.get(listener_arn) {
        Some(Read::Known(Some(listener))) => listener,
        Some(Read::Known(None)) => {
            draft.fail(format!("the shared listener {listener_arn} does not exist"));
            return None;
        }
        Some(Read::Unknown(why)) => {
            draft.unreadable(format!("the shared listener could not be read: {why}"));
            return None;
        }
        None => {
            draft.fail(format!("the shared listener {listener_arn} was not read"));
            return None;
        }
    };
    front.shared = Some(listener);
    let balancers = known(draft, &observed.load_balancers, "the load balancers")?;
    front.balancer = balancers.values().find(|balancer| balancer.arn == listener.load_balancer_arn);
    let tagged = groups.iter().rev().find_map(|group| group.owner.rule.as_deref());
    let rule = match tagged.map(|arn| observed.rules.get(arn)) {
        Some(Some(Read::Known(Some(rule)))) => Some(rule),
        Some(Some(Read::Unknown(why))) => {
            draft.unreadable(format!("its rule could not be read: {why}"));
            return None;
        }
        // No group names a rule yet, or the rule it names is gone: look for one that forwards to our target groups.
        _ => {
            let rules = draft.see(
                observed.details.rules_of.get(listener_arn),
                Want::RulesOf(listener_arn.to_owned()),
                "the listener's rules",
            )?;
            let ours =
                |rule: &&Rule| front.target_groups.values().any(|group| rule.forward.weights.contains_key(&group.arn));
            rules.iter().filter(|rule| !preview::is_preview(rule)).find(ours)
        }
    };
    if let Some(rule) = rule {
        owned(draft, vouched, &rule.arn, "its rule on the shared listener")?;
        front.points = vec![Point { at: TrafficPoint::Rule(rule.arn.clone()), forward: rule.forward.clone() }];
        front.rule = Some(rule);
    }
    Some(())
}

fn known<'a, T>(draft: &mut Draft<'a>, read: &'a Read<T>, what: &str) -> Option<&'a T> {
    match read {
        Read::Known(value) => Some(value),
        Read::Unknown(why) => {
            draft.unreadable(format!("{what} could not be read: {why}"));
            None
        }
    }
}

/// Whether a thing with our name is ours. If its tags say that it is not, the app cannot be planned.
fn owned(draft: &mut Draft<'_>, vouched: &BTreeSet<&str>, arn: &str, what: &str) -> Option<()> {
    if vouched.contains(arn) {
        return Some(());
    }
    let found =
        draft.see(draft.observed.details.tags.get(arn), Want::Tags(arn.to_owned()), &format!("the tags of {what}"))?;
    if tags::belongs_to(found, draft.scope) {
        return Some(());
    }
    draft.fail(format!("{what} exists and is not ours: it lacks this app's tags; rename or remove it"));
    None
}
