//! How long a release may take, what drift is left alone, why work is suspended.

use super::{Complaint, DAY, Rule, form};
use crate::manifest::diagnostic::{Code, closest, quoted};
use crate::manifest::schema;
use crate::model::plan::Effect;
use crate::model::time::Timestamp;

/// The rules of an app's fields here.
pub(super) const APP: &[(&str, Rule)] = &[
    ("suspend.reason", Rule::Text(reason)),
    ("suspend.until", Rule::Text(moment)),
    ("strategy.redBlack.bakeTime", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.bakeTime", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.stickiness", Rule::Within(0, 7 * DAY)),
    ("strategy.canary.steps.*.pause", Rule::Within(1, 7 * DAY)),
    ("retain.for", Rule::Within(0, 30 * DAY)),
    ("drift.ignore", Rule::Distinct),
    ("drift.ignore.*", Rule::Text(ignorable)),
];

fn reason(text: &str) -> Option<Complaint> {
    form(!text.trim().is_empty(), text, "a reason", "say why, for those who find the app suspended")
}

fn moment(text: &str) -> Option<Complaint> {
    form(text.parse::<Timestamp>().is_ok(), text, "a time", "write it as RFC 3339, such as `2026-12-01T00:00:00Z`")
}

fn ignorable(text: &str) -> Option<Complaint> {
    let effects = schema::effects();
    let in_place = || effects.iter().filter(|(_, effect)| **effect == Effect::InPlace).map(|(path, _)| path.as_str());
    let complaint = |why: &str, help: String| {
        Some(Complaint { code: Code::BadIgnore, message: format!("{} {why}", quoted(text)), help })
    };
    match effects.get(text) {
        Some(Effect::InPlace) => None,
        Some(_) => complaint(
            "is not a field that is changed in place",
            "its drift is never put right in place, so there is nothing to ignore".to_owned(),
        ),
        None => {
            let help = match closest(text, in_place()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("the fields that can be ignored: {}", in_place().collect::<Vec<_>>().join(", ")),
            };
            complaint("is not a field of an app", help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::taken_and_refused;
    use super::*;

    #[test]
    fn values_that_aws_takes_are_taken_and_others_are_not() {
        taken_and_refused(&[
            (moment, &["2026-12-01T00:00:00Z", "2026-12-01T00:00:00+01:00"], &["2026-12-01", "tomorrow"]),
            (ignorable, &["instances.max", "healthCheck.path"], &["image.id", "instances", "instances.maximum", ""]),
        ]);
    }
}
