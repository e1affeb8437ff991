//! `amiable events`: what happened to an app, and why.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _};

use super::exit::Exit;
use super::failure::Failure;
use super::listing::Listing;
use super::selection::{self, Environment};
use super::session::Session;
use super::{Global, terminal};
use crate::aws::{self, Aws};
use crate::model::desired::Desired;
use crate::model::names::{AppName, Generation, Scope};
use crate::model::observed::{Group, Read};
use crate::model::spec::CanaryStep;
use crate::model::time::Span;
use crate::report::events::{self, Happening, Traces};
use crate::report::words;

/// How many apps are asked about at once.
const AT_ONCE: usize = 4;

/// Of how many generations, the newest first, the scaling activities are read.
const GENERATIONS: usize = 20;

/// Show what happened to an app, and why, the newest last
#[derive(Debug, Args)]
pub struct Events {
    /// The app; without it, all of them, which takes some calls for each
    app: Option<AppName>,
    #[command(flatten)]
    environment: Environment,
    /// Only what happened this long ago or later, such as 24h
    #[arg(long, value_name = "SPAN")]
    since: Option<Span>,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Listing,
}

impl Events {
    /// Reads what is left of the past, and puts it in order.
    ///
    /// # Errors
    /// When the manifests are wrong, or AWS cannot be read.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let scopes: Vec<Scope> = match &self.app {
            Some(name) => vec![Scope::new(name.clone(), desired.name.clone())],
            None => desired.apps.values().map(|app| app.scope.clone()).collect(),
        };
        let session = Session::open(global, &desired).await;
        let look = session.look(&desired).await?;
        let groups = match &look.observed.groups {
            Read::Known(groups) => groups,
            Read::Unknown(why) => {
                return Err(Failure::new(format!("the groups cannot be read: {}", words::plain(why))));
            }
        };
        let of = |scope: &Scope| groups.values().filter(|group| group.owner.app == scope.app).collect::<Vec<&Group>>();
        let aws = &session.aws;
        let told: Vec<Vec<Happening>> = futures::stream::iter(&scopes)
            .map(|scope| happenings(aws, scope, of(scope), steps(&desired, &scope.app)))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut told: Vec<Happening> = told.into_iter().flatten().collect();
        if let (Some(name), true) = (&self.app, told.is_empty()) {
            // What runs without a manifest has a past all the same.
            selection::app(&desired, name)?;
        }
        told.sort_by_key(|happening| happening.at);
        if let Some(since) = self.since {
            let now = session.clock.now();
            told.retain(|happening| since.after(happening.until.unwrap_or(happening.at)) >= now);
        }
        if told.is_empty() && self.output.is_for_people() {
            terminal::say("nothing has happened that can still be told");
            return Ok(Exit::Fine);
        }
        let names = told.iter().map(|happening| happening.generation);
        self.output.print(&told, |wide| events::table(&told, wide), names)?;
        Ok(Exit::Fine)
    }
}

/// What is left of one app's past, put together.
///
/// # Errors
/// When AWS cannot be read.
pub async fn happenings(
    aws: &Aws,
    scope: &Scope,
    groups: Vec<&Group>,
    canary: Vec<CanaryStep>,
) -> Result<Vec<Happening>, Failure> {
    let (records, decisions, failures) = futures::join!(
        aws::history::history(aws, scope),
        aws::history::decisions(aws, scope),
        aws::history::failures(aws, scope)
    );
    let records = understood(records?, &scope.parameter_name());
    let decisions = understood(decisions?, &scope.decisions_name());
    let failures = understood(failures?, &scope.failures_name());
    let mut known: BTreeSet<Generation> = groups.iter().map(|group| group.owner.generation).collect();
    known.extend(records.iter().map(|record| record.generation));
    known.extend(decisions.iter().map(|decision| decision.generation));
    known.extend(failures.iter().map(|failure| failure.generation));
    let mut activities = BTreeMap::new();
    for generation in known.into_iter().rev().take(GENERATIONS) {
        activities.insert(generation, aws::history::activities(aws, &scope.generation_name(generation)).await?);
    }
    Ok(events::timeline(&Traces { scope, groups, records, decisions, failures, activities, canary }))
}

/// The steps of an app's canary, if its manifest has some.
fn steps(desired: &Desired, app: &AppName) -> Vec<CanaryStep> {
    let canary = desired.apps.get(app).and_then(|app| app.spec.strategy.canary.as_ref());
    canary.map(|canary| canary.steps.clone()).unwrap_or_default()
}

/// What of a parameter's versions can be understood; of the others it is said that they are left out.
pub fn understood<T>(versions: Vec<(i64, Read<T>)>, parameter: &str) -> Vec<T> {
    let known = versions.into_iter().filter_map(|(version, read)| match read {
        Read::Known(value) => Some(value),
        Read::Unknown(why) => {
            let why = words::plain(&why);
            terminal::say(&format!("warning: version {version} of {parameter} is left out: {why}"));
            None
        }
    });
    known.collect()
}
