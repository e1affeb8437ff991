//! What single values may be, beyond their type: forms of ids and ARNs, AWS's limits. Checked in every layer where they stand.
//!
//! Here is how a value at a path is found and held to its rule; the rules stand by what they are about:
//!
//! - [`arn`]: the parts of an ARN; [`labels`]: what can be a tag; [`source`]: where an image comes from
//! - [`image`], [`ec2`], [`scaling`], [`balancing`], [`web`]: AWS's limits, and those of requests
//! - [`names`]: DNS names, accounts, roles, and the rules of an environment
//! - [`conduct`]: how releases go

pub(super) mod arn;
mod balancing;
mod conduct;
mod ec2;
mod image;
pub(super) mod labels;
mod names;
mod scaling;
pub(super) mod source;
mod web;

use std::collections::BTreeMap;

use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::manifest::read::node::{Content, Node};
use crate::model::time::Span;

pub use ec2::{MAX_USER_DATA, user_data_too_long};
pub use names::is_zone_id;

/// What a value of one field must fulfil.
enum Rule {
    /// A text; the complaint, if there is one, with its advice.
    Text(fn(&str) -> Option<Complaint>),
    /// A length of time within limits, in seconds.
    Within(u64, u64),
    /// A list without repetitions.
    Distinct,
}

struct Complaint {
    code: Code,
    message: String,
    help: String,
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The rules of an app's spec by path; `*` stands for every item.
const APP: [&[(&str, Rule)]; 7] =
    [conduct::APP, image::APP, ec2::APP, scaling::APP, balancing::APP, names::APP, web::APP];

/// Checks the values of one layer of an app's spec.
pub fn check_app(layer: &Node, findings: &mut Diagnostics) {
    APP.iter().for_each(|rules| check(layer, rules, findings));
    source::check(layer, findings);
}

/// Checks the values of an environment's spec.
pub fn check_environment(spec: &Node, findings: &mut Diagnostics) {
    check(spec, names::ENVIRONMENT, findings);
    if let Some(defaults) = spec.get("defaults") {
        check_app(defaults, findings);
        if let Some(destroy) = defaults.get("destroy") {
            let message = "`destroy` cannot be a default: it would delete every app of the environment";
            let finding = Diagnostic::at(Code::NotAllowed, destroy.spot(), message);
            findings.push(finding.help("set it in the manifest of each app that is to go"));
        }
    }
}

fn check(root: &Node, rules: &[(&str, Rule)], findings: &mut Diagnostics) {
    for (path, rule) in rules {
        let parts: Vec<&str> = path.split('.').collect();
        each(root, &parts, &mut |node| {
            let field = path.trim_end_matches(".*");
            match rule {
                Rule::Text(problem) => {
                    if let Some(complaint) = node.text().and_then(problem) {
                        let finding = Diagnostic::at(complaint.code, node.spot(), complaint.message);
                        findings.push(finding.help(complaint.help));
                    }
                }
                Rule::Within(least, most) => findings.extend(within(node, field, *least, *most)),
                Rule::Distinct => findings.extend(repetitions(node, field)),
            }
        });
    }
}

/// How many items of one list are looked at. No list may be nearly as long.
const MOST_ITEMS: usize = 1000;

/// Calls `visit` for every value at a path.
fn each(node: &Node, path: &[&str], visit: &mut dyn FnMut(&Node)) {
    match path.split_first() {
        None => visit(node),
        Some((&"*", rest)) => match &node.content {
            Content::List(items) => items.iter().take(MOST_ITEMS).for_each(|item| each(item, rest, visit)),
            Content::Mapping(entries) => {
                entries.iter().take(MOST_ITEMS).for_each(|(_, value)| each(value, rest, visit));
            }
            _ => {}
        },
        Some((key, rest)) => {
            if let Some(value) = node.get(key) {
                each(value, rest, visit);
            }
        }
    }
}

fn within(node: &Node, field: &str, least: u64, most: u64) -> Option<Diagnostic> {
    let span: Span = node.text()?.parse().ok()?;
    if (least..=most).contains(&span.as_seconds()) {
        return None;
    }
    let (least, most) = (Span::seconds(least), Span::seconds(most));
    let message = format!("`{field}` is {span}; it may be from {least} to {most}");
    Some(Diagnostic::at(Code::OutOfRange, node.spot(), message))
}

fn repetitions(node: &Node, field: &str) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Node> = BTreeMap::new();
    let mut found = Vec::new();
    for item in node.items().iter().take(MOST_ITEMS) {
        let Some(text) = item.text() else { continue };
        match first.get(text) {
            Some(earlier) => found.push(
                Diagnostic::at(Code::Duplicate, item.spot(), format!("{} is in `{field}` twice", quoted(text)))
                    .related(earlier.spot(), "the first one")
                    .help("keep one of them"),
            ),
            None => {
                first.insert(text, item);
            }
        }
    }
    found
}

fn form(fine: bool, text: &str, what: &str, help: &str) -> Option<Complaint> {
    (!fine).then(|| Complaint {
        code: Code::BadFormat,
        message: format!("{} is not {what}", quoted(text)),
        help: help.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema;

    /// A rule, what it takes, and what it refuses.
    pub(super) type Case = (fn(&str) -> Option<Complaint>, &'static [&'static str], &'static [&'static str]);

    pub(super) fn taken_and_refused(cases: &[Case]) {
        for (rule, good, bad) in cases {
            good.iter().for_each(|text| assert!(rule(text).is_none(), "{text} is refused"));
            bad.iter().for_each(|text| assert!(rule(text).is_some(), "{text} is taken"));
        }
    }

    #[test]
    fn every_rule_is_about_a_field_that_exists() {
        let of_app = APP.into_iter().flatten().map(|(path, _)| *path).collect();
        let of_environment = names::ENVIRONMENT.iter().map(|(path, _)| *path).collect();
        let rules: [(Vec<&str>, _); 2] = [(of_app, schema::fields()), (of_environment, schema::environment_fields())];
        for (paths, fields) in rules {
            for path in paths {
                let plain = path.replace(".*", "[]");
                let plain = plain.trim_end_matches("[]");
                assert!(fields.iter().any(|known| known.path == plain), "{path}");
            }
        }
    }

    #[test]
    fn every_pattern_of_the_schema_has_a_rule() {
        let text = schema::app().to_string() + &schema::environment().to_string();
        let patterns: std::collections::BTreeSet<&str> =
            text.split("\"pattern\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        // Names and spans are read by their own types; images and accounts have rules above.
        assert_eq!(
            patterns.into_iter().collect::<Vec<_>>(),
            ["^([0-9]+[smhd])+$", "^[0-9]{12}$", "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "^ami-([0-9a-f]{8}|[0-9a-f]{17})$"]
        );
    }
}
