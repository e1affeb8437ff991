//! A plan for one app under construction: what was decided so far, and what had to be known for it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::handover::Promise;
use super::index::Index;
use super::limits::Standing;
use crate::model::action::{Action, Expect, Tags};
use crate::model::desired::Desired;
use crate::model::launch::TemplateHash;
use crate::model::names::{Generation, Scope};
use crate::model::observed::{Observed, Read, Want, is_refused};
use crate::model::plan::{AppPlan, Change, Impact, PlannedAction, Step, StepKind, StepState, Wait};
use crate::model::spec::Tolerance;
use crate::model::time::{Span, Timestamp};
use crate::model::writer::Writer;

/// How often an app that waits is looked at.
const LOOK_AGAIN: Span = Span::seconds(5);
/// The shortest time between two looks.
const LOOK_PAUSE: Span = Span::seconds(1);
/// How often an app is looked at that waits for a person.
const LOOK_SELDOM: Span = Span::seconds(15);

/// The plan of one app as it grows.
pub(super) struct Draft<'a> {
    pub(super) scope: &'a Scope,
    pub(super) observed: &'a Observed,
    /// The same by app, by name and by ARN.
    pub(super) index: Rc<Index<'a>>,
    pub(super) now: Timestamp,
    pub(super) plan: AppPlan,
    /// What is wanted of all apps, where it is known.
    pub(super) desired: Option<&'a Desired>,
    /// The commit of the manifests, for the record.
    pub(super) source_commit: Option<String>,
    /// Who writes what is planned.
    pub(super) writer: Option<Writer>,
    /// Whether what AWS tells only group by group is compared without another reason.
    pub(super) deep: bool,
    /// Whether the health of what serves is read without another reason.
    pub(super) close: bool,
    /// Whether the environment is so small that this is done wherever nothing else is left to do.
    pub(super) few: bool,
    /// The processes by which the app's groups change their sizes at certain times, or when an alarm says so.
    pub(super) scales_by: Vec<&'static str>,
    /// How many sick instances a release bears, where the manifest says so.
    pub(super) tolerate: Option<Tolerance>,
    /// The template that may be launched, where a person has agreed to a plan that was shown: that one, or none.
    pub(super) may_launch: Option<Option<&'a TemplateHash>>,
    /// Whether the app is between launch and record.
    pub(super) in_flight: bool,
    /// Whether the actions begin a release.
    pub(super) begins: bool,
    /// How its release stands toward the limits of the environment, besides.
    pub(super) standing: Standing,
    /// By whom the app is paused, if it is, and how it goes on.
    pub(super) paused: Option<String>,
    /// Whether the pause keeps it from its next step, and nothing has to be watched meanwhile.
    pub(super) is_held: bool,
    /// Whether another process goes on in the place of this one.
    pub(super) gives_way: bool,
    /// Whether a step is at work that must be done before the record, and before nothing else.
    pub(super) beside: bool,
    /// The failed generation that keeps the next one out of its slot.
    pub(super) in_the_way: Option<Generation>,
    /// Whether a new health check is being tried on what serves.
    pub(super) trying: bool,
    /// Why a setting does not come into force, if one does not.
    pub(super) refused: Option<String>,
    /// Whether a generation fails or loses its traffic for good: nothing that AWS might refuse may stand before that.
    pub(super) fails: bool,
    /// The names that other apps are to take over.
    pub(super) promised: Vec<Promise>,
    /// What tells other processes that this one wants a generation that was made before.
    pub(super) announces: Option<PlannedAction>,
    /// What had to be known and AWS refuses to tell, in its words: to wait does not help, a person has to allow it.
    refusals: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(scope: &'a Scope, observed: &'a Observed, index: &Rc<Index<'a>>, now: Timestamp) -> Self {
        let plan = AppPlan {
            app: scope.app.clone(),
            change: Change::Unchanged,
            reason: String::new(),
            from: None,
            to: None,
            image: None,
            template: None,
            unshown: false,
            fields: Vec::new(),
            drift: Vec::new(),
            steps: Vec::new(),
            actions: Vec::new(),
            waits: Vec::new(),
            failure: None,
            left_over: Vec::new(),
            notes: Vec::new(),
            wants: Vec::new(),
            rests_on: BTreeSet::new(),
            queues: false,
            exposed: None,
            wake_at: None,
            impact: Impact::default(),
            wellbeing: None,
            answers: None,
        };
        Self {
            scope,
            observed,
            index: Rc::clone(index),
            now,
            plan,
            desired: None,
            source_commit: None,
            writer: None,
            deep: false,
            close: false,
            few: false,
            scales_by: Vec::new(),
            tolerate: None,
            may_launch: None,
            in_flight: false,
            begins: false,
            standing: Standing::default(),
            paused: None,
            is_held: false,
            gives_way: false,
            beside: false,
            in_the_way: None,
            trying: false,
            refused: None,
            fails: false,
            promised: Vec::new(),
            announces: None,
            refusals: Vec::new(),
        }
    }

    /// Plans an action.
    pub(super) fn act(&mut self, action: Action, reason: impl Into<String>, expects: Vec<Expect>) {
        self.plan.actions.push(PlannedAction { action, reason: reason.into(), expects });
    }

    /// Plans tags on a group.
    pub(super) fn tag_group(&mut self, name: &str, tags: Tags, reason: impl Into<String>) {
        self.act(Action::TagGroup { name: name.to_owned(), tags, propagate: false }, reason, Vec::new());
    }

    /// Waits for the release to go on.
    pub(super) fn wait(&mut self, what: impl Into<String>, until: Option<Timestamp>) {
        self.wait_for(what.into(), until, false);
    }

    /// Waits for a person; what has traffic is looked at meanwhile, not as often as right after a shift.
    pub(super) fn wait_for_person(&mut self, what: impl Into<String>) {
        self.plan.waits.push(Wait { what: what.into(), until: None, cleanup: false });
        self.wake(LOOK_SELDOM.after(self.now));
    }

    /// Waits to clear away what no longer serves.
    pub(super) fn wait_to_clean(&mut self, what: impl Into<String>, until: Option<Timestamp>) {
        self.wait_for(what.into(), until, true);
    }

    fn wait_for(&mut self, what: String, until: Option<Timestamp>, cleanup: bool) {
        self.plan.waits.push(Wait { what, until, cleanup });
        // What happens at a known time needs no look before it, unless something may go wrong meanwhile.
        let soon = LOOK_AGAIN.after(self.now);
        // A look right before the end would only make the next one late.
        let nearly = LOOK_PAUSE.after(soon);
        let wake = until.filter(|until| *until > self.now && (cleanup || *until < nearly)).unwrap_or(soon);
        self.wake(wake);
    }

    fn wake(&mut self, at: Timestamp) {
        self.plan.wake_at = Some(self.plan.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Says something that people should know.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.plan.notes.contains(&note) {
            self.plan.notes.push(note);
        }
    }

    /// Something is left over of an earlier generation, and nothing waits for it: only a person can end it.
    pub(super) fn leave_over(&mut self, why: impl Into<String>) {
        let why = why.into();
        if !self.plan.left_over.contains(&why) {
            self.plan.left_over.push(why.clone());
        }
        self.note(why);
    }

    /// Whether a call is planned that will be made.
    pub(super) fn has_something_to_do(&self) -> bool {
        self.plan.actions.iter().any(|planned| !self.has_given_up(&planned.action))
    }

    /// Whether a call is not made again by this process, because AWS refused it for good or took it in vain.
    pub(super) fn has_given_up(&self, action: &Action) -> bool {
        let given_up = self.desired.and_then(|desired| desired.given_up.get(&self.scope.app));
        given_up.is_some_and(|given_up| given_up.iter().any(|given_up| given_up.covers(action)))
    }

    /// Adds a step.
    pub(super) fn step(&mut self, kind: StepKind, state: StepState, detail: Option<String>) {
        self.plan.steps.push(Step { kind, state, detail });
    }

    /// The app cannot be planned.
    pub(super) fn fail(&mut self, reason: impl Into<String>) {
        self.plan.change = Change::Error;
        self.plan.reason = reason.into();
        self.plan.actions.clear();
    }

    /// The app cannot be planned now, because what there is of it could not be read; later may do.
    pub(super) fn unreadable(&mut self, reason: impl Into<String>) {
        self.fail(reason);
        if !is_refused(&self.plan.reason) {
            self.wait("AWS to be readable again", None);
        }
    }

    /// The app waits for a person, or for room.
    pub(super) fn block(&mut self, reason: impl Into<String>) {
        self.plan.change = Change::Blocked;
        self.plan.reason = reason.into();
    }

    /// Another process goes on in the place of this one, which does nothing more.
    pub(super) fn give_way(&mut self, reason: impl Into<String>) {
        self.plan.actions.clear();
        self.plan.waits.clear();
        self.plan.steps.clear();
        self.gives_way = true;
        self.block(reason);
    }

    /// Whether it is decided that the app cannot go on by itself.
    pub(super) fn is_decided(&self) -> bool {
        matches!(self.plan.change, Change::Error | Change::Blocked)
    }

    /// How much there is to read or to wait for before the release can go on.
    pub(super) fn open_questions(&self) -> usize {
        let waits = self.plan.waits.iter().filter(|wait| !wait.cleanup).count();
        self.plan.wants.len() + waits + self.refusals.len()
    }

    /// How much had to be known that AWS refuses to tell.
    pub(super) fn refusals(&self) -> usize {
        self.refusals.len()
    }

    /// Forgets what was refused since there was so much of it: whoever needs to know it asks again.
    pub(super) fn forget_refusals(&mut self, since: usize) {
        self.refusals.truncate(since);
    }

    /// Something read on request, if it is known; if not, the draft now holds a want or a wait for it.
    pub(super) fn see<T>(&mut self, found: Option<&'a Read<T>>, want: Want, what: &str) -> Option<&'a T> {
        self.rests_on(&want);
        match found {
            Some(Read::Known(value)) => Some(value),
            Some(Read::Unknown(why)) => {
                let words = format!("{what}, which could not be read: {why}");
                if is_refused(why) {
                    self.refusals.push(words);
                } else {
                    self.wait(words, None);
                }
                None
            }
            None => {
                self.want(want);
                None
            }
        }
    }

    /// Something read on request that nothing waits for, or why it could not be read. `None`: the draft now holds a want for it.
    pub(super) fn glance<T>(&mut self, found: Option<&'a Read<T>>, want: Want) -> Option<Result<&'a T, &'a str>> {
        self.rests_on(&want);
        match found {
            Some(Read::Known(value)) => Some(Ok(value)),
            Some(Read::Unknown(why)) => Some(Err(why)),
            None => {
                self.want(want);
                None
            }
        }
    }

    /// What is decided depends on something that is read on request, whether that was read or not.
    pub(super) fn rests_on(&mut self, want: &Want) {
        if !self.plan.rests_on.contains(want) {
            self.plan.rests_on.insert(want.clone());
        }
    }

    /// Something that must be read before more can be said.
    pub(super) fn want(&mut self, want: Want) {
        self.rests_on(&want);
        if !self.plan.wants.contains(&want) {
            self.plan.wants.push(want);
        }
    }

    /// Where there is nothing else to do or to look for, an app that is paused waits for that person.
    fn say_paused(&mut self) {
        let Some(paused) = self.paused.take() else { return };
        let decided = matches!(self.plan.change, Change::Error | Change::Blocked);
        if self.is_held && !decided && self.plan.is_over(false) {
            self.block(paused);
        } else {
            self.note(paused);
        }
    }

    /// Says what AWS refuses to tell. An app that needs to know it and has nothing else to do is blocked. What has traffic and could
    /// give it back is looked at for as long as it is to be watched: somebody may put the permission right.
    fn say_refused(&mut self) {
        let mut refusals = std::mem::take(&mut self.refusals);
        refusals.dedup();
        if refusals.is_empty() {
            return;
        }
        let words = refusals.join("; ");
        let decided = self.is_decided() || self.plan.change == Change::Orphaned;
        let watched = self.plan.exposed.as_ref().filter(|exposed| exposed.back.is_some());
        let until = watched.map(|it| it.until.unwrap_or_else(|| it.longest_silence.after(it.watched_at)));
        if decided || !self.plan.is_over(false) {
            self.note(format!("it is not known, and does not come by waiting: {words}"));
        } else if let Some(until) = until.filter(|until| self.now < *until) {
            self.wait(words, Some(until));
        } else {
            self.block(format!("what the next step depends on is not known: {words}"));
        }
    }

    /// The finished plan. While something must still be read, nothing is done.
    pub(super) fn finish(mut self) -> Drafted {
        if !self.plan.wants.is_empty() {
            self.plan.actions.clear();
        }
        self.say_refused();
        self.say_paused();
        let has_traffic = self.standing.has_traffic || self.fails;
        let standing = Standing { in_flight: self.in_flight, begins: self.begins, has_traffic, ..self.standing };
        Drafted { plan: self.plan, standing, fails: self.fails, promised: self.promised }
    }
}

/// The plan of one app, and what the environment's limits need to know of it.
pub(super) struct Drafted {
    pub(super) plan: AppPlan,
    pub(super) standing: Standing,
    /// Whether a generation fails or loses its traffic for good.
    pub(super) fails: bool,
    /// The names that other apps are to take over.
    pub(super) promised: Vec<Promise>,
}
