//! What an operator's command tells the planner: one tag on one generation, after which the plan says something else.

use std::collections::BTreeSet;
use std::time::Instant;

use super::apply::{self, Watching};
use super::exit::Exit;
use super::failure::Failure;
use super::selection;
use super::session::{Look, Session};
use super::{Global, terminal, watch};
use crate::aws::act::perform;
use crate::aws::observe::fulfil;
use crate::aws::recheck::{Recheck, recheck};
use crate::controller::converge::{Ending, Options, Outcome};
use crate::controller::snapshot::foresee;
use crate::execute::{Executed, execute};
use crate::model::action::Action;
use crate::model::decision::{Decision, Verb};
use crate::model::desired::{Desired, DesiredApp};
use crate::model::names::{AppName, Scope};
use crate::model::observed::Want;
use crate::model::plan::{AppPlan, Change};
use crate::model::record::DeployedRecord;
use crate::plan::intent::{About, Intent};
use crate::report::json;
use crate::report::live::LiveState;

/// Who says something, with which flags, and how that is called: `rolled back`.
#[derive(Clone, Copy)]
pub struct Saying<'a> {
    /// What every command takes.
    pub global: &'a Global,
    /// What is wanted in the app's environment.
    pub desired: &'a Desired,
    /// How the command goes about it.
    pub watching: &'a Watching,
    /// Why, if anybody said.
    pub why: Option<&'a str>,
    /// How what is said is called where it makes no sense.
    pub how: &'a str,
}

/// One app of one environment, as it is now.
pub struct Case {
    /// The way to AWS.
    pub session: Session,
    /// What was found.
    pub look: Look,
    /// The app in the manifests; what stands in for it where none of them can be read.
    pub app: DesiredApp,
    /// Its plan.
    pub plan: AppPlan,
}

impl Case {
    /// Looks at one app.
    ///
    /// # Errors
    /// When no manifest deploys it and nothing of it is there, AWS cannot be read, or it cannot be planned.
    pub async fn open(global: &Global, desired: &Desired, name: &AppName) -> Result<Self, Failure> {
        let session = Session::open(global, desired).await;
        let look = session.look_at(desired, name).await?;
        let plan = look.plan.app(name).cloned().ok_or_else(|| selection::no_such_app(name, &[desired]))?;
        let stand_in = || DesiredApp::without_manifest(Scope::new(name.clone(), desired.name.clone()));
        let app = desired.apps.get(name).cloned().or_else(stand_in);
        let app = app.ok_or_else(|| selection::no_such_app(name, &[desired]))?;
        Ok(Self { session, look, app, plan })
    }

    /// The plan of the app as it is now.
    fn planned(&self) -> Result<AppPlan, Failure> {
        let plan = self.look.plan.app(&self.app.scope.app).cloned();
        plan.ok_or_else(|| Failure::new(format!("{} cannot be planned", self.app.scope)))
    }

    /// Reads the deployed state, which a person may turn down. A way back does not wait for it: what cannot be read is left as
    /// it is.
    pub async fn read_deployed(&mut self) {
        let (session, desired) = (&self.session, &self.app.scope);
        let wants = BTreeSet::from([Want::Deployed(desired.app.clone())]);
        if let Err(error) = fulfil(&session.aws, &desired.environment, &mut self.look.observed, &wants).await {
            terminal::say(&format!("warning: what is deployed could not be read: {}", error.explained()));
        }
    }

    /// Records what a person says, or says why that makes no sense.
    ///
    /// # Errors
    /// When it makes none, the app has changed meanwhile, or AWS refuses.
    pub async fn decide(&self, intent: Result<Intent, String>, how: &str) -> Result<(), Failure> {
        let intent = intent.map_err(|why| self.nonsense(how, &why))?;
        self.tell(&intent);
        self.record(intent).await
    }

    /// The same for what moves traffic: shows what follows from it, and asks before anything is recorded. Comes back with what
    /// was said, and with the manifests, of which nothing is launched but what was shown.
    ///
    /// # Errors
    /// When it makes no sense, nobody says yes, the app has changed meanwhile, or AWS refuses.
    pub async fn decide_on_traffic(
        &mut self,
        saying: &Saying<'_>,
        decide: &dyn Fn(&About<'_>) -> Result<Intent, String>,
    ) -> Result<(Intent, Desired), Failure> {
        let Saying { global, desired, watching, why, how } = *saying;
        let mut shown: Option<String> = None;
        loop {
            let intent = decide(&self.about(desired, why)).map_err(|why| self.nonsense(how, &why))?;
            let foreseen = self.foresee(desired, &intent).await;
            let meaning = foreseen.as_ref().map(|look| json::fingerprint(&look.plan)).unwrap_or_default();
            let is_shown = shown.as_ref() == Some(&meaning);
            if !is_shown {
                if shown.is_some() {
                    terminal::say(
                        "\nAWS or the manifests changed while the question stood, and nothing was done yet. This is what the command \
                         would do now:\n",
                    );
                }
                self.tell(&intent);
                match &foreseen {
                    Ok(look) => apply::show(look, global)?,
                    Err(failure) => terminal::say(&format!(
                        "warning: what the command would do cannot be shown: {}",
                        failure.message
                    )),
                }
            }
            let over = |look: &Look| look.plan.apps.iter().all(|app| app.is_over(watching.wait_for_cleanup));
            let follows = !foreseen.as_ref().is_ok_and(over);
            if is_shown || watching.yes || !follows {
                let agreed = foreseen.map_or_else(|_| desired.clone(), |look| apply::as_shown(desired, &look.plan));
                self.record(intent.clone()).await?;
                return Ok((intent, agreed));
            }
            terminal::confirm(&global.answers, &format!("\n{}?", self.question(&intent)))?;
            shown = Some(meaning);
            let had_read = self.look.observed.details.deployed.contains_key(&self.app.scope.app);
            self.look = self.session.look(desired).await?;
            self.plan = self.planned()?;
            if had_read {
                // The new look does not hold what was asked for besides.
                self.read_deployed().await;
            }
        }
    }

    fn nonsense(&self, how: &str, why: &str) -> Failure {
        Failure::new(format!("{} cannot be {how}: {why}", self.app.scope)).help("`amiable status` shows what goes on")
    }

    /// That it was said before.
    fn tell(&self, intent: &Intent) {
        if let Some(said) = &intent.said {
            terminal::say(&format!("{}: {said}; this command goes on with that", self.app.scope));
        }
    }

    fn question(&self, intent: &Intent) -> String {
        let (scope, generation) = (&self.app.scope, intent.generation);
        let serves = intent.serves.filter(|serves| *serves != generation);
        let serves = serves.map(|serves| format!(", so that {serves} serves")).unwrap_or_default();
        match (intent.decision.what, &intent.said) {
            (_, Some(_)) => format!("Go on with {scope}"),
            (Verb::Rollback, None) => format!("Turn down {generation} of {scope}{serves}"),
            (Verb::Abort, None) => format!("Give up {generation} of {scope}{serves}"),
            (what, None) => {
                let what = what.as_str();
                format!("{}{} {scope}", what[..1].to_uppercase(), &what[1..])
            }
        }
    }

    /// What there would be, and what would be done about this app, once that is said.
    async fn foresee(&self, desired: &Desired, intent: &Intent) -> Result<Look, Failure> {
        let (begun, before) = (Instant::now(), self.session.aws.calls());
        let foreseen = intent.foreseen(&self.look.observed);
        let (observed, mut plan) = foresee(&self.session.aws, desired, &self.session.clock, foreseen).await?;
        plan.apps.retain(|app| app.app == self.app.scope.app);
        Ok(Look { observed, plan, calls: self.session.aws.calls_since(&before), elapsed: begun.elapsed() })
    }

    /// Converges the app, unless that is left to others.
    ///
    /// # Errors
    /// When AWS cannot be read at all, lastingly.
    pub async fn go_on(&self, desired: &Desired, watching: &Watching) -> Result<Exit, Failure> {
        match watching.no_wait {
            true => Ok(Exit::Fine),
            false => watch::converge(&self.session, desired, &self.options(watching)).await,
        }
    }

    /// Whether what somebody turned down has given way to what serves in its place, though nothing else can be done about the
    /// app: its manifest has errors, or contradicts what there is.
    pub fn gave_way(&self, intent: &Intent, ending: &Ending) -> bool {
        let Some(plan) = ending.plan.app(&self.app.scope.app) else { return false };
        let is_back = plan.from.is_some() && plan.from == intent.serves && plan.from != Some(intent.generation);
        ending.outcome == Outcome::Failed && plan.change == Change::Error && is_back
    }

    /// Records what was decided about it, if it is still the same.
    ///
    /// # Errors
    /// When it is not, or AWS refuses.
    pub async fn record(&self, intent: Intent) -> Result<(), Failure> {
        let plan = AppPlan { actions: intent.actions, ..self.plan.clone() };
        let state = std::sync::Mutex::new(LiveState::new([&plan.app], terminal::paint()));
        let sink = |event| {
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for line in state.fold(&event) {
                terminal::say(&line);
            }
        };
        if let Some(record) = intent.withdraws {
            self.still_holds(&plan).await?;
            self.withdraw(record).await;
        }
        if plan.actions.is_empty() {
            return Ok(());
        }
        match execute(&self.session.aws, &self.session.clock, &plan, &self.app.scope, &sink).await {
            Executed::Complete | Executed::Stopped => {
                self.note(intent.decision).await;
                Ok(())
            }
            Executed::Stale => Err(self.changed_meanwhile()),
            Executed::Failed(error) => Err(error.into()),
        }
    }

    /// Reads afresh what the actions of a plan depend on, before something is written that goes ahead of them.
    async fn still_holds(&self, plan: &AppPlan) -> Result<(), Failure> {
        let expects: Vec<_> = plan.actions.iter().flat_map(|planned| planned.expects.iter().cloned()).collect();
        match recheck(&self.session.aws.for_calls(), &self.app.scope.environment, &expects).await {
            Ok(()) => Ok(()),
            Err(Recheck::Stale(_)) => Err(self.changed_meanwhile()),
            Err(Recheck::Failed(error)) => Err(error.into()),
        }
    }

    fn changed_meanwhile(&self) -> Failure {
        Failure::new(format!("{} has changed meanwhile", self.app.scope))
            .help("look at it with `amiable status`, and try again")
    }

    /// Whether the deployed state is the one that was looked at: written over, the decision of another process would be lost.
    async fn is_still_recorded(&self) -> bool {
        let scope = &self.app.scope;
        let mut fresh = self.look.observed.clone();
        let before = fresh.details.deployed.remove(&scope.app);
        let wants = BTreeSet::from([Want::Deployed(scope.app.clone())]);
        let read = fulfil(&self.session.aws, &scope.environment, &mut fresh, &wants).await;
        read.is_ok() && fresh.details.deployed.get(&scope.app) == before.as_ref()
    }

    /// Withdraws the deployed state that is turned down, so that no other environment takes it over. What serves goes back all
    /// the same where that fails.
    async fn withdraw(&self, record: Box<DeployedRecord>) {
        let parameter = self.app.scope.parameter_name();
        if !self.is_still_recorded().await {
            return terminal::say(&format!(
                "warning: the deployed state in {parameter} has changed meanwhile or cannot be read, so that it was left as it \
                 is; the same command once more looks at it again"
            ));
        }
        let action = Action::PutDeployedRecord { parameter, record };
        if let Err(error) = perform(&self.session.aws, &self.app.scope, &action).await {
            let why = error.explained();
            terminal::say(&format!(
                "warning: the deployed state still names it, and other environments may go by that: {why}"
            ));
        }
    }

    /// Notes the decision for those who ask later. The mark is set, so that a failure here is no failure of the command.
    async fn note(&self, decision: Decision) {
        let parameter = self.app.scope.decisions_name();
        let action = Action::PutDecision { parameter, decision: Box::new(decision) };
        if let Err(error) = perform(&self.session.aws, &self.app.scope, &action).await {
            terminal::say(&format!(
                "warning: the command took effect, but it could not be written down for `amiable events`: {}",
                error.explained()
            ));
        }
    }

    /// What a person says about the app, for the planner.
    pub fn about<'b>(&'b self, desired: &'b Desired, why: Option<&'b str>) -> About<'b> {
        About::new(desired, &self.app, &self.look.observed, why, self.session.clock.now())
    }

    /// Converging this app alone.
    pub fn options(&self, watching: &Watching) -> Options {
        watching.options(Some(BTreeSet::from([self.app.scope.app.clone()])))
    }
}
