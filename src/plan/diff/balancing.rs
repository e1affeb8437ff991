//! What of load balancing is changed while it runs: health checks, load balancer, listeners, the rule, attributes, labels.

use super::{Changes, settings};
use crate::model::action::{Action, Expect, Tags};
use crate::model::balancing::ListenerChange;
use crate::model::names::Slot;
use crate::model::observed::{Conditions, Group, Listener, LoadBalancer, Redirect, Rule, TargetCheck, Want};
use crate::model::spec::LoadBalancer as LoadBalancerSpec;
use crate::model::tags;
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::picture::Front;
use crate::plan::place::{self, Against, Bounds};
use crate::plan::preview;
use crate::plan::release::Release;
use crate::plan::resolve::balancing::Listener as WantedListener;
use crate::plan::trial::{self, Verdict};

/// The security policy that AWS gives a new listener of which none is said.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// How targets are checked, where the wanted generation is or will be. The slot of another generation is left as it is:
/// what it serves may not know the new path, and would be replaced for it. One that is in the way is gone first.
/// Whether they are checked, or about to be checked, as is wanted.
pub(super) fn checks<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_, '_>) -> bool {
    let Some(front) = release.picture.front.as_ref().filter(|_| changes.fits) else { return true };
    let wanted = &release.wanted.check;
    let place = release.target.and_then(|target| target.owner.slot).or_else(|| front.live_slot().map(Slot::other));
    let shown = release.target.or(release.serving).and_then(|group| group.owner.slot);
    if let Some(target_group) = shown.and_then(|slot| front.target_groups.get(&slot)) {
        check_fields(&target_group.check, wanted, changes);
    }
    let place = place.filter(|slot| release.target.is_some() || release.picture.runs_in(*slot).is_none());
    let Some(target_group) = place.and_then(|slot| front.target_groups.get(&slot)) else { return true };
    // A difference that is to be left alone must not come back with another one that is put right.
    let mut check = wanted.clone();
    keep_ignored(&mut check, &target_group.check, changes);
    if target_group.check != check {
        let has_traffic = |group: &&&Group| group.owner.slot.is_some_and(|slot| front.weight(slot) > 0);
        if let (Some(serving), Some(slot)) = (release.target.as_ref().filter(has_traffic), place)
            && let Verdict::NotYet = trial::of_check(draft, release, serving, slot, &check)
        {
            return false;
        }
        let (arn, name) = (target_group.arn.clone(), target_group.name.clone());
        let action = Action::ModifyTargetGroup { arn, name, check };
        draft.act(action, "the health check differs from the manifest", Vec::new());
    }
    true
}

fn check_fields(has: &TargetCheck, wanted: &TargetCheck, changes: &mut Changes<'_, '_>) {
    let span = |seconds: u64| Span::seconds(seconds).to_string();
    let fields = [
        ("healthCheck.protocol", has.protocol.clone(), wanted.protocol.clone()),
        ("healthCheck.path", has.path.clone(), wanted.path.clone()),
        ("healthCheck.matcher", has.matcher.clone(), wanted.matcher.clone()),
        ("healthCheck.interval", span(has.interval), span(wanted.interval)),
        ("healthCheck.timeout", span(has.timeout), span(wanted.timeout)),
        ("healthCheck.healthyThreshold", has.healthy_threshold.to_string(), wanted.healthy_threshold.to_string()),
        ("healthCheck.unhealthyThreshold", has.unhealthy_threshold.to_string(), wanted.unhealthy_threshold.to_string()),
    ];
    for (path, before, after) in fields {
        changes.differs(path, before, after);
    }
}

fn keep_ignored(check: &mut TargetCheck, has: &TargetCheck, changes: &Changes<'_, '_>) {
    let ignored = |path: &str| changes.is_ignored(path);
    if ignored("healthCheck.path") {
        check.path.clone_from(&has.path);
    }
    if ignored("healthCheck.matcher") {
        check.matcher.clone_from(&has.matcher);
    }
    if ignored("healthCheck.interval") {
        check.interval = has.interval;
    }
    if ignored("healthCheck.timeout") {
        check.timeout = has.timeout;
    }
    if ignored("healthCheck.healthyThreshold") {
        check.healthy_threshold = has.healthy_threshold;
    }
    if ignored("healthCheck.unhealthyThreshold") {
        check.unhealthy_threshold = has.unhealthy_threshold;
    }
}

/// The own load balancer itself: security groups, subnets, addresses.
pub(super) fn balancer<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_, '_>) {
    let (Some(front), LoadBalancerSpec::Own(_)) = (&release.picture.front, &release.wanted.spec.load_balancer) else {
        return;
    };
    let Some(balancer) = front.balancer else { return };
    let (arn, name) = (&balancer.arn, &balancer.name);
    let why = "the load balancer differs from the manifest";
    if let Some(wanted) = &release.wanted.balancing.security_group_ids {
        let before = balancer.security_group_ids.join(", ");
        if changes.differs("loadBalancer.securityGroupIds", before, wanted.join(", ")) {
            let security_group_ids = wanted.clone();
            let action = Action::SetSecurityGroups { arn: arn.clone(), name: name.clone(), security_group_ids };
            draft.act(action, why, Vec::new());
        }
    }
    let wanted = &release.wanted.subnet_ids;
    if changes.differs("network.subnetIds", balancer.subnet_ids.join(", "), wanted.join(", "))
        && leaves_nobody(draft, release, balancer)
    {
        let subnet_ids = wanted.clone();
        draft.act(Action::SetSubnets { arn: arn.clone(), name: name.clone(), subnet_ids }, why, Vec::new());
    }
    if let Some(wanted) = release.wanted.balancing.ip_address_type
        && changes.differs("loadBalancer.ipAddressType", balancer.ip_address_type.clone(), wanted.to_owned())
    {
        let ip_address_type = wanted.to_owned();
        draft.act(Action::SetIpAddressType { arn: arn.clone(), name: name.clone(), ip_address_type }, why, Vec::new());
    }
}

/// Whether a load balancer that only loses subnets leaves no zone in which instances serve: those would fall out at once. Their
/// group has the new subnets first, and moves them.
fn leaves_nobody(draft: &mut Draft<'_>, release: &Release<'_, '_>, balancer: &LoadBalancer) -> bool {
    let (wanted, has) = (&release.wanted.subnet_ids, &balancer.subnet_ids);
    if wanted.iter().any(|subnet| !has.contains(subnet)) {
        // A new subnet may be in the same zone: AWS takes one in each.
        return true;
    }
    let left: Vec<&String> =
        balancer.zones.iter().filter(|(subnet, _)| !wanted.contains(subnet)).map(|(_, zone)| zone).collect();
    let has_traffic = |group: &&&Group| {
        let weight = |slot| release.picture.front.as_ref().map_or(0, |front| front.weight(slot));
        group.owner.slot.is_some_and(|slot| weight(slot) > 0)
    };
    let groups = release.picture.groups.iter().filter(has_traffic);
    let busy = groups.flat_map(|group| group.instances.iter().map(move |instance| (group, instance)));
    let Some((group, instance)) = busy.into_iter().find(|(_, instance)| left.contains(&&instance.zone)) else {
        return true;
    };
    let (generation, zone) = (group.owner.generation, &instance.zone);
    draft.wait(format!("the instances of {generation} to leave {zone} before the load balancer does"), None);
    false
}

/// The own listeners: what they are, which there are, and the tag by which they are found again.
/// Whether all that are wanted are there.
pub(super) fn listeners<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_, '_>) -> bool {
    let (Some(front), LoadBalancerSpec::Own(_)) = (&release.picture.front, &release.wanted.spec.load_balancer) else {
        return true;
    };
    let wanted = &release.wanted.balancing.listeners;
    let mut ports: Vec<u16> = wanted.iter().map(|listener| listener.port).collect();
    ports.sort_unstable();
    let join = |ports: &mut dyn Iterator<Item = u16>| {
        let all: Vec<String> = ports.map(|port| port.to_string()).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let has = join(&mut front.listeners.keys().copied());
    let other_ports = changes.differs("loadBalancer.listeners[].port", has, join(&mut ports.iter().copied()));
    for listener in wanted {
        if let Some(has) = front.listeners.get(&listener.port) {
            one_listener(draft, has, listener, changes);
        }
    }
    let complete = ports.iter().all(|port| front.listeners.contains_key(port));
    if !complete {
        // What is missing is made by the step `prepare`, and only then does anything go.
        return false;
    }
    for listener in front.listeners.values().filter(|listener| other_ports && !ports.contains(&listener.port)) {
        let expects = vec![Expect::OwnTags { arn: listener.arn.clone(), app: draft.scope.app.clone() }];
        let why = format!("the manifest has no listener on port {}", listener.port);
        draft.act(Action::DeleteListener { arn: listener.arn.clone() }, why, expects);
    }
    let Some(group) = release.target else { return true };
    let kept = front.listeners.values().filter(|listener| !other_ports || ports.contains(&listener.port));
    let arns: Vec<String> = kept.map(|listener| listener.arn.clone()).collect();
    if group.owner.listeners != arns
        && let Some(value) = tags::encode_listeners(&arns)
    {
        let tag = Tags::from([(tags::keys::LISTENER.to_owned(), value)]);
        draft.tag_group(&group.name, tag, "these are its listeners now");
    }
    true
}

/// What one listener is. Its weights are the business of shifts.
fn one_listener(draft: &mut Draft<'_>, has: &Listener, wanted: &WantedListener, changes: &mut Changes<'_, '_>) {
    let stays = has.protocol != wanted.protocol && changes.is_ignored(&listener_path("protocol"));
    let mut differs = |field: &str, has: &str, wanted_value: &str| {
        let at = |value: &str| format!("{value} on port {}", wanted.port);
        changes.differs(&listener_path(field), at(has), at(wanted_value))
    };
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let protocol = differs("protocol", &has.protocol, wanted.protocol).then(|| wanted.protocol.to_owned());
    // Without the protocol that needs them there is no place for these two.
    let certificate_arn = wanted.certificate_arn.clone().filter(|_| !stays);
    let certificate_arn = certificate_arn
        .filter(|arn| differs("certificateArn", &or_none(&has.certificate_arn), arn) || protocol.is_some());
    // AWS has a default for the policy of a new listener, and none for one that is to become secure.
    let turns_secure = protocol.as_deref().is_some_and(|protocol| matches!(protocol, "HTTPS" | "TLS"));
    let ssl_policy = wanted.ssl_policy.clone().filter(|_| !stays);
    let ssl_policy = ssl_policy
        .filter(|policy| differs("sslPolicy", &or_none(&has.ssl_policy), policy) || turns_secure)
        .or_else(|| turns_secure.then(|| DEFAULT_POLICY.to_owned()));
    let redirect = redirect(has, wanted, changes);
    if protocol.is_some() || certificate_arn.is_some() || ssl_policy.is_some() || redirect.is_some() {
        let action = Action::ModifyListener(ListenerChange {
            arn: has.arn.clone(),
            protocol,
            certificate_arn,
            ssl_policy,
            redirect,
        });
        draft.act(action, format!("the listener on port {} differs from the manifest", wanted.port), Vec::new());
    }
}

/// Where a listener is to send clients, if it does not. That it is to forward again is the business of shifts.
fn redirect(has: &Listener, wanted: &WantedListener, changes: &mut Changes<'_, '_>) -> Option<Redirect> {
    let shown = |part: Option<String>| format!("{} on port {}", part.unwrap_or_else(|| "none".to_owned()), wanted.port);
    let mut differs = false;
    let mut whole = wanted.redirect.clone();
    for (field, part) in REDIRECT {
        let (path, mut of) = (listener_path(field), |redirect: &mut Redirect| part(redirect).clone());
        let before = has.redirect.clone().as_mut().map(&mut of);
        if changes.differs(&path, shown(before.clone()), shown(whole.as_mut().map(&mut of))) {
            differs = true;
        } else if let (Some(whole), Some(before)) = (&mut whole, before) {
            *part(whole) = before;
        }
    }
    // Host, path and query are no fields of the manifest: they stay as they were asked for.
    let place = |redirect: &Redirect| (redirect.host.clone(), redirect.path.clone(), redirect.query.clone());
    let elsewhere = has.redirect.as_ref().is_some_and(|has| Some(place(has)) != wanted.redirect.as_ref().map(place));
    whole.filter(|_| differs || elsewhere)
}

fn listener_path(field: &str) -> String {
    format!("loadBalancer.listeners[].{field}")
}

type Part = (&'static str, fn(&mut Redirect) -> &mut String);

const REDIRECT: [Part; 3] = [
    ("redirect.protocol", |redirect| &mut redirect.protocol),
    ("redirect.port", |redirect| &mut redirect.port),
    ("redirect.statusCode", |redirect| &mut redirect.status),
];

/// The rule on a shared listener: its conditions and its place.
pub(super) fn rule<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_, '_>) {
    let (Some(front), LoadBalancerSpec::Shared(shared)) = (&release.picture.front, &release.wanted.spec.load_balancer)
    else {
        return;
    };
    let Some(rule) = front.rule else { return };
    let wanted = &release.wanted.balancing.conditions;
    let (has, mut conditions) = (&rule.conditions, wanted.clone());
    let other = if rule.other_conditions { " and a condition of another kind" } else { "" };
    let hosts = format!("{}{other}", has.hosts.join(", "));
    let mut differs = |path: &str, before: String, after: String| {
        let ignored = changes.is_ignored(path) && before != after;
        (changes.differs(path, before, after), ignored)
    };
    let fields = [
        differs("loadBalancer.hosts", hosts, wanted.hosts.join(", ")),
        differs("loadBalancer.paths", has.paths.join(", "), wanted.paths.join(", ")),
        differs("loadBalancer.headers", headers(has), headers(wanted)),
        differs("loadBalancer.methods", has.methods.join(", "), wanted.methods.join(", ")),
        differs("loadBalancer.sourceIps", has.source_ips.join(", "), wanted.source_ips.join(", ")),
    ];
    let is_other = fields.iter().any(|(differs, _)| *differs);
    if is_other {
        // A difference that is to be left alone must not come back with another one that is put right.
        let [hosts, paths, headers, methods, source_ips] = fields.map(|(_, ignored)| ignored);
        keep(hosts, &mut conditions.hosts, &has.hosts);
        keep(paths, &mut conditions.paths, &has.paths);
        keep(headers, &mut conditions.headers, &has.headers);
        keep(methods, &mut conditions.methods, &has.methods);
        keep(source_ips, &mut conditions.source_ips, &has.source_ips);
    } else {
        conditions.clone_from(has);
    }
    let modify = Action::ModifyRuleConditions { arn: rule.arn.clone(), conditions: conditions.clone() };
    let modify = is_other.then_some((modify, "the rule's conditions differ from the manifest".to_owned()));
    let moved = right_place(draft, release, rule, &conditions, changes).or_else(|| {
        let priority = shared.priority.filter(|priority| rule.priority != Some(*priority))?;
        Some((priority, "the rule's priority differs from the manifest".to_owned()))
    });
    let moved = moved.filter(|(priority, _)| {
        let has = rule.priority.map_or_else(|| "none".to_owned(), |priority| priority.to_string());
        changes.differs("loadBalancer.priority", has, priority.to_string())
    });
    let is_later = moved.as_ref().is_some_and(|(priority, _)| rule.priority < Some(*priority));
    let all = &draft.observed.details.rules_of;
    let rules = front.shared.and_then(|listener| all.get(&listener.arn)?.known());
    // First, so that preview requests never reach what serves.
    let ahead = moved.as_ref().and_then(|(priority, _)| preview::ahead(rules?, front.preview?, *priority));
    let step = moved.map(|(priority, why)| (Action::SetRulePriority { arn: rule.arn.clone(), priority }, why));
    // A rule that takes more requests than before first moves behind those that it would take them from; one that takes fewer
    // moves last. So no other rule lacks its requests in between.
    let steps = if is_later { [ahead, step, modify] } else { [modify, ahead, step] };
    for (action, why) in steps.into_iter().flatten() {
        draft.act(action, why, Vec::new());
    }
}

/// Where the rule has to move, where the manifest names no place and its own has become wrong: other rules came after it. The
/// others are read where something of the app changes anyway, or everything is compared.
fn right_place<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    rule: &Rule,
    conditions: &Conditions,
    changes: &Changes<'_, '_>,
) -> Option<(u32, String)> {
    let (LoadBalancerSpec::Shared(shared), Some(front)) = (&release.wanted.spec.load_balancer, &release.picture.front)
    else {
        return None;
    };
    let is_recorded = release.target.is_some_and(|target| !release.picture.is_due(target));
    if shared.priority.is_some() || changes.drifted && is_recorded && !draft.deep {
        return None;
    }
    let (listener, place) = (front.shared?, rule.priority?);
    let found = draft.observed.details.rules_of.get(&listener.arn);
    let rules = draft.see(found, Want::RulesOf(listener.arn.clone()), "the listener's rules")?;
    // The rule for preview requests moves along.
    let is_ours = |other: &Rule| other.arn == rule.arn || front.preview.is_some_and(|it| it.arn == other.arn);
    let bounds = Bounds::of(rules.iter().filter(|other| !is_ours(other)), conditions).ok()?;
    let why = match bounds.against(place)? {
        Against::Before(other) => format!("{} takes all of its requests as long as it comes first", place::said(other)),
        Against::After(other) => format!("it takes all requests of {} as long as it comes first", place::said(other)),
        Against::Same(_) | Against::Full => return None,
    };
    match place::choose(rules, conditions, &bounds, draft.scope) {
        Ok(free) => Some((free, why)),
        Err(against) => {
            draft.note(place::conflict(shared, against));
            None
        }
    }
}

fn keep<T: Clone>(ignored: bool, wanted: &mut T, has: &T) {
    if ignored {
        wanted.clone_from(has);
    }
}

fn headers(conditions: &Conditions) -> String {
    let each = conditions.headers.iter().map(|(name, values)| format!("{name}: {}", values.join(", ")));
    each.collect::<Vec<_>>().join("; ")
}

/// Attributes, and labels of everything but groups: what AWS tells one by one, and is read only when there is reason to.
pub(super) fn details<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, changes: &mut Changes<'_, '_>) {
    let Some(front) = &release.picture.front else { return };
    for mut thing in settings::attributes(draft, release.wanted, front).unwrap_or_default() {
        thing.differences.retain(|each| changes.differs(each.field, each.before.clone(), each.after.clone()));
        if thing.differences.is_empty() {
            continue;
        }
        draft.act(thing.action(), thing.words(), Vec::new());
    }
    labels(draft, release, front, changes);
}

fn labels<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, front: &Front<'a>, changes: &mut Changes<'_, '_>) {
    let wanted = &release.wanted.app.labels;
    if wanted.is_empty() {
        return;
    }
    let own = matches!(release.wanted.spec.load_balancer, LoadBalancerSpec::Own(_));
    let mut arns: Vec<&String> = front.target_groups.values().map(|group| &group.arn).collect();
    arns.extend(front.balancer.filter(|_| own).map(|balancer| &balancer.arn));
    arns.extend(front.listeners.values().map(|listener| &listener.arn));
    arns.extend(front.rule.map(|rule| &rule.arn));
    let (mut late, mut set) = (Vec::new(), Tags::new());
    for arn in arns {
        let found = draft.observed.details.tags.get(arn);
        let Some(has) = draft.see(found, Want::Tags(arn.clone()), "the tags of its load balancing") else { continue };
        let mut differs = false;
        for (key, value) in wanted {
            let (path, value) = (format!("metadata.labels.{key}"), tags::value(value));
            let has = has.get(key).cloned().unwrap_or_else(|| "none".to_owned());
            if changes.differs(&path, has, value.clone()) {
                differs = true;
                set.insert(key.clone(), value);
            }
        }
        if differs {
            late.push(arn.clone());
        }
    }
    if !late.is_empty() {
        let action = Action::TagBalancing { name: draft.scope.base(), arns: late, tags: set };
        draft.act(action, "the labels differ from the manifest", Vec::new());
    }
}
