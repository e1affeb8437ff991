//! Which image it is to be: the one that the manifest's source leads to, or the one that stays for now.

use std::collections::BTreeMap;

use super::image::{self, Lead};
use super::launch;
use super::{Template, Wanted};
use crate::model::launch::TemplateHash;
use crate::model::observed::{Group, Image, Observed};
use crate::model::plan::{NewerImage, PlannedImage};
use crate::model::record::DeployedRecord;
use crate::model::release::{Origin, SAID};
use crate::model::time::Timestamp;
use crate::plan::picture::Picture;

/// How the image was chosen.
#[derive(Clone)]
pub(in crate::plan) enum Choice {
    /// It is the one that the manifest's source leads to.
    Source,
    /// A person decides when it is another one; until then it is the one that serves, or was promoted last.
    ByHand,
    /// It is the one that runs, because what the source leads to may be used only later.
    Later {
        /// Why.
        why: String,
        /// When.
        until: Timestamp,
    },
    /// It is the one that runs, because the source leads to none: nothing new is launched.
    Nothing(String),
    /// Nothing runs, and there is no image yet: perhaps from some time on.
    Missing {
        /// Why.
        why: String,
        /// From when on there may be one.
        until: Option<Timestamp>,
    },
    /// Which one it is to be could not be read.
    Unread(String),
}

impl<'a> Wanted<'a> {
    /// Chooses the image, now that it is known what runs.
    pub(in crate::plan) fn choose(&mut self, picture: &Picture<'a>, observed: &'a Observed, now: Timestamp) {
        let runs = underway(picture).or_else(|| picture.serving());
        let lead = self.lead.clone();
        if let Some(group) = runs.filter(|_| self.spec.image.is_manual()) {
            let group = picture.serving().unwrap_or(group);
            let promoted = group.owner.marks.promoted_image.as_ref().and_then(|mark| mark.to.as_deref());
            let id = promoted.unwrap_or(&group.owner.image);
            self.choice = Choice::ByHand;
            self.newer = newer(&lead, id, now);
            self.runs = Some(group);
            return self.take(id, observed);
        }
        self.runs = runs;
        let (choice, id) = match (&lead, runs) {
            (Lead::Unread(why), _) => (Choice::Unread(why.clone()), None),
            (Lead::Image { id, not_before, .. }, runs) => {
                let until = not_before.filter(|until| *until > now);
                let until = until.filter(|_| runs.is_none_or(|group| group.owner.image != *id));
                match (until, runs) {
                    (None, _) => (Choice::Source, Some(*id)),
                    (Some(until), None) => {
                        (Choice::Missing { why: too_young(&lead, until), until: Some(until) }, Some(*id))
                    }
                    (Some(until), Some(group)) => {
                        self.newer = newer(&lead, &group.owner.image, now);
                        (Choice::Later { why: too_young(&lead, until), until }, Some(group.owner.image.as_str()))
                    }
                }
            }
            (Lead::Nothing(why), None) => (Choice::Missing { why: why.clone(), until: None }, None),
            (Lead::Nothing(why), Some(group)) => (Choice::Nothing(why.clone()), Some(group.owner.image.as_str())),
        };
        self.choice = choice;
        if let Some(id) = id {
            self.take(id, observed);
        }
    }

    /// Keeps to the release that was shown to whoever agreed to the plan, where it runs or is on its way: what the source leads to
    /// by now, if that is another one, waits until somebody has seen it. Whether it does.
    pub(in crate::plan) fn keep_to(
        &mut self,
        shown: Option<&TemplateHash>,
        picture: &Picture<'a>,
        observed: &'a Observed,
    ) -> bool {
        let Some(wanted) = self.hash().filter(|hash| Some(*hash) != shown) else { return false };
        let is_shown =
            |group: &&Group| Some(&group.owner.template_hash) == shown && group.owner.template_hash != *wanted;
        let Some(group) = underway(picture).or_else(|| picture.serving()).filter(is_shown) else { return false };
        self.choice = Choice::Nothing(self.unshown());
        self.runs = Some(group);
        self.take(&group.owner.image, observed);
        true
    }

    /// That what is wanted by now was not shown to whoever agreed to the plan.
    pub(in crate::plan) fn unshown(&self) -> String {
        let (image, app) = (self.image_id().unwrap_or_default(), &self.app.scope.app);
        format!("a release of {image} is wanted by now, which the plan did not show; `amiable apply {app}` shows it")
    }

    /// The image is to be this one.
    pub(in crate::plan) fn take(&mut self, id: &str, observed: &'a Observed) {
        match image::image(id, self.environment, observed) {
            Ok((image, refusal)) => {
                let launch = launch::data(self.spec, self.environment, id, image);
                self.image = image;
                self.refusal =
                    refusal.or_else(|| image::mismatch(self.app, image?)).or_else(|| launch::collision(&launch));
                self.template = Some(Template::new(launch));
            }
            Err(why) => self.choice = Choice::Unread(why),
        }
    }

    /// The image, as far as one is known.
    pub(in crate::plan) fn image_id(&self) -> Option<&str> {
        Some(self.template()?.launch.image_id.as_str())
    }

    /// The version, branch, commit and build date of the release: as the manifest gives them, or else as they were recorded
    /// where the image comes from, or else as the image's tags do; for the date at last when the image was created.
    pub(in crate::plan) fn release(&self) -> BTreeMap<String, String> {
        let given = self.spec.release.as_ref().filter(|_| !self.goes_back);
        let given = |key: &str| match key {
            "version" => given?.version.as_ref(),
            "branch" => given?.branch.as_ref(),
            "commit" => given?.commit.as_ref(),
            _ => given?.build_date.as_ref(),
        };
        let before = self.said_before();
        let tagged = self.image.map(Image::release).unwrap_or_default();
        SAID.into_iter()
            .filter_map(|key| {
                let value = given(key).or_else(|| before?.get(key)).or_else(|| tagged.get(key))?;
                Some((key.to_owned(), value.clone()))
            })
            .collect()
    }

    /// What else belongs to the release.
    pub(in crate::plan) fn artifacts(&self) -> BTreeMap<String, String> {
        match &self.spec.release {
            Some(release) if !release.artifacts.is_empty() && !self.goes_back => release.artifacts.clone(),
            _ => match (self.record(), self.running()) {
                (Some(record), _) => record.artifacts.clone(),
                (None, Some(group)) => group.owner.artifacts.clone(),
                (None, None) => BTreeMap::new(),
            },
        }
    }

    /// What was said of this very image where it was deployed before.
    fn said_before(&self) -> Option<&BTreeMap<String, String>> {
        let record = self.record().map(|record| &record.release);
        record.or_else(|| self.running().map(|group| &group.owner.release))
    }

    fn record(&self) -> Option<&'a DeployedRecord> {
        match self.lead {
            Lead::Image { record: Some(record), .. } if Some(record.image.as_str()) == self.image_id() => Some(record),
            _ => None,
        }
    }

    /// The group that runs this very image, where it is the image that stays.
    fn running(&self) -> Option<&'a Group> {
        let stays = !self.goes_back && !matches!(self.choice, Choice::Source);
        self.runs.filter(|group| stays && Some(group.owner.image.as_str()) == self.image_id())
    }

    /// Where the image comes from. One that stays keeps what was said of it.
    pub(in crate::plan) fn origin(&self) -> Option<Origin> {
        match self.running() {
            Some(group) => group.owner.origin.clone(),
            // Of an earlier release it is not known any more.
            None if self.goes_back => None,
            None => self.spec.image.origin(),
        }
    }

    /// The image as the plan shows it.
    pub(in crate::plan) fn planned_image(&self, observed: &Observed) -> Option<PlannedImage> {
        let id = self.image_id()?.to_owned();
        let newer = self.newer.as_ref().map(|newer| {
            let record = match self.lead {
                Lead::Image { id, record, .. } if id == newer.id => record,
                _ => None,
            };
            let known = || observed.images.get(&newer.id)?.known()?.as_ref().map(Image::release);
            let release = record.map(|record| record.release.clone()).or_else(known).unwrap_or_default();
            NewerImage { release, origin: self.spec.image.origin(), ..newer.clone() }
        });
        let name = observed.images.get(&id).and_then(|image| Some(image.known()?.as_ref()?.name.clone()));
        Some(PlannedImage { id, name, release: self.release(), origin: self.origin(), newer })
    }

    /// Why a generation is not to be deployed any more, where the environment that its image comes from has turned it down.
    pub(in crate::plan) fn turned_down(&self, group: &Group, observed: &Observed) -> Option<String> {
        image::turned_down(self.app, observed, &group.owner.image)
    }

    /// Why the source leads to no image, if it leads to none.
    pub(in crate::plan) fn no_lead(&self) -> Option<String> {
        match &self.lead {
            Lead::Image { .. } => None,
            Lead::Nothing(why) | Lead::Unread(why) => Some(why.clone()),
        }
    }

    /// Why nobody may promote what the source leads to, if so.
    pub(in crate::plan) fn refuses(&self, id: &str, observed: &Observed) -> Option<String> {
        match image::image(id, self.environment, observed) {
            Ok((image, refusal)) => refusal.or_else(|| image::mismatch(self.app, image?)),
            Err(why) => Some(why),
        }
    }
}

/// The generation that is on its way and has not arrived: newer than what serves, and not one that traffic was taken from.
fn underway<'a>(picture: &Picture<'a>) -> Option<&'a Group> {
    let serving = picture.serving();
    let newer = |group: &&Group| {
        let Some(serving) = serving else { return true };
        let unserved = group.owner.shifted_at.is_none() || group.owner.shifted_at > serving.owner.shifted_at;
        group.owner.generation > serving.owner.generation && unserved
    };
    picture.unfailed().filter(|group| group.desired > 0 && !group.deleting).filter(newer).last()
}

/// What the source leads to, where that is another image than the one that stays.
fn newer(lead: &Lead<'_>, stays: &str, now: Timestamp) -> Option<NewerImage> {
    let Lead::Image { id, not_before, .. } = lead else { return None };
    let until = not_before.filter(|until| *until > now);
    let newer = NewerImage { id: (*id).to_owned(), release: BTreeMap::new(), origin: None, until };
    (*id != stays).then_some(newer)
}

fn too_young(lead: &Lead<'_>, until: Timestamp) -> String {
    match lead {
        Lead::Image { id, record: Some(record), .. } => {
            let (environment, since) = (&record.environment, record.deployed_at);
            format!("waits until {until}: {environment} has deployed {id} since {since}")
        }
        _ => format!("not before {until}"),
    }
}
