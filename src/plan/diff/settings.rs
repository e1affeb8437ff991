//! Attributes of target groups and of the own load balancer, which AWS tells one by one.

use crate::model::action::Action;
use crate::model::observed::{Attributes, Want};
use crate::plan::draft::Draft;
use crate::plan::picture::Front;
use crate::plan::resolve::Wanted;
use crate::plan::resolve::balancing::{field_of, shown};

/// What of one thing's attributes differs.
pub(in crate::plan) struct Difference {
    arn: String,
    name: String,
    of: Of,
    pub(in crate::plan) differences: Vec<Attribute>,
    /// What is wanted of the thing, whole.
    wanted: Attributes,
}

/// One attribute that differs.
pub(in crate::plan) struct Attribute {
    key: String,
    has: String,
    value: String,
    pub(in crate::plan) field: &'static str,
    pub(in crate::plan) before: String,
    pub(in crate::plan) after: String,
}

#[derive(Clone, Copy)]
enum Of {
    TargetGroup,
    Balancer,
}

impl Difference {
    /// What differs, in words.
    pub(in crate::plan) fn words(&self) -> String {
        let each = self.differences.iter().map(|each| {
            let field = each.field.trim_start_matches("loadBalancer.");
            format!("{} {} → {}", spelt(field), in_short(&each.key, &each.has), in_short(&each.key, &each.value))
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// The call that puts all of it right.
    pub(in crate::plan) fn action(&self) -> Action {
        let differences = self.differences.iter().map(|each| (each.key.clone(), each.value.clone()));
        let mut attributes: Attributes = differences.collect();
        if attributes.keys().any(|key| key.starts_with(ACCESS_LOGS)) {
            // AWS wants to be told the bucket whenever logs are turned on.
            let logs = self.wanted.iter().filter(|(key, _)| key.starts_with(ACCESS_LOGS));
            attributes.extend(logs.map(|(key, value)| (key.clone(), value.clone())));
        }
        let (arn, name) = (self.arn.clone(), self.name.clone());
        match self.of {
            Of::TargetGroup => Action::SetTargetGroupAttributes { arn, name, attributes },
            Of::Balancer => Action::SetBalancerAttributes { arn, name, attributes },
        }
    }
}

/// `deregistrationDelay` as `deregistration delay`.
fn spelt(field: &str) -> String {
    let spaced = field.chars().flat_map(|c| {
        let space = (c.is_ascii_uppercase() || c == '.').then_some(' ');
        space.into_iter().chain((c != '.').then_some(c.to_ascii_lowercase()))
    });
    spaced.collect()
}

fn in_short(key: &str, value: &str) -> String {
    match value {
        "" => "none".to_owned(),
        _ if key.ends_with("_seconds") => format!("{value}s"),
        _ => value.to_owned(),
    }
}

const ACCESS_LOGS: &str = "access_logs.";

/// Everything whose attributes differ from what is wanted. `None`: they must be read first.
pub(in crate::plan) fn attributes<'a>(
    draft: &mut Draft<'a>,
    wanted: &Wanted<'a>,
    front: &Front<'a>,
) -> Option<Vec<Difference>> {
    let mut found = Vec::new();
    let mut unread = false;
    for group in front.target_groups.values() {
        let want = Want::TargetGroupAttributes(group.arn.clone());
        let has = draft.observed.details.target_group_attributes.get(&group.arn);
        match draft.see(has, want, "the target group's attributes") {
            Some(has) => found.push((group.arn.clone(), group.name.clone(), Of::TargetGroup, has)),
            None => unread = true,
        }
    }
    if let Some(balancer) = front.balancer.filter(|_| !wanted.balancing.balancer.is_empty()) {
        let want = Want::BalancerAttributes(balancer.arn.clone());
        let has = draft.observed.details.balancer_attributes.get(&balancer.arn);
        match draft.see(has, want, "the load balancer's attributes") {
            Some(has) => found.push((balancer.arn.clone(), balancer.name.clone(), Of::Balancer, has)),
            None => unread = true,
        }
    }
    if unread {
        return None;
    }
    let differences = found.into_iter().map(|(arn, name, of, has)| {
        let wanted = match of {
            Of::TargetGroup => &wanted.balancing.target_group,
            Of::Balancer => &wanted.balancing.balancer,
        };
        Difference { arn, name, of, differences: differing(has, wanted), wanted: wanted.clone() }
    });
    Some(differences.filter(|each| !each.differences.is_empty()).collect())
}

fn differing(has: &Attributes, wanted: &Attributes) -> Vec<Attribute> {
    let differs = |(key, value): &(&String, &String)| has.get(*key) != Some(*value);
    let attribute = |(key, value): (&String, &String)| Attribute {
        key: key.clone(),
        has: has.get(key).cloned().unwrap_or_default(),
        value: value.clone(),
        field: field_of(key),
        before: has.get(key).map_or_else(|| "none".to_owned(), |value| shown(key, value)),
        after: shown(key, value),
    };
    wanted.iter().filter(differs).map(attribute).collect()
}
