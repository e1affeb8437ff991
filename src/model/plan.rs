//! The plan: for every app the whole remaining path, and of it the actions that can be taken now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::action::{Action, Expect};
use super::desired::Source;
use super::launch::TemplateHash;
use super::names::{AppName, EnvironmentName, Generation};
use super::observed::Want;
use super::probe::Phase;
use super::release::Origin;
use super::time::{Span, Timestamp};

/// What to do about all apps of one environment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The environment.
    pub environment: EnvironmentName,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Where the manifests came from.
    pub source: Source,
    /// The time it was made for.
    pub at: Timestamp,
    /// One for every app, by name; orphaned apps too.
    pub apps: Vec<AppPlan>,
}

impl Plan {
    /// Everything that a decision needs and that was not read yet.
    pub fn wants(&self) -> impl Iterator<Item = &Want> {
        self.apps.iter().flat_map(|app| &app.wants)
    }

    /// How many apps fall under each kind of change.
    pub fn summary(&self) -> Summary {
        let count = |change: fn(&Change) -> bool| self.apps.iter().filter(|app| change(&app.change)).count();
        Summary {
            create: count(|c| matches!(c, Change::Create)),
            update: count(|c| matches!(c, Change::Update)),
            replace: count(|c| matches!(c, Change::Replace)),
            delete: count(|c| matches!(c, Change::Destroy)),
            drift: self.apps.iter().filter(|app| app.change == Change::Drift || !app.drift.is_empty()).count(),
            blocked: count(|c| matches!(c, Change::Blocked)),
            error: count(|c| matches!(c, Change::Error)),
            orphaned: count(|c| matches!(c, Change::Orphaned)),
            unchanged: count(|c| matches!(c, Change::Unchanged)),
            sick: self.apps.iter().filter(|app| app.is_sick()).count(),
        }
    }

    /// The plan of one app.
    pub fn app(&self, name: &AppName) -> Option<&AppPlan> {
        self.apps.iter().find(|app| &app.app == name)
    }
}

/// Numbers of apps, by what is to happen to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// New apps.
    pub create: usize,
    /// Apps changed in place.
    pub update: usize,
    /// Apps that get a new generation.
    pub replace: usize,
    /// Apps to be deleted.
    pub delete: usize,
    /// Apps in which AWS differs from what was last applied.
    pub drift: usize,
    /// Apps that wait for a person or for others.
    pub blocked: usize,
    /// Apps that could not be planned.
    pub error: usize,
    /// Apps that run without a manifest.
    pub orphaned: usize,
    /// Apps that are as they should be.
    pub unchanged: usize,
    /// Apps of which nothing that serves is healthy, whatever is to happen to them.
    pub sick: usize,
}

/// What to do about one app.
#[derive(Clone, Debug)]
pub struct AppPlan {
    /// The app.
    pub app: AppName,
    /// What kind of change it is.
    pub change: Change,
    /// Why, in a sentence without a final stop; empty when there is nothing to say.
    pub reason: String,
    /// The generation that serves now.
    pub from: Option<Generation>,
    /// The generation that will.
    pub to: Option<Generation>,
    /// The image that it is to run; nothing when that cannot be told.
    pub image: Option<PlannedImage>,
    /// The hash of the template that is wanted; nothing when that cannot be told.
    pub template: Option<TemplateHash>,
    /// Whether a release is not begun because another one was shown to whoever agreed to the plan.
    pub unshown: bool,
    /// What the manifest changes.
    pub fields: Vec<FieldChange>,
    /// What AWS differs in from what was last applied.
    pub drift: Vec<FieldChange>,
    /// The whole path, done steps too.
    pub steps: Vec<Step>,
    /// What can be done now, in this order.
    pub actions: Vec<PlannedAction>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// Why the wanted release failed, if it did: it is not tried again until the manifest changes or a person says so.
    pub failure: Option<String>,
    /// What is left over of earlier generations and goes only when a person does something: which, why, and how.
    pub left_over: Vec<String>,
    /// What people should know besides.
    pub notes: Vec<String>,
    /// What has to be read before more can be said. A plan with wants has no actions.
    pub wants: Vec<Want>,
    /// What of that which is read one by one it rests on, or asks for.
    pub rests_on: BTreeSet<Want>,
    /// Whether it waits for room among the releases of its environment, and for nothing else.
    pub queues: bool,
    /// What has traffic and has not proved itself, if anything has.
    pub exposed: Option<Exposed>,
    /// When to look again at the latest, if nothing happens before.
    pub wake_at: Option<Timestamp>,
    /// What it means while it lasts.
    pub impact: Impact,
    /// How what serves does; nothing where nothing serves, or where it was not looked at.
    pub wellbeing: Option<Wellbeing>,
    /// Where it answers; nothing for what has no load balancer, or where that cannot be told.
    pub answers: Option<Answers>,
}

/// Where an app answers requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answers {
    /// The DNS name of its load balancer; nothing before there is one.
    pub load_balancer: Option<String>,
    /// Whether the load balancer is reached only from within its network.
    pub internal: bool,
    /// The addresses under which it answers: by its own names or, where it has none, by that of the load balancer.
    pub urls: Vec<String>,
}

/// How a generation that serves does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wellbeing {
    /// How many of its instances the load balancer calls healthy or, for a worker, its group; nothing where that was not read.
    pub healthy: Option<u32>,
    /// How many instances it is to have.
    pub wanted: u32,
    /// Whether some that are not healthy are only on their way: being launched, registered or checked for the first time.
    pub coming: bool,
    /// Why one of them is not healthy, or the health is not known.
    pub why: Option<String>,
    /// Why it cannot replace an instance that it loses, as far as that shows.
    pub stuck: Option<String>,
}

impl Wellbeing {
    /// Whether nothing of it is healthy, though something should be, and nothing is on its way to be.
    pub fn is_sick(&self) -> bool {
        self.wanted > 0 && self.healthy == Some(0) && !self.coming
    }

    /// Whether fewer of it are healthy than should be.
    pub fn is_lacking(&self) -> bool {
        self.healthy.is_some_and(|healthy| healthy < self.wanted)
    }

    /// What is wrong with it, in words; nothing when it is well or was not looked at.
    pub fn trouble(&self) -> Option<String> {
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let wanted = self.wanted;
        let health = match self.healthy {
            Some(0) if self.is_sick() => Some(format!("sick, 0/{wanted} healthy{why}")),
            Some(healthy) if healthy < wanted => Some(format!("{healthy}/{wanted} healthy{why}")),
            Some(_) => None,
            None => self.why.clone(),
        };
        let stuck = self.stuck.as_ref().map(|why| format!("it cannot replace an instance: {why}"));
        let all: Vec<String> = health.into_iter().chain(stuck).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

impl AppPlan {
    /// Whether what serves is sick: none of it is healthy.
    pub fn is_sick(&self) -> bool {
        self.wellbeing.as_ref().is_some_and(Wellbeing::is_sick)
    }

    /// Whether this app is where it should be: nothing to do and nothing to wait for.
    pub fn is_settled(&self) -> bool {
        self.actions.is_empty() && self.wants.is_empty() && self.waits.is_empty()
    }

    /// Whether there is something to look at though nothing can be done: what has traffic has not proved itself, and another
    /// generation could take the traffic back.
    pub fn is_watched(&self, now: Timestamp) -> bool {
        // The record comes a little later.
        let ends = |until: Timestamp| Span::minutes(2).after(until);
        let unproven =
            |exposed: &Exposed| exposed.back.is_some() && exposed.until.is_none_or(|until| now < ends(until));
        self.exposed.as_ref().is_some_and(unproven)
    }

    /// Whether traffic goes back to an earlier generation now. Nothing waits before that.
    pub fn gives_back(&self) -> bool {
        let now = |step: &Step| step.state == StepState::Current && matches!(step.kind, StepKind::ShiftBack { .. });
        self.steps.iter().any(now) && !self.actions.is_empty()
    }

    /// Whether nothing more is to be done or waited for: with `cleanup`, not even the end of what no longer serves.
    pub fn is_over(&self, cleanup: bool) -> bool {
        self.actions.is_empty() && self.wants.is_empty() && self.waits.iter().all(|wait| wait.cleanup && !cleanup)
    }
}

/// A generation that has traffic and has not proved itself: the record does not name it yet, or it is marked as failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The generation.
    pub generation: Generation,
    /// Its share of the traffic, in percent; nothing for a worker, which is at work.
    pub share: Option<u32>,
    /// The generation before it, which runs and could take the traffic back, if there is one.
    pub back: Option<Generation>,
    /// When it will have been watched for long enough; nothing while a canary goes through its steps.
    pub until: Option<Timestamp>,
    /// The last sign in AWS of somebody who watches it.
    pub watched_at: Timestamp,
    /// How long somebody who watches it may give no sign.
    pub longest_silence: Span,
}

impl Exposed {
    /// For how long nobody has watched it, as far as AWS can tell; nothing while somebody may be at it.
    pub fn unwatched_for(&self, now: Timestamp) -> Option<Span> {
        let silence = Span::between_whole(self.watched_at, now);
        (silence > self.longest_silence).then_some(silence)
    }
}

/// The image that an app is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedImage {
    /// Its id.
    pub id: String,
    /// Its name, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said of it: version, branch, commit, build date.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub release: BTreeMap<String, String>,
    /// Where it comes from; nothing for one that the manifest gives by its id.
    #[serde(flatten)]
    pub origin: Option<Origin>,
    /// What the manifest's source leads to, where that is not it (yet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer: Option<NewerImage>,
}

/// An image that is not deployed by itself, or not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewerImage {
    /// Its id.
    pub id: String,
    /// What is said of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub release: BTreeMap<String, String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Option<Origin>,
    /// From when on it may be deployed, if that is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// A new app.
    Create,
    /// A new generation takes over.
    Replace,
    /// Changed on what runs.
    Update,
    /// Only AWS moved; it is put right.
    Drift,
    /// As it should be; what is left to do (a retirement) changes nothing that serves.
    Unchanged,
    /// Waits for a person, or for room.
    Blocked,
    /// Cannot be planned.
    Error,
    /// Runs, but no manifest asks for it.
    Orphaned,
    /// To be deleted on request.
    Destroy,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Its path in the manifest, such as `instances.max`.
    pub path: String,
    /// What is; `None` when that cannot be told.
    pub before: Option<String>,
    /// What will be.
    pub after: Option<String>,
    /// What the change does.
    pub effect: Effect,
}

/// What changing a field does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// A new generation.
    Replace,
    /// Changed on what runs.
    InPlace,
    /// Nothing in AWS.
    Behaviour,
    /// Refused on an app that exists.
    Fixed,
}

/// A step of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What happens.
    pub kind: StepKind,
    /// How far it is.
    pub state: StepState,
    /// More, for people: `healthy 3/6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum StepKind {
    /// Load balancer, target groups, listener or rule are there.
    Prepare,
    /// What is left in the next slot makes room.
    FreeSlot {
        /// The generation that goes.
        generation: Generation,
    },
    /// Launch template and group of the new generation.
    Launch {
        /// How many instances.
        instances: u32,
    },
    /// Every instance healthy, for the stability window.
    WaitHealthy {
        /// How many.
        instances: u32,
        /// For how long without a break.
        stable_for: Span,
    },
    /// The new generation answers requests before it gets traffic.
    Smoke {
        /// How many requests.
        checks: usize,
    },
    /// No alarm rings before traffic moves; they are watched from then on.
    Alarms {
        /// Their names.
        names: Vec<String>,
    },
    /// A webhook gives its consent.
    Approve {
        /// When it is asked.
        phase: Phase,
    },
    /// Traffic moves.
    Shift {
        /// Percent that the new generation takes.
        weight: u32,
    },
    /// The new generation is watched with its share of the traffic.
    Pause {
        /// For how long; nothing when it waits for a person.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<Span>,
    },
    /// A worker takes over.
    TakeOver,
    /// The DNS name leads to the load balancer.
    Dns {
        /// The name.
        name: String,
    },
    /// The new generation is watched under traffic.
    Bake {
        /// For how long.
        duration: Span,
    },
    /// The deployed state is recorded.
    Record,
    /// The old generation stays warm.
    Keep {
        /// The old generation.
        generation: Generation,
        /// For how long.
        duration: Span,
    },
    /// The old generation is scaled in and deleted.
    Retire {
        /// The old generation.
        generation: Generation,
    },
    /// Traffic goes back.
    ShiftBack {
        /// The generation that serves again.
        to: Generation,
    },
    /// What failed is scaled to nothing and kept as the reason not to try again.
    Entomb {
        /// The failed generation.
        generation: Generation,
    },
    /// Everything serves until resolvers have forgotten the name.
    Forget,
    /// Deletion of one kind of thing.
    Delete {
        /// What, for people: `DNS record`, `listener` …
        what: String,
    },
}

impl fmt::Display for StepKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepKind::Prepare => write!(out, "prepare"),
            StepKind::FreeSlot { generation } => write!(out, "retire {generation}"),
            StepKind::Launch { instances } => write!(out, "launch {instances}"),
            StepKind::WaitHealthy { instances, .. } => write!(out, "healthy {instances}/{instances}"),
            StepKind::Smoke { checks: 1 } => write!(out, "smoke 1 check"),
            StepKind::Smoke { checks } => write!(out, "smoke {checks} checks"),
            StepKind::Alarms { names } if names.len() > 3 => write!(out, "{} alarms quiet", names.len()),
            StepKind::Alarms { names } => write!(out, "alarms {} quiet", names.join(", ")),
            StepKind::Approve { phase } => write!(out, "webhook {}", phase.said()),
            StepKind::Shift { weight } => write!(out, "shift {weight}%"),
            StepKind::Pause { duration: Some(duration) } => write!(out, "pause {duration}"),
            StepKind::Pause { duration: None } => write!(out, "pause until promoted"),
            StepKind::TakeOver => write!(out, "take over"),
            StepKind::Dns { name } => write!(out, "dns {name}"),
            StepKind::Bake { duration } => write!(out, "bake {duration}"),
            StepKind::Record => write!(out, "record"),
            StepKind::Keep { generation, duration } => write!(out, "keep {generation} {duration}"),
            StepKind::Retire { generation } => write!(out, "retire {generation}"),
            StepKind::ShiftBack { to } => write!(out, "shift back to {to}"),
            StepKind::Entomb { generation } => write!(out, "scale {generation} to 0"),
            StepKind::Forget => write!(out, "resolvers forget the name"),
            StepKind::Delete { what } => write!(out, "delete {what}"),
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Behind us.
    Done,
    /// At work.
    Current,
    /// To come.
    Pending,
}

/// An action with its reason and the facts it depends on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAction {
    /// The call.
    #[serde(flatten)]
    pub action: Action,
    /// Why.
    pub reason: String,
    /// What must still hold right before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What, for people: `v042 to be healthy, 3/6 now`.
    pub what: String,
    /// Until when at the latest, where there is such a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether only a retirement of what no longer serves is waited for: the release itself is complete.
    pub cleanup: bool,
}

/// What a plan means while it lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// The most instances that run at once.
    pub peak_instances: u32,
    /// What it costs on top, in seconds of one instance: the instances of the new generation until the old one has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_instance_seconds: Option<u64>,
    /// About how long until the new generation counts as deployed; nothing when it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
    /// About how much longer until the old generation is gone; nothing where there is none, or where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<Span>,
}
