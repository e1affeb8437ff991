//! Requests within the simulation: through its load balancers to its instances, and to webhooks that answer as they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::model::probe::{Answer, Probe, Replied};
use crate::probe::Prober;
use crate::sim::Simulation;
use crate::sim::dataplane::instance::Greeting;
use crate::sim::world::World;
use crate::sim::world::balancing::routing::{Incoming, Route};
use crate::sim::world::compute::Service;
use crate::sim::world::outside::{Asked, HookAnswer};

/// How long the way there and back takes.
const WAY: Duration = Duration::from_millis(20);

/// Makes requests within a simulation.
#[derive(Clone, Debug)]
pub struct Within {
    simulation: Simulation,
    /// Counts requests: what routing chooses by.
    roll: Arc<AtomicU32>,
}

impl Within {
    /// Requests within `simulation`.
    pub fn new(simulation: &Simulation) -> Self {
        Self { simulation: simulation.clone(), roll: Arc::default() }
    }
}

#[async_trait]
impl Prober for Within {
    async fn ask(&self, probe: &Probe) -> Replied {
        let roll = self.roll.fetch_add(1, Ordering::Relaxed);
        let reply = self.simulation.with(|world| match &probe.via {
            Some(name) => through(world, name, probe, roll),
            None => webhook(world, probe),
        });
        let clock = self.simulation.clock();
        let Reply::Answer { status, body, after } = reply else {
            let Reply::Unreachable(why) = reply else {
                clock.sleep(probe.timeout.as_duration()).await;
                return Replied::Late;
            };
            return Replied::Unreachable(why);
        };
        let took = after + WAY;
        clock.sleep(took.min(probe.timeout.as_duration())).await;
        if took >= probe.timeout.as_duration() {
            return Replied::Late;
        }
        Replied::Answer(Answer { status, took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), body })
    }
}

enum Reply {
    Answer { status: u16, body: String, after: Duration },
    Silence,
    Unreachable(String),
}

fn at_once(status: u16, body: impl Into<String>) -> Reply {
    Reply::Answer { status, body: body.into(), after: Duration::ZERO }
}

/// What a load balancer answers, by its DNS name.
fn through(world: &World, name: &str, probe: &Probe, roll: u32) -> Reply {
    let balancers = &world.balancing.load_balancers;
    let Some(balancer) = balancers.values().find(|balancer| balancer.dns_name.eq_ignore_ascii_case(name)) else {
        return Reply::Unreachable(format!("the name {name} cannot be resolved"));
    };
    if world.outside.unreachable.contains(&balancer.name) {
        return Reply::Unreachable("no connection in time".to_owned());
    }
    let headers = probe.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let incoming = Incoming {
        method: probe.method.clone(),
        source_ip: String::new(),
        host: probe.host.clone(),
        path: probe.path.clone(),
        headers,
    };
    match world.route(&balancer.arn, probe.port, &incoming, roll) {
        Route::Refused => Reply::Unreachable("Connection refused (os error 111)".to_owned()),
        Route::Unavailable => at_once(503, "503 Service Temporarily Unavailable"),
        Route::Answer { status, body, .. } => at_once(status, body.unwrap_or_default()),
        Route::Redirect { status, .. } => at_once(status, ""),
        Route::Target { instance, .. } => service(world, &instance, &probe.path, roll),
    }
}

/// What an instance answers.
fn service(world: &World, id: &str, path: &str, roll: u32) -> Reply {
    let Some(instance) = world.compute.instances.get(id) else { return at_once(502, "502 Bad Gateway") };
    let (status, after) = match instance.answer(path, roll, world.now) {
        Service::NotListening => return at_once(502, "502 Bad Gateway"),
        Service::Ok { latency } => (200, latency),
        Service::Sick { latency } => (500, latency),
    };
    let greeting = Greeting {
        version: instance.version.clone(),
        image: instance.image_id.clone(),
        instance: instance.id.clone(),
        group: instance.group.clone(),
    };
    Reply::Answer { status, body: serde_json::to_string(&greeting).unwrap_or_default(), after }
}

fn webhook(world: &mut World, probe: &Probe) -> Reply {
    let key = probe.headers.get("Idempotency-Key").cloned();
    let asked = Asked { host: probe.host.clone(), key, body: probe.body.clone().unwrap_or_default() };
    match world.outside.ask(asked) {
        Some(HookAnswer::Status(status, body)) => at_once(status, body),
        Some(HookAnswer::Silence) => Reply::Silence,
        None => Reply::Unreachable(format!("the name {} cannot be resolved", probe.host)),
    }
}
