//! What a person says about a release, as an input to the next plan: marks on a group, never a change of capacity.
//!
//! - [`rollout`]: about a release under way: promote, abort, pause, resume
//! - [`rollback`]: about one that was a mistake, and about one that deserves another try
//! - [`image`]: about a newer image, which the manifest follows by hand only
//! - [`standing`]: about the app as it stands: suspend, pin, unpin

mod image;
mod rollback;
mod rollout;
mod standing;

pub use image::promote_image;
pub use rollback::{retry, rollback};
pub use rollout::{abort, pause, promote, resume};
pub use standing::{pin, suspend, unpin};

use std::rc::Rc;

use super::draft::Draft;
use super::guard;
use super::index::Index;
use super::picture::Picture;
use super::release::Release;
use super::resolve::Wanted;
use super::shift::own_group;
use super::skew;
use crate::model::action::{Action, Tags};
use crate::model::decision::{Decision, Verb};
use crate::model::desired::{Desired, DesiredApp};
use crate::model::mark::Mark;
use crate::model::names::Generation;
use crate::model::observed::{Failure, Group, Observed, Read};
use crate::model::plan::PlannedAction;
use crate::model::record::{DeployedRecord, TurnedDown};
use crate::model::tags;
use crate::model::time::Timestamp;

/// Marks to set, and what follows from them.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The calls that set them, one in all but rare cases.
    pub actions: Vec<PlannedAction>,
    /// The deployed state, with who turns it down: written before the marks, so that nobody else goes by it. Whether that
    /// succeeds decides nothing: a way back must not wait for it.
    pub withdraws: Option<Box<DeployedRecord>>,
    /// The same for those who ask later.
    pub decision: Decision,
    /// The generation that it is about.
    pub generation: Generation,
    /// The generation that serves afterwards, if that is known and changes or is confirmed.
    pub serves: Option<Generation>,
    /// That it was said before, by whom and why: then there is no mark to set, and what follows from it goes on.
    pub said: Option<String>,
}

impl Intent {
    /// What there would be once the marks are set: the plan for that shows what follows from what is said.
    pub fn foreseen(&self, observed: &Observed) -> Observed {
        let mut observed = observed.clone();
        let Read::Known(groups) = &mut observed.groups else { return observed };
        for planned in &self.actions {
            let Some(group) = groups.get_mut(planned.action.resource()) else { continue };
            let mut carried = tags::encode(&group.owner, &group.labels);
            match &planned.action {
                Action::TagGroup { tags, .. } => carried.extend(tags.clone()),
                Action::UntagGroup { keys, .. } => carried.retain(|key, _| !keys.contains(key)),
                _ => continue,
            }
            if let Ok(Some(owner)) = tags::decode(&carried) {
                group.owner = owner;
            }
        }
        observed
    }
}

/// One app, and who says something about it.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// What is wanted in its environment.
    pub desired: &'a Desired,
    /// The app.
    pub app: &'a DesiredApp,
    /// What there is.
    pub observed: &'a Observed,
    /// Why, if anybody said.
    pub why: Option<&'a str>,
    /// The time, by AWS's clock where this machine's is wrong.
    pub now: Timestamp,
}

impl<'a> About<'a> {
    /// What a person says at the time `now` of this machine's clock, which counts only where it agrees with AWS's.
    pub fn new(
        desired: &'a Desired,
        app: &'a DesiredApp,
        observed: &'a Observed,
        why: Option<&'a str>,
        now: Timestamp,
    ) -> Self {
        Self { desired, app, observed, why, now: skew::time(observed, now) }
    }

    /// Decides with the picture of the app.
    fn with_picture<T>(
        &self,
        decide: impl FnOnce(&Wanted<'a>, &Picture<'a>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut wanted = Wanted::resolve(self.app, &self.desired.environment, self.observed);
        let index = Rc::new(Index::new(None, self.observed));
        let mut draft = Draft::new(&self.app.scope, self.observed, &index, self.now);
        let Some(current) = Picture::observed(&mut draft) else { return Err(draft.plan.reason) };
        if !self.desired.apps.contains_key(&self.app.scope.app) {
            // Without a manifest nothing is wanted, and what there is can be told all the same.
            return decide(&wanted, &current);
        }
        // A mark needs no more than what is told by tags, where what the manifest leads to cannot be read or is not there.
        let picture = current.clone().completed(&mut draft, &wanted).unwrap_or(current);
        wanted.choose(&picture, self.observed, self.now);
        decide(&wanted, &picture)
    }

    fn mark(&self) -> Mark {
        Mark::new(self.now, &self.observed.caller, self.why.unwrap_or_default())
    }

    fn decision(&self, what: Verb, generation: Generation, to: Option<String>) -> Decision {
        Decision {
            app: self.app.scope.app.clone(),
            environment: self.app.scope.environment.clone(),
            at: self.now,
            by: self.observed.caller.clone(),
            what,
            generation,
            to,
            why: self.why.map(str::to_owned),
        }
    }

    /// Sets one mark on a group.
    fn set(&self, what: Verb, group: &Group, key: &str, mark: &Mark) -> Intent {
        let tags = Tags::from([(key.to_owned(), crate::model::tags::group_value(&mark.to_string()))]);
        let action = Action::TagGroup { name: group.name.clone(), tags, propagate: false };
        let reason = said(what, group, &mark.said());
        self.intent(what, group, mark.to.clone(), vec![planned(action, reason, group)])
    }

    /// Takes marks from groups, of which the newest is named.
    fn lift(&self, what: Verb, groups: &[&'a Group], keys: &[String], without: &str) -> Result<Intent, String> {
        let Some(newest) = groups.last() else { return Err(without.to_owned()) };
        let said = self.mark().said();
        let lift = |group: &&Group| {
            let action = Action::UntagGroup { name: group.name.clone(), keys: keys.to_vec() };
            planned(action, self::said(what, group, &said), group)
        };
        Ok(self.intent(what, newest, None, groups.iter().map(lift).collect()))
    }

    fn intent(&self, what: Verb, group: &Group, to: Option<String>, actions: Vec<PlannedAction>) -> Intent {
        let generation = group.owner.generation;
        Intent {
            actions,
            withdraws: None,
            decision: self.decision(what, generation, to),
            generation,
            serves: None,
            said: None,
        }
    }

    /// The deployed state with who turns it down and why, where it names this group and does not say so yet.
    fn withdrawn(&self, group: &Group, reason: &str) -> Option<Box<DeployedRecord>> {
        let record = self.observed.details.deployed.get(&self.app.scope.app)?.known()?.as_ref()?;
        let is_named = record.generation == group.owner.generation
            && record.template_hash == group.owner.template_hash
            && record.turned_down.is_none();
        let turned_down = TurnedDown { at: self.now, by: self.observed.caller.clone(), reason: reason.to_owned() };
        is_named.then(|| Box::new(DeployedRecord { turned_down: Some(turned_down), ..record.clone() }))
    }

    /// What was said before of a group, and need only go on. A command may have been killed after it had set its mark.
    fn again(&self, what: Verb, group: &Group, said: String) -> Intent {
        Intent { said: Some(said), ..self.intent(what, group, None, Vec::new()) }
    }
}

/// What a person said, for people. A mark on the app stands on one of its groups, whose generation it is not about.
fn said(what: Verb, group: &Group, who: &str) -> String {
    let generation = group.owner.generation;
    match what {
        Verb::Pin => format!("pinned to {generation} by {who}"),
        Verb::Retry => format!("retry of {generation} by {who}"),
        Verb::Pause => format!("paused by {who}"),
        Verb::Resume => format!("resumed by {who}"),
        Verb::Suspend => format!("suspended by {who}"),
        Verb::Promote => format!("promoted by {who}"),
        Verb::Unpin => format!("unpinned by {who}"),
        Verb::Rollback | Verb::Abort => format!("{} of {generation} by {who}", what.as_str()),
    }
}

fn planned(action: Action, reason: String, group: &Group) -> PlannedAction {
    PlannedAction { action, reason, expects: vec![own_group(group)] }
}

/// The group that marks about the whole app stand on: what serves, or else the newest that has not failed.
fn anchor<'a>(picture: &Picture<'a>) -> Result<&'a Group, String> {
    let nothing = "nothing of it runs yet; set `suspend` in its manifest";
    picture.serving().or_else(|| picture.unfailed().last()).ok_or_else(|| nothing.to_owned())
}

/// What serves, while it is still being watched. What was deployed before and has the traffic by somebody's hand is no release.
fn unproven<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<&'a Group> {
    picture.serving().filter(|serving| {
        let release = Release::new(wanted, picture, Some(serving));
        super::record::is_due(&release, serving) && picture.deployed_since(serving).is_none()
    })
}

/// The generation that is left to go on with, where the release that the manifest asks for is not deployed yet: the one on
/// its way, or else what serves until then.
fn unfinished<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<&'a Group> {
    let replaced = |serving: &&Group| wanted.asks_for_another_than(&serving.owner.template_hash);
    let open = underway(wanted, picture).or_else(|| unproven(wanted, picture));
    open.or_else(|| picture.serving().filter(replaced))
}

/// The generation that a person has turned down by whichever command, as long as it still has traffic; else the newest one, if a
/// person has turned it down with these words.
fn turned_down<'a>(picture: &Picture<'a>, words: &str) -> Option<(&'a Group, &'a Failure)> {
    let with_failure = |group: &'a Group| Some((group, group.owner.failed.as_ref()?));
    let left = left_with_traffic(picture).and_then(with_failure).filter(|(_, failure)| failure.is_a_command());
    let newest = || with_failure(picture.groups.last()?).filter(|(_, failure)| failure.reason.starts_with(words));
    left.or_else(newest)
}

/// The generation that is marked as failed and has traffic all the same, because nothing could take it back yet.
fn left_with_traffic<'a>(picture: &Picture<'a>) -> Option<&'a Group> {
    guard::exposed(picture).filter(|group| group.owner.failed.is_some())
}

/// The generation that is on its way to the traffic.
fn underway<'a>(wanted: &Wanted<'a>, picture: &Picture<'a>) -> Option<&'a Group> {
    let serving = picture.serving();
    let candidate = match (picture.candidate(wanted), wanted.hash()) {
        // What is wanted cannot be told: the newest that runs, if it is newer than what serves.
        (None, None) => picture
            .unfailed()
            .filter(|group| group.desired > 0 && !group.deleting)
            .last()
            .filter(|newest| serving.is_none_or(|serving| serving.owner.generation < newest.owner.generation)),
        (candidate, _) => candidate,
    };
    candidate.filter(|candidate| serving.is_none_or(|serving| serving.name != candidate.name))
}
