//! What is wanted of one app, down to the last id: its launch template, its sizes, its place in the network.
//!
//! - [`image`]: what the source of its image leads to, and which images may be launched at all
//! - [`choice`]: which image it is to be, now that it is known what runs
//! - [`launch`]: what an instance is born with
//! - [`network`]: how its targets are checked, and the zone of its name

pub(super) mod balancing;
mod choice;
pub(super) mod dns;
mod image;
mod launch;
mod network;
pub(super) mod scaling;

use std::collections::BTreeMap;

use super::draft::Draft;
use super::picture::Picture;
use crate::model::alarm::StepAlarm;
use crate::model::desired::DesiredApp;
use crate::model::launch::{LaunchData, TemplateHash};
use crate::model::machine::MixedInstances;
use crate::model::mark::BackTo;
use crate::model::names::digest;
use crate::model::observed::{Group, Image, Observed, Ownership, Read, TargetCheck, Want, Zone};
use crate::model::plan::NewerImage;
use crate::model::scaling::{Hook, Maintenance, ScalingPolicy, ScheduledAction};
use crate::model::spec::{AppSpec, EnvironmentSpec, LoadBalancer};
use balancing::Balancing;
pub(super) use choice::Choice;
use image::Lead;
use scaling::Counter;

/// One app as it should be.
#[derive(Clone)]
pub(super) struct Wanted<'a> {
    pub(super) app: &'a DesiredApp,
    pub(super) spec: &'a AppSpec,
    pub(super) environment: &'a EnvironmentSpec,
    /// What an instance is born with. Nothing as long as no image is known: then nothing can be compared with it.
    template: Option<Template>,
    /// The image, as far as AWS knows it.
    pub(super) image: Option<&'a Image>,
    /// How that image was chosen.
    pub(super) choice: Choice,
    /// What the source of images leads to, where that is another image and waits for a person or for a time.
    pub(super) newer: Option<NewerImage>,
    /// What the source of images leads to.
    lead: Lead<'a>,
    /// The generation that runs, or is on its way.
    runs: Option<&'a Group>,
    /// Why a launch is out of the question, if it is.
    pub(super) refusal: Option<String>,
    /// Subnets of its instances, in order.
    pub(super) subnet_ids: Vec<String>,
    /// The fewest instances at this time.
    pub(super) min: u32,
    /// The most instances at this time.
    pub(super) max: u32,
    /// How far the healthy part of a group may differ from the wanted number during maintenance.
    pub(super) maintenance: Option<Maintenance>,
    /// Seconds before a fresh instance's metrics count, if that is said.
    pub(super) instance_warmup: Option<u64>,
    /// How its targets are checked.
    pub(super) check: TargetCheck,
    /// Whether it is an earlier release that takes the place of one that was turned down: it has proved itself before.
    pub(super) goes_back: bool,
    /// What is wanted of load balancing.
    pub(super) balancing: Balancing,
    /// The hosted zone of its DNS name, or of an earlier one.
    zone: Option<Read<&'a Zone>>,
    /// Why its DNS name cannot be in that zone, if so.
    pub(super) misnamed: Option<String>,
}

/// What an instance is born with.
#[derive(Clone)]
pub(super) struct Template {
    pub(super) launch: LaunchData,
    /// The hash of that.
    pub(super) hash: TemplateHash,
}

impl Template {
    fn new(launch: LaunchData) -> Self {
        Self { hash: launch.hash(), launch }
    }
}

/// The version of what [`Wanted::judged_by`] hashes; it changes with what goes into it.
const JUDGED: &str = "1-";

impl<'a> Wanted<'a> {
    /// Resolves the spec against what was observed, but for the image, which depends on what runs ([`Wanted::choose`]).
    pub(super) fn resolve(app: &'a DesiredApp, environment: &'a EnvironmentSpec, observed: &'a Observed) -> Self {
        let spec = &app.spec;
        let lead = image::lead(app, environment, observed);
        let mut subnet_ids =
            spec.network.as_ref().map_or_else(|| environment.network.subnet_ids.clone(), |own| own.subnet_ids.clone());
        subnet_ids.sort();
        subnet_ids.dedup();
        let (min, max) = scaling::sizes(spec, observed.at);
        let (zone, misnamed) = match dns::zone(spec, environment, observed) {
            Ok(zone) => (zone, None),
            Err(why) => (None, Some(why)),
        };
        Self {
            app,
            spec,
            environment,
            template: None,
            image: None,
            choice: Choice::Source,
            newer: None,
            lead,
            runs: None,
            refusal: None,
            subnet_ids,
            min,
            max,
            maintenance: scaling::maintenance(spec),
            instance_warmup: scaling::instance_warmup(spec),
            check: network::check(spec),
            goes_back: false,
            balancing: Balancing::resolve(spec, environment),
            zone,
            misnamed,
        }
    }

    /// What an instance is born with, and its hash; nothing as long as no image is known.
    pub(super) fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// The hash of what an instance is born with; nothing as long as no image is known.
    pub(super) fn hash(&self) -> Option<&TemplateHash> {
        self.template.as_ref().map(|template| &template.hash)
    }

    /// Whether the manifest asks for this template.
    pub(super) fn asks_for(&self, hash: &TemplateHash) -> bool {
        self.hash() == Some(hash)
    }

    /// Whether it is certain which image is wanted. Where the source of images leads to none, or to one for later, or could
    /// not be read, it may be any.
    pub(super) fn is_certain(&self) -> bool {
        matches!(self.choice, Choice::Source | Choice::ByHand)
    }

    /// Whether it is certain that the manifest asks for another template than this one.
    pub(super) fn asks_for_another_than(&self, hash: &TemplateHash) -> bool {
        self.is_certain() && !self.asks_for(hash)
    }

    /// The hosted zone of its DNS name, or of an earlier one, as far as it is known.
    pub(super) fn zone(&self) -> Option<&'a Zone> {
        self.zone.as_ref()?.known().copied()
    }

    /// Why the hosted zone is not known, where it must be.
    pub(super) fn zone_unread(&self) -> Option<&str> {
        match &self.zone {
            Some(Read::Unknown(why)) => Some(why),
            _ => None,
        }
    }

    /// The generation that runs, or is on its way.
    pub(super) fn runs(&self) -> Option<&'a Group> {
        self.runs
    }

    /// An earlier release in the place of this one: what a launch template that was kept holds, or this one with an earlier
    /// image. `None`: its template must be read first, or the draft says why there is no way back to it.
    pub(super) fn earlier(&self, draft: &mut Draft<'a>, picture: &Picture<'a>, back: &BackTo) -> Option<Self> {
        let observed = draft.observed;
        let known = |id: &str| observed.images.get(id).and_then(Read::known).and_then(Option::as_ref);
        let launch = match back {
            BackTo::Image(id) => match image::image(id, self.environment, observed) {
                // Before anything is created for it.
                Ok((_, Some(why))) => {
                    draft.block(format!("the release to which it was rolled back cannot be launched: {why}"));
                    return None;
                }
                Ok((image, None)) => launch::data(self.spec, self.environment, id, image),
                Err(why) => {
                    draft.unreadable(why);
                    return None;
                }
            },
            BackTo::Template(hash) => {
                let kept = picture.templates.iter().rfind(|template| template.owner.template_hash == *hash);
                let Some(kept) = kept else {
                    draft.block(format!("the launch template {hash}, to which it was rolled back, is gone"));
                    return None;
                };
                let found = draft.observed.details.template_data.get(&kept.name);
                let data =
                    draft.see(found, Want::TemplateData(kept.name.clone()), "the launch template that was kept")?;
                // Several types stand in the group only, which is gone: those of the manifest, unless they have changed.
                let with = |mixed: Option<MixedInstances>| data.clone().map(|data| LaunchData { mixed, ..data });
                let candidates = [with(None), with(launch::mixed(self.spec))];
                match candidates.into_iter().flatten().find(|data| data.hash() == *hash) {
                    Some(data) => data,
                    None => {
                        draft.block(format!(
                            "{} does not hold what its tag says: somebody has changed it, or its instance types or Spot \
                             settings, which stood in its group, are others today",
                            kept.name
                        ));
                        return None;
                    }
                }
            }
        };
        Some(Self {
            image: known(&launch.image_id),
            template: Some(Template::new(launch)),
            refusal: None,
            goes_back: true,
            choice: Choice::Source,
            newer: None,
            ..self.clone()
        })
    }

    /// The hash of the settings that are changed in place. When it is the one that was last applied, any difference in AWS is drift.
    pub(super) fn applied(&self) -> String {
        let spec = self.spec;
        let priority = match &spec.load_balancer {
            LoadBalancer::Shared(shared) => shared.priority,
            LoadBalancer::None | LoadBalancer::Own(_) => None,
        };
        let front = format!("{:?} {priority:?}", self.balancing);
        let dns = &spec.dns;
        let text = format!(
            "2|{}|{}|{}|{:?}|{:?}|{front}|{dns:?}|{:?}",
            spec.instances.min,
            spec.instances.max,
            spec.health_check.grace_period,
            self.subnet_ids,
            self.check,
            self.app.labels
        );
        // Settings that came later count only where they are set: what does not use them is not applied anew.
        digest(&(text + &self.later_settings()), 12)
    }

    /// The hash of what a release is judged by: how its targets are checked, what it is asked, what is watched, and how long it
    /// may take. It stands on what has failed.
    pub(super) fn judged_by(&self) -> String {
        let spec = self.spec;
        let verification = &spec.verification;
        let asked = format!("{:?}|{:?}|{:?}", verification.smoke, verification.compare, verification.webhook);
        let alarms = verification.alarms.join(",");
        // What came later counts only where it is set.
        let tolerate = verification.tolerate.map(|tolerate| format!("|tolerate {tolerate:?}")).unwrap_or_default();
        let times =
            format!("{}|{}|{}", spec.health_check.grace_period, verification.stable_for, spec.progress_deadline);
        format!("{JUDGED}{}", digest(&format!("{:?}|{asked}|{alarms}|{times}{tolerate}", self.check), 12))
    }

    /// Whether what failed would be judged in the same way today: it would fail again. So does what a person turned down, and
    /// what was judged by another version of Amiable, which must not try everything again that ever failed.
    pub(super) fn judges_alike(&self, failed: &Ownership) -> bool {
        let judged = failed.checks.judged_by.as_ref().filter(|by| by.starts_with(JUDGED));
        judged.is_none_or(|by| *by == self.judged_by())
    }

    /// The same of a group of another template, on which only the settings of the whole app are applied.
    pub(super) fn applied_to_another(&self) -> String {
        digest(&format!("another than {}", self.applied()), 12)
    }

    /// Whether these settings were applied to a group, as far as they are for it.
    pub(super) fn has_applied(&self, group: &Group) -> bool {
        let applied = group.owner.applied.as_ref();
        applied == Some(&self.applied()) || applied == Some(&self.applied_to_another())
    }

    /// Whether what somebody has changed in AWS of a field, or below it, is to be left alone.
    pub(super) fn ignores(&self, path: &str) -> bool {
        self.spec.drift.ignore.iter().any(|ignored| {
            path.strip_prefix(ignored.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    fn later_settings(&self) -> String {
        let processes = &self.spec.instances.suspended_processes;
        let settings = [
            ("scaling", self.spec.scaling.as_ref().map(|scaling| format!("{scaling:?}"))),
            ("maintenance", self.maintenance.map(|policy| policy.to_string())),
            ("suspended", (!processes.is_empty()).then(|| format!("{processes:?}"))),
            ("hooks", Some(self.hooks()).filter(|hooks| !hooks.is_empty()).map(|hooks| format!("{hooks:?}"))),
        ];
        settings.into_iter().filter_map(|(name, value)| Some(format!("|{name} {}", value?))).collect()
    }

    /// The lifecycle hooks of each of its groups.
    pub(super) fn hooks(&self) -> Vec<Hook> {
        scaling::hooks(self.spec)
    }

    /// The scaling policies of a group; `counter`: what counts its requests, where that is known.
    pub(super) fn policies(&self, group: &str, counter: Option<&Counter<'_>>) -> Vec<ScalingPolicy> {
        scaling::policies(self.spec, group, counter)
    }

    /// The alarms that call those of a group's policies whose ARNs are known, by their names.
    pub(super) fn alarms(
        &self,
        group: &str,
        counter: Option<&Counter<'_>>,
        arns: &BTreeMap<&str, &str>,
    ) -> Vec<StepAlarm> {
        scaling::alarms(self.spec, group, counter, arns)
    }

    /// The scheduled actions of a group.
    pub(super) fn schedules(&self, group: &str) -> Vec<ScheduledAction> {
        scaling::schedules(self.spec, group)
    }

    /// Whether a group gets more than its creation gives it, so that not all of its settings are applied at birth.
    pub(super) fn needs_more_than_birth(&self, group: &str) -> bool {
        let processes = &self.spec.instances.suspended_processes;
        !processes.is_empty() || !self.policies(group, None).is_empty() || !self.schedules(group).is_empty()
    }

    /// Whether it takes traffic from a load balancer.
    pub(super) fn has_front(&self) -> bool {
        !matches!(self.spec.load_balancer, LoadBalancer::None)
    }

    /// How many instances a new generation starts with: as many as serve now, within the limits of the manifest.
    pub(super) fn size(&self, serving: Option<u32>) -> u32 {
        serving.unwrap_or(self.min).clamp(self.min, self.max.max(self.min))
    }
}
