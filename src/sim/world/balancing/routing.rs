//! Where a request goes, and who serves: what a real load balancer would do with the present configuration and health.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Health, TargetGroup};
use crate::sim::world::World;

/// A request as far as routing heeds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The method; only rules that have methods heed it.
    pub method: String,
    /// The client's address.
    pub source_ip: String,
    /// The host header.
    pub host: String,
    /// The path, with or without a query.
    pub path: String,
    /// Other headers.
    pub headers: Vec<(String, String)>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// It goes to this target.
    Target {
        /// The target group that the weights chose.
        target_group: String,
        /// The instance.
        instance: String,
        /// The port on the instance.
        port: u16,
    },
    /// The load balancer answers by itself.
    Answer {
        /// The status.
        status: u16,
        /// The content type.
        content_type: Option<String>,
        /// The body.
        body: Option<String>,
    },
    /// The client is sent elsewhere.
    Redirect {
        /// 301 or 302.
        status: u16,
        /// The place.
        location: String,
    },
    /// Nobody takes it: 503.
    Unavailable,
    /// Nothing listens there.
    Refused,
}

impl World {
    /// Where a request to a port of a load balancer goes. The roll, any number, chooses by weight among target groups
    /// and evenly among the targets of the chosen one; consecutive rolls spread over both.
    pub fn route(&self, load_balancer: &str, port: u16, request: &Incoming, roll: u32) -> Route {
        let balancing = &self.balancing;
        let active = balancing.load_balancers.get(load_balancer).is_some_and(|it| it.active_at() <= self.now);
        let Some(listener) = balancing.listeners_of(load_balancer).find(|it| it.port == port).filter(|_| active) else {
            return Route::Refused;
        };
        let rule = balancing
            .rules_of(&listener.arn)
            .into_iter()
            .find(|rule| rule.conditions.iter().all(|condition| condition.holds(request)));
        // Everybody counts as logged in, so that the last action answers.
        let (arn, actions) = rule.map_or((&listener.arn, &listener.actions), |rule| (&rule.arn, &rule.actions));
        match balancing.at_node(arn, actions, roll, self.spread, self.now).last() {
            Some(Action::Forward(forward)) => self.forward(&forward.target_groups, roll),
            Some(Action::FixedResponse { status, content_type, body }) => Route::Answer {
                status: status.parse().unwrap_or(503),
                content_type: content_type.clone(),
                body: body.clone(),
            },
            Some(Action::Redirect { status, protocol, port: to, host, path, query }) => {
                let given_path = request.path.split('?').next().unwrap_or_default().trim_start_matches('/');
                let given_query = request.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
                let fill = |text: &str| {
                    text.replace("#{protocol}", &listener.protocol.to_ascii_lowercase())
                        .replace("#{host}", request.host.split(':').next().unwrap_or_default())
                        .replace("#{port}", &port.to_string())
                        .replace("#{path}", given_path)
                        .replace("#{query}", given_query)
                };
                let query = fill(query);
                let query = if query.is_empty() { query } else { format!("?{query}") };
                let location = format!(
                    "{}://{}:{}{}{query}",
                    fill(protocol).to_ascii_lowercase(),
                    fill(host),
                    fill(to),
                    fill(path)
                );
                Route::Redirect { status: if status == "HTTP_301" { 301 } else { 302 }, location }
            }
            Some(Action::Login(_)) | None => Route::Unavailable,
        }
    }

    /// One target of the target group that the roll falls on.
    fn forward(&self, target_groups: &[(String, u32)], roll: u32) -> Route {
        let total: u32 = target_groups.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return Route::Unavailable;
        }
        // Scattered, so that rolls in a row do not all fall on one target group.
        let mut rest = (roll.wrapping_mul(2_654_435_761) >> 8) % total;
        let chosen = target_groups.iter().find(|(_, weight)| {
            let hit = rest < *weight;
            rest = rest.saturating_sub(*weight);
            hit
        });
        let Some(group) = chosen.and_then(|(arn, _)| self.balancing.target_groups.get(arn)) else {
            return Route::Unavailable;
        };
        let targets = takers(group);
        let Some(target) = roll.checked_rem(targets.len() as u32).and_then(|n| targets.get(n as usize)) else {
            return Route::Unavailable;
        };
        Route::Target { target_group: group.arn.clone(), instance: target.id.clone(), port: target.port }
    }

    /// How many healthy instances of each group take requests: healthy in a target group that has weight somewhere, other
    /// than for preview requests.
    /// Groups without any are not named.
    pub fn serving(&self) -> BTreeMap<String, u32> {
        let weighted =
            self.balancing.public_action_lists().flat_map(|(_, actions)| actions).flat_map(|action| match action {
                Action::Forward(forward) => forward.target_groups.as_slice(),
                _ => &[],
            });
        let target_groups: BTreeSet<&str> =
            weighted.filter(|(_, weight)| *weight > 0).map(|(arn, _)| arn.as_str()).collect();
        let mut instances: BTreeSet<&str> = BTreeSet::new();
        for group in target_groups.into_iter().filter_map(|arn| self.balancing.target_groups.get(arn)) {
            let healthy = group.targets.iter().filter(|(_, target)| target.health == Health::Healthy);
            instances.extend(healthy.map(|(key, _)| key.id.as_str()));
        }
        let mut serving = BTreeMap::new();
        for group in instances.into_iter().filter_map(|id| self.compute.instances.get(id)?.group.clone()) {
            *serving.entry(group).or_default() += 1;
        }
        serving
    }
}

/// The targets that take new requests: the healthy ones or, when there are none, all that are not leaving.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-health>
pub(in crate::sim::world) fn takers(group: &TargetGroup) -> Vec<&super::TargetKey> {
    let healthy = group.targets.iter().filter(|(_, target)| target.health == Health::Healthy);
    let healthy: Vec<_> = healthy.map(|(key, _)| key).collect();
    if !healthy.is_empty() {
        return healthy;
    }
    let registered = group
        .targets
        .iter()
        .filter(|(_, target)| matches!(target.health, Health::Unhealthy(_) | Health::Checking | Health::Registering));
    registered.map(|(key, _)| key).collect()
}
