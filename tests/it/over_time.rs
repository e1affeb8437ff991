//! What must hold over several calls: a candidate loses a share of the traffic only with a mark that says why, nothing is emptied
//! while a node of the load balancer may still send to it, and somebody serves wherever somebody could.

use std::collections::{BTreeMap, BTreeSet};

use amiable::model::time::{Span, Timestamp};
use amiable::sim::CallRecord;
use amiable::sim::world::World;
use amiable::sim::world::balancing::{Action, Health, Target};
use amiable::sim::world::scaling::Group;

use crate::invariants::{app_of, assert_invariants, healthy};

/// How long the mark may come after the call that takes the share: long enough for another process to begin after a crash.
const MARK_WITHIN: Span = Span::seconds(90);

/// How long nobody may serve where a generation that has served before could.
const SERVED_WITHIN: Span = Span::seconds(60);
/// Where AWS was not asked anything for longer than this, nobody was there to see it.
const LOOKED_WITHIN: Span = Span::seconds(40);

/// What was seen of earlier calls.
#[derive(Clone, Default)]
pub struct OverTime {
    /// Candidates that lost a share without a mark: when, of how much, and by what.
    unmarked: BTreeMap<String, (Timestamp, u32, String)>,
    /// The shares after the last call: where they differ before the next one, somebody else has moved them.
    shares: Option<BTreeMap<String, u32>>,
    /// Apps that nobody serves though one could: since when, and when that was seen last.
    unserved: BTreeMap<String, (Timestamp, Timestamp)>,
    /// Whether a mark may come as late as it likes, since AWS refuses it for now.
    patient: bool,
    /// Whether AWS refuses every call that could give the traffic to whoever could serve.
    helpless: bool,
    /// Whether a manifest asks for an earlier generation again, whose takeover is the mark then.
    takes_back: bool,
}

impl OverTime {
    /// The same where AWS refuses calls, and perhaps the mark: it has to be there when the run is over.
    pub fn patient() -> Self {
        Self { patient: true, ..Self::default() }
    }

    /// AWS refuses to move traffic from now on: nobody may serve for as long as that is so.
    pub fn helpless(&mut self) {
        self.helpless = true;
    }

    /// A manifest asks for an earlier generation again: that it takes over says why the other one loses its share.
    pub fn takes_back(&mut self) {
        self.takes_back = true;
    }

    /// Asserts all invariants for one call.
    pub fn check(&mut self, call: &CallRecord, before: &World, after: &World) {
        self.somebody_serves_where_one_could(after);
        // A read changes nothing, but time passes.
        if !call.mutating && self.unmarked.is_empty() {
            return;
        }
        assert_invariants(call, before, after);
        kept_while_reached(call, before, after);
        self.shares_fall_with_a_mark(call, before, after);
    }

    /// Asserts that every share that has fallen has its mark by now, since a run is over.
    pub fn assert_marked(&self) {
        assert!(self.unmarked.is_empty(), "a share fell, and no mark says why: {:?}", self.unmarked);
    }

    fn somebody_serves_where_one_could(&mut self, world: &World) {
        let idle = idle(world);
        self.unserved.retain(|app, _| idle.contains_key(app));
        for (app, could) in idle {
            let (since, seen) = self.unserved.entry(app).or_insert((world.now, world.now));
            if LOOKED_WITHIN.after(*seen) < world.now {
                *since = world.now;
            }
            *seen = world.now;
            let late = SERVED_WITHIN.after(*since) < world.now && !self.helpless;
            assert!(!late, "nobody has served since {since}, and {could} could");
        }
    }

    fn shares_fall_with_a_mark(&mut self, call: &CallRecord, before: &World, after: &World) {
        let (had, has) = (shares(before), shares(after));
        let by_hand = self.shares.replace(has.clone()).is_some_and(|seen| seen != had);
        for (name, had) in had {
            let Some(group) = before.scaling.groups.get(&name).filter(|group| is_candidate(group)) else { continue };
            // Where nothing has any traffic any more the app itself is being taken down.
            let ends = !has.iter().any(|(other, share)| app_of(other) == app_of(&name) && *share > 0);
            if has.get(&name).is_some_and(|has| *has < had) && !by_hand && !ends && !is_turned_down(group) {
                let said = format!("{} of {had} %", call.operation);
                self.unmarked.entry(name).or_insert((after.now, had, said));
            }
        }
        let takes_back = self.takes_back;
        self.unmarked.retain(|name, (_, had, _)| {
            let marked = after
                .scaling
                .groups
                .get(name)
                .is_some_and(|it| is_turned_down(it) || !is_candidate(it) || takes_back && is_followed(it, after));
            !marked && has.get(name).is_none_or(|has| has < had)
        });
        for (name, (at, _, said)) in &self.unmarked {
            let late = MARK_WITHIN.after(*at) < after.now && !self.patient;
            assert!(!late, "{name} lost its share ({said}) at {at}, and no mark says why");
        }
    }
}

/// What has just lost its traffic is neither emptied nor taken out before all nodes of the load balancer know: until then they go
/// on sending it requests. What is sick is not emptied either: some of its instances may still answer, and an empty target group
/// answers nothing at all.
fn kept_while_reached(call: &CallRecord, before: &World, after: &World) {
    let reached = before.still_reached();
    for group in before.scaling.groups.values().filter(|group| group.desired > 0) {
        let emptied = after.scaling.groups.get(&group.name).is_none_or(|group| group.desired == 0);
        for arn in group.target_groups.iter().map(|at| &at.arn).filter(|arn| reached.contains(*arn)) {
            let Some(targets) = before.balancing.target_groups.get(arn) else { continue };
            let left = after.balancing.target_groups.get(arn);
            for (key, target) in targets.targets.iter().filter(|(key, _)| group.members.contains_key(&key.id)) {
                let stays = |it: &Target| it.health == Health::Healthy;
                let gone = emptied || !left.and_then(|left| left.targets.get(key)).is_some_and(stays);
                let harm = emptied || target.health == Health::Healthy && gone;
                assert!(!harm, "{} of {} was taken out while it still got requests: {call:?}", key.id, group.name);
            }
        }
    }
}

/// The apps that nobody serves where a generation with healthy targets could, since it has served before and a listener or rule
/// names it beside the one that has the traffic.
fn idle(world: &World) -> BTreeMap<String, String> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for (_, actions) in world.balancing.public_action_lists() {
        for action in actions {
            let Action::Forward(forward) = action else { continue };
            if forward.target_groups.iter().any(|(_, weight)| *weight > 0) {
                named.extend(forward.target_groups.iter().map(|(arn, _)| arn.as_str()));
            }
        }
    }
    let could = |group: &&Group| {
        let is_named = group.target_groups.iter().any(|at| named.contains(at.arn.as_str()));
        is_named && group.desired > 0 && group.tags.contains_key("amiable:shifted-at") && healthy(group, world) > 0
    };
    let mut idle: BTreeMap<String, String> = world
        .scaling
        .groups
        .values()
        .filter(could)
        .map(|group| (app_of(&group.name).to_owned(), group.name.clone()))
        .collect();
    if !idle.is_empty() {
        world.serving().keys().for_each(|group| drop(idle.remove(app_of(group))));
    }
    idle
}

/// The share of the traffic of each generation that a listener or rule names, in percent.
fn shares(world: &World) -> BTreeMap<String, u32> {
    let mut by_arn: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, actions) in world.balancing.public_action_lists() {
        for action in actions {
            let Action::Forward(forward) = action else { continue };
            let all: u32 = forward.target_groups.iter().map(|(_, weight)| *weight).sum();
            for (arn, weight) in &forward.target_groups {
                let share = by_arn.entry(arn).or_default();
                *share = (*share).max((*weight * 100).checked_div(all).unwrap_or(0));
            }
        }
    }
    let groups = world.scaling.groups.values().filter(|group| group.desired > 0 && group.deleting.is_none());
    let shares = groups.filter_map(|group| {
        let share = group.target_groups.iter().filter_map(|at| by_arn.get(at.arn.as_str())).max()?;
        Some((group.name.clone(), *share))
    });
    shares.collect()
}

/// Whether a generation of ours has not proved itself yet.
fn is_candidate(group: &Group) -> bool {
    group.tags.contains_key("amiable:generation") && !group.tags.contains_key("amiable:recorded-at")
}

/// Whether an earlier generation has taken over after it.
fn is_followed(group: &Group, world: &World) -> bool {
    let took_over = |group: &Group| group.tags.get("amiable:shifted-at").map(|tag| tag.value.clone());
    let others = world.scaling.groups.values().filter(|other| app_of(&other.name) == app_of(&group.name));
    others.filter(|other| other.name < group.name).any(|other| took_over(other) > took_over(group))
}

/// Whether a mark says that a generation is to have no traffic: it failed, or nobody wants it any more.
fn is_turned_down(group: &Group) -> bool {
    let unwanted = group.tags.get("amiable:healthy-since").is_some_and(|tag| tag.value.contains(" unwanted "));
    unwanted || group.tags.contains_key("amiable:failed-at")
}

/// What somebody does here is told to the invariants as if Amiable had done it.
mod they_fail_when_they_should {
    use std::time::Duration;

    use amiable::sim::CallRecord;
    use amiable::sim::world::example::HELLO_1_1;

    use super::OverTime;
    use crate::crash::{deployed, manifest};
    use crate::lab::Lab;

    /// A canary has a fifth of the traffic.
    async fn canary() -> Lab {
        let steps = "{canary: {steps: [{weight: 20}, {pause: 10m}], bakeTime: 10s}}";
        let mut lab = deployed("").await;
        lab.write("hello", manifest(HELLO_1_1, "").replace("{redBlack: {bakeTime: 15s}}", steps));
        lab.apply_for(Duration::from_secs(120)).await;
        lab
    }

    /// Makes a call by hand, and tells the invariants of it.
    fn told(lab: &Lab, over_time: &mut OverTime, service: &str, operation: &str, parameters: &[(&str, &str)]) {
        let before = lab.simulation.with(|world| world.clone());
        lab.by_hand(service, operation, parameters);
        let after = lab.simulation.with(|world| world.clone());
        let (service, operation) = (service.to_owned(), operation.to_owned());
        let call = CallRecord { service, operation, mutating: true, status: 200, error: None };
        over_time.check(&call, &before, &after);
    }

    /// The canary loses its share.
    fn taken_away(lab: &Lab, over_time: &mut OverTime) {
        let forward = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
        let [a, b] = ["a", "b"].map(|slot| lab.target_group(&format!("hello-prod-{slot}")));
        let listener = lab.listener("hello-prod");
        let names = ["1.TargetGroupArn", "1.Weight", "2.TargetGroupArn", "2.Weight"];
        let [one, one_weight, two, two_weight] = names.map(|name| format!("{forward}.{name}"));
        let parameters = [
            ("ListenerArn", listener.as_str()),
            ("DefaultActions.member.1.Type", "forward"),
            (&one, &a),
            (&one_weight, "100"),
            (&two, &b),
            (&two_weight, "0"),
        ];
        told(lab, over_time, "elasticloadbalancing", "ModifyListener", &parameters);
    }

    /// The canary ends.
    fn emptied(lab: &Lab, over_time: &mut OverTime) {
        let group = "hello-prod-v002";
        let parameters = [("AutoScalingGroupName", group), ("MinSize", "0"), ("DesiredCapacity", "0")];
        told(lab, over_time, "autoscaling", "UpdateAutoScalingGroup", &parameters);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "and no mark says why")]
    async fn a_share_that_falls_without_a_mark_is_found() {
        let (lab, mut over_time) = (canary().await, OverTime::default());
        taken_away(&lab, &mut over_time);
        lab.pass(100).await;
        let size = [("AutoScalingGroupName", "hello-prod-v001"), ("MaxSize", "5")];
        told(&lab, &mut over_time, "autoscaling", "UpdateAutoScalingGroup", &size);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "while it still got requests")]
    async fn what_is_emptied_while_a_node_still_sends_to_it_is_found() {
        let (lab, mut over_time) = (canary().await, OverTime::default());
        taken_away(&lab, &mut over_time);
        lab.pass(3).await;
        emptied(&lab, &mut over_time);
    }
}
