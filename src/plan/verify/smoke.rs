//! Smoke checks: requests through the load balancer that only the generation without traffic answers.

use std::collections::BTreeMap;

use super::{alarms, fail, watch};
use crate::model::action::{Action, Tags};
use crate::model::observed::{Group, Want};
use crate::model::pattern::Pattern;
use crate::model::probe::{Answer, PREVIEW_HEADER, Probe, Replied, Tries};
use crate::model::spec::SmokeCheck;
use crate::model::tags::keys;
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::preview;
use crate::plan::release::{Release, Turn};

/// Between two attempts: one lost packet or one restart is no verdict.
const BETWEEN: Span = Span::seconds(10);

/// Done when the target has answered all checks well since it became healthy, or has traffic already.
pub(in crate::plan) fn smoke<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    let checks = &release.wanted.spec.verification.smoke;
    if checks.is_empty() || alarms::has_traffic(release, target) || watch::is_proven(target) || has_passed(target) {
        return Turn::Done;
    }
    draft.in_flight = true;
    if let Some(turn) = release.held(draft) {
        return turn;
    }
    if !is_aimed(draft, release, target) {
        return Turn::Here(None);
    }
    let tries = target.owner.checks.smoke_tries;
    // The load balancer takes some seconds to heed a changed rule, so that the first attempt waits as well.
    if let Some(next) = tries.map(|tries| BETWEEN.after(tries.last)).filter(|next| *next > draft.now) {
        draft.wait(format!("the smoke checks of {}", target.owner.generation), Some(next));
        return Turn::Here(attempt(tries));
    }
    let found: Vec<_> = checks.iter().map(|check| (check, ask(draft, release, check))).collect();
    let mut waits = false;
    for (check, found) in found {
        match found.map(|replied| judge(check, replied)) {
            Some(Verdict::Good) => {}
            Some(Verdict::Bad(words)) => return bad(draft, release, target, check, words),
            Some(Verdict::Unreachable(words)) => return unreachable(draft, release, target, words),
            None => waits = true,
        }
    }
    if !waits {
        let tag = Tags::from([(keys::SMOKED_AT.to_owned(), draft.now.to_string())]);
        let generation = target.owner.generation;
        let count = checks.len();
        let passed = if count == 1 { "its smoke check".to_owned() } else { format!("all {count} smoke checks") };
        draft.tag_group(&target.name, tag, format!("{generation} passes {passed}"));
    }
    Turn::Here(attempt(tries))
}

/// Whether it passed since it became healthy: what fell sick in between is asked anew.
fn has_passed(target: &Group) -> bool {
    target.owner.checks.smoked_at.is_some_and(|at| target.owner.healthy_since.is_none_or(|since| at >= since))
}

fn attempt(tries: Option<Tries>) -> Option<String> {
    tries.filter(|tries| tries.failed > 0).map(|tries| format!("{} failed", tries.failed))
}

/// Whether the preview rule leads to the target; if not, the draft holds the call.
fn is_aimed<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> bool {
    let (Some(front), Some(slot)) = (&release.picture.front, target.owner.slot) else { return false };
    let Some(rule) = front.preview else {
        draft.wait("the rule for preview requests", None);
        return false;
    };
    let forward = front.all_to(slot);
    if rule.forward == forward {
        return true;
    }
    let generation = target.owner.generation;
    draft.act(
        Action::AimPreview { arn: rule.arn.clone(), forward },
        format!("{generation} is healthy: preview requests go to it"),
        Vec::new(),
    );
    let tries = Tags::from([(keys::SMOKE_TRIES.to_owned(), Tries::begin(draft.now).to_string())]);
    draft.tag_group(&target.name, tries, "its smoke checks begin");
    false
}

fn ask<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, check: &SmokeCheck) -> Option<&'a Replied> {
    let probe = probe(draft, release, check)?;
    let what = format!("the answer to {}", named(check));
    draft.see(draft.observed.details.probes.get(&probe), Want::Probe(probe.clone()), &what)
}

fn probe(draft: &Draft<'_>, release: &Release<'_, '_>, check: &SmokeCheck) -> Option<Probe> {
    let front = release.picture.front.as_ref()?;
    let (listener, balancer) = (preview::listener(front)?, front.balancer?);
    let mut headers: BTreeMap<String, String> = check.headers.clone();
    headers.insert(PREVIEW_HEADER.to_owned(), preview::value(draft.scope, front)?);
    Some(Probe {
        via: Some(balancer.dns_name.clone()),
        secure: listener.protocol == "HTTPS",
        host: preview::host(release.wanted.spec, check).unwrap_or_else(|| balancer.dns_name.clone()),
        port: listener.port,
        method: check.method.as_str().to_owned(),
        path: check.path.clone(),
        headers,
        body: None,
        token_variable: None,
        timeout: check.timeout,
    })
}

fn named(check: &SmokeCheck) -> String {
    let method = check.method.as_str();
    if method == "GET" { format!("smoke {}", check.path) } else { format!("smoke {method} {}", check.path) }
}

enum Verdict {
    Good,
    Bad(String),
    /// Nothing was learnt of the generation.
    Unreachable(String),
}

fn judge(check: &SmokeCheck, replied: &Replied) -> Verdict {
    let bad = |why: String| Verdict::Bad(format!("{}: {why}", named(check)));
    match replied {
        Replied::Answer(answer) => match complaint(check, answer) {
            None => Verdict::Good,
            Some(why) => bad(why),
        },
        Replied::Late => bad(format!("no answer within {}", check.timeout)),
        Replied::Broken(why) => bad(format!("the connection ended without an answer: {why}")),
        Replied::Unreachable(why) => Verdict::Unreachable(why.clone()),
    }
}

/// What is wrong with an answer.
fn complaint(check: &SmokeCheck, answer: &Answer) -> Option<String> {
    if !check.status.contains(answer.status) {
        let said = answer.first_line().map(|line| format!(": {line}")).unwrap_or_default();
        return Some(format!("status {}, expected {}{said}", answer.status, check.status));
    }
    let has = || answer.first_line().unwrap_or_else(|| "nothing".to_owned());
    if let Some(text) = check.body.as_ref().filter(|text| !answer.body.contains(text.as_str())) {
        return Some(format!("body {}, expected it to contain {text}", has()));
    }
    // That the expression can be read is checked with the manifest.
    if let Some(text) =
        check.body_matches.as_ref().filter(|text| !Pattern::new(text).is_ok_and(|it| it.is_in(&answer.body)))
    {
        return Some(format!("body {}, expected it to match {text}", has()));
    }
    let most = check.max_latency.filter(|most| answer.took_ms > most.as_millis())?;
    Some(format!("answered after {} ms, expected {most} at most", answer.took_ms))
}

/// A bad answer: asked again some seconds later, or the end of the release.
fn bad<'a>(
    draft: &mut Draft<'a>,
    release: &Release<'a, '_>,
    target: &Group,
    check: &SmokeCheck,
    words: String,
) -> Turn {
    let tries = target.owner.checks.smoke_tries.unwrap_or(Tries::begin(draft.now)).another(draft.now);
    if tries.failed >= check.attempts {
        fail(draft, release, target, words);
        return Turn::Here(Some("failed".to_owned()));
    }
    let tag = Tags::from([(keys::SMOKE_TRIES.to_owned(), tries.to_string())]);
    draft.tag_group(&target.name, tag, format!("attempt {} of {} failed: {words}", tries.failed, check.attempts));
    draft.wait(format!("another attempt at the smoke checks: {words}"), Some(BETWEEN.after(draft.now)));
    Turn::Here(attempt(Some(tries)))
}

/// Nobody could be asked: that says nothing of the generation, until it has lasted too long to go on waiting.
fn unreachable<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group, why: String) -> Turn {
    let tries = target.owner.checks.smoke_tries;
    let patience = release.wanted.spec.progress_deadline;
    let deadline = patience.after(tries.map_or(draft.now, |tries| tries.since));
    if draft.now >= deadline {
        let reason = format!("its smoke checks could not be made in {patience}: {why}");
        fail(draft, release, target, reason);
        return Turn::Here(Some("failed".to_owned()));
    }
    if tries.is_none() {
        let tag = Tags::from([(keys::SMOKE_TRIES.to_owned(), Tries::begin(draft.now).to_string())]);
        draft.tag_group(&target.name, tag, "the load balancer cannot be reached for its smoke checks");
    }
    draft.wait(format!("the load balancer, which cannot be reached from here for smoke checks: {why}"), Some(deadline));
    Turn::Here(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> SmokeCheck {
        serde_json::from_str(text).unwrap()
    }

    fn answer(status: u16, body: &str, took_ms: u64) -> Replied {
        Replied::Answer(Answer { status, took_ms, body: body.to_owned() })
    }

    #[test]
    fn a_bad_answer_is_told_in_words_and_a_good_one_is_not() {
        let version =
            check(r#"{"path": "/version", "body": "\"1.1", "bodyMatches": "\"1\\.[0-9]+\"", "maxLatency": "300ms"}"#);
        for (replied, expected) in [
            (answer(200, "{\"v\": \"1.1\"}", 300), ""),
            (answer(500, "oops\nmore", 1), "smoke /version: status 500, expected 200: oops"),
            (answer(200, "1.0", 1), "smoke /version: body 1.0, expected it to contain \"1.1"),
            (answer(200, "\"1.1x", 1), "smoke /version: body \"1.1x, expected it to match \"1\\.[0-9]+\""),
            (answer(200, "\"1.1\"", 301), "smoke /version: answered after 301 ms, expected 300ms at most"),
            (Replied::Late, "smoke /version: no answer within 5s"),
            (Replied::Broken("reset".to_owned()), "smoke /version: the connection ended without an answer: reset"),
            (Replied::Unreachable("no route".to_owned()), "unreachable: no route"),
        ] {
            let words = match judge(&version, &replied) {
                Verdict::Good => String::new(),
                Verdict::Bad(words) => words,
                Verdict::Unreachable(words) => format!("unreachable: {words}"),
            };
            assert_eq!(words, expected);
        }
    }
}
