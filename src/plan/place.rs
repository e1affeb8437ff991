//! The place of an app's rule among those of a shared listener: a rule that is more specific than another comes before it, or
//! it would never get a request. Where the manifest names no place, one is chosen and kept as long as it is right.

use crate::model::coverage::covers;
use crate::model::names::{Scope, digest};
use crate::model::observed::{Conditions, Rule};
use crate::model::spec::SharedListener;

/// The places from which one is chosen when the manifest names none; lower ones are left to people, and taken only where the
/// order needs it.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html>
const FIRST: u32 = 1000;
const LAST: u32 = 50_000;

/// How many apps of one kind of conditions have a starting point of their own.
const APPS_A_KIND: u32 = 104;

/// What stands against a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against<'a> {
    /// Another rule has the same conditions: one of both would never get a request.
    Same(&'a Rule),
    /// A rule that stands before it takes all of its requests.
    Before(&'a Rule),
    /// It would take all requests of a rule that stands after it.
    After(&'a Rule),
    /// There is no free place that is right.
    Full,
}

/// Between which rules the place must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    /// The last of the more specific rules.
    after: Option<(u32, &'a Rule)>,
    /// The first of the less specific ones.
    before: Option<(u32, &'a Rule)>,
}

impl<'a> Bounds<'a> {
    /// The bounds that the rules of a listener set for a rule with these conditions. The app's own rule is not among `rules`.
    pub(super) fn of(rules: impl Iterator<Item = &'a Rule>, conditions: &Conditions) -> Result<Self, Against<'a>> {
        let mut bounds = Self { after: None, before: None };
        for rule in rules {
            let Some(priority) = rule.priority else { continue };
            let narrower = covers(conditions, &rule.conditions);
            // What else a rule asks for makes it narrower still, and nobody knows how much.
            let wider = !rule.other_conditions && covers(&rule.conditions, conditions);
            match (narrower, wider) {
                (true, true) => return Err(Against::Same(rule)),
                (true, false) if bounds.after.is_none_or(|(last, _)| last < priority) => {
                    bounds.after = Some((priority, rule));
                }
                (false, true) if bounds.before.is_none_or(|(first, _)| first > priority) => {
                    bounds.before = Some((priority, rule));
                }
                _ => {}
            }
        }
        Ok(bounds)
    }

    /// What stands against a place.
    pub(super) fn against(&self, place: u32) -> Option<Against<'a>> {
        let before = self.before.filter(|(first, _)| *first < place).map(|(_, rule)| Against::Before(rule));
        before.or_else(|| self.after.filter(|(last, _)| *last > place).map(|(_, rule)| Against::After(rule)))
    }
}

/// A free place for a rule with these conditions: from the app's own starting point on, within the bounds.
pub(super) fn choose<'a>(
    rules: &'a [Rule],
    conditions: &Conditions,
    bounds: &Bounds<'a>,
    scope: &Scope,
) -> Result<u32, Against<'a>> {
    let lowest = bounds.after.map_or(1, |(last, _)| last + 1);
    let highest = bounds.before.map_or(LAST, |(first, _)| first.saturating_sub(1)).min(LAST);
    let start = start(conditions, scope);
    let is_free = |place: &u32| rules.iter().all(|rule| rule.priority != Some(*place));
    let preferred = lowest.max(FIRST);
    let begin = start.clamp(preferred, highest.max(preferred));
    let from_start = (begin..=highest).chain(preferred..begin.min(highest + 1));
    let below = (lowest..preferred.min(highest + 1)).rev();
    from_start.chain(below).find(is_free).ok_or(match bounds.before {
        Some((_, rule)) if lowest > highest => Against::Before(rule),
        _ => Against::Full,
    })
}

/// Where the search for a place begins. More specific conditions begin earlier, so that apps that come at the same time, and
/// cannot see each other's rules yet, are in the right order; apps of one kind begin at different points, so that they hardly
/// ever want the same one.
fn start(conditions: &Conditions, scope: &Scope) -> u32 {
    let hash = u32::from_str_radix(&digest(&scope.base(), 7), 16).unwrap_or(0);
    let kinds = HOSTS * PATHS * OTHERS;
    FIRST + (kinds - 1 - specificity(conditions)) * APPS_A_KIND + hash % APPS_A_KIND
}

const HOSTS: u32 = 9;
const PATHS: u32 = 13;
const OTHERS: u32 = 4;

/// How specific conditions are: never less than those of a rule that covers them. Hosts count most, then paths.
fn specificity(conditions: &Conditions) -> u32 {
    let others = conditions.headers.len()
        + usize::from(!conditions.methods.is_empty())
        + usize::from(!conditions.source_ips.is_empty());
    let others = u32::try_from(others).unwrap_or(OTHERS).min(OTHERS - 1);
    (patterns(&conditions.hosts, 8, HOSTS) * PATHS + patterns(&conditions.paths, 4, PATHS)) * OTHERS + others
}

/// How specific the least specific of these patterns is: 0 where there is none, the most for a text without wildcards, and
/// between these one more for every `step` characters.
fn patterns(values: &[String], step: usize, levels: u32) -> u32 {
    let level = |value: &String| {
        let is_wild = |character: char| matches!(character, '*' | '?');
        if !value.contains(is_wild) {
            return levels - 1;
        }
        let literal = value.chars().filter(|character| !is_wild(*character)).count();
        1 + u32::try_from(literal / step).unwrap_or(levels).min(levels - 3)
    };
    values.iter().map(level).min().unwrap_or(0)
}

/// That a place cannot be had, with the remedy.
pub(super) fn conflict(shared: &SharedListener, against: Against<'_>) -> String {
    let listener = &shared.listener;
    let field = match shared.priority {
        Some(priority) => format!("loadBalancer.priority {priority}"),
        None => "the app's rule".to_owned(),
    };
    match against {
        Against::Same(other) => format!(
            "on the shared listener `{listener}`, {} has the same conditions as this app, so that one of both would never \
             get a request; change loadBalancer.hosts or paths, or remove the other rule",
            said(other)
        ),
        Against::Before(other) => format!(
            "on the shared listener `{listener}`, {} would take all requests of {field}, because it comes first and its \
             conditions are less specific; {}",
            said(other),
            match (shared.priority, other.priority) {
                (Some(_), Some(first)) => format!("choose a priority below {first}, or leave it out"),
                _ => "give the other rule a later place".to_owned(),
            }
        ),
        Against::After(other) => format!(
            "on the shared listener `{listener}`, {field} would take all requests of {}, because it comes first and its \
             conditions are less specific; choose a priority above {}, or leave it out",
            said(other),
            other.priority.unwrap_or_default()
        ),
        Against::Full => format!("the shared listener `{listener}` has no free priority where {field} has to stand"),
    }
}

/// A rule for people: its place, and where it leads.
pub(super) fn said(rule: &Rule) -> String {
    let place = rule
        .priority
        .map_or_else(|| "the default rule".to_owned(), |priority| format!("the rule at priority {priority}"));
    // `arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID`
    let names: Vec<&str> = rule.forward.weights.keys().filter_map(|arn| arn.split('/').nth(1)).collect();
    if names.is_empty() { place } else { format!("{place} (it forwards to {})", names.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observed::Forward;

    fn conditions(host: &str, path: &str) -> Conditions {
        let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        Conditions { hosts: list(host), paths: list(path), ..Conditions::default() }
    }

    fn rule(priority: u32, host: &str, path: &str) -> Rule {
        Rule {
            arn: format!("rule-{priority}"),
            priority: Some(priority),
            conditions: conditions(host, path),
            other_conditions: false,
            forward: Forward::default(),
            instead: None,
        }
    }

    fn scope(app: &str) -> Scope {
        Scope::new(app.parse().unwrap(), "prod".parse().unwrap())
    }

    /// The place that is chosen beside these rules, and the last of the more specific and first of the less specific ones.
    fn chosen(rules: &[Rule], host: &str, path: &str) -> Result<u32, String> {
        let conditions = conditions(host, path);
        let bounds = Bounds::of(rules.iter(), &conditions).map_err(|against| format!("{against:?}"))?;
        choose(rules, &conditions, &bounds, &scope("front")).map_err(|against| format!("{against:?}"))
    }

    #[test]
    fn the_more_specific_rule_comes_first_whatever_the_apps_are_called() {
        for (specific, general) in [
            (("a.com", "/api/*"), ("a.com", "")),
            (("a.com", ""), ("*.com", "")),
            (("a.com", "/api/v1"), ("a.com", "/api/*")),
            (("a.com", "/api/v1/users/*"), ("a.com", "/api/*")),
            (("", "/api/*"), ("", "/*")),
        ] {
            for (one, other) in [("a", "z"), ("z", "a"), ("front", "front-api")] {
                let (specific, general) = (conditions(specific.0, specific.1), conditions(general.0, general.1));
                assert!(covers(&general, &specific));
                let (first, last) = (start(&specific, &scope(one)), start(&general, &scope(other)));
                assert!(first < last, "{specific:?} at {first}, {general:?} at {last}");
                assert!((FIRST..=LAST).contains(&first) && (FIRST..=LAST).contains(&last));
            }
        }
    }

    #[test]
    fn a_place_is_found_after_the_more_specific_and_before_the_less_specific_rules() {
        let rules = [rule(40, "a.com", "/api/*"), rule(45, "b.com", ""), rule(50, "*.com", "")];
        assert!((41..50).contains(&chosen(&rules, "a.com", "").unwrap()));
        let rules = [rule(40_000, "a.com", "/api/*")];
        assert!(chosen(&rules, "a.com", "").unwrap() > 40_000);
        let rules = [rule(1000, "*.com", "")];
        assert!(chosen(&rules, "a.com", "").unwrap() < 1000);
        let rules = [rule(50_000, "a.com", "/api/*")];
        assert_eq!(chosen(&rules, "a.com", ""), Err("Full".to_owned()));
    }

    #[test]
    fn rules_that_leave_no_place_are_named() {
        let same = [rule(40, "A.com", "")];
        assert!(chosen(&same, "a.com", "").unwrap_err().starts_with("Same(Rule { arn: \"rule-40\""));
        let first = [rule(1, "*", "")];
        assert!(chosen(&first, "a.com", "").unwrap_err().starts_with("Before(Rule { arn: \"rule-1\""));
        let crossed = [rule(40, "*.com", ""), rule(50, "a.com", "/api/*")];
        assert!(chosen(&crossed, "a.com", "").unwrap_err().starts_with("Before(Rule { arn: \"rule-40\""));
        let conditions = conditions("a.com", "");
        let bounds = Bounds::of(crossed.iter(), &conditions).unwrap();
        assert_eq!(bounds.against(30), Some(Against::After(&crossed[1])));
        assert_eq!(bounds.against(60), Some(Against::Before(&crossed[0])));
    }

    #[test]
    fn of_a_rule_with_conditions_of_other_kinds_only_what_it_shares_counts() {
        let with_query = Rule { other_conditions: true, ..rule(40_000, "a.com", "") };
        assert!(chosen(&[with_query], "a.com", "").unwrap() > 40_000, "it is the narrower one");
    }

    #[test]
    fn a_kind_that_is_full_borrows_from_its_neighbours() {
        let own = start(&conditions("a.com", ""), &scope("front"));
        let kind = own - (own - FIRST) % APPS_A_KIND;
        let rules: Vec<Rule> =
            (kind..kind + APPS_A_KIND).map(|place| rule(place, &format!("{place}.com"), "")).collect();
        assert_eq!(chosen(&rules, "a.com", ""), Ok(kind + APPS_A_KIND));
    }
}
