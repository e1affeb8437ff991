//! A release: what is wanted, what there is, and how both hang together.

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::record;
use super::resolve::Wanted;
use super::verify;
use crate::model::observed::Group;
use crate::model::spec::Canary;

/// A release: what is wanted, what there is, and how both hang together.
pub(super) struct Release<'a, 'p> {
    pub(super) wanted: &'p Wanted<'a>,
    pub(super) picture: &'p Picture<'a>,
    /// The group that serves now.
    pub(super) serving: Option<&'a Group>,
    /// The group that the path leads to; `None` until it is launched.
    pub(super) target: Option<&'a Group>,
    /// How many instances the target needs before it may take over.
    pub(super) size: u32,
}

/// How far a step is.
pub(super) enum Turn {
    /// Behind us.
    Done,
    /// Not to be told now, and why: what comes after it goes on meanwhile, up to the record.
    Later(String),
    /// At work: the draft holds what to do, and what comes after it goes on meanwhile, up to the record.
    Beside,
    /// Here: the draft holds what to do or to wait for. More for people, if there is anything to say.
    Here(Option<String>),
}

impl<'a, 'p> Release<'a, 'p> {
    pub(super) fn new(wanted: &'p Wanted<'a>, picture: &'p Picture<'a>, target: Option<&'a Group>) -> Self {
        let serving = picture.serving();
        // The size is read anew at every look, so that what scaling did since the launch counts at the shift.
        let other = serving.filter(|serving| target.is_none_or(|target| target.name != serving.name));
        let size = match (other, target) {
            (None, Some(target)) => target.desired,
            (other, _) => wanted.size(other.map(|group| group.desired)),
        };
        // All of nothing is not healthy: one instance at least shows what it is before it takes over, and while it is watched.
        let serves = target.is_some_and(|target| serving.is_some_and(|serving| serving.name == target.name));
        let size = if serves { size } else { size.max(1) };
        Self { wanted, picture, serving, target, size }
    }

    /// Whether the target has the traffic.
    pub(super) fn is_shifted(&self) -> bool {
        match (self.target, self.serving) {
            (Some(target), Some(serving)) => target.name == serving.name,
            _ => false,
        }
    }

    /// The canary that the target goes through; nothing where there is nothing to compare it with, or where the target has
    /// served before.
    pub(super) fn canary(&self) -> Option<&'a Canary> {
        let canary = self.wanted.spec.strategy.canary.as_ref().filter(|_| !self.wanted.goes_back)?;
        let beside = |group: &Group| group.desired > 0 && self.target.is_none_or(|target| target.name != group.name);
        let begun = self.target.is_some_and(|target| target.owner.canary_step().is_some());
        let fresh = self.target.is_none_or(|target| target.owner.shifted_at.is_none());
        (begun || fresh && self.serving.is_some_and(beside)).then_some(canary)
    }

    /// Whether what the manifest says of one generation holds for this one: how its targets are checked, how long it may
    /// boot, what its hooks wait for. So it does for the wanted template, and for one that had the very same settings
    /// already; what an earlier template was born for may not know them, and would be replaced for it without an end.
    pub(super) fn fits(&self, group: &Group) -> bool {
        self.wanted.asks_for(&group.owner.template_hash) || group.owner.applied == Some(self.wanted.applied())
    }

    /// Whether a person has paused the release. What has traffic and is not deployed yet is watched meanwhile; else nothing is
    /// left to do until that person says so.
    pub(super) fn held(&self, draft: &mut Draft<'a>) -> Option<Turn> {
        let mark = self.picture.paused()?;
        if self.is_watched() {
            draft.wait_for_person(format!("`amiable resume {}`: paused by {}", draft.scope.app, mark.said()));
        }
        draft.is_held = true;
        draft.standing.park(Some(mark.at));
        Some(Turn::Here(Some("paused".to_owned())))
    }

    /// Notes how it stands toward the limits of its environment.
    pub(super) fn stand(&self, draft: &mut Draft<'a>) {
        let Some(target) = self.target else { return };
        let has_share = |front: &Front<'_>| target.owner.slot.is_some_and(|slot| front.weight(slot) > 0);
        draft.standing.has_traffic |= self.is_shifted() || self.picture.front.as_ref().is_some_and(has_share);
        let able_since = target.owner.lacking_since.max(verify::room_since(draft, target));
        draft.standing.asked_at = Some(able_since.map_or(target.created_at, |since| since.max(target.created_at)));
    }

    /// Whether the target has a share of the traffic or all of it, and may still have to give it back.
    fn is_watched(&self) -> bool {
        let has_traffic = |target: &Group| self.is_shifted() || target.owner.canary_step().is_some();
        self.target.is_some_and(|target| has_traffic(target) && record::is_due(self, target))
    }

    /// Groups that neither serve nor are on the way to: in the way of a launch.
    pub(super) fn leftovers(&self) -> impl Iterator<Item = &'a Group> + '_ {
        let named = |group: &Group, other: Option<&Group>| other.is_some_and(|other| other.name == group.name);
        self.picture.unfailed().filter(move |group| !named(group, self.serving) && !named(group, self.target))
    }

    /// Groups that the target takes over from: newest first, so that the one that served last comes first.
    pub(super) fn olds(&self) -> impl Iterator<Item = &'a Group> + '_ {
        let mut olds: Vec<_> = self
            .picture
            .unfailed()
            .filter(|group| self.target.is_none_or(|target| target.name != group.name))
            .collect();
        if !self.is_shifted() {
            // Whatever else there is makes room before the launch.
            olds.retain(|group| self.serving.is_some_and(|serving| serving.name == group.name));
        }
        olds.sort_by_key(|group| std::cmp::Reverse((group.owner.shifted_at, group.owner.generation)));
        olds.into_iter()
    }

    /// The generation that served before the target.
    pub(super) fn previous(&self) -> Option<&'a Group> {
        self.olds().find(|group| group.owner.shifted_at.is_some())
    }
}
