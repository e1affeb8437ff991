//! What an instance is born with, from the manifest and the image.

use crate::manifest::spec::{AppSpec, EnvironmentSpec};
use crate::model::launch::{LaunchData, RootVolume, Secret};
use crate::model::observed::Image;

/// What an instance of the app is born with.
pub(super) fn data(spec: &AppSpec, environment: &EnvironmentSpec, image: Option<&Image>) -> LaunchData {
    let mut security_group_ids =
        spec.launch.security_group_ids.clone().unwrap_or_else(|| environment.security_group_ids.clone());
    security_group_ids.sort();
    security_group_ids.dedup();
    LaunchData {
        image_id: spec.image.id.clone(),
        instance_type: spec.instance_type.clone(),
        iam_instance_profile: spec.launch.iam_instance_profile.clone(),
        key_name: spec.launch.key_name.clone(),
        security_group_ids,
        user_data: spec.launch.user_data.as_deref().map(Secret::new),
        detailed_monitoring: spec.launch.detailed_monitoring,
        root_volume: root_volume(spec, image),
    }
}

fn root_volume(spec: &AppSpec, image: Option<&Image>) -> Option<RootVolume> {
    let size = spec.launch.root_volume_size?;
    // Of an image that is gone nobody knows the device; nothing is launched from it either.
    let device = image.and_then(|image| image.root_device.clone()).unwrap_or_else(|| "unknown".to_owned());
    Some(RootVolume { device, size })
}
