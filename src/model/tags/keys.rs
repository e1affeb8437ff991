//! The keys of our tags.

use crate::model::probe::Phase;

/// What every key of ours begins with; no label may.
pub const PREFIX: &str = "amiable:";
/// Whose it is; the value is [`super::OWNER`].
pub const OWNER: &str = "amiable:owner";
/// The app.
pub const APP: &str = "amiable:app";
/// The environment.
pub const ENVIRONMENT: &str = "amiable:environment";
/// The generation, as `v042`.
pub const GENERATION: &str = "amiable:generation";
/// The hash of the launch template's data.
pub const TEMPLATE_HASH: &str = "amiable:template-hash";
/// The image's id.
pub const IMAGE: &str = "amiable:image";
/// The version that was given with the image.
pub const VERSION: &str = "amiable:version";
/// The branch that was given with the image.
pub const BRANCH: &str = "amiable:branch";
/// The commit that was given with the image.
pub const COMMIT: &str = "amiable:commit";
/// When the image was built.
pub const BUILD_DATE: &str = "amiable:build-date";
/// Where the image came from, escaped.
pub const IMAGE_SOURCE: &str = "amiable:image-source";
/// What the key of each artifact begins with; its name follows, and its URI is the value, escaped.
pub const ARTIFACT: &str = "amiable:artifact:";
/// The slot, `a` or `b`.
pub const SLOT: &str = "amiable:slot";
/// The ARN of the listener, and what other listeners of the same load balancer end in.
pub const LISTENER: &str = "amiable:listener";
/// The ARN of the rule on a shared listener.
pub const RULE: &str = "amiable:rule";
/// The DNS name that leads to the app.
pub const DNS: &str = "amiable:dns";
/// How far the name is on its way out of DNS, while the app is being destroyed.
pub const NAMELESS: &str = "amiable:nameless";
/// The hash of the in-place settings that were last applied, or `-`, and who applied them or made the generation.
pub const APPLIED: &str = "amiable:applied";
/// Since when all instances have been healthy without a break, or `-`; and, for one that runs and is given no traffic any
/// more, since when.
pub const HEALTHY_SINCE: &str = "amiable:healthy-since";
/// Since when it lacks what it had, or needs more.
pub const LACKING_SINCE: &str = "amiable:lacking-since";
/// The health check that is tried on it, and how that ended.
pub const TRIAL: &str = "amiable:trial";
/// When it took over.
pub const SHIFTED_AT: &str = "amiable:shifted-at";
/// When its deployed state was recorded.
pub const RECORDED_AT: &str = "amiable:recorded-at";
/// How far it is as a canary.
pub const CANARY: &str = "amiable:canary";
/// How long it was watched under traffic.
pub const WATCHED: &str = "amiable:watched";
/// The smallest size that it goes back to after a release.
pub const HELD_MIN: &str = "amiable:held-min";
/// Who paused its release.
pub const PAUSED: &str = "amiable:paused";
/// Who promoted it. Once it serves that is over: then who gave the traffic back to it from what stood in its place.
pub const PROMOTED: &str = "amiable:promoted";
/// Who promoted an image to be deployed in its place.
pub const PROMOTED_IMAGE: &str = "amiable:promoted-image";
/// Who suspended the app.
pub const SUSPENDED: &str = "amiable:suspended";
/// Who pinned the app to it.
pub const PINNED: &str = "amiable:pinned";
/// What is to serve in its place.
pub const BACK_TO: &str = "amiable:back-to";
/// The ARN of the rule for preview requests.
pub const PREVIEW_RULE: &str = "amiable:preview-rule";
/// Smoke checks that did not pass yet.
pub const SMOKE_TRIES: &str = "amiable:smoke-tries";
/// When it passed its smoke checks.
pub const SMOKED_AT: &str = "amiable:smoked-at";
/// When it failed.
pub const FAILED_AT: &str = "amiable:failed-at";
/// Why it failed.
pub const FAILED: &str = "amiable:failed";
/// The name that AWS's console shows.
pub const NAME: &str = "Name";

/// What says how far a generation has come in its release: a new try begins without.
pub fn progress() -> Vec<String> {
    let plain =
        [HEALTHY_SINCE, LACKING_SINCE, SHIFTED_AT, RECORDED_AT, CANARY, WATCHED, PROMOTED, SMOKE_TRIES, SMOKED_AT];
    let phases = Phase::ALL.into_iter().map(webhook);
    plain.into_iter().map(str::to_owned).chain(phases).collect()
}

/// How far the webhook is in a phase, such as `amiable:webhook-before-shift`: since when it is asked, or when it approved.
pub fn webhook(phase: Phase) -> String {
    format!("{PREFIX}webhook-{}", phase.words())
}
