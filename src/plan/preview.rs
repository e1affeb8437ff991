//! The preview rule: a rule of the app's own that leads requests with a certain header to the slot without traffic, so that
//! a generation can be asked before anybody else asks it.
//!
//! It stands as long as the manifest has smoke checks. On a listener of the app's own it has the first free place; on a
//! shared one a place before the app's rule, and that rule's conditions as well. Behind the app's rule it would never get a
//! request, and the checks would ask the generation that serves: so it moves where that rule moves.

use super::draft::Draft;
use super::picture::{Front, Picture};
use super::resolve::Wanted;
use crate::model::action::{Action, Expect, Tags};
use crate::model::balancing::NewRule;
use crate::model::names::{Scope, Slot, digest};
use crate::model::observed::{Conditions, Group, Listener, Observed, Read, Rule, Want};
use crate::model::probe::PREVIEW_HEADER;
use crate::model::spec::{AppSpec, LoadBalancer, SmokeCheck};
use crate::model::tags::{self, keys};

/// The listener that has the rule: the shared one, or the first of the app's own that forwards.
pub(super) fn listener<'a>(front: &Front<'a>) -> Option<&'a Listener> {
    let forwards = |listener: &&Listener| !listener.forward.weights.is_empty();
    front.shared.or_else(|| front.listeners.values().copied().find(forwards))
}

/// The value of the header: nobody outside can guess it, for it depends on the ARNs of the target groups.
pub(super) fn value(scope: &Scope, front: &Front<'_>) -> Option<String> {
    let arns: Vec<String> = Slot::BOTH.iter().map(|slot| front.arn(*slot).map(str::to_owned)).collect::<Option<_>>()?;
    Some(value_of(scope, &arns))
}

pub(super) fn value_of(scope: &Scope, target_group_arns: &[String]) -> String {
    format!("{}-{}", scope.base(), digest(&target_group_arns.join(" "), 12))
}

/// The host that a check asks; nothing for the load balancer's own name.
pub(super) fn host(spec: &AppSpec, check: &SmokeCheck) -> Option<String> {
    let of_rule = match &spec.load_balancer {
        LoadBalancer::Shared(shared) => shared.hosts.iter().find(|host| !host.contains(['*', '?'])),
        _ => None,
    };
    check.host.as_ref().or(of_rule).or(spec.dns.as_ref().map(|dns| &dns.name)).cloned()
}

/// The rule as there is one: that which the newest group with such a tag names or, if checks need one and none is named,
/// the one on the listener that is ours. `None`: something must be read first, or the draft says why it cannot be told.
pub(super) fn find<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    observed: &'a Observed,
    groups: &[&'a Group],
    front: &Front<'a>,
) -> Option<Option<&'a Rule>> {
    let is_wanted = !wanted.spec.verification.smoke.is_empty();
    match named(groups).and_then(|arn| observed.rules.get(arn)) {
        Some(Read::Known(Some(rule))) => return Some(Some(rule)),
        Some(Read::Unknown(why)) if is_wanted => {
            draft.unreadable(format!("its rule for preview requests could not be read: {why}"));
            return None;
        }
        _ => {}
    }
    let (Some(listener), Some(value)) = (listener(front).filter(|_| is_wanted), value(draft.scope, front)) else {
        return Some(None);
    };
    let want = Want::RulesOf(listener.arn.clone());
    let rules = draft.see(observed.details.rules_of.get(&listener.arn), want, "the listener's rules")?;
    Some(rules.iter().find(|rule| is_ours(rule, &value)))
}

/// The rule that the newest group with such a tag names.
fn named<'a>(groups: &[&'a Group]) -> Option<&'a str> {
    groups.iter().rev().find_map(|group| group.owner.checks.preview_rule.as_deref())
}

/// Whether a rule is for preview requests to anybody.
pub(super) fn is_preview(rule: &Rule) -> bool {
    rule.conditions.headers.keys().any(|name| name.eq_ignore_ascii_case(PREVIEW_HEADER))
}

fn is_ours(rule: &Rule, value: &str) -> bool {
    let mut headers = rule.conditions.headers.iter();
    headers.any(|(name, values)| name.eq_ignore_ascii_case(PREVIEW_HEADER) && values.iter().any(|one| one == value))
}

/// Whether the rule stands as the checks need it, and the newest group names it; if not, the draft holds what leads there.
pub(super) fn prepare<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    picture: &Picture<'a>,
    front: &Front<'a>,
) -> bool {
    if wanted.spec.verification.smoke.is_empty() {
        return true;
    }
    let Some(value) = value(draft.scope, front) else { return false };
    let Some(rule) = front.preview else { return create(draft, wanted, front, value) };
    let elsewhere = |listener: &Listener| rule.listener_arn().is_some_and(|arn| arn != listener.arn);
    if listener(front).is_some_and(elsewhere) {
        // The listener that forwards is another one now; the rule is made anew there.
        let expects = vec![Expect::OwnTags { arn: rule.arn.clone(), app: draft.scope.app.clone() }];
        draft.act(Action::DeleteRule { arn: rule.arn.clone() }, "preview requests come by another listener", expects);
        return false;
    }
    let conditions = conditions(wanted, value);
    if rule.conditions != conditions || rule.other_conditions {
        let action = Action::ModifyRuleConditions { arn: rule.arn.clone(), conditions };
        draft.act(action, "the rule for preview requests has other conditions than the app's", Vec::new());
        return false;
    }
    if let Some(own) = front.rule.and_then(|own| own.priority).filter(|own| is_behind(rule, *own)) {
        let listener = listener(front).map(|listener| listener.arn.clone()).unwrap_or_default();
        let found = draft.observed.details.rules_of.get(&listener);
        let Some(rules) = draft.see(found, Want::RulesOf(listener), "the listener's rules") else { return false };
        match ahead(rules, rule, own) {
            Some((action, why)) => draft.act(action, why, Vec::new()),
            None => draft.fail(NO_PLACE),
        }
        return false;
    }
    // What is created from now on carries it from its birth.
    if let Some(newest) = picture.groups.last().filter(|_| named(&picture.groups) != Some(rule.arn.as_str())) {
        let tag = Tags::from([(keys::PREVIEW_RULE.to_owned(), rule.arn.clone())]);
        draft.tag_group(&newest.name, tag, "this tag says which rule serves preview requests");
        return false;
    }
    true
}

fn create<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, front: &Front<'a>, value: String) -> bool {
    let Some(listener) = listener(front) else { return false };
    let want = Want::RulesOf(listener.arn.clone());
    let Some(rules) = draft.see(draft.observed.details.rules_of.get(&listener.arn), want, "the listener's rules")
    else {
        return false;
    };
    let Some(priority) = place(rules, front.rule.and_then(|own| own.priority)) else {
        draft.fail(NO_PLACE);
        return false;
    };
    let slot = front.live_slot().map_or(Slot::A, Slot::other);
    let action = Action::CreateRule(NewRule {
        listener_arn: listener.arn.clone(),
        priority,
        conditions: conditions(wanted, value),
        forward: front.all_to(slot),
        tags: tags::encode_app(draft.scope, &draft.scope.base(), &wanted.app.labels),
    });
    draft.act(action, "smoke checks need a rule for preview requests", Vec::new());
    false
}

const NO_PLACE: &str = "smoke checks need a place before the app's rule on the shared listener, and none is free; give the rule a \
                        higher priority, or leave out verification.smoke";

/// What moves the rule for preview requests ahead of the app's own rule, which has this place or is about to get it: nothing
/// where it is ahead already, or no place is free.
pub(super) fn ahead(rules: &[Rule], preview: &Rule, own: u32) -> Option<(Action, String)> {
    let priority = place(rules, Some(own)).filter(|_| is_behind(preview, own))?;
    let action = Action::SetRulePriority { arn: preview.arn.clone(), priority };
    Some((action, "preview requests are to reach their rule before the app's own".to_owned()))
}

/// Whether requests would reach the app's own rule at this place first.
fn is_behind(preview: &Rule, own: u32) -> bool {
    preview.priority.is_none_or(|place| place >= own)
}

/// The first free place or, before the place of an app's rule, the last free one.
fn place(rules: &[Rule], own: Option<u32>) -> Option<u32> {
    let is_free = |place: &u32| rules.iter().all(|rule| rule.priority != Some(*place));
    match own {
        Some(priority) => (1..priority).rev().find(is_free),
        None => (1..=50_000).find(is_free),
    }
}

/// The conditions of the app's rule, none on a listener of its own, and the header.
fn conditions(wanted: &Wanted<'_>, value: String) -> Conditions {
    let mut conditions = wanted.balancing.conditions.clone();
    conditions.headers.insert(PREVIEW_HEADER.to_ascii_lowercase(), vec![value]);
    conditions
}

/// Takes away the rule of an app that has no smoke checks any more, and what names it.
pub(super) fn clear_away<'a>(draft: &mut Draft<'a>, wanted: &Wanted<'a>, picture: &Picture<'a>) {
    let is_wanted = !wanted.spec.verification.smoke.is_empty();
    if is_wanted || !draft.plan.actions.is_empty() {
        return;
    }
    let Some(arn) = named(&picture.groups) else { return };
    match draft.observed.rules.get(arn) {
        Some(Read::Known(Some(rule))) => {
            let expects = vec![Expect::OwnTags { arn: rule.arn.clone(), app: draft.scope.app.clone() }];
            draft.act(
                Action::DeleteRule { arn: rule.arn.clone() },
                "the manifest has no smoke checks any more",
                expects,
            );
        }
        Some(Read::Known(None)) => {}
        // Whether it is there cannot be told.
        _ => return,
    }
    let named = picture.groups.iter().filter(|group| group.owner.checks.preview_rule.is_some());
    for group in named {
        let keys = vec![keys::PREVIEW_RULE.to_owned()];
        draft.act(
            Action::UntagGroup { name: group.name.clone(), keys },
            "its rule for preview requests is gone",
            Vec::new(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::Forward;

    fn rule(priority: Option<u32>) -> Rule {
        Rule {
            arn: String::new(),
            priority,
            conditions: Conditions::default(),
            other_conditions: false,
            forward: Forward::default(),
            instead: None,
        }
    }

    #[test]
    fn the_place_is_free_and_comes_before_the_apps_own_rule() {
        let rules =
            |places: &[u32]| places.iter().map(|place| rule(Some(*place))).chain([rule(None)]).collect::<Vec<_>>();
        assert_eq!(place(&rules(&[]), None), Some(1));
        assert_eq!(place(&rules(&[1, 2, 4]), None), Some(3));
        assert_eq!(place(&rules(&[8, 9, 10]), Some(10)), Some(7));
        assert_eq!(place(&rules(&[1, 2, 3]), Some(3)), None);
        assert_eq!(place(&rules(&[1]), Some(1)), None);
    }

    #[test]
    fn it_moves_only_where_it_would_stand_behind_the_apps_own_rule() {
        let to = |preview: u32, own: u32| {
            let rules = [rule(Some(preview)), rule(Some(8)), rule(None)];
            ahead(&rules, &rules[0], own).map(|(action, _)| match action {
                Action::SetRulePriority { priority, .. } => priority,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!((to(19, 20), to(19, 30)), (None, None));
        assert_eq!((to(19, 19), to(19, 12), to(19, 9)), (Some(18), Some(11), Some(7)));
        assert_eq!(to(19, 1), None, "there is no such place");
    }
}
