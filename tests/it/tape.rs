//! A life on an account, recorded once without any mishap: lives with a mishap begin right before the call that it happens to, or
//! right after it, in a copy of the account.
//!
//! A process remembers nothing that matters: what it wants is in the manifests, and how far it has come is in AWS. So another
//! one that begins right before a call makes that call as well, and one that begins right after it is what follows a crash.

use std::sync::{Arc, Mutex};

use amiable::model::time::Timestamp;
use amiable::sim::fault::Fault;
use amiable::sim::wire::Request;
use amiable::sim::world::World;
use amiable::sim::{CallRecord, Past};

use crate::invariants::ownership;
use crate::lab::Lab;
use crate::over_time::OverTime;

/// An operation, and the resource that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub operation: String,
    pub resource: String,
}

impl Call {
    fn of(request: &Request) -> Self {
        Self { operation: request.operation.clone(), resource: resource(request) }
    }
}

/// The resource that a call changes.
fn resource(request: &Request) -> String {
    let names = [
        "AutoScalingGroupName",
        "Tags.member.1.ResourceId",
        "TargetGroupArn",
        "ListenerArn",
        "RuleArn",
        "LoadBalancerArn",
        "LaunchTemplateName",
        "Name",
        "ResourceArns.member.1",
    ];
    if let Some(name) = names.iter().find_map(|name| request.params.get(name)) {
        return name.to_owned();
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    body["Name"].as_str().map_or_else(|| request.path.clone(), str::to_owned)
}

/// An account at one moment.
#[derive(Clone)]
pub struct Still {
    world: World,
    past: Past,
    over_time: OverTime,
}

/// One mutating call of a life.
#[derive(Clone)]
pub struct Moment {
    pub call: Call,
    pub request: Request,
    pub before: Still,
    pub after: Still,
    /// What was being done, and since when.
    pub deed: usize,
    pub since: Timestamp,
}

/// Watches a life: asserts the invariants after every call, and keeps what is asked of it.
#[derive(Clone)]
pub struct Tape(Arc<Mutex<Kept>>);

struct Kept {
    /// Whether the app is to end, and need not serve as before.
    ends: bool,
    over_time: OverTime,
    past: Past,
    /// The mutating calls so far.
    made: Vec<Call>,
    /// The last one, as it was sent.
    request: Request,
    /// The mutating calls with the account at each, where that is kept.
    moments: Option<Vec<Moment>>,
    /// How many healthy targets have traffic at least, at every call.
    never_below: u32,
    deed: usize,
    since: Timestamp,
}

impl Tape {
    /// Goes on from a moment, if there is one; or else from what there is now.
    pub async fn begin(ground: &Lab, from: Option<&Still>, ends: bool, over_time: OverTime) -> (Lab, Self) {
        let lab = match from {
            Some(still) => ground.gone_on(still.world.clone(), still.past.clone()).await,
            None => ground.from_still(ground.at_rest()).await,
        };
        let kept = Kept {
            ends,
            over_time: from.map_or(over_time, |still| still.over_time.clone()),
            past: from.map(|still| still.past.clone()).unwrap_or_default(),
            made: Vec::new(),
            request: Request::default(),
            moments: None,
            never_below: 0,
            deed: 0,
            since: lab.clock.now(),
        };
        (lab, Self(Arc::new(Mutex::new(kept))))
    }

    /// Keeps the account at each mutating call from now on.
    pub fn record(&self) {
        self.0.lock().unwrap().moments = Some(Vec::new());
    }

    /// Asserts at every call that so many healthy targets have traffic at least.
    pub fn never_below(&self, serving: u32) {
        self.0.lock().unwrap().never_below = serving;
    }

    /// AWS refuses to move traffic from now on.
    pub fn helpless(&self) {
        self.0.lock().unwrap().over_time.helpless();
    }

    /// From now on a manifest asks for an earlier generation again.
    pub fn takes_back(&self) {
        self.0.lock().unwrap().over_time.takes_back();
    }

    /// Says what is being done from now on.
    pub fn turn_to(&self, deed: usize, since: Timestamp) {
        let mut kept = self.0.lock().unwrap();
        (kept.deed, kept.since) = (deed, since);
    }

    /// Watches all calls, of which some fail: as told for each, and whether it changes anything.
    pub fn watch(&self, lab: &Lab, mut fault: impl FnMut(&Request, &Call, bool) -> Option<Fault> + Send + 'static) {
        let kept = self.0.clone();
        lab.simulation.set_observer(Some(Box::new(move |call: &CallRecord, before: &World, after: &World| {
            kept.lock().unwrap().observe(call, before, after);
        })));
        let kept = self.0.clone();
        lab.simulation.set_faults(Some(Box::new(move |request: &Request, mutating: bool| {
            let call = Call::of(request);
            if mutating {
                let mut kept = kept.lock().unwrap();
                kept.made.push(call.clone());
                kept.request = request.clone();
            }
            fault(request, &call, mutating)
        })));
    }

    /// The mutating calls so far.
    pub fn made(&self) -> Vec<Call> {
        self.0.lock().unwrap().made.clone()
    }

    /// The mutating calls so far, with the account at each.
    pub fn moments(&self) -> Vec<Moment> {
        self.0.lock().unwrap().moments.clone().unwrap_or_default()
    }

    /// Asserts what must hold when a life is over.
    pub fn assert_over(&self) {
        self.0.lock().unwrap().over_time.assert_marked();
    }
}

impl Kept {
    fn observe(&mut self, call: &CallRecord, before: &World, after: &World) {
        let seen = (call.mutating && self.moments.is_some()).then(|| self.over_time.clone());
        match self.ends {
            true => ownership(call, before, after),
            false => self.over_time.check(call, before, after),
        }
        if self.never_below > 0 {
            let serving: u32 = after.serving().values().sum();
            assert!(serving >= self.never_below, "{serving} healthy targets have traffic at {call:?}");
        }
        let (Some(seen), Some(moments)) = (seen, &mut self.moments) else { return };
        let was = Still { world: before.clone(), past: self.past.clone(), over_time: seen };
        self.past.keep(&call.service, Arc::new(before.clone()));
        let is = Still { world: after.clone(), past: self.past.clone(), over_time: self.over_time.clone() };
        let made = self.made.last().cloned().unwrap_or_default();
        let (request, deed, since) = (self.request.clone(), self.deed, self.since);
        moments.push(Moment { call: made, request, before: was, after: is, deed, since });
    }
}
