//! The data plane: the instances and load balancers of a [`Simulation`] as real HTTP servers on loopback.
//!
//! - [`instance`]: the server of one instance
//! - [`proxy`]: the reverse proxy of one listener
//! - [`load`]: a load generator that counts what fails
//!
//! The control plane decides: who listens, where a request goes and what it gets is asked of the world for each request.
//! Only the opening and closing of ports follows by polling, every [`POLL`] of real time. Nothing is retried anywhere,
//! so that a request that a deployment loses is seen as lost.

pub mod instance;
pub mod load;
pub mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::Simulation;
use super::world::World;
use super::world::compute::Service;

/// How often ports are opened and closed, in real time.
pub const POLL: Duration = Duration::from_millis(20);

/// Where clients reach a listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The name of the load balancer.
    pub load_balancer: String,
    /// The port of the listener, as AWS has it.
    pub port: u16,
}

/// Addresses on loopback by what they stand for.
type Addresses<K> = watch::Receiver<BTreeMap<K, SocketAddr>>;

/// Instances and listeners as servers, until it is dropped.
#[derive(Debug)]
pub struct DataPlane {
    listeners: Addresses<Endpoint>,
    instances: Addresses<String>,
    follower: AbortHandle,
}

impl DataPlane {
    /// Follows `simulation` from now on. Needs a tokio runtime whose clock is not paused.
    pub fn start(simulation: &Simulation) -> Self {
        let (instances, instance_addresses) = watch::channel(BTreeMap::new());
        let (listeners, listener_addresses) = watch::channel(BTreeMap::new());
        let mut follower = Follower {
            simulation: simulation.clone(),
            instances: Servers { running: BTreeMap::new(), addresses: instances },
            listeners: Servers { running: BTreeMap::new(), addresses: listeners },
        };
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = follower.follow().await {
                    tracing::warn!(%error, "a port of the data plane could not be opened; it is tried again");
                }
                tokio::time::sleep(POLL).await;
            }
        });
        Self { listeners: listener_addresses, instances: instance_addresses, follower: task.abort_handle() }
    }

    /// Where clients reach each listener at present.
    pub fn listeners(&self) -> BTreeMap<Endpoint, SocketAddr> {
        self.listeners.borrow().clone()
    }

    /// Where each instance answers at present, by its id.
    pub fn instances(&self) -> BTreeMap<String, SocketAddr> {
        self.instances.borrow().clone()
    }

    /// Waits until a listener has an address; `None` when the data plane ends before.
    pub async fn listener(&self, endpoint: &Endpoint) -> Option<SocketAddr> {
        let mut listeners = self.listeners.clone();
        let found = listeners.wait_for(|listeners| listeners.contains_key(endpoint)).await.ok()?;
        found.get(endpoint).copied()
    }
}

impl Drop for DataPlane {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Opens and closes ports after the world.
struct Follower {
    simulation: Simulation,
    instances: Servers<String>,
    listeners: Servers<Endpoint>,
}

impl Follower {
    async fn follow(&mut self) -> io::Result<()> {
        let (listening, endpoints) = self.simulation.with(|world| (listening(world), endpoints(world)));
        self.instances.keep(|id| listening.contains(id));
        self.listeners.keep(|endpoint| endpoints.contains(endpoint));
        for id in listening.into_iter().filter(|id| !self.instances.running.contains_key(id)).collect::<Vec<_>>() {
            let port = bind().await?;
            let address = port.local_addr()?;
            let task = tokio::spawn(instance::serve(self.simulation.clone(), id.clone(), port));
            self.instances.add(id, address, task.abort_handle());
        }
        for endpoint in endpoints {
            if !self.listeners.running.contains_key(&endpoint) {
                let port = bind().await?;
                let address = port.local_addr()?;
                let instances = self.instances.addresses.subscribe();
                let proxy = proxy::Proxy::new(self.simulation.clone(), endpoint.clone(), instances);
                let task = tokio::spawn(proxy.serve(port));
                self.listeners.add(endpoint, address, task.abort_handle());
            }
        }
        Ok(())
    }
}

/// Servers that run, and what the others are told of them.
struct Servers<K> {
    running: BTreeMap<K, AbortHandle>,
    addresses: watch::Sender<BTreeMap<K, SocketAddr>>,
}

impl<K: Ord + Clone> Servers<K> {
    fn add(&mut self, key: K, address: SocketAddr, task: AbortHandle) {
        self.running.insert(key.clone(), task);
        self.addresses.send_modify(|addresses| {
            addresses.insert(key, address);
        });
    }

    /// Stops the others, with all their connections.
    fn keep(&mut self, wanted: impl Fn(&K) -> bool) {
        if self.running.keys().all(&wanted) {
            return;
        }
        self.addresses.send_modify(|addresses| addresses.retain(|key, _| wanted(key)));
        self.running.retain(|key, task| {
            let keep = wanted(key);
            if !keep {
                task.abort();
            }
            keep
        });
    }
}

impl<K> Drop for Servers<K> {
    fn drop(&mut self) {
        self.running.values().for_each(AbortHandle::abort);
    }
}

async fn bind() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

/// The instances whose service listens.
fn listening(world: &World) -> BTreeSet<String> {
    let instances = world.compute.instances.values();
    let listening = instances.filter(|instance| instance.service(world.now) != Service::NotListening);
    listening.map(|instance| instance.id.clone()).collect()
}

/// The listeners.
fn endpoints(world: &World) -> BTreeSet<Endpoint> {
    let balancing = &world.balancing;
    let endpoint = |listener: &super::world::balancing::Listener| {
        let load_balancer = balancing.load_balancers.get(&listener.load_balancer_arn)?;
        Some(Endpoint { load_balancer: load_balancer.name.clone(), port: listener.port })
    };
    balancing.listeners.values().filter_map(endpoint).collect()
}

#[cfg(test)]
mod tests;
