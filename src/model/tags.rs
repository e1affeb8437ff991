//! Tags: what AWS keeps for us beside a resource, because it cannot be observed.
//!
//! A generation's group and launch template carry an [`Ownership`]; what belongs to the app as a whole (target groups,
//! load balancer, listener, rule) carries its owner only. Labels of the manifest stand beside them under their own keys.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::mark::{Mark, Marks};
use super::names::{AppName, Generation, Scope, Slot};
use super::observed::{Failure, Nameless, Ownership};
use super::probe::{Checks, Phase};
use super::release::Origin;
use super::tag_text::Tags;
pub use super::tag_text::{MAX_VALUE, escape, group_value, unescape, value};
use super::time::Timestamp;
use super::writer::Writer;

pub mod keys;

/// The value of [`keys::OWNER`] on everything that is ours.
pub const OWNER: &str = "amiable";

/// In the place of a hash: no settings were applied yet.
const NOT_APPLIED: &str = "-";
/// In the place of a time: it is not, or was never, healthy.
const NEVER: &str = "-";
/// What stands before the time since when the webhook is asked.
const ASKED: &str = "asked ";
/// What stands before the time at which the webhook approved.
const APPROVED: &str = "approved ";
/// What stands before the time since when a generation that runs is given no traffic any more.
const UNWANTED: &str = " unwanted ";

/// What a release may say of itself, and the keys of its tags.
const RELEASE: [(&str, &str); 4] =
    [("version", keys::VERSION), ("branch", keys::BRANCH), ("commit", keys::COMMIT), ("buildDate", keys::BUILD_DATE)];

/// What tags say about a generation. `Ok(None)`: they do not carry our owner tag, so that it is not ours.
///
/// # Errors
/// What is wrong, for people, when they are ours but cannot be understood: then nobody may act on what carries them.
pub fn decode(tags: &Tags) -> Result<Option<Ownership>, String> {
    if tags.get(keys::OWNER).map(String::as_str) != Some(OWNER) {
        return Ok(None);
    }
    let failed = match (failed_at(tags)?, tags.get(keys::FAILED)) {
        (Some(at), reason) => Some(Failure { at, reason: reason.cloned().unwrap_or_default() }),
        (None, Some(_)) => return Err(format!("it has tag `{}` but no `{}`", keys::FAILED, keys::FAILED_AT)),
        (None, None) => None,
    };
    let (healthy_since, unwanted_since) = healthy(tags)?;
    Ok(Some(Ownership {
        app: required(tags, keys::APP)?,
        environment: required(tags, keys::ENVIRONMENT)?,
        generation: required(tags, keys::GENERATION)?,
        template_hash: required(tags, keys::TEMPLATE_HASH)?,
        image: required(tags, keys::IMAGE)?,
        release: RELEASE.iter().filter_map(|(name, key)| Some(((*name).to_owned(), tags.get(*key)?.clone()))).collect(),
        artifacts: artifacts(tags)?,
        origin: origin(tags)?,
        slot: slot(tags)?,
        listeners: tags.get(keys::LISTENER).map(|text| decode_listeners(text)).unwrap_or_default(),
        rule: tags.get(keys::RULE).cloned(),
        dns: tags.get(keys::DNS).cloned(),
        nameless: nameless(tags)?,
        applied: applied(tags).0,
        writer: applied(tags).1,
        healthy_since,
        lacking_since: optional(tags, keys::LACKING_SINCE)?,
        unwanted_since,
        trial: optional(tags, keys::TRIAL)?,
        shifted_at: optional(tags, keys::SHIFTED_AT)?,
        recorded_at: optional(tags, keys::RECORDED_AT)?,
        canary: optional(tags, keys::CANARY)?,
        watched: optional(tags, keys::WATCHED)?,
        held_min: optional(tags, keys::HELD_MIN)?,
        marks: Marks {
            paused: optional(tags, keys::PAUSED)?,
            promoted: optional(tags, keys::PROMOTED)?.filter(|mark: &Mark| !mark.is_about_traffic()),
            promoted_image: optional(tags, keys::PROMOTED_IMAGE)?,
            suspended: optional(tags, keys::SUSPENDED)?,
            pinned: optional(tags, keys::PINNED)?,
            back_to: optional(tags, keys::BACK_TO)?,
            traffic_back: optional(tags, keys::PROMOTED)?.filter(Mark::is_about_traffic),
        },
        checks: checks(tags)?,
        failed,
    }))
}

/// The tags of a generation's group or launch template: its name, what [`decode`] reads, and the labels. A label never
/// overrides a tag of ours.
pub fn encode(owner: &Ownership, labels: &BTreeMap<String, String>) -> Tags {
    let scope = Scope::new(owner.app.clone(), owner.environment.clone());
    let mut tags = encode_app(&scope, &scope.generation_name(owner.generation), labels);
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            tags.insert(key.to_owned(), value);
        }
    };
    put(keys::GENERATION, Some(owner.generation.to_string()));
    put(keys::TEMPLATE_HASH, Some(owner.template_hash.to_string()));
    put(keys::IMAGE, Some(owner.image.clone()));
    for (name, key) in RELEASE {
        put(key, owner.release.get(name).map(|text| value(text)));
    }
    for (name, uri) in &owner.artifacts {
        put(&format!("{}{name}", keys::ARTIFACT), Some(escape(uri)));
    }
    // One that is too long for a tag is shown in the plan only.
    let source = owner.origin.as_ref().map(|origin| escape(&origin.to_string()));
    put(keys::IMAGE_SOURCE, source.filter(|source| source.len() <= MAX_VALUE));
    put(keys::SLOT, owner.slot.map(|slot| slot.to_string()));
    put(keys::LISTENER, encode_listeners(&owner.listeners));
    put(keys::RULE, owner.rule.clone());
    put(keys::DNS, owner.dns.clone());
    put(keys::NAMELESS, owner.nameless.map(encode_nameless));
    put(keys::APPLIED, encode_applied(owner.applied.as_deref(), owner.writer.as_ref()));
    let healthy = owner.healthy_since.or(owner.unwanted_since);
    put(keys::HEALTHY_SINCE, healthy.map(|_| encode_healthy(owner.healthy_since, owner.unwanted_since)));
    put(keys::LACKING_SINCE, owner.lacking_since.map(|at| at.to_string()));
    put(keys::TRIAL, owner.trial.as_ref().map(|trial| trial.to_string()));
    put(keys::SHIFTED_AT, owner.shifted_at.map(|at| at.to_string()));
    put(keys::RECORDED_AT, owner.recorded_at.map(|at| at.to_string()));
    put(keys::CANARY, owner.canary.map(|step| step.to_string()));
    put(keys::WATCHED, owner.watched.map(|watched| watched.to_string()));
    put(keys::HELD_MIN, owner.held_min.map(|min| min.to_string()));
    let mark = |mark: &Option<Mark>| mark.as_ref().map(|mark| group_value(&mark.to_string()));
    put(keys::PAUSED, mark(&owner.marks.paused));
    put(
        keys::PROMOTED,
        mark(owner.marks.traffic_back.as_ref().map_or(&owner.marks.promoted, |_| &owner.marks.traffic_back)),
    );
    put(keys::PROMOTED_IMAGE, mark(&owner.marks.promoted_image));
    put(keys::SUSPENDED, mark(&owner.marks.suspended));
    put(keys::PINNED, mark(&owner.marks.pinned));
    put(keys::BACK_TO, owner.marks.back_to.as_ref().map(|back| back.to_string()));
    put(keys::PREVIEW_RULE, owner.checks.preview_rule.clone());
    put(keys::SMOKE_TRIES, owner.checks.smoke_tries.map(|tries| tries.to_string()));
    put(keys::SMOKED_AT, owner.checks.smoked_at.map(|at| at.to_string()));
    for phase in Phase::ALL {
        let asked = || owner.checks.asked.get(&phase).copied().map(encode_asked);
        put(&keys::webhook(phase), owner.checks.approved.get(&phase).copied().map(encode_approved).or_else(asked));
    }
    if let Some(failed) = &owner.failed {
        tags.extend(encode_failure(failed, owner.checks.judged_by.as_deref()));
    }
    tags
}

/// Listeners of one load balancer in the value of one tag: the first ARN, and of the others only what follows its last
/// slash, as everything before it is the same. One ARN has 150 characters at most and an id 16, so that seven fit.
pub fn encode_listeners(arns: &[String]) -> Option<String> {
    let (first, others) = arns.split_first()?;
    let ids = others.iter().filter_map(|arn| arn.rsplit('/').next());
    Some(std::iter::once(first.as_str()).chain(ids).collect::<Vec<_>>().join(" "))
}

/// Since when all instances have been healthy, and since when it is given no traffic any more.
pub fn encode_healthy(since: Option<Timestamp>, unwanted: Option<Timestamp>) -> String {
    let since = since.map_or(NEVER.to_owned(), |since| since.to_string());
    let unwanted = unwanted.map(|at| format!("{UNWANTED}{at}")).unwrap_or_default();
    format!("{since}{unwanted}")
}

fn healthy(tags: &Tags) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let Some(text) = tags.get(keys::HEALTHY_SINCE) else { return Ok((None, None)) };
    let (since, unwanted) = text.split_once(UNWANTED).map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let at = |text: &str| {
        text.parse().map_err(|error| format!("its tag `{}` cannot be understood: {error}", keys::HEALTHY_SINCE))
    };
    let since = if since == NEVER { None } else { Some(at(since)?) };
    Ok((since, unwanted.map(at).transpose()?))
}

fn decode_listeners(text: &str) -> Vec<String> {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return Vec::new() };
    let path = first.rsplit_once('/').map_or("", |(path, _)| path);
    std::iter::once(first.to_owned()).chain(words.map(|id| format!("{path}/{id}"))).collect()
}

/// The tags of what belongs to the app as a whole: a target group, load balancer, listener or rule.
pub fn encode_app(scope: &Scope, name: &str, labels: &BTreeMap<String, String>) -> Tags {
    let mut tags: Tags = labels.iter().map(|(key, text)| (key.clone(), value(text))).collect();
    tags.retain(|key, _| is_label(key));
    tags.insert(keys::NAME.to_owned(), name.to_owned());
    tags.insert(keys::OWNER.to_owned(), OWNER.to_owned());
    tags.insert(keys::APP.to_owned(), scope.app.to_string());
    tags.insert(keys::ENVIRONMENT.to_owned(), scope.environment.to_string());
    tags
}

/// The tags that say that, when and why a generation failed; and what it was judged by, where it failed by itself. That
/// stands beside the time, for a group has room for 50 tags.
pub fn encode_failure(failure: &Failure, judged_by: Option<&str>) -> Tags {
    let judged_by = judged_by.map(|hash| format!("{JUDGED_BY}{hash}")).unwrap_or_default();
    Tags::from([
        (keys::FAILED_AT.to_owned(), format!("{}{judged_by}", failure.at)),
        (keys::FAILED.to_owned(), group_value(&failure.reason)),
    ])
}

/// Whether tags say that what carries them is ours and belongs to this app in this environment.
pub fn belongs_to(tags: &Tags, scope: &Scope) -> bool {
    let has = |key: &str, value: &str| tags.get(key).is_some_and(|text| text == value);
    has(keys::OWNER, OWNER) && has(keys::APP, scope.app.as_str()) && has(keys::ENVIRONMENT, scope.environment.as_str())
}

/// The labels among tags: what is neither ours, nor AWS's, nor the name.
pub fn labels(tags: &Tags) -> BTreeMap<String, String> {
    tags.iter().filter(|(key, _)| is_label(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn artifacts(tags: &Tags) -> Result<BTreeMap<String, String>, String> {
    let named = tags.iter().filter_map(|(key, value)| Some((key, key.strip_prefix(keys::ARTIFACT)?, value)));
    let read = |(key, name, value): (&String, &str, &String)| {
        let uri = unescape(value).ok_or_else(|| format!("its tag `{key}` cannot be understood"))?;
        Ok((name.to_owned(), uri))
    };
    named.map(read).collect()
}

fn origin(tags: &Tags) -> Result<Option<Origin>, String> {
    let Some(text) = tags.get(keys::IMAGE_SOURCE) else { return Ok(None) };
    let origin = unescape(text).and_then(|text| text.parse().ok());
    origin.map(Some).ok_or_else(|| format!("its tag `{}` cannot be understood", keys::IMAGE_SOURCE))
}

fn is_label(key: &str) -> bool {
    !key.starts_with(keys::PREFIX) && !key.starts_with("aws:") && key != keys::NAME
}

fn required<T: FromStr<Err: Display>>(tags: &Tags, key: &str) -> Result<T, String> {
    optional(tags, key)?.ok_or_else(|| format!("its tag `{key}` is missing"))
}

fn optional<T: FromStr<Err: Display>>(tags: &Tags, key: &str) -> Result<Option<T>, String> {
    let Some(text) = tags.get(key) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| format!("its tag `{key}` cannot be understood: {error}"))
}

/// What stands between the time of a failure and the hash of what it was judged by.
const JUDGED_BY: &str = " judged by ";

fn failed_at(tags: &Tags) -> Result<Option<Timestamp>, String> {
    let Some(text) = tags.get(keys::FAILED_AT) else { return Ok(None) };
    let time = text.split_once(JUDGED_BY).map_or(text.as_str(), |(time, _)| time);
    let wrong = |error| format!("its tag `{}` cannot be understood: {error}", keys::FAILED_AT);
    time.parse().map(Some).map_err(wrong)
}

fn checks(tags: &Tags) -> Result<Checks, String> {
    let mut checks = Checks {
        preview_rule: tags.get(keys::PREVIEW_RULE).cloned(),
        smoke_tries: optional(tags, keys::SMOKE_TRIES)?,
        smoked_at: optional(tags, keys::SMOKED_AT)?,
        judged_by: tags.get(keys::FAILED_AT).and_then(|text| Some(text.split_once(JUDGED_BY)?.1.to_owned())),
        ..Checks::default()
    };
    for phase in Phase::ALL {
        let key = keys::webhook(phase);
        let Some(text) = tags.get(&key) else { continue };
        let found = [(ASKED, &mut checks.asked), (APPROVED, &mut checks.approved)]
            .into_iter()
            .find_map(|(word, times)| Some((text.strip_prefix(word)?, times)));
        let wrong = |why: &str| format!("its tag `{key}` cannot be understood: {why}");
        let (at, times) =
            found.ok_or_else(|| wrong("it says neither since when the webhook is asked nor when it approved"))?;
        times.insert(phase, at.parse().map_err(|error: <Timestamp as FromStr>::Err| wrong(&error.to_string()))?);
    }
    Ok(checks)
}

/// The value of [`keys::webhook`] while the webhook has given no verdict.
pub fn encode_asked(since: Timestamp) -> String {
    format!("{ASKED}{since}")
}

/// The value of [`keys::webhook`] once the webhook has approved.
pub fn encode_approved(at: Timestamp) -> String {
    format!("{APPROVED}{at}")
}

/// The value of [`keys::NAMELESS`]: seconds while records are being deleted, then the time until which they are remembered.
pub fn encode_nameless(nameless: Nameless) -> String {
    match nameless {
        Nameless::Soon(seconds) => seconds.to_string(),
        Nameless::At(until) => until.to_string(),
    }
}

fn nameless(tags: &Tags) -> Result<Option<Nameless>, String> {
    let Some(text) = tags.get(keys::NAMELESS) else { return Ok(None) };
    match text.parse() {
        Ok(seconds) => Ok(Some(Nameless::Soon(seconds))),
        Err(_) => optional(tags, keys::NAMELESS).map(|until| until.map(Nameless::At)),
    }
}

/// The value of [`keys::APPLIED`]: the hash of the settings that were applied, and who wrote it.
pub fn encode_applied(applied: Option<&str>, writer: Option<&Writer>) -> Option<String> {
    match (applied, writer) {
        (None, None) => None,
        (Some(applied), None) => Some(applied.to_owned()),
        (applied, Some(writer)) => Some(value(&format!("{} {writer}", applied.unwrap_or(NOT_APPLIED)))),
    }
}

/// What [`encode_applied`] wrote. A writer that cannot be understood is none: everybody may go on beside it.
pub fn decode_applied(text: &str) -> (Option<String>, Option<Writer>) {
    let (hash, writer) = text.split_once(' ').unwrap_or((text, ""));
    (Some(hash).filter(|hash| *hash != NOT_APPLIED).map(str::to_owned), writer.parse().ok())
}

fn applied(tags: &Tags) -> (Option<String>, Option<Writer>) {
    tags.get(keys::APPLIED).map_or((None, None), |text| decode_applied(text))
}

fn slot(tags: &Tags) -> Result<Option<Slot>, String> {
    let Some(text) = tags.get(keys::SLOT) else { return Ok(None) };
    match Slot::BOTH.into_iter().find(|slot| slot.as_str() == text) {
        Some(slot) => Ok(Some(slot)),
        None => Err(format!("its tag `{}` is neither `a` nor `b`", keys::SLOT)),
    }
}

/// The app that tags name, if they name one at all.
pub fn app(tags: &Tags) -> Option<AppName> {
    tags.get(keys::APP)?.parse().ok()
}

/// The generation that tags name, if they name one at all.
pub fn generation(tags: &Tags) -> Option<Generation> {
    tags.get(keys::GENERATION)?.parse().ok()
}

#[cfg(test)]
mod tests;
