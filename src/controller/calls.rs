//! The calls under way: one task for each app whose plan is being carried out. A task never stops for a look, and a look
//! never waits for it.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use crate::aws::connect::Aws;
use crate::clock::Clock;
use crate::execute::{Executed, execute_until};
use crate::model::event::Event;
use crate::model::names::{AppName, Scope};
use crate::model::plan::AppPlan;

/// What the tasks tell.
pub(super) enum News {
    /// Something happened to an app.
    Told(Event),
    /// The calls of an app's plan are made, as far as they could be.
    Done(AppName, Executed),
}

/// The calls under way. When this is dropped, they are dropped where they wait.
pub(super) struct Calls {
    tasks: JoinSet<Executed>,
    /// The app of each task, and whether it gives traffic back.
    apps: BTreeMap<Id, (AppName, bool)>,
    tell: mpsc::UnboundedSender<Event>,
    told: mpsc::UnboundedReceiver<Event>,
    stop: watch::Sender<bool>,
}

impl Calls {
    pub(super) fn new() -> Self {
        // As many events as the plans at work have actions, since each action is told once.
        let (tell, told) = mpsc::unbounded_channel();
        Self { tasks: JoinSet::new(), apps: BTreeMap::new(), tell, told, stop: watch::Sender::new(false) }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.apps.is_empty()
    }

    /// Whether calls of this app are under way.
    pub(super) fn are_of(&self, app: &AppName) -> bool {
        self.apps.values().any(|(busy, _)| busy == app)
    }

    /// Whether traffic of this app is being given back.
    pub(super) fn give_back(&self, app: &AppName) -> bool {
        self.apps.values().any(|(busy, gives_back)| busy == app && *gives_back)
    }

    /// The apps with calls under way.
    pub(super) fn apps(&self) -> impl Iterator<Item = &AppName> {
        self.apps.values().map(|(app, _)| app)
    }

    /// Begins to carry out a plan.
    pub(super) fn begin(&mut self, aws: &Aws, clock: &Clock, plan: AppPlan, scope: Scope) {
        let (aws, clock, tell, stopped) = (aws.clone(), clock.clone(), self.tell.clone(), self.stop.subscribe());
        let app = (plan.app.clone(), plan.gives_back());
        let task = self.tasks.spawn(async move {
            // Nobody listens any more only when the controller has gone.
            let sink = |event| drop(tell.send(event));
            execute_until(&aws, &clock, &plan, &scope, &sink, &|| *stopped.borrow()).await
        });
        self.apps.insert(task.id(), app);
    }

    /// No further call begins; those under way go on.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// The next that is told. Waits for ever while no calls are under way; may be dropped at any point.
    pub(super) async fn news(&mut self) -> News {
        tokio::select! {
            biased;
            Some(event) = self.told.recv() => News::Told(event),
            Some(joined) = self.tasks.join_next_with_id() => self.done(joined),
        }
    }

    fn done(&mut self, joined: Result<(Id, Executed), JoinError>) -> News {
        match joined {
            Ok((id, executed)) => match self.apps.remove(&id) {
                Some((app, _)) => News::Done(app, executed),
                None => unreachable!("every task has its app"),
            },
            // A bug of ours: it is not hidden.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// What was told before the end of a task that is known by now.
    pub(super) fn told(&mut self) -> Option<Event> {
        self.told.try_recv().ok()
    }
}
