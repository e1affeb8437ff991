//! The laboratory: the whole product on a simulated AWS, on virtual time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use amiable::aws::connect::{Aws, Settings};
use amiable::cli;
use amiable::cli::events::happenings;
use amiable::cli::exit::Exit;
use amiable::cli::failure::Failure;
use amiable::cli::terminal::Answers;
use amiable::clock::Clock;
use amiable::controller::converge::{Options, Outcome, converge};
use amiable::controller::snapshot::look;
use amiable::manifest::fleet;
use amiable::model::action::Action;
use amiable::model::desired::{Desired, Source};
use amiable::model::event::{Event, EventKind};
use amiable::model::observed::{Observed, Want};
use amiable::model::plan::{AppPlan, Plan};
use amiable::model::record::DeployedRecord;
use amiable::model::tags::keys;
use amiable::model::time::Timestamp;
use amiable::plan::intent::{self, About, Intent};
use amiable::sim::door::http_client::http_client;
use amiable::sim::door::prober::Within;
use amiable::sim::wire::{Params, Reply, Request};
use amiable::sim::world::World;
use amiable::sim::world::example::{SECURITY_GROUP, SUBNETS, VPC};
use amiable::sim::{Past, Simulation, api};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::invariants;
use crate::transport::{slow, standing_still};

/// One account, one directory of manifests, and the product.
pub struct Lab {
    pub simulation: Simulation,
    pub clock: Clock,
    pub aws: Aws,
    /// Whether every look reads what AWS tells only group by group, too.
    pub deep: bool,
    /// Whether the diary also tells of notes on how long a release was watched.
    pub every_note: bool,
    /// Where the manifests come from, if that matters.
    pub source: Source,
    /// Whether manifests may have errors: then what is right of them counts, as for the commands.
    pub lenient: bool,
    texts: BTreeMap<String, String>,
    environment: String,
    diary: Arc<Mutex<Vec<String>>>,
    acted: Arc<Mutex<Vec<Action>>>,
    begun: Timestamp,
    rest: OnceLock<World>,
}

/// The first group of the app `hello`.
pub const HELLO: &str = "hello-prod-v001";

pub fn epoch() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

/// The manifest of an app with short times; `extra` are further lines of its spec.
pub fn app(name: &str, image: &str, extra: &str) -> String {
    format!(
        "apiVersion: amiable/v1
kind: App
metadata: {{name: {name}}}
spec:
  image: {{id: {image}}}
  instanceType: m7i.large
  instances: {{min: 2, max: 4}}
  healthCheck: {{path: /health_check}}
{extra}environments: {{prod: {{}}}}
"
    )
}

impl Lab {
    /// The example account, watched for broken invariants after every call.
    pub async fn new() -> Self {
        let clock = Clock::new(epoch(), 1);
        let simulation = Simulation::new(World::example(clock.now()), clock.clone());
        let mut lab = Self {
            aws: connect(&simulation, &clock).await,
            simulation,
            clock,
            deep: false,
            every_note: false,
            source: Source::default(),
            lenient: false,
            texts: BTreeMap::new(),
            environment: "prod".to_owned(),
            diary: Arc::default(),
            acted: Arc::default(),
            begun: epoch(),
            rest: OnceLock::new(),
        };
        lab.environment("");
        invariants::watch(&lab.simulation);
        lab
    }

    /// Another laboratory that goes on from what there is now: the same account and manifests, a process of its own, and
    /// what happens in one of them does not happen in the other.
    pub async fn fork(&self) -> Self {
        self.from_still(&self.still()).await
    }

    /// The account as it is at this moment, for laboratories that go on from it later.
    pub fn still(&self) -> World {
        self.simulation.with(|world| world.clone())
    }

    /// The same as it was when this was first asked for, so that all that goes on from it begins at one time.
    pub fn at_rest(&self) -> &World {
        self.rest.get_or_init(|| self.still())
    }

    /// Another laboratory that goes on from such a moment, however long ago it was.
    pub async fn from_still(&self, still: &World) -> Self {
        self.gone_on(still.clone(), Past::default()).await
    }

    /// The same from what there was at another moment, in a copy of the account.
    pub async fn gone_on(&self, world: World, past: Past) -> Self {
        let clock = Clock::new(world.now, 1);
        let simulation = Simulation::with_past(world, past, clock.clone());
        invariants::watch(&simulation);
        Self {
            aws: connect(&simulation, &clock).await,
            simulation,
            clock,
            deep: self.deep,
            every_note: self.every_note,
            source: self.source.clone(),
            lenient: self.lenient,
            texts: self.texts.clone(),
            environment: self.environment.clone(),
            diary: Arc::default(),
            acted: Arc::default(),
            begun: self.begun,
            rest: OnceLock::new(),
        }
    }

    /// Another process at work on the same account, with manifests of its own that are these at first.
    pub async fn beside(&self) -> Self {
        Self {
            aws: connect(&self.simulation, &self.clock).await,
            simulation: self.simulation.clone(),
            clock: self.clock.clone(),
            deep: self.deep,
            every_note: self.every_note,
            lenient: self.lenient,
            source: self.source.clone(),
            texts: self.texts.clone(),
            environment: self.environment.clone(),
            diary: Arc::default(),
            acted: Arc::default(),
            begun: self.begun,
            rest: OnceLock::new(),
        }
    }

    /// Converges all apps, and says how that ended and what the last plan was.
    pub async fn converge(&self) -> (Outcome, Plan) {
        let options = Options { timeout: Some(Duration::from_secs(6 * 3600)), ..Options::default() };
        self.converge_with(options).await
    }

    /// The same as these options say.
    pub async fn converge_with(&self, options: Options) -> (Outcome, Plan) {
        let (_sender, stop) = watch::channel(false);
        let sink = |event: Event| self.note(&event);
        let ending = converge(&self.aws, &self.desired(), &self.clock, &options, &sink, stop).await.unwrap();
        (ending.outcome, ending.plan)
    }

    /// A new process, on a machine whose clock is ahead of AWS's by so many seconds, or behind it.
    pub async fn set_clock(&mut self, ahead_seconds: i64) {
        let now = self.simulation.clock().now() + jiff::SignedDuration::from_secs(ahead_seconds);
        self.clock = Clock::new(now, 1);
        self.restart().await;
    }

    /// From now on every request takes this much longer.
    pub async fn slow_down(&mut self, latency: Duration) {
        let http = slow(http_client(&self.simulation), latency);
        self.aws = connect_by(http, &self.simulation, &self.clock).await;
    }

    /// The process stands still for so long while its request of that number is on its way, and the time has moved on for all
    /// it waits for when it wakes.
    pub async fn stand_still_at(&mut self, request: usize, time: Duration) {
        let http = standing_still(http_client(&self.simulation), request, time);
        self.aws = connect_by(http, &self.simulation, &self.clock).await;
    }

    /// Writes the environment `prod`, with further lines of its spec.
    pub fn environment(&mut self, extra: &str) {
        self.environment_called("prod", extra);
    }

    /// Writes an environment of the same account, with further lines of its spec.
    pub fn environment_called(&mut self, name: &str, extra: &str) {
        let text = format!(
            "apiVersion: amiable/v1
kind: Environment
metadata: {{name: {name}}}
spec:
  region: us-west-2
  accountId: \"123456789012\"
  network: {{vpcId: {VPC}, subnetIds: [{}]}}
  securityGroupIds: [{SECURITY_GROUP}]
  dnsZone: internal.example.com
{extra}",
            SUBNETS.join(", ")
        );
        self.texts.insert(format!("environment-{name}.yaml"), text);
    }

    /// Looks at and works on this environment from now on; `prod` until then.
    pub fn turn_to(&mut self, environment: &str) {
        environment.clone_into(&mut self.environment);
    }

    /// Writes the manifest of an app.
    pub fn write(&mut self, name: &str, text: String) {
        self.texts.insert(format!("{name}.yaml"), text);
    }

    /// Writes a file that manifests may name.
    pub fn attach(&mut self, name: &str, text: &str) {
        self.texts.insert(name.to_owned(), text.to_owned());
    }

    /// Writes the manifests of the apps with these numbers: all on one image, each with a name in DNS and short times.
    pub fn fleet(&mut self, numbers: std::ops::Range<usize>, image: &str) {
        self.environment("  limits: {concurrentRollouts: 100}\n");
        for number in numbers {
            let name = format!("app-{number:03}");
            let extra = format!(
                "  dns: {{name: {name}.internal.example.com}}\n  retain: {{for: 0s}}\n  strategy: {{redBlack: {{bakeTime: 5s}}}}\n"
            );
            self.write(&name, app(&name, image, &extra));
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.texts.remove(&format!("{name}.yaml"));
    }

    pub fn desired(&self) -> Desired {
        let texts = self.texts.iter().map(|(name, text)| (PathBuf::from(name), text.clone())).collect();
        let fleet = match self.lenient {
            true => fleet::survey_texts(texts).0,
            false => fleet::load_texts(texts).unwrap_or_else(|findings| panic!("{findings:?}")),
        };
        let desired =
            fleet.desired(&self.environment.parse().unwrap()).unwrap_or_else(|findings| panic!("{findings:?}"));
        Desired { deep: self.deep, source: self.source.clone(), ..desired }
    }

    /// A new process with an empty memory: nothing is left but AWS and the manifests.
    pub async fn restart(&mut self) {
        self.aws = connect(&self.simulation, &self.clock).await;
    }

    pub async fn look(&self) -> (Observed, Plan) {
        look(&self.aws, &self.desired(), &self.clock).await.expect("AWS can be read")
    }

    /// The plan of one app.
    pub async fn plan(&self, name: &str) -> AppPlan {
        let (_, plan) = self.look().await;
        plan.app(&name.parse().unwrap()).expect("the app is planned").clone()
    }

    /// Converges all apps, until the old generations are gone too if so asked.
    pub async fn apply(&self, wait_for_cleanup: bool) -> Outcome {
        let options = Options { timeout: Some(Duration::from_secs(6 * 3600)), wait_for_cleanup, ..Options::default() };
        let (_sender, stop) = watch::channel(false);
        let sink = |event: Event| self.note(&event);
        converge(&self.aws, &self.desired(), &self.clock, &options, &sink, stop).await.unwrap().outcome
    }

    /// The same, cut off after so long.
    pub async fn apply_within(&self, time: Duration) -> Outcome {
        let options = Options { timeout: Some(time), wait_for_cleanup: true, ..Options::default() };
        let (_sender, stop) = watch::channel(false);
        let sink = |event: Event| self.note(&event);
        converge(&self.aws, &self.desired(), &self.clock, &options, &sink, stop).await.unwrap().outcome
    }

    /// Converges one app, whatever becomes of the others.
    pub async fn apply_only(&self, name: &str) -> Outcome {
        let only = Some([name.parse().unwrap()].into());
        let options = Options { timeout: Some(Duration::from_secs(6 * 3600)), only, ..Options::default() };
        let (_sender, stop) = watch::channel(false);
        let sink = |event: Event| self.note(&event);
        converge(&self.aws, &self.desired(), &self.clock, &options, &sink, stop).await.unwrap().outcome
    }

    /// Converges all apps for so long, up to the end of a look, or until nothing is left to do.
    pub async fn apply_for(&self, time: Duration) -> Outcome {
        let (sender, stop) = watch::channel(false);
        let end = self.clock.now() + jiff::SignedDuration::try_from(time).unwrap();
        let sink = |event: Event| {
            if matches!(event.kind, EventKind::Planned(_)) && event.at >= end {
                sender.send_replace(true);
            }
            self.note(&event);
        };
        let ending = converge(&self.aws, &self.desired(), &self.clock, &Options::default(), &sink, stop).await.unwrap();
        if ending.outcome == Outcome::Interrupted { Outcome::TimedOut } else { ending.outcome }
    }

    /// The ARN of the first listener of a load balancer.
    pub fn listener(&self, balancer: &str) -> String {
        self.simulation.with(|world| {
            let listeners = world.balancing.listeners.keys();
            listeners.into_iter().find(|arn| name_in_listener(arn) == balancer).unwrap_or_default().to_owned()
        })
    }

    /// The ARN of a target group.
    pub fn target_group(&self, name: &str) -> String {
        self.simulation.with(|world| {
            let groups = world.balancing.target_groups.keys();
            groups.into_iter().find(|arn| name_in(arn) == name).unwrap_or_default().to_owned()
        })
    }

    /// Says something about an app, as the commands do, and leaves it at that.
    pub async fn say(&self, name: &str, why: &str, decide: impl FnOnce(&About<'_>) -> Result<Intent, String>) {
        self.try_to_say(name, why, decide).await.unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// The same where it may make no sense, or may have been said before: then what was said is told.
    pub async fn try_to_say(
        &self,
        name: &str,
        why: &str,
        decide: impl FnOnce(&About<'_>) -> Result<Intent, String>,
    ) -> Result<Option<String>, String> {
        let desired = self.desired();
        let (mut observed, _) = look(&self.aws, &desired, &self.clock).await.unwrap();
        let app = &desired.apps[&name.parse().unwrap()];
        let deployed = [Want::Deployed(app.scope.app.clone())].into();
        amiable::aws::observe::fulfil(&self.aws, &desired.name, &mut observed, &deployed).await.unwrap();
        let why = (!why.is_empty()).then_some(why);
        let intent = decide(&About { desired: &desired, app, observed: &observed, why, now: self.clock.now() })?;
        if let Some(record) = intent.withdraws {
            let down = record.turned_down.as_ref().map(|down| down.reason.clone()).unwrap_or_default();
            let action = Action::PutDeployedRecord { parameter: app.scope.parameter_name(), record };
            self.write_down(self.clock.now(), &format!("{action}: {down}"));
            amiable::aws::act::perform(&self.aws, &app.scope, &action).await.unwrap();
        }
        if intent.said.is_some() {
            return Ok(intent.said);
        }
        for planned in &intent.actions {
            self.write_down(self.clock.now(), &format!("{}: {}", planned.action, planned.reason));
            amiable::aws::act::perform(&self.aws, &app.scope, &planned.action).await.unwrap();
        }
        let parameter = app.scope.decisions_name();
        let noted = Action::PutDecision { parameter, decision: Box::new(intent.decision) };
        amiable::aws::act::perform(&self.aws, &app.scope, &noted).await.unwrap();
        Ok(None)
    }

    /// Types a command, as somebody who answers its questions like this; the manifests are in a directory.
    pub async fn typed(&self, manifests: &Path, answers: Answers, line: &str) -> Result<Exit, Failure> {
        let mut arguments = vec!["--manifests".into(), manifests.into()];
        arguments.extend(line.split(' ').map(OsString::from));
        cli::typed(&self.simulation, answers, &arguments).await
    }

    /// Writes the manifests into a directory, for as long as that is held.
    pub fn lay_out(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in &self.texts {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    /// What was deployed so far, as `amiable rollback --to` reads it.
    pub async fn history(&self, name: &str) -> Vec<DeployedRecord> {
        let scope = self.desired().apps[&name.parse().unwrap()].scope.clone();
        let versions = amiable::aws::history::history(&self.aws, &scope).await.unwrap();
        versions.into_iter().filter_map(|(_, record)| record.known().cloned()).collect()
    }

    /// Turns down what serves, as `amiable rollback` does, and converges.
    pub async fn rollback(&self, name: &str, reason: &str) -> Outcome {
        self.say(name, reason, |about| intent::rollback(about, None, &[])).await;
        self.apply(false).await
    }

    /// Lets what failed be tried again, as `amiable retry` does, and converges.
    pub async fn retry(&self, name: &str) -> Outcome {
        self.say(name, "", intent::retry).await;
        self.apply(false).await
    }

    /// What happened to an app, as `amiable events` tells it.
    pub async fn events(&self, name: &str) -> String {
        let desired = self.desired();
        let (observed, _) = look(&self.aws, &desired, &self.clock).await.unwrap();
        let scope = &desired.apps[&name.parse().unwrap()].scope;
        let groups = observed.groups.known().unwrap().values().filter(|group| group.owner.app == scope.app).collect();
        let told = happenings(&self.aws, scope, groups, Vec::new()).await.unwrap_or_else(|failure| panic!("{failure}"));
        amiable::report::events::table(&told, false)
    }

    pub async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Does by hand what somebody might do on the console.
    pub fn by_hand(&self, service: &str, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.call(service, operation, Params::decode(encoded.as_bytes()), Vec::new())
    }

    /// Writes an SSM parameter by hand.
    pub fn put_parameter(&self, name: &str, value: &str) {
        let input = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        self.call("ssm", "PutParameter", Params::decode(b""), input.to_string().into_bytes());
    }

    /// Deletes an SSM parameter by hand.
    pub fn delete_parameter(&self, name: &str) {
        self.call("ssm", "DeleteParameter", Params::decode(b""), json!({"Name": name}).to_string().into_bytes());
    }

    /// Replaces a text in the manifest of an environment.
    pub fn edit_environment(&mut self, name: &str, old: &str, new: &str) {
        let text = self.texts.get_mut(&format!("environment-{name}.yaml")).expect("the environment is written");
        *text = text.replace(old, new);
    }

    /// Does something by hand in another account.
    pub fn in_account(&self, account: &str, service: &str, operation: &str, input: &serde_json::Value) {
        let request = request(service, operation, Params::decode(b""), input.to_string().into_bytes());
        let neighbour = |world: &mut World| {
            let neighbour = world.neighbours.get_mut(account).expect("the account is there");
            api::dispatch(neighbour, &request)
        };
        let reply = self.simulation.with(neighbour);
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    fn call(&self, service: &str, operation: &str, params: Params, body: Vec<u8>) -> Reply {
        let request = request(service, operation, params, body);
        let reply = self.simulation.with(|world| api::dispatch(world, &request));
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    /// The instances of a group, by id.
    pub fn instances(&self, group: &str) -> Vec<String> {
        self.simulation.with(|world| {
            world.scaling.groups.get(group).map(|group| group.members.keys().cloned().collect()).unwrap_or_default()
        })
    }

    /// What was done since the diary was last read, one line per call, with minutes and seconds since the beginning.
    pub fn diary(&self) -> String {
        let lines = std::mem::take(&mut *self.diary.lock().unwrap());
        lines.join("\n")
    }

    /// What was done so far.
    pub fn acted(&self) -> Vec<Action> {
        self.acted.lock().unwrap().clone()
    }

    fn note(&self, event: &Event) {
        let line = match &event.kind {
            EventKind::Acted { action, reason } => {
                self.acted.lock().unwrap().push(action.clone());
                // How long a release was watched is noted several times in each: only its own stories tell of it.
                if !self.every_note && is_only(action, keys::WATCHED) {
                    return;
                }
                format!("{action}: {reason}")
            }
            EventKind::Stale { action, why } => format!("{action} is stale: {why}"),
            EventKind::Failed { action, error, .. } => format!("{action} failed: {error}"),
            EventKind::Planned(_) => return,
        };
        self.write_down(event.at, &line);
    }

    fn write_down(&self, at: Timestamp, line: &str) {
        let seconds = at.as_second() - self.begun.as_second();
        let text = format!("{:02}:{:02} {}", seconds / 60, seconds % 60, without_numbers(line));
        self.diary.lock().unwrap().push(text);
    }
}

/// Whether an action writes this tag and nothing else.
fn is_only(action: &Action, key: &str) -> bool {
    matches!(action, Action::TagGroup { tags, .. } if tags.len() == 1 && tags.contains_key(key))
}

fn request(service: &str, operation: &str, params: Params, body: Vec<u8>) -> Request {
    Request {
        service: service.to_owned(),
        region: "us-west-2".to_owned(),
        operation: operation.to_owned(),
        params,
        method: "POST".to_owned(),
        path: "/".to_owned(),
        body,
        access_key: "AKIABYHAND".to_owned(),
    }
}

async fn connect(simulation: &Simulation, clock: &Clock) -> Aws {
    connect_by(http_client(simulation), simulation, clock).await
}

async fn connect_by(http: SharedHttpClient, simulation: &Simulation, clock: &Clock) -> Aws {
    let settings =
        Settings { prober: Arc::new(Within::new(simulation)), ..Settings::simulated("us-west-2", http, clock.clone()) };
    Aws::connect(settings).await
}

/// ARNs by the name in them: their numbers say nothing to a reader.
fn without_numbers(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        if !word.starts_with("arn:") {
            return word.to_owned();
        }
        let colon = if word.ends_with(':') { ":" } else { "" };
        let mut parts = word.trim_end_matches(':').split('/');
        let kind = parts.next().and_then(|head| head.rsplit(':').next()).unwrap_or_default();
        let name = parts.find(|part| *part != "app" && *part != "net").unwrap_or_default();
        format!("{kind}/{name}{colon}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What matters of the world in the end: what serves what, and nothing that differs between two equal runs.
pub fn summary(simulation: &Simulation) -> Vec<String> {
    simulation.with(|world| {
        let mut lines: Vec<String> = Vec::new();
        for group in world.scaling.groups.values() {
            let failed = group.tags.contains_key("amiable:failed");
            let targets: Vec<_> = group.target_groups.iter().map(|at| name_in(&at.arn)).collect();
            lines.push(format!(
                "group {} {}..{} desired {} members {} in {targets:?} failed {failed}",
                group.name,
                group.min,
                group.max,
                group.desired,
                group.members.len()
            ));
        }
        lines.extend(world.templates.all.values().map(|template| format!("template {}", template.name)));
        lines.extend(world.balancing.target_groups.values().map(|group| format!("target group {}", group.name)));
        lines
            .extend(world.balancing.load_balancers.values().map(|balancer| format!("load balancer {}", balancer.name)));
        lines.extend(invariants::weights(world).into_iter().map(|(name, weight)| format!("weight {name} {weight}")));
        lines.extend(world.metrics.alarms.keys().map(|name| format!("alarm {name}")));
        lines.extend(world.serving().into_iter().map(|(group, healthy)| format!("serving {group} {healthy}")));
        lines.extend(invariants::records(world));
        lines.sort();
        lines
    })
}

/// The name of the load balancer in a listener's ARN.
pub fn name_in_listener(arn: &str) -> &str {
    arn.split('/').nth(2).unwrap_or_default()
}

pub fn name_in(arn: &str) -> String {
    arn.split('/').nth(1).unwrap_or_default().to_owned()
}
