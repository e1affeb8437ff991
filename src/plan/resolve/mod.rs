//! What is wanted of one app, down to the last id: its launch template, its sizes, its place in the network.

pub(super) mod balancing;
pub(super) mod dns;
mod image;
mod launch;
mod network;

use std::collections::BTreeMap;

use super::draft::Draft;
use super::picture::Picture;
use crate::manifest::spec::{AppSpec, EnvironmentSpec, LoadBalancer};
use crate::model::desired::DesiredApp;
use crate::model::launch::{LaunchData, TemplateHash};
use crate::model::mark::BackTo;
use crate::model::names::digest;
use crate::model::observed::{Image, Observed, Read, TargetCheck, Want, Zone};
use balancing::Balancing;

/// One app as it should be.
#[derive(Clone)]
pub(super) struct Wanted<'a> {
    pub(super) app: &'a DesiredApp,
    pub(super) spec: &'a AppSpec,
    pub(super) environment: &'a EnvironmentSpec,
    /// What an instance is born with.
    pub(super) launch: LaunchData,
    /// The hash of that.
    pub(super) hash: TemplateHash,
    /// The image, as far as AWS knows it.
    pub(super) image: Option<&'a Image>,
    /// Why a launch is out of the question, if it is.
    pub(super) refusal: Option<String>,
    /// Subnets of its instances, in order.
    pub(super) subnet_ids: Vec<String>,
    /// How its targets are checked.
    pub(super) check: TargetCheck,
    /// Whether it is an earlier release that takes the place of one that was turned down: it has proved itself before.
    pub(super) goes_back: bool,
    /// What is wanted of load balancing.
    pub(super) balancing: Balancing,
    /// The hosted zone of its DNS name, or of an earlier one.
    pub(super) zone: Option<&'a Zone>,
}

/// Why not even a comparison with what runs is possible.
pub(super) enum Unresolved {
    /// What it depends on could not be read.
    Unread(String),
    /// It contradicts what there is.
    Refused(String),
}

impl<'a> Wanted<'a> {
    /// Resolves the spec against what was observed. Fails when not even a comparison with what runs is possible.
    pub(super) fn resolve(
        app: &'a DesiredApp,
        environment: &'a EnvironmentSpec,
        observed: &'a Observed,
    ) -> Result<Self, Unresolved> {
        let spec = &app.spec;
        let (image, refusal) = image::image(&spec.image.id, environment, observed)?;
        let refusal = refusal.or_else(|| spec.types().find_map(|kind| image::mismatch(kind, image?)));
        let launch = launch::data(spec, environment, image);
        let refusal = refusal.or_else(|| launch::collision(&launch));
        let mut subnet_ids =
            spec.network.as_ref().map_or_else(|| environment.network.subnet_ids.clone(), |own| own.subnet_ids.clone());
        subnet_ids.sort();
        subnet_ids.dedup();
        Ok(Self {
            app,
            spec,
            environment,
            hash: launch.hash(),
            launch,
            image,
            refusal,
            subnet_ids,
            check: network::check(spec),
            goes_back: false,
            balancing: Balancing::resolve(spec, environment),
            zone: dns::zone(spec, environment, observed)?,
        })
    }

    /// An earlier release in the place of this one: what a launch template that was kept holds, or this one with an earlier
    /// image. `None`: its template must be read first, or the draft says why there is no way back to it.
    pub(super) fn earlier(&self, draft: &mut Draft<'a>, picture: &Picture<'a>, back: &BackTo) -> Option<Self> {
        let launch = match back {
            BackTo::Image(id) => LaunchData { image_id: id.clone(), ..self.launch.clone() },
            BackTo::Template(hash) => {
                let kept = picture.templates.iter().rfind(|template| template.owner.template_hash == *hash);
                let Some(kept) = kept else {
                    draft.block(format!("the launch template {hash}, to which it was rolled back, is gone"));
                    return None;
                };
                let found = draft.observed.details.template_data.get(&kept.name);
                let data =
                    draft.see(found, Want::TemplateData(kept.name.clone()), "the launch template that was kept")?;
                match data {
                    Some(data) if data.hash() == *hash => data.clone(),
                    _ => {
                        draft.block(format!("{} does not hold what its tag says: somebody has changed it", kept.name));
                        return None;
                    }
                }
            }
        };
        let image = draft.observed.images.get(&launch.image_id).and_then(Read::known).and_then(Option::as_ref);
        Some(Self { hash: launch.hash(), image, launch, refusal: None, goes_back: true, ..self.clone() })
    }

    /// The version, branch and commit of the release: as the manifest gives them, or else as the image's tags do.
    pub(super) fn release(&self) -> BTreeMap<String, String> {
        let given = self.spec.release.as_ref().filter(|_| !self.goes_back);
        [
            ("version", given.and_then(|release| release.version.as_ref())),
            ("branch", given.and_then(|release| release.branch.as_ref())),
            ("commit", given.and_then(|release| release.commit.as_ref())),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            let value = value.or_else(|| self.image.and_then(|image| image.tags.get(key)))?;
            Some((key.to_owned(), value.clone()))
        })
        .collect()
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
        digest(&text, 12)
    }

    /// Whether it takes traffic from a load balancer.
    pub(super) fn has_front(&self) -> bool {
        !matches!(self.spec.load_balancer, LoadBalancer::None)
    }

    /// How many instances a new generation starts with: as many as serve now, within the limits of the manifest.
    pub(super) fn size(&self, serving: Option<u32>) -> u32 {
        let instances = &self.spec.instances;
        serving.unwrap_or(instances.min).clamp(instances.min, instances.max.max(instances.min))
    }
}
