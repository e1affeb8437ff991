//! What runs where: one row for every app.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::mark::Mark;
use crate::model::names::{AppName, EnvironmentName, Generation};
use crate::model::observed::{Group, Image, Observed};
use crate::model::plan::{Answers, AppPlan, Change, Exposed, Plan, Wellbeing};
use crate::model::release;
use crate::model::time::Timestamp;

use super::table::{finish, plain_table};
use super::{unwatched, words};

/// One app in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The environment.
    pub environment: EnvironmentName,
    /// The app.
    pub app: AppName,
    /// The generation that serves, such as `v042`.
    pub release: Option<String>,
    /// Its image.
    pub image: Option<String>,
    /// The version that was given with the image, or else the image's name.
    pub version: Option<String>,
    /// The branch that it was built from.
    pub branch: Option<String>,
    /// The commit that it was built from.
    pub commit: Option<String>,
    /// When it was built.
    pub build_date: Option<String>,
    /// Its instances in service and wanted.
    pub instances: Option<Instances>,
    /// How they do, as the load balancer sees them; nothing where that was not looked at.
    pub health: Option<Wellbeing>,
    /// What goes on, in a few words.
    pub state: String,
    /// What has traffic and has not proved itself, if there is such a generation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposed: Option<Exposure>,
    /// Since when it serves.
    pub since: Option<Timestamp>,
    /// Where it answers; null for what has no load balancer, or where that cannot be told.
    pub answers: Option<Answers>,
    /// The Auto Scaling group of what serves.
    pub group: Option<String>,
}

/// A generation that has traffic and has not proved itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exposure {
    /// The generation, such as `v042`.
    pub release: String,
    /// Its share of the traffic, in percent; nothing for a worker.
    pub share: Option<u32>,
    /// The generation that could take the traffic back.
    pub back: Option<String>,
    /// When it will have been watched for long enough; nothing while a canary goes through its steps.
    pub until: Option<Timestamp>,
    /// The last sign of somebody who watches it.
    pub watched_at: Timestamp,
    /// Whether that is so long ago that nobody can be watching it now.
    pub unwatched: bool,
}

impl Exposure {
    fn of(exposed: &Exposed, now: Timestamp) -> Self {
        Self {
            release: exposed.generation.to_string(),
            share: exposed.share,
            back: exposed.back.map(|back| back.to_string()),
            until: exposed.until,
            watched_at: exposed.watched_at,
            unwatched: exposed.unwatched_for(now).is_some(),
        }
    }
}

/// How many instances there are of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instances {
    /// In service and healthy.
    pub in_service: u32,
    /// Wanted.
    pub desired: u32,
    /// On their way out.
    #[serde(skip_serializing_if = "is_zero")]
    pub leaving: u32,
}

impl Instances {
    pub(super) fn of(group: &Group) -> Self {
        let leaving = group.instances.iter().filter(|instance| instance.lifecycle.starts_with("Terminating"));
        Self { in_service: group.in_service(), desired: group.desired, leaving: leaving.count() as u32 }
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The rows of an environment, by app.
pub fn rows(observed: &Observed, plan: &Plan) -> Vec<Row> {
    plan.apps.iter().map(|app| row(observed, plan, app)).collect()
}

fn row(observed: &Observed, plan: &Plan, app: &AppPlan) -> Row {
    let group = app.from.and_then(|generation| group(observed, &app.app, generation));
    Row {
        environment: plan.environment.clone(),
        app: app.app.clone(),
        release: app.from.map(|generation| generation.to_string()),
        image: group.map(|group| group.owner.image.clone()),
        version: group.and_then(|group| version(observed, group)),
        branch: group.and_then(|group| said(observed, group, "branch")),
        commit: group.and_then(|group| said(observed, group, "commit")),
        build_date: group.and_then(|group| said(observed, group, "buildDate")),
        instances: group.map(Instances::of),
        health: app.wellbeing.clone(),
        state: state(observed, app, plan.at),
        exposed: app.exposed.as_ref().map(|exposed| Exposure::of(exposed, plan.at)),
        since: group.map(serving_since),
        answers: app.answers.clone(),
        group: group.map(|group| group.name.clone()),
    }
}

/// The group of a generation, if groups could be read and it is there.
pub(super) fn group<'a>(observed: &'a Observed, app: &AppName, generation: Generation) -> Option<&'a Group> {
    let mut groups = observed.groups.known()?.values();
    groups.find(|group| &group.owner.app == app && group.owner.generation == generation)
}

/// The version that was given with the image; without one, and without a commit, the image's name.
pub(super) fn version(observed: &Observed, group: &Group) -> Option<String> {
    let name = image(observed, group).map(|image| image.name.as_str());
    release::version(&release(observed, group), name).map(words::plain)
}

fn said(observed: &Observed, group: &Group, what: &str) -> Option<String> {
    release(observed, group).get(what).map(|text| words::plain(text))
}

/// What is said of a group's release: by its tags, and where they say nothing by the image.
pub(super) fn release(observed: &Observed, group: &Group) -> BTreeMap<String, String> {
    let mut said = image(observed, group).map(Image::release).unwrap_or_default();
    said.extend(group.owner.release.clone());
    said
}

fn image<'a>(observed: &'a Observed, group: &Group) -> Option<&'a Image> {
    observed.images.get(&group.owner.image)?.known()?.as_ref()
}

/// Since when a group serves; since it was created, when it has not begun to.
pub(super) fn serving_since(group: &Group) -> Timestamp {
    group.owner.shifted_at.unwrap_or(group.created_at)
}

/// What goes on with an app, in a few words: `serving`, `rolling out v042: healthy 3/6`, `blocked: …`; and who has paused it.
pub fn state(observed: &Observed, app: &AppPlan, now: Timestamp) -> String {
    let state = with_health(app, with_watch(app, without_pause(observed, app), now));
    // What it is blocked by comes first.
    let says_why = app.change == Change::Blocked && app.failure.is_none();
    match paused(observed, app).filter(|_| !says_why) {
        Some(mark) => format!("{state}; paused by {}", words::plain(&mark.said())),
        None => state,
    }
}

/// The same, but a release that has traffic and that nobody watches does not roll out: it is in danger until somebody goes on.
fn with_watch(app: &AppPlan, state: String, now: Timestamp) -> String {
    let Some(exposed) = &app.exposed else { return state };
    let Some(silence) = exposed.unwatched_for(now) else { return state };
    let (generation, stands, name) = (exposed.generation, unwatched::stands(exposed), &app.app);
    let unwatched =
        format!("unwatched for {silence}: {generation} {stands}; `amiable apply {name}` goes on watching it");
    if state.starts_with("rolling out") { unwatched } else { format!("{state}; {unwatched}") }
}

/// The same after how what serves does: what is sick serves nobody, and says so first.
fn with_health(app: &AppPlan, state: String) -> String {
    match words::trouble(app) {
        None => state,
        Some(trouble) if app.is_sick() => match state.strip_prefix("serving") {
            Some(rest) => format!("{trouble}{rest}"),
            None => format!("{trouble}; {state}"),
        },
        Some(trouble) => match state.strip_prefix("serving") {
            Some(rest) => format!("serving, {trouble}{rest}"),
            None => format!("{state}; {trouble}"),
        },
    }
}

/// Who has paused the app, if somebody has.
fn paused<'a>(observed: &'a Observed, app: &AppPlan) -> Option<&'a Mark> {
    let groups = observed.groups.known()?.values().filter(|group| group.owner.app == app.app);
    let marks = groups.filter(|group| group.owner.failed.is_none()).filter_map(|it| it.owner.marks.paused.as_ref());
    marks.max_by_key(|mark| mark.at)
}

fn without_pause(observed: &Observed, app: &AppPlan) -> String {
    match app.change {
        Change::Error => format!("error: {}", words::plain(&app.reason)),
        Change::Blocked if app.failure.is_some() => words::plain(&app.reason),
        Change::Blocked => format!("blocked: {}", words::plain(&app.reason)),
        Change::Orphaned => "orphaned: in no manifest".to_owned(),
        Change::Destroy => match words::current(&app.steps) {
            Some(step) => format!("being deleted: {}", words::step(step)),
            None => "to be deleted".to_owned(),
        },
        Change::Create | Change::Replace if words::is_rolling_out(app) => rolling_out(app),
        Change::Create => "not deployed".to_owned(),
        Change::Replace => match app.to {
            Some(to) => format!("serving; {to} to come"),
            None => "serving; a release to come".to_owned(),
        },
        Change::Update => format!("serving; to change: {}", paths(app.fields.iter().map(|field| &field.path))),
        Change::Drift => format!("drifted: {}", paths(app.drift.iter().map(|field| &field.path))),
        Change::Unchanged => match (app.from, failure(observed, app)) {
            (Some(_), Some(failure)) => format!("serving; {failure}"),
            (Some(_), None) => match newer(app) {
                Some(newer) => format!("serving; newer: {newer}"),
                None => "serving".to_owned(),
            },
            (None, Some(failure)) => failure,
            (None, None) if !app.reason.is_empty() => words::plain(&app.reason),
            (None, None) => "not deployed".to_owned(),
        },
    }
}

/// A newer image, which waits for a person.
fn newer(app: &AppPlan) -> Option<String> {
    let newer = app.image.as_ref()?.newer.as_ref()?;
    let until = newer.until.map(|until| format!(", from {until} on")).unwrap_or_default();
    Some(format!("{} (`amiable promote`{until})", release::image(&newer.id, &newer.release)))
}

fn rolling_out(app: &AppPlan) -> String {
    let what = match words::is_going_back(&app.steps) {
        true => format!("going back to {}", words::generations(None, app.to)),
        false => format!("rolling out {}", words::generations(None, app.to)),
    };
    match words::current(&app.steps) {
        Some(step) => format!("{what}: {}", words::step(step)),
        None => what,
    }
}

/// The newest generation above the serving one that failed or was turned down: `v043 failed: …`.
fn failure(observed: &Observed, app: &AppPlan) -> Option<String> {
    let groups = observed.groups.known()?.values().filter(|group| group.owner.app == app.app);
    let newest = groups.max_by_key(|group| group.owner.generation)?;
    newest.owner.failed.as_ref().filter(|_| Some(newest.owner.generation) > app.from)?;
    Some(words::plain(&newest.owner.how_it_ended()))
}

fn paths<'a>(paths: impl Iterator<Item = &'a String>) -> String {
    paths.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// `rows` as a table. The environment has a column when there are several, and in a wide one. That tells besides since when each
/// serves, its group and where it answers, and shortens neither commits nor dates.
pub fn table(rows: &[Row], now: Timestamp, wide: bool) -> String {
    let several = wide || rows.iter().any(|row| row.environment != rows[0].environment);
    let mut table = plain_table();
    let mut header = vec!["APP", "RELEASE", "IMAGE", "VERSION", "COMMIT", "BUILT", "INSTANCES", "AGE", "STATE"];
    if several {
        header.insert(0, "ENV");
    }
    if wide {
        header.splice(header.len() - 1..header.len() - 1, ["SINCE", "GROUP", "ANSWERS AT", "LOAD BALANCER"]);
    }
    table.set_header(header);
    for row in rows {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        // What is in service for its group may be sick for the load balancer, which sends it the requests.
        let healthy = row.health.as_ref().and_then(|health| health.healthy);
        let good = |count: Instances| healthy.map_or(count.in_service, |healthy| healthy.min(count.in_service));
        let instances = row.instances.map(|count| format!("{}/{}", good(count), count.desired));
        let built = row.build_date.clone().map(|date| if wide { date } else { release::day(&date) });
        let whole = || [&row.branch, &row.commit].into_iter().flatten().cloned().collect::<Vec<_>>().join("@");
        let commit = if wide { Some(whole()).filter(|text| !text.is_empty()) } else { commit(row) };
        let mut cells = vec![
            row.app.to_string(),
            or_dash(&row.release),
            or_dash(&row.image),
            or_dash(&row.version),
            or_dash(&commit),
            or_dash(&built),
            or_dash(&instances),
            or_dash(&row.since.map(|since| words::age(since, now))),
            row.state.clone(),
        ];
        if several {
            cells.insert(0, row.environment.to_string());
        }
        if wide {
            let answers = row.answers.as_ref();
            let urls = answers.map(|answers| words::plain(&answers.urls.join(" "))).filter(|urls| !urls.is_empty());
            let balancer = answers.and_then(|answers| answers.load_balancer.clone());
            let since = row.since.map(|since| since.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
            let more = [&since, &row.group, &urls, &balancer].map(or_dash);
            cells.splice(cells.len() - 1..cells.len() - 1, more);
        }
        table.add_row(cells);
    }
    finish(&table)
}

/// `main@3f2c1ab`.
pub(super) fn commit(row: &Row) -> Option<String> {
    let said = [("branch", &row.branch), ("commit", &row.commit)];
    let said = said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    release::commit(&said.collect())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::report::samples;

    #[test]
    fn every_app_has_a_row_and_every_state_its_words() {
        let observed = samples::observed();
        let mut plan = samples::everything();
        plan.apps.push(samples::rolling_out());
        plan.apps.push(samples::going_back());
        plan.apps.push(samples::rolled_back());
        let mut failed = samples::unchanged("flaky");
        failed.from = Some(Generation(3));
        plan.apps.push(failed);
        assert_snapshot!(table(&rows(&observed, &plan), samples::at("12:00:00"), false), @"
        APP          RELEASE  IMAGE     VERSION  COMMIT  BUILT  INSTANCES  AGE  STATE
        billing      v007     –         –        –       –      –          –    serving; to change: instances.max
        cart         v003     –         –        –       –      –          –    drifted: instances.max, dns.name
        hello-world  v041     ami-0041  1.41.0   –       –      6/6        12d  serving; v042 to come
        legacy       v009     –         –        –       –      –          –    to be deleted
        mailer       –        –         –        –       –      –          –    error: image ami-0999 does not exist in us-west-2
        old-search   –        –         –        –       –      –          –    orphaned: in no manifest
        orders       –        –         –        –       –      –          –    not deployed
        search       v005     –         –        –       –      –          –    blocked: suspended until Mon 08:00 UTC (incident 42)
        web          v001     ami-0001  1.1.0    –       –      1/2        3m   serving
        worker       v001     –         –        –       –      –          –    serving
        hello-world  v041     ami-0041  1.41.0   –       –      6/6        12d  rolling out v042: healthy 3/6
        hello-world  v042     ami-0042  1.42.0   –       –      3/6        3m   going back to v041: shift back to v041
        hello-world  v041     ami-0041  1.41.0   –       –      6/6        12d  v042 failed: 3 of 6 instances healthy after 20m; i-0425 (Target.ResponseCodeMismatch); v041 serves until the manifest changes or `amiable retry`
        flaky        v003     ami-0003  1.3.0    –       –      2/2        5h   serving; v004 failed: 0 of 2 instances became healthy within 20m
        ");
    }

    #[test]
    fn a_release_that_has_traffic_is_unwatched_once_nobody_has_given_a_sign_for_too_long() {
        let (observed, app) = (samples::observed(), samples::rolling_out());
        let said = |exposed: Exposed| {
            let app = AppPlan { exposed: Some(exposed), ..app.clone() };
            let row = rows(&observed, &samples::plan(vec![app])).remove(0);
            (row.state, row.exposed.map(|exposed| exposed.unwatched))
        };
        let at = |time| Exposed { watched_at: samples::at(time), ..samples::exposed() };
        assert_eq!(said(at("11:58:00")), ("rolling out v042: healthy 3/6".to_owned(), Some(false)));
        let unwatched =
            "unwatched for 12m: v042 has 5% of the traffic; `amiable apply hello-world` goes on watching it";
        assert_eq!(said(at("11:48:00")), (unwatched.to_owned(), Some(true)));
    }

    #[test]
    fn several_environments_have_a_column() {
        let observed = samples::observed();
        let prod = samples::plan(vec![samples::unchanged("web")]);
        let mut test = prod.clone();
        test.environment = "test".parse().unwrap();
        let rows: Vec<Row> = [prod, test].iter().flat_map(|plan| rows(&observed, plan)).collect();
        assert_snapshot!(table(&rows, samples::at("12:00:00"), false), @"
        ENV   APP  RELEASE  IMAGE     VERSION  COMMIT  BUILT  INSTANCES  AGE  STATE
        prod  web  v001     ami-0001  1.1.0    –       –      1/2        3m   serving
        test  web  v001     ami-0001  1.1.0    –       –      1/2        3m   serving
        ");
    }
}
