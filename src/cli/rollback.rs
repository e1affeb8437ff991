//! `amiable rollback`: turns down the newest release; what served before it serves again, at once.

use std::collections::BTreeSet;

use clap::Args;

use super::apply::Watching;
use super::exit::Exit;
use super::failure::Failure;
use super::operator::{self, Case};
use super::selection::Environment;
use super::{Global, terminal, watch};
use crate::controller::converge::Outcome;
use crate::model::names::AppName;
use crate::model::observed::{Failure as TurnedDown, Group};
use crate::model::plan::AppPlan;
use crate::model::tags;
use crate::report::history::person;

/// Go back to what served before, at once
///
/// The release that is turned down is not tried again until its manifest changes or `amiable retry` says so.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The app
    app: AppName,
    #[command(flatten)]
    environment: Environment,
    /// Why; shown wherever the release is
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    watching: Watching,
}

impl Rollback {
    /// Marks the release as turned down, and converges.
    ///
    /// # Errors
    /// When there is nothing to go back to, or AWS refuses.
    pub async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let desired = self.environment.one(global)?;
        let case = Case::open(global, &desired, &self.app).await?;
        let groups = case.groups()?;
        let way = way_back(&case.plan, &groups)?;
        let (down, back) = (way.down.owner.generation, way.back.owner.generation);
        if !self.watching.yes {
            let question =
                format!("Turn down {down} of {}, so that {back} serves? Only `yes` is accepted:", case.app.scope);
            match terminal::ask(&question)?.as_deref() {
                Some("yes") => {}
                Some(_) => return Err(Failure::new("nothing was changed")),
                None => return Err(Failure::usage("nobody is at the terminal to say yes").help("add --yes")),
            }
        }
        let by = person(&case.look.observed.caller);
        let reason = match &self.reason {
            Some(reason) => format!("rolled back by {by}: {reason}"),
            None => format!("rolled back by {by}"),
        };
        let failure = TurnedDown { at: case.session.clock.now(), reason: reason.clone() };
        case.tag(way.down, tags::encode_failure(&failure), reason).await?;
        let (outcome, plan) = watch::outcome(&case.session, &desired, &case.options(&self.watching)).await?;
        let serves = plan.app(&self.app).and_then(|app| app.from);
        if matches!(outcome, Outcome::ReleaseFailed | Outcome::Converged | Outcome::Blocked) && serves == Some(back) {
            terminal::say(&format!(
                "{back} serves; {down} is not tried again until its manifest changes or `amiable retry {}`",
                self.app
            ));
            return Ok(Exit::Fine);
        }
        watch::conclude(outcome, &plan, Some(&BTreeSet::from([self.app])));
        Ok(watch::exit(outcome))
    }
}

/// What is turned down, and what serves then.
#[derive(Debug)]
struct Way<'g> {
    down: &'g Group,
    back: &'g Group,
}

/// A release that is on its way is turned down before it takes over; otherwise the one that serves.
fn way_back<'g>(plan: &AppPlan, groups: &[&'g Group]) -> Result<Way<'g>, Failure> {
    let Some(serving) = operator::of(groups, plan.from) else {
        return Err(Failure::new(format!("nothing of {} serves", plan.app)));
    };
    let coming = operator::of(groups, plan.to).filter(|group| group.name != serving.name);
    if let Some(down) = coming.filter(|group| group.owner.failed.is_none()) {
        return Ok(Way { down, back: serving });
    }
    let warm = |group: &&&Group| {
        group.name != serving.name
            && group.owner.failed.is_none()
            && group.owner.shifted_at.is_some()
            && group.desired > 0
            && group.owner.slot.is_some()
            && group.owner.slot != serving.owner.slot
    };
    match groups.iter().rev().find(warm) {
        Some(back) => Ok(Way { down: serving, back }),
        None => Err(Failure::new(format!("no earlier generation of {} is warm any more", plan.app)).help(
            "deploy an earlier image: `amiable history` lists them, `amiable image set` writes one into the manifest",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::Generation;
    use crate::report::samples;

    fn down_and_back(plan: &AppPlan, groups: &[&Group]) -> Result<(String, String), String> {
        match way_back(plan, groups) {
            Ok(way) => Ok((way.down.owner.generation.to_string(), way.back.owner.generation.to_string())),
            Err(failure) => Err(failure.message),
        }
    }

    #[test]
    fn what_is_on_its_way_is_turned_down_first_and_then_what_serves() {
        let observed = samples::observed();
        let groups = observed.groups.known().unwrap();
        let (old, new) = (&groups["hello-world-prod-v041"], &groups["hello-world-prod-v042"]);
        let rolling_out = samples::rolling_out();
        assert_eq!(down_and_back(&rolling_out, &[old, new]), Ok(("v042".into(), "v041".into())));
        let shifted = AppPlan { from: Some(Generation(42)), ..samples::rolling_out() };
        assert_eq!(down_and_back(&shifted, &[old, new]), Ok(("v042".into(), "v041".into())));
    }

    #[test]
    fn without_a_warm_generation_there_is_no_way_back() {
        let observed = samples::observed();
        let groups = observed.groups.known().unwrap();
        let (fine, tombstone) = (&groups["flaky-prod-v003"], &groups["flaky-prod-v004"]);
        let plan = AppPlan { from: Some(Generation(3)), to: Some(Generation(3)), ..samples::unchanged("flaky") };
        let refusal = Err("no earlier generation of flaky is warm any more".to_owned());
        assert_eq!(down_and_back(&plan, &[fine, tombstone]), refusal);
    }
}
