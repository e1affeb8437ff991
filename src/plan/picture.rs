//! One app as it is: its generations, its load balancer, and which generation serves.
//!
//! - [`front`]: what stands before the instances, and how it divides the traffic
//! - [`standing`]: how that is found, by the tags of the groups and then by the manifest

mod front;
mod standing;

use super::draft::Draft;
use super::resolve::Wanted;
use crate::model::mark::Mark;
use crate::model::names::{Generation, Slot};
use crate::model::observed::{Group, LaunchTemplate, Observed, Read};
use crate::model::time::Timestamp;
pub(super) use front::{Front, Point};
pub(super) use standing::add_tags;

/// One app as it is.
#[derive(Clone)]
pub(super) struct Picture<'a> {
    /// Its groups, oldest generation first.
    pub(super) groups: Vec<&'a Group>,
    /// Its launch templates, oldest generation first.
    pub(super) templates: Vec<&'a LaunchTemplate>,
    /// Its load balancer and what belongs to it; `None` for a worker.
    pub(super) front: Option<Front<'a>>,
}

impl<'a> Picture<'a> {
    /// What there is of an app, told from what was observed alone: no manifest is needed to see which generations there are,
    /// what stands before them, and who has the traffic. `None`: the draft says what could not be read.
    pub(super) fn observed(draft: &mut Draft<'a>) -> Option<Self> {
        let observed = draft.observed;
        let groups = groups(draft, observed)?;
        let front = standing::named_by(draft, &groups)?;
        // Who has the traffic can be told without them.
        let templates = templates(draft);
        Some(Self { groups, templates, front })
    }

    /// The same with what only the manifest leads to: listeners and rules that no tag names yet, and the rule for preview
    /// requests. `None`: something must be read first, or the draft says why it cannot be told.
    pub(super) fn completed(self, draft: &mut Draft<'a>, wanted: &Wanted<'a>) -> Option<Self> {
        if let Read::Unknown(why) = &draft.observed.launch_templates {
            draft.unreadable(format!("the launch templates could not be read: {why}"));
            return None;
        }
        let front = if wanted.has_front() { Some(standing::wanted_by(draft, wanted, &self.groups)?) } else { None };
        Some(Self { front, ..self })
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
    /// emptied before it ever served, or was proved, does not come back: a new one takes its place. As long as it cannot be told which
    /// template it is, it is the generation that runs or is on its way.
    pub(super) fn candidate(&self, wanted: &Wanted<'a>) -> Option<&'a Group> {
        let Some(hash) = wanted.hash() else { return wanted.runs().filter(|group| group.owner.failed.is_none()) };
        let spent = |group: &Group| {
            let is_set_aside = || group.owner.recorded_at.is_none() && self.has_no_traffic(group);
            group.desired == 0 && wanted.min > 0 && (group.owner.shifted_at.is_none() || is_set_aside())
        };
        let fits = |group: &&Group| group.owner.template_hash == *hash && !group.deleting && !spent(group);
        self.unfailed().filter(fits).last()
    }

    /// Whether a generation stands behind a load balancer that gives it nothing.
    fn has_no_traffic(&self, group: &Group) -> bool {
        let weight = |front: &Front<'_>| group.owner.slot.map(|slot| front.weight(slot));
        self.front.as_ref().and_then(weight) == Some(0)
    }

    /// The group of this template that failed, if it did, and would be judged in the same way today.
    pub(super) fn tombstone(&self, wanted: &Wanted<'_>) -> Option<&'a Group> {
        let failed = |group: &&&Group| {
            let owner = &group.owner;
            owner.failed.is_some() && wanted.asks_for(&owner.template_hash) && wanted.judges_alike(owner)
        };
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
        ways.into_iter().rev().chain(self.gave_way_to(from))
    }

    /// The generation that a person turned down for an earlier release, which this one is: until that has proved itself, what was
    /// turned down is the way back, for it served well enough to wait for it.
    pub(super) fn gave_way_to(&self, group: &Group) -> Option<&'a Group> {
        let gave_way = |other: &&Group| {
            let owner = &other.owner;
            let served = owner.slot.is_some() && owner.shifted_at.is_some() && other.desired > 0 && !other.deleting;
            served
                && other.name != group.name
                && owner
                    .marks
                    .back_to
                    .as_ref()
                    .is_some_and(|back| back.is(&group.owner.template_hash, &group.owner.image))
        };
        let is_proved = group.owner.recorded_at.is_some();
        self.groups.iter().rfind(|other| !is_proved && gave_way(other)).copied()
    }

    /// When any other generation took over last.
    pub(super) fn last_shift_of_others(&self, group: &Group) -> Option<Timestamp> {
        self.groups.iter().filter(|other| other.name != group.name).filter_map(|other| other.owner.shifted_at).max()
    }

    /// When the record last said that another generation is deployed.
    pub(super) fn last_record_of_others(&self, group: &Group) -> Option<Timestamp> {
        self.groups.iter().filter(|other| other.name != group.name).filter_map(|other| other.owner.recorded_at).max()
    }

    /// Whether the record does not yet say that this generation is the deployed one.
    pub(super) fn is_due(&self, group: &Group) -> bool {
        match (group.owner.recorded_at, self.last_record_of_others(group)) {
            (None, _) => true,
            // After a way back, the record still names the generation that came between.
            (Some(own), Some(other)) => other > own,
            (Some(_), None) => false,
        }
    }

    /// The generation that is deployed, where it took over after this one, which is no release on its way: if this one has the
    /// traffic, somebody has moved the weights by hand.
    pub(super) fn deployed_since(&self, group: &Group) -> Option<&'a Group> {
        let served =
            |other: &&Group| other.owner.recorded_at.is_some() && other.owner.shifted_at > group.owner.shifted_at;
        let was_deployed = group.owner.recorded_at.is_some();
        self.unfailed().filter(served).find(|other| was_deployed && !self.is_due(other))
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
    if let Read::Unknown(why) = &observed.groups {
        draft.unreadable(format!("the Auto Scaling groups could not be read: {why}"));
        return None;
    }
    let mut groups = Vec::new();
    for group in draft.index.clone().groups(&draft.scope.app) {
        // Owned is what carries our tags and our name: a copied tag alone makes nothing ours.
        if group.name == draft.scope.generation_name(group.owner.generation) {
            groups.push(*group);
        } else {
            draft.note(format!("group {} carries this app's tags but not its name; it is left alone", group.name));
        }
    }
    groups.sort_by_key(|group| group.owner.generation);
    Some(groups)
}

fn templates<'a>(draft: &Draft<'a>) -> Vec<&'a LaunchTemplate> {
    let own = |template: &&LaunchTemplate| template.name == draft.scope.generation_name(template.owner.generation);
    let mut templates: Vec<_> = draft.index.templates(&draft.scope.app).iter().copied().filter(own).collect();
    templates.sort_by_key(|template| template.owner.generation);
    templates
}
