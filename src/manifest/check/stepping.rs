//! Step scaling: one metric each, periods that CloudWatch takes, and steps that leave no gap.
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html>

use super::Subject;
use super::scaling::{distinct, uncounted};
use crate::manifest::diagnostic::{Code, Diagnostic, Diagnostics, quoted};
use crate::model::spec::{AdjustmentType, Metric, Scaling, StepAdjustment, StepScaling};

const PATH: [&str; 2] = ["scaling", "step"];

/// The longest that all datapoints of an alarm may take together.
const DAY: u64 = 24 * 3600;

pub(super) fn steps(subject: &Subject<'_>, scaling: &Scaling, findings: &mut Diagnostics) {
    let names: Vec<&str> = scaling.step.iter().map(|one| one.name.as_str()).collect();
    distinct(subject, &PATH, "kinds of step scaling", &names, findings);
    for one in &scaling.step {
        let found = [metric(subject, one), time(subject, one), magnitude(subject, one), order(subject, one)];
        found.into_iter().flatten().for_each(|finding| findings.push(finding));
    }
}

fn fault(subject: &Subject<'_>, code: Code, one: &StepScaling, message: &str, help: &str) -> Diagnostic {
    subject.error(code, &PATH, format!("{} {message}", quoted(&one.name))).help(help)
}

fn metric(subject: &Subject<'_>, one: &StepScaling) -> Option<Diagnostic> {
    const GROUP: &str = "AutoScalingGroupName";
    let fault = |code, message: &str, help: &str| Some(fault(subject, code, one, message, help));
    match (one.metric, &one.custom_metric) {
        (None, None) => fault(Code::MissingField, "has no metric", "add `metric` or `customMetric`"),
        (Some(_), Some(_)) => {
            fault(Code::ConflictingField, "has both `metric` and `customMetric`", "remove one of them")
        }
        (Some(Metric::RequestCountPerTarget), None) => {
            uncounted(subject).map(|finding| finding.help("take another metric than `ALBRequestCountPerTarget`"))
        }
        (Some(_), None) => None,
        (None, Some(custom)) if custom.per_group && custom.dimensions.contains_key(GROUP) => fault(
            Code::Contradiction,
            "has a dimension `AutoScalingGroupName`, and `perGroup`, which adds it",
            "remove the dimension: the group has another name in each release",
        ),
        (None, Some(custom)) if custom.dimensions.len() + usize::from(custom.per_group) > 30 => {
            fault(Code::OutOfRange, "has more than 30 dimensions", "CloudWatch takes 30 at most")
        }
        (None, Some(_)) => None,
    }
}

fn time(subject: &Subject<'_>, one: &StepScaling) -> Option<Diagnostic> {
    let fault = |code, message: &str, help: &str| Some(fault(subject, code, one, message, help));
    let period = one.period.as_seconds();
    // What services of AWS report, they report by the minute.
    let is_fine = one.custom_metric.as_ref().is_some_and(|custom| !custom.namespace.starts_with("AWS/"));
    match () {
        () if !period.is_multiple_of(60) && ![10, 20, 30].contains(&period) => {
            fault(Code::BadFormat, "has a `period` that CloudWatch does not have", "10s, 20s, 30s, or whole minutes")
        }
        () if period < 60 && !is_fine => {
            let help = "a minute at least; only metrics of your own may be finer";
            fault(Code::Contradiction, "has a `period` shorter than what AWS reports", help)
        }
        () if period * u64::from(one.evaluation_periods) > DAY => {
            let help = "shorten `period`, or lower `evaluationPeriods`";
            fault(Code::OutOfRange, "looks back further than a day", help)
        }
        () if one.datapoints_to_alarm.is_some_and(|points| points > one.evaluation_periods) => {
            let help = "lower `datapointsToAlarm`";
            fault(Code::Contradiction, "needs more datapoints than it looks at", help)
        }
        () if !one.threshold.is_finite() => fault(Code::OutOfRange, "has no number as its threshold", "write a number"),
        () => None,
    }
}

fn magnitude(subject: &Subject<'_>, one: &StepScaling) -> Option<Diagnostic> {
    let fault = |message: &str, help: &str| Some(fault(subject, Code::Contradiction, one, message, help));
    let is_exact = one.adjustment_type == AdjustmentType::ExactCapacity;
    if one.min_adjustment_magnitude.is_some() && one.adjustment_type != AdjustmentType::PercentChangeInCapacity {
        let help = "remove it, or set `adjustmentType: PercentChangeInCapacity`";
        return fault("has a `minAdjustmentMagnitude`, which only percentages have", help);
    }
    if is_exact && one.steps.iter().any(|step| step.adjustment < 0) {
        return fault("sets the capacity to less than nothing", "with `ExactCapacity` an `adjustment` is 0 or more");
    }
    if !is_exact && !one.steps.is_empty() && one.steps.iter().all(|step| step.adjustment == 0) {
        return fault("changes nothing in any of its steps", "give at least one step another `adjustment` than 0");
    }
    None
}

/// Steps follow each other without gaps, from the threshold on and without an end.
fn order(subject: &Subject<'_>, one: &StepScaling) -> Option<Diagnostic> {
    let fault = |message: &str, help: &str| Some(fault(subject, Code::Contradiction, one, message, help));
    let low = |step: &StepAdjustment| step.lower_bound.unwrap_or(f64::NEG_INFINITY);
    let high = |step: &StepAdjustment| step.upper_bound.unwrap_or(f64::INFINITY);
    if one.steps.iter().any(|step| low(step) >= high(step)) {
        return fault("has a step that ends before it begins", "its `lowerBound` must be less than its `upperBound`");
    }
    let mut steps: Vec<&StepAdjustment> = one.steps.iter().collect();
    steps.sort_by(|a, b| low(a).total_cmp(&low(b)));
    if steps.windows(2).any(|pair| high(pair[0]) != low(pair[1])) {
        let help = "each step begins where the one before ends";
        return fault("has steps that overlap, or a gap between two", help);
    }
    let (first, last) = (steps.first()?, steps.last()?);
    if low(first) > 0.0 || high(last) < 0.0 {
        return fault("has no step at its threshold", "one step begins or ends at 0, the threshold itself");
    }
    let above = one.comparison.is_above();
    if above && last.upper_bound.is_some() || !above && first.lower_bound.is_some() {
        let (side, bound) = if above { ("above", "upperBound") } else { ("below", "lowerBound") };
        return fault(
            &format!("has no step for what is further {side} its threshold"),
            &format!("leave `{bound}` of the outermost step out"),
        );
    }
    // What AWS asks for on the other side, too.
    if above && low(first) < 0.0 && first.lower_bound.is_some()
        || !above && last.upper_bound.is_some_and(|end| end > 0.0)
    {
        let (side, bound) = if above { ("below", "lowerBound") } else { ("above", "upperBound") };
        return fault(
            &format!("has steps {side} its threshold, which are never taken, and that end"),
            &format!("remove them, or leave `{bound}` of the outermost one out"),
        );
    }
    None
}
