//! The webhook: asked at its phase until it approves, refuses, or has given no verdict for too long.

use std::collections::BTreeMap;

use super::{alarms, fail, watch};
use crate::model::action::Tags;
use crate::model::observed::{Group, Want};
use crate::model::probe::{Answer, Phase, Probe, Question, Replied};
use crate::model::spec::Webhook;
use crate::model::tags::{self, keys};
use crate::model::time::Span;
use crate::plan::draft::Draft;
use crate::plan::release::{Release, Turn};

/// How long one question may take; what takes longer is asked again.
const ONE_QUESTION: Span = Span::seconds(10);

/// Done when the webhook has approved this phase.
pub(in crate::plan) fn approve<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, phase: Phase) -> Turn {
    let Some(target) = release.target else { return Turn::Here(None) };
    let is_behind = match phase {
        Phase::BeforeShift => alarms::has_traffic(release, target),
        Phase::DuringBake | Phase::BeforeRecord => !crate::plan::record::is_due(release, target),
    };
    let webhook = asked_at(release, phase).filter(|_| !is_behind && !watch::is_proven(target));
    let Some(webhook) = webhook else { return Turn::Done };
    if target.owner.checks.approved.contains_key(&phase) {
        return Turn::Done;
    }
    draft.in_flight = true;
    if let Some(turn) = release.held(draft) {
        return turn;
    }
    if let Some(reason) = ask(draft, target, webhook) {
        fail(draft, release, target, reason);
        return Turn::Here(Some("failed".to_owned()));
    }
    Turn::Here(None)
}

/// While it bakes: what the webhook says against it.
pub(super) fn trouble<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>, target: &Group) -> Option<String> {
    let webhook = asked_at(release, Phase::DuringBake).filter(|_| release.is_shifted())?;
    if target.owner.checks.approved.contains_key(&Phase::DuringBake) {
        return None;
    }
    ask(draft, target, webhook)
}

fn asked_at<'a>(release: &Release<'a, '_>, phase: Phase) -> Option<&'a Webhook> {
    release.wanted.spec.verification.webhook.as_ref().filter(|webhook| webhook.phase == phase)
}

/// Asks once. Why the release has failed by it, if it has; otherwise the draft holds what follows.
fn ask(draft: &mut Draft<'_>, target: &Group, webhook: &Webhook) -> Option<String> {
    let probe = question(draft, target, webhook)?;
    let replied =
        draft.see(draft.observed.details.probes.get(&probe), Want::Probe(probe.clone()), "the webhook's verdict")?;
    let phase = webhook.phase;
    let why = match replied {
        Replied::Answer(answer) if (200..300).contains(&answer.status) => {
            let tag = Tags::from([(keys::webhook(phase), tags::encode_approved(draft.now))]);
            draft.tag_group(
                &target.name,
                tag,
                format!("the webhook approves {} {}", target.owner.generation, phase.said()),
            );
            draft.wait("the webhook's approval to be noted", None);
            return None;
        }
        // These say that they may be asked again.
        Replied::Answer(answer) if is_verdict(answer) => {
            let said = answer.first_line().map(|line| format!(": {line}")).unwrap_or_default();
            return Some(format!("the webhook refuses it {}: status {}{said}", phase.said(), answer.status));
        }
        Replied::Answer(answer) => format!("status {}", answer.status),
        Replied::Late => format!("no answer within {ONE_QUESTION}"),
        Replied::Broken(why) | Replied::Unreachable(why) => why.clone(),
    };
    let since = target.owner.checks.asked.get(&phase).copied();
    let deadline = webhook.timeout.after(since.unwrap_or(draft.now));
    if draft.now >= deadline {
        return Some(format!("the webhook gave no verdict {} in {}: {why}", phase.said(), webhook.timeout));
    }
    if since.is_none() {
        let tag = Tags::from([(keys::webhook(phase), tags::encode_asked(draft.now))]);
        draft.tag_group(&target.name, tag, "the webhook is asked until it gives a verdict");
    }
    draft.wait(format!("the webhook's verdict {}: {why}", phase.said()), Some(deadline));
    None
}

/// Whether an answer settles the matter: 4xx, but for those that ask for patience.
fn is_verdict(answer: &Answer) -> bool {
    (400..500).contains(&answer.status) && ![408, 425, 429].contains(&answer.status)
}

/// The request; the same for a generation and phase whoever makes it, and so often as it is made.
fn question(draft: &Draft<'_>, target: &Group, webhook: &Webhook) -> Option<Probe> {
    let (scheme, rest) = webhook.url.split_once("://")?;
    let secure = scheme == "https";
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, if secure { 443 } else { 80 }),
    };
    let (scope, owner) = (draft.scope, &target.owner);
    let question = Question {
        app: &scope.app,
        environment: &scope.environment,
        generation: owner.generation,
        image: &owner.image,
        release: &owner.release,
        phase: webhook.phase,
    };
    let key = format!("{}-{}-{}-{}", scope.base(), owner.generation, owner.template_hash, webhook.phase.words());
    Some(Probe {
        via: None,
        secure,
        host: host.to_owned(),
        port,
        method: "POST".to_owned(),
        path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        headers: BTreeMap::from([("Idempotency-Key".to_owned(), key)]),
        body: Some(question.to_json()),
        token_variable: webhook.token_variable.clone(),
        timeout: ONE_QUESTION,
    })
}
