//! What stands before the instances of one app: target groups, load balancer, and what holds the weights.

use std::collections::BTreeMap;

use crate::model::action::{Action, Expect, TrafficPoint};
use crate::model::names::Slot;
use crate::model::observed::{Forward, Listener, LoadBalancer, Rule, TargetGroup};

/// What stands before the instances.
#[derive(Clone, Default)]
pub(in crate::plan) struct Front<'a> {
    /// The target groups of slot a and slot b.
    pub(in crate::plan) target_groups: BTreeMap<Slot, &'a TargetGroup>,
    /// The load balancer, own or shared.
    pub(in crate::plan) balancer: Option<&'a LoadBalancer>,
    /// What holds the weights: each of the own listeners, by port, or the rule. Empty: nothing forwards yet.
    pub(in crate::plan) points: Vec<Point>,
    /// The own listeners by port.
    pub(in crate::plan) listeners: BTreeMap<u16, &'a Listener>,
    /// The shared listener that has the rule.
    pub(in crate::plan) shared: Option<&'a Listener>,
    /// The rule on a shared listener.
    pub(in crate::plan) rule: Option<&'a Rule>,
    /// The rule for preview requests.
    pub(in crate::plan) preview: Option<&'a Rule>,
}

/// One of the things that hold the weights, and the weights that it holds.
#[derive(Clone)]
pub(in crate::plan) struct Point {
    pub(in crate::plan) at: TrafficPoint,
    pub(in crate::plan) forward: Forward,
    /// What it answers instead of forwarding.
    pub(in crate::plan) instead: Option<String>,
}

impl Front<'_> {
    /// The share of traffic that a slot's target group gets, 0 to 999; where it gets most of it, if points differ.
    pub(in crate::plan) fn weight(&self, slot: Slot) -> u32 {
        let Some(group) = self.target_groups.get(&slot) else { return 0 };
        self.points.iter().map(|point| point.forward.weight(&group.arn)).max().unwrap_or(0)
    }

    /// Whether every point names a slot's target group, be it with weight 0. Load balancing checks no other.
    pub(in crate::plan) fn names(&self, slot: Slot) -> bool {
        let named = |arn: &str| self.points.iter().all(|point| point.forward.weights.contains_key(arn));
        self.arn(slot).is_some_and(named)
    }

    /// Whether every point forwards like this, and there is one.
    pub(in crate::plan) fn is_exactly(&self, forward: &Forward) -> bool {
        !self.points.is_empty() && self.points.iter().all(|point| point.forward == *forward)
    }

    /// The calls that make every point forward like this: one for each that does not yet.
    pub(in crate::plan) fn shifts(&self, forward: &Forward) -> Vec<Action> {
        let others = self.points.iter().filter(|point| point.forward != *forward);
        others.map(|point| Action::Shift { at: point.at.clone(), forward: forward.clone() }).collect()
    }

    /// That a slot takes traffic, or takes none, at every point.
    pub(in crate::plan) fn expect_weight(&self, slot: Slot, serving: bool) -> Vec<Expect> {
        let Some(arn) = self.arn(slot) else { return Vec::new() };
        let expect = |point: &Point| {
            let (at, target_group_arn) = (point.at.clone(), arn.to_owned());
            Expect::Weight { at, target_group_arn, serving }
        };
        self.points.iter().map(expect).collect()
    }

    /// The listeners that lead here, for the tag by which they are found again: the own ones by port, or the shared one.
    pub(in crate::plan) fn listener_arns(&self) -> Vec<String> {
        self.listeners.values().copied().chain(self.shared).map(|listener| listener.arn.clone()).collect()
    }

    /// The ARN of a slot's target group.
    pub(in crate::plan) fn arn(&self, slot: Slot) -> Option<&str> {
        self.target_groups.get(&slot).map(|group| group.arn.as_str())
    }

    /// The slot that takes the traffic; the one with more of it if both do.
    pub(in crate::plan) fn live_slot(&self) -> Option<Slot> {
        Slot::BOTH
            .into_iter()
            .filter(|slot| self.weight(*slot) > 0)
            .max_by_key(|slot| (self.weight(*slot), slot.other()))
    }

    /// So much of the traffic to one slot, in percent, and the rest to the other.
    pub(in crate::plan) fn split(&self, slot: Slot, percent: u32) -> Forward {
        let weight = |each: Slot| if each == slot { percent } else { 100_u32.saturating_sub(percent) };
        Forward::new(self.target_groups.iter().map(|(each, group)| (group.arn.clone(), weight(*each))).collect())
    }

    /// Whether the load balancer can keep a visitor on one of two target groups.
    pub(in crate::plan) fn keeps_visitors(&self) -> bool {
        self.balancer.is_none_or(|balancer| balancer.kind == "application")
    }

    /// How traffic is split now: as the point with the most of it forwards. Nothing before anything forwards.
    pub(in crate::plan) fn current(&self) -> Option<&Forward> {
        let live = self.live_slot()?;
        let arn = self.arn(live)?;
        self.points.iter().map(|point| &point.forward).max_by_key(|forward| forward.weight(arn))
    }

    /// All traffic to one slot, as one forward action.
    pub(in crate::plan) fn all_to(&self, slot: Slot) -> Forward {
        self.split(slot, 100)
    }
}
