//! What happened to an app, and why: a timeline, put together from what the world still shows.
//!
//! Nothing is kept for it. Groups tell by their tags when they were launched, took over and failed, and what was said about
//! them; Auto Scaling tells what it could not launch and what it replaced; Parameter Store what was deployed and who decided
//! what. What is gone with a group (when it was launched, when it took over) is told no more.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::model::autopsy::{Console, FailureRecord};
use crate::model::decision::{Decision, Verb};
use crate::model::mark::Mark;
use crate::model::names::{AppName, EnvironmentName, Generation, Scope};
use crate::model::observed::{Activity, Group};
use crate::model::record::DeployedRecord;
use crate::model::spec::CanaryStep;
use crate::model::time::{Span, Timestamp};

use super::history::person;
use super::table::{finish, plain_table};
use super::words;

/// How far apart two traces of one thing may be: the tag is written after the record, the mark beside the decision.
const SAME: Span = Span::minutes(2);

/// What is left of an app's past.
#[derive(Clone, Debug)]
pub struct Traces<'a> {
    /// The app and its environment.
    pub scope: &'a Scope,
    /// Its groups.
    pub groups: Vec<&'a Group>,
    /// Its deployed states.
    pub records: Vec<DeployedRecord>,
    /// What people decided about it.
    pub decisions: Vec<Decision>,
    /// Why generations of it failed.
    pub failures: Vec<FailureRecord>,
    /// Scaling activities of its groups, those that are gone as well.
    pub activities: BTreeMap<Generation, Vec<Activity>>,
    /// The steps of its canary, if its manifest has some.
    pub canary: Vec<CanaryStep>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Happening {
    /// When; of something that happened again and again, when it began.
    pub at: Timestamp,
    /// The environment.
    pub environment: EnvironmentName,
    /// The app.
    pub app: AppName,
    /// The generation, such as `v042`.
    #[serde(serialize_with = "as_text")]
    pub generation: Generation,
    /// What.
    #[serde(serialize_with = "as_text")]
    pub what: What,
    /// By whom, where it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, or what exactly; empty when there is no more to say.
    pub why: String,
    /// How often in a row, when more than once.
    #[serde(skip_serializing_if = "is_once")]
    pub times: usize,
    /// When it happened last, if that was more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What an instance of a generation that failed said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its group was created.
    Launched,
    /// All its instances were healthy; the last time that this began.
    Healthy,
    /// A step of a canary was done.
    Canary,
    /// It passed checks, or got a consent.
    Passed,
    /// It took the traffic, or over the work.
    TookOver,
    /// It had proved itself, and was recorded.
    Deployed,
    /// Its release failed.
    Failed,
    /// A person turned it down, and the decision was not recorded.
    TurnedDown,
    /// An instance could not be launched, or ended.
    Trouble,
    /// An instance was taken out of service for its health.
    Replaced,
    /// A person decided something.
    Decided(Verb),
}

impl std::fmt::Display for What {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            What::Launched => "launched",
            What::Healthy => "healthy",
            What::Canary => "canary",
            What::Passed => "passed",
            What::TookOver => "took over",
            What::Deployed => "deployed",
            What::Failed => "failed",
            What::TurnedDown => "turned down",
            What::Trouble => "launch failed",
            What::Replaced => "replaced",
            What::Decided(verb) => verb.as_str(),
        })
    }
}

fn as_text<S: Serializer>(it: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(it)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_once(times: &usize) -> bool {
    *times == 1
}

/// Everything that happened to an app as far as it can still be told, oldest first.
pub fn timeline(traces: &Traces<'_>) -> Vec<Happening> {
    let mut told = Teller { scope: traces.scope, canary: &traces.canary, told: Vec::new() };
    for record in &traces.records {
        let by = Some(person(&record.deployed_by).to_owned());
        told.tell(record.deployed_at, record.generation, What::Deployed, by, image(&record.image, &record.release));
    }
    for decision in &traces.decisions {
        let to = decision.to.as_ref().map(|to| format!("to {to}"));
        let why: Vec<&str> = to.as_deref().into_iter().chain(decision.why.as_deref()).collect();
        let by = Some(person(&decision.by).to_owned());
        told.tell(decision.at, decision.generation, What::Decided(decision.what), by, why.join(": "));
    }
    for failure in &traces.failures {
        told.failure(failure);
    }
    for group in &traces.groups {
        told.group(group);
    }
    for (generation, activities) in &traces.activities {
        told.activities(*generation, activities);
    }
    // Stable: what is told of one moment stays in the order above.
    told.told.sort_by_key(|happening| (happening.at, happening.generation));
    told.told
}

struct Teller<'a> {
    scope: &'a Scope,
    canary: &'a [CanaryStep],
    told: Vec<Happening>,
}

impl Teller<'_> {
    fn tell(&mut self, at: Timestamp, generation: Generation, what: What, by: Option<String>, why: String) {
        let Scope { app, environment, .. } = self.scope.clone();
        self.told.push(Happening {
            at,
            environment,
            app,
            generation,
            what,
            by,
            why: words::plain(&why),
            times: 1,
            until: None,
            console: None,
        });
    }

    /// A failure that was kept in whole. Its later versions have a console, too, and take the place of earlier ones.
    fn failure(&mut self, kept: &FailureRecord) {
        let is_same =
            |told: &Happening| (told.at, told.generation, told.what) == (kept.at, kept.generation, What::Failed);
        self.told.retain(|told| !is_same(told));
        let console = kept.console.as_ref().map(|console| format!("; {}", console.last_words())).unwrap_or_default();
        self.tell(kept.at, kept.generation, What::Failed, None, format!("{}{console}", kept.reason));
        if let Some(told) = self.told.last_mut() {
            told.console = kept.console.clone();
        }
    }

    /// Whether this was told already by another trace of it.
    fn is_told(&self, at: Timestamp, generation: Generation, what: &[What]) -> bool {
        let near = |other: Timestamp| at.duration_since(other).unsigned_abs() <= SAME.as_duration();
        self.told.iter().any(|told| told.generation == generation && what.contains(&told.what) && near(told.at))
    }

    fn group(&mut self, group: &Group) {
        let owner = &group.owner;
        let generation = owner.generation;
        self.tell(group.created_at, generation, What::Launched, None, image(&owner.image, &owner.release));
        if let Some(at) = owner.healthy_since {
            self.tell(at, generation, What::Healthy, None, String::new());
        }
        if let Some(step) = &owner.canary {
            self.tell(step.at, generation, What::Canary, None, canary(self.canary, step.done));
        }
        if let Some(at) = owner.checks.smoked_at {
            self.tell(at, generation, What::Passed, None, "smoke checks".to_owned());
        }
        for (phase, at) in &owner.checks.approved {
            self.tell(*at, generation, What::Passed, None, format!("the webhook, {}", phase.said()));
        }
        if let Some(at) = owner.shifted_at {
            self.tell(at, generation, What::TookOver, None, String::new());
        }
        if let Some(at) = owner.recorded_at.filter(|at| !self.is_told(*at, generation, &[What::Deployed])) {
            self.tell(at, generation, What::Deployed, None, image(&owner.image, &owner.release));
        }
        let marks = &owner.marks;
        for (verb, mark) in [
            (Verb::Pause, &marks.paused),
            (Verb::Promote, &marks.promoted),
            (Verb::Suspend, &marks.suspended),
            (Verb::Pin, &marks.pinned),
        ] {
            if let Some(mark) = mark {
                self.mark(generation, verb, mark);
            }
        }
        let turned_down = [What::Decided(Verb::Rollback), What::Decided(Verb::Abort), What::Failed];
        if let Some(failed) = owner.failed.as_ref().filter(|failed| !self.is_told(failed.at, generation, &turned_down))
        {
            let what = if failed.is_by_a_person() { What::TurnedDown } else { What::Failed };
            self.tell(failed.at, generation, what, None, failed.reason.clone());
        }
    }

    fn mark(&mut self, generation: Generation, verb: Verb, mark: &Mark) {
        if self.is_told(mark.at, generation, &[What::Decided(verb)]) {
            return;
        }
        let to = mark.to.as_ref().map(|to| format!("to {to}"));
        let why: Vec<&str> =
            to.iter().map(String::as_str).chain(Some(mark.why.as_str()).filter(|why| !why.is_empty())).collect();
        self.tell(mark.at, generation, What::Decided(verb), Some(mark.by.clone()), why.join(": "));
    }

    /// What its group could not do, and what it replaced. The same in a row is told once.
    fn activities(&mut self, generation: Generation, activities: &[Activity]) {
        let mut activities: Vec<&Activity> = activities.iter().collect();
        activities.sort_by_key(|activity| activity.started_at);
        let mut last: Option<(usize, Trouble<'_>)> = None;
        for activity in activities {
            let Some(trouble) = Trouble::of(activity) else { continue };
            let again = last.as_ref().filter(|(_, before)| before.is_like(&trouble)).map(|(index, _)| *index);
            if let Some(told) = again.and_then(|index| self.told.get_mut(index)) {
                told.times += 1;
                told.until = Some(activity.started_at);
                told.why = words::plain(&trouble.words(told.times));
                continue;
            }
            let (what, why) = (trouble.what(), trouble.words(1));
            last = Some((self.told.len(), trouble));
            self.tell(activity.started_at, generation, what, None, why);
        }
    }
}

/// How far a canary came: `step 3 of 4 done, with 50% of the traffic`, as far as its manifest still tells.
fn canary(steps: &[CanaryStep], done: usize) -> String {
    let behind = steps.iter().take(done).rev();
    let share =
        behind.filter_map(|step| if let CanaryStep::Weight(weight) = step { Some(*weight) } else { None }).next();
    match share.filter(|_| done <= steps.len()) {
        Some(share) => format!("step {done} of {} done, with {share}% of the traffic", steps.len()),
        None => format!("step {done} done"),
    }
}

/// What a scaling activity says that is worth telling, in AWS's words.
enum Trouble<'a> {
    /// It failed.
    Failed(&'a str),
    /// An instance was taken out of service, and why.
    Replaced { instance: &'a str, cause: &'a str },
}

impl<'a> Trouble<'a> {
    fn of(activity: &'a Activity) -> Option<Self> {
        if activity.failed() {
            return Some(Trouble::Failed(&activity.message));
        }
        let (_, cause) = activity.cause.split_once("an instance was taken out of service ")?;
        // Scaling in is what groups are for.
        if cause.contains("shrinking the capacity") {
            return None;
        }
        let instance = activity.message.trim_start_matches("Terminating EC2 instance: ");
        let instance = instance.split([' ', ',']).next().unwrap_or(instance);
        Some(Trouble::Replaced { instance, cause: cause.trim_end_matches('.') })
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Trouble::Failed(one), Trouble::Failed(other)) => one == other,
            (Trouble::Replaced { cause: one, .. }, Trouble::Replaced { cause: other, .. }) => one == other,
            _ => false,
        }
    }

    fn what(&self) -> What {
        match self {
            Trouble::Failed(_) => What::Trouble,
            Trouble::Replaced { .. } => What::Replaced,
        }
    }

    fn words(&self, times: usize) -> String {
        match self {
            Trouble::Failed(message) => (*message).to_owned(),
            Trouble::Replaced { instance, cause } if times == 1 => {
                format!("{instance} was taken out of service {cause}")
            }
            Trouble::Replaced { cause, .. } => format!("{times} instances were taken out of service {cause}"),
        }
    }
}

fn image(id: &str, release: &BTreeMap<String, String>) -> String {
    let said: Vec<&str> =
        ["version", "commit"].iter().filter_map(|key| release.get(*key)).map(String::as_str).collect();
    if said.is_empty() { id.to_owned() } else { format!("{id} ({})", said.join(", ")) }
}

/// What happened as a table, in the order given. The app has a column when there are several.
pub fn table(happenings: &[Happening], wide: bool) -> String {
    let several = wide || happenings.iter().any(|one| one.app != happenings[0].app);
    let mut table = plain_table();
    let mut header = vec!["TIME", "RELEASE", "EVENT", "BY", "WHY"];
    if several {
        header.insert(1, "APP");
    }
    table.set_header(header);
    for one in happenings {
        let mut cells = vec![
            time(one.at),
            one.generation.to_string(),
            one.what.to_string(),
            one.by.clone().unwrap_or_else(|| "–".to_owned()),
            why(one),
        ];
        if several {
            cells.insert(1, one.app.to_string());
        }
        table.add_row(cells);
    }
    finish(&table)
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn why(one: &Happening) -> String {
    let until = one.until.map(|until| until.strftime("%H:%M:%S").to_string());
    match (until, one.what) {
        (Some(until), What::Replaced) => format!("{} (until {until})", one.why),
        (Some(until), _) => format!("{} ({} times until {until})", one.why, one.times),
        (None, _) => one.why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::mark::CanaryStep;
    use crate::model::observed::Failure;
    use crate::report::samples;

    const ADA: &str = "arn:aws:sts::123456789012:assumed-role/deploy/ada";

    fn record(generation: u32, at: &str) -> DeployedRecord {
        DeployedRecord {
            app: "hello-world".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            generation: Generation(generation),
            image: format!("ami-00{generation}"),
            image_name: None,
            template_hash: "1-1ac2a2b0f4d9b5d6".parse().unwrap(),
            image_source: None,
            artifacts: BTreeMap::new(),
            release: BTreeMap::from([("version".into(), format!("1.{generation}.0"))]),
            manifests: None,
            deployed_at: samples::at(at),
            deployed_by: ADA.into(),
            turned_down: None,
        }
    }

    fn decision(what: Verb, generation: u32, at: &str, why: &str) -> Decision {
        Decision {
            app: "hello-world".parse().unwrap(),
            environment: "prod".parse().unwrap(),
            at: samples::at(at),
            by: ADA.into(),
            what,
            generation: Generation(generation),
            to: None,
            why: (!why.is_empty()).then(|| why.into()),
        }
    }

    fn activity(at: &str, status: &str, message: &str, cause: &str) -> Activity {
        let description = if cause.contains("taken out") { message } else { "Launching a new EC2 instance" };
        let (status, message, cause) = (status.into(), message.into(), cause.into());
        let (started_at, description) = (samples::at(at), description.into());
        Activity { started_at, ended_at: None, status, description, message, cause, subnet: None }
    }

    fn tell(groups: Vec<&Group>, records: Vec<DeployedRecord>, decisions: Vec<Decision>) -> Vec<Happening> {
        let no_room = "We currently do not have sufficient m7i.large capacity. Launching EC2 instance failed.";
        let sick = "At 2026-11-02T12:30:00Z an instance was taken out of service in response to an ELB system health check failure.";
        let launched = "At 2026-11-02T12:00:00Z a user request created an AutoScalingGroup changing the desired capacity from 0 to 2.";
        let activities = vec![
            activity(
                "12:30:00",
                "InProgress",
                "Terminating EC2 instance: i-0425 - Waiting For ELB connection draining.",
                sick,
            ),
            activity("12:29:00", "Successful", "Launching a new EC2 instance: i-0425", launched),
            activity("12:28:00", "Failed", no_room, launched),
            activity("12:24:00", "Failed", no_room, launched),
            activity("12:22:00", "Failed", no_room, launched),
        ];
        let scope = Scope::new("hello-world".parse().unwrap(), "prod".parse().unwrap());
        let activities = BTreeMap::from([(Generation(42), activities)]);
        timeline(&Traces {
            scope: &scope,
            groups,
            records,
            decisions,
            failures: Vec::new(),
            activities,
            canary: Vec::new(),
        })
    }

    #[test]
    fn a_timeline_is_put_together_from_tags_records_decisions_and_activities() {
        let observed = samples::observed();
        let mut group = observed.groups.known().unwrap()["hello-world-prod-v042"].clone();
        group.created_at = samples::at("12:20:00");
        group.owner.healthy_since = Some(samples::at("12:29:30"));
        group.owner.canary = Some(CanaryStep { done: 1, at: samples::at("12:29:45") });
        group.owner.shifted_at = Some(samples::at("12:29:50"));
        group.owner.failed =
            Some(Failure { at: samples::at("12:31:00"), reason: "unhealthy under traffic: i-0425".into() });
        group.owner.marks.paused = Some(Mark::new(samples::at("12:25:00"), ADA, "lunch"));
        group.owner.marks.promoted = Some(Mark::new(samples::at("12:29:55"), ADA, "").to("full"));
        let decisions = vec![decision(Verb::Pause, 42, "12:25:00", "lunch"), decision(Verb::Retry, 42, "12:40:00", "")];
        let told = tell(vec![&group], vec![record(41, "11:08:00")], decisions);
        assert_snapshot!(table(&told, false), @r"
        TIME                     RELEASE  EVENT          BY          WHY
        2026-11-02 11:08:00 UTC  v041     deployed       deploy/ada  ami-0041 (1.41.0)
        2026-11-02 12:20:00 UTC  v042     launched       –           ami-0042 (1.42.0)
        2026-11-02 12:22:00 UTC  v042     launch failed  –           We currently do not have sufficient m7i.large capacity. Launching EC2 instance failed. (3 times until 12:28:00)
        2026-11-02 12:25:00 UTC  v042     pause          deploy/ada  lunch
        2026-11-02 12:29:30 UTC  v042     healthy        –
        2026-11-02 12:29:45 UTC  v042     canary         –           step 1 done
        2026-11-02 12:29:50 UTC  v042     took over      –
        2026-11-02 12:29:55 UTC  v042     promote        ada         to full
        2026-11-02 12:30:00 UTC  v042     replaced       –           i-0425 was taken out of service in response to an ELB system health check failure
        2026-11-02 12:31:00 UTC  v042     failed         –           unhealthy under traffic: i-0425
        2026-11-02 12:40:00 UTC  v042     retry          deploy/ada
        ");
    }

    #[test]
    fn what_has_two_traces_is_told_once() {
        let observed = samples::observed();
        let mut group = observed.groups.known().unwrap()["hello-world-prod-v041"].clone();
        group.owner.recorded_at = Some(samples::at("12:08:03"));
        group.owner.failed = Some(Failure { at: samples::at("12:50:00"), reason: "rolled back by ada: slow".into() });
        let told =
            tell(vec![&group], vec![record(41, "12:08:00")], vec![decision(Verb::Rollback, 41, "12:50:00", "slow")]);
        let of = |what: What| told.iter().filter(|one| one.what == what).count();
        let said = (of(What::Deployed), of(What::TurnedDown), of(What::Decided(Verb::Rollback)));
        assert_eq!(said, (1, 0, 1));
        let told = tell(vec![&group], Vec::new(), Vec::new());
        let of = |what: What| told.iter().filter(|one| one.what == what).count();
        assert_eq!(
            (of(What::Deployed), of(What::TurnedDown)),
            (1, 1),
            "without the record and the decision the tags tell"
        );
    }

    #[test]
    fn programs_get_the_same_and_nothing_that_a_terminal_would_obey() {
        let told = tell(Vec::new(), Vec::new(), vec![decision(Verb::Abort, 42, "12:50:00", "\u{1b}[31mred")]);
        assert_eq!(
            serde_json::to_value(&told).unwrap()[2],
            serde_json::json!({
                "at": "2026-11-02T12:50:00Z", "environment": "prod", "app": "hello-world", "generation": "v042",
                "what": "abort", "by": "deploy/ada", "why": "\u{fffd}[31mred",
            })
        );
    }

    #[test]
    fn a_step_of_a_canary_is_told_with_its_share() {
        use crate::model::spec::CanaryStep;
        let steps = [CanaryStep::Weight(5), CanaryStep::Pause(None), CanaryStep::Weight(50), CanaryStep::Pause(None)];
        assert_eq!(canary(&steps, 1), "step 1 of 4 done, with 5% of the traffic");
        assert_eq!(canary(&steps, 2), "step 2 of 4 done, with 5% of the traffic");
        assert_eq!(canary(&steps, 3), "step 3 of 4 done, with 50% of the traffic");
        // The manifest has fewer steps now, or none.
        assert_eq!(canary(&steps[..1], 3), "step 3 done");
        assert_eq!(canary(&[], 1), "step 1 done");
    }
}
