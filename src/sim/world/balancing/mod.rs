//! Load balancers, listeners, rules, target groups and health.
//!
//! - [`action`]: what listeners and rules do with requests
//! - [`health`]: targets over time: registered, checked, drained
//! - [`routing`]: where a request goes, and who serves
//! - [`spreading`]: new weights reach the nodes of a load balancer one after the other

pub mod action;
pub mod health;
pub mod routing;
pub(crate) mod spreading;

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use super::agenda::Agenda;
use super::shelf::Shelf;
use crate::model::probe::PREVIEW_HEADER;
use crate::model::time::{Span, Timestamp};
pub use action::{Action, Condition, Forward, Login};
pub use health::{Health, Target, TargetKey};

/// From the creation of a load balancer until it is active.
pub const PROVISIONING: Span = Span::seconds(90);

/// Load balancers, listeners, rules, target groups and health.
#[derive(Clone, Debug, Default)]
pub struct Balancing {
    /// Load balancers by ARN.
    pub load_balancers: Shelf<LoadBalancer>,
    /// Listeners by ARN.
    pub listeners: Shelf<Listener>,
    /// Rules by ARN, without the listeners' default rules.
    pub rules: Shelf<Rule>,
    /// Target groups by ARN.
    pub target_groups: Shelf<TargetGroup>,
    /// Target groups whose health AWS cannot tell at present, by ARN: their targets show as `unavailable`. Changed by hand, as a fault.
    pub blind: BTreeSet<String>,
    agenda: Agenda<(String, TargetKey)>,
    /// Action lists of before, by the ARN of their listener or rule, oldest first.
    former: BTreeMap<String, Vec<spreading::Former>>,
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `application` or `network`.
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Its DNS name.
    pub dns_name: String,
    /// The hosted zone of that name.
    pub hosted_zone_id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Its subnets by availability zone: the zones that are enabled.
    pub zones: BTreeMap<String, String>,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Attributes that differ from their defaults.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// The load balancer it belongs to.
    pub load_balancer_arn: String,
    /// The port.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TCP` …
    pub protocol: String,
    /// Certificates, for HTTPS and TLS.
    pub certificate_arns: Vec<String>,
    /// The security policy, for HTTPS and TLS.
    pub ssl_policy: Option<String>,
    /// What it does with requests that no rule matches.
    pub actions: Vec<Action>,
    /// The ARN of its default rule.
    pub default_rule_arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A rule of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN.
    pub arn: String,
    /// The listener it belongs to.
    pub listener_arn: String,
    /// Its place, 1 to 50000.
    pub priority: u32,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// What it does.
    pub actions: Vec<Action>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `HTTP`, `HTTPS`, `TCP` …
    pub protocol: String,
    /// The port of its targets.
    pub port: u16,
    /// Its VPC.
    pub vpc_id: String,
    /// How targets are checked.
    pub check: Check,
    /// Attributes that differ from their defaults.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its targets.
    pub targets: BTreeMap<TargetKey, Target>,
}

/// How targets are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `HTTP`, `HTTPS` or `TCP`.
    pub protocol: String,
    /// A port, or `traffic-port`.
    pub port: String,
    /// The path, for HTTP.
    pub path: Option<String>,
    /// The status codes that count as well, for HTTP: `200`, `200,204` or `200-299`.
    pub matcher: Option<String>,
    /// Between two checks.
    pub interval: Span,
    /// How long an answer may take.
    pub timeout: Span,
    /// Passes in a row that make an unhealthy target healthy.
    pub healthy_threshold: u32,
    /// Failures in a row that make a target unhealthy.
    pub unhealthy_threshold: u32,
}

impl LoadBalancer {
    /// When it is active.
    pub fn active_at(&self) -> Timestamp {
        PROVISIONING.after(self.created_at)
    }

    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.active_at() <= now { "active" } else { "provisioning" }
    }
}

impl Rule {
    /// Whether it wants a preview header, which no ordinary client sends.
    pub fn is_for_previews(&self) -> bool {
        let wanted = |condition: &Condition| matches!(condition, Condition::Header { name, .. } if name.eq_ignore_ascii_case(PREVIEW_HEADER));
        self.conditions.iter().any(wanted)
    }
}

impl TargetGroup {
    /// How long a leaving target drains.
    pub fn deregistration_delay(&self) -> Span {
        let seconds = self.attributes.get("deregistration_delay.timeout_seconds").and_then(|text| text.parse().ok());
        Span::seconds(seconds.unwrap_or(300))
    }
}

impl Balancing {
    /// All action lists, with the load balancer they stand at: listeners' and rules'.
    pub fn action_lists(&self) -> impl Iterator<Item = (&str, &[Action])> {
        self.lists(|_| true)
    }

    /// The same, but for the lists that only who knows a preview header reaches.
    pub fn public_action_lists(&self) -> impl Iterator<Item = (&str, &[Action])> {
        self.lists(|rule| !rule.is_for_previews())
    }

    fn lists(&self, counts: fn(&Rule) -> bool) -> impl Iterator<Item = (&str, &[Action])> {
        let listeners = self.listeners.values().map(|it| (it.load_balancer_arn.as_str(), it.actions.as_slice()));
        let rules = self.rules.values().filter(move |rule| counts(rule)).filter_map(|rule| {
            let listener = self.listeners.get(&rule.listener_arn)?;
            Some((listener.load_balancer_arn.as_str(), rule.actions.as_slice()))
        });
        listeners.chain(rules)
    }

    /// The load balancers that forward to each target group, with whatever weight.
    pub fn users(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (load_balancer, actions) in self.action_lists() {
            for arn in actions.iter().flat_map(Action::target_groups) {
                users.entry(arn).or_default().insert(load_balancer);
            }
        }
        users
    }

    /// The load balancer that forwards to a target group, with whatever weight.
    pub fn user_of(&self, target_group: &str) -> Option<&LoadBalancer> {
        let (load_balancer, _) = self
            .action_lists()
            .find(|(_, actions)| actions.iter().flat_map(Action::target_groups).any(|arn| arn == target_group))?;
        self.load_balancers.get(load_balancer)
    }

    /// The listeners of a load balancer, by port.
    pub fn listeners_of<'a>(&'a self, load_balancer: &'a str) -> impl Iterator<Item = &'a Listener> {
        self.listeners.values().filter(move |listener| listener.load_balancer_arn == load_balancer)
    }

    /// The rules of a listener, by priority.
    pub fn rules_of(&self, listener: &str) -> Vec<&Rule> {
        let mut rules: Vec<&Rule> = self.rules.values().filter(|rule| rule.listener_arn == listener).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules
    }
}

/// What has happened by `world.now`.
pub fn tick(world: &mut World) {
    while let Some((target_group, target)) = world.balancing.agenda.take_due(world.now) {
        health::look(world, &target_group, &target);
    }
}

/// When the next thing happens by itself.
pub fn next_event(world: &World) -> Option<Timestamp> {
    world.balancing.agenda.next(world.now)
}

/// An instance was terminated, or its health changed: the next checks will show it.
pub(super) fn instance_changed(world: &mut World, id: &str) {
    let targets: Vec<(String, TargetKey)> = world
        .balancing
        .target_groups
        .values()
        .flat_map(|group| {
            let keys = group.targets.keys().filter(|key| key.id == id);
            keys.map(|key| (group.arn.clone(), key.clone()))
        })
        .collect();
    for (target_group, target) in targets {
        health::look(world, &target_group, &target);
    }
}
