//! The fields that make a new generation necessary.

use std::collections::BTreeMap;

use crate::model::launch::LaunchData;
use crate::model::observed::{Group, Image, Want};
use crate::model::plan::{Effect, FieldChange};
use crate::model::release;
use crate::plan::draft::Draft;
use crate::plan::release::Release;
use crate::plan::resolve::Wanted;
use crate::plan::traffic;

/// The fields that make a new generation necessary, before and after.
pub(in crate::plan) fn replaced<'a>(draft: &mut Draft<'a>, release: &Release<'a, '_>) {
    let wanted = release.wanted;
    let Some(template) = wanted.template() else { return };
    // What is deployed and has only lost its traffic is what it is compared with.
    let serving = release.serving.or_else(|| release.target.filter(|_| traffic::is_misled(release)));
    let Some(serving) = serving else {
        add_replaced(draft, "image", None, image_after(wanted));
        add_replaced(draft, "instanceType", None, template.launch.instance_type.clone());
        if let Some(container) = &template.launch.container {
            add_replaced(draft, "container.image", None, container.image.clone());
        }
        return;
    };
    if serving.owner.template_hash == template.hash {
        return;
    }
    let before_image = image_before(draft, serving);
    let found = draft.observed.details.template_data.get(&serving.name);
    let before = draft.see(found, Want::TemplateData(serving.name.clone()), "the launch template that runs");
    let Some(Some(before)) = before else {
        add_replaced(draft, "image", Some(before_image), image_after(wanted));
        return;
    };
    if before.image_id != template.launch.image_id {
        add_replaced(draft, "image", Some(before_image), image_after(wanted));
    }
    // The types are the group's, not the template's.
    let before = LaunchData { mixed: serving.mixed.clone(), ..before.clone() };
    for (path, old, new) in template_fields(&before, &template.launch) {
        if old != new {
            let in_a_file = path == "launch.userData" && wanted.spec.launch.user_data_file.is_some();
            let path = if in_a_file { "launch.userDataFile" } else { path };
            let shown = |text: Option<String>| text.or_else(|| Some("none".to_owned()));
            draft.plan.fields.push(FieldChange {
                path: path.to_owned(),
                before: shown(old),
                after: shown(new),
                effect: Effect::Replace,
            });
        }
    }
}

fn add_replaced(draft: &mut Draft<'_>, path: &str, before: Option<String>, after: String) {
    let change = FieldChange { path: path.to_owned(), before, after: Some(after), effect: Effect::Replace };
    draft.plan.fields.push(change);
}

fn template_fields(old: &LaunchData, new: &LaunchData) -> Vec<(&'static str, Option<String>, Option<String>)> {
    let both = |path, of: fn(&LaunchData) -> Option<String>| (path, of(old), of(new));
    vec![
        both("instanceType", |data| several(data).is_none().then(|| data.instance_type.clone())),
        both("instanceTypes", several),
        both("spot", |data| data.mixed.as_ref().filter(|mixed| mixed.has_spot()).map(ToString::to_string)),
        both("launch.iamInstanceProfile", |data| data.iam_instance_profile.clone()),
        both("launch.keyName", |data| data.key_name.clone()),
        both("launch.securityGroupIds", |data| Some(data.security_group_ids.join(", "))),
        both("launch.userData", |data| data.user_data.as_ref().map(ToString::to_string)),
        both("container.image", |data| of_container(data, "container.image")),
        both("container.port", |data| of_container(data, "container.port")),
        both("container.env", |data| of_container(data, "container.env")),
        both("container.command", |data| of_container(data, "container.command")),
        both("launch.detailedMonitoring", |data| Some(data.detailed_monitoring.to_string())),
        both("launch.rootVolumeSize", |data| data.root_volume.as_ref().map(|root| format!("{} GiB", root.size))),
        both("launch.blockDevices", |data| {
            let all: Vec<_> = data.volumes.iter().map(ToString::to_string).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }),
        both("launch.metadataOptions", |data| Some(data.metadata.to_string())),
        both("launch.tenancy", |data| data.tenancy.clone()),
        both("launch.ebsOptimized", |data| data.ebs_optimized.map(|optimized| optimized.to_string())),
        both("launch.cpuCredits", |data| data.cpu_credits.clone()),
    ]
}

/// What can be told of a container.
fn of_container(data: &LaunchData, field: &str) -> Option<String> {
    data.container.as_ref()?.summary().get(field).cloned()
}

fn several(data: &LaunchData) -> Option<String> {
    let types = &data.mixed.as_ref()?.instance_types;
    (types.len() > 1).then(|| types.join(", "))
}

fn image_before(draft: &Draft<'_>, serving: &Group) -> String {
    let image = draft.observed.images.get(&serving.owner.image).and_then(|read| read.known()?.as_ref());
    described(&serving.owner.image, serving.owner.release.clone(), image)
}

/// `ami-0222 (1.9.0, 3f2c1ab, built 2026-11-02) from search hello-*`.
fn image_after(wanted: &Wanted<'_>) -> String {
    let image = described(wanted.image_id().unwrap_or_default(), wanted.release(), wanted.image);
    let origin = wanted.origin().map(|origin| format!(" from {origin}")).unwrap_or_default();
    format!("{image}{origin}")
}

/// An image that says nothing of its version or commit is called by its name.
fn described(id: &str, mut said: BTreeMap<String, String>, image: Option<&Image>) -> String {
    if let (false, Some(image)) = (said.contains_key("version") || said.contains_key("commit"), image) {
        said.insert("version".to_owned(), image.name.clone());
    }
    release::image(id, &said)
}
