//! Rules of listeners.

use super::{actions, actions_changed, answer, fresh_digits, listener_not_found, page, rule_not_found, tags};
use crate::sim::api::query::number;
use crate::sim::wire::{ApiError, Reply, Request, Xml};
use crate::sim::world::World;
use crate::sim::world::balancing::{Action, Condition, Listener, LoadBalancer, Rule, spreading};

/// The most rules of a listener, its default rule not counted.
const LIMIT: usize = 100;

/// A rule as it is shown: the default rule of a listener has neither priority nor conditions.
struct Shown<'a> {
    arn: &'a str,
    priority: Option<u32>,
    conditions: &'a [Condition],
    actions: &'a [Action],
}

impl<'a> Shown<'a> {
    fn rule(rule: &'a Rule) -> Self {
        Self { arn: &rule.arn, priority: Some(rule.priority), conditions: &rule.conditions, actions: &rule.actions }
    }

    fn default_of(listener: &'a Listener) -> Self {
        Self { arn: &listener.default_rule_arn, priority: None, conditions: &[], actions: &listener.actions }
    }

    fn write(&self, xml: &mut Xml) {
        xml.leaf("RuleArn", self.arn);
        xml.leaf("Priority", self.priority.map_or_else(|| "default".to_owned(), |priority| priority.to_string()));
        actions::write_conditions(xml, self.conditions);
        actions::write(xml, "Actions", self.actions);
        xml.leaf("IsDefault", self.priority.is_none());
    }
}

/// The load balancer at which a listener listens, and the listener's protocol.
fn place_of(world: &World, listener: &str) -> Result<(LoadBalancer, String), ApiError> {
    let listener = world.balancing.listeners.get(listener).ok_or_else(listener_not_found)?;
    let load_balancer = world.balancing.load_balancers.get(&listener.load_balancer_arn);
    Ok((load_balancer.cloned().ok_or_else(listener_not_found)?, listener.protocol.clone()))
}

pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let listener_arn = params.required("ListenerArn")?;
    let (load_balancer, protocol) = place_of(world, listener_arn)?;
    if load_balancer.kind != "application" {
        return Err(ApiError::new("UnsupportedProtocol", "Rules are for listeners of application load balancers"));
    }
    params.required("Priority")?;
    let priority = number(params, "Priority", 0, 1, 50_000)? as u32;
    let conditions = actions::read_conditions(params)?;
    let actions = actions::read(params, "Actions.member", &[])?;
    actions::check(world, &load_balancer, &protocol, &actions)?;
    let tags = tags::read(params)?;
    let rules = world.balancing.rules_of(listener_arn);
    if rules.iter().any(|rule| rule.priority == priority) {
        return Err(priority_in_use(priority));
    }
    if rules.len() >= LIMIT {
        return Err(ApiError::new("TooManyRules", format!("Listener '{listener_arn}' has reached its limit of rules")));
    }
    let base = listener_arn.replacen(":listener/", ":listener-rule/", 1);
    let arn = format!("{base}/{}", fresh_digits(world));
    let rule = Rule {
        arn: arn.clone(),
        listener_arn: listener_arn.to_owned(),
        priority,
        conditions,
        actions: actions.clone(),
        tags,
    };
    world.balancing.rules.insert(arn.as_str(), rule);
    actions_changed(world, &[&actions]);
    shown(world, request, &[arn])
}

fn priority_in_use(priority: u32) -> ApiError {
    ApiError::new("PriorityInUse", format!("Priority '{priority}' is currently in use"))
}

fn shown(world: &World, request: &Request, arns: &[String]) -> Result<Reply, ApiError> {
    let rules: Vec<&Rule> = arns.iter().filter_map(|arn| world.balancing.rules.get(arn)).collect();
    Ok(answer(request, |xml| {
        xml.list("Rules", "member", rules, |xml, rule| Shown::rule(rule).write(xml));
    }))
}

pub(super) fn describe(world: &World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let arns = params.values("RuleArns.member");
    let found: Vec<(String, Shown<'_>)> = match params.get("ListenerArn") {
        Some(_) if !arns.is_empty() => {
            return Err(ApiError::validation("Rule ARNs and a listener ARN cannot be specified at the same time"));
        }
        None if arns.is_empty() => {
            return Err(ApiError::validation("You must specify either listener rule ARN(s) or a listener ARN"));
        }
        Some(arn) => {
            let listener = world.balancing.listeners.get(arn).ok_or_else(listener_not_found)?;
            let rules = world.balancing.rules_of(arn).into_iter().map(Shown::rule);
            // By priority, and the default rule last.
            rules
                .chain([Shown::default_of(listener)])
                .map(|rule| (format!("{:08}", rule.priority.unwrap_or(99_999_999)), rule))
                .collect()
        }
        None => {
            let mut found = arns.iter().map(|arn| find(world, arn)).collect::<Result<Vec<_>, ApiError>>()?;
            found.sort_by(|a, b| a.arn.cmp(b.arn));
            found.dedup_by(|a, b| a.arn == b.arn);
            found.into_iter().map(|rule| (rule.arn.to_owned(), rule)).collect()
        }
    };
    let (shown, next) = page(params, found.into_iter())?;
    Ok(answer(request, |xml| {
        xml.list("Rules", "member", shown, |xml, rule| rule.write(xml));
        xml.optional("NextMarker", next);
    }))
}

/// The rule with this ARN, a default rule too.
fn find<'a>(world: &'a World, arn: &str) -> Result<Shown<'a>, ApiError> {
    let rule = world.balancing.rules.get(arn).map(Shown::rule);
    let default = || world.balancing.listeners.values().find(|it| it.default_rule_arn == arn).map(Shown::default_of);
    rule.or_else(default).ok_or_else(rule_not_found)
}

/// Changes what is given. A list that is given replaces the old one whole.
pub(super) fn modify(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let params = &request.params;
    let arn = params.required("RuleArn")?;
    let before = changeable(world, arn)?.clone();
    let mut after = before.clone();
    if !params.below("Conditions").is_empty() {
        after.conditions = actions::read_conditions(params)?;
    }
    if !params.below("Actions").is_empty() {
        after.actions = actions::read(params, "Actions.member", &before.actions)?;
        let (load_balancer, protocol) = place_of(world, &before.listener_arn)?;
        actions::check(world, &load_balancer, &protocol, &after.actions)?;
    }
    let changed = after.actions.clone();
    if !after.is_for_previews() {
        spreading::replaced(world, arn, &before.actions, &changed);
    }
    world.balancing.rules.insert(arn, after);
    actions_changed(world, &[&before.actions, &changed]);
    shown(world, request, &[arn.to_owned()])
}

/// A rule that is not a listener's default rule.
fn changeable<'a>(world: &'a World, arn: &str) -> Result<&'a Rule, ApiError> {
    match world.balancing.rules.get(arn) {
        Some(rule) => Ok(rule),
        None => {
            find(world, arn)?;
            Err(ApiError::new("OperationNotPermitted", format!("Default rule '{arn}' cannot be changed or deleted")))
        }
    }
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let arn = request.params.required("RuleArn")?;
    let actions = changeable(world, arn)?.actions.clone();
    world.balancing.rules.remove(arn);
    actions_changed(world, &[&actions]);
    Ok(answer(request, |_| {}))
}

/// Sets priorities, all or none.
pub(super) fn set_priorities(world: &mut World, request: &Request) -> Result<Reply, ApiError> {
    let mut rules = world.balancing.rules.clone();
    let mut arns = Vec::new();
    for pair in request.params.structures("RulePriorities.member") {
        let arn = pair.required("RuleArn")?;
        changeable(world, arn)?;
        pair.required("Priority")?;
        let priority = number(&pair, "Priority", 0, 1, 50_000)? as u32;
        if let Some(rule) = rules.get_mut(arn) {
            rule.priority = priority;
        }
        arns.push(arn.to_owned());
    }
    for rule in arns.iter().filter_map(|arn| rules.get(arn)) {
        let clash = |other: &&Rule| {
            other.listener_arn == rule.listener_arn && other.priority == rule.priority && other.arn != rule.arn
        };
        if rules.values().any(|other| clash(&other)) {
            return Err(priority_in_use(rule.priority));
        }
    }
    world.balancing.rules = rules;
    shown(world, request, &arns)
}
