//! Instances, and what the image makes them do.
//!
//! An instance's life is known from its launch on: its state and what its service answers at any time follow from a few
//! moments kept with it, so that instances need no events of their own.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::World;
use super::images::Image;
use super::network::Subnet;
use super::shelf::Shelf;
use super::templates::{BlockDevice, TemplateData};
use crate::model::time::{Span, Timestamp};

/// From the launch until EC2 says `running`.
pub const PENDING: Span = Span::seconds(10);

/// From `shutting-down` until `terminated`.
pub const SHUTTING_DOWN: Span = Span::seconds(20);

/// How long EC2 still lists a terminated instance.
pub const REMEMBERED: Span = Span::hours(1);

/// From `running` until both status checks of EC2 are `ok`.
pub const STATUS_CHECKS: Span = Span::seconds(120);

/// Instance profiles whose names begin so do not exist in the simulated account; all others do.
pub const MISSING_PROFILE: &str = "missing";

/// The instances of the account.
#[derive(Clone, Debug, Default)]
pub struct Compute {
    /// By id; terminated ones stay for an hour.
    pub instances: Shelf<Instance>,
    /// How many instances there ever were; their private addresses follow from it.
    launched: u64,
    /// Instances that were told to go, in that order.
    stopped: VecDeque<(Timestamp, String)>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// The image it started from.
    pub image_id: String,
    /// The name of that image, which is the version that the service shows.
    pub version: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The device of the root volume.
    pub root_device: String,
    /// The instance type.
    pub instance_type: String,
    /// Whether it is Spot capacity.
    pub spot: bool,
    /// `default` or `dedicated`.
    pub tenancy: String,
    /// Its volumes, as the launch template describes them.
    pub block_devices: Vec<BlockDevice>,
    /// The tags of its volumes.
    pub volume_tags: BTreeMap<String, String>,
    /// The key pair.
    pub key_name: Option<String>,
    /// The instance profile by name.
    pub iam_instance_profile: Option<String>,
    /// What it runs at its first start, in base64.
    pub user_data: Option<String>,
    /// Security groups.
    pub security_group_ids: Vec<String>,
    /// Whether the metadata service wants tokens: `required` or `optional`.
    pub http_tokens: String,
    /// One-minute monitoring.
    pub monitoring: bool,
    /// The VPC.
    pub vpc_id: String,
    /// The subnet.
    pub subnet_id: String,
    /// The availability zone.
    pub zone: String,
    /// Its private address.
    pub private_ip: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The Auto Scaling group that launched it.
    pub group: Option<String>,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// When it is `running`.
    pub running_at: Timestamp,
    /// When its service first answers.
    pub listening_at: Timestamp,
    /// From when on its service answers with 500.
    pub sick_at: Option<Timestamp>,
    /// Whether only health checks are answered so, and clients as before.
    pub fails_checks_only: bool,
    /// How long each answer takes.
    pub latency: Duration,
    /// How many percent of the requests of clients are answered with 500.
    pub error_percent: u32,
    /// A path that clients find broken.
    pub broken_path: Option<String>,
    /// When it was told to go: `shutting-down` from then on.
    pub stopped_at: Option<Timestamp>,
}

/// The state of an instance, as EC2 shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Starting.
    Pending,
    /// Up, as far as EC2 can see.
    Running,
    /// Told to go.
    ShuttingDown,
    /// Gone.
    Terminated,
}

impl State {
    /// The name as EC2 writes it.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::ShuttingDown => "shutting-down",
            State::Terminated => "terminated",
        }
    }

    /// The code as EC2 writes it.
    pub fn code(self) -> u16 {
        match self {
            State::Pending => 0,
            State::Running => 16,
            State::ShuttingDown => 32,
            State::Terminated => 48,
        }
    }
}

/// What an instance's service does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Nobody listens: connections are refused.
    NotListening,
    /// Answers with 200.
    Ok {
        /// How long the answer takes.
        latency: Duration,
    },
    /// Answers with 500.
    Sick {
        /// How long the answer takes.
        latency: Duration,
    },
}

impl Instance {
    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        match self.stopped_at {
            Some(at) if SHUTTING_DOWN.after(at) <= now => State::Terminated,
            Some(at) if at <= now => State::ShuttingDown,
            _ if self.running_at <= now => State::Running,
            _ => State::Pending,
        }
    }

    /// What its service does at `now`.
    pub fn service(&self, now: Timestamp) -> Service {
        if self.state(now) != State::Running || now < self.listening_at {
            Service::NotListening
        } else if self.sick_at.is_some_and(|at| at <= now) {
            Service::Sick { latency: self.latency }
        } else {
            Service::Ok { latency: self.latency }
        }
    }

    /// What its service does at `now` with a client's request for a path. The roll, any number, tells whether it is among
    /// those that fail.
    pub fn answer(&self, path: &str, roll: u32, now: Timestamp) -> Service {
        let path = path.split('?').next().unwrap_or_default();
        let is_broken = self.broken_path.as_deref() == Some(path);
        // Scattered, so that rolls in a row do not all fail.
        let fails = (roll.wrapping_mul(2_654_435_761) >> 8) % 100 < self.error_percent;
        match self.service(now) {
            Service::Ok { latency } if is_broken || fails => Service::Sick { latency },
            Service::Sick { latency } if self.fails_checks_only && !is_broken && !fails => Service::Ok { latency },
            service => service,
        }
    }

    /// When its service changes next by itself, after `now`.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        [Some(self.running_at), Some(self.listening_at), self.sick_at, self.stopped_at]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }
}

impl Instance {
    /// An instance launched at `now` from what a launch template says, into a subnet.
    pub(super) fn launch(id: String, image: &Image, data: &TemplateData, subnet: &Subnet, now: Timestamp) -> Self {
        let behaviour = image.behaviour();
        let running_at = PENDING.after(now);
        let listening_at = behaviour.boot.after(running_at);
        let sick_at = if behaviour.never_healthy {
            Some(listening_at)
        } else {
            behaviour.sick_after.or(behaviour.checks_fail_after).map(|span| span.after(listening_at))
        };
        Self {
            id,
            image_id: image.id.clone(),
            version: image.name.clone(),
            architecture: image.architecture.clone(),
            root_device: image.root_device.clone(),
            instance_type: data.instance_type.clone().unwrap_or_default(),
            spot: false,
            tenancy: data.tenancy.clone().unwrap_or_else(|| "default".to_owned()),
            block_devices: data.block_devices.clone(),
            volume_tags: data.tag_specifications.get("volume").cloned().unwrap_or_default(),
            key_name: data.key_name.clone(),
            iam_instance_profile: data.iam_instance_profile.clone(),
            user_data: data.user_data.clone(),
            security_group_ids: data.security_group_ids.clone(),
            http_tokens: data.http_tokens.clone().unwrap_or_else(|| "optional".to_owned()),
            monitoring: data.monitoring.unwrap_or(false),
            vpc_id: subnet.vpc_id.clone(),
            subnet_id: subnet.id.clone(),
            zone: subnet.zone.clone(),
            private_ip: String::new(),
            tags: data.tag_specifications.get("instance").cloned().unwrap_or_default(),
            group: None,
            launched_at: now,
            running_at,
            listening_at,
            sick_at,
            fails_checks_only: behaviour.checks_fail_after.is_some(),
            latency: behaviour.latency,
            error_percent: behaviour.error_percent,
            broken_path: behaviour.broken_path,
            stopped_at: None,
        }
    }
}

impl Compute {
    /// Adds an instance, with the next address of its subnet, whose block is `cidr`.
    pub(super) fn add(&mut self, mut instance: Instance, cidr: &str) {
        instance.private_ip = address(cidr, self.launched);
        self.launched += 1;
        self.instances.insert(instance.id.clone(), instance);
    }

    /// Forgets instances that have been terminated for an hour.
    pub(super) fn forget_terminated(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.stopped.front() {
            if REMEMBERED.after(*at) > now {
                break;
            }
            self.instances.remove(id);
            self.stopped.pop_front();
        }
    }

    /// How many instances are pending or running.
    pub fn alive(&self, now: Timestamp) -> usize {
        self.instances.values().filter(|it| matches!(it.state(now), State::Pending | State::Running)).count()
    }
}

/// The address of the `serial`th instance within a block; AWS keeps the first few of each block for itself.
fn address(cidr: &str, serial: u64) -> String {
    let (base, bits) = cidr.split_once('/').unwrap_or((cidr, "24"));
    let base: u32 = base.parse().map_or(0x0a00_0000, |base: std::net::Ipv4Addr| base.into());
    let size = 1u64 << (32 - bits.parse::<u32>().unwrap_or(24).clamp(8, 28));
    // The remainder is below 2^24.
    std::net::Ipv4Addr::from(base.wrapping_add(4 + (serial % (size - 5)) as u32)).to_string()
}

impl World {
    /// Terminates an instance, whoever asks. Its group and its target groups notice by and by.
    pub fn terminate_instance(&mut self, id: &str) {
        let now = self.now;
        let Some(instance) = self.compute.instances.get_mut(id) else { return };
        if instance.stopped_at.is_some() {
            return;
        }
        instance.stopped_at = Some(now);
        self.compute.stopped.push_back((now, id.to_owned()));
        self.instance_changed(id);
    }

    /// Makes an instance's service answer with 500 from now on, as a test's or a demonstration's fault.
    pub fn make_sick(&mut self, id: &str) {
        let now = self.now;
        if let Some(instance) = self.compute.instances.get_mut(id) {
            instance.sick_at = Some(now);
            self.instance_changed(id);
        }
    }

    /// Makes an instance's service answer well again.
    pub fn make_well(&mut self, id: &str) {
        if let Some(instance) = self.compute.instances.get_mut(id) {
            instance.sick_at = None;
            self.instance_changed(id);
        }
    }

    /// Tells those who watch an instance that it is not what it was.
    fn instance_changed(&mut self, id: &str) {
        super::balancing::instance_changed(self, id);
        super::scaling::instance_changed(self, id);
    }
}
