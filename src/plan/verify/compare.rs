//! The new generation against the old one, as the load balancer counted their errors and times.
//!
//! While both have traffic they are compared over the same time. Once the new one has all of it, its time since then is
//! compared with as much of the old one's before.

use super::watch;
use crate::model::observed::{Group, Traffic, TrafficWindow, Want};
use crate::model::spec::Compare;
use crate::model::time::{Span, Timestamp};
use crate::plan::draft::Draft;
use crate::plan::release::Release;

/// Load balancers report a minute some time after its end.
const REPORTED_AFTER: Span = Span::seconds(90);

/// A rate of the old generation below this counts as this, in thousandths of a percent: 0.1%.
const LEAST_RATE: u64 = 100;

/// More time than before that is no difference.
const NO_DIFFERENCE_MS: u64 = 10;

/// What the counts say against the generation that has traffic.
pub(super) fn trouble<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> Option<String> {
    let compare = release.wanted.spec.verification.compare.as_ref()?;
    let windows = Windows::of(draft.now, release, target, compare);
    let Some(windows) = windows else {
        let blind = "CloudWatch has not counted a whole minute of its traffic yet".to_owned();
        return watch::not_known(draft, release, target, blind);
    };
    // Both are asked for at once.
    let new = see(draft, &windows.new);
    let old = windows.old.as_ref().map(|window| see(draft, window));
    let new = new?;
    let old = match old {
        Some(None) => return None,
        Some(Some(old)) => Some(old),
        None => None,
    };
    match judge(compare, new, old) {
        Verdict::Good => None,
        Verdict::Worse(words) => Some(format!("{words} in {}", windows.length())),
        Verdict::TooLittle(words) => {
            watch::not_known(draft, release, target, format!("{words} in {}", windows.length()))
        }
    }
}

fn see<'a>(draft: &mut Draft<'a>, window: &TrafficWindow) -> Option<&'a Traffic> {
    let found = draft.observed.details.traffic.get(window);
    draft.see(found, Want::Traffic(window.clone()), "what CloudWatch counted")
}

/// The times that are compared, in whole minutes.
struct Windows {
    new: TrafficWindow,
    /// The old generation's; nothing for the first generation of an app.
    old: Option<TrafficWindow>,
}

impl Windows {
    fn of(now: Timestamp, release: &Release<'_, '_>, target: &Group, compare: &Compare) -> Option<Self> {
        let front = release.picture.front.as_ref()?;
        let (slot, balancer) = (target.owner.slot?, front.balancer?);
        let window = |arn: &str, from: i64, to: i64| {
            let minute = |minute: i64| Timestamp::from_second(minute * 60).unwrap_or(now);
            TrafficWindow {
                target_group_arn: arn.to_owned(),
                load_balancer_arn: balancer.arn.clone(),
                percentile: compare.max_latency_ratio.map(|_| compare.latency.percent()),
                from: minute(from),
                to: minute(to),
            }
        };
        let length = (compare.window.as_seconds() / 60).max(1) as i64;
        let last = (now.as_second() - REPORTED_AFTER.as_seconds() as i64).div_euclid(60);
        // Rounded up: a minute that is not wholly its own is not looked at.
        let begun = |at: Timestamp| (at.as_second() + 59).div_euclid(60);
        let shifted_at = target.owner.shifted_at.filter(|_| release.is_shifted());
        let first = begun(shifted_at.unwrap_or(target.created_at)).max(last - length);
        if first >= last {
            return None;
        }
        let other = if release.is_shifted() { release.previous() } else { release.serving };
        let old = other.and_then(|group| front.arn(group.owner.slot?)).map(|arn| match shifted_at {
            // The minute of the shift itself belongs to neither.
            Some(at) => {
                let end = at.as_second().div_euclid(60);
                window(arn, end - (last - first), end)
            }
            None => window(arn, first, last),
        });
        Some(Self { new: window(front.arn(slot)?, first, last), old })
    }

    fn length(&self) -> Span {
        Span::between(self.new.from, self.new.to)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    TooLittle(String),
    Worse(String),
}

/// What the counts say.
fn judge(compare: &Compare, new: &Traffic, old: Option<&Traffic>) -> Verdict {
    let enough = u64::from(compare.min_requests);
    if new.requests < enough {
        return Verdict::TooLittle(format!("only {} of {enough} requests to judge it by", new.requests));
    }
    let rate = rate(new);
    if let Some(most) = compare.max_error_rate
        && rate > u64::from(most.as_thousandths())
    {
        return Verdict::Worse(format!("{} of its requests answered with 5xx, more than {most}", percent(rate)));
    }
    let needs_old = compare.max_error_ratio.is_some() || compare.max_latency_ratio.is_some();
    let Some(old) = old.filter(|_| needs_old) else { return Verdict::Good };
    if old.requests < enough {
        return Verdict::TooLittle(format!(
            "only {} of {enough} requests of the old generation to compare with",
            old.requests
        ));
    }
    if let Some(most) = compare.max_error_ratio {
        let before = self::rate(old);
        if rate * 1000 > before.max(LEAST_RATE) * u64::from(most.as_thousandths()) {
            let (now, before) = (percent(rate), percent(before));
            return Verdict::Worse(format!(
                "{now} of its requests answered with 5xx, {before} of the old generation's"
            ));
        }
    }
    let Some(most) = compare.max_latency_ratio else { return Verdict::Good };
    let (Some(now), Some(before)) = (new.latency_ms, old.latency_ms) else {
        return Verdict::TooLittle("no response times to compare".to_owned());
    };
    if now > before + NO_DIFFERENCE_MS && now * 1000 > before * u64::from(most.as_thousandths()) {
        let percentile = compare.latency.percent();
        return Verdict::Worse(format!("p{percentile} response time {now} ms, {before} ms of the old generation"));
    }
    Verdict::Good
}

/// The share of 5xx, in thousandths of a percent.
fn rate(traffic: &Traffic) -> u64 {
    traffic.errors.saturating_mul(100_000) / traffic.requests.max(1)
}

fn percent(thousandths: u64) -> String {
    let tenths = (thousandths + 5) / 10;
    format!("{}.{:02}%", tenths / 100, tenths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(text: &str) -> Compare {
        serde_json::from_str(text).unwrap()
    }

    fn traffic(requests: u64, errors: u64, latency_ms: u64) -> Traffic {
        Traffic { requests, errors, latency_ms: Some(latency_ms) }
    }

    #[test]
    fn what_is_worse_is_told_from_what_is_not() {
        let all = compare(r#"{"maxErrorRate": "1%", "maxErrorRatio": 2, "maxLatencyRatio": 1.5, "minRequests": 100}"#);
        let old = traffic(10_000, 20, 100);
        for (new, expected) in [
            (traffic(10_000, 20, 100), "good"),
            (traffic(10_000, 40, 150), "good"),
            (traffic(10_000, 101, 100), "1.01% of its requests answered with 5xx, more than 1%"),
            (traffic(10_000, 41, 100), "0.41% of its requests answered with 5xx, 0.20% of the old generation's"),
            (traffic(10_000, 20, 151), "p90 response time 151 ms, 100 ms of the old generation"),
            (traffic(99, 99, 100), "only 99 of 100 requests to judge it by"),
        ] {
            let words = match judge(&all, &new, Some(&old)) {
                Verdict::Good => "good".to_owned(),
                Verdict::TooLittle(words) | Verdict::Worse(words) => words,
            };
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn one_error_after_none_and_a_few_milliseconds_more_are_no_difference() {
        let ratios = compare(r#"{"maxErrorRatio": 2, "maxLatencyRatio": 1.1}"#);
        assert_eq!(judge(&ratios, &traffic(1000, 2, 13), Some(&traffic(1000, 0, 4))), Verdict::Good);
        assert!(matches!(judge(&ratios, &traffic(1000, 3, 13), Some(&traffic(1000, 0, 4))), Verdict::Worse(_)));
    }

    #[test]
    fn without_an_old_generation_only_the_rate_counts_and_with_one_it_must_have_been_used() {
        let both = compare(r#"{"maxErrorRate": "1%", "maxErrorRatio": 2}"#);
        assert_eq!(judge(&both, &traffic(1000, 9, 1), None), Verdict::Good);
        assert!(matches!(judge(&both, &traffic(1000, 11, 1), None), Verdict::Worse(_)));
        assert!(matches!(judge(&both, &traffic(1000, 9, 1), Some(&traffic(5, 0, 1))), Verdict::TooLittle(_)));
        let rate = compare(r#"{"maxErrorRate": "1%"}"#);
        assert_eq!(judge(&rate, &traffic(1000, 9, 1), Some(&traffic(0, 0, 1))), Verdict::Good);
    }
}
