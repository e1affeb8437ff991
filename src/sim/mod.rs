//! The simulated AWS: the calls that Amiable makes, on the real wire protocols, with AWS's behaviour over time.
//!
//! - [`world`]: everything there is, as plain data, and how it moves on when time passes
//! - [`api`]: what each operation does to the world, with AWS's checks and error codes
//! - [`wire`]: the protocols, from HTTP requests to parameters and from results to XML or JSON
//! - [`fault`]: what can go wrong with a call, on demand
//! - [`door`]: the ways in: as the SDK's own HTTP client, or on a loopback port
//! - [`dataplane`]: instances and load balancers as real HTTP servers on loopback
//!
//! The world is pure: no I/O, no randomness, and the time is told to it. A [`Simulation`] is one world shared by its doors.

pub mod api;
pub mod dataplane;
pub mod door;
pub mod fault;
pub mod wire;
pub mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::model::time::Span;
use fault::rules::Rules;
use fault::{Fault, FaultSource};
use wire::{Reply, Request};
use world::World;

/// What is told to an observer after each call: the call, and the world right before and right after it.
pub type CallObserver = Box<dyn FnMut(&CallRecord, &World, &World) + Send>;

/// For how long a service may show what was before its last change.
const STALE_FOR: Span = Span::seconds(30);

/// How many calls are kept at the most.
const CALLS_KEPT: usize = 100_000;

/// One call that reached the simulated AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// `autoscaling`, `ec2` …, as in the signature's scope.
    pub service: String,
    /// `CreateAutoScalingGroup` …
    pub operation: String,
    /// Whether the operation may change anything.
    pub mutating: bool,
    /// The HTTP status of the answer; 0 when none was given.
    pub status: u16,
    /// The error code, if it failed.
    pub error: Option<String>,
}

/// One simulated AWS, shared by everything that talks to it. Clones are the same one.
#[derive(Clone)]
pub struct Simulation {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
}

/// What stale reads show: the world before the last mutating call of each service.
#[derive(Clone, Debug, Default)]
pub struct Past {
    before: BTreeMap<String, Arc<World>>,
    /// The service of the last mutating call.
    changed: String,
}

impl Past {
    /// Keeps the world before a mutating call of a service.
    pub fn keep(&mut self, service: &str, before: Arc<World>) {
        self.before.insert(service.to_owned(), before);
        service.clone_into(&mut self.changed);
    }

    /// What a stale read of a service shows: the world before the last change by that service, if it is recent; or else that
    /// before the last change of all.
    fn shown<'a>(&'a self, service: &str, world: &'a World) -> &'a World {
        let recent = |old: &&Arc<World>| STALE_FOR.after(old.now) >= world.now;
        let old = self.before.get(service).filter(recent).or_else(|| self.before.get(&self.changed));
        old.map_or(world, |old| old)
    }
}

struct Inner {
    world: World,
    past: Past,
    faults: Option<Box<dyn FaultSource>>,
    rules: Rules,
    observer: Option<CallObserver>,
    calls: Vec<CallRecord>,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Simulation").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// What becomes of a call.
pub enum Outcome {
    /// An answer.
    Reply(Reply),
    /// An answer that comes this much later.
    Late(Reply, Span),
    /// The connection breaks before an answer comes.
    Broken,
    /// No connection can be made.
    Unreachable,
}

impl Simulation {
    /// A simulation of `world` that follows `clock`.
    pub fn new(world: World, clock: Clock) -> Self {
        Self::with_past(world, Past::default(), clock)
    }

    /// A simulation that goes on from another one: from its world, and from what stale reads show there.
    pub fn with_past(world: World, past: Past, clock: Clock) -> Self {
        let inner = Inner { world, past, faults: None, rules: Rules::default(), observer: None, calls: Vec::new() };
        Self { inner: Arc::new(Mutex::new(inner)), clock }
    }

    /// The clock that it follows.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Looks at the world, or changes it by hand, as it is now.
    pub fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.world.advance(now);
        look(&mut inner.world)
    }

    /// Sets what goes wrong from now on; `None` ends all faults.
    pub fn set_faults(&self, faults: Option<Box<dyn FaultSource>>) {
        self.lock().faults = faults;
    }

    /// Looks at the faults that were asked for while it ran, or changes them.
    pub fn rules<R>(&self, look: impl FnOnce(&mut Rules) -> R) -> R {
        look(&mut self.lock().rules)
    }

    /// Sets who is told of every call.
    pub fn set_observer(&self, observer: Option<CallObserver>) {
        self.lock().observer = observer;
    }

    /// The calls so far; of a long run, the newest of them.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Carries out one call.
    pub fn call(&self, request: &Request) -> Outcome {
        let now = self.clock.now();
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.world.advance(now);
        let mutating = api::is_mutating(&request.operation);
        let fault = inner.faults.as_mut().and_then(|faults| faults.next(request, mutating));
        let fault = fault.or_else(|| inner.rules.next(request, now));
        let before = (inner.observer.is_some() || mutating).then(|| Arc::new(inner.world.clone()));
        let (reply, answered) = match &fault {
            Some(Fault::Refuse(error)) => (wire::error_reply(request, error), true),
            Some(Fault::Unreachable | Fault::RequestLost) => (Reply::empty(0), false),
            Some(Fault::ReplyLost) => (api::dispatch(&mut inner.world, request), false),
            Some(Fault::Cut(after)) => (api::dispatch(&mut inner.world, request).cut(after), true),
            Some(Fault::Emptied(list)) => (api::dispatch(&mut inner.world, request).emptied(list), true),
            Some(Fault::Ignored) => (api::dispatch(&mut inner.world.clone(), request), true),
            Some(Fault::Stale) if !mutating => {
                let mut old = inner.past.shown(&request.service, &inner.world).clone();
                (api::dispatch(&mut old, request), true)
            }
            Some(Fault::Stale | Fault::Slow(_)) | None => (api::dispatch(&mut inner.world, request), true),
        };
        let record = CallRecord {
            service: request.service.clone(),
            operation: request.operation.clone(),
            mutating,
            status: if answered { reply.status } else { 0 },
            error: reply.error.clone(),
        };
        if let (Some(observer), Some(before)) = (&mut inner.observer, &before) {
            observer(&record, before, &inner.world);
        }
        if let Some(before) = before.filter(|_| mutating) {
            inner.past.keep(&request.service, before);
        }
        if inner.calls.len() == CALLS_KEPT {
            inner.calls.drain(..CALLS_KEPT / 2);
        }
        inner.calls.push(record);
        match fault {
            Some(Fault::Unreachable) => Outcome::Unreachable,
            Some(Fault::Slow(span)) => Outcome::Late(reply, span),
            _ if answered => Outcome::Reply(reply),
            _ => Outcome::Broken,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in an assertion of a test must not hide behind a poisoned lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
