//! Everything there is in the simulated AWS, as plain data, and how it moves on when time passes.
//!
//! - [`compute`]: instances, and what the image makes them do
//! - [`console`]: what they write to their consoles
//! - [`scaling`]: Auto Scaling groups and their activities
//! - [`balancing`]: load balancers, listeners, rules, target groups and health
//! - [`network`]: VPCs, subnets and security groups
//! - [`images`]: machine images
//! - [`templates`]: launch templates
//! - [`metrics`]: what load balancers count, and alarms
//! - [`outside`]: webhooks, and the way to load balancers
//! - [`dns`]: hosted zones, records and changes
//! - [`parameters`]: SSM parameters
//! - [`identities`]: access keys, roles and sessions
//! - [`example`]: a small account to try things on
//! - [`inventory`]: what there is, for people who write manifests
//! - [`agenda`]: what is to be looked at again, and when
//! - [`shelf`]: things by name that copies of the world share

pub mod agenda;
pub mod balancing;
pub mod compute;
pub mod console;
pub mod dns;
pub mod example;
pub mod identities;
pub mod images;
pub mod inventory;
pub mod metrics;
pub mod network;
pub mod outside;
pub mod parameters;
pub mod scaling;
pub mod shelf;
pub mod templates;

use std::collections::BTreeMap;

use crate::model::time::{Span, Timestamp};

/// One account in one region.
#[derive(Clone, Debug)]
pub struct World {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The time up to which everything has happened.
    pub now: Timestamp,
    /// How long EC2 does not know of what was just created.
    pub consistency: Span,
    /// How long it takes until new weights have reached all nodes of a load balancer; nothing for at once.
    pub spread: Span,
    /// Instances.
    pub compute: compute::Compute,
    /// Auto Scaling.
    pub scaling: scaling::Scaling,
    /// Load balancing.
    pub balancing: balancing::Balancing,
    /// Networks.
    pub network: network::Networks,
    /// Images.
    pub images: images::Images,
    /// Launch templates.
    pub templates: templates::Templates,
    /// CloudWatch.
    pub metrics: metrics::Metrics,
    /// What is outside of AWS.
    pub outside: outside::Outside,
    /// DNS.
    pub dns: dns::Dns,
    /// Parameters.
    pub parameters: parameters::Parameters,
    /// Access keys, roles and sessions.
    pub identities: identities::Identities,
    /// Other accounts, which are reached by assuming a role of theirs.
    pub neighbours: BTreeMap<String, World>,
    /// The last number that was given to an id.
    last_id: u64,
}

impl World {
    /// An account with nothing in it.
    pub fn empty(account: &str, region: &str, now: Timestamp) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            now,
            consistency: Span::default(),
            spread: Span::seconds(10),
            compute: Default::default(),
            scaling: Default::default(),
            balancing: Default::default(),
            network: Default::default(),
            images: Default::default(),
            templates: Default::default(),
            metrics: Default::default(),
            outside: Default::default(),
            dns: Default::default(),
            parameters: Default::default(),
            identities: Default::default(),
            neighbours: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// Lets time pass until `to`: instances boot, checks pass and fail, groups replace what died, targets drain.
    pub fn advance(&mut self, to: Timestamp) {
        while self.now < to {
            let next = self.next_event().filter(|at| *at < to).unwrap_or(to);
            metrics::traffic::flow(self, next);
            self.now = next;
            scaling::tick(self);
            balancing::tick(self);
            dns::tick(self);
            metrics::alarms::tick(self);
        }
    }

    /// When the next thing happens by itself, if anything will.
    fn next_event(&self) -> Option<Timestamp> {
        let events =
            [scaling::next_event(self), balancing::next_event(self), dns::next_event(self), metrics::next_event(self)];
        events.into_iter().flatten().filter(|at| *at > self.now).min()
    }

    /// A fresh id: `prefix` and seventeen hexadecimal digits.
    pub fn fresh_id(&mut self, prefix: &str) -> String {
        format!("{prefix}-{:017x}", self.fresh_number())
    }

    /// A fresh number that looks like AWS's: the same in every run, and never the same twice.
    pub fn fresh_number(&mut self) -> u64 {
        self.last_id += 1;
        // A multiplication by an odd number permutes, so that ids differ in all their digits and yet never clash.
        self.last_id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4
    }
}
