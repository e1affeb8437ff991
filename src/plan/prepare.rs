//! What must stand before instances can serve: target groups, load balancer, listener or rule.

use super::diff::settings;
use super::draft::Draft;
use super::picture::{Front, Picture, add_tags};
use super::place::{self, Bounds};
use super::preview;
use super::release::Release;
use super::resolve::Wanted;
use super::resolve::balancing::Listener;
use super::shift::own_group;
use super::spared;
use super::traffic;
use crate::model::action::Action;
use crate::model::balancing::{Answer, NewListener, NewLoadBalancer, NewRule, NewTargetGroup};
use crate::model::names::Slot;
use crate::model::observed::{Forward, Health, Rule, Want};
use crate::model::spec::{LoadBalancer, OwnLoadBalancer, SharedListener};
use crate::model::tags;

/// Whether everything stands; if not, the draft holds the actions or the waits that lead there.
pub(super) fn prepare<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) -> bool {
    let Some(front) = &picture.front else { return true };
    if !target_groups(draft, wanted, front) || !attributes(draft, wanted, picture, front) {
        return false;
    }
    match &wanted.spec.load_balancer {
        LoadBalancer::None => true,
        LoadBalancer::Own(_) => {
            balancer(draft, wanted, picture, front)
                && lead_somewhere(draft, wanted, picture, front)
                && preview::prepare(draft, wanted, picture, front)
        }
        LoadBalancer::Shared(shared) => {
            rule(draft, wanted, picture, front, shared)
                && lead_somewhere(draft, wanted, picture, front)
                && preview::prepare(draft, wanted, picture, front)
        }
    }
}

/// Both target groups exist.
fn target_groups<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>) -> bool {
    let mut all = true;
    for slot in Slot::BOTH {
        if !front.target_groups.contains_key(&slot) {
            all = false;
            let name = draft.scope.target_group_name(slot);
            let tags = tags::encode_app(draft.scope, &name, &wanted.app.labels);
            let action = Action::CreateTargetGroup(NewTargetGroup {
                name,
                vpc_id: wanted.environment.network.vpc_id.clone(),
                protocol: wanted.balancing.target_protocol.clone(),
                port: wanted.spec.health_check.port,
                check: wanted.check.clone(),
                tags,
            });
            draft.act(action, format!("slot {slot} has no target group"), Vec::new());
        }
    }
    // The load balancer takes longest, so it begins at once.
    if let (LoadBalancer::Own(own), None) = (&wanted.spec.load_balancer, front.balancer) {
        all = false;
        create_balancer(draft, wanted, own);
    }
    all
}

fn create_balancer<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, own: &OwnLoadBalancer) {
    let name = draft.scope.load_balancer_name();
    let action = Action::CreateLoadBalancer(NewLoadBalancer {
        tags: tags::encode_app(draft.scope, &name, &wanted.app.labels),
        name,
        kind: own.kind.as_str().to_owned(),
        scheme: own.scheme.as_str().to_owned(),
        subnet_ids: wanted.subnet_ids.clone(),
        security_group_ids: wanted.balancing.security_group_ids.clone().unwrap_or_default(),
        ip_address_type: wanted.balancing.ip_address_type.map(str::to_owned),
    });
    draft.act(action, "the app has no load balancer", Vec::new());
}

/// The attributes of what no generation has used yet: AWS sets its own defaults at creation.
fn attributes<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, front: &Front<'a>) -> bool {
    if !picture.groups.is_empty() {
        return true;
    }
    let found = settings::attributes(draft, wanted, front);
    let all = found.is_some();
    let changes = found.unwrap_or_default();
    for change in &changes {
        draft.act(change.action(), change.words(), Vec::new());
    }
    all && changes.is_empty()
}

fn balancer<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, front: &Front<'a>) -> bool {
    let Some(balancer) = front.balancer else { return false };
    if balancer.state == "failed" {
        draft.fail(format!("load balancer {} failed to provision; delete it, and it is created anew", balancer.name));
        return false;
    }
    // What somebody took away may stay away if the manifest says so, as long as something is left that forwards.
    let ignored = picture.is_ignored(wanted, "loadBalancer.listeners[].port") && !front.points.is_empty();
    let missing = |listener: &&Listener| !ignored && !front.listeners.contains_key(&listener.port);
    let missing: Vec<_> = wanted.balancing.listeners.iter().filter(missing).collect();
    for listener in &missing {
        let answer = match &listener.redirect {
            Some(redirect) => Answer::Redirect(redirect.clone()),
            None => Answer::Forward(first_forward(wanted, picture, front)),
        };
        let action = Action::CreateListener(NewListener {
            load_balancer_arn: balancer.arn.clone(),
            port: listener.port,
            protocol: listener.protocol.to_owned(),
            certificate_arn: listener.certificate_arn.clone(),
            ssl_policy: listener.ssl_policy.clone(),
            answer,
            tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
        });
        draft.act(action, format!("the load balancer does not listen on port {}", listener.port), Vec::new());
    }
    missing.is_empty()
}

fn rule<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    front: &Front<'a>,
    shared: &SharedListener,
) -> bool {
    if !front.points.is_empty() {
        return true;
    }
    let Some(listener) = front.shared else { return false };
    let want = Want::RulesOf(listener.arn.clone());
    let Some(rules) = draft.see(draft.observed.details.rules_of.get(&listener.arn), want, "the listener's rules")
    else {
        return false;
    };
    let conditions = &wanted.balancing.conditions;
    let place = Bounds::of(rules.iter(), conditions).and_then(|bounds| match shared.priority {
        Some(priority) => bounds.against(priority).map_or(Ok(priority), Err),
        None => place::choose(rules, conditions, &bounds, draft.scope),
    });
    let priority = match place {
        Ok(priority) => priority,
        Err(against) => {
            draft.fail(place::conflict(shared, against));
            return false;
        }
    };
    if let Some(other) = taken_by(rules, priority) {
        draft.fail(taken(priority, shared, other));
        return false;
    }
    let action = Action::CreateRule(NewRule {
        listener_arn: listener.arn.clone(),
        priority,
        conditions: conditions.clone(),
        forward: first_forward(wanted, picture, front),
        tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
    });
    let why = format!("the listener `{}` has no rule for the app; it gets priority {priority}", shared.listener);
    draft.act(action, why, Vec::new());
    false
}

/// The rule that has a priority.
pub(super) fn taken_by(rules: &[Rule], priority: u32) -> Option<&Rule> {
    rules.iter().find(|rule| rule.priority == Some(priority))
}

/// That a priority is taken, with the remedy.
pub(super) fn taken(priority: u32, shared: &SharedListener, other: &Rule) -> String {
    format!(
        "priority {priority} on the shared listener `{}` belongs to another rule ({}); choose a free one, or leave \
         loadBalancer.priority out",
        shared.listener, other.arn
    )
}

/// The traffic leads to something that runs, if there is anything that had it before. Whatever that is like, it is better
/// than nothing, unless a person turned it down: that person may know of harm that no health check sees.
fn lead_somewhere<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>, front: &Front<'a>) -> bool {
    let last = picture.last_resort().filter(|group| !group.owner.is_turned_down());
    let last = last.and_then(|group| Some((group, group.owner.slot?)));
    let Some((group, slot)) = last else { return true };
    let shifts = front.shifts(&traffic::as_it_was(wanted, picture, front, slot));
    if shifts.is_empty() {
        return true;
    }
    // The list of groups may be older than the newest of them: what answers there knows better.
    if let Some(arn) = front.live_slot().and_then(|live| front.arn(live)) {
        let found = draft.observed.details.target_health.get(arn);
        let found = draft.see(found, Want::TargetHealth(arn.to_owned()), "the health of what has the traffic");
        let Some(targets) = found else { return false };
        if targets.iter().any(|target| target.health == Health::Healthy) {
            return true;
        }
    }
    spared::wanted_again(draft, group);
    for action in shifts {
        let reason = format!("nothing serves: {} had the traffic last", group.owner.generation);
        draft.act(action, reason, vec![own_group(group)]);
    }
    false
}

/// Where a new listener or rule sends traffic: as the others do or, when nothing forwards, to one slot.
fn first_forward(wanted: &Wanted<'_>, picture: &Picture<'_>, front: &Front<'_>) -> Forward {
    let as_it_was = || traffic::as_it_was(wanted, picture, front, slot_with_traffic(picture));
    front.current().cloned().unwrap_or_else(as_it_was)
}

/// Where a new listener or rule sends traffic. For a new app: the slot that stays empty until the first generation, in
/// the other one, is verified. In the place of one that somebody deleted: where the generation is that took over last.
fn slot_with_traffic(picture: &Picture<'_>) -> Slot {
    let last =
        picture.unfailed().filter(|group| group.owner.shifted_at.is_some()).max_by_key(|group| group.owner.shifted_at);
    let resort = picture.last_resort().filter(|group| !group.owner.is_turned_down());
    resort.or(last).and_then(|group| group.owner.slot).unwrap_or(Slot::B)
}

/// Whether what stands before the instances carries the app's tags still. Somebody may have taken them away, and nobody could tell
/// whose it is once no group of the app is attached to it any more: that is said before anything is launched or removed.
pub(super) fn is_own<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> bool {
    let Some(front) = release.picture.front.as_ref().filter(|_| release.serving.is_some()) else { return true };
    let own = matches!(release.wanted.spec.load_balancer, LoadBalancer::Own(_));
    let balancer = front.balancer.filter(|_| own).map(|it| (format!("load balancer {}", it.name), it.arn.as_str()));
    let groups = front.target_groups.values().map(|it| (format!("target group {}", it.name), it.arn.as_str()));
    let mut all = true;
    for (what, arn) in groups.chain(balancer) {
        let found = draft.observed.details.tags.get(arn);
        match draft.see(found, Want::Tags(arn.to_owned()), &format!("the tags of {what}")) {
            Some(found) if !tags::belongs_to(found, draft.scope) => {
                let remedy = add_tags(draft.scope, arn, found);
                draft.fail(format!(
                    "{what} has lost the tags by which it is this app's; nothing is launched or removed until it has them: {remedy}"
                ));
                return false;
            }
            Some(_) => {}
            None => all = false,
        }
    }
    all
}

/// Whether the load balancer lacks nothing but time.
pub(super) fn is_provisioning(front: &Front<'_>) -> bool {
    front.balancer.is_some_and(|balancer| balancer.state == "provisioning")
}
